/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/format/template_tree.h — a template as a tree, and the values it works on (this folder). */
#ifndef MB_FORMAT_TEMPLATE_TREE_H
#define MB_FORMAT_TEMPLATE_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/own.h"
#include "core/strv.h"
#include "format/template.h"

struct json_object;
struct mb_str;

enum mb_format_node_kind {
	MB_FORMAT_LIST,   /* kids: statements */
	MB_FORMAT_TEXT,   /* text */
	MB_FORMAT_ACTION, /* kids: pipeline */
	MB_FORMAT_IF,     /* kids: pipeline, list, list or none */
	MB_FORMAT_WITH,   /* the same */
	MB_FORMAT_RANGE,  /* the same */
	MB_FORMAT_BREAK,
	MB_FORMAT_CONTINUE,
	MB_FORMAT_PIPE,    /* names: variables set; kids: commands */
	MB_FORMAT_COMMAND, /* kids: operands */
	MB_FORMAT_DOT,
	MB_FORMAT_NIL,
	MB_FORMAT_CONSTANT, /* constant */
	MB_FORMAT_FIELD,    /* names: .A.B */
	MB_FORMAT_VARIABLE, /* text: "$x"; names: fields after it */
	MB_FORMAT_FUNCTION, /* text: name */
	MB_FORMAT_CHAIN,    /* kids: what stands before; names: fields after it */
};

struct mb_format_node {
	enum mb_format_node_kind kind;
	bool is_assign; /* of a pipeline: "=", not ":=" */
	size_t at, end; /* bytes of the source */
	size_t told;    /* the place that errors tell */
	char *text;
	struct mb_strv names;
	struct json_object *constant;
	struct mb_format_node **kids;
	size_t n_kids;
};

struct mb_format_template {
	char *source;
	struct mb_format_node *root;
};

struct mb_format_node *mb_format_node_new(enum mb_format_node_kind kind, size_t at);
void mb_format_node_add(struct mb_format_node *node, struct mb_format_node *kid);
void mb_format_node_free(struct mb_format_node *node);
MB_AUTO_DEFINE(struct mb_format_node, mb_format_node_free)

/* A value under evaluation.  What a missing name gives is not valid; null is valid with o NULL. */
struct mb_format_value {
	bool is_valid;
	struct json_object *o; /* one reference */
	char *member;          /* the name it was found under, or NULL */
};
#define MB_FORMAT_NO_VALUE ((struct mb_format_value){0})
#define MB_AUTO_VALUE      __attribute__((cleanup(mb_format_value_done)))

void mb_format_value_done(struct mb_format_value *v);
/* Takes the reference. */
struct mb_format_value mb_format_value_of(struct json_object *o);
struct mb_format_value mb_format_value_copy(const struct mb_format_value *v);
/* Replace *@slot by what @v holds; @v is empty after. */
void mb_format_value_move(struct mb_format_value *slot, struct mb_format_value *v);
bool mb_format_value_is_true(const struct mb_format_value *v);
/* As Go prints: "<no value>", "text", "[a b]", "map[k:v]". */
void mb_format_value_print(const struct mb_format_value *v, struct mb_str *out);
/* The same inside of lists and for print: null is "<nil>". */
void mb_format_json_print(struct json_object *o, struct mb_str *out);
const char *mb_format_json_type(const struct json_object *o); /* "string", "[]interface {}" */
/* The item of a list: `{{json .}}` writes <, > and & of it as Go's Marshal does, \u003c, which it
 * does for no value of its own. */
void mb_format_row_mark(struct json_object *o);
bool mb_format_row_is_marked(const struct json_object *o);
void mb_format_html_safe(struct mb_str *json);
/* The names of an object in order. */
void mb_format_json_keys(struct json_object *o, struct mb_strv *ret);

/* nil equals nil alone; values of two types are an error.  Return: 0 or -EINVAL, told. */
int mb_format_value_equal(const struct mb_format_value *a, const struct mb_format_value *b,
                          bool *ret, struct mb_err *err);
/* *@ret as strcmp() has it; only numbers and strings have an order. */
int mb_format_value_order(const struct mb_format_value *a, const struct mb_format_value *b,
                          int *ret, struct mb_err *err);

/* Is @name among the functions of templates? */
bool mb_format_function_exists(const char *name);
/* May @name take @n arguments?  Return: 0 or -EINVAL, told. */
int mb_format_function_check(const char *name, size_t n, struct mb_err *err);
/* Call @name with as many as it takes; and, or are not among them: they do not evaluate all their
 * arguments.  @args are only read.  Return: 0 or -EINVAL with the bare reason told. */
int mb_format_function_call(const char *name, const struct mb_format_value *args, size_t n,
                            struct mb_format_value *ret, struct mb_err *err);
/* Go's Sprintf. */
void mb_format_sprintf(const char *format, const struct mb_format_value *args, size_t n,
                       struct mb_str *out);

#endif
