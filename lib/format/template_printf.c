/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Go's Sprintf over JSON values, its complaints about bad verbs included. */
#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"
#include "core/utf8.h"
#include "format/template_tree.h"
#include "json/json.h"

enum { MAX_WIDTH = 10000, MAX_PRECISION = 100, NOT_GIVEN = -1 };

struct verb {
	bool minus, plus, space, zero, sharp;
	int width, precision;
	const char *name; /* one character of UTF-8 */
	size_t name_len;
};

static int read_count(const char **p, int max)
{
	int n = 0;

	while (isdigit((unsigned char)**p)) {
		n = n * 10 + (**p - '0');
		if (n > max)
			n = max;
		++*p;
	}
	return n;
}

static const char *read_verb(const char *p, struct verb *v)
{
	uint32_t c;

	*v = (struct verb){.width = NOT_GIVEN, .precision = NOT_GIVEN};
	for (; *p && strchr("-+ 0#", *p); p++) {
		v->minus |= *p == '-';
		v->plus |= *p == '+';
		v->space |= *p == ' ';
		v->zero |= *p == '0';
		v->sharp |= *p == '#';
	}
	if (isdigit((unsigned char)*p))
		v->width = read_count(&p, MAX_WIDTH);
	if (*p == '.') {
		p++;
		v->precision = read_count(&p, MAX_PRECISION);
	}
	v->name = p;
	v->name_len = mb_utf8_decode(p, strlen(p), &c);
	if (*p && !v->name_len)
		v->name_len = 1;
	return p + v->name_len;
}

static size_t count_chars(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

static void add_padded(const struct verb *v, const char *s, size_t len, bool zeroes,
                       struct mb_str *out)
{
	size_t chars = count_chars(s, len);
	size_t pad = v->width > 0 && (size_t)v->width > chars ? (size_t)v->width - chars : 0;

	if (pad && zeroes && v->zero && !v->minus && len && strchr("+-", *s)) {
		mb_str_addc(out, *s++);
		len--;
	}
	for (size_t i = 0; i < pad && !v->minus; i++)
		mb_str_addc(out, zeroes && v->zero ? '0' : ' ');
	mb_str_addn(out, s, len);
	for (size_t i = 0; i < pad && v->minus; i++)
		mb_str_addc(out, ' ');
}

static void bad_verb(const struct verb *v, struct json_object *o, struct mb_str *out)
{
	mb_str_add(out, "%!");
	mb_str_addn(out, v->name, v->name_len);
	mb_str_addc(out, '(');
	if (o) {
		mb_str_addf(out, "%s=", mb_format_json_type(o));
		mb_format_json_print(o, out);
	} else {
		mb_str_add(out, "<nil>");
	}
	mb_str_addc(out, ')');
}

/* A string in Go's quotes: as JSON has them, but for control characters. */
static void add_quoted(const struct verb *v, const char *s, size_t len, struct mb_str *out)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_str_addc(&text, '"');
	for (size_t i = 0; i < len; i++) {
		static const char from[] = "\a\b\f\n\r\t\v\"\\", to[] = "abfnrtv\"\\";
		const char *found = s[i] ? strchr(from, s[i]) : NULL;

		if (found)
			mb_str_addf(&text, "\\%c", to[found - from]);
		else if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			mb_str_addf(&text, "\\x%02x", (unsigned int)(unsigned char)s[i]);
		else
			mb_str_addc(&text, s[i]);
	}
	mb_str_addc(&text, '"');
	add_padded(v, text.buf, text.len, false, out);
}

static void add_hex(const struct verb *v, const char *s, size_t len, struct mb_str *out)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	for (size_t i = 0; i < len; i++)
		mb_str_addf(&text, *v->name == 'x' ? "%02x" : "%02X",
		            (unsigned int)(unsigned char)s[i]);
	add_padded(v, mb_str_text(&text), text.len, false, out);
}

static void add_string(const struct verb *v, struct json_object *o, struct mb_str *out)
{
	const char *s = json_object_get_string(o);
	size_t len = (size_t)json_object_get_string_len(o), n = 0, chars = 0;

	if (v->precision != NOT_GIVEN) {
		while (n < len && (chars < (size_t)v->precision || (s[n] & 0xc0) == 0x80))
			chars += (s[n++] & 0xc0) != 0x80;
		len = n;
	}
	if (*v->name == 's' || *v->name == 'v')
		add_padded(v, s, len, false, out);
	else if (*v->name == 'q')
		add_quoted(v, s, len, out);
	else if (*v->name == 'x' || *v->name == 'X')
		add_hex(v, s, len, out);
	else
		bad_verb(v, o, out);
}

static void add_char(const struct verb *v, int64_t value, struct mb_str *out)
{
	char text[] = "\"\\u0000\"";
	MB_AUTO(mb_json_free) struct json_object *o = NULL;

	if (value < 0 || value > 0xffff || (value >= 0xd800 && value <= 0xdfff))
		value = 0xfffd;
	snprintf(text, sizeof(text), "\"\\u%04x\"", (unsigned int)value);
	if (mb_json_parse(text, strlen(text), &o, NULL) == 0)
		add_padded(v, json_object_get_string(o), (size_t)json_object_get_string_len(o),
		           false, out);
}

