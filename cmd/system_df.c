/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "build/cache.h"
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "cmd/system_df.h"
#include "cmd/users.h"
#include "container/container.h"
#include "container/inspect.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/human.h"
#include "format/table.h"
#include "image/image.h"
#include "volume/volume.h"
#include "json/json.h"

struct df_args {
	const char *format;
	bool verbose;
};

/* Of one kind: how many, how many of them are in use, and the bytes of both. */
struct sum {
	size_t total, active;
	uint64_t bytes, kept;
};

static const struct mb_format_column columns[] = {
	{"Type", "TYPE"}, {"TotalCount", "TOTAL"},        {"Active", "ACTIVE"},
	{"Size", "SIZE"}, {"Reclaimable", "RECLAIMABLE"}, {NULL},
};

static int add_row(struct mb_format_list *list, const char *type, const struct sum *sum,
                   struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *row = mb_json_new_object();
	MB_AUTO_FREE char *total = mb_asprintf("%zu", sum->total);
	MB_AUTO_FREE char *active = mb_asprintf("%zu", sum->active);
	uint64_t free_bytes = sum->bytes - sum->kept;
	MB_AUTO_STR struct mb_str reclaimable = MB_STR_INIT;
	char text[MB_FORMAT_HUMAN_TEXT];

	mb_str_add(&reclaimable, mb_format_size((double)free_bytes, text));
	if (sum->bytes)
		mb_str_addf(&reclaimable, " (%llu%%)",
		            (unsigned long long)(free_bytes * 100 / sum->bytes));
	mb_json_set_str(row, "Type", type);
	mb_json_set_str(row, "TotalCount", total);
	mb_json_set_str(row, "Active", active);
	mb_json_set_str(row, "Size", mb_format_size((double)sum->bytes, text));
	mb_json_set_str(row, "Reclaimable", mb_str_text(&reclaimable));
	return mb_format_list_add(list, row, err);
}

static int sum_containers(const struct mb_container_list *containers, struct sum *sum,
                          struct mb_err *err)
{
	for (size_t i = 0; i < containers->n; i++) {
		const struct mb_container *c = containers->v[i];
		bool runs = mb_container_is_running(c);
		int64_t size = 0;
		int r = mb_container_size(c, &size, err);

		if (r == -ENOENT)
			continue; /* it went meanwhile */
		if (r < 0)
			return r;
		sum->total++;
		sum->active += runs;
		sum->bytes += (uint64_t)size;
		sum->kept += runs ? (uint64_t)size : 0;
	}
	return 0;
}

static int sum_images(struct mb_store *store, const struct mb_strv *used, struct sum *sum,
                      struct mb_err *err)
{
	struct mb_image_usage usage;
	int r = mb_image_usage(store, used, &usage, err);

	if (r == 0 && usage.corrupt)
		mb_cmd_say("mybox: warning: %zu images cannot be read", usage.corrupt);
	*sum = (struct sum){usage.images, usage.used, usage.bytes, usage.kept};
	return r;
}

static int sum_volumes(struct mb_store *store, const struct mb_strv *used, struct sum *sum,
                       struct mb_err *err)
{
	struct mb_volume_list volumes = {0};
	int r = mb_volume_list_load(store, &volumes, err);

	for (size_t i = 0; r == 0 && i < volumes.n; i++) {
		bool is_used = mb_strv_has(used, volumes.v[i]->name);
		uint64_t size = 0;

		r = mb_volume_size(store, volumes.v[i], &size, err);
		if (r == MB_VOLUME_ABSENT) {
			r = 0; /* it went meanwhile */
			continue;
		}
		sum->total++;
		sum->active += is_used;
		sum->bytes += size;
		sum->kept += is_used ? size : 0;
	}
	mb_volume_list_done(&volumes);
	return r;
}

/* What an image has is counted there. */
static int sum_builds(struct mb_store *store, struct sum *sum, struct mb_err *err)
{
	struct mb_build_cache cache = {0};
	int r = mb_build_cache_load(store, &cache, err);

	for (size_t i = 0; i < cache.n; i++) {
		sum->total++;
		sum->active += cache.v[i].is_in_use;
		sum->bytes += cache.v[i].is_in_use ? 0 : cache.v[i].bytes;
	}
	mb_build_cache_done(&cache);
	return r;
}

static int add_rows(struct mb_store *store, struct mb_format_list *list, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv used_images = MB_STRV_INIT, used_volumes = MB_STRV_INIT;
	struct mb_container_list all = {0};
	struct sum images = {0}, containers = {0}, volumes = {0}, builds = {0};
	int r = mb_container_list_load(store, false, &all, err);

	if (r == 0)
		r = sum_containers(&all, &containers, err);
	mb_container_list_done(&all);
	if (r == 0)
		r = mb_cmd_used_known(store, &used_images, &used_volumes, err);
	if (r == 0)
		r = sum_images(store, &used_images, &images, err);
	if (r == 0)
		r = sum_volumes(store, &used_volumes, &volumes, err);
	if (r == 0)
		r = sum_builds(store, &builds, err);
	if (r == 0)
		r = add_row(list, "Images", &images, err);
	if (r == 0)
		r = add_row(list, "Containers", &containers, err);
	if (r == 0)
		r = add_row(list, "Local Volumes", &volumes, err);
	return r == 0 ? add_row(list, "Build Cache", &builds, err) : r;
}

static int df_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct df_args *args = in->args;
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	struct mb_store *store = NULL;
	int r = mb_format_list_new(mb_cmd_list_format(args->format, false, NULL), columns,
	                           mb_cmd_list_host(), &list, err);

	if (r == 0 && args->verbose && args->format)
		r = mb_fail(err, EINVAL, "--verbose has tables only, and no --format");
	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (r == 0 && args->verbose)
		return mb_cmd_system_df_verbose(store, err);
	if (r == 0)
		r = add_rows(store, list, err);
	return r < 0 ? r : mb_cmd_list_put(list, err);
}

static const struct mb_cli_opt df_opts[] = {
	MB_OPT_STRING(0, "format", NULL, struct df_args, format,
                      "print by a Go template, \"table\" or \"json\""),
	MB_OPT_SWITCH('v', "verbose", struct df_args, verbose, "each image, container and volume"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_system_df = {
	.paths = "system df",
	.summary = "show what images, containers and volumes take",
	.opts = df_opts,
	.args_size = sizeof(struct df_args),
	.examples = "mybox system df --format '{{.Type}}: {{.Size}}'\n",
	.main = df_main,
};
