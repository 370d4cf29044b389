/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/template_word.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/utf8.h"
#include "json/json.h"

int mb_format_read_error(struct mb_format_reader *rd, const char *fmt, ...)
{
	MB_AUTO_STR struct mb_str what = MB_STR_INIT;
	MB_AUTO_FREE char *shown = NULL;
	size_t line = 1;
	va_list ap;

	for (const char *p = rd->start; p < rd->p; p++)
		line += *p == '\n';
	va_start(ap, fmt);
	mb_str_addv(&what, fmt, ap);
	va_end(ap);
	shown = mb_printable(mb_str_text(&what));
	return mb_fail(rd->err, EINVAL, "template: :%zu: %s", line, shown);
}

int mb_format_read_unexpected(struct mb_format_reader *rd)
{
	uint32_t c = (unsigned char)*rd->p;
	size_t n = mb_utf8_decode(rd->p, strlen(rd->p), &c);

	if (!*rd->p)
		return mb_format_read_error(rd, "unclosed action");
	if (*rd->p == ')')
		return mb_format_read_error(rd, "unexpected right paren");
	return mb_format_read_error(rd, "bad character U+%04X '%.*s'", (unsigned int)c,
	                            (int)(n ? n : 1), rd->p);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void mb_format_skip_space(struct mb_format_reader *rd)
{
	while (is_space(*rd->p) && !mb_format_at_close(rd))
		rd->p++;
}

/* "}}", or " -}}" seen from its space. */
bool mb_format_at_close(const struct mb_format_reader *rd)
{
	if (rd->p[0] == '}' && rd->p[1] == '}')
		return true;
	return is_space(rd->p[0]) && strncmp(rd->p + 1, "-}}", 3) == 0;
}

int mb_format_read_close(struct mb_format_reader *rd, const char *context)
{
	mb_format_skip_space(rd);
	if (!mb_format_at_close(rd)) {
		if (*rd->p == '\0' || *rd->p == ')')
			return mb_format_read_unexpected(rd);
		return mb_format_read_error(rd, "unexpected '%c' in %s", *rd->p, context);
	}
	rd->trim = *rd->p != '}';
	rd->p += rd->trim ? 4 : 2;
	return 0;
}

static void add_text(struct mb_format_reader *rd, const char *s, size_t len, struct mb_str *out)
{
	for (size_t i = 0; i < len; i++) {
		char next = i + 1 < len ? s[i + 1] : '\0';

		if (rd->escapes && s[i] == '\\' && (next == 't' || next == 'n')) {
			mb_str_addc(out, next == 't' ? '\t' : '\n');
			i++;
		} else {
			mb_str_addc(out, s[i]);
		}
	}
}

bool mb_format_read_text(struct mb_format_reader *rd, struct mb_str *out)
{
	const char *open = strstr(rd->p, "{{"), *begin = rd->p, *end;

	end = open ? open : begin + strlen(begin);
	while (rd->trim && begin < end && is_space(*begin))
		begin++;
	rd->trim = false;
	rd->p = end;
	if (open) {
		rd->p += 2;
		if (rd->p[0] == '-' && is_space(rd->p[1])) {
			rd->p++;
			while (end > begin && is_space(end[-1]))
				end--;
		}
	}
	add_text(rd, begin, (size_t)(end - begin), out);
	return open;
}

bool mb_format_at_comment(const struct mb_format_reader *rd)
{
	const char *p = rd->p;

	while (p > rd->start && p[-1] == '-' && is_space(*p))
		p++;
	return p[0] == '/' && p[1] == '*';
}

int mb_format_skip_comment(struct mb_format_reader *rd)
{
	const char *end = strstr(strstr(rd->p, "/*") + 2, "*/");

	if (!end)
		return mb_format_read_error(rd, "unclosed comment");
	rd->p = end + 2;
	if (!mb_format_at_close(rd))
		return mb_format_read_error(rd, "comment ends before closing delimiter");
	return mb_format_read_close(rd, "comment");
}

bool mb_format_is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

bool mb_format_is_keyword(const char *word)
{
	static const char *const words[] = {"if",    "else",     "end",    "range",    "with",
	                                    "break", "continue", "define", "template", "block"};

	for (size_t i = 0; i < MB_N(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

bool mb_format_accept_word(struct mb_format_reader *rd, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(rd->p, word, len) != 0 || mb_format_is_word(rd->p[len]))
		return false;
	rd->p += len;
	return true;
}

char *mb_format_read_word(struct mb_format_reader *rd)
{
	const char *begin = rd->p;

	while (mb_format_is_word(*rd->p))
		rd->p++;
	return mb_strndup(begin, (size_t)(rd->p - begin));
}

char *mb_format_read_variable(struct mb_format_reader *rd)
{
	const char *begin = rd->p++;

	while (mb_format_is_word(*rd->p))
		rd->p++;
	return mb_strndup(begin, (size_t)(rd->p - begin));
}

void mb_format_reader_drop_vars(struct mb_format_reader *rd, size_t n)
{
	while (rd->vars.n > n) {
		free(rd->vars.v[--rd->vars.n]);
		rd->vars.v[rd->vars.n] = NULL;
	}
}

static void add_utf8(struct mb_str *out, uint32_t c)
{
	if (c < 0x80) {
		mb_str_addc(out, (char)c);
		return;
	}
	if (c < 0x800) {
		mb_str_addc(out, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			mb_str_addc(out, (char)(0xe0 | c >> 12));
		} else {
			mb_str_addc(out, (char)(0xf0 | c >> 18));
			mb_str_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		mb_str_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	mb_str_addc(out, (char)(0x80 | (c & 0x3f)));
}

/* @n digits of @base.  Return: the number, or -1. */
static int64_t read_digits(struct mb_format_reader *rd, int n, int base)
{
	char text[9] = "";
	char *end;
	long value;

	for (int i = 0; i < n; i++) {
		if (!isxdigit((unsigned char)rd->p[i]))
			return -1;
		text[i] = rd->p[i];
	}
	value = strtol(text, &end, base);
	if (*end)
		return -1;
	rd->p += n;
	return value;
}

/* After a backslash. */
static int read_escape(struct mb_format_reader *rd, char quote, struct mb_str *out)
{
	static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
	const char *found = *rd->p ? strchr(from, *rd->p) : NULL;
	int64_t value = -1;

	if (found || *rd->p == quote) {
		mb_str_addc(out, found ? to[found - from] : quote);
		rd->p++;
		return 0;
	}
	if (*rd->p >= '0' && *rd->p <= '7') {
		value = read_digits(rd, 3, 8);
		if (value > 0 && value < 256)
			mb_str_addc(out, (char)value);
	} else if (*rd->p == 'x') {
		rd->p++;
		value = read_digits(rd, 2, 16);
		if (value > 0)
			mb_str_addc(out, (char)value);
	} else if (*rd->p == 'u' || *rd->p == 'U') {
		value = read_digits(rd, *rd->p++ == 'u' ? 4 : 8, 16);
		if (value > 0 && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff))
			add_utf8(out, (uint32_t)value);
		else
			value = -1;
	}
	if (value <= 0 || value > 0x10ffff)
		return mb_format_read_error(rd, "invalid syntax");
	return 0;
}

static int read_quoted(struct mb_format_reader *rd, struct mb_str *out)
{
	char quote = *rd->p++;

	while (*rd->p != quote) {
		int r = 0;

		if (*rd->p == '\0' || *rd->p == '\n')
			return mb_format_read_error(
				rd, quote == '"' ? "unterminated quoted string"
						 : "unterminated character constant");
		if (*rd->p == '\\') {
			rd->p++;
			r = read_escape(rd, quote, out);
		} else {
			mb_str_addc(out, *rd->p++);
		}
		if (r < 0)
			return r;
	}
	rd->p++;
	return 0;
}

static int read_string(struct mb_format_reader *rd, struct json_object **ret)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	bool is_char = *rd->p == '\'';
	uint32_t c;
	int r;

	r = read_quoted(rd, &out);
	if (r < 0)
		return r;
	if (!is_char) {
		*ret = json_object_new_string_len(mb_str_text(&out), (int)out.len);
		return 0;
	}
	if (!out.len || mb_utf8_decode(out.buf, out.len, &c) != out.len)
		return mb_format_read_error(rd, "malformed character constant");
	*ret = json_object_new_int64(c);
	return 0;
}

static int read_raw_string(struct mb_format_reader *rd, struct json_object **ret)
{
	const char *end = strchr(rd->p + 1, '`');

	if (!end)
		return mb_format_read_error(rd, "unterminated raw quoted string");
	*ret = json_object_new_string_len(rd->p + 1, (int)(end - rd->p - 1));
	rd->p = end + 1;
	return 0;
}

static int read_number(struct mb_format_reader *rd, struct json_object **ret)
{
	MB_AUTO_FREE char *text = NULL;
	const char *begin = rd->p, *digits;
	long long whole;
	double real;
	char *end;

	if (*rd->p == '-' || *rd->p == '+')
		rd->p++;
	while (mb_format_is_word(*rd->p) || *rd->p == '.' ||
	       ((*rd->p == '+' || *rd->p == '-') && strchr("eE", rd->p[-1])))
		rd->p++;
	text = mb_strndup(begin, (size_t)(rd->p - begin));
	digits = text + (*text == '-' || *text == '+');
	errno = 0;
	if (mb_skip_prefix(digits, "0b") || mb_skip_prefix(digits, "0o"))
		whole = strtoll(digits + 2, &end, digits[1] == 'b' ? 2 : 8);
	else
		whole = strtoll(digits, &end, 0);
	if (*end == '\0' && errno == 0) {
		*ret = json_object_new_int64(*text == '-' ? -whole : whole);
		return 0;
	}
	real = strtod(text, &end);
	if (*end || !isfinite(real))
		return mb_format_read_error(rd, "bad number syntax: \"%s\"", text);
	*ret = real == floor(real) && fabs(real) < 1e15 && !strchr(text, '.')
	               ? json_object_new_int64((int64_t)real)
	               : json_object_new_double(real);
	return 0;
}

int mb_format_read_constant(struct mb_format_reader *rd, struct json_object **ret)
{
	if (*rd->p == '`')
		return read_raw_string(rd, ret);
	if (*rd->p == '"' || *rd->p == '\'')
		return read_string(rd, ret);
	return read_number(rd, ret);
}
