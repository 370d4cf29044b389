/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/json/decode.h — one value of a tree to one member of a struct (for this folder). */
#ifndef MB_JSON_DECODE_H
#define MB_JSON_DECODE_H

#include "json/row.h"

enum { MB_JSON_MAX_LIST_BYTES = 32 * 1024 * 1024 };

/* Where decoding is, as a chain on the stack: the path becomes text only for an error. */
struct mb_json_place {
	const struct mb_json_place *up;
	const char *name; /* NULL: an element of an array */
	size_t index;
};

/* Tell "'path' what".  Return: -@errnum. */
__attribute__((format(printf, 4, 5), cold)) int mb_json_refuse(const struct mb_json_place *at,
                                                               struct mb_err *err, int errnum,
                                                               const char *fmt, ...);
/* @v, which is not null, to the member of the struct @out that @f tells. */
int mb_json_decode_member(const struct mb_json_place *at, const struct mb_json_field *f,
                          struct json_object *v, void *out, struct mb_err *err);

#endif
