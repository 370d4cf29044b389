/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "format/filter.h"
#include "format/human.h"
#include "format/table.h"
#include "secret/secret.h"
#include "json/json.h"

struct ls_args {
	const char *format;
	struct mb_strv filters;
	bool quiet;
};

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
	const struct ls_args *args = in->args;
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	MB_AUTO_FILTERS struct mb_format_filters filters = {0};
	const char *format = mb_cmd_list_format(args->format, args->quiet, "{{.ID}}");
	struct mb_store *store = NULL;
	int r = mb_format_filters_parse(&args->filters, known_filters, &filters, err);

	if (r == 0)
		r = mb_format_list_new(format, columns, mb_cmd_list_host(), &list, err);
	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (r == 0)
		r = add_rows(store, &filters, list, err);
	return r < 0 ? r : mb_cmd_list_put(list, err);
}

static const struct mb_cli_opt ls_opts[] = {
	MB_OPT_LIST('f', "filter", "filter", struct ls_args, filters,
                    "only those that match, as key=value"),
	MB_OPT_STRING(0, "format", NULL, struct ls_args, format,
                      "print by a Go template, \"table\" or \"json\""),
	MB_OPT_SWITCH('q', "quiet", struct ls_args, quiet, "print ids only"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_secret_ls = {
	.paths = "secret ls|secret list",
	.summary = "list secrets",
	.opts = ls_opts,
	.args_size = sizeof(struct ls_args),
	.examples = "mybox secret ls --filter label=stage=prod\n",
	.main = ls_main,
};
