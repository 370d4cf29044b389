/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/copy.h"

#include <errno.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/io.h"
#include "core/own.h"
#include "core/str.h"

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

static int by_hand(int from, int to)
{
	MB_AUTO_FREE char *buffer = mb_malloc(CHUNK);

	for (;;) {
		ssize_t n = read(from, buffer, CHUNK);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = mb_write_full(to, buffer, (size_t)n);
		if (r < 0)
			return r;
	}
}

int mb_sys_copy_content(int from, int to)
{
	bool any = false;

	if (lseek(from, 0, SEEK_CUR) == 0 && ioctl(to, FICLONE, from) == 0)
		return 0;
	for (;;) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, SSIZE_MAX & ~4095, 0);

		if (n == 0)
			return 0;
		if (n > 0)
			any = true;
		else if (errno == EINTR)
			continue;
		else if (any && errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP)
			return -errno;
		else
			return by_hand(from, to);
	}
}
