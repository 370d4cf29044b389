/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions of templates: Go's own and those that docker adds. */
#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/str.h"
#include "format/template_tree.h"
#include "json/json.h"

enum { ANY = 64, MAX_PAD = 10000 };

struct args {
	const struct mb_format_value *v;
	size_t n;
	struct mb_err *err;
};

static int give_str(struct mb_str *s, struct json_object **ret)
{
	*ret = json_object_new_string_len(mb_str_text(s), (int)s->len);
	return 0;
}

static int give_bool(bool b, struct json_object **ret)
{
	*ret = json_object_new_boolean(b);
	return 0;
}

static int want_str(const struct args *a, size_t i, const char **ret, size_t *ret_len)
{
	if (!json_object_is_type(a->v[i].o, json_type_string))
		return mb_fail(a->err, EINVAL, "wrong type for value; expected string; got %s",
		               mb_format_json_type(a->v[i].o));
	*ret = json_object_get_string(a->v[i].o);
	*ret_len = (size_t)json_object_get_string_len(a->v[i].o);
	return 0;
}

static int want_int(const struct args *a, size_t i, int64_t *ret)
{
	if (!json_object_is_type(a->v[i].o, json_type_int))
		return mb_fail(a->err, EINVAL, "wrong type for value; expected int; got %s",
		               mb_format_json_type(a->v[i].o));
	*ret = json_object_get_int64(a->v[i].o);
	return 0;
}

static int fn_json(const struct args *a, struct json_object **ret)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	mb_json_format(a->v[0].o, false, &out);
	if (mb_format_row_is_marked(a->v[0].o))
		mb_format_html_safe(&out);
	return give_str(&out, ret);
}

static int fn_split(const struct args *a, struct json_object **ret)
{
	const char *s = NULL, *separator = NULL, *found;
	size_t len, n;
	int r = want_str(a, 0, &s, &len);

	if (r == 0)
		r = want_str(a, 1, &separator, &n);
	if (r < 0)
		return r;
	*ret = json_object_new_array();
	if (!n) { /* into characters */
		for (size_t i = 0; i < len; i += n) {
			for (n = 1; i + n < len && (s[i + n] & 0xc0) == 0x80; n++)
				;
			mb_json_push(*ret, json_object_new_string_len(s + i, (int)n));
		}
		return 0;
	}
	while ((found = strstr(s, separator))) {
		mb_json_push(*ret, json_object_new_string_len(s, (int)(found - s)));
		s = found + n;
	}
	mb_json_push_str(*ret, s);
	return 0;
}

static int fn_join(const struct args *a, struct json_object **ret)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	const char *separator = NULL;
	size_t len;
	int r = want_str(a, 1, &separator, &len);

	if (r < 0)
		return r;
	if (a->v[0].o && !json_object_is_type(a->v[0].o, json_type_array))
		return mb_fail(a->err, EINVAL, "wrong type for value; expected []string; got %s",
		               mb_format_json_type(a->v[0].o));
	for (size_t i = 0; a->v[0].o && i < json_object_array_length(a->v[0].o); i++) {
		if (i)
			mb_str_addn(&out, separator, len);
		mb_format_json_print(json_object_array_get_idx(a->v[0].o, i), &out);
	}
	return give_str(&out, ret);
}

/* Letters outside of ASCII keep their case. */
static int change_case(const struct args *a, char how, struct json_object **ret)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	const char *s = NULL;
	bool in_word = false;
	size_t len;
	int r = want_str(a, 0, &s, &len);

	for (size_t i = 0; r == 0 && i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (how == 'l' && c < 0x80)
			mb_str_addc(&out, (char)tolower(c));
		else if (c < 0x80 && (how == 'u' || (how == 't' && !in_word)))
			mb_str_addc(&out, (char)toupper(c));
		else
			mb_str_addc(&out, s[i]);
		in_word = isalnum(c) || c == '_' || c == '\'' || c >= 0x80;
	}
	return r < 0 ? r : give_str(&out, ret);
}

static int fn_lower(const struct args *a, struct json_object **ret)
{
	return change_case(a, 'l', ret);
}

static int fn_upper(const struct args *a, struct json_object **ret)
{
	return change_case(a, 'u', ret);
}

static int fn_title(const struct args *a, struct json_object **ret)
{
	return change_case(a, 't', ret);
}

static void add_spaces(struct mb_str *out, int64_t n)
{
	for (int64_t i = 0; i < n && i < MAX_PAD; i++)
		mb_str_addc(out, ' ');
}

