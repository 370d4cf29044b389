/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "core/err.h"
#include "core/id.h"
#include "core/sha256.h"
#include "core/str.h"
#include "net/handle.h"
#include "net/network_spec.h"
#include "net/route_spec.h"
#include "net/shape.h"
#include "nl/route.h"

#define OPTION_PREFIX  "com.docker.network.container_iface_prefix"
#define OPTION_IFNAME  "com.docker.network.endpoint.ifname"
#define OPTION_SYSCTLS "com.docker.network.endpoint.sysctls"
enum { LO_INDEX = 1 };

/* ---- making one ----------------------------------------------------------------------- */

static uint32_t free_slot(const struct mb_net_sandbox *s)
{
	for (uint32_t slot = 0;; slot++) {
		bool taken = false;

		for (size_t i = 0; i < s->n_endpoints; i++)
			taken = taken || s->endpoints[i].slot == slot;
		if (!taken)
			return slot;
	}
}

/* Each of "net.ipv4.conf.IFNAME.log_martians=1,..." to @set, with the parts between the dots. */
static int each_sysctl(const char *list,
                       int (*set)(const char *const parts[], const char *value, void *arg,
                                  struct mb_err *err),
                       void *arg, struct mb_err *err)
{
	enum { PARTS = 5, IFNAME = 3 };
	MB_AUTO_STRV struct mb_strv items = MB_STRV_INIT;
	int r = 0;

	mb_strv_split(&items, list, ',');
	for (size_t i = 0; !r && i < items.n; i++) {
		MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;
		MB_AUTO_FREE char *key = mb_strdup(items.v[i]);
		char *value = strchr(key, '=');
		bool is_sound = value && value[1];

		if (value)
			*value++ = '\0';
		mb_strv_split(&parts, key, '.');
		is_sound = is_sound && parts.n == PARTS && mb_streq(parts.v[0], "net") &&
		           mb_streq(parts.v[IFNAME], "IFNAME");
		MB_STRV_FOREACH (part, &parts)
			is_sound = is_sound && *part && strlen(part) < 32 && !strchr(part, '/');
		if (!is_sound)
			return mb_fail(err, EINVAL,
			               "invalid sysctl '%s' of an endpoint: "
			               "net.X.Y.IFNAME.Z=VALUE is wanted",
			               items.v[i]);
		r = set ? set((const char *const *)parts.v, value, arg, err) : 0;
	}
	return r;
}

static int check_options(const struct mb_net_endpoint *e, struct mb_err *err)
{
	const char *list = mb_kv_find(&e->driver_opts, OPTION_SYSCTLS);

	MB_KV_FOREACH (pair, &e->driver_opts)
		if (!mb_streq(pair->key, OPTION_IFNAME) && !mb_streq(pair->key, OPTION_SYSCTLS))
			return mb_fail(err, EOPNOTSUPP, "driver option '%s' is not supported",
			               pair->key);
	return list ? each_sysctl(list, NULL, NULL, err) : 0;
}

static int choose_ifname(const struct mb_net_network *n, struct mb_net_endpoint *e,
                         struct mb_err *err)
{
	const char *prefix = mb_kv_find(&n->options, OPTION_PREFIX);
	const char *name = mb_kv_find(&e->driver_opts, OPTION_IFNAME);
	int r = check_options(e, err);

	if (r)
		return r;
	if (name && (!*name || strlen(name) >= IFNAMSIZ || strpbrk(name, "/ \t\n:%") ||
	             name[0] == '.' || mb_streq(name, "lo")))
		return mb_fail(err, EINVAL, "invalid interface name '%s'", name);
	e->ifname = name ? mb_strdup(name) : mb_asprintf("%s%u", prefix ? prefix : "eth", e->slot);
	return 0;
}

int mb_net_endpoint_fill(const struct mb_net_sandbox *s, const struct mb_net_network *n,
                         const struct mb_net_network_spec *spec, struct mb_net_endpoint *e,
                         struct mb_err *err)
{
	char id[MB_ID_TEXT];

