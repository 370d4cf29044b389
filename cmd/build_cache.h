/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/build_cache.h — --cache-from and --cache-to: steps from elsewhere, and for elsewhere. */
#ifndef MB_CMD_BUILD_CACHE_H
#define MB_CMD_BUILD_CACHE_H

#include "build/build.h"

struct mb_cmd_build_progress;
struct mb_cmd_context;
struct mb_err;
struct mb_store;

struct mb_cmd_build_cache {
	struct mb_strv from_refs, from_dirs, to_refs, to_dirs;
	struct mb_strv to_lists; /* as to_refs, for the steps of all stages */
	struct mb_strv origins;  /* what the import calls them */
	enum mb_build_give give;
	bool is_inline;
};
/* "REF", "type=registry,ref=REF" or "type=local,src=DIR". */
int mb_cmd_build_cache_from(const char *spec, struct mb_cmd_build_cache *cache, struct mb_err *err);
/* "type=inline", "REF", "type=registry,ref=REF,mode=max" or "type=local,dest=DIR,mode=max". */
int mb_cmd_build_cache_to(const char *spec, struct mb_cmd_build_cache *cache, struct mb_err *err);
/* Bring in what --cache-from names.  What cannot be had is a warning. */
int mb_cmd_build_cache_import(struct mb_cmd_context *cx, struct mb_cmd_build_cache *cache,
                              struct mb_cmd_build_progress *progress, struct mb_err *err);
/* Give away the images of @result's cache  @r or not, those that
 * are here for that alone are removed then.  Return: @r, or -errno, told. */
int mb_cmd_build_cache_export(struct mb_cmd_context *cx, const struct mb_cmd_build_cache *cache,
                              struct mb_build_result *result, int r,
                              struct mb_cmd_build_progress *progress, struct mb_err *err);
/* Another build that brought the same image in may be done with it before we are: then it comes
 * again.  Each build does that to us once, so after so many tries it is something else. */
enum { MB_CMD_BUILD_CACHE_TRIES = 64 };
/* Keep the steps that the cache @ref of a registry has. */
int mb_cmd_build_cache_pull(struct mb_cmd_context *cx, struct mb_store *store, const char *ref,
                            const char *origin, struct mb_err *err);
/* A list that is a cache says so: no choice among its members is meant. */
#define MB_CMD_BUILD_CACHE_MARK "io.mybox.build-cache"
enum { MB_CMD_BUILD_CACHE_STAGES = 64 };
/* The repository of @ref, and who asks it. */
struct mb_cmd_manifest_place;
int mb_cmd_build_cache_open(struct mb_cmd_context *cx, const char *ref,
                            struct mb_cmd_manifest_place *ret, struct mb_err *err);
/* The image @digest in it, by name; the caller's. */
char *mb_cmd_build_cache_name(const struct mb_cmd_manifest_place *place, const char *digest);
/* Send the image @id (64 hex digits) there, or a list of those of all @ids ("sha256:..."), the last
 * of which leads it. */
int mb_cmd_build_cache_push(struct mb_cmd_context *cx, const char *ref, const char *id,
                            struct mb_err *err);
int mb_cmd_build_cache_push_all(struct mb_cmd_context *cx, const char *ref,
                                const struct mb_strv *ids, struct mb_err *err);
void mb_cmd_build_cache_done(struct mb_cmd_build_cache *cache);

#endif
