/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/remote/remote.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/context.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

int mb_cmd_remote_find(const char *option, const char **ret, struct mb_err *err)
{
	const char *host = option ? option : getenv("MYBOX_HOST");

	*ret = NULL;
	if (!host || !*host || mb_starts_with(host, "unix://"))
		return 0;
	if (!mb_starts_with(host, "ssh://"))
		return mb_fail(err, ENOTSUP,
		               "option '--host': '%s' is neither this machine nor ssh://HOST",
		               host);
	*ret = host;
	return 0;
}

bool mb_cmd_remote_is_local(const struct mb_cli_verb *verb)
{
	return verb->hidden || mb_streq(verb->paths, "help") || mb_streq(verb->paths, "completion");
}

/* Words of the far command: MYBOX_REMOTE is for those who log in without root ("sudo -n mybox"), or
 * have mybox in a place of their own. */
static void add_program(struct mb_str *command)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	const char *program = getenv("MYBOX_REMOTE");

	mb_strv_split(&words, program && *program ? program : "mybox", ' ');
	MB_STRV_FOREACH (word, &words) {
		if (!*word)
			continue;
		mb_cmd_remote_quote(word, command);
		mb_str_addc(command, ' ');
	}
}

static void add_words(const struct mb_strv *words, struct mb_str *command)
{
	MB_STRV_FOREACH (word, words) {
		mb_str_addc(command, ' ');
		mb_cmd_remote_quote(word, command);
	}
}

static void add_verb(const char *path, struct mb_str *command)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;

	mb_strv_split(&words, path, ' ');
	add_words(&words, command);
}

/* Without a terminal of its own the far end is told what it writes comes to one here: it cleans,
 * and refuses, what it would on one there. */
static void add_far(const struct mb_cmd_remote_line *line, struct mb_str *command)
{
	bool own = line->out_fd < 0 && line->out.fd < 0;

	mb_str_add(command, "__far");
	if ((own && mb_cmd_is_tty(STDOUT_FILENO)) || mb_cmd_is_tty(STDERR_FILENO))
		mb_str_addf(command, " --shown=%s%s",
		            own && mb_cmd_is_tty(STDOUT_FILENO) ? "1" : "",
		            mb_cmd_is_tty(STDERR_FILENO) ? "2" : "");
	mb_str_add(command, " --");
}

/* @path has a terminal's bytes in no word: it is one of ours. */
static void make_command(const struct mb_cmd_remote_line *line, bool tty, struct mb_str *command)
{
	struct mb_cmd_context *cx = line->cx;
	MB_AUTO_STRV struct mb_strv globals = MB_STRV_INIT;

	add_program(command);
	if (!tty)
		add_far(line, command);
	if (cx->remote_root)
		mb_strv_addf(&globals, "--root=%s", cx->remote_root);
	if (cx->remote_run)
		mb_strv_addf(&globals, "--runroot=%s", cx->remote_run);
	if (cx->debug)
		mb_strv_add(&globals, "--debug");
	/* What it is to do is said here, whatever that machine's own variable says. */
	mb_strv_add(&globals, "--host=unix://");
	add_words(&globals, command);
	add_verb(line->path, command);
	add_words(&line->first, command);
	add_words(&line->options, command);
	if (line->operands.n)
		mb_str_add(command, " --");
	add_words(&line->operands, command);
}

/* A terminal there, when all is one here: prompts, colours and widths, and what is typed. */
static bool is_terminal(const struct mb_cmd_remote_line *line)
{
	return !line->streams && mb_cmd_is_tty(STDIN_FILENO) && mb_cmd_is_tty(STDOUT_FILENO) &&
	       (line->wants_tty || mb_cmd_is_tty(STDERR_FILENO));
}

static int end_child(pid_t pid, int r)
{
	int status = 0;

	if (pid > 0 && waitpid(pid, &status, 0) == pid && status != 0 && r == 0)
		return EXIT_FAILURE;
	return r;
}

static int talk(struct mb_cmd_remote_line *line, struct mb_err *err)
{
	struct mb_cmd_remote_address address = {0};
	MB_AUTO_STR struct mb_str command = MB_STR_INIT;
	bool tty = is_terminal(line);
	int r = mb_cmd_remote_address_parse(line->cx->remote, &address, err);

	make_command(line, tty, &command);
	if (r == 0)
		r = mb_cmd_remote_ssh(line, &address, tty, mb_str_text(&command), err);
	mb_cmd_remote_address_done(&address);
	return r;
}

int mb_cmd_remote_run(struct mb_cmd_context *cx, const struct mb_cli_verb *verb, const char *path,
                      int argc, char *const *argv, struct mb_err *err)
{
	struct mb_cmd_remote_line line = {.cx = cx,
	                                  .in_fd = -1,
	                                  .out = MB_CMD_OUTFILE_INIT,
	                                  .out_fd = -1,
	                                  .giver = -1,
	                                  .taker = -1,
	                                  .err = err};
	int r = mb_cmd_remote_line_make(&line, verb, path, argc, argv);

	if (r == 0)
		r = talk(&line, err);
	mb_cmd_remote_line_done(&line);
	r = end_child(line.taker, r);
	if (line.out.path)
		r = mb_cmd_outfile_close(&line.out, r, err);
	return r;
}
