/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/support/unit.h — what every unit test includes: cmocka in its order, and directories
 * that are gone after the test. */
#ifndef MB_SUPPORT_UNIT_H
#define MB_SUPPORT_UNIT_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof(*(array)))

static inline int unit_remove_one(const char *path, const struct stat *st, int type,
                                  struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* A directory of the test's own, 0700; its path is in @path. */
struct unit_dir {
	char path[64];
	int fd;
};
#define UNIT_DIR __attribute__((cleanup(unit_dir_done))) struct unit_dir

static inline void unit_dir_init(struct unit_dir *dir)
{
	strcpy(dir->path, "/tmp/mybox-unit-XXXXXX");
	assert_non_null(mkdtemp(dir->path));
	dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir->fd >= 0);
}

static inline void unit_dir_done(struct unit_dir *dir)
{
	if (dir->fd < 0)
		return;
	close(dir->fd);
	nftw(dir->path, unit_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void unit_write(int dirfd, const char *name, const void *bytes, size_t n)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static inline void unit_write_text(int dirfd, const char *name, const char *text)
{
	unit_write(dirfd, name, text, strlen(text));
}

static inline size_t unit_read(int dirfd, const char *name, char *buf, size_t size)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, buf, size - 1);
	assert_true(n >= 0);
	close(fd);
	buf[n] = '\0';
	return (size_t)n;
}

/* Descriptors that this process has open: a test that leaves more than it found has lost some. */
static inline unsigned unit_count_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

#endif
