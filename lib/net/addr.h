/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/addr.h — IPv4 and IPv6 addresses, prefixes and MAC addresses as values. */
#ifndef MB_NET_ADDR_H
#define MB_NET_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MB_NET_ADDR_TEXT = 64, MB_NET_MAC_TEXT = 18, MB_NET_MAC_BYTES = 6 };

struct mb_net_addr {
	int family; /* AF_INET, AF_INET6; 0: none */
	uint8_t b[16];
};
struct mb_net_prefix {
	struct mb_net_addr addr; /* host bits are zero */
	unsigned int bits;
};

/* Return: 0 or -EINVAL. */
int mb_net_addr_parse(const char *text, struct mb_net_addr *ret);
char *mb_net_addr_format(const struct mb_net_addr *a, char buf[MB_NET_ADDR_TEXT]);
bool mb_net_addr_equal(const struct mb_net_addr *a, const struct mb_net_addr *b);
bool mb_net_addr_is_any(const struct mb_net_addr *a);
size_t mb_net_addr_len(const struct mb_net_addr *a); /* 4, 16 or 0 */

/* "10.0.0.0/24"; bits behind the prefix are cleared; without "/" a single address. */
int mb_net_prefix_parse(const char *text, struct mb_net_prefix *ret);
char *mb_net_prefix_format(const struct mb_net_prefix *p, char buf[MB_NET_ADDR_TEXT]);
void mb_net_prefix_set(struct mb_net_prefix *p, const struct mb_net_addr *a, unsigned int bits);
bool mb_net_prefix_has(const struct mb_net_prefix *p, const struct mb_net_addr *a);
bool mb_net_prefix_overlaps(const struct mb_net_prefix *a, const struct mb_net_prefix *b);
void mb_net_prefix_last(const struct mb_net_prefix *p, struct mb_net_addr *ret);
unsigned int mb_net_prefix_host_bits(const struct mb_net_prefix *p);
/* The @n-th address of the prefix (0 is the network itself), and back.  Only the last 32 bits
 * count: pools of IPv6 hold their hosts there. */
void mb_net_prefix_at(const struct mb_net_prefix *p, uint32_t n, struct mb_net_addr *ret);
uint32_t mb_net_prefix_index(const struct mb_net_prefix *p, const struct mb_net_addr *a);

/* "02:42:ac:11:00:02", any case.  A multicast or all-zero one is -EINVAL. */
int mb_net_mac_parse(const char *text, uint8_t ret[MB_NET_MAC_BYTES]);
char *mb_net_mac_format(const uint8_t mac[MB_NET_MAC_BYTES], char buf[MB_NET_MAC_TEXT]);
/* 02:6d and the IPv4 address: an address that comes back never meets a stale ARP entry.  Of an
 * IPv6 address 02:6c and four bytes that no other one of its /96 has. */
void mb_net_mac_of(const struct mb_net_addr *a, uint8_t ret[MB_NET_MAC_BYTES]);
/* 02:6b and the beginning of an id, for what has no address. */
void mb_net_mac_of_id(const char *id, uint8_t ret[MB_NET_MAC_BYTES]);

#endif
