/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/strv.h"
#include "store/store.h"
#include "sys/tree.h"

static int open_one(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int read_names(int parent, struct mb_strv *out, struct mb_err *err)
{
	int r = mb_dir_names(parent, ".", out);

	return r < 0 ? mb_fail_sys(err, -r, "cannot read 'aside'") : 0;
}

static int sweep(int parent, bool repair, size_t *ret_n, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	int r = read_names(parent, &names, err);

	*ret_n = 0;
	MB_STRV_FOREACH (name, &names) {
		MB_AUTO_CLOSE int fd = open_one(parent, name);

		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
			continue;
		++*ret_n;
		if (repair && mb_sys_tree_remove(parent, name, err) < 0)
			r = -EIO;
	}
	return r;
}

int mb_cmd_aside_check(struct mb_store *store, bool repair, size_t *ret_n, struct mb_err *err)
{
	MB_AUTO_CLOSE int parent = -1;
	int r = mb_store_dir_find(store, "aside", false, &parent, err);

	*ret_n = 0;
	return r == 0 ? sweep(parent, repair, ret_n, err) : r == -ENOENT ? 0 : r;
}

/* Between its making and its lock it may be taken for a dead one's. */
static bool is_still_there(int parent, const char *name, int fd)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

int mb_cmd_aside_make(struct mb_store *store, struct mb_cmd_aside *ret, struct mb_err *err)
{
	enum { TRIES = 100 };
	MB_AUTO_CLOSE int parent = -1;
	size_t dead;
	int r = mb_store_dir(store, "aside", false, &parent, err);

	if (r < 0)
		return r;
	(void)sweep(parent, true, &dead, NULL);
	for (int i = 0; i < TRIES; i++) {
		MB_AUTO_CLOSE int fd = -1;
		char name[MB_ID_TEXT];

		mb_id_make(name);
		if (mkdirat(parent, name, MB_CMD_ASIDE_MODE) < 0)
			return mb_fail_sys(err, errno, "cannot create a directory in 'aside'");
		fd = open_one(parent, name);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || !is_still_there(parent, name, fd))
			continue;
		*ret = MB_CMD_ASIDE_INIT;
		memcpy(ret->name, name, sizeof(name));
		ret->tree_fd = mb_take_fd(&fd);
		ret->parent_fd = mb_take_fd(&parent);
		return 0;
	}
	return mb_fail(err, EAGAIN, "cannot keep a directory in 'aside'");
}

void mb_cmd_aside_done(struct mb_cmd_aside *a)
{
	if (a->parent_fd >= 0)
		(void)mb_sys_tree_remove(a->parent_fd, a->name, NULL);
	mb_close(&a->tree_fd);
	mb_close(&a->parent_fd);
	*a = MB_CMD_ASIDE_INIT;
}
