/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text to tree.  The words of the errors are those that users of docker know. */
#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/str.h"
#include "core/utf8.h"
#include "format/template_tree.h"
#include "format/template_word.h"
#include "json/json.h"

enum { MAX_DEPTH = 100, MAX_NODES = 100000 };

enum stop { STOP_EOF, STOP_END, STOP_ELSE };

static int parse_list(struct mb_format_reader *rd, struct mb_format_node **ret, enum stop *stop);
static int parse_pipeline(struct mb_format_reader *rd, struct mb_format_node **ret,
                          const char *context);

static struct mb_format_node *new_node(struct mb_format_reader *rd, enum mb_format_node_kind kind)
{
	return mb_format_node_new(kind, (size_t)(rd->p - rd->start));
}

/* The names after a dot: ".A.B".  With @node already the owner. */
static int parse_fields(struct mb_format_reader *rd, struct mb_format_node *node)
{
	while (*rd->p == '.' && mb_format_is_word(rd->p[1])) {
		/* Go tells the place of the second of several names. */
		if (node->kind == MB_FORMAT_FIELD && node->names.n == 1)
			node->told = (size_t)(rd->p - rd->start);
		rd->p++;
		mb_strv_take(&node->names, mb_format_read_word(rd));
	}
	if (*rd->p == '.')
		return mb_format_read_error(rd, "unexpected <.> in operand");
	return 0;
}

static int parse_dot(struct mb_format_reader *rd, struct mb_format_node **ret)
{
	MB_AUTO(mb_format_node_free) struct mb_format_node *node = new_node(rd, MB_FORMAT_FIELD);
	int r = 0;

	if (mb_format_is_word(rd->p[1])) {
		r = parse_fields(rd, node);
	} else {
		node->kind = MB_FORMAT_DOT;
		rd->p++;
	}
	if (r == 0)
		*ret = mb_take_ptr(&node);
	return r;
}

static int parse_variable(struct mb_format_reader *rd, struct mb_format_node **ret)
{
	MB_AUTO(mb_format_node_free)
	struct mb_format_node *node = new_node(rd, MB_FORMAT_VARIABLE);
	int r;

	node->text = mb_format_read_variable(rd);
	if (!mb_strv_has(&rd->vars, node->text))
		return mb_format_read_error(rd, "undefined variable \"%s\"", node->text);
	r = parse_fields(rd, node);
	if (r == 0)
		*ret = mb_take_ptr(&node);
	return r;
}

static int parse_word(struct mb_format_reader *rd, struct mb_format_node **ret)
{
	MB_AUTO(mb_format_node_free)
	struct mb_format_node *node = new_node(rd, MB_FORMAT_FUNCTION);

	node->text = mb_format_read_word(rd);
	if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0) {
		node->kind = MB_FORMAT_CONSTANT;
		node->constant = json_object_new_boolean(*node->text == 't');
	} else if (strcmp(node->text, "nil") == 0) {
		node->kind = MB_FORMAT_NIL;
	} else if (mb_format_is_keyword(node->text)) {
		return mb_format_read_error(rd, "unexpected <%s> in operand", node->text);
	} else if (!mb_format_function_exists(node->text)) {
		return mb_format_read_error(rd, "function \"%s\" not defined", node->text);
	}
	*ret = mb_take_ptr(&node);
	return 0;
}

static int parse_constant(struct mb_format_reader *rd, struct mb_format_node **ret)
{
	MB_AUTO(mb_format_node_free)
	struct mb_format_node *node = new_node(rd, MB_FORMAT_CONSTANT);
	int r = mb_format_read_constant(rd, &node->constant);

	if (r == 0)
		*ret = mb_take_ptr(&node);
	return r;
}

static int parse_parenthesis(struct mb_format_reader *rd, struct mb_format_node **ret)
{
	MB_AUTO(mb_format_node_free) struct mb_format_node *pipe = NULL;
	int r;

	if (++rd->depth > MAX_DEPTH)
		return mb_format_read_error(rd, "nested too deep");
	rd->p++;
	rd->n_open++;
	r = parse_pipeline(rd, &pipe, "parenthesized pipeline");
	rd->n_open--;
	rd->depth--;
	if (r < 0)
		return r;
	if (*rd->p != ')')
		return mb_format_read_error(rd, "unclosed left paren");
	rd->p++;
	*ret = mb_take_ptr(&pipe);
	return 0;
}

