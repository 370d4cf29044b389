/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/build_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build/address.h"
#include "cmd/context.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"

static int open_context(struct mb_cmd_context *cx, const char *where, bool stdin_is_dockerfile,
                        struct mb_cmd_build_input *ret, bool *ret_has_dockerfile,
                        struct mb_err *err)
{
	const struct mb_build_context_from from = {where, ret->keeps_git,
	                                           mb_cmd_build_ssh_access(ret)};
	bool is_stdin = strcmp(where, "-") == 0;
	struct mb_store *store;
	int r;

	ret->is_remote = is_stdin || mb_build_address_is(where);
	if (!ret->is_remote)
		return mb_build_context_open_directory(where, &ret->context, err);
	if (is_stdin && stdin_is_dockerfile)
		return mb_fail(err, EINVAL,
		               "invalid argument: can't use stdin for both build context and "
		               "dockerfile");
	r = mb_cmd_store(cx, &store, err);
	if (r < 0)
		return r;
	return is_stdin ? mb_build_context_read(store, STDIN_FILENO, &ret->context,
	                                        &ret->dockerfile, ret_has_dockerfile, err)
	                : mb_build_context_fetch(store, &from, &ret->context, &ret->dockerfile,
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

static int read_dockerfile(const char *file, struct mb_cmd_build_input *ret, struct mb_err *err)
{
	if (!file)
		return read_default(ret, err);
	mb_strset(&ret->name, strcmp(file, "-") == 0 ? "Dockerfile" : file);
	if (strcmp(file, "-") == 0)
		return mb_read_fd(STDIN_FILENO, MB_DOCKERFILE_MAX_BYTES, &ret->dockerfile, err);
	/* Of a tar it is in the tar. */
	if (ret->is_remote)
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

	if (file && strcmp(file, "-") != 0 && !ret->is_remote)
		r = read_path(own, &ret->ignore, &why);
	else if (!file || ret->is_remote)
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
		r = read_dockerfile(file, ret, err);
	if (r == 0 && ret->context.fd >= 0)
		r = read_ignore(file, ret, err);
	return r;
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
	for (size_t i = 0; i < input->n_ssh; i++) {
		free(input->ssh[i].id);
		free(input->ssh[i].path);
		mb_build_keyring_stop(&input->ssh[i].keyring);
	}
	free(input->ssh);
	mb_str_done(&input->known_hosts);
}
