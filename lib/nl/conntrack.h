/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/nl/conntrack.h — the kernel's connections: read, listened to, and forgotten where a changed
 * port mapping made them wrong.
 *
 * UDP has no end: an entry made before a port was published, or while another container had it,
 * keeps its traffic going the old way.  The entries are found by the port that the client
 * addressed (the original destination), which is the published one.
 */
#ifndef MB_NL_CONNTRACK_H
#define MB_NL_CONNTRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nl/sock.h"

struct nlmsghdr;

/* Delete the UDP entries of both families whose original destination port is one of @ports (host
 * order).  The kernel walks its whole table for this: tens of milliseconds where that is large.
 * Return: 0 and *@ret_n (may be NULL) how many; or -errno. */
int mb_nl_conntrack_forget_udp(struct mb_nl *nl, const uint16_t *ports, size_t n_ports,
                               size_t *ret_n, struct mb_err *err);

/* Delete those that have @addr (4 or 16 bytes by @family) at an end, in whichever direction. */
int mb_nl_conntrack_forget_addr(struct mb_nl *nl, int family, const uint8_t *addr,
                                struct mb_err *err);

/* ---- reading -------------------------------------------------------------------------- */

/* One direction: addresses of 4 or 16 bytes by the connection's family, in network order; ports
 * in host order, 0 where the protocol has none. */
struct mb_nl_tuple {
	uint8_t src[16], dst[16];
	uint16_t src_port, dst_port;
};
/* As the client spoke (orig), and as answers come: with a translated destination reply.src is who
 * really answers. */
struct mb_nl_conn {
	int family; /* AF_INET, AF_INET6 */
	uint8_t proto;
	struct mb_nl_tuple orig, reply;
	uint32_t id;
	uint32_t status;   /* IPS_* of linux/netfilter/nf_conntrack_common.h */
	uint8_t tcp_state; /* TCP_CONNTRACK_* of nf_conntrack_tcp.h; 0: not TCP, not told */
	bool has_counters; /* made after nf_conntrack_acct was on; the end of one has them too */
	uint64_t orig_bytes, orig_packets, reply_bytes, reply_packets;
};
enum mb_nl_conn_event { MB_NL_CONN_IS, MB_NL_CONN_NEW, MB_NL_CONN_CHANGED, MB_NL_CONN_END };
/* What one message says.  Return: whether it is about a connection and makes sense. */
bool mb_nl_conntrack_read(const struct nlmsghdr *h, struct mb_nl_conn *ret,
                          enum mb_nl_conn_event *ret_event);

typedef int mb_nl_conn_each(const struct mb_nl_conn *conn, enum mb_nl_conn_event event, void *arg);
/* All connections of the namespace that @nl was opened in.  The kernel walks its whole table. */
int mb_nl_conntrack_dump(struct mb_nl *nl, mb_nl_conn_each *each, void *arg, struct mb_err *err);
/* From now on @nl (NETLINK_NETFILTER, for nothing else) gets beginnings and ends; when its
 * descriptor is readable, _receive() gives them out and returns as mb_nl_receive() does. */
int mb_nl_conntrack_listen(struct mb_nl *nl, struct mb_err *err);
int mb_nl_conntrack_receive(struct mb_nl *nl, mb_nl_conn_each *each, void *arg, struct mb_err *err);

#endif
