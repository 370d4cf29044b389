/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chown -R in a tree that somebody hostile may be changing meanwhile: what is given away is what a
 * descriptor holds, which was reached by one name at a time and by no link. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "sys/interrupt.h"
#include "sys/path.h"
#include "sys/tree.h"

enum { DEPTH_MAX = 1024 }; /* who makes directories as fast as we walk does not keep us for ever */

struct owning {
	int top;
	uid_t uid;
	gid_t gid;
	struct mb_strv left; /* directories to visit, by their paths below top; the last is next */
};

/* It went, became something else, or something is mounted there. */
static bool is_passed_over(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -EXDEV;
}

/* The kernel takes set-ID bits from whoever changes hands, so what is right already is left alone.
 */
static int own(const struct owning *o, int fd, struct stat *ret_st)
{
	if (fstat(fd, ret_st) < 0)
		return -errno;
	if (ret_st->st_uid == o->uid && ret_st->st_gid == o->gid)
		return 0;
	return fchownat(fd, "", o->uid, o->gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static unsigned depth_of(const char *path)
{
	unsigned depth = 0;

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

static int own_entry(struct owning *o, int dir, const char *path, const char *name,
                     struct mb_err *err)
{
	const uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV;
	MB_AUTO_FREE char *shown = NULL;
	MB_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r = mb_sys_path_openat2(dir, name, O_PATH | O_NOFOLLOW, 0, resolve, &fd);

	if (r == 0)
		r = own(o, fd, &st);
	if (is_passed_over(r))
		return 0;
	if (r < 0) {
		shown = mb_printable(name);
		return mb_fail_sys(err, -r, "cannot change the owner of '%s'", shown);
	}
	if (!S_ISDIR(st.st_mode))
		return 0;
	if (depth_of(path) >= DEPTH_MAX)
		return mb_fail(err, ELOOP, "cannot change owners: more than %d directories deep",
		               DEPTH_MAX);
	mb_strv_addf(&o->left, "%s/%s", path, name);
	return 0;
}

static int visit(struct owning *o, const char *path, struct mb_err *err)
{
	const struct dirent *entry;
	int fd = -1, r = mb_sys_tree_open(o->top, *path ? path + 1 : "", &fd);
	DIR *dir;

	if (*path && is_passed_over(r))
		return 0;
	dir = r < 0 ? NULL : mb_dir_take(fd);
	if (!dir)
		return mb_fail_sys(err, r < 0 ? -r : errno,
		                   "cannot read a directory whose owner is to change");
	r = mb_sys_interrupt_check(err);
	while (r == 0 && (entry = mb_dir_next(dir)))
		r = own_entry(o, dirfd(dir), path, entry->d_name, err);
	closedir(dir);
	return r;
}

int mb_sys_tree_own(int fd, uid_t uid, gid_t gid, struct mb_err *err)
{
	struct owning o = {.top = fd, .uid = uid, .gid = gid, .left = MB_STRV_INIT};
	struct stat st;
	int r = own(&o, fd, &st);

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot change the owner");
	if (S_ISDIR(st.st_mode))
		mb_strv_add(&o.left, "");
	while (r == 0 && o.left.n) {
		MB_AUTO_FREE char *path = o.left.v[--o.left.n];

		o.left.v[o.left.n] = NULL;
		r = visit(&o, path, err);
	}
	mb_strv_done(&o.left);
	return r;
}
