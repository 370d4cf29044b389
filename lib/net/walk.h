/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/walk.h — the way from a container to another one or to the outside, as the kernel would
 * take it, one step after the other up to the first that is wrong.
 *
 * Everything is read: records, routes, interfaces, rules, sockets.  Two things are tried, from
 * inside of the first container: one question to its resolver, and at the end one TCP connection,
 * which finds what cannot be read (rules of others, machines elsewhere).
 */
#ifndef MB_NET_WALK_H
#define MB_NET_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_err;
struct mb_net;

/* Where to: "web", "web:80", "web:53/udp", "10.0.0.1:443", "[fd00::2]:80", "https://example.com".
 */
struct mb_net_walk_target {
	char *host;    /* without brackets */
	uint16_t port; /* 0: not said */
	uint8_t proto; /* IPPROTO_TCP, _UDP */
	bool is_url;   /* surely no container's name */
};
/* Return: 0 or -EINVAL, told. */
int mb_net_walk_target_parse(const char *text, struct mb_net_walk_target *ret, struct mb_err *err);
void mb_net_walk_target_done(struct mb_net_walk_target *target);

/* A container as those who know its life tell it. */
struct mb_net_walk_party {
	char *id, *name;
	const char *status; /* constant: "running", "exited", ... */
	bool runs, is_paused, monitor_lost;
	int pid, netns_fd; /* -1 unless it runs; owned */
	char *mode;        /* --network, or NULL */
	char *record_id;   /* whose network it has: its own id, or another container's */
	char *resolv;      /* its resolv.conf as it is now, or NULL */
};
void mb_net_walk_party_done(struct mb_net_walk_party *party);
/* Name, id or unique prefix.  Return: 0 and @ret, to be released; MB_NET_ABSENT; or -errno. */
typedef int mb_net_walk_open(const char *reference, void *arg, struct mb_net_walk_party *ret,
                             struct mb_err *err);

struct mb_net_walk_step {
	const char *name; /* constant: "route" */
	bool is_fault;
	char *text; /* what was found: a cause, if it is a fault */
	char *mend; /* a fault's: the command that mends it, or what to do */
};
struct mb_net_walk {
	struct mb_net_walk_step *v;
	size_t n; /* the last one may be a fault */
};
#define MB_AUTO_NET_WALK __attribute__((cleanup(mb_net_walk_done)))
void mb_net_walk_done(struct mb_net_walk *walk);
bool mb_net_walk_is_ok(const struct mb_net_walk *walk);

struct mb_net_walk_request {
	const char *from; /* reference of a container */
	const struct mb_net_walk_target *to;
	mb_net_walk_open *open;
	void *arg;
};
/* Return: 0 and @ret; MB_NET_ABSENT: no container @from, told by open; or -errno. */
int mb_net_walk_go(struct mb_net *net, const struct mb_net_walk_request *request,
                   struct mb_net_walk *ret, struct mb_err *err);

#endif
