/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/build_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build/exchange.h"
#include "cmd/build_progress.h"
#include "cmd/context.h"
#include "cmd/outfile.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "image/refs.h"

#define FILE_NAME "mybox-cache.tar"

/* --- in --------------------------------------------------------------------------------------- */

/* Return: 0; MB_IMAGE_ABSENT: once more; -errno, told. */
static int try_directory(struct mb_store *store, const char *path, const char *origin,
                         struct mb_err *err)
{
	MB_AUTO_FREE char *file = mb_asprintf("%s/" FILE_NAME, path);
	MB_AUTO_CLOSE int fd = open(file, O_RDONLY | O_CLOEXEC);
	const struct mb_image_load_request request = {.fd = fd, .source = file, .nameless = true};
	struct mb_build_claims claims = {0};
	struct mb_image_loaded loaded = {0};
	int r = fd < 0 ? mb_fail_sys(err, errno, "cannot open '%s'", file)
	               : mb_image_load(store, &request, &loaded, err);

	for (size_t i = 0; i < loaded.n && r == 0; i++)
		r = mb_build_claim_take(store, loaded.v[i].id, &claims, err);
	for (size_t i = 0; i < loaded.n && r == 0; i++) {
		MB_AUTO_FREE char *id = mb_asprintf("sha256:%s", loaded.v[i].id);
		size_t n;

		r = mb_build_exchange_take(store, id, origin, &n, err);
	}
	mb_build_claims_release(store, &claims);
	mb_image_loaded_done(&loaded);
	return r;
}

static int import_directory(struct mb_store *store, const char *path, const char *origin,
                            struct mb_err *err)
{
	int r = MB_IMAGE_ABSENT;

	for (int i = 0; i < MB_CMD_BUILD_CACHE_TRIES && r == MB_IMAGE_ABSENT; i++)
		r = try_directory(store, path, origin, err);
	return r > 0 ? -ENOENT : r;
}

static void warn(struct mb_cmd_build_progress *progress, const char *from, const struct mb_err *err)
{
	const struct mb_build_report report = mb_cmd_build_progress_report(progress);
	MB_AUTO_FREE char *text = mb_asprintf("no cache from '%s': %s", from, err->msg);

	report.warn(report.arg, &(struct mb_build_warning){.message = text});
}

/* What a cache is called: the same for two builds if it is the same one. */
static char *name_origin(const char *ref, const char *path)
{
	MB_AUTO_FREE char *canonical = NULL, *whole = path ? realpath(path, NULL) : NULL;

	if (path)
		return mb_asprintf("local %s", whole ? whole : path);
	if (mb_image_ref_canonical(ref, &canonical, NULL) < 0)
		return mb_asprintf("registry %s", ref);
	return mb_asprintf("registry %s", canonical);
}

int mb_cmd_build_cache_import(struct mb_cmd_context *cx, struct mb_cmd_build_cache *cache,
                              struct mb_cmd_build_progress *progress, struct mb_err *err)
{
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err);

	if (r < 0)
		return r;
	MB_STRV_FOREACH (ref, &cache->from_refs) {
		MB_AUTO_FREE char *origin = name_origin(ref, NULL);
		struct mb_err why = MB_ERR_INIT;

		mb_strv_add(&cache->origins, origin);
		if (mb_cmd_build_cache_pull(cx, store, ref, origin, &why) < 0)
			warn(progress, ref, &why);
	}
	MB_STRV_FOREACH (path, &cache->from_dirs) {
		MB_AUTO_FREE char *origin = name_origin(NULL, path);
		struct mb_err why = MB_ERR_INIT;

		mb_strv_add(&cache->origins, origin);
		if (import_directory(store, path, origin, &why) < 0)
			warn(progress, path, &why);
	}
	return 0;
}

/* --- out -------------------------------------------------------------------------------------- */

static int export_directory(struct mb_store *store, const char *path, const struct mb_strv *ids,
                            struct mb_err *err)
{
	MB_AUTO_FREE char *file = mb_asprintf("%s/" FILE_NAME, path);
	struct mb_image_save_request request = {
		.names = (const char *const *)ids->v, .n_names = ids->n, .is_layout = true};
	struct mb_cmd_outfile out = MB_CMD_OUTFILE_INIT;
	int r = mb_cmd_outfile_mkdirs(path, err);

	if (r == 0)
		r = mb_cmd_outfile_open(&out, file, err);
	request.fd = out.fd;
	if (r == 0)
		r = mb_image_save(store, &request, err);
	r = mb_cmd_outfile_close(&out, r, err);
	return r > 0 ? -ENOENT : r;
}

static int export(struct mb_cmd_context *cx, struct mb_store *store,
                  const struct mb_cmd_build_cache *cache, const struct mb_build_result *result,
                  struct mb_err *err)
{
	const struct mb_strv *ids = &result->cache_ids;
	int r = 0;

	for (size_t i = 0; i < cache->to_dirs.n && r == 0; i++)
		r = export_directory(store, cache->to_dirs.v[i], ids, err);
	/* A target that has no step has none to give. */
	for (size_t i = 0; i < cache->to_refs.n && r == 0 && *result->cache_target; i++)
		r = mb_cmd_build_cache_push(cx, cache->to_refs.v[i], result->cache_target, err);
	for (size_t i = 0; i < cache->to_lists.n && r == 0; i++)
		r = mb_cmd_build_cache_push_all(cx, cache->to_lists.v[i], ids, err);
	return r;
}

int mb_cmd_build_cache_export(struct mb_cmd_context *cx, const struct mb_cmd_build_cache *cache,
                              struct mb_build_result *result, int r,
                              struct mb_cmd_build_progress *progress, struct mb_err *err)
{
	const struct mb_build_report report = mb_cmd_build_progress_report(progress);
	const struct mb_strv *ids = &result->cache_ids;
	unsigned number = mb_cmd_build_progress_next(progress);
	struct mb_store *store;

	if (!ids->n || mb_cmd_store(cx, &store, NULL) < 0)
		return r;
	if (r == 0) {
		report.begin(report.arg, number, "exporting cache");
		r = export(cx, store, cache, result, err);
		report.end(report.arg, number, r < 0 ? MB_BUILD_FAILED : MB_BUILD_DONE,
		           r < 0 ? err->msg : NULL);
	}
	mb_build_claims_release(store, &result->claims);
	return r;
}
