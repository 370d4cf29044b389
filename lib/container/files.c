/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/container.h"
#include "container/life.h"
#include "container/mounts.h"
#include "container/start_parts.h"
#include "container/started.h"
#include "container/userns.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/mount.h"
#include "sys/path.h"
#include "sys/proc.h"

enum { TRIES = 100, TRY_USEC = 10000 };

/* --- of one that does not run ------------------------------------------------------------------
 */

struct still {
	int root; /* the layers, detached */
	const struct mb_container_mount **mounts;
	int *fds; /* of the mounts; -1: in memory */
	size_t n;
	bool writes;
	struct mb_volume_holds *holds;
};

static void still_done(struct still *s)
{
	for (size_t i = 0; i < s->n; i++)
		mb_close(&s->fds[i]);
	free(s->fds);
	free(s->mounts);
	mb_close(&s->root);
}

static int map_ids(const struct mb_container_mount *m, int userns, int fd, struct mb_err *err)
{
	if (fd < 0 || userns < 0 || (!m->idmap && strcmp(m->type, "volume") != 0))
		return 0;
	return mb_sys_mount_idmap(fd, userns, false, err);
}

static bool is_empty(int mount)
{
	MB_AUTO_CLOSE int fd = -1;
	bool empty;
	DIR *dir;

	if (mb_sys_path_reopen(mount, O_RDONLY | O_DIRECTORY, &fd, NULL) < 0 ||
	    !(dir = mb_dir_take(mb_take_fd(&fd))))
		return false;
	empty = !mb_dir_next(dir);
	closedir(dir);
	return empty;
}

/* Whoever only looks fills no volume and makes no directories: where a fresh volume is to have what
 * the image has there, that is what is seen. */
static int open_mount(struct mb_container *c, const struct still *s, size_t i, int userns,
                      struct mb_err *err)
{
	const struct mb_container_mount *mount = s->mounts[i];
	const struct mb_container_mount_use use = {.rootfs_fd = s->root,
	                                           .container_fd = c->dir_fd,
	                                           .userns_fd = userns,
	                                           .looks = !s->writes,
	                                           .holds = s->holds};
	int r = mb_container_mount_open(c->store, mount, &use, &s->fds[i], err);

	if (r == 0 && !s->writes && mb_streq(mount->type, "volume") && !mount->nocopy &&
	    !mount->subpath && is_empty(s->fds[i]))
		mb_close(&s->fds[i]);
	return r;
}

static int prepare(struct mb_container *c, struct still *s, struct mb_err *err)
{
	MB_AUTO_CLOSE int userns = -1;
	int r = mb_container_userns_open(&c->record->host, &userns, err);

	if (r == 0 && s->writes)
		r = mb_container_rootfs_mount(c, userns, &s->root, err);
	else if (r == 0)
		r = mb_container_scratch_mount(c, userns, &s->root, err);
	s->mounts = mb_container_mounts_sorted(c->record);
	s->fds = mb_calloc(c->record->n_mounts + 1, sizeof(*s->fds));
	for (size_t i = 0; r == 0 && i < c->record->n_mounts; i++) {
		s->fds[s->n++] = -1;
		r = open_mount(c, s, i, userns, err);
		if (r == 0)
			r = map_ids(s->mounts[i], userns, s->fds[i], err);
	}
	return r;
}

static int attach_one(const struct still *s, size_t i, struct mb_err *err)
{
	const char *destination = s->mounts[i]->destination;
	MB_AUTO_CLOSE int target = -1;
	struct stat st;
	int r;

	if (s->fds[i] < 0)
		return 0;
	if (fstat(s->fds[i], &st) < 0)
		return mb_fail_sys(err, errno, "mount '%s'", destination);
	if (S_ISDIR(st.st_mode))
		r = mb_sys_path_mkdirs(s->root, destination, 0755, &target, err);
	else
		r = mb_sys_path_touch(s->root, destination, 0644, &target, err);
	/* A directory of the host's that has no place for it, and may only be read. */
	if (r == -EROFS && !s->writes)
		return 0;
	return r == 0 ? mb_sys_mount_move(s->fds[i], target, err) : r;
}

