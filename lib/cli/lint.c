/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/lint.h"
#include "cli/names.h"
#include "cli/value.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

enum { MAX_HELP = 60, MAX_SUMMARY = 70 };

static void check_text(const char *where, const char *what, const char *text, size_t max,
                       struct mb_strv *faults)
{
	size_t len = text ? strlen(text) : 0;

	if (len == 0) {
		mb_strv_addf(faults, "%s: %s is missing", where, what);
		return;
	}
	if (len > max)
		mb_strv_addf(faults, "%s: %s is %zu characters, at most %zu", where, what, len,
		             max);
	if (text[len - 1] == '.')
		mb_strv_addf(faults, "%s: %s ends in a full stop", where, what);
	if (isupper((unsigned char)text[0]) && islower((unsigned char)text[1]))
		mb_strv_addf(faults, "%s: %s begins with a capital", where, what);
}

/* "name" and every alias of @o against those of @other. */
static bool share_name(const struct mb_cli_opt *o, const struct mb_cli_opt *other)
{
	const char *names = other->aliases, *name = NULL;
	size_t len = 0;

	if (mb_streq(o->name, other->name) ||
	    mb_cli_names_have(o->aliases, other->name, strlen(other->name)))
		return true;
	while (mb_cli_names_next(&names, &name, &len))
		if (mb_cli_name_is(o->name, name, len) || mb_cli_names_have(o->aliases, name, len))
			return true;
	return false;
}

static bool name_is_sound(const char *name)
{
	return name && name[0] && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

static void check_default(const struct mb_cli_opt *o, const char *where, size_t args_size,
                          struct mb_strv *faults)
{
	MB_AUTO_FREE char *args = mb_calloc(1, args_size + 1);
	struct mb_err err = MB_ERR_INIT;

	if (o->def && mb_cli_value_set(o, args, o->def, &err) < 0)
		mb_strv_addf(faults, "%s: default: %s", where, err.msg);
	if (o->bare && mb_cli_value_set(o, args, o->bare, &err) < 0)
		mb_strv_addf(faults, "%s: bare value: %s", where, err.msg);
	mb_cli_value_done(o, args);
}

static void check_option(const struct mb_cli_verb *v, const struct mb_cli_opt *o,
                         struct mb_strv *faults)
{
	MB_AUTO_FREE char *where = mb_asprintf("%s --%s", v->paths, o->name ? o->name : "?");
	bool silent = o->kind == MB_CLI_IGNORED || o->kind == MB_CLI_REFUSED;

	if (!name_is_sound(o->name))
		mb_strv_addf(faults, "%s: not a name for an option", where);
	if (!silent || o->help)
		check_text(where, "help", o->help, MAX_HELP, faults);
	if (!silent && o->offset >= v->args_size)
		mb_strv_addf(faults, "%s: member lies outside args_size", where);
	if (o->kind == MB_CLI_CHOICE && !o->choices)
		mb_strv_addf(faults, "%s: choice without choices", where);
	if (!silent)
		check_default(o, where, v->args_size, faults);
	for (const struct mb_cli_opt *other = v->opts; other < o; other++) {
		if (o->letter && o->letter == other->letter)
			mb_strv_addf(faults, "%s: -%c is --%s already", where, o->letter,
			             other->name);
		if (share_name(o, other))
			mb_strv_addf(faults, "%s: a name of --%s already", where, other->name);
	}
}

void mb_cli_lint_verb(const struct mb_cli_verb *v, struct mb_strv *faults)
{
	size_t n = 0;

	if (!v->hidden)
		check_text(v->paths, "summary", v->summary, MAX_SUMMARY, faults);
	if (!v->main)
		mb_strv_addf(faults, "%s: no main", v->paths);
	if (v->max != MB_CLI_MANY && v->min > v->max)
		mb_strv_addf(faults, "%s: min over max", v->paths);
	if (v->max != 0 && !v->operands)
		mb_strv_addf(faults, "%s: takes operands, names none", v->paths);
	for (const struct mb_cli_opt *o = v->opts; o && o->kind; o++, n++)
		check_option(v, o, faults);
	if (n > MB_CLI_MAX_OPTS)
		mb_strv_addf(faults, "%s: more than %d options", v->paths, MB_CLI_MAX_OPTS);
}

static bool is_parent(const struct mb_cli_program *program, const char *name, size_t len)
{
	for (const struct mb_cli_parent *p = program->parents; p->name; p++)
		if (mb_cli_name_is(p->name, name, len))
			return true;
	return false;
}

static void check_paths(const struct mb_cli_program *program, const struct mb_cli_verb *v,
                        struct mb_strv *faults)
{
	const char *paths = v->paths, *path = NULL;
	size_t len = 0;

	while (mb_cli_names_next(&paths, &path, &len)) {
		const char *space = memrchr(path, ' ', len);

		if (space && !is_parent(program, path, (size_t)(space - path)))
			mb_strv_addf(faults, "%.*s: its parent is not listed", (int)len, path);
		for (const struct mb_cli_verb *const *o = program->verbs; *o != v; o++)
			if (mb_cli_names_have((*o)->paths, path, len))
				mb_strv_addf(faults, "%.*s: two verbs claim it", (int)len, path);
	}
}

void mb_cli_lint(const struct mb_cli_program *program, struct mb_strv *faults)
{
	for (const struct mb_cli_verb *const *v = program->verbs; *v; v++) {
		mb_cli_lint_verb(*v, faults);
		check_paths(program, *v, faults);
	}
	for (const struct mb_cli_parent *p = program->parents; p->name; p++)
		check_text(p->name, "summary", p->summary, MAX_SUMMARY, faults);
}
