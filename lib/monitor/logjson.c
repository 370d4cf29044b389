/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/logjson.h"

#include <string.h>

#include "core/utf8.h"
#include "monitor/logrecord.h"

static const char head[] = "{\"log\":\"";

/* --- writing ---------------------------------------------------------------------------------- */

static char *append(char *to, const char *text, size_t n)
{
	memcpy(to, text, n);
	return to + n;
}

static char *escape_ascii(char *to, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char *p = append(to, "\\u00", 4);

	*p++ = hex[c >> 4];
	*p++ = hex[c & 15];
	return p;
}

/* As docker's encoder: '<', '>' and '&', too, are told by their numbers. */
static char *escape(char *to, const char *text, size_t n)
{
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)text[i];
		uint32_t ignored;
		size_t some;

		if (c >= 0x80) {
			some = mb_utf8_decode(text + i, n - i, &ignored);
			to = some ? append(to, text + i, some) : append(to, "\\ufffd", 6);
			i += some ? some : 1;
			continue;
		}
		if (c == '"' || c == '\\') {
			*to++ = '\\';
			*to++ = (char)c;
		} else if (c == '\n') {
			to = append(to, "\\n", 2);
		} else if (c == '\r') {
			to = append(to, "\\r", 2);
		} else if (c == '\t') {
			to = append(to, "\\t", 2);
		} else if (c < 0x20 || c == '<' || c == '>' || c == '&') {
			to = escape_ascii(to, c);
		} else {
			*to++ = (char)c;
		}
		i++;
	}
	return to;
}

size_t mb_logjson_format(char *to, const struct mb_logjson *how, const char *text, size_t n)
{
	char *p = append(to, head, sizeof(head) - 1);

	p = escape(p, text, n);
	p = append(p, "\",\"stream\":\"", 12);
	p = append(p, how->stream, strlen(how->stream));
	p = append(p, "\",", 2);
	p = append(p, how->attrs, how->n_attrs);
	p = append(p, "\"time\":\"", 8);
	p = append(p, how->time, MB_LOGJSON_TIME);
	p = append(p, "\"}\n", 3);
	return (size_t)(p - to);
}

uint64_t mb_logjson_text_size(const char *record, size_t n)
{
	const char *p = record + sizeof(head) - 1, *end = record + n;
	uint64_t text = 0;

	for (; p < end && *p != '"'; text++, p++)
		if (*p == '\\')
			p += p + 1 < end && p[1] == 'u' ? 5 : 1;
	return text;
}

/* --- reading ---------------------------------------------------------------------------------- */

struct slice {
	char *at;
	size_t n;
};

static bool is_text(const struct slice *s, const char *text)
{
	return s->n == strlen(text) && memcmp(s->at, text, s->n) == 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four digits.  Return: their value or -1. */
static int hex4(const char *p)
{
	int value = 0;

	for (int i = 0; i < 4; i++) {
		int digit = hex_value(p[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

static char *skip_space(char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	return p;
}

/* A string with its quotes.  Return: what follows it, or NULL; *@ret is between the quotes. */
static char *skip_string(char *p, const char *end, struct slice *ret)
{
	char *from = p + 1;

	if (p >= end || *p != '"')
		return NULL;
	for (p = from; p < end && *p != '"'; p++) {
		if (*p != '\\')
			continue;
		if (++p >= end || !strchr("\"\\/bfnrtu", *p) || !*p)
			return NULL;
		if (*p == 'u' && (end - p < 5 || hex4(p + 1) < 0))
			return NULL;
	}
	if (p >= end)
		return NULL;
	*ret = (struct slice){from, (size_t)(p - from)};
	return p + 1;
}

/* Any value that is no string: up to the comma or the bracket that ends it. */
static char *skip_value(char *p, const char *end)
{
	unsigned depth = 0;

	while (p < end) {
		struct slice ignored;

		if (*p == '"') {
			p = skip_string(p, end, &ignored);
			if (!p)
				return NULL;
			continue;
		}
		if (!depth && (*p == ',' || *p == '}'))
			return p;
		if (*p == '{' || *p == '[')
			depth++;
		if (*p == '}' || *p == ']')
			depth--;
		p++;
	}
	return NULL;
}

static size_t put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* "\uXXXX", or two of them for one character.  Return: bytes of it read. */
static size_t take_number(const char *p, const char *end, uint32_t *ret)
{
	int high = hex4(p + 2), low;

	*ret = (uint32_t)high;
	if (high < 0xd800 || high > 0xdfff)
		return 6;
	low = high < 0xdc00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u' ? hex4(p + 8) : -1;
	if (low < 0xdc00 || low > 0xdfff) {
		*ret = 0xfffd;
		return 6;
	}
	*ret = 0x10000 + (((uint32_t)high - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
	return 12;
}

/* In place: nothing becomes longer.  @s was looked at by skip_string(). */
static void decode(struct slice *s)
{
	static const char names[] = "bfnrt", means[] = "\b\f\n\r\t";
	char *from = memchr(s->at, '\\', s->n), *end = s->at + s->n, *to = from;

	if (!from)
		return;
	while (from < end) {
		char *next = memchr(from, '\\', (size_t)(end - from));
		size_t plain = (size_t)((next ? next : end) - from);
		uint32_t c;

		memmove(to, from, plain);
		to += plain;
		from += plain;
		if (!next)
			break;
		if (from[1] == 'u') {
			from += take_number(from, end, &c);
			to += put_utf8(to, c);
		} else {
			const char *name = strchr(names, from[1]);

			*to++ = name ? means[name - names] : from[1];
			from += 2;
		}
	}
	s->n = (size_t)(to - s->at);
}

bool mb_logjson_parse(char *line, size_t n, struct mb_logrecord_clock *clock,
                      struct mb_logrecord *ret)
{
	char *p = line + 1, *end = line + n;
	struct slice text = {0}, stream = {0}, time = {0};

	if (n < 2 || line[0] != '{')
		return false;
	for (;;) {
		struct slice key, value = {0};

		p = skip_string(skip_space(p, end), end, &key);
		p = p ? skip_space(p, end) : NULL;
		if (!p || p >= end || *p != ':')
			return false;
		p = skip_space(p + 1, end);
		p = p < end && *p == '"' ? skip_string(p, end, &value) : skip_value(p, end);
		p = p ? skip_space(p, end) : NULL;
		if (!p || p >= end)
			return false;
		if (is_text(&key, "log"))
			text = value;
		else if (is_text(&key, "stream"))
			stream = value;
		else if (is_text(&key, "time"))
			time = value;
		if (*p++ == '}')
			break;
		if (p[-1] != ',')
			return false;
	}
	if (p != end || !text.at || !time.at ||
	    !mb_logrecord_time(time.at, time.n, clock, &ret->nsec))
		return false;
	decode(&text);
	ret->stream =
		stream.at && is_text(&stream, "stderr") ? MB_MONITOR_STDERR : MB_MONITOR_STDOUT;
	ret->is_piece = !text.n || text.at[text.n - 1] != '\n';
	ret->text = text.at;
	ret->size = text.n - !ret->is_piece;
	return true;
}