static int parse_term(struct mb_format_reader *rd, struct mb_format_node **ret)
{
	char c = *rd->p, next = c ? rd->p[1] : '\0';

	if (c == '.' && !isdigit((unsigned char)next))
		return parse_dot(rd, ret);
	if (c == '$')
		return parse_variable(rd, ret);
	if (c == '(')
		return parse_parenthesis(rd, ret);
	if (c == '"' || c == '`' || c == '\'' || isdigit((unsigned char)c) ||
	    ((c == '-' || c == '+' || c == '.') && (isdigit((unsigned char)next) || next == '.')))
		return parse_constant(rd, ret);
	if (mb_format_is_word(c))
		return parse_word(rd, ret);
	return mb_format_read_unexpected(rd);
}

/* A term, and names that follow it without a space: (pipe).A, "text".A. */
static int parse_operand(struct mb_format_reader *rd, struct mb_format_node **ret)
{
	MB_AUTO(mb_format_node_free) struct mb_format_node *node = NULL;
	struct mb_format_node *chain;
	int r;

	if (++rd->n_nodes > MAX_NODES)
		return mb_format_read_error(rd, "too long");
	r = parse_term(rd, &node);
	if (r < 0)
		return r;
	if (*rd->p == '.' && mb_format_is_word(rd->p[1])) {
		if (node->kind == MB_FORMAT_CONSTANT || node->kind == MB_FORMAT_NIL ||
		    node->kind == MB_FORMAT_DOT)
			return mb_format_read_error(rd, "unexpected . after term");
		chain = new_node(rd, MB_FORMAT_CHAIN);
		mb_format_node_add(chain, mb_take_ptr(&node));
		node = chain;
		r = parse_fields(rd, node);
		if (r < 0)
			return r;
	}
	node->end = (size_t)(rd->p - rd->start);
	*ret = mb_take_ptr(&node);
	return 0;
}

static bool at_command_end(const struct mb_format_reader *rd)
{
	return !*rd->p || *rd->p == '|' || *rd->p == ')' || mb_format_at_close(rd);
}

static int parse_command(struct mb_format_reader *rd, struct mb_format_node **ret)
{
	MB_AUTO(mb_format_node_free)
	struct mb_format_node *command = new_node(rd, MB_FORMAT_COMMAND);
	const char *before;

	while (!at_command_end(rd)) {
		struct mb_format_node *operand = NULL;
		int r = parse_operand(rd, &operand);

		if (r < 0 || !operand)
			return r;
		mb_format_node_add(command, operand);
		command->end = operand->end;
		before = rd->p;
		mb_format_skip_space(rd);
		if (!at_command_end(rd) && rd->p == before)
			return mb_format_read_unexpected(rd);
	}
	*ret = mb_take_ptr(&command);
	return 0;
}

static int check_command(struct mb_format_reader *rd, const struct mb_format_node *pipe,
                         const struct mb_format_node *command, const char *context)
{
	if (command->n_kids == 0 && !*rd->p)
		return mb_format_read_unexpected(rd);
	if (command->n_kids == 0)
		return pipe->n_kids || *rd->p == '|'
		               ? mb_format_read_error(rd, "missing value for command")
		               : mb_format_read_error(rd, "missing value for %s", context);
	/* Only what can take an argument may stand behind a '|'. */
	if (pipe->n_kids &&
	    (command->kids[0]->kind == MB_FORMAT_CONSTANT ||
	     command->kids[0]->kind == MB_FORMAT_DOT || command->kids[0]->kind == MB_FORMAT_NIL))
		return mb_format_read_error(rd, "non executable command in pipeline stage %zu",
		                            pipe->n_kids + 1);
	return 0;
}

static int parse_commands(struct mb_format_reader *rd, struct mb_format_node *pipe,
                          const char *context)
{
	for (;;) {
		MB_AUTO(mb_format_node_free) struct mb_format_node *command = NULL;
		int r;

		mb_format_skip_space(rd);
		r = parse_command(rd, &command);
		if (r == 0)
			r = check_command(rd, pipe, command, context);
		if (r < 0)
			return r;
		pipe->end = command->end;
		mb_format_node_add(pipe, mb_take_ptr(&command));
		if (*rd->p != '|')
			return 0;
		rd->p++;
	}
}

/* "$x :=", "$x =" or "$k, $v :=" at the head of a pipeline, if that is what is there. */
static int parse_declaration(struct mb_format_reader *rd, struct mb_format_node *pipe,
                             bool is_range)
{
	const char *begin = rd->p;
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;

	while (*rd->p == '$' && names.n < 2) {
		mb_strv_take(&names, mb_format_read_variable(rd));
		mb_format_skip_space(rd);
		if (*rd->p != ',' || !is_range)
			break;
		rd->p++;
		mb_format_skip_space(rd);
	}
	if (names.n && rd->p[0] == ':' && rd->p[1] == '=') {
		rd->p += 2;
	} else if (names.n && rd->p[0] == '=') {
		rd->p++;
		pipe->is_assign = true;
	} else {
		rd->p = begin;
		return names.n == 2
		               ? mb_format_read_error(rd, "range can only initialize variables")
		               : 0;
	}
	for (size_t i = 0; pipe->is_assign && i < names.n; i++)
		if (!mb_strv_has(&rd->vars, names.v[i]))
			return mb_format_read_error(rd, "undefined variable \"%s\"", names.v[i]);
	mb_strv_add_all(&pipe->names, &names);
	return 0;
}

