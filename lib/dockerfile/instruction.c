/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of each instruction. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "dockerfile/lines.h"
#include "dockerfile/parse.h"
#include "json/json.h"

typedef int words_fn(const char *rest, char escape, struct mb_dockerfile_instruction *ret,
                     struct mb_err *err);

static words_fn read_list, read_json_or_list, read_command, read_shell, read_pairs, read_names,
	read_text, read_health, read_onbuild;

static const struct rule {
	const char *name;
	words_fn *read;
	size_t least, most; /* words; most 0: any number */
} rules[MB_DOCKERFILE_KIND_N_] = {
	[MB_DOCKERFILE_ADD] = {"ADD", read_json_or_list, 2, 0},
	[MB_DOCKERFILE_ARG] = {"ARG", read_names, 1, 0},
	[MB_DOCKERFILE_CMD] = {"CMD", read_command, 0, 0},
	[MB_DOCKERFILE_COPY] = {"COPY", read_json_or_list, 2, 0},
	[MB_DOCKERFILE_ENTRYPOINT] = {"ENTRYPOINT", read_command, 0, 0},
	[MB_DOCKERFILE_ENV] = {"ENV", read_pairs, 1, 0},
	[MB_DOCKERFILE_EXPOSE] = {"EXPOSE", read_list, 1, 0},
	[MB_DOCKERFILE_FROM] = {"FROM", read_list, 1, 3},
	[MB_DOCKERFILE_HEALTHCHECK] = {"HEALTHCHECK", read_health, 1, 0},
	[MB_DOCKERFILE_LABEL] = {"LABEL", read_pairs, 1, 0},
	[MB_DOCKERFILE_MAINTAINER] = {"MAINTAINER", read_text, 1, 1},
	[MB_DOCKERFILE_ONBUILD] = {"ONBUILD", read_onbuild, 1, 1},
	[MB_DOCKERFILE_RUN] = {"RUN", read_command, 1, 0},
	[MB_DOCKERFILE_SHELL] = {"SHELL", read_shell, 1, 0},
	[MB_DOCKERFILE_STOPSIGNAL] = {"STOPSIGNAL", read_text, 1, 1},
	[MB_DOCKERFILE_USER] = {"USER", read_text, 1, 1},
	[MB_DOCKERFILE_VOLUME] = {"VOLUME", read_json_or_list, 1, 0},
	[MB_DOCKERFILE_WORKDIR] = {"WORKDIR", read_text, 1, 1},
};

const char *mb_dockerfile_kind_name(enum mb_dockerfile_kind kind)
{
	return rules[kind].name;
}

