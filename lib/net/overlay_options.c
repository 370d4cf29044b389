/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of an overlay network, and what follows when it is not said. */
#include <errno.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "core/err.h"
#include "core/parse.h"
#include "core/sha256.h"
#include "core/str.h"
#include "etcd/etcd.h"
#include "net/addr.h"
#include "net/handle.h"
#include "net/overlay.h"
#include "net/overlay_record.h"
#include "net/overlay_wire.h"
#include "nl/route.h"

enum {
	PEERS_MAX = 256,
	MEMBERS_MAX = 16,
	USER_MAX = 256,
	TTL_MIN = 3,
	TTL_MAX = 3600,
	TTL_DEFAULT = 15,
	HEADERS = 50, /* Ethernet, IPv4, UDP, VXLAN */
	HEADERS6 = 70,
	MTU_LEAST = 68,
	MTU_LEAST6 = 1280,
	MTU_USUAL = 1500,
	IPV4_END = 0xe0,
};

/* ---- one function an option ---------------------------------------------------------------- */

static int set_vni(struct mb_net_overlay *o, const char *value)
{
	return mb_parse_u32(value, &o->vni) < 0 || !o->vni || o->vni > MB_NET_VNI_MAX ? -EINVAL : 0;
}

static int set_port(struct mb_net_overlay *o, const char *value)
{
	return mb_parse_u32(value, &o->port) < 0 || !o->port || o->port > UINT16_MAX ? -EINVAL : 0;
}

/* An address, or an interface that has one. */
static int set_vtep(struct mb_net_overlay *o, const char *value)
{
	struct mb_net_addr a;

	if (mb_net_addr_parse(value, &a) < 0 && !mb_net_ifname_is_valid(value))
		return -EINVAL;
	mb_strset(&o->vtep, value);
	return 0;
}

/* One host's. */
static bool is_unicast(const struct mb_net_addr *a)
{
	return !mb_net_addr_is_any(a) &&
	       (a->family == AF_INET ? a->b[0] != 127 && a->b[0] < IPV4_END : a->b[0] != 0xff);
}

static int set_peers(struct mb_net_overlay *o, const char *value)
{
	MB_AUTO_STRV struct mb_strv texts = MB_STRV_INIT;
	char text[MB_NET_ADDR_TEXT];
	struct mb_net_addr a;

	mb_strv_split(&texts, value, ',');
	if (!texts.n || texts.n > PEERS_MAX)
		return -EINVAL;
	MB_STRV_FOREACH (peer, &texts) {
		if (mb_net_addr_parse(peer, &a) < 0 || !is_unicast(&a))
			return -EINVAL;
		mb_net_addr_format(&a, text);
		if (!mb_strv_has(&o->peers, text))
			mb_strv_add(&o->peers, text);
	}
	return 0;
}

static int set_control(struct mb_net_overlay *o, const char *value)
{
	o->external = mb_streq(value, "external");
	return o->external ? 0 : -EINVAL;
}

static int set_store(struct mb_net_overlay *o, const char *value)
{
	MB_AUTO_STRV struct mb_strv texts = MB_STRV_INIT;

	mb_strv_split(&texts, value, ',');
	if (!texts.n || texts.n > MEMBERS_MAX)
		return -EINVAL;
	MB_STRV_FOREACH (member, &texts) {
		size_t n = strlen(member);

		if (n && member[n - 1] == '/')
			member[n - 1] = '\0';
		if (!mb_etcd_address_is_valid(member))
			return -EINVAL;
		if (!mb_strv_has(&o->store.members, member))
			mb_strv_add(&o->store.members, member);
	}
	return 0;
}

static int set_path(char **slot, const char *value)
{
	if (*value != '/' || strlen(value) >= PATH_MAX)
		return -EINVAL;
	mb_strset(slot, value);
	return 0;
}

static int set_cacert(struct mb_net_overlay *o, const char *value)
{
	return set_path(&o->store.cacert, value);
}

static int set_cert(struct mb_net_overlay *o, const char *value)
{
	return set_path(&o->store.cert, value);
}

static int set_key(struct mb_net_overlay *o, const char *value)
{
	return set_path(&o->store.key, value);
}

