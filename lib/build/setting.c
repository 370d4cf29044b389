/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions that change the configuration and make no layer. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "build/job.h"
#include "build/names.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "dockerfile/expand.h"

typedef int setting_fn(struct mb_build *b, struct mb_build_state *state,
                       const struct mb_dockerfile_instruction *in, struct mb_str *said,
                       struct mb_err *err);

/* As docker's history shows a list: ["a" "b"]. */
static void say_list(struct mb_str *said, const struct mb_strv *list)
{
	const char *between = "";

	mb_str_addc(said, '[');
	MB_STRV_FOREACH (item, list) {
		mb_str_addf(said, "%s\"", between);
		for (const char *s = item; *s; s++)
			mb_str_addf(said, strchr("\"\\", *s) ? "\\%c" : "%c", *s);
		mb_str_addc(said, '"');
		between = " ";
	}
	mb_str_addc(said, ']');
}

static void replace_list(struct mb_strv *to, struct mb_strv *from)
{
	mb_strv_done(to);
	*to = *from;
	*from = MB_STRV_INIT;
}

/* --- ENV, LABEL ------------------------------------------------------------------------------- */

static int set_env(struct mb_build *b, struct mb_build_state *state,
                   const struct mb_dockerfile_instruction *in, struct mb_str *said,
                   struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv assignments = MB_STRV_INIT;

	/* All of one instruction see what was before it. */
	for (size_t i = 0; i + 1 < in->args.n; i += 2) {
		MB_AUTO_FREE char *name = NULL, *value = NULL;
		int r = mb_build_expand(b, state, in->args.v[i], &name, err);

		if (r == 0)
			r = mb_build_expand(b, state, in->args.v[i + 1], &value, err);
		if (r < 0)
			return r;
		if (!*name || strchr(name, '='))
			return mb_fail(err, EINVAL, "ENV names can not be blank");
		mb_strv_addf(&assignments, "%s=%s", name, value);
		mb_str_addf(said, " %s=%s", name, value);
	}
	MB_STRV_FOREACH (assignment, &assignments)
		mb_env_set(&state->config.config.env, assignment);
	return 0;
}

static int set_label(struct mb_build *b, struct mb_build_state *state,
                     const struct mb_dockerfile_instruction *in, struct mb_str *said,
                     struct mb_err *err)
{
	for (size_t i = 0; i + 1 < in->args.n; i += 2) {
		MB_AUTO_FREE char *name = NULL, *value = NULL;
		int r = mb_build_expand(b, state, in->args.v[i], &name, err);

		if (r == 0)
			r = mb_build_expand(b, state, in->args.v[i + 1], &value, err);
		if (r < 0)
			return r;
		if (!*name)
			return mb_fail(err, EINVAL, "LABEL names can not be blank");
		mb_kv_set(&state->config.config.labels, name, value);
		mb_str_addf(said, " %s=%s", name, value);
	}
	return 0;
}

/* --- commands --------------------------------------------------------------------------------- */

static void fill_command(const struct mb_build_state *state,
                         const struct mb_dockerfile_instruction *in, struct mb_strv *out)
{
	if (in->is_exec) {
		mb_strv_add_all(out, &in->args);
		return;
	}
	if (in->args.n == 0)
		return;
	if (state->config.config.shell.n) {
		mb_strv_add_all(out, &state->config.config.shell);
	} else {
		mb_strv_add(out, "/bin/sh");
		mb_strv_add(out, "-c");
	}
	mb_strv_add_all(out, &in->args);
}

static int set_cmd(struct mb_build *b, struct mb_build_state *state,
                   const struct mb_dockerfile_instruction *in, struct mb_str *said,
                   struct mb_err *err)
{
	struct mb_strv command = MB_STRV_INIT;

	(void)b;
	(void)err;
	fill_command(state, in, &command);
	mb_str_addc(said, ' ');
	say_list(said, &command);
	replace_list(&state->config.config.cmd, &command);
	state->has_cmd = true;
	return 0;
}

static int set_entrypoint(struct mb_build *b, struct mb_build_state *state,
                          const struct mb_dockerfile_instruction *in, struct mb_str *said,
                          struct mb_err *err)
{
	struct mb_strv command = MB_STRV_INIT;

	(void)b;
	(void)err;
	fill_command(state, in, &command);
	mb_str_addc(said, ' ');
	say_list(said, &command);
	replace_list(&state->config.config.entrypoint, &command);
	/* The base's command was for the base's entrypoint. */
	if (!state->has_cmd)
		mb_strv_done(&state->config.config.cmd);
	return 0;
}

