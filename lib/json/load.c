/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text to a struct without a tree in between: a tree costs eight times what the struct does.
 * Objects, lists, strings and small numbers are read here; of what is left a tree of that one
 * value is made and decoded, so that there is one place which knows all of what a member takes.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core/err.h"
#include "json/decode.h"
#include "json/parser.h"

enum { MAX_ROWS = 128 };

/* Which rows of a table an object has had. */
struct rows {
	bool seen[MAX_ROWS], given[MAX_ROWS]; /* given: and it was not null */
};

static int load_object(struct mb_json_parser *ps, const struct mb_json_place *at,
                       const struct mb_json_field *table, void *out);

static char peek(struct mb_json_parser *ps)
{
	mb_json_parser_space(ps);
	return ps->p < ps->end ? *ps->p : '\0';
}

/* A string that is a string. */
static int load_text(struct mb_json_parser *ps, const struct mb_json_place *at, char **ret)
{
	struct mb_json_slice text = {NULL, 0};
	int r = mb_json_parser_begin(ps);

	ps->p++;
	if (r == 0)
		r = mb_json_parser_string(ps, &text);
	if (r < 0)
		return r;
	if (text.len && memchr(text.s, 0, text.len))
		return mb_json_refuse(at, ps->err, EINVAL, "must not contain a zero byte");
	*ret = mb_strndup(text.s, text.len);
	return 0;
}

static int load_str(struct mb_json_parser *ps, const struct mb_json_place *at,
                    const struct mb_json_field *f, void *out)
{
	char **slot = MB_JSON_MEMBER(f, out, char *), *text = NULL;
	int r = load_text(ps, at, &text);

	if (r < 0)
		return r;
	free(*slot);
	*slot = text;
	return 0;
}

static int load_element_text(struct mb_json_parser *ps, const struct mb_json_place *at,
                             struct mb_strv *sv)
{
	MB_AUTO(mb_json_free) struct json_object *other = NULL;
	char *text = NULL;
	int r;

	if (peek(ps) == '"') {
		r = load_text(ps, at, &text);
		if (r == 0)
			mb_strv_take(sv, text);
		return r;
	}
	r = mb_json_parser_value(ps, &other);
	return r < 0 ? r : mb_json_refuse(at, ps->err, EINVAL, "must be a string");
}

/* A whole struct as a value: an object, or what is told to be none. */
static int load_struct(struct mb_json_parser *ps, const struct mb_json_place *at,
                       const struct mb_json_field *table, void *out)
{
	MB_AUTO(mb_json_free) struct json_object *other = NULL;
	int r;

	if (peek(ps) == '{') {
		r = mb_json_parser_begin(ps);
		return r < 0 ? r : load_object(ps, at, table, out);
	}
	r = mb_json_parser_value(ps, &other);
	return r < 0 ? r : mb_json_refuse(at, ps->err, EINVAL, "must be an object");
}

/* Room for one more, zeroed and counted at once, so that mb_json_done() finds what is half made. */
static int append_element(const struct mb_json_field *f, void *out, size_t *cap, char **ret,
                          struct mb_err *err)
{
	char **list = MB_JSON_MEMBER(f, out, char *);
	size_t *n = MB_JSON_OTHER(f, out, size_t);

	if (*n == *cap) {
		size_t more = *cap ? *cap * 2 : 1;
		void *grown = NULL;
		int r = mb_alloc_bounded(more, f->size, MB_JSON_MAX_LIST_BYTES, &grown, err);

		if (r < 0)
			return r;
		if (*n)
			memcpy(grown, *list, *n * f->size);
		free(*list);
		*list = grown;
		*cap = more;
	}
	*ret = *list + (*n)++ * f->size;
	return 0;
}

