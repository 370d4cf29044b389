/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/overlay_wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/err.h"
#include "core/id.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/sha256.h"
#include "core/str.h"
#include "etcd/etcd.h"
#include "net/firewall.h"
#include "net/handle.h"
#include "net/overlay_record.h"
#include "net/overlay_view.h"
#include "nl/batch.h"
#include "nl/route.h"
#include "nl/wireguard.h"
#include "store/doc.h"
#include "json/json.h"

#define PEERS "wire"
enum {
	KEY = MB_NL_WG_KEY_BYTES,
	LINK_BITS = 64,
	HALF = 8, /* bytes of an address that are the host's own */
	PORTS = 256,
	HOSTS_MAX = 4096,  /* whoever writes to the store can draw as many keys as he likes */
	TUNNEL_BYTES = 70, /* IPv6, UDP, VXLAN, Ethernet */
	MTU_MIN = 1280,
	TRIES = 16,
	IPV4_MULTICAST = 0xe0,
};

void mb_net_wire_ifname(const char *id, char name[IFNAMSIZ])
{
	snprintf(name, IFNAMSIZ, "mw-%.12s", id);
}

/* ---- keys and places ------------------------------------------------------------------------- */

static bool key_parse(const char *text, uint8_t ret[KEY])
{
	if (!text || !mb_hex_is_valid(text, (uint64_t)2 * KEY))
		return false;
	for (size_t i = 0; i < KEY; i++) {
		const char digits[] = {text[2 * i], text[2 * i + 1], '\0'};

		ret[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return true;
}

bool mb_net_wire_address(const char *key, struct mb_net_addr *ret)
{
	unsigned char digest[MB_SHA256_BYTES];
	struct mb_sha256 h;
	uint8_t bytes[KEY];

	if (!key_parse(key, bytes))
		return false;
	mb_sha256_init(&h);
	mb_sha256_add(&h, bytes, sizeof(bytes));
	mb_sha256_finish(&h, digest);
	*ret = (struct mb_net_addr){.family = AF_INET6, .b = {0xfe, 0x80}};
	memcpy(ret->b + HALF, digest, HALF);
	return true;
}

static bool is_host(const struct mb_net_addr *a)
{
	const struct in6_addr *six = (const void *)a->b;

	if (a->family == AF_INET)
		return a->b[0] && a->b[0] != 127 && a->b[0] < IPV4_MULTICAST;
	return !IN6_IS_ADDR_UNSPECIFIED(six) && !IN6_IS_ADDR_LOOPBACK(six) &&
	       !IN6_IS_ADDR_MULTICAST(six) && !IN6_IS_ADDR_LINKLOCAL(six);
}

int mb_net_wire_endpoint_parse(const char *text, struct mb_net_addr *ret, uint16_t *ret_port)
{
	const char *colon = text ? strrchr(text, ':') : NULL;
	MB_AUTO_FREE char *host = colon ? mb_strndup(text, (size_t)(colon - text)) : NULL;
	size_t n = host ? strlen(host) : 0;
	bool bracketed = n > 2 && host[0] == '[' && host[n - 1] == ']';
	uint32_t port;

	if (!n || mb_parse_u32(colon + 1, &port) < 0 || !port || port > UINT16_MAX)
		return -EINVAL;
	if (bracketed)
		host[n - 1] = '\0';
	if (mb_net_addr_parse(bracketed ? host + 1 : host, ret) < 0 || !is_host(ret) ||
	    bracketed != (ret->family == AF_INET6))
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return 0;
}

char *mb_net_wire_endpoint(const struct mb_net_overlay *o)
{
	return mb_asprintf(strchr(o->underlay, ':') ? "[%s]:%u" : "%s:%u", o->underlay,
	                   o->wire_port);
}

static bool is_address_of(const char *key, const char *vtep)
{
	struct mb_net_addr derived, said;

	return mb_net_wire_address(key, &derived) && vtep && mb_net_addr_parse(vtep, &said) == 0 &&
	       mb_net_addr_equal(&derived, &said);
}

bool mb_net_wire_is_valid(const struct mb_net_overlay *o)
{
	struct mb_net_addr a;
	uint8_t key[KEY];

	return o->underlay && mb_net_addr_parse(o->underlay, &a) == 0 && o->wire_port &&
	       o->wire_port <= UINT16_MAX && key_parse(o->wire_key, key) &&
	       is_address_of(o->wire_public, o->vtep);
}

bool mb_net_wire_is_of(const struct mb_net_host *h, const char *vtep)
{
	struct mb_net_addr a;
	uint16_t port;

	return is_address_of(h->key, vtep) &&
	       mb_net_wire_endpoint_parse(h->endpoint, &a, &port) == 0;
}

/* ---- drawing --------------------------------------------------------------------------------- */

static bool is_free(uint16_t port)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	const struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	const int on = 1;
	MB_AUTO_CLOSE int v4 = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	MB_AUTO_CLOSE int v6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (bind(v4, (const void *)&any, sizeof(any)) < 0)
		return false;
	return v6 < 0 || setsockopt(v6, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0 ||
	       bind(v6, (const void *)&any6, sizeof(any6)) == 0;
}

/* Another of this host's networks has it, up or not. */
static bool is_given(struct mb_net *net, uint32_t port)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	bool given = false;

	if (mb_net_doc_ids(net, &ids, NULL) < 0)
		return false;
	MB_STRV_FOREACH (id, &ids) {
		MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;

		if (mb_net_doc_read(net, id, &n, NULL) == 0)
			given = given || (n->overlay.encrypted && n->overlay.wire_port == port);
	}
	return given;
}

static int choose_port(struct mb_net *net, struct mb_net_overlay *o, struct mb_err *err)
{
	uint32_t first = o->wire_port ? o->wire_port : MB_NET_WIRE_PORT;
	uint32_t n = o->wire_port ? 1 : PORTS;

	for (o->wire_port = first; o->wire_port < first + n; o->wire_port++)
		if (is_free((uint16_t)o->wire_port) && !is_given(net, o->wire_port))
			return 0;
	if (n == 1)
		return mb_fail(err, EADDRINUSE, "UDP port %u is in use on this host", first);
	return mb_fail(err, EADDRINUSE, "UDP ports from %u on are in use: choose one, -o wg-port=N",
	               first);
}

static int find(struct mb_net *net, const char *name, struct mb_nl_link *ret, struct mb_err *err)
{
	int r = mb_net_route_sock(net, err);

	return r ? r : mb_nl_link_find(&net->route, name, ret, err);
}

static void drop(struct mb_net *net, const char *name)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;

	mb_nl_link_del(&b, 0, name);
	(void)mb_nl_send(&net->route, &b, NULL, NULL);
}