	mb_id_make(id);
	e->id = mb_strdup(id);
	e->network_id = mb_strdup(n->id);
	e->network = mb_strdup(n->name);
	e->driver = mb_strdup(n->driver);
	e->bridge = mb_strdup(mb_net_is_upper(n->driver) ? n->parent : n->bridge);
	e->on_link = mb_streq(n->driver, "ipvlan") && n->mode != IPVLAN_MODE_L2;
	e->internal = n->internal;
	e->no_dns = n->no_dns;
	e->direct4 = n->direct4;
	e->direct6 = n->direct6;
	e->bare4 = n->bare4;
	e->unmanaged = n->unmanaged;
	e->trusting = n->trusted.n > 0;
	e->no_route = n->no_route || (n->unmanaged && !n->v4.gateway && !n->v6.gateway && !n->dhcp);
	e->metric = n->metric;
	mb_strv_add_all(&e->routes, &n->routes);
	mb_strv_add_all(&e->dns, &n->dns);
	e->isolated = !mb_net_is_upper(n->driver) && !n->icc;
	e->announced = n->overlay.external;
	e->mtu = n->mtu;
	e->mtu_out = n->mtu_out;
	e->group = n->group;
	e->no_addresses = n->no_addresses;
	e->dhcp = n->dhcp;
	e->free6 = n->no_addresses && n->ipv6;
	e->gw_priority = spec->gw_priority;
	e->slot = free_slot(s);
	/* mb0123456789, and mb0123456789.1 for eth1: found again without a journal. */
	e->host_ifname = mb_asprintf("mb%.*s", MB_NET_LINK_STEM - 2, s->container_id);
	if (e->slot) {
		MB_AUTO_FREE char *first = mb_take_ptr(&e->host_ifname);

		e->host_ifname = mb_asprintf("%s.%u", first, e->slot);
	}
	if (spec->mac && mb_streq(n->driver, "ipvlan"))
		return mb_fail(err, EINVAL,
		               "network %s is of ipvlan: its containers have one MAC address",
		               n->name);
	e->mac = mb_strdup_or_null(spec->mac);
	e->wanted_ip4 = mb_strdup_or_null(spec->ip4);
	e->wanted_ip6 = mb_strdup_or_null(spec->ip6);
	mb_strv_add_all(&e->aliases, &spec->aliases);
	mb_strv_add_all(&e->links, &spec->links);
	mb_kv_set_all(&e->driver_opts, &spec->driver_opts);
	return choose_ifname(n, e, err);
}

/* A server may know its clients by it: it is the same in every run. */
static void mac_of_both(const struct mb_net_sandbox *s, const struct mb_net_endpoint *e,
                        uint8_t mac[MB_NET_MAC_BYTES])
{
	MB_AUTO_FREE char *both = mb_asprintf("%s %s", s->container_id, e->network_id);
	char id[MB_SHA256_TEXT];

	mb_sha256_text(both, strlen(both), id);
	mb_net_mac_of_id(id, mac);
}

void mb_net_endpoint_finish(const struct mb_net_sandbox *s, struct mb_net_endpoint *e)
{
	uint8_t mac[MB_NET_MAC_BYTES];
	char buf[MB_NET_MAC_TEXT];
	const char *address = e->ip4 ? e->ip4 : e->ip6;
	struct mb_net_addr a;

	/* ipvlan's interfaces have their parent's. */
	if (!e->mac && !mb_streq(e->driver, "ipvlan")) {
		if (address && mb_net_addr_parse(address, &a) == 0)
			mb_net_mac_of(&a, mac);
		else if (e->dhcp)
			mac_of_both(s, e, mac);
		else
			mb_net_mac_of_id(e->id, mac);
		e->mac = mb_strdup(mb_net_mac_format(mac, buf));
	}
	mb_net_names_collect(e, s);
}

uint32_t mb_net_endpoint_group(const struct mb_net_endpoint *e)
{
	struct mb_net_prefix subnet;
	struct mb_net_addr ip4;
	uint32_t be;

	if (e->group)
		return e->group;
	if (!e->ip4 || mb_net_addr_parse(e->ip4, &ip4) < 0 || ip4.family != AF_INET)
		return 0;
	mb_net_prefix_set(&subnet, &ip4, e->prefix4);
	memcpy(&be, subnet.addr.b, sizeof(be));
	return ntohl(be);
}

