/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/id.h"
#include "core/log.h"
#include "core/parse.h"
#include "core/str.h"
#include "net/handle.h"
#include "net/ipam.h"
#include "net/lease.h"
#include "net/overlay.h"
#include "net/overlay_store.h"
#include "net/overlay_wire.h"
#include "nl/route.h"
#include "store/lock.h"
#include "store/store.h"

enum { MTU_DEFAULT = 1500, MTU_MIN6 = 1280, MTU_MAX = 65535 };

int mb_net_networks_lock(struct mb_net *net, bool exclusive, int *ret_fd, struct mb_err *err)
{
	return mb_store_lock(net->store, MB_RANK_NETWORK, "networks", exclusive, true, ret_fd, err);
}

/* ---- create --------------------------------------------------------------------------- */

static int check_request(const struct mb_net_create *q, struct mb_err *err)
{
	static const char *const builtins[] = {MB_NET_DEFAULT, "host", "none", "default"};

	if (!q->name || !mb_net_name_is_valid(q->name))
		return mb_fail(err, EINVAL,
		               "invalid network name '%s': only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
		               "allowed",
		               q->name ? q->name : "");
	for (size_t i = 0; i < MB_N(builtins); i++)
		if (mb_streq(q->name, builtins[i]))
			return mb_fail(err, EPERM,
			               "operation is not permitted on predefined %s network",
			               q->name);
	MB_STRV_FOREACH (server, &q->dns) {
		struct mb_net_addr a;

		if (mb_net_addr_parse(server, &a) < 0)
			return mb_fail(err, EINVAL, "invalid name server '%s'", server);
	}
	return mb_net_driver_check(q->driver, err);
}

struct uplink {
	int index;
	uint32_t metric, mtu;
};

static int each_route(const struct mb_nl_route_info *route, void *arg)
{
	struct uplink *u = arg;

	if (route->prefix == 0 && route->index && (!u->index || route->metric < u->metric)) {
		u->index = route->index;
		u->metric = route->metric;
	}
	return 0;
}

static int each_link(const struct mb_nl_link *link, void *arg)
{
	struct uplink *u = arg;

	if (link->index == u->index)
		u->mtu = link->mtu;
	return 0;
}

int mb_net_uplink(struct mb_net *net, int *ret_index, struct mb_err *err)
{
	struct uplink u = {0};
	int r = mb_net_route_sock(net, err);

	if (r == 0)
		r = mb_nl_route_dump(&net->route, AF_INET, each_route, &u, err);
	*ret_index = r == 0 ? u.index : 0;
	return r;
}

/* What leaves by an uplink of a tunnel or a cloud must fit through it. */
uint32_t mb_net_uplink_mtu(struct mb_net *net)
{
	struct uplink u = {0};

	if (mb_net_uplink(net, &u.index, NULL) == 0 && u.index)
		(void)mb_nl_link_dump(&net->route, each_link, &u, NULL);
	return u.mtu >= MTU_MIN6 && u.mtu < MTU_DEFAULT ? u.mtu : 0;
}

/* Neighbours on a bridge meet no wire: the longest packets there are.  What leaves must fit the
 * uplink still, which the default route sees to; an internal network has none. */
void mb_net_network_jumbo(struct mb_net_network *n)
{
	n->mtu_out = n->mtu ? n->mtu : MTU_DEFAULT;
	n->mtu = MTU_MAX;
}

/* What other hosts would not know: the store's record of a network does not say it. */
static int check_shared(const struct mb_net_network *n, struct mb_err *err)
{
	if (!mb_net_has_store(n))
		return 0;
	if (n->no_dns)
		return mb_fail(err, EOPNOTSUPP,
		               "network %s: names cannot be off where hosts share the network",
		               n->name);
	if (n->dns.n)
		return mb_fail(err, EOPNOTSUPP,
		               "network %s: no name servers of its own where hosts share the "
		               "network",
		               n->name);
	return n->routes.n ? mb_fail(err, EOPNOTSUPP,
	                             "network %s: no routes where hosts share the network", n->name)
	                   : 0;
}

/* Options that speak of addresses which the network does not have. */
static int check_off(const struct mb_net_network *n, struct mb_err *err)
{
	static const char *const of_ipv4[] = {
		"com.docker.network.host_ipv4", "com.docker.network.bridge.host_binding_ipv4",
		"com.docker.network.bridge.inhibit_ipv4",
		"com.docker.network.bridge.gateway_mode_ipv4", MB_NET_OPTION_HOST_ADDRESS};
	const char *off = n->no_addresses ? "addresses" : "IPv4";

	if (!n->no_ipv4 && !n->no_addresses)
		return 0;
	if (mb_net_is_overlay(n->driver))
		return mb_fail(err, EOPNOTSUPP, "network %s: an overlay network has IPv4 addresses",
		               n->name);
	for (size_t i = 0; i < MB_N(of_ipv4); i++)
		if (mb_kv_find(&n->options, of_ipv4[i]))
			return mb_fail(err, EINVAL, "network %s has no %s for option '%s'", n->name,
			               off, of_ipv4[i]);
	return 0;
}

