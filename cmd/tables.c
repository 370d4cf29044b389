/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hidden verbs that turn the tables into documents: __introspect, __man and __lint, for tests
 * and for the build. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/introspect.h"
#include "cli/lint.h"
#include "cli/man.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"

enum { MAX_PROSE = 256 * 1024 };

struct man_args {
	const char *prose;
};

static int introspect_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                           struct mb_err *err)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)in;
	(void)err;
	mb_cli_introspect(cx->program, &out);
	return mb_cmd_put(&out);
}

const struct mb_cli_verb mb_cmd_introspect_hidden = {
	.paths = "__introspect",
	.hidden = true,
	.unprivileged = true,
	.main = introspect_main,
};

/* The prose of @page, "mybox-rm"; empty when there is none. */
static int read_prose(const char *directory, const char *page, struct mb_str *out,
                      struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_asprintf("%s/%s.1.in", directory, page);
	int r = mb_read_file(AT_FDCWD, path, MAX_PROSE, out, err);

	return r == -ENOENT ? 0 : r;
}

static int write_page(const char *directory, const char *page, const struct mb_str *text,
                      struct mb_err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
	MB_AUTO_FREE char *path = mb_asprintf("%s/%s.1", directory, page);
	MB_AUTO_CLOSE int fd = open(path, flags, 0644);
	int r = fd < 0 ? -errno : mb_write_full(fd, mb_str_text(text), text->len);

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot write '%s'", path);
	return 0;
}

static int make_page(const struct mb_cmd_context *cx, const struct mb_cli_verb *verb,
                     const char *prose_directory, const char *directory, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str page = MB_STR_INIT, prose = MB_STR_INIT, text = MB_STR_INIT;
	int r = 0;

	if (verb)
		mb_cli_man_name(verb, &page);
	else
		mb_str_add(&page, cx->program->name);
	if (prose_directory)
		r = read_prose(prose_directory, mb_str_text(&page), &prose, err);
	if (r < 0)
		return r;
	if (verb)
		mb_cli_man_verb(verb, prose.len ? prose.buf : NULL, MB_VERSION, &text);
	else
		mb_cli_man_top(cx->program, prose.len ? prose.buf : NULL, MB_VERSION, &text);
	return write_page(directory, mb_str_text(&page), &text, err);
}

static int man_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct man_args *args = in->args;
	int r = make_page(cx, NULL, args->prose, in->operands[0], err);

	for (const struct mb_cli_verb *const *v = cx->program->verbs; *v && r == 0; v++)
		if (!(*v)->hidden)
			r = make_page(cx, *v, args->prose, in->operands[0], err);
	return r;
}

static const struct mb_cli_opt man_opts[] = {
	MB_OPT_STRING(0, "prose", NULL, struct man_args, prose, "where the .1.in files are"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_man_hidden = {
	.paths = "__man",
	.hidden = true,
	.unprivileged = true,
	.operands = "DIRECTORY",
	.min = 1,
	.max = 1,
	.opts = man_opts,
	.args_size = sizeof(struct man_args),
	.main = man_main,
};

/* Every verb that help shows has prose. */
static void lint_prose(const struct mb_cli_program *program, const char *directory,
                       struct mb_strv *faults)
{
	for (const struct mb_cli_verb *const *v = program->verbs; *v; v++) {
		MB_AUTO_STR struct mb_str page = MB_STR_INIT, prose = MB_STR_INIT;
		struct mb_err err = MB_ERR_INIT;

		mb_cli_man_name(*v, &page);
		if (!(*v)->hidden &&
		    (read_prose(directory, mb_str_text(&page), &prose, &err) < 0 || !prose.len))
			mb_strv_addf(faults, "%s: no prose '%s.1.in' in '%s'", (*v)->paths,
			             mb_str_text(&page), directory);
	}
}

static int lint_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct man_args *args = in->args;
	MB_AUTO_STRV struct mb_strv faults = MB_STRV_INIT;

	(void)err;
	mb_cli_lint(cx->program, &faults);
	if (args->prose)
		lint_prose(cx->program, args->prose, &faults);
	MB_STRV_FOREACH (fault, &faults)
		mb_cmd_say("%s", fault);
	return faults.n > 0;
}

const struct mb_cli_verb mb_cmd_lint_hidden = {
	.paths = "__lint",
	.hidden = true,
	.unprivileged = true,
	.opts = man_opts,
	.args_size = sizeof(struct man_args),
	.main = lint_main,
};