/* One without a default route carries the ports where there is no other. */
static bool is_better_gateway(const struct mb_net_endpoint *e, const struct mb_net_endpoint *best)
{
	if (e->no_route != best->no_route)
		return best->no_route;
	if (e->gw_priority != best->gw_priority)
		return e->gw_priority > best->gw_priority;
	/* Most of the world has IPv4. */
	return (e->ip4 || e->dhcp) && !best->ip4 && !best->dhcp;
}

/* Something may leave by it. */
static bool leads_out(const struct mb_net_endpoint *e)
{
	return !e->internal && (!e->no_addresses || e->dhcp);
}

void mb_net_gateway_choose(struct mb_net_sandbox *s)
{
	struct mb_net_endpoint *best = NULL;

	for (size_t i = 0; i < s->n_endpoints; i++) {
		struct mb_net_endpoint *e = &s->endpoints[i];

		e->gateway = false;
		if (leads_out(e) && (!best || is_better_gateway(e, best)))
			best = e;
	}
	if (best)
		best->gateway = true;
}

/* ---- inside the namespace ------------------------------------------------------------- */

static void put_address(struct mb_nl_batch *b, const char *text, uint32_t prefix, int index)
{
	struct mb_net_addr a;

	if (text && mb_net_addr_parse(text, &a) == 0)
		mb_nl_addr_add(b, a.family, a.b, prefix, index, a.family == AF_INET6);
}

void mb_net_endpoint_put_routes(struct mb_nl_batch *b, const struct mb_net_endpoint *e, int index,
                                bool add)
{
	const char *const gateways[] = {e->gw4, e->gw6};

	for (size_t i = 0; i < MB_N(gateways); i++) {
		struct mb_net_addr a;
		struct mb_nl_route r = {.index = index, .mtu = e->mtu_out, .metric = e->metric};

		if (e->no_route || !gateways[i] || mb_net_addr_parse(gateways[i], &a) < 0)
			continue;
		r.family = a.family;
		r.gateway = e->on_link ? NULL : a.b;
		if (add)
			mb_nl_route_add(b, &r);
		else
			mb_nl_route_del(b, &r);
	}
}

static void put_endpoint(struct mb_nl_batch *b, const struct mb_net_endpoint *e,
                         const struct mb_net_shape *shape, int index, bool has_route)
{
	mb_net_shape_put(b, shape, index, e->mtu, true);
	mb_nl_link_set_up(b, index, NULL);
	put_address(b, e->ip4, e->prefix4, index);
	put_address(b, e->ip6, e->prefix6, index);
	if (e->routed)
		mb_net_routed_put_routes(b, e, index, true);
	if (e->gateway && has_route)
		mb_net_endpoint_put_routes(b, e, index, true);
}

static int set_sysctl(const char *const parts[], const char *value, void *arg, struct mb_err *err)
{
	const struct mb_net_endpoint *e = arg;
	int r = mb_net_sysctl(value, "/proc/sys/net/%s/%s/%s/%s", parts[1], parts[2], e->ifname,
	                      parts[4]);

	return r < 0 ? mb_fail_sys(err, -r, "cannot set 'net.%s.%s.%s.%s' to '%s'", parts[1],
	                           parts[2], e->ifname, parts[4], value)
	             : 0;
}

/* A neighbour must not be able to give the container addresses or routes by advertisements, unless
 * the user wants it. */
static int set_sysctls(struct mb_net_endpoint *e, struct mb_err *err)
{
	const char *list = mb_kv_find(&e->driver_opts, OPTION_SYSCTLS);

	if (e->ip6)
		(void)mb_net_sysctl("0", "/proc/sys/net/ipv6/conf/%s/accept_ra", e->ifname);
	else if (!e->free6)
		(void)mb_net_sysctl("1", "/proc/sys/net/ipv6/conf/%s/disable_ipv6", e->ifname);
	return list ? each_sysctl(list, set_sysctl, e, err) : 0;
}

/* The MAC address of a macvlan interface follows its IP address, so that the neighbours' tables
 * stay right.  In a restart it is that of the life before until the kernel has taken that down. */
