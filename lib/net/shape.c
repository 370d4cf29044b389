/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rate holds for both directions: the container's own end of the pair sends no faster, and the
 * host's end, which sends to it, neither.  Delay and loss are those of what the container sends, as
 * if its line were bad: the other direction would count twice in every round trip. */
#include "net/shape.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "nl/qdisc.h"
#include "nl/route.h"

enum {
	LO_INDEX = 1,
	HEADER = 64,       /* of a frame, and some more */
	BURST_MIN = 16384, /* bytes */
	BURST_PER_SEC = 250,
	WAIT_PER_SEC = 20,   /* a packet that would wait longer than 1/20 s is dropped */
	NETEM_LIMIT = 10000, /* packets */
	BITS = 8,
	PERCENT = 100,
};
#define RATE_MAX  (1000000000000ull / BITS) /* 1 tbit */
#define DELAY_MAX (3600ll * 1000000000)

/* ---- text ----------------------------------------------------------------------------- */

/* "12.5" to 12500000 and the rest of the text; at most six digits behind the point. */
static int parse_millionths(const char *s, uint64_t *ret, const char **ret_rest)
{
	uint64_t v = 0, unit = 1000000;
	const char *p = s;

	for (; *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (uint64_t)(*p - '0') * unit;
		if (v > UINT64_MAX / 16)
			return -ERANGE;
	}
	if (p == s)
		return -EINVAL;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++) {
			unit /= 10;
			if (!unit)
				return -EINVAL;
			v += (uint64_t)(*p - '0') * unit;
		}
	*ret = v;
	*ret_rest = p;
	return 0;
}

static int parse_rate(const char *text, uint64_t *ret)
{
	static const struct {
		const char *name;
		uint64_t bits;
	} units[] = {{"", 1},        {"bit", 1},        {"k", 1000},       {"kbit", 1000},
	             {"m", 1000000}, {"mbit", 1000000}, {"g", 1000000000}, {"gbit", 1000000000}};
	const char *unit;
	uint64_t v;

	if (parse_millionths(text, &v, &unit) < 0)
		return -EINVAL;
	for (size_t i = 0; i < MB_N(units); i++) {
		if (strcasecmp(unit, units[i].name) != 0)
			continue;
		if (v > RATE_MAX * BITS * 1000000 / units[i].bits)
			return -ERANGE;
		*ret = units[i].bits == 1 ? v / 1000000 / BITS
		                          : v * (units[i].bits / 1000) / 1000 / BITS;
		return *ret ? 0 : -ERANGE;
	}
	return -EINVAL;
}

static int parse_rate_burst(const char *text, struct mb_net_shape *s, struct mb_err *err)
{
	const char *colon = strchr(text, ':');
	MB_AUTO_FREE char *rate = mb_strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	int64_t burst = 0;

	if (parse_rate(rate, &s->rate) < 0)
		return mb_fail(err, EINVAL,
		               "invalid rate '%s' of --net-rate: a number of bits a second with "
		               "kbit, mbit or gbit, 8bit to 1000gbit",
		               rate);
	if (colon && (mb_parse_size(colon + 1, &burst) < 0 || burst < 1 || burst > INT32_MAX))
		return mb_fail(err, EINVAL, "invalid burst '%s' of --net-rate", colon + 1);
	s->burst = (uint32_t)burst;
	return 0;
}

static int parse_delay(const char *text, struct mb_net_shape *s, struct mb_err *err)
{
	const char *comma = strchr(text, ',');
	MB_AUTO_FREE char *delay = mb_strndup(text, comma ? (size_t)(comma - text) : strlen(text));

	if (mb_parse_duration(delay, &s->delay) < 0 || s->delay < 0 || s->delay > DELAY_MAX)
		return mb_fail(err, EINVAL, "invalid time '%s' of --net-delay", delay);
	if (comma &&
	    (mb_parse_duration(comma + 1, &s->jitter) < 0 || s->jitter < 0 || s->jitter > s->delay))
		return mb_fail(err, EINVAL,
		               "invalid jitter '%s' of --net-delay: it is at most the delay",
		               comma + 1);
	return 0;
}

static int parse_loss(const char *text, uint32_t *ret)
{
	const uint64_t all = (uint64_t)PERCENT * 1000000;
	const char *rest;
	uint64_t v;

	if (parse_millionths(text, &v, &rest) < 0 || (*rest && !mb_streq(rest, "%")) || v > all)
		return -EINVAL;
	*ret = (uint32_t)(v * UINT32_MAX / all);
	return 0;
}

int mb_net_shape_parse(const char *rate, const char *delay, const char *loss,
                       struct mb_net_shape *ret, struct mb_err *err)
{
	struct mb_net_shape s = {0};
	int r = 0;

	if (rate)
		r = parse_rate_burst(rate, &s, err);
	if (r == 0 && delay)
		r = parse_delay(delay, &s, err);
	if (r == 0 && loss && parse_loss(loss, &s.loss) < 0)
		r = mb_fail(err, EINVAL, "invalid percentage '%s' of --net-loss", loss);
	if (r == 0)
		*ret = s;
	return r;
}

/* ---- the kernel ----------------------------------------------------------------------- */

static bool is_bad(const struct mb_net_shape *s)
{
	return s->delay || s->loss;
}

static int probe(struct mb_nl *nl, const char *kind, const char *option, struct mb_err *err)
{
	int r = mb_nl_qdisc_probe(nl, LO_INDEX, kind, err);

	if (r == MB_NL_ABSENT)
		return mb_fail(err, EOPNOTSUPP,
		               "%s is not possible here: this kernel has no '%s' queueing "
		               "discipline (sch_%s)",
		               option, kind, kind);
	return r;
}

int mb_net_shape_check(const struct mb_net_shape *s, struct mb_err *err)
{
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	int r = s->rate || is_bad(s) ? mb_nl_open(&nl, NETLINK_ROUTE, err) : 0;

	if (!r && s->rate)
		r = probe(&nl, "tbf", "--net-rate", err);
	if (!r && is_bad(s))
		r = probe(&nl, "netem", s->delay ? "--net-delay" : "--net-loss", err);
	return r;
}

static void put_rate(struct mb_nl_batch *b, const struct mb_net_shape *s,
                     const struct mb_nl_qdisc *q, uint32_t mtu)
{
	const uint32_t packet = (mtu ? mtu : 1500) + HEADER;
	uint64_t burst = s->burst, limit;
	struct mb_nl_tbf t = {.rate = s->rate};

	if (!burst) {
		burst = s->rate / BURST_PER_SEC;
		burst = burst < BURST_MIN ? BURST_MIN : burst;
	}
	burst = burst < packet ? packet : burst > INT32_MAX ? INT32_MAX : burst;
	limit = burst + s->rate / WAIT_PER_SEC;
	t.burst = (uint32_t)burst;
	t.limit = limit > INT32_MAX ? INT32_MAX : (uint32_t)limit;
	mb_nl_tbf_add(b, q, &t);
}

void mb_net_shape_put(struct mb_nl_batch *b, const struct mb_net_shape *s, int index, uint32_t mtu,
                      bool outgoing)
{
	const struct mb_nl_netem bad = {.delay_nsec = s->delay,
	                                .jitter_nsec = s->jitter,
	                                .loss = s->loss,
	                                .limit = NETEM_LIMIT};
	struct mb_nl_qdisc q = {.index = index, .handle = 1};

	if (outgoing && is_bad(s)) {
		mb_nl_netem_add(b, &q, &bad);
		q.parent = q.handle++;
	}
	if (s->rate)
		put_rate(b, s, &q, mtu);
}
