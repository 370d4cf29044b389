/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netlink.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "net/ask.h"
#include "net/handle.h"
#include "net/walk_priv.h"
#include "nl/diag.h"

/* What the sockets of the other end have to do with a port. */
struct listeners {
	const struct mb_net_addr *addr; /* that is spoken to there */
	uint16_t port;                  /* 0: list them */
	bool fits, is_full, is_v6_only;
	uint32_t backlog;
	char elsewhere[MB_NET_ADDR_TEXT]; /* the port, bound to another address; or "" */
	struct mb_strv ports;
};

static bool is_any(const struct mb_nl_socket *s)
{
	struct mb_net_addr a = {.family = s->family};

	memcpy(a.b, s->local, sizeof(a.b));
	return mb_net_addr_is_any(&a);
}

static void add_port(struct listeners *l, const struct mb_nl_socket *s)
{
	MB_AUTO_FREE char *text =
		mb_asprintf("%u/%s", s->local_port, s->proto == IPPROTO_TCP ? "tcp" : "udp");
	bool loopback = s->family == AF_INET && s->local[0] == 127;

	if (!loopback && !mb_strv_has(&l->ports, text))
		mb_strv_add(&l->ports, text);
}

static int each_socket(const struct mb_nl_socket *s, void *arg)
{
	struct listeners *l = arg;
	struct mb_net_addr a = {.family = s->family};
	bool any = is_any(s), mine;

	/* Of UDP, those that anyone may speak to. */
	if (s->proto == IPPROTO_UDP && s->remote_port)
		return 0;
	if (!l->port)
		add_port(l, s);
	if (s->local_port != l->port)
		return 0;
	memcpy(a.b, s->local, sizeof(a.b));
	mine = any ? s->family == l->addr->family || (s->is_v6 && !s->v6_only)
	           : mb_net_addr_equal(&a, l->addr);
	if (mine) {
		l->fits = true;
		l->is_full = s->backlog && s->waiting > s->backlog;
		l->backlog = s->backlog;
	} else if (any) {
		l->is_v6_only = true;
	} else {
		mb_net_addr_format(&a, l->elsewhere);
	}
	return 0;
}

static int read_listeners(const struct mb_net_way *w, struct listeners *l, struct mb_err *err)
{
	const uint32_t states = w->proto == IPPROTO_TCP ? 1u << TCP_LISTEN : 0xfffu;
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	int r;

	if (w->kind == MB_NET_WAY_HOST)
		r = mb_nl_open(&nl, NETLINK_SOCK_DIAG, err);
	else
		r = mb_net_netns_sock(w->to.party.netns_fd, NETLINK_SOCK_DIAG, &nl, err);
	return r ? r : mb_nl_diag_dump(&nl, w->proto, states, each_socket, l, err);
}

static void tell_nobody(struct mb_net_way *w, const char *who)
{
	const char *proto = w->proto == IPPROTO_TCP ? "tcp" : "udp";

	if (w->kind == MB_NET_WAY_HOST) {
		mb_net_way_fault(
			w, "listener",
			"no container publishes port %u/%s, and nothing on the host listens "
			"there",
			w->inner_port, proto);
		mb_net_way_mend(w, "publish it where the container is made: mybox run -p %u:PORT",
		                w->inner_port);
		return;
	}
	mb_net_way_fault(w, "listener", "nothing in %s listens on port %u/%s", who, w->inner_port,
	                 proto);
	mb_net_way_mend(w, "mybox logs %s", who);
}

