/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/help.h"
#include "cli/man.h"
#include "cli/names.h"
#include "cli/value.h"
#include "core/own.h"
#include "core/str.h"

/* Text as roff must have it: hyphens that stay hyphens, no request by a leading dot. */
static void add_roff(const char *text, size_t len, struct mb_str *out)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '-')
			mb_str_add(out, "\\-");
		else if (text[i] == '\\')
			mb_str_add(out, "\\e");
		else if ((text[i] == '.' || text[i] == '\'') && (i == 0 || text[i - 1] == '\n'))
			mb_str_addf(out, "\\&%c", text[i]);
		else
			mb_str_addc(out, text[i]);
	}
}

static void add_text(const char *text, struct mb_str *out)
{
	add_roff(text, strlen(text), out);
}

static void add_sentence(const char *text, struct mb_str *out)
{
	MB_AUTO_STR struct mb_str sentence = MB_STR_INIT;

	mb_cli_help_sentence(text, &sentence);
	add_text(mb_str_text(&sentence), out);
}

void mb_cli_man_name(const struct mb_cli_verb *verb, struct mb_str *out)
{
	mb_str_addf(out, "%s-", MB_CLI_NAME);
	for (const char *s = verb->paths; *s && *s != '|'; s++)
		mb_str_addc(out, *s == ' ' ? '-' : *s);
}

static void add_header(const char *name, const char *summary, const char *version,
                       struct mb_str *out)
{
	mb_str_add(out, ".TH ");
	for (const char *s = name; *s; s++)
		mb_str_addc(out, (char)toupper((unsigned char)*s));
	mb_str_addf(out, " 1 \"\" \"%s %s\" \"User Commands\"\n.SH NAME\n", MB_CLI_NAME, version);
	add_text(name, out);
	mb_str_add(out, " \\- ");
	add_text(summary, out);
	mb_str_add(out, "\n.SH SYNOPSIS\n");
}

static void add_synopsis(const struct mb_cli_verb *verb, struct mb_str *out)
{
	const char *paths = verb->paths, *path = NULL;
	size_t len = 0;
	bool first = true;

	while (mb_cli_names_next(&paths, &path, &len)) {
		MB_AUTO_FREE char *one = mb_strndup(path, len);
		MB_AUTO_STR struct mb_str usage = MB_STR_INIT;
		size_t words = strlen(MB_CLI_NAME) + 1 + len;

		mb_cli_help_usage(verb, one, &usage);
		mb_str_add(out, first ? "\\fB" : ".br\n\\fB");
		add_roff(mb_str_text(&usage), words, out);
		mb_str_add(out, "\\fR");
		add_text(mb_str_text(&usage) + words, out);
		mb_str_addc(out, '\n');
		first = false;
	}
}

static void add_option_names(const struct mb_cli_opt *o, struct mb_str *out)
{
	const char *names = o->aliases, *name = NULL, *word = mb_cli_value_word(o);
	size_t len = 0;

	mb_str_add(out, ".TP\n");
	if (o->letter)
		mb_str_addf(out, "\\fB\\-%c\\fR, ", o->letter);
	mb_str_add(out, "\\fB\\-\\-");
	add_text(o->name, out);
	mb_str_add(out, "\\fR");
	while (mb_cli_names_next(&names, &name, &len)) {
		mb_str_add(out, ", \\fB\\-\\-");
		add_roff(name, len, out);
		mb_str_add(out, "\\fR");
	}
	if (*word) {
		mb_str_add(out, o->bare ? "[=\\fI" : " \\fI");
		add_text(word, out);
		mb_str_add(out, o->bare ? "\\fR]" : "\\fR");
	}
	mb_str_addc(out, '\n');
}

