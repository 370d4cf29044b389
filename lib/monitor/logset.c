/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/logset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/own.h"

enum { TRIES = 100, FILES_MAX = 100000 };

void mb_logset_name(const struct mb_logset *set, unsigned i, char buf[MB_LOGSET_NAME + 12])
{
	size_t n = strlen(set->name);

	memcpy(buf, set->name, n + 1);
	if (i)
		snprintf(buf + n, 12, ".%u", i);
}

uint64_t mb_logset_inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

static uint64_t inode_at(const struct mb_logset *set, unsigned i)
{
	struct stat st;
	char name[MB_LOGSET_NAME + 12];

	mb_logset_name(set, i, name);
	return fstatat(set->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_ino;
}

static int open_at(const struct mb_logset *set, unsigned i, int *ret_fd)
{
	char name[MB_LOGSET_NAME + 12];
	struct stat st;
	MB_AUTO_CLOSE int fd = -1;

	mb_logset_name(set, i, name);
	fd = openat(set->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

/* Two numbers missing in a row end the set.  A file moves up only, as the search does, so one that
 * is there is met.  Return: whether @fd has a place, *@ret_i. */
static bool find(const struct mb_logset *set, int fd, unsigned *ret_i)
{
	uint64_t inode = mb_logset_inode(fd);
	unsigned missing = 0;

	for (unsigned i = 0; i < FILES_MAX && missing < 2; i++) {
		uint64_t here = inode_at(set, i);

		missing = here ? 0 : missing + 1;
		if (here && here == inode) {
			*ret_i = i;
			return true;
		}
	}
	return false;
}

bool mb_logset_holds(const struct mb_logset *set, int fd)
{
	unsigned i;

	return find(set, fd, &i);
}

int mb_logset_is_current(const struct mb_logset *set, int fd)
{
	return inode_at(set, 0) == mb_logset_inode(fd);
}

int mb_logset_newest(const struct mb_logset *set, int *ret_fd)
{
	for (unsigned i = 0; i < 2; i++) {
		int r = open_at(set, i, ret_fd);

		if (r != -ENOENT)
			return r;
	}
	return MB_LOGSET_NONE;
}

static bool has_older(const struct mb_logset *set, unsigned i)
{
	return inode_at(set, i + 1) || inode_at(set, i + 2);
}

int mb_logset_oldest(const struct mb_logset *set, int *ret_fd)
{
	for (int try = 0; try < TRIES; try++) {
		unsigned last = 0;
		int r;

		while (last < FILES_MAX && has_older(set, last))
			last++;
		if (last && !inode_at(set, last))
			last--; /* the one missing number of a rotation */
		r = open_at(set, last, ret_fd);
		if (r == 0 && has_older(set, last)) {
			close(*ret_fd);
			continue;
		}
		if (r != -ENOENT)
			return r;
		if (last == 0)
			return MB_LOGSET_NONE;
	}
	return mb_logset_newest(set, ret_fd);
}

/* Open the neighbour in direction @step (-1 newer, +1 older), over one missing number. */
static int neighbour(const struct mb_logset *set, int fd, int step, int *ret_fd)
{
	for (int try = 0; try < TRIES; try++) {
		uint64_t self = mb_logset_inode(fd);
		int other = -1, r = -ENOENT;
		unsigned i;

		if (!find(set, fd, &i))
			return MB_LOGSET_LOST;
		for (int hop = 1; hop <= 2 && r == -ENOENT && (int)i + hop * step >= 0; hop++)
			r = open_at(set, (unsigned)((int)i + hop * step), &other);
		if (inode_at(set, i) == self) {
			if (r == 0)
				*ret_fd = other;
			return r == -ENOENT ? MB_LOGSET_NONE : r;
		}
		mb_close(&other);
	}
	return MB_LOGSET_LOST;
}

int mb_logset_newer(const struct mb_logset *set, int fd, int *ret_fd)
{
	return neighbour(set, fd, -1, ret_fd);
}

int mb_logset_older(const struct mb_logset *set, int fd, int *ret_fd)
{
	return neighbour(set, fd, 1, ret_fd);
}
