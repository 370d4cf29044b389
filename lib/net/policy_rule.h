/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/policy_rule.h — a rule of a network's policy: its text, and what it matches. */
#ifndef MB_NET_POLICY_RULE_H
#define MB_NET_POLICY_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"

struct mb_err;
struct mb_kv;
struct mb_net_rule; /* net.h */
struct mb_str;
struct mb_strv;

/* One side of a connection, as a rule names it. */
enum mb_net_side {
	MB_NET_SIDE_ANY,
	MB_NET_SIDE_HOST,    /* the machine itself */
	MB_NET_SIDE_OUTSIDE, /* neither it nor a container of the network */
	MB_NET_SIDE_PREFIX,
	MB_NET_SIDE_NAME,
	MB_NET_SIDE_LABEL,
	MB_NET_SIDE_DNS, /* outside, at an address that the resolver gave for this name */
};
struct mb_net_selector {
	enum mb_net_side side;
	struct mb_net_prefix prefix;
	char *name;  /* of a container, the key of a label, "example.org", "*.example.org"; owned */
	char *value; /* of the label; NULL: any; owned */
};
/* "any", "host", "outside", an address, "10.0.0.0/8", "label=KEY", "label=KEY=VALUE", "dns=NAME",
 * "dns=*.NAME", the name of a container, "name=NAME" where the name is one of these words.  Return:
 * 0 or -EINVAL, told. */
int mb_net_selector_parse(const char *text, struct mb_net_selector *ret, struct mb_err *err);
void mb_net_selector_done(struct mb_net_selector *s);
/* The shortest text that means the same; owned by the caller. */
char *mb_net_selector_format(const struct mb_net_selector *s);

/* Who is matched. */
struct mb_net_subject {
	bool is_member, is_host;        /* neither: outside */
	const struct mb_net_addr *addr; /* NULL: none is known; of the host none counts */
	const struct mb_strv *names;    /* NULL or those of the member */
	const struct mb_kv *labels;     /* NULL or those of the member */
	const char *dns;                /* NULL or the name, or "*.NAME", that led here */
};
bool mb_net_selector_matches(const struct mb_net_selector *s, const struct mb_net_subject *who);

/* "80", "80/udp", "8000-8010", "udp", "icmp", ""; a port without protocol is tcp's.  Fills in
 * @rule->proto, port_lo and port_hi; 0 is any.  Return: 0 or -EINVAL, told. */
int mb_net_rule_port_parse(const char *text, struct mb_net_rule *rule, struct mb_err *err);
/* The same as text: "80/tcp", "udp", "any"; appended. */
void mb_net_rule_port_format(const struct mb_net_rule *rule, struct mb_str *out);
/* The whole of it in one word, from:to[:port[/proto]], with "[...]" around IPv6 addresses.  Fills
 * in all but id and deny; strings are owned by @rule.  Return: 0 or -EINVAL, told. */
int mb_net_rule_parse(const char *text, struct mb_net_rule *rule, struct mb_err *err);
/* Check and put into canonical form.  Return: 0 or -EINVAL, told. */
int mb_net_rule_check(struct mb_net_rule *rule, struct mb_err *err);
/* Whether it speaks of this protocol (IPPROTO_*) and port; 0 asks for any. */
bool mb_net_rule_has_port(const struct mb_net_rule *rule, uint32_t proto, uint32_t port);

#endif