static int load_array(struct mb_json_parser *ps, const struct mb_json_place *at,
                      const struct mb_json_field *f, void *out)
{
	struct mb_strv *sv = MB_JSON_MEMBER(f, out, struct mb_strv);
	struct mb_json_place element = {.up = at};
	size_t cap = 0;
	int r = mb_json_parser_begin(ps);

	if (r == 0)
		r = mb_json_parser_enter(ps);
	if (r < 0)
		return r;
	if (peek(ps) != ']') {
		do {
			char *one = NULL;

			if (f->kind == MB_JSON_KIND_STRV) {
				r = load_element_text(ps, &element, sv);
			} else {
				r = append_element(f, out, &cap, &one, ps->err);
				if (r == 0)
					r = load_struct(ps, &element, f->table, one);
			}
			if (r < 0)
				return r;
			element.index++;
			mb_json_parser_space(ps);
		} while (mb_json_parser_accept(ps, ','));
	}
	if (!mb_json_parser_accept(ps, ']'))
		return mb_json_parser_malformed(ps, ps->p, "',' or ']' is expected");
	mb_json_parser_leave(ps);
	return 0;
}

static bool load_word(struct mb_json_parser *ps, const char *word, size_t len)
{
	if ((size_t)(ps->end - ps->p) < len || memcmp(ps->p, word, len) != 0)
		return false;
	ps->p += len;
	return true;
}

/* A whole number that any member can hold: at most four digits, and no more of it behind them. */
static bool load_digits(struct mb_json_parser *ps, unsigned int *ret)
{
	const char *p = ps->p;
	unsigned int value = 0;

	while (p < ps->end && p - ps->p < 4 && *p >= '0' && *p <= '9')
		value = value * 10 + (unsigned int)(*p++ - '0');
	if (p == ps->p || (*ps->p == '0' && p - ps->p > 1) || p == ps->end ||
	    (*p != ',' && *p != '}'))
		return false;
	ps->p = p;
	*ret = value;
	return true;
}

/* What stands most often where no text does, and needs no tree.  Return: whether it was that. */
static bool load_small(struct mb_json_parser *ps, const struct mb_json_field *f, void *out)
{
	unsigned int value;

	if (f->kind == MB_JSON_KIND_BOOL) {
		bool is_true = load_word(ps, "true", 4);

		if (is_true || load_word(ps, "false", 5))
			*MB_JSON_MEMBER(f, out, bool) = is_true;
		else
			return false;
	} else if (f->kind == MB_JSON_KIND_INT && load_digits(ps, &value)) {
		*MB_JSON_MEMBER(f, out, int) = (int)value;
	} else if (f->kind == MB_JSON_KIND_I64 && load_digits(ps, &value)) {
		*MB_JSON_MEMBER(f, out, int64_t) = value;
	} else {
		return false;
	}
	ps->n_values++;
	if (f->is_opt)
		*MB_JSON_OTHER(f, out, bool) = true;
	return true;
}

/* By a tree; *@ret_given: it was not null. */
static int load_other(struct mb_json_parser *ps, const struct mb_json_place *at,
                      const struct mb_json_field *f, void *out, bool *ret_given)
{
	MB_AUTO(mb_json_free) struct json_object *value = NULL;
	int r = mb_json_parser_value(ps, &value);

	*ret_given = value != NULL;
	if (r < 0 || !value)
		return r;
	return mb_json_decode_member(at, f, value, out, ps->err);
}

static int load_value(struct mb_json_parser *ps, const struct mb_json_place *at,
                      const struct mb_json_field *f, void *out, bool *ret_given)
{
	char first = peek(ps);

	*ret_given = true;
	if (first == '"' && f->kind == MB_JSON_KIND_STR)
		return load_str(ps, at, f, out);
	if (first == '[' && (f->kind == MB_JSON_KIND_STRV || f->kind == MB_JSON_KIND_LIST))
		return load_array(ps, at, f, out);
	if (first == '{' && f->kind == MB_JSON_KIND_OBJ)
		return load_struct(ps, at, f->table, MB_JSON_MEMBER(f, out, char));
	if (first == '{' && f->kind == MB_JSON_KIND_PTR) {
		void **slot = MB_JSON_MEMBER(f, out, void *);

		if (!*slot)
			*slot = mb_calloc(1, f->size);
		return load_struct(ps, at, f->table, *slot);
	}
	if (ps->n_values < MB_JSON_MAX_VALUES && load_small(ps, f, out))
		return 0;
	return load_other(ps, at, f, out, ret_given);
}