static int set_password_file(struct mb_net_overlay *o, const char *value)
{
	return set_path(&o->store.password_file, value);
}

static int set_user(struct mb_net_overlay *o, const char *value)
{
	if (!*value || strlen(value) > USER_MAX)
		return -EINVAL;
	mb_strset(&o->store.user, value);
	return 0;
}

static int set_host(struct mb_net_overlay *o, const char *value)
{
	if (!mb_net_host_name_is_valid(value))
		return -EINVAL;
	mb_strset(&o->host, value);
	return 0;
}

static int set_ttl(struct mb_net_overlay *o, const char *value)
{
	return mb_parse_u32(value, &o->ttl) < 0 || o->ttl < TTL_MIN || o->ttl > TTL_MAX ? -EINVAL
	                                                                                : 0;
}

static int set_encrypted(struct mb_net_overlay *o, const char *value)
{
	return *value ? mb_parse_bool(value, &o->encrypted) : (o->encrypted = true, 0);
}

static int set_wire_port(struct mb_net_overlay *o, const char *value)
{
	return mb_parse_u32(value, &o->wire_port) < 0 || !o->wire_port || o->wire_port > UINT16_MAX
	               ? -EINVAL
	               : 0;
}

static const struct {
	const char *key;
	int (*set)(struct mb_net_overlay *o, const char *value);
} options[] = {
	{"vni", set_vni},
	{"com.docker.network.driver.overlay.vxlanid_list", set_vni},
	{"port", set_port},
	{"vtep", set_vtep},
	{"peers", set_peers},
	{"control", set_control},
	{"store", set_store},
	{"cacert", set_cacert},
	{"cert", set_cert},
	{"key", set_key},
	{"user", set_user},
	{"password-file", set_password_file},
	{"host", set_host},
	{"ttl", set_ttl},
	{"encrypted", set_encrypted},
	{"wg-port", set_wire_port},
};

int mb_net_overlay_option(struct mb_net_network *n, const char *key, const char *value,
                          struct mb_err *err)
{
	for (size_t i = 0; i < MB_N(options); i++) {
		if (!mb_streq(key, options[i].key))
			continue;
		if (options[i].set(&n->overlay, value) < 0)
			return mb_fail(err, EINVAL, "invalid value '%s' of option '%s'", value,
			               key);
		return 0;
	}
	return mb_fail(err, EOPNOTSUPP, "option '%s' is not supported by the overlay driver", key);
}

bool mb_net_overlay_is_valid(const struct mb_net_overlay *o)
{
	struct mb_net_addr a;
	bool valid = o->vtep && mb_net_addr_parse(o->vtep, &a) == 0 && o->vni &&
	             o->vni <= MB_NET_VNI_MAX && o->port && o->port <= UINT16_MAX;

	valid = valid && (!o->store.members.n ||
	                  (o->host && o->ttl >= TTL_MIN && mb_net_host_name_is_valid(o->host)));
	MB_STRV_FOREACH (member, &o->store.members)
		valid = valid && mb_etcd_address_is_valid(member);
	MB_STRV_FOREACH (peer, &o->peers)
		valid = valid && mb_net_addr_parse(peer, &a) == 0;
	return valid && (!o->encrypted || (o->store.members.n && mb_net_wire_is_valid(o)));
}

/* ---- this host's end ----------------------------------------------------------------------- */

/* The address that is looked for: itself, or any of an interface, IPv4 before IPv6. */
struct end {
	struct mb_net_addr wanted; /* family 0: any of .index */
	struct mb_net_addr found;
	int index;
	uint32_t mtu;
	const char *name; /* of the interface; NULL: by .index */
};

static int each_link(const struct mb_nl_link *link, void *arg)
{
	struct end *e = arg;

	if (e->name ? mb_streq(e->name, link->name) : link->index == e->index) {
		e->index = link->index;
		e->mtu = link->mtu;
	}
	return 0;
}

