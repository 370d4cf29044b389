/* SPDX-License-Identifier: GPL-2.0-or-later */
/* macvlan and ipvlan: containers upon an interface of the host, as neighbours of the hosts there.
 * No frame of theirs passes our firewall, and none goes between them and the host: the kernel
 * does not turn frames round at the parent.  A host that is to reach them has a macvlan interface
 * of its own, with a route to each of them. */
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "net/handle.h"
#include "nl/route.h"

enum {
	TRIES = 16,
	INDEX_FIRST = 100, /* above the fallback interfaces a new namespace may have */
	INDEX_STEP = 1000, /* per try */
	HOST_BITS = 32,
	VLAN_MAX = 4094,
};

/* "eth0.50" is the VLAN 50 of eth0. */
static bool is_vlan(const char *name, char base[IFNAMSIZ], uint32_t *ret_id)
{
	const char *dot = strrchr(name, '.');

	if (!dot || dot == name || dot - name >= IFNAMSIZ || mb_parse_u32(dot + 1, ret_id) < 0 ||
	    *ret_id < 1 || *ret_id > VLAN_MAX)
		return false;
	snprintf(base, IFNAMSIZ, "%.*s", (int)(dot - name), name);
	return true;
}

/* A parent that is not there is made where it says itself what it is.
 * Return: 0; MB_NL_ABSENT; or -errno, told. */
static int make_vlan(struct mb_net *net, const char *name, int *ret_index, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO_FREE char *alias = mb_asprintf("%svlan", net->alias);
	struct mb_nl_upper u = {.kind = "vlan", .name = name, .netns_fd = -1};
	char base[IFNAMSIZ];
	struct mb_nl_link link;
	int r;

	if (!is_vlan(name, base, &u.mode))
		return MB_NL_ABSENT;
	r = mb_nl_link_find(&net->route, base, &link, err);
	if (r)
		return r;
	u.parent = link.index;
	r = -EBUSY;
	for (unsigned int i = 0; r == -EBUSY && i < TRIES; i++) {
		u.index = mb_net_index_make(name, i);
		mb_nl_upper_add(&b, &u);
		mb_nl_link_set_alias(&b, u.index, NULL, alias);
		mb_nl_link_set_up(&b, u.index, NULL);
		r = mb_nl_send(&net->route, &b, NULL, err);
	}
	if (r == -EOPNOTSUPP)
		return mb_fail(err, EOPNOTSUPP,
		               "interface '%s' cannot be made: this kernel has no VLANs (8021q)",
		               name);
	if (r)
		return mb_wrap(err, r, "cannot make interface '%s'", name);
	*ret_index = u.index;
	return 0;
}

/* Is another network upon the same parent?  One that cannot be read may be. */
static bool is_shared(struct mb_net *net, const struct mb_net_network *n)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;

	if (mb_net_doc_ids(net, &ids, NULL))
		return true;
	MB_STRV_FOREACH (id, &ids) {
		MB_AUTO(mb_net_network_free) struct mb_net_network *other = NULL;
		int r = mb_streq(id, n->id) ? -ENOENT : mb_net_doc_read(net, id, &other, NULL);

		if (r != -ENOENT && (r || mb_streq(other->parent, n->parent)))
			return true;
	}
	return false;
}

void mb_net_upper_release(struct mb_net *net, const struct mb_net_network *n)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_link link;

	if (!n->parent || mb_net_route_sock(net, NULL) ||
	    mb_nl_link_find(&net->route, n->parent, &link, NULL) ||
	    !mb_starts_with(link.alias, net->alias) || is_shared(net, n))
		return;
	mb_nl_link_del(&b, link.index, NULL);
	(void)mb_nl_send(&net->route, &b, NULL, NULL);
}

static int find_parent(struct mb_net *net, const struct mb_net_network *n, int *ret_index,
                       struct mb_err *err)
{
	struct mb_nl_link link;
	int r;

