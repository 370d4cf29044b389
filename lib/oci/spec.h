/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/oci/spec.h — config.json of an OCI bundle (runtime-spec 1.3, Linux) as plain data.
 *
 * The structs follow the document, member for member.  Strings are owned and NULL when absent.
 * A number with a has_ member tells 0 from absent; limits that are absent have has_ false.
 * What mybox cannot do is refused by name when loading, never left out in silence.
 */
#ifndef MB_OCI_SPEC_H
#define MB_OCI_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/own.h"
#include "core/strv.h"
#include "json/table.h"

#undef linux /* gnu17 predefines it as 1; here it is a member of the document */

struct json_object;
struct mb_err;
struct mb_str;

#define MB_OCI_SPEC_VERSION "1.2.0" /* what is written */
#define MB_OCI_SPEC_NEWEST  "1.3.0" /* whose members are known */

struct mb_oci_user {
	uint32_t uid, gid; /* never 2^32 - 1 after load */
	uint32_t umask;
	bool has_umask;
	uint32_t *additional_gids;
	size_t n_additional_gids;
	char *username;
};

struct mb_oci_capabilities { /* "CAP_..." */
	struct mb_strv bounding, effective, inheritable, permitted, ambient;
};

struct mb_oci_rlimit {
	char *type; /* "RLIMIT_NOFILE" */
	uint64_t soft, hard;
};

struct mb_oci_scheduler {
	char *policy; /* "SCHED_OTHER" */
	int nice, priority;
	struct mb_strv flags;
	uint64_t runtime, deadline, period;
};

struct mb_oci_process {
	bool terminal;
	struct mb_oci_console_size {
		uint32_t height, width;
	} console_size;
	struct mb_oci_user user;
	struct mb_strv args, env;
	char *cwd;
	struct mb_oci_capabilities *capabilities; /* NULL when absent: none at all */
	struct mb_oci_rlimit *rlimits;
	size_t n_rlimits;
	bool no_new_privileges;
	int oom_score_adj;
	bool has_oom_score_adj;
	char *apparmor_profile, *selinux_label;
	struct mb_oci_scheduler *scheduler;
	struct mb_oci_io_priority {
		char *class; /* "IOPRIO_CLASS_BE" */
		int priority;
	} * io_priority;
	struct mb_oci_exec_cpu_affinity {
		char *initial, *final; /* cpu lists */
	} * exec_cpu_affinity;
};

struct mb_oci_root {
	char *path;
	bool readonly;
};

struct mb_oci_id_map {
	uint32_t container_id, host_id, size;
};

struct mb_oci_mount {
	char *destination, *type, *source;
	struct mb_strv options;
	struct mb_oci_id_map *uid_mappings, *gid_mappings;
	size_t n_uid_mappings, n_gid_mappings;
};

struct mb_oci_hook {
	char *path;
	struct mb_strv args, env;
	int timeout; /* seconds */
	bool has_timeout;
};

struct mb_oci_hooks {
	struct mb_oci_hook *prestart, *create_runtime, *create_container, *start_container,
		*poststart, *poststop;
	size_t n_prestart, n_create_runtime, n_create_container, n_start_container, n_poststart,
		n_poststop;
};

struct mb_oci_namespace {
	char *type; /* pid network mount ipc uts user cgroup time */
	char *path; /* NULL: a new one */
};

struct mb_oci_device {
	char *type, *path; /* "c" "u" "b" "p" */
	int64_t major, minor;
	uint32_t file_mode, uid, gid;
	bool has_file_mode, has_uid, has_gid;
};

struct mb_oci_device_rule {
	bool allow;
	char *type;           /* "a" "c" "b"; NULL is "a" */
	int64_t major, minor; /* without has_: all */
	bool has_major, has_minor;
	char *access; /* of "rwm" */
};

struct mb_oci_memory {
	int64_t limit, reservation, swap, kernel, kernel_tcp; /* -1: unlimited */
	bool has_limit, has_reservation, has_swap, has_kernel, has_kernel_tcp;
	uint64_t swappiness;
	bool has_swappiness;
	bool disable_oom_killer, has_disable_oom_killer;
	bool use_hierarchy, has_use_hierarchy;
	bool check_before_update, has_check_before_update;
};

struct mb_oci_cpu {
	uint64_t shares, burst, period, realtime_period;
	int64_t quota, realtime_runtime, idle;
	bool has_shares, has_burst, has_period, has_realtime_period, has_quota,
		has_realtime_runtime, has_idle;
	char *cpus, *mems; /* lists, "0-3,7" */
};

struct mb_oci_pids {
	int64_t limit;
	bool has_limit;
};

struct mb_oci_weight_device {
	int64_t major, minor;
	uint16_t weight, leaf_weight;
	bool has_weight, has_leaf_weight;
};

struct mb_oci_throttle_device {
	int64_t major, minor;
	uint64_t rate;
};

struct mb_oci_block_io {
	uint16_t weight, leaf_weight;
	bool has_weight, has_leaf_weight;
	struct mb_oci_weight_device *weight_devices;
	struct mb_oci_throttle_device *read_bps, *write_bps, *read_iops, *write_iops;
	size_t n_weight_devices, n_read_bps, n_write_bps, n_read_iops, n_write_iops;
};

struct mb_oci_hugepage_limit {
	char *page_size; /* "2MB" */
	uint64_t limit;
};

