/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of containers: state, list, ps. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/oci/oci.h"
#include "cmd/output.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/str.h"
#include "sys/ps.h"
#include "json/json.h"

static int describe(struct mb_bundle *b, struct json_object **ret, struct mb_err *err)
{
	const struct mb_bundle_record *record = &b->record;
	struct json_object *o, *annotations;
	enum mb_bundle_status status;
	int r = mb_bundle_status_read(b, &status, err);

	if (r < 0)
		return r;
	o = mb_json_new_object();
	mb_json_set_str(o, "ociVersion", record->oci_version);
	mb_json_set_str(o, "id", b->id);
	mb_json_set_i64(o, "pid", status == MB_BUNDLE_STOPPED ? 0 : b->process.pid);
	mb_json_set_str(o, "status", mb_bundle_status_name(status));
	mb_json_set_str(o, "bundle", record->bundle);
	mb_json_set_str(o, "rootfs", record->rootfs);
	mb_json_set_time(o, "created", record->created);
	if (record->annotations.n) {
		annotations = mb_json_new_object();
		MB_KV_FOREACH (p, &record->annotations)
			mb_json_set_str(annotations, p->key, p->value);
		mb_json_set(o, "annotations", annotations);
	}
	mb_json_set_str(o, "owner", "root");
	*ret = o;
	return 0;
}

static int print_json(struct json_object *o, bool pretty)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_json_format(o, pretty, &text);
	mb_str_addc(&text, '\n');
	return mb_cmd_put(&text);
}

static int state_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_bundle_free) struct mb_bundle *b = NULL;
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	int r = mb_cmd_oci_open(cx, in->operands[0], 0, &b, err);

	if (r == 0)
		r = describe(b, &o, err);
	return r < 0 ? r : print_json(o, true);
}

/* ---- list ---- */

static const char *const formats[] = {"table", "json", NULL};

struct list_args {
	int format;
	bool quiet;
};

/* One that is gone by now or cannot be read is no reason to hide the others. */
static void add_container(struct mb_cmd_context *cx, const char *id, struct json_object *list)
{
	MB_AUTO(mb_bundle_free) struct mb_bundle *b = NULL;
	struct json_object *o = NULL;
	struct mb_err err = MB_ERR_INIT;
	int r = mb_cmd_oci_open(cx, id, 0, &b, &err);

	if (r == 0)
		r = describe(b, &o, &err);
	if (r == 0)
		mb_json_push(list, o);
	else if (r != -ENOENT)
		mb_cmd_oci_log(cx->oci, "warning", err.msg);
}

static void add_row(struct json_object *o, struct mb_str *out)
{
	mb_str_addf(out, "%-12s %-11" PRId64 " %-11s %-19s %-31s %s\n",
	            mb_json_find_str(o, "id", ""), mb_json_find_i64(o, "pid", 0),
	            mb_json_find_str(o, "status", ""), mb_json_find_str(o, "bundle", ""),
	            mb_json_find_str(o, "created", ""), mb_json_find_str(o, "owner", ""));
}

static int print_list(const struct list_args *args, struct json_object *list)
{
	const size_t n = json_object_array_length(list);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	if (!args->quiet && args->format == 1)
		return print_json(n ? list : NULL, false);
	if (!args->quiet)
		mb_str_addf(&text, "%-12s %-11s %-11s %-19s %-31s %s\n", "ID", "PID", "STATUS",
		            "BUNDLE", "CREATED", "OWNER");
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if (args->quiet)
			mb_str_addf(&text, "%s\n", mb_json_find_str(o, "id", ""));
		else
			add_row(o, &text);
	}
	return mb_cmd_put(&text);
}

static int list_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *list = mb_json_new_array();
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	MB_AUTO_CLOSE int root_fd = -1;
	int r = mb_bundle_root_open(cx->oci->root, false, &root_fd, err);

	if (r == 0)
		r = mb_bundle_list(root_fd, &ids, err);
	if (r < 0 && r != -ENOENT)
		return r;
	MB_STRV_FOREACH (id, &ids)
		add_container(cx, id, list);
	return print_list(in->args, list);
}

/* ---- ps ---- */

struct ps_args {
	int format;
};

/* As `ps -ef`: six columns to read, and the command. */
static int print_processes(const pid_t *pids, size_t n)
{
	static const char *const head[] = {"UID",   "PID", "PPID", "C",
	                                   "STIME", "TTY", "TIME", "CMD"};
	static const int width[] = {-8, 7, 7, 2, 5, -8, 8, 0};
	MB_AUTO_STRV struct mb_strv cells = MB_STRV_INIT;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	for (size_t i = 0; i < MB_N(head); i++)
		mb_strv_add(&cells, head[i]);
	for (size_t i = 0; i < n; i++)
		mb_sys_ps_add(pids[i], &cells);
	for (size_t i = 0; i < cells.n; i++) {
		const size_t column = i % MB_SYS_PS_COLUMNS;

		mb_str_addf(&text, "%*s%c", width[column], cells.v[i],
		            column == MB_SYS_PS_COLUMNS - 1 ? '\n' : ' ');
	}
	return mb_cmd_put(&text);
}

static int ps_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct ps_args *args = in->args;
	MB_AUTO(mb_bundle_free) struct mb_bundle *b = NULL;
	MB_AUTO(mb_json_free) struct json_object *list = mb_json_new_array();
	MB_AUTO_FREE pid_t *pids = NULL;
	size_t n = 0;
	int r = mb_cmd_oci_open(cx, in->operands[0], 0, &b, err);

	if (r == 0)
		r = mb_bundle_pids(b, &pids, &n, err);
	if (r < 0)
		return r;
	if (args->format != 1)
		return print_processes(pids, n);
	for (size_t i = 0; i < n; i++)
		mb_json_push(list, json_object_new_int(pids[i]));
	return print_json(list, false);
}

static const struct mb_cli_opt list_opts[] = {
	MB_OPT_CHOICE('f', "format", NULL, struct list_args, format, formats, "table or json",
                      .def = "table"),
	MB_OPT_SWITCH('q', "quiet", struct list_args, quiet, "only ids"),
	MB_OPT_END,
};

static const struct mb_cli_opt ps_opts[] = {
	MB_OPT_CHOICE('f', "format", NULL, struct ps_args, format, formats, "table or json",
                      .def = "table"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_oci_state = {
	.paths = "state",
	.summary = "print the state of a container",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.main = state_main,
};

const struct mb_cli_verb mb_cmd_oci_list = {
	.paths = "list|ls",
	.summary = "list containers",
	.opts = list_opts,
	.args_size = sizeof(struct list_args),
	.main = list_main,
};

const struct mb_cli_verb mb_cmd_oci_ps = {
	.paths = "ps",
	.summary = "list the processes of a container",
	.operands = "ID [OPTION...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.stop_at_operand = true,
	.opts = ps_opts,
	.args_size = sizeof(struct ps_args),
	.main = ps_main,
};