	r = mb_net_route_sock(net, err);
	if (!r)
		r = mb_nl_link_find(&net->route, n->parent, &link, err);
	if (!r)
		*ret_index = link.index;
	if (r == MB_NL_ABSENT)
		r = make_vlan(net, n->parent, ret_index, err);
	return r == MB_NL_ABSENT ? mb_fail(err, ENODEV, "interface '%s' not found", n->parent) : r;
}

static int tell(const struct mb_net_network *n, int r, struct mb_err *err)
{
	if (r == -EOPNOTSUPP)
		return mb_fail(err, EOPNOTSUPP, "this kernel has no %s", n->driver);
	return mb_wrap(err, r, "cannot put a %s interface upon '%s'", n->driver, n->parent);
}

static void upper_of(const struct mb_net_network *n, struct mb_nl_upper *u)
{
	*u = (struct mb_nl_upper){.kind = n->driver,
	                          .mode = n->mode,
	                          .flags = n->mode_flags,
	                          .mtu = n->mtu,
	                          .netns_fd = -1};
}

int mb_net_upper_probe(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	char name[IFNAMSIZ];
	struct mb_nl_upper u;
	int r;

	upper_of(n, &u);
	mb_net_network_names(n->id, name);
	u.name = name;
	r = find_parent(net, n, &u.parent, err);
	if (r)
		return r;
	mb_nl_upper_add(&b, &u);
	mb_nl_link_del(&b, 0, name);
	r = mb_nl_send(&net->route, &b, NULL, err);
	return r ? tell(n, r, err) : 0;
}

/* ---- the host's interface ---------------------------------------------------------------- */

static int host_address(const struct mb_net_network *n, struct mb_net_addr *ret, struct mb_err *err)
{
	const char *text = mb_kv_find(&n->options, MB_NET_OPTION_HOST_ADDRESS);

	if (!text || mb_net_addr_parse(text, ret) < 0)
		return mb_fail(err, EBADMSG, "network %s has no address of the host", n->name);
	return 0;
}

static int make_host_end(struct mb_net *net, const struct mb_net_network *n, int parent,
                         int *ret_index, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO_FREE char *alias = mb_asprintf("%s%.12s", net->alias, n->id);
	struct mb_net_addr a;
	struct mb_nl_upper u;
	int r;

	r = host_address(n, &a, err);
	if (r)
		return r;
	upper_of(n, &u);
	u.name = n->bridge;
	u.parent = parent;
	r = -EBUSY;
	for (unsigned int i = 0; r == -EBUSY && i < TRIES; i++) {
		u.index = mb_net_index_make(n->id, i);
		mb_nl_upper_add(&b, &u);
		mb_nl_link_set_alias(&b, u.index, NULL, alias);
		mb_nl_addr_add(&b, AF_INET, a.b, HOST_BITS, u.index, false);
		mb_nl_link_set_up(&b, u.index, NULL);
		r = mb_nl_send(&net->route, &b, NULL, err);
	}
	if (r)
		return tell(n, r, err);
	*ret_index = u.index;
	return 0;
}

static void put_host_route(struct mb_nl_batch *b, const struct mb_net_endpoint *e, int index,
                           bool add)
{
	struct mb_nl_route route = {.family = AF_INET, .prefix = HOST_BITS, .index = index};
	struct mb_net_addr a;

	if (!e->ip4 || mb_net_addr_parse(e->ip4, &a) < 0)
		return;
	route.dst = a.b;
	if (add)
		mb_nl_route_add(b, &route);
	else
		mb_nl_route_del(b, &route);
}

struct ways {
	const struct mb_net_network *n;
	int index;
};

static int each_record(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	const struct ways *w = arg;
	const struct mb_net_endpoint *e = mb_net_endpoint_find(s, w->n->id);
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	int r;

	if (!e)
		return 0;
	put_host_route(&b, e, w->index, true);
	r = mb_nl_send(&net->route, &b, NULL, err);
	return r == -EEXIST ? 0 : r;
}

int mb_net_upper_up(struct mb_net *net, const struct mb_net_network *n, int *ret_index,
                    struct mb_err *err)
{
	struct mb_nl_link link;
	struct ways w = {.n = n};
	int r, parent;

