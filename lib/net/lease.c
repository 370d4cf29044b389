/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record has the lease; the kernel has its end, too, so that no address is used longer than it
 * is ours, whoever is alive to see to it. */
#include "net/lease.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/dhcp_talk.h"
#include "net/endpoint.h"
#include "net/handle.h"
#include "net/route_spec.h"
#include "nl/route.h"

enum {
	AGAIN_SEC = 30, /* without an address: until it is asked for anew */
	PATIENT_SEC =
		60, /* RFC 2131, 4.4.5: no request sooner than that after one that was silent */
};

/* ---- networks --------------------------------------------------------------------------- */

int mb_net_lease_check_request(const struct mb_net_create *q, struct mb_err *err)
{
	const struct {
		const char *option, *value;
	} given[] = {
		{"--subnet", q->subnets.n ? q->subnets.v[0] : NULL},
		{"--gateway", q->gateways.n ? q->gateways.v[0] : NULL},
		{"--ip-range", q->ip_ranges.n ? q->ip_ranges.v[0] : NULL},
		{"--aux-address", q->aux.n ? q->aux.v[0].key : NULL},
		{"--route", q->routes.n ? q->routes.v[0] : NULL},
	};

	if (!q->dhcp)
		return 0;
	for (size_t i = 0; i < MB_N(given); i++)
		if (given[i].value)
			return mb_fail(err, EINVAL,
			               "%s '%s' and --ipam-driver dhcp exclude each other: "
			               "addresses and routes are the DHCP server's",
			               given[i].option, given[i].value);
	if (q->no_ipv4)
		return mb_fail(err, EINVAL,
		               "--ipv4=false and --ipam-driver dhcp exclude each other");
	return 0;
}

int mb_net_lease_check(const struct mb_net_network *n, struct mb_err *err)
{
	if (!n->dhcp)
		return 0;
	if (!mb_net_is_upper(n->driver) && !n->unmanaged)
		return mb_fail(err, EINVAL,
		               "--ipam-driver dhcp wants the driver macvlan or ipvlan, or a bridge "
		               "of the host's own (-o mode=unmanaged): on a network of driver %s "
		               "there is no DHCP server",
		               n->driver);
	if (mb_streq(n->driver, "ipvlan") && n->mode != IPVLAN_MODE_L2)
		return mb_fail(err, EINVAL,
		               "--ipam-driver dhcp wants ipvlan_mode=l2: no broadcast goes out "
		               "otherwise");
	return 0;
}

/* ---- what a server said, in the record ---------------------------------------------------- */

static void set_bytes(char **slot, const uint8_t bytes[4])
{
	static const uint8_t nobody[4];
	struct mb_net_addr a = {.family = AF_INET};
	char buf[MB_NET_ADDR_TEXT];

	memcpy(a.b, bytes, 4);
	mb_strset(slot, memcmp(bytes, nobody, 4) != 0 ? mb_net_addr_format(&a, buf) : NULL);
}

static void get_bytes(const char *text, uint8_t ret[4])
{
	struct mb_net_addr a;

	memset(ret, 0, 4);
	if (text && mb_net_addr_parse(text, &a) == 0 && a.family == AF_INET)
		memcpy(ret, a.b, 4);
}

static void add_route(struct mb_strv *routes, const struct mb_net_dhcp_route *r)
{
	struct mb_net_addr a = {.family = AF_INET};
	struct mb_net_prefix p;
	char dst[MB_NET_ADDR_TEXT], gateway[MB_NET_ADDR_TEXT];

	memcpy(a.b, r->dst, 4);
	mb_net_prefix_set(&p, &a, r->bits);
	memcpy(a.b, r->gateway, 4);
	mb_strv_addf(routes, "%s,%s", mb_net_prefix_format(&p, dst),
	             mb_net_addr_format(&a, gateway));
}

static int64_t after(int64_t begun, uint32_t seconds)
{
	return seconds == MB_NET_DHCP_FOREVER ? 0 : begun + seconds * MB_NSEC_PER_SEC;
}