static int fill(struct mb_net *net, const struct mb_net_create *q, struct mb_net_network *n,
                struct mb_err *err)
{
	char id[MB_ID_TEXT], bridge[IFNAMSIZ];
	int r;

	mb_id_make(id);
	mb_net_network_names(id, bridge);
	n->id = mb_strdup(id);
	n->name = mb_strdup(q->name);
	n->driver = mb_strdup(q->driver && *q->driver ? q->driver : "bridge");
	n->created = mb_now_nsec();
	n->internal = q->internal;
	n->ipv6 = q->ipv6;
	n->attachable = q->attachable;
	n->no_ipv4 = q->no_ipv4;
	n->no_addresses = q->no_addresses;
	n->dhcp = q->dhcp;
	n->no_dns = q->no_dns || (q->no_addresses && !q->dhcp);
	mb_kv_set_all(&n->options, &q->options);
	mb_kv_set_all(&n->labels, &q->labels);
	mb_strv_add_all(&n->routes, &q->routes);
	mb_strv_add_all(&n->dns, &q->dns);
	if (!mb_net_is_upper(n->driver)) {
		n->bridge = mb_strdup(bridge);
		n->icc = n->masquerade = true;
		n->mtu = mb_net_uplink_mtu(net);
		/* By a tunnel nothing longer goes than the network below takes. */
		if (n->internal && !mb_net_is_overlay(n->driver))
			mb_net_network_jumbo(n);
	}
	r = mb_net_options_set(n, err);
	if (!r)
		r = mb_net_lease_check(n, err);
	if (!r)
		r = check_off(n, err);
	if (!r)
		r = check_shared(n, err);
	if (!r && mb_net_is_overlay(n->driver))
		r = mb_net_overlay_prepare(net, n, err);
	if (!r)
		r = mb_net_overlay_check_wire(n, err);
	return r || !mb_net_is_upper(n->driver) ? r : mb_net_upper_probe(net, n, err);
}

/* Claim the name.  A claim whose document never came to be is a dead one's. */
static int claim(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *holder = NULL;
	MB_AUTO_CLOSE int names = -1;
	char id[MB_ID_TEXT];
	int r;

	r = mb_store_dir(net->store, "networks/names", false, &names, err);
	if (!r)
		r = mb_store_name_claim(names, n->name, n->id, id, err);
	if (r == MB_STORE_TAKEN && mb_net_doc_read(net, id, &holder, NULL) == -ENOENT) {
		r = mb_store_name_release(names, n->name, id, err);
		if (!r)
			r = mb_store_name_claim(names, n->name, n->id, id, err);
	}
	if (r != MB_STORE_TAKEN)
		return r;
	mb_fail(err, EEXIST, "network with name %s already exists", n->name);
	return MB_NET_TAKEN;
}

/* A bridge is one network's; of the host's own any number may be guests. */
static int check_bridge(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	int r = 0;

	if (mb_kv_find(&n->options, MB_NET_OPTION_BRIDGE))
		r = mb_net_doc_ids(net, &ids, err);
	for (size_t i = 0; !r && i < ids.n; i++) {
		MB_AUTO(mb_net_network_free) struct mb_net_network *other = NULL;

		if (mb_streq(ids.v[i], n->id) ||
		    mb_net_doc_read(net, ids.v[i], &other, NULL) != 0 ||
		    !mb_streq(other->bridge, n->bridge) || (other->unmanaged && n->unmanaged))
			continue;
		r = mb_fail(err, EEXIST, "bridge '%s' is that of network %s", n->bridge,
		            other->name);
	}
	return r;
}

/* The ports of a host's own bridge are as long as it is, unless the user says otherwise. */
static int take_mtu(struct mb_net *net, struct mb_net_network *n, struct mb_err *err)
{
	struct mb_nl_link link;
	int r = mb_net_route_sock(net, err);

	if (!r)
		r = mb_nl_link_find(&net->route, n->bridge, &link, err);
	if (!r)
		n->mtu = link.mtu;
	return r < 0 ? r : 0;
}

