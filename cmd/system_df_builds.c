/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last table of system df -v: what builds keep. */
#include "build/cache.h"
#include "cmd/output.h"
#include "cmd/system_df.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/human.h"
#include "format/table.h"
#include "json/json.h"

static const struct mb_format_column columns[] = {
	{"ID", "CACHE ID"},
	{"CacheType", "CACHE TYPE"},
	{"Size", "SIZE"},
	{"CreatedSince", "CREATED"},
	{"LastUsedSince", "LAST USED"},
	{"Shared", "SHARED"},
	{NULL},
};

/* docker's words. */
static const char *const types[MB_BUILD_CACHE_N_] = {
	[MB_BUILD_CACHE_STEP] = "regular",
	[MB_BUILD_CACHE_MOUNT] = "exec.cachemount",
	[MB_BUILD_CACHE_DOWNLOAD] = "regular",
	[MB_BUILD_CACHE_RECORD] = "source.local",
};

static int add_row(struct mb_format_list *list, const struct mb_build_cache_row *entry,
                   struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *row = mb_json_new_object();
	MB_AUTO_FREE char *id = mb_format_short_id(entry->id);
	char text[MB_FORMAT_HUMAN_TEXT];
	int64_t now = mb_now_nsec();

	mb_json_set_str(row, "ID", id);
	mb_json_set_str(row, "CacheType", types[entry->kind]);
	mb_json_set_str(row, "Size", mb_format_size_short((double)entry->bytes, text));
	mb_json_set_str(row, "CreatedSince", mb_format_ago(entry->created, now, text));
	mb_json_set_str(row, "LastUsedSince", mb_format_ago(entry->used, now, text));
	mb_json_set_str(row, "Shared", entry->is_in_use ? "true" : "false");
	return mb_format_list_add(list, row, err);
}

int mb_cmd_system_df_builds(struct mb_store *store, struct mb_str *out, struct mb_err *err)
{
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	struct mb_build_cache cache = {0};
	char text[MB_FORMAT_HUMAN_TEXT];
	uint64_t bytes = 0;
	int r = mb_build_cache_load(store, &cache, err);

	if (r == 0)
		r = mb_format_list_new(NULL, columns, mb_cmd_list_host(), &list, err);
	for (size_t i = 0; r == 0 && i < cache.n; i++) {
		/* What an image has is counted there. */
		bytes += cache.v[i].is_in_use ? 0 : cache.v[i].bytes;
		r = add_row(list, &cache.v[i], err);
	}
	mb_build_cache_done(&cache);
	mb_str_addf(out, "Build cache usage: %s\n\n", mb_format_size_short((double)bytes, text));
	return r == 0 ? mb_format_list_finish(list, out, err) : r;
}
