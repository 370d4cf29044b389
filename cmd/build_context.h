/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/build_context.h — --build-context: names that stand for directories and images. */
#ifndef MB_CMD_BUILD_CONTEXT_H
#define MB_CMD_BUILD_CONTEXT_H

#include <stddef.h>

#include "build/build.h"
#include "build/context.h"
#include "core/strv.h"

struct mb_cmd_context;
struct mb_err;

struct mb_cmd_build_contexts {
	struct mb_build_named *v; /* for the engine */
	struct mb_build_context *places;
	size_t n;
	struct mb_build_claims loaded; /* images that are here for them alone */
	struct mb_store *store;
	struct mb_build_ssh_access ssh; /* set before */
};
/* "name=DIR", "name=docker-image://REF", "name=oci-layout://DIR", or an address. */
int mb_cmd_build_context_add(struct mb_cmd_context *cx, const char *text,
                             struct mb_cmd_build_contexts *contexts, struct mb_err *err);
void mb_cmd_build_contexts_done(struct mb_cmd_build_contexts *contexts);

#endif
