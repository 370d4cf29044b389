/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/runtime.h — an OCI bundle becomes a process.
 *
 * Three processes take part in a start:
 *   the command       mb_runtime_plan_new, _await_ready, _start, _free
 *   the parent to be  a fork of the command: mb_runtime_plan_clone, then execve of the monitor
 *   process 1         born in _clone; runs the stages, ends as the container's program
 * Every descriptor that the plan opens is close-on-exec, so the parent to be drops its copies by
 * its execve.  A start that the command does not complete is undone by the kernel: the command's
 * end of the channel closes, process 1 reads end of file and leaves.
 *
 * Order for the caller:
 *   plan_new(); fork();
 *     in the child:   plan_clone(); execve(monitor)
 *     in the command: await_ready(); configure the network; start(); plan_free()
 * A caller that wants to be the parent itself may call all of them in one process.
 */
#ifndef MB_RUNTIME_RUNTIME_H
#define MB_RUNTIME_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct json_object;
struct mb_err;
struct mb_oci_process;
struct mb_oci_spec;
struct mb_str;
struct mb_sys_cgroup;
struct mb_sys_cgroup_host;
struct mb_runtime_plan; /* opaque */

/* What may be asked for; all is borrowed until mb_runtime_plan_free().  Descriptors stay the
 * caller's; it may close them after fork(). */
struct mb_runtime_request {
	const char *id;
	const struct mb_oci_spec *spec;
	int bundle_fd; /* relative paths of the spec start here; -1: they are refused */
	int rootfs_fd; /* detached mount that becomes the root, or -1: spec.root.path */
	int stdio[3];  /* when !spec.process.terminal; -1 = /dev/null */
	struct mb_sys_cgroup *cgroup;           /* made and limited, or NULL */
	bool join_slowly;                       /* enter it after birth (sys/README.cgroup.md) */
	struct mb_sys_cgroup_host *cgroup_host; /* for mounts of it; NULL: read when needed */
	int netns_fd;                           /* be born in this one, or -1: as the spec says */
	bool with_init;                         /* a minimal init as process 1 */
	/* The built-in profile, for the spec's capabilities, when the spec brings none.  False and
	 * no profile in the spec: no filter. */
	bool seccomp_default;
	bool seccomp_hardened; /* with it: calls that are new do not exist */
	/* mount_fds[i] belongs to spec.mounts[i]: a detached mount (open_tree, fsmount) to use in
	 * place of its source, or -1.  May be NULL. */
	const int *mount_fds;
	size_t n_mount_fds;
	int cache_fd; /* directory for compiled seccomp profiles, or -1 */
	/* A listening SOCK_SEQPACKET socket: plan_start() returns when all is set up, and the
	 * program waits for mb_runtime_start() from whoever connects there.  -1: it starts now. */
	int start_fd;
	int stop_fd;           /* await_ready() and plan_start() give up when it is readable; -1 */
	const char *bundle;    /* its path, for hooks */
	unsigned preserve_fds; /* of the caller's descriptors, 3 and on, for the program */
	bool no_pivot;         /* chroot instead: for a root file system in an initramfs */
	bool no_new_keyring;
	bool moves_net_devices; /* the caller moves them between await_ready() and start() */
	/* Called in plan_start() when the mounts are there and the root is not yet changed, where
	 * the spec has prestart, createRuntime or createContainer hooks.  The last of these are
	 * then run by process 1 itself.  Its failure is plan_start()'s. */
	int (*settled)(void *arg, struct mb_err *err);
	void *settled_arg;
};
#define MB_RUNTIME_REQUEST_INIT                             \
	((struct mb_runtime_request){.bundle_fd = -1,       \
	                             .rootfs_fd = -1,       \
	                             .stdio = {-1, -1, -1}, \
	                             .netns_fd = -1,        \
	                             .cache_fd = -1,        \
	                             .start_fd = -1,        \
	                             .stop_fd = -1})

/* In the command: check the spec, open what comes from the host, choose the seccomp program.
 * Nothing on the machine changes.  What the spec asks and mybox cannot do is refused by name
 * (-ENOTSUP); what it got only partly is in mb_runtime_plan_warnings(). */
int mb_runtime_plan_new(const struct mb_runtime_request *req, struct mb_runtime_plan **ret_plan,
                        struct mb_err *err);
void mb_runtime_plan_free(struct mb_runtime_plan *plan); /* NULL is fine */

/* Is @profile (OCI's or docker's format) one that can be compiled?  Nothing of it depends on the
 * container but the conditions of docker's rules: all of them are looked at. */