/* In the keeper.  The root's place is of no account: it is only reached by its descriptor. */
static int attach(const struct still *s, struct mb_err *err)
{
	MB_AUTO_CLOSE int top = -1;
	int r;

	if (unshare(CLONE_NEWNS) < 0)
		return mb_fail_sys(err, errno, "cannot make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return mb_fail_sys(err, errno, "cannot cut a mount namespace off");
	top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		return mb_fail_sys(err, errno, "cannot open '/'");
	r = mb_sys_mount_move(s->root, top, err);
	for (size_t i = 0; r == 0 && i < s->n; i++)
		r = attach_one(s, i, err);
	return r;
}

struct answer {
	int r;
	struct mb_err err;
};

/* It says how it went, and stays until nobody holds the other end. */
static void __attribute__((noreturn)) keep(const struct still *s, int sock)
{
	struct answer a = {.err = MB_ERR_INIT};
	char byte;

	a.r = attach(s, &a.err);
	if (mb_write_full(sock, &a, sizeof(a)) == 0)
		while (read(sock, &byte, 1) < 0 && errno == EINTR)
			;
	_exit(0);
}

static int start_keeper(const struct still *s, struct mb_container_files *ret, struct mb_err *err)
{
	const struct mb_sys_clone how = MB_SYS_CLONE_INIT;
	MB_AUTO_CLOSE int theirs = -1;
	struct answer a = {.r = -ECHILD};
	int pair[2], r;
	size_t n = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return mb_fail_sys(err, errno, "cannot make a pair of sockets");
	ret->hold = pair[0];
	theirs = pair[1];
	r = mb_sys_proc_clone(&how, &ret->keeper, NULL, err);
	if (r < 0)
		return r;
	if (ret->keeper == 0) {
		mb_close(&ret->hold);
		keep(s, theirs);
	}
	mb_close(&theirs);
	if (mb_read_full(ret->hold, &a, sizeof(a), &n) < 0 || n != sizeof(a))
		return mb_fail(err, ECHILD, "who was to mount the volumes died");
	if (a.r < 0 && err)
		*err = a.err;
	return a.r;
}

static int open_still(struct mb_container *c, bool writes, struct mb_container_files *ret,
                      struct mb_err *err)
{
	__attribute__((cleanup(still_done))) struct still s = {
		.root = -1, .writes = writes, .holds = &ret->holds};
	int r = prepare(c, &s, err);

	if (r == 0)
		r = start_keeper(&s, ret, err);
	if (r == 0)
		ret->root_fd = mb_take_fd(&s.root);
	return r;
}

/* Return: also MB_CONTAINER_NOT_RUNNING: it ended meanwhile. */
static int open_live(struct mb_container *c, int *ret_fd, struct mb_err *err)
{
	int r = mb_container_started_await(c, err);

	if (r == 0)
		r = mb_container_started_root(c, ret_fd, err);
	return r == -ESRCH ? MB_CONTAINER_NOT_RUNNING : r;
}

static int open_files(struct mb_container *c, bool writes, struct mb_container_files *ret,
                      struct mb_err *err)
{
	int r = 0;

	if (writes && !mb_container_has_process(c))
		r = mb_container_lock(c, &ret->lock, err);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	/* It may have started, or ended, a moment ago. */
	mb_container_refresh(c);
	if (!mb_container_has_process(c)) {
		if (!writes || ret->lock >= 0)
			return open_still(c, writes, ret, err);
		mb_fail(err, EAGAIN, "it ends just now");
		return MB_CONTAINER_NOT_RUNNING;
	}
	mb_close(&ret->lock);
	return open_live(c, &ret->root_fd, err);
}

int mb_container_files_open(struct mb_container *c, bool writes, struct mb_container_files *ret,
                            struct mb_err *err)
{
	int r = MB_CONTAINER_NOT_RUNNING;

	*ret = MB_CONTAINER_FILES_INIT;
	ret->c = c;
	/* One that is started again and again is met as it ends. */
	for (int i = 0; r == MB_CONTAINER_NOT_RUNNING && i < TRIES; i++) {
		usleep(i ? TRY_USEC : 0);
		r = open_files(c, writes, ret, err);
	}
	if (r != 0) {
		r = r < 0 ? r : -EBUSY;
		mb_container_files_done(ret);
		return mb_wrap(err, r, "cannot look into container '%s'", mb_container_name(c));
	}
	return 0;
}

static void leave_volumes(struct mb_container_files *f)
{
	const bool held = f->holds.n > 0;

	mb_volume_holds_done(&f->holds);
	for (size_t i = 0; held && i < f->c->record->n_mounts; i++)
		if (f->c->record->mounts[i].name)
			mb_container_volume_leave(f->c->store, f->c->record->mounts[i].name);
}

void mb_container_files_done(struct mb_container_files *f)
{
	mb_close(&f->root_fd);
	mb_close(&f->hold);
	if (f->keeper > 0) {
		int code;

		(void)mb_sys_proc_reap_pid(f->keeper, &code, NULL);
	}
	leave_volumes(f);
	mb_close(&f->lock);
	*f = MB_CONTAINER_FILES_INIT;
}
