/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dockerfile/expand.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "dockerfile/pattern.h"

enum { MAX_DEPTH = 32 };

/* Where the result goes: as one text, and as words when those are wanted. */
struct sink {
	struct mb_str text, word;
	struct mb_strv *words;
	bool in_word;
};

struct walk {
	const struct mb_dockerfile_scope *scope;
	const char *p;
	unsigned depth;
	struct mb_err *err;
};

static int until(struct walk *w, char stop, bool keeps_escapes, struct sink *out);

static void sink_done(struct sink *s)
{
	mb_str_done(&s->text);
	mb_str_done(&s->word);
}
#define AUTO_SINK __attribute__((cleanup(sink_done)))

static void end_word(struct sink *out)
{
	if (out->words && out->in_word)
		mb_strv_take(out->words, mb_str_take(&out->word));
	out->in_word = false;
}

/* @holds: blanks among the bytes are part of the word. */
static void put(struct sink *out, const char *s, size_t n, bool holds)
{
	mb_str_addn(&out->text, s, n);
	if (!out->words)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!holds && isspace((unsigned char)s[i])) {
			end_word(out);
			continue;
		}
		mb_str_addc(&out->word, s[i]);
		out->in_word = true;
	}
	if (holds)
		out->in_word = true;
}

static const char *find(const struct walk *w, const char *name)
{
	return w->scope->find(w->scope->arg, name);
}

/* A name, a number, or one of the shell's special parameters; "" when none stands here. */
static char *take_name(struct walk *w)
{
	const char *start = w->p;

	if (isdigit((unsigned char)*w->p)) {
		while (isdigit((unsigned char)*w->p))
			w->p++;
	} else if (*w->p && strchr("@*#?-$!", *w->p)) {
		w->p++;
	} else {
		while (isalnum((unsigned char)*w->p) || *w->p == '_')
			w->p++;
	}
	return mb_strndup(start, (size_t)(w->p - start));
}

/* The part of ${} up to @stop, itself expanded. */
static int take_part(struct walk *w, char stop, bool keeps_escapes, char **ret)
{
	AUTO_SINK struct sink part = {0};
	int r = until(w, stop, keeps_escapes, &part);

	if (r == 0)
		*ret = mb_str_take(&part.text);
	return r;
}

static int put_bounded(struct walk *w, struct sink *out, const char *value, bool holds)
{
	size_t n = strlen(value);

	if (out->text.len + n > MB_DOCKERFILE_MAX_EXPANDED)
		return mb_fail(w->err, E2BIG, "more than %d bytes after substitution",
		               MB_DOCKERFILE_MAX_EXPANDED);
	put(out, value, n, holds);
	return 0;
}

static int trim(struct walk *w, char op, const char *value, char **ret)
{
	MB_AUTO_FREE char *pattern = NULL;
	bool longest = *w->p == op;
	int r;

	if (longest)
		w->p++;
	r = take_part(w, '}', true, &pattern);
	if (r < 0)
		return r;
	return mb_dockerfile_pattern_trim(pattern, value ? value : "", op == '%', longest, ret,
	                                  w->err);
}

static int replace(struct walk *w, const char *value, char **ret)
{
	MB_AUTO_FREE char *pattern = NULL, *with = NULL;
	bool every = *w->p == '/';
	int r;

	if (every)
		w->p++;
	r = take_part(w, '/', true, &pattern);
	if (r == 0)
		r = take_part(w, '}', false, &with);
	if (r < 0)
		return r;
	return mb_dockerfile_pattern_replace(pattern, value ? value : "", with, every, ret, w->err);
}

/* ${NAME:-word} and its kin: @op is one of - + ?. */
static int choose(struct walk *w, char op, bool empty_is_unset, const char *name, const char *value,
                  char **ret)
{
	MB_AUTO_FREE char *word = NULL;
	bool is_set = value && !(empty_is_unset && !*value);
	int r = take_part(w, '}', false, &word);

	if (r < 0)
		return r;
	if (op == '?' && !is_set)
		return mb_fail(w->err, EINVAL, "%s: %s", name,
		               *word   ? word
		               : value ? "is not allowed to be empty"
		                       : "is not allowed to be unset");
	if (op == '+')
		*ret = mb_strdup(is_set ? word : "");
	else
		*ret = mb_strdup(is_set ? value : word);
	return 0;
}

/* w->p stands behind "${". */
static int braces(struct walk *w, char **ret)
{
	MB_AUTO_FREE char *name = NULL;
	const char *value, *op;

	if (!*w->p)
		return mb_fail(w->err, EINVAL, "syntax error: missing '}'");
	if (strchr("{}:", *w->p))
		return mb_fail(w->err, EINVAL, "syntax error: bad substitution");
	name = take_name(w);
	value = find(w, name);
	op = w->p;
	if (!*op)
		return mb_fail(w->err, EINVAL, "syntax error: missing '}'");
	w->p++;
	switch (*op) {
	case '}':
		*ret = mb_strdup(value ? value : "");
		return 0;
	case '#':
	case '%':
		return trim(w, *op, value, ret);
	case '/':
		return replace(w, value, ret);
	case '-':
	case '+':
	case '?':
		return choose(w, *op, false, name, value, ret);
	case ':':
		if (*w->p && strchr("-+?", *w->p))
			return choose(w, *w->p++, true, name, value, ret);
		break;
	default:
		break;
	}
	return mb_fail(w->err, EINVAL, "unsupported modifier (%.*s) in substitution",
	               *op == ':' && op[1] ? 2 : 1, op);
}

