/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/path.h"

int mb_cmd_outfile_open(struct mb_cmd_outfile *out, const char *path, struct mb_err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	MB_AUTO_FREE char *temporary = NULL;
	struct stat st;

	if (!path || !*path) {
		if (mb_cmd_is_shown(STDOUT_FILENO))
			return mb_fail(
				err, EINVAL,
				"cowardly refusing to save to a terminal. Use the -o flag or "
				"redirect");
		out->fd = STDOUT_FILENO;
		return 0;
	}
	out->path = path;
	/* A device or a pipe is written as it is. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		out->fd = open(path, O_WRONLY | O_CLOEXEC);
		return out->fd < 0 ? mb_fail_sys(err, errno, "cannot open '%s'", path) : 0;
	}
	temporary = mb_asprintf("%s.tmp-%d", path, getpid());
	out->fd = open(temporary, flags, 0600);
	if (out->fd < 0)
		return mb_fail_sys(err, errno, "cannot create '%s'", temporary);
	out->temporary = mb_take_ptr(&temporary);
	return 0;
}

int mb_cmd_outfile_close(struct mb_cmd_outfile *out, int r, struct mb_err *err)
{
	if (out->path && out->fd >= 0 && close(mb_take_fd(&out->fd)) < 0 && r == 0)
		r = mb_fail_sys(err, errno, "cannot write '%s'", out->path);
	else if (out->temporary && r == 0 && rename(out->temporary, out->path) < 0)
		r = mb_fail_sys(err, errno, "cannot rename '%s'", out->temporary);
	if (out->temporary && r != 0)
		unlink(out->temporary);
	free(out->temporary);
	out->temporary = NULL;
	return r;
}

int mb_cmd_outfile_mkdirs(const char *path, struct mb_err *err)
{
	MB_AUTO_CLOSE int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	MB_AUTO_FREE char *here = *path == '/' ? mb_strdup("") : getcwd(NULL, 0);
	MB_AUTO_FREE char *whole = here ? mb_asprintf("%s/%s", here, path) : NULL;

	if (top < 0 || !whole)
		return mb_fail_sys(err, errno, "cannot tell the working directory");
	return mb_sys_path_mkdirs(top, whole, 0755, NULL, err);
}
