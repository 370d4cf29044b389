/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/dhcp.h"

#include <ctype.h>
#include <string.h>

#include "core/own.h"
#include "core/sha256.h"

/* Where things are in a message, and the options that we know. */
enum {
	AT_XID = 4,
	AT_FLAGS = 10,
	AT_OWN = 12,   /* ciaddr */
	AT_GIVEN = 16, /* yiaddr */
	AT_MAC = 28,
	AT_SERVER_NAME = 44,
	AT_FILE = 108,
	AT_MAGIC = 236,
	AT_OPTIONS = 240,
	SHORTEST = 300, /* what BOOTP had; some relays drop less */

	MASK = 1,
	ROUTER = 3,
	DNS = 6,
	HOSTNAME = 12,
	DOMAIN = 15,
	MTU = 26,
	WANTED = 50,
	LEASE = 51,
	OVERLOAD = 52,
	TYPE = 53,
	SERVER = 54,
	ASKED_FOR = 55,
	LONGEST = 57,
	RENEW = 58,
	REBIND = 59,
	CLIENT_ID = 61,
	ROUTES = 121,
	END = 255,
	HOSTNAME_MAX = 63,
	DOMAIN_LABEL_MAX = 63,
};

static const uint8_t magic[4] = {0x63, 0x82, 0x53, 0x63};
static const uint8_t asked_for[] = {MASK, ROUTES, ROUTER, DNS, DOMAIN, MTU, LEASE, RENEW, REBIND};
static const uint8_t nobody[4];

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

/* ---- what we say ----------------------------------------------------------------------- */

void mb_net_dhcp_id(const char *container_id, const char *network_id,
                    uint8_t ret[MB_NET_DHCP_ID_BYTES])
{
	static const char words[] = "mybox dhcp";
	unsigned char digest[MB_SHA256_BYTES];
	struct mb_sha256 h;

	mb_sha256_init(&h);
	mb_sha256_add(&h, words, sizeof(words));
	mb_sha256_add(&h, container_id, strlen(container_id) + 1);
	mb_sha256_add(&h, network_id, strlen(network_id) + 1);
	mb_sha256_finish(&h, digest);
	/* RFC 4361: an interface's number, and who has it, as RFC 6355 has it. */
	ret[0] = 255;
	memcpy(ret + 1, digest, 4);
	put16(ret + 5, 4);
	memcpy(ret + 7, digest + 4, 16);
}

struct writer {
	uint8_t *p;
	size_t n;
};

static void put_option(struct writer *w, uint8_t code, const void *bytes, size_t n)
{
	w->p[w->n++] = code;
	w->p[w->n++] = (uint8_t)n;
	memcpy(w->p + w->n, bytes, n);
	w->n += n;
}

static void put_address(struct writer *w, uint8_t code, const uint8_t address[4])
{
	if (memcmp(address, nobody, sizeof(nobody)) != 0)
		put_option(w, code, address, sizeof(nobody));
}

size_t mb_net_dhcp_format(const struct mb_net_dhcp_query *q, uint8_t buf[MB_NET_DHCP_MESSAGE_MAX])
{
	struct writer w = {.p = buf, .n = AT_OPTIONS};
	uint8_t type = (uint8_t)q->type, longest[2];
	size_t n_name = q->hostname ? strlen(q->hostname) : 0;

	memset(buf, 0, MB_NET_DHCP_MESSAGE_MAX);
	buf[0] = 1; /* a question */
	buf[1] = 1; /* by Ethernet */
	buf[2] = sizeof(q->mac);
	put32(buf + AT_XID, q->xid);
	put16(buf + AT_FLAGS, q->broadcast ? 0x8000 : 0);
	memcpy(buf + AT_OWN, q->own, sizeof(q->own));
	memcpy(buf + AT_MAC, q->mac, sizeof(q->mac));
	memcpy(buf + AT_MAGIC, magic, sizeof(magic));
	put_option(&w, TYPE, &type, 1);
	put_option(&w, CLIENT_ID, q->id, sizeof(q->id));
	put_address(&w, WANTED, q->wanted);
	put_address(&w, SERVER, q->server);
	if (q->type != MB_NET_DHCP_RELEASE) {
		put16(longest, 1500);
		put_option(&w, LONGEST, longest, sizeof(longest));
		put_option(&w, ASKED_FOR, asked_for, sizeof(asked_for));
		if (n_name && n_name <= HOSTNAME_MAX)
			put_option(&w, HOSTNAME, q->hostname, n_name);
	}
	buf[w.n++] = END;
	return w.n < SHORTEST ? SHORTEST : w.n;
}

