/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/proc.h — processes: made by clone3, held by pidfd, known by pid and start time. */
#ifndef MB_SYS_PROC_H
#define MB_SYS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mb_err;

enum { MB_SYS_PROC_GONE = 1, MB_SYS_PROC_TIMEOUT = 2 };

/* ---- who is it: a pid alone is reused, with its start time it is not ---- */
struct mb_sys_proc_id {
	pid_t pid;
	uint64_t start; /* clock ticks after boot, field 22 of /proc/PID/stat */
};
/* Return: 0; MB_SYS_PROC_GONE; or -errno. */
int mb_sys_proc_id_read(pid_t pid, struct mb_sys_proc_id *ret, struct mb_err *err);
/* Does the process @id still exist?  A zombie does. */
bool mb_sys_proc_id_is_alive(const struct mb_sys_proc_id *id);
/* Does any thread of it still run?  A zombie, which only waits to be reaped, does not. */
bool mb_sys_proc_id_is_running(const struct mb_sys_proc_id *id);
/* Is it ending, or has it ended?  One that is killed may be so only in a moment. */
bool mb_sys_proc_id_is_exiting(const struct mb_sys_proc_id *id);
/* A pidfd that is surely of @id.  Return: 0; MB_SYS_PROC_GONE; or -errno. */
int mb_sys_proc_id_open(const struct mb_sys_proc_id *id, int *ret_pidfd, struct mb_err *err);
/* Parse the content of a stat file, whose second field may hold anything.
 * Return: 0 or -EINVAL (nothing told).  @ret_state may be NULL. */
int mb_sys_proc_stat_parse(const char *text, char *ret_state, pid_t *ret_ppid, uint64_t *ret_start);

/* ---- making ---- */
struct mb_sys_clone {
	uint64_t flags;  /* CLONE_NEW*, CLONE_PARENT, CLONE_CLEAR_SIGHAND...; never CLONE_VM */
	int cgroup_fd;   /* a cgroup2 directory to be born in, or -1 */
	pid_t set_tid;   /* the pid wanted in the innermost namespace, or 0 */
	int exit_signal; /* 0 means SIGCHLD; -1 none */
};
#define MB_SYS_CLONE_INIT ((struct mb_sys_clone){.cgroup_fd = -1})
/* As fork(): returns twice, in the child with *@ret_pid == 0 and @ret_pidfd untouched.
 * @ret_pidfd may be NULL.  Only for single-threaded callers. */
int mb_sys_proc_clone(const struct mb_sys_clone *how, pid_t *ret_pid, int *ret_pidfd,
                      struct mb_err *err);
/* Run @fn in a child and wait for it; its return value (a code above 255 becomes -EPROTO), its
 * error text and the descriptor that it puts in *fd (-1 before) come back.  @ret_fd may be NULL.
 * A child that dies tells so: -ECHILD. */
int mb_sys_proc_call(int (*fn)(void *arg, int *fd, struct mb_err *err), void *arg, int *ret_fd,
                     struct mb_err *err);

/* ---- pidfds ---- */
int mb_sys_proc_open(pid_t pid, int *ret_pidfd, struct mb_err *err); /* 0, _GONE, -errno */
/* Return: 0; MB_SYS_PROC_GONE; or -errno. */
int mb_sys_proc_signal(int pidfd, int sig, struct mb_err *err);
/* Wait until it has ended, without reaping.  @timeout_ms -1 = for ever.
 * Return: 0; MB_SYS_PROC_TIMEOUT; or -errno. */
int mb_sys_proc_wait(int pidfd, int timeout_ms, struct mb_err *err);
/* The same, given up with -EINTR, told, when @stop_fd (or -1) can be read from. */
int mb_sys_proc_wait_unless(int pidfd, int stop_fd, int timeout_ms, struct mb_err *err);
/* Reap our own child, blocking: *@ret_code is its exit code, or 128 + the signal. */
int mb_sys_proc_reap(int pidfd, int *ret_code, struct mb_err *err);
/* How a process ended that is no child of ours, or is none any more.  The kernel tells it from
 * 6.15 on.  Return: 0 and *@ret_code as above; or -errno, nothing told. */
int mb_sys_proc_exit_code(int pidfd, int *ret_code);
/* The same as reap() by pid, for children without a pidfd. */
int mb_sys_proc_reap_pid(pid_t pid, int *ret_code, struct mb_err *err);

/* ---- namespaces ---- */
/* Open /proc/PID/ns/@name ("net", "mnt", "pid", "pid_for_children"...); @pid 0 = this process.
 * Return: 0; MB_SYS_PROC_GONE; or -errno. */
int mb_sys_proc_ns_open(pid_t pid, const char *name, int *ret_fd, struct mb_err *err);
/* Which one it is: what all in it have alike.  0: the process is gone. */
ino_t mb_sys_proc_ns_inode(pid_t pid, const char *name);
/* Join the namespaces @flags (CLONE_NEW*) of the process behind @pidfd, all or none. */
int mb_sys_proc_ns_join(int pidfd, int flags, struct mb_err *err);
/* Join one by its descriptor; @flag says which kind it must be, 0 = any. */
int mb_sys_proc_ns_join_fd(int ns_fd, int flag, struct mb_err *err);
/* "net" -> CLONE_NEWNET; OCI's names ("network", "mount") too.  Return: 0 or -EINVAL. */
int mb_sys_proc_ns_flag(const char *name, int *ret_flag);
/* The name in /proc/PID/ns of a CLONE_NEW* flag; NULL if it is none. */
const char *mb_sys_proc_ns_name(int flag);

/* ---- before execve ---- */
/* Close all descriptors from @first on but the @n in @keep (any order, -1 ignored). */
int mb_sys_proc_close_fds(unsigned first, const int *keep, size_t n, struct mb_err *err);
/* The same, but they are closed by the next execve. */
int mb_sys_proc_cloexec_fds(unsigned first, const int *keep, size_t n, struct mb_err *err);
/* Nothing blocked, every disposition the default. */
void mb_sys_proc_reset_signals(void);
int mb_sys_proc_set_subreaper(struct mb_err *err);
/* End with SIGKILL when the parent ends; -ESRCH when @parent is gone already (0 = unchecked). */
int mb_sys_proc_die_with_parent(pid_t parent, struct mb_err *err);

#endif
