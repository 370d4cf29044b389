/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree and the data become text: everything that is no expression. */
#include <json-c/json.h>
#include <stdlib.h>

#include "core/str.h"
#include "format/template_run.h"
#include "json/json.h"

enum { JUMP_BREAK = 1, JUMP_CONTINUE = 2 };

static int run_list(struct mb_format_run *run, const struct mb_format_node *list,
                    const struct mb_format_value *dot);

static int run_action(struct mb_format_run *run, const struct mb_format_node *node,
                      const struct mb_format_value *dot)
{
	MB_AUTO_VALUE struct mb_format_value v = MB_FORMAT_NO_VALUE;
	int r = mb_format_eval_pipeline(run, node->kids[0], dot, &v);

	if (r == 0 && !node->kids[0]->names.n)
		mb_format_value_print(&v, run->out);
	return r;
}

static int run_condition(struct mb_format_run *run, const struct mb_format_node *node,
                         const struct mb_format_value *dot)
{
	MB_AUTO_VALUE struct mb_format_value v = MB_FORMAT_NO_VALUE;
	size_t mark = run->n_vars;
	int r = mb_format_eval_pipeline(run, node->kids[0], dot, &v);

	if (r == 0 && mb_format_value_is_true(&v))
		r = run_list(run, node->kids[1], node->kind == MB_FORMAT_WITH ? &v : dot);
	else if (r == 0 && node->n_kids > 2)
		r = run_list(run, node->kids[2], dot);
	mb_format_run_drop(run, mark);
	return r;
}

/* One round.  Return: 0 to go on, JUMP_BREAK, or -errno. */
static int run_round(struct mb_format_run *run, const struct mb_format_node *node,
                     const struct mb_format_value *key, const struct mb_format_value *value)
{
	const struct mb_format_node *pipe = node->kids[0];
	size_t mark = run->n_vars;
	int r = mb_format_run_step(run);

	if (r < 0)
		return r;
	if (pipe->names.n == 2)
		mb_format_run_set(run, pipe, 0, key);
	if (pipe->names.n)
		mb_format_run_set(run, pipe, pipe->names.n - 1, value);
	r = run_list(run, node->kids[1], value);
	mb_format_run_drop(run, mark);
	return r == JUMP_CONTINUE ? 0 : r;
}

static int range_map(struct mb_format_run *run, const struct mb_format_node *node,
                     struct json_object *map)
{
	MB_AUTO_STRV struct mb_strv keys = MB_STRV_INIT;
	int r = 0;

	mb_format_json_keys(map, &keys);
	for (size_t i = 0; i < keys.n && r == 0; i++) {
		MB_AUTO_VALUE struct mb_format_value key =
			mb_format_value_of(json_object_new_string(keys.v[i]));
		MB_AUTO_VALUE struct mb_format_value value =
			mb_format_value_of(json_object_get(mb_json_find(map, keys.v[i])));

		value.member = mb_strdup(keys.v[i]);
		r = run_round(run, node, &key, &value);
	}
	return r;
}

/* Over a list, or over the numbers below @n when there is none. */
static int range_list(struct mb_format_run *run, const struct mb_format_node *node,
                      struct json_object *list, int64_t n)
{
	int r = 0;

	for (int64_t i = 0; i < n && r == 0; i++) {
		MB_AUTO_VALUE struct mb_format_value key =
			mb_format_value_of(json_object_new_int64(i));
		MB_AUTO_VALUE struct mb_format_value value =
			list ? mb_format_value_of(
				       json_object_get(json_object_array_get_idx(list, (size_t)i)))
			     : mb_format_value_copy(&key);

		r = run_round(run, node, &key, &value);
	}
	return r;
}