struct mb_oci_net_priority {
	char *name;
	uint32_t priority;
};

struct mb_oci_network {
	uint32_t class_id;
	bool has_class_id;
	struct mb_oci_net_priority *priorities;
	size_t n_priorities;
};

struct mb_oci_rdma {
	char *name; /* of the device */
	uint32_t hca_handles, hca_objects;
	bool has_hca_handles, has_hca_objects;
};

struct mb_oci_resources {
	struct mb_oci_device_rule *devices;
	size_t n_devices;
	struct mb_oci_memory memory;
	struct mb_oci_cpu cpu;
	struct mb_oci_pids pids;
	struct mb_oci_block_io block_io;
	struct mb_oci_hugepage_limit *hugepage_limits;
	size_t n_hugepage_limits;
	struct mb_oci_network network;
	struct mb_oci_rdma *rdma;
	size_t n_rdma;
	struct mb_kv unified; /* cgroup v2 file -> value */
};

struct mb_oci_time_offset {
	char *clock; /* "monotonic" "boottime" */
	int64_t secs;
	uint32_t nanosecs;
};

struct mb_oci_personality {
	char *domain; /* "LINUX" "LINUX32" */
	struct mb_strv flags;
};

struct mb_oci_net_device {
	char *host, *name; /* of the interface here, and in the container (NULL: the same) */
};

struct mb_oci_memory_policy {
	char *mode;  /* "MPOL_BIND" */
	char *nodes; /* a list, "0-3,7" */
	struct mb_strv flags;
};

struct mb_oci_linux {
	struct mb_oci_namespace *namespaces;
	size_t n_namespaces;
	struct mb_oci_id_map *uid_mappings, *gid_mappings;
	size_t n_uid_mappings, n_gid_mappings;
	struct mb_oci_device *devices;
	size_t n_devices;
	char *cgroups_path;
	struct mb_oci_resources resources;
	char *rootfs_propagation;
	struct json_object *seccomp; /* the object as written; NULL: none */
	struct mb_kv sysctl;
	struct mb_strv masked_paths, readonly_paths;
	char *mount_label;
	struct mb_oci_personality *personality;
	struct mb_oci_time_offset *time_offsets;
	size_t n_time_offsets;
	struct mb_oci_memory_policy *memory_policy;
	struct mb_oci_net_device *net_devices; /* to be moved into the network namespace */
	size_t n_net_devices;
};

struct mb_oci_spec {
	char *oci_version;
	struct mb_oci_process *process; /* NULL when absent (a bundle only to be created) */
	struct mb_oci_root root;
	char *hostname, *domainname;
	struct mb_oci_mount *mounts;
	size_t n_mounts;
	struct mb_oci_hooks *hooks;
	struct mb_kv annotations;
	struct mb_oci_linux linux;
};

/* Decode and check what needs no machine to check: version 1.x, required members, absolute
 * paths, ids below 2^32 - 1, known namespace and rlimit names, no namespace twice.
 * *@ret is released with mb_oci_spec_done() only after success.  Return: 0; -EINVAL, -ERANGE;
 * -EOPNOTSUPP for what mybox does not do (named); -EBADMSG, -E2BIG. */
int mb_oci_spec_load(const char *text, size_t len, struct mb_oci_spec *ret, struct mb_err *err);
int mb_oci_spec_decode(struct json_object *o, struct mb_oci_spec *ret, struct mb_err *err);
/* A process on its own, as exec --process gives it.  The same checks. */
int mb_oci_process_load(const char *text, size_t len, struct mb_oci_process *ret,
                        struct mb_err *err);
/* linux.resources on its own, as update --resources gives it. */
int mb_oci_resources_load(const char *text, size_t len, struct mb_oci_resources *ret,
                          struct mb_err *err);
struct json_object *mb_oci_spec_save(const struct mb_oci_spec *spec); /* caller frees */
void mb_oci_spec_save_text(const struct mb_oci_spec *spec, struct mb_str *out);
void mb_oci_spec_done(struct mb_oci_spec *spec);
void mb_oci_process_done(struct mb_oci_process *process);
void mb_oci_resources_done(struct mb_oci_resources *resources);
#define MB_AUTO_OCI_SPEC __attribute__((cleanup(mb_oci_spec_done)))

/* NULL when there is none of that type.  Borrowed. */
struct mb_oci_namespace *mb_oci_spec_find_namespace(const struct mb_oci_spec *spec,
                                                    const char *type);
/* Append one, zeroed, and give it: the lists grow one by one. */
struct mb_oci_mount *mb_oci_spec_add_mount(struct mb_oci_spec *spec, const char *destination,
                                           const char *type, const char *source);
struct mb_oci_namespace *mb_oci_spec_add_namespace(struct mb_oci_spec *spec, const char *type,
                                                   const char *path);
struct mb_oci_device *mb_oci_spec_add_device(struct mb_oci_spec *spec);
struct mb_oci_device_rule *mb_oci_resources_add_device_rule(struct mb_oci_resources *res);
struct mb_oci_rlimit *mb_oci_process_add_rlimit(struct mb_oci_process *process, const char *type,
                                                uint64_t soft, uint64_t hard);

/* For documents that carry these inside. */
extern const struct mb_json_field mb_oci_spec_table[];
extern const struct mb_json_field mb_oci_process_table[];
extern const struct mb_json_field mb_oci_resources_table[];

#endif