static int create_locked(struct mb_net *net, const struct mb_net_create *q,
                         struct mb_net_network *n, struct mb_err *err)
{
	int r, index;

	r = claim(net, n, err);
	if (r)
		return r;
	r = check_bridge(net, n, err);
	if (!r && n->overlay.encrypted)
		r = mb_net_wire_draw(net, n, err);
	if (!r && n->unmanaged && !mb_kv_find(&n->options, "mtu") &&
	    !mb_kv_find(&n->options, "com.docker.network.driver.mtu"))
		r = take_mtu(net, n, err);
	if (!r)
		r = mb_net_pool_choose(net, n, q, err);
	if (!r)
		r = mb_net_doc_write(net, n, false, err);
	if (r) {
		/* A document of that id is not of this call. */
		mb_net_doc_unclaim(net, n);
		return r;
	}
	r = mb_net_bridge_up(net, n, true, &index, err);
	if (r) {
		(void)mb_net_bridge_down(net, n, NULL);
		(void)mb_net_doc_remove(net, n, NULL);
	}
	return r;
}

static void undo_create(struct mb_net *net, const struct mb_net_network *n)
{
	MB_AUTO_CLOSE int lock = -1;

	if (mb_net_networks_lock(net, true, &lock, NULL) < 0)
		return;
	(void)mb_net_bridge_down(net, n, NULL);
	(void)mb_net_doc_remove(net, n, NULL);
}

/* What is here first, then what the other hosts see: no lock is held while the store is asked. */
static int share(struct mb_net *net, struct mb_net_network *n, struct mb_err *err)
{
	int r = mb_net_store_create(n, err);

	if (!r)
		r = mb_net_doc_write(net, n, true, err);
	if (r && n->overlay.revision)
		(void)mb_net_store_remove(net, n, NULL);
	if (r)
		undo_create(net, n);
	return r;
}

static int make(struct mb_net *net, const struct mb_net_create *q, struct mb_net_network *n,
                struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_net_networks_lock(net, true, &lock, err);

	if (!r)
		r = create_locked(net, q, n, err);
	if (r)
		mb_net_upper_release(net, n);
	return r;
}

int mb_net_network_create(struct mb_net *net, const struct mb_net_create *q,
                          struct mb_net_network **ret_network, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = mb_calloc(1, sizeof(*n));
	int r;

	r = check_request(q, err);
	if (!r)
		r = mb_net_lease_check_request(q, err);
	if (!r)
		r = fill(net, q, n, err);
	if (!r)
		r = make(net, q, n, err);
	if (!r && mb_net_has_store(n))
		r = share(net, n, err);
	if (r)
		return r;
	*ret_network = mb_take_ptr(&n);
	return 0;
}

/* ---- join and leave ------------------------------------------------------------------- */

/* What the record says, as if it had been asked for here. */
static void request_of(const struct mb_net_network *n, struct mb_net_create *q)
{
	const struct mb_net_pool *pools[] = {&n->v4, &n->v6};

	for (size_t i = 0; i < MB_N(pools); i++) {
		if (!pools[i]->subnet)
			continue;
		mb_strv_add(&q->subnets, pools[i]->subnet);
		mb_strv_add(&q->gateways, pools[i]->gateway);
		if (pools[i]->ip_range)
			mb_strv_add(&q->ip_ranges, pools[i]->ip_range);
	}
	q->ipv6 = n->ipv6;
}

static void forget_pool(struct mb_net_pool *pool)
{
	mb_strset(&pool->subnet, NULL);
	mb_strset(&pool->gateway, NULL);
	mb_strset(&pool->ip_range, NULL);
}

/* The id is what the store says, and interfaces are called by its beginning: none that another
 * network here has. */
static int check_joined_id(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	static const char *const builtins[] = {"host", "none", "bridge"};
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	int r = mb_net_doc_ids(net, &ids, err);

	for (size_t i = 0; i < MB_N(builtins); i++) {
		MB_AUTO(mb_net_network_free)
		struct mb_net_network *b = mb_net_builtin(net, builtins[i]);

		if (b)
			mb_strv_add(&ids, b->id);
	}
	MB_STRV_FOREACH (id, &ids) {
		MB_AUTO(mb_net_network_free) struct mb_net_network *other = NULL;

		if (r || strncmp(id, n->id, MB_ID_SHORT) != 0)
			continue;
		/* The same one, joined before: the name says so. */
		if (mb_net_doc_read(net, id, &other, NULL) == 0 && mb_streq(other->name, n->name))
			continue;
		r = mb_fail(err, EEXIST,
		            "network %s: the store gives it the id of another network of this "
		            "host: '%.12s'",
		            n->name, id);
	}
	return r;
}

