/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/json/table.h — a struct and its JSON object, told once as a table of members.
 *
 *	static const struct mb_json_field user_table[] = {
 *		MB_JSON_U32("uid", struct user, uid, .flags = MB_JSON_ALWAYS),
 *		MB_JSON_STR("name", struct user, name),
 *		MB_JSON_END,
 *	};
 *
 * Each row checks at compile time that the member has the type which its kind says.  Rows take
 * further initialisers at their end, in practice `.flags = ...`.
 *
 * Decoding writes only the members that the document has: zero the struct (or fill in defaults
 * that own nothing) before.  null counts as absent.  Names that no row has are ignored.
 * Encoding leaves out what is empty (NULL, 0, false, no elements, absent optional, an embedded
 * object without members) unless the row says MB_JSON_ALWAYS.
 */
#ifndef MB_JSON_TABLE_H
#define MB_JSON_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/strv.h"

struct mb_err;
struct mb_str;
struct json_object;

enum mb_json_kind {
	MB_JSON_KIND_END,
	MB_JSON_KIND_STR,
	MB_JSON_KIND_BOOL,
	MB_JSON_KIND_INT,
	MB_JSON_KIND_U16,
	MB_JSON_KIND_U32,
	MB_JSON_KIND_I64,
	MB_JSON_KIND_U64,
	MB_JSON_KIND_TIME,
	MB_JSON_KIND_ENUM,
	MB_JSON_KIND_STRV,
	MB_JSON_KIND_SET,
	MB_JSON_KIND_KV,
	MB_JSON_KIND_U32S,
	MB_JSON_KIND_OBJ,
	MB_JSON_KIND_PTR,
	MB_JSON_KIND_LIST,
	MB_JSON_KIND_MAP,
	MB_JSON_KIND_RAW,
	MB_JSON_KIND_REFUSED,
	MB_JSON_KIND_SKIPPED,
};

enum mb_json_flag {
	MB_JSON_ALWAYS = 1,   /* encode: write it even when empty (a NULL string is "") */
	MB_JSON_NULL = 2,     /* encode: write null when empty */
	MB_JSON_REQUIRED = 4, /* decode: its absence is an error; encode: as MB_JSON_ALWAYS */
};

struct mb_json_field {
	const char *name;
	enum mb_json_kind kind;
	unsigned int flags; /* of enum mb_json_flag */
	bool is_opt;        /* other tells whether the member is there */
	size_t offset;
	size_t other; /* of the count of a list, or of the bool of an _OPT row */
	size_t key;   /* of the char * that holds the name of a map's element */
	size_t size;  /* of an element or of a pointed-to struct */
	const struct mb_json_field *table;
	const char *const *names; /* of an enumeration, NULL-terminated */
};

#define MB_JSON_CHECK_(cond) (0 * sizeof(char[(cond) ? 1 : -1]))
#define MB_JSON_IS_(s, m, ctype) \
	MB_JSON_CHECK_(__builtin_types_compatible_p(__typeof__(((s *)0)->m), ctype))
#define MB_JSON_AT_(s, m, ctype) (offsetof(s, m) + MB_JSON_IS_(s, m, ctype))
#define MB_JSON_ROW_(n, k, s, m, ctype, ...)                                                \
	{                                                                                   \
		.name = (n), .kind = (k), .offset = MB_JSON_AT_(s, m, ctype), ##__VA_ARGS__ \
	}
#define MB_JSON_OPT_ROW_(n, k, s, m, has, ctype, ...)                             \
	{                                                                         \
		.name = (n), .kind = (k), .offset = MB_JSON_AT_(s, m, ctype),     \
		.other = MB_JSON_AT_(s, has, bool), .is_opt = true, ##__VA_ARGS__ \
	}

