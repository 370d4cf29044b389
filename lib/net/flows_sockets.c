/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/tcp.h>

#include "core/own.h"
#include "core/str.h"
#include "net/book.h"
#include "net/flows.h"
#include "nl/diag.h"

/* One end of a connection as its own namespace knows it. */
struct end {
	struct mb_net_addr addr;
	uint16_t port;
};
struct mb_net_found_socket {
	char *id; /* of the container */
	struct end local, remote;
	struct mb_nl_socket s;
	bool is_server; /* a listener of the container has the local port */
};

void mb_net_found_done(struct mb_net_found *found)
{
	for (size_t i = 0; i < found->n; i++)
		free(found->v[i].id);
	free(found->v);
	*found = (struct mb_net_found){0};
}

void mb_net_found_add(struct mb_net_found *found, const char *container_id,
                      const struct mb_nl_socket *s)
{
	struct mb_net_found_socket *f;

	if ((found->n & (found->n - 1)) == 0)
		found->v = mb_realloc(found->v, (found->n ? found->n * 2 : 1) * sizeof(*found->v));
	f = &found->v[found->n++];
	*f = (struct mb_net_found_socket){.id = mb_strdup(container_id), .s = *s};
	f->local.addr.family = f->remote.addr.family = s->family;
	memcpy(f->local.addr.b, s->local, sizeof(s->local));
	memcpy(f->remote.addr.b, s->remote, sizeof(s->remote));
	f->local.port = s->local_port;
	f->remote.port = s->remote_port;
}

static int compare_ends(const struct end *a, const struct end *b)
{
	int r;

	if (a->addr.family != b->addr.family)
		return a->addr.family < b->addr.family ? -1 : 1;
	r = memcmp(a->addr.b, b->addr.b, sizeof(a->addr.b));
	return r ? r : (a->port > b->port) - (a->port < b->port);
}

/* The two ends of one connection sort side by side. */
static int compare_pairs(uint8_t proto_a, const struct end *a, const struct end *b, uint8_t proto_b,
                         const struct end *c, const struct end *d)
{
	const struct end *lo1 = a, *hi1 = b, *lo2 = c, *hi2 = d;
	int r = (proto_a > proto_b) - (proto_a < proto_b);

	if (compare_ends(a, b) > 0) {
		lo1 = b;
		hi1 = a;
	}
	if (compare_ends(c, d) > 0) {
		lo2 = d;
		hi2 = c;
	}
	if (!r)
		r = compare_ends(lo1, lo2);
	return r ? r : compare_ends(hi1, hi2);
}

static int by_pair(const void *a, const void *b)
{
	const struct mb_net_found_socket *x = a, *y = b;

	return compare_pairs(x->s.proto, &x->local, &x->remote, y->s.proto, &y->local, &y->remote);
}

static bool is_listener(const struct mb_net_found_socket *f)
{
	return f->s.proto == IPPROTO_TCP ? f->s.state == TCP_LISTEN : f->remote.port == 0;
}

/* An address of the namespace itself at both ends is nobody else's business. */
static bool is_inner(const struct mb_net_found_socket *f)
{
	const uint8_t *a = f->remote.addr.b;

	if (f->remote.addr.family == AF_INET && a[0] == 127)
		return true;
	if (f->remote.addr.family == AF_INET6 &&
	    IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)(const void *)a))
		return true;
	return mb_net_addr_equal(&f->local.addr, &f->remote.addr);
}

static int by_port(const void *a, const void *b)
{
	const struct mb_net_found_socket *x = *(const struct mb_net_found_socket *const *)a,
					 *y = *(const struct mb_net_found_socket *const *)b;
	int r = strcmp(x->id, y->id);

	if (!r)
		r = (x->s.proto > y->s.proto) - (x->s.proto < y->s.proto);
	return r ? r : (x->local.port > y->local.port) - (x->local.port < y->local.port);
}

/* Who listens at its port has not begun. */
static void mark_servers(struct mb_net_found *found)
{
	MB_AUTO_FREE struct mb_net_found_socket **listeners =
		mb_calloc(found->n + 1, sizeof(struct mb_net_found_socket *));
	size_t n = 0;

	for (size_t i = 0; i < found->n; i++)
		if (is_listener(&found->v[i]))
			listeners[n++] = &found->v[i];
	if (!n)
		return;
	qsort(listeners, n, sizeof(*listeners), by_port);
	for (size_t i = 0; i < found->n; i++) {
		struct mb_net_found_socket *f = &found->v[i];

		f->is_server = bsearch(&f, listeners, n, sizeof(*listeners), by_port) != NULL;
	}
}

static const char *state_name(const struct mb_nl_socket *s)
{
	static const char *const names[] = {
		[TCP_ESTABLISHED] = "established",
		[TCP_SYN_SENT] = "syn-sent",
		[TCP_SYN_RECV] = "syn-recv",
		[TCP_FIN_WAIT1] = "fin-wait",
		[TCP_FIN_WAIT2] = "fin-wait",
		[TCP_TIME_WAIT] = "time-wait",
		[TCP_CLOSE] = "closed",
		[TCP_CLOSE_WAIT] = "close-wait",
		[TCP_LAST_ACK] = "last-ack",
		[TCP_CLOSING] = "closing",
	};

	if (s->proto != IPPROTO_TCP)
		return "connected";
	return s->state < MB_N(names) && names[s->state] ? names[s->state] : "unknown";
}

