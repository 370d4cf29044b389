/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/sk_lookup.h — a BPF program that leads one address and port to other sockets. */
#ifndef MB_NET_SK_LOOKUP_H
#define MB_NET_SK_LOOKUP_H

#include <stdint.h>

/* In the namespace @netns_fd: UDP packets to @addr (network order):@port are given to @udp_fd,
 * connections to @tcp_fd (listening).  Both bound already.  It ends with *@ret_link_fd.
 * Return: 0 or -errno (nothing told). */
int mb_net_sk_lookup_attach(int netns_fd, int udp_fd, int tcp_fd, uint32_t addr, uint16_t port,
                            int *ret_link_fd);

#endif
