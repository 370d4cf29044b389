/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/err.h"
#include "core/str.h"
#include "net/handle.h"
#include "net/overlay_remote.h"
#include "net/policy.h"
#include "net/policy_rule.h"

/* What a policy would say, from the documents and records alone. */

struct end {
	const struct mb_net_selector *selector;
	struct mb_net_subject who;
	struct mb_strv names;
	struct mb_kv labels;
	struct mb_net_addr addr;
	bool is_known; /* a container that is on the network */
};

static void end_done(struct end *e)
{
	mb_strv_done(&e->names);
	mb_kv_done(&e->labels);
}

static bool is_meant(const struct end *e, const struct mb_net_subject *member,
                     const struct mb_net_endpoint *endpoint)
{
	struct mb_net_addr a;

	if (e->selector->side == MB_NET_SIDE_NAME)
		return mb_net_selector_matches(e->selector, member);
	return e->selector->side == MB_NET_SIDE_PREFIX &&
	       ((endpoint->ip4 && mb_net_addr_parse(endpoint->ip4, &a) == 0 &&
	         mb_net_addr_equal(&a, &e->selector->prefix.addr)) ||
	        (endpoint->ip6 && mb_net_addr_parse(endpoint->ip6, &a) == 0 &&
	         mb_net_addr_equal(&a, &e->selector->prefix.addr)));
}

struct search {
	const char *network_id;
	bool v6; /* which of its addresses counts */
	struct end *ends;
	size_t n_ends;
};

static void look_at(struct search *q, const struct mb_net_sandbox *s,
                    const struct mb_net_endpoint *e)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	struct mb_net_subject member = {.is_member = true, .names = &names};
	const char *address = q->v6 ? e->ip6 : e->ip4;

	mb_net_policy_names(s, e, &names);
	for (size_t i = 0; i < q->n_ends; i++) {
		struct end *end = &q->ends[i];

		if (end->is_known || !is_meant(end, &member, e))
			continue;
		end->is_known = true;
		mb_strv_add_all(&end->names, &names);
		mb_kv_set_all(&end->labels, &s->labels);
		end->who.is_member = true;
		if (address && mb_net_addr_parse(address, &end->addr) == 0)
			end->who.addr = &end->addr;
	}
}

static int each_member(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	struct search *q = arg;
	const struct mb_net_endpoint *e = mb_net_endpoint_find(s, q->network_id);

	(void)net;
	(void)err;
	if (e)
		look_at(q, s, e);
	return 0;
}

/* On other hosts. */
static int look_at_remotes(struct mb_net *net, const struct mb_net_network *n, struct search *q,
                           struct mb_err *err)
{
	MB_AUTO_NET_REMOTES struct mb_net_remotes all = {0};
	int r = mb_net_remotes_load(net, n, &all, err);

	for (size_t i = 0; i < all.n; i++) {
		struct mb_net_sandbox s;
		struct mb_net_endpoint e;

		mb_net_remote_view(&all.v[i], &s, &e);
		look_at(q, &s, &e);
	}
	return r;
}

/* Before the members are asked: what the text alone says. */
static int begin(struct end *e, const struct mb_net_selector *s, struct mb_err *err)
{
	e->selector = s;
	e->who.names = &e->names;
	e->who.labels = &e->labels;
	switch (s->side) {
	case MB_NET_SIDE_ANY:
		return mb_fail(err, EINVAL,
		               "'any' is nobody in particular: name a container, an address, host "
		               "or outside");
	case MB_NET_SIDE_HOST:
		e->who.is_host = true;
		return 0;
	case MB_NET_SIDE_OUTSIDE:
		return 0;
	case MB_NET_SIDE_DNS:
		e->who.dns = s->name;
		return 0;
	case MB_NET_SIDE_PREFIX:
		if (mb_net_prefix_host_bits(&s->prefix))
			return mb_fail(err, EINVAL, "a test is of one address, not of a subnet");
		e->addr = s->prefix.addr;
		e->who.addr = &e->addr;
		return 0;
	case MB_NET_SIDE_NAME:
	case MB_NET_SIDE_LABEL:
		e->who.is_member = true;
		return 0;
	}
	return -EINVAL;
}