static int each_addr(const struct mb_nl_addr *addr, void *arg)
{
	struct end *e = arg;
	struct mb_net_addr a = {.family = addr->family};

	memcpy(a.b, addr->addr, sizeof(a.b));
	if (e->wanted.family) {
		if (mb_net_addr_equal(&a, &e->wanted)) {
			e->found = a;
			e->index = addr->index;
		}
	} else if (addr->index == e->index && addr->scope == 0 &&
	           (!e->found.family || (e->found.family == AF_INET6 && a.family == AF_INET))) {
		e->found = a;
	}
	return 0;
}

/* Which of our addresses packets to @to would come from. */
static bool source_towards(struct mb_net *net, const char *to, struct end *e)
{
	struct mb_nl_way way;
	struct mb_net_addr a;
	int why;

	if (mb_net_addr_parse(to, &a) < 0 ||
	    mb_nl_route_get(&net->route, a.family, a.b, &way, &why, NULL) != 0 || !way.index ||
	    way.type != RTN_UNICAST)
		return false;
	e->wanted.family = a.family;
	memcpy(e->wanted.b, way.source, sizeof(e->wanted.b));
	return true;
}

/* The way to the others, where it is known; the default route's interface otherwise. */
static int guess(struct mb_net *net, const struct mb_net_overlay *o, struct end *e,
                 struct mb_err *err)
{
	int r;

	MB_STRV_FOREACH (peer, &o->peers)
		if (source_towards(net, peer, e))
			return 0;
	MB_STRV_FOREACH (member, &o->store.members) {
		MB_AUTO_FREE char *host = mb_strdup(strstr(member, "://") + 3);

		/* Only of one that is an address is the way known. */
		if (*host != '[')
			host[strcspn(host, ":")] = '\0';
		if (*host != '[' && source_towards(net, host, e))
			return 0;
	}
	r = mb_net_uplink(net, &e->index, err);
	if (!r && !e->index)
		return mb_fail(err, ENETUNREACH,
		               "no default route: say which address the tunnel has, with -o "
		               "vtep=ADDRESS");
	return r;
}

static int find_end(struct mb_net *net, struct mb_net_overlay *o, struct end *e, struct mb_err *err)
{
	int r = mb_net_route_sock(net, err);

	if (r)
		return r;
	if (!o->vtep)
		r = guess(net, o, e, err);
	else if (mb_net_addr_parse(o->vtep, &e->wanted) < 0)
		e->name = o->vtep;
	if (!r && e->name)
		r = mb_nl_link_dump(&net->route, each_link, e, err);
	if (!r && e->name && !e->index)
		return mb_fail(err, ENODEV, "interface '%s' not found", o->vtep);
	if (!r)
		r = mb_nl_addr_dump(&net->route, AF_UNSPEC, each_addr, e, err);
	if (!r && !e->found.family)
		return o->vtep ? mb_fail(err, EADDRNOTAVAIL, "this host has no address '%s'",
		                         o->vtep)
		               : mb_fail(err, EADDRNOTAVAIL,
		                         "this host has no address to the "
		                         "outside: give -o vtep=ADDRESS");
	if (!r && !e->name)
		r = mb_nl_link_dump(&net->route, each_link, e, err);
	return r;
}

static int set_length(struct mb_net_network *n, const struct end *e, struct mb_err *err)
{
	uint32_t headers = (e->found.family == AF_INET ? HEADERS : HEADERS6) +
	                   (n->overlay.encrypted ? MB_NET_WIRE_BYTES : 0);
	uint32_t least = n->ipv6 ? MTU_LEAST6 : MTU_LEAST;
	uint32_t below = e->mtu ? e->mtu : MTU_USUAL;
	bool said = mb_kv_find(&n->options, "mtu") ||
	            mb_kv_find(&n->options, "com.docker.network.driver.mtu");

	if (below < headers + least)
		return mb_fail(err, EINVAL, "packets of %u bytes are too short for a tunnel",
		               below);
	if (!said || !n->mtu)
		n->mtu = below - headers;
	if (n->mtu > below - headers)
		return mb_fail(err, EINVAL,
		               "mtu %u does not fit: the network below takes %u, of which a tunnel "
		               "needs %u",
		               n->mtu, below, headers);
	n->mtu_out = 0;
	return 0;
}

