/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/child.h — process 1 between its birth and its execve (private). */
#ifndef MB_RUNTIME_CHILD_H
#define MB_RUNTIME_CHILD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mb_err;
struct mb_oci_process;
struct mb_runtime_join;
struct mb_runtime_plan;
struct mb_runtime_rlimit;
struct mb_runtime_seccomp;
struct mb_strv;

/* Descriptors are close-on-exec and never closed: execve does it. */
struct mb_runtime_child {
	const struct mb_runtime_plan *plan;
	int channel;   /* to the command */
	int root_fd;   /* the root file system */
	int dev_fd;    /* the fresh /dev, or -1 */
	int proc_fd;   /* the procfs that we mounted ourselves, or -1 */
	int sysctl_fd; /* its "sys", below what is laid over it later, or -1 */
	int devpts_fd; /* the same for devpts */
	int null_fd;   /* a verified c 1:3, below our own mounts while the host's are there */
	int mask_fd;   /* the one empty directory that hides directories, or -1 */
	int tty_fd;    /* the pty's slave side, or -1 */
	int cwd_fd;
	bool has_gone; /* the command has said go */
	char program[PATH_MAX];
};

/* A stage: all it needs is in the child, all it may do is said by its name.
 * Return: 0 or -errno, told. */
typedef int mb_runtime_stage_fn(struct mb_runtime_child *c, struct mb_err *err);

mb_runtime_stage_fn mb_runtime_signals_reset;
mb_runtime_stage_fn mb_runtime_cgroup_join;
mb_runtime_stage_fn mb_runtime_idmap_await;
mb_runtime_stage_fn mb_runtime_namespaces_enter;
mb_runtime_stage_fn mb_runtime_rootfs_attach;
mb_runtime_stage_fn mb_runtime_mounts_apply;
mb_runtime_stage_fn mb_runtime_devices_make;
mb_runtime_stage_fn mb_runtime_console_open;
mb_runtime_stage_fn mb_runtime_masks_apply;
mb_runtime_stage_fn mb_runtime_hooks_await;
mb_runtime_stage_fn mb_runtime_rootfs_enter;
mb_runtime_stage_fn mb_runtime_hostname_set;
mb_runtime_stage_fn mb_runtime_sysctl_open;
mb_runtime_stage_fn mb_runtime_sysctl_write;
mb_runtime_stage_fn mb_runtime_limits_set;
mb_runtime_stage_fn mb_runtime_keyring_join;
mb_runtime_stage_fn mb_runtime_cwd_enter;
mb_runtime_stage_fn mb_runtime_stdio_set;
mb_runtime_stage_fn mb_runtime_creds_apply;
mb_runtime_stage_fn mb_runtime_program_find;
mb_runtime_stage_fn mb_runtime_stub_exec;

/* Run all stages; never returns. */
_Noreturn void mb_runtime_child_run(const struct mb_runtime_plan *plan);

/* ---- of who becomes the parent ---- */

/* By the parent for its child, rather than by the child itself? */
bool mb_runtime_joins_at_birth(const struct mb_runtime_join *j);
/* Process 1, born by a process between that joins namespaces first; as a child of the caller. */
int mb_runtime_clone_between(struct mb_runtime_plan *plan, pid_t *ret_pid, int *ret_pidfd,
                             struct mb_err *err);
/* What the root of a user namespace cannot give itself: limits, scheduler, OOM score. */
int mb_runtime_limits_give(const struct mb_runtime_plan *plan, pid_t pid, struct mb_err *err);

/* ---- shared with exec.c ---- */

/* One message to the command; @fd goes with it unless -1. */
int mb_runtime_channel_send(int channel, int kind, int fd, pid_t pid);
void mb_runtime_channel_tell(int channel, int kind, const struct mb_err *err);
/* Wait for one message of @kind.  End of file: the command is gone, and so is this process. */
void mb_runtime_channel_wait(int channel, int kind);

/* Apply rlimits; one that cannot be raised is clamped and told as a warning. */
int mb_runtime_rlimits_apply(const struct mb_runtime_rlimit *limits, size_t n, int channel,
                             struct mb_err *err);
/* Write what @process says into /proc/self/oom_score_adj of @proc_fd. */
int mb_runtime_oom_write(int proc_fd, const struct mb_oci_process *process, struct mb_err *err);
/* Find args[0] for execve, by env's PATH.  @program: PATH_MAX bytes. */
int mb_runtime_program_search(const struct mb_oci_process *process, char *program,
                              struct mb_err *err);
/* "/" when passwd does not say.  Caller frees. */
char *mb_runtime_home_find(uint32_t uid);
/* A pty of the devpts @devpts_fd: both sides, the size set, owned by @process's user. */
int mb_runtime_console_make(int devpts_fd, const struct mb_oci_process *process, int *ret_master,
                            int *ret_slave, struct mb_err *err);
/* 0, 1, 2 from @fds; after them only the next @preserve descriptors survive execve. */
int mb_runtime_stdio_place(const int fds[3], uint32_t uid, unsigned preserve, struct mb_err *err);
/* Become the process's user.  @carry: keep CAP_SYS_ADMIN across the stub's execve. */
int mb_runtime_creds_become(const struct mb_oci_process *process, bool carry, int channel,
                            struct mb_err *err);
/* A session keyring of the container's own; without one a warning is told. */
int mb_runtime_keyring_enter(const char *id, int channel, struct mb_err *err);
/* A writable, verified /dev/null (c 1:3) at @path of @dirfd, resolved in root. */
int mb_runtime_null_open(int dirfd, const char *path, int flags, int *ret_fd, struct mb_err *err);

struct mb_runtime_stub {
	int init_fd, channel;
	int start_fd; /* -1: the program is started at once */
	const struct mb_runtime_seccomp *seccomp;
	int label_fd, proc_fd; /* -1: none; proc_fd: where it is written, on old kernels */
	unsigned flags;        /* MB_INIT_* but for FILTER, CAPS */
	bool filter_is_known;
	const struct mb_oci_process *process;
	const char *program;
};
/* execve of the stub; returns only when that fails. */
int mb_runtime_stub_run(const struct mb_runtime_stub *s, struct mb_err *err);
/* Whether the stub needs CAP_SYS_ADMIN for the filter. */
bool mb_runtime_stub_carries(int filter_fd, const struct mb_oci_process *process);

#endif
