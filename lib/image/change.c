/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/change.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "dockerfile/dockerfile.h"
#include "dockerfile/expand.h"
#include "oci/image_spec.h"
#include "sys/path.h"
#include "json/json.h"

typedef int change_fn(struct mb_image_change *change, const struct mb_dockerfile_instruction *in,
                      struct mb_err *err);

/* As docker's history shows a list: ["a" "b"]. */
static void say_list(struct mb_str *said, const struct mb_strv *list)
{
	const char *between = " [";

	MB_STRV_FOREACH (item, list) {
		mb_str_addf(said, "%s\"", between);
		for (const char *s = item; *s; s++)
			mb_str_addf(said, strchr("\"\\", *s) ? "\\%c" : "%c", *s);
		mb_str_addc(said, '"');
		between = " ";
	}
	mb_str_add(said, list->n ? "]" : " []");
}

static int expand(const struct mb_image_change *change, const char *word, char **ret,
                  struct mb_err *err)
{
	return mb_dockerfile_expand(&change->scope, word, ret, err);
}

/* The one word of USER, STOPSIGNAL and WORKDIR, which is said. */
static int expand_only(const struct mb_image_change *change,
                       const struct mb_dockerfile_instruction *in, char **ret, struct mb_err *err)
{
	int r = expand(change, in->args.v[0], ret, err);

	if (r == 0)
		mb_str_addf(change->said, " %s", *ret);
	return r;
}

/* --- ENV, LABEL ------------------------------------------------------------------------------- */

/* All of one instruction see what was before it. */
static int expand_pairs(const struct mb_image_change *change,
                        const struct mb_dockerfile_instruction *in, struct mb_kv *out,
                        struct mb_err *err)
{
	for (size_t i = 0; i + 1 < in->args.n; i += 2) {
		MB_AUTO_FREE char *name = NULL, *value = NULL;
		int r = expand(change, in->args.v[i], &name, err);

		if (r == 0)
			r = expand(change, in->args.v[i + 1], &value, err);
		if (r < 0)
			return r;
		if (!*name || (in->kind == MB_DOCKERFILE_ENV && strchr(name, '=')))
			return mb_fail(err, EINVAL, "%s names can not be blank",
			               mb_dockerfile_kind_name(in->kind));
		mb_kv_set(out, name, value);
		mb_str_addf(change->said, " %s=%s", name, value);
	}
	return 0;
}

static int set_env(struct mb_image_change *change, const struct mb_dockerfile_instruction *in,
                   struct mb_err *err)
{
	MB_AUTO_KV struct mb_kv pairs = MB_KV_INIT;
	int r = expand_pairs(change, in, &pairs, err);

	MB_KV_FOREACH (pair, &pairs) {
		MB_AUTO_FREE char *assignment = mb_asprintf("%s=%s", pair->key, pair->value);

		if (r < 0)
			break;
		mb_env_set(&change->config->env, assignment);
		if (change->args && mb_kv_find(change->args, pair->key))
			mb_kv_set(change->args, pair->key, pair->value);
	}
	return r;
}

static int set_label(struct mb_image_change *change, const struct mb_dockerfile_instruction *in,
                     struct mb_err *err)
{
	MB_AUTO_KV struct mb_kv pairs = MB_KV_INIT;
	int r = expand_pairs(change, in, &pairs, err);

	if (r == 0)
		mb_kv_set_all(&change->config->labels, &pairs);
	return r;
}

/* --- commands --------------------------------------------------------------------------------- */

static void set_list(struct mb_image_change *change, struct mb_strv *to, struct mb_strv *list)
{
	say_list(change->said, list);
	mb_strv_done(to);
	*to = *list;
}

void mb_image_change_command(const struct mb_oci_container_config *config, bool is_exec,
                             const struct mb_strv *args, struct mb_strv *out)
{
	if (!is_exec && args->n && config->shell.n) {
		mb_strv_add_all(out, &config->shell);
	} else if (!is_exec && args->n) {
		mb_strv_add(out, "/bin/sh");
		mb_strv_add(out, "-c");
	}
	mb_strv_add_all(out, args);
}