static int fill_joined(struct mb_net *net, struct mb_net_network *n, struct mb_net_create *q,
                       struct mb_err *err)
{
	bool encrypted = n->overlay.encrypted;
	uint32_t most;
	int r;

	/* It is for the record to say. */
	n->overlay.encrypted = false;
	r = mb_net_overlay_prepare(net, n, err);
	if (r)
		return r;
	most = n->mtu;
	r = mb_net_store_fetch(n, err);
	if (!r && encrypted && !n->overlay.encrypted)
		r = mb_fail(err, EINVAL, "network %s is not encrypted", n->name);
	if (!r)
		r = mb_net_overlay_fits(n, most, err);
	if (!r)
		r = check_joined_id(net, n, err);
	if (!r)
		r = mb_net_overlay_check_wire(n, err);
	if (r)
		return r;
	mb_strset(&n->bridge, NULL);
	n->bridge = mb_calloc(1, IFNAMSIZ);
	mb_net_network_names(n->id, n->bridge);
	request_of(n, q);
	forget_pool(&n->v4);
	forget_pool(&n->v6);
	return 0;
}

int mb_net_network_join(struct mb_net *net, const char *name, const struct mb_kv *options,
                        const struct mb_kv *labels, struct mb_net_network **ret_network,
                        struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = mb_calloc(1, sizeof(*n));
	struct mb_net_create q = {.name = name, .driver = "overlay"};
	int r = check_request(&q, err);

	if (r)
		return r;
	n->name = mb_strdup(name);
	n->driver = mb_strdup("overlay");
	n->created = mb_now_nsec();
	mb_kv_set_all(&n->options, options);
	mb_kv_set_all(&n->labels, labels);
	r = mb_net_options_set(n, err);
	if (!r && !mb_net_has_store(n))
		r = mb_fail(err, EINVAL, "say where network %s is: -o store=URL,...", name);
	if (!r)
		r = fill_joined(net, n, &q, err);
	if (!r)
		r = make(net, &q, n, err);
	mb_strv_done(&q.subnets);
	mb_strv_done(&q.gateways);
	mb_strv_done(&q.ip_ranges);
	if (r)
		return r;
	*ret_network = mb_take_ptr(&n);
	return 0;
}

/* ---- find ----------------------------------------------------------------------------- */

static int absent(const char *reference, struct mb_err *err)
{
	mb_fail(err, ENOENT, "network %s not found", reference);
	return MB_NET_ABSENT;
}

static int find_builtin(struct mb_net *net, const char *reference, struct mb_net_network **ret)
{
	static const char *const names[] = {"host", "none"};

	for (size_t i = 0; i < MB_N(names); i++) {
		MB_AUTO(mb_net_network_free)
		struct mb_net_network *n = mb_net_builtin(net, names[i]);

		if (mb_streq(reference, n->name) || mb_streq(reference, n->id)) {
			*ret = mb_take_ptr(&n);
			return 0;
		}
	}
	return MB_NET_ABSENT;
}

static int find_by_prefix(struct mb_net *net, const char *reference, struct mb_net_network **ret,
                          struct mb_err *err)
{
	static const char *const builtins[] = {"host", "none"};
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	const char *found = NULL;
	int r;

	r = mb_net_doc_ids(net, &ids, err);
	if (r)
		return r;
	for (size_t i = 0; i < MB_N(builtins); i++) {
		MB_AUTO(mb_net_network_free)
		struct mb_net_network *n = mb_net_builtin(net, builtins[i]);

		mb_strv_add(&ids, n->id);
	}
	MB_STRV_FOREACH (id, &ids) {
		if (!mb_starts_with(id, reference))
			continue;
		if (found)
			return mb_fail(err, EINVAL, "network %s is ambiguous: several ids begin so",
			               reference);
		found = id;
	}
	if (!found)
		return absent(reference, err);
	if (find_builtin(net, found, ret) == 0)
		return 0;
	return mb_net_doc_read(net, found, ret, err);
}

int mb_net_network_find(struct mb_net *net, const char *reference,
                        struct mb_net_network **ret_network, struct mb_err *err)
{
	MB_AUTO_CLOSE int names = -1;
	char id[MB_ID_TEXT];
	int r;

	if (mb_streq(reference, MB_NET_DEFAULT) || mb_streq(reference, "default"))
		return mb_net_default(net, ret_network, err);
	if (find_builtin(net, reference, ret_network) == 0)
		return 0;
	if (!mb_net_name_is_valid(reference))
		return absent(reference, err);
	r = mb_store_dir(net->store, "networks/names", false, &names, err);
	if (!r)
		r = mb_store_name_find(names, reference, id, err);
	if (r == MB_STORE_ABSENT)
		return find_by_prefix(net, reference, ret_network, err);
	if (r)
		return r;
	r = mb_net_doc_read(net, id, ret_network, err);
	return r == -ENOENT ? absent(reference, err) : r;
}