static int set_shell(struct mb_build *b, struct mb_build_state *state,
                     const struct mb_dockerfile_instruction *in, struct mb_str *said,
                     struct mb_err *err)
{
	struct mb_strv words = MB_STRV_INIT;

	(void)b;
	(void)err;
	mb_strv_add_all(&words, &in->args);
	mb_str_addc(said, ' ');
	say_list(said, &words);
	replace_list(&state->config.config.shell, &words);
	return 0;
}

static int64_t duration_of(const struct mb_dockerfile_instruction *in, const char *flag)
{
	const char *text = mb_dockerfile_flag_find(in, flag);
	int64_t nsec = 0;

	return text && mb_parse_duration(text, &nsec) == 0 ? nsec : 0;
}

static int set_healthcheck(struct mb_build *b, struct mb_build_state *state,
                           const struct mb_dockerfile_instruction *in, struct mb_str *said,
                           struct mb_err *err)
{
	struct mb_oci_healthcheck *check = mb_calloc(1, sizeof(*check));
	const char *retries = mb_dockerfile_flag_find(in, "retries");

	(void)b;
	(void)err;
	if (strcmp(in->args.v[0], "NONE") == 0) {
		mb_strv_add(&check->test, "NONE");
	} else {
		mb_strv_add(&check->test, in->is_exec ? "CMD" : "CMD-SHELL");
		for (size_t i = 1; i < in->args.n; i++)
			mb_strv_add(&check->test, in->args.v[i]);
		check->interval_nsec = duration_of(in, "interval");
		check->timeout_nsec = duration_of(in, "timeout");
		check->start_period_nsec = duration_of(in, "start-period");
		check->start_interval_nsec = duration_of(in, "start-interval");
		if (retries)
			mb_parse_int(retries, &check->retries);
	}
	mb_str_addc(said, ' ');
	say_list(said, &check->test);
	if (state->config.config.healthcheck)
		mb_json_done(mb_oci_healthcheck_table, state->config.config.healthcheck);
	free(state->config.config.healthcheck);
	state->config.config.healthcheck = check;
	return 0;
}

/* --- the rest --------------------------------------------------------------------------------- */

static bool port_is_valid(const char *text)
{
	const char *slash = strchrnul(text, '/');
	MB_AUTO_FREE char *number = mb_strndup(text, (size_t)(slash - text));
	uint32_t n;

	if (*slash && strcmp(slash, "/tcp") != 0 && strcmp(slash, "/udp") != 0 &&
	    strcmp(slash, "/sctp") != 0)
		return false;
	return mb_parse_u32(number, &n) == 0 && n >= 1 && n <= 65535;
}