static int set_command(struct mb_image_change *change, const struct mb_dockerfile_instruction *in,
                       struct mb_err *err)
{
	struct mb_oci_container_config *config = change->config;
	bool is_cmd = in->kind == MB_DOCKERFILE_CMD;
	struct mb_strv command = MB_STRV_INIT;

	(void)err;
	mb_image_change_command(config, in->is_exec, &in->args, &command);
	set_list(change, is_cmd ? &config->cmd : &config->entrypoint, &command);
	/* The base's command was for the base's entrypoint. */
	if (!is_cmd && !change->has_cmd)
		mb_strv_done(&config->cmd);
	change->has_cmd |= is_cmd;
	return 0;
}

static int set_shell(struct mb_image_change *change, const struct mb_dockerfile_instruction *in,
                     struct mb_err *err)
{
	struct mb_strv words = MB_STRV_INIT;

	(void)err;
	mb_strv_add_all(&words, &in->args);
	set_list(change, &change->config->shell, &words);
	return 0;
}

static int64_t duration_of(const struct mb_dockerfile_instruction *in, const char *flag)
{
	const char *text = mb_dockerfile_flag_find(in, flag);
	int64_t nsec = 0;

	return text && mb_parse_duration(text, &nsec) == 0 ? nsec : 0;
}

