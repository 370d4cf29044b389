/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tunnel of an overlay network: one VXLAN interface in its bridge. */
#include "net/overlay.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/err.h"
#include "core/sha256.h"
#include "core/str.h"
#include "net/addr.h"
#include "net/firewall.h"
#include "net/handle.h"
#include "net/overlay_remote.h"
#include "net/overlay_wire.h"
#include "nl/route.h"

enum { TRIES = 16 };
static const uint8_t everybody[MB_NET_MAC_BYTES];

void mb_net_overlay_ifname(const char *id, char name[IFNAMSIZ])
{
	snprintf(name, IFNAMSIZ, "mv-%.12s", id);
}

/* "m" and "n": those of containers begin with 02:6d. */
static const uint8_t tunnel_prefix[] = {0x02, 0x6e};

void mb_net_overlay_mac(const struct mb_net_addr *vtep, uint8_t ret[MB_NET_MAC_BYTES])
{
	unsigned char digest[MB_SHA256_BYTES];
	const uint8_t *rest = vtep->b;
	struct mb_sha256 h;

	if (vtep->family == AF_INET6) {
		mb_sha256_init(&h);
		mb_sha256_add(&h, vtep->b, sizeof(vtep->b));
		mb_sha256_finish(&h, digest);
		rest = digest;
	}
	memcpy(ret, tunnel_prefix, sizeof(tunnel_prefix));
	memcpy(ret + sizeof(tunnel_prefix), rest, MB_NET_MAC_BYTES - sizeof(tunnel_prefix));
}

bool mb_net_overlay_mac_is_tunnel(const uint8_t mac[MB_NET_MAC_BYTES])
{
	return memcmp(mac, tunnel_prefix, sizeof(tunnel_prefix)) == 0;
}

static bool has_store(const struct mb_net_network *n)
{
	return n->overlay.store.members.n > 0;
}

static int tunnel_of(const struct mb_net_network *n, int bridge, int wire,
                     struct mb_net_addr *local, struct mb_nl_vxlan *v, struct mb_err *err)
{
	if (mb_net_addr_parse(n->overlay.vtep, local) < 0)
		return mb_fail(err, EBADMSG, "network %s has no tunnel address", n->name);
	*v = (struct mb_nl_vxlan){.master = bridge,
	                          .link = wire,
	                          .id = n->overlay.vni,
	                          .group = mb_net_group(n),
	                          .mtu = n->mtu,
	                          .port = (uint16_t)n->overlay.port,
	                          .family = local->family,
	                          .local = local->b,
	                          .learning = n->overlay.peers.n > 0,
	                          .proxy = has_store(n)};
	return 0;
}

/* With a store the bridge, too, is told and learns nothing by itself.  Another program tells it as
 * well: it sees who is here in the bridge's tables, and fills in the others, of whom the bridge
 * then need not ask.  The gateway has one address on all hosts, and each answers for itself. */
static void put_port(struct mb_nl_batch *b, const struct mb_net_network *n, int index)
{
	const struct mb_nl_tunnel_port port = {.learning = n->overlay.peers.n > 0,
	                                       .suppress = n->overlay.external,
	                                       .isolated = !n->icc};

	mb_nl_port_set_tunnel(b, index, &port);
}

/* Frames to everybody, and to whom nobody knows, go to all the others. */
static void put_peers(struct mb_nl_batch *b, const struct mb_net_network *n, int index)
{
	MB_STRV_FOREACH (peer, &n->overlay.peers) {
		struct mb_net_addr a;

		if (!mb_streq(peer, n->overlay.vtep) && mb_net_addr_parse(peer, &a) == 0)
			mb_nl_fdb_add(b, everybody,
			              &(struct mb_nl_fdb_way){index, 0, a.family, a.b});
	}
}

static void put_mac(struct mb_nl_batch *b, const struct mb_net_network *n, int index)
{
	uint8_t mac[MB_NET_MAC_BYTES];
	struct mb_net_addr vtep;

	if (!has_store(n) || mb_net_addr_parse(n->overlay.vtep, &vtep) < 0)
		return;
	mb_net_overlay_mac(&vtep, mac);
	mb_nl_link_set_mac(b, index, mac);
}

