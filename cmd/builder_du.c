/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/cache.h"
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/human.h"
#include "format/table.h"
#include "json/json.h"

struct du_args {
	const char *format;
};

static const struct mb_format_column columns[] = {
	{"ID", "ID"},
	{"Reclaimable", "RECLAIMABLE"},
	{"Size", "SIZE"},
	{"LastUsed", "LAST ACCESSED"},
	{"Description", "DESCRIPTION"},
	{NULL},
};

static int add_row(struct mb_format_list *list, const struct mb_build_cache_row *entry,
                   struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *row = mb_json_new_object();
	MB_AUTO_FREE char *id = mb_strndup(entry->id, 25);
	MB_AUTO_FREE char *what = mb_format_ellipsis(entry->what ? entry->what : "", 60);
	char text[MB_FORMAT_HUMAN_TEXT];

	mb_json_set_str(row, "ID", id);
	mb_json_set_str(row, "Reclaimable", entry->is_in_use ? "false" : "true");
	mb_json_set_str(row, "Size", mb_format_size_short((double)entry->bytes, text));
	mb_json_set_str(row, "LastUsed", mb_format_ago(entry->used, mb_now_nsec(), text));
	mb_json_set_str(row, "Description", what);
	return mb_format_list_add(list, row, err);
}

static int put_sums(const struct mb_build_cache *cache)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	uint64_t all = 0, reclaimable = 0;
	char text[MB_FORMAT_HUMAN_TEXT];

	for (size_t i = 0; i < cache->n; i++) {
		all += cache->v[i].bytes;
		reclaimable += cache->v[i].is_in_use ? 0 : cache->v[i].bytes;
	}
	mb_str_addf(&out, "Reclaimable:\t%s\n", mb_format_size_short((double)reclaimable, text));
	mb_str_addf(&out, "Total:\t\t%s\n", mb_format_size_short((double)all, text));
	return mb_cmd_put(&out);
}

static int du_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct du_args *args = in->args;
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	struct mb_build_cache cache = {0};
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_build_cache_load(store, &cache, err);
	if (r == 0)
		r = mb_format_list_new(args->format, columns, mb_cmd_list_host(), &list, err);
	for (size_t i = 0; i < cache.n && r == 0; i++)
		r = add_row(list, &cache.v[i], err);
	if (r == 0)
		r = mb_cmd_list_put(list, err);
	if (r == 0 && !args->format)
		r = put_sums(&cache);
	mb_build_cache_done(&cache);
	return r;
}

static const struct mb_cli_opt du_opts[] = {
	MB_OPT_STRING(0, "format", NULL, struct du_args, format,
                      "a Go template, table TEMPLATE, or json"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_builder_du = {
	.paths = "builder du|buildx du",
	.summary = "show what builds have kept",
	.opts = du_opts,
	.args_size = sizeof(struct du_args),
	.examples = "mybox builder du --format '{{.ID}} {{.Size}}'\n",
	.main = du_main,
};
