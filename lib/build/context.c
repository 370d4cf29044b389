/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/context.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/address.h"
#include "build/archive.h"
#include "build/git.h"
#include "core/err.h"
#include "core/id.h"
#include "core/io.h"
#include "core/own.h"
#include "dockerfile/dockerfile.h"
#include "image/unpack.h"
#include "registry/web.h"
#include "store/lock.h"
#include "store/store.h"
#include "sys/path.h"
#include "sys/tree.h"

enum { PIECE = 256 * 1024 };

void mb_build_context_done(struct mb_build_context *context)
{
	mb_close(&context->fd);
	if (*context->name)
		mb_sys_tree_remove(context->ingest_fd, context->name, NULL);
	context->name[0] = '\0';
	mb_close(&context->ingest_fd);
	mb_close(&context->hold_fd);
	free(context->commit);
	context->commit = NULL;
}

int mb_build_context_open_directory(const char *path, struct mb_build_context *ret,
                                    struct mb_err *err)
{
	ret->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->fd < 0 && errno == ENOENT)
		return mb_fail(err, ENOENT, "unable to prepare context: path \"%s\" not found",
		               path);
	if (ret->fd < 0 && errno == ENOTDIR)
		return mb_fail(err, ENOTDIR,
		               "unable to prepare context: '%s' is no directory; a tar is read "
		               "from stdin with '-'",
		               path);
	return ret->fd < 0 ? mb_fail_sys(err, errno, "unable to prepare context: '%s'", path) : 0;
}

int mb_build_context_file(const struct mb_build_context *context, const char *name,
                          struct mb_str *out, struct mb_err *err)
{
	if (context->fd < 0)
		return mb_fail(err, ENOENT, "'%s': there is no build context", name);
	return mb_sys_path_read(context->fd, name, MB_DOCKERFILE_MAX_BYTES, out, err);
}

/* --- from a stream ---------------------------------------------------------------------------- */