static int make(struct mb_net *net, const struct mb_net_network *n, int bridge, int wire,
                struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO_FREE char *alias = mb_asprintf("%s%.12s", net->alias, n->id);
	struct mb_net_addr local;
	struct mb_nl_vxlan v;
	char name[IFNAMSIZ];
	int r = tunnel_of(n, bridge, wire, &local, &v, err);

	if (r)
		return r;
	mb_net_overlay_ifname(n->id, name);
	v.name = name;
	r = -EBUSY;
	for (unsigned int i = 0; r == -EBUSY && i < TRIES; i++) {
		v.index = mb_net_index_make(name, i);
		mb_nl_vxlan_add(&b, &v);
		mb_nl_link_set_alias(&b, v.index, NULL, alias);
		put_port(&b, n, v.index);
		put_mac(&b, n, v.index);
		put_peers(&b, n, v.index);
		r = mb_nl_send(&net->route, &b, NULL, err);
	}
	if (r && r != -EEXIST) {
		mb_nl_link_del(&b, 0, name);
		(void)mb_nl_send(&net->route, &b, NULL, NULL);
	}
	if (r == -EOPNOTSUPP)
		return mb_fail(err, EOPNOTSUPP, "this kernel has no VXLAN");
	if (r == -EEXIST)
		return mb_fail(err, EEXIST, "VXLAN %u is in use on this host: choose another vni",
		               v.id);
	return r ? mb_wrap(err, r, "cannot make tunnel '%s'", name) : 0;
}

/* What comes for a container here is led on to it, of an internal network too. */
static void set_forwarding(const struct mb_net_network *n)
{
	(void)mb_net_sysctl("1", "/proc/sys/net/ipv4/conf/%s/forwarding", n->bridge);
	if (n->v6.subnet)
		(void)mb_net_sysctl("1", "/proc/sys/net/ipv6/conf/%s/forwarding", n->bridge);
}

/* What is below it comes first; one that was upon another is of no use.  Return: 0 and *@ret, if it
 * is there; MB_NL_ABSENT; or -errno, told. */
static int find_tunnel(struct mb_net *net, const struct mb_net_network *n, int *ret_wire,
                       struct mb_nl_link *ret, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	bool is_new = false;
	char name[IFNAMSIZ];
	int r;

	*ret_wire = 0;
	if (n->overlay.encrypted) {
		r = mb_net_wire_up(net, n, &is_new, ret_wire, err);
		if (r)
			return r;
	}
	mb_net_overlay_ifname(n->id, name);
	r = mb_nl_link_find(&net->route, name, ret, err);
	if (r)
		return r;
	if (!mb_streq(ret->kind, "vxlan") || !mb_starts_with(ret->alias, net->alias))
		return mb_fail(err, EEXIST, "interface '%s' exists and is not of this store", name);
	if (!is_new)
		return 0;
	mb_nl_link_del(&b, ret->index, NULL);
	r = mb_nl_send(&net->route, &b, NULL, err);
	return r ? r : MB_NL_ABSENT;
}

int mb_net_overlay_up(struct mb_net *net, const struct mb_net_network *n, int bridge,
                      struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_link link;
	int wire, r;

	/* The bridge may be a new one, below a policy that is there. */
	if (has_store(n) && mb_net_policy_is_on(net, n->id))
		set_forwarding(n);
	r = find_tunnel(net, n, &wire, &link, err);
	if (r < 0)
		return r;
	if (r == MB_NL_ABSENT) {
		r = make(net, n, bridge, wire, err);
		return r ? r : mb_net_remotes_restore(net, n, err);
	}
	if (link.master != bridge)
		mb_nl_link_set_master(&b, link.index, bridge);
	put_port(&b, n, link.index);
	mb_nl_link_set_group(&b, link.index, mb_net_group(n));
	put_mac(&b, n, link.index);
	mb_nl_link_set_up(&b, link.index, NULL);
	r = mb_nl_send(&net->route, &b, NULL, err);
	/* Those that are there are refused. */
	put_peers(&b, n, link.index);
	if (!r && b.n_messages)
		(void)mb_nl_send(&net->route, &b, NULL, NULL);
	return r ? r : mb_net_remotes_restore(net, n, err);
}

