/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The members of config.json, row by row, in the order of the specification. */
#include "oci/spec.h"
#include "json/json.h"

// clang-format off
static const struct mb_json_field user_table[] = {
	MB_JSON_U32("uid", struct mb_oci_user, uid, .flags = MB_JSON_ALWAYS),
	MB_JSON_U32("gid", struct mb_oci_user, gid, .flags = MB_JSON_ALWAYS),
	MB_JSON_U32_OPT("umask", struct mb_oci_user, umask, has_umask),
	MB_JSON_U32S("additionalGids", struct mb_oci_user, additional_gids, n_additional_gids),
	MB_JSON_STR("username", struct mb_oci_user, username),
	MB_JSON_END,
};

static const struct mb_json_field capabilities_table[] = {
	MB_JSON_STRV("bounding", struct mb_oci_capabilities, bounding),
	MB_JSON_STRV("effective", struct mb_oci_capabilities, effective),
	MB_JSON_STRV("inheritable", struct mb_oci_capabilities, inheritable),
	MB_JSON_STRV("permitted", struct mb_oci_capabilities, permitted),
	MB_JSON_STRV("ambient", struct mb_oci_capabilities, ambient),
	MB_JSON_END,
};

static const struct mb_json_field rlimit_table[] = {
	MB_JSON_STR("type", struct mb_oci_rlimit, type, .flags = MB_JSON_REQUIRED),
	MB_JSON_U64("hard", struct mb_oci_rlimit, hard, .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_U64("soft", struct mb_oci_rlimit, soft, .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_END,
};

static const struct mb_json_field console_size_table[] = {
	MB_JSON_U32("height", struct mb_oci_console_size, height),
	MB_JSON_U32("width", struct mb_oci_console_size, width),
	MB_JSON_END,
};

static const struct mb_json_field scheduler_table[] = {
	MB_JSON_STR("policy", struct mb_oci_scheduler, policy, .flags = MB_JSON_REQUIRED),
	MB_JSON_INT("nice", struct mb_oci_scheduler, nice),
	MB_JSON_INT("priority", struct mb_oci_scheduler, priority),
	MB_JSON_STRV("flags", struct mb_oci_scheduler, flags),
	MB_JSON_U64("runtime", struct mb_oci_scheduler, runtime),
	MB_JSON_U64("deadline", struct mb_oci_scheduler, deadline),
	MB_JSON_U64("period", struct mb_oci_scheduler, period),
	MB_JSON_END,
};

static const struct mb_json_field io_priority_table[] = {
	MB_JSON_STR("class", struct mb_oci_io_priority, class, .flags = MB_JSON_REQUIRED),
	MB_JSON_INT("priority", struct mb_oci_io_priority, priority, .flags = MB_JSON_ALWAYS),
	MB_JSON_END,
};

static const struct mb_json_field exec_cpu_affinity_table[] = {
	MB_JSON_STR("initial", struct mb_oci_exec_cpu_affinity, initial),
	MB_JSON_STR("final", struct mb_oci_exec_cpu_affinity, final),
	MB_JSON_END,
};

const struct mb_json_field mb_oci_process_table[] = {
	MB_JSON_BOOL("terminal", struct mb_oci_process, terminal),
	MB_JSON_OBJ("consoleSize", struct mb_oci_process, console_size, console_size_table),
	MB_JSON_OBJ("user", struct mb_oci_process, user, user_table, .flags = MB_JSON_ALWAYS),
	MB_JSON_STRV("args", struct mb_oci_process, args),
	MB_JSON_STRV("env", struct mb_oci_process, env),
	MB_JSON_STR("cwd", struct mb_oci_process, cwd, .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_PTR("capabilities", struct mb_oci_process, capabilities, capabilities_table),
	MB_JSON_LIST("rlimits", struct mb_oci_process, rlimits, n_rlimits, struct mb_oci_rlimit,
		     rlimit_table),
	MB_JSON_BOOL("noNewPrivileges", struct mb_oci_process, no_new_privileges),
	MB_JSON_STR("apparmorProfile", struct mb_oci_process, apparmor_profile),
	MB_JSON_INT_OPT("oomScoreAdj", struct mb_oci_process, oom_score_adj, has_oom_score_adj),
	MB_JSON_PTR("scheduler", struct mb_oci_process, scheduler, scheduler_table),
	MB_JSON_STR("selinuxLabel", struct mb_oci_process, selinux_label),
	MB_JSON_PTR("ioPriority", struct mb_oci_process, io_priority, io_priority_table),
	MB_JSON_PTR("execCPUAffinity", struct mb_oci_process, exec_cpu_affinity,
		    exec_cpu_affinity_table),
	MB_JSON_END,
};

static const struct mb_json_field root_table[] = {
	MB_JSON_STR("path", struct mb_oci_root, path, .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_BOOL("readonly", struct mb_oci_root, readonly),
	MB_JSON_END,
};

static const struct mb_json_field id_map_table[] = {
	MB_JSON_U32("containerID", struct mb_oci_id_map, container_id,
		    .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_U32("hostID", struct mb_oci_id_map, host_id,
		    .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_U32("size", struct mb_oci_id_map, size, .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_END,
};

static const struct mb_json_field mount_table[] = {
	MB_JSON_STR("destination", struct mb_oci_mount, destination, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("type", struct mb_oci_mount, type),
	MB_JSON_STR("source", struct mb_oci_mount, source),
	MB_JSON_STRV("options", struct mb_oci_mount, options),
	MB_JSON_LIST("uidMappings", struct mb_oci_mount, uid_mappings, n_uid_mappings,
		     struct mb_oci_id_map, id_map_table),
	MB_JSON_LIST("gidMappings", struct mb_oci_mount, gid_mappings, n_gid_mappings,
		     struct mb_oci_id_map, id_map_table),
	MB_JSON_END,
};

static const struct mb_json_field hook_table[] = {
	MB_JSON_STR("path", struct mb_oci_hook, path, .flags = MB_JSON_REQUIRED),
	MB_JSON_STRV("args", struct mb_oci_hook, args),
	MB_JSON_STRV("env", struct mb_oci_hook, env),
	MB_JSON_INT_OPT("timeout", struct mb_oci_hook, timeout, has_timeout),
	MB_JSON_END,
};

#define HOOK_ROW(name, member) \
	MB_JSON_LIST(name, struct mb_oci_hooks, member, n_##member, struct mb_oci_hook, hook_table)
static const struct mb_json_field hooks_table[] = {
	HOOK_ROW("prestart", prestart),
	HOOK_ROW("createRuntime", create_runtime),
	HOOK_ROW("createContainer", create_container),
	HOOK_ROW("startContainer", start_container),
	HOOK_ROW("poststart", poststart),
	HOOK_ROW("poststop", poststop),
	MB_JSON_END,
};

static const struct mb_json_field namespace_table[] = {
	MB_JSON_STR("type", struct mb_oci_namespace, type, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("path", struct mb_oci_namespace, path),
	MB_JSON_END,
};

static const struct mb_json_field device_table[] = {
	MB_JSON_STR("path", struct mb_oci_device, path, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("type", struct mb_oci_device, type, .flags = MB_JSON_REQUIRED),
	MB_JSON_I64("major", struct mb_oci_device, major, .flags = MB_JSON_ALWAYS),
	MB_JSON_I64("minor", struct mb_oci_device, minor, .flags = MB_JSON_ALWAYS),
	MB_JSON_U32_OPT("fileMode", struct mb_oci_device, file_mode, has_file_mode),
	MB_JSON_U32_OPT("uid", struct mb_oci_device, uid, has_uid),
	MB_JSON_U32_OPT("gid", struct mb_oci_device, gid, has_gid),
	MB_JSON_END,
};

static const struct mb_json_field device_rule_table[] = {
	MB_JSON_BOOL("allow", struct mb_oci_device_rule, allow,
		     .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_STR("type", struct mb_oci_device_rule, type),
	MB_JSON_I64_OPT("major", struct mb_oci_device_rule, major, has_major),
	MB_JSON_I64_OPT("minor", struct mb_oci_device_rule, minor, has_minor),
	MB_JSON_STR("access", struct mb_oci_device_rule, access),
	MB_JSON_END,
};

static const struct mb_json_field memory_table[] = {
	MB_JSON_I64_OPT("limit", struct mb_oci_memory, limit, has_limit),
	MB_JSON_I64_OPT("reservation", struct mb_oci_memory, reservation, has_reservation),
	MB_JSON_I64_OPT("swap", struct mb_oci_memory, swap, has_swap),
	MB_JSON_I64_OPT("kernel", struct mb_oci_memory, kernel, has_kernel),
	MB_JSON_I64_OPT("kernelTCP", struct mb_oci_memory, kernel_tcp, has_kernel_tcp),
	MB_JSON_U64_OPT("swappiness", struct mb_oci_memory, swappiness, has_swappiness),
	MB_JSON_BOOL_OPT("disableOOMKiller", struct mb_oci_memory, disable_oom_killer,
			 has_disable_oom_killer),
	MB_JSON_BOOL_OPT("useHierarchy", struct mb_oci_memory, use_hierarchy, has_use_hierarchy),
	MB_JSON_BOOL_OPT("checkBeforeUpdate", struct mb_oci_memory, check_before_update,
			 has_check_before_update),
	MB_JSON_END,
};

static const struct mb_json_field cpu_table[] = {
	MB_JSON_U64_OPT("shares", struct mb_oci_cpu, shares, has_shares),
	MB_JSON_I64_OPT("quota", struct mb_oci_cpu, quota, has_quota),
	MB_JSON_U64_OPT("burst", struct mb_oci_cpu, burst, has_burst),
	MB_JSON_U64_OPT("period", struct mb_oci_cpu, period, has_period),
	MB_JSON_I64_OPT("realtimeRuntime", struct mb_oci_cpu, realtime_runtime,
			has_realtime_runtime),
	MB_JSON_U64_OPT("realtimePeriod", struct mb_oci_cpu, realtime_period, has_realtime_period),
	MB_JSON_STR("cpus", struct mb_oci_cpu, cpus),
	MB_JSON_STR("mems", struct mb_oci_cpu, mems),
	MB_JSON_I64_OPT("idle", struct mb_oci_cpu, idle, has_idle),
	MB_JSON_END,
};

static const struct mb_json_field pids_table[] = {
	MB_JSON_I64_OPT("limit", struct mb_oci_pids, limit, has_limit),
	MB_JSON_END,
};

static const struct mb_json_field weight_device_table[] = {
	MB_JSON_I64("major", struct mb_oci_weight_device, major, .flags = MB_JSON_ALWAYS),
	MB_JSON_I64("minor", struct mb_oci_weight_device, minor, .flags = MB_JSON_ALWAYS),
	MB_JSON_U16_OPT("weight", struct mb_oci_weight_device, weight, has_weight),
	MB_JSON_U16_OPT("leafWeight", struct mb_oci_weight_device, leaf_weight, has_leaf_weight),
	MB_JSON_END,
};

static const struct mb_json_field throttle_table[] = {
	MB_JSON_I64("major", struct mb_oci_throttle_device, major, .flags = MB_JSON_ALWAYS),
	MB_JSON_I64("minor", struct mb_oci_throttle_device, minor, .flags = MB_JSON_ALWAYS),
	MB_JSON_U64("rate", struct mb_oci_throttle_device, rate, .flags = MB_JSON_ALWAYS),
	MB_JSON_END,
};

#define THROTTLE_ROW(name, member)                                       \
	MB_JSON_LIST(name, struct mb_oci_block_io, member, n_##member, \
		     struct mb_oci_throttle_device, throttle_table)
static const struct mb_json_field block_io_table[] = {
	MB_JSON_U16_OPT("weight", struct mb_oci_block_io, weight, has_weight),
	MB_JSON_U16_OPT("leafWeight", struct mb_oci_block_io, leaf_weight, has_leaf_weight),
	MB_JSON_LIST("weightDevice", struct mb_oci_block_io, weight_devices, n_weight_devices,
		     struct mb_oci_weight_device, weight_device_table),
	THROTTLE_ROW("throttleReadBpsDevice", read_bps),
	THROTTLE_ROW("throttleWriteBpsDevice", write_bps),
	THROTTLE_ROW("throttleReadIOPSDevice", read_iops),
	THROTTLE_ROW("throttleWriteIOPSDevice", write_iops),
	MB_JSON_END,
};

static const struct mb_json_field hugepage_table[] = {
	MB_JSON_STR("pageSize", struct mb_oci_hugepage_limit, page_size, .flags = MB_JSON_REQUIRED),
	MB_JSON_U64("limit", struct mb_oci_hugepage_limit, limit,
		    .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_END,
};

static const struct mb_json_field net_priority_table[] = {
	MB_JSON_STR("name", struct mb_oci_net_priority, name, .flags = MB_JSON_REQUIRED),
	MB_JSON_U32("priority", struct mb_oci_net_priority, priority, .flags = MB_JSON_ALWAYS),
	MB_JSON_END,
};

static const struct mb_json_field network_table[] = {
	MB_JSON_U32_OPT("classID", struct mb_oci_network, class_id, has_class_id),
	MB_JSON_LIST("priorities", struct mb_oci_network, priorities, n_priorities,
		     struct mb_oci_net_priority, net_priority_table),
	MB_JSON_END,
};

static const struct mb_json_field rdma_table[] = {
	MB_JSON_U32_OPT("hcaHandles", struct mb_oci_rdma, hca_handles, has_hca_handles),
	MB_JSON_U32_OPT("hcaObjects", struct mb_oci_rdma, hca_objects, has_hca_objects),
	MB_JSON_END,
};

const struct mb_json_field mb_oci_resources_table[] = {
	MB_JSON_LIST("devices", struct mb_oci_resources, devices, n_devices,
		     struct mb_oci_device_rule, device_rule_table),
	MB_JSON_OBJ("memory", struct mb_oci_resources, memory, memory_table),
	MB_JSON_OBJ("cpu", struct mb_oci_resources, cpu, cpu_table),
	MB_JSON_OBJ("pids", struct mb_oci_resources, pids, pids_table),
	MB_JSON_OBJ("blockIO", struct mb_oci_resources, block_io, block_io_table),
	MB_JSON_LIST("hugepageLimits", struct mb_oci_resources, hugepage_limits, n_hugepage_limits,
		     struct mb_oci_hugepage_limit, hugepage_table),
	MB_JSON_OBJ("network", struct mb_oci_resources, network, network_table),
	MB_JSON_MAP("rdma", struct mb_oci_resources, rdma, n_rdma, struct mb_oci_rdma, name,
		    rdma_table),
	MB_JSON_KV("unified", struct mb_oci_resources, unified),
	MB_JSON_END,
};

static const struct mb_json_field personality_table[] = {
	MB_JSON_STR("domain", struct mb_oci_personality, domain, .flags = MB_JSON_REQUIRED),
	MB_JSON_STRV("flags", struct mb_oci_personality, flags),
	MB_JSON_END,
};

static const struct mb_json_field time_offset_table[] = {
	MB_JSON_I64("secs", struct mb_oci_time_offset, secs),
	MB_JSON_U32("nanosecs", struct mb_oci_time_offset, nanosecs),
	MB_JSON_END,
};

static const struct mb_json_field memory_policy_table[] = {
	MB_JSON_STR("mode", struct mb_oci_memory_policy, mode, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("nodes", struct mb_oci_memory_policy, nodes),
	MB_JSON_STRV("flags", struct mb_oci_memory_policy, flags),
	MB_JSON_END,
};

static const struct mb_json_field net_device_table[] = {
	MB_JSON_STR("name", struct mb_oci_net_device, name),
	MB_JSON_END,
};

static const struct mb_json_field linux_table[] = {
	MB_JSON_LIST("uidMappings", struct mb_oci_linux, uid_mappings, n_uid_mappings,
		     struct mb_oci_id_map, id_map_table),
	MB_JSON_LIST("gidMappings", struct mb_oci_linux, gid_mappings, n_gid_mappings,
		     struct mb_oci_id_map, id_map_table),
	MB_JSON_KV("sysctl", struct mb_oci_linux, sysctl),
	MB_JSON_OBJ("resources", struct mb_oci_linux, resources, mb_oci_resources_table),
	MB_JSON_STR("cgroupsPath", struct mb_oci_linux, cgroups_path),
	MB_JSON_LIST("namespaces", struct mb_oci_linux, namespaces, n_namespaces,
		     struct mb_oci_namespace, namespace_table),
	MB_JSON_LIST("devices", struct mb_oci_linux, devices, n_devices, struct mb_oci_device,
		     device_table),
	MB_JSON_RAW("seccomp", struct mb_oci_linux, seccomp),
	MB_JSON_STR("rootfsPropagation", struct mb_oci_linux, rootfs_propagation),
	MB_JSON_STRV("maskedPaths", struct mb_oci_linux, masked_paths),
	MB_JSON_STRV("readonlyPaths", struct mb_oci_linux, readonly_paths),
	MB_JSON_STR("mountLabel", struct mb_oci_linux, mount_label),
	MB_JSON_PTR("personality", struct mb_oci_linux, personality, personality_table),
	MB_JSON_MAP("timeOffsets", struct mb_oci_linux, time_offsets, n_time_offsets,
		    struct mb_oci_time_offset, clock, time_offset_table),
	MB_JSON_PTR("memoryPolicy", struct mb_oci_linux, memory_policy, memory_policy_table),
	MB_JSON_MAP("netDevices", struct mb_oci_linux, net_devices, n_net_devices,
		    struct mb_oci_net_device, host, net_device_table),
	MB_JSON_REFUSED("intelRdt"),
	MB_JSON_END,
};

const struct mb_json_field mb_oci_spec_table[] = {
	MB_JSON_STR("ociVersion", struct mb_oci_spec, oci_version,
		    .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_PTR("process", struct mb_oci_spec, process, mb_oci_process_table),
	MB_JSON_OBJ("root", struct mb_oci_spec, root, root_table,
		    .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_STR("hostname", struct mb_oci_spec, hostname),
	MB_JSON_STR("domainname", struct mb_oci_spec, domainname),
	MB_JSON_LIST("mounts", struct mb_oci_spec, mounts, n_mounts, struct mb_oci_mount,
		     mount_table),
	MB_JSON_PTR("hooks", struct mb_oci_spec, hooks, hooks_table),
	MB_JSON_KV("annotations", struct mb_oci_spec, annotations),
	MB_JSON_OBJ("linux", struct mb_oci_spec, linux, linux_table),
	MB_JSON_REFUSED("vm"),
	MB_JSON_END,
};
// clang-format on
