/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/json/row.h — reaching a struct's members through a row of its table (for this folder). */
#ifndef MB_JSON_ROW_H
#define MB_JSON_ROW_H

#include <json-c/json.h>
#include <string.h>

#include "core/own.h"
#include "json/json.h"

/* The member of the struct @s that row @f tells, as a pointer to @type. */
#define MB_JSON_MEMBER(f, s, type) ((type *)(void *)((char *)(s) + (f)->offset))
#define MB_JSON_OTHER(f, s, type)  ((type *)(void *)((char *)(s) + (f)->other))

static inline struct json_object *mb_json_made(struct json_object *o)
{
	if (!o)
		mb_oom();
	return o;
}

/* The row called @name (@len bytes); NULL when there is none.  It is looked for from @hint on and
 * round: documents mostly have their members in the order of the table, so the first look hits. */
const struct mb_json_field *mb_json_row_find(const struct mb_json_field *table,
                                             const struct mb_json_field *hint, const char *name,
                                             size_t len);
/* Whether encoding may leave the member out.  An embedded object always says no: only its
 * encoder knows. */
bool mb_json_row_is_empty(const struct mb_json_field *f, const void *s);
/* Indices of the pairs or strings in the order of their names; NULL when that is the order they
 * are in.  Caller frees. */
size_t *mb_json_sort_kv(const struct mb_kv *kv);
size_t *mb_json_sort_strv(const struct mb_strv *sv);

#endif