static void clear(struct mb_net_endpoint *e)
{
	struct mb_net_lease *l = &e->lease;

	mb_strset(&e->ip4, NULL);
	mb_strset(&e->gw4, NULL);
	mb_strset(&l->server, NULL);
	mb_strset(&l->server_mac, NULL);
	mb_strv_done(&l->dns);
	mb_strv_done(&l->search);
	mb_strv_done(&l->routes);
	l->due = l->rebind = l->ends = 0;
	l->mtu = 0;
}

static void fill(struct mb_net_endpoint *e, const struct mb_net_dhcp_lease *got)
{
	const struct mb_net_dhcp_reply *is = &got->is;
	struct mb_net_lease *l = &e->lease;
	char mac[MB_NET_MAC_TEXT];

	clear(e);
	set_bytes(&e->ip4, is->own);
	e->prefix4 = is->bits;
	if (!e->internal)
		set_bytes(&e->gw4, is->router);
	set_bytes(&l->server, is->server);
	mb_strset(&l->server_mac, mb_net_mac_format(got->server_mac, mac));
	for (size_t i = 0; i < is->n_dns; i++) {
		MB_AUTO_FREE char *text = NULL;

		set_bytes(&text, is->dns[i]);
		mb_strv_add(&l->dns, text);
	}
	if (is->domain[0])
		mb_strv_add(&l->search, is->domain);
	for (size_t i = 0; !e->internal && i < is->n_routes; i++)
		add_route(&l->routes, &is->routes[i]);
	l->mtu = is->mtu;
	l->due = after(got->begun, is->renew);
	l->rebind = after(got->begun, is->rebind);
	l->ends = after(got->begun, is->lease);
	mb_strset(&l->former, e->ip4);
}

/* As far as its server has to be told. */
static void read_back(const struct mb_net_endpoint *e, struct mb_net_dhcp_lease *ret)
{
	*ret = (struct mb_net_dhcp_lease){.begun = 0};
	get_bytes(e->ip4, ret->is.own);
	get_bytes(e->lease.server, ret->is.server);
	(void)mb_net_mac_parse(e->lease.server_mac ? e->lease.server_mac : "", ret->server_mac);
}

bool mb_net_has_leases(const struct mb_net_sandbox *s)
{
	bool any = false;

	for (size_t i = 0; i < s->n_endpoints; i++)
		any = any || s->endpoints[i].dhcp;
	return any;
}

/* ---- in the namespace --------------------------------------------------------------------- */

struct place {
	int home;
	struct mb_nl nl;
	struct mb_nl_link link;
};
#define PLACE_INIT ((struct place){.home = -1, .nl = MB_NL_INIT})

static void place_done(struct place *p)
{
	mb_nl_close(&p->nl);
	mb_net_netns_leave(&p->home);
}

static int enter(const struct mb_net_endpoint *e, int netns_fd, struct place *ret,
                 struct mb_err *err)
{
	int r = mb_net_netns_enter(netns_fd, &ret->home, err);

	if (!r)
		r = mb_nl_open(&ret->nl, NETLINK_ROUTE, err);
	if (!r)
		r = mb_nl_link_find(&ret->nl, e->ifname, &ret->link, err);
	return r == MB_NL_ABSENT ? mb_fail(err, ENODEV, "interface '%s' not found", e->ifname) : r;
}

/* What goes wrong with one route is not to stop the others. */
static void send_route(struct place *p, const struct mb_nl_route *route, bool add)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;

	if (add)
		mb_nl_route_add(&b, route);
	else
		mb_nl_route_del(&b, route);
	(void)mb_nl_send(&p->nl, &b, NULL, NULL);
}

/* A router may be outside of the subnet: then it is on the link all the same. */
static void lead_to(struct place *p, const struct mb_net_endpoint *e, const char *router, bool add)
{
	struct mb_nl_route r = {.family = AF_INET, .prefix = 32, .index = p->link.index};
	struct mb_net_prefix subnet;
	struct mb_net_addr own, to;

	if (mb_net_addr_parse(e->ip4, &own) < 0 || mb_net_addr_parse(router, &to) < 0 ||
	    mb_net_addr_is_any(&to))
		return;
	mb_net_prefix_set(&subnet, &own, e->prefix4);
	if (mb_net_prefix_has(&subnet, &to))
		return;
	r.dst = to.b;
	send_route(p, &r, add);
}

