/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "cli/complete.h"
#include "cli/names.h"
#include "cli/value.h"
#include "core/own.h"
#include "core/str.h"

struct state {
	const struct mb_cli_program *program;
	const char *word; /* the one being completed */
	mb_cli_complete_names *names;
	void *arg;
	struct mb_str *out;
	const char *shell; /* what the shell adds */
};

static void offer(struct state *s, const char *text, size_t len, const char *description)
{
	size_t typed = strlen(s->word);

	if (len < typed || memcmp(text, s->word, typed) != 0)
		return;
	mb_str_addn(s->out, text, len);
	if (description && *description)
		mb_str_addf(s->out, "\t%s", description);
	mb_str_addc(s->out, '\n');
}

static void offer_kind(struct state *s, enum mb_cli_complete kind)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;

	if (kind == MB_COMP_FILE)
		s->shell = ":files";
	else if (kind == MB_COMP_DIRECTORY)
		s->shell = ":dirs";
	else if (kind != MB_COMP_NONE && s->names)
		s->names(s->arg, kind, &names);
	MB_STRV_FOREACH (name, &names)
		offer(s, name, strlen(name), NULL);
}

static void offer_verbs(struct state *s, const char *parent)
{
	for (const struct mb_cli_verb *const *v = s->program->verbs; *v; v++) {
		const char *leaf = NULL;
		size_t len = 0;

		if (!(*v)->hidden && mb_cli_names_listed(*v, parent, &leaf, &len))
			offer(s, leaf, len, (*v)->summary);
	}
	for (const struct mb_cli_parent *p = s->program->parents; p->name; p++) {
		const char *leaf = mb_cli_parent_leaf(p, parent);

		if (leaf && !p->hidden)
			offer(s, leaf, strlen(leaf), p->summary);
	}
}

static void offer_options(struct state *s, const struct mb_cli_opt *opts)
{
	for (const struct mb_cli_opt *o = opts; o && o->kind; o++) {
		MB_AUTO_FREE char *flag = mb_asprintf("--%s", o->name);

		if (!o->hidden)
			offer(s, flag, strlen(flag), o->help);
	}
	offer(s, "--help", strlen("--help"), "show help");
}

static void offer_value(struct state *s, const struct mb_cli_opt *o)
{
	if (o->choices)
		for (int i = 0; o->choices[i]; i++)
			offer(s, o->choices[i], strlen(o->choices[i]), NULL);
	else
		offer_kind(s, o->complete);
}

static const struct mb_cli_opt *find_flag(const struct mb_cli_opt *opts, const char *word,
                                          size_t len)
{
	for (const struct mb_cli_opt *o = opts; o && o->kind; o++) {
		if (len == 2 && word[1] == o->letter)
			return o;
		if (len > 2 && word[1] == '-' &&
		    (mb_cli_name_is(o->name, word + 2, len - 2) ||
		     mb_cli_names_have(o->aliases, word + 2, len - 2)))
			return o;
	}
	return NULL;
}

/* Whether the option in @word takes the word behind it as its value. */
static const struct mb_cli_opt *flag_waits(const struct mb_cli_opt *opts, const char *word)
{
	const struct mb_cli_opt *o = NULL;

	if (word[0] != '-' || strchr(word, '='))
		return NULL;
	o = find_flag(opts, word, strlen(word));
	if (!o && word[1] && word[1] != '-') { /* the last letter of a cluster: -it, -dp */
		const char last[] = {'-', word[strlen(word) - 1], '\0'};
		o = find_flag(opts, last, 2);
	}
	return o && mb_cli_value_is_needed(o) ? o : NULL;
}

static void offer_operand(struct state *s, const struct mb_cli_verb *v, int position)
{
	enum mb_cli_complete kind = MB_COMP_NONE;
	int i = position < 3 ? position : 2;

	if (v->max != MB_CLI_MANY && position >= v->max)
		return;
	for (; i >= 0 && kind == MB_COMP_NONE; i--) {
		kind = v->complete[i];
		if (v->stop_at_operand)
			break;
	}
	if (kind == MB_COMP_VERB)
		offer_verbs(s, "");
	else
		offer_kind(s, kind);
}

/* "--name=val": the candidates carry the part before "=" too, as the shell replaces the word. */
static bool offer_attached(struct state *s, const struct mb_cli_opt *opts)
{
	const char *equals = strchr(s->word, '='), *whole = s->word;
	MB_AUTO_STR struct mb_str values = MB_STR_INIT;
	struct mb_str *out = s->out;
	const struct mb_cli_opt *o = NULL;

	if (!equals || s->word[0] != '-' || s->word[1] != '-')
		return false;
	o = find_flag(opts, whole, (size_t)(equals - whole));
	if (!o)
		return true;
	s->word = equals + 1;
	s->out = &values;
	offer_value(s, o);
	s->out = out;
	s->word = whole;
	for (const char *line = mb_str_text(&values); *line;) {
		size_t len = strcspn(line, "\n");

		mb_str_addn(out, whole, (size_t)(equals + 1 - whole));
		mb_str_addn(out, line, len);
		mb_str_addc(out, '\n');
		line += len + (line[len] == '\n');
	}
	return true;
}

static void complete_verb(struct state *s, const struct mb_cli_verb *v, int n, char *const *words)
{
	const struct mb_cli_opt *waits = NULL;
	int operands = 0;
	bool plain = false; /* "--" or, with stop_at_operand, an operand came before */

	for (int i = 0; i < n - 1; i++) {
		if (waits) {
			waits = NULL;
		} else if (!plain && strcmp(words[i], "--") == 0) {
			plain = true;
		} else if (!plain && words[i][0] == '-' && words[i][1]) {
			waits = flag_waits(v->opts, words[i]);
		} else {
			operands++;
			plain = plain || v->stop_at_operand;
		}
	}
	if (waits)
		offer_value(s, waits);
	else if (plain || s->word[0] != '-')
		offer_operand(s, v, operands);
	else if (!offer_attached(s, v->opts))
		offer_options(s, v->opts);
}

/* How many of @words are global options (and their values) before the verb. */
static int skip_globals(struct state *s, int n, char *const *words,
                        const struct mb_cli_opt **ret_waits)
{
	int i = 0;

	*ret_waits = NULL;
	while (i < n - 1 && (words[i][0] == '-' || *ret_waits)) {
		*ret_waits = *ret_waits ? NULL : flag_waits(s->program->globals, words[i]);
		i++;
	}
	return i;
}

void mb_cli_complete_words(const struct mb_cli_program *program, int n, char *const *words,
                           mb_cli_complete_names *names, void *arg, struct mb_str *out)
{
	char *none[] = {NULL};
	struct state s = {program, n > 0 ? words[n - 1] : "", names, arg, out, ":none"};
	const struct mb_cli_opt *waits = NULL;
	struct mb_cli_found found = {0};
	int skip = n > 0 ? skip_globals(&s, n, words, &waits) : 0, r = 0;

	words = n > 0 ? words : none;
	r = mb_cli_find(program, n > 0 ? n - 1 - skip : 0, words + skip, &found);
	if (waits)
		offer_value(&s, waits);
	else if (r == 0)
		complete_verb(&s, found.verb, n - skip - found.words, words + skip + found.words);
	else if (r == MB_CLI_ONLY_PARENT && n - skip == found.words + 1)
		offer_verbs(&s, found.parent->name);
	else if (n - skip <= 1 && s.word[0] != '-')
		offer_verbs(&s, "");
	else if (n - skip <= 1 && !offer_attached(&s, program->globals))
		offer_options(&s, program->globals);
	mb_str_addf(out, "%s\n", s.shell);
}
