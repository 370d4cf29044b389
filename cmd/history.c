/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/container_history.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/human.h"
#include "format/table.h"
#include "image/image.h"
#include "json/json.h"

struct history_args {
	const char *format;
	bool quiet, no_trunc;
	int human;
};

enum { WORDS = 45 }; /* of CREATED BY */

static const struct mb_format_column columns[] = {
	{"ID", "IMAGE"},
	{"CreatedSince", "CREATED"},
	{"CreatedAt", "CREATED AT", .is_off = true},
	{"CreatedBy", "CREATED BY"},
	{"Size", "SIZE"},
	{"Comment", "COMMENT"},
	{NULL},
};

static struct json_object *new_row(const struct history_args *args,
                                   const struct mb_image_step *step)
{
	struct json_object *row = mb_json_new_object();
	MB_AUTO_FREE char *short_id = step->id ? mb_format_short_id(step->id) : NULL;
	MB_AUTO_FREE char *full_id = step->id ? mb_asprintf("sha256:%s", step->id) : NULL;
	MB_AUTO_FREE char *cut = args->no_trunc ? mb_strdup(step->created_by)
	                                        : mb_format_ellipsis(step->created_by, WORDS);
	MB_AUTO_FREE char *bytes = mb_asprintf("%llu", (unsigned long long)step->size);
	bool human = args->human != MB_CLI_NO;
	char text[MB_FORMAT_HUMAN_TEXT], point[MB_FORMAT_HUMAN_TEXT];

	mb_format_rfc3339(step->created, point);
	mb_json_set_str(row, "ID", !step->id ? "<missing>" : args->no_trunc ? full_id : short_id);
	mb_json_set_str(row, "CreatedAt", step->created ? point : "N/A");
	mb_json_set_str(row, "CreatedSince",
	                !step->created ? "N/A"
	                : human        ? mb_format_ago(step->created, mb_now_nsec(), text)
	                               : point);
	mb_json_set_str(row, "CreatedBy", cut);
	mb_json_set_str(row, "Size",
	                human ? mb_format_size_short((double)step->size, text) : bytes);
	mb_json_set_str(row, "Comment", step->comment);
	return row;
}

static int add_rows(struct mb_store *store, const struct history_args *args, const char *name,
                    struct mb_format_list *list, struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	struct mb_image_history history = {0};
	int r = mb_image_find(store, name, &image, NULL, err);

	if (r == 0)
		r = mb_image_history_load(store, image, &history, err);
	for (size_t i = 0; r == 0 && i < history.n; i++) {
		MB_AUTO(mb_json_free) struct json_object *row = new_row(args, &history.v[i]);

		r = mb_format_list_add(list, row, err);
	}
	mb_image_history_done(&history);
	return r;
}

static int history_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	const struct history_args *args = in->args;
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	const char *format = mb_cmd_list_format(args->format, args->quiet, "{{.ID}}");
	struct mb_err other = MB_ERR_INIT;
	struct mb_store *store = NULL;
	int r = mb_format_list_new(format, columns, mb_cmd_list_host(), &list, err);

	if (r == 0) {
		mb_format_list_show(list, "CreatedAt", args->human == MB_CLI_NO);
		mb_format_list_show(list, "CreatedSince", args->human != MB_CLI_NO);
		r = mb_cmd_store(cx, &store, err);
	}
	if (r == 0)
		r = add_rows(store, args, in->operands[0], list, err);
	if (r == 0)
		return mb_cmd_list_put(list, err);
	/* Nothing else than an image is so named to docker; here a container may be. */
	if (r > 0 && !mb_starts_with(in->path, "image"))
		r = mb_cmd_container_history_put(store, in->operands[0], args->format, &other);
	if (r > 0)
		mb_cmd_say("Error: %s", err->msg);
	else if (other.code)
		*err = other;
	return r > 0 ? 1 : r;
}

static const struct mb_cli_opt history_opts[] = {
	MB_OPT_STRING(0, "format", NULL, struct history_args, format,
                      "print by a Go template, \"table\" or \"json\""),
	MB_OPT_TRI('H', "human", struct history_args, human,
                   "sizes and times as people read them (default true)"),
	MB_OPT_SWITCH(0, "no-trunc", struct history_args, no_trunc, "do not shorten ids, commands"),
	MB_OPT_SWITCH('q', "quiet", struct history_args, quiet, "print ids only"),
	MB_OPT_REFUSED(0, "platform", true, "an image here is of one platform"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_history = {
	.paths = "history|image history",
	.summary = "show how an image was made, or when and why a container ended",
	.operands = "IMAGE|CONTAINER",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_IMAGE},
	.opts = history_opts,
	.args_size = sizeof(struct history_args),
	.examples = "mybox history --no-trunc --format '{{.CreatedBy}}' debian:12\n"
		    "mybox history web\n",
	.main = history_main,
};