	r = find_parent(net, n, &parent, err);
	if (r || !n->bridge) {
		*ret_index = parent;
		return r;
	}
	r = mb_nl_link_find(&net->route, n->bridge, &link, err);
	if (r < 0)
		return r;
	if (r == 0 && !mb_starts_with(link.alias, net->alias))
		return mb_fail(err, EEXIST, "interface '%s' exists and is not of this store",
		               n->bridge);
	w.index = link.index;
	if (r == MB_NL_ABSENT)
		r = make_host_end(net, n, parent, &w.index, err);
	if (!r)
		r = mb_net_records_walk(net, each_record, &w, err);
	*ret_index = w.index;
	return r;
}

/* ---- a container's ------------------------------------------------------------------------ */

static int add_host_route(struct mb_net *net, const struct mb_net_network *n,
                          const struct mb_net_endpoint *e, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_link link;
	int r;

	if (!n->bridge)
		return 0;
	r = mb_nl_link_find(&net->route, n->bridge, &link, err);
	if (r)
		return r == MB_NL_ABSENT
		               ? mb_fail(err, ENODEV, "interface '%s' not found", n->bridge)
		               : r;
	put_host_route(&b, e, link.index, true);
	r = mb_nl_send(&net->route, &b, NULL, err);
	return r == -EEXIST ? 0 : r;
}

int mb_net_upper_attach(struct mb_net *net, const struct mb_net_endpoint *e, int netns_fd,
                        int *ret_index, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	uint8_t mac[MB_NET_MAC_BYTES];
	struct mb_nl_upper u;
	int r, parent;

	r = mb_net_doc_read(net, e->network_id, &n, err);
	if (!r)
		r = find_parent(net, n, &parent, err);
	if (r)
		return r;
	upper_of(n, &u);
	u.name = e->ifname;
	u.parent = parent;
	u.netns_fd = netns_fd;
	if (e->mac && mb_net_mac_parse(e->mac, mac) == 0)
		u.mac = mac;
	r = -EBUSY;
	for (unsigned int i = 0; r == -EBUSY && i < TRIES; i++) {
		MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;

		u.index = (int)(INDEX_FIRST + e->slot + i * INDEX_STEP);
		mb_nl_upper_add(&b, &u);
		r = mb_nl_send(&net->route, &b, NULL, err);
	}
	if (r)
		return tell(n, r, err);
	*ret_index = u.index;
	return add_host_route(net, n, e, err);
}

static void drop_route(struct mb_net *net, const struct mb_net_endpoint *e)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_link link;

	if (mb_net_doc_read(net, e->network_id, &n, NULL) || !n->bridge ||
	    mb_net_route_sock(net, NULL) || mb_nl_link_find(&net->route, n->bridge, &link, NULL))
		return;
	put_host_route(&b, e, link.index, false);
	(void)mb_nl_send(&net->route, &b, NULL, NULL);
}

/* By its kind and by the index that we gave it, which whoever is inside cannot change; another
 * plugin's may have the name. */
static bool is_ours(const struct mb_net_endpoint *e, const struct mb_nl_link *link)
{
	int64_t tries = (int64_t)link->index - INDEX_FIRST - e->slot;

	return mb_streq(link->kind, e->driver) && tries >= 0 && tries % INDEX_STEP == 0 &&
	       tries / INDEX_STEP < TRIES;
}

void mb_net_upper_detach(struct mb_net *net, const struct mb_net_endpoint *e, int netns_fd)
{
	__attribute__((cleanup(mb_net_netns_leave))) int home = -1;
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	struct mb_nl_link link;

	drop_route(net, e);
	if (netns_fd < 0 || mb_net_netns_enter(netns_fd, &home, NULL) ||
	    mb_nl_open(&nl, NETLINK_ROUTE, NULL) || mb_nl_link_find(&nl, e->ifname, &link, NULL) ||
	    !is_ours(e, &link))
		return;
	mb_nl_link_del(&b, link.index, NULL);
	(void)mb_nl_send(&nl, &b, NULL, NULL);
}
