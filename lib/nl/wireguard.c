/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nl/wireguard.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/wireguard.h>

#include "core/err.h"
#include "nl/batch.h"

enum {
	V6_BITS = 128,
	/* Far below the 64 KiB that an attribute with all of them can be. */
	PEERS_AT_ONCE = 128,
	KEEPALIVE_SEC = 25,
};

static void message(struct mb_nl_batch *b, uint16_t type, uint16_t flags, uint8_t command,
                    uint8_t version)
{
	const struct genlmsghdr g = {.cmd = command, .version = version};

	mb_nl_message(b, type, flags, &g, sizeof(g));
}

/* ---- the family ------------------------------------------------------------------------------ */

static int each_family(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *at[CTRL_ATTR_FAMILY_ID + 1];
	const size_t head = NLMSG_SPACE(sizeof(struct genlmsghdr));
	const uint16_t *id;

	if (h->nlmsg_len < head ||
	    mb_nl_parse((const char *)h + head, h->nlmsg_len - head, at, CTRL_ATTR_FAMILY_ID) < 0)
		return -EBADMSG;
	id = mb_nl_data(at[CTRL_ATTR_FAMILY_ID], sizeof(*id));
	if (id)
		memcpy(arg, id, sizeof(*id));
	return 0;
}

int mb_nl_wg_open(struct mb_nl_wg *wg, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_err told = MB_ERR_INIT;
	int r = mb_nl_open(&wg->nl, NETLINK_GENERIC, err);

	if (r || wg->family)
		return r;
	/* To ask for it loads the module. */
	message(&b, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1);
	mb_nl_put_str(&b, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	r = mb_nl_dump(&wg->nl, &b, each_family, &wg->family, &told);
	if (r == -ENOENT || (!r && !wg->family))
		return mb_fail(err, EOPNOTSUPP, "this kernel has no WireGuard");
	if (r && err)
		*err = told;
	return r ? mb_wrap(err, r, "cannot ask for WireGuard") : 0;
}

void mb_nl_wg_close(struct mb_nl_wg *wg)
{
	mb_nl_close(&wg->nl);
	wg->family = 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void set_message(const struct mb_nl_wg *wg, struct mb_nl_batch *b, int index)
{
	message(b, wg->family, 0, WG_CMD_SET_DEVICE, WG_GENL_VERSION);
	mb_nl_put_u32(b, WGDEVICE_A_IFINDEX, (uint32_t)index);
}

int mb_nl_wg_set(struct mb_nl_wg *wg, int index, const uint8_t key[MB_NL_WG_KEY_BYTES],
                 uint16_t port, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	int r;

	set_message(wg, &b, index);
	mb_nl_put(&b, WGDEVICE_A_PRIVATE_KEY, key, MB_NL_WG_KEY_BYTES);
	mb_nl_put_u16(&b, WGDEVICE_A_LISTEN_PORT, port);
	r = mb_nl_send(&wg->nl, &b, NULL, err);
	return r ? mb_wrap(err, r, "cannot set up WireGuard") : 0;
}

static void put_endpoint(struct mb_nl_batch *b, const struct mb_nl_wg_peer *p)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(p->port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(p->port)};

	memcpy(&v4.sin_addr, p->addr, sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, p->addr, sizeof(v6.sin6_addr));
	if (p->family == AF_INET)
		mb_nl_put(b, WGPEER_A_ENDPOINT, &v4, sizeof(v4));
	else if (p->family == AF_INET6)
		mb_nl_put(b, WGPEER_A_ENDPOINT, &v6, sizeof(v6));
}

static void put_allowed(struct mb_nl_batch *b, const struct mb_nl_wg_peer *p)
{
	size_t all = mb_nl_nest(b, WGPEER_A_ALLOWEDIPS | NLA_F_NESTED), one;

	one = mb_nl_nest(b, NLA_F_NESTED);
	mb_nl_put_u16(b, WGALLOWEDIP_A_FAMILY, AF_INET6);
	mb_nl_put(b, WGALLOWEDIP_A_IPADDR, p->allowed, sizeof(p->allowed));
	mb_nl_put_u8(b, WGALLOWEDIP_A_CIDR_MASK, V6_BITS);
	mb_nl_nest_end(b, one);
	mb_nl_nest_end(b, all);
}

static void put_peer(struct mb_nl_batch *b, const struct mb_nl_wg_peer *p, bool remove)
{
	size_t one = mb_nl_nest(b, NLA_F_NESTED);

	mb_nl_put(b, WGPEER_A_PUBLIC_KEY, p->key, sizeof(p->key));
	mb_nl_put_u32(b, WGPEER_A_FLAGS, remove ? WGPEER_F_REMOVE_ME : WGPEER_F_REPLACE_ALLOWEDIPS);
	if (!remove) {
		put_endpoint(b, p);
		/* Who hears of the other second begins, without a packet that would wait; and
		 * what is between the hosts does not forget them. */
		mb_nl_put_u16(b, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, KEEPALIVE_SEC);
		put_allowed(b, p);
	}
	mb_nl_nest_end(b, one);
}

int mb_nl_wg_peers(struct mb_nl_wg *wg, int index, const struct mb_nl_wg_peer *peers, size_t n,
                   bool remove, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	int r;

	if (!n)
		return 0;
	for (size_t i = 0; i < n;) {
		size_t all;

		set_message(wg, &b, index);
		all = mb_nl_nest(&b, WGDEVICE_A_PEERS | NLA_F_NESTED);
		for (size_t k = 0; i < n && k < PEERS_AT_ONCE; k++, i++)
			put_peer(&b, &peers[i], remove);
		mb_nl_nest_end(&b, all);
	}
	r = mb_nl_send(&wg->nl, &b, NULL, err);
	return r ? mb_wrap(err, r, "cannot tell WireGuard of other hosts") : 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void read_endpoint(const struct nlattr *a, struct mb_nl_wg_peer *p)
{
	const void *data = mb_nl_data(a, sizeof(sa_family_t));
	struct sockaddr_in6 v6 = {0};
	struct sockaddr_in v4 = {0};
	sa_family_t family = AF_UNSPEC;

	if (data)
		memcpy(&family, data, sizeof(family));
	if (family == AF_INET && mb_nl_data(a, sizeof(v4))) {
		memcpy(&v4, data, sizeof(v4));
		memcpy(p->addr, &v4.sin_addr, sizeof(v4.sin_addr));
		p->port = ntohs(v4.sin_port);
		p->family = AF_INET;
	} else if (family == AF_INET6 && mb_nl_data(a, sizeof(v6))) {
		memcpy(&v6, data, sizeof(v6));
		memcpy(p->addr, &v6.sin6_addr, sizeof(v6.sin6_addr));
		p->port = ntohs(v6.sin6_port);
		p->family = AF_INET6;
	}
}

static void read_allowed(const struct nlattr *a, struct mb_nl_wg_peer *p)
{
	const struct nlattr *list[1], *at[WGALLOWEDIP_A_CIDR_MASK + 1];
	const void *data = mb_nl_data(a, 0), *addr;

	/* The first of them: entries are of type 0. */
	if (!data || mb_nl_parse(data, mb_nl_data_len(a), list, 0) < 0 || !list[0] ||
	    mb_nl_parse(mb_nl_data(list[0], 0), mb_nl_data_len(list[0]), at,
	                WGALLOWEDIP_A_CIDR_MASK) < 0)
		return;
	addr = mb_nl_data(at[WGALLOWEDIP_A_IPADDR], sizeof(p->allowed));
	if (!addr || mb_nl_u8(at[WGALLOWEDIP_A_CIDR_MASK], 0) != V6_BITS)
		return;
	memcpy(p->allowed, addr, sizeof(p->allowed));
	p->has_allowed = true;
}

static uint64_t number(const struct nlattr *a)
{
	const void *data = mb_nl_data(a, sizeof(uint64_t));
	uint64_t v = 0;

	if (data)
		memcpy(&v, data, sizeof(v));
	return v;
}

static bool read_peer(const struct nlattr *a, struct mb_nl_wg_peer *p)
{
	const struct nlattr *at[WGPEER_A_ALLOWEDIPS + 1];
	const void *key, *data = mb_nl_data(a, 0);

	*p = (struct mb_nl_wg_peer){0};
	if (!data || mb_nl_parse(data, mb_nl_data_len(a), at, WGPEER_A_ALLOWEDIPS) < 0)
		return false;
	key = mb_nl_data(at[WGPEER_A_PUBLIC_KEY], sizeof(p->key));
	if (!key)
		return false;
	memcpy(p->key, key, sizeof(p->key));
	read_endpoint(at[WGPEER_A_ENDPOINT], p);
	read_allowed(at[WGPEER_A_ALLOWEDIPS], p);
	/* A time with seconds and nanoseconds, each of 64 bits. */
	p->handshake = (int64_t)number(at[WGPEER_A_LAST_HANDSHAKE_TIME]);
	p->sent = number(at[WGPEER_A_TX_BYTES]);
	p->received = number(at[WGPEER_A_RX_BYTES]);
	return true;
}

static int read_peers(const struct nlattr *list, mb_nl_wg_each *each, void *arg)
{
	const unsigned char *data = mb_nl_data(list, 0);
	size_t left = data ? mb_nl_data_len(list) : 0;
	int r = 0;

	while (!r && left >= NLA_HDRLEN) {
		const struct nlattr *a = (const void *)data;
		struct mb_nl_wg_peer p;
		size_t step;

		if (a->nla_len < NLA_HDRLEN || a->nla_len > left || !read_peer(a, &p))
			return -EBADMSG;
		r = each(&p, arg);
		step = NLA_ALIGN(a->nla_len);
		step = step < left ? step : left;
		data += step;
		left -= step;
	}
	return r;
}

int mb_nl_wg_read(const struct nlmsghdr *h, struct mb_nl_wg_device *ret, mb_nl_wg_each *each,
                  void *arg)
{
	const struct nlattr *at[WGDEVICE_A_PEERS + 1];
	const size_t head = NLMSG_SPACE(sizeof(struct genlmsghdr));
	const void *key;

	if (h->nlmsg_len < head ||
	    mb_nl_parse((const char *)h + head, h->nlmsg_len - head, at, WGDEVICE_A_PEERS) < 0)
		return -EBADMSG;
	key = mb_nl_data(at[WGDEVICE_A_PUBLIC_KEY], sizeof(ret->public));
	if (key) {
		memcpy(ret->public, key, sizeof(ret->public));
		ret->has_public = true;
	}
	if (mb_nl_data(at[WGDEVICE_A_LISTEN_PORT], sizeof(ret->port)))
		memcpy(&ret->port, mb_nl_data(at[WGDEVICE_A_LISTEN_PORT], sizeof(ret->port)),
		       sizeof(ret->port));
	return each ? read_peers(at[WGDEVICE_A_PEERS], each, arg) : 0;
}

struct reader {
	struct mb_nl_wg_device *device;
	mb_nl_wg_each *each;
	void *arg;
};

static int each_message(const struct nlmsghdr *h, void *arg)
{
	const struct reader *r = arg;

	return mb_nl_wg_read(h, r->device, r->each, r->arg);
}

int mb_nl_wg_get(struct mb_nl_wg *wg, int index, struct mb_nl_wg_device *ret, mb_nl_wg_each *each,
                 void *arg, struct mb_err *err)
{
	struct reader reader = {.device = ret, .each = each, .arg = arg};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	int r;

	*ret = (struct mb_nl_wg_device){0};
	message(&b, wg->family, NLM_F_DUMP, WG_CMD_GET_DEVICE, WG_GENL_VERSION);
	mb_nl_put_u32(&b, WGDEVICE_A_IFINDEX, (uint32_t)index);
	r = mb_nl_dump(&wg->nl, &b, each_message, &reader, err);
	return r ? mb_wrap(err, r, "cannot ask WireGuard") : 0;
}
