/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions that make no layer: the configuration's, MAINTAINER and ARG. */
#include <stdlib.h>
#include <string.h>

#include "build/job.h"
#include "build/names.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/change.h"

int mb_build_set(struct mb_build *b, struct mb_build_state *state,
                 const struct mb_dockerfile_instruction *in, struct mb_str *said,
                 struct mb_err *err)
{
	struct mb_image_change change = {
		.config = &state->config.config,
		.scope = {.find = mb_build_state_find, .arg = state, .escape = b->file.escape},
		.said = said,
		.has_cmd = state->has_cmd,
		.args = &state->args,
	};
	int r;

	mb_str_add(said, mb_dockerfile_kind_name(in->kind));
	r = mb_image_change_set(&change, in, err);
	state->has_cmd = change.has_cmd;
	return r;
}

int mb_build_setting(struct mb_build *b, struct mb_build_stage *stage,
                     const struct mb_dockerfile_instruction *in, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str said = MB_STR_INIT;
	int r = mb_build_set(b, &stage->state, in, &said, err);

	if (r == 0)
		mb_build_state_history(&stage->state, mb_str_text(&said), false);
	return r;
}

int mb_build_maintainer(struct mb_build *b, struct mb_build_stage *stage,
                        const struct mb_dockerfile_instruction *in, struct mb_err *err)
{
	(void)b;
	(void)err;
	mb_strset(&stage->state.config.author, in->args.v[0]);
	mb_build_state_history(&stage->state, in->text, false);
	return 0;
}

/* --- ARG -------------------------------------------------------------------------------------- */

/* What the user says, then what stands here, then what stands above the first FROM. */
static int arg_value(struct mb_build *b, struct mb_build_state *state, const char *name,
                     const char *standard, char **ret, struct mb_err *err)
{
	const char *given = mb_kv_find(&b->request->args, name);

	if (given && !mb_strv_has(&b->consumed, name))
		mb_strv_add(&b->consumed, name);
	if (!given && standard)
		return mb_build_expand(b, state, standard, ret, err);
	*ret = mb_strdup_or_null(given ? given : mb_kv_find(&b->globals, name));
	return 0;
}

int mb_build_arg(struct mb_build *b, struct mb_build_stage *stage,
                 const struct mb_dockerfile_instruction *in, struct mb_err *err)
{
	struct mb_build_state *state = &stage->state;
	MB_AUTO_STR struct mb_str said = MB_STR_INIT;

	mb_str_add(&said, "ARG");
	MB_STRV_FOREACH (word, &in->args) {
		const char *equals = strchr(word, '=');
		MB_AUTO_FREE char *raw =
			equals ? mb_strndup(word, (size_t)(equals - word)) : mb_strdup(word);
		MB_AUTO_FREE char *name = NULL, *value = NULL;
		int r = mb_build_expand(b, state, raw, &name, err);

		if (r == 0)
			r = arg_value(b, state, name, equals ? equals + 1 : NULL, &value, err);
		if (r < 0)
			return r;
		/* Without one it keeps what a stage below, or an ARG above, has given it. */
		if (value)
			mb_kv_set(&state->args, name, value);
		if (mb_build_name_is_proxy(name) && mb_kv_find(&b->request->args, name))
			continue; /* not for whoever reads the history */
		mb_str_addf(&said, " %s%s%s", name, value ? "=" : "", value ? value : "");
	}
	mb_build_state_history(state, mb_str_text(&said), false);
	return 0;
}
