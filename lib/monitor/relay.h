/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/relay.h — published ports at [::1], from where NAT leads nobody to another host.
 *
 * The monitor only watches the socket.  Who comes first makes it fork: the child takes that one
 * socket over, serves it until nobody has needed it for a while, and ends; the monitor then
 * watches again.  What a relay does costs the container's monitor nothing, and a container
 * whose ports nobody reaches by [::1] has none.  The child dies with the monitor, and is killed
 * and reaped before an exit is told.
 */
#ifndef MB_MONITOR_RELAY_H
#define MB_MONITOR_RELAY_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "monitor/protocol.h"

enum {
	MB_MONITOR_RELAY_IDLE_MS = 10000, /* without anybody: the end of the process */
	MB_MONITOR_RELAY_CONNS = 256,     /* of TCP; who comes then waits for one to go */
	MB_MONITOR_RELAY_PEERS = 256,     /* of UDP; the one that is quiet longest makes place */
	MB_MONITOR_RELAY_PEER_MS = 60000, /* of quiet, after which a peer of UDP is forgotten */
};

/* One socket's relay.  @target may change at any time. */
struct mb_monitor_relay_job {
	int fd;
	uint16_t port;
	const struct mb_monitor_target *target;
};
/* relay_tcp.c, relay_udp.c: what the child does. */
void mb_monitor_relay_tcp(const struct mb_monitor_relay_job *job) __attribute__((noreturn));
void mb_monitor_relay_udp(const struct mb_monitor_relay_job *job) __attribute__((noreturn));

union mb_monitor_relay_address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};
/* The container's addresses in the order in which they are tried: IPv6 first, as for who comes by
 * it from elsewhere.  Return: how many; 0 to 2. */
unsigned mb_monitor_relay_addresses(const struct mb_monitor_relay_job *job,
                                    union mb_monitor_relay_address ret[2]);
/* A non-blocking socket of @type, connected or about to be.  Return: it, or -1. */
int mb_monitor_relay_connect(const union mb_monitor_relay_address *to, int type);

#endif