/* To a file without a name, which can be looked at twice. */
static int spool(struct mb_build_context *context, int fd, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_FREE char *piece = mb_malloc(PIECE);
	MB_AUTO_CLOSE int file =
		openat(context->ingest_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	ssize_t n;
	int r = 0;

	if (file < 0)
		return mb_fail_sys(err, errno, "cannot make a file for the context");
	while (r == 0 && (n = read(fd, piece, PIECE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		r = n < 0 ? -errno : mb_write_full(file, piece, (size_t)n);
	}
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot read the context");
	if (lseek(file, 0, SEEK_SET) < 0)
		return mb_fail_sys(err, errno, "cannot read the context");
	*ret_fd = mb_take_fd(&file);
	return 0;
}

/* A directory of ours.  What is in it stays as long as somebody holds the images; see build.c for
 * the rank. */
static int make_place(struct mb_store *store, struct mb_build_context *context, struct mb_err *err)
{
	char id[MB_ID_TEXT];
	int r = mb_store_lock(store, MB_RANK_STORE, "images", false, true, &context->hold_fd, err);

	if (r < 0)
		return r;
	mb_id_make(id);
	snprintf(context->name, sizeof(context->name), "context-%s", id);
	if (mkdirat(context->ingest_fd, context->name, 0700) < 0)
		return mb_fail_sys(err, errno, "cannot make a directory for the context");
	context->fd = openat(context->ingest_fd, context->name,
	                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return context->fd < 0 ? mb_fail_sys(err, errno, "cannot open the context") : 0;
}

static int unpack(struct mb_store *store, struct mb_build_context *context, int file,
                  struct mb_err *err)
{
	const struct mb_image_stretch from = {
		.fd = file, .size = UINT64_MAX, .bound.most = mb_build_archive_limit()};
	struct mb_image_unpack_to to = {
		.names_fd = -1, .skeleton_fd = -1, .bottom = true, .plain = true};
	struct mb_image_unpacked unpacked;
	int r = make_place(store, context, err);

	to.root_fd = context->fd;
	return r < 0 ? r : mb_image_unpack(&from, &to, NULL, &unpacked, err);
}

/* A tar is the context, anything else the Dockerfile. */
static int take_file(struct mb_store *store, int file, struct mb_build_context *ret,
                     struct mb_str *dockerfile, bool *ret_is_dockerfile, struct mb_err *err)
{
	int r;

	*ret_is_dockerfile = !mb_build_archive_is(file);
	if (*ret_is_dockerfile)
		return mb_read_fd(file, MB_DOCKERFILE_MAX_BYTES, dockerfile, err);
	r = unpack(store, ret, file, err);
	return r < 0 ? mb_wrap(err, r, "the context") : 0;
}

int mb_build_context_read(struct mb_store *store, int fd, struct mb_build_context *ret,
                          struct mb_str *dockerfile, bool *ret_is_dockerfile, struct mb_err *err)
{
	MB_AUTO_CLOSE int file = -1;
	int r = mb_store_dir(store, "ingest", false, &ret->ingest_fd, err);

	if (r == 0)
		r = spool(ret, fd, &file, err);
	return r < 0 ? r : take_file(store, file, ret, dockerfile, ret_is_dockerfile, err);
}

/* --- from an address -------------------------------------------------------------------------- */

static int fetch_git(struct mb_store *store, const struct mb_build_address *address,
                     const struct mb_build_context_from *from, struct mb_build_context *ret,
                     struct mb_err *err)
{
	struct mb_build_git git = {.time = 0};
	MB_AUTO_FREE char *path = mb_asprintf("/%s", address->subdir ? address->subdir : "");
	MB_AUTO_CLOSE int tree = -1;
	int fd = -1, r = make_place(store, ret, err);

	if (r == 0)
		r = mb_build_git_fetch(ret->fd, address, from, &git, err);
	if (r < 0)
		return r;
	tree = openat(ret->fd, "tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (tree < 0)
		return mb_fail_sys(err, errno, "cannot open what git fetched");
	/* Whatever links there are lead nowhere else. */
	r = mb_sys_path_open(tree, path, O_RDONLY | O_DIRECTORY, &fd, err);
	if (r < 0) {
		MB_AUTO_FREE char *shown = mb_redact(address->url);

		return mb_wrap(err, r, "'%s'", shown);
	}
	mb_close(&ret->fd);
	ret->fd = fd;
	mb_strset(&ret->commit, git.commit);
	ret->time = git.time;
	return 0;
}

static int fetch_web(struct mb_store *store, const struct mb_build_address *address,
                     struct mb_build_context *ret, struct mb_str *dockerfile,
                     bool *ret_is_dockerfile, struct mb_err *err)
{
	MB_AUTO_CLOSE int file = openat(ret->ingest_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct mb_registry_web web = {0};
	int r = file < 0 ? mb_fail_sys(err, errno, "cannot make a file for the context")
	                 : mb_registry_web_get(
				   &(struct mb_registry_web_request){
					   .url = address->url,
					   .agent = MB_BUILD_AGENT,
					   .limit = MB_BUILD_FETCH_MAX,
					   .fd = file,
				   },
				   &web, err);

	mb_registry_web_done(&web);
	if (r == 0 && lseek(file, 0, SEEK_SET) < 0)
		r = mb_fail_sys(err, errno, "cannot read the context");
	return r < 0 ? r : take_file(store, file, ret, dockerfile, ret_is_dockerfile, err);
}

int mb_build_context_fetch(struct mb_store *store, const struct mb_build_context_from *from,
                           struct mb_build_context *ret, struct mb_str *dockerfile,
                           bool *ret_is_dockerfile, struct mb_err *err)
{
	MB_AUTO_BUILD_ADDRESS struct mb_build_address address = {0};
	int r = mb_build_address_parse(from->address, &address, err);

	*ret_is_dockerfile = false;
	if (r == 0)
		r = mb_store_dir(store, "ingest", false, &ret->ingest_fd, err);
	if (r < 0)
		return r;
	if (address.kind == MB_BUILD_ADDRESS_GIT)
		return fetch_git(store, &address, from, ret, err);
	return fetch_web(store, &address, ret, dockerfile, ret_is_dockerfile, err);
}
