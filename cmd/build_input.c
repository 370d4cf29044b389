/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/build_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/context.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"

enum { SECRET_MAX = 500 * 1024 }; /* as BuildKit has it */

static bool is_address(const char *where)
{
	return strstr(where, "://") || mb_starts_with(where, "git@") ||
	       mb_starts_with(where, "github.com/");
}

static int open_context(struct mb_cmd_context *cx, const char *where, bool stdin_is_dockerfile,
                        struct mb_cmd_build_input *ret, bool *ret_has_dockerfile,
                        struct mb_err *err)
{
	struct mb_store *store;
	int r;

	if (is_address(where))
		return mb_fail(err, EOPNOTSUPP,
		               "cannot build from '%s': fetch it and build from the directory",
		               where);
	if (strcmp(where, "-") != 0)
		return mb_build_context_open_directory(where, &ret->context, err);
	if (stdin_is_dockerfile)
		return mb_fail(err, EINVAL,
		               "invalid argument: can't use stdin for both build context and "
		               "dockerfile");
	r = mb_cmd_store(cx, &store, err);
	return r < 0 ? r
	             : mb_build_context_read(store, STDIN_FILENO, &ret->context, &ret->dockerfile,
	                                     ret_has_dockerfile, err);
}

/* A path of the user's own. */
static int read_path(const char *path, struct mb_str *out, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return mb_fail_sys(err, errno, "failed to read dockerfile: open %s", path);
	return mb_read_fd(fd, MB_DOCKERFILE_MAX_BYTES, out, err);
}

static int read_default(struct mb_cmd_build_input *ret, struct mb_err *err)
{
	static const char *const names[] = {"Dockerfile", "Containerfile"};
	int r = -ENOENT;

	for (size_t i = 0; i < MB_N(names) && r == -ENOENT; i++) {
		mb_strset(&ret->name, names[i]);
		r = mb_build_context_file(&ret->context, names[i], &ret->dockerfile, err);
	}
	if (r == -ENOENT)
		return mb_fail(err, ENOENT,
		               "failed to read dockerfile: open Dockerfile: no such file or "
		               "directory");
	return r;
}

static int read_dockerfile(const char *where, const char *file, struct mb_cmd_build_input *ret,
                           struct mb_err *err)
{
	if (!file)
		return read_default(ret, err);
	mb_strset(&ret->name, strcmp(file, "-") == 0 ? "Dockerfile" : file);
	if (strcmp(file, "-") == 0)
		return mb_read_fd(STDIN_FILENO, MB_DOCKERFILE_MAX_BYTES, &ret->dockerfile, err);
	/* Of a tar it is in the tar. */
	if (strcmp(where, "-") == 0)
		return mb_build_context_file(&ret->context, file, &ret->dockerfile, err);
	return read_path(file, &ret->dockerfile, err);
}

/* The file's own, then the context's. */
static int read_ignore(const char *file, struct mb_cmd_build_input *ret, struct mb_err *err)
{
	static const char *const names[] = {".dockerignore", ".containerignore"};
	MB_AUTO_FREE char *own = mb_asprintf("%s.dockerignore", ret->name);
	struct mb_err why = MB_ERR_INIT;
	int r = -ENOENT;

	if (file && strcmp(file, "-") != 0)
		r = read_path(own, &ret->ignore, &why);
	else if (!file)
		r = mb_build_context_file(&ret->context, own, &ret->ignore, &why);
	for (size_t i = 0; i < MB_N(names) && r == -ENOENT; i++)
		r = mb_build_context_file(&ret->context, names[i], &ret->ignore, &why);
	ret->has_ignore = r == 0;
	if (r < 0 && r != -ENOENT) {
		*err = why;
		return mb_wrap(err, r, "error reading .dockerignore");
	}
	return 0;
}

int mb_cmd_build_input_read(struct mb_cmd_context *cx, const char *where, const char *file,
                            struct mb_cmd_build_input *ret, struct mb_err *err)
{
	bool has_dockerfile = false;
	int r = open_context(cx, where, file && strcmp(file, "-") == 0, ret, &has_dockerfile, err);

	mb_strset(&ret->name, "Dockerfile");
	if (r == 0 && !has_dockerfile)
		r = read_dockerfile(where, file, ret, err);
	if (r == 0 && ret->context.fd >= 0)
		r = read_ignore(file, ret, err);
	return r;
}

/* --- secrets ---------------------------------------------------------------------------------- */

struct secret_spec {
	char *id, *src, *env;
};

static int read_secret_spec(const char *text, struct secret_spec *ret, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv fields = MB_STRV_INIT;

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
		else if (strcmp(field, "type=file") != 0 && strcmp(field, "type=env") != 0)
			return mb_fail(err, EINVAL, "unexpected key in secret: '%s'", field);
	}
	return ret->id && *ret->id ? 0 : mb_fail(err, EINVAL, "a secret needs an id");
}

static int load_secret(struct mb_cmd_context *cx, struct secret_spec *spec, struct mb_str *out,
                       struct mb_err *err)
{
	const char *value = mb_cmd_user_env(cx, spec->env ? spec->env : spec->id);
	const char *path = spec->src ? spec->src : spec->id;
	MB_AUTO_CLOSE int fd = -1;

	if (spec->env && !value)
		return mb_fail(err, ENOENT, "the variable %s is not set", spec->env);
	if (value && !spec->src) {
		mb_str_add(out, value);
		return 0;
	}
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", path);
	return mb_read_fd(fd, SECRET_MAX, out, err);
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

void mb_cmd_build_input_done(struct mb_cmd_build_input *input)
{
	mb_build_context_done(&input->context);
	mb_str_done(&input->dockerfile);
	mb_str_done(&input->ignore);
	free(input->name);
	for (size_t i = 0; i < input->n_secrets; i++) {
		explicit_bzero(input->secrets[i].bytes, input->secrets[i].n);
		free(input->secrets[i].bytes);
		free(input->secrets[i].id);
	}
	free(input->secrets);
}
