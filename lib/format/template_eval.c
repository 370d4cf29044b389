/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operands, calls and pipelines become values. */
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/str.h"
#include "format/template_run.h"
#include "json/json.h"

enum { MAX_ARGS = 64 };

/* What stands before a '|', if anything. */
struct piped {
	const struct mb_format_value *value;
};

static int eval_operand(struct mb_format_run *run, const struct mb_format_node *node,
                        const struct mb_format_value *dot, struct mb_format_value *ret);

int mb_format_run_fail(struct mb_format_run *run, const struct mb_format_node *node,
                       const char *fmt, ...)
{
	const char *source = run->t->source, *begin = source;
	MB_AUTO_STR struct mb_str what = MB_STR_INIT;
	MB_AUTO_FREE char *at =
		mb_strndup(source + node->at, node->end > node->at ? node->end - node->at : 0);
	MB_AUTO_FREE char *shown_at = mb_printable(at), *shown = NULL;
	size_t line = 1;
	va_list ap;

	for (const char *p = source; p < source + node->told; p++) {
		if (*p == '\n') {
			line++;
			begin = p + 1;
		}
	}
	va_start(ap, fmt);
	mb_str_addv(&what, fmt, ap);
	va_end(ap);
	shown = mb_printable(mb_str_text(&what));
	return mb_fail(run->err, EINVAL, "template: :%zu:%zu: executing \"\" at <%.300s>: %s", line,
	               (size_t)(source + node->told - begin), shown_at, shown);
}

int mb_format_run_step(struct mb_format_run *run)
{
	if (++run->n_steps > MB_FORMAT_MAX_STEPS ||
	    run->out->len - run->out_start > MB_FORMAT_MAX_OUTPUT)
		return mb_fail(run->err, E2BIG, "template: the result is too long");
	return 0;
}

void mb_format_run_push(struct mb_format_run *run, const char *name, struct mb_format_value *value)
{
	if (run->n_vars == run->cap_vars) {
		run->cap_vars = run->cap_vars ? run->cap_vars * 2 : 8;
		run->vars = mb_realloc(run->vars, run->cap_vars * sizeof(*run->vars));
	}
	run->vars[run->n_vars] = (struct mb_format_variable){.name = name};
	mb_format_value_move(&run->vars[run->n_vars++].value, value);
}

void mb_format_run_drop(struct mb_format_run *run, size_t n)
{
	while (run->n_vars > n)
		mb_format_value_done(&run->vars[--run->n_vars].value);
}

/* The parser let only known names through. */
static struct mb_format_value *find_variable(struct mb_format_run *run, const char *name)
{
	for (size_t i = run->n_vars; i-- > 0;)
		if (strcmp(run->vars[i].name, name) == 0)
			return &run->vars[i].value;
	return NULL;
}

struct call {
	const struct mb_format_node *node;
	const struct mb_format_value *args; /* of the last name */
	size_t n_args;
};

/* "com.example.some-name" is headed "some name". */
static struct json_object *label_heading(const char *label)
{
	const char *last = strrchr(label, '.');
	MB_AUTO_FREE char *text = mb_strdup(last ? last + 1 : label);

	for (char *p = text; *p; p++)
		if (*p == '-' || *p == '_')
			*p = ' ';
	return json_object_new_string(text);
}

/* Ask the host.  Return: 0, 1 when it does not know the name, or -errno. */
static int call_host(struct mb_format_run *run, const struct call *call, const char *name,
                     struct json_object *object, struct json_object **ret)
{
	struct json_object *args[MAX_ARGS];
	struct mb_err why = MB_ERR_INIT;
	int r;

	if (run->is_header && call->n_args == 1 &&
	    json_object_is_type(call->args[0].o, json_type_string)) {
		*ret = label_heading(json_object_get_string(call->args[0].o));
		return 0;
	}
	if (!run->host || !run->host->call)
		return 1;
	for (size_t i = 0; i < call->n_args; i++)
		args[i] = call->args[i].o;
	r = run->host->call(run->host->user, object, name, args, call->n_args, ret, &why);
	return r < 0 ? mb_format_run_fail(run, call->node, "error calling %s: %s", name, why.msg)
	             : r;
}

static int missing(struct mb_format_run *run, const struct call *call, const char *name,
                   const struct mb_format_value *from, struct mb_format_value *ret)
{
	const struct mb_format_host *host = run->host;

	if (call->n_args)
		return mb_format_run_fail(run, call->node, "%s is not a method but has arguments",
		                          name);
	if (host && host->is_struct && host->is_struct(host->user, from->o, from->member))
		return host->type ? mb_format_run_fail(run, call->node,
		                                       "can't evaluate field %s in type %s", name,
		                                       host->type)
		                  : mb_format_run_fail(run, call->node,
		                                       "map has no entry for key \"%s\"", name);
	mb_format_value_done(ret);
	return 0;
}

