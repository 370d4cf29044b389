/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/change.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "oci/image_spec.h"
#include "sys/path.h"
#include "json/json.h"

typedef int change_fn(struct mb_oci_container_config *c, const char *rest, struct mb_err *err);

static const char blanks[] = " \t\r\n";

/* Words as Dockerfiles have them: quotes group, a backslash takes the next byte as it is. */
static int split_words(const char *s, struct mb_strv *out, struct mb_err *err)
{
	s += strspn(s, blanks);
	while (*s) {
		MB_AUTO_STR struct mb_str word = MB_STR_INIT;
		char quote = 0;

		for (; *s && (quote || !strchr(blanks, *s)); s++) {
			if (*s == '\\' && quote != '\'' && s[1])
				mb_str_addc(&word, *++s);
			else if (quote ? *s == quote : (*s == '"' || *s == '\''))
				quote = quote ? 0 : *s;
			else
				mb_str_addc(&word, *s);
		}
		if (quote)
			return mb_fail(err, EINVAL, "a quote is not closed");
		mb_strv_take(out, mb_str_take(&word));
		s += strspn(s, blanks);
	}
	return 0;
}

/* ["a", "b"] when it is JSON of strings.  Return: whether it was. */
static bool parse_array(const char *s, struct mb_strv *out)
{
	struct holder {
		struct mb_strv v;
	} holder = {0};
	static const struct mb_json_field table[] = {
		MB_JSON_STRV("v", struct holder, v),
		MB_JSON_END,
	};
	MB_AUTO_FREE char *text = NULL;

	if (*s != '[')
		return false;
	text = mb_asprintf("{\"v\":%s}", s);
	if (mb_json_load(text, strlen(text), table, &holder, sizeof(holder), NULL) < 0)
		return false;
	mb_strv_done(out);
	*out = holder.v;
	return true;
}

static int set_command(struct mb_strv *to, const char *rest)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;

	if (!parse_array(rest, &words)) {
		mb_strv_add(&words, "/bin/sh");
		mb_strv_add(&words, "-c");
		mb_strv_add(&words, rest);
	}
	mb_strv_done(to);
	*to = words;
	words = MB_STRV_INIT;
	return 0;
}

static int change_cmd(struct mb_oci_container_config *c, const char *rest, struct mb_err *err)
{
	(void)err;
	return set_command(&c->cmd, rest);
}

static int change_entrypoint(struct mb_oci_container_config *c, const char *rest,
                             struct mb_err *err)
{
	(void)err;
	return set_command(&c->entrypoint, rest);
}

/* "a=b c=d", or of old "a b c": one name and the rest of the line. */
static int split_pairs(const char *rest, struct mb_kv *out, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	int r = split_words(rest, &words, err);

	if (r < 0)
		return r;
	if (words.n > 1 && !strchr(words.v[0], '=')) {
		size_t n = strcspn(rest, blanks);
		MB_AUTO_FREE char *name = mb_strndup(rest, n);

		mb_kv_set(out, name, rest + n + strspn(rest + n, blanks));
		return 0;
	}
	MB_STRV_FOREACH (word, &words) {
		if (!strchr(word, '=') || *word == '=')
			return mb_fail(err, EINVAL, "'%s' is not NAME=VALUE", word);
		mb_kv_set_pair(out, word);
	}
	return 0;
}

static int change_env(struct mb_oci_container_config *c, const char *rest, struct mb_err *err)
{
	MB_AUTO_KV struct mb_kv pairs = MB_KV_INIT;
	int r = split_pairs(rest, &pairs, err);

	MB_KV_FOREACH (pair, &pairs) {
		MB_AUTO_FREE char *assignment = mb_asprintf("%s=%s", pair->key, pair->value);

		if (r == 0)
			mb_env_set(&c->env, assignment);
	}
	return r;
}

static int change_label(struct mb_oci_container_config *c, const char *rest, struct mb_err *err)
{
	MB_AUTO_KV struct mb_kv pairs = MB_KV_INIT;
	int r = split_pairs(rest, &pairs, err);

	if (r == 0)
		mb_kv_set_all(&c->labels, &pairs);
	return r;
}

static int change_expose(struct mb_oci_container_config *c, const char *rest, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	int r = split_words(rest, &words, err);

	MB_STRV_FOREACH (word, &words) {
		MB_AUTO_FREE char *port =
			mb_asprintf("%s%s", word, strchr(word, '/') ? "" : "/tcp");

		if (r == 0 && !mb_strv_has(&c->exposed_ports, port))
			mb_strv_add(&c->exposed_ports, port);
	}
	return r;
}

static int change_volume(struct mb_oci_container_config *c, const char *rest, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	int r = parse_array(rest, &words) ? 0 : split_words(rest, &words, err);

	MB_STRV_FOREACH (word, &words) {
		if (r == 0 && *word != '/')
			r = mb_fail(err, EINVAL, "'%s' is not an absolute path", word);
		if (r == 0 && !mb_strv_has(&c->volumes, word))
			mb_strv_add(&c->volumes, word);
	}
	return r;
}

static int change_user(struct mb_oci_container_config *c, const char *rest, struct mb_err *err)
{
	(void)err;
	mb_strset(&c->user, rest);
	return 0;
}

