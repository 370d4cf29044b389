/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/start_parts.h — the pieces of a start, each in a file of its own. */
#ifndef MB_CONTAINER_START_PARTS_H
#define MB_CONTAINER_START_PARTS_H

#include "container/bundle.h"
#include "container/container.h"
#include "container/life.h"
#include "monitor/protocol.h"
#include "net/net.h"
#include "runtime/runtime.h"

/* rootfs.c: the image's layers under the container's own, as a detached mount.  The layers' ids
 * are mapped by @userns_fd (-1: as they are); the writable layer has those of the outside. */
int mb_container_rootfs_mount(struct mb_container *c, int userns_fd, int *ret_fd,
                              struct mb_err *err);
/* As it is now, of one that does not run and may start meanwhile: what is written there is in
 * memory and gone with it.  Of --rootfs DIR it is read-only. */
int mb_container_scratch_mount(struct mb_container *c, int userns_fd, int *ret_fd,
                               struct mb_err *err);
/* The layers alone, read-only and with their own ids: what a fresh volume is filled from. */
int mb_container_image_mount(struct mb_container *c, int *ret_fd, struct mb_err *err);
/* The same without the places that every container mounts to: what the image has itself. */
int mb_container_below_mount(struct mb_container *c, int *ret_fd, struct mb_err *err);
/* Its root file system as it sees it, but for what it has mounted, to be read; ids are those
 * outside.  Who has not its lock waits for the end of its start before (started.h). */
int mb_container_view_mount(struct mb_container *c, int *ret_fd, struct mb_err *err);

/* skeleton.c: the lowest layer, with what every container mounts to; made by the first start. */
int mb_container_skeleton_open(struct mb_store *store, int *ret_fd, struct mb_err *err);

/* etc.c: hosts, hostname and resolv.conf in RUN/c/ID: empty files to mount, and later what they
 * say.  @sandbox NULL: the host's network. */
int mb_container_etc_make(struct mb_container *c, struct mb_err *err);
/* The directory that has them: of the container whose network it shares, so that they are shared
 * too. */
int mb_container_etc_open(struct mb_container *c, int *ret_fd, struct mb_err *err);
/* Its addresses are others now: its own lines in hosts follow. */
int mb_container_etc_rehost(struct mb_container *c, const struct mb_net_sandbox *sandbox,
                            struct mb_err *err);
/* Its first network with names, or its last: resolv.conf follows, unless somebody wrote to it. */
int mb_container_etc_resolve(struct mb_container *c, const struct mb_net_sandbox *sandbox,
                             struct mb_err *err);
int mb_container_etc_write(struct mb_container *c, struct mb_net *net,
                           const struct mb_net_sandbox *sandbox, struct mb_err *err);

/* network.c: what --network and -p say becomes a sandbox; NULL with the host's or another
 * container's network. */
int mb_container_network_prepare(struct mb_container *c, struct mb_net *net,
                                 struct mb_net_sandbox **ret, struct mb_err *err);
/* What is published, as state.json says it: over what @run has, which is none. */
void mb_container_ports_fill(struct mb_container_run *run, const struct mb_net_sandbox *sandbox);
void mb_container_ports_free(struct mb_container_run *run);

/* monitor.c: the process that becomes the monitor, and what it is told. */
struct mb_container_monitor {
	int sock;    /* the command's end */
	int image;   /* memfd of its program */
	int control; /* listening RUN/c/ID/monitor.sock */
	pid_t pid;
	int stdio[3]; /* the container's ends: read 0, write 1 and 2; -1 with a tty */
	int ours[3];  /* the other ends: write 0, read 1 and 2 */
};
#define MB_CONTAINER_MONITOR_INIT                             \
	((struct mb_container_monitor){.sock = -1,            \
	                               .image = -1,           \
	                               .control = -1,         \
	                               .stdio = {-1, -1, -1}, \
	                               .ours = {-1, -1, -1}})
void mb_container_monitor_done(struct mb_container_monitor *m);
struct mb_monitor_policy mb_container_policy_of(const struct mb_container_restart *policy);
/* Pipes and its program: everything before the fork. */
int mb_container_monitor_open(struct mb_container *c, struct mb_container_monitor *m,
                              struct mb_err *err);
/* What it listens on. */
int mb_container_monitor_listen(struct mb_container *c, struct mb_container_monitor *m,
                                struct mb_err *err);
/* A child clones process 1 by @plan and becomes the monitor, in our memory until then. */
int mb_container_monitor_fork(struct mb_container *c, struct mb_container_monitor *m,
                              struct mb_runtime_plan *plan, struct mb_err *err);
/* What counts the kernel's kills for want of memory, and what it said before the program ran. */
struct mb_container_oom {
	int fd;       /* -1: nothing counts them */
	int event_fd; /* readable when there is one; -1: it is .fd itself that tells */
	uint64_t before;
};
#define MB_CONTAINER_OOM_INIT ((struct mb_container_oom){.fd = -1, .event_fd = -1})
/* @cgroup: or NULL.  The caller closes both descriptors. */
int mb_container_oom_open(struct mb_sys_cgroup *cgroup, struct mb_container_oom *ret,
                          struct mb_err *err);

struct mb_container_monitor_start {
	const struct mb_container_start *how;
	struct mb_net *net;
	struct mb_net_sandbox *sandbox;   /* or NULL */
	struct mb_net_resolver *resolver; /* or NULL */
	const struct mb_container_oom *oom;
	int console_fd;    /* or -1 */
	int adopted_pidfd; /* process 1 is not its child; or -1 */
	int netns_fd;      /* its network namespace; or -1 */
	const int *notify; /* both descriptors; or NULL */
	const struct mb_container_logto *logto;
	int64_t started;
};
/* The sockets of published ports are the monitor's from now on.
 * Return: 0; MB_MONITOR_GONE; or -errno, told. */
int mb_container_monitor_hold(int sock, const struct mb_net_sandbox *sandbox, struct mb_err *err);
/* lease.c: what is due when, and what gives the addresses back.  Return: as _hold. */
int mb_container_leases_send(int sock, const struct mb_net_sandbox *sandbox, int netns_fd,
                             struct mb_err *err);
/* Its name has changed, which its monitor tells with its end. */
void mb_container_monitor_about(struct mb_container *c);
/* ABOUT, HOLD, RELAY, NETWORK, DNS, SETUP. */
int mb_container_monitor_setup(struct mb_container *c, struct mb_container_monitor *m,
                               const struct mb_container_monitor_start *start, struct mb_err *err);

#endif
