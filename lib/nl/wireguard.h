/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/nl/wireguard.h — interfaces of WireGuard: keys, port and peers (generic netlink's family
 * "wireguard"; wg(8), <linux/wireguard.h>).
 *
 * Such an interface is made as any other (route.h); the kernel draws its public key from the
 * private one that is set, and takes a packet only from the peer that may have its source address.
 */
#ifndef MB_NL_WIREGUARD_H
#define MB_NL_WIREGUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nl/sock.h"

struct mb_err;
struct nlmsghdr;

enum { MB_NL_WG_KEY_BYTES = 32 };

struct mb_nl_wg {
	struct mb_nl nl;
	uint16_t family; /* of generic netlink, as this kernel numbers it */
};
#define MB_NL_WG_INIT ((struct mb_nl_wg){.nl = MB_NL_INIT})
#define MB_AUTO_NL_WG __attribute__((cleanup(mb_nl_wg_close)))

/* In the namespace the caller is in.  -EOPNOTSUPP, told: the kernel has none. */
int mb_nl_wg_open(struct mb_nl_wg *wg, struct mb_err *err);
void mb_nl_wg_close(struct mb_nl_wg *wg);

/* This end.  What it has already stays as it is, sessions too. */
int mb_nl_wg_set(struct mb_nl_wg *wg, int index, const uint8_t key[MB_NL_WG_KEY_BYTES],
                 uint16_t port, struct mb_err *err);

struct mb_nl_wg_peer {
	uint8_t key[MB_NL_WG_KEY_BYTES]; /* public */
	int family;                      /* of the endpoint; 0: none is known */
	uint8_t addr[16];
	uint16_t port;
	bool has_allowed;
	uint8_t allowed[16]; /* the IPv6 address that is the peer's, and the only one */
	/* Only read: when it last proved to have its key, seconds since 1970 (0: never), and bytes
	 * that went and came. */
	int64_t handshake;
	uint64_t sent, received;
};
/* Put @n peers, which are changed where they are there, or, @remove, take them away. */
int mb_nl_wg_peers(struct mb_nl_wg *wg, int index, const struct mb_nl_wg_peer *peers, size_t n,
                   bool remove, struct mb_err *err);

/* What the interface has; a peer with many addresses may be told of more than once. */
struct mb_nl_wg_device {
	bool has_public;
	uint8_t public[MB_NL_WG_KEY_BYTES];
	uint16_t port;
};
typedef int mb_nl_wg_each(const struct mb_nl_wg_peer *peer, void *arg);
int mb_nl_wg_get(struct mb_nl_wg *wg, int index, struct mb_nl_wg_device *ret, mb_nl_wg_each *each,
                 void *arg, struct mb_err *err);
/* One message of the answer.  Return: 0; what @each returned; or -EBADMSG. */
int mb_nl_wg_read(const struct nlmsghdr *h, struct mb_nl_wg_device *ret, mb_nl_wg_each *each,
                  void *arg);

#endif