int mb_dockerfile_kind_find(const char *keyword, enum mb_dockerfile_kind *ret, struct mb_err *err)
{
	const char *names[MB_DOCKERFILE_KIND_N_ + 1] = {0}, *meant;
	MB_AUTO_FREE char *upper = mb_strdup(keyword);

	for (size_t i = 0; i < MB_DOCKERFILE_KIND_N_; i++) {
		if (strcasecmp(keyword, rules[i].name) == 0) {
			*ret = (enum mb_dockerfile_kind)i;
			return 0;
		}
		names[i] = rules[i].name;
	}
	for (char *p = upper; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	meant = mb_dockerfile_nearest(upper, names);
	return mb_fail(err, EINVAL, "unknown instruction: %.60s%s%s%s", keyword,
	               meant ? " (did you mean " : "", meant ? meant : "", meant ? "?)" : "");
}

/* --- words ----------------------------------------------------------------------------------- */

static int read_list(const char *rest, char escape, struct mb_dockerfile_instruction *ret,
                     struct mb_err *err)
{
	(void)escape;
	(void)err;
	while (*rest) {
		size_t n = 0;

		while (rest[n] && !isspace((unsigned char)rest[n]))
			n++;
		if (n)
			mb_strv_take(&ret->args, mb_strndup(rest, n));
		rest += n;
		while (isspace((unsigned char)*rest))
			rest++;
	}
	return 0;
}

static int read_text(const char *rest, char escape, struct mb_dockerfile_instruction *ret,
                     struct mb_err *err)
{
	(void)escape;
	(void)err;
	if (*rest)
		mb_strv_add(&ret->args, rest);
	return 0;
}

/* A JSON array of strings and nothing else.  Return: whether it was one. */
static bool read_json(const char *rest, struct mb_strv *out)
{
	struct holder {
		struct mb_strv v;
	} holder = {0};
	static const struct mb_json_field table[] = {
		MB_JSON_STRV("v", struct holder, v),
		MB_JSON_END,
	};
	MB_AUTO_FREE char *text = NULL;

	if (*rest != '[')
		return false;
	text = mb_asprintf("{\"v\":%s}", rest);
	if (mb_json_load(text, strlen(text), table, &holder, sizeof(holder), NULL) < 0)
		return false;
	mb_strv_done(out);
	*out = holder.v;
	return true;
}

static int read_json_or_list(const char *rest, char escape, struct mb_dockerfile_instruction *ret,
                             struct mb_err *err)
{
	if (read_json(rest, &ret->args)) {
		ret->is_exec = true;
		return 0;
	}
	return read_list(rest, escape, ret, err);
}

/* JSON that is not an array of strings is a line for the shell, as docker has it. */
static int read_command(const char *rest, char escape, struct mb_dockerfile_instruction *ret,
                        struct mb_err *err)
{
	if (read_json(rest, &ret->args)) {
		ret->is_exec = true;
		return 0;
	}
	return read_text(rest, escape, ret, err);
}

static int read_shell(const char *rest, char escape, struct mb_dockerfile_instruction *ret,
                      struct mb_err *err)
{
	(void)escape;
	if (*rest && !read_json(rest, &ret->args))
		return mb_fail(err, EINVAL, "SHELL requires the arguments to be in JSON form");
	ret->is_exec = true;
	return 0;
}

/* Words with their quotes and escapes as they stand: they count when variables are expanded. */
static void read_raw_words(const char *s, char escape, struct mb_strv *out)
{
	while (isspace((unsigned char)*s))
		s++;
	while (*s) {
		const char *start = s;
		char quote = 0;

		for (; *s && (quote || !isspace((unsigned char)*s)); s++) {
			if (*s == escape && quote != '\'' && s[1])
				s++;
			else if (quote ? *s == quote : (*s == '"' || *s == '\''))
				quote = quote ? 0 : *s;
		}
		mb_strv_take(out, mb_strndup(start, (size_t)(s - start)));
		while (isspace((unsigned char)*s))
			s++;
	}
}

/* "a=b c=d", or of old "a b c": one name and the rest of the line. */
static int read_pairs(const char *rest, char escape, struct mb_dockerfile_instruction *ret,
                      struct mb_err *err)
{
	const char *name = rules[ret->kind].name;
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;

	read_raw_words(rest, escape, &words);
	if (words.n == 0)
		return 0;
	if (!strchr(words.v[0], '=')) {
		size_t n = strlen(words.v[0]);

		if (words.n < 2)
			return mb_fail(err, EINVAL, "%s must have two arguments", name);
		ret->is_legacy = true;
		mb_strv_add(&ret->args, words.v[0]);
		mb_strv_add(&ret->args, rest + n + strspn(rest + n, " \t\v\f\r"));
		return 0;
	}
	MB_STRV_FOREACH (word, &words) {
		const char *equals = strchr(word, '=');

		if (!equals)
			return mb_fail(
				err, EINVAL,
				"Syntax error - can't find = in \"%s\". Must be of the form: "
				"name=value",
				word);
		if (equals == word)
			return mb_fail(err, EINVAL, "%s names can not be blank", name);
		mb_strv_take(&ret->args, mb_strndup(word, (size_t)(equals - word)));
		mb_strv_add(&ret->args, equals + 1);
	}
	return 0;
}

static int read_names(const char *rest, char escape, struct mb_dockerfile_instruction *ret,
                      struct mb_err *err)
{
	read_raw_words(rest, escape, &ret->args);
	MB_STRV_FOREACH (word, &ret->args)
		if (*word == '=')
			return mb_fail(err, EINVAL, "ARG names can not be blank");
	return 0;
}

static int read_health(const char *rest, char escape, struct mb_dockerfile_instruction *ret,
                       struct mb_err *err)
{
	size_t n = strcspn(rest, " \t\v\f\r");
	MB_AUTO_FREE char *type = mb_strndup(rest, n);
	static const char *const times[] = {"interval", "timeout", "start-period",
	                                    "start-interval"};
	int retries;
	int64_t time;
	int r;

	if (!*type)
		return 0;
	rest += n + strspn(rest + n, " \t\v\f\r");
	if (strcasecmp(type, "NONE") == 0) {
		if (*rest)
			return mb_fail(err, EINVAL, "HEALTHCHECK NONE takes no arguments");
		mb_strv_add(&ret->args, "NONE");
		return 0;
	}
	if (strcasecmp(type, "CMD") != 0)
		return mb_fail(err, EINVAL, "Unknown type \"%.60s\" in HEALTHCHECK (try CMD)",
		               type);
	r = read_command(rest, escape, ret, err);
	if (r == 0 && ret->args.n == 0)
		r = mb_fail(err, EINVAL, "Missing command after HEALTHCHECK CMD");
	for (size_t i = 0; i < MB_N(times) && r == 0; i++) {
		const char *value = mb_dockerfile_flag_find(ret, times[i]);

		if (value && mb_parse_duration(value, &time) < 0)
			r = mb_fail(err, EINVAL, "--%s: '%s' is not a duration", times[i], value);
		else if (value && time != 0 && time < 1000000)
			r = mb_fail(err, EINVAL, "Interval \"%s\" cannot be less than 1ms",
			            times[i]);
	}
	if (r == 0 && mb_dockerfile_flag_find(ret, "retries") &&
	    (mb_parse_int(mb_dockerfile_flag_find(ret, "retries"), &retries) < 0 || retries < 0))
		r = mb_fail(err, EINVAL, "--retries: '%s' is not a number",
		            mb_dockerfile_flag_find(ret, "retries"));
	if (r == 0) {
		MB_AUTO_STRV struct mb_strv command = ret->args;

		ret->args = MB_STRV_INIT;
		mb_strv_add(&ret->args, "CMD");
		mb_strv_add_all(&ret->args, &command);
	}
	return r;
}

/* A trigger is kept as text, its here-documents with it. */
static char *with_heredocs(const char *rest, const struct mb_dockerfile_instruction *in)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_str_add(&text, rest);
	for (size_t i = 0; i < in->n_heredocs; i++)
		mb_str_addf(&text, "%s%s", i ? "" : "\n", in->heredocs[i].lines);
	/* The last line has no end. */
	if (in->n_heredocs)
		text.buf[--text.len] = '\0';
	return mb_str_take(&text);
}

