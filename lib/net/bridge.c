/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/err.h"
#include "core/id.h"
#include "core/io.h"
#include "core/log.h"
#include "core/parse.h"
#include "core/str.h"
#include "net/firewall.h"
#include "net/handle.h"
#include "net/overlay.h"
#include "nl/route.h"
#include "store/store.h"
#include "sys/tree.h"

/* RUN/net/<id>/bridge -> interface index: made last, so that it says that all is there. */
#define MARKER "bridge"
enum { INDEX_TRIES = 16, INDEX_TEXT = 16 };

int mb_net_bridge_index(struct mb_net *net, const char *network_id)
{
	MB_AUTO_CLOSE int dir = -1;
	char text[INDEX_TEXT];
	ssize_t len;
	int index;

	if (mb_net_run_dir(net, network_id, &dir, NULL) < 0)
		return 0;
	len = readlinkat(dir, MARKER, text, sizeof(text) - 1);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	return mb_parse_int(text, &index) < 0 ? 0 : index;
}

static int set_marker(struct mb_net *net, const struct mb_net_network *n, int index,
                      struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1;
	char text[INDEX_TEXT];
	int r;

	r = mb_net_run_dir(net, n->id, &dir, err);
	if (r)
		return r;
	snprintf(text, sizeof(text), "%d", index);
	(void)unlinkat(dir, MARKER, 0);
	if (symlinkat(text, dir, MARKER) < 0 && errno != EEXIST)
		return mb_fail_sys(err, errno, "cannot mark the bridge as up");
	return 0;
}

static void put_address(struct mb_nl_batch *b, const struct mb_net_pool *pool, int index)
{
	struct mb_net_prefix subnet;
	struct mb_net_addr gateway;

	if (!pool->subnet || mb_net_prefix_parse(pool->subnet, &subnet) < 0 ||
	    mb_net_addr_parse(pool->gateway, &gateway) < 0)
		return;
	mb_nl_addr_add(b, gateway.family, gateway.b, subnet.bits, index, true);
}

static void put_addresses(struct mb_nl_batch *b, const struct mb_net_network *n, int index)
{
	if (!n->bare4)
		put_address(b, &n->v4, index);
	if (!n->bare6)
		put_address(b, &n->v6, index);
}

/* A bridge that changed its MAC with each port would break everybody's ARP entries. */
static void bridge_mac(const struct mb_net_network *n, uint8_t mac[MB_NET_MAC_BYTES])
{
	const char *text = n->v4.gateway ? n->v4.gateway : n->v6.gateway;
	struct mb_net_addr gateway;

	if (text && mb_net_addr_parse(text, &gateway) == 0)
		mb_net_mac_of(&gateway, mac);
	else
		mb_net_mac_of_id(n->id, mac);
	/* Whoever has that address may be a bridge of ours on another host. */
	if (n->bare4)
		mb_random(mac + 2, MB_NET_MAC_BYTES - 2);
}

static int create(struct mb_net *net, const struct mb_net_network *n, int *ret_index,
                  struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO_FREE char *alias = mb_asprintf("%s%.12s", net->alias, n->id);
	uint8_t mac[MB_NET_MAC_BYTES];
	int index = 0, r = -EBUSY;

	bridge_mac(n, mac);
	for (unsigned int i = 0; r == -EBUSY && i < INDEX_TRIES; i++) {
		index = mb_net_index_make(n->id, i);
		mb_nl_bridge_add(&b, n->bridge, n->mtu, mac, index);
		mb_nl_link_set_alias(&b, index, NULL, alias);
		mb_nl_link_set_group(&b, index, mb_net_group(n));
		put_addresses(&b, n, index);
		if (n->vlan)
			mb_nl_bridge_set_vlan(&b, index, (uint16_t)n->vlan);
		r = mb_nl_send(&net->route, &b, NULL, err);
	}
	if (r && r != -EEXIST) {
		mb_nl_link_del(&b, 0, n->bridge);
		(void)mb_nl_send(&net->route, &b, NULL, NULL);
	}
	if (r == -EOPNOTSUPP && n->vlan)
		return mb_fail(err, EOPNOTSUPP,
		               "network %s: this kernel's bridges have no VLANs (option 'vlan')",
		               n->name);
	if (r)
		return mb_wrap(err, r, "cannot make bridge '%s'", n->bridge);
	*ret_index = index;
	return 0;
}

