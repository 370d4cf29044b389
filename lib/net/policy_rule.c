/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/policy_rule.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/strv.h"
#include "net/net.h"

/* More ports than these in one rule are more elements than is reasonable: leave the port away. */
enum { TEXT_MAX = 1024, PORTS_MAX = 1024, DNS_MAX = 253, LABEL_MAX = 63 };

/* ---- sides ---------------------------------------------------------------------------- */

static const struct {
	const char *word;
	enum mb_net_side side;
} words[] = {
	{"any", MB_NET_SIDE_ANY}, {"host", MB_NET_SIDE_HOST}, {"outside", MB_NET_SIDE_OUTSIDE}};

static const char *word_of(enum mb_net_side side)
{
	for (size_t i = 0; i < MB_N(words); i++)
		if (words[i].side == side)
			return words[i].word;
	return NULL;
}

/* Texts go into documents, lists and digests: nothing that could be mistaken there. */
static bool is_plain(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == ',')
			return false;
	return *text != '\0' && strlen(text) <= TEXT_MAX;
}

/* As containers may be called; aliases and ids are such names too. */
static bool is_name(const char *text)
{
	return mb_name_is_valid(text) || (text[0] && !text[1] && text[0] != '.');
}

static int parse_label(const char *text, struct mb_net_selector *s, struct mb_err *err)
{
	const char *equals = strchr(text, '=');

	if (!*text || equals == text)
		return mb_fail(err, EINVAL, "a label needs a key: label=KEY or label=KEY=VALUE");
	s->side = MB_NET_SIDE_LABEL;
	s->name = equals ? mb_strndup(text, (size_t)(equals - text)) : mb_strdup(text);
	s->value = equals ? mb_strdup(equals + 1) : NULL;
	return 0;
}

