/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/build_work.h — one build: what the options say, ready for the engine. */
#ifndef MB_CMD_BUILD_WORK_H
#define MB_CMD_BUILD_WORK_H

#include "build/build.h"
#include "cmd/build_cache.h"
#include "cmd/build_context.h"
#include "cmd/build_flags.h"
#include "cmd/build_input.h"
#include "cmd/build_output.h"

struct mb_cmd_build_work {
	struct mb_cmd_context *cx;
	const struct mb_cmd_build_args *args;
	struct mb_cmd_build_input input;
	struct mb_cmd_build_outputs outputs;
	struct mb_cmd_build_contexts contexts;
	struct mb_cmd_build_cache cache;
	struct mb_kv build_args, labels, annotations;
	struct mb_strv names;
	struct mb_build_request request;
	bool epoch_is_said; /* SOURCE_DATE_EPOCH is set, be it to nothing */
	struct mb_build_result result;
	struct mb_cmd_build_pushed pushed;
};
/* Read the options and the context they name; .cx and .args are set. */
int mb_cmd_build_work_prepare(struct mb_cmd_build_work *w, const char *where, struct mb_err *err);
void mb_cmd_build_work_done(struct mb_cmd_build_work *w);

#endif
