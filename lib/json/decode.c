/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json/decode.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/str.h"

struct decoder {
	const struct mb_json_field *f;
	struct mb_json_place at;
	struct mb_err *err;
};

static int decode_object(const struct mb_json_place *at, struct json_object *obj,
                         const struct mb_json_field *table, void *out, struct mb_err *err);

static void add_path(const struct mb_json_place *at, struct mb_str *out)
{
	if (!at)
		return;
	add_path(at->up, out);
	if (!at->name) {
		mb_str_addf(out, "[%zu]", at->index);
		return;
	}
	if (out->len)
		mb_str_addc(out, '.');
	mb_str_add(out, at->name);
}

int mb_json_refuse(const struct mb_json_place *at, struct mb_err *err, int errnum, const char *fmt,
                   ...)
{
	MB_AUTO_STR struct mb_str path = MB_STR_INIT, what = MB_STR_INIT;
	MB_AUTO_FREE char *shown = NULL;
	va_list ap;

	add_path(at, &path);
	va_start(ap, fmt);
	mb_str_addv(&what, fmt, ap);
	va_end(ap);
	shown = mb_printable(mb_str_text(&path));
	if (!path.len)
		return mb_fail(err, errnum, "the document %s", what.buf);
	return mb_fail(err, errnum, "'%s' %s", shown, what.buf);
}

static int want(const struct mb_json_place *at, struct json_object *v, enum json_type type,
                const char *what, struct mb_err *err)
{
	if (json_object_get_type(v) != type)
		return mb_json_refuse(at, err, EINVAL, "must be %s", what);
	return 0;
}

static int get_text(const struct mb_json_place *at, struct json_object *v, const char **ret,
                    struct mb_err *err)
{
	const char *s;
	int r = want(at, v, json_type_string, "a string", err);

	if (r < 0)
		return r;
	s = json_object_get_string(v);
	if (strlen(s) != (size_t)json_object_get_string_len(v))
		return mb_json_refuse(at, err, EINVAL, "must not contain a zero byte");
	*ret = s;
	return 0;
}

static int get_signed(const struct mb_json_place *at, struct json_object *v, int64_t min,
                      int64_t max, int64_t *ret, struct mb_err *err)
{
	int64_t value;

	if (json_object_is_type(v, json_type_double))
		return mb_json_refuse(at, err, ERANGE, "must be a whole number from %lld to %lld",
		                      (long long)min, (long long)max);
	if (!json_object_is_type(v, json_type_int))
		return mb_json_refuse(at, err, EINVAL, "must be a number");
	value = json_object_get_int64(v);
	if (value < min || value > max ||
	    (value == INT64_MAX && json_object_get_uint64(v) > INT64_MAX))
		return mb_json_refuse(at, err, ERANGE, "must be a whole number from %lld to %lld",
		                      (long long)min, (long long)max);
	*ret = value;
	return 0;
}

static int get_u64(const struct mb_json_place *at, struct json_object *v, uint64_t *ret,
                   struct mb_err *err)
{
	if (!json_object_is_type(v, json_type_int) && !json_object_is_type(v, json_type_double))
		return mb_json_refuse(at, err, EINVAL, "must be a number");
	if (json_object_is_type(v, json_type_double) || json_object_get_int64(v) < 0)
		return mb_json_refuse(at, err, ERANGE, "must be a whole number from 0 to %llu",
		                      (unsigned long long)UINT64_MAX);
	*ret = json_object_get_uint64(v);
	return 0;
}

