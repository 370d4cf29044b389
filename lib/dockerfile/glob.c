/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dockerfile/glob.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"

enum { MAX_GLOB = 8192 };

enum kind {
	LITERAL,
	ONE,   /* ? */
	RUN,   /* * */
	DEEP,  /* ** at an end */
	ENTRY, /* a double star and a slash: nothing at all, or go INSIDE */
	INSIDE,
	CLASS,
};

struct mb_dockerfile_glob_piece {
	enum kind kind;
	char byte;
	uint8_t set[32]; /* CLASS: a bit for each byte */
};

bool mb_dockerfile_glob_is_pattern(const char *s)
{
	return strpbrk(s, "*?[\\") != NULL;
}

void mb_dockerfile_glob_done(struct mb_dockerfile_glob *glob)
{
	free(glob->v);
	*glob = (struct mb_dockerfile_glob){0};
}

static void set_range(uint8_t *set, unsigned char from, unsigned char to)
{
	for (unsigned c = from; c <= to; c++)
		set[c / 8] |= (uint8_t)(1 << c % 8);
}

/* One byte of a class, which a backslash may precede.  Return: whether there is one. */
static bool take_byte(const char **s, unsigned char *ret)
{
	if (**s == '\\')
		(*s)++;
	if (!**s)
		return false;
	*ret = (unsigned char)*(*s)++;
	return true;
}

/* *@s stands behind '['.  Return: whether the class is whole. */
static bool parse_class(const char **s, struct mb_dockerfile_glob_piece *ret)
{
	bool negated = **s == '^' || **s == '!', is_first = true;

	ret->kind = CLASS;
	*s += negated;
	for (; **s != ']' || is_first; is_first = false) {
		unsigned char from, to;

		if (!take_byte(s, &from))
			return false;
		to = from;
		if (**s == '-' && (*s)[1] != ']') {
			(*s)++;
			if (!take_byte(s, &to))
				return false;
		}
		set_range(ret->set, from, to);
	}
	(*s)++;
	for (size_t i = 0; negated && i < sizeof(ret->set); i++)
		ret->set[i] = (uint8_t)~ret->set[i];
	ret->set['/' / 8] &= (uint8_t) ~(1 << '/' % 8);
	return true;
}

int mb_dockerfile_glob_parse(const char *pattern, bool is_deep, struct mb_dockerfile_glob *ret,
                             struct mb_err *err)
{
	struct mb_dockerfile_glob glob = {0};
	size_t len = strlen(pattern);

	if (len > MAX_GLOB)
		return mb_fail(err, E2BIG, "a pattern of more than %d bytes", MAX_GLOB);
	glob.v = mb_calloc(len + 1, sizeof(*glob.v));
	for (const char *s = pattern; *s;) {
		struct mb_dockerfile_glob_piece *piece = &glob.v[glob.n++];
		bool whole = true;

		piece->byte = *s;
		if (is_deep && s[0] == '*' && s[1] == '*') {
			s += strspn(s, "*");
			piece->kind = *s == '/' ? ENTRY : DEEP;
			if (*s == '/') {
				glob.v[glob.n++].kind = INSIDE;
				s++;
			}
		} else if (*s == '[') {
			s++;
			whole = parse_class(&s, piece);
		} else if (*s == '\\') {
			piece->byte = s[1];
			whole = s[1] != '\0';
			s += 2;
		} else {
			piece->kind = *s == '*' ? RUN : *s == '?' ? ONE : LITERAL;
			s++;
		}
		if (!whole) {
			mb_dockerfile_glob_done(&glob);
			return mb_fail(err, EINVAL, "syntax error in pattern '%s'", pattern);
		}
	}
	*ret = glob;
	return 0;
}

/* Whether the piece takes @c; *@ret_next is where the match then goes on, besides staying. */
static bool takes(const struct mb_dockerfile_glob_piece *p, char c, bool *ret_stays,
                  bool *ret_goes_on)
{
	unsigned char u = (unsigned char)c;

	*ret_stays = false;
	*ret_goes_on = true;
	switch (p->kind) {
	case LITERAL:
		return p->byte == c;
	case ONE:
		return c != '/';
	case CLASS:
		return p->set[u / 8] & 1 << u % 8;
	case RUN:
		*ret_stays = true;
		*ret_goes_on = false;
		return c != '/';
	case DEEP:
		*ret_stays = true;
		*ret_goes_on = false;
		return true;
	case ENTRY:
	case INSIDE:
		*ret_stays = p->kind == INSIDE;
		*ret_goes_on = c == '/' || p->kind == ENTRY;
		return true;
	}
	return false;
}

bool mb_dockerfile_glob_matches(const struct mb_dockerfile_glob *glob, const char *path, size_t n)
{
	MB_AUTO_FREE bool *now = mb_calloc(glob->n + 3, 1), *next = mb_calloc(glob->n + 3, 1);
	bool alive = true, *swap;

	now[0] = true;
	for (size_t at = 0; alive; at++) {
		for (size_t i = 0; i < glob->n; i++) { /* what may be nothing at all */
			enum kind kind = glob->v[i].kind;

			if (now[i] && (kind == RUN || kind == DEEP))
				now[i + 1] = true;
			if (now[i] && kind == ENTRY)
				now[i + 2] = true;
		}
		if (at == n)
			return now[glob->n];
		memset(next, 0, glob->n + 3);
		alive = false;
		for (size_t i = 0; i < glob->n; i++) {
			bool stays, goes_on;

			if (!now[i] || !takes(&glob->v[i], path[at], &stays, &goes_on))
				continue;
			alive = true;
			next[i] |= stays;
			next[i + 1] |= goes_on;
			/* A folder of one slash alone is passed from the entry too. */
			next[i + 2] |= glob->v[i].kind == ENTRY && path[at] == '/';
		}
		swap = now;
		now = next;
		next = swap;
	}
	return false;
}
