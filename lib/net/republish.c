/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports that come and go while the container runs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/str.h"
#include "net/firewall.h"
#include "net/guest.h"
#include "net/handle.h"
#include "nl/route.h"

static int load(struct mb_net *net, const char *container_id, struct mb_net_sandbox **ret,
                struct mb_err *err)
{
	int r = mb_net_sandbox_load(net, container_id, ret, err);

	const struct mb_net_endpoint *e = r ? NULL : mb_net_gateway_endpoint(*ret);

	if (r == MB_NET_ABSENT)
		mb_fail(err, ENOENT, "container %.12s is on no network that can be changed",
		        container_id);
	if (e && (e->direct4 || e->direct6))
		r = mb_fail(err, EOPNOTSUPP,
		            "network %s is routed: its ports do not change while a container runs",
		            e->network);
	return r;
}

/* What a start with ports does to the bridge's port. */
static void allow_hairpin(struct mb_net *net, const struct mb_net_sandbox *s)
{
	const struct mb_net_endpoint *e = mb_net_gateway_endpoint(s);
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_link link;

	if (!e || !mb_net_hairpin_is_needed() || mb_net_route_sock(net, NULL) ||
	    mb_nl_link_find(&net->route, e->host_ifname, &link, NULL) || !link.master)
		return;
	mb_nl_port_set(&b, link.index, true, e->isolated);
	(void)mb_nl_send(&net->route, &b, NULL, NULL);
}

int mb_net_publish(struct mb_net *net, const char *container_id,
                   const struct mb_net_port_spec *ports, size_t n_ports,
                   struct mb_net_sandbox **ret, struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
	MB_AUTO_FREE char *host_ip = NULL;
	struct mb_net_sandbox added;
	size_t before;
	int r;

	r = load(net, container_id, &s, err);
	if (!r)
		r = mb_net_ports_default_ip(net, s, &host_ip, err);
	if (r)
		return r;
	before = s->n_bindings;
	r = mb_net_ports_reserve(s, ports, n_ports, host_ip, err);
	if (!r)
		r = mb_net_guest_ports_check(net, s, err);
	if (!r)
		r = mb_net_record_write(net, s, err);
	if (r)
		return r;
	allow_hairpin(net, s);
	added = *s;
	added.bindings = s->bindings + before;
	added.n_bindings = s->n_bindings - before;
	r = mb_net_ports_publish(net, &added, err);
	if (r) {
		(void)mb_net_ports_unpublish(net, &added, NULL);
		for (size_t i = before; i < s->n_bindings; i++) {
			free(s->bindings[i].host_ip);
			mb_strv_done(&s->bindings[i].from);
		}
		s->n_bindings = before;
		(void)mb_net_ports_publish(net, s, NULL);
		(void)mb_net_record_write(net, s, NULL);
		return r;
	}
	*ret = mb_take_ptr(&s);
	return 0;
}

/* Move those that are meant from @s to @gone. */
static void part(struct mb_net_sandbox *s, struct mb_net_sandbox *gone, mb_net_binding_is_it *is_it,
                 void *arg)
{
	size_t kept = 0;

	gone->bindings = mb_calloc(s->n_bindings + 1, sizeof(*gone->bindings));
	for (size_t i = 0; i < s->n_bindings; i++)
		if (is_it(&s->bindings[i], arg))
			gone->bindings[gone->n_bindings++] = s->bindings[i];
		else
			s->bindings[kept++] = s->bindings[i];
	s->n_bindings = kept;
}

int mb_net_unpublish(struct mb_net *net, const char *container_id, mb_net_binding_is_it *is_it,
                     void *arg, struct mb_net_sandbox **ret, struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *gone = NULL;
	struct mb_net_sandbox there;
	int r;

	r = load(net, container_id, &s, err);
	if (r)
		return r;
	gone = mb_calloc(1, sizeof(*gone));
	part(s, gone, is_it, arg);
	there = *s;
	there.bindings = gone->bindings;
	there.n_bindings = gone->n_bindings;
	/* The last one goes with what let the container reach itself by it. */
	r = s->n_bindings ? mb_net_ports_withdraw(net, &there, s, err)
	                  : mb_net_ports_unpublish(net, &there, err);
	if (!r)
		r = mb_net_record_write(net, s, err);
	if (!r)
		*ret = mb_take_ptr(&gone);
	return r;
}