int mb_net_overlay_turn(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_link bridge;
	int r;

	if (!has_store(n))
		return 0;
	r = mb_net_route_sock(net, err);
	if (!r)
		r = mb_nl_link_find(&net->route, n->bridge, &bridge, err);
	if (r)
		return r < 0 ? r : 0;
	if (mb_net_policy_is_on(net, n->id))
		set_forwarding(n);
	r = mb_net_remotes_restore(net, n, err);
	if (r)
		return r;
	/* Whom the host knew in the bridge it is to ask for again. */
	mb_nl_link_set_arp(&b, bridge.index, false);
	mb_nl_link_set_arp(&b, bridge.index, true);
	return mb_nl_send(&net->route, &b, NULL, err);
}

void mb_net_overlay_down(struct mb_net *net, const struct mb_net_network *n)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_link link;
	char name[IFNAMSIZ];

	mb_net_overlay_ifname(n->id, name);
	if (!mb_net_is_overlay(n->driver) || mb_net_route_sock(net, NULL))
		return;
	if (mb_nl_link_find(&net->route, name, &link, NULL) == 0 &&
	    mb_starts_with(link.alias, net->alias)) {
		mb_nl_link_del(&b, link.index, NULL);
		(void)mb_nl_send(&net->route, &b, NULL, NULL);
	}
	mb_net_wire_down(net, n);
}

void mb_net_overlay_announce(struct mb_net *net, const struct mb_net_endpoint *e, int bridge,
                             int port)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	const char *const addresses[] = {e->ip4, e->ip6};
	uint8_t mac[MB_NET_MAC_BYTES];
	struct mb_net_addr a;

	if (!e->announced || !e->mac || mb_net_mac_parse(e->mac, mac) < 0)
		return;
	mb_nl_fdb_port_add(&b, port, mac);
	for (size_t i = 0; i < MB_N(addresses); i++)
		if (addresses[i] && mb_net_addr_parse(addresses[i], &a) == 0)
			mb_nl_neigh_hint(&b, a.family, a.b, mac, bridge);
	(void)mb_nl_send(&net->route, &b, NULL, NULL);
}

/* ---- looking ----------------------------------------------------------------------------- */

struct flooded {
	struct mb_strv to;
};

static int each_fdb(const struct mb_nl_fdb *fdb, void *arg)
{
	struct flooded *f = arg;
	struct mb_net_addr a = {.family = fdb->family};
	char text[MB_NET_ADDR_TEXT];

	if (!fdb->family || memcmp(fdb->mac, everybody, sizeof(everybody)) != 0)
		return 0;
	memcpy(a.b, fdb->dst, sizeof(a.b));
	mb_strv_add(&f->to, mb_net_addr_format(&a, text));
	return 0;
}

static char *missing_peer(struct mb_net *net, const struct mb_net_network *n, int index)
{
	struct flooded f = {0};
	char *why = NULL;

	if (mb_nl_fdb_dump(&net->route, index, each_fdb, &f, NULL) == 0)
		MB_STRV_FOREACH (peer, &n->overlay.peers)
			if (!why && !mb_streq(peer, n->overlay.vtep) && !mb_strv_has(&f.to, peer))
				why = mb_asprintf("tunnel of network '%s' does not lead to peer %s",
				                  n->name, peer);
	mb_strv_done(&f.to);
	return why;
}

struct known {
	int index, wire;
	struct mb_strv ways;       /* "mac vtep"; in order once they are all there */
	struct mb_strv neighbours; /* "mac address"; likewise */
};

static int each_known(const struct mb_nl_fdb *fdb, void *arg)
{
	struct known *k = arg;
	struct mb_net_addr a = {.family = fdb->family};
	char mac[MB_NET_MAC_TEXT], text[MB_NET_ADDR_TEXT];

	if (!fdb->family || fdb->link != k->wire)
		return 0;
	memcpy(a.b, fdb->dst, sizeof(a.b));
	mb_strv_addf(&k->ways, "%s %s", mb_net_mac_format(fdb->mac, mac),
	             mb_net_addr_format(&a, text));
	return 0;
}

