/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/port_spec.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/strv.h"
#include "net/addr.h"

static const struct {
	const char *name;
	uint8_t proto;
} protos[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"sctp", IPPROTO_SCTP}};

const char *mb_net_proto_name(uint32_t proto)
{
	for (size_t i = 0; i < MB_N(protos); i++)
		if (protos[i].proto == proto)
			return protos[i].name;
	return "unknown";
}

void mb_net_port_spec_done(struct mb_net_port_spec *spec)
{
	free(spec->host_ip);
	mb_strv_done(&spec->from);
	*spec = (struct mb_net_port_spec){0};
}

static int parse_proto(const char *text, uint8_t *ret, struct mb_err *err)
{
	for (size_t i = 0; i < MB_N(protos); i++)
		if (strcasecmp(text, protos[i].name) == 0) {
			*ret = protos[i].proto;
			return 0;
		}
	return mb_fail(err, EINVAL, "invalid protocol '%s': it is tcp, udp or sctp", text);
}

static int parse_port(const char *text, uint16_t *ret, struct mb_err *err)
{
	uint32_t v;

	if (mb_parse_u32(text, &v) < 0 || v == 0 || v > UINT16_MAX)
		return mb_fail(err, EINVAL, "invalid port '%s': it is a number from 1 to 65535",
		               text);
	*ret = (uint16_t)v;
	return 0;
}

/* "80" or "80-90". */
static int parse_range(const char *text, uint16_t *ret_lo, uint16_t *ret_hi, struct mb_err *err)
{
	MB_AUTO_FREE char *copy = mb_strdup(text);
	char *dash = strchr(copy, '-');
	uint16_t lo, hi;
	int r;

	if (dash)
		*dash++ = '\0';
	r = parse_port(copy, &lo, err);
	if (!r && dash)
		r = parse_port(dash, &hi, err);
	if (r)
		return r;
	if (!dash)
		hi = lo;
	if (hi < lo)
		return mb_fail(err, EINVAL, "invalid range '%s': it ends before it begins", text);
	*ret_lo = lo;
	*ret_hi = hi;
	return 0;
}

static int parse_host_ip(const char *text, char **ret, struct mb_err *err)
{
	char buf[MB_NET_ADDR_TEXT];
	struct mb_net_addr a;

	if (mb_net_addr_parse(text, &a) < 0)
		return mb_fail(err, EINVAL, "invalid IP address '%s'", text);
	mb_strset(ret, mb_net_addr_format(&a, buf));
	return 0;
}

/* A range of host ports that is wider than what it maps to is a choice for a single port only. */
static int check_widths(const struct mb_net_port_spec *s, struct mb_err *err)
{
	int host = s->host_hi - s->host_lo, inside = s->port_hi - s->port_lo;

	if (!s->host_lo || host == inside || inside == 0)
		return 0;
	return mb_fail(err, EINVAL, "the ranges %u-%u and %u-%u are not of the same length",
	               s->host_lo, s->host_hi, s->port_lo, s->port_hi);
}

/* Cut "/proto" off the end of @text. */
static int cut_proto(char *text, uint8_t *ret, struct mb_err *err)
{
	char *slash = strchr(text, '/');

	*ret = IPPROTO_TCP;
	if (!slash)
		return 0;
	*slash = '\0';
	return parse_proto(slash + 1, ret, err);
}

/* Cut the address off the front: "[v6]:", or what stands before the last but one colon.  The rest
 * is "host:port" or "port". */
static int cut_host_ip(char *text, char **ret_rest, char **ret_ip, struct mb_err *err)
{
	char *last = strrchr(text, ':'), *before;

	*ret_rest = text;
	if (text[0] == '[') {
		char *end = strchr(text, ']');

		if (!end || end[1] != ':')
			return mb_fail(err, EINVAL, "the address in brackets does not end");
		*end = '\0';
		*ret_rest = end + 2;
		return parse_host_ip(text + 1, ret_ip, err);
	}
	if (!last)
		return 0;
	*last = '\0';
	before = strrchr(text, ':');
	*last = ':';
	if (!before)
		return 0;
	*before = '\0';
	*ret_rest = before + 1;
	return *text ? parse_host_ip(text, ret_ip, err) : 0;
}

static int parse_short(char *text, struct mb_net_port_spec *s, struct mb_err *err)
{
	char *rest, *colon;
	int r;

	r = cut_proto(text, &s->proto, err);
	if (!r)
		r = cut_host_ip(text, &rest, &s->host_ip, err);
	if (r)
		return r;
	colon = strchr(rest, ':');
	if (colon) {
		*colon = '\0';
		if (*rest)
			r = parse_range(rest, &s->host_lo, &s->host_hi, err);
		rest = colon + 1;
	}
	if (!r && !*rest)
		return mb_fail(err, EINVAL, "no port of the container is given");
	return r ? r : parse_range(rest, &s->port_lo, &s->port_hi, err);
}