/* "name", struct type, member: */
#define MB_JSON_STR(n, s, m, ...)  MB_JSON_ROW_(n, MB_JSON_KIND_STR, s, m, char *, ##__VA_ARGS__)
#define MB_JSON_BOOL(n, s, m, ...) MB_JSON_ROW_(n, MB_JSON_KIND_BOOL, s, m, bool, ##__VA_ARGS__)
#define MB_JSON_INT(n, s, m, ...)  MB_JSON_ROW_(n, MB_JSON_KIND_INT, s, m, int, ##__VA_ARGS__)
#define MB_JSON_U16(n, s, m, ...)  MB_JSON_ROW_(n, MB_JSON_KIND_U16, s, m, uint16_t, ##__VA_ARGS__)
#define MB_JSON_U32(n, s, m, ...)  MB_JSON_ROW_(n, MB_JSON_KIND_U32, s, m, uint32_t, ##__VA_ARGS__)
#define MB_JSON_I64(n, s, m, ...)  MB_JSON_ROW_(n, MB_JSON_KIND_I64, s, m, int64_t, ##__VA_ARGS__)
#define MB_JSON_U64(n, s, m, ...)  MB_JSON_ROW_(n, MB_JSON_KIND_U64, s, m, uint64_t, ##__VA_ARGS__)
/* int64_t nanoseconds since 1970 as RFC 3339 text (core/clock.h); 0 is docker's zero time. */
#define MB_JSON_TIME(n, s, m, ...) MB_JSON_ROW_(n, MB_JSON_KIND_TIME, s, m, int64_t, ##__VA_ARGS__)
/* Array of strings. */
#define MB_JSON_STRV(n, s, m, ...) \
	MB_JSON_ROW_(n, MB_JSON_KIND_STRV, s, m, struct mb_strv, ##__VA_ARGS__)
/* Object whose names alone matter ({"80/tcp": {}}), kept as a vector; written sorted. */
#define MB_JSON_SET(n, s, m, ...) \
	MB_JSON_ROW_(n, MB_JSON_KIND_SET, s, m, struct mb_strv, ##__VA_ARGS__)
/* Object of strings; written sorted by name.  null as a value counts as "". */
#define MB_JSON_KV(n, s, m, ...) MB_JSON_ROW_(n, MB_JSON_KIND_KV, s, m, struct mb_kv, ##__VA_ARGS__)
/* Any value, kept as a tree (one reference, owned). */
#define MB_JSON_RAW(n, s, m, ...) \
	MB_JSON_ROW_(n, MB_JSON_KIND_RAW, s, m, struct json_object *, ##__VA_ARGS__)

/* The same with a bool member that tells 0 from absent. */
#define MB_JSON_BOOL_OPT(n, s, m, has, ...) \
	MB_JSON_OPT_ROW_(n, MB_JSON_KIND_BOOL, s, m, has, bool, ##__VA_ARGS__)
#define MB_JSON_INT_OPT(n, s, m, has, ...) \
	MB_JSON_OPT_ROW_(n, MB_JSON_KIND_INT, s, m, has, int, ##__VA_ARGS__)
#define MB_JSON_U16_OPT(n, s, m, has, ...) \
	MB_JSON_OPT_ROW_(n, MB_JSON_KIND_U16, s, m, has, uint16_t, ##__VA_ARGS__)
#define MB_JSON_U32_OPT(n, s, m, has, ...) \
	MB_JSON_OPT_ROW_(n, MB_JSON_KIND_U32, s, m, has, uint32_t, ##__VA_ARGS__)
#define MB_JSON_I64_OPT(n, s, m, has, ...) \
	MB_JSON_OPT_ROW_(n, MB_JSON_KIND_I64, s, m, has, int64_t, ##__VA_ARGS__)
#define MB_JSON_U64_OPT(n, s, m, has, ...) \
	MB_JSON_OPT_ROW_(n, MB_JSON_KIND_U64, s, m, has, uint64_t, ##__VA_ARGS__)

/* int or enum <-> one of @texts (const char *const[], ended by NULL); the first one is 0.
 * A text that is not among them is an error; value 0 counts as empty. */
#define MB_JSON_ENUM(n, s, m, texts, ...)                                                      \
	{                                                                                      \
		.name = (n), .kind = MB_JSON_KIND_ENUM, .names = (texts),                      \
		.offset = offsetof(s, m) + MB_JSON_CHECK_(sizeof(((s *)0)->m) == sizeof(int)), \
		##__VA_ARGS__                                                                  \
	}
/* Array of numbers: uint32_t *@m with size_t @count. */
#define MB_JSON_U32S(n, s, m, count, ...)                                                        \
	{                                                                                        \
		.name = (n), .kind = MB_JSON_KIND_U32S, .offset = MB_JSON_AT_(s, m, uint32_t *), \
		.other = MB_JSON_AT_(s, count, size_t), .size = sizeof(uint32_t), ##__VA_ARGS__  \
	}
/* A struct embedded in this one. */
#define MB_JSON_OBJ(n, s, m, tab, ...)                                           \
	{                                                                        \
		.name = (n), .kind = MB_JSON_KIND_OBJ, .offset = offsetof(s, m), \
		.size = sizeof(((s *)0)->m), .table = (tab), ##__VA_ARGS__       \
	}
/* A pointer to a struct, NULL when absent; present even when empty ({}). */
#define MB_JSON_PTR(n, s, m, tab, ...)                                           \
	{                                                                        \
		.name = (n), .kind = MB_JSON_KIND_PTR, .offset = offsetof(s, m), \
		.size = sizeof(*((s *)0)->m), .table = (tab), ##__VA_ARGS__      \
	}
/* Array of objects: @elem *@m with size_t @count. */
#define MB_JSON_LIST(n, s, m, count, elem, tab, ...)                                          \
	{                                                                                     \
		.name = (n), .kind = MB_JSON_KIND_LIST, .offset = MB_JSON_AT_(s, m, elem *),  \
		.other = MB_JSON_AT_(s, count, size_t), .size = sizeof(elem), .table = (tab), \
		##__VA_ARGS__                                                                 \
	}
/* Object of objects, in order: @elem *@m with size_t @count; the name goes to the char *
 * @keymember of each element (which has no row in @tab). */
#define MB_JSON_MAP(n, s, m, count, elem, keymember, tab, ...)                                \
	{                                                                                     \
		.name = (n), .kind = MB_JSON_KIND_MAP, .offset = MB_JSON_AT_(s, m, elem *),   \
		.other = MB_JSON_AT_(s, count, size_t), .size = sizeof(elem), .table = (tab), \
		.key = MB_JSON_AT_(elem, keymember, char *), ##__VA_ARGS__                    \
	}
/* Must not be there: -EOPNOTSUPP "'linux.intelRdt' is not supported". */
#define MB_JSON_REFUSED(n)                                \
	{                                                 \
		.name = (n), .kind = MB_JSON_KIND_REFUSED \
	}
/* May be there, and is read past without a look; never written. */
#define MB_JSON_SKIPPED(n)                                \
	{                                                 \
		.name = (n), .kind = MB_JSON_KIND_SKIPPED \
	}
#define MB_JSON_END                      \
	{                                \
		.kind = MB_JSON_KIND_END \
	}

/* Fill @out from the object @obj.  Errors name the member with its path ('process.user.uid',
 * 'mounts[2].type').  Return: 0; -EINVAL for a wrong type or text; -ERANGE for a number that
 * does not fit; -EOPNOTSUPP for a refused member.  On failure @out is as decode left it: call
 * mb_json_done() on it either way. */
int mb_json_decode(struct json_object *obj, const struct mb_json_field *table, void *out,
                   struct mb_err *err);
/* Parse and decode at once, without a tree in between: *@out is zeroed first, and released and
 * zeroed again on failure. */
int mb_json_load(const char *text, size_t len, const struct mb_json_field *table, void *out,
                 size_t out_size, struct mb_err *err);
/* The same into what the caller has zeroed, or given defaults that own nothing; after a failure
 * mb_json_done() is due. */
int mb_json_fill(const char *text, size_t len, const struct mb_json_field *table, void *out,
                 struct mb_err *err);
/* A new object, owned by the caller. */
struct json_object *mb_json_encode(const struct mb_json_field *table, const void *in);
/* Append @in as compact text, without a tree in between. */
void mb_json_save(const struct mb_json_field *table, const void *in, struct mb_str *out);
/* Free what the members own and zero them.  Members without a row are left alone. */
void mb_json_done(const struct mb_json_field *table, void *s);

#endif
