/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/bundle.h — a record becomes an OCI bundle: the runtime's spec and its mounts. */
#ifndef MB_CONTAINER_BUNDLE_H
#define MB_CONTAINER_BUNDLE_H

#include <stdbool.h>

#include "oci/spec.h"
#include "sys/cgroup.h"
#include "sys/device.h"
#include "volume/volume.h"

struct mb_container;
struct mb_err;
struct mb_container_config;
struct mb_container_host_config;
struct mb_container_record;

struct mb_container_bundle {
	struct mb_oci_spec spec;
	int *mount_fds; /* one for each of spec.mounts, -1 or owned */
	size_t n_mount_fds;
	bool seccomp_default, seccomp_hardened;
	struct mb_sys_device_rule *devices; /* in the words of lib/sys */
	size_t n_devices;
	size_t n_plain_env;           /* variables of spec.process; those behind them are secrets */
	int userns_fd;                /* to map the ids of volumes by; -1 */
	int image_fd;                 /* the image with its ids as they are on disk; -1 */
	struct mb_volume_holds holds; /* until it is known to run */
};
#define MB_CONTAINER_BUNDLE_INIT ((struct mb_container_bundle){.userns_fd = -1, .image_fd = -1})
void mb_container_bundle_done(struct mb_container_bundle *bundle);
#define MB_AUTO_BUNDLE __attribute__((cleanup(mb_container_bundle_done)))

/* Build it.  @rootfs_fd is the container's root (detached mount or directory): users and volume
 * contents come from it.  Volumes are opened, missing bind sources made.  On failure @ret is for
 * mb_container_bundle_done() all the same. */
int mb_container_bundle_make(struct mb_container *c, int rootfs_fd, struct mb_container_bundle *ret,
                             struct mb_err *err);

/* --- the parts --- */

/* bundle.c: --security-opt.  Also of an exec. */
int mb_container_security_fill(const struct mb_container_host_config *host,
                               struct mb_container_bundle *bundle, struct mb_err *err);

/* bundle_process.c: args, environment, user, capabilities, rlimits.  Also of an exec. */
int mb_container_process_fill(const struct mb_container_record *record, int rootfs_fd,
                              struct mb_oci_process *process, struct mb_err *err);
/* --umask, checked before. */
void mb_container_umask_fill(const struct mb_container_config *config,
                             struct mb_oci_process *process);
/* docker's default set with --cap-add and --cap-drop, or all with @privileged. */
int mb_container_caps_fill(const struct mb_container_host_config *host, bool privileged,
                           struct mb_oci_process *process, struct mb_err *err);
int mb_container_user_fill(int rootfs_fd, const char *user, const struct mb_strv *group_add,
                           struct mb_oci_process *process, struct mb_err *err);

/* --ulimit and the defaults, --oom-score-adj. */
void mb_container_rlimits_fill(const struct mb_container_host_config *host,
                               struct mb_oci_process *process);

/* bundle_mounts.c: default mounts, the user's, masked and read-only paths. */
int mb_container_mounts_fill(struct mb_container *c, int rootfs_fd,
                             struct mb_container_bundle *bundle, struct mb_err *err);

/* The paths of those, as --security-opt leaves them; added to the vectors. */
int mb_container_masks(const struct mb_container_host_config *host, struct mb_strv *ret_masked,
                       struct mb_strv *ret_readonly, struct mb_err *err);

/* timezone.c: --tz: what the host has of it, "local" is the host's own; @ret_fd O_PATH. */
int mb_container_timezone_open(const char *name, int *ret_fd, struct mb_err *err);

/* bundle_devices.c: nodes and rules of --device, --privileged and --device-cgroup-rule. */
int mb_container_devices_fill(const struct mb_container_record *record,
                              struct mb_container_bundle *bundle, struct mb_err *err);

/* limits.c: what the control group shall hold; borrows from @record, @devices and @throttles,
 * which has room for four times 64. */
int mb_container_limits_fill(const struct mb_container_record *record,
                             const struct mb_container_bundle *bundle,
                             struct mb_sys_cgroup_throttle *throttles,
                             struct mb_sys_cgroup_limits *ret, struct mb_err *err);
enum { MB_CONTAINER_MAX_THROTTLES = 256 };
/* The limit of memory and swap together, said or not; 0: none. */
int64_t mb_container_swap(const struct mb_container_host_config *h);
/* The same in the spec, for whoever reads the bundle. */
void mb_container_resources_fill(const struct mb_container_record *record,
                                 struct mb_oci_spec *spec);

#endif