static int set_healthcheck(struct mb_image_change *change,
                           const struct mb_dockerfile_instruction *in, struct mb_err *err)
{
	struct mb_oci_healthcheck **slot = &change->config->healthcheck;
	struct mb_oci_healthcheck *check = mb_calloc(1, sizeof(*check));
	const char *retries = mb_dockerfile_flag_find(in, "retries");

	(void)err;
	mb_strv_add_all(&check->test, &in->args);
	if (strcmp(check->test.v[0], "NONE") != 0) {
		if (!in->is_exec)
			mb_strset(&check->test.v[0], "CMD-SHELL");
		check->interval_nsec = duration_of(in, "interval");
		check->timeout_nsec = duration_of(in, "timeout");
		check->start_period_nsec = duration_of(in, "start-period");
		check->start_interval_nsec = duration_of(in, "start-interval");
		if (retries)
			mb_parse_int(retries, &check->retries);
	}
	say_list(change->said, &check->test);
	if (*slot)
		mb_json_done(mb_oci_healthcheck_table, *slot);
	free(*slot);
	*slot = check;
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

static int set_expose(struct mb_image_change *change, const struct mb_dockerfile_instruction *in,
                      struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	int r = 0;

	for (size_t i = 0; i < in->args.n && r == 0; i++)
		r = mb_dockerfile_expand_words(&change->scope, in->args.v[i], &words, err);
	for (size_t i = 0; i < words.n && r == 0; i++) {
		r = add_ports(&change->config->exposed_ports, words.v[i], err);
		mb_str_addf(change->said, " %s", words.v[i]);
	}
	return r;
}

static int set_volume(struct mb_image_change *change, const struct mb_dockerfile_instruction *in,
                      struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv paths = MB_STRV_INIT;

	for (size_t i = 0; i < in->args.n; i++) {
		char *path = NULL;
		int r = expand(change, in->args.v[i], &path, err);

		if (r < 0)
			return r;
		mb_strv_take(&paths, path);
		if (*path != '/')
			return mb_fail(err, EINVAL, "'%s' is not an absolute path", path);
	}
	MB_STRV_FOREACH (path, &paths)
		if (!mb_strv_has(&change->config->volumes, path))
			mb_strv_add(&change->config->volumes, path);
	say_list(change->said, &paths);
	return 0;
}

static int set_user(struct mb_image_change *change, const struct mb_dockerfile_instruction *in,
                    struct mb_err *err)
{
	MB_AUTO_FREE char *user = NULL;
	int r = expand_only(change, in, &user, err);

	if (r == 0)
		mb_strset(&change->config->user, user);
	return r;
}

static int set_workdir(struct mb_image_change *change, const struct mb_dockerfile_instruction *in,
                       struct mb_err *err)
{
	char **slot = &change->config->working_dir;
	MB_AUTO_FREE char *path = NULL, *joined = NULL, *clean = NULL;
	int r = expand(change, in->args.v[0], &path, err);

	if (r < 0)
		return r;
	joined = *path == '/' ? mb_strdup(path) : mb_asprintf("%s/%s", *slot ? *slot : "", path);
	clean = mb_sys_path_clean(joined);
	mb_str_addf(change->said, " %s", clean);
	mb_strset(slot, clean);
	return 0;
}

static int set_stop_signal(struct mb_image_change *change,
                           const struct mb_dockerfile_instruction *in, struct mb_err *err)
{
	MB_AUTO_FREE char *name = NULL;
	int number, r = expand_only(change, in, &name, err);

	if (r < 0)
		return r;
	if (mb_parse_signal(name, &number) < 0)
		return mb_fail(err, EINVAL, "'%s' is not a signal", name);
	mb_strset(&change->config->stop_signal, name);
	return 0;
}

static int set_onbuild(struct mb_image_change *change, const struct mb_dockerfile_instruction *in,
                       struct mb_err *err)
{
	(void)err;
	mb_strv_add(&change->config->on_build, in->args.v[0]);
	mb_str_addf(change->said, " %s", in->args.v[0]);
	return 0;
}

int mb_image_change_set(struct mb_image_change *change, const struct mb_dockerfile_instruction *in,
                        struct mb_err *err)
{
	static change_fn *const table[MB_DOCKERFILE_KIND_N_] = {
		[MB_DOCKERFILE_CMD] = set_command,
		[MB_DOCKERFILE_ENTRYPOINT] = set_command,
		[MB_DOCKERFILE_ENV] = set_env,
		[MB_DOCKERFILE_EXPOSE] = set_expose,
		[MB_DOCKERFILE_HEALTHCHECK] = set_healthcheck,
		[MB_DOCKERFILE_LABEL] = set_label,
		[MB_DOCKERFILE_ONBUILD] = set_onbuild,
		[MB_DOCKERFILE_SHELL] = set_shell,
		[MB_DOCKERFILE_STOPSIGNAL] = set_stop_signal,
		[MB_DOCKERFILE_USER] = set_user,
		[MB_DOCKERFILE_VOLUME] = set_volume,
		[MB_DOCKERFILE_WORKDIR] = set_workdir,
	};

	if (!table[in->kind])
		return mb_fail(err, EINVAL, "%s is not a valid change command",
		               mb_dockerfile_kind_name(in->kind));
	return table[in->kind](change, in, err);
}

/* --- import -c, commit -c --------------------------------------------------------------------- */

static const char *find_env(void *config, const char *name)
{
	return mb_env_find(&((const struct mb_oci_container_config *)config)->env, name);
}

static int apply_line(struct mb_image_change *change, const char *line, struct mb_err *err)
{
	struct mb_dockerfile_instruction in = {0};
	int r = mb_dockerfile_instruction_parse(line, false, &in, err);

	if (r < 0)
		return r;
	if (in.args.n == 0 && !in.is_exec)
		r = mb_fail(err, EINVAL, "%s requires at least one argument",
		            mb_dockerfile_kind_name(in.kind));
	else
		r = mb_image_change_set(change, &in, err);
	mb_dockerfile_instruction_done(&in);
	return r;
}

int mb_image_changes_apply(struct mb_oci_container_config *config, const struct mb_strv *lines,
                           struct mb_err *err)
{
	MB_AUTO_STR struct mb_str said = MB_STR_INIT;
	struct mb_image_change change = {
		.config = config,
		.scope = {.find = find_env, .arg = config, .escape = '\\'},
		.said = &said,
	};
	int r = 0;

	for (size_t i = 0; i < lines->n && r == 0; i++) {
		r = apply_line(&change, lines->v[i], err);
		if (r < 0)
			mb_wrap(err, r, "change '%.100s'", lines->v[i]);
	}
	return r;
}