static void list_add(struct mb_net_networks *list, struct mb_net_network *n)
{
	list->v = mb_realloc(list->v, (list->n + 1) * sizeof(struct mb_net_network *));
	list->v[list->n++] = n;
}

static int by_name(const void *a, const void *b)
{
	const struct mb_net_network *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

int mb_net_network_list(struct mb_net *net, struct mb_net_networks *ret, struct mb_err *err)
{
	struct mb_net_networks list = {0};
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	struct mb_net_network *n;
	int r;

	r = mb_net_default(net, &n, err);
	if (r)
		return r;
	mb_net_network_free(n);
	r = mb_net_doc_ids(net, &ids, err);
	if (r)
		return r;
	MB_STRV_FOREACH (id, &ids) {
		struct mb_err told = MB_ERR_INIT;

		if (mb_net_doc_read(net, id, &n, &told) == 0)
			list_add(&list, n);
		else if (told.code != ENOENT)
			mb_warn("%s", told.msg);
	}
	list_add(&list, mb_net_builtin(net, "host"));
	list_add(&list, mb_net_builtin(net, "none"));
	qsort(list.v, list.n, sizeof(struct mb_net_network *), by_name);
	*ret = list;
	return 0;
}

/* ---- remove --------------------------------------------------------------------------- */

static int has_owners(struct mb_net *net, const struct mb_net_network *n, bool *ret,
                      struct mb_err *err)
{
	MB_AUTO_NET_IPAM struct mb_net_ipam ipam = MB_NET_IPAM_INIT;
	int r = mb_net_pool_open(net, n, !n->v4.subnet, &ipam, err);

	for (uint32_t slot = r ? 0 : mb_net_ipam_next(&ipam, 0); slot && !*ret;
	     slot = mb_net_ipam_next(&ipam, slot + 1))
		*ret = mb_net_owner_is_alive(mb_net_ipam_owner_of(&ipam, slot), net);
	return r;
}

/* Without addresses the records alone say it.  A start that has none yet finds the network gone
 * when it connects. */
static int has_members(struct mb_net *net, const struct mb_net_network *n, bool *ret,
                       struct mb_err *err)
{
	struct mb_net_members members = {0};
	int r = mb_net_members_list(net, n->id, &members, err);

	for (size_t i = 0; !r && i < members.n; i++)
		*ret = *ret || mb_net_is_live(net, members.v[i]->container_id);
	mb_net_members_done(&members);
	return r;
}

static int check_unused(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	bool is_used = false;
	int r = n->no_addresses ? has_members(net, n, &is_used, err)
	                        : has_owners(net, n, &is_used, err);

	if (r || !is_used)
		return r;
	mb_fail(err, EBUSY, "network %s has active endpoints", n->name);
	return MB_NET_IN_USE;
}

static int remove_here(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_net_networks_lock(net, true, &lock, err);

	if (!r)
		r = check_unused(net, n, err);
	/* The bridge first: a network without one comes up again when it is next used. */
	if (!r)
		r = mb_net_bridge_down(net, n, err);
	if (!r)
		r = mb_net_doc_remove(net, n, err);
	if (!r)
		mb_net_store_use_end(net, n);
	return r;
}

static int look_unused(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_net_networks_lock(net, false, &lock, err);

	return r ? r : check_unused(net, n, err);
}

int mb_net_network_remove(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_CLOSE int use = -1;
	int r;

	if (n->builtin)
		return mb_fail(err, EPERM, "%s is a pre-defined network and cannot be removed",
		               n->name);
	r = mb_net_store_use(net, n, LOCK_EX, &use, err);
	if (!r && mb_net_has_store(n))
		r = look_unused(net, n, err);
	if (!r && mb_net_has_store(n))
		r = mb_net_store_remove(net, n, err);
	return r ? r : remove_here(net, n, err);
}

int mb_net_network_leave(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_CLOSE int use = -1;
	int r;

	if (!mb_net_has_store(n))
		return mb_fail(err, EINVAL, "network %s is of this host alone", n->name);
	r = mb_net_store_use(net, n, LOCK_EX, &use, err);
	if (!r)
		r = look_unused(net, n, err);
	if (r)
		return r;
	mb_net_store_leave(net, n);
	return remove_here(net, n, err);
}