/* An interface, down. */
static int make(struct mb_net *net, const char *name, const char *alias, uint32_t mtu,
                int *ret_index, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	int r = -EBUSY;

	for (unsigned int i = 0; r == -EBUSY && i < TRIES; i++) {
		*ret_index = mb_net_index_make(name, i);
		mb_nl_wireguard_add(&b, name, *ret_index, mtu, MB_NET_WIRE_GROUP);
		mb_nl_link_set_alias(&b, *ret_index, NULL, alias);
		r = mb_nl_send(&net->route, &b, NULL, err);
	}
	if (r == -EOPNOTSUPP)
		return mb_fail(err, EOPNOTSUPP, "option 'encrypted': this kernel has no WireGuard");
	return r ? mb_wrap(err, r, "cannot make interface '%s'", name) : 0;
}

/* The kernel says which public key belongs to a private one, and whether it can at all. */
static int public_of(struct mb_net *net, const uint8_t key[KEY], uint8_t ret[KEY],
                     struct mb_err *err)
{
	MB_AUTO_NL_WG struct mb_nl_wg wg = MB_NL_WG_INIT;
	MB_AUTO_FREE char *alias = mb_asprintf("%skey", net->alias);
	struct mb_nl_wg_device device;
	char name[IFNAMSIZ];
	uint32_t number;
	int index, r;

