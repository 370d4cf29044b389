/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/walk_priv.h — what the steps of a walk hand on to each other. */
#ifndef MB_NET_WALK_PRIV_H
#define MB_NET_WALK_PRIV_H

#include "net/addr.h"
#include "net/book.h"
#include "net/net.h"
#include "net/overlay_remote.h"
#include "net/walk.h"
#include "nl/route.h"

enum mb_net_way_kind {
	MB_NET_WAY_NEIGHBOUR, /* a container on a network of the first one */
	MB_NET_WAY_PUBLISHED, /* an address of the host that leads to a container */
	MB_NET_WAY_HOST,      /* the host itself */
	MB_NET_WAY_OUTSIDE,
	MB_NET_WAY_REMOTE, /* a container of another host on a network of the first one */
};

/* One end: the container, its record, the place in the record that counts here. */
struct mb_net_way_end {
	struct mb_net_walk_party party;
	struct mb_net_sandbox *record;
	const struct mb_net_endpoint *e;
	struct mb_net_addr addr; /* of @e, in the family of the way */
	struct mb_nl route;      /* rtnetlink in its namespace */
	struct mb_nl_link link;  /* @e's interface there, once seen */
};

struct mb_net_way {
	struct mb_net *net;
	const struct mb_net_walk_request *q;
	struct mb_net_walk *out;
	struct mb_net_book book;
	enum mb_net_way_kind kind;
	struct mb_net_way_end from, to; /* to.party.id NULL: no container */
	struct mb_net_network *network; /* of from.e */
	struct mb_net_addr dst;         /* what is spoken to */
	uint16_t port, inner_port;      /* there, and where the container answers; 0: not said */
	uint8_t proto;
	struct mb_nl_link bridge; /* of from.e, once seen */
	struct mb_nl_way way;     /* from there to dst */
	struct mb_net_remotes remotes;
	const struct mb_net_remote *remote; /* of those: the other end */
	bool tried;                         /* to connect */
	int try_why;                        /* the errno it gave */
};

/* Say how a step ended.  A fault ends the walk; _mend() says what to do about the one just told. */
void mb_net_way_ok(struct mb_net_way *w, const char *step, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void mb_net_way_fault(struct mb_net_way *w, const char *step, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void mb_net_way_mend(struct mb_net_way *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Try to connect, once.  Return: 0 and *@ret, whether it worked; false for what cannot be tried. */
int mb_net_way_connects(struct mb_net_way *w, bool *ret, struct mb_err *err);
/* The name of a container, or what stands for it. */
const char *mb_net_way_from(const struct mb_net_way *w);
const char *mb_net_way_to(const struct mb_net_way *w);

/* The steps.  Return: 0, whatever was found, or -errno. */
typedef int mb_net_way_step(struct mb_net_way *w, struct mb_err *err);
mb_net_way_step mb_net_way_containers, mb_net_way_name, mb_net_way_isolation, mb_net_way_interface,
	mb_net_way_route, mb_net_way_cable, mb_net_way_neighbour, mb_net_way_firewall,
	mb_net_way_policy, mb_net_way_forwarding, mb_net_way_published, mb_net_way_foreign,
	mb_net_way_address, mb_net_way_back, mb_net_way_inside, mb_net_way_listener, mb_net_way_mtu,
	mb_net_way_connect, mb_net_way_tunnel, mb_net_way_uplink, mb_net_way_plugins,
	mb_net_way_plugins_target;

/* Open what @reference means as the other end, and see whether it can be talked to.  Return: 0,
 * maybe after a fault; MB_NET_ABSENT; or -errno. */
int mb_net_way_open_other(struct mb_net_way *w, const char *reference, struct mb_err *err);
/* The first network that both ends are on becomes the way.  Return: whether there is one. */
bool mb_net_way_choose_shared(struct mb_net_way *w, int family);
/* A container of another host that has one of @ids, or (NULL) the address that is spoken to.
 * Return: whether there is one. */
bool mb_net_way_choose_remote(struct mb_net_way *w, const struct mb_strv *ids);
/* The first end leaves by the interface that has its default route. */
void mb_net_way_choose_exit(struct mb_net_way *w);
/* What plugins made of @record becomes an endpoint of it, if they made anything.  Return: whether
 * they did. */
bool mb_net_way_take_plugins(struct mb_net_sandbox *record);

#endif
