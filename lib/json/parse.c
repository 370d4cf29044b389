/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A parser of our own in front of json-c's objects: json-c's takes a member twice, knows no
 * limit on the number of values, and goes byte by byte through a buffer. */
#include "json/parser.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "core/err.h"
#include "core/utf8.h"

enum { SHORT_NAME = 64 };

int mb_json_parser_malformed(const struct mb_json_parser *ps, const char *at, const char *what)
{
	size_t line = 1, column = 1;

	for (const char *p = ps->start; p < at; p++) {
		column++;
		if (*p == '\n') {
			line++;
			column = 1;
		}
	}
	return mb_fail(ps->err, EBADMSG, "malformed JSON at line %zu, column %zu: %s", line, column,
	               what);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The four digits after \u; -1 when they are not there. */
static int32_t hex4(struct mb_json_parser *ps)
{
	int32_t value = 0;

	if (ps->end - ps->p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(*ps->p++);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static void add_utf8(struct mb_str *out, uint32_t c)
{
	if (c < 0x80) {
		mb_str_addc(out, (char)c);
	} else if (c < 0x800) {
		mb_str_addc(out, (char)(0xc0 | c >> 6));
		mb_str_addc(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		mb_str_addc(out, (char)(0xe0 | c >> 12));
		mb_str_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		mb_str_addc(out, (char)(0x80 | (c & 0x3f)));
	} else {
		mb_str_addc(out, (char)(0xf0 | c >> 18));
		mb_str_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		mb_str_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		mb_str_addc(out, (char)(0x80 | (c & 0x3f)));
	}
}

static int parse_unicode_escape(struct mb_json_parser *ps)
{
	const char *at = ps->p - 2;
	int32_t high = hex4(ps), low;

	if (high < 0)
		return mb_json_parser_malformed(ps, at, "bad \\u escape");
	if (high >= 0xdc00 && high <= 0xdfff)
		return mb_json_parser_malformed(ps, at, "lone surrogate");
	if (high < 0xd800 || high > 0xdbff) {
		add_utf8(&ps->scratch, (uint32_t)high);
		return 0;
	}
	if (!mb_json_parser_accept(ps, '\\') || !mb_json_parser_accept(ps, 'u'))
		return mb_json_parser_malformed(ps, at, "lone surrogate");
	low = hex4(ps);
	if (low < 0xdc00 || low > 0xdfff)
		return mb_json_parser_malformed(ps, at, "lone surrogate");
	add_utf8(&ps->scratch,
	         0x10000u + (((uint32_t)high - 0xd800u) << 10) + ((uint32_t)low - 0xdc00u));
	return 0;
}

static int parse_escape(struct mb_json_parser *ps)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	char c;

	if (ps->p >= ps->end)
		return mb_json_parser_malformed(ps, ps->p, "string without end");
	c = *ps->p++;
	if (c == 'u')
		return parse_unicode_escape(ps);
	found = c ? strchr(from, c) : NULL;
	if (!found)
		return mb_json_parser_malformed(ps, ps->p - 2, "unknown escape");
	mb_str_addc(&ps->scratch, to[found - from]);
	return 0;
}

/* Where a run of plain ASCII in a string ends. */
static bool is_ascii_run(unsigned char c)
{
	static const bool ends[256] = {
		[0 ... 0x1f] = true, ['"'] = true, ['\\'] = true, [0x80 ... 0xff] = true};

	return !ends[c];
}

/* Past the plain bytes of a string: up to a quote, a backslash, or what may not stand there. */
static int plain_run(struct mb_json_parser *ps, struct mb_json_slice *ret)
{
	const char *begin = ps->p, *p = begin;
	bool high = false;

	for (;; p++) {
		while (p < ps->end && is_ascii_run((unsigned char)*p))
			p++;
		if (p >= ps->end || (unsigned char)*p < 0x80)
			break;
		high = true;
	}
	ps->p = p;
	*ret = (struct mb_json_slice){begin, (size_t)(ps->p - begin)};
	if (ps->p >= ps->end)
		return mb_json_parser_malformed(ps, ps->p, "string without end");
	if ((unsigned char)*ps->p < 0x20)
		return mb_json_parser_malformed(ps, ps->p, "control character in a string");
	if (high && !mb_utf8_is_valid(ret->s, ret->len))
		return mb_json_parser_malformed(ps, begin, "string is not UTF-8");
	return 0;
}

int mb_json_parser_string(struct mb_json_parser *ps, struct mb_json_slice *ret)
{
	struct mb_json_slice run;
	int r = plain_run(ps, &run);

	if (r < 0)
		return r;
	if (mb_json_parser_accept(ps, '"')) {
		*ret = run;
		return 0;
	}
	mb_str_reset(&ps->scratch);
	for (;;) {
		mb_str_addn(&ps->scratch, run.s, run.len);
		if (mb_json_parser_accept(ps, '"'))
			break;
		ps->p++;
		r = parse_escape(ps);
		if (r < 0)
			return r;
		r = plain_run(ps, &run);
		if (r < 0)
			return r;
	}
	*ret = (struct mb_json_slice){ps->scratch.buf, ps->scratch.len};
	return 0;
}

static size_t skip_digits(struct mb_json_parser *ps)
{
	const char *begin = ps->p;

	while (ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9')
		ps->p++;
	return (size_t)(ps->p - begin);
}

/* Past a number as the grammar has it.  Return: 0, 1 when it has a fraction or an exponent. */
static int scan_number(struct mb_json_parser *ps)
{
	const char *begin = ps->p;
	int is_real = 0;

	mb_json_parser_accept(ps, '-');
	if (!mb_json_parser_accept(ps, '0') && skip_digits(ps) == 0)
		return mb_json_parser_malformed(ps, begin, "a value is expected");
	if (mb_json_parser_accept(ps, '.')) {
		is_real = 1;
		if (skip_digits(ps) == 0)
			return mb_json_parser_malformed(ps, begin, "bad number");
	}
	if (mb_json_parser_accept(ps, 'e') || mb_json_parser_accept(ps, 'E')) {
		is_real = 1;
		if (!mb_json_parser_accept(ps, '+'))
			mb_json_parser_accept(ps, '-');
		if (skip_digits(ps) == 0)
			return mb_json_parser_malformed(ps, begin, "bad number");
	}
	return is_real;
}

/* Digits with an optional sign.  Return: NULL when neither int64_t nor uint64_t holds it. */
static struct json_object *integer(const char *s, size_t len)
{
	bool negative = len && *s == '-';
	uint64_t value = 0;

	for (size_t i = negative; i < len; i++)
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (unsigned int)(s[i] - '0'), &value))
			return NULL;
	if (!negative)
		return mb_json_made(value <= INT64_MAX ? json_object_new_int64((int64_t)value)
		                                       : json_object_new_uint64(value));
	if (value > (uint64_t)INT64_MAX + 1)
		return NULL;
	return mb_json_made(json_object_new_int64((int64_t)(0 - value)));
}

static int parse_number(struct mb_json_parser *ps, struct json_object **ret)
{
	const char *begin = ps->p;
	int is_real = scan_number(ps);
	double value;

	if (is_real < 0)
		return is_real;
	*ret = is_real ? NULL : integer(begin, (size_t)(ps->p - begin));
	if (*ret)
		return 0;
	mb_str_reset(&ps->scratch);
	mb_str_addn(&ps->scratch, begin, (size_t)(ps->p - begin));
	value = strtod(ps->scratch.buf, NULL);
	if (!isfinite(value))
		return mb_json_parser_malformed(ps, begin, "number out of range");
	*ret = mb_json_made(json_object_new_double_s(value, ps->scratch.buf));
	return 0;
}

static int parse_array(struct mb_json_parser *ps, struct json_object **ret)
{
	MB_AUTO(mb_json_free) struct json_object *array = mb_json_new_array();

	mb_json_parser_space(ps);
	if (!mb_json_parser_accept(ps, ']')) {
		do {
			struct json_object *value = NULL;
			int r = mb_json_parser_value(ps, &value);

			if (r < 0)
				return r;
			mb_json_push(array, value);
			mb_json_parser_space(ps);
		} while (mb_json_parser_accept(ps, ','));
		if (!mb_json_parser_accept(ps, ']'))
			return mb_json_parser_malformed(ps, ps->p, "',' or ']' is expected");
	}
	*ret = mb_take_ptr(&array);
	return 0;
}

int mb_json_parser_name(struct mb_json_parser *ps, struct mb_json_slice *ret, const char **ret_at)
{
	int r;

	mb_json_parser_space(ps);
	*ret_at = ps->p;
	if (!mb_json_parser_accept(ps, '"'))
		return mb_json_parser_malformed(ps, ps->p, "a member's name is expected");
	r = mb_json_parser_string(ps, ret);
	if (r < 0)
		return r;
	if (memchr(ret->s, 0, ret->len))
		return mb_json_parser_malformed(ps, *ret_at, "zero byte in a member's name");
	return 0;
}

int mb_json_parser_colon(struct mb_json_parser *ps)
{
	mb_json_parser_space(ps);
	if (!mb_json_parser_accept(ps, ':'))
		return mb_json_parser_malformed(ps, ps->p, "':' is expected");
	return 0;
}

int mb_json_parser_twice(const struct mb_json_parser *ps, const char *at, const char *name)
{
	MB_AUTO_FREE char *shown = mb_printable(name);
	MB_AUTO_FREE char *what = mb_asprintf("member '%.100s' is there twice", shown);

	return mb_json_parser_malformed(ps, at, what);
}

/* One name with its value, hashed once; @name is the copy of it that json-c copies again. */
static int parse_member_value(struct mb_json_parser *ps, struct json_object *object,
                              const char *name, const char *at)
{
	struct lh_table *members = json_object_get_object(object);
	unsigned long hash = lh_get_hash(members, name);
	struct json_object *value = NULL;
	int r;

	if (lh_table_lookup_entry_w_hash(members, name, hash))
		return mb_json_parser_twice(ps, at, name);
	r = mb_json_parser_colon(ps);
	if (r == 0)
		r = mb_json_parser_value(ps, &value);
	if (r < 0)
		return r;
	if (lh_table_insert_w_hash(members, mb_strdup(name), value, hash, 0) < 0)
		mb_oom();
	return 0;
}

int mb_json_parser_member(struct mb_json_parser *ps, struct json_object *object,
                          struct mb_json_slice key, const char *at)
{
	MB_AUTO_FREE char *long_name = NULL;
	char short_name[SHORT_NAME], *name = short_name;

	if (key.len >= SHORT_NAME)
		name = long_name = mb_malloc(key.len + 1);
	memcpy(name, key.s, key.len);
	name[key.len] = '\0';
	return parse_member_value(ps, object, name, at);
}

static int parse_members(struct mb_json_parser *ps, struct json_object **ret)
{
	MB_AUTO(mb_json_free) struct json_object *object = mb_json_new_object();

	mb_json_parser_space(ps);
	if (!mb_json_parser_accept(ps, '}')) {
		do {
			struct mb_json_slice name;
			const char *at;
			int r = mb_json_parser_name(ps, &name, &at);

			if (r == 0)
				r = mb_json_parser_member(ps, object, name, at);
			if (r < 0)
				return r;
			mb_json_parser_space(ps);
		} while (mb_json_parser_accept(ps, ','));
		if (!mb_json_parser_accept(ps, '}'))
			return mb_json_parser_malformed(ps, ps->p, "',' or '}' is expected");
	}
	*ret = mb_take_ptr(&object);
	return 0;
}

int mb_json_parser_enter(struct mb_json_parser *ps)
{
	if (ps->depth == MB_JSON_MAX_DEPTH)
		return mb_fail(ps->err, E2BIG, "JSON is nested deeper than %d levels",
		               MB_JSON_MAX_DEPTH);
	ps->depth++;
	ps->p++;
	return 0;
}

static int parse_nested(struct mb_json_parser *ps, struct json_object **ret)
{
	bool is_object = *ps->p == '{';
	int r = mb_json_parser_enter(ps);

	if (r < 0)
		return r;
	r = is_object ? parse_members(ps, ret) : parse_array(ps, ret);
	mb_json_parser_leave(ps);
	return r;
}

static bool accept_word(struct mb_json_parser *ps, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(ps->end - ps->p) < len || memcmp(ps->p, word, len) != 0)
		return false;
	ps->p += len;
	return true;
}

static int parse_word(struct mb_json_parser *ps, struct json_object **ret)
{
	if (accept_word(ps, "null"))
		*ret = NULL;
	else if (accept_word(ps, "true"))
		*ret = mb_json_made(json_object_new_boolean(1));
	else if (accept_word(ps, "false"))
		*ret = mb_json_made(json_object_new_boolean(0));
	else
		return parse_number(ps, ret);
	return 0;
}

static int parse_text(struct mb_json_parser *ps, struct json_object **ret)
{
	struct mb_json_slice s;
	int r;

	ps->p++;
	r = mb_json_parser_string(ps, &s);
	if (r < 0)
		return r;
	*ret = mb_json_made(json_object_new_string_len(s.s, (int)s.len));
	return 0;
}

int mb_json_parser_begin(struct mb_json_parser *ps)
{
	mb_json_parser_space(ps);
	if (++ps->n_values > MB_JSON_MAX_VALUES)
		return mb_fail(ps->err, E2BIG, "JSON has more than %d values", MB_JSON_MAX_VALUES);
	if (ps->p >= ps->end)
		return mb_json_parser_malformed(ps, ps->p, "text ends early");
	return 0;
}

int mb_json_parser_value(struct mb_json_parser *ps, struct json_object **ret)
{
	int r = mb_json_parser_begin(ps);

	if (r < 0)
		return r;
	if (*ps->p == '"')
		return parse_text(ps, ret);
	if (*ps->p == '{' || *ps->p == '[')
		return parse_nested(ps, ret);
	return parse_word(ps, ret);
}

static int skip_nested(struct mb_json_parser *ps)
{
	bool is_object = *ps->p == '{';
	char end = is_object ? '}' : ']';
	int r = mb_json_parser_enter(ps);

	if (r < 0)
		return r;
	mb_json_parser_space(ps);
	if (!mb_json_parser_accept(ps, end)) {
		do {
			struct mb_json_slice name;
			const char *at;

			r = is_object ? mb_json_parser_name(ps, &name, &at) : 0;
			if (r == 0 && is_object)
				r = mb_json_parser_colon(ps);
			if (r == 0)
				r = mb_json_parser_skip(ps);
			if (r < 0)
				return r;
			mb_json_parser_space(ps);
		} while (mb_json_parser_accept(ps, ','));
		if (!mb_json_parser_accept(ps, end))
			return mb_json_parser_malformed(ps, ps->p,
			                                is_object ? "',' or '}' is expected"
			                                          : "',' or ']' is expected");
	}
	mb_json_parser_leave(ps);
	return 0;
}

int mb_json_parser_skip(struct mb_json_parser *ps)
{
	struct mb_json_slice text;
	int r = mb_json_parser_begin(ps);

	if (r < 0)
		return r;
	if (mb_json_parser_accept(ps, '"'))
		return mb_json_parser_string(ps, &text);
	if (*ps->p == '{' || *ps->p == '[')
		return skip_nested(ps);
	if (accept_word(ps, "null") || accept_word(ps, "true") || accept_word(ps, "false"))
		return 0;
	r = scan_number(ps);
	return r < 0 ? r : 0;
}

int mb_json_parser_init(struct mb_json_parser *ps, const char *text, size_t len, struct mb_err *err)
{
	*ps = (struct mb_json_parser){.start = text, .p = text, .end = text + len, .err = err};
	if (len > MB_JSON_MAX_BYTES)
		return mb_fail(err, E2BIG, "JSON is longer than %d bytes", MB_JSON_MAX_BYTES);
	return 0;
}

int mb_json_parser_done(struct mb_json_parser *ps, int r)
{
	mb_json_parser_space(ps);
	if (r == 0 && ps->p != ps->end)
		r = mb_json_parser_malformed(ps, ps->p, "something follows the value");
	mb_str_done(&ps->scratch);
	return r;
}

int mb_json_parse(const char *text, size_t len, struct json_object **ret, struct mb_err *err)
{
	struct mb_json_parser ps;
	struct json_object *value = NULL;
	int r = mb_json_parser_init(&ps, text, len, err);

	if (r == 0)
		r = mb_json_parser_value(&ps, &value);
	r = mb_json_parser_done(&ps, r);
	if (r < 0) {
		mb_json_free(value);
		return r;
	}
	*ret = value;
	return 0;
}

int mb_json_parse_object(const char *text, size_t len, struct json_object **ret, struct mb_err *err)
{
	struct json_object *value = NULL;
	int r = mb_json_parse(text, len, &value, err);

	if (r < 0)
		return r;
	if (!json_object_is_type(value, json_type_object)) {
		mb_json_free(value);
		return mb_fail(err, EBADMSG, "malformed JSON: the value is not an object");
	}
	*ret = value;
	return 0;
}
