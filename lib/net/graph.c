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
};

static size_t node_of(struct nodes *nodes, const char *name, bool is_container)
{
	for (size_t i = 0; i < nodes->n; i++)
		if (strcmp(nodes->v[i].name, name) == 0)
			return i;
	nodes->v[nodes->n] = (struct node){.name = name, .is_container = is_container};
	return nodes->n++;
}

static void collect(const struct mb_net_edges *edges, struct nodes *ret)
{
	ret->v = mb_calloc(edges->n * 2 + 1, sizeof(*ret->v));
	for (size_t i = 0; i < edges->n; i++) {
		(void)node_of(ret, edges->v[i].from, edges->v[i].from_is_container);
		(void)node_of(ret, edges->v[i].to, edges->v[i].to_is_container);
	}
}

/* A server stands one column right of its farthest client; who talks in a circle is pushed no
 * farther than there are nodes. */
static void lay_out(const struct mb_net_edges *edges, struct nodes *nodes)
{
	bool moved = true;

	for (size_t round = 0; moved && round < nodes->n; round++) {
		moved = false;
		for (size_t i = 0; i < edges->n; i++) {
			size_t a = node_of(nodes, edges->v[i].from, false);
			size_t b = node_of(nodes, edges->v[i].to, false);

			if (a == b || nodes->v[b].column > nodes->v[a].column ||
			    nodes->v[a].column + 1 >= nodes->n)
				continue;
			nodes->v[b].column = nodes->v[a].column + 1;
			moved = true;
		}
	}
	for (size_t i = 0; i < nodes->n; i++)
		for (size_t k = 0; k < i; k++)
			nodes->v[i].row += nodes->v[k].column == nodes->v[i].column;
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
		mb_str_addf(out, "\tn%zu -->|\"", node_of(nodes, edges->v[i].from, false));
		add_label(out, &edges->v[i]);
		mb_str_addf(out, "\"| n%zu\n", node_of(nodes, edges->v[i].to, false));
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
		draw_edge(&edges->v[i], &nodes->v[node_of(nodes, edges->v[i].from, false)],
		          &nodes->v[node_of(nodes, edges->v[i].to, false)], out);
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
	struct nodes nodes = {0};
	MB_AUTO_FREE struct node *owner = NULL;

	collect(edges, &nodes);
	owner = nodes.v;
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
