/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/dir.h"

#include <errno.h>
#include <fcntl.h>

#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"

void mb_closedir_p(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

DIR *mb_dir_take(int fd)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		mb_close(&fd);
	return dir;
}

DIR *mb_dir_open(int dirfd, const char *path)
{
	return mb_dir_take(openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

const struct dirent *mb_dir_next(DIR *dir)
{
	const struct dirent *entry;

	do
		entry = readdir(dir);
	while (entry && (mb_streq(entry->d_name, ".") || mb_streq(entry->d_name, "..")));
	return entry;
}

int mb_dir_names(int dirfd, const char *path, struct mb_strv *out)
{
	MB_AUTO_CLOSEDIR DIR *dir = mb_dir_open(dirfd, path);
	const struct dirent *entry;

	if (!dir)
		return -errno;
	for (;;) {
		errno = 0;
		entry = mb_dir_next(dir);
		if (!entry)
			return -errno;
		mb_strv_add(out, entry->d_name);
	}
}
