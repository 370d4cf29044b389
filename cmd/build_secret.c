/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is given to RUN and to nobody else. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/build_input.h"
#include "cmd/context.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"

enum { SECRET_MAX = 500 * 1024 }; /* as BuildKit has it */

struct secret_spec {
	char *id, *src, *env;
};

static int read_secret_spec(const char *text, struct secret_spec *ret, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv fields = MB_STRV_INIT;
	bool is_env = false;

	mb_strv_split(&fields, text, ',');
	MB_STRV_FOREACH (field, &fields) {
		const char *value;

		if ((value = mb_skip_prefix(field, "id=")))
			mb_strset(&ret->id, value);
		else if ((value = mb_skip_prefix(field, "src=")) ||
		         (value = mb_skip_prefix(field, "source=")))
			mb_strset(&ret->src, value);
		else if ((value = mb_skip_prefix(field, "env=")))
			mb_strset(&ret->env, value);
		else if (strcmp(field, "type=env") == 0 || strcmp(field, "type=file") == 0)
			is_env = field[5] == 'e';
		else
			return mb_fail(err, EINVAL, "unexpected key in secret: '%s'", field);
	}
	/* The source is then a variable's name. */
	if (is_env && !ret->env)
		ret->env = mb_take_ptr(&ret->src);
	return ret->id && *ret->id ? 0 : mb_fail(err, EINVAL, "a secret needs an id");
}

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

static int load_secret(struct mb_cmd_context *cx, struct secret_spec *spec, struct mb_str *out,
                       struct mb_err *err)
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
	struct secret_spec spec = {0};
	struct mb_str bytes = MB_STR_INIT;
	int r = read_secret_spec(text, &spec, err);

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
	free(spec.id);
	free(spec.src);
	free(spec.env);
	mb_str_done(&bytes);
	return r < 0 ? mb_wrap(err, r, "--secret") : 0;
}