static bool is_within(const struct mb_net_prefix *inner, const struct mb_net_prefix *outer)
{
	return outer->bits <= inner->bits && mb_net_prefix_has(outer, &inner->addr);
}

/* Prefixes are apart or one within the other: the firewall takes only such that are apart. */
static int add_from(const char *text, struct mb_strv *from, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv kept = MB_STRV_INIT;
	struct mb_net_prefix p, other;
	char buf[MB_NET_ADDR_TEXT];

	if (mb_net_prefix_parse(text, &p) < 0)
		return mb_fail(err, EINVAL, "invalid addresses '%s': from= takes ADDRESS[/BITS]",
		               text);
	MB_STRV_FOREACH (before, from) {
		if (mb_net_prefix_parse(before, &other) < 0 || is_within(&other, &p))
			continue;
		if (is_within(&p, &other))
			return 0;
		mb_strv_add(&kept, before);
	}
	mb_strv_add(&kept, mb_net_prefix_host_bits(&p) ? mb_net_prefix_format(&p, buf)
	                                               : mb_net_addr_format(&p.addr, buf));
	if (kept.n > MB_NET_FROM_MAX)
		return mb_fail(err, E2BIG, "from= is given more than %d times", MB_NET_FROM_MAX);
	mb_strv_done(from);
	*from = kept;
	kept = MB_STRV_INIT;
	return 0;
}

static int parse_long_field(const char *field, struct mb_net_port_spec *s, struct mb_err *err)
{
	const char *v;

	if ((v = mb_skip_prefix(field, "target=")))
		return parse_range(v, &s->port_lo, &s->port_hi, err);
	if ((v = mb_skip_prefix(field, "published=")))
		return parse_range(v, &s->host_lo, &s->host_hi, err);
	if ((v = mb_skip_prefix(field, "protocol=")))
		return parse_proto(v, &s->proto, err);
	if ((v = mb_skip_prefix(field, "host_ip=")) || (v = mb_skip_prefix(field, "host-ip=")))
		return parse_host_ip(v, &s->host_ip, err);
	if ((v = mb_skip_prefix(field, "from=")))
		return add_from(v, &s->from, err);
	if ((v = mb_skip_prefix(field, "mode="))) {
		if (mb_streq(v, "ingress") || mb_streq(v, "host"))
			return 0;
		return mb_fail(err, EINVAL, "invalid mode '%s'", v);
	}
	return mb_fail(err, EINVAL, "'%s' is not a field that is known", field);
}

/* All in fields, or the short form and who may connect. */
static int parse_fields(const char *text, struct mb_net_port_spec *s, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv fields = MB_STRV_INIT;
	bool is_short;
	int r = 0;

	s->proto = IPPROTO_TCP;
	mb_strv_split(&fields, text, ',');
	is_short = !strchr(fields.v[0], '=');
	if (is_short)
		r = parse_short(fields.v[0], s, err);
	for (size_t i = is_short; !r && is_short && i < fields.n; i++)
		if (!mb_starts_with(fields.v[i], "from="))
			r = mb_fail(err, EINVAL, "'%s' is not a field that is known", fields.v[i]);
	for (size_t i = is_short; !r && i < fields.n; i++)
		r = parse_long_field(fields.v[i], s, err);
	if (!r && !s->port_lo)
		return mb_fail(err, EINVAL, "no target is given");
	return r;
}

int mb_net_port_spec_parse(const char *text, struct mb_net_port_spec *ret, struct mb_err *err)
{
	MB_AUTO_FREE char *copy = mb_strdup(text);
	struct mb_net_port_spec s = {0};
	int r;

	r = strchr(text, '=') ? parse_fields(text, &s, err) : parse_short(copy, &s, err);
	if (!r)
		r = check_widths(&s, err);
	if (r) {
		mb_net_port_spec_done(&s);
		return mb_wrap(err, r, "invalid publish opts '%s'", text);
	}
	*ret = s;
	return 0;
}

int mb_net_expose_parse(const char *text, struct mb_net_port_spec *ret, struct mb_err *err)
{
	MB_AUTO_FREE char *copy = mb_strdup(text);
	struct mb_net_port_spec s = {0};
	int r;

	r = cut_proto(copy, &s.proto, err);
	if (!r)
		r = parse_range(copy, &s.port_lo, &s.port_hi, err);
	if (r)
		return mb_wrap(err, r, "invalid port '%s'", text);
	*ret = s;
	return 0;
}