	mb_random(&number, sizeof(number));
	snprintf(name, sizeof(name), "mw-%08x", number);
	r = mb_net_route_sock(net, err);
	if (!r)
		r = make(net, name, alias, 0, &index, err);
	if (r)
		return r;
	r = mb_nl_wg_open(&wg, err);
	if (!r)
		r = mb_nl_wg_set(&wg, index, key, 0, err);
	if (!r)
		r = mb_nl_wg_get(&wg, index, &device, NULL, NULL, err);
	drop(net, name);
	if (r)
		return r;
	memcpy(ret, device.public, KEY);
	return device.has_public ? 0 : mb_fail(err, EIO, "WireGuard tells no public key");
}

int mb_net_wire_draw(struct mb_net *net, struct mb_net_network *n, struct mb_err *err)
{
	char text[MB_NET_WIRE_KEY_TEXT], address[MB_NET_ADDR_TEXT];
	struct mb_net_overlay *o = &n->overlay;
	uint8_t key[KEY], public[KEY];
	struct mb_net_addr a;
	int r;

	if (mb_net_addr_parse(o->vtep, &a) < 0 || !is_host(&a))
		return mb_fail(err, EINVAL, "other hosts cannot reach this one at %s", o->vtep);
	mb_random(key, sizeof(key));
	/* A number that the curve can use (RFC 7748, section 5). */
	key[0] &= 0xf8;
	key[KEY - 1] = (uint8_t)((key[KEY - 1] & 0x7f) | 0x40);
	r = public_of(net, key, public, err);
	if (!r)
		r = choose_port(net, o, err);
	if (!r) {
		mb_hex_format(key, sizeof(key), text);
		mb_strset(&o->wire_key, text);
		mb_hex_format(public, sizeof(public), text);
		mb_strset(&o->wire_public, text);
		mb_net_wire_address(text, &a);
		mb_strset(&o->underlay, o->vtep);
		mb_strset(&o->vtep, mb_net_addr_format(&a, address));
	}
	explicit_bzero(key, sizeof(key));
	return r;
}

/* ---- peers ----------------------------------------------------------------------------------- */

struct wire {
	struct mb_kv hosts; /* public key -> endpoint */
};
static const struct mb_json_field wire_table[] = {
	MB_JSON_KV("hosts", struct wire, hosts),
	MB_JSON_END,
};

static void wire_done(struct wire *w)
{
	mb_json_done(wire_table, w);
}

static void load(struct mb_net *net, const struct mb_net_network *n, struct wire *ret)
{
	MB_AUTO_CLOSE int dir = -1;

	if (mb_net_run_dir(net, n->id, &dir, NULL) == 0)
		(void)mb_store_doc_load(dir, PEERS, wire_table, ret, NULL);
}

static int save(struct mb_net *net, const struct mb_net_network *n, const struct wire *w,
                struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_net_run_dir(net, n->id, &dir, err);

	return r ? r : mb_store_doc_save(dir, PEERS, wire_table, w, MB_DOC_REPLACE, err);
}

static bool peer_of(const struct mb_kv_pair *host, struct mb_nl_wg_peer *ret)
{
	struct mb_net_addr endpoint, allowed;

	*ret = (struct mb_nl_wg_peer){.has_allowed = true};
	if (!key_parse(host->key, ret->key) || !mb_net_wire_address(host->key, &allowed) ||
	    mb_net_wire_endpoint_parse(host->value, &endpoint, &ret->port) < 0)
		return false;
	ret->family = endpoint.family;
	memcpy(ret->addr, endpoint.b, sizeof(ret->addr));
	memcpy(ret->allowed, allowed.b, sizeof(ret->allowed));
	return true;
}

struct peers {
	struct mb_nl_wg_peer *v;
	size_t n;
};
#define AUTO_PEERS __attribute__((cleanup(peers_done)))

