/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/logset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/own.h"

enum { TRIES = 100, FILES_MAX = 100000 };

static void name_of(char buf[16], unsigned i)
{
	snprintf(buf, 16, i ? "log.%u" : "log", i);
}

uint64_t mb_logset_inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

static uint64_t inode_at(int dir_fd, unsigned i)
{
	struct stat st;
	char name[16];

	name_of(name, i);
	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_ino;
}

static int open_at(int dir_fd, unsigned i, int *ret_fd)
{
	char name[16];
	struct stat st;
	MB_AUTO_CLOSE int fd = -1;

	name_of(name, i);
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

/* Two numbers missing in a row end the set.  A file moves up only, as the search does, so one that
 * is there is met.  Return: whether @fd has a place, *@ret_i. */
static bool find(int dir_fd, int fd, unsigned *ret_i)
{
	uint64_t inode = mb_logset_inode(fd);
	unsigned missing = 0;

	for (unsigned i = 0; i < FILES_MAX && missing < 2; i++) {
		uint64_t here = inode_at(dir_fd, i);

		missing = here ? 0 : missing + 1;
		if (here && here == inode) {
			*ret_i = i;
			return true;
		}
	}
	return false;
}

bool mb_logset_holds(int dir_fd, int fd)
{
	unsigned i;

	return find(dir_fd, fd, &i);
}

int mb_logset_is_current(int dir_fd, int fd)
{
	return inode_at(dir_fd, 0) == mb_logset_inode(fd);
}

int mb_logset_newest(int dir_fd, int *ret_fd)
{
	for (unsigned i = 0; i < 2; i++) {
		int r = open_at(dir_fd, i, ret_fd);

		if (r != -ENOENT)
			return r;
	}
	return MB_LOGSET_NONE;
}

static bool has_older(int dir_fd, unsigned i)
{
	return inode_at(dir_fd, i + 1) || inode_at(dir_fd, i + 2);
}

int mb_logset_oldest(int dir_fd, int *ret_fd)
{
	for (int try = 0; try < TRIES; try++) {
		unsigned last = 0;
		int r;

		while (last < FILES_MAX && has_older(dir_fd, last))
			last++;
		if (last && !inode_at(dir_fd, last))
			last--; /* the one missing number of a rotation */
		r = open_at(dir_fd, last, ret_fd);
		if (r == 0 && has_older(dir_fd, last)) {
			close(*ret_fd);
			continue;
		}
		if (r != -ENOENT)
			return r;
		if (last == 0)
			return MB_LOGSET_NONE;
	}
	return mb_logset_newest(dir_fd, ret_fd);
}

/* Open the neighbour in direction @step (-1 newer, +1 older), over one missing number. */
static int neighbour(int dir_fd, int fd, int step, int *ret_fd)
{
	for (int try = 0; try < TRIES; try++) {
		uint64_t self = mb_logset_inode(fd);
		int other = -1, r = -ENOENT;
		unsigned i;

		if (!find(dir_fd, fd, &i))
			return MB_LOGSET_LOST;
		for (int hop = 1; hop <= 2 && r == -ENOENT && (int)i + hop * step >= 0; hop++)
			r = open_at(dir_fd, (unsigned)((int)i + hop * step), &other);
		if (inode_at(dir_fd, i) == self) {
			if (r == 0)
				*ret_fd = other;
			return r == -ENOENT ? MB_LOGSET_NONE : r;
		}
		mb_close(&other);
	}
	return MB_LOGSET_LOST;
}

int mb_logset_newer(int dir_fd, int fd, int *ret_fd)
{
	return neighbour(dir_fd, fd, -1, ret_fd);
}

int mb_logset_older(int dir_fd, int fd, int *ret_fd)
{
	return neighbour(dir_fd, fd, 1, ret_fd);
}
