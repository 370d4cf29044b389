/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "core/own.h"
#include "core/str.h"
#include "net/edges.h"
#include "net/flows.h"

/* Of the SVG, in its own units. */
enum { BOX_W = 170, BOX_H = 36, GAP_X = 190, GAP_Y = 34, MARGIN = 24 };

struct node {
	const char *name; /* borrowed from the edges */
	bool is_container;
	size_t column, row;
};
struct nodes {
	struct node *v;
	size_t n;
	/* Of each edge: which nodes it leads from and to. */
	struct ends {
		size_t from, to;
	} * ends;
};

/* One end of an edge, on the way to its node. */
struct mention {
	const char *name;
	bool is_container;
	size_t at; /* 2 x edge, and 1 for its end */
};

static int by_name(const void *a, const void *b)
{
	const struct mention *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : x->at < y->at ? -1 : 1;
}

static int by_place(const void *a, const void *b)
{
	const struct mention *x = a, *y = b;

	return x->at < y->at ? -1 : 1;
}

static void nodes_done(struct nodes *nodes)
{
	free(nodes->v);
	free(nodes->ends);
}

static size_t *end_of(struct nodes *nodes, size_t at)
{
	return at % 2 ? &nodes->ends[at / 2].to : &nodes->ends[at / 2].from;
}

/* Nodes in the order in which edges speak of them.  There may be thousands: every client of a port
 * is one. */
static void collect(const struct mb_net_edges *edges, struct nodes *ret)
{
	const size_t n = edges->n * 2;
	MB_AUTO_FREE struct mention *all = mb_calloc(n + 1, sizeof(*all));
	MB_AUTO_FREE struct mention *first = mb_calloc(n + 1, sizeof(*first));
	MB_AUTO_FREE size_t *node_at = mb_calloc(n + 1, sizeof(*node_at));
	size_t at = 0;

	for (size_t i = 0; i < edges->n; i++) {
		const struct mb_net_edge *e = &edges->v[i];

		all[2 * i] = (struct mention){e->from, e->from_is_container, 2 * i};
		all[2 * i + 1] = (struct mention){e->to, e->to_is_container, 2 * i + 1};
	}
	qsort(all, n, sizeof(*all), by_name);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(all[i].name, all[i - 1].name) != 0)
			first[ret->n++] = all[i];
	qsort(first, ret->n, sizeof(*first), by_place);
	ret->v = mb_calloc(ret->n + 1, sizeof(*ret->v));
	ret->ends = mb_calloc(edges->n + 1, sizeof(*ret->ends));
	for (size_t i = 0; i < ret->n; i++) {
		ret->v[i] =
			(struct node){.name = first[i].name, .is_container = first[i].is_container};
		node_at[first[i].at] = i;
	}
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(all[i].name, all[i - 1].name) != 0)
			at = node_at[all[i].at];
		*end_of(ret, all[i].at) = at;
	}
}

/* Nodes wait for all that lead to them.  Where they wait in a circle, one stops to. */
struct layout {
	const struct nodes *nodes;
	size_t *waits, *queue, n_queued;
	size_t *begin, *edge; /* the edges that leave a node: edge[begin[i]] up to begin[i + 1] */
	bool *is_queued;
};

static void put_in_queue(struct layout *l, size_t node)
{
	l->is_queued[node] = true;
	l->queue[l->n_queued++] = node;
}

/* A server stands one column right of its farthest client. */
static void leave(struct layout *l, size_t node)
{
	for (size_t i = l->begin[node]; i < l->begin[node + 1]; i++) {
		size_t to = l->nodes->ends[l->edge[i]].to;

		if (l->is_queued[to])
			continue;
		if (l->nodes->v[to].column <= l->nodes->v[node].column)
			l->nodes->v[to].column = l->nodes->v[node].column + 1;
		if (--l->waits[to] == 0)
			put_in_queue(l, to);
	}
}