static int dollar(struct walk *w, struct sink *out, bool holds)
{
	MB_AUTO_FREE char *value = NULL;
	int r = 0;

	w->p++;
	if (*w->p == '{') {
		w->p++;
		if (++w->depth > MAX_DEPTH)
			return mb_fail(w->err, EINVAL, "${} nested more than %d deep", MAX_DEPTH);
		r = braces(w, &value);
		w->depth--;
	} else {
		MB_AUTO_FREE char *name = take_name(w);
		const char *found = *name ? find(w, name) : "$";

		value = mb_strdup(found ? found : "");
	}
	return r < 0 ? r : put_bounded(w, out, value, holds);
}

static int single_quotes(struct walk *w, struct sink *out)
{
	const char *end = strchr(w->p + 1, '\'');
	bool stay = w->scope->quotes_stay;

	if (!end)
		return mb_fail(
			w->err, EINVAL,
			"unexpected end of statement while looking for matching single-quote");
	put(out, stay ? w->p : w->p + 1, (size_t)(end - w->p) - 1 + (stay ? 2 : 0), true);
	w->p = end + 1;
	return 0;
}

static int double_quotes(struct walk *w, bool keeps_escapes, struct sink *out)
{
	char escape = w->scope->escape;
	int r = 0;

	put(out, w->p, w->scope->quotes_stay ? 1 : 0, true);
	for (w->p++; *w->p && *w->p != '"' && r == 0;) {
		if (*w->p == '$') {
			r = dollar(w, out, true);
			continue;
		}
		if (*w->p == escape && !w->p[1]) {
			w->p++; /* and the quote is not closed */
			continue;
		}
		if (*w->p == escape && (strchr("\"$", w->p[1]) || w->p[1] == escape)) {
			if (keeps_escapes)
				put(out, w->p, 1, true);
			w->p++;
		}
		put(out, w->p++, 1, true);
	}
	if (r < 0)
		return r;
	if (!*w->p)
		return mb_fail(
			w->err, EINVAL,
			"unexpected end of statement while looking for matching double-quote");
	put(out, w->p++, w->scope->quotes_stay ? 1 : 0, true);
	return 0;
}

/* Up to @stop, which is passed; 0: to the end. */
static int until(struct walk *w, char stop, bool keeps_escapes, struct sink *out)
{
	bool has_quotes = !w->scope->quotes_are_plain;
	int r = 0;

	while (r == 0 && *w->p && (!stop || *w->p != stop)) {
		if (out->text.len > MB_DOCKERFILE_MAX_EXPANDED)
			return mb_fail(w->err, E2BIG, "more than %d bytes after substitution",
			               MB_DOCKERFILE_MAX_EXPANDED);
		if (*w->p == '$') {
			r = dollar(w, out, false);
		} else if (*w->p == '\'' && has_quotes) {
			r = single_quotes(w, out);
		} else if (*w->p == '"' && has_quotes) {
			r = double_quotes(w, keeps_escapes, out);
		} else if (*w->p == w->scope->escape) {
			if (keeps_escapes)
				put(out, w->p, 1, true);
			if (*++w->p)
				put(out, w->p++, 1, true);
		} else {
			put(out, w->p++, 1, false);
		}
	}
	if (r == 0 && stop && !*w->p)
		return mb_fail(w->err, EINVAL, "syntax error: missing '%c'%s", stop,
		               stop == '/' ? " in ${}" : "");
	if (stop && *w->p)
		w->p++;
	return r;
}

static int expand(const struct mb_dockerfile_scope *scope, const char *text, struct sink *out,
                  struct mb_err *err)
{
	struct walk w = {.scope = scope, .p = text, .err = err};
	int r = until(&w, '\0', scope->quotes_stay, out);

	return r < 0 ? mb_wrap(err, r, "failed to process \"%.200s\"", text) : 0;
}

int mb_dockerfile_expand(const struct mb_dockerfile_scope *scope, const char *text, char **ret,
                         struct mb_err *err)
{
	AUTO_SINK struct sink out = {0};
	int r = expand(scope, text, &out, err);

	if (r == 0)
		*ret = mb_str_take(&out.text);
	return r;
}

int mb_dockerfile_expand_words(const struct mb_dockerfile_scope *scope, const char *text,
                               struct mb_strv *out, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	AUTO_SINK struct sink sink = {.words = &words};
	int r = expand(scope, text, &sink, err);

	if (r == 0) {
		end_word(&sink);
		mb_strv_add_all(out, &words);
	}
	return r;
}
