/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/list.h"
#include "cmd/report.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "format/filter.h"
#include "format/human.h"
#include "format/table.h"
#include "secret/secret.h"
#include "json/json.h"

static const struct mb_format_column columns[] = {
	{"ID", "ID"},
	{"Name", "NAME"},
	{"Driver", "DRIVER"},
	{"CreatedAt", "CREATED"},
	{"UpdatedAt", "UPDATED"},
	{"Labels", "LABELS", .is_off = true},
	{NULL},
};
static const char *const known_filters[] = {"id", "label", "label!", "name", NULL};

static struct json_object *new_row(const struct mb_secret *s)
{
	struct json_object *row = mb_json_new_object();
	char text[MB_FORMAT_HUMAN_TEXT];

	mb_json_set_str(row, "ID", s->id);
	mb_json_set_str(row, "Name", s->name);
	mb_json_set_str(row, "Driver", s->driver);
	mb_json_set_str(row, "CreatedAt", mb_format_ago(s->created, mb_now_nsec(), text));
	mb_json_set_str(row, "UpdatedAt", mb_format_ago(s->updated, mb_now_nsec(), text));
	mb_cmd_row_labels(row, &s->labels);
	return row;
}

static int add_rows(struct mb_store *store, const struct mb_format_filters *filters,
                    struct mb_format_list *list, struct mb_err *err)
{
	struct mb_secret_list secrets = {0};
	int r = mb_secret_list_load(store, &secrets, err);

	for (size_t i = 0; i < secrets.n && r == 0; i++) {
		const struct mb_secret *s = secrets.v[i];
		MB_AUTO(mb_json_free) struct json_object *row = NULL;

		if (!mb_format_filters_match(filters, "name", s->name) ||
		    !mb_format_filters_match(filters, "id", s->id) ||
		    !mb_format_filters_labels(filters, &s->labels))
			continue;
		row = new_row(s);
		r = mb_format_list_add(list, row, err);
	}
	MB_STRV_FOREACH (name, &secrets.corrupt)
		mb_cmd_say("mybox: warning: secret '%s' cannot be read", name);
	mb_secret_list_done(&secrets);
	return r;
}

static int ls_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	static const struct mb_cmd_list what = {columns, known_filters, "{{.ID}}", add_rows};

	return mb_cmd_list_run(cx, in->args, &what, err);
}

static const struct mb_cli_opt ls_opts[] = {
	MB_CMD_LIST_OPTS("print ids only"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_secret_ls = {
	.paths = "secret ls|secret list",
	.summary = "list secrets",
	.opts = ls_opts,
	.args_size = sizeof(struct mb_cmd_list_args),
	.examples = "mybox secret ls --filter label=stage=prod\n",
	.main = ls_main,
};