static void add_option(const struct mb_cli_opt *o, struct mb_str *out)
{
	MB_AUTO_STR struct mb_str def = MB_STR_INIT;

	add_option_names(o, out);
	add_sentence(o->help, out);
	mb_cli_help_default(o, &def);
	add_text(mb_str_text(&def), out);
	mb_str_add(out, ".\n");
	for (int i = 0; o->choices && o->choices[i]; i++) {
		mb_str_add(out, i ? ", " : "One of ");
		add_text(o->choices[i], out);
		mb_str_add(out, o->choices[i + 1] ? "" : ".\n");
	}
	if (o->deprecated) {
		mb_str_add(out, "Deprecated: ");
		add_text(o->deprecated, out);
		mb_str_add(out, ".\n");
	}
}

static void add_options(const char *title, const struct mb_cli_opt *opts, struct mb_str *out)
{
	const struct mb_cli_opt *sorted[MB_CLI_MAX_OPTS];
	size_t n = mb_cli_help_sort(opts, sorted);

	mb_str_addf(out, ".SH %s\n", title);
	for (size_t i = 0; i < n; i++)
		add_option(sorted[i], out);
	mb_str_add(out, ".TP\n\\fB\\-\\-help\\fR\nPrint a summary of usage.\n");
}

/* The length of what stands before the first section of @prose. */
static size_t lead_of(const char *prose)
{
	const char *section = NULL;

	if (strncmp(prose, ".SH ", 4) == 0)
		return 0;
	section = strstr(prose, "\n.SH ");
	return section ? (size_t)(section + 1 - prose) : strlen(prose);
}

static void add_description(const char *prose, const char *summary, struct mb_str *out)
{
	size_t lead = prose ? lead_of(prose) : 0;

	mb_str_add(out, ".SH DESCRIPTION\n");
	if (lead) {
		mb_str_addn(out, prose, lead);
		if (prose[lead - 1] != '\n')
			mb_str_addc(out, '\n');
		return;
	}
	add_sentence(summary, out);
	mb_str_add(out, ".\n");
}

static void add_rest(const char *prose, struct mb_str *out)
{
	if (prose)
		mb_str_add(out, prose + lead_of(prose));
	if (out->len && out->buf[out->len - 1] != '\n')
		mb_str_addc(out, '\n');
}

void mb_cli_man_verb(const struct mb_cli_verb *verb, const char *prose, const char *version,
                     struct mb_str *out)
{
	MB_AUTO_STR struct mb_str name = MB_STR_INIT;

	mb_cli_man_name(verb, &name);
	add_header(mb_str_text(&name), verb->summary, version, out);
	add_synopsis(verb, out);
	add_description(prose, verb->summary, out);
	add_options("OPTIONS", verb->opts, out);
	if (verb->examples) {
		mb_str_add(out, ".SH EXAMPLES\n.nf\n");
		add_text(verb->examples, out);
		mb_str_add(out, ".fi\n");
	}
	add_rest(prose, out);
	mb_str_addf(out, ".SH SEE ALSO\n\\fB%s\\fR(1)\n", MB_CLI_NAME);
}

static void add_command(const struct mb_cli_verb *verb, struct mb_str *out)
{
	MB_AUTO_STR struct mb_str page = MB_STR_INIT;

	mb_cli_man_name(verb, &page);
	mb_str_add(out, ".TP\n\\fB");
	add_text(mb_str_text(&page), out);
	mb_str_add(out, "\\fR(1)\n");
	add_sentence(verb->summary, out);
	mb_str_add(out, ".\n");
}

void mb_cli_man_top(const struct mb_cli_program *program, const char *prose, const char *version,
                    struct mb_str *out)
{
	add_header(program->name, program->summary, version, out);
	mb_str_addf(out, "\\fB%s\\fR [OPTIONS] COMMAND\n", program->name);
	add_description(prose, program->summary, out);
	add_options("GLOBAL OPTIONS", program->globals, out);
	mb_str_add(out, ".SH COMMANDS\n");
	for (const struct mb_cli_verb *const *v = program->verbs; *v; v++)
		if (!(*v)->hidden)
			add_command(*v, out);
	add_rest(prose, out);
}
