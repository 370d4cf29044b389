/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/address.h"
#include "cmd/container_flags.h"
#include "cmd/context.h"
#include "cmd/remote/remote.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"

struct use {
	const struct mb_cli_opt *opt;
	const char *text;
};

static void pass(struct mb_cmd_remote_line *line, const struct use *use)
{
	if (use->text)
		mb_strv_addf(&line->options, "--%s=%s", use->opt->name, use->text);
	else
		mb_strv_addf(&line->options, "--%s", use->opt->name);
}

/* "NAME" alone is the caller's own variable. */
static int take_variable(struct mb_cmd_remote_line *line, const struct use *use)
{
	const char *value = strchr(use->text, '=') ? "" : mb_cmd_user_env(line->cx, use->text);

	if (strchr(use->text, '='))
		pass(line, use);
	else if (value)
		mb_strv_addf(&line->options, "--%s=%s=%s", use->opt->name, use->text, value);
	return 0;
}

/* One that the caller has not is not to be in the container; by its name alone it would be asked
 * for over there. */
static int take_env(struct mb_cmd_remote_line *line, const struct use *use)
{
	if (strchr(use->text, '=') || mb_cmd_user_env(line->cx, use->text))
		return take_variable(line, use);
	mb_strv_addf(&line->first, "--unsetenv=%s", use->text);
	return 0;
}

/* Before all others, which win. */
static int take_variables(struct mb_cmd_remote_line *line, const struct use *use)
{
	MB_AUTO_STRV struct mb_strv env = MB_STRV_INIT;
	int r = mb_cmd_env_file_add(line->cx, use->text, &env, line->err);

	MB_STRV_FOREACH (assignment, &env)
		mb_strv_addf(&line->first, "--env=%s", assignment);
	return r;
}

static int take_labels(struct mb_cmd_remote_line *line, const struct use *use)
{
	MB_AUTO_KV struct mb_kv labels = MB_KV_INIT;
	int r = mb_cmd_label_file_add(use->text, &labels, line->err);

	MB_KV_FOREACH (pair, &labels)
		mb_strv_addf(&line->first, "--label=%s=%s", pair->key, pair->value);
	return r;
}

static int open_input(struct mb_cmd_remote_line *line, const char *path)
{
	struct stat st;

	line->streams = true;
	mb_close(&line->in_fd);
	line->in_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (line->in_fd < 0 || fstat(line->in_fd, &st) < 0)
		return mb_fail_sys(line->err, errno, "cannot open '%s'", path);
	if (S_ISDIR(st.st_mode))
		return mb_fail(line->err, EISDIR,
		               "'%s' is a directory of this machine: send it as a tar", path);
	return 0;
}

static int take_input(struct mb_cmd_remote_line *line, const struct use *use)
{
	return *use->text ? open_input(line, use->text) : 0;
}

static int take_output(struct mb_cmd_remote_line *line, const struct use *use)
{
	if (!*use->text)
		return 0;
	line->streams = true;
	if (line->out.path)
		mb_cmd_outfile_close(&line->out, -EINVAL, NULL);
	return mb_cmd_outfile_open(&line->out, use->text, line->err);
}

static int take_build_file(struct mb_cmd_remote_line *line, const struct use *use)
{
	line->build_file = use->text;
	return 0;
}

static int refuse(struct mb_cmd_remote_line *line, const struct use *use, const char *why)
{
	return mb_fail(line->err, ENOTSUP, "option '--%s' with another host: %s", use->opt->name,
	               why);
}

static int refuse_id_file(struct mb_cmd_remote_line *line, const struct use *use)
{
	return refuse(line, use, "no file is written here: the id is on standard output (-d, -q)");
}

static int refuse_secret(struct mb_cmd_remote_line *line, const struct use *use)
{
	return refuse(line, use, "what is secret here does not leave this machine");
}

static int refuse_variable(struct mb_cmd_remote_line *line, const struct use *use)
{
	return refuse(line, use, "the variable is of this machine: send what it holds to '-'");
}

static int refuse_all_variables(struct mb_cmd_remote_line *line, const struct use *use)
{
	return refuse(line, use, "this machine's variables are sent by their names (-e)");
}