/* "8000-8002/udp" is three. */
static int add_ports(struct mb_strv *ports, const char *text, struct mb_err *err)
{
	const char *slash = strchrnul(text, '/');
	MB_AUTO_FREE char *numbers = mb_strndup(text, (size_t)(slash - text));
	MB_AUTO_FREE char *protocol = mb_strdup(*slash ? slash : "/tcp");
	char *dash = strchr(numbers, '-');
	uint32_t first, last;

	for (char *p = protocol; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (dash)
		*dash = '\0';
	if (mb_parse_u32(numbers, &first) < 0 ||
	    mb_parse_u32(dash ? dash + 1 : numbers, &last) < 0 || first > last)
		return mb_fail(err, EINVAL, "invalid containerPort: %s", text);
	for (uint32_t n = first; n <= last; n++) {
		MB_AUTO_FREE char *port = mb_asprintf("%u%s", n, protocol);

		if (!port_is_valid(port))
			return mb_fail(err, EINVAL, "invalid containerPort: %s", text);
		if (!mb_strv_has(ports, port))
			mb_strv_add(ports, port);
	}
	return 0;
}

static int expand_words(struct mb_build *b, struct mb_build_state *state,
                        const struct mb_strv *words, struct mb_strv *out, struct mb_err *err)
{
	const struct mb_dockerfile_scope scope = {
		.find = mb_build_state_find, .arg = state, .escape = b->file.escape};
	int r = 0;

	for (size_t i = 0; i < words->n && r == 0; i++)
		r = mb_dockerfile_expand_words(&scope, words->v[i], out, err);
	return r;
}

static int set_expose(struct mb_build *b, struct mb_build_state *state,
                      const struct mb_dockerfile_instruction *in, struct mb_str *said,
                      struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	int r = expand_words(b, state, &in->args, &words, err);

	MB_STRV_FOREACH (word, &words) {
		if (r == 0)
			r = add_ports(&state->config.config.exposed_ports, word, err);
		mb_str_addf(said, " %s", word);
	}
	return r;
}

static int set_volume(struct mb_build *b, struct mb_build_state *state,
                      const struct mb_dockerfile_instruction *in, struct mb_str *said,
                      struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv paths = MB_STRV_INIT;
	int r = 0;

	for (size_t i = 0; i < in->args.n && r == 0; i++) {
		char *path = NULL;

		r = mb_build_expand(b, state, in->args.v[i], &path, err);
		if (r < 0)
			return r;
		mb_strv_take(&paths, path);
		if (!*path)
			return mb_fail(err, EINVAL, "VOLUME specified can not be an empty string");
		if (!mb_strv_has(&state->config.config.volumes, path))
			mb_strv_add(&state->config.config.volumes, path);
	}
	mb_str_addc(said, ' ');
	say_list(said, &paths);
	return r;
}

static int set_user(struct mb_build *b, struct mb_build_state *state,
                    const struct mb_dockerfile_instruction *in, struct mb_str *said,
                    struct mb_err *err)
{
	MB_AUTO_FREE char *user = NULL;
	int r = mb_build_expand(b, state, in->args.v[0], &user, err);

	if (r < 0)
		return r;
	mb_str_addf(said, " %s", user);
	mb_strset(&state->config.config.user, user);
	return 0;
}

static int set_stop_signal(struct mb_build *b, struct mb_build_state *state,
                           const struct mb_dockerfile_instruction *in, struct mb_str *said,
                           struct mb_err *err)
{
	MB_AUTO_FREE char *name = NULL;
	int number, r = mb_build_expand(b, state, in->args.v[0], &name, err);

	if (r < 0)
		return r;
	if (mb_parse_signal(name, &number) < 0)
		return mb_fail(err, EINVAL, "invalid signal: %s", name);
	mb_str_addf(said, " %s", name);
	mb_strset(&state->config.config.stop_signal, name);
	return 0;
}

static int set_onbuild(struct mb_build *b, struct mb_build_state *state,
                       const struct mb_dockerfile_instruction *in, struct mb_str *said,
                       struct mb_err *err)
{
	(void)b;
	(void)err;
	mb_strv_add(&state->config.config.on_build, in->args.v[0]);
	mb_str_addf(said, " %s", in->args.v[0]);
	return 0;
}

static int set_maintainer(struct mb_build *b, struct mb_build_state *state,
                          const struct mb_dockerfile_instruction *in, struct mb_str *said,
                          struct mb_err *err)
{
	(void)b;
	(void)err;
	mb_strset(&state->config.author, in->args.v[0]);
	mb_str_addf(said, " %s", in->args.v[0]);
	return 0;
}

int mb_build_setting(struct mb_build *b, struct mb_build_stage *stage,
                     const struct mb_dockerfile_instruction *in, struct mb_err *err)
{
	static setting_fn *const settings[MB_DOCKERFILE_KIND_N_] = {
		[MB_DOCKERFILE_CMD] = set_cmd,
		[MB_DOCKERFILE_ENTRYPOINT] = set_entrypoint,
		[MB_DOCKERFILE_ENV] = set_env,
		[MB_DOCKERFILE_EXPOSE] = set_expose,
		[MB_DOCKERFILE_HEALTHCHECK] = set_healthcheck,
		[MB_DOCKERFILE_LABEL] = set_label,
		[MB_DOCKERFILE_MAINTAINER] = set_maintainer,
		[MB_DOCKERFILE_ONBUILD] = set_onbuild,
		[MB_DOCKERFILE_SHELL] = set_shell,
		[MB_DOCKERFILE_STOPSIGNAL] = set_stop_signal,
		[MB_DOCKERFILE_USER] = set_user,
		[MB_DOCKERFILE_VOLUME] = set_volume,
	};
	MB_AUTO_STR struct mb_str said = MB_STR_INIT;
	int r;

	mb_str_add(&said, mb_dockerfile_kind_name(in->kind));
	r = settings[in->kind](b, &stage->state, in, &said, err);
	if (r == 0)
		mb_build_state_history(&stage->state, mb_str_text(&said), false);
	return r;
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
		if (!mb_strv_has(&state->declared, name))
			mb_strv_add(&state->declared, name);
		mb_kv_remove(&state->args, name);
		if (value)
			mb_kv_set(&state->args, name, value);
		if (mb_build_name_is_proxy(name) && mb_kv_find(&b->request->args, name))
			continue; /* not for whoever reads the history */
		mb_str_addf(&said, " %s%s%s", name, value ? "=" : "", value ? value : "");
	}
	mb_build_state_history(state, mb_str_text(&said), false);
	return 0;
}
