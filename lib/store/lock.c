/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/lock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/log.h"
#include "core/own.h"
#include "store/store.h"

#ifndef NDEBUG
/* Locks are dropped by close(2), so what is held is found by looking whether the descriptor
 * still is the file that was locked. */
static struct held {
	int fd;
	enum mb_store_rank rank;
	dev_t device;
	ino_t inode;
} held[32];
static size_t n_held;

static void assert_order(enum mb_store_rank rank)
{
	size_t kept = 0;

	for (size_t i = 0; i < n_held; i++) {
		struct stat st;

		if (fstat(held[i].fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		    st.st_dev != held[i].device || st.st_ino != held[i].inode)
			continue;
		assert(held[i].rank <= rank);
		held[kept++] = held[i];
	}
	n_held = kept;
}

/* What was held under the same number was given back, though a new file may have the old one's
 * inode. */
static void remember(int fd, enum mb_store_rank rank)
{
	struct stat st;
	size_t i = 0;

	while (i < n_held && held[i].fd != fd)
		i++;
	if (i < MB_N(held) && fstat(fd, &st) == 0) {
		held[i] = (struct held){fd, rank, st.st_dev, st.st_ino};
		n_held += i == n_held;
	}
}
#else
static void assert_order(enum mb_store_rank rank)
{
	(void)rank;
}

static void remember(int fd, enum mb_store_rank rank)
{
	(void)fd;
	(void)rank;
}
#endif

static void tell_holder(int fd, const char *name)
{
	char who[64] = "";
	ssize_t n;

	if (!mb_log_is_on())
		return;
	n = pread(fd, who, sizeof(who) - 1, 0);
	mb_debug("waiting for the lock '%s' held by process %s", name, n > 0 ? who : "?");
}

static int take(int fd, const char *name, int how, bool wait, struct mb_err *err)
{
	if (flock(fd, how | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return mb_fail_sys(err, errno, "cannot lock '%s'", name);
	if (!wait)
		return MB_STORE_BUSY;
	tell_holder(fd, name);
	while (flock(fd, how) < 0)
		if (errno != EINTR)
			return mb_fail_sys(err, errno, "cannot lock '%s'", name);
	return 0;
}

static void sign(int fd)
{
	char who[32];
	int n = snprintf(who, sizeof(who), "%-10d", (int)getpid());

	if (pwrite(fd, who, (size_t)n, 0) < 0)
		mb_debug("a lock could not be signed");
}

int mb_store_lock(struct mb_store *store, enum mb_store_rank rank, const char *name, bool exclusive,
                  bool wait, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int locks = -1;
	int r = mb_store_dir(store, "locks", true, &locks, err);

	if (r < 0)
		return r;
	/* Who does not wait cannot be waited for in a circle. */
	if (wait)
		assert_order(rank);
	for (;;) {
		const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
		MB_AUTO_CLOSE int fd = openat(locks, name, flags, 0600);
		struct stat st;

		if (fd < 0)
			return mb_fail_sys(err, errno, "cannot open the lock '%s'", name);
		r = take(fd, name, exclusive ? LOCK_EX : LOCK_SH, wait, err);
		if (r != 0)
			return r;
		/* A retired lock's file is another one's past: begin again. */
		if (fstat(fd, &st) < 0 || st.st_nlink == 0)
			continue;
		if (exclusive)
			sign(fd);
		remember(fd, rank);
		*ret_fd = mb_take_fd(&fd);
		return 0;
	}
}

void mb_store_lock_retire(struct mb_store *store, const char *name, int fd)
{
	MB_AUTO_CLOSE int locks = -1;

	(void)fd;
	if (mb_store_dir_find(store, "locks", true, &locks, NULL) == 0)
		unlinkat(locks, name, 0);
}
