/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/json/json.h — JSON text to trees and back, and small helpers for trees without a table.
 *
 * Reading is strict: one value and nothing after it, RFC 8259 syntax, valid UTF-8, no member
 * twice in an object, and the limits below.  Trees are json-c's; what comes out of
 * mb_json_parse() is freed with mb_json_free().  Tables are in json/table.h, which a user of
 * tables includes through this header.
 */
#ifndef MB_JSON_JSON_H
#define MB_JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/own.h"
#include "json/table.h"

struct mb_err;
struct mb_str;
struct mb_strv;
struct json_object;

enum {
	MB_JSON_MAX_DEPTH = 64,
	MB_JSON_MAX_VALUES = 64 * 1024,
	MB_JSON_MAX_BYTES = 16 * 1024 * 1024,
};

/* Parse @len bytes, which must be one value with nothing but white space around it.
 * Return: 0 and *@ret (NULL stands for the value null); -EBADMSG with the line and the column
 * told; or -E2BIG over a limit. */
int mb_json_parse(const char *text, size_t len, struct json_object **ret, struct mb_err *err);
/* The same, and the value must be an object: *@ret is never NULL. */
int mb_json_parse_object(const char *text, size_t len, struct json_object **ret,
                         struct mb_err *err);
/* One reference more.  Return: @o. */
struct json_object *mb_json_ref(struct json_object *o);
/* Drop one reference.  NULL is fine. */
void mb_json_free(struct json_object *o);
MB_AUTO_DEFINE(struct json_object, mb_json_free)

/* Append @o as text: compact, or indented by four spaces as docker's inspect has it, without a
 * last newline either way.  Strings that are not UTF-8 come out with U+FFFD: the text is always
 * valid JSON.  A NULL @o is null. */
void mb_json_format(struct json_object *o, bool pretty, struct mb_str *out);
/* Append @s as a JSON string with its quotes. */
void mb_json_format_string(const char *s, size_t len, struct mb_str *out);

/* Members of @o, borrowed; the default where @o is NULL, is no object, or has no such member of
 * that type.  @key is one name, not a path. */
struct json_object *mb_json_find(struct json_object *o, const char *key);
const char *mb_json_find_str(struct json_object *o, const char *key, const char *otherwise);
int64_t mb_json_find_i64(struct json_object *o, const char *key, int64_t otherwise);
bool mb_json_find_bool(struct json_object *o, const char *key, bool otherwise);
/* Follow names one after the other, ended by NULL. */
struct json_object *mb_json_walk(struct json_object *o, ...) __attribute__((sentinel));

/* Set members of the object @o.  @value belongs to @o from then on; keys are copied. */
struct json_object *mb_json_new_object(void);
struct json_object *mb_json_new_array(void);
struct json_object *mb_json_new_strv(const struct mb_strv *sv); /* array of strings */
void mb_json_set(struct json_object *o, const char *key, struct json_object *value);
void mb_json_set_str(struct json_object *o, const char *key, const char *s); /* NULL is null */
void mb_json_set_i64(struct json_object *o, const char *key, int64_t v);
void mb_json_set_bool(struct json_object *o, const char *key, bool v);
void mb_json_set_time(struct json_object *o, const char *key, int64_t nsec);
/* Append to the array @a, which owns @value from then on. */
void mb_json_push(struct json_object *a, struct json_object *value);
void mb_json_push_str(struct json_object *a, const char *s);

#endif