static int check_context(struct mb_cmd_remote_line *line, const struct use *use)
{
	const char *where = strchr(use->text, '=');

	if (where && !mb_starts_with(where + 1, "docker-image://") &&
	    !mb_build_address_is(where + 1))
		return refuse(line, use, "a directory of this machine is sent as the context only");
	pass(line, use);
	return 0;
}

static int check_place(struct mb_cmd_remote_line *line, const struct use *use)
{
	const char *dest = strstr(use->text, "dest=");
	bool is_path = !strchr(use->text, '=') && strcmp(use->text, "-") != 0;

	if (mb_streq(use->opt->name, "output") &&
	    (is_path || (dest && strcmp(dest, "dest=-") != 0)))
		return refuse(line, use, "no file is written here: '-' is standard output");
	if (!mb_streq(use->opt->name, "output") && strstr(use->text, "type=local"))
		return refuse(line, use, "its directory is of this machine");
	pass(line, use);
	return 0;
}

static int check_profile(struct mb_cmd_remote_line *line, const struct use *use)
{
	const char *seccomp = mb_skip_prefix(use->text, "seccomp");

	if (seccomp && strchr(seccomp, '/'))
		return refuse(line, use, "the profile is a file of this machine");
	pass(line, use);
	return 0;
}

/* A source that begins with a dot is below the caller's working directory. */
static int check_source(struct mb_cmd_remote_line *line, const struct use *use)
{
	if (*use->text == '.' || strstr(use->text, "src=.") || strstr(use->text, "source=."))
		return refuse(line, use, "a relative path is of this machine");
	pass(line, use);
	return 0;
}

static int pass_on(struct mb_cmd_remote_line *line, const struct use *use)
{
	pass(line, use);
	return 0;
}

/* What options mean that speak of this machine; a verb's own row stands before everybody's. */
static const struct rule {
	const char *verb, *option;
	int (*apply)(struct mb_cmd_remote_line *line, const struct use *use);
} rules[] = {
	{"build", "file", take_build_file},
	{"build", "output", check_place},
	{"build", "cache-from", check_place},
	{"build", "cache-to", check_place},
	{"build", "build-context", check_context},
	{"build", "build-arg", take_variable},
	{"build", "secret", refuse_secret},
	{"build", "ssh", refuse_secret},
	{"secret create", "env", refuse_variable},
	{"load", "input", take_input},
	{"save", "output", take_output},
	{"export", "output", take_output},
	{"volume export", "output", take_output},
	{"generate kube", "filename", take_output},
	{"run", "env", take_env},
	{"create", "env", take_env},
	{NULL, "env", take_variable},
	{NULL, "env-file", take_variables},
	{NULL, "label-file", take_labels},
	{"run", "cidfile", refuse_id_file},
	{"create", "cidfile", refuse_id_file},
	{"run", "env-host", refuse_all_variables},
	{"create", "env-host", refuse_all_variables},
	{"run", "http-proxy", refuse_all_variables},
	{"create", "http-proxy", refuse_all_variables},
	{NULL, "iidfile", refuse_id_file},
	{NULL, "security-opt", check_profile},
	{NULL, "volume", check_source},
	{NULL, "mount", check_source},
	{NULL, "device", pass_on},
};

static bool is_verb(const struct mb_cli_verb *verb, const char *name)
{
	size_t n = strlen(name);

	return strncmp(verb->paths, name, n) == 0 && (!verb->paths[n] || verb->paths[n] == '|');
}

/* Options after which a verb has nothing to ask. */
enum { FORCE, NO_STDIN, PASSWORD, USERNAME, N_ANSWERS };
static const char *const answers[N_ANSWERS] = {"force", "no-stdin", "password", "username"};

struct watching {
	struct mb_cmd_remote_line *line;
	const struct mb_cli_verb *verb;
	bool is_given[N_ANSWERS];
};

