/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/firewall.h"
#include "net/handle.h"
#include "net/policy.h"
#include "net/policy_rule.h"
#include "net/walk_priv.h"

/* What policies say of the connection: that of the first container's network, and of the other's
 * where it is another one. */

/* The place of the rule that decides; behind all of them the default is. */
static size_t place_of(const struct mb_net_network *n, const struct mb_net_rule *rule)
{
	return rule ? (size_t)(rule - n->policy.rules) : n->policy.n_rules;
}

/* Names that the network has itself are not learnt: rules know them by their addresses. */
static bool is_own_name(const struct mb_net_network *n, const char *name)
{
	MB_AUTO_FREE char *suffix = mb_asprintf(".%s", n->name), *stem = NULL;

	if (mb_ends_with(name, suffix))
		stem = mb_strndup(name, strlen(name) - strlen(suffix));
	return mb_net_external_find(n, name) || (stem && mb_net_external_find(n, stem));
}

static bool is_by_name(const struct mb_net_way *w)
{
	struct mb_net_addr a;

	return w->kind == MB_NET_WAY_OUTSIDE && mb_net_addr_parse(w->q->to->host, &a) < 0 &&
	       !is_own_name(w->network, w->q->to->host);
}

/* By address; and where a name led to it also by that: what comes first decides. */
static int ask(struct mb_net_way *w, const struct mb_net_network *n, struct mb_net_rule *flow,
               struct mb_net_verdict *ret, struct mb_err *err)
{
	MB_AUTO_FREE char *name = mb_asprintf("dns=%s", w->q->to->host);
	struct mb_net_rule by_name = *flow;
	struct mb_net_verdict v = {0};
	int r = mb_net_policy_test(w->net, n, flow, ret, err);

	if (r || ret->reason || !is_by_name(w))
		return r;
	by_name.to = name;
	/* It may be no name that a rule could have. */
	if (mb_net_policy_test(w->net, n, &by_name, &v, NULL) == 0 &&
	    place_of(n, v.rule) < place_of(n, ret->rule))
		*ret = v;
	return 0;
}

/* Whether a resolver gave the address for a name, which an address alone does not tell. */
static int is_open(struct mb_net_way *w, const struct mb_net_network *n, bool *ret,
                   struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes c = {0};
	enum mb_net_set set = w->dst.family == AF_INET6 ? MB_NET_SET_OPEN6 : MB_NET_SET_OPEN4;
	struct mb_nl_nft_elem *e = mb_net_changes_add(&c, set, false);
	uint32_t group = mb_net_group(n);
	int r;

	memcpy(e->key, &group, sizeof(group));
	memcpy(e->key + sizeof(group), w->dst.b, mb_net_addr_len(&w->dst));
	r = mb_nl_nft_elem_find(&w->net->netfilter, w->net->table, mb_net_set_name(set), e, err);
	*ret = r == 0;
	return r < 0 ? r : 0;
}

static void tell_denied(struct mb_net_way *w, const struct mb_net_network *n,
                        const struct mb_net_rule *flow, const struct mb_net_rule *rule)
{
	MB_AUTO_STR struct mb_str port = MB_STR_INIT, before = MB_STR_INIT, to = MB_STR_INIT;
	MB_AUTO_STR struct mb_str of_rule = MB_STR_INIT;

	mb_net_rule_port_format(flow, &port);
	if (w->kind == MB_NET_WAY_HOST)
		mb_str_add(&to, "host");
	else if (is_by_name(w))
		mb_str_addf(&to, "dns=%s", w->q->to->host);
	else if (w->remote)
		mb_str_add(&to, w->remote->name);
	else
		mb_str_add(&to, w->to.party.name && w->kind == MB_NET_WAY_NEIGHBOUR
		                        ? w->to.party.name
		                        : flow->to);
	if (rule) {
		mb_net_rule_port_format(rule, &of_rule);
		mb_str_addf(&before, "--before %u ", rule->id);
		mb_net_way_fault(w, "policy", "rule %u of network '%s' denies it: from %s to %s %s",
		                 rule->id, n->name, rule->from, rule->to, mb_str_text(&of_rule));
	} else {
		mb_net_way_fault(w, "policy",
		                 "no rule of network '%s' allows it, and its default is deny",
		                 n->name);
	}
	mb_net_way_mend(w, "mybox network policy add %s--from %s --to %s --port %s %s",
	                mb_str_text(&before),
	                mb_streq(n->id, w->from.e->network_id) ? mb_net_way_from(w) : flow->from,
	                mb_str_text(&to), mb_str_text(&port), n->name);
}

static int judge(struct mb_net_way *w, const struct mb_net_network *n, struct mb_err *err)
{
	char from[MB_NET_ADDR_TEXT], to[MB_NET_ADDR_TEXT], host[] = "host";
	uint32_t port = w->kind == MB_NET_WAY_PUBLISHED ? w->inner_port : w->port;
	struct mb_net_rule flow = {.from = from, .to = to, .proto = w->proto, .port_lo = port};
	struct mb_net_verdict v = {0};
	bool open = false;
	int r = 0;

	/* Without a port nothing can be said: rules speak of ports. */
	if (mb_net_policy_is_empty(n) || !port)
		return 0;
	flow.port_hi = port;
	mb_net_addr_format(&w->from.addr, from);
	mb_net_addr_format(w->kind == MB_NET_WAY_OUTSIDE || w->remote ? &w->dst : &w->to.addr, to);
	if (w->kind == MB_NET_WAY_HOST)
		flow.to = host;
	r = ask(w, n, &flow, &v, err);
	if (!r && !v.allowed && w->kind == MB_NET_WAY_OUTSIDE && !is_by_name(w))
		r = is_open(w, n, &open, err);
	if (r || v.reason)
		return r;
	if (!v.allowed && !open) {
		tell_denied(w, n, &flow, v.rule);
		return 0;
	}
	if (v.rule && v.allowed)
		mb_net_way_ok(w, "policy", "rule %u of network '%s' allows it", v.rule->id,
		              n->name);
	else
		mb_net_way_ok(w, "policy", "network '%s' allows it by %s", n->name,
		              open ? "a name that led there" : "default");
	return 0;
}

int mb_net_way_policy(struct mb_net_way *w, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *other = NULL;
	int r = judge(w, w->network, err);

	if (r || !mb_net_walk_is_ok(w->out) || w->kind != MB_NET_WAY_PUBLISHED ||
	    mb_streq(w->to.e->network_id, w->network->id))
		return r;
	r = mb_net_doc_read(w->net, w->to.e->network_id, &other, err);
	return r ? r : judge(w, other, err);
}