static int run_range(struct mb_format_run *run, const struct mb_format_node *node,
                     const struct mb_format_value *dot)
{
	MB_AUTO_VALUE struct mb_format_value v = MB_FORMAT_NO_VALUE;
	const struct mb_format_node *pipe = node->kids[0];
	size_t mark = run->n_vars;
	int r = mb_format_eval_commands(run, pipe, dot, &v);

	if (r < 0)
		return r;
	if (json_object_is_type(v.o, json_type_string) ||
	    json_object_is_type(v.o, json_type_boolean) ||
	    json_object_is_type(v.o, json_type_double))
		return mb_format_run_fail(run, pipe, "range can't iterate over %s",
		                          json_object_get_string(v.o));
	if (json_object_is_type(v.o, json_type_int) && pipe->names.n == 2)
		return mb_format_run_fail(run, pipe,
		                          "can't use %s to iterate over more than one variable",
		                          json_object_get_string(v.o));
	/* {{else}} may name the variables too: they hold the empty list. */
	for (size_t i = 0; i < pipe->names.n && !pipe->is_assign; i++)
		mb_format_run_set(run, pipe, i, &v);
	if (!mb_format_value_is_true(&v))
		r = node->n_kids > 2 ? run_list(run, node->kids[2], dot) : 0;
	else if (json_object_is_type(v.o, json_type_object))
		r = range_map(run, node, v.o);
	else if (json_object_is_type(v.o, json_type_array))
		r = range_list(run, node, v.o, (int64_t)json_object_array_length(v.o));
	else
		r = range_list(run, node, NULL, json_object_get_int64(v.o));
	mb_format_run_drop(run, mark);
	return r == JUMP_BREAK ? 0 : r;
}

static int run_node(struct mb_format_run *run, const struct mb_format_node *node,
                    const struct mb_format_value *dot)
{
	switch (node->kind) {
	case MB_FORMAT_TEXT:
		mb_str_add(run->out, node->text);
		return 0;
	case MB_FORMAT_ACTION:
		return run_action(run, node, dot);
	case MB_FORMAT_IF:
	case MB_FORMAT_WITH:
		return run_condition(run, node, dot);
	case MB_FORMAT_RANGE:
		return run_range(run, node, dot);
	case MB_FORMAT_BREAK:
		return JUMP_BREAK;
	case MB_FORMAT_CONTINUE:
		return JUMP_CONTINUE;
	case MB_FORMAT_LIST:
	case MB_FORMAT_PIPE:
	case MB_FORMAT_COMMAND:
	case MB_FORMAT_DOT:
	case MB_FORMAT_NIL:
	case MB_FORMAT_CONSTANT:
	case MB_FORMAT_FIELD:
	case MB_FORMAT_VARIABLE:
	case MB_FORMAT_FUNCTION:
	case MB_FORMAT_CHAIN:
		break;
	}
	return 0;
}

static int run_list(struct mb_format_run *run, const struct mb_format_node *list,
                    const struct mb_format_value *dot)
{
	size_t mark = run->n_vars;
	int r = 0;

	for (size_t i = 0; i < list->n_kids && r == 0; i++)
		r = run_node(run, list->kids[i], dot);
	mb_format_run_drop(run, mark);
	return r;
}

static int run_all(struct mb_format_run *run, struct json_object *data)
{
	MB_AUTO_VALUE struct mb_format_value dot = mb_format_value_of(json_object_get(data));
	struct mb_format_value root = mb_format_value_copy(&dot);
	int r;

	run->out_start = run->out->len;
	mb_format_run_push(run, "$", &root);
	r = run_list(run, run->t->root, &dot);
	mb_format_run_drop(run, 0);
	free(run->vars);
	return r < 0 ? r : 0;
}

int mb_format_template_run(const struct mb_format_template *t, struct json_object *data,
                           const struct mb_format_host *host, struct mb_str *out,
                           struct mb_err *err)
{
	struct mb_format_run run = {.t = t, .host = host, .out = out, .err = err};

	return run_all(&run, data);
}

int mb_format_template_run_header(const struct mb_format_template *t, struct json_object *headings,
                                  struct mb_str *out, struct mb_err *err)
{
	struct mb_format_run run = {.t = t, .out = out, .err = err, .is_header = true};

	return run_all(&run, headings);
}