static void on_use(void *arg, const struct mb_cli_opt *opt, const char *text)
{
	struct watching *w = arg;
	struct mb_cmd_remote_line *line = w->line;
	const struct use use = {opt, text};
	bool on = true;

	if (line->r < 0 || opt->kind == MB_CLI_IGNORED || opt->kind == MB_CLI_REFUSED)
		return;
	if (opt->kind == MB_CLI_SWITCH && text)
		mb_parse_bool(text, &on);
	if (mb_streq(opt->name, "tty"))
		line->wants_tty = on;
	for (size_t i = 0; i < N_ANSWERS; i++)
		if (mb_streq(opt->name, answers[i]))
			w->is_given[i] = on;
	if (mb_streq(opt->name, "interactive") || mb_streq(opt->name, "password-stdin"))
		line->reads = on;
	if (mb_streq(opt->name, "attach") && mb_streq(text, "stdin"))
		line->reads = true;
	for (size_t i = 0; i < MB_N(rules); i++) {
		if (!mb_streq(rules[i].option, opt->name) ||
		    (rules[i].verb ? !is_verb(w->verb, rules[i].verb) : !text))
			continue;
		line->r = rules[i].apply(line, &use);
		return;
	}
	if (opt->complete == MB_COMP_FILE || opt->complete == MB_COMP_DIRECTORY)
		line->r = refuse(line, &use, "it names a file of this machine");
	else
		pass(line, &use);
}

/* Verbs that read what is typed or sent, and that no option has answered; run, exec and start read
 * with -i. */
static bool is_reader(const struct watching *w)
{
	if (is_verb(w->verb, "attach"))
		return !w->is_given[NO_STDIN];
	if (is_verb(w->verb, "login"))
		return !w->is_given[USERNAME] || !w->is_given[PASSWORD];
	if (mb_ends_with(w->verb->paths, "prune"))
		return !w->is_given[FORCE];
	return is_verb(w->verb, "load");
}

/* A file in the place of an operand that may be "-" is what comes on standard input. */
static int take_operand(struct mb_cmd_remote_line *line, const struct mb_cli_verb *verb, size_t i,
                        const char *text)
{
	size_t at = i < MB_N(verb->complete) ? i : MB_N(verb->complete) - 1;
	bool is_file;

	while (at && verb->complete[at] == MB_COMP_NONE)
		at--;
	is_file = (verb->complete[at] == MB_COMP_FILE || verb->complete[at] == MB_COMP_DIRECTORY) &&
	          (i == 0 || !verb->stop_at_operand);
	line->reads |= mb_streq(text, "-") && !verb->stop_at_operand;
	if (!is_file || mb_streq(text, "-")) {
		mb_strv_add(&line->operands, text);
		return 0;
	}
	if (!verb->operands || !strstr(verb->operands, "|-"))
		return mb_fail(line->err, ENOTSUP,
		               "'%s' with another host: '%s' is a file of this machine", line->path,
		               text);
	mb_strv_add(&line->operands, "-");
	return open_input(line, text);
}

static int take_operands(struct mb_cmd_remote_line *line, const struct mb_cli_input *in)
{
	const struct mb_cli_verb *verb = in->verb;
	int r = 0;

	if (is_verb(verb, "cp"))
		return mb_cmd_remote_cp(line, in);
	if (is_verb(verb, "build"))
		return mb_cmd_remote_build(line, in->operands[0]);
	/* Without its second operand it reads, too. */
	if (is_verb(verb, "volume import") && in->n_operands == 1)
		line->reads = true;
	for (size_t i = 0; r == 0 && i < in->n_operands; i++)
		r = take_operand(line, verb, i, in->operands[i]);
	return r;
}

int mb_cmd_remote_line_make(struct mb_cmd_remote_line *line, const struct mb_cli_verb *verb,
                            const char *path, int argc, char *const *argv)
{
	struct watching w = {.line = line, .verb = verb};
	const struct mb_cli_watch watch = {on_use, &w};
	struct mb_cli_input in = {0};
	int r;

	line->path = path;
	r = mb_cli_parse_watched(verb, path, argc, argv, &watch, &in, line->err);
	line->reads |= is_reader(&w);
	if (r == 0)
		r = line->r < 0 ? line->r : take_operands(line, &in);
	mb_cli_input_done(&in);
	if (r == 0 && line->reads && line->in_fd < 0)
		line->in_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	return r;
}

void mb_cmd_remote_line_done(struct mb_cmd_remote_line *line)
{
	mb_strv_done(&line->options);
	mb_strv_done(&line->operands);
	mb_strv_done(&line->first);
	mb_close(&line->in_fd);
	mb_close(&line->out_fd);
}