/* ---- what servers say ------------------------------------------------------------------- */

/* All that came under one code, put together (RFC 3396). */
struct option {
	uint8_t bytes[512];
	size_t n;
};

static void collect_from(const uint8_t *p, size_t n, uint8_t code, struct option *ret)
{
	for (size_t at = 0; at < n && p[at] != END;) {
		size_t len;

		if (p[at] == 0) {
			at++;
			continue;
		}
		if (at + 2 > n || at + 2 + p[at + 1] > n)
			return;
		len = p[at + 1];
		if (p[at] == code && ret->n + len <= sizeof(ret->bytes)) {
			memcpy(ret->bytes + ret->n, p + at + 2, len);
			ret->n += len;
		}
		at += 2 + len;
	}
}

/* Options may go on where file and server name would be. */
static size_t collect(const uint8_t *p, size_t n, uint8_t code, struct option *ret)
{
	struct option over = {.n = 0};

	ret->n = 0;
	collect_from(p + AT_OPTIONS, n - AT_OPTIONS, OVERLOAD, &over);
	collect_from(p + AT_OPTIONS, n - AT_OPTIONS, code, ret);
	if (over.n == 1 && over.bytes[0] & 1)
		collect_from(p + AT_FILE, AT_MAGIC - AT_FILE, code, ret);
	if (over.n == 1 && over.bytes[0] & 2)
		collect_from(p + AT_SERVER_NAME, AT_FILE - AT_SERVER_NAME, code, ret);
	return ret->n;
}

/* One that a host may have. */
static bool is_host(const uint8_t a[4])
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224;
}

static uint32_t number(const uint8_t *p, size_t n, uint8_t code)
{
	struct option o;

	return collect(p, n, code, &o) == 4 ? get32(o.bytes) : 0;
}

/* The first of those that are said. */
static void address(const uint8_t *p, size_t n, uint8_t code, uint8_t ret[4])
{
	struct option o;

	if (collect(p, n, code, &o) >= 4 && o.n % 4 == 0 && is_host(o.bytes))
		memcpy(ret, o.bytes, 4);
}

static bool read_mask(const uint8_t *p, size_t n, const uint8_t own[4], uint8_t *ret_bits)
{
	struct option o;
	uint32_t mask;

	/* What an address says itself, where nobody says better. */
	if (collect(p, n, MASK, &o) == 0) {
		*ret_bits = own[0] < 128 ? 8 : own[0] < 192 ? 16 : 24;
		return true;
	}
	mask = o.n == 4 ? get32(o.bytes) : 0;
	*ret_bits = (uint8_t)__builtin_popcount(mask);
	return mask && (~mask & (~mask + 1)) == 0;
}

/* Neither the subnet itself nor all of it. */
static bool is_inside(const uint8_t own[4], uint8_t bits)
{
	uint32_t host = bits >= 31 ? 1 : get32(own) & (UINT32_MAX >> bits);

	return host != 0 && (bits >= 31 || host != UINT32_MAX >> bits);
}

static bool read_times(const uint8_t *p, size_t n, struct mb_net_dhcp_reply *r)
{
	r->lease = number(p, n, LEASE);
	if (r->lease < MB_NET_DHCP_LEASE_MIN)
		return false;
	r->renew = number(p, n, RENEW);
	r->rebind = number(p, n, REBIND);
	if (r->lease == MB_NET_DHCP_FOREVER) {
		r->renew = r->rebind = MB_NET_DHCP_FOREVER;
		return true;
	}
	if (!r->renew || !r->rebind || r->renew >= r->rebind || r->rebind >= r->lease) {
		r->renew = r->lease / 2;
		r->rebind = (uint32_t)((uint64_t)r->lease * 7 / 8);
	}
	return true;
}