static int fn_pad(const struct args *a, struct json_object **ret)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	int64_t before = 0, after = 0;
	const char *s = NULL;
	size_t len = 0;
	int r = want_str(a, 0, &s, &len);

	if (r == 0)
		r = want_int(a, 1, &before);
	if (r == 0)
		r = want_int(a, 2, &after);
	if (r < 0)
		return r;
	if (len) {
		add_spaces(&out, before);
		mb_str_addn(&out, s, len);
		add_spaces(&out, after);
	}
	return give_str(&out, ret);
}

static int fn_truncate(const struct args *a, struct json_object **ret)
{
	const char *s = NULL;
	int64_t most = 0;
	size_t len = 0;
	int r = want_str(a, 0, &s, &len);

	if (r == 0)
		r = want_int(a, 1, &most);
	if (r < 0)
		return r;
	if (most >= 0 && (size_t)most < len)
		len = (size_t)most;
	*ret = json_object_new_string_len(s, (int)len);
	return 0;
}

/* Spaces stand between two operands of which neither is a string. */
static void print_all(const struct args *a, struct mb_str *out)
{
	bool was_text = true;

	for (size_t i = 0; i < a->n; i++) {
		bool is_text = json_object_is_type(a->v[i].o, json_type_string);

		if (i && !is_text && !was_text)
			mb_str_addc(out, ' ');
		mb_format_json_print(a->v[i].o, out);
		was_text = is_text;
	}
}

/* As Go's HTMLEscapeString has it. */
static int fn_html(const struct args *a, struct json_object **ret)
{
	MB_AUTO_STR struct mb_str plain = MB_STR_INIT, out = MB_STR_INIT;

	print_all(a, &plain);
	for (size_t i = 0; i < plain.len; i++) {
		if (plain.buf[i] == '<')
			mb_str_add(&out, "&lt;");
		else if (plain.buf[i] == '>')
			mb_str_add(&out, "&gt;");
		else if (plain.buf[i] == '&')
			mb_str_add(&out, "&amp;");
		else if (plain.buf[i] == '"')
			mb_str_add(&out, "&#34;");
		else if (plain.buf[i] == '\'')
			mb_str_add(&out, "&#39;");
		else
			mb_str_addc(&out, plain.buf[i]);
	}
	return give_str(&out, ret);
}

/* As Go's JSEscapeString has it; what is not ASCII stays. */
static int fn_js(const struct args *a, struct json_object **ret)
{
	static const char plain_after_slash[] = "\\'\"";
	MB_AUTO_STR struct mb_str plain = MB_STR_INIT, out = MB_STR_INIT;

	print_all(a, &plain);
	for (size_t i = 0; i < plain.len; i++) {
		char c = plain.buf[i];

		if (c && strchr(plain_after_slash, c))
			mb_str_addf(&out, "\\%c", c);
		else if ((unsigned char)c < 0x20 || strchr("<>&=", c))
			mb_str_addf(&out, "\\u%04X", (unsigned)c);
		else
			mb_str_addc(&out, c);
	}
	return give_str(&out, ret);
}

static int fn_urlquery(const struct args *a, struct json_object **ret)
{
	MB_AUTO_STR struct mb_str plain = MB_STR_INIT, out = MB_STR_INIT;

	print_all(a, &plain);
	for (size_t i = 0; i < plain.len; i++) {
		unsigned char c = (unsigned char)plain.buf[i];

		if (c == ' ')
			mb_str_addc(&out, '+');
		else if (c < 0x80 && (isalnum(c) || (c && strchr("-_.~", c))))
			mb_str_addc(&out, (char)c);
		else
			mb_str_addf(&out, "%%%02X", c);
	}
	return give_str(&out, ret);
}

static int fn_len(const struct args *a, struct json_object **ret)
{
	struct json_object *o = a->v[0].o;
	size_t n = 0;

	if (json_object_is_type(o, json_type_string))
		n = (size_t)json_object_get_string_len(o);
	else if (json_object_is_type(o, json_type_array))
		n = json_object_array_length(o);
	else if (json_object_is_type(o, json_type_object))
		n = (size_t)json_object_object_length(o);
	else if (!o && a->v[0].is_valid)
		n = 0; /* an empty list is often null */
	else if (!o)
		return mb_fail(a->err, EINVAL, "len of nil pointer");
	else
		return mb_fail(a->err, EINVAL, "len of type %s", mb_format_json_type(o));
	*ret = json_object_new_int64((int64_t)n);
	return 0;
}

static bool all_strings(struct json_object *o)
{
	json_object_object_foreach (o, key, value) {
		(void)key;
		if (!json_object_is_type(value, json_type_string))
			return false;
	}
	return true;
}

/* A key that is not there gives "" in a map of strings and nil in others, as the types of Go's
 * maps do.  An absent map counts as one of strings: absent labels are null. */
