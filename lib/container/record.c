/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/parse.h"
#include "store/doc.h"
#include "json/json.h"

// clang-format off
static const struct mb_json_field startup_table[] = {
	MB_JSON_STRV("Test", struct mb_container_startup, check.test),
	MB_JSON_I64("Interval", struct mb_container_startup, check.interval_nsec),
	MB_JSON_I64("Timeout", struct mb_container_startup, check.timeout_nsec),
	MB_JSON_INT("Retries", struct mb_container_startup, check.retries),
	MB_JSON_INT("Successes", struct mb_container_startup, successes),
	MB_JSON_END,
};

static const struct mb_json_field secret_table[] = {
	MB_JSON_STR("Name", struct mb_container_secret, name, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("Target", struct mb_container_secret, target, .flags = MB_JSON_ALWAYS),
	MB_JSON_BOOL("Env", struct mb_container_secret, is_env),
	MB_JSON_U32("UID", struct mb_container_secret, uid, .flags = MB_JSON_ALWAYS),
	MB_JSON_U32("GID", struct mb_container_secret, gid, .flags = MB_JSON_ALWAYS),
	MB_JSON_U32("Mode", struct mb_container_secret, mode, .flags = MB_JSON_ALWAYS),
	MB_JSON_END,
};

static const struct mb_json_field config_table[] = {
	MB_JSON_STR("Hostname", struct mb_container_config, hostname, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("Domainname", struct mb_container_config, domainname, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("User", struct mb_container_config, user, .flags = MB_JSON_ALWAYS),
	MB_JSON_BOOL("AttachStdin", struct mb_container_config, attach_stdin, .flags = MB_JSON_ALWAYS),
	MB_JSON_BOOL("AttachStdout", struct mb_container_config, attach_stdout, .flags = MB_JSON_ALWAYS),
	MB_JSON_BOOL("AttachStderr", struct mb_container_config, attach_stderr, .flags = MB_JSON_ALWAYS),
	MB_JSON_SET("ExposedPorts", struct mb_container_config, exposed_ports, .flags = MB_JSON_NULL),
	MB_JSON_BOOL("Tty", struct mb_container_config, tty, .flags = MB_JSON_ALWAYS),
	MB_JSON_BOOL("OpenStdin", struct mb_container_config, open_stdin, .flags = MB_JSON_ALWAYS),
	MB_JSON_BOOL("StdinOnce", struct mb_container_config, stdin_once, .flags = MB_JSON_ALWAYS),
	MB_JSON_STRV("Env", struct mb_container_config, env, .flags = MB_JSON_ALWAYS),
	MB_JSON_STRV("Cmd", struct mb_container_config, cmd, .flags = MB_JSON_NULL),
	MB_JSON_STR("Image", struct mb_container_config, image, .flags = MB_JSON_ALWAYS),
	MB_JSON_SET("Volumes", struct mb_container_config, volumes, .flags = MB_JSON_NULL),
	MB_JSON_STR("WorkingDir", struct mb_container_config, working_dir, .flags = MB_JSON_ALWAYS),
	MB_JSON_STRV("Entrypoint", struct mb_container_config, entrypoint, .flags = MB_JSON_NULL),
	MB_JSON_KV("Labels", struct mb_container_config, labels, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("StopSignal", struct mb_container_config, stop_signal),
	MB_JSON_I64_OPT("StopTimeout", struct mb_container_config, stop_timeout, has_stop_timeout),
	MB_JSON_PTR("Healthcheck", struct mb_container_config, healthcheck, mb_oci_healthcheck_table),
	MB_JSON_PTR("StartupHealthCheck", struct mb_container_config, startup, startup_table),
	MB_JSON_STR("HealthcheckOnFailureAction", struct mb_container_config, on_unhealthy),
	MB_JSON_STRV("Shell", struct mb_container_config, shell),
	MB_JSON_STRV("CreateCommand", struct mb_container_config, create_command),
	MB_JSON_STR("Umask", struct mb_container_config, umask),
	MB_JSON_STR("Timezone", struct mb_container_config, timezone),
	MB_JSON_LIST("Secrets", struct mb_container_config, secrets, n_secrets, struct mb_container_secret, secret_table),
	MB_JSON_END,
};

static const struct mb_json_field device_table[] = {
	MB_JSON_STR("PathOnHost", struct mb_container_device, path_on_host, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("PathInContainer", struct mb_container_device, path_in_container, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("CgroupPermissions", struct mb_container_device, permissions, .flags = MB_JSON_ALWAYS),
	MB_JSON_END,
};

static const struct mb_json_field ulimit_table[] = {
	MB_JSON_STR("Name", struct mb_container_ulimit, name, .flags = MB_JSON_ALWAYS),
	MB_JSON_I64("Hard", struct mb_container_ulimit, hard, .flags = MB_JSON_ALWAYS),
	MB_JSON_I64("Soft", struct mb_container_ulimit, soft, .flags = MB_JSON_ALWAYS),
	MB_JSON_END,
};

static const struct mb_json_field throttle_table[] = {
	MB_JSON_STR("Path", struct mb_container_throttle, path),
	MB_JSON_U64("Rate", struct mb_container_throttle, rate),
	MB_JSON_END,
};

static const struct mb_json_field restart_table[] = {
	MB_JSON_STR("Name", struct mb_container_restart, name, .flags = MB_JSON_ALWAYS),
	MB_JSON_INT("MaximumRetryCount", struct mb_container_restart, max_retries, .flags = MB_JSON_ALWAYS),
	MB_JSON_END,
};

#define HOST struct mb_container_host_config
static const struct mb_json_field log_table[] = {
	MB_JSON_STR("Type", HOST, log_driver, .flags = MB_JSON_ALWAYS),
	MB_JSON_KV("Config", HOST, log_options, .flags = MB_JSON_ALWAYS),
	MB_JSON_END,
};

#define THROTTLES(n, m, c) MB_JSON_LIST(n, HOST, m, c, struct mb_container_throttle, throttle_table)
static const struct mb_json_field host_table[] = {
	MB_JSON_STRV("Binds", HOST, binds, .flags = MB_JSON_NULL),
	MB_JSON_STR("ContainerIDFile", HOST, container_id_file, .flags = MB_JSON_ALWAYS),
	/* The struct has both among its own. */
	{.name = "LogConfig", .kind = MB_JSON_KIND_OBJ, .table = log_table, .flags = MB_JSON_ALWAYS},
	MB_JSON_STR("NetworkMode", HOST, network_mode, .flags = MB_JSON_ALWAYS),
	MB_JSON_STRV("Publish", HOST, publish),
	MB_JSON_STR("NetRate", HOST, net_rate),
	MB_JSON_STR("NetDelay", HOST, net_delay),
	MB_JSON_STR("NetLoss", HOST, net_loss),
	MB_JSON_OBJ("RestartPolicy", HOST, restart, restart_table, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("RestartDelay", HOST, restart_delay),
	MB_JSON_STRV("Requires", HOST, requires),
	MB_JSON_STR("PidFile", HOST, pid_file),
	MB_JSON_BOOL("AutoRemove", HOST, auto_remove, .flags = MB_JSON_ALWAYS),
	MB_JSON_STRV("VolumesFrom", HOST, volumes_from, .flags = MB_JSON_NULL),
	MB_JSON_STRV("CapAdd", HOST, cap_add, .flags = MB_JSON_NULL),
	MB_JSON_STRV("CapDrop", HOST, cap_drop, .flags = MB_JSON_NULL),
	MB_JSON_STR("CgroupnsMode", HOST, cgroupns_mode, .flags = MB_JSON_ALWAYS),
	MB_JSON_STRV("Dns", HOST, dns, .flags = MB_JSON_ALWAYS),
	MB_JSON_STRV("DnsOptions", HOST, dns_options, .flags = MB_JSON_ALWAYS),
	MB_JSON_STRV("DnsSearch", HOST, dns_search, .flags = MB_JSON_ALWAYS),
	MB_JSON_STRV("ExtraHosts", HOST, extra_hosts, .flags = MB_JSON_NULL),
	MB_JSON_STRV("GroupAdd", HOST, group_add, .flags = MB_JSON_NULL),
	MB_JSON_STR("IpcMode", HOST, ipc_mode, .flags = MB_JSON_ALWAYS),
	MB_JSON_STRV("Links", HOST, links, .flags = MB_JSON_NULL),
	MB_JSON_INT("OomScoreAdj", HOST, oom_score_adj, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("PidMode", HOST, pid_mode, .flags = MB_JSON_ALWAYS),
	MB_JSON_BOOL("Privileged", HOST, privileged, .flags = MB_JSON_ALWAYS),
	MB_JSON_BOOL("Hardened", HOST, hardened),
	MB_JSON_BOOL("NoHosts", HOST, no_hosts),
	MB_JSON_BOOL("PublishAllPorts", HOST, publish_all, .flags = MB_JSON_ALWAYS),
	MB_JSON_BOOL("ReadonlyRootfs", HOST, readonly_rootfs, .flags = MB_JSON_ALWAYS),
	MB_JSON_STRV("SecurityOpt", HOST, security_opt, .flags = MB_JSON_NULL),
	MB_JSON_STR("UTSMode", HOST, uts_mode, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("UsernsMode", HOST, userns_mode, .flags = MB_JSON_ALWAYS),
	MB_JSON_STRV("UidMap", HOST, uid_map),
	MB_JSON_STRV("GidMap", HOST, gid_map),
	MB_JSON_I64("ShmSize", HOST, shm_size, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("Runtime", HOST, runtime, .flags = MB_JSON_ALWAYS),
	MB_JSON_KV("Tmpfs", HOST, tmpfs),
	MB_JSON_KV("Sysctls", HOST, sysctls),
	MB_JSON_KV("Annotations", HOST, annotations),
	MB_JSON_I64("CpuShares", HOST, cpu_shares, .flags = MB_JSON_ALWAYS),
	MB_JSON_I64("Memory", HOST, memory, .flags = MB_JSON_ALWAYS),
	MB_JSON_I64("NanoCpus", HOST, nano_cpus, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("CgroupParent", HOST, cgroup_parent, .flags = MB_JSON_ALWAYS),
	MB_JSON_INT("BlkioWeight", HOST, blkio_weight, .flags = MB_JSON_ALWAYS),
	THROTTLES("BlkioDeviceReadBps", read_bps, n_read_bps),
	THROTTLES("BlkioDeviceWriteBps", write_bps, n_write_bps),
	THROTTLES("BlkioDeviceReadIOps", read_iops, n_read_iops),
	THROTTLES("BlkioDeviceWriteIOps", write_iops, n_write_iops),
	MB_JSON_I64("CpuPeriod", HOST, cpu_period, .flags = MB_JSON_ALWAYS),
	MB_JSON_I64("CpuQuota", HOST, cpu_quota, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("CpusetCpus", HOST, cpuset_cpus, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("CpusetMems", HOST, cpuset_mems, .flags = MB_JSON_ALWAYS),
	MB_JSON_LIST("Devices", HOST, devices, n_devices, struct mb_container_device, device_table,
		     .flags = MB_JSON_ALWAYS),
	MB_JSON_STRV("DeviceCgroupRules", HOST, device_cgroup_rules, .flags = MB_JSON_NULL),
	MB_JSON_I64("MemoryReservation", HOST, memory_reservation, .flags = MB_JSON_ALWAYS),
	MB_JSON_I64("MemorySwap", HOST, memory_swap, .flags = MB_JSON_ALWAYS),
	MB_JSON_INT_OPT("MemorySwappiness", HOST, memory_swappiness, has_memory_swappiness),
	MB_JSON_BOOL("OomKillDisable", HOST, oom_kill_disable, .flags = MB_JSON_ALWAYS),
	MB_JSON_BOOL("Init", HOST, init),
	MB_JSON_I64("PidsLimit", HOST, pids_limit, .flags = MB_JSON_ALWAYS),
	MB_JSON_LIST("Ulimits", HOST, ulimits, n_ulimits, struct mb_container_ulimit, ulimit_table,
		     .flags = MB_JSON_NULL),
	MB_JSON_END,
};

static const struct mb_json_field mount_table[] = {
	MB_JSON_STR("Type", struct mb_container_mount, type),
	MB_JSON_STR("Name", struct mb_container_mount, name),
	MB_JSON_STR("Source", struct mb_container_mount, source, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("Destination", struct mb_container_mount, destination, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("Mode", struct mb_container_mount, mode, .flags = MB_JSON_ALWAYS),
	MB_JSON_BOOL("RW", struct mb_container_mount, rw, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("Propagation", struct mb_container_mount, propagation, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("Options", struct mb_container_mount, options),
	MB_JSON_BOOL("NoCopy", struct mb_container_mount, nocopy),
	MB_JSON_BOOL("Anonymous", struct mb_container_mount, anonymous),
	MB_JSON_STR("Image", struct mb_container_mount, image),
	MB_JSON_STR("Subpath", struct mb_container_mount, subpath),
	MB_JSON_INT("Recursive", struct mb_container_mount, recursive),
	MB_JSON_BOOL("CreateSource", struct mb_container_mount, create_source),
	MB_JSON_BOOL("IdMap", struct mb_container_mount, idmap),
	MB_JSON_BOOL("Chown", struct mb_container_mount, chown),
	MB_JSON_BOOL("ByMount", struct mb_container_mount, by_mount),
	MB_JSON_STR("Overlay", struct mb_container_mount, overlay),
	MB_JSON_END,
};

#define RECORD struct mb_container_record
static const struct mb_json_field record_table[] = {
	MB_JSON_STR("Id", RECORD, id, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("Name", RECORD, name, .flags = MB_JSON_REQUIRED),
	MB_JSON_TIME("Created", RECORD, created),
	MB_JSON_STR("Image", RECORD, image_id, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("Rootfs", RECORD, rootfs),
	MB_JSON_BOOL("RootfsOverlay", RECORD, rootfs_overlay),
	MB_JSON_OBJ("Config", RECORD, config, config_table),
	MB_JSON_OBJ("HostConfig", RECORD, host, host_table),
	MB_JSON_LIST("Mounts", RECORD, mounts, n_mounts, struct mb_container_mount, mount_table),
	MB_JSON_STRV("Networks", RECORD, networks),
	MB_JSON_STRV("Layers", RECORD, layers),
	MB_JSON_BOOL("OnLayers", RECORD, on_layers),
	MB_JSON_END,
};

/* What a list shows by itself.  Of a name that no row has a tree would be made, to know it again. */
static const struct mb_json_field brief_config_table[] = {
	MB_JSON_SKIPPED("Hostname"), MB_JSON_SKIPPED("Domainname"), MB_JSON_SKIPPED("User"),
	MB_JSON_SKIPPED("AttachStdin"), MB_JSON_SKIPPED("AttachStdout"), MB_JSON_SKIPPED("AttachStderr"),
	MB_JSON_SET("ExposedPorts", struct mb_container_config, exposed_ports),
	MB_JSON_SKIPPED("Tty"), MB_JSON_SKIPPED("OpenStdin"), MB_JSON_SKIPPED("StdinOnce"),
	MB_JSON_SKIPPED("Env"),
	MB_JSON_STRV("Cmd", struct mb_container_config, cmd),
	MB_JSON_STR("Image", struct mb_container_config, image),
	MB_JSON_SKIPPED("Volumes"), MB_JSON_SKIPPED("WorkingDir"),
	MB_JSON_STRV("Entrypoint", struct mb_container_config, entrypoint),
	MB_JSON_SKIPPED("Labels"), MB_JSON_SKIPPED("StopSignal"), MB_JSON_SKIPPED("StopTimeout"),
	MB_JSON_PTR("Healthcheck", struct mb_container_config, healthcheck, mb_oci_healthcheck_table),
	MB_JSON_SKIPPED("StartupHealthCheck"), MB_JSON_SKIPPED("HealthcheckOnFailureAction"), MB_JSON_SKIPPED("Shell"),
	MB_JSON_SKIPPED("CreateCommand"), MB_JSON_SKIPPED("Secrets"),
	MB_JSON_END,
};
static const struct mb_json_field brief_table[] = {
	MB_JSON_STR("Id", RECORD, id, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("Name", RECORD, name, .flags = MB_JSON_REQUIRED),
	MB_JSON_TIME("Created", RECORD, created),
	MB_JSON_STR("Image", RECORD, image_id),
	MB_JSON_SKIPPED("Rootfs"), MB_JSON_SKIPPED("RootfsOverlay"),
	MB_JSON_OBJ("Config", RECORD, config, brief_config_table),
	MB_JSON_SKIPPED("HostConfig"), MB_JSON_SKIPPED("Mounts"), MB_JSON_SKIPPED("Networks"),
	MB_JSON_SKIPPED("Layers"),
	MB_JSON_BOOL("OnLayers", RECORD, on_layers),
	MB_JSON_END,
};
// clang-format on

void mb_container_record_done(struct mb_container_record *record)
{
	mb_json_done(record_table, record);
}

void mb_container_record_free(struct mb_container_record *record)
{
	if (!record)
		return;
	mb_container_record_done(record);
	free(record);
}

int mb_container_record_load_at(int base_fd, const char *path, bool brief,
                                struct mb_container_record **ret, struct mb_err *err)
{
	MB_AUTO(mb_container_record_free) struct mb_container_record *record = NULL;
	int r;

	record = mb_calloc(1, sizeof(*record));
	r = mb_store_doc_load(base_fd, path, brief ? brief_table : record_table, record, err);
	if (r != 0)
		return r;
	if (!mb_hex_is_valid(record->id, MB_ID_LEN)) {
		mb_fail(err, EBADMSG, "'%s' has no valid id", path);
		return MB_DOC_CORRUPT;
	}
	*ret = mb_take_ptr(&record);
	return 0;
}

int mb_container_record_load(int dir_fd, struct mb_container_record **ret, struct mb_err *err)
{
	return mb_container_record_load_at(dir_fd, "container.json", false, ret, err);
}

int mb_container_record_save(int dir_fd, const struct mb_container_record *record, unsigned flags,
                             struct mb_err *err)
{
	return mb_store_doc_save(dir_fd, "container.json", record_table, record, flags, err);
}

struct json_object *mb_container_config_json(const struct mb_container_config *config)
{
	return mb_json_encode(config_table, config);
}

struct json_object *mb_container_host_json(const struct mb_container_host_config *host)
{
	struct mb_container_host_config shown = *host;

	shown.publish = MB_STRV_INIT;
	return mb_json_encode(host_table, &shown);
}

void *mb_container_append(void *list, size_t *count, size_t size)
{
	char *old, *grown;

	memcpy(&old, list, sizeof(old));
	grown = mb_realloc(old, (*count + 1) * size);
	memset(grown + *count * size, 0, size);
	memcpy(list, &grown, sizeof(grown));
	return grown + (*count)++ * size;
}