static void peers_done(struct peers *p)
{
	free(p->v);
}

static int add(const struct mb_nl_wg_peer *peer, void *arg)
{
	struct peers *p = arg;

	p->v = mb_realloc(p->v, (p->n + 1) * sizeof(*p->v));
	p->v[p->n++] = *peer;
	return 0;
}

static const struct mb_nl_wg_peer *peers_find(const struct peers *p, const uint8_t key[KEY])
{
	for (size_t i = 0; i < p->n; i++)
		if (memcmp(p->v[i].key, key, KEY) == 0)
			return &p->v[i];
	return NULL;
}

/* Another process may change them meanwhile: then they are read again. */
static int ask(struct mb_nl_wg *wg, int index, struct peers *ret, struct mb_err *err)
{
	struct mb_nl_wg_device device;
	int r = -EAGAIN;

	for (int i = 0; r == -EAGAIN && i < TRIES; i++) {
		ret->n = 0;
		r = mb_nl_wg_get(wg, index, &device, add, ret, err);
	}
	return r;
}

/* Where a peer was heard last is known better by WireGuard than by the store: only one that is new,
 * or has told another endpoint, is put. */
static int settle(struct mb_nl_wg *wg, int index, const struct wire *before,
                  const struct wire *wanted, struct mb_err *err)
{
	AUTO_PEERS struct peers there = {0}, put = {0}, gone = {0};
	int r = ask(wg, index, &there, err);

	if (r)
		return r;
	for (size_t i = 0; i < there.n; i++) {
		char key[MB_NET_WIRE_KEY_TEXT];

		mb_hex_format(there.v[i].key, KEY, key);
		if (!mb_kv_find(&wanted->hosts, key))
			add(&there.v[i], &gone);
	}
	MB_KV_FOREACH (host, &wanted->hosts) {
		struct mb_nl_wg_peer peer;

		if (peer_of(host, &peer) &&
		    (!peers_find(&there, peer.key) ||
		     !mb_streq(mb_kv_find(&before->hosts, host->key), host->value)))
			add(&peer, &put);
	}
	r = mb_nl_wg_peers(wg, index, gone.v, gone.n, true, err);
	return r ? r : mb_nl_wg_peers(wg, index, put.v, put.n, false, err);
}

static void read_view(const struct mb_net_network *n, const struct mb_net_view *view,
                      struct wire *ret)
{
	for (size_t i = 0; i < view->kvs.n; i++) {
		const char *vtep =
			mb_skip_prefix(mb_net_view_below(view, view->kvs.v[i].key), "host/");
		struct mb_net_host h = {0};

		if (!vtep || mb_streq(vtep, n->overlay.vtep))
			continue;
		if (ret->hosts.n < HOSTS_MAX &&
		    mb_net_host_parse(view->kvs.v[i].value, &h, NULL) == 0 &&
		    mb_net_wire_is_of(&h, vtep))
			mb_kv_set(&ret->hosts, h.key, h.endpoint);
		mb_net_host_done(&h);
	}
}

static bool is_same(const struct wire *a, const struct wire *b)
{
	if (a->hosts.n != b->hosts.n)
		return false;
	MB_KV_FOREACH (host, &a->hosts)
		if (!mb_streq(mb_kv_find(&b->hosts, host->key), host->value))
			return false;
	return true;
}

int mb_net_wire_follow(struct mb_net *net, const struct mb_net_network *n,
                       const struct mb_net_view *view, struct mb_err *err)
{
	__attribute__((cleanup(wire_done))) struct wire before = {0}, wanted = {0};
	MB_AUTO_NL_WG struct mb_nl_wg wg = MB_NL_WG_INIT;
	int index = mb_net_wire_index(net, n), r = 0;

	if (!index)
		return 0;
	load(net, n, &before);
	read_view(n, view, &wanted);
	/* Known before it is done: an interface that is made anew meanwhile has them all. */
	if (!is_same(&before, &wanted))
		r = save(net, n, &wanted, err);
	if (!r)
		r = mb_nl_wg_open(&wg, err);
	return r ? r : settle(&wg, index, &before, &wanted, err);
}