static int parse_dns(const char *text, struct mb_net_selector *s, struct mb_err *err)
{
	const char *rest = mb_skip_prefix(text, "*.");
	size_t label = 0;

	s->side = MB_NET_SIDE_DNS;
	s->name = mb_strdup(text);
	for (char *p = s->name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	for (const char *p = rest ? rest : text; *p; p++) {
		bool good = *p == '.' ? label > 0
		                      : isalnum((unsigned char)*p) || *p == '-' || *p == '_';

		label = *p == '.' ? 0 : label + 1;
		if (!good || label > LABEL_MAX)
			break;
		if (!p[1] && label && strlen(text) <= DNS_MAX)
			return 0;
	}
	return mb_fail(err, EINVAL, "'%.64s' is no name of the world: it is NAME or *.NAME", text);
}

int mb_net_selector_parse(const char *text, struct mb_net_selector *ret, struct mb_err *err)
{
	struct mb_net_selector s = {0};
	const char *rest;
	int r = 0;

	if (!is_plain(text))
		return mb_fail(err, EINVAL, "'%.64s' names no side of a connection", text);
	for (size_t i = 0; i < MB_N(words); i++)
		if (mb_streq(text, words[i].word)) {
			*ret = (struct mb_net_selector){.side = words[i].side};
			return 0;
		}
	rest = mb_skip_prefix(text, "label=");
	if (rest) {
		r = parse_label(rest, &s, err);
	} else if ((rest = mb_skip_prefix(text, "dns="))) {
		r = parse_dns(rest, &s, err);
	} else if (mb_net_prefix_parse(text, &s.prefix) == 0) {
		s.side = MB_NET_SIDE_PREFIX;
	} else {
		rest = mb_skip_prefix(text, "name=");
		s.side = MB_NET_SIDE_NAME;
		if (!is_name(rest ? rest : text))
			r = mb_fail(err, EINVAL,
			            "'%.64s' is no container's name, label=, dns=, address, "
			            "any, host or outside",
			            text);
		else
			s.name = mb_strdup(rest ? rest : text);
	}
	if (r) {
		mb_net_selector_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void mb_net_selector_done(struct mb_net_selector *s)
{
	free(s->name);
	free(s->value);
	*s = (struct mb_net_selector){0};
}

char *mb_net_selector_format(const struct mb_net_selector *s)
{
	struct mb_net_selector again = {0};
	char buf[MB_NET_ADDR_TEXT];
	bool bare;

	switch (s->side) {
	case MB_NET_SIDE_PREFIX:
		if (mb_net_prefix_host_bits(&s->prefix) == 0)
			return mb_strdup(mb_net_addr_format(&s->prefix.addr, buf));
		return mb_strdup(mb_net_prefix_format(&s->prefix, buf));
	case MB_NET_SIDE_LABEL:
		return mb_asprintf("label=%s%s%s", s->name, s->value ? "=" : "",
		                   s->value ? s->value : "");
	case MB_NET_SIDE_NAME:
		bare = mb_net_selector_parse(s->name, &again, NULL) == 0 &&
		       again.side == MB_NET_SIDE_NAME;
		mb_net_selector_done(&again);
		return mb_asprintf("%s%s", bare ? "" : "name=", s->name);
	case MB_NET_SIDE_DNS:
		return mb_asprintf("dns=%s", s->name);
	case MB_NET_SIDE_ANY:
	case MB_NET_SIDE_HOST:
	case MB_NET_SIDE_OUTSIDE:
		break;
	}
	return mb_strdup(word_of(s->side));
}

static bool has_name(const struct mb_strv *names, const char *name)
{
	for (size_t i = 0; names && i < names->n; i++)
		if (strcasecmp(names->v[i], name) == 0)
			return true;
	return false;
}

/* "*.example.org" has every name below, and what has fewer of them. */
static bool has_dns(const char *pattern, const char *name)
{
	size_t n = strlen(name), tail = strlen(pattern) - 1;

	if (*pattern != '*')
		return mb_streq(pattern, name);
	return n > tail && mb_streq(name + n - tail, pattern + 1);
}

bool mb_net_selector_matches(const struct mb_net_selector *s, const struct mb_net_subject *who)
{
	const char *value;

	switch (s->side) {
	case MB_NET_SIDE_ANY:
		return true;
	case MB_NET_SIDE_HOST:
		return who->is_host;
	case MB_NET_SIDE_OUTSIDE:
		return !who->is_host && !who->is_member;
	case MB_NET_SIDE_PREFIX:
		return !who->is_host && who->addr && mb_net_prefix_has(&s->prefix, who->addr);
	case MB_NET_SIDE_NAME:
		return who->is_member && has_name(who->names, s->name);
	case MB_NET_SIDE_LABEL:
		value = who->is_member && who->labels ? mb_kv_find(who->labels, s->name) : NULL;
		return value && (!s->value || mb_streq(value, s->value));
	case MB_NET_SIDE_DNS:
		return who->dns && has_dns(s->name, who->dns);
	}
	return false;
}

/* ---- ports ---------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint32_t proto;
	bool has_ports;
} protos[] = {
	{"tcp", IPPROTO_TCP, true},
	{"udp", IPPROTO_UDP, true},
	{"sctp", IPPROTO_SCTP, true},
	{"icmp", IPPROTO_ICMP, false},
};

static bool find_proto(const char *name, uint32_t *ret, bool *ret_has_ports)
{
	for (size_t i = 0; i < MB_N(protos); i++) {
		if (strcasecmp(name, protos[i].name) != 0)
			continue;
		*ret = protos[i].proto;
		*ret_has_ports = protos[i].has_ports;
		return true;
	}
	return false;
}

static int parse_number(const char *text, uint32_t *ret, struct mb_err *err)
{
	if (mb_parse_u32(text, ret) < 0 || *ret == 0 || *ret > UINT16_MAX)
		return mb_fail(err, EINVAL, "invalid port '%.64s': it is a number from 1 to 65535",
		               text);
	return 0;
}

int mb_net_rule_port_parse(const char *text, struct mb_net_rule *rule, struct mb_err *err)
{
	MB_AUTO_FREE char *copy = mb_strdup(text);
	char *slash = strchr(copy, '/'), *dash;
	uint32_t proto = 0, lo = 0, hi = 0;
	bool has_ports = true;
	int r;

	if (!*text || mb_streq(text, "any") || find_proto(text, &proto, &has_ports)) {
		rule->proto = proto;
		rule->port_lo = rule->port_hi = 0;
		return 0;
	}
	proto = IPPROTO_TCP;
	if (slash)
		*slash++ = '\0';
	if (slash && !find_proto(slash, &proto, &has_ports))
		return mb_fail(err, EINVAL,
		               "invalid protocol '%.64s': it is tcp, udp, sctp or icmp", slash);
	if (!has_ports)
		return mb_fail(err, EINVAL, "protocol '%s' has no ports", slash);
	dash = strchr(copy, '-');
	if (dash)
		*dash++ = '\0';
	r = parse_number(copy, &lo, err);
	hi = lo;
	if (!r && dash)
		r = parse_number(dash, &hi, err);
	if (!r && (hi < lo || hi - lo >= PORTS_MAX))
		r = mb_fail(err, EINVAL, "invalid range '%.64s': it has 1 to %d ports", text,
		            PORTS_MAX);
	if (r)
		return r;
	rule->proto = proto;
	rule->port_lo = lo;
	rule->port_hi = hi;
	return 0;
}

void mb_net_rule_port_format(const struct mb_net_rule *rule, struct mb_str *out)
{
	const char *name = "any";

	for (size_t i = 0; i < MB_N(protos); i++)
		if (protos[i].proto == rule->proto)
			name = protos[i].name;
	if (rule->port_lo && rule->port_hi != rule->port_lo)
		mb_str_addf(out, "%u-%u/", rule->port_lo, rule->port_hi);
	else if (rule->port_lo)
		mb_str_addf(out, "%u/", rule->port_lo);
	mb_str_add(out, name);
}

bool mb_net_rule_has_port(const struct mb_net_rule *rule, uint32_t proto, uint32_t port)
{
	if (proto == IPPROTO_ICMPV6)
		proto = IPPROTO_ICMP;
	if (rule->proto && rule->proto != proto)
		return false;
	return !rule->port_lo || (port >= rule->port_lo && port <= rule->port_hi);
}

/* ---- the whole ------------------------------------------------------------------------ */

/* Cut the next part of "a:[b:c]:d" off.  Return: it, or NULL where brackets do not match. */
static char *next_part(char **at)
{
	char *part = *at, *end;

	if (*part == '[') {
		end = strchr(++part, ']');
		if (!end || (end[1] && end[1] != ':'))
			return NULL;
		*end++ = '\0';
	} else {
		end = part + strcspn(part, ":");
	}
	*at = *end ? end + 1 : NULL;
	*end = '\0';
	return part;
}

int mb_net_rule_parse(const char *text, struct mb_net_rule *rule, struct mb_err *err)
{
	MB_AUTO_FREE char *copy = mb_strdup(text);
	const char *parts[3] = {0};
	char *at = copy;
	size_t n = 0;
	int r;

	while (at && n < MB_N(parts)) {
		parts[n] = next_part(&at);
		if (!parts[n++])
			break;
	}
	if (at || n < 2 || !parts[n - 1] || !*parts[0] || !*parts[1])
		return mb_fail(err, EINVAL, "invalid rule '%.128s': it is FROM:TO[:PORT[/PROTO]]",
		               text);
	r = mb_net_rule_port_parse(n == 3 ? parts[2] : "", rule, err);
	if (r)
		return r;
	mb_strset(&rule->from, parts[0]);
	mb_strset(&rule->to, parts[1]);
	return mb_net_rule_check(rule, err);
}

static int make_canonical(char **text, struct mb_err *err)
{
	struct mb_net_selector s = {0};
	int r = mb_net_selector_parse(*text && **text ? *text : "any", &s, err);

	if (r)
		return r;
	free(*text);
	*text = mb_net_selector_format(&s);
	mb_net_selector_done(&s);
	return 0;
}

static bool is_known_proto(uint32_t proto)
{
	for (size_t i = 0; i < MB_N(protos); i++)
		if (protos[i].proto == proto)
			return true;
	return proto == 0;
}

int mb_net_rule_check(struct mb_net_rule *rule, struct mb_err *err)
{
	int r = make_canonical(&rule->from, err);

	if (!r)
		r = make_canonical(&rule->to, err);
	if (r)
		return r;
	if (mb_streq(rule->from, "host"))
		return mb_fail(err, EINVAL,
		               "what the host itself opens always passes: no rule "
		               "can begin at 'host'");
	if (mb_starts_with(rule->from, "dns="))
		return mb_fail(err, EINVAL, "'%s' can only be what a connection leads to",
		               rule->from);
	if (mb_starts_with(rule->to, "dns=") && rule->deny)
		return mb_fail(err, EINVAL,
		               "a rule with '%s' can only allow: what is there has other names too",
		               rule->to);
	if (!is_known_proto(rule->proto) || rule->port_hi > UINT16_MAX ||
	    rule->port_lo > rule->port_hi || rule->port_hi - rule->port_lo >= PORTS_MAX ||
	    (rule->port_lo && (!rule->proto || rule->proto == IPPROTO_ICMP)))
		return mb_fail(err, EINVAL, "a rule with a port that is none");
	return 0;
}