static int index_map(struct json_object *map, const char *key, struct mb_format_value *ret)
{
	struct json_object *found = NULL;
	struct mb_format_value value = MB_FORMAT_NO_VALUE;

	if (map && json_object_object_get_ex(map, key, &found)) {
		value = mb_format_value_of(json_object_get(found));
		value.member = mb_strdup(key);
	} else if (!map || all_strings(map)) {
		value = mb_format_value_of(json_object_new_string(""));
	}
	mb_format_value_move(ret, &value);
	return 0;
}

static int index_list(const struct args *a, size_t i, struct json_object *list,
                      struct mb_format_value *ret)
{
	bool is_text = json_object_is_type(list, json_type_string);
	int64_t n = is_text ? json_object_get_string_len(list)
	                    : (int64_t)json_object_array_length(list);
	struct mb_format_value value;
	int64_t at;

	if (!json_object_is_type(a->v[i].o, json_type_int))
		return mb_fail(a->err, EINVAL, "cannot index slice/array with type %s",
		               mb_format_json_type(a->v[i].o));
	at = json_object_get_int64(a->v[i].o);
	if (at < 0 || at >= n)
		return mb_fail(a->err, EINVAL, "index out of range: %lld", (long long)at);
	if (is_text)
		value = mb_format_value_of(
			json_object_new_int64((unsigned char)json_object_get_string(list)[at]));
	else
		value = mb_format_value_of(
			json_object_get(json_object_array_get_idx(list, (size_t)at)));
	mb_format_value_move(ret, &value);
	return 0;
}

static int fn_index(const struct args *a, struct mb_format_value *ret)
{
	MB_AUTO_VALUE struct mb_format_value at = mb_format_value_copy(&a->v[0]);
	int r = 0;

	for (size_t i = 1; i < a->n && r == 0; i++) {
		struct json_object *key = a->v[i].o;

		if (!at.is_valid)
			return mb_fail(a->err, EINVAL, "index of untyped nil");
		if ((!at.o || json_object_is_type(at.o, json_type_object)) &&
		    json_object_is_type(key, json_type_string))
			r = index_map(at.o, json_object_get_string(key), &at);
		else if (json_object_is_type(at.o, json_type_array) ||
		         json_object_is_type(at.o, json_type_string))
			r = index_list(a, i, at.o, &at);
		else if (!at.o)
			r = mb_fail(a->err, EINVAL, "index of nil pointer");
		else if (json_object_is_type(at.o, json_type_object))
			r = mb_fail(a->err, EINVAL, "value has type %s; should be string",
			            mb_format_json_type(key));
		else
			r = mb_fail(a->err, EINVAL, "can't index item of type %s",
			            mb_format_json_type(at.o));
	}
	if (r == 0)
		mb_format_value_move(ret, &at);
	return r;
}

static int fn_slice(const struct args *a, struct json_object **ret)
{
	struct json_object *o = a->v[0].o;
	bool is_text = json_object_is_type(o, json_type_string);
	int64_t from = 0, to;
	int r = 0;

	if (!is_text && !json_object_is_type(o, json_type_array))
		return mb_fail(a->err, EINVAL, "can't slice item of type %s",
		               mb_format_json_type(o));
	to = is_text ? json_object_get_string_len(o) : (int64_t)json_object_array_length(o);
	for (size_t i = 1; i < a->n; i++) {
		int64_t at = 0;

		r = want_int(a, i, &at);
		if (r == 0 && (at < 0 || at > to))
			r = mb_fail(a->err, EINVAL, "index out of range: %lld", (long long)at);
		if (r < 0)
			return r;
		if (i == 1)
			from = at;
		else
			to = at;
	}
	if (from > to)
		return mb_fail(a->err, EINVAL, "invalid slice index: %lld > %lld", (long long)from,
		               (long long)to);
	if (is_text) {
		*ret = json_object_new_string_len(json_object_get_string(o) + from,
		                                  (int)(to - from));
		return 0;
	}
	*ret = json_object_new_array();
	for (int64_t i = from; i < to; i++)
		mb_json_push(*ret, json_object_get(json_object_array_get_idx(o, (size_t)i)));
	return 0;
}

static int fn_eq(const struct args *a, struct json_object **ret)
{
	bool is_equal = false;

	for (size_t i = 1; i < a->n && !is_equal; i++) {
		int r = mb_format_value_equal(&a->v[0], &a->v[i], &is_equal, a->err);

		if (r < 0)
			return r;
	}
	return give_bool(is_equal, ret);
}

static int fn_ne(const struct args *a, struct json_object **ret)
{
	bool is_equal = false;
	int r = mb_format_value_equal(&a->v[0], &a->v[1], &is_equal, a->err);

	return r < 0 ? r : give_bool(!is_equal, ret);
}

