/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/unit/sys/scratch.h — a directory for one test, removed after it. */
#ifndef MB_TEST_SYS_SCRATCH_H
#define MB_TEST_SYS_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "sys/tree.h"

struct scratch {
	char path[64];
	int fd;
};

static inline int scratch_setup(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	strcpy(s->path, "/tmp/mybox-test-XXXXXX");
	assert_non_null(mkdtemp(s->path));
	s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(s->fd >= 0);
	*state = s;
	return 0;
}

static inline int scratch_teardown(void **state)
{
	struct scratch *s = *state;
	struct mb_err err = MB_ERR_INIT;
	int r = mb_sys_tree_remove(AT_FDCWD, s->path, &err);

	if (r < 0)
		print_error("%s\n", err.msg);
	close(s->fd);
	free(s);
	return r;
}

#define SCRATCH_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

static inline int scratch_fd(void **state)
{
	return ((struct scratch *)*state)->fd;
}

static inline void write_text(int dirfd, const char *path, const char *text)
{
	int fd = openat(dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(mb_write_full(fd, text, strlen(text)), 0);
	close(fd);
}

static inline bool exists(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static inline int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Skips the test and says why. */
static inline void need_root(const char *what_for)
{
	if (geteuid() != 0) {
		print_message("needs root: %s\n", what_for);
		skip();
	}
}

#endif
