/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/sk_lookup.h — a BPF program that leads one address and port to other sockets. */
#ifndef MB_NET_SK_LOOKUP_H
#define MB_NET_SK_LOOKUP_H

#include <stdint.h>

/* The program and its table of sockets, which belong to no namespace yet. */
struct mb_net_sk_lookup {
	int map_fd, program_fd;
};
#define MB_NET_SK_LOOKUP_INIT ((struct mb_net_sk_lookup){.map_fd = -1, .program_fd = -1})

/* For packets to @addr (network order):@port.  Return: 0 or -errno (nothing told). */
int mb_net_sk_lookup_load(uint32_t addr, uint16_t port, struct mb_net_sk_lookup *ret);
void mb_net_sk_lookup_done(struct mb_net_sk_lookup *lookup);
/* In the namespace @netns_fd: UDP packets are given to @udp_fd, connections to @tcp_fd
 * (listening).  Both bound already.  It ends with *@ret_link_fd, and @lookup may be put away.
 * Return: 0 or -errno (nothing told). */
int mb_net_sk_lookup_attach(const struct mb_net_sk_lookup *lookup, int netns_fd, int udp_fd,
                            int tcp_fd, int *ret_link_fd);

#endif