static void sort_edges(struct layout *l, size_t n_edges)
{
	const struct ends *ends = l->nodes->ends;
	MB_AUTO_FREE size_t *at = mb_calloc(l->nodes->n + 1, sizeof(*at));

	for (size_t i = 0; i < n_edges; i++) {
		l->begin[ends[i].from + 1]++;
		l->waits[ends[i].to] += ends[i].from != ends[i].to;
	}
	for (size_t i = 0; i < l->nodes->n; i++)
		at[i + 1] = l->begin[i + 1] += l->begin[i];
	for (size_t i = 0; i < n_edges; i++)
		l->edge[at[ends[i].from]++] = i;
}

static void lay_out(const struct mb_net_edges *edges, struct nodes *nodes)
{
	const size_t n = nodes->n;
	MB_AUTO_FREE size_t *waits = mb_calloc(n + 1, sizeof(*waits));
	MB_AUTO_FREE size_t *queue = mb_calloc(n + 1, sizeof(*queue));
	MB_AUTO_FREE size_t *begin = mb_calloc(n + 2, sizeof(*begin));
	MB_AUTO_FREE size_t *edge = mb_calloc(edges->n + 1, sizeof(*edge));
	MB_AUTO_FREE size_t *rows = mb_calloc(n + 1, sizeof(*rows));
	MB_AUTO_FREE bool *is_queued = mb_calloc(n + 1, sizeof(*is_queued));
	struct layout l = {nodes, waits, queue, 0, begin, edge, is_queued};
	size_t next = 0;

	sort_edges(&l, edges->n);
	for (size_t i = 0; i < n; i++)
		if (!waits[i])
			put_in_queue(&l, i);
	for (size_t i = 0; i < n; i++) {
		while (i == l.n_queued && is_queued[next])
			next++;
		if (i == l.n_queued)
			put_in_queue(&l, next);
		leave(&l, queue[i]);
	}
	for (size_t i = 0; i < n; i++)
		nodes->v[i].row = rows[nodes->v[i].column]++;
}

/* ---- text, dot, mermaid --------------------------------------------------------------- */

static void add_label(struct mb_str *out, const struct mb_net_edge *e)
{
	char buf[8];

	mb_str_addf(out, "%s", mb_net_flow_proto(e->proto, buf));
	if (e->port)
		mb_str_addf(out, " %u", e->port);
	if (e->n > 1)
		mb_str_addf(out, " x%zu", e->n);
}

static void draw_text(const struct mb_net_edges *edges, struct mb_str *out)
{
	const char *last = NULL;

	for (size_t i = 0; i < edges->n; i++) {
		const struct mb_net_edge *e = &edges->v[i];

		if (!mb_streq(last, e->from))
			mb_str_addf(out, "%s\n", e->from);
		last = e->from;
		mb_str_addf(out, "  -> %s  ", e->to);
		add_label(out, e);
		mb_str_addf(out, e->network ? "  (%s)\n" : "\n", e->network);
	}
}

static void draw_dot(const struct mb_net_edges *edges, const struct nodes *nodes,
                     struct mb_str *out)
{
	mb_str_add(out, "digraph mybox {\n\trankdir=LR;\n\tnode [shape=box];\n");
	for (size_t i = 0; i < nodes->n; i++)
		mb_str_addf(out, "\t\"%s\"%s;\n", nodes->v[i].name,
		            nodes->v[i].is_container ? "" : " [style=dashed]");
	for (size_t i = 0; i < edges->n; i++) {
		mb_str_addf(out, "\t\"%s\" -> \"%s\" [label=\"", edges->v[i].from, edges->v[i].to);
		add_label(out, &edges->v[i]);
		mb_str_add(out, "\"];\n");
	}
	mb_str_add(out, "}\n");
}

static void draw_mermaid(const struct mb_net_edges *edges, struct nodes *nodes, struct mb_str *out)
{
	mb_str_add(out, "flowchart LR\n");
	for (size_t i = 0; i < nodes->n; i++)
		mb_str_addf(out,
		            nodes->v[i].is_container ? "\tn%zu[\"%s\"]\n" : "\tn%zu([\"%s\"])\n", i,
		            nodes->v[i].name);
	for (size_t i = 0; i < edges->n; i++) {
		mb_str_addf(out, "\tn%zu -->|\"", nodes->ends[i].from);
		add_label(out, &edges->v[i]);
		mb_str_addf(out, "\"| n%zu\n", nodes->ends[i].to);
	}
}