static void add_binary(uint64_t magnitude, char *buf)
{
	int n = 64;

	while (n > 1 && !(magnitude >> (n - 1) & 1))
		n--;
	while (n--)
		*buf++ = (char)('0' + (magnitude >> n & 1));
	*buf = '\0';
}

static void add_int(const struct verb *v, struct json_object *o, struct mb_str *out)
{
	int64_t value = json_object_get_int64(o);
	uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : json_object_get_uint64(o);
	char digits[72], text[80];
	const char *sign = value < 0 ? "-" : (v->plus ? "+" : (v->space ? " " : ""));

	switch (*v->name) {
	case 'd':
	case 'v':
		snprintf(digits, sizeof(digits), "%llu", (unsigned long long)magnitude);
		break;
	case 'x':
		snprintf(digits, sizeof(digits), v->sharp ? "0x%llx" : "%llx",
		         (unsigned long long)magnitude);
		break;
	case 'X':
		snprintf(digits, sizeof(digits), v->sharp ? "0X%llX" : "%llX",
		         (unsigned long long)magnitude);
		break;
	case 'o':
		snprintf(digits, sizeof(digits), "%llo", (unsigned long long)magnitude);
		break;
	case 'b':
		add_binary(magnitude, digits);
		break;
	case 'c':
		add_char(v, value, out);
		return;
	default:
		bad_verb(v, o, out);
		return;
	}
	snprintf(text, sizeof(text), "%s%s", sign, digits);
	add_padded(v, text, strlen(text), true, out);
}

static void add_double(const struct verb *v, struct json_object *o, struct mb_str *out)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	double value = json_object_get_double(o);
	int precision = v->precision == NOT_GIVEN ? 6 : v->precision;

	if (v->plus && value >= 0)
		mb_str_addc(&text, '+');
	if ((*v->name == 'v' || *v->name == 'g') && v->precision == NOT_GIVEN)
		mb_json_format(o, false, &text);
	else if (*v->name == 'v' || *v->name == 'g')
		mb_str_addf(&text, "%.*g", precision, value);
	else if (*v->name == 'f' || *v->name == 'F')
		mb_str_addf(&text, "%.*f", precision, value);
	else if (*v->name == 'e')
		mb_str_addf(&text, "%.*e", precision, value);
	else if (*v->name == 'E')
		mb_str_addf(&text, "%.*E", precision, value);
	else if (*v->name == 'G')
		mb_str_addf(&text, "%.*G", precision, value);
	else {
		bad_verb(v, o, out);
		return;
	}
	add_padded(v, text.buf, text.len, true, out);
}

static void add_value(const struct verb *v, struct json_object *o, struct mb_str *out);

static void add_bool(const struct verb *v, struct json_object *o, struct mb_str *out)
{
	const char *text = json_object_get_boolean(o) ? "true" : "false";

	if (*v->name == 't' || *v->name == 'v')
		add_padded(v, text, strlen(text), false, out);
	else
		bad_verb(v, o, out);
}

static void add_list(const struct verb *v, struct json_object *o, struct mb_str *out)
{
	mb_str_addc(out, '[');
	for (size_t i = 0; i < json_object_array_length(o); i++) {
		if (i)
			mb_str_addc(out, ' ');
		add_value(v, json_object_array_get_idx(o, i), out);
	}
	mb_str_addc(out, ']');
}

static void add_value(const struct verb *v, struct json_object *o, struct mb_str *out)
{
	switch (json_object_get_type(o)) {
	case json_type_null:
		if (*v->name == 'v')
			add_padded(v, "<nil>", 5, false, out);
		else
			bad_verb(v, o, out);
		break;
	case json_type_boolean:
		add_bool(v, o, out);
		break;
	case json_type_double:
		add_double(v, o, out);
		break;
	case json_type_int:
		add_int(v, o, out);
		break;
	case json_type_string:
		add_string(v, o, out);
		break;
	case json_type_array:
		add_list(v, o, out);
		break;
	case json_type_object:
		mb_format_json_print(o, out);
		break;
	}
}

static void add_extra(const struct mb_format_value *args, size_t n, struct mb_str *out)
{
	mb_str_add(out, "%!(EXTRA ");
	for (size_t i = 0; i < n; i++) {
		if (i)
			mb_str_add(out, ", ");
		if (args[i].o)
			mb_str_addf(out, "%s=", mb_format_json_type(args[i].o));
		mb_format_json_print(args[i].o, out);
	}
	mb_str_addc(out, ')');
}

void mb_format_sprintf(const char *format, const struct mb_format_value *args, size_t n,
                       struct mb_str *out)
{
	size_t used = 0;

	for (const char *p = format; *p;) {
		struct verb v;

		if (*p != '%') {
			mb_str_addc(out, *p++);
			continue;
		}
		p = read_verb(p + 1, &v);
		if (!v.name_len) {
			mb_str_add(out, "%!(NOVERB)");
		} else if (*v.name == '%') {
			mb_str_addc(out, '%');
		} else if (used >= n) {
			mb_str_add(out, "%!");
			mb_str_addn(out, v.name, v.name_len);
			mb_str_add(out, "(MISSING)");
		} else if (*v.name == 'T') {
			mb_str_add(out, mb_format_json_type(args[used++].o));
		} else {
			add_value(&v, args[used++].o, out);
		}
	}
	if (used < n)
		add_extra(args + used, n - used, out);
}