/* The interface exists: it must be ours, or one that the user named. */
static int adopt(struct mb_net *net, const struct mb_net_network *n, const struct mb_nl_link *link,
                 struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	bool is_ours = mb_starts_with(link->alias, net->alias);
	int r;

	if (!mb_streq(link->kind, "bridge") ||
	    (!is_ours && !mb_kv_find(&n->options, MB_NET_OPTION_BRIDGE)))
		return mb_fail(err, EEXIST, "interface '%s' exists and is not of this store",
		               n->bridge);
	/* It would be that of all its ports, whoever's they are. */
	if (n->vlan && !is_ours)
		return mb_fail(err, EEXIST,
		               "bridge '%s' exists, and its VLANs are not ours to set (option "
		               "'vlan')",
		               n->bridge);
	if (n->vlan)
		mb_nl_bridge_set_vlan(&b, link->index, (uint16_t)n->vlan);
	mb_nl_link_set_up(&b, link->index, NULL);
	mb_nl_link_set_group(&b, link->index, mb_net_group(n));
	put_addresses(&b, n, link->index);
	r = mb_nl_send(&net->route, &b, NULL, err);
	return r == -EEXIST ? 0 : r;
}

/* Forwarding turns router advertisements off where a host lives by them: keep them on there. */
static void keep_router_advertisements(void)
{
	DIR *dir = opendir("/proc/sys/net/ipv6/conf");
	struct dirent *entry;
	char now[8], path[160];

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || mb_streq(entry->d_name, "all"))
			continue;
		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%.64s/accept_ra",
		         entry->d_name);
		if (mb_read_kernel_file(AT_FDCWD, path, now, sizeof(now)) == 0 &&
		    mb_streq(now, "1"))
			(void)mb_write_kernel_file(AT_FDCWD, path, "2");
	}
	closedir(dir);
}

void mb_net_forwarding6_enable(const struct mb_net_network *n)
{
	char now[8];

	if (!n->v6.subnet)
		return;
	if (mb_read_kernel_file(AT_FDCWD, "/proc/sys/net/ipv6/conf/all/forwarding", now,
	                        sizeof(now)) < 0 ||
	    mb_streq(now, "1"))
		return;
	keep_router_advertisements();
	if (mb_net_sysctl("1", "/proc/sys/net/ipv6/conf/all/forwarding"))
		mb_warn("cannot turn IPv6 forwarding on: containers do not reach the world by it");
}

static void enable_forwarding(const struct mb_net_network *n)
{
	if (n->v4.subnet && !n->bare4 && mb_net_sysctl("1", "/proc/sys/net/ipv4/ip_forward"))
		mb_warn("cannot turn net.ipv4.ip_forward on: containers do not reach the world");
	if (!n->bare6)
		mb_net_forwarding6_enable(n);
}

/* Containers must not configure the host by router advertisements; where it is to have no address,
 * it has none of the link either.  What a bridge of somebody else's has of IPv6 is not ours to
 * take. */
static void set_sysctls(const struct mb_net_network *n, bool is_ours)
{
	if (n->v6.subnet && !n->bare6)
		(void)mb_net_sysctl("0", "/proc/sys/net/ipv6/conf/%s/accept_ra", n->bridge);
	else if (is_ours)
		(void)mb_net_sysctl("1", "/proc/sys/net/ipv6/conf/%s/disable_ipv6", n->bridge);
	if (!n->bare4)
		(void)mb_net_sysctl("1", "/proc/sys/net/ipv4/conf/%s/route_localnet", n->bridge);
	if (!n->internal)
		enable_forwarding(n);
}

static int apply_elements(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes changes = {0};
	int r;

	mb_net_changes_network(&changes, n, false);
	r = mb_net_firewall_ensure(net, err);
	return r ? r : mb_net_firewall_apply(net, &changes, err);
}

/* Is the host's bridge where the network's packets are to go? */
static int check_vrf(struct mb_net *net, const struct mb_net_network *n, int master,
                     struct mb_err *err)
{
	struct mb_nl_link vrf;
	int r = mb_nl_link_find(&net->route, n->vrf, &vrf, err);

	if (r < 0)
		return r;
	if (r == MB_NL_ABSENT)
		return mb_fail(err, ENODEV,
		               "VRF '%s' of network %s not found: it is for the host to make",
		               n->vrf, n->name);
	if (!mb_streq(vrf.kind, "vrf"))
		return mb_fail(err, EINVAL, "interface '%s' is no VRF", n->vrf);
	if (vrf.index != master)
		return mb_fail(err, ENODEV,
		               "bridge '%s' of network %s is not in VRF '%s': ip link set %s "
		               "master %s",
		               n->bridge, n->name, n->vrf, n->bridge, n->vrf);
	return 0;
}

