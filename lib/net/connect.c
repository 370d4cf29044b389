/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/str.h"
#include "net/endpoint.h"
#include "net/firewall.h"
#include "net/handle.h"
#include "net/lease.h"
#include "net/network_spec.h"
#include "net/overlay_store.h"
#include "nl/route.h"

/* Joining and leaving while the container runs.  The record goes first when something is added, and
 * before the address when something is taken away, so that a crash in between leaves what detach
 * undoes, and nobody else has an address that a record speaks of. */

static int load(struct mb_net *net, const char *container_id, struct mb_net_sandbox **ret,
                struct mb_err *err)
{
	int r = mb_net_sandbox_load(net, container_id, ret, err);

	if (r == MB_NET_ABSENT)
		mb_fail(err, ENOENT, "container %.12s is on no network that can be changed",
		        container_id);
	return r;
}

static void put_routes(struct mb_nl *nl, const struct mb_net_endpoint *e, bool add)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_link link;

	if (!e || mb_nl_link_find(nl, e->ifname, &link, NULL))
		return;
	mb_net_endpoint_put_routes(&b, e, link.index, add);
	if (b.n_messages)
		(void)mb_nl_send(nl, &b, NULL, NULL);
}

/* The default route goes from @from to @to; either may be NULL or have no link any more. */
static int move_gateway(int netns_fd, const struct mb_net_endpoint *from,
                        const struct mb_net_endpoint *to, struct mb_err *err)
{
	__attribute__((cleanup(mb_net_netns_leave))) int home = -1;
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	int r;

	r = mb_net_netns_enter(netns_fd, &home, err);
	if (!r)
		r = mb_nl_open(&nl, NETLINK_ROUTE, err);
	if (r)
		return r;
	put_routes(&nl, from, false);
	put_routes(&nl, to, true);
	return 0;
}

static const char *gateway_id(const struct mb_net_sandbox *s)
{
	const struct mb_net_endpoint *e = mb_net_gateway_endpoint(s);

	return e ? e->network_id : NULL;
}

/* Who carries the default route and the ports is decided anew; both follow.  With @netns_fd -1
 * there is no route left to move. */
static int settle_gateway(struct mb_net_sandbox *s, int netns_fd, struct mb_err *err)
{
	MB_AUTO_FREE char *old_id = mb_strdup_or_null(gateway_id(s));
	const struct mb_net_endpoint *old = old_id ? mb_net_endpoint_find(s, old_id) : NULL;

	mb_net_gateway_choose(s);
	if (netns_fd < 0 || mb_streq(old_id, gateway_id(s)))
		return 0;
	return move_gateway(netns_fd, old, mb_net_gateway_endpoint(s), err);
}

static int attach_last(struct mb_net *net, struct mb_net_sandbox *s, int netns_fd,
                       struct mb_err *err)
{
	struct mb_net_endpoint *e = &s->endpoints[s->n_endpoints - 1];
	int index, r;

	r = mb_net_route_sock(net, err);
	if (!r)
		r = mb_net_link_attach(net, e, s->n_bindings && mb_net_hairpin_is_needed(),
		                       netns_fd, &index, err);
	if (!r)
		r = mb_net_endpoints_configure(s, s->n_endpoints - 1, 1, netns_fd, &index, err);
	if (!r)
		r = mb_net_leases_take(net, s, s->n_endpoints - 1, 1, netns_fd, err);
	if (!r)
		r = mb_net_endpoints_shape(net, s, s->n_endpoints - 1, 1, err);
	if (!r)
		r = mb_net_routed_recheck(net, s, s->n_endpoints - 1, 1, netns_fd, err);
	return r ? r : mb_net_policy_join(net, s, e, err);
}

void mb_net_endpoint_drop_link(struct mb_net *net, const struct mb_net_endpoint *e, int netns_fd)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;

	if (mb_net_is_upper(e->driver)) {
		mb_net_upper_detach(net, e, netns_fd);
		return;
	}
	if (mb_net_route_sock(net, NULL) < 0)
		return;
	mb_nl_link_del(&b, 0, e->host_ifname);
	(void)mb_nl_send(&net->route, &b, NULL, NULL);
}

/* Take endpoint @at out of @s.  Its address it has until the record is written without it. */
static void part_with(struct mb_net *net, struct mb_net_sandbox *s, size_t at, int netns_fd,
                      struct mb_net_endpoint *gone)
{
	struct mb_net_endpoint *e = &s->endpoints[at];

	mb_net_names_remove(net, s, e);
	mb_net_lease_release(s, e, netns_fd);
	mb_net_endpoint_drop_link(net, e, netns_fd);
	(void)mb_net_policy_leave(net, s, e, NULL);
	s->n_endpoints--;
	*gone = *e;
	memmove(e, e + 1, (s->n_endpoints - at) * sizeof(*e));
}

/* Nothing speaks of it any more: the address is anybody's, and other hosts may hear of that. */
static void give_back(struct mb_net *net, const struct mb_net_sandbox *s,
                      const struct mb_net_endpoint *gone)
{
	mb_net_address_release(net, gone, s->container_id);
	mb_net_store_release(net, gone, s->container_id);
}

/* What it left before, and may have still, is forgotten by the record.  But the address of @gone it
 * has until that is written, though it left the same one before. */
static void release_left(struct mb_net *net, struct mb_net_sandbox *s,
                         const struct mb_net_endpoint *gone)
{
	if (!s->left_network || mb_net_endpoint_find(s, s->left_network))
		return;
	if (mb_streq(s->left_network, gone->network_id)) {
		if (mb_streq(s->left_ip4, gone->ip4))
			mb_strset(&s->left_ip4, NULL);
		if (mb_streq(s->left_ip6, gone->ip6))
			mb_strset(&s->left_ip6, NULL);
	}
	mb_net_address_release_left(net, s);
}

