/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "oci/spec.h"

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

static int write_oom_score(int proc_fd, const struct mb_oci_process *process, struct mb_err *err)
{
	MB_AUTO_FREE char *text = mb_asprintf("%d", process->oom_score_adj);
	int r;

	if (!process->has_oom_score_adj)
		return 0;
	r = mb_write_kernel_file(proc_fd, "oom_score_adj", text);
	return r < 0 ? mb_fail_sys(err, -r, "cannot set the OOM score to %s", text) : 0;
}

int mb_runtime_idmap_write(const struct mb_oci_spec *spec, pid_t pid, int pidfd, struct mb_err *err)
{
	const struct mb_oci_linux *l = &spec->linux;
	MB_AUTO_FREE char *path = mb_asprintf("/proc/%d", pid);
	MB_AUTO_CLOSE int proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	/* Alive after the open: so what was opened is its. */
	if (proc_fd < 0 || syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0)
		return mb_fail_sys(err, errno, "cannot find process 1");
	r = write_map(proc_fd, "uid_map", l->uid_mappings, l->n_uid_mappings, err);
	if (r == 0)
		r = write_map(proc_fd, "gid_map", l->gid_mappings, l->n_gid_mappings, err);
	return r < 0 ? r : write_oom_score(proc_fd, spec->process, err);
}