/* The member @name of what *@v holds, into *@v. */
static int eval_name(struct mb_format_run *run, const struct call *call, const char *name,
                     struct mb_format_value *v)
{
	struct mb_format_value next = MB_FORMAT_NO_VALUE;
	struct json_object *found = NULL;
	int r = 1;

	if (!v->is_valid)
		return 0;
	if (!v->o)
		return mb_format_run_fail(run, call->node, "nil pointer evaluating interface {}.%s",
		                          name);
	if (!json_object_is_type(v->o, json_type_object))
		return mb_format_run_fail(run, call->node, "can't evaluate field %s in type %s",
		                          name, mb_format_json_type(v->o));
	if (!call->n_args && json_object_object_get_ex(v->o, name, &found)) {
		found = json_object_get(found);
		r = 0;
	} else {
		r = call_host(run, call, name, v->o, &found);
	}
	if (r < 0)
		return r;
	if (r == 1)
		return json_object_object_get_ex(v->o, name, NULL) && call->n_args
		               ? mb_format_run_fail(run, call->node,
		                                    "%s is not a method but has arguments", name)
		               : missing(run, call, name, v, v);
	next = mb_format_value_of(found);
	next.member = mb_strdup(name);
	mb_format_value_move(v, &next);
	return 0;
}

/* All the names of @node one after the other from *@v on. */
static int eval_names(struct mb_format_run *run, const struct call *call, struct mb_format_value *v)
{
	const struct mb_strv *names = &call->node->names;
	int r = 0;

	for (size_t i = 0; i < names->n && r == 0; i++) {
		struct call one = {.node = call->node};

		r = eval_name(run, i + 1 == names->n ? call : &one, names->v[i], v);
	}
	return r;
}

/* Where a chain of names begins. */
static int eval_head(struct mb_format_run *run, const struct mb_format_node *node,
                     const struct mb_format_value *dot, struct mb_format_value *ret)
{
	struct mb_format_value v = MB_FORMAT_NO_VALUE;

	if (node->kind == MB_FORMAT_CHAIN)
		return eval_operand(run, node->kids[0], dot, ret);
	v = mb_format_value_copy(node->kind == MB_FORMAT_VARIABLE ? find_variable(run, node->text)
	                                                          : dot);
	mb_format_value_move(ret, &v);
	return 0;
}

static int eval_short_circuit(struct mb_format_run *run, const struct mb_format_node *command,
                              const struct mb_format_value *dot, struct piped piped,
                              struct mb_format_value *ret)
{
	bool is_and = strcmp(command->kids[0]->text, "and") == 0;
	MB_AUTO_VALUE struct mb_format_value v = MB_FORMAT_NO_VALUE;
	int r = 0;

	if (command->n_kids == 1 && !piped.value)
		return mb_format_run_fail(run, command,
		                          "wrong number of args for %s: want at least 1 got 0",
		                          command->kids[0]->text);
	for (size_t i = 1; i < command->n_kids && r == 0; i++) {
		r = eval_operand(run, command->kids[i], dot, &v);
		if (r == 0 && mb_format_value_is_true(&v) != is_and) {
			mb_format_value_move(ret, &v);
			return 0;
		}
	}
	if (r == 0 && piped.value) {
		struct mb_format_value last = mb_format_value_copy(piped.value);

		mb_format_value_move(&v, &last);
	}
	if (r == 0)
		mb_format_value_move(ret, &v);
	return r;
}

/* In a heading, functions give their first argument back; only the words around change. */
static bool is_plain_in_header(const char *name)
{
	static const char *const plain[] = {"json",  "join",  "title",   "lower",
	                                    "upper", "split", "truncate"};

	for (size_t i = 0; i < MB_N(plain); i++)
		if (strcmp(name, plain[i]) == 0)
			return true;
	return false;
}

static int call_function(struct mb_format_run *run, const struct mb_format_node *command,
                         const struct call *call, struct mb_format_value *ret)
{
	const char *name = command->kids[0]->text;
	struct mb_err why = MB_ERR_INIT;

	if (run->is_header && call->n_args && is_plain_in_header(name)) {
		struct mb_format_value first = mb_format_value_copy(&call->args[0]);

		mb_format_value_move(ret, &first);
		return 0;
	}
	if (mb_format_function_check(name, call->n_args, &why) < 0)
		return mb_format_run_fail(run, command->kids[0], "%s", why.msg);
	if (mb_format_function_call(name, call->args, call->n_args, ret, &why) < 0)
		return mb_format_run_fail(run, command, "error calling %s: %s", name, why.msg);
	return 0;
}

static int eval_callee(struct mb_format_run *run, const struct mb_format_node *command,
                       const struct mb_format_value *dot, const struct call *call,
                       struct mb_format_value *ret)
{
	const struct mb_format_node *first = command->kids[0];
	int r;

