/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/edges.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/own.h"
#include "net/flows.h"

void mb_net_edges_done(struct mb_net_edges *edges)
{
	for (size_t i = 0; i < edges->n; i++) {
		free(edges->v[i].from);
		free(edges->v[i].to);
		free(edges->v[i].network);
	}
	free(edges->v);
	*edges = (struct mb_net_edges){0};
}

static int by_ends(const void *a, const void *b)
{
	const struct mb_net_edge *x = a, *y = b;
	int r = strcmp(x->from, y->from);

	if (!r)
		r = strcmp(x->to, y->to);
	if (!r)
		r = (x->proto > y->proto) - (x->proto < y->proto);
	return r ? r : (x->port > y->port) - (x->port < y->port);
}

static struct mb_net_edge edge_of(const struct mb_net_flow *f)
{
	char buf[MB_NET_ADDR_TEXT];
	const char *network = f->to.network ? f->to.network : f->from.network;
	struct mb_net_edge e = {
		.from_is_container = f->from.id != NULL,
		.to_is_container = f->to.id != NULL,
		.proto = f->proto,
		.port = f->to.port,
		.n = 1,
		.has_bytes = f->has_bytes,
		.out_bytes = f->out_bytes,
		.in_bytes = f->in_bytes,
	};

	e.from = mb_strdup(mb_net_peer_name(&f->from, buf));
	e.to = mb_strdup(mb_net_peer_name(&f->to, buf));
	e.network = mb_strdup_or_null(network);
	return e;
}

static void edge_done(struct mb_net_edge *e)
{
	free(e->from);
	free(e->to);
	free(e->network);
}

void mb_net_edges_of(const struct mb_net_flows *flows, struct mb_net_edges *ret)
{
	struct mb_net_edges all = {.v = mb_calloc(flows->n + 1, sizeof(*all.v))};
	size_t kept = 0;

	for (size_t i = 0; i < flows->n; i++)
		all.v[all.n++] = edge_of(&flows->v[i]);
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_ends);
	for (size_t i = 0; i < all.n; i++) {
		struct mb_net_edge *e = &all.v[i], *last = kept ? &all.v[kept - 1] : NULL;

		if (!last || by_ends(last, e) != 0) {
			all.v[kept++] = *e;
			continue;
		}
		last->n++;
		last->has_bytes = last->has_bytes || e->has_bytes;
		last->out_bytes += e->out_bytes;
		last->in_bytes += e->in_bytes;
		edge_done(e);
	}
	all.n = kept;
	*ret = all;
}

static uint64_t per_second(uint64_t before, uint64_t now, int64_t nsec)
{
	if (now <= before || nsec <= 0)
		return 0;
	return (uint64_t)((double)(now - before) * MB_NSEC_PER_SEC / (double)nsec);
}

void mb_net_edges_rate(struct mb_net_edges *edges, const struct mb_net_flows *before,
                       const struct mb_net_flows *now, int64_t nsec)
{
	for (size_t i = 0; i < now->n; i++) {
		const struct mb_net_flow *f = &now->v[i], *was = mb_net_flows_find(before, f);
		struct mb_net_edge key = edge_of(f), *e;

		e = bsearch(&key, edges->v, edges->n, sizeof(*edges->v), by_ends);
		edge_done(&key);
		/* Counted in one look only, it has no rate. */
		if (!e || !f->has_bytes || (was && !was->has_bytes))
			continue;
		e->out_rate += per_second(was ? was->out_bytes : 0, f->out_bytes, nsec);
		e->in_rate += per_second(was ? was->in_bytes : 0, f->in_bytes, nsec);
	}
}

static int by_rate(const void *a, const void *b)
{
	const struct mb_net_edge *x = a, *y = b;
	uint64_t p = x->out_rate + x->in_rate, q = y->out_rate + y->in_rate;

	if (p == q) {
		p = x->out_bytes + x->in_bytes;
		q = y->out_bytes + y->in_bytes;
	}
	return p == q ? by_ends(a, b) : p > q ? -1 : 1;
}

void mb_net_edges_sort_by_rate(struct mb_net_edges *edges)
{
	if (edges->n)
		qsort(edges->v, edges->n, sizeof(*edges->v), by_rate);
}
