/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/bundle/parts.h — what the files of this folder share (private). */
#ifndef MB_BUNDLE_PARTS_H
#define MB_BUNDLE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "sys/cgroup.h"

struct json_object;
struct mb_bundle;
struct mb_bundle_criu;
struct mb_bundle_record;
struct mb_err;
struct mb_oci_hook;
struct mb_oci_linux;
struct mb_oci_mount;
struct mb_oci_process;
struct mb_strv;
struct mb_sys_proc_id;
struct mb_systemd_holder;

/* ---- documents (state.c) ---- */

#define MB_BUNDLE_STATE   "state.json"
#define MB_BUNDLE_CONFIG  "config.json"
#define MB_BUNDLE_PROCESS "process.json"
#define MB_BUNDLE_START   "start.sock"

struct mb_bundle *mb_bundle_new(int root_fd, const char *id);
int mb_bundle_record_save(struct mb_bundle *b, struct mb_err *err);
/* The pure half of reading it: for the fuzzer too.  @text as for mb_store_doc_parse().
 * Return: 0; -EBADMSG, -EPROTONOSUPPORT, told. */
int mb_bundle_record_parse(const char *text, size_t len, struct mb_bundle_record *ret,
                           struct mb_err *err);
void mb_bundle_record_done(struct mb_bundle_record *record);
int mb_bundle_process_save(struct mb_bundle *b, struct mb_err *err);
/* *@ret_making (or NULL): it was written before process 1 was set up. */
int mb_bundle_process_parse(const char *text, size_t len, struct mb_sys_proc_id *ret,
                            bool *ret_making, struct mb_err *err);
/* Take the lock of an open directory.  Return: 0; -EBUSY, told; MB_BUNDLE_REPLACED when the
 * directory is another's meanwhile. */
enum { MB_BUNDLE_REPLACED = 1 };
int mb_bundle_lock(struct mb_bundle *b, int timeout_ms, struct mb_err *err);
int mb_bundle_files_remove(struct mb_bundle *b, struct mb_err *err);

/* ---- cgroup.c ---- */

/* linux.cgroupsPath as a path, in the record; absent: "/mybox/ID".  With @systemd it is
 * "SLICE:PREFIX:NAME" and the path that of a scope. */
int mb_bundle_cgroup_name(struct mb_bundle *b, bool systemd, struct mb_err *err);
/* b->cgroup, with @limits; -EBUSY when others live in it, or nothing is made.  A scope lives by
 * @holder until a process is in it: the caller ends it, in any case. */
int mb_bundle_cgroup_make(struct mb_bundle *b, const struct mb_sys_cgroup_limits *limits,
                          struct mb_systemd_holder *holder, struct mb_err *err);
/* The group of the container's that its process 1 is in, where that is one below b->cgroup (v2).
 * Return: 0 and *@ret, the caller's; MB_SYS_CGROUP_ABSENT: it is not; or -errno, told. */
int mb_bundle_cgroup_of_init(struct mb_bundle *b, struct mb_sys_cgroup **ret, struct mb_err *err);
/* When no process is left in it. */
int mb_bundle_cgroup_remove(struct mb_bundle *b, struct mb_err *err);

/* ---- tracers.c ---- */

/* Whether others than @b, whose spec is loaded, may live in its pid namespace. */
bool mb_bundle_is_shared(const struct mb_bundle *b);
/* Whether what lives there may trace @process, which comes there under a seccomp profile: who
 * shares it, @b's own processes, or one that came as @process does. */
bool mb_bundle_may_be_traced(const struct mb_bundle *b, const struct mb_oci_process *process);

/* ---- netdev.c: interfaces of the host for the container ---- */

struct mb_bundle_netdev; /* opaque */
/* Move linux.netDevices into the namespace @netns_fd, with their addresses, and up.  When it
 * fails, all are where they were.  Return: 0 and *@ret for the rest of the creation; or -errno,
 * told. */
int mb_bundle_netdev_move(const struct mb_oci_linux *l, int netns_fd, struct mb_bundle_netdev **ret,
                          struct mb_err *err);
/* All back, as they were. */
void mb_bundle_netdev_return(struct mb_bundle_netdev *n);
void mb_bundle_netdev_free(struct mb_bundle_netdev *n); /* NULL is fine */

/* ---- criu.c, checkpoint.c, restore.c ---- */

/* What both directions tell criu: directories, flags. */
void mb_bundle_criu_args(const struct mb_bundle_criu *how, const char *verb, struct mb_strv *args);
/* Run criu with @args until it ends.  @prepare is called in the child.  When it fails, the log
 * "@verb.log" tells why. */
int mb_bundle_criu_run(const struct mb_bundle_criu *how, const char *verb,
                       const struct mb_strv *args, int (*prepare)(void *arg, struct mb_err *err),
                       void *arg, struct mb_err *err);
/* Does the entry @m of the bundle bring something of the host's into the container? */
bool mb_bundle_mount_is_bind(const struct mb_oci_mount *m);
/* Keys under which descriptors 0 to 2 are given back, beside the images. */
#define MB_BUNDLE_DESCRIPTORS "descriptors.json"
/* In place of a new process 1: b->process and its pidfd, from how->images. */
int mb_bundle_thaw(struct mb_bundle *b, const struct mb_bundle_criu *how, int *ret_pidfd,
                   struct mb_err *err);

/* ---- hand.c: what callers want of us ---- */

/* The pty's master to the socket at @path, as runc sends it. */
int mb_bundle_console_send(const char *path, int console_fd, struct mb_err *err);
/* Whole or not at all. */
int mb_bundle_pid_file_write(const char *path, pid_t pid, struct mb_err *err);
/* Hooks of the runtime's own namespaces. */
int mb_bundle_hooks_run(struct mb_bundle *b, const struct mb_oci_hook *v, size_t n,
                        const char *name, const char *status, struct mb_err *err);
/* Hooks whose failure changes nothing: it becomes a warning. */
void mb_bundle_hooks_try(struct mb_bundle *b, const struct mb_oci_hook *v, size_t n,
                         const char *name, const char *status);

/* End all processes, remove the control group and the files, run poststop hooks. */
int mb_bundle_destroy(struct mb_bundle *b, struct mb_err *err);
/* Where compiled seccomp profiles are kept, or -1. */
int mb_bundle_cache_open(int root_fd);

#endif
