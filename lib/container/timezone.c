/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "container/bundle.h"
#include "core/err.h"
#include "core/own.h"
#include "sys/path.h"

static int open_zone(const char *name, int *ret_fd)
{
	MB_AUTO_CLOSE int all = -1;

	if (strcmp(name, "local") == 0) {
		*ret_fd = open("/etc/localtime", O_PATH | O_CLOEXEC);
		return *ret_fd < 0 ? -errno : 0;
	}
	all = open("/usr/share/zoneinfo", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (all < 0)
		return -errno;
	return *name == '/' ? -EINVAL : mb_sys_path_open(all, name, O_PATH, ret_fd, NULL);
}

int mb_container_timezone_open(const char *name, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	struct stat st;

	if (open_zone(name, &fd) < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return mb_fail(err, EINVAL, "--tz: this host knows no time zone '%s'", name);
	*ret_fd = mb_take_fd(&fd);
	return 0;
}