int mb_net_wire_find(struct mb_net *net, const struct mb_net_network *n,
                     const struct mb_net_addr *vtep, struct mb_nl_wg_peer *ret, struct mb_err *err)
{
	MB_AUTO_NL_WG struct mb_nl_wg wg = MB_NL_WG_INIT;
	AUTO_PEERS struct peers there = {0};
	int index = mb_net_wire_index(net, n), r;

	if (!index)
		return MB_NET_ABSENT;
	r = mb_nl_wg_open(&wg, err);
	if (!r)
		r = ask(&wg, index, &there, err);
	for (size_t i = 0; !r && i < there.n; i++)
		if (there.v[i].has_allowed &&
		    memcmp(there.v[i].allowed, vtep->b, sizeof(there.v[i].allowed)) == 0) {
			*ret = there.v[i];
			return 0;
		}
	return r ? r : MB_NET_ABSENT;
}

/* ---- the interface --------------------------------------------------------------------------- */

static bool is_ours(const struct mb_net *net, const struct mb_nl_link *link)
{
	return mb_streq(link->kind, "wireguard") && mb_starts_with(link->alias, net->alias);
}

int mb_net_wire_index(struct mb_net *net, const struct mb_net_network *n)
{
	struct mb_nl_link link;
	char name[IFNAMSIZ];

	if (!n->overlay.encrypted)
		return 0;
	mb_net_wire_ifname(n->id, name);
	return find(net, name, &link, NULL) == 0 && is_ours(net, &link) ? link.index : 0;
}

static uint32_t mtu_of(const struct mb_net_network *n)
{
	return n->mtu + TUNNEL_BYTES < MTU_MIN ? MTU_MIN : n->mtu + TUNNEL_BYTES;
}

/* Key, port, address, up; what is there already stays. */
static int set_up(struct mb_net *net, const struct mb_net_network *n, struct mb_nl_wg *wg,
                  const char *name, int index, struct mb_err *err)
{
	/* Other hosts do not configure this one. */
	static const char *const off[] = {"disable_ipv6", "accept_ra", "accept_redirects",
	                                  "autoconf", "forwarding"};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	const struct mb_net_overlay *o = &n->overlay;
	struct mb_net_addr vtep;
	uint8_t key[KEY];
	int r;

	if (!key_parse(o->wire_key, key) || mb_net_addr_parse(o->vtep, &vtep) < 0)
		return mb_fail(err, EBADMSG, "network %s has no key", n->name);
	r = mb_nl_wg_set(wg, index, key, (uint16_t)o->wire_port, err);
	explicit_bzero(key, sizeof(key));
	if (r)
		return r;
	for (size_t i = 0; i < MB_N(off); i++)
		(void)mb_net_sysctl("0", "/proc/sys/net/ipv6/conf/%s/%s", name, off[i]);
	mb_nl_addr_add(&b, AF_INET6, vtep.b, LINK_BITS, index, true);
	r = mb_nl_send(&net->route, &b, NULL, err);
	if (r && r != -EEXIST)
		return mb_wrap(err, r, "cannot give '%s' the address %s", name, o->vtep);
	mb_nl_link_set_up(&b, index, NULL);
	r = mb_nl_send(&net->route, &b, NULL, err);
	if (r == -EADDRINUSE)
		return mb_fail(err, EADDRINUSE, "UDP port %u is in use on this host", o->wire_port);
	return r ? mb_wrap(err, r, "cannot start interface '%s'", name) : 0;
}

/* What was known last, and is not there. */
static int restore(struct mb_net *net, const struct mb_net_network *n, struct mb_nl_wg *wg,
                   int index, struct mb_err *err)
{
	__attribute__((cleanup(wire_done))) struct wire known = {0};
	AUTO_PEERS struct peers there = {0}, put = {0};
	int r;

	load(net, n, &known);
	r = known.hosts.n ? ask(wg, index, &there, err) : 0;
	if (r)
		return r;
	MB_KV_FOREACH (host, &known.hosts) {
		struct mb_nl_wg_peer peer;

		if (peer_of(host, &peer) && !peers_find(&there, peer.key))
			add(&peer, &put);
	}
	return mb_nl_wg_peers(wg, index, put.v, put.n, false, err);
}

