/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/id.h"
#include "core/log.h"
#include "core/str.h"
#include "net/cni.h"
#include "net/endpoint.h"
#include "net/firewall.h"
#include "net/guest.h"
#include "net/handle.h"
#include "net/lease.h"
#include "net/network_spec.h"
#include "net/overlay_store.h"
#include "net/port_spec.h"
#include "net/shape.h"
#include "nl/nft.h"
#include "nl/route.h"
#include "store/store.h"

enum { ENDPOINTS_MAX = 32 };

/* ---- prepare -------------------------------------------------------------------------- */

/* The networks' lock, shared, or exclusive where the network has to be brought up. */
struct guard {
	int fd;
	bool exclusive;
};

static int hold(struct mb_net *net, struct guard *g, bool exclusive, struct mb_err *err)
{
	if (g->fd >= 0 && (g->exclusive || !exclusive))
		return 0;
	mb_close(&g->fd);
	g->exclusive = exclusive;
	return mb_net_networks_lock(net, exclusive, &g->fd, err);
}

/* Between finding it and locking it may have been removed. */
static int still_there(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_asprintf("networks/%s.json", n->id);

	if (faccessat(net->store->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	mb_net_store_use_end(net, n);
	mb_fail(err, ENOENT, "network %s not found", n->name);
	return MB_NET_ABSENT;
}

static int check_spec(const struct mb_net_sandbox *s, const struct mb_net_network *n,
                      struct mb_err *err)
{
	if (n->builtin && !n->bridge)
		return mb_fail(err, EINVAL,
		               "network %s cannot be combined with other networks or joined later",
		               n->name);
	if (mb_net_endpoint_find(s, n->id)) {
		mb_fail(err, EEXIST, "container %s is on network %s already", s->container_name,
		        n->name);
		return MB_NET_TAKEN;
	}
	if (s->n_endpoints == ENDPOINTS_MAX)
		return mb_fail(err, E2BIG, "a container is on %d networks at most", ENDPOINTS_MAX);
	return 0;
}

const char *mb_net_table_of(const struct mb_net *net, const struct mb_net_sandbox *s)
{
	for (size_t i = 0; i < s->n_endpoints; i++)
		if (!mb_net_is_upper(s->endpoints[i].driver) && !s->endpoints[i].unmanaged)
			return net->table;
	return NULL;
}

int mb_net_endpoint_add(struct mb_net *net, struct mb_net_sandbox *s,
                        const struct mb_net_network_spec *spec, const struct mb_net_sandbox *before,
                        struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	__attribute__((cleanup(mb_net_endpoint_done))) struct mb_net_endpoint e = {0};
	MB_AUTO_CLOSE int use = -1;
	struct guard g = {.fd = -1};
	int r, index;

	if (spec->mode != MB_NET_MODE_NETWORK)
		return mb_fail(err, EINVAL, "'%s' is not a network to join", spec->name);
	r = mb_net_network_find(net, spec->name, &n, err);
	if (!r)
		r = check_spec(s, n, err);
	/* Nobody stays with it who would keep a lease. */
	if (!r && n->dhcp && s->guest.container)
		r = mb_fail(err, ENOTSUP,
		            "network %s: its DHCP server's addresses are for containers of mybox "
		            "alone",
		            n->name);
	if (!r)
		r = mb_net_store_use(net, n, LOCK_SH, &use, err);
	if (!r)
		r = hold(net, &g, !mb_net_bridge_index(net, n->id), err);
	if (!r)
		r = still_there(net, n, err);
	if (!r && (g.exclusive || n->vrf))
		r = mb_net_bridge_up(net, n, false, &index, err);
	if (!r)
		r = mb_net_endpoint_fill(s, n, spec, &e, err);
	if (!r)
		r = mb_net_address_take(net, n, &e, s->container_id,
		                        before ? mb_net_endpoint_find(before, n->id) : NULL, err);
	mb_close(&g.fd);
	if (!r || (r == -EADDRNOTAVAIL && mb_net_has_store(n)))
		r = mb_net_store_choose(net, n, &e, s->container_id,
		                        before ? mb_net_endpoint_find(before, n->id) : NULL, err);
	if (r) {
		mb_net_address_release(net, &e, s->container_id);
		return r;
	}
	mb_net_endpoint_finish(s, &e);
	/* Told before anything is made, where it is known; joining looks again. */
	r = n->n_externals ? mb_net_names_check(net, &e, err) : 0;
	if (r) {
		mb_close(&use);
		mb_net_store_release(net, &e, s->container_id);
		mb_net_address_release(net, &e, s->container_id);
		return r;
	}
	mb_net_use_keep(net, &use);
	s->endpoints = mb_realloc(s->endpoints, (s->n_endpoints + 1) * sizeof(*s->endpoints));
	s->endpoints[s->n_endpoints++] = e;
	e = (struct mb_net_endpoint){0};
	return 0;
}

static void release_addresses(struct mb_net *net, const struct mb_net_sandbox *s)
{
	for (size_t i = 0; i < s->n_endpoints; i++)
		mb_net_address_release(net, &s->endpoints[i], s->container_id);
	mb_net_address_release_left(net, s);
}

/* What other hosts know of it; the record is away by then. */
static void release_claims(struct mb_net *net, const struct mb_net_sandbox *s)
{
	for (size_t i = 0; i < s->n_endpoints; i++)
		mb_net_store_release(net, &s->endpoints[i], s->container_id);
}

static int prepare(struct mb_net *net, const struct mb_net_request *q, struct mb_net_sandbox *s,
                   struct mb_err *err)
{
	MB_AUTO_FREE char *host_ip = NULL;
	struct mb_net_shape shape;
	int r = mb_net_shape_parse(q->rate, q->delay, q->loss, &shape, err);

	/* It may be another kernel than that of the container's making. */
	if (!r)
		r = mb_net_shape_check(&shape, err);
	if (!r && q->cni)
		r = mb_net_cni_prepare(s, q->cni, err);
	/* What the machine's last start took from us, plugins may have kept. */
	if (!r && q->cni && q->again)
		mb_net_cni_remove(net, s);
	for (size_t i = 0; !r && i < q->n_networks; i++)
		r = mb_net_endpoint_add(net, s, &q->networks[i], q->before, err);
	if (!r)
		mb_net_gateway_choose(s);
	if (!r && q->n_ports) {
		r = mb_net_ports_default_ip(net, s, &host_ip, err);
		if (!r)
			r = mb_net_ports_reserve(s, q->ports, q->n_ports, host_ip, err);
		if (!r)
			r = mb_net_guest_ports_check(net, s, err);
	}
	if (!r)
		r = mb_net_record_write(net, s, err);
	mb_net_uses_end(net);
	return r;
}

int mb_net_sandbox_prepare(struct mb_net *net, const struct mb_net_request *q,
                           struct mb_net_sandbox **ret, struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = mb_calloc(1, sizeof(*s));
	int r;

	s->container_id = mb_strdup(q->container_id);
	s->container_name = mb_strdup(q->container_name ? q->container_name : "");
	s->hostname = mb_strdup_or_null(q->hostname);
	if (q->labels)
		mb_kv_set_all(&s->labels, q->labels);
	s->rate = mb_strdup_or_null(q->rate);
	s->delay = mb_strdup_or_null(q->delay);
	s->loss = mb_strdup_or_null(q->loss);
	if (q->guest) {
		s->guest = *q->guest;
		s->guest.container = mb_strdup(q->guest->container);
		s->guest.ifname = mb_strdup(q->guest->ifname);
		s->guest.netns = mb_strdup(q->guest->netns);
		s->guest.config = mb_strdup(q->guest->config);
	}
	/* What a start that died left under this id. */
	r = mb_net_detach(net, q->container_id, err);
	if (!r)
		r = prepare(net, q, s, err);
	if (r) {
		release_claims(net, s);
		release_addresses(net, s);
		return r;
	}
	*ret = mb_take_ptr(&s);
	return 0;
}

/* ---- attach --------------------------------------------------------------------------- */

/* The firewall may have been flushed by someone since: put it back before anyone relies on it. */
static int check_firewall(struct mb_net *net, struct mb_err *err)
{
	int r = net->table_seen ? 0 : mb_net_firewall_ensure(net, err);

	net->table_seen = r == 0;
	return r;
}

static int attach_links(struct mb_net *net, struct mb_net_sandbox *s, int netns_fd, int *indexes,
                        struct mb_err *err)
{
	bool hairpin = s->n_bindings && mb_net_hairpin_is_needed(), renamed = false;
	int r = mb_net_route_sock(net, err);

	for (size_t i = 0; !r && i < s->n_endpoints; i++) {
		MB_AUTO_FREE char *before = mb_strdup(s->endpoints[i].host_ifname);

		r = mb_net_link_attach(net, &s->endpoints[i], hairpin, netns_fd, &indexes[i], err);
		renamed = renamed || !mb_streq(before, s->endpoints[i].host_ifname);
	}
	return r || !renamed ? r : mb_net_record_write(net, s, err);
}

int mb_net_sandbox_attach(struct mb_net *net, struct mb_net_sandbox *s, int netns_fd,
                          struct mb_err *err)
{
	int indexes[ENDPOINTS_MAX], r = 0;

	if (s->n_endpoints)
		r = check_firewall(net, err);
	if (!r)
		r = attach_links(net, s, netns_fd, indexes, err);
	if (!r)
		r = mb_net_endpoints_configure(s, 0, s->n_endpoints, netns_fd, indexes, err);
	if (!r)
		r = mb_net_leases_take(net, s, 0, s->n_endpoints, netns_fd, err);
	if (!r && mb_net_has_leases(s))
		r = mb_net_leases_route(net, s, netns_fd, err);
	if (!r)
		r = mb_net_endpoints_shape(net, s, 0, s->n_endpoints, err);
	if (!r && s->cni.name)
		r = mb_net_cni_add(net, s, netns_fd, err);
	if (!r)
		r = mb_net_routed_recheck(net, s, 0, s->n_endpoints, netns_fd, err);
	for (size_t i = 0; !r && i < s->n_endpoints; i++)
		r = mb_net_policy_join(net, s, &s->endpoints[i], err);
	return r;
}

/* ---- publish, detach ------------------------------------------------------------------ */

int mb_net_sandbox_publish(struct mb_net *net, struct mb_net_sandbox *s, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < s->n_endpoints; i++)
		r = mb_net_names_add(net, s, &s->endpoints[i], err);
	if (!r)
		r = mb_net_ports_publish(net, s, err);
	for (size_t i = 0; !r && i < s->n_endpoints; i++)
		r = mb_net_store_publish(net, s, &s->endpoints[i], err);
	return r;
}

/* Before the firewall is changed: a table that is made anew meanwhile has nothing of it, as there
 * is nobody who would take it away again.  Removing must go on where there is no room to write. */
static void mark_leaving(struct mb_net *net, struct mb_net_sandbox *s)
{
	bool has_elements = s->n_bindings || s->n_opened;

	for (size_t i = 0; i < s->n_endpoints && !has_elements; i++)
		has_elements = mb_net_policy_is_on(net, s->endpoints[i].network_id);
	if (!has_elements || s->leaving)
		return;
	s->leaving = true;
	(void)mb_net_record_write(net, s, NULL);
}

int mb_net_detach(struct mb_net *net, const char *container_id, struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
	int r;

	r = mb_net_sandbox_load(net, container_id, &s, err);
	if (r == MB_NET_ABSENT)
		return 0;
	if (r == -EBADMSG)
		/* It says nothing that could be undone; `system check` finds what is left. */
		return mb_net_record_remove(net, container_id, err);
	if (r)
		return r;
	mark_leaving(net, s);
	r = mb_net_ports_unpublish(net, s, err);
	if (r)
		return r;
	if (s->cni.name)
		mb_net_cni_remove(net, s);
	for (size_t i = 0; !r && i < s->n_endpoints; i++) {
		mb_net_names_remove(net, s, &s->endpoints[i]);
		if (mb_net_is_upper(s->endpoints[i].driver))
			mb_net_upper_detach(net, &s->endpoints[i], -1);
		r = mb_net_policy_leave(net, s, &s->endpoints[i], err);
	}
	if (r)
		return r;
	/* The record first: one that stayed would speak for addresses that are others' by then. */
	r = mb_net_record_remove(net, container_id, err);
	if (r)
		return r;
	release_addresses(net, s);
	release_claims(net, s);
	return 0;
}

/* Before anything of the old name goes. */
static int check_name(struct mb_net *net, const struct mb_net_sandbox *s, const char *new_name,
                      struct mb_err *err)
{
	MB_AUTO_FREE char *name = mb_strdup(new_name);
	struct mb_net_sandbox renamed = *s;
	int r = 0;

	renamed.container_name = name;
	for (size_t i = 0; !r && i < s->n_endpoints; i++) {
		struct mb_net_endpoint e = {.network_id = s->endpoints[i].network_id,
		                            .network = s->endpoints[i].network,
		                            .no_dns = s->endpoints[i].no_dns};

		mb_net_names_collect(&e, &renamed);
		r = mb_net_names_check(net, &e, err);
		mb_strv_done(&e.names);
	}
	return r;
}

int mb_net_sandbox_rename(struct mb_net *net, const char *container_id, const char *new_name,
                          struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
	int r;

	r = mb_net_sandbox_load(net, container_id, &s, err);
	if (r)
		return r == MB_NET_ABSENT ? 0 : r;
	r = check_name(net, s, new_name, err);
	if (r)
		return r;
	for (size_t i = 0; i < s->n_endpoints; i++)
		mb_net_names_remove(net, s, &s->endpoints[i]);
	mb_strset(&s->container_name, new_name);
	for (size_t i = 0; i < s->n_endpoints; i++)
		mb_net_names_collect(&s->endpoints[i], s);
	r = mb_net_record_write(net, s, err);
	for (size_t i = 0; !r && i < s->n_endpoints; i++)
		r = mb_net_names_add(net, s, &s->endpoints[i], err);
	for (size_t i = 0; !r && i < s->n_endpoints; i++)
		r = mb_net_policy_join(net, s, &s->endpoints[i], err);
	for (size_t i = 0; !r && i < s->n_endpoints; i++)
		r = mb_net_store_publish(net, s, &s->endpoints[i], err);
	return r;
}

bool mb_net_has_names(const struct mb_net_sandbox *s)
{
	bool any = false;

	for (size_t i = 0; i < s->n_endpoints; i++)
		any = any || !s->endpoints[i].no_dns;
	return any;
}

const struct mb_strv *mb_net_servers(const struct mb_strv *own, const struct mb_net_sandbox *s)
{
	for (size_t i = 0; s && !own->n && i < s->n_endpoints; i++)
		if (s->endpoints[i].dns.n)
			return &s->endpoints[i].dns;
	for (size_t i = 0; s && !own->n && i < s->n_endpoints; i++)
		if (s->endpoints[i].lease.dns.n)
			return &s->endpoints[i].lease.dns;
	return own;
}

const struct mb_strv *mb_net_search(const struct mb_strv *own, const struct mb_net_sandbox *s)
{
	for (size_t i = 0; s && !own->n && i < s->n_endpoints; i++)
		if (s->endpoints[i].lease.search.n)
			return &s->endpoints[i].lease.search;
	return own;
}

void mb_net_names_dirs(struct mb_net *net, const struct mb_net_sandbox *s, struct mb_strv *dirs)
{
	for (size_t i = 0; i < s->n_endpoints; i++)
		mb_strv_addf(dirs, "%s/net/%s", net->store->run, s->endpoints[i].network_id);
}