static int parse_pipeline(struct mb_format_reader *rd, struct mb_format_node **ret,
                          const char *context)
{
	MB_AUTO(mb_format_node_free) struct mb_format_node *pipe = NULL;
	int r;

	mb_format_skip_space(rd);
	pipe = new_node(rd, MB_FORMAT_PIPE);
	if (!rd->n_open) {
		r = parse_declaration(rd, pipe, strcmp(context, "range") == 0);
		if (r < 0)
			return r;
	}
	r = parse_commands(rd, pipe, context);
	if (r < 0)
		return r;
	if (!pipe->is_assign)
		mb_strv_add_all(&rd->vars, &pipe->names);
	*ret = mb_take_ptr(&pipe);
	return 0;
}

/* What follows {{else}}: a list up to {{end}}, or another block of the same kind, which shares
 * the one {{end}}. */
static int parse_else(struct mb_format_reader *rd, struct mb_format_node *node);

static int parse_branch(struct mb_format_reader *rd, enum mb_format_node_kind kind,
                        const char *context, struct mb_format_node **ret)
{
	MB_AUTO(mb_format_node_free) struct mb_format_node *node = new_node(rd, kind);
	struct mb_format_node *part = NULL;
	size_t n_vars = rd->vars.n;
	enum stop stop = STOP_EOF;
	int r;

	if (++rd->depth > MAX_DEPTH)
		return mb_format_read_error(rd, "nested too deep");
	r = parse_pipeline(rd, &part, context);
	if (r < 0)
		return r;
	mb_format_node_add(node, part);
	r = mb_format_read_close(rd, context);
	if (r < 0)
		return r;
	rd->n_ranges += kind == MB_FORMAT_RANGE;
	r = parse_list(rd, &part, &stop);
	rd->n_ranges -= kind == MB_FORMAT_RANGE;
	if (r < 0)
		return r;
	mb_format_node_add(node, part);
	if (stop == STOP_ELSE)
		r = parse_else(rd, node);
	else if (stop == STOP_EOF)
		r = mb_format_read_error(rd, "unexpected EOF");
	if (r < 0)
		return r;
	rd->depth--;
	mb_format_reader_drop_vars(rd, n_vars);
	*ret = mb_take_ptr(&node);
	return 0;
}

static int parse_else(struct mb_format_reader *rd, struct mb_format_node *node)
{
	const char *again = node->kind == MB_FORMAT_IF ? "if" : "with";
	struct mb_format_node *part = NULL;
	enum stop stop = STOP_EOF;
	int r;

	mb_format_skip_space(rd);
	if (node->kind != MB_FORMAT_RANGE && mb_format_accept_word(rd, again)) {
		struct mb_format_node *list = new_node(rd, MB_FORMAT_LIST);

		mb_format_node_add(node, list);
		r = parse_branch(rd, node->kind, again, &part);
		if (r == 0)
			mb_format_node_add(list, part);
		return r;
	}
	r = mb_format_read_close(rd, "else");
	if (r < 0)
		return r;
	r = parse_list(rd, &part, &stop);
	if (r < 0)
		return r;
	mb_format_node_add(node, part);
	if (stop == STOP_ELSE)
		return mb_format_read_error(rd, "expected end; found {{else}}");
	return stop == STOP_EOF ? mb_format_read_error(rd, "unexpected EOF") : 0;
}

static int parse_jump(struct mb_format_reader *rd, enum mb_format_node_kind kind, const char *word,
                      struct mb_format_node **ret)
{
	int r = 0;

	if (!rd->n_ranges)
		return mb_format_read_error(rd, "{{%s}} outside {{range}}", word);
	r = mb_format_read_close(rd, word);
	if (r == 0)
		*ret = new_node(rd, kind);
	return r;
}

static int parse_plain_action(struct mb_format_reader *rd, struct mb_format_node **ret)
{
	MB_AUTO(mb_format_node_free) struct mb_format_node *node = new_node(rd, MB_FORMAT_ACTION);
	struct mb_format_node *pipe = NULL;
	int r = parse_pipeline(rd, &pipe, "command");

	if (r < 0)
		return r;
	mb_format_node_add(node, pipe);
	r = mb_format_read_close(rd, "command");
	if (r == 0)
		*ret = mb_take_ptr(&node);
	return r;
}

