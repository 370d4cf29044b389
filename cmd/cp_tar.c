/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/cp_tar.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/content.h"
#include "build/place.h"
#include "build/walk.h"
#include "cmd/aside.h"
#include "cmd/cp_tree.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "image/pack_xattr.h"
#include "image/tar.h"
#include "image/unpack.h"
#include "sys/copy.h"
#include "sys/path.h"

/* --- writing ---------------------------------------------------------------------------------- */

struct writing {
	const char *name;                 /* in front of all paths */
	const struct mb_build_root *root; /* whose rules leave things out, or NULL */
	struct mb_image_pack pack;        /* whose ids are in the tar */
	int fd;
	bool is_live; /* what goes meanwhile is left out */
};

static int flush(const struct writing *w, struct mb_str *text, struct mb_err *err)
{
	int r = mb_write_full(w->fd, text->buf, text->len);

	text->len = 0;
	return r < 0 ? mb_fail_sys(err, -r, "cannot write the archive") : 0;
}

static enum mb_image_tar_type type_of(mode_t mode)
{
	return S_ISDIR(mode)    ? MB_IMAGE_TAR_DIR
	       : S_ISLNK(mode)  ? MB_IMAGE_TAR_SYMLINK
	       : S_ISCHR(mode)  ? MB_IMAGE_TAR_CHAR
	       : S_ISBLK(mode)  ? MB_IMAGE_TAR_BLOCK
	       : S_ISFIFO(mode) ? MB_IMAGE_TAR_FIFO
	                        : MB_IMAGE_TAR_FILE;
}

