/* SPDX-License-Identifier: GPL-2.0-or-later */
/* completion prints the script that a shell loads; the script asks __complete at every tab. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/complete.h"
#include "cmd/context.h"
#include "cmd/names.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

/* The scripts of contrib/completion, as they stand there. */
#define EMBED(symbol, file)                                                             \
	__asm__(".section .rodata\n" #symbol ":\n.incbin \"" MB_COMPLETION_DIR "/" file \
	        "\"\n.byte 0\n.previous\n");                                            \
	extern const char symbol[] __attribute__((visibility("hidden")))

EMBED(mb_completion_bash, "mybox.bash");
EMBED(mb_completion_zsh, "_mybox");
EMBED(mb_completion_fish, "mybox.fish");

static int completion_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                           struct mb_err *err)
{
	static const struct {
		const char *shell, *script;
	} scripts[] = {
		{"bash", mb_completion_bash},
		{"zsh", mb_completion_zsh},
		{"fish", mb_completion_fish},
	};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	(void)cx;
	for (size_t i = 0; i < MB_N(scripts); i++) {
		if (strcmp(scripts[i].shell, in->operands[0]) != 0)
			continue;
		mb_str_add(&out, scripts[i].script);
		return mb_cmd_put(&out);
	}
	return mb_fail(err, EINVAL, "no completion for '%s': one of bash, zsh, fish",
	               in->operands[0]);
}

const struct mb_cli_verb mb_cmd_completion = {
	.paths = "completion",
	.summary = "print the completion script of a shell",
	.operands = "bash|zsh|fish",
	.min = 1,
	.max = 1,
	.unprivileged = true,
	.main = completion_main,
};

static void add_names(void *arg, enum mb_cli_complete kind, struct mb_strv *out)
{
	mb_cmd_names_add(arg, kind, out);
}

static int complete_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                         struct mb_err *err)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	mb_cli_complete_names *names = geteuid() == 0 ? add_names : NULL;

	(void)err;
	mb_cli_complete_words(cx->program, (int)in->n_operands, in->operands, names, cx, &out);
	return mb_cmd_put(&out);
}

const struct mb_cli_verb mb_cmd_complete_hidden = {
	.paths = "__complete",
	.hidden = true,
	.operands = "WORD...",
	.max = MB_CLI_MANY,
	.stop_at_operand = true,
	.unprivileged = true,
	.main = complete_main,
};
