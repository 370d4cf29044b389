/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>

#include "core/clock.h"
#include "core/strv.h"
#include "json/row.h"

struct json_object *mb_json_ref(struct json_object *o)
{
	return json_object_get(o);
}

void mb_json_free(struct json_object *o)
{
	json_object_put(o);
}

struct json_object *mb_json_find(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v))
		return NULL;
	return v;
}

const char *mb_json_find_str(struct json_object *o, const char *key, const char *otherwise)
{
	struct json_object *v = mb_json_find(o, key);

	return json_object_is_type(v, json_type_string) ? json_object_get_string(v) : otherwise;
}

int64_t mb_json_find_i64(struct json_object *o, const char *key, int64_t otherwise)
{
	struct json_object *v = mb_json_find(o, key);

	return json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : otherwise;
}

bool mb_json_find_bool(struct json_object *o, const char *key, bool otherwise)
{
	struct json_object *v = mb_json_find(o, key);

	return json_object_is_type(v, json_type_boolean) ? json_object_get_boolean(v) : otherwise;
}

struct json_object *mb_json_walk(struct json_object *o, ...)
{
	const char *key;
	va_list ap;

	va_start(ap, o);
	while (o && (key = va_arg(ap, const char *)))
		o = mb_json_find(o, key);
	va_end(ap);
	return o;
}

struct json_object *mb_json_new_object(void)
{
	return mb_json_made(json_object_new_object());
}

struct json_object *mb_json_new_array(void)
{
	return mb_json_made(json_object_new_array_ext(4));
}

struct json_object *mb_json_new_strv(const struct mb_strv *sv)
{
	struct json_object *a = mb_json_new_array();

	MB_STRV_FOREACH (s, sv)
		mb_json_push_str(a, s);
	return a;
}

void mb_json_set(struct json_object *o, const char *key, struct json_object *value)
{
	if (json_object_object_add(o, key, value) < 0)
		mb_oom();
}

void mb_json_set_str(struct json_object *o, const char *key, const char *s)
{
	mb_json_set(o, key, s ? mb_json_made(json_object_new_string(s)) : NULL);
}

void mb_json_set_i64(struct json_object *o, const char *key, int64_t v)
{
	mb_json_set(o, key, mb_json_made(json_object_new_int64(v)));
}

void mb_json_set_bool(struct json_object *o, const char *key, bool v)
{
	mb_json_set(o, key, mb_json_made(json_object_new_boolean(v)));
}

void mb_json_set_time(struct json_object *o, const char *key, int64_t nsec)
{
	char text[MB_TIME_TEXT];

	mb_json_set_str(o, key, mb_time_format(nsec, text));
}

void mb_json_push(struct json_object *a, struct json_object *value)
{
	if (json_object_array_add(a, value) < 0)
		mb_oom();
}

void mb_json_push_str(struct json_object *a, const char *s)
{
	mb_json_push(a, s ? mb_json_made(json_object_new_string(s)) : NULL);
}
