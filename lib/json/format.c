/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"
#include "core/utf8.h"
#include "json/json.h"

static void format_value(struct json_object *o, int indent, struct mb_str *out);

/* One character that may not stand as it is.  Return: how many bytes of @s it was. */
static size_t format_odd(const char *s, size_t len, struct mb_str *out)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	unsigned char c = (unsigned char)*s;
	const char *found = c ? strchr(from, c) : NULL;
	uint32_t code;
	size_t n;

	if (found) {
		mb_str_addc(out, '\\');
		mb_str_addc(out, to[found - from]);
		return 1;
	}
	if (c < 0x20) {
		mb_str_addf(out, "\\u%04x", (unsigned int)c);
		return 1;
	}
	n = mb_utf8_decode(s, len, &code);
	if (n == 0) {
		mb_str_add(out, "\xef\xbf\xbd");
		return 1;
	}
	if (code == 0x2028 || code == 0x2029) /* line ends to JavaScript */
		mb_str_addf(out, "\\u%04x", (unsigned int)code);
	else
		mb_str_addn(out, s, n);
	return n;
}

void mb_json_format_string(const char *s, size_t len, struct mb_str *out)
{
	size_t i = 0;

	mb_str_addc(out, '"');
	while (i < len) {
		size_t begin = i;

		while (i < len && (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x80 &&
		       s[i] != '"' && s[i] != '\\')
			i++;
		if (i > begin)
			mb_str_addn(out, s + begin, i - begin);
		if (i < len)
			i += format_odd(s + i, len - i, out);
	}
	mb_str_addc(out, '"');
}

static void new_line(int indent, struct mb_str *out)
{
	if (indent < 0)
		return;
	mb_str_addc(out, '\n');
	for (int i = 0; i < indent; i++)
		mb_str_add(out, "    ");
}

static void format_object(struct json_object *o, int indent, struct mb_str *out)
{
	int inner = indent < 0 ? indent : indent + 1;
	bool first = true;

	mb_str_addc(out, '{');
	json_object_object_foreach (o, key, value) {
		if (!first)
			mb_str_addc(out, ',');
		first = false;
		new_line(inner, out);
		mb_json_format_string(key, strlen(key), out);
		mb_str_add(out, indent < 0 ? ":" : ": ");
		format_value(value, inner, out);
	}
	if (!first)
		new_line(indent, out);
	mb_str_addc(out, '}');
}

static void format_array(struct json_object *a, int indent, struct mb_str *out)
{
	int inner = indent < 0 ? indent : indent + 1;
	size_t n = json_object_array_length(a);

	mb_str_addc(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			mb_str_addc(out, ',');
		new_line(inner, out);
		format_value(json_object_array_get_idx(a, i), inner, out);
	}
	if (n)
		new_line(indent, out);
	mb_str_addc(out, ']');
}

/* As written if it was read; else the shortest text that reads back the same. */
static void format_double(struct json_object *o, struct mb_str *out)
{
	const char *written = json_object_get_userdata(o);
	double value = json_object_get_double(o);
	char text[40];

	if (written) {
		mb_str_add(out, written);
		return;
	}
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	mb_str_add(out, text);
}

static void format_int(struct json_object *o, struct mb_str *out)
{
	int64_t value = json_object_get_int64(o);

	if (value == INT64_MAX)
		mb_str_addf(out, "%llu", (unsigned long long)json_object_get_uint64(o));
	else
		mb_str_addf(out, "%lld", (long long)value);
}

static void format_value(struct json_object *o, int indent, struct mb_str *out)
{
	switch (json_object_get_type(o)) {
	case json_type_null:
		mb_str_add(out, "null");
		break;
	case json_type_boolean:
		mb_str_add(out, json_object_get_boolean(o) ? "true" : "false");
		break;
	case json_type_double:
		format_double(o, out);
		break;
	case json_type_int:
		format_int(o, out);
		break;
	case json_type_object:
		format_object(o, indent, out);
		break;
	case json_type_array:
		format_array(o, indent, out);
		break;
	case json_type_string:
		mb_json_format_string(json_object_get_string(o),
		                      (size_t)json_object_get_string_len(o), out);
		break;
	}
}

void mb_json_format(struct json_object *o, bool pretty, struct mb_str *out)
{
	format_value(o, pretty ? 0 : -1, out);
}
