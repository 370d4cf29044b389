/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/cache.h"
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/prune.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "image/image.h"

static bool may_go(const struct mb_cmd_prune *p, const struct mb_build_cache_row *row)
{
	static const struct mb_kv no_labels = {0};

	return (p->all || (!row->is_in_use && row->kind != MB_BUILD_CACHE_MOUNT)) &&
	       mb_cmd_prune_fits(p, &no_labels, row->used);
}

/* Bytes that are there for builds alone. */
static uint64_t sum(const struct mb_build_cache *cache)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < cache->n; i++)
		bytes += cache->v[i].is_in_use ? 0 : cache->v[i].bytes;
	return bytes;
}

int mb_cmd_prune_builds(struct mb_cmd_prune *p, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv removed = MB_STRV_INIT;
	struct mb_image_collected collected = {0};
	struct mb_build_cache cache = {0};
	struct mb_store *store;
	uint64_t left;
	int r = mb_cmd_store(p->cx, &store, err);

	if (r == 0)
		r = mb_build_cache_load(store, &cache, err);
	if (p->keep)
		mb_build_cache_sort(&cache);
	left = sum(&cache);
	for (size_t i = 0; r == 0 && i < cache.n && (!p->keep || left > p->keep); i++) {
		const struct mb_build_cache_row *row = &cache.v[i];
		struct mb_err why = MB_ERR_INIT;
		int gone;

		if (!may_go(p, row))
			continue;
		gone = mb_build_cache_remove(store, row, &why);
		if (gone == 0) {
			mb_strv_addf(&removed, "%.25s", row->id);
			left -= row->is_in_use ? 0 : row->bytes;
			p->bytes += row->kind != MB_BUILD_CACHE_STEP ? row->bytes : 0;
		} else if (gone < 0) {
			mb_cmd_report(&why);
			p->failed = true;
		}
	}
	mb_build_cache_done(&cache);
	if (r == 0)
		r = mb_image_collect(store, &collected, err);
	p->bytes += collected.bytes;
	return r == 0 ? mb_cmd_prune_put("Deleted build cache objects:", &removed) : r;
}

static int prune_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	static const char *const known[] = {"until", NULL};
	static mb_cmd_prune_fn *const kinds[] = {mb_cmd_prune_builds, NULL};
	const struct mb_cmd_prune_args *args = in->args;

	return mb_cmd_prune_run(cx, args,
	                        args->all ? "WARNING! This will remove all build cache."
	                                  : "WARNING! This will remove all dangling build cache.",
	                        &(struct mb_cmd_prune_verb){known, kinds, .frees = true}, err);
}

static const struct mb_cli_opt prune_opts[] = {
	MB_OPT_SWITCH('a', "all", struct mb_cmd_prune_args, all,
                      "steps that images have, and cache mounts too"),
	MB_CMD_PRUNE_FILTER("only what was not used since: until=TIME"),
	MB_CMD_PRUNE_FORCE,
	MB_OPT_SIZE(0, "keep-storage", "bytes", struct mb_cmd_prune_args, keep,
                    "keep so much, of what was used last", .aliases = "reserved-space"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_builder_prune = {
	.paths = "builder prune|buildx prune",
	.summary = "remove what builds have kept",
	.opts = prune_opts,
	.args_size = sizeof(struct mb_cmd_prune_args),
	.examples = "mybox builder prune -af --filter until=24h\n"
		    "mybox builder prune -f --keep-storage 10g\n",
	.main = prune_main,
};
