/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/help.h"
#include "cli/names.h"
#include "cli/value.h"
#include "core/own.h"
#include "core/str.h"

enum { DEFAULT_WIDTH = 80, MIN_TEXT = 24, MAX_LISTED = 256 };

struct listed {
	const char *leaf;
	size_t len;
	const char *summary;
};

const char *mb_cli_name = "mybox";

static int compare_opts(const void *a, const void *b)
{
	const struct mb_cli_opt *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

size_t mb_cli_help_sort(const struct mb_cli_opt *opts, const struct mb_cli_opt **sorted)
{
	size_t n = 0;

	for (const struct mb_cli_opt *o = opts; o && o->kind && n < MB_CLI_MAX_OPTS; o++)
		if (!o->hidden)
			sorted[n++] = o;
	qsort(sorted, n, sizeof(*sorted), compare_opts);
	return n;
}

void mb_cli_help_sentence(const char *text, struct mb_str *out)
{
	mb_str_addc(out, (char)toupper((unsigned char)text[0]));
	mb_str_add(out, text[0] ? text + 1 : "");
}

void mb_cli_help_default(const struct mb_cli_opt *opt, struct mb_str *out)
{
	bool quoted = opt->kind == MB_CLI_STRING || opt->kind == MB_CLI_CHOICE;

	if (!opt->def || !*opt->def)
		return;
	mb_str_addf(out, quoted ? " (default \"%s\")" : " (default %s)", opt->def);
}

/* @text at the current column @column, wrapped at words to @width, later lines indented. */
static void add_wrapped(const char *text, size_t column, size_t width, struct mb_str *out)
{
	size_t room = width > column + MIN_TEXT ? width - column : MIN_TEXT;
	size_t used = 0;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (used && used + 1 + word > room) {
			mb_str_addf(out, "\n%*s", (int)column, "");
			used = 0;
		} else if (used) {
			mb_str_addc(out, ' ');
			used++;
		}
		mb_str_addn(out, text, word);
		used += word;
		text += word;
		text += strspn(text, " ");
	}
	mb_str_addc(out, '\n');
}

static size_t flag_width(const struct mb_cli_opt *o)
{
	const char *word = mb_cli_value_word(o);

	return strlen("  -x, --") + strlen(o->name) + (*word ? 1 + strlen(word) : 0);
}

static void add_option(const struct mb_cli_opt *o, size_t column, size_t width, struct mb_str *out)
{
	MB_AUTO_STR struct mb_str help = MB_STR_INIT;
	const char *word = mb_cli_value_word(o);
	size_t used = flag_width(o);

	if (o->letter)
		mb_str_addf(out, "  -%c, --%s", o->letter, o->name);
	else
		mb_str_addf(out, "      --%s", o->name);
	mb_str_addf(out, "%s%s%*s", *word ? " " : "", word, (int)(column - used), "");
	mb_cli_help_sentence(o->help, &help);
	mb_cli_help_default(o, &help);
	add_wrapped(mb_str_text(&help), column, width, out);
}

static void add_options(const char *title, const struct mb_cli_opt *opts, size_t width,
                        struct mb_str *out)
{
	const struct mb_cli_opt *sorted[MB_CLI_MAX_OPTS];
	size_t n = mb_cli_help_sort(opts, sorted), column = 0;

	if (n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (flag_width(sorted[i]) > column)
			column = flag_width(sorted[i]);
	mb_str_addf(out, "\n%s:\n", title);
	for (size_t i = 0; i < n; i++)
		add_option(sorted[i], column + 3, width, out);
}

static bool has_visible(const struct mb_cli_opt *opts)
{
	for (const struct mb_cli_opt *o = opts; o && o->kind; o++)
		if (!o->hidden)
			return true;
	return false;
}

void mb_cli_help_usage(const struct mb_cli_verb *verb, const char *path, struct mb_str *out)
{
	mb_str_addf(out, "%s %s", MB_CLI_NAME, path);
	if (has_visible(verb->opts))
		mb_str_add(out, " [OPTIONS]");
	if (verb->operands && *verb->operands)
		mb_str_addf(out, " %s", verb->operands);
}

static void add_aliases(const struct mb_cli_verb *verb, struct mb_str *out)
{
	const char *paths = verb->paths, *path = NULL;
	size_t len = 0;
	bool first = true;

	if (!strchr(paths, '|'))
		return;
	mb_str_add(out, "\nAliases:\n  ");
	while (mb_cli_names_next(&paths, &path, &len)) {
		mb_str_addf(out, "%s%s %.*s", first ? "" : ", ", MB_CLI_NAME, (int)len, path);
		first = false;
	}
	mb_str_addc(out, '\n');
}

void mb_cli_help_verb(const struct mb_cli_verb *verb, const char *path, size_t width,
                      struct mb_str *out)
{
	mb_str_add(out, "Usage:  ");
	mb_cli_help_usage(verb, path, out);
	mb_str_add(out, "\n\n");
	mb_cli_help_sentence(verb->summary, out);
	mb_str_addc(out, '\n');
	add_aliases(verb, out);
	add_options("Options", verb->opts, width ? width : DEFAULT_WIDTH, out);
}

static int compare_listed(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	int r = memcmp(x->leaf, y->leaf, len);

	return r ? r : (x->len > y->len) - (x->len < y->len);
}

static void add_list(const char *title, struct listed *list, size_t n, size_t width,
                     struct mb_str *out)
{
	size_t column = 0;