/* @fd: of the file, for its attributes; -1: it can have none. */
static int put_header(const struct writing *w, const char *path, const char *link, int fd,
                      const struct stat *st, struct mb_err *err)
{
	bool is_dir = S_ISDIR(st->st_mode);
	MB_AUTO_FREE char *whole = mb_asprintf("%s%s%s%s", w->name, *path && *w->name ? "/" : "",
	                                       path, is_dir ? "/" : "");
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_image_pack_xattrs xattrs = {0};
	int r = fd >= 0 ? mb_image_pack_xattrs_load(&w->pack, fd, &xattrs, err) : 0;
	struct mb_image_tar_entry e = {
		.type = type_of(st->st_mode),
		.path = whole,
		.link = link,
		.mode = st->st_mode & 07777,
		.uid = mb_image_pack_uid(&w->pack, st->st_uid),
		.gid = mb_image_pack_gid(&w->pack, st->st_gid),
		.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
		.mtime = st->st_mtim,
		.device = st->st_rdev,
	};

	e.xattrs = xattrs.v;
	e.n_xattrs = xattrs.n;
	if (r == 0)
		mb_image_tar_add_entry(&text, &e);
	mb_image_pack_xattrs_done(&xattrs);
	return r == 0 ? flush(w, &text, err) : mb_wrap(err, r, "'%s'", whole);
}
/* As long as the header said, whatever becomes of the file: what is missing is zeros. */
static int put_content(const struct writing *w, int from, uint64_t size, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str padding = MB_STR_INIT;
	char buf[65536];
	uint64_t left = size;

	while (left) {
		size_t want = left < sizeof(buf) ? (size_t)left : sizeof(buf);
		ssize_t n = read(from, buf, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mb_fail_sys(err, errno, "cannot read a file");
		if (n == 0) {
			memset(buf, 0, want);
			n = (ssize_t)want;
		}
		if (mb_write_full(w->fd, buf, (size_t)n) < 0)
			return mb_fail_sys(err, errno, "cannot write the archive");
		left -= (uint64_t)n;
	}
	mb_image_tar_add_padding(&padding, size);
	return flush(w, &padding, err);
}

static int put_file(const struct writing *w, const char *path, int from, struct mb_err *err)
{
	struct stat st;
	int r;

	if (fstat(from, &st) < 0 || !S_ISREG(st.st_mode))
		return mb_fail(err, ESTALE, "'%s' was a file a moment ago", path);
	r = put_header(w, path, NULL, from, &st, err);
	return r == 0 ? put_content(w, from, (uint64_t)st.st_size, err) : r;
}

static bool is_gone(const struct writing *w, int r)
{
	return w->is_live && mb_build_walk_is_gone(r);
}

/* What is neither a directory nor a file, by a descriptor of itself or in its directory. */
static int put_special(const struct writing *w, const char *path, int dir_fd, const char *name,
                       const struct stat *st, struct mb_err *err)
{
	char target[4097];
	ssize_t n = 0;

	if (S_ISSOCK(st->st_mode))
		return 0;
	if (S_ISLNK(st->st_mode))
		n = readlinkat(dir_fd, name, target, sizeof(target) - 1);
	if (n < 0 && is_gone(w, errno == EINVAL ? -ESTALE : -errno))
		return 0;
	if (n < 0)
		return mb_fail_sys(err, errno, "cannot read the link '%s'", path);
	target[n] = '\0';
	return put_header(w, path, S_ISLNK(st->st_mode) ? target : NULL, -1, st, err);
}

static int on_directory(void *arg, const char *path, int fd, const struct stat *st,
                        struct mb_err *err)
{
	return put_header(arg, path, NULL, fd, st, err);
}

static int on_entry(void *arg, const char *path, int dir_fd, const char *name,
                    const struct stat *st, struct mb_err *err)
{
	const struct writing *w = arg;
	MB_AUTO_CLOSE int from = -1;
	int r;

	if (!S_ISREG(st->st_mode))
		return put_special(w, path, dir_fd, name, st, err);
	r = mb_sys_copy_open(dir_fd, name, &from);
	if (is_gone(w, r))
		return 0;
	return r == 0 ? put_file(w, path, from, err)
	              : mb_fail_sys(err, -r, "cannot open '%s'", path);
}

int mb_cmd_cp_tar_write(const struct mb_cmd_cp_source *source, const struct mb_sys_id_maps *maps,
                        int fd, struct mb_err *err)
{
	struct writing w = {
		.name = source->name, .pack = {.maps = maps}, .fd = fd, .is_live = true};
	const struct mb_build_walk walk = {
		.directory = on_directory, .entry = on_entry, .arg = &w, .is_live = true};
	MB_AUTO_STR struct mb_str end = MB_STR_INIT;
	MB_AUTO_CLOSE int file = -1;
	int r;

	if (S_ISDIR(source->st.st_mode)) {
		r = mb_build_walk(source->fd, &walk, err);
	} else if (S_ISREG(source->st.st_mode)) {
		r = mb_sys_path_reopen(source->fd, O_RDONLY | O_NONBLOCK, &file, err);
		if (r == 0)
			r = put_file(&w, "", file, err);
	} else {
		r = put_special(&w, "", source->fd, "", &source->st, err);
	}
	mb_image_tar_add_end(&end);
	return r == 0 ? flush(&w, &end, err) : r;
}

/* Of a directory that is left out what is below it may be kept. */
static bool is_left_out(void *arg, const char *path, bool is_directory)
{
	const struct writing *w = arg;
	bool is_whole = false;

	return mb_build_content_skips(w->root, &(struct mb_build_item){.path = (char[]){""}}, path,
	                              is_directory, &is_whole) &&
	       is_whole;
}

static int on_context_directory(void *arg, const char *path, int fd, const struct stat *st,
                                struct mb_err *err)
{
	const struct writing *w = arg;
	bool is_whole;

	if (!*path || mb_build_content_skips(w->root, &(struct mb_build_item){.path = (char[]){""}},
	                                     path, true, &is_whole))
		return 0;
	return put_header(w, path, NULL, fd, st, err);
}

static int put_own(const struct writing *w, const struct mb_cmd_cp_tar_file *file,
                   struct mb_err *err)
{
	const struct mb_image_tar_entry e = {
		.type = MB_IMAGE_TAR_FILE, .path = file->name, .mode = 0644, .size = file->n};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_image_tar_add_entry(&text, &e);
	mb_str_addn(&text, file->bytes, file->n);
	mb_image_tar_add_padding(&text, file->n);
	return flush(w, &text, err);
}

int mb_cmd_cp_tar_write_context(const struct mb_build_root *root,
                                const struct mb_cmd_cp_tar_file *files, size_t n_files, int fd,
                                struct mb_err *err)
{
	struct writing w = {.name = "", .root = root, .fd = fd};
	const struct mb_build_walk walk = {.directory = on_context_directory,
	                                   .entry = on_entry,
	                                   .skips = is_left_out,
	                                   .arg = &w};
	MB_AUTO_STR struct mb_str end = MB_STR_INIT;
	int r = mb_build_walk(root->fd, &walk, err);

	for (size_t i = 0; r == 0 && i < n_files; i++)
		r = put_own(&w, &files[i], err);
	mb_image_tar_add_end(&end);
	return r == 0 ? flush(&w, &end, err) : r;
}

/* --- reading ---------------------------------------------------------------------------------- */

int mb_cmd_cp_tar_read(struct mb_store *store, int fd, struct mb_cmd_aside *ret, struct mb_err *err)
{
	const struct mb_image_stretch from = {.fd = fd, .size = UINT64_MAX};
	struct mb_image_unpack_to to = {
		.names_fd = -1, .skeleton_fd = -1, .bottom = true, .plain = true};
	struct mb_image_unpacked unpacked;
	int r = mb_cmd_aside_make(store, ret, err);

	to.root_fd = ret->tree_fd;
	return r == 0 ? mb_image_unpack(&from, &to, NULL, &unpacked, err) : r;
}

/* The mode that a directory of ours has unless the archive gave it another. */
static bool is_named(int tree)
{
	struct stat st;

	return fstat(tree, &st) == 0 && (st.st_mode & 07777) != MB_CMD_ASIDE_MODE;
}

int mb_cmd_cp_tar_place(const struct mb_cmd_aside *aside, int dir_fd,
                        const struct mb_build_place *place, struct mb_err *err)
{
	const struct mb_build_root root = {.fd = aside->tree_fd};
	struct mb_build_item item = {
		.fd = aside->tree_fd, .path = (char[]){""}, .name = (char[]){""}};

	if (fstat(aside->tree_fd, &item.st) < 0)
		return mb_fail_sys(err, errno, "cannot look at what was unpacked");
	return mb_build_place_item(place, &root, &item, dir_fd, NULL, is_named(aside->tree_fd),
	                           err);
}
