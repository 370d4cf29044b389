/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/chmod.h"

#include <errno.h>
#include <string.h>

#include "core/parse.h"

enum { UMASK = 022 }; /* of "+w" without a who, as chmod(1) has it */

/* Bits of who: its rwx and its own special bit. */
static uint32_t bits_of(char who)
{
	return who == 'u' ? 04700 : who == 'g' ? 02070 : who == 'o' ? 01007 : 07777;
}

static const char *read_bits(const char *s, struct mb_build_chmod_action *a)
{
	for (; *s && strchr("rwxXst", *s); s++)
		switch (*s) {
		case 'r':
			a->bits |= 0444;
			break;
		case 'w':
			a->bits |= 0222;
			break;
		case 'x':
			a->bits |= 0111;
			break;
		case 'X':
			a->is_big_x = true;
			break;
		case 's':
			a->bits |= 06000;
			break;
		default:
			a->bits |= 01000;
			break;
		}
	return s;
}

/* "u=rwX", "go-w", "+x", "g=u", "u+r-w". */
static const char *read_clause(const char *s, struct mb_build_chmod *ret)
{
	uint32_t who = 0;

	for (; *s && strchr("ugoa", *s); s++)
		who |= bits_of(*s);
	if (!*s || !strchr("+-=", *s))
		return NULL;
	while (*s && strchr("+-=", *s)) {
		struct mb_build_chmod_action *a = &ret->v[ret->n];

		if (ret->n == MB_BUILD_CHMOD_MAX)
			return NULL;
		ret->n++;
		*a = (struct mb_build_chmod_action){.op = *s, .who = who ? who : 07777u & ~UMASK};
		s++;
		if (*s && strchr("ugo", *s))
			a->copy = *s++;
		else
			s = read_bits(s, a);
	}
	return s;
}

int mb_build_chmod_parse(const char *text, struct mb_build_chmod *ret)
{
	*ret = (struct mb_build_chmod){.is_plain = true};
	if (mb_parse_mode(text, &ret->mode) == 0)
		return 0;
	ret->is_plain = false;
	for (const char *s = text;; s++) {
		s = read_clause(s, ret);
		if (!s || (*s && *s != ','))
			return -EINVAL;
		if (!*s)
			return 0;
	}
}

static uint32_t spread(char from, uint32_t mode)
{
	uint32_t three = (from == 'u' ? mode >> 6 : from == 'g' ? mode >> 3 : mode) & 7;

	return three << 6 | three << 3 | three;
}

uint32_t mb_build_chmod_apply(const struct mb_build_chmod *chmod, uint32_t mode, bool is_directory)
{
	if (chmod->is_plain)
		return chmod->mode;
	for (unsigned i = 0; i < chmod->n; i++) {
		const struct mb_build_chmod_action *a = &chmod->v[i];
		uint32_t bits = a->copy ? spread(a->copy, mode) : a->bits;

		if (a->is_big_x && (is_directory || mode & 0111))
			bits |= 0111;
		bits &= a->who;
		if (a->op == '+')
			mode |= bits;
		else if (a->op == '-')
			mode &= ~bits;
		else /* set-id bits of directories stay, as chmod(1) leaves them */
			mode = (mode & ~(a->who & (is_directory ? 01777 : 07777))) | bits;
	}
	return mode;
}