/* A container that is not there has what the text gives it. */
static void imagine(struct end *e)
{
	if (e->is_known)
		return;
	if (e->selector->side == MB_NET_SIDE_NAME)
		mb_strv_add(&e->names, e->selector->name);
	if (e->selector->side == MB_NET_SIDE_LABEL)
		mb_kv_set(&e->labels, e->selector->name,
		          e->selector->value ? e->selector->value : "");
}

static void judge(const struct mb_net_network *n, const struct mb_net_plan *plan,
                  const struct end *from, const struct end *to, const struct mb_net_rule *flow,
                  struct mb_net_verdict *v)
{
	struct mb_net_class client, server;

	if (from->who.is_host) {
		*v = (struct mb_net_verdict){.allowed = true,
		                             .reason = "what the host opens always passes"};
		return;
	}
	if (!from->who.is_member && !to->who.is_member) {
		v->reason = "neither side is a container of this network";
		return;
	}
	mb_net_plan_classify(plan, &from->who, &client);
	mb_net_plan_classify(plan, &to->who, &server);
	v->rule = mb_net_plan_decide(plan, &client, &server, flow->proto, flow->port_lo);
	v->allowed = v->rule ? !v->rule->deny : !n->policy.deny;
	if (v->allowed && from->who.is_member && to->who.is_member && !n->icc)
		v->reason = "icc is off: containers of this network do not reach each other";
	else if (v->allowed && n->internal && !to->who.is_host &&
	         from->who.is_member != to->who.is_member)
		v->reason = "the network is internal";
	if (v->reason)
		v->allowed = false;
}

static int test(struct mb_net *net, const struct mb_net_network *n,
                const struct mb_net_selector sides[2], const struct mb_net_rule *flow,
                struct mb_net_verdict *ret, struct mb_err *err)
{
	struct end ends[2] = {0};
	struct search q = {.network_id = n->id, .ends = ends, .n_ends = 2};
	MB_AUTO_NET_PLAN struct mb_net_plan plan = MB_NET_PLAN_INIT;
	struct mb_net_verdict v = {0};
	int r = mb_net_plan_make(n, &plan, err);

	for (size_t i = 0; !r && i < 2; i++) {
		q.v6 = q.v6 || (sides[i].side == MB_NET_SIDE_PREFIX &&
		                sides[i].prefix.addr.family == AF_INET6);
		r = begin(&ends[i], &sides[i], err);
	}
	if (!r)
		r = mb_net_records_walk(net, each_member, &q, err);
	if (!r)
		r = look_at_remotes(net, n, &q, err);
	for (size_t i = 0; i < 2; i++)
		imagine(&ends[i]);
	if (!r) {
		judge(n, &plan, &ends[0], &ends[1], flow, &v);
		*ret = v;
	}
	end_done(&ends[0]);
	end_done(&ends[1]);
	return r;
}

int mb_net_policy_test(struct mb_net *net, const struct mb_net_network *n,
                       const struct mb_net_rule *flow, struct mb_net_verdict *ret,
                       struct mb_err *err)
{
	struct mb_net_selector sides[2] = {0};
	int r;

	if (flow->port_lo != flow->port_hi)
		return mb_fail(err, EINVAL, "a test is of one port, not of a range");
	r = mb_net_selector_parse(flow->from, &sides[0], err);
	if (!r)
		r = mb_net_selector_parse(flow->to, &sides[1], err);
	if (!r)
		r = test(net, n, sides, flow, ret, err);
	mb_net_selector_done(&sides[0]);
	mb_net_selector_done(&sides[1]);
	return r;
}
