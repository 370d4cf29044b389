/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/dns.h — the resolver at 127.0.0.11: containers' names from dns_db.h, all others
 * from the host's upstreams.
 *
 * The sockets that containers talk to were made in their network namespace; those to upstreams
 * are made here, in the host's.  All tables are fixed; where one is full a query is not answered
 * and its asker tries again.
 */
#ifndef MB_MONITOR_DNS_H
#define MB_MONITOR_DNS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "monitor/dns_db.h"
#include "monitor/dns_packet.h"
#include "monitor/dns_upstream.h"
#include "monitor/protocol.h"

enum {
	MB_DNS_TTL = 5,
	MB_DNS_FORWARDS = 256, /* queries by UDP under way at once */
	MB_DNS_CONNS = 32,     /* connections by TCP */
	MB_DNS_CONN_BUFFER = 2 + 2560,
	MB_DNS_TCP_QUERY = 1024, /* a longer one is no question that has an answer */
	MB_DNS_UDP_TRY_MS = 1500,
	MB_DNS_TCP_TRY_MS = 3000,
	MB_DNS_TCP_IDLE_MS = 5000,
};

/* A query by UDP that an upstream has. */
struct mb_dns_forward {
	int fd; /* a socket of its own, so that its port is random; 0: free slot */
	int64_t deadline;
	uint16_t id;      /* asked with */
	unsigned attempt; /* index of the upstream */
	struct sockaddr_in asker;
	struct mb_dns_question q;
};

enum mb_dns_conn_state { MB_DNS_READING, MB_DNS_WRITING, MB_DNS_ASKING, MB_DNS_RELAYING };

/* A connection by TCP.  One query at a time: what is pipelined waits in the socket. */
struct mb_dns_conn {
	int fd, up; /* 0: free slot; no upstream */
	enum mb_dns_conn_state state;
	int64_t deadline;
	unsigned attempt;
	bool up_asked;
	uint16_t id;       /* asked with */
	size_t n, sent;    /* bytes in .buf, and of these written */
	size_t relay_left; /* bytes that the upstream still owes */
	struct mb_dns_question q;
	uint8_t buf[MB_DNS_CONN_BUFFER];
};

struct mb_dns {
	int epoll;          /* borrowed */
	int run_fd;         /* borrowed; RUN or -1 */
	const char *own_id; /* borrowed; the container's, or NULL */
	int learn_fd;       /* to nftables, from the first address that is learnt on; or -1 */
	bool is_open;
	int fd[MB_MONITOR_DNS_SLOT_N_];
	struct in_addr own; /* address of the UDP socket */
	bool has_own_upstreams;
	char resolv_conf[256];
	struct mb_dns_upstreams upstreams;
	uint32_t turn; /* rotates addresses */
	size_t n_networks;
	struct mb_dns_network network[MB_MONITOR_NETWORKS_MAX];
	unsigned n_forwards, n_conns;
	struct mb_dns_forward forward[MB_DNS_FORWARDS];
	struct mb_dns_conn conn[MB_DNS_CONNS];
	uint64_t n_queries, n_forwarded, n_dropped;
	uint8_t reply[MB_DNS_UDP_MOST + 64];
};

void mb_dns_init(struct mb_dns *d);
/* Take over the descriptors (when 0 is returned). */
int mb_dns_open(struct mb_dns *d, int epoll, const struct mb_monitor_dns *setup,
                const int fds[MB_MONITOR_DNS_SLOT_N_]);
/* Upstreams are others from now on. */
void mb_dns_ask_others(struct mb_dns *d, const struct mb_monitor_dns *setup);
void mb_dns_close(struct mb_dns *d);
/* Takes *@fd over (when 0 is returned; -1 then). */
int mb_dns_network_add(struct mb_dns *d, const struct mb_monitor_network *network, int *fd);
void mb_dns_network_remove(struct mb_dns *d, const char *id);

void mb_dns_event(struct mb_dns *d, int from, unsigned index, uint32_t events);
/* CLOCK_MONOTONIC of the nearest timeout; 0: none. */
int64_t mb_dns_deadline(const struct mb_dns *d);
void mb_dns_expire(struct mb_dns *d, int64_t now);

/* Answer from what is known here.
 * Return: 0 and the reply's size; MB_DNS_FORWARD: an upstream must be asked. */
enum { MB_DNS_FORWARD = 1 };
int mb_dns_answer(struct mb_dns *d, const struct mb_dns_question *q, uint8_t *buf, size_t limit,
                  size_t *ret_n);
size_t mb_dns_answer_rcode(const struct mb_dns_question *q, enum mb_dns_rcode rcode, uint8_t *buf);
/* Upstreams as of now. */
const struct mb_dns_upstreams *mb_dns_upstreams_now(struct mb_dns *d);

/* dns_udp.c */
void mb_dns_udp_read(struct mb_dns *d);
void mb_dns_udp_response(struct mb_dns *d, struct mb_dns_forward *f);
void mb_dns_udp_expire(struct mb_dns *d, int64_t now);
void mb_dns_udp_close(struct mb_dns *d);
/* dns_tcp.c */
void mb_dns_tcp_accept(struct mb_dns *d);
void mb_dns_tcp_step(struct mb_dns *d, struct mb_dns_conn *c, bool from_up, bool hung_up);
void mb_dns_tcp_expire(struct mb_dns *d, int64_t now);
void mb_dns_tcp_close(struct mb_dns *d);
int mb_dns_watch(struct mb_dns *d, int fd, int from, size_t index, uint32_t events, bool again);

#endif