static int read_onbuild(const char *rest, char escape, struct mb_dockerfile_instruction *ret,
                        struct mb_err *err)
{
	size_t n = strcspn(rest, " \t\v\f\r");
	struct mb_dockerfile_line line = {
		.keyword = mb_strndup(rest, n),
		.rest = mb_strdup(rest + n + strspn(rest + n, " \t\v\f\r"))};
	struct mb_dockerfile_instruction trigger = {0};
	enum mb_dockerfile_kind kind;
	int r = 0;

	if (*rest)
		r = mb_dockerfile_kind_find(line.keyword, &kind, err);
	if (*rest && r == 0) {
		if (kind == MB_DOCKERFILE_ONBUILD)
			r = mb_fail(err, EINVAL,
			            "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
		else if (kind == MB_DOCKERFILE_FROM || kind == MB_DOCKERFILE_MAINTAINER)
			r = mb_fail(err, EINVAL, "%s isn't allowed as an ONBUILD trigger",
			            rules[kind].name);
		else
			r = mb_dockerfile_instruction_read(&line, escape, &trigger, err);
		if (r == 0)
			mb_strv_take(&ret->args, with_heredocs(rest, ret));
	}
	mb_dockerfile_instruction_done(&trigger);
	mb_dockerfile_line_done(&line);
	return r;
}

/* --- one instruction ------------------------------------------------------------------------- */

static int check_count(const struct mb_dockerfile_instruction *in, struct mb_err *err)
{
	const struct rule *rule = &rules[in->kind];
	size_t n = in->args.n;

	if (in->kind == MB_DOCKERFILE_FROM && n != 1 && n != 3)
		return mb_fail(err, EINVAL, "FROM requires either one or three arguments");
	if ((in->kind == MB_DOCKERFILE_COPY || in->kind == MB_DOCKERFILE_ADD) && n < 2)
		return mb_fail(err, EINVAL,
		               n ? "%s requires at least two arguments, but only one was provided. "
		                   "Destination could not be determined"
		                 : "%s requires at least two arguments",
		               rule->name);
	if (n < rule->least)
		return mb_fail(err, EINVAL, "%s requires %s one argument", rule->name,
		               rule->most ? "exactly" : "at least");
	return 0;
}

/* "RUN --mount=... make": the keyword in capitals and what followed it. */
static char *whole_text(enum mb_dockerfile_kind kind, const char *rest)
{
	return mb_asprintf("%s%s%s", rules[kind].name, *rest ? " " : "", rest);
}

int mb_dockerfile_instruction_read(struct mb_dockerfile_line *line, char escape,
                                   struct mb_dockerfile_instruction *ret, struct mb_err *err)
{
	struct mb_dockerfile_instruction in = {.span = line->span};
	const char *rest = line->rest;
	int r = mb_dockerfile_kind_find(line->keyword, &in.kind, err);