/* After the opening braces.  *@ret stays NULL for what leaves nothing: a comment, or the word
 * that ends the list, told by *@stop. */
static int parse_action(struct mb_format_reader *rd, struct mb_format_node **ret, enum stop *stop)
{
	static const char *const absent[] = {"define", "template", "block"};

	if (mb_format_at_comment(rd))
		return mb_format_skip_comment(rd);
	mb_format_skip_space(rd);
	if (mb_format_accept_word(rd, "end")) {
		*stop = STOP_END;
		return mb_format_read_close(rd, "end");
	}
	if (mb_format_accept_word(rd, "else")) {
		*stop = STOP_ELSE;
		return 0;
	}
	if (mb_format_accept_word(rd, "if"))
		return parse_branch(rd, MB_FORMAT_IF, "if", ret);
	if (mb_format_accept_word(rd, "with"))
		return parse_branch(rd, MB_FORMAT_WITH, "with", ret);
	if (mb_format_accept_word(rd, "range"))
		return parse_branch(rd, MB_FORMAT_RANGE, "range", ret);
	if (mb_format_accept_word(rd, "break"))
		return parse_jump(rd, MB_FORMAT_BREAK, "break", ret);
	if (mb_format_accept_word(rd, "continue"))
		return parse_jump(rd, MB_FORMAT_CONTINUE, "continue", ret);
	for (size_t i = 0; i < MB_N(absent); i++)
		if (mb_format_accept_word(rd, absent[i]))
			return mb_format_read_error(rd, "{{%s}} is not supported", absent[i]);
	return parse_plain_action(rd, ret);
}

static int parse_list(struct mb_format_reader *rd, struct mb_format_node **ret, enum stop *stop)
{
	MB_AUTO(mb_format_node_free) struct mb_format_node *list = new_node(rd, MB_FORMAT_LIST);
	enum stop found = STOP_EOF;
	size_t n_vars = rd->vars.n;

	while (found == STOP_EOF) {
		MB_AUTO_STR struct mb_str text = MB_STR_INIT;
		struct mb_format_node *node = NULL;
		bool more = mb_format_read_text(rd, &text);
		int r;

		if (text.len) {
			node = new_node(rd, MB_FORMAT_TEXT);
			node->text = mb_str_take(&text);
			mb_format_node_add(list, node);
			node = NULL;
		}
		if (!more)
			break;
		r = parse_action(rd, &node, &found);
		if (r < 0)
			return r;
		if (node)
			mb_format_node_add(list, node);
	}
	mb_format_reader_drop_vars(rd, n_vars);
	*stop = found;
	*ret = mb_take_ptr(&list);
	return 0;
}

static int parse_all(struct mb_format_reader *rd, struct mb_format_node **ret)
{
	MB_AUTO(mb_format_node_free) struct mb_format_node *root = NULL;
	enum stop stop = STOP_EOF;
	int r;

	mb_strv_add(&rd->vars, "$");
	r = parse_list(rd, &root, &stop);
	if (r < 0)
		return r;
	if (stop != STOP_EOF)
		return mb_format_read_error(rd, "unexpected {{%s}}",
		                            stop == STOP_END ? "end" : "else");
	*ret = mb_take_ptr(&root);
	return 0;
}

int mb_format_template_new(const char *text, bool escapes, struct mb_format_template **ret,
                           struct mb_err *err)
{
	MB_AUTO(mb_format_template_free)
	struct mb_format_template *t = mb_calloc(1, sizeof(*t));
	struct mb_format_reader rd = {.escapes = escapes, .err = err};
	int r;

	t->source = mb_strdup(text);
	rd.start = rd.p = t->source;
	r = parse_all(&rd, &t->root);
	mb_strv_done(&rd.vars);
	if (r < 0)
		return r;
	*ret = mb_take_ptr(&t);
	return 0;
}

void mb_format_template_free(struct mb_format_template *t)
{
	if (!t)
		return;
	mb_format_node_free(t->root);
	free(t->source);
	free(t);
}

static bool uses(const struct mb_format_node *node, const char *name)
{
	if (name ? mb_strv_has(&node->names, name) : node->kind == MB_FORMAT_DOT)
		return true;
	for (size_t i = 0; i < node->n_kids; i++)
		if (uses(node->kids[i], name))
			return true;
	return false;
}

bool mb_format_template_uses(const struct mb_format_template *t, const char *name)
{
	return uses(t->root, name);
}
