/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "oci/spec.h"
#include "sys/proc.h"

static int write_map(int proc_fd, const char *name, const struct mb_oci_id_map *maps, size_t n,
                     struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r;

	for (size_t i = 0; i < n; i++)
		mb_str_addf(&text, "%u %u %u\n", maps[i].container_id, maps[i].host_id,
		            maps[i].size);
	r = mb_write_kernel_file(proc_fd, name, mb_str_text(&text));
	return r < 0 ? mb_fail_sys(err, -r, "cannot write '%s'", name) : 0;
}

int mb_runtime_idmap_write(const struct mb_runtime_idmap *map, pid_t pid, int pidfd,
                           struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_asprintf("/proc/%d", pid);
	MB_AUTO_CLOSE int proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	/* Alive after the open: so what was opened is its. */
	if (proc_fd < 0 || syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0)
		return mb_fail_sys(err, errno, "cannot find process %d", pid);
	r = write_map(proc_fd, "uid_map", map->uids, map->n_uids, err);
	return r < 0 ? r : write_map(proc_fd, "gid_map", map->gids, map->n_gids, err);
}

/* The kernel gives a namespace only with a process in it. */
int mb_runtime_idmap_open(const struct mb_runtime_idmap *map, int *ret_fd, struct mb_err *err)
{
	struct mb_sys_clone how = MB_SYS_CLONE_INIT;
	MB_AUTO_CLOSE int pidfd = -1, fd = -1;
	int code = 0, r;
	pid_t pid = -1;

	how.flags = CLONE_NEWUSER;
	r = mb_sys_proc_clone(&how, &pid, &pidfd, err);
	if (r < 0)
		return r;
	if (pid == 0) {
		for (;;)
			pause();
	}
	r = mb_runtime_idmap_write(map, pid, pidfd, err);
	if (r == 0)
		r = mb_sys_proc_ns_open(pid, "user", &fd, err);
	(void)mb_sys_proc_signal(pidfd, SIGKILL, NULL);
	(void)mb_sys_proc_reap(pidfd, &code, NULL);
	if (r > 0)
		r = mb_fail(err, ESRCH, "the helper has gone");
	if (r < 0)
		return mb_wrap(err, r, "id mapping");
	*ret_fd = mb_take_fd(&fd);
	return 0;
}