	if (n == 0)
		return;
	qsort(list, n, sizeof(*list), compare_listed);
	for (size_t i = 0; i < n; i++)
		if (list[i].len > column)
			column = list[i].len;
	mb_str_addf(out, "\n%s:\n", title);
	for (size_t i = 0; i < n; i++) {
		MB_AUTO_STR struct mb_str text = MB_STR_INIT;
		mb_str_addf(out, "  %-*.*s  ", (int)column, (int)list[i].len, list[i].leaf);
		mb_cli_help_sentence(list[i].summary, &text);
		add_wrapped(mb_str_text(&text), column + 4, width, out);
	}
}

/* The verbs below @parent; at the top only those whose commonness is @common. */
static size_t list_verbs(const struct mb_cli_program *program, const char *parent, bool common,
                         struct listed *list)
{
	size_t n = 0;

	for (const struct mb_cli_verb *const *v = program->verbs; *v && n < MAX_LISTED; v++) {
		struct listed l = {.summary = (*v)->summary};

		if ((*v)->hidden || (!*parent && (*v)->common != common))
			continue;
		if (mb_cli_names_listed(*v, parent, &l.leaf, &l.len))
			list[n++] = l;
	}
	return n;
}

static bool has_children(const struct mb_cli_program *program, const char *parent)
{
	for (const struct mb_cli_verb *const *v = program->verbs; *v; v++) {
		const char *leaf = NULL;
		size_t len = 0;

		if (!(*v)->hidden && mb_cli_names_listed(*v, parent, &leaf, &len))
			return true;
	}
	return false;
}

void mb_cli_help_parent(const struct mb_cli_program *program, const struct mb_cli_parent *parent,
                        size_t width, struct mb_str *out)
{
	struct listed list[MAX_LISTED];
	size_t n = list_verbs(program, parent->name, false, list);

	for (const struct mb_cli_parent *p = program->parents; p->name && n < MAX_LISTED; p++) {
		const char *leaf = mb_cli_parent_leaf(p, parent->name);

		if (leaf && !p->hidden)
			list[n++] = (struct listed){leaf, strlen(leaf), p->summary};
	}

	mb_str_addf(out, "Usage:  %s %s COMMAND\n\n", MB_CLI_NAME, parent->name);
	mb_cli_help_sentence(parent->summary, out);
	mb_str_addc(out, '\n');
	add_list("Commands", list, n, width ? width : DEFAULT_WIDTH, out);
	mb_str_addf(out, "\nRun '%s %s COMMAND --help' for more information on a command.\n",
	            MB_CLI_NAME, parent->name);
}

void mb_cli_help_top(const struct mb_cli_program *program, size_t width, struct mb_str *out)
{
	struct listed list[MAX_LISTED];
	size_t n = 0;

	width = width ? width : DEFAULT_WIDTH;
	mb_str_addf(out, "Usage:  %s [OPTIONS] COMMAND\n\n", MB_CLI_NAME);
	mb_cli_help_sentence(program->summary, out);
	mb_str_addc(out, '\n');
	n = list_verbs(program, "", true, list);
	add_list("Common Commands", list, n, width, out);
	n = 0;
	for (const struct mb_cli_parent *p = program->parents; p->name && n < MAX_LISTED; p++)
		if (!p->hidden && mb_cli_parent_leaf(p, "") && has_children(program, p->name))
			list[n++] = (struct listed){p->name, strlen(p->name), p->summary};
	add_list("Management Commands", list, n, width, out);
	n = list_verbs(program, "", false, list);
	add_list("Commands", list, n, width, out);
	add_options("Global Options", program->globals, width, out);
	mb_str_addf(out, "\nRun '%s COMMAND --help' for more information on a command.\n",
	            MB_CLI_NAME);
}
