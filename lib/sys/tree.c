/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

enum {
	DEPTH_MAX = 32,       /* levels open at once; what is deeper is moved up first */
	PASSES_MAX = 64,      /* over one directory that somebody keeps filling */
	TOP_PASSES = 1 << 20, /* over the first one: one for every DEPTH_MAX levels */
	EXCHANGES_MAX = 64,
	NAME_TEXT = 48,
};

/* One removal.  Deep directories are renamed into @top, the first one entered, so that neither
 * descriptors nor stack grow with the depth. */
struct removal {
	int top;
	unsigned moved;
	bool failed; /* the first failure is in *err */
	struct mb_err *err;
};

static void remember(struct removal *rm, int errnum, const char *name)
{
	MB_AUTO_FREE char *shown = NULL;

	if (rm->failed)
		return;
	rm->failed = true;
	shown = mb_printable(name);
	if (errnum == EXDEV || errnum == EBUSY)
		mb_fail(rm->err, EBUSY, "cannot remove '%s': something is mounted there", shown);
	else
		mb_fail_sys(rm->err, errnum, "cannot remove '%s'", shown);
}

static int remove_dir(struct removal *rm, int dirfd, const char *name, unsigned depth);

/* Rename @name into @to_fd under a name of our own.
 * Return: 0, or -errno when it cannot be moved (another file system's edge, ...). */
static int move_entry(struct removal *rm, int dirfd, const char *name, int to_fd,
                      char new_name[NAME_TEXT])
{
	int r;

	do {
		snprintf(new_name, NAME_TEXT, ".mybox-rm-%d-%u", getpid(), rm->moved++);
		r = (int)syscall(SYS_renameat2, dirfd, name, to_fd, new_name, RENAME_NOREPLACE);
	} while (r < 0 && errno == EEXIST);
	return r < 0 ? -errno : 0;
}

static int unlink_at(int dirfd, const char *name, int flags)
{
	return unlinkat(dirfd, name, flags) < 0 ? -errno : 0;
}

/* What it is may change between two calls.  Who exchanges it fast enough keeps step with us for
 * ever, so it gets a name that nobody knows.
 * Return: 0 gone (whoever did it), or -errno. */
static int remove_entry(struct removal *rm, int dirfd, const char *name, unsigned char type,
                        unsigned depth)
{
	bool is_dir = type == DT_DIR;
	char new_name[NAME_TEXT];
	int r = 0;

	for (int tries = 0; tries < EXCHANGES_MAX; tries++) {
		if (is_dir) {
			r = unlink_at(dirfd, name, AT_REMOVEDIR);
			if (r == -ENOTEMPTY || r == -EEXIST)
				r = remove_dir(rm, dirfd, name, depth);
			if (r != -ENOTDIR && r != -ELOOP)
				break;
		} else {
			r = unlink_at(dirfd, name, 0);
			if (r != -EISDIR)
				break;
		}
		is_dir = !is_dir;
		if (tries > 0 && name != new_name &&
		    move_entry(rm, dirfd, name, dirfd, new_name) == 0)
			name = new_name;
	}
	return r == -ENOENT ? 0 : r;
}

/* One pass over @dir.  Return: entries that could not be removed. */
static unsigned empty_once(struct removal *rm, DIR *dir, unsigned depth, unsigned *ret_removed)
{
	unsigned stuck = 0, removed = 0;
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		int r;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		r = remove_entry(rm, dirfd(dir), entry->d_name, entry->d_type, depth + 1);
		if (r < 0) {
			remember(rm, -r, entry->d_name);
			stuck++;
		} else {
			removed++;
		}
	}
	*ret_removed = removed;
	return stuck;
}

/* One pass over the directory @fd (owned) at @depth; 1 is the first one entered. */
static int pass_over(struct removal *rm, int fd, unsigned depth, unsigned *ret_removed)
{
	MB_AUTO_CLOSEDIR DIR *dir = mb_dir_take(fd);
	unsigned stuck, removed;

	if (!dir)
		return -errno;
	if (depth == 1)
		rm->top = fd;
	stuck = empty_once(rm, dir, depth, &removed);
	*ret_removed = removed;
	return stuck ? -ENOTEMPTY : 0;
}

/* A directory that rmdir() did not take at once.  Passes go on while they help: names are moved
 * up meanwhile, and readdir may skip some when others go. */
static int remove_dir(struct removal *rm, int dirfd, const char *name, unsigned depth)
{
	int max = depth == 1 ? TOP_PASSES : PASSES_MAX, r = 0;
	char new_name[NAME_TEXT];
	unsigned removed = 1;

	if (depth > DEPTH_MAX && move_entry(rm, dirfd, name, rm->top, new_name) == 0)
		return 0; /* its new place is looked at once more */
	for (int pass = 0; pass < max; pass++) {
		int fd;

		r = mb_sys_tree_open(dirfd, name, &fd);
		if (r == 0)
			r = pass_over(rm, fd, depth, &removed);
		if (r < 0 && (r != -ENOTEMPTY || !removed))
			return r;
		r = unlink_at(dirfd, name, AT_REMOVEDIR);
		if ((r != -ENOTEMPTY && r != -EEXIST) || !removed)
			return r;
	}
	return r;
}

/* The end: when all is gone, failures on the way do not count. */
static int settle(struct removal *rm, int r, const char *name)
{
	if (r == 0 || r == -ENOENT) {
		if (rm->failed)
			*rm->err = MB_ERR_INIT;
		return 0;
	}
	remember(rm, -r, name);
	return -rm->err->code;
}

int mb_sys_tree_empty(int dirfd, struct mb_err *err)
{
	struct mb_err local = MB_ERR_INIT;
	struct removal rm = {.top = -1, .err = err ? err : &local};
	unsigned removed = 1;
	int r = 0;

	for (int pass = 0; removed && pass < TOP_PASSES; pass++) {
		int fd;

		removed = 0;
		r = mb_sys_tree_open(dirfd, ".", &fd);
		if (r == 0)
			r = pass_over(&rm, fd, 1, &removed);
	}
	return settle(&rm, r, ".");
}

int mb_sys_tree_remove(int dirfd, const char *name, struct mb_err *err)
{
	struct mb_err local = MB_ERR_INIT;
	struct removal rm = {.top = -1, .err = err ? err : &local};
	MB_AUTO_CLOSE int parent = -1;
	const char *slash = strrchr(name, '/');

	/* Resolution below takes one name at a time; the way to the first is the caller's. */
	if (slash) {
		MB_AUTO_FREE char *path = mb_strndup(name, (size_t)(slash - name) + 1);

		parent = openat(dirfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (parent < 0)
			return settle(&rm, -errno, name);
		dirfd = parent;
		name = slash + 1;
	}
	return settle(&rm, remove_entry(&rm, dirfd, name, DT_UNKNOWN, 1), name);
}
