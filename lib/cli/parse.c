/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules are those of Go's pflag, because docker's users and scripts rely on each of them:
 * letters cluster (-it), values attach (-p80:80, -p=80:80), a switch takes a value only after
 * "=", "--" ends the options, and an unknown option ends it all. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/names.h"
#include "cli/value.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"

struct owned {
	char **operands;
	void *args;
};

struct parser {
	const struct mb_cli_verb *verb;
	int argc, at;
	char *const *argv;
	struct mb_cli_input *in;
	struct owned *owned;
	const struct mb_cli_watch *watch; /* or NULL */
	struct mb_strv *warnings;
	struct mb_err *err;
	bool wants_help;
};

static const struct mb_cli_opt *find_letter(const struct mb_cli_opt *opts, char letter)
{
	for (const struct mb_cli_opt *o = opts; o && o->kind; o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

static const struct mb_cli_opt *find_long(const struct mb_cli_opt *opts, const char *name,
                                          size_t len)
{
	for (const struct mb_cli_opt *o = opts; o && o->kind; o++)
		if (mb_cli_name_is(o->name, name, len) || mb_cli_names_have(o->aliases, name, len))
			return o;
	return NULL;
}

static bool is_refused(const struct mb_cli_opt *opt, const char *text)
{
	bool on = true;

	if (opt->kind != MB_CLI_REFUSED)
		return false;
	return opt->valued || !text || mb_parse_bool(text, &on) < 0 || on;
}

static int set_value(struct parser *p, const struct mb_cli_opt *opt, const char *text)
{
	struct mb_err why = MB_ERR_INIT;
	size_t row = (size_t)(opt - p->verb->opts);

	if (is_refused(opt, text))
		return mb_fail(p->err, ENOTSUP, "option '--%s' is not offered%s%s", opt->name,
		               opt->help ? ": " : "", opt->help ? opt->help : "");
	if (mb_cli_value_set(opt, p->owned->args, text, &why) < 0) {
		MB_AUTO_FREE char *quoted = mb_cli_value_quote(text ? text : "");
		const char letter[] = {'-', opt->letter, ',', ' ', '\0'};
		mb_fail(p->err, EINVAL, "invalid argument %s for \"%s--%s\" flag: %s", quoted,
		        opt->letter ? letter : "", opt->name, why.msg);
		return MB_CLI_BAD_FLAG;
	}
	if (opt->deprecated && p->warnings)
		mb_strv_addf(p->warnings, "Flag --%s has been deprecated, %s", opt->name,
		             opt->deprecated);
	p->in->given[row / 64] |= 1ull << (row % 64);
	if (p->watch)
		p->watch->use(p->watch->arg, opt, text);
	return 0;
}

static int bad_flag(struct parser *p, const char *what, const char *subject)
{
	MB_AUTO_FREE char *shown = mb_printable(subject);

	mb_fail(p->err, EINVAL, "%s%s", what, shown);
	return MB_CLI_BAD_FLAG;
}

static int parse_long(struct parser *p, const char *arg)
{
	const char *name = arg + 2, *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct mb_cli_opt *opt = NULL;
	MB_AUTO_FREE char *typed = mb_strndup(name, len);

	if (len == 0 || name[0] == '-')
		return bad_flag(p, "bad flag syntax: ", arg);
	opt = find_long(p->verb->opts, name, len);
	if (!opt && mb_streq(typed, "help")) {
		p->wants_help = true;
		return 0;
	}
	if (!opt)
		return bad_flag(p, "unknown flag: --", typed);
	if (equals)
		return set_value(p, opt, equals + 1);
	if (!mb_cli_value_is_needed(opt))
		return set_value(p, opt, NULL);
	if (p->at >= p->argc)
		return bad_flag(p, "flag needs an argument: --", typed);
	return set_value(p, opt, p->argv[p->at++]);
}

static int bad_letter(struct parser *p, const char *format, const char *letters)
{
	MB_AUTO_FREE char *shown = mb_printable(letters);
	const char letter[] = {letters[0], '\0'};
	MB_AUTO_FREE char *one = mb_printable(letter);

	mb_fail(p->err, EINVAL, "%s: '%s' in -%s", format, one, shown);
	return MB_CLI_BAD_FLAG;
}

/* What the letter of @opt means, which stands before the next word. */
static const struct mb_cli_opt *by_word(const struct parser *p, const struct mb_cli_opt *opt)
{
	const char *word = p->at < p->argc ? p->argv[p->at] : NULL;
	int64_t number;

	if (!opt->else_means ||
	    (word && (mb_parse_i64(word, &number) == 0 || mb_streq(word, opt->def))))
		return opt;
	return find_long(p->verb->opts, opt->else_means, strlen(opt->else_means));
}

/* One letter of a cluster.  Sets *@letters behind what it used. */
static int parse_letter(struct parser *p, const char **letters)
{
	const char *l = *letters;
	const struct mb_cli_opt *opt = find_letter(p->verb->opts, l[0]);

	*letters = l + strlen(l);
	if (!opt && l[0] == 'h') {
		p->wants_help = true;
		*letters = l + 1;
		return 0;
	}
	if (!opt)
		return bad_letter(p, "unknown shorthand flag", l);
	if (l[1] == '=' && l[2])
		return set_value(p, opt, l + 2);
	if (!l[1])
		opt = by_word(p, opt);
	if (!mb_cli_value_is_needed(opt)) {
		*letters = l + 1;
		return set_value(p, opt, NULL);
	}
	if (l[1])
		return set_value(p, opt, l + 1);
	if (p->at >= p->argc)
		return bad_letter(p, "flag needs an argument", l);
	return set_value(p, opt, p->argv[p->at++]);
}

static int parse_cluster(struct parser *p, const char *letters)
{
	int r = 0;

	while (*letters && r == 0)
		r = parse_letter(p, &letters);
	return r;
}

static void take_operands(struct parser *p)
{
	while (p->at < p->argc)
		p->owned->operands[p->in->n_operands++] = p->argv[p->at++];
}

static int parse_all(struct parser *p)
{
	int r = 0;

	while (p->at < p->argc && r == 0) {
		const char *arg = p->argv[p->at];

		if (arg[0] != '-' || !arg[1]) {
			if (p->verb->stop_at_operand)
				take_operands(p);
			else
				p->owned->operands[p->in->n_operands++] = p->argv[p->at++];
			continue;
		}
		p->at++;
		if (mb_streq(arg, "--"))
			take_operands(p);
		else if (arg[1] == '-')
			r = parse_long(p, arg);
		else
			r = parse_cluster(p, arg + 1);
	}
	return r;
}

static const char *plural(int n)
{
	return n == 1 ? "argument" : "arguments";
}

/* Is there an option that stands for operands? */
static bool is_chosen(const struct parser *p)
{
	const struct mb_cli_opt *opts = p->verb->opts;

	for (size_t row = 0; opts && opts[row].kind; row++)
		if (opts[row].chooses && (p->in->given[row / 64] >> (row % 64) & 1))
			return true;
	return false;
}

static int check_operands(struct parser *p)
{
	const struct mb_cli_verb *v = p->verb;
	int n = (int)p->in->n_operands;
	const char *path = p->in->path;

	if (n >= v->min && (v->max == MB_CLI_MANY || n <= v->max))
		return 0;
	if (n < v->min && is_chosen(p))
		return 0;
	if (v->max == 0)
		mb_fail(p->err, EINVAL, "\"%s %s\" accepts no arguments.", MB_CLI_NAME, path);
	else if (v->min == v->max)
		mb_fail(p->err, EINVAL, "\"%s %s\" requires exactly %d %s.", MB_CLI_NAME, path,
		        v->min, plural(v->min));
	else if (v->max == MB_CLI_MANY)
		mb_fail(p->err, EINVAL, "\"%s %s\" requires at least %d %s.", MB_CLI_NAME, path,
		        v->min, plural(v->min));
	else if (v->min == 0)
		mb_fail(p->err, EINVAL, "\"%s %s\" requires at most %d %s.", MB_CLI_NAME, path,
		        v->max, plural(v->max));
	else
		mb_fail(p->err, EINVAL, "\"%s %s\" requires at least %d and at most %d %s.",
		        MB_CLI_NAME, path, v->min, v->max, plural(v->max));
	return MB_CLI_BAD_OPERANDS;
}

static int set_defaults(struct parser *p)
{
	for (const struct mb_cli_opt *o = p->verb->opts; o && o->kind; o++)
		if (o->def && mb_cli_value_set(o, p->owned->args, o->def, p->err) < 0)
			return mb_wrap(p->err, -EINVAL, "default of '--%s'", o->name);
	return 0;
}

static int parse(struct parser *p, const char *path, struct mb_cli_input *ret)
{
	const struct mb_cli_verb *verb = p->verb;
	struct mb_cli_input input = {.verb = verb, .path = path}, *in = &input;
	int r;

	p->in = in;
	p->owned = mb_calloc(1, sizeof(*p->owned));
	p->owned->operands = mb_calloc((size_t)p->argc + 1, sizeof(char *));
	p->owned->args = mb_calloc(1, verb->args_size ? verb->args_size : 1);
	in->owned_ = p->owned;
	in->operands = p->owned->operands;
	in->args = p->owned->args;
	r = set_defaults(p);
	if (r == 0)
		r = parse_all(p);
	if (r == 0 && p->wants_help)
		r = MB_CLI_HELP;
	if (r == 0)
		r = check_operands(p);
	if (r) {
		mb_cli_input_done(in);
		return r;
	}
	*ret = *in;
	return 0;
}

int mb_cli_parse(const struct mb_cli_verb *verb, const char *path, int argc, char *const *argv,
                 struct mb_cli_input *ret, struct mb_strv *warnings, struct mb_err *err)
{
	struct parser p = {.verb = verb, .argc = argc, .argv = argv, .err = err};

	p.warnings = warnings;
	return parse(&p, path, ret);
}

int mb_cli_parse_watched(const struct mb_cli_verb *verb, const char *path, int argc,
                         char *const *argv, const struct mb_cli_watch *watch,
                         struct mb_cli_input *ret, struct mb_err *err)
{
	struct parser p = {.verb = verb, .argc = argc, .argv = argv, .err = err};

	p.watch = watch;
	return parse(&p, path, ret);
}

void mb_cli_input_done(struct mb_cli_input *in)
{
	struct owned *owned = in->owned_;

	if (!owned)
		return;
	for (const struct mb_cli_opt *o = in->verb->opts; o && o->kind; o++)
		mb_cli_value_done(o, owned->args);
	free(owned->args);
	free(owned->operands);
	free(owned);
	*in = (struct mb_cli_input){0};
}

bool mb_cli_is_given(const struct mb_cli_input *in, const char *name)
{
	const struct mb_cli_opt *opt = find_long(in->verb->opts, name, strlen(name));
	size_t row = opt ? (size_t)(opt - in->verb->opts) : 0;

	return opt && (in->given[row / 64] >> (row % 64) & 1);
}
