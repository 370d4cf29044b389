/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Platforms by name, and which of an index's manifests suits a machine. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "oci/image_spec.h"

void mb_oci_host_architecture(const char **ret_architecture, const char **ret_variant)
{
	*ret_variant = NULL;
#if defined(__x86_64__)
	*ret_architecture = "amd64";
#elif defined(__aarch64__)
	*ret_architecture = "arm64";
#elif defined(__arm__)
	*ret_architecture = "arm";
	*ret_variant = "v7";
#elif defined(__i386__)
	*ret_architecture = "386";
#elif defined(__riscv)
	*ret_architecture = "riscv64";
#elif defined(__powerpc64__)
	*ret_architecture = "ppc64le";
#elif defined(__s390x__)
	*ret_architecture = "s390x";
#elif defined(__loongarch64)
	*ret_architecture = "loong64";
#else
#error "give Go's name of this architecture"
#endif
}

/* --- names ----------------------------------------------------------------------------------- */

static const char *usual_architecture(const char *name)
{
	static const char *const same[][2] = {
		{"x86_64", "amd64"}, {"x86-64", "amd64"}, {"aarch64", "arm64"},
		{"i386", "386"},     {"i686", "386"},     {"armhf", "arm"},
	};

	for (size_t i = 0; i < MB_N(same); i++)
		if (strcmp(name, same[i][0]) == 0)
			return same[i][1];
	return name;
}

/* What goes without saying is not said, but for arm's. */
static const char *usual_variant(const char *architecture, const char *variant)
{
	bool is_none = !variant || !*variant;

	if (strcmp(architecture, "arm") == 0)
		return is_none || strcmp(variant, "7") == 0 ? "v7" : variant;
	if (is_none || (strcmp(architecture, "amd64") == 0 && strcmp(variant, "v1") == 0) ||
	    (strcmp(architecture, "arm64") == 0 &&
	     (strcmp(variant, "v8") == 0 || strcmp(variant, "8") == 0)))
		return NULL;
	return variant;
}

static char *format(const char *architecture, const char *variant)
{
	architecture = usual_architecture(architecture);
	variant = usual_variant(architecture, variant);
	return mb_asprintf("linux/%s%s%s", architecture, variant ? "/" : "",
	                   variant ? variant : "");
}

char *mb_oci_host_platform(void)
{
	const char *architecture, *variant;

	mb_oci_host_architecture(&architecture, &variant);
	return format(architecture, variant);
}

static bool part_is_valid(const char *s)
{
	if (!isalnum((unsigned char)*s) || strlen(s) > 32)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("-_.", *s))
			return false;
	return true;
}

int mb_oci_platform_parse(const char *text, char **ret, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;
	MB_AUTO_FREE char *lower = mb_strdup(text);
	bool is_valid = true;
	size_t first;

	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (strchr(text, ','))
		return mb_fail(
			err, EOPNOTSUPP,
			"platforms '%.200s': an image here is of one platform, and a list of "
			"several is made by manifest create",
			text);
	if (strcmp(lower, "local") == 0 || strcmp(lower, "linux") == 0) {
		*ret = mb_oci_host_platform();
		return 0;
	}
	mb_strv_split(&parts, lower, '/');
	MB_STRV_FOREACH (part, &parts)
		is_valid = is_valid && part_is_valid(part);
	first = parts.n > 1;
	if (!is_valid || parts.n == 0 || parts.n > 3)
		return mb_fail(err, EINVAL,
		               "invalid platform '%.100s': linux/ARCHITECTURE[/VARIANT]", text);
	if (parts.n > 1 && strcmp(parts.v[0], "linux") != 0)
		return mb_fail(err, EOPNOTSUPP, "invalid platform '%.100s': only linux", text);
	*ret = format(parts.v[first], parts.n > 2 ? parts.v[2] : NULL);
	return 0;
}

bool mb_oci_platform_suits(const char *platform, const char *os, const char *architecture,
                           const char *variant)
{
	MB_AUTO_FREE char *said = NULL;
	size_t n;

	if (os && *os && strcmp(os, "linux") != 0)
		return false;
	if (!architecture || !*architecture)
		return true;
	said = format(architecture, variant);
	/* An image for arm that does not say for which is for the one that is meant. */
	n = variant && *variant ? 0 : strcspn(platform + strlen("linux/"), "/");
	return strcmp(said, platform) == 0 ||
	       (n && strlen(usual_architecture(architecture)) == n &&
	        strncmp(usual_architecture(architecture), platform + strlen("linux/"), n) == 0);
}

/* --- of an index ------------------------------------------------------------------------------ */

/* "v7" is 7.  What has no variant is the oldest that the architecture name stands for. */
static uint32_t variant_number(const char *architecture, const char *variant)
{
	uint32_t n;

	if (variant && *variant == 'v' && mb_parse_u32(variant + 1, &n) == 0)
		return n;
	if (strcmp(architecture, "arm64") == 0)
		return 8;
	if (strcmp(architecture, "arm") == 0)
		return 7;
	return 1;
}

static bool is_attestation(const struct mb_oci_descriptor *d)
{
	const char *type = mb_kv_find(&d->annotations, "vnd.docker.reference.type");

	return (type && strcmp(type, "attestation-manifest") == 0) ||
	       mb_streq(d->platform.os, "unknown");
}

/* 0: does not suit; else the higher the better.  A machine runs what older ones of its
 * architecture ran; an entry that tells no platform is the last resort. */
static uint32_t score(const struct mb_oci_descriptor *d, const char *os, const char *architecture,
                      const char *variant)
{
	const struct mb_oci_platform *p = &d->platform;
	uint32_t have, want;

	if (is_attestation(d))
		return 0;
	if (!p->os && !p->architecture)
		return 1;
	if (!mb_streq(p->os, os) || !mb_streq(p->architecture, architecture))
		return 0;
	have = variant_number(architecture, p->variant);
	want = variant_number(architecture, variant);
	if (have > want || have > 1000)
		return 0;
	return 2 + have;
}

const struct mb_oci_descriptor *mb_oci_index_find(const struct mb_oci_index *index, const char *os,
                                                  const char *architecture, const char *variant)
{
	const struct mb_oci_descriptor *best = NULL;
	uint32_t best_score = 0;

	for (size_t i = 0; i < index->n_manifests; i++) {
		uint32_t s = score(&index->manifests[i], os, architecture, variant);

		if (s > best_score) {
			best = &index->manifests[i];
			best_score = s;
		}
	}
	return best;
}