/* What arrived is told by who got it, where both ends are known. */
static void count(struct mb_net_flow *f, const struct mb_net_found_socket *client,
                  const struct mb_net_found_socket *server)
{
	bool c = client && client->s.has_bytes, s = server && server->s.has_bytes;

	if (f->has_bytes || (!c && !s))
		return;
	f->has_bytes = f->has_packets = true;
	f->out_bytes = s ? server->s.received_bytes : client->s.acked_bytes;
	f->in_bytes = c ? client->s.received_bytes : server->s.acked_bytes;
	f->out_packets = s ? server->s.received_segments : client->s.sent_segments;
	f->in_packets = c ? client->s.received_segments : server->s.sent_segments;
}

/* @owner (may be NULL): whose namespace has the end, should nobody know the address. */
static void name_peer(struct mb_net_book *book, struct mb_net_peer *p, const struct end *end,
                      const struct mb_net_found_socket *owner)
{
	p->addr = end->addr;
	p->port = end->port;
	if (mb_net_peer_name_it(book, p) || p->is_host || !owner)
		return;
	for (size_t i = 0; i < book->n && !p->id; i++) {
		if (!mb_streq(book->v[i].id, owner->id))
			continue;
		p->id = mb_strdup(owner->id);
		p->name = mb_strdup_or_null(book->v[i].name);
	}
}

/* One or both ends of a connection that connection tracking does not know. */
static struct mb_net_flow flow_of(struct mb_net_book *book, const struct mb_net_found_socket *a,
                                  const struct mb_net_found_socket *b)
{
	struct mb_net_flow f = {.proto = a->s.proto, .state = state_name(&a->s)};
	bool a_serves = a->is_server, b_serves = b && b->is_server;

	/* Neither or both listen: servers have the lower ports. */
	if (a_serves == b_serves && (b || !a_serves))
		a_serves = a->local.port < a->remote.port;
	name_peer(book, &f.from, a_serves ? &a->remote : &a->local, a_serves ? b : a);
	name_peer(book, &f.to, a_serves ? &a->local : &a->remote, a_serves ? a : b);
	count(&f, a_serves ? b : a, a_serves ? a : b);
	f.is_closed = mb_streq(f.state, "closed") || mb_streq(f.state, "time-wait");
	return f;
}

static struct mb_net_found_socket *find_pair(const struct mb_net_found *found, uint8_t proto,
                                             const struct end *a, const struct end *b, bool *used,
                                             const struct end *local)
{
	size_t lo = 0, hi = found->n;
	struct mb_net_found_socket *hit = NULL;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct mb_net_found_socket *m = &found->v[mid];

		if (compare_pairs(m->s.proto, &m->local, &m->remote, proto, a, b) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < found->n; lo++) {
		struct mb_net_found_socket *m = &found->v[lo];

		if (compare_pairs(m->s.proto, &m->local, &m->remote, proto, a, b) != 0)
			break;
		used[lo] = true;
		if (compare_ends(&m->local, local) == 0)
			hit = m;
	}
	return hit;
}

/* The client's socket speaks to where it was published, the server's hears who came through: the
 * client itself, or the bridge where that had to stand in for it. */
static void enrich(struct mb_net_flow *f, const struct mb_net_found *found, bool *used)
{
	const struct end from = {f->from.addr, f->from.port}, to = {f->to.addr, f->to.port};
	const struct end via = {f->via.family ? f->via : f->to.addr,
	                        f->via.family ? f->via_port : f->to.port};
	const struct end seen = {f->seen.family ? f->seen : f->from.addr,
	                         f->seen.family ? f->seen_port : f->from.port};
	const struct mb_net_found_socket *client, *server;

	client = find_pair(found, f->proto, &from, &via, used, &from);
	server = find_pair(found, f->proto, &seen, &to, used, &to);
	count(f, client, server);
}

void mb_net_flows_merge(struct mb_net_flows *flows, struct mb_net_book *book,
                        struct mb_net_found *found)
{
	MB_AUTO_FREE bool *used = mb_calloc(found->n + 1, sizeof(*used));
	size_t tracked = flows->n;

	mark_servers(found);
	if (found->n)
		qsort(found->v, found->n, sizeof(*found->v), by_pair);
	for (size_t i = 0; i < tracked; i++)
		enrich(&flows->v[i], found, used);
	for (size_t i = 0; i < found->n; i++) {
		struct mb_net_found_socket *a = &found->v[i];
		bool paired = i + 1 < found->n && by_pair(a, &found->v[i + 1]) == 0;
		struct mb_net_flow f;

		if (used[i] || is_listener(a) || is_inner(a))
			continue;
		f = flow_of(book, a, paired ? &found->v[i + 1] : NULL);
		i += paired;
		mb_net_flows_add(flows, &f);
	}
	mb_net_flows_sort(flows);
}