/* A bridge of the host's: nothing is done to it. */
static int unmanaged_up(struct mb_net *net, const struct mb_net_network *n, int *ret_index,
                        struct mb_err *err)
{
	struct mb_nl_link link;
	int r = mb_net_route_sock(net, err);

	if (!r)
		r = mb_nl_link_find(&net->route, n->bridge, &link, err);
	if (r < 0)
		return r;
	if (r == MB_NL_ABSENT)
		return mb_fail(err, ENODEV,
		               "bridge '%s' of network %s not found: it is for the host to make "
		               "(mode=unmanaged)",
		               n->bridge, n->name);
	if (!mb_streq(link.kind, "bridge") || mb_starts_with(link.alias, net->alias))
		return mb_fail(err, EINVAL, "interface '%s' is no bridge of the host's own",
		               n->bridge);
	*ret_index = link.index;
	return n->vrf ? check_vrf(net, n, link.master, err) : 0;
}

static int bridge_up(struct mb_net *net, const struct mb_net_network *n, int *ret_index,
                     struct mb_err *err)
{
	struct mb_nl_link link = {0};
	int r;

	r = mb_net_route_sock(net, err);
	if (!r)
		r = mb_nl_link_find(&net->route, n->bridge, &link, err);
	if (r < 0)
		return r;
	*ret_index = link.index;
	r = r == MB_NL_ABSENT ? create(net, n, ret_index, err) : adopt(net, n, &link, err);
	if (!r && mb_net_is_overlay(n->driver))
		r = mb_net_overlay_up(net, n, *ret_index, err);
	if (r)
		return r;
	set_sysctls(n, !link.index || mb_starts_with(link.alias, net->alias));
	return apply_elements(net, n, err);
}

int mb_net_bridge_up(struct mb_net *net, const struct mb_net_network *n, bool force, int *ret_index,
                     struct mb_err *err)
{
	int index, r;

	index = force ? 0 : mb_net_bridge_index(net, n->id);
	if (index) {
		*ret_index = index;
		/* The host may have led it elsewhere. */
		return n->vrf ? unmanaged_up(net, n, &index, err) : 0;
	}
	r = mb_net_is_upper(n->driver) ? mb_net_upper_up(net, n, &index, err)
	    : n->unmanaged             ? unmanaged_up(net, n, &index, err)
	                               : bridge_up(net, n, &index, err);
	if (!r)
		r = mb_net_policy_sync(net, n, err);
	if (!r)
		r = mb_net_externals_publish(net, n, err);
	if (!r)
		r = set_marker(net, n, index, err);
	if (r)
		return r;
	*ret_index = index;
	return 0;
}

int mb_net_bridge_down(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes changes = {0};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO_CLOSE int dir = -1;
	struct mb_nl_link link;
	int r;

	r = mb_net_policy_clear(net, n, err);
	if (!r && !mb_net_is_upper(n->driver) && !n->unmanaged) {
		mb_net_changes_network(&changes, n, true);
		r = mb_net_firewall_apply(net, &changes, err);
	}
	if (!r)
		r = mb_net_route_sock(net, err);
	if (!r)
		r = n->bridge ? mb_nl_link_find(&net->route, n->bridge, &link, err) : MB_NL_ABSENT;
	if (r < 0)
		return r;
	mb_net_upper_release(net, n);
	mb_net_overlay_down(net, n);
	/* A bridge that was there before us stays, and is in no group of ours any more. */
	if (r != MB_NL_ABSENT && mb_starts_with(link.alias, net->alias))
		mb_nl_link_del(&b, link.index, NULL);
	else if (r != MB_NL_ABSENT && !n->unmanaged && link.group == mb_net_group(n))
		mb_nl_link_set_group(&b, link.index, 0);
	if (b.n_messages) {
		r = mb_nl_send(&net->route, &b, NULL, err);
		if (r && r != -ENODEV)
			return mb_wrap(err, r, "cannot remove bridge '%s'", n->bridge);
	}
	r = mb_store_dir(net->store, "net", true, &dir, err);
	return r ? r : mb_sys_tree_remove(dir, n->id, err);
}
