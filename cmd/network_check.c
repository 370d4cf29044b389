/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "container/container.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "net/net.h"
#include "net/walk.h"
#include "sys/proc.h"
#include "json/json.h"

#define RED   "\033[31m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"
enum { RESOLV_MAX = 64 * 1024 };

struct check_args {
	const char *format;
};

/* "container:X" has X's network, and X its record. */
static char *record_id(struct mb_store *store, const struct mb_container *c)
{
	const char *other = mb_skip_prefix(c->record->host.network_mode, "container:");
	char id[MB_ID_TEXT];

	if (other && mb_container_resolve(store, other, id, NULL) == 0)
		return mb_strdup(id);
	return mb_strdup(c->id);
}

static int open_party(const char *reference, void *arg, struct mb_net_walk_party *ret,
                      struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	MB_AUTO_STR struct mb_str resolv = MB_STR_INIT;
	struct mb_net_walk_party p = {.netns_fd = -1};
	struct mb_store *store = arg;
	int r = mb_container_find(store, reference, &c, err);

	if (r == MB_CONTAINER_ABSENT)
		return MB_NET_ABSENT;
	if (r)
		return r > 0 ? -EINVAL : r;
	p.status = mb_container_status_name(c->state.status);
	p.is_paused = c->state.status == MB_STATUS_PAUSED;
	p.monitor_lost = c->state.monitor_lost;
	p.runs = c->state.has_run && (c->state.status == MB_STATUS_RUNNING || p.is_paused);
	if (p.runs) {
		p.pid = c->state.run.pid;
		r = mb_sys_proc_ns_open(p.pid, "net", &p.netns_fd, err);
		if (r < 0)
			return r;
		p.runs = r == 0;
	}
	if (c->run_fd >= 0 &&
	    mb_read_file(c->run_fd, "resolv.conf", RESOLV_MAX, &resolv, NULL) == 0)
		p.resolv = mb_str_take(&resolv);
	p.id = mb_strdup(c->id);
	p.name = mb_strdup(mb_container_name(c));
	p.mode = mb_strdup_or_null(c->record->host.network_mode);
	p.record_id = record_id(store, c);
	*ret = p;
	return 0;
}

static struct json_object *new_document(const struct mb_net_walk *walk, const char *from,
                                        const char *to)
{
	struct json_object *o = mb_json_new_object(), *steps = mb_json_new_array();

	mb_json_set_str(o, "From", from);
	mb_json_set_str(o, "To", to);
	mb_json_set_bool(o, "OK", mb_net_walk_is_ok(walk));
	for (size_t i = 0; i < walk->n; i++) {
		const struct mb_net_walk_step *s = &walk->v[i];
		struct json_object *step = mb_json_new_object();

		mb_json_set_str(step, "Step", s->name);
		mb_json_set_bool(step, "OK", !s->is_fault);
		mb_json_set_str(step, "Text", s->text);
		mb_json_set_str(step, "Mend", s->mend ? s->mend : "");
		mb_json_push(steps, step);
	}
	mb_json_set(o, "Steps", steps);
	return o;
}

static int print_lines(const struct mb_net_walk *walk)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	bool colour = mb_cmd_has_colour(STDOUT_FILENO);

	for (size_t i = 0; i < walk->n; i++) {
		const struct mb_net_walk_step *s = &walk->v[i];
		MB_AUTO_FREE char *text = mb_printable(s->text);
		MB_AUTO_FREE char *mend = s->mend ? mb_printable(s->mend) : NULL;

		mb_str_addf(&out, "%s%-5s%s  %-10s  %s\n",
		            !colour       ? ""
		            : s->is_fault ? RED
		                          : GREEN,
		            s->is_fault ? "FAULT" : "ok", colour ? PLAIN : "", s->name, text);
		if (mend)
			mb_str_addf(&out, "mend:  %s\n", mend);
	}
	return mb_cmd_put(&out);
}

static int check_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct check_args *args = in->args;
	MB_AUTO(mb_json_free) struct json_object *document = NULL;
	__attribute__((cleanup(mb_net_walk_target_done))) struct mb_net_walk_target to = {0};
	MB_AUTO_NET_WALK struct mb_net_walk walk = {0};
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	struct mb_net_walk_request q = {.from = in->operands[0], .to = &to, .open = open_party};
	struct mb_store *store = NULL;
	int r = mb_net_walk_target_parse(in->operands[1], &to, err);

	if (!r)
		r = mb_cmd_store(cx, &store, err);
	q.arg = store;
	if (!r)
		r = mb_cmd_net(cx, &net, err);
	if (!r)
		r = mb_net_walk_go(net, &q, &walk, err);
	if (r == MB_NET_ABSENT)
		mb_cmd_say("Error: %s", err->msg);
	if (r)
		return r < 0 ? r : 1;
	document = new_document(&walk, in->operands[0], in->operands[1]);
	r = args->format ? mb_cmd_document_put(args->format, document, err) : print_lines(&walk);
	return r ? r : !mb_net_walk_is_ok(&walk);
}

static const struct mb_cli_opt check_opts[] = {
	MB_OPT_STRING('f', "format", NULL, struct check_args, format,
                      "print by a Go template, or \"json\""),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_network_check = {
	.paths = "network check",
	.summary = "find out why a container does not reach another or the outside",
	.operands = "CONTAINER TARGET",
	.min = 2,
	.max = 2,
	.complete = {MB_COMP_RUNNING, MB_COMP_RUNNING},
	.opts = check_opts,
	.args_size = sizeof(struct check_args),
	.examples = "mybox network check web db:5432\n"
		    "mybox network check web https://example.com\n"
		    "mybox network check web 198.51.100.7:53/udp\n",
	.main = check_main,
};