static void tell_listener(struct mb_net_way *w, const struct listeners *l)
{
	const char *who = w->kind == MB_NET_WAY_HOST ? "the host" : mb_net_way_to(w);
	char addr[MB_NET_ADDR_TEXT];

	mb_net_addr_format(l->addr, addr);
	if (l->fits && l->is_full) {
		mb_net_way_fault(
			w, "listener",
			"the server on port %u of %s accepts nobody: its queue of %u is full",
			w->inner_port, who, l->backlog);
		mb_net_way_mend(
			w, w->kind == MB_NET_WAY_HOST ? "restart the server" : "mybox restart %s",
			who);
	} else if (l->fits) {
		mb_net_way_ok(w, "listener", "%s listens on port %u", who, w->inner_port);
	} else if (*l->elsewhere) {
		mb_net_way_fault(w, "listener",
		                 "the server on port %u of %s listens on %s only, not on %s",
		                 w->inner_port, who, l->elsewhere, addr);
		mb_net_way_mend(w, "have it listen on 0.0.0.0:%u", w->inner_port);
	} else if (l->is_v6_only) {
		mb_net_way_fault(
			w, "listener",
			"the server on port %u of %s takes only the other kind of address, "
			"not %s",
			w->inner_port, who, addr);
		mb_net_way_mend(w,
		                l->addr->family == AF_INET ? "have it listen on 0.0.0.0:%u"
		                                           : "have it listen on [::]:%u",
		                w->inner_port);
	} else {
		tell_nobody(w, who);
	}
}

int mb_net_way_listener(struct mb_net_way *w, struct mb_err *err)
{
	struct listeners l = {.addr = w->to.e ? &w->to.addr : &w->dst, .port = w->inner_port};
	int r;

	if (w->kind == MB_NET_WAY_OUTSIDE)
		return 0;
	r = read_listeners(w, &l, err);
	if (!r && l.port) {
		tell_listener(w, &l);
	} else if (!r) {
		MB_AUTO_FREE char *list = mb_strv_join(&l.ports, ", ");

		mb_net_way_ok(w, "listener", "%s listens on %s",
		              w->kind == MB_NET_WAY_HOST ? "the host" : mb_net_way_to(w),
		              *list ? list : "no port");
	}
	mb_strv_done(&l.ports);
	return r;
}

/* ---- trying --------------------------------------------------------------------------- */

static int try_it(struct mb_net_way *w, struct mb_err *err)
{
	int r = w->tried ? 0
	                 : mb_net_try_connect(w->from.party.netns_fd, &w->dst, w->port, &w->try_why,
	                                      err);

	w->tried = true;
	return r;
}

int mb_net_way_connects(struct mb_net_way *w, bool *ret, struct mb_err *err)
{
	int r;

	*ret = false;
	if (!w->port || w->proto != IPPROTO_TCP)
		return 0;
	r = try_it(w, err);
	/* A refusal has come the whole way too, from a port where nobody listens. */
	*ret = !r && (w->try_why == 0 || w->try_why == ECONNREFUSED);
	return r;
}

int mb_net_way_connect(struct mb_net_way *w, struct mb_err *err)
{
	bool outside = w->kind == MB_NET_WAY_OUTSIDE || w->kind == MB_NET_WAY_REMOTE;
	char text[MB_NET_ADDR_TEXT];
	int r;

	if (!w->port || w->proto != IPPROTO_TCP)
		return 0;
	r = try_it(w, err);
	if (r)
		return r;
	mb_net_addr_format(&w->dst, text);
	if (w->try_why == 0) {
		mb_net_way_ok(w, "connect", "%s connected to %s, port %u", mb_net_way_from(w), text,
		              w->port);
	} else if (outside && w->try_why == ECONNREFUSED) {
		mb_net_way_fault(w, "connect",
		                 "%s answers, and refuses port %u: nothing listens there", text,
		                 w->port);
		mb_net_way_mend(w, "start the server on %s", text);
	} else {
		mb_net_way_fault(
			w, "connect", "%s, port %u: %s, though all that can be read is right", text,
			w->port, w->try_why == ETIMEDOUT ? "no answer" : strerror(w->try_why));
		if (outside)
			mb_net_way_mend(w,
			                "look beyond this host, and for rules of others: nft list "
			                "ruleset");
		else
			mb_net_way_mend(
				w, "look for a rule of others that drops it: nft list ruleset");
	}
	return 0;
}
