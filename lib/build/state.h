/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/state.h — what a stage is so far: layers, configuration, and the names in scope. */
#ifndef MB_BUILD_STATE_H
#define MB_BUILD_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/strv.h"
#include "image/image.h"
#include "oci/image_spec.h"

struct mb_err;
struct mb_image;
struct mb_store;

struct mb_build_state {
	struct mb_strv layers; /* chain ids, lowest first; config.diff_ids are their archives */
	struct mb_strv keys;   /* of the steps that made them; "": none of ours */
	uint64_t bytes;        /* of the layers' regular files */
	uint64_t top_bytes;    /* of these, in the topmost layer, if a step of ours made it */
	struct mb_oci_image_config config;
	struct mb_kv args; /* ARGs that have a value; one that ENV sets later has that one */
	int64_t newest;    /* nsec: of the steps it is made of */
	int64_t base_time; /* nsec: of the image below, or 0 */
	int64_t n_base;    /* entries of the history that are that image's */
	bool is_dated;     /* it has seen something of a context, with its times */
	bool has_cmd;      /* CMD stands in this stage: ENTRYPOINT leaves it alone */
};
void mb_build_state_done(struct mb_build_state *s);
/* Nothing at all: FROM scratch, for "os/architecture[/variant]". */
void mb_build_state_scratch(struct mb_build_state *s, const char *platform);
int mb_build_state_from_image(struct mb_store *store, const struct mb_image *image,
                              struct mb_build_state *ret, struct mb_err *err);
/* A stage on another: layers, configuration, and its ARGs. */
int mb_build_state_copy(const struct mb_build_state *from, struct mb_build_state *ret,
                        struct mb_err *err);
/* The topmost layer, or NULL. */
const char *mb_build_state_top(const struct mb_build_state *s);
/* A layer of @bytes on top, which the step @key made. */
struct mb_build_top {
	const char *chain, *diff_id, *key;
	uint64_t bytes;
	int64_t created;
};
void mb_build_state_push(struct mb_build_state *s, const struct mb_build_top *top);
void mb_build_state_history(struct mb_build_state *s, const char *created_by, bool has_layer);

/* ARG or ENV, whichever came last, else NULL.  For mb_dockerfile_scope.find: @state is the state.
 */
const char *mb_build_state_find(void *state, const char *name);
/* What a command of this stage has in its environment, in a fixed order. */
void mb_build_state_env(const struct mb_build_state *s, const struct mb_kv *build_args,
                        struct mb_strv *out);

#endif