int mb_runtime_profile_check(struct json_object *profile, struct mb_err *err);

/* True when process 1 will be visible to other containers from birth (a shared pid namespace):
 * then the caller runs from a sealed copy of itself (sys/seal.h) before plan_new(). */
bool mb_runtime_wants_seal(const struct mb_oci_spec *spec);

/* One operation a line, in the order of their doing: what `run --plan` shows.  Needs no
 * privilege and opens nothing. */
int mb_runtime_plan_describe(const struct mb_runtime_request *req, struct mb_str *out,
                             struct mb_err *err);

/* In the parent to be.  Returns at once; the command learns pid and pidfd from await_ready().
 * After it returns 0 this process may do nothing but system calls and execve or _exit.
 * @ret_pid and @ret_pidfd (owned, close-on-exec) may be NULL. */
int mb_runtime_plan_clone(struct mb_runtime_plan *plan, pid_t *ret_pid, int *ret_pidfd,
                          struct mb_err *err);

struct mb_runtime_ready {
	pid_t pid;    /* as the command sees it */
	int pidfd;    /* owned */
	int netns_fd; /* owned; process 1's network namespace */
};
/* In the command: process 1 exists and its namespaces do.  It works on meanwhile. */
int mb_runtime_plan_await_ready(struct mb_runtime_plan *plan, struct mb_runtime_ready *ret,
                                struct mb_err *err);

struct mb_runtime_started {
	int console_fd; /* owned; the pty's master side, or -1 */
};
/* In the command: the network is there, let it exec.  Return: 0 once execve of the program has
 * happened; -errno as process 1 told it, and process 1 is gone or leaving.  On failure
 * mb_runtime_exit_code() gives the exit code that docker users know. */
int mb_runtime_plan_start(struct mb_runtime_plan *plan, struct mb_runtime_started *ret,
                          struct mb_err *err);
/* Start what waits behind @connection, made to the request's start_fd.  @state is the container's.
 * Return: 0 once execve has happened; -errno, told. */
struct mb_runtime_hook_state;
int mb_runtime_start(int connection, const struct mb_runtime_hook_state *state, struct mb_err *err);
/* 127 program not found, 126 found but not to be executed, 125 anything else.  Valid after
 * plan_start() or mb_runtime_exec() failed with @r. */
int mb_runtime_exit_code(int r, const struct mb_err *err);

/* Lines "...", borrowed, for the user: requests that were granted partly.  NULL-terminated, or
 * NULL when there are none.  Complete after plan_start(). */
char *const *mb_runtime_plan_warnings(const struct mb_runtime_plan *plan);

/* ---- exec: another process in a running container ---- */

struct mb_runtime_exec_request {
	const char *id;                       /* of the container */
	const struct mb_oci_spec *spec;       /* the container's: namespaces, seccomp, masks */
	const struct mb_oci_process *process; /* what to run, as which user, with which caps */
	const char *bundle;                   /* its path, for who is notified; or NULL */
	const char *program;                  /* execve this, not what args[0] finds; or NULL */
	int pidfd;                            /* the container's process 1 */
	pid_t pid;                            /* the same, for /proc on kernels before 6.11 */
	int stdio[3];                         /* when !process->terminal; -1 = /dev/null */
	struct mb_sys_cgroup *cgroup;         /* the container's or a child of it, or NULL */
	bool join_slowly;                     /* as above; tried by itself when it is needed */
	bool hides_cgroup; /* a child of it that the process does not see: its group is "/" */
	bool seccomp_default, seccomp_hardened;
	/* Somebody in its pid namespace may have CAP_SYS_PTRACE: a profile has to allow what comes
	 * before execve then. */
	bool may_be_traced;
	bool detach; /* the process outlives the caller: no SIGKILL when the caller dies */
	unsigned preserve_fds;
	bool no_new_keyring;
	int cache_fd;
};
#define MB_RUNTIME_EXEC_REQUEST_INIT \
	((struct mb_runtime_exec_request){.pidfd = -1, .stdio = {-1, -1, -1}, .cache_fd = -1})

struct mb_runtime_exec {
	pid_t pid;      /* a child of the caller: it waits for it */
	int pidfd;      /* owned */
	int console_fd; /* owned; pty master, or -1 */
};
/* Return: 0 once execve has happened; -errno told (see mb_runtime_exit_code()). */
int mb_runtime_exec(const struct mb_runtime_exec_request *req, struct mb_runtime_exec *ret,
                    struct mb_err *err);

#endif