/* ---- SVG ------------------------------------------------------------------------------ */

static size_t left_of(const struct node *n)
{
	return MARGIN + n->column * (BOX_W + GAP_X);
}

static size_t top_of(const struct node *n)
{
	return MARGIN + n->row * (BOX_H + GAP_Y);
}

/* From the right side of one box to the left side of the other. */
static void draw_edge(const struct mb_net_edge *e, const struct node *a, const struct node *b,
                      struct mb_str *out)
{
	size_t x1 = left_of(a) + BOX_W, y1 = top_of(a) + BOX_H / 2;
	size_t x2 = left_of(b), y2 = top_of(b) + BOX_H / 2;

	mb_str_addf(out,
	            "<path d=\"M%zu %zu C%zu %zu %zu %zu %zu %zu\" fill=\"none\" stroke=\"#555\" "
	            "marker-end=\"url(#a)\"/>\n<text x=\"%zu\" y=\"%zu\" text-anchor=\"middle\" "
	            "font-size=\"11\">",
	            x1, y1, x1 + GAP_X / 2, y1, x2 > GAP_X / 2 ? x2 - GAP_X / 2 : 0, y2, x2, y2,
	            (x1 + x2) / 2, (y1 + y2) / 2 - 4);
	add_label(out, e);
	mb_str_add(out, "</text>\n");
}

static void draw_svg(const struct mb_net_edges *edges, struct nodes *nodes, struct mb_str *out)
{
	size_t width = 2 * MARGIN + BOX_W, height = 2 * MARGIN + BOX_H;

	lay_out(edges, nodes);
	for (size_t i = 0; i < nodes->n; i++) {
		size_t right = left_of(&nodes->v[i]) + BOX_W + MARGIN;
		size_t bottom = top_of(&nodes->v[i]) + BOX_H + MARGIN;

		width = right > width ? right : width;
		height = bottom > height ? bottom : height;
	}
	mb_str_addf(out,
	            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%zu\" height=\"%zu\" "
	            "font-family=\"sans-serif\" font-size=\"14\">\n"
	            "<defs><marker id=\"a\" markerWidth=\"8\" markerHeight=\"8\" refX=\"8\" "
	            "refY=\"4\" orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\" fill=\"#555\"/>"
	            "</marker></defs>\n"
	            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
	            width, height);
	for (size_t i = 0; i < edges->n; i++)
		draw_edge(&edges->v[i], &nodes->v[nodes->ends[i].from],
		          &nodes->v[nodes->ends[i].to], out);
	for (size_t i = 0; i < nodes->n; i++)
		mb_str_addf(out,
		            "<rect x=\"%zu\" y=\"%zu\" width=\"%d\" height=\"%d\" rx=\"4\" "
		            "fill=\"%s\" stroke=\"#333\"/>\n<text x=\"%zu\" y=\"%zu\" "
		            "text-anchor=\"middle\">%s</text>\n",
		            left_of(&nodes->v[i]), top_of(&nodes->v[i]), BOX_W, BOX_H,
		            nodes->v[i].is_container ? "#cfe8ff" : "#eee",
		            left_of(&nodes->v[i]) + BOX_W / 2, top_of(&nodes->v[i]) + BOX_H / 2 + 5,
		            nodes->v[i].name);
	mb_str_add(out, "</svg>\n");
}

/* Names are those of containers, "host" and addresses: nothing in them has to be escaped. */
void mb_net_graph_draw(const struct mb_net_edges *edges, enum mb_net_graph_format format,
                       struct mb_str *out)
{
	__attribute__((cleanup(nodes_done))) struct nodes nodes = {0};

	collect(edges, &nodes);
	switch (format) {
	case MB_NET_GRAPH_DOT:
		draw_dot(edges, &nodes, out);
		break;
	case MB_NET_GRAPH_MERMAID:
		draw_mermaid(edges, &nodes, out);
		break;
	case MB_NET_GRAPH_SVG:
		draw_svg(edges, &nodes, out);
		break;
	case MB_NET_GRAPH_TEXT:
		draw_text(edges, out);
		break;
	}
}
