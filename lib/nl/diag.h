/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/nl/diag.h — sockets of a network namespace, as the kernel tells them (sock_diag).
 *
 * The namespace is that in which the netlink socket was opened (NETLINK_SOCK_DIAG).
 */
#ifndef MB_NL_DIAG_H
#define MB_NL_DIAG_H

#include <stdbool.h>
#include <stdint.h>

#include "nl/sock.h"

struct nlmsghdr;

struct mb_nl_socket {
	int family;    /* AF_INET, AF_INET6; an IPv4 address in an IPv6 socket is AF_INET */
	uint8_t proto; /* IPPROTO_TCP, _UDP */
	uint8_t state; /* TCP_ESTABLISHED, TCP_LISTEN, ... of netinet/tcp.h; UDP: connected or CLOSE
	                */
	uint8_t local[16], remote[16]; /* 4 or 16 bytes in network order */
	uint16_t local_port, remote_port;
	/* Bound to [::] and takes no IPv4; or, in any other socket, false. */
	bool v6_only;
	bool is_v6; /* made as an IPv6 socket, whatever it holds now */
	/* Of a listener: connections that wait to be accepted, and how many may. */
	uint32_t waiting, backlog;
	bool has_bytes; /* TCP only: payload that arrived, and that the other end acknowledged */
	uint64_t received_bytes, acked_bytes, received_segments, sent_segments;
};
/* What one answer about sockets of @proto says.  Return: whether it makes sense. */
bool mb_nl_diag_read(const struct nlmsghdr *h, uint8_t proto, struct mb_nl_socket *ret);

typedef int mb_nl_socket_each(const struct mb_nl_socket *socket, void *arg);
/* Sockets of @proto in both families whose state is in @states (1 << TCP_LISTEN | ...).  What the
 * kernel cannot tell of (no IPv6, no diag for the protocol) has none.  Return: 0, or -errno. */
int mb_nl_diag_dump(struct mb_nl *nl, uint8_t proto, uint32_t states, mb_nl_socket_each *each,
                    void *arg, struct mb_err *err);

#endif
