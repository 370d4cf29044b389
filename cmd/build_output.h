/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/build_output.h — where a build's result goes: -o, --push, --load, --metadata-file. */
#ifndef MB_CMD_BUILD_OUTPUT_H
#define MB_CMD_BUILD_OUTPUT_H

#include <stdbool.h>

#include "build/build.h"
#include "core/str.h"

struct mb_cmd_build_progress;
struct mb_cmd_context;
struct mb_cmd_outfile;
struct mb_err;

struct mb_cmd_build_outputs {
	struct mb_build_output *v; /* for the engine */
	struct mb_cmd_outfile *files;
	char **made; /* directories that are gone again when the build fails */
	size_t n;
	struct mb_strv names; /* of name= */
	struct mb_strv paths; /* what the files borrow */
	bool push;
};
/* One -o: "type=local,dest=DIR", "DIR" or "-". */
int mb_cmd_build_output_add(const char *spec, struct mb_cmd_build_outputs *outputs,
                            struct mb_err *err);
/* --push, --load: an image here, unless something else was asked for. */
int mb_cmd_build_outputs_want(struct mb_cmd_build_outputs *outputs, bool load, bool push,
                              struct mb_err *err);
/* @r: how the build went.  Files take their names, or are gone.  Return: @r or -errno, told. */
int mb_cmd_build_outputs_close(struct mb_cmd_build_outputs *outputs, int r, struct mb_err *err);
void mb_cmd_build_outputs_done(struct mb_cmd_build_outputs *outputs);

/* "[manifest:]key=value" of --annotation. */
int mb_cmd_build_annotation_add(const char *text, struct mb_kv *annotations, struct mb_err *err);

/* Send the image @id (64 hex digits) to the registries of @names. */
struct mb_cmd_build_pushed {
	char *digest; /* "sha256:...", or NULL */
	uint64_t size;
};
int mb_cmd_build_push(struct mb_cmd_context *cx, const struct mb_strv *names, const char *id,
                      const struct mb_kv *annotations, struct mb_cmd_build_progress *progress,
                      struct mb_cmd_build_pushed *ret, struct mb_err *err);
/* The image of one name, or @id (64 hex digits) under it. */
struct mb_image_pushed;
int mb_cmd_build_push_one(struct mb_cmd_context *cx, const char *name, const char *id,
                          const struct mb_kv *annotations, struct mb_image_pushed *ret,
                          struct mb_err *err);
/* docker's document about a build. */
int mb_cmd_build_metadata_write(const char *path, const struct mb_build_result *result,
                                const struct mb_cmd_build_pushed *pushed,
                                const struct mb_strv *names, struct mb_err *err);

#endif
