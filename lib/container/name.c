/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <stdio.h>

#include "container/container.h"
#include "core/id.h"

static const char *const adjectives[] = {
	"able",  "agile",   "amber",  "ample",  "apt",     "bold",    "brave",  "bright", "brisk",
	"calm",  "candid",  "clear",  "clever", "crisp",   "curious", "daring", "deft",   "eager",
	"early", "earnest", "fair",   "fleet",  "fluent",  "fond",    "frank",  "fresh",  "gentle",
	"glad",  "golden",  "grand",  "hardy",  "hearty",  "honest",  "humble", "ideal",  "jolly",
	"keen",  "kind",    "lively", "loyal",  "lucid",   "mellow",  "merry",  "mild",   "modest",
	"neat",  "nimble",  "noble",  "open",   "patient", "placid",  "plain",  "polite", "prompt",
	"proud", "quick",   "quiet",  "ready",  "sane",    "serene",  "sharp",  "silver", "sincere",
	"smart", "solid",   "sound",  "spry",   "steady",  "sturdy",  "subtle", "sunny",  "swift",
	"tidy",  "trusty",  "upbeat", "vivid",  "warm",    "witty",   "wise",   "zesty",
};
static const char *const surnames[] = {
	"abel",       "allen",   "ampere",   "babbage",      "bohr",     "boole",     "brahe",
	"cantor",     "carson",  "cerf",     "chandra",      "church",   "codd",      "conway",
	"curie",      "darwin",  "dijkstra", "dirac",        "einstein", "engelbart", "erdos",
	"euclid",     "euler",   "faraday",  "fermat",       "fermi",    "feynman",   "franklin",
	"galileo",    "galois",  "gauss",    "germain",      "godel",    "goodall",   "gray",
	"hamilton",   "hawking", "hertz",    "hilbert",      "hoare",    "hooke",     "hopper",
	"hubble",     "huygens", "hypatia",  "jepsen",       "johnson",  "kalman",    "kepler",
	"kernighan",  "khorana", "knuth",    "kovalevskaya", "lamport",  "lamarr",    "laplace",
	"leibniz",    "liskov",  "lovelace", "maxwell",      "mccarthy", "meitner",   "mendel",
	"mirzakhani", "morse",   "napier",   "nash",         "newton",   "noether",   "pascal",
	"pasteur",    "pauling", "perlman",  "planck",       "poincare", "ptolemy",   "raman",
	"ritchie",    "rubin",   "sagan",    "shannon",      "tesla",    "thompson",  "turing",
	"volta",      "wiles",   "wing",     "wozniak",      "wu",       "yonath",
};

void mb_container_name_make(unsigned attempt, char name[64])
{
	uint32_t random[3];

	mb_random(random, sizeof(random));
	snprintf(name, 64, "%s_%s", adjectives[random[0] % MB_N(adjectives)],
	         surnames[random[1] % MB_N(surnames)]);
	if (attempt) {
		size_t n = 0;

		while (name[n])
			n++;
		snprintf(name + n, 64 - n, "%u", random[2] % (attempt > 3 ? 100000 : 10));
	}
}