static int check_ways(const struct mb_net_network *n, struct mb_err *err)
{
	const struct mb_net_overlay *o = &n->overlay;
	const struct mb_net_store *s = &o->store;
	int ways = (o->peers.n > 0) + (s->members.n > 0) + o->external;

	if (!ways)
		return mb_fail(err, EINVAL,
		               "the overlay driver wants to know the other hosts: -o store=URL,... "
		               "or -o peers=A,B or -o control=external");
	if (ways > 1)
		return mb_fail(err, EINVAL,
		               "'store', 'peers' and 'control=external' exclude each other");
	if (o->encrypted && !s->members.n)
		return mb_fail(err, EINVAL,
		               "option 'encrypted' wants a store, where hosts tell their keys: -o "
		               "store=URL,...");
	if (o->encrypted && o->port && o->port != MB_NET_VXLAN_PORT)
		return mb_fail(err, EINVAL,
		               "option 'port' is of no use to an encrypted network: what others "
		               "see is 'wg-port'");
	if (!s->members.n &&
	    (s->cacert || s->cert || s->key || s->user || s->password_file || o->host || o->ttl))
		return mb_fail(err, EINVAL, "an option of a store is given, but no store");
	if (!s->cert != !s->key)
		return mb_fail(err, EINVAL, "'cert' and 'key' are given together or not at all");
	if (!s->user != !s->password_file)
		return mb_fail(err, EINVAL,
		               "'user' and 'password-file' are given together or not at all");
	return 0;
}

/* The machine's name, or what of it a host can be called. */
static void name_host(struct mb_net_overlay *o)
{
	struct utsname uts;

	if (o->host)
		return;
	if (uname(&uts) == 0 && mb_net_host_name_is_valid(uts.nodename))
		mb_strset(&o->host, uts.nodename);
	else
		mb_strset(&o->host, "host");
}

/* Hosts that give a network one name give it one number. */
static uint32_t number_of(const char *name)
{
	MB_AUTO_FREE char *seed = mb_asprintf("mybox overlay %s", name);
	char text[MB_SHA256_TEXT];

	mb_sha256_text(seed, strlen(seed), text);
	text[6] = '\0';
	return (uint32_t)strtoul(text, NULL, 16) | 1;
}

int mb_net_overlay_prepare(struct mb_net *net, struct mb_net_network *n, struct mb_err *err)
{
	struct mb_net_overlay *o = &n->overlay;
	char text[MB_NET_ADDR_TEXT];
	struct end e = {0};
	int r = check_ways(n, err);

	if (!r)
		r = find_end(net, o, &e, err);
	if (!r)
		r = set_length(n, &e, err);
	if (r)
		return r;
	mb_strset(&o->vtep, mb_net_addr_format(&e.found, text));
	if (!o->vni)
		o->vni = number_of(n->name);
	if (!o->port)
		o->port = MB_NET_VXLAN_PORT;
	if (o->store.members.n) {
		name_host(o);
		if (!o->ttl)
			o->ttl = TTL_DEFAULT;
	}
	MB_STRV_FOREACH (peer, &o->peers) {
		struct mb_net_addr a;

		if (mb_net_addr_parse(peer, &a) < 0 || a.family != e.found.family)
			return mb_fail(err, EINVAL, "peer %s and %s are of different families",
			               peer, o->vtep);
	}
	return 0;
}

int mb_net_overlay_check_wire(const struct mb_net_network *n, struct mb_err *err)
{
	const struct mb_net_overlay *o = &n->overlay;

	if (o->wire_port && !o->encrypted)
		return mb_fail(err, EINVAL,
		               "option 'wg-port' is given, but network %s is not encrypted",
		               n->name);
	return 0;
}

int mb_net_overlay_fits(const struct mb_net_network *n, uint32_t most, struct mb_err *err)
{
	most -= n->overlay.encrypted ? MB_NET_WIRE_BYTES : 0;
	if (n->mtu <= most)
		return 0;
	return mb_fail(err, EINVAL,
	               "packets of network %s are %u bytes long, and the tunnel of this host takes "
	               "%u",
	               n->name, n->mtu, most);
}
