/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flags of instructions: "--from=build" in front of the words. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "dockerfile/parse.h"

enum shape { VALUE, SWITCH, LIST };

static const struct known {
	enum mb_dockerfile_kind kind;
	const char *name;
	enum shape shape;
} known[] = {
	{MB_DOCKERFILE_ADD, "checksum", VALUE},
	{MB_DOCKERFILE_ADD, "chmod", VALUE},
	{MB_DOCKERFILE_ADD, "chown", VALUE},
	{MB_DOCKERFILE_ADD, "exclude", LIST},
	{MB_DOCKERFILE_ADD, "keep-git-dir", SWITCH},
	{MB_DOCKERFILE_ADD, "link", SWITCH},
	{MB_DOCKERFILE_ADD, "unpack", SWITCH},
	{MB_DOCKERFILE_COPY, "chmod", VALUE},
	{MB_DOCKERFILE_COPY, "chown", VALUE},
	{MB_DOCKERFILE_COPY, "exclude", LIST},
	{MB_DOCKERFILE_COPY, "from", VALUE},
	{MB_DOCKERFILE_COPY, "link", SWITCH},
	{MB_DOCKERFILE_COPY, "parents", SWITCH},
	{MB_DOCKERFILE_FROM, "platform", VALUE},
	{MB_DOCKERFILE_HEALTHCHECK, "interval", VALUE},
	{MB_DOCKERFILE_HEALTHCHECK, "retries", VALUE},
	{MB_DOCKERFILE_HEALTHCHECK, "start-interval", VALUE},
	{MB_DOCKERFILE_HEALTHCHECK, "start-period", VALUE},
	{MB_DOCKERFILE_HEALTHCHECK, "timeout", VALUE},
	{MB_DOCKERFILE_RUN, "device", LIST},
	{MB_DOCKERFILE_RUN, "mount", LIST},
	{MB_DOCKERFILE_RUN, "network", VALUE},
	{MB_DOCKERFILE_RUN, "security", VALUE},
};

/* One word as it is written: quotes group and go, the escape takes the next byte. */
static const char *take_word(const char *s, char escape, struct mb_str *out)
{
	char quote = 0;

	for (; *s && (quote || !isspace((unsigned char)*s)); s++) {
		if (*s == escape && s[1])
			mb_str_addc(out, *++s);
		else if (quote ? *s == quote : (*s == '"' || *s == '\''))
			quote = quote ? 0 : *s;
		else
			mb_str_addc(out, *s);
	}
	return s;
}

static const struct known *find_known(enum mb_dockerfile_kind kind, const char *name)
{
	for (size_t i = 0; i < MB_N(known); i++)
		if (known[i].kind == kind && strcmp(known[i].name, name) == 0)
			return &known[i];
	return NULL;
}

static int tell_unknown(enum mb_dockerfile_kind kind, const char *name, struct mb_err *err)
{
	const char *names[MB_N(known) + 1] = {0}, *meant;
	size_t n = 0;

	for (size_t i = 0; i < MB_N(known); i++)
		if (known[i].kind == kind)
			names[n++] = known[i].name;
	meant = mb_dockerfile_nearest(name, names);
	return mb_fail(err, EINVAL, "unknown flag: --%s%s%s%s", name,
	               meant ? " (did you mean " : "", meant ? meant : "", meant ? "?)" : "");
}

static int add_flag(enum mb_dockerfile_kind kind, const char *word,
                    struct mb_dockerfile_instruction *ret, struct mb_err *err)
{
	const char *equals = strchr(word, '=');
	MB_AUTO_FREE char *name =
		equals ? mb_strndup(word, (size_t)(equals - word)) : mb_strdup(word);
	const struct known *k = find_known(kind, name);
	struct mb_dockerfile_flag *flag;
	bool on = true;

	if (!k)
		return tell_unknown(kind, name, err);
	if (k->shape != SWITCH && !equals)
		return mb_fail(err, EINVAL, "missing a value on flag: --%s", name);
	if (k->shape == SWITCH && equals && mb_parse_bool(equals + 1, &on) < 0)
		return mb_fail(err, EINVAL, "expecting boolean value for flag --%s, not: %s", name,
		               equals + 1);
	if (k->shape != LIST && mb_dockerfile_flag_find(ret, name))
		return mb_fail(err, EINVAL, "duplicate flag specified: --%s", name);
	ret->flags = mb_realloc(ret->flags, (ret->n_flags + 1) * sizeof(*ret->flags));
	flag = &ret->flags[ret->n_flags++];
	flag->name = mb_take_ptr(&name);
	flag->value = mb_strdup(k->shape == SWITCH ? (on ? "true" : "false") : equals + 1);
	return 0;
}

int mb_dockerfile_flags_read(enum mb_dockerfile_kind kind, char escape, const char **rest,
                             struct mb_dockerfile_instruction *ret, struct mb_err *err)
{
	const char *s = *rest;

	for (;;) {
		MB_AUTO_STR struct mb_str word = MB_STR_INIT;
		int r;

		while (isspace((unsigned char)*s))
			s++;
		if (!mb_starts_with(s, "--")) {
			*rest = s;
			return 0;
		}
		s = take_word(s, escape, &word);
		if (strcmp(mb_str_text(&word), "--") == 0) {
			while (isspace((unsigned char)*s))
				s++;
			*rest = s;
			return 0;
		}
		r = add_flag(kind, mb_str_text(&word) + 2, ret, err);
		if (r < 0)
			return r;
	}
}

const char *mb_dockerfile_flag_find(const struct mb_dockerfile_instruction *instruction,
                                    const char *name)
{
	for (size_t i = instruction->n_flags; i-- > 0;)
		if (strcmp(instruction->flags[i].name, name) == 0)
			return instruction->flags[i].value;
	return NULL;
}

bool mb_dockerfile_flag_is_set(const struct mb_dockerfile_instruction *instruction,
                               const char *name)
{
	return mb_streq(mb_dockerfile_flag_find(instruction, name), "true");
}
