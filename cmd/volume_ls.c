/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/list.h"
#include "cmd/report.h"
#include "cmd/users.h"
#include "core/err.h"
#include "core/own.h"
#include "format/filter.h"
#include "format/table.h"
#include "volume/volume.h"
#include "json/json.h"

static const struct mb_format_column columns[] = {
	{"Driver", "DRIVER"},
	{"Name", "VOLUME NAME"},
	{"Scope", "SCOPE", .is_off = true},
	{"Mountpoint", "MOUNTPOINT", .is_off = true},
	{"Labels", "LABELS", .is_off = true},
	{"Links", "LINKS", .is_off = true},
	{"Size", "SIZE", .is_off = true},
	{NULL},
};
static const char *const known_filters[] = {"dangling", "driver", "label", "label!", "name", NULL};

static struct json_object *new_row(const struct mb_volume *v)
{
	struct json_object *row = mb_json_new_object();

	mb_json_set_str(row, "Name", v->name);
	mb_json_set_str(row, "Driver", v->driver);
	mb_json_set_str(row, "Scope", "local");
	mb_json_set_str(row, "Mountpoint", v->mountpoint);
	mb_json_set_str(row, "Links", "N/A");
	mb_json_set_str(row, "Size", "N/A");
	mb_cmd_row_labels(row, &v->labels);
	return row;
}

static int matches(struct mb_store *store, const struct mb_volume *v,
                   const struct mb_format_filters *filters, bool *ret, struct mb_err *err)
{
	const struct mb_volume_users users = mb_cmd_volume_users(store);
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	bool wants_dangling = false;
	int r = mb_format_filters_bool(filters, "dangling", false, &wants_dangling, err);

	*ret = mb_format_filters_exact(filters, "driver", v->driver) &&
	       mb_format_filters_match(filters, "name", v->name) &&
	       mb_format_filters_labels(filters, &v->labels);
	if (r < 0 || !*ret || !mb_format_filters_has(filters, "dangling"))
		return r;
	r = users.ask(users.arg, v->name, &ids, err);
	*ret = wants_dangling == (ids.n == 0);
	return r;
}

static int add_rows(struct mb_store *store, const struct mb_format_filters *filters,
                    struct mb_format_list *list, struct mb_err *err)
{
	struct mb_volume_list volumes = {0};
	int r = mb_volume_list_load(store, &volumes, err);

	for (size_t i = 0; i < volumes.n && r == 0; i++) {
		MB_AUTO(mb_json_free) struct json_object *row = NULL;
		bool wanted = false;

		r = matches(store, volumes.v[i], filters, &wanted, err);
		if (r < 0 || !wanted)
			continue;
		row = new_row(volumes.v[i]);
		r = mb_format_list_add(list, row, err);
	}
	MB_STRV_FOREACH (name, &volumes.corrupt)
		mb_cmd_say("mybox: warning: volume '%s' cannot be read", name);
	mb_volume_list_done(&volumes);
	return r;
}

static int ls_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	static const struct mb_cmd_list what = {columns, known_filters, "{{.Name}}", add_rows};

	return mb_cmd_list_run(cx, in->args, &what, err);
}

static const struct mb_cli_opt ls_opts[] = {
	MB_CMD_LIST_OPTS("print names only"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_volume_ls = {
	.paths = "volume ls|volume list",
	.summary = "list volumes",
	.opts = ls_opts,
	.args_size = sizeof(struct mb_cmd_list_args),
	.examples = "mybox volume ls -q --filter dangling=true\n",
	.main = ls_main,
};
