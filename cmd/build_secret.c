/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is given to RUN and to nobody else. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/flag_spec.h"
#include "cmd/build_input.h"
#include "cmd/context.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"

enum { SECRET_MAX = 500 * 1024 }; /* as BuildKit has it */

/* A pipe is waited for, as a shell's <(COMMAND) needs; a device is not. */
int mb_cmd_build_file_open(const char *path, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	struct stat st;
	int flags = O_RDONLY | O_CLOEXEC;

	if (stat(path, &st) == 0 && !S_ISFIFO(st.st_mode))
		flags |= O_NONBLOCK;
	fd = open(path, flags);
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", path);
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

static int load_secret(struct mb_cmd_context *cx, struct mb_build_secret_spec *spec,
                       struct mb_str *out, struct mb_err *err)
{
	const char *value = mb_cmd_user_env(cx, spec->env ? spec->env : spec->id);
	const char *path = spec->src ? spec->src : spec->id;
	MB_AUTO_CLOSE int fd = -1;
	int r;

	if (spec->env && !value)
		return mb_fail(err, ENOENT, "the variable %s is not set", spec->env);
	if (value && !spec->src) {
		mb_str_add(out, value);
		return 0;
	}
	r = mb_cmd_build_file_open(path, &fd, err);
	return r < 0 ? r : mb_read_fd(fd, SECRET_MAX, out, err);
}

int mb_cmd_build_secret_add(struct mb_cmd_context *cx, const char *text,
                            struct mb_cmd_build_input *input, struct mb_err *err)
{
	struct mb_build_secret_spec spec = {0};
	struct mb_str bytes = MB_STR_INIT;
	int r = mb_build_secret_spec_parse(text, &spec, err);

	if (r == 0)
		r = load_secret(cx, &spec, &bytes, err);
	if (r == 0) {
		input->secrets = mb_realloc(input->secrets,
		                            (input->n_secrets + 1) * sizeof(*input->secrets));
		struct mb_build_secret *secret = &input->secrets[input->n_secrets++];

		secret->id = mb_take_ptr(&spec.id);
		secret->n = bytes.len;
		secret->bytes = mb_str_take(&bytes);
	}
	mb_build_secret_spec_done(&spec);
	mb_str_done(&bytes);
	return r < 0 ? mb_wrap(err, r, "--secret") : 0;
}