static int each_neighbour(const struct mb_nl_neigh *neigh, void *arg)
{
	struct known *k = arg;
	struct mb_net_addr a = {.family = neigh->family};
	char mac[MB_NET_MAC_TEXT], text[MB_NET_ADDR_TEXT];

	if (neigh->index != k->index || !neigh->has_mac || !(neigh->state & NUD_PERMANENT))
		return 0;
	memcpy(a.b, neigh->addr, sizeof(a.b));
	mb_strv_addf(&k->neighbours, "%s %s", mb_net_mac_format(neigh->mac, mac),
	             mb_net_addr_format(&a, text));
	return 0;
}

static bool is_reachable(const struct known *k, const struct mb_net_remote *r, bool governed)
{
	uint8_t mac[MB_NET_MAC_BYTES];
	char text[MB_NET_MAC_TEXT];
	struct mb_net_addr vtep;

	mb_net_mac_parse(r->mac, mac);
	if (governed && mb_net_addr_parse(r->vtep, &vtep) == 0)
		mb_net_overlay_mac(&vtep, mac);
	mb_net_mac_format(mac, text);
	MB_AUTO_FREE char *way = mb_asprintf("%s %s", text, r->vtep);
	MB_AUTO_FREE char *ip = mb_asprintf("%s %s", text, r->ip);
	MB_AUTO_FREE char *ip6 = mb_asprintf("%s %s", text, r->ip6 ? r->ip6 : "");

	return mb_strv_has_sorted(&k->ways, way) && mb_strv_has_sorted(&k->neighbours, ip) &&
	       (!r->ip6 || mb_strv_has_sorted(&k->neighbours, ip6));
}

/* What is known of other hosts' containers, and what the tunnel does. */
static char *missing_remote(struct mb_net *net, const struct mb_net_network *n, int index)
{
	MB_AUTO_NET_REMOTES struct mb_net_remotes all = {0};
	bool governed = mb_net_policy_is_on(net, n->id);
	struct known k = {.index = index, .wire = mb_net_wire_index(net, n)};
	char *why = NULL;

	if (mb_net_remotes_load(net, n, &all, NULL) == 0 && all.n &&
	    mb_nl_fdb_dump(&net->route, index, each_known, &k, NULL) == 0 &&
	    mb_nl_neigh_dump(&net->route, AF_UNSPEC, each_neighbour, &k, NULL) == 0) {
		mb_strv_sort(&k.ways);
		mb_strv_sort(&k.neighbours);
		for (size_t i = 0; !why && i < all.n; i++) {
			if (!is_reachable(&k, &all.v[i], governed))
				why = mb_asprintf("tunnel of network '%s' does not lead to "
				                  "container %s on host %s",
				                  n->name, all.v[i].name, all.v[i].host);
		}
	}
	mb_strv_done(&k.ways);
	mb_strv_done(&k.neighbours);
	return why;
}

static bool has_mac(const struct mb_net_network *n, const struct mb_nl_link *link)
{
	uint8_t mac[MB_NET_MAC_BYTES];
	struct mb_net_addr vtep;

	if (!has_store(n) || mb_net_addr_parse(n->overlay.vtep, &vtep) < 0)
		return true;
	mb_net_overlay_mac(&vtep, mac);
	return memcmp(link->mac, mac, sizeof(mac)) == 0;
}

char *mb_net_overlay_fault(struct mb_net *net, const struct mb_net_network *n)
{
	struct mb_nl_link link, bridge;
	char name[IFNAMSIZ], *why;

	mb_net_overlay_ifname(n->id, name);
	if (mb_net_route_sock(net, NULL) || mb_nl_link_find(&net->route, n->bridge, &bridge, NULL))
		return NULL;
	if (mb_nl_link_find(&net->route, name, &link, NULL) != 0)
		return mb_asprintf("tunnel '%s' of network '%s' is missing", name, n->name);
	if (link.master != bridge.index)
		return mb_asprintf("tunnel '%s' is not in the bridge of network '%s'", name,
		                   n->name);
	if (!(link.flags & IFF_UP))
		return mb_asprintf("tunnel '%s' of network '%s' is down", name, n->name);
	if (!has_mac(n, &link))
		return mb_asprintf("tunnel '%s' of network '%s' has another's MAC address", name,
		                   n->name);
	why = n->overlay.encrypted ? mb_net_wire_fault(net, n) : NULL;
	if (why)
		return why;
	return has_store(n) ? missing_remote(net, n, link.index) : missing_peer(net, n, link.index);
}