static int change_workdir(struct mb_oci_container_config *c, const char *rest, struct mb_err *err)
{
	MB_AUTO_FREE char *joined =
		*rest == '/' ? mb_strdup(rest)
			     : mb_asprintf("%s/%s", c->working_dir ? c->working_dir : "", rest);

	(void)err;
	free(c->working_dir);
	c->working_dir = mb_sys_path_clean(joined);
	return 0;
}

static int change_stopsignal(struct mb_oci_container_config *c, const char *rest,
                             struct mb_err *err)
{
	int number;

	if (mb_parse_signal(rest, &number) < 0)
		return mb_fail(err, EINVAL, "'%s' is not a signal", rest);
	mb_strset(&c->stop_signal, rest);
	return 0;
}

/* --- HEALTHCHECK ------------------------------------------------------------------------------ */

static void free_health(struct mb_oci_healthcheck **slot)
{
	if (*slot)
		mb_strv_done(&(*slot)->test);
	free(*slot);
	*slot = NULL;
}
#define AUTO_HEALTH __attribute__((cleanup(free_health)))

/* "--interval=30s" and the like. */
static int set_health_flag(struct mb_oci_healthcheck *h, const char *flag, struct mb_err *err)
{
	const struct {
		const char *prefix;
		int64_t *to;
	} times[] = {
		{"--interval=", &h->interval_nsec},
		{"--timeout=", &h->timeout_nsec},
		{"--start-period=", &h->start_period_nsec},
		{"--start-interval=", &h->start_interval_nsec},
	};
	const char *value = mb_skip_prefix(flag, "--retries=");
	uint32_t n;

	if (value && mb_parse_u32(value, &n) == 0 && n <= INT_MAX) {
		h->retries = (int)n;
		return 0;
	}
	for (size_t i = 0; !value && i < MB_N(times); i++) {
		const char *time = mb_skip_prefix(flag, times[i].prefix);

		if (!time)
			continue;
		if (mb_parse_duration(time, times[i].to) == 0 &&
		    (*times[i].to == 0 || *times[i].to >= 1000000))
			return 0;
		return mb_fail(err, EINVAL, "'%s' is not a time of at least 1ms", flag);
	}
	return mb_fail(err, EINVAL, value ? "'%s' is not a number" : "unknown flag '%s'", flag);
}

/* "[FLAGS] CMD command", "[FLAGS] CMD [\"a\", \"b\"]" or "NONE". */
static int change_healthcheck(struct mb_oci_container_config *c, const char *rest,
                              struct mb_err *err)
{
	AUTO_HEALTH struct mb_oci_healthcheck *h = mb_calloc(1, sizeof(*h));
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	MB_AUTO_FREE char *type = NULL;
	size_t n = strcspn(rest, blanks);
	int r = 0;

	for (; r == 0 && mb_starts_with(rest, "--"); n = strcspn(rest, blanks)) {
		MB_AUTO_FREE char *flag = mb_strndup(rest, n);

		r = set_health_flag(h, flag, err);
		rest += n + strspn(rest + n, blanks);
	}
	if (r < 0)
		return r;
	type = mb_strndup(rest, n);
	rest += n + strspn(rest + n, blanks);
	if (strcasecmp(type, "NONE") == 0 && !*rest) {
		mb_strv_add(&h->test, "NONE");
	} else if (strcasecmp(type, "CMD") == 0 && *rest) {
		bool is_array = parse_array(rest, &words);

		mb_strv_add(&h->test, is_array ? "CMD" : "CMD-SHELL");
		if (is_array)
			mb_strv_add_all(&h->test, &words);
		else
			mb_strv_add(&h->test, rest);
	} else {
		return mb_fail(err, EINVAL, "it must be NONE, or CMD and a command");
	}
	free_health(&c->healthcheck);
	c->healthcheck = mb_take_ptr(&h);
	return 0;
}

static int change_onbuild(struct mb_oci_container_config *c, const char *rest, struct mb_err *err)
{
	(void)err;
	mb_strv_add(&c->on_build, rest);
	return 0;
}

static const struct instruction {
	const char *name;
	change_fn *apply;
} instructions[] = {
	{"CMD", change_cmd},         {"ENTRYPOINT", change_entrypoint},   {"ENV", change_env},
	{"EXPOSE", change_expose},   {"HEALTHCHECK", change_healthcheck}, {"LABEL", change_label},
	{"ONBUILD", change_onbuild}, {"STOPSIGNAL", change_stopsignal},   {"USER", change_user},
	{"VOLUME", change_volume},   {"WORKDIR", change_workdir},
};

int mb_image_change_apply(struct mb_oci_container_config *config, const char *line,
                          struct mb_err *err)
{
	MB_AUTO_FREE char *name = NULL, *rest = NULL;
	size_t n;

	line += strspn(line, blanks);
	n = strcspn(line, blanks);
	name = mb_strndup(line, n);
	rest = mb_strdup(line + n + strspn(line + n, blanks));
	for (size_t end = strlen(rest); end && strchr(blanks, rest[end - 1]);)
		rest[--end] = '\0';
	for (size_t i = 0; i < MB_N(instructions); i++) {
		int r;

		if (strcasecmp(name, instructions[i].name) != 0)
			continue;
		if (!*rest)
			return mb_fail(err, EINVAL, "%s requires at least one argument",
			               instructions[i].name);
		r = instructions[i].apply(config, rest, err);
		return r < 0 ? mb_wrap(err, r, "%s", instructions[i].name) : 0;
	}
	for (char *p = name; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return mb_fail(err, EINVAL, "%s is not a valid change command", name);
}