static int decode_number(const struct decoder *d, struct json_object *v, void *out)
{
	const struct mb_json_field *f = d->f;
	int64_t min = 0, max = 0, value;
	int r;

	if (f->kind == MB_JSON_KIND_U64)
		return get_u64(&d->at, v, MB_JSON_MEMBER(f, out, uint64_t), d->err);
	if (f->kind == MB_JSON_KIND_I64) {
		min = INT64_MIN;
		max = INT64_MAX;
	} else if (f->kind == MB_JSON_KIND_INT) {
		min = INT_MIN;
		max = INT_MAX;
	} else {
		max = f->kind == MB_JSON_KIND_U16 ? UINT16_MAX : UINT32_MAX;
	}
	r = get_signed(&d->at, v, min, max, &value, d->err);
	if (r < 0)
		return r;
	if (f->kind == MB_JSON_KIND_I64)
		*MB_JSON_MEMBER(f, out, int64_t) = value;
	else if (f->kind == MB_JSON_KIND_INT)
		*MB_JSON_MEMBER(f, out, int) = (int)value;
	else if (f->kind == MB_JSON_KIND_U16)
		*MB_JSON_MEMBER(f, out, uint16_t) = (uint16_t)value;
	else
		*MB_JSON_MEMBER(f, out, uint32_t) = (uint32_t)value;
	return 0;
}

static int decode_str(const struct decoder *d, struct json_object *v, void *out)
{
	char **slot = MB_JSON_MEMBER(d->f, out, char *);
	const char *s = NULL;
	int r = get_text(&d->at, v, &s, d->err);

	if (r < 0)
		return r;
	free(*slot);
	*slot = mb_strdup(s);
	return 0;
}

static int decode_time(const struct decoder *d, struct json_object *v, void *out)
{
	const char *s = NULL;
	int r = get_text(&d->at, v, &s, d->err);

	if (r < 0)
		return r;
	if (mb_time_parse(s, MB_JSON_MEMBER(d->f, out, int64_t)) < 0)
		return mb_json_refuse(&d->at, d->err, EINVAL, "must be a time as RFC 3339 has it");
	return 0;
}

static int decode_enum(const struct decoder *d, struct json_object *v, void *out)
{
	MB_AUTO_FREE char *shown = NULL;
	const char *s = NULL;
	int r = get_text(&d->at, v, &s, d->err);

	if (r < 0)
		return r;
	for (int i = 0; d->f->names[i]; i++) {
		if (strcmp(d->f->names[i], s) == 0) {
			*MB_JSON_MEMBER(d->f, out, int) = i;
			return 0;
		}
	}
	shown = mb_printable(s);
	return mb_json_refuse(&d->at, d->err, EINVAL, "cannot be '%.200s'", shown);
}

static int decode_bool(const struct decoder *d, struct json_object *v, void *out)
{
	int r = want(&d->at, v, json_type_boolean, "true or false", d->err);

	if (r == 0)
		*MB_JSON_MEMBER(d->f, out, bool) = json_object_get_boolean(v);
	return r;
}

static int decode_strv(const struct decoder *d, struct json_object *v, void *out)
{
	struct mb_strv *sv = MB_JSON_MEMBER(d->f, out, struct mb_strv);
	int r = want(&d->at, v, json_type_array, "an array", d->err);
	size_t n;

	if (r < 0)
		return r;
	mb_strv_done(sv);
	n = json_object_array_length(v);
	for (size_t i = 0; i < n; i++) {
		struct mb_json_place at = {.up = &d->at, .index = i};
		const char *s = NULL;

		r = get_text(&at, json_object_array_get_idx(v, i), &s, d->err);
		if (r < 0)
			return r;
		mb_strv_add(sv, s);
	}
	return 0;
}

static int decode_set(const struct decoder *d, struct json_object *v, void *out)
{
	struct mb_strv *sv = MB_JSON_MEMBER(d->f, out, struct mb_strv);
	int r = want(&d->at, v, json_type_object, "an object", d->err);

	if (r < 0)
		return r;
	mb_strv_done(sv);
	json_object_object_foreach (v, key, value) {
		(void)value;
		mb_strv_add(sv, key);
	}
	return 0;
}

/* Names are unique in a tree, so pairs are put one behind the other: mb_kv_set() would look
 * for each among all before it. */
