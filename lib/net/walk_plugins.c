/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/cni.h"
#include "net/handle.h"
#include "net/walk_priv.h"

bool mb_net_way_take_plugins(struct mb_net_sandbox *record)
{
	struct mb_net_cni_outcome outcome = {0};
	struct mb_net_endpoint *e = &outcome.endpoint;
	bool has_some = record->cni.name && mb_net_cni_outcome(&record->cni, &outcome, NULL) == 0 &&
	                (e->ip4 || e->ip6);

	if (has_some) {
		e->network = mb_asprintf("cni:%s", record->cni.name);
		e->network_id = mb_strdup(e->network);
		e->ifname = mb_strdup(MB_NET_CNI_IFNAME);
		e->gateway = true;
		record->endpoints = mb_realloc(record->endpoints, sizeof(*e));
		record->endpoints[record->n_endpoints++] = *e;
		*e = (struct mb_net_endpoint){0};
	}
	mb_net_cni_outcome_done(&outcome);
	return has_some;
}

int mb_net_way_plugins(struct mb_net_way *w, struct mb_err *err)
{
	const char *name = w->from.record->cni.name;
	struct mb_err why = MB_ERR_INIT;
	int r = mb_net_cni_check(w->net, w->from.record, &why);

	if (r == MB_NET_CNI_FAULTY) {
		mb_net_way_fault(w, "plugins", "%s", why.msg);
		mb_net_way_mend(w, "mybox restart %s", mb_net_way_from(w));
		return 0;
	}
	if (r == MB_NET_CNI_UNCHECKED)
		mb_net_way_ok(w, "plugins", "those of '%s' are not asked: it has no CHECK", name);
	else if (r == 0)
		mb_net_way_ok(w, "plugins", "those of '%s' find all that they made", name);
	else
		return mb_fail(err, -r, "%s", why.msg);
	return 0;
}

/* Return: 0, maybe after a fault; or -errno. */
static int take_container(struct mb_net_way *w, struct mb_err *err)
{
	const struct mb_net_endpoint *its;
	char text[MB_NET_ADDR_TEXT];

	if (mb_streq(w->to.party.record_id, w->from.party.record_id))
		return mb_fail(err, EINVAL,
		               "'%s' and '%s' have one network namespace: nothing is between them",
		               mb_net_way_from(w), mb_net_way_to(w));
	if (mb_net_way_choose_shared(w, AF_INET) || mb_net_way_choose_shared(w, AF_INET6)) {
		mb_net_way_ok(w, "address", "%s is %s", mb_net_way_to(w),
		              mb_net_addr_format(&w->dst, text));
		return 0;
	}
	its = &w->to.record->endpoints[0];
	mb_net_way_fault(w, "address", "%s is on '%s', not on '%s': what is between is others'",
	                 mb_net_way_to(w), its->network, w->from.record->endpoints[0].network);
	mb_net_way_mend(w, "make one of them anew on the network of the other: --network %s",
	                its->network);
	return 0;
}

int mb_net_way_plugins_target(struct mb_net_way *w, struct mb_err *err)
{
	const char *host = w->q->to->host;
	int r;

	if (mb_net_addr_parse(host, &w->dst) == 0) {
		w->kind = MB_NET_WAY_OUTSIDE;
		mb_net_way_choose_exit(w);
		if (w->from.e)
			return 0;
		mb_net_way_fault(w, "address", "%s has no IPv%c address", mb_net_way_from(w),
		                 w->dst.family == AF_INET6 ? '6' : '4');
		mb_net_way_mend(w, "let the network '%s' give it one", w->from.record->cni.name);
		return 0;
	}
	r = w->q->to->is_url ? MB_NET_ABSENT : mb_net_way_open_other(w, host, err);
	if (r == 0 && mb_net_walk_is_ok(w->out))
		return take_container(w, err);
	if (r != MB_NET_ABSENT)
		return r;
	mb_net_way_fault(w, "name", "'%s' is no container, and its name is for the servers of '%s'",
	                 host, w->from.record->cni.name);
	mb_net_way_mend(w, "ask them, and check the address: mybox exec %s nslookup %s",
	                mb_net_way_from(w), host);
	return 0;
}
