/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/str.h — a growing byte string, always NUL-terminated.
 *
 * Invariants: buf is never NULL after any call and buf[len] == '\0'.  A zeroed struct
 * (MB_STR_INIT) is a valid empty string.  Content may hold NUL bytes; len counts.
 */
#ifndef MB_CORE_STR_H
#define MB_CORE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct mb_str {
	char *buf; /* owned; NULL only before first use */
	size_t len, cap;
};
#define MB_STR_INIT ((struct mb_str){0})
#define MB_AUTO_STR __attribute__((cleanup(mb_str_done)))

void mb_str_done(struct mb_str *s);  /* frees; s is MB_STR_INIT again */
void mb_str_reset(struct mb_str *s); /* empty, memory kept */
void mb_str_reserve(struct mb_str *s, size_t more);
void mb_str_add(struct mb_str *s, const char *text);
void mb_str_addn(struct mb_str *s, const void *bytes, size_t n);
void mb_str_addc(struct mb_str *s, char c);
void mb_str_addf(struct mb_str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mb_str_addv(struct mb_str *s, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
/* The text; "" when empty.  Borrowed, valid until the next change. */
const char *mb_str_text(const struct mb_str *s);
/* Hand the buffer over (never NULL, free() it); s is empty after. */
char *mb_str_take(struct mb_str *s);

bool mb_starts_with(const char *s, const char *prefix);
bool mb_ends_with(const char *s, const char *suffix);
/* What follows @prefix in @s, or NULL; a NULL @s begins with nothing. */
const char *mb_skip_prefix(const char *s, const char *prefix);
bool mb_streq(const char *a, const char *b); /* NULL equals NULL only */
/* A copy of @s in which every byte that could move a terminal (C0, C1, DEL, bidi controls,
 * invalid UTF-8) stands as \xNN.  Caller frees. */
char *mb_printable(const char *s);
/* A copy of @s in which no address tells a user or a password: "https://xxxxx@host/".  Caller
 * frees. */
char *mb_redact(const char *s);

#endif