static int fn_lt(const struct args *a, struct json_object **ret)
{
	int o = 0, r = mb_format_value_order(&a->v[0], &a->v[1], &o, a->err);

	return r < 0 ? r : give_bool(o < 0, ret);
}

static int fn_le(const struct args *a, struct json_object **ret)
{
	int o = 0, r = mb_format_value_order(&a->v[0], &a->v[1], &o, a->err);

	return r < 0 ? r : give_bool(o <= 0, ret);
}

static int fn_gt(const struct args *a, struct json_object **ret)
{
	int o = 0, r = mb_format_value_order(&a->v[0], &a->v[1], &o, a->err);

	return r < 0 ? r : give_bool(o > 0, ret);
}

static int fn_ge(const struct args *a, struct json_object **ret)
{
	int o = 0, r = mb_format_value_order(&a->v[0], &a->v[1], &o, a->err);

	return r < 0 ? r : give_bool(o >= 0, ret);
}

static int fn_not(const struct args *a, struct json_object **ret)
{
	return give_bool(!mb_format_value_is_true(&a->v[0]), ret);
}

static int fn_print(const struct args *a, struct json_object **ret)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	print_all(a, &out);
	return give_str(&out, ret);
}

static int fn_println(const struct args *a, struct json_object **ret)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	for (size_t i = 0; i < a->n; i++) {
		if (i)
			mb_str_addc(&out, ' ');
		mb_format_json_print(a->v[i].o, &out);
	}
	mb_str_addc(&out, '\n');
	return give_str(&out, ret);
}

static int fn_printf(const struct args *a, struct json_object **ret)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	const char *format = NULL;
	size_t len;
	int r = want_str(a, 0, &format, &len);

	if (r < 0)
		return r;
	mb_format_sprintf(format, a->v + 1, a->n - 1, &out);
	return give_str(&out, ret);
}

static const struct function {
	const char *name;
	size_t min, max;
	int (*call)(const struct args *a, struct json_object **ret);
} functions[] = {
	{"and", 1, ANY, NULL},         {"eq", 2, ANY, fn_eq},
	{"ge", 2, 2, fn_ge},           {"gt", 2, 2, fn_gt},
	{"html", 1, ANY, fn_html},     {"index", 1, ANY, NULL},
	{"join", 2, 2, fn_join},       {"js", 1, ANY, fn_js},
	{"json", 1, 1, fn_json},       {"le", 2, 2, fn_le},
	{"len", 1, 1, fn_len},         {"lower", 1, 1, fn_lower},
	{"lt", 2, 2, fn_lt},           {"ne", 2, 2, fn_ne},
	{"not", 1, 1, fn_not},         {"or", 1, ANY, NULL},
	{"pad", 3, 3, fn_pad},         {"print", 0, ANY, fn_print},
	{"printf", 1, ANY, fn_printf}, {"println", 0, ANY, fn_println},
	{"slice", 1, 3, fn_slice},     {"split", 2, 2, fn_split},
	{"title", 1, 1, fn_title},     {"truncate", 2, 2, fn_truncate},
	{"upper", 1, 1, fn_upper},     {"urlquery", 1, ANY, fn_urlquery},
};

static const struct function *find(const char *name)
{
	for (size_t i = 0; i < MB_N(functions); i++)
		if (strcmp(functions[i].name, name) == 0)
			return &functions[i];
	return NULL;
}

bool mb_format_function_exists(const char *name)
{
	return find(name);
}

static int not_there(const char *name, struct mb_err *err)
{
	return mb_fail(err, EINVAL, "function \"%s\" not defined", name);
}

int mb_format_function_check(const char *name, size_t n, struct mb_err *err)
{
	const struct function *f = find(name);

	if (!f)
		return not_there(name, err);
	if (n < f->min || n > f->max)
		return mb_fail(err, EINVAL, "wrong number of args for %s: want %s%zu got %zu", name,
		               f->max == ANY ? "at least " : "", n > f->max ? f->max : f->min, n);
	return 0;
}

int mb_format_function_call(const char *name, const struct mb_format_value *args, size_t n,
                            struct mb_format_value *ret, struct mb_err *err)
{
	const struct function *f = find(name);
	struct args a = {.v = args, .n = n, .err = err};
	struct mb_format_value value = MB_FORMAT_NO_VALUE;
	int r;

	if (!f)
		return not_there(name, err);
	if (!f->call)
		return fn_index(&a, ret);
	value.is_valid = true;
	r = f->call(&a, &value.o);
	if (r == 0)
		mb_format_value_move(ret, &value);
	else
		mb_format_value_done(&value);
	return r;
}
