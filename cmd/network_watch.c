/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/network_watch.h"

#include <sys/socket.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network.h"
#include "cmd/report.h"
#include "container/container.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/human.h"
#include "net/net.h"
#include "sys/proc.h"

void mb_cmd_watch_done(struct mb_cmd_watch *w)
{
	mb_net_book_done(&w->book);
	mb_strv_done(&w->ids);
	mb_net_network_free(w->network);
	mb_net_free(w->net);
}

static int choose(struct mb_cmd_watch *w, const struct mb_cli_input *in, struct mb_err *err)
{
	for (size_t i = 0; i < in->n_operands; i++) {
		char id[MB_ID_TEXT];
		int r = mb_container_resolve(w->store, in->operands[i], id, err);

		if (r > 0)
			mb_cmd_say("Error: %s", err->msg);
		if (r)
			return r > 0 ? 1 : r;
		mb_strv_add(&w->ids, id);
	}
	return 0;
}

int mb_cmd_watch_open(struct mb_cmd_context *cx, const struct mb_cli_input *in, const char *network,
                      bool count, struct mb_cmd_watch *ret, struct mb_err *err)
{
	int r = mb_cmd_store(cx, &ret->store, err);

	if (!r)
		r = mb_cmd_net(cx, &ret->net, err);
	if (!r && network)
		r = mb_cmd_network_find(ret->net, network, &ret->network, err);
	if (!r)
		r = choose(ret, in, err);
	if (!r && count)
		r = mb_net_flows_count(err);
	return r;
}

static int open_netns(const char *id, void *arg)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	struct mb_cmd_watch *w = arg;
	int fd = -1;

	if (mb_container_open(w->store, id, &c, NULL) != 0 || !mb_container_is_running(c) ||
	    !c->state.has_run || mb_sys_proc_ns_open(c->state.run.pid, "net", &fd, NULL) != 0)
		return -1;
	return fd;
}

bool mb_cmd_watch_wants(const struct mb_cmd_watch *w, const struct mb_net_flow *f)
{
	if (w->network && !mb_streq(f->from.network_id, w->network->id) &&
	    !mb_streq(f->to.network_id, w->network->id))
		return false;
	return !w->ids.n || (f->from.id && mb_strv_has(&w->ids, f->from.id)) ||
	       (f->to.id && mb_strv_has(&w->ids, f->to.id));
}

static int load(struct mb_cmd_watch *w, struct mb_err *err)
{
	mb_net_book_done(&w->book);
	return mb_net_book_load(w->net, &w->book, err);
}

int mb_cmd_watch_reload(struct mb_cmd_watch *w, struct mb_err *err)
{
	return mb_net_book_is_old(w->net, &w->book) ? load(w, err) : 0;
}

int mb_cmd_watch_look(struct mb_cmd_watch *w, struct mb_net_flows *ret, struct mb_err *err)
{
	struct mb_net_flows all = {0};
	size_t kept = 0;
	int r = load(w, err);

	if (!r)
		r = mb_net_flows_read(w->net, &w->book, open_netns, w, &all, err);
	if (r)
		return r;
	for (size_t i = 0; i < all.n; i++) {
		if (mb_cmd_watch_wants(w, &all.v[i]))
			all.v[kept++] = all.v[i];
		else
			mb_net_flow_done(&all.v[i]);
	}
	all.n = kept;
	*ret = all;
	return 0;
}

void mb_cmd_watch_add_peer(const struct mb_net_peer *p, struct mb_str *out)
{
	bool bracket = !p->name && !p->is_host && p->addr.family == AF_INET6 && p->port;
	char buf[MB_NET_ADDR_TEXT];

	mb_str_addf(out, bracket ? "[%s]" : "%s", mb_net_peer_name(p, buf));
	if (p->port)
		mb_str_addf(out, ":%u", p->port);
}

char *mb_cmd_watch_bytes(const struct mb_net_flow *f)
{
	char out[MB_FORMAT_HUMAN_TEXT], in[MB_FORMAT_HUMAN_TEXT];

	if (!f->has_bytes)
		return mb_strdup("--");
	return mb_asprintf("%s / %s", mb_format_size_short((double)f->out_bytes, out),
	                   mb_format_size_short((double)f->in_bytes, in));
}
