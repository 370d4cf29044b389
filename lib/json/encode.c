/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/clock.h"
#include "json/row.h"

static struct json_object *encode_object(const struct mb_json_field *table, const void *in);

static struct json_object *new_text(const char *s)
{
	return mb_json_made(json_object_new_string(s ? s : ""));
}

static void put(struct json_object *o, const char *key, struct json_object *value, unsigned int how)
{
	if (json_object_object_add_ex(o, key, value, how | JSON_C_OBJECT_ADD_KEY_IS_NEW) < 0)
		mb_oom();
}

static struct json_object *encode_set(const struct mb_strv *sv)
{
	MB_AUTO_FREE size_t *order = mb_json_sort_strv(sv);
	struct json_object *o = mb_json_new_object();

	for (size_t i = 0; i < sv->n; i++)
		mb_json_set(o, sv->v[order ? order[i] : i], mb_json_new_object());
	return o;
}

static struct json_object *encode_kv(const struct mb_kv *kv)
{
	MB_AUTO_FREE size_t *order = mb_json_sort_kv(kv);
	struct json_object *o = mb_json_new_object();

	for (size_t i = 0; i < kv->n; i++) {
		const struct mb_kv_pair *pair = &kv->v[order ? order[i] : i];

		put(o, pair->key, new_text(pair->value), 0);
	}
	return o;
}

static struct json_object *encode_u32s(const uint32_t *v, size_t n)
{
	struct json_object *a = mb_json_new_array();

	for (size_t i = 0; i < n; i++)
		mb_json_push(a, mb_json_made(json_object_new_int64(v[i])));
	return a;
}

static struct json_object *encode_list(const struct mb_json_field *f, const char *v, size_t n)
{
	struct json_object *a = mb_json_new_array();

	for (size_t i = 0; i < n; i++)
		mb_json_push(a, encode_object(f->table, v + i * f->size));
	return a;
}

static struct json_object *encode_map(const struct mb_json_field *f, char *v, size_t n)
{
	struct json_object *o = mb_json_new_object();

	for (size_t i = 0; i < n; i++) {
		char *element = v + i * f->size;

		mb_json_set(o, *(char **)(void *)(element + f->key),
		            encode_object(f->table, element));
	}
	return o;
}

static struct json_object *encode_number(const struct mb_json_field *f, void *in)
{
	if (f->kind == MB_JSON_KIND_BOOL)
		return mb_json_made(json_object_new_boolean(*MB_JSON_MEMBER(f, in, bool)));
	if (f->kind == MB_JSON_KIND_INT)
		return mb_json_made(json_object_new_int64(*MB_JSON_MEMBER(f, in, int)));
	if (f->kind == MB_JSON_KIND_U16)
		return mb_json_made(json_object_new_int64(*MB_JSON_MEMBER(f, in, uint16_t)));
	if (f->kind == MB_JSON_KIND_U32)
		return mb_json_made(json_object_new_int64(*MB_JSON_MEMBER(f, in, uint32_t)));
	if (f->kind == MB_JSON_KIND_I64)
		return mb_json_made(json_object_new_int64(*MB_JSON_MEMBER(f, in, int64_t)));
	return mb_json_made(json_object_new_uint64(*MB_JSON_MEMBER(f, in, uint64_t)));
}

static struct json_object *encode_time(int64_t nsec)
{
	char text[MB_TIME_TEXT];

	return new_text(mb_time_format(nsec, text));
}

static struct json_object *encode_member(const struct mb_json_field *f, void *in)
{
	switch (f->kind) {
	case MB_JSON_KIND_STR:
		return new_text(*MB_JSON_MEMBER(f, in, char *));
	case MB_JSON_KIND_BOOL:
	case MB_JSON_KIND_INT:
	case MB_JSON_KIND_U16:
	case MB_JSON_KIND_U32:
	case MB_JSON_KIND_I64:
	case MB_JSON_KIND_U64:
		return encode_number(f, in);
	case MB_JSON_KIND_TIME:
		return encode_time(*MB_JSON_MEMBER(f, in, int64_t));
	case MB_JSON_KIND_ENUM:
		return new_text(f->names[*MB_JSON_MEMBER(f, in, int)]);
	case MB_JSON_KIND_STRV:
		return mb_json_new_strv(MB_JSON_MEMBER(f, in, struct mb_strv));
	case MB_JSON_KIND_SET:
		return encode_set(MB_JSON_MEMBER(f, in, struct mb_strv));
	case MB_JSON_KIND_KV:
		return encode_kv(MB_JSON_MEMBER(f, in, struct mb_kv));
	case MB_JSON_KIND_U32S:
		return encode_u32s(*MB_JSON_MEMBER(f, in, uint32_t *),
		                   *MB_JSON_OTHER(f, in, size_t));
	case MB_JSON_KIND_OBJ:
		return encode_object(f->table, MB_JSON_MEMBER(f, in, char));
	case MB_JSON_KIND_PTR:
		return *MB_JSON_MEMBER(f, in, void *)
		               ? encode_object(f->table, *MB_JSON_MEMBER(f, in, void *))
		               : NULL;
	case MB_JSON_KIND_LIST:
		return encode_list(f, *MB_JSON_MEMBER(f, in, char *),
		                   *MB_JSON_OTHER(f, in, size_t));
	case MB_JSON_KIND_MAP:
		return encode_map(f, *MB_JSON_MEMBER(f, in, char *), *MB_JSON_OTHER(f, in, size_t));
	case MB_JSON_KIND_RAW:
		return json_object_get(*MB_JSON_MEMBER(f, in, struct json_object *));
	case MB_JSON_KIND_REFUSED:
	case MB_JSON_KIND_SKIPPED:
	case MB_JSON_KIND_END:
		break;
	}
	return NULL;
}

static void encode_row(const struct mb_json_field *f, void *in, struct json_object *o)
{
	const unsigned int how = JSON_C_OBJECT_ADD_CONSTANT_KEY;
	bool wanted = f->flags & (MB_JSON_ALWAYS | MB_JSON_NULL | MB_JSON_REQUIRED);
	struct json_object *value;

	if (f->kind == MB_JSON_KIND_REFUSED || (!wanted && mb_json_row_is_empty(f, in)))
		return;
	if ((f->flags & MB_JSON_NULL) && mb_json_row_is_empty(f, in)) {
		put(o, f->name, NULL, how);
		return;
	}
	value = encode_member(f, in);
	if (!wanted && f->kind == MB_JSON_KIND_OBJ && json_object_object_length(value) == 0)
		mb_json_free(value);
	else
		put(o, f->name, value, how);
}

static struct json_object *encode_object(const struct mb_json_field *table, const void *in)
{
	struct json_object *o = mb_json_new_object();

	for (const struct mb_json_field *f = table; f->kind != MB_JSON_KIND_END; f++)
		encode_row(f, (void *)(uintptr_t)in, o);
	return o;
}

struct json_object *mb_json_encode(const struct mb_json_field *table, const void *in)
{
	return encode_object(table, in);
}
