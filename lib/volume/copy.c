/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volume/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/copy.h"
#include "sys/path.h"

struct copying {
	int root;       /* of the copy */
	struct linked { /* files with more than one name */
		dev_t device;
		ino_t inode;
		char *path; /* of the first one, below root */
	} * linked;
	size_t n_linked, cap_linked;
	struct mb_str path; /* where we are, below root */
	unsigned int depth;
};

static int copy_meta(int from, int to, const struct stat *st, struct mb_err *err)
{
	const struct timespec times[] = {st->st_atim, st->st_mtim};
	int r;

	if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
		return mb_fail_sys(err, errno, "cannot set owner and mode");
	r = mb_sys_copy_xattrs(from, to);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot set the attributes");
	return futimens(to, times) < 0 ? mb_fail_sys(err, errno, "cannot set the times") : 0;
}

/* --- hard links ------------------------------------------------------------------------------ */

static const char *find_linked(const struct copying *c, const struct stat *st)
{
	for (size_t i = 0; i < c->n_linked; i++)
		if (c->linked[i].inode == st->st_ino && c->linked[i].device == st->st_dev)
			return c->linked[i].path;
	return NULL;
}

static void remember_linked(struct copying *c, const struct stat *st, const char *name)
{
	if (c->n_linked == c->cap_linked) {
		c->cap_linked = c->cap_linked ? 2 * c->cap_linked : 64;
		c->linked = mb_realloc(c->linked, c->cap_linked * sizeof(*c->linked));
	}
	c->linked[c->n_linked++] = (struct linked){
		.device = st->st_dev,
		.inode = st->st_ino,
		.path = mb_asprintf("%s%s", mb_str_text(&c->path), name),
	};
}

/* Somebody may have the volume mounted already: even our own names are not trusted. */
static int link_again(const struct copying *c, const char *path, int to, const char *name,
                      struct mb_err *err)
{
	const char *slash = strrchr(path, '/');
	MB_AUTO_FREE char *dir = slash ? mb_strndup(path, (size_t)(slash - path)) : NULL;
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_sys_path_openat2(c->root, dir ? dir : ".", O_PATH | O_DIRECTORY, 0,
	                            RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, &fd);

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot open '%s'", dir ? dir : ".");
	if (linkat(fd, slash ? slash + 1 : path, to, name, 0) < 0)
		return mb_fail_sys(err, errno, "cannot link '%s'", name);
	return 0;
}

/* --- one entry ------------------------------------------------------------------------------- */

static int copy_file(int from, const char *name, int to, struct mb_err *err)
{
	const int out_flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	MB_AUTO_CLOSE int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	MB_AUTO_CLOSE int out = -1;
	struct stat st;
	int r;

	if (in < 0 || fstat(in, &st) < 0)
		return mb_fail_sys(err, errno, "cannot open");
	if (!S_ISREG(st.st_mode))
		return mb_fail(err, EINVAL, "changed its type meanwhile");
	out = openat(to, name, out_flags, 0600);
	if (out < 0)
		return mb_fail_sys(err, errno, "cannot create");
	r = mb_sys_copy_content(in, out);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot copy");
	r = copy_meta(in, out, &st, err);
	if (r == 0 && close(mb_take_fd(&out)) < 0)
		r = mb_fail_sys(err, errno, "cannot write");
	return r;
}

static int set_leaf_meta(int to, const char *name, const struct stat *st, struct mb_err *err)
{
	const struct timespec times[] = {st->st_atim, st->st_mtim};

	if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return mb_fail_sys(err, errno, "cannot set owner and times");
	return 0;
}

static int copy_symlink(int from, const char *name, int to, const struct stat *st,
                        struct mb_err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return mb_fail_sys(err, errno, "cannot read the link");
	target[n] = '\0';
	if (symlinkat(target, to, name) < 0)
		return mb_fail_sys(err, errno, "cannot create the link");
	return set_leaf_meta(to, name, st, err);
}

static int copy_node(const char *name, int to, const struct stat *st, struct mb_err *err)
{
	/* The mode is whole at birth: there is no chmod that does not follow. */
	if (mknodat(to, name, st->st_mode, st->st_rdev) < 0)
		return mb_fail_sys(err, errno, "cannot create the special file");
	return set_leaf_meta(to, name, st, err);
}

static int copy_dir(struct copying *c, int from, int to, struct mb_err *err);

static int enter_dir(struct copying *c, int from, const char *name, int to, struct mb_err *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	MB_AUTO_CLOSE int in = -1, out = -1;
	size_t before = c->path.len;
	int r;

	if (c->depth == MB_VOLUME_COPY_DEPTH)
		return mb_fail(err, ELOOP, "more than %d directories deep", MB_VOLUME_COPY_DEPTH);
	in = openat(from, name, flags);
	if (in < 0)
		return mb_fail_sys(err, errno, "cannot open");
	if (mkdirat(to, name, 0700) < 0)
		return mb_fail_sys(err, errno, "cannot create");
	out = openat(to, name, flags);
	if (out < 0)
		return mb_fail_sys(err, errno, "cannot open the copy");
	mb_str_addf(&c->path, "%s/", name);
	c->depth++;
	r = copy_dir(c, in, out, err);
	c->depth--;
	c->path.len = before;
	c->path.buf[before] = '\0';
	return r;
}

static int copy_entry(struct copying *c, int from, const char *name, int to, struct mb_err *err)
{
	const char *linked;
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return mb_fail_sys(err, errno, "cannot stat");
	if (S_ISDIR(st.st_mode))
		return enter_dir(c, from, name, to, err);
	linked = st.st_nlink > 1 ? find_linked(c, &st) : NULL;
	if (linked)
		return link_again(c, linked, to, name, err);
	if (S_ISREG(st.st_mode))
		r = copy_file(from, name, to, err);
	else if (S_ISLNK(st.st_mode))
		r = copy_symlink(from, name, to, &st, err);
	else
		r = copy_node(name, to, &st, err);
	if (r == 0 && st.st_nlink > 1)
		remember_linked(c, &st, name);
	return r;
}

static int copy_dir(struct copying *c, int from, int to, struct mb_err *err)
{
	MB_AUTO_CLOSEDIR DIR *dir = mb_dir_open(from, ".");
	const struct dirent *entry;
	struct stat st;
	int r = 0;

	if (!dir || fstat(from, &st) < 0)
		return mb_fail_sys(err, errno, "cannot read the directory");
	while (r == 0 && (entry = mb_dir_next(dir))) {
		const char *name = entry->d_name;

		r = copy_entry(c, from, name, to, err);
		if (r < 0) {
			MB_AUTO_FREE char *shown = mb_printable(name);

			r = mb_wrap(err, r, "'%.200s'", shown);
		}
	}
	return r == 0 ? copy_meta(from, to, &st, err) : r;
}

int mb_volume_copy_tree(int from, int to, struct mb_err *err)
{
	struct copying c = {.root = to};
	mode_t mask = umask(0);
	int r;

	mb_str_reserve(&c.path, 256);
	c.path.buf[0] = '\0';
	r = copy_dir(&c, from, to, err);
	umask(mask);
	for (size_t i = 0; i < c.n_linked; i++)
		free(c.linked[i].path);
	free(c.linked);
	mb_str_done(&c.path);
	return r;
}
