/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/crc32c.h"
#include "core/parse.h"

enum { IPV4_BYTES = 4, IPV6_BYTES = 16, INDEX_BITS = 32 };

size_t mb_net_addr_len(const struct mb_net_addr *a)
{
	return a->family == AF_INET ? IPV4_BYTES : a->family == AF_INET6 ? IPV6_BYTES : 0;
}

int mb_net_addr_parse(const char *text, struct mb_net_addr *ret)
{
	struct mb_net_addr a = {0};

	a.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(a.family, text, a.b) != 1)
		return -EINVAL;
	*ret = a;
	return 0;
}

char *mb_net_addr_format(const struct mb_net_addr *a, char buf[MB_NET_ADDR_TEXT])
{
	if (!a->family || !inet_ntop(a->family, a->b, buf, MB_NET_ADDR_TEXT))
		buf[0] = '\0';
	return buf;
}

bool mb_net_addr_equal(const struct mb_net_addr *a, const struct mb_net_addr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, mb_net_addr_len(a)) == 0;
}

bool mb_net_addr_is_any(const struct mb_net_addr *a)
{
	static const uint8_t zero[IPV6_BYTES];

	return memcmp(a->b, zero, mb_net_addr_len(a)) == 0;
}

static unsigned int family_bits(const struct mb_net_addr *a)
{
	return (unsigned int)mb_net_addr_len(a) * 8;
}

void mb_net_prefix_set(struct mb_net_prefix *p, const struct mb_net_addr *a, unsigned int bits)
{
	p->addr = *a;
	p->bits = bits;
	for (unsigned int i = 0; i < IPV6_BYTES; i++) {
		unsigned int keep = bits > i * 8 ? bits - i * 8 : 0;

		if (keep < 8)
			p->addr.b[i] &= (uint8_t)(0xff00 >> keep);
	}
}

int mb_net_prefix_parse(const char *text, struct mb_net_prefix *ret)
{
	char host[MB_NET_ADDR_TEXT];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	struct mb_net_addr a;
	uint32_t bits;

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if (mb_net_addr_parse(host, &a) < 0)
		return -EINVAL;
	bits = family_bits(&a);
	if (slash && (mb_parse_u32(slash + 1, &bits) < 0 || bits > family_bits(&a)))
		return -EINVAL;
	mb_net_prefix_set(ret, &a, bits);
	return 0;
}

char *mb_net_prefix_format(const struct mb_net_prefix *p, char buf[MB_NET_ADDR_TEXT])
{
	char host[MB_NET_ADDR_TEXT];

	mb_net_addr_format(&p->addr, host);
	snprintf(buf, MB_NET_ADDR_TEXT, "%.*s/%u", INET6_ADDRSTRLEN, host, p->bits);
	return buf;
}

bool mb_net_prefix_has(const struct mb_net_prefix *p, const struct mb_net_addr *a)
{
	struct mb_net_prefix q;

	if (a->family != p->addr.family)
		return false;
	mb_net_prefix_set(&q, a, p->bits);
	return mb_net_addr_equal(&q.addr, &p->addr);
}

bool mb_net_prefix_overlaps(const struct mb_net_prefix *a, const struct mb_net_prefix *b)
{
	return a->bits <= b->bits ? mb_net_prefix_has(a, &b->addr) : mb_net_prefix_has(b, &a->addr);
}

void mb_net_prefix_last(const struct mb_net_prefix *p, struct mb_net_addr *ret)
{
	*ret = p->addr;
	for (unsigned int bit = p->bits; bit < 8 * mb_net_addr_len(ret); bit++)
		ret->b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

unsigned int mb_net_prefix_host_bits(const struct mb_net_prefix *p)
{
	return family_bits(&p->addr) - p->bits;
}

static uint32_t last_word(const struct mb_net_addr *a)
{
	uint32_t v;

	memcpy(&v, a->b + mb_net_addr_len(a) - sizeof(v), sizeof(v));
	return ntohl(v);
}

void mb_net_prefix_at(const struct mb_net_prefix *p, uint32_t n, struct mb_net_addr *ret)
{
	uint32_t v = htonl(last_word(&p->addr) + n);

	*ret = p->addr;
	memcpy(ret->b + mb_net_addr_len(ret) - sizeof(v), &v, sizeof(v));
}

uint32_t mb_net_prefix_index(const struct mb_net_prefix *p, const struct mb_net_addr *a)
{
	unsigned int bits = mb_net_prefix_host_bits(p);

	if (bits >= INDEX_BITS)
		return last_word(a);
	return last_word(a) & ((1u << bits) - 1);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int mb_net_mac_parse(const char *text, uint8_t ret[MB_NET_MAC_BYTES])
{
	static const uint8_t zero[MB_NET_MAC_BYTES];
	uint8_t mac[MB_NET_MAC_BYTES];

	if (strlen(text) != MB_NET_MAC_TEXT - 1)
		return -EINVAL;
	for (int i = 0; i < MB_NET_MAC_BYTES; i++) {
		int high = hex_digit(text[i * 3]), low = hex_digit(text[i * 3 + 1]);
		char after = text[i * 3 + 2];

		if (high < 0 || low < 0 || (after != ':' && after != '-' && after != '\0'))
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	if ((mac[0] & 1) || memcmp(mac, zero, sizeof(mac)) == 0)
		return -EINVAL;
	memcpy(ret, mac, sizeof(mac));
	return 0;
}

char *mb_net_mac_format(const uint8_t mac[MB_NET_MAC_BYTES], char buf[MB_NET_MAC_TEXT])
{
	snprintf(buf, MB_NET_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
	         mac[3], mac[4], mac[5]);
	return buf;
}

static void put_mac(uint8_t ret[MB_NET_MAC_BYTES], uint8_t kind, const void *four)
{
	ret[0] = 0x02;
	ret[1] = kind;
	memcpy(ret + 2, four, IPV4_BYTES);
}

void mb_net_mac_of(const struct mb_net_addr *a, uint8_t ret[MB_NET_MAC_BYTES])
{
	const size_t n_before = sizeof(a->b) - IPV4_BYTES;
	uint32_t last;

	if (a->family != AF_INET6) {
		put_mac(ret, 0x6d, a->b);
		return;
	}
	memcpy(&last, a->b + n_before, sizeof(last));
	last ^= mb_crc32c(0, a->b, n_before);
	put_mac(ret, 0x6c, &last);
}

void mb_net_mac_of_id(const char *id, uint8_t ret[MB_NET_MAC_BYTES])
{
	const uint32_t of_id = mb_crc32c(0, id, strlen(id));

	put_mac(ret, 0x6b, &of_id);
}