int mb_net_wire_up(struct mb_net *net, const struct mb_net_network *n, bool *ret_new,
                   int *ret_index, struct mb_err *err)
{
	MB_AUTO_FREE char *alias = mb_asprintf("%s%.12s", net->alias, n->id);
	MB_AUTO_NL_WG struct mb_nl_wg wg = MB_NL_WG_INIT;
	struct mb_nl_link link;
	char name[IFNAMSIZ];
	int r;

	mb_net_wire_ifname(n->id, name);
	r = find(net, name, &link, err);
	if (r < 0)
		return r;
	*ret_new = r == MB_NL_ABSENT;
	if (!*ret_new && !is_ours(net, &link))
		return mb_fail(err, EEXIST, "interface '%s' exists and is not of this store", name);
	*ret_index = link.index;
	r = *ret_new ? make(net, name, alias, mtu_of(n), ret_index, err) : 0;
	if (r)
		return r;
	r = mb_nl_wg_open(&wg, err);
	if (!r)
		r = restore(net, n, &wg, *ret_index, err);
	if (!r)
		r = set_up(net, n, &wg, name, *ret_index, err);
	if (r && *ret_new)
		drop(net, name);
	return r;
}

void mb_net_wire_down(struct mb_net *net, const struct mb_net_network *n)
{
	char name[IFNAMSIZ];

	mb_net_wire_ifname(n->id, name);
	if (mb_net_wire_index(net, n))
		drop(net, name);
}

/* ---- looking --------------------------------------------------------------------------------- */

static char *missing_peer(struct mb_net *net, const struct mb_net_network *n, int index)
{
	__attribute__((cleanup(wire_done))) struct wire known = {0};
	MB_AUTO_NL_WG struct mb_nl_wg wg = MB_NL_WG_INIT;
	AUTO_PEERS struct peers there = {0};

	if (mb_nl_wg_open(&wg, NULL) || ask(&wg, index, &there, NULL))
		return NULL;
	load(net, n, &known);
	MB_KV_FOREACH (host, &known.hosts) {
		struct mb_nl_wg_peer peer;

		if (peer_of(host, &peer) && !peers_find(&there, peer.key))
			return mb_asprintf("WireGuard of network '%s' does not know the host at %s",
			                   n->name, host->value);
	}
	return NULL;
}

struct place {
	struct mb_net_addr vtep;
	int index;
	bool there;
};

static int each_addr(const struct mb_nl_addr *addr, void *arg)
{
	struct place *p = arg;

	if (addr->index == p->index && memcmp(addr->addr, p->vtep.b, sizeof(p->vtep.b)) == 0)
		p->there = true;
	return 0;
}

char *mb_net_wire_fault(struct mb_net *net, const struct mb_net_network *n)
{
	struct place place = {0};
	struct mb_nl_link link;
	char name[IFNAMSIZ];

	mb_net_wire_ifname(n->id, name);
	if (find(net, name, &link, NULL) != 0 || !is_ours(net, &link))
		return mb_asprintf("interface '%s', which encrypts network '%s', is missing", name,
		                   n->name);
	if (!(link.flags & IFF_UP))
		return mb_asprintf("interface '%s', which encrypts network '%s', is down", name,
		                   n->name);
	place.index = link.index;
	if (mb_net_addr_parse(n->overlay.vtep, &place.vtep) == 0 &&
	    mb_nl_addr_dump(&net->route, AF_INET6, each_addr, &place, NULL) == 0 && !place.there)
		return mb_asprintf("interface '%s', which encrypts network '%s', has lost its "
		                   "address",
		                   name, n->name);
	return missing_peer(net, n, link.index);
}
