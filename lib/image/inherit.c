/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/own.h"
#include "image/layer.h"
#include "sys/path.h"

enum { BELOW = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };

/* What the layers below show at @name: true and its stat when it is a directory. */
static bool find_below(const int *lowers, size_t n_lowers, const char *name, struct stat *st)
{
	for (size_t i = 0; i < n_lowers; i++) {
		MB_AUTO_CLOSE int fd = -1;

		if (mb_sys_path_openat2(lowers[i], name, O_PATH | O_NOFOLLOW, 0, BELOW, &fd) == 0)
			return fstat(fd, st) == 0 && S_ISDIR(st->st_mode);
	}
	return false;
}

void mb_image_layer_inherit(int diff_fd, const int *lowers, size_t n_lowers, const char *names,
                            size_t n)
{
	const char *end = names + n;

	for (const char *name = names; name < end; name += strlen(name) + 1) {
		MB_AUTO_CLOSE int fd = -1;
		struct stat st;
		int failed = 0;

		if (!memchr(name, '\0', (size_t)(end - name)))
			return;
		if (!*name || !find_below(lowers, n_lowers, name, &st))
			continue;
		if (mb_sys_path_openat2(diff_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
		                        BELOW, &fd) < 0)
			continue;
		failed |= fchown(fd, st.st_uid, st.st_gid);
		failed |= fchmod(fd, st.st_mode & 07777);
		failed |= futimens(fd, (struct timespec[]){st.st_atim, st.st_mtim});
		if (failed)
			mb_debug("a directory could not take over what it has below");
	}
}