static int load_member(struct mb_json_parser *ps, const struct mb_json_place *up,
                       const struct mb_json_field *table, const struct mb_json_field *f,
                       const char *where, struct rows *rows, void *out)
{
	struct mb_json_place at = {.up = up, .name = f->name};
	size_t row = (size_t)(f - table);
	int r;

	assert(row < MAX_ROWS);
	if (rows->seen[row])
		return mb_json_parser_twice(ps, where, f->name);
	rows->seen[row] = true;
	r = mb_json_parser_colon(ps);
	if (r == 0 && f->kind == MB_JSON_KIND_SKIPPED)
		return mb_json_parser_skip(ps);
	return r < 0 ? r : load_value(ps, &at, f, out, &rows->given[row]);
}

static int check_required(const struct mb_json_place *at, const struct mb_json_field *table,
                          const struct rows *rows, struct mb_err *err)
{
	for (size_t i = 0; table[i].kind != MB_JSON_KIND_END; i++) {
		struct mb_json_place missing = {.up = at, .name = table[i].name};

		if ((table[i].flags & MB_JSON_REQUIRED) && !rows->given[i])
			return mb_json_refuse(&missing, err, EINVAL, "is missing");
	}
	return 0;
}

/* Before the '{' of a value that was begun. */
static int load_object(struct mb_json_parser *ps, const struct mb_json_place *at,
                       const struct mb_json_field *table, void *out)
{
	MB_AUTO(mb_json_free) struct json_object *unknown = NULL; /* none of these twice either */
	const struct mb_json_field *hint = table;
	struct rows rows = {{false}, {false}};
	int r = mb_json_parser_enter(ps);

	if (r < 0)
		return r;
	if (peek(ps) != '}') {
		do {
			struct mb_json_slice name;
			const struct mb_json_field *f;
			const char *where;

			r = mb_json_parser_name(ps, &name, &where);
			if (r < 0)
				return r;
			f = mb_json_row_find(table, hint, name.s, name.len);
			if (f) {
				hint = f + 1;
				r = load_member(ps, at, table, f, where, &rows, out);
			} else {
				if (!unknown)
					unknown = mb_json_new_object();
				r = mb_json_parser_member(ps, unknown, name, where);
			}
			if (r < 0)
				return r;
			mb_json_parser_space(ps);
		} while (mb_json_parser_accept(ps, ','));
	}
	if (!mb_json_parser_accept(ps, '}'))
		return mb_json_parser_malformed(ps, ps->p, "',' or '}' is expected");
	mb_json_parser_leave(ps);
	return check_required(at, table, &rows, ps->err);
}

int mb_json_fill(const char *text, size_t len, const struct mb_json_field *table, void *out,
                 struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *other = NULL;
	struct mb_json_parser ps;
	int r = mb_json_parser_init(&ps, text, len, err);

	if (r == 0 && peek(&ps) == '{') {
		r = mb_json_parser_begin(&ps);
		if (r == 0)
			r = load_object(&ps, NULL, table, out);
	} else if (r == 0) {
		r = mb_json_parser_value(&ps, &other);
		if (r == 0)
			r = mb_fail(err, EBADMSG, "malformed JSON: the value is not an object");
	}
	return mb_json_parser_done(&ps, r);
}

int mb_json_load(const char *text, size_t len, const struct mb_json_field *table, void *out,
                 size_t out_size, struct mb_err *err)
{
	int r;

	memset(out, 0, out_size);
	r = mb_json_fill(text, len, table, out, err);
	if (r < 0) {
		mb_json_done(table, out);
		memset(out, 0, out_size);
	}
	return r;
}