static void read_dns(const uint8_t *p, size_t n, struct mb_net_dhcp_reply *r)
{
	struct option o;

	collect(p, n, DNS, &o);
	for (size_t i = 0; o.n % 4 == 0 && i < o.n && r->n_dns < MB_NET_DHCP_SERVERS_MAX; i += 4)
		if (is_host(o.bytes + i))
			memcpy(r->dns[r->n_dns++], o.bytes + i, 4);
}

/* It becomes a word of resolv.conf: labels of letters, digits, - and _, and nothing else. */
static bool is_domain(const uint8_t *p, size_t n)
{
	size_t label = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '.' ? !label : !(isalnum(p[i]) || p[i] == '-' || p[i] == '_'))
			return false;
		label = p[i] == '.' ? 0 : label + 1;
		if (label > DOMAIN_LABEL_MAX)
			return false;
	}
	return label > 0;
}

static void read_domain(const uint8_t *p, size_t n, struct mb_net_dhcp_reply *r)
{
	struct option o;

	collect(p, n, DOMAIN, &o);
	while (o.n && (o.bytes[o.n - 1] == 0 || o.bytes[o.n - 1] == '.'))
		o.n--;
	if (o.n && o.n < sizeof(r->domain) && is_domain(o.bytes, o.n)) {
		memcpy(r->domain, o.bytes, o.n);
		r->domain[o.n] = '\0';
	}
}

static void add_route(struct mb_net_dhcp_reply *r, const struct mb_net_dhcp_route *route)
{
	bool on_link = memcmp(route->gateway, nobody, sizeof(nobody)) == 0;

	if (!on_link && !is_host(route->gateway))
		return;
	if (route->bits == 0) {
		memcpy(r->router, route->gateway, sizeof(r->router));
		return;
	}
	if (is_host(route->dst) && r->n_routes < MB_NET_DHCP_ROUTES_MAX)
		r->routes[r->n_routes++] = *route;
}

/* RFC 3442.  Where there are such, the router's option does not count.  Return: whether. */
static bool read_routes(const uint8_t *p, size_t n, struct mb_net_dhcp_reply *r)
{
	struct option o;
	size_t at = 0;

	if (!collect(p, n, ROUTES, &o))
		return false;
	while (at < o.n) {
		struct mb_net_dhcp_route route = {.bits = o.bytes[at]};
		size_t significant = (route.bits + 7u) / 8;

		if (route.bits > 32 || at + 1 + significant + 4 > o.n)
			return true;
		memcpy(route.dst, o.bytes + at + 1, significant);
		put32(route.dst,
		      route.bits ? get32(route.dst) & (UINT32_MAX << (32 - route.bits)) : 0);
		memcpy(route.gateway, o.bytes + at + 1 + significant, 4);
		add_route(r, &route);
		at += 1 + significant + 4;
	}
	return true;
}

static void read_mtu(const uint8_t *p, size_t n, struct mb_net_dhcp_reply *r)
{
	struct option o;

	if (collect(p, n, MTU, &o) == 2 && get16(o.bytes) >= MB_NET_DHCP_MTU_MIN)
		r->mtu = get16(o.bytes);
}

bool mb_net_dhcp_is_for(const uint8_t *p, size_t n, const struct mb_net_dhcp_query *q)
{
	return n >= AT_OPTIONS && get32(p + AT_XID) == q->xid &&
	       memcmp(p + AT_MAC, q->mac, sizeof(q->mac)) == 0;
}

static bool is_answer(const uint8_t *p, size_t n, const struct mb_net_dhcp_query *q)
{
	struct option id;

	if (!mb_net_dhcp_is_for(p, n, q) || p[0] != 2 || p[1] != 1 || p[2] != sizeof(q->mac) ||
	    memcmp(p + AT_MAGIC, magic, sizeof(magic)) != 0)
		return false;
	/* Servers that say whom they mean mean us (RFC 6842). */
	return !collect(p, n, CLIENT_ID, &id) ||
	       (id.n == sizeof(q->id) && memcmp(id.bytes, q->id, id.n) == 0);
}

bool mb_net_dhcp_parse(const uint8_t *p, size_t n, const struct mb_net_dhcp_query *q,
                       struct mb_net_dhcp_reply *ret)
{
	struct mb_net_dhcp_reply r = {0};
	struct option type;

