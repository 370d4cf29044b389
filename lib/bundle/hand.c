/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes into the hands of others: terminals, pid files, hooks. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "bundle/parts.h"
#include "core/err.h"
#include "core/io.h"
#include "core/sock.h"
#include "core/str.h"
#include "runtime/hooks.h"

/* The directory of @path, open, and the name in it. */
static int open_parent(const char *path, int *ret_fd, const char **ret_name, struct mb_err *err)
{
	const char *slash = strrchr(path, '/');
	MB_AUTO_FREE char *dir = slash ? mb_strndup(path, (size_t)(slash - path)) : mb_strdup(".");
	int fd = open(slash == path ? "/" : dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open the directory of '%s'", path);
	*ret_fd = fd;
	*ret_name = slash ? slash + 1 : path;
	return 0;
}

int mb_bundle_console_send(const char *path, int console_fd, struct mb_err *err)
{
	static const char name[] = "/dev/ptmx"; /* what it is, for who asks */
	MB_AUTO_CLOSE int dir_fd = -1, fd = -1;
	const char *base = NULL;
	int r = open_parent(path, &dir_fd, &base, err);

	if (r == 0)
		r = mb_sock_connect(dir_fd, base, SOCK_STREAM, &fd, err);
	if (r < 0)
		return mb_wrap(err, r, "console socket");
	r = mb_sock_send(fd, name, sizeof(name) - 1, &console_fd, 1);
	return r < 0 ? mb_fail_sys(err, -r, "console socket '%s'", path) : 0;
}

int mb_bundle_pid_file_write(const char *path, pid_t pid, struct mb_err *err)
{
	const int how = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	MB_AUTO_CLOSE int dir_fd = -1, fd = -1;
	MB_AUTO_FREE char *temporary = NULL;
	const char *base = NULL;
	char text[24];
	int n = snprintf(text, sizeof(text), "%d", pid);
	int r = open_parent(path, &dir_fd, &base, err);

	if (r < 0)
		return mb_wrap(err, r, "pid file");
	temporary = mb_asprintf(".%s.%d", base, getpid());
	fd = openat(dir_fd, temporary, how, 0644);
	if (fd < 0)
		return mb_fail_sys(err, errno, "pid file '%s'", path);
	r = mb_write_full(fd, text, (size_t)n);
	if (r == 0 && renameat(dir_fd, temporary, dir_fd, base) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	(void)!unlinkat(dir_fd, temporary, 0);
	return mb_fail_sys(err, -r, "pid file '%s'", path);
}

int mb_bundle_hooks_run(struct mb_bundle *b, const struct mb_oci_hook *v, size_t n,
                        const char *name, const char *status, struct mb_err *err)
{
	const struct mb_runtime_hook_state state = {
		.spec = &b->spec,
		.id = b->id,
		.status = status,
		.bundle = b->record.bundle,
		.pid = mb_streq(status, "stopped") ? 0 : b->process.pid,
	};
	MB_AUTO_CLOSE int bundle_fd = -1;
	struct mb_runtime_hook_run how = {.name = name, .stop_fd = b->stop_fd};

	if (n == 0)
		return 0;
	/* The bundle may be gone by the time of the last hooks. */
	how.cwd_fd = bundle_fd = open(b->record.bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return mb_runtime_hooks_run(v, n, &how, &state, err);
}

void mb_bundle_hooks_try(struct mb_bundle *b, const struct mb_oci_hook *v, size_t n,
                         const char *name, const char *status)
{
	for (size_t i = 0; i < n; i++) {
		struct mb_err err = MB_ERR_INIT;

		if (mb_bundle_hooks_run(b, &v[i], 1, name, status, &err) < 0)
			mb_strv_add(&b->warnings, err.msg);
	}
}