static void append_pair(struct mb_kv *kv, const char *key, const char *value)
{
	if (kv->n == kv->cap) {
		kv->cap = kv->cap ? kv->cap * 2 : 8;
		kv->v = mb_realloc(kv->v, kv->cap * sizeof(*kv->v));
	}
	kv->v[kv->n].key = mb_strdup(key);
	kv->v[kv->n++].value = mb_strdup(value);
}

static int decode_kv(const struct decoder *d, struct json_object *v, void *out)
{
	struct mb_kv *kv = MB_JSON_MEMBER(d->f, out, struct mb_kv);
	int r = want(&d->at, v, json_type_object, "an object", d->err);

	if (r < 0)
		return r;
	mb_kv_done(kv);
	json_object_object_foreach (v, key, value) {
		struct mb_json_place at = {.up = &d->at, .name = key};
		const char *s = "";

		r = value ? get_text(&at, value, &s, d->err) : 0;
		if (r < 0)
			return r;
		append_pair(kv, key, s);
	}
	return 0;
}

static int decode_u32s(const struct decoder *d, struct json_object *v, void *out)
{
	uint32_t **slot = MB_JSON_MEMBER(d->f, out, uint32_t *);
	size_t *count = MB_JSON_OTHER(d->f, out, size_t), n;
	int r = want(&d->at, v, json_type_array, "an array", d->err);

	if (r < 0)
		return r;
	n = json_object_array_length(v);
	free(*slot);
	*count = n;
	*slot = n ? mb_calloc(n, sizeof(**slot)) : NULL;
	for (size_t i = 0; i < n; i++) {
		struct mb_json_place at = {.up = &d->at, .index = i};
		int64_t value;

		r = get_signed(&at, json_object_array_get_idx(v, i), 0, UINT32_MAX, &value, d->err);
		if (r < 0)
			return r;
		(*slot)[i] = (uint32_t)value;
	}
	return 0;
}

static int decode_pointer(const struct decoder *d, struct json_object *v, void *out)
{
	void **slot = MB_JSON_MEMBER(d->f, out, void *);

	if (!*slot)
		*slot = mb_calloc(1, d->f->size);
	return decode_object(&d->at, v, d->f->table, *slot, d->err);
}

/* Room for @n elements, counted at once, so that mb_json_done() finds what is half made. */
static int new_elements(const struct decoder *d, size_t n, void *out, char **ret)
{
	struct mb_json_field elements[] = {*d->f, MB_JSON_END};
	void *memory = NULL;
	int r;

	elements[0].is_opt = false;
	mb_json_done(elements, out);
	if (n) {
		r = mb_alloc_bounded(n, d->f->size, MB_JSON_MAX_LIST_BYTES, &memory, d->err);
		if (r < 0)
			return r;
	}
	*MB_JSON_MEMBER(d->f, out, void *) = memory;
	*MB_JSON_OTHER(d->f, out, size_t) = n;
	*ret = memory;
	return 0;
}

static int decode_list(const struct decoder *d, struct json_object *v, void *out)
{
	int r = want(&d->at, v, json_type_array, "an array", d->err);
	char *elements = NULL;
	size_t n;

	if (r < 0)
		return r;
	n = json_object_array_length(v);
	r = new_elements(d, n, out, &elements);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct mb_json_place at = {.up = &d->at, .index = i};

		r = decode_object(&at, json_object_array_get_idx(v, i), d->f->table,
		                  elements + i * d->f->size, d->err);
	}
	return r;
}

static int decode_map(const struct decoder *d, struct json_object *v, void *out)
{
	int r = want(&d->at, v, json_type_object, "an object", d->err);
	char *element = NULL;

	if (r < 0)
		return r;
	r = new_elements(d, (size_t)json_object_object_length(v), out, &element);
	if (r < 0)
		return r;
	json_object_object_foreach (v, key, value) {
		struct mb_json_place at = {.up = &d->at, .name = key};

		*(char **)(void *)(element + d->f->key) = mb_strdup(key);
		r = value ? decode_object(&at, value, d->f->table, element, d->err) : 0;
		if (r < 0)
			return r;
		element += d->f->size;
	}
	return 0;
}