	if (!is_answer(p, n, q) || collect(p, n, TYPE, &type) != 1)
		return false;
	r.type = type.bytes[0];
	address(p, n, SERVER, r.server);
	if (!is_host(r.server))
		return false;
	if (r.type == MB_NET_DHCP_NAK) {
		*ret = r;
		return true;
	}
	memcpy(r.own, p + AT_GIVEN, sizeof(r.own));
	if ((r.type != MB_NET_DHCP_OFFER && r.type != MB_NET_DHCP_ACK) || !is_host(r.own) ||
	    !read_mask(p, n, r.own, &r.bits) || !is_inside(r.own, r.bits))
		return false;
	r.has_times = read_times(p, n, &r);
	if (!r.has_times && r.type == MB_NET_DHCP_ACK)
		return false;
	if (!read_routes(p, n, &r))
		address(p, n, ROUTER, r.router);
	read_dns(p, n, &r);
	read_domain(p, n, &r);
	read_mtu(p, n, &r);
	*ret = r;
	return true;
}

/* ---- frames ----------------------------------------------------------------------------- */

enum {
	ETHER = 14,
	ETHER_IPV4 = 0x0800,
	IP = 20,
	UDP = 8,
	TTL = 64,
	IPPROTO_UDP_ = 17,
	FRAGMENT = 0x3fff, /* offset and "more" */
};

static uint32_t add_up(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += get16(p + i);
	return n % 2 ? sum + ((uint32_t)p[n - 1] << 8) : sum;
}

static uint32_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

size_t mb_net_dhcp_frame(const struct mb_net_dhcp_ends *ends, const uint8_t *message, size_t n,
                         uint8_t buf[MB_NET_DHCP_FRAME_MAX])
{
	uint8_t *ip = buf + ETHER, *udp = ip + IP;
	uint32_t sum;

	memset(buf, 0, ETHER + IP + UDP);
	memcpy(buf, ends->to_mac, sizeof(ends->to_mac));
	memcpy(buf + 6, ends->from_mac, sizeof(ends->from_mac));
	put16(buf + 12, ETHER_IPV4);
	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)(IP + UDP + n));
	ip[8] = TTL;
	ip[9] = IPPROTO_UDP_;
	memcpy(ip + 12, ends->from, 4);
	memcpy(ip + 16, ends->to, 4);
	put16(ip + 10, fold(add_up(0, ip, IP)));
	put16(udp, MB_NET_DHCP_CLIENT_PORT);
	put16(udp + 2, MB_NET_DHCP_SERVER_PORT);
	put16(udp + 4, (uint32_t)(UDP + n));
	memcpy(udp + UDP, message, n);
	sum = add_up(IPPROTO_UDP_ + (uint32_t)(UDP + n), ip + 12, 8);
	sum = fold(add_up(sum, udp, UDP + n));
	put16(udp + 6, sum ? sum : 0xffff);
	return ETHER + IP + UDP + n;
}

bool mb_net_dhcp_unframe(const uint8_t *frame, size_t n, const uint8_t **ret_message, size_t *ret_n,
                         uint8_t ret_from_mac[6])
{
	const uint8_t *ip = frame + ETHER, *udp;
	size_t header, total, len;

	if (n < ETHER + IP + UDP || get16(frame + 12) != ETHER_IPV4 || ip[0] >> 4 != 4)
		return false;
	header = (ip[0] & 15u) * 4;
	total = get16(ip + 2);
	/* Behind it there may be what makes a frame long enough. */
	if (header < IP || total > n - ETHER || total < header + UDP || ip[9] != IPPROTO_UDP_ ||
	    get16(ip + 6) & FRAGMENT || fold(add_up(0, ip, header)) != 0)
		return false;
	udp = ip + header;
	len = get16(udp + 4);
	if (get16(udp) != MB_NET_DHCP_SERVER_PORT || get16(udp + 2) != MB_NET_DHCP_CLIENT_PORT ||
	    len < UDP || len > total - header)
		return false;
	memcpy(ret_from_mac, frame + 6, 6);
	*ret_message = udp + UDP;
	*ret_n = len - UDP;
	return true;
}
