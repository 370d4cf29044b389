/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/walk.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "net/handle.h"
#include "net/walk_priv.h"

/* From the inside of the first container outwards. */
static mb_net_way_step *const steps[] = {
	mb_net_way_containers,
	mb_net_way_name,
	mb_net_way_isolation,
	mb_net_way_interface,
	mb_net_way_route,
	mb_net_way_cable,
	mb_net_way_neighbour,
	mb_net_way_firewall,
	mb_net_way_policy,
	mb_net_way_forwarding,
	mb_net_way_uplink,
	mb_net_way_published,
	mb_net_way_address,
	mb_net_way_back,
	mb_net_way_mtu,
	mb_net_way_listener,
	/* What cannot be read for sure is tried, when nothing else can be wrong. */
	mb_net_way_foreign,
	mb_net_way_inside,
	mb_net_way_connect,
};

/* To a container on another host: beyond the tunnel this one sees nothing. */
static mb_net_way_step *const steps_of_tunnels[] = {
	mb_net_way_containers, mb_net_way_name,   mb_net_way_interface, mb_net_way_route,
	mb_net_way_cable,      mb_net_way_tunnel, mb_net_way_firewall,  mb_net_way_policy,
	mb_net_way_mtu,        mb_net_way_inside, mb_net_way_connect,
};

/* Of a container whose network plugins made: what is beyond its interface is theirs. */
static mb_net_way_step *const steps_of_plugins[] = {
	mb_net_way_containers, mb_net_way_plugins,  mb_net_way_plugins_target,
	mb_net_way_interface,  mb_net_way_route,    mb_net_way_address,
	mb_net_way_back,       mb_net_way_listener, mb_net_way_connect,
};

void mb_net_walk_party_done(struct mb_net_walk_party *p)
{
	free(p->id);
	free(p->name);
	free(p->mode);
	free(p->record_id);
	free(p->resolv);
	mb_close(&p->netns_fd);
	*p = (struct mb_net_walk_party){.netns_fd = -1};
}

void mb_net_walk_done(struct mb_net_walk *walk)
{
	for (size_t i = 0; i < walk->n; i++) {
		free(walk->v[i].text);
		free(walk->v[i].mend);
	}
	free(walk->v);
	*walk = (struct mb_net_walk){0};
}

bool mb_net_walk_is_ok(const struct mb_net_walk *walk)
{
	return !walk->n || !walk->v[walk->n - 1].is_fault;
}

static void add(struct mb_net_way *w, const char *step, bool is_fault, const char *fmt, va_list ap)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_str_addv(&text, fmt, ap);
	w->out->v = mb_realloc(w->out->v, (w->out->n + 1) * sizeof(*w->out->v));
	w->out->v[w->out->n++] = (struct mb_net_walk_step){
		.name = step, .is_fault = is_fault, .text = mb_str_take(&text)};
}

void mb_net_way_ok(struct mb_net_way *w, const char *step, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(w, step, false, fmt, ap);
	va_end(ap);
}

void mb_net_way_fault(struct mb_net_way *w, const char *step, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(w, step, true, fmt, ap);
	va_end(ap);
}

void mb_net_way_mend(struct mb_net_way *w, const char *fmt, ...)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	mb_str_addv(&text, fmt, ap);
	va_end(ap);
	free(w->out->v[w->out->n - 1].mend);
	w->out->v[w->out->n - 1].mend = mb_str_take(&text);
}

const char *mb_net_way_from(const struct mb_net_way *w)
{
	return w->from.party.name;
}

const char *mb_net_way_to(const struct mb_net_way *w)
{
	return w->to.party.name ? w->to.party.name : w->q->to->host;
}

static void end_done(struct mb_net_way_end *e)
{
	mb_net_walk_party_done(&e->party);
	mb_net_sandbox_free(e->record);
	mb_nl_close(&e->route);
}

static void way_done(struct mb_net_way *w)
{
	end_done(&w->from);
	end_done(&w->to);
	mb_net_network_free(w->network);
	mb_net_book_done(&w->book);
	mb_net_remotes_done(&w->remotes);
}

/* The first step, which is the same for all, tells whose network it is; the second, which is for
 * both others, where the goal is. */
static mb_net_way_step *const *choose_steps(const struct mb_net_way *w, size_t *ret_n)
{
	if (w->from.record && w->from.record->cni.name) {
		*ret_n = MB_N(steps_of_plugins);
		return steps_of_plugins;
	}
	if (w->kind == MB_NET_WAY_REMOTE) {
		*ret_n = MB_N(steps_of_tunnels);
		return steps_of_tunnels;
	}
	*ret_n = MB_N(steps);
	return steps;
}

int mb_net_walk_go(struct mb_net *net, const struct mb_net_walk_request *q, struct mb_net_walk *ret,
                   struct mb_err *err)
{
	struct mb_net_walk out = {0};
	__attribute__((cleanup(way_done))) struct mb_net_way w = {
		.net = net,
		.q = q,
		.out = &out,
		.from = {.party = {.netns_fd = -1}, .route = MB_NL_INIT},
		.to = {.party = {.netns_fd = -1}, .route = MB_NL_INIT},
		.port = q->to->port,
		.inner_port = q->to->port,
		.proto = q->to->proto,
	};
	int r = mb_net_book_load(net, &w.book, err);

	for (size_t i = 0; !r && mb_net_walk_is_ok(&out); i++) {
		size_t n;
		mb_net_way_step *const *all = choose_steps(&w, &n);

		if (i == n)
			break;
		r = all[i](&w, err);
	}
	if (r) {
		mb_net_walk_done(&out);
		return r;
	}
	*ret = out;
	return 0;
}