static int raise_upper(struct mb_nl *nl, int index, struct mb_err *err)
{
	enum { TRIES = 500 };
	const struct timespec a_while = {.tv_nsec = 10000000};
	int r = -EADDRINUSE;

	for (int i = 0; r == -EADDRINUSE && i < TRIES; i++) {
		MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;

		if (i)
			(void)nanosleep(&a_while, NULL);
		mb_nl_link_set_up(&b, index, NULL);
		r = mb_nl_send(nl, &b, NULL, err);
	}
	return r;
}

static void put_more_routes(struct mb_nl_batch *b, const struct mb_net_endpoint *e, int index)
{
	MB_STRV_FOREACH (text, &e->routes) {
		struct mb_net_route_spec s;
		struct mb_nl_route r = {.index = index};

		if (mb_net_route_spec_parse(text, &s, NULL) < 0)
			continue;
		r.family = s.dst.addr.family;
		r.dst = s.dst.addr.b;
		r.prefix = s.dst.bits;
		r.gateway = s.gateway.b;
		r.metric = s.metric;
		mb_nl_route_add(b, &r);
	}
}

/* By a batch of its own: where two networks have the same one the first has it, and the others of
 * the batch are made all the same. */
static int add_more_routes(struct mb_nl *nl, const struct mb_net_endpoint *e, int index,
                           struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_err told = MB_ERR_INIT;
	int r;

	put_more_routes(&b, e, index);
	r = b.n_messages ? mb_nl_send(nl, &b, NULL, &told) : 0;
	if (!r || r == -EEXIST)
		return 0;
	if (err)
		*err = told;
	return mb_wrap(err, r, "cannot add the routes of network %s", e->network);
}

int mb_net_endpoints_configure(const struct mb_net_sandbox *s, size_t first, size_t n, int netns_fd,
                               const int *indexes, struct mb_err *err)
{
	__attribute__((cleanup(mb_net_netns_leave))) int home = -1;
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	struct mb_net_shape shape;
	int r = mb_net_shape_parse(s->rate, s->delay, s->loss, &shape, err);

	if (!r)
		r = mb_net_netns_enter(netns_fd, &home, err);
	if (!r)
		r = mb_nl_open(&nl, NETLINK_ROUTE, err);
	if (r)
		return r;
	for (size_t i = 0; !r && i < n; i++)
		if (mb_net_is_upper(s->endpoints[first + i].driver))
			r = raise_upper(&nl, indexes[i], err);
	if (r)
		return mb_wrap(err, r, "cannot configure the container's interfaces");
	mb_nl_link_set_up(&b, LO_INDEX, NULL);
	for (size_t i = 0; !r && i < n; i++) {
		r = set_sysctls(&s->endpoints[first + i], err);
		put_endpoint(&b, &s->endpoints[first + i], &shape, indexes[i], !s->guest.no_route);
	}
	if (!r)
		r = mb_nl_send(&nl, &b, NULL, err);
	if (r)
		return mb_wrap(err, r, "cannot configure the container's interfaces");
	for (size_t i = 0; !r && i < n; i++)
		r = add_more_routes(&nl, &s->endpoints[first + i], indexes[i], err);
	return r;
}

int mb_net_endpoints_shape(struct mb_net *net, const struct mb_net_sandbox *s, size_t first,
                           size_t n, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_net_shape shape;
	int r = mb_net_shape_parse(s->rate, s->delay, s->loss, &shape, err);

	if (r || !shape.rate)
		return r;
	r = mb_net_route_sock(net, err);
	for (size_t i = first; !r && i < first + n; i++) {
		const struct mb_net_endpoint *e = &s->endpoints[i];
		struct mb_nl_link link;

		if (mb_net_is_upper(e->driver))
			continue;
		r = mb_nl_link_find(&net->route, e->host_ifname, &link, err);
		if (r == MB_NL_ABSENT)
			return mb_fail(err, ENODEV, "interface '%s' not found", e->host_ifname);
		if (!r)
			mb_net_shape_put(&b, &shape, link.index, e->mtu, false);
	}
	if (!r && b.n_messages)
		r = mb_nl_send(&net->route, &b, NULL, err);
	return r ? mb_wrap(err, r, "cannot limit the rate of the container's interfaces") : 0;
}