static void send_routes(struct place *p, const struct mb_net_endpoint *e, bool add)
{
	MB_STRV_FOREACH (text, &e->lease.routes) {
		struct mb_nl_route r = {.family = AF_INET, .index = p->link.index};
		char gateway[MB_NET_ADDR_TEXT];
		struct mb_net_route_spec s;

		if (mb_net_route_spec_parse(text, &s, NULL) < 0)
			continue;
		lead_to(p, e, mb_net_addr_format(&s.gateway, gateway), add);
		r.dst = s.dst.addr.b;
		r.prefix = s.dst.bits;
		r.gateway = mb_net_addr_is_any(&s.gateway) ? NULL : s.gateway.b;
		send_route(p, &r, add);
	}
}

static void send_default(struct place *p, const struct mb_net_endpoint *e, bool add)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;

	if (e->gw4)
		lead_to(p, e, e->gw4, add);
	mb_net_endpoint_put_routes(&b, e, p->link.index, add);
	if (b.n_messages)
		(void)mb_nl_send(&p->nl, &b, NULL, NULL);
}

/* Seconds that it is ours still; at least one. */
static uint32_t left_of(const struct mb_net_endpoint *e)
{
	int64_t left = ((int64_t)e->lease.ends - mb_boottime_nsec()) / MB_NSEC_PER_SEC;

	return !e->lease.ends ? UINT32_MAX : left < 1 ? 1 : (uint32_t)left;
}

static int put(struct place *p, const struct mb_net_endpoint *e, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_net_addr a;
	int r;

	if (mb_net_addr_parse(e->ip4, &a) < 0)
		return mb_fail(err, EBADMSG, "'%s' is no address", e->ip4);
	if (e->lease.mtu && e->lease.mtu < p->link.mtu)
		mb_nl_link_set_mtu(&b, p->link.index, e->lease.mtu);
	mb_nl_addr_lend(&b, a.b, e->prefix4, p->link.index, left_of(e));
	r = mb_nl_send(&p->nl, &b, NULL, err);
	if (r)
		return mb_wrap(err, r, "cannot give '%s' to interface '%s'", e->ip4, e->ifname);
	send_routes(p, e, true);
	if (e->gateway)
		send_default(p, e, true);
	return 0;
}

static void take_away(struct place *p, const struct mb_net_endpoint *e)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_net_addr a;

	if (!e->ip4 || mb_net_addr_parse(e->ip4, &a) < 0)
		return;
	if (e->gateway)
		send_default(p, e, false);
	send_routes(p, e, false);
	mb_nl_addr_del(&b, AF_INET, a.b, e->prefix4, p->link.index);
	(void)mb_nl_send(&p->nl, &b, NULL, NULL); /* its time may have been over */
}

/* ---- asking ------------------------------------------------------------------------------- */

static int open_talk(const struct mb_net_sandbox *s, const struct mb_net_endpoint *e, bool deaf,
                     struct mb_net_dhcp_talk *t, struct mb_err *err)
{
	mb_net_dhcp_id(s->container_id, e->network_id, t->id);
	t->hostname = s->hostname;
	/* Frames to the MAC address that they share are not known to be for one that has no
	 * address yet. */
	t->broadcast = mb_streq(e->driver, "ipvlan");
	return mb_net_dhcp_talk_open(e->ifname, deaf, t, err);
}