	if (first->kind == MB_FORMAT_FUNCTION)
		return call_function(run, command, call, ret);
	if (first->kind == MB_FORMAT_NIL && command->n_kids == 1)
		return mb_format_run_fail(run, first, "nil is not a command");
	if (call->n_args && !first->names.n)
		return mb_format_run_fail(run, first, "can't give argument to non-function %.*s",
		                          (int)(first->end - first->at),
		                          run->t->source + first->at);
	if (!first->names.n)
		return eval_operand(run, first, dot, ret);
	r = eval_head(run, first, dot, ret);
	return r < 0 ? r : eval_names(run, call, ret);
}

static int eval_command(struct mb_format_run *run, const struct mb_format_node *command,
                        const struct mb_format_value *dot, struct piped piped,
                        struct mb_format_value *ret)
{
	const struct mb_format_node *first = command->kids[0];
	struct mb_format_value args[MAX_ARGS];
	size_t n = 0;
	int r = 0;

	if (first->kind == MB_FORMAT_FUNCTION &&
	    (strcmp(first->text, "and") == 0 || strcmp(first->text, "or") == 0))
		return eval_short_circuit(run, command, dot, piped, ret);
	if (command->n_kids > MAX_ARGS)
		return mb_format_run_fail(run, command, "too many arguments");
	for (size_t i = 1; i < command->n_kids && r == 0; i++) {
		args[n] = MB_FORMAT_NO_VALUE;
		r = eval_operand(run, command->kids[i], dot, &args[n]);
		n++; /* also what a failure left half evaluated */
	}
	if (r == 0 && piped.value)
		args[n++] = mb_format_value_copy(piped.value);
	if (r == 0) {
		struct call call = {.node = first, .args = args, .n_args = n};

		r = eval_callee(run, command, dot, &call, ret);
	}
	while (n)
		mb_format_value_done(&args[--n]);
	return r;
}

static int eval_operand(struct mb_format_run *run, const struct mb_format_node *node,
                        const struct mb_format_value *dot, struct mb_format_value *ret)
{
	struct mb_format_value v = MB_FORMAT_NO_VALUE;
	struct call call = {.node = node};
	int r;

	switch (node->kind) {
	case MB_FORMAT_CONSTANT:
		v = mb_format_value_of(json_object_get(node->constant));
		break;
	case MB_FORMAT_NIL:
		v = mb_format_value_of(NULL);
		break;
	case MB_FORMAT_DOT:
		v = mb_format_value_copy(dot);
		break;
	case MB_FORMAT_PIPE:
		return mb_format_eval_pipeline(run, node, dot, ret);
	case MB_FORMAT_FUNCTION: {
		/* A function without arguments among the arguments of another. */
		struct mb_format_node *kids[] = {(struct mb_format_node *)(uintptr_t)node};
		struct mb_format_node command = {

			.at = node->at,
			.told = node->told,
			.end = node->end,
			.kids = kids,
			.n_kids = 1};

		return eval_command(run, &command, dot, (struct piped){NULL}, ret);
	}
	case MB_FORMAT_FIELD:
	case MB_FORMAT_VARIABLE:
	case MB_FORMAT_CHAIN:
		r = eval_head(run, node, dot, ret);
		return r < 0 ? r : eval_names(run, &call, ret);
	case MB_FORMAT_LIST:
	case MB_FORMAT_TEXT:
	case MB_FORMAT_ACTION:
	case MB_FORMAT_IF:
	case MB_FORMAT_WITH:
	case MB_FORMAT_RANGE:
	case MB_FORMAT_BREAK:
	case MB_FORMAT_CONTINUE:
	case MB_FORMAT_COMMAND:
		break;
	}
	mb_format_value_move(ret, &v);
	return 0;
}

/* The value alone: variables are set by who knows how (range sets others). */
int mb_format_eval_commands(struct mb_format_run *run, const struct mb_format_node *pipe,
                            const struct mb_format_value *dot, struct mb_format_value *ret)
{
	MB_AUTO_VALUE struct mb_format_value v = MB_FORMAT_NO_VALUE;
	int r = mb_format_run_step(run);

	for (size_t i = 0; i < pipe->n_kids && r == 0; i++) {
		MB_AUTO_VALUE struct mb_format_value next = MB_FORMAT_NO_VALUE;

		r = eval_command(run, pipe->kids[i], dot, (struct piped){i ? &v : NULL}, &next);
		mb_format_value_move(&v, &next);
	}
	if (r == 0)
		mb_format_value_move(ret, &v);
	return r;
}

void mb_format_run_set(struct mb_format_run *run, const struct mb_format_node *pipe, size_t i,
                       const struct mb_format_value *value)
{
	struct mb_format_value v = mb_format_value_copy(value);

	if (pipe->is_assign)
		mb_format_value_move(find_variable(run, pipe->names.v[i]), &v);
	else
		mb_format_run_push(run, pipe->names.v[i], &v);
}

int mb_format_eval_pipeline(struct mb_format_run *run, const struct mb_format_node *pipe,
                            const struct mb_format_value *dot, struct mb_format_value *ret)
{
	int r = mb_format_eval_commands(run, pipe, dot, ret);

	if (r == 0 && pipe->names.n)
		mb_format_run_set(run, pipe, 0, ret);
	return r;
}
