/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "secret/secret.h"

struct create_args {
	const char *driver;
	struct mb_kv labels;
	bool env, replace;
};

/* Room for all before anything is read: no copy is left behind by growing. */
static int read_data(struct mb_cmd_context *cx, const struct create_args *args, const char *source,
                     struct mb_str *out, struct mb_err *err)
{
	const char *value = args->env ? mb_cmd_user_env(cx, source) : NULL;
	MB_AUTO_CLOSE int file = -1;
	int fd = STDIN_FILENO, r;

	mb_str_reserve(out, MB_SECRET_MAX + 2);
	if (args->env && !value)
		return mb_fail(err, ENOENT, "the variable %s is not set", source);
	if (value) {
		mb_str_add(out, value);
		return 0;
	}
	if (strcmp(source, "-") != 0) {
		file = open(source, O_RDONLY | O_CLOEXEC);
		if (file < 0)
			return mb_fail_sys(err, errno, "cannot open '%s'", source);
		fd = file;
	}
	r = mb_read_fd(fd, MB_SECRET_MAX, out, err);
	if (r == -EFBIG)
		return mb_fail(err, EFBIG, "secret data must be between 1 and %d bytes",
		               MB_SECRET_MAX);
	return r < 0 ? mb_wrap(err, r, "'%s'", source) : 0;
}

static int create_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct create_args *args = in->args;
	MB_AUTO(mb_secret_free) struct mb_secret *secret = NULL;
	struct mb_secret_create_request request = {
		.name = in->operands[0], .labels = &args->labels, .replace = args->replace};
	struct mb_str data = MB_STR_INIT;
	struct mb_store *store = NULL;
	int r = 0;

	if (strcmp(args->driver, "file") != 0)
		return mb_fail(err, ENOTSUP, "no secret driver '%s': there is file", args->driver);
	r = mb_cmd_store(cx, &store, err);
	if (r == 0)
		r = read_data(cx, args, in->operands[1], &data, err);
	if (r == 0) {
		request.bytes = mb_str_text(&data);
		request.n = data.len;
		r = mb_secret_create(store, &request, &secret, err);
	}
	mb_secret_wipe(&data);
	return r < 0 ? r : mb_cmd_put_line(secret->id);
}

static const struct mb_cli_opt create_opts[] = {
	MB_OPT_STRING('d', "driver", NULL, struct create_args, driver,
                      "what keeps the data; there is file", .def = "file"),
	MB_OPT_SWITCH(0, "env", struct create_args, env, "the data is an environment variable's"),
	MB_OPT_KV('l', "label", "list", struct create_args, labels, "set a label"),
	MB_OPT_SWITCH(0, "replace", struct create_args, replace,
                      "replace one of this name, if there is any"),
	MB_OPT_REFUSED(0, "driver-opts", true, "the driver file has no options"),
	MB_OPT_REFUSED(0, "template-driver", true, NULL),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_secret_create = {
	.paths = "secret create",
	.summary = "make a secret of what a file or stdin holds",
	.operands = "NAME FILE|-",
	.min = 2,
	.max = 2,
	.complete = {MB_COMP_NONE, MB_COMP_FILE},
	.opts = create_opts,
	.args_size = sizeof(struct create_args),
	.examples = "printf %s \"$password\" | mybox secret create db-password -\n"
		    "mybox run -d --secret db-password,mode=0400 postgres\n",
	.main = create_main,
};