static int acquire(const struct mb_net_sandbox *s, struct mb_net_endpoint *e, struct mb_err *err)
{
	__attribute__((cleanup(mb_net_dhcp_talk_done))) struct mb_net_dhcp_talk t =
		MB_NET_DHCP_TALK_INIT;
	struct mb_net_dhcp_lease got;
	uint8_t wanted[4];
	int r = open_talk(s, e, false, &t, err);

	get_bytes(e->lease.former, wanted);
	if (!r)
		r = mb_net_dhcp_acquire(&t, wanted, &got, err);
	if (!r)
		fill(e, &got);
	if (r == MB_NET_DHCP_SILENT && t.has_heard)
		return mb_fail(err, EADDRNOTAVAIL,
		               "network %s: no DHCP server on '%s' gave an address that can be "
		               "used",
		               e->network, e->bridge);
	if (r == MB_NET_DHCP_SILENT)
		return mb_fail(err, ETIMEDOUT, "network %s: no DHCP server answered on '%s'",
		               e->network, e->bridge);
	return r;
}

static int take(struct mb_net_sandbox *s, struct mb_net_endpoint *e, int netns_fd,
                struct mb_err *err)
{
	__attribute__((cleanup(place_done))) struct place p = PLACE_INIT;
	int r = enter(e, netns_fd, &p, err);

	if (!r)
		r = acquire(s, e, err);
	if (r)
		return r;
	/* Another network's router may do. */
	e->no_route = e->no_route || !e->gw4;
	return put(&p, e, err);
}

int mb_net_leases_take(struct mb_net *net, struct mb_net_sandbox *s, size_t first, size_t n,
                       int netns_fd, struct mb_err *err)
{
	bool any = false;
	int r = 0;

	for (size_t i = first; !r && i < first + n; i++) {
		if (!s->endpoints[i].dhcp)
			continue;
		any = true;
		r = take(s, &s->endpoints[i], netns_fd, err);
	}
	return r || !any ? r : mb_net_record_write(net, s, err);
}

int mb_net_leases_route(struct mb_net *net, struct mb_net_sandbox *s, int netns_fd,
                        struct mb_err *err)
{
	__attribute__((cleanup(place_done))) struct place p = PLACE_INIT;
	const struct mb_net_endpoint *before = mb_net_gateway_endpoint(s), *e;
	int r;

	mb_net_gateway_choose(s);
	e = mb_net_gateway_endpoint(s);
	if (!e || e == before)
		return 0;
	r = enter(e, netns_fd, &p, err);
	if (r)
		return r;
	send_default(&p, e, true);
	return mb_net_record_write(net, s, err);
}

/* ---- giving back -------------------------------------------------------------------------- */

int mb_net_lease_farewell(const struct mb_net_sandbox *s, const struct mb_net_endpoint *e,
                          int netns_fd, struct mb_net_farewell *ret, struct mb_err *err)
{
	__attribute__((cleanup(mb_net_dhcp_talk_done))) struct mb_net_dhcp_talk t =
		MB_NET_DHCP_TALK_INIT;
	__attribute__((cleanup(mb_net_netns_leave))) int home = -1;
	struct mb_net_dhcp_lease lease;
	int r;

	ret->fd = -1;
	ret->n = 0;
	if (!e->dhcp || !e->ip4 || !e->lease.server)
		return 0;
	read_back(e, &lease);
	r = mb_net_netns_enter(netns_fd, &home, err);
	if (!r)
		r = open_talk(s, e, true, &t, err);
	if (r)
		return r;
	_Static_assert(sizeof(ret->frame) == MB_NET_DHCP_FRAME_MAX, "room for any frame");
	ret->n = mb_net_dhcp_farewell(&t, &lease, ret->frame);
	ret->fd = mb_take_fd(&t.fd);
	return 0;
}

void mb_net_lease_release(const struct mb_net_sandbox *s, const struct mb_net_endpoint *e,
                          int netns_fd)
{
	struct mb_net_farewell f;

	if (netns_fd < 0 || mb_net_lease_farewell(s, e, netns_fd, &f, NULL) < 0)
		return;
	if (f.fd >= 0)
		(void)!send(f.fd, f.frame, f.n, 0);
	mb_close(&f.fd);
}

void mb_net_leases_release(const struct mb_net_sandbox *s, int netns_fd)
{
	for (size_t i = 0; i < s->n_endpoints; i++)
		mb_net_lease_release(s, &s->endpoints[i], netns_fd);
}

/* ---- keeping ------------------------------------------------------------------------------ */