/* Whether the record on disk, which could not be written, has it; what cannot be read may. */
static bool is_recorded(struct mb_net *net, const char *container_id,
                        const struct mb_net_endpoint *gone)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
	int r = mb_net_sandbox_load(net, container_id, &s, NULL);

	return r < 0 || (r == 0 && mb_net_endpoint_find(s, gone->network_id));
}

/* The record without @gone, which is freed.  Cut off before the address is given back, the record
 * tells of it still. */
static int write_without(struct mb_net *net, struct mb_net_sandbox *s, struct mb_net_endpoint *gone,
                         struct mb_err *err)
{
	int r;

	release_left(net, s, gone);
	mb_strset(&s->left_network, gone->network_id);
	mb_strset(&s->left_ip4, gone->ip4);
	mb_strset(&s->left_ip6, gone->ip6);
	r = mb_net_record_write(net, s, err);
	if (!r || !is_recorded(net, s->container_id, gone))
		give_back(net, s, gone);
	mb_net_endpoint_done(gone);
	return r;
}

/* The ports go where the default route goes. */
static int move_gateway_and_ports(struct mb_net *net, struct mb_net_sandbox *s, int netns_fd,
                                  struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes old = {0};
	MB_AUTO_FREE char *old_id = mb_strdup_or_null(gateway_id(s));
	int r;

	mb_net_ports_changes(s, &old, true);
	r = settle_gateway(s, netns_fd, err);
	if (r || mb_streq(old_id, gateway_id(s)))
		return r;
	r = mb_net_firewall_apply_of(net, s, &old, err);
	if (!r)
		r = mb_net_record_write(net, s, err);
	return r ? r : mb_net_ports_publish(net, s, err);
}

static int connect_last(struct mb_net *net, struct mb_net_sandbox *s, int netns_fd,
                        struct mb_err *err)
{
	int r;

	r = mb_net_record_write(net, s, err);
	mb_net_uses_end(net);
	if (!r)
		r = attach_last(net, s, netns_fd, err);
	if (!r)
		r = move_gateway_and_ports(net, s, netns_fd, err);
	if (!r)
		r = mb_net_names_add(net, s, &s->endpoints[s->n_endpoints - 1], err);
	return r ? r : mb_net_store_publish(net, s, &s->endpoints[s->n_endpoints - 1], err);
}

/* What connect_last() has done of it; ports and default route go back if they had come along. */
static void undo_last(struct mb_net *net, struct mb_net_sandbox *s, int netns_fd)
{
	bool moved = mb_net_gateway_endpoint(s) == &s->endpoints[s->n_endpoints - 1];
	struct mb_net_endpoint gone;

	if (moved)
		(void)mb_net_ports_unpublish(net, s, NULL);
	part_with(net, s, s->n_endpoints - 1, netns_fd, &gone);
	(void)settle_gateway(s, netns_fd, NULL);
	(void)write_without(net, s, &gone, NULL);
	if (moved)
		(void)mb_net_ports_publish(net, s, NULL);
}

int mb_net_connect(struct mb_net *net, const char *container_id, int netns_fd,
                   const struct mb_net_network_spec *spec, struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
	int r;

	r = load(net, container_id, &s, err);
	if (!r)
		r = mb_net_endpoint_add(net, s, spec, NULL, err);
	if (r)
		return r;
	r = connect_last(net, s, netns_fd, err);
	if (r)
		undo_last(net, s, netns_fd);
	return r;
}

/* By the network's id, name or prefix; a network whose document is gone by what the record says. */
static int find_endpoint(struct mb_net *net, const struct mb_net_sandbox *s, const char *network,
                         size_t *ret_at, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	const char *id = network;

	if (mb_net_network_find(net, network, &n, err) == 0)
		id = n->id;
	for (size_t i = 0; i < s->n_endpoints; i++) {
		if (!mb_streq(s->endpoints[i].network_id, id) &&
		    (n || !mb_streq(s->endpoints[i].network, network)))
			continue;
		*ret_at = i;
		return 0;
	}
	if (n)
		mb_fail(err, ENOENT, "container %s is not connected to network %s",
		        s->container_name, n->name);
	return MB_NET_ABSENT;
}

/* Without endpoint @at, on disk too. */
static int take_out(struct mb_net *net, struct mb_net_sandbox *s, size_t at, int netns_fd,
                    struct mb_err *err)
{
	struct mb_net_endpoint gone;
	int r, settled;

	part_with(net, s, at, netns_fd, &gone);
	settled = settle_gateway(s, netns_fd, err);
	r = write_without(net, s, &gone, settled ? NULL : err);
	return settled ? settled : r;
}

int mb_net_disconnect(struct mb_net *net, const char *container_id, int netns_fd,
                      const char *network, struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL, *now = NULL;
	size_t at;
	int r, last;

	r = load(net, container_id, &s, err);
	if (!r)
		r = find_endpoint(net, s, network, &at, err);
	if (!r)
		r = mb_net_ports_unpublish(net, s, err);
	if (r)
		return r;
	r = take_out(net, s, at, netns_fd, err);
	/* Whatever failed, the ports are as the record says, and what undoes them later finds it.
	 */
	last = load(net, container_id, &now, r ? NULL : err);
	if (!last)
		last = mb_net_ports_publish(net, now, r ? NULL : err);
	return r ? r : last;
}
