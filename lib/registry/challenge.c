/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "registry/challenge.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/own.h"
#include "core/str.h"

enum { MAX_TEXT = 16 * 1024, MAX_PARAMS = 64 };

void mb_registry_challenge_done(struct mb_registry_challenge *challenge)
{
	mb_kv_done(&challenge->params);
	challenge->scheme = MB_REGISTRY_NO_SCHEME;
}

static size_t token_length(const char *s)
{
	size_t n = 0;

	while ((isalnum((unsigned char)s[n]) && (unsigned char)s[n] < 0x80) ||
	       (s[n] && strchr("!#$%&'*+-.^_`|~/:", s[n])))
		n++;
	return n;
}

static const char *skip_blank(const char *s)
{
	return s + strspn(s, " \t");
}

static const char *skip_separators(const char *s)
{
	return s + strspn(s, " \t,");
}

/* A quoted string or a token; NULL when it is neither. */
static const char *read_value(const char *s, struct mb_str *out)
{
	size_t n;

	if (*s != '"') {
		n = token_length(s);
		mb_str_addn(out, s, n);
		return n ? s + n : NULL;
	}
	for (s++; *s && *s != '"'; s++) {
		if (*s == '\\' && s[1])
			s++;
		mb_str_addc(out, *s);
	}
	return *s == '"' ? s + 1 : NULL;
}

/* name=value at @s?  Return: what follows; @s itself when there is none; NULL when malformed. */
static const char *read_param(const char *s, struct mb_kv *params)
{
	MB_AUTO_FREE char *name = NULL;
	MB_AUTO_STR struct mb_str value = MB_STR_INIT;
	size_t n = token_length(s);
	const char *p = skip_blank(s + n);

	if (n == 0 || *p != '=')
		return s;
	p = read_value(skip_blank(p + 1), &value);
	if (!p || params->n == MAX_PARAMS)
		return NULL;
	name = mb_strndup(s, n);
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	/* The first one counts: a second cannot change what was checked. */
	if (!mb_kv_find(params, name))
		mb_kv_set(params, name, mb_str_text(&value));
	return p;
}

static enum mb_registry_scheme scheme_of(const char *s, size_t n)
{
	if (n == strlen("bearer") && strncasecmp(s, "bearer", n) == 0)
		return MB_REGISTRY_BEARER;
	return n == strlen("basic") && strncasecmp(s, "basic", n) == 0 ? MB_REGISTRY_BASIC
	                                                               : MB_REGISTRY_NO_SCHEME;
}

/* Is @found worth more than @best? */
static bool is_better(const struct mb_registry_challenge *found,
                      const struct mb_registry_challenge *best)
{
	if (found->scheme == MB_REGISTRY_BEARER && !mb_kv_find(&found->params, "realm"))
		return false;
	return found->scheme > best->scheme;
}

static const char *read_params(const char *s, struct mb_kv *params)
{
	for (;;) {
		const char *next = read_param(s, params);

		if (!next || next == s)
			return next;
		s = skip_separators(next);
	}
}

int mb_registry_challenge_parse(const char *text, struct mb_registry_challenge *ret)
{
	struct mb_registry_challenge best = {0};
	const char *s = skip_separators(text);

	if (strlen(text) > MAX_TEXT)
		return -EBADMSG;
	while (*s) {
		struct mb_registry_challenge found = {0};
		size_t n = token_length(s);

		found.scheme = scheme_of(s, n);
		s = n ? read_params(skip_blank(s + n), &found.params) : NULL;
		if (s && is_better(&found, &best)) {
			struct mb_registry_challenge old = best;

			best = found;
			found = old;
		}
		mb_registry_challenge_done(&found);
		if (!s)
			break;
		s = skip_separators(s);
	}
	if (!s || best.scheme == MB_REGISTRY_NO_SCHEME) {
		mb_registry_challenge_done(&best);
		return -EBADMSG;
	}
	*ret = best;
	return 0;
}