/* Half of the time that is left, but not too often, and not too late. */
static int64_t patiently(int64_t now, int64_t end)
{
	int64_t wait = (end - now) / 2;

	if (wait < PATIENT_SEC * MB_NSEC_PER_SEC)
		wait = PATIENT_SEC * MB_NSEC_PER_SEC;
	return wait < end - now ? now + wait : end;
}

static int renew(const struct mb_net_sandbox *s, struct mb_net_endpoint *e, struct mb_err *err)
{
	__attribute__((cleanup(mb_net_dhcp_talk_done))) struct mb_net_dhcp_talk t =
		MB_NET_DHCP_TALK_INIT;
	bool all = mb_boottime_nsec() >= (int64_t)e->lease.rebind;
	int64_t until = (int64_t)(all ? e->lease.ends : e->lease.rebind);
	struct mb_net_dhcp_lease old, got;
	int r = open_talk(s, e, false, &t, err);

	read_back(e, &old);
	if (!r)
		r = mb_net_dhcp_renew(&t, &old, all, until, &got, err);
	if (!r)
		fill(e, &got);
	if (r == MB_NET_DHCP_SILENT) {
		e->lease.due = patiently(mb_boottime_nsec(), until);
		return 0;
	}
	/* It is off before another is asked for. */
	if (r == MB_NET_DHCP_REFUSED) {
		clear(e);
		e->lease.due = mb_boottime_nsec();
	}
	return r < 0 ? r : 0;
}

bool mb_net_lease_is_due(const struct mb_net_endpoint *e)
{
	return e->dhcp && e->lease.due && (int64_t)e->lease.due <= mb_boottime_nsec();
}

int mb_net_lease_ask(const struct mb_net_sandbox *s, struct mb_net_endpoint *e, int netns_fd,
                     struct mb_err *err)
{
	__attribute__((cleanup(mb_net_netns_leave))) int home = -1;
	int r = mb_net_netns_enter(netns_fd, &home, err);

	if (r)
		return r;
	if (e->ip4 && mb_boottime_nsec() < (int64_t)e->lease.ends) {
		r = renew(s, e, err);
	} else if (e->ip4) {
		clear(e);
		e->lease.due = mb_boottime_nsec();
	} else {
		r = acquire(s, e, err);
	}
	if (r)
		e->lease.due = mb_boottime_nsec() + AGAIN_SEC * MB_NSEC_PER_SEC;
	return r;
}

static bool has_same(const struct mb_net_endpoint *a, const struct mb_net_endpoint *b)
{
	MB_AUTO_FREE char *of_a = mb_strv_join(&a->lease.routes, " ");
	MB_AUTO_FREE char *of_b = mb_strv_join(&b->lease.routes, " ");

	return mb_streq(a->ip4, b->ip4) && mb_streq(a->gw4, b->gw4) && a->prefix4 == b->prefix4 &&
	       mb_streq(of_a, of_b);
}

#define SWAP(a, b)                         \
	do {                               \
		__typeof__(a) kept_ = (a); \
		(a) = (b);                 \
		(b) = kept_;               \
	} while (0)

int mb_net_lease_settle(struct mb_net *net, struct mb_net_sandbox *s, struct mb_net_endpoint *e,
                        struct mb_net_endpoint *now, int netns_fd, struct mb_err *err)
{
	__attribute__((cleanup(place_done))) struct place p = PLACE_INIT;
	bool same = has_same(e, now);
	int r = enter(e, netns_fd, &p, err);

	if (r)
		return r;
	if (!same) {
		mb_net_names_remove(net, s, e);
		take_away(&p, e);
	}
	SWAP(e->ip4, now->ip4);
	SWAP(e->gw4, now->gw4);
	SWAP(e->prefix4, now->prefix4);
	SWAP(e->lease, now->lease);
	r = mb_net_record_write(net, s, err);
	if (!r && e->ip4)
		r = put(&p, e, err);
	place_done(&p);
	p = PLACE_INIT;
	return r || same || !e->ip4 ? r : mb_net_names_add(net, s, e, err);
}