static int decode_raw(const struct decoder *d, struct json_object *v, void *out)
{
	struct json_object **slot = MB_JSON_MEMBER(d->f, out, struct json_object *);

	mb_json_free(*slot);
	*slot = json_object_get(v);
	return 0;
}

static int decode_member(const struct decoder *d, struct json_object *v, void *out)
{
	switch (d->f->kind) {
	case MB_JSON_KIND_STR:
		return decode_str(d, v, out);
	case MB_JSON_KIND_BOOL:
		return decode_bool(d, v, out);
	case MB_JSON_KIND_INT:
	case MB_JSON_KIND_U16:
	case MB_JSON_KIND_U32:
	case MB_JSON_KIND_I64:
	case MB_JSON_KIND_U64:
		return decode_number(d, v, out);
	case MB_JSON_KIND_TIME:
		return decode_time(d, v, out);
	case MB_JSON_KIND_ENUM:
		return decode_enum(d, v, out);
	case MB_JSON_KIND_STRV:
		return decode_strv(d, v, out);
	case MB_JSON_KIND_SET:
		return decode_set(d, v, out);
	case MB_JSON_KIND_KV:
		return decode_kv(d, v, out);
	case MB_JSON_KIND_U32S:
		return decode_u32s(d, v, out);
	case MB_JSON_KIND_OBJ:
		return decode_object(&d->at, v, d->f->table, MB_JSON_MEMBER(d->f, out, char),
		                     d->err);
	case MB_JSON_KIND_PTR:
		return decode_pointer(d, v, out);
	case MB_JSON_KIND_LIST:
		return decode_list(d, v, out);
	case MB_JSON_KIND_MAP:
		return decode_map(d, v, out);
	case MB_JSON_KIND_RAW:
		return decode_raw(d, v, out);
	case MB_JSON_KIND_REFUSED:
		return mb_json_refuse(&d->at, d->err, EOPNOTSUPP, "is not supported");
	case MB_JSON_KIND_END:
	case MB_JSON_KIND_SKIPPED:
		break;
	}
	return 0;
}

int mb_json_decode_member(const struct mb_json_place *at, const struct mb_json_field *f,
                          struct json_object *v, void *out, struct mb_err *err)
{
	struct decoder d = {.f = f, .at = *at, .err = err};
	int r = decode_member(&d, v, out);

	if (r == 0 && f->is_opt)
		*MB_JSON_OTHER(f, out, bool) = true;
	return r;
}

static int check_required(const struct mb_json_place *at, struct json_object *obj,
                          const struct mb_json_field *table, struct mb_err *err)
{
	for (const struct mb_json_field *f = table; f->kind != MB_JSON_KIND_END; f++) {
		struct mb_json_place missing = {.up = at, .name = f->name};

		if ((f->flags & MB_JSON_REQUIRED) && !mb_json_find(obj, f->name))
			return mb_json_refuse(&missing, err, EINVAL, "is missing");
	}
	return 0;
}

static int decode_object(const struct mb_json_place *at, struct json_object *obj,
                         const struct mb_json_field *table, void *out, struct mb_err *err)
{
	const struct mb_json_field *hint = table;
	int r = want(at, obj, json_type_object, "an object", err);

	if (r < 0)
		return r;
	json_object_object_foreach (obj, key, value) {
		const struct mb_json_field *f =
			value ? mb_json_row_find(table, hint, key, strlen(key)) : NULL;
		struct mb_json_place member = {.up = at, .name = key};

		if (!f)
			continue;
		hint = f + 1;
		r = mb_json_decode_member(&member, f, value, out, err);
		if (r < 0)
			return r;
	}
	return check_required(at, obj, table, err);
}

int mb_json_decode(struct json_object *obj, const struct mb_json_field *table, void *out,
                   struct mb_err *err)
{
	return decode_object(NULL, obj, table, out, err);
}
