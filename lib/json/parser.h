/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/json/parser.h — walking through JSON text (for this folder): parse.c makes trees of it,
 * load.c fills structs.  Every function stands before what it reads, or behind the white space
 * before, and leaves ps->p after it; failures are told in ps->err. */
#ifndef MB_JSON_PARSER_H
#define MB_JSON_PARSER_H

#include "core/str.h"
#include "json/row.h"

struct mb_json_parser {
	const char *start, *p, *end;
	size_t n_values;
	unsigned int depth;
	struct mb_str scratch; /* the last string that had escapes */
	struct mb_err *err;
};

struct mb_json_slice {
	const char *s;
	size_t len;
};

static inline void mb_json_parser_space(struct mb_json_parser *ps)
{
	while (ps->p < ps->end &&
	       (*ps->p == ' ' || *ps->p == '\n' || *ps->p == '\t' || *ps->p == '\r'))
		ps->p++;
}

static inline bool mb_json_parser_accept(struct mb_json_parser *ps, char c)
{
	if (ps->p >= ps->end || *ps->p != c)
		return false;
	ps->p++;
	return true;
}

/* Tell what is wrong at @at, with its line and column.  Return: -EBADMSG. */
int mb_json_parser_malformed(const struct mb_json_parser *ps, const char *at, const char *what);
/* The same for the member @name at @at. */
int mb_json_parser_twice(const struct mb_json_parser *ps, const char *at, const char *name);
/* Begin at the whole text, which must outlive @ps.  Return: 0 or -E2BIG. */
int mb_json_parser_init(struct mb_json_parser *ps, const char *text, size_t len,
                        struct mb_err *err);
/* Nothing but white space may follow.  @r: how it went so far.  Frees what @ps owns; returns @r
 * or the failure. */
int mb_json_parser_done(struct mb_json_parser *ps, int r);
/* Past white space to a value, which counts as one of MB_JSON_MAX_VALUES. */
int mb_json_parser_begin(struct mb_json_parser *ps);
/* Past the '{' or '[' of a value that was begun; one level less when it is left. */
int mb_json_parser_enter(struct mb_json_parser *ps);
static inline void mb_json_parser_leave(struct mb_json_parser *ps)
{
	ps->depth--;
}
/* After the opening quote.  The result is borrowed until the next string. */
int mb_json_parser_string(struct mb_json_parser *ps, struct mb_json_slice *ret);
/* A member's name, without zero bytes, up to its colon; *@ret_at is where it begins.  The result
 * is borrowed until the next string. */
int mb_json_parser_name(struct mb_json_parser *ps, struct mb_json_slice *ret, const char **ret_at);
int mb_json_parser_colon(struct mb_json_parser *ps);
/* The colon and the value of the member @name, which goes into @object; it must not be there. */
int mb_json_parser_member(struct mb_json_parser *ps, struct json_object *object,
                          struct mb_json_slice name, const char *at);
/* Past any value of right grammar.  Whether members are there twice is not looked at. */
int mb_json_parser_skip(struct mb_json_parser *ps);
/* Any value as a tree, owned by the caller; NULL for null. */
int mb_json_parser_value(struct mb_json_parser *ps, struct json_object **ret);

#endif
