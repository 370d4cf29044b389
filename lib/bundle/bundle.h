/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/bundle/bundle.h — the life of an OCI container: from a bundle and a state directory.
 *
 * ROOT/ID/ holds state.json (what was asked), config.json (the bundle's, as it was at create),
 * process.json (process 1: pid and start time), start.sock (process 1 listens there until it is
 * started) and is locked by flock(2) by who changes the container.  What is true now is never
 * written: it is asked from the kernel.
 */
#ifndef MB_BUNDLE_BUNDLE_H
#define MB_BUNDLE_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/own.h"
#include "core/strv.h"
#include "oci/spec.h"
#include "sys/proc.h"

struct mb_err;
struct mb_sys_cgroup;
struct mb_sys_cgroup_host;
struct mb_sys_cgroup_limits;

#define MB_BUNDLE_ROOT "/run/mybox-oci"

enum mb_bundle_status {
	MB_BUNDLE_CREATING,
	MB_BUNDLE_CREATED,
	MB_BUNDLE_RUNNING,
	MB_BUNDLE_PAUSED,
	MB_BUNDLE_STOPPED,
};

/* state.json */
struct mb_bundle_record {
	char *oci_version, *bundle, *rootfs, *cgroup;
	int64_t created; /* nsec */
	bool systemd_cgroup;
	char *config_sum; /* of config.json, crc32c */
	struct mb_kv annotations;
};

struct mb_bundle {
	char *id;
	int root_fd, dir_fd;
	int lock_fd; /* -1: not locked */
	int stop_fd; /* borrowed: hooks are given up when it is readable; or -1 */
	struct mb_bundle_record record;
	bool has_record;
	struct mb_sys_proc_id process; /* pid 0: none yet */
	bool making;                   /* which is not set up, and may have the host's root */
	struct mb_oci_spec spec;
	bool has_spec;
	struct mb_sys_cgroup_host *cgroup_host;
	struct mb_sys_cgroup *cgroup;
	struct mb_strv warnings; /* what the caller should log */
};

/* ---- the state directory ---- */

/* Return: 0; -ENOENT when @path is not there and @make is not asked; or -errno, told. */
int mb_bundle_root_open(const char *path, bool make, int *ret_fd, struct mb_err *err);
/* [A-Za-z0-9_+-][A-Za-z0-9_+.-]*, at most 1024 bytes. */
bool mb_bundle_id_is_valid(const char *id);
/* All ids, sorted. */
int mb_bundle_list(int root_fd, struct mb_strv *ret_ids, struct mb_err *err);
/* How to open: with the lock, and whether a state that cannot be read is a failure. */
enum { MB_BUNDLE_LOCK = 1, MB_BUNDLE_BROKEN_TOO = 2 };
/* Return: 0; -ENOENT "container 'x' does not exist"; -EBUSY when another holds the lock for over
 * ten seconds; -EBADMSG, -EPROTONOSUPPORT for a state that cannot be read; or -errno, told. */
int mb_bundle_open(int root_fd, const char *id, unsigned how, struct mb_bundle **ret,
                   struct mb_err *err);
void mb_bundle_free(struct mb_bundle *b);
MB_AUTO_DEFINE(struct mb_bundle, mb_bundle_free)

/* ---- what is true ---- */

int mb_bundle_status_read(struct mb_bundle *b, enum mb_bundle_status *ret, struct mb_err *err);
const char *mb_bundle_status_name(enum mb_bundle_status status);
/* The bundle's config.json as it was at create, in b->spec. */
int mb_bundle_spec_load(struct mb_bundle *b, struct mb_err *err);
/* Its control group, in b->cgroup.  Return: 0; MB_SYS_CGROUP_ABSENT; or -errno, told. */
int mb_bundle_cgroup_open(struct mb_bundle *b, struct mb_err *err);
/* Change its limits while it lives. */
int mb_bundle_cgroup_update(struct mb_bundle *b, const struct mb_sys_cgroup_limits *limits,
                            struct mb_err *err);

/* ---- life ---- */

/* What criu's command line is to be told; all borrowed. */
struct mb_bundle_criu {
	const char *program;                /* a path or a name; NULL: "criu" */
	const char *images, *work, *parent; /* directories; work and parent may be NULL */
	const char *page_server;            /* "ADDRESS:PORT" or NULL */
	const char *cgroups;                /* criu's mode, or NULL: left to us */
	const char *lsm_profile, *lsm_mount_context;
	struct mb_strv empty_ns; /* "network": made, and left empty */
	int status_fd;           /* the caller's, to be told when lazy pages are ready; -1 */
	bool leave_running, pre_dump, tcp_established, tcp_skip_in_flight, ext_unix_sockets,
		shell_job, file_locks, link_remap, auto_dedup, lazy_pages;
};

struct mb_bundle_create {
	const struct mb_bundle_criu *thaw;     /* restore it from images; NULL: begin anew */
	const char *id, *bundle;               /* bundle: its path */
	const char *console_socket, *pid_file; /* or NULL */
	bool no_pivot, no_new_keyring, systemd_cgroup;
	bool start;              /* run: do not wait for mb_bundle_start() */
	bool keeps_console;      /* run in the foreground: the terminal is for the caller */
	unsigned preserve_fds;   /* of the caller's descriptors, from 3 on */
	int stop_fd;             /* readable: give up, -EINTR (criu alone goes on); or -1 */
	const struct mb_kv *env; /* more of it, or NULL */
	/* Called before anything is done when others will see process 1 from its birth on: go on
	 * from a sealed copy of the program (sys/seal.h).  May be NULL. */
	int (*seal)(void *arg, struct mb_err *err);
	void *seal_arg;
};
struct mb_bundle_made {
	struct mb_bundle *bundle; /* owned, locked */
	int pidfd;                /* owned; process 1 is a child of the caller */
	int console_fd;           /* owned; only with keeps_console, or -1 */
};
/* Make a container of @create's bundle: everything is done but the execve of its program.  When
 * it fails, nothing is left.  Return: 0 or -errno, told. */
int mb_bundle_create(int root_fd, const struct mb_bundle_create *create, struct mb_bundle_made *ret,
                     struct mb_err *err);
/* Its hooks, and the execve.  @b is locked. */
int mb_bundle_start(struct mb_bundle *b, struct mb_err *err);
/* Signal process 1, or with @all every process.  -ESRCH when it has ended. */
int mb_bundle_kill(struct mb_bundle *b, int sig, bool all, struct mb_err *err);
/* Kill what is left if @force, and remove all traces.  @b is locked. */
int mb_bundle_delete(struct mb_bundle *b, bool force, struct mb_err *err);
int mb_bundle_pause(struct mb_bundle *b, struct mb_err *err);
int mb_bundle_resume(struct mb_bundle *b, struct mb_err *err);
/* Write its processes to how->images with criu; unless they are to go on, it is deleted then.
 * @b is locked.  Return: 0 or -errno, told: -EOPNOTSUPP without criu, or what it cannot keep. */
int mb_bundle_checkpoint(struct mb_bundle *b, const struct mb_bundle_criu *how, struct mb_err *err);
/* Its processes; caller frees. */
int mb_bundle_pids(struct mb_bundle *b, pid_t **ret_pids, size_t *ret_n, struct mb_err *err);

/* ---- exec ---- */

struct mb_bundle_exec {
	const struct mb_oci_process *process;
	const char *console_socket, *pid_file, *cgroup; /* or NULL; cgroup: below the container's */
	bool detach, ignore_paused, no_new_keyring;
	unsigned preserve_fds;
};
struct mb_bundle_executed {
	pid_t pid;
	int pidfd, console_fd; /* owned; console_fd -1 unless in the foreground with a terminal */
};
int mb_bundle_exec(struct mb_bundle *b, const struct mb_bundle_exec *how,
                   struct mb_bundle_executed *ret, struct mb_err *err);

#endif
