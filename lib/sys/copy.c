/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/path.h"

enum { CHUNK = 1 << 20 };

bool mb_sys_copy_has_xattr(const char *name)
{
	return mb_starts_with(name, "user.") ? !mb_starts_with(name, "user.overlay.")
	                                     : strcmp(name, "security.capability") == 0 ||
	                                               mb_starts_with(name, "system.posix_acl_");
}

int mb_sys_copy_xattrs(int from, int to)
{
	MB_AUTO_FREE char *names = NULL, *value = NULL;
	ssize_t n = flistxattr(from, NULL, 0);

	if (n <= 0)
		return 0;
	names = mb_malloc(MB_SYS_COPY_XATTR_MAX);
	value = mb_malloc(MB_SYS_COPY_XATTR_MAX);
	n = flistxattr(from, names, MB_SYS_COPY_XATTR_MAX);
	for (char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
		ssize_t size;

		if (!mb_sys_copy_has_xattr(name))
			continue;
		size = fgetxattr(from, name, value, MB_SYS_COPY_XATTR_MAX);
		if (size >= 0 && fsetxattr(to, name, value, (size_t)size, 0) < 0 &&
		    errno != ENOTSUP)
			return -errno;
	}
	return 0;
}

int mb_sys_copy_open(int dir_fd, const char *name, int *ret_fd)
{
	MB_AUTO_CLOSE int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESTALE;
	return mb_sys_path_reopen(fd, O_RDONLY | O_NONBLOCK | O_NOCTTY, ret_fd, NULL);
}

/* --- content ---------------------------------------------------------------------------------- */

static int by_hand(int from, int to, uint64_t left)
{
	MB_AUTO_FREE char *buffer = mb_malloc(CHUNK);

	while (left) {
		ssize_t n = read(from, buffer, left < CHUNK ? (size_t)left : CHUNK);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = mb_write_full(to, buffer, (size_t)n);
		if (r < 0)
			return r;
		left -= (uint64_t)n;
	}
	return 0;
}

/* At most @left bytes from where both stand. */
static int copy_some(int from, int to, uint64_t left)
{
	bool any = false;

	while (left) {
		size_t most = SSIZE_MAX & ~4095;
		ssize_t n =
			copy_file_range(from, NULL, to, NULL, left < most ? (size_t)left : most, 0);

		if (n == 0)
			return 0;
		if (n > 0) {
			any = true;
			left -= (uint64_t)n;
		} else if (errno == EINTR) {
			continue;
		} else if (any && errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP) {
			return -errno;
		} else {
			return by_hand(from, to, left);
		}
	}
	return 0;
}

/* What there is between the holes. */
static int copy_sparse(int from, int to, off_t size)
{
	off_t end = 0;

	for (;;) {
		off_t start = lseek(from, end, SEEK_DATA);
		int r;

		if (start < 0 && errno == ENXIO)
			break;
		end = start < 0 ? -1 : lseek(from, start, SEEK_HOLE);
		if (end < 0 || lseek(from, start, SEEK_SET) < 0 || lseek(to, start, SEEK_SET) < 0)
			return -errno;
		r = copy_some(from, to, (uint64_t)(end - start));
		if (r < 0)
			return r;
	}
	return ftruncate(to, size > end ? size : end) < 0 ? -errno : 0;
}

/* Are both at their beginning, and has @from fewer blocks than bytes? */
static bool is_sparse(int from, int to, struct stat *ret)
{
	struct stat st;

	return fstat(from, ret) == 0 && S_ISREG(ret->st_mode) &&
	       ret->st_blocks < ret->st_size / 512 && lseek(from, 0, SEEK_CUR) == 0 &&
	       fstat(to, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0 &&
	       lseek(to, 0, SEEK_CUR) == 0 &&
	       (lseek(from, 0, SEEK_HOLE) >= 0 && lseek(from, 0, SEEK_SET) == 0);
}

int mb_sys_copy_content(int from, int to)
{
	struct stat st;

	if (lseek(from, 0, SEEK_CUR) == 0 && ioctl(to, FICLONE, from) == 0)
		return 0;
	return is_sparse(from, to, &st) ? copy_sparse(from, to, st.st_size)
	                                : copy_some(from, to, UINT64_MAX);
}