	if (r < 0)
		return r;
	in.keyword = mb_strdup(line->keyword);
	in.text = whole_text(in.kind, line->rest);
	in.heredocs = mb_take_ptr(&line->heredocs);
	in.n_heredocs = line->n_heredocs;
	line->n_heredocs = 0;
	r = mb_dockerfile_flags_read(in.kind, escape, &rest, &in, err);
	if (r == 0)
		r = rules[in.kind].read(rest, escape, &in, err);
	if (r == 0)
		r = check_count(&in, err);
	if (r < 0)
		mb_dockerfile_instruction_done(&in);
	else
		*ret = in;
	return r;
}

int mb_dockerfile_instruction_parse(const char *text, bool is_trigger,
                                    struct mb_dockerfile_instruction *ret, struct mb_err *err)
{
	struct mb_dockerfile_reader reader = {
		.p = text, .end = text + strlen(text), .line = 1, .escape = '\\'};
	struct mb_dockerfile_line line = {0};
	struct mb_dockerfile_instruction in = {0};
	int r = mb_dockerfile_read_line(&reader, &line, err);

	if (r == 1)
		r = mb_fail(err, EINVAL, "an empty instruction");
	if (r == 0)
		r = mb_dockerfile_instruction_read(&line, '\\', &in, err);
	if (r == 0 && is_trigger &&
	    (in.kind == MB_DOCKERFILE_FROM || in.kind == MB_DOCKERFILE_ONBUILD ||
	     in.kind == MB_DOCKERFILE_MAINTAINER))
		r = mb_fail(err, EINVAL, "%s isn't allowed as an ONBUILD trigger",
		            rules[in.kind].name);
	if (r < 0)
		mb_dockerfile_instruction_done(&in);
	else
		*ret = in;
	mb_dockerfile_line_done(&line);
	return r;
}

void mb_dockerfile_instruction_done(struct mb_dockerfile_instruction *in)
{
	free(in->keyword);
	free(in->text);
	mb_strv_done(&in->args);
	for (size_t i = 0; i < in->n_flags; i++) {
		free(in->flags[i].name);
		free(in->flags[i].value);
	}
	free(in->flags);
	for (size_t i = 0; i < in->n_heredocs; i++)
		mb_dockerfile_heredoc_done(&in->heredocs[i]);
	free(in->heredocs);
	*in = (struct mb_dockerfile_instruction){0};
}
