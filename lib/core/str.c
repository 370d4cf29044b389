/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/own.h"
#include "core/utf8.h"

void mb_str_done(struct mb_str *s)
{
	free(s->buf);
	*s = MB_STR_INIT;
}

void mb_str_reset(struct mb_str *s)
{
	s->len = 0;
	if (s->buf)
		s->buf[0] = '\0';
}

void mb_str_reserve(struct mb_str *s, size_t more)
{
	size_t need;

	if (__builtin_add_overflow(s->len, more, &need) || __builtin_add_overflow(need, 1, &need))
		mb_oom();
	if (need <= s->cap)
		return;
	if (need < 2 * s->cap)
		need = 2 * s->cap;
	if (need < 64)
		need = 64;
	s->buf = mb_realloc(s->buf, need);
	s->cap = need;
	s->buf[s->len] = '\0';
}

void mb_str_addn(struct mb_str *s, const void *bytes, size_t n)
{
	mb_str_reserve(s, n);
	if (n)
		memcpy(s->buf + s->len, bytes, n);
	s->len += n;
	s->buf[s->len] = '\0';
}

void mb_str_add(struct mb_str *s, const char *text)
{
	mb_str_addn(s, text, strlen(text));
}

void mb_str_addc(struct mb_str *s, char c)
{
	mb_str_addn(s, &c, 1);
}

void mb_str_addv(struct mb_str *s, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		mb_oom();
	mb_str_reserve(s, (size_t)n);
	vsnprintf(s->buf + s->len, (size_t)n + 1, fmt, ap);
	s->len += (size_t)n;
}

void mb_str_addf(struct mb_str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	mb_str_addv(s, fmt, ap);
	va_end(ap);
}

const char *mb_str_text(const struct mb_str *s)
{
	return s->buf ? s->buf : "";
}

char *mb_str_take(struct mb_str *s)
{
	char *buf;

	mb_str_reserve(s, 0);
	buf = s->buf;
	*s = MB_STR_INIT;
	return buf;
}

const char *mb_skip_prefix(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s && strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

bool mb_starts_with(const char *s, const char *prefix)
{
	return mb_skip_prefix(s, prefix) != NULL;
}

bool mb_ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool mb_streq(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

char *mb_printable(const char *s)
{
	struct mb_str out = MB_STR_INIT;
	size_t left = strlen(s);

	while (left) {
		uint32_t c;
		size_t n = mb_utf8_decode(s, left, &c);
		size_t take = n ? n : 1;

		if (n && !mb_utf8_moves_terminal(c))
			mb_str_addn(&out, s, n);
		else
			for (size_t i = 0; i < take; i++)
				mb_str_addf(&out, "\\x%02x", (unsigned char)s[i]);
		s += take;
		left -= take;
	}
	return mb_str_take(&out);
}

char *mb_redact(const char *s)
{
	struct mb_str out = MB_STR_INIT;
	const char *mark;

	while ((mark = strstr(s, "://"))) {
		const char *host = mark + strlen("://");
		const char *at = memrchr(host, '@', strcspn(host, "/\n"));

		mb_str_addn(&out, s, (size_t)(host - s));
		if (at)
			mb_str_add(&out, "xxxxx");
		s = at ? at : host;
	}
	mb_str_add(&out, s);
	return mb_str_take(&out);
}
