/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/record.h — what the user asked of one container: ROOT/containers/ID/container.json.
 *
 * Member names on disk are those of docker's inspect, so that inspect is this document and what
 * is true now beside it.  Written once at create; rename, update and connect replace it.
 */
#ifndef MB_CONTAINER_RECORD_H
#define MB_CONTAINER_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/id.h"
#include "core/own.h"
#include "core/strv.h"
#include "oci/image_spec.h"

struct json_object;
struct mb_err;

/* podman's: before it has succeeded the other check is not asked. */
struct mb_container_startup {
	struct mb_oci_healthcheck check; /* retries 0: for ever */
	int successes;                   /* wanted in a row */
};

struct mb_container_secret {
	char *name, *target; /* a path, or a variable */
	bool is_env;
	uint32_t uid, gid, mode;
};

struct mb_container_config {
	char *hostname, *domainname, *user, *image, *working_dir, *stop_signal;
	bool attach_stdin, attach_stdout, attach_stderr, tty, open_stdin, stdin_once;
	struct mb_strv env, cmd, entrypoint, exposed_ports, volumes;
	struct mb_kv labels;
	int64_t stop_timeout; /* seconds; -1 = for ever */
	bool has_stop_timeout;
	struct mb_oci_healthcheck *healthcheck; /* NULL: none */
	struct mb_container_startup *startup;   /* likewise */
	char *on_unhealthy;                     /* none, kill, restart, stop; NULL: none */
	struct mb_strv shell;                   /* of CMD-SHELL; none: /bin/sh -c */
	struct mb_strv create_command;          /* as it was typed; podman's */
	struct mb_container_secret *secrets;    /* lib/container/secrets.c reads them */
	size_t n_secrets;
	char *umask, *timezone; /* --umask, in octal; --tz; or NULL */
};

struct mb_container_device {
	char *path_on_host, *path_in_container, *permissions;
};

struct mb_container_ulimit {
	char *name;
	int64_t soft, hard; /* -1 = unlimited */
};

struct mb_container_restart {
	char *name; /* no, always, unless-stopped, on-failure */
	int max_retries;
};

struct mb_container_throttle {
	char *path;
	uint64_t rate;
};

struct mb_container_host_config {
	struct mb_strv binds, volumes_from, cap_add, cap_drop, dns, dns_options, dns_search,
		extra_hosts, group_add, security_opt, device_cgroup_rules, links, uid_map,
		gid_map, /* "0:100000:65536"; lib/container/userns.h reads them */
		publish; /* -p as typed and checked; lib/net/port_spec.h reads it */
	char *network_mode, *ipc_mode, *pid_mode, *uts_mode, *cgroupns_mode, *cgroup_parent,
		*userns_mode, *runtime, *container_id_file, *cpuset_cpus, *cpuset_mems, *net_rate,
		*net_delay, *net_loss; /* lib/net/shape.h reads them */
	struct mb_container_restart restart;
	char *log_driver; /* lib/container/logging.c reads both */
	struct mb_kv log_options;
	char *restart_delay;     /* lib/container/check_restart.c reads it */
	struct mb_strv requires; /* ids of those that are started first */
	char *pid_file;          /* each start writes process 1's number there; or NULL */
	struct mb_kv tmpfs, sysctls, annotations;
	bool auto_remove, privileged, hardened, publish_all, readonly_rootfs, init,
		oom_kill_disable, no_hosts;
	int64_t shm_size, memory, memory_reservation, memory_swap, nano_cpus, cpu_shares,
		cpu_period, cpu_quota, pids_limit;
	int oom_score_adj, blkio_weight, memory_swappiness;
	bool has_memory_swappiness; /* 0 is a wish, too */
	struct mb_container_device *devices;
	size_t n_devices;
	struct mb_container_ulimit *ulimits;
	size_t n_ulimits;
	struct mb_container_throttle *read_bps, *write_bps, *read_iops, *write_iops;
	size_t n_read_bps, n_write_bps, n_read_iops, n_write_iops;
};

struct mb_container_mount {
	char *type; /* bind, volume, tmpfs, image; "tree": a descriptor's, in memory alone */
	char *name; /* of a volume */
	char *source, *destination, *mode, *propagation;
	char *options; /* what is left of the mode for the mount: "noexec,size=64m" */
	char *image;   /* "sha256:...", whatever .source means by now; or NULL */
	char *subpath; /* of a volume or an image */
	int recursive; /* enum mb_volume_recursive */
	int tree_fd;   /* of a "tree": a detached mount, which stays the caller's; not on disk */
	char *overlay; /* what is written stays in this layer of the container's own; or NULL */
	bool rw, nocopy, anonymous, create_source, idmap;
	bool by_mount; /* asked for by --mount */
	bool chown;    /* by each start, to the user of the container's program */
};

struct mb_container_record {
	char *id, *name;
	int64_t created;     /* ns since 1970 */
	char *image_id;      /* sha256:... or "" with --rootfs */
	char *rootfs;        /* --rootfs: the directory; or NULL */
	bool rootfs_overlay; /* it stays as it is, changes are the container's own */
	struct mb_container_config config;
	struct mb_container_host_config host;
	struct mb_container_mount *mounts;
	size_t n_mounts;
	/* A step of a build runs on layers that are no image yet: chain ids, lowest first. */
	struct mb_strv layers;
	bool on_layers;
	struct mb_strv networks; /* --network in its long form; lib/net/network_spec.h reads it */
};

/* Release what it owns, not itself. */
void mb_container_record_done(struct mb_container_record *record);
void mb_container_record_free(struct mb_container_record *record);
MB_AUTO_DEFINE(struct mb_container_record, mb_container_record_free)

/* Read or write container.json below the container's directory.  Flags as in store/doc.h.
 * Load returns 0; MB_DOC_CORRUPT, told; -ENOENT and other -errno, told. */
int mb_container_record_load(int dir_fd, struct mb_container_record **ret, struct mb_err *err);
/* The same by its @path below @base_fd.  @brief: for a list of many, what that shows by itself: id,
 * name, image, command, exposed ports and health check; the rest is empty. */
int mb_container_record_load_at(int base_fd, const char *path, bool brief,
                                struct mb_container_record **ret, struct mb_err *err);
int mb_container_record_save(int dir_fd, const struct mb_container_record *record, unsigned flags,
                             struct mb_err *err);

/* Parts of it as inspect shows them; owned by the caller. */
struct json_object *mb_container_config_json(const struct mb_container_config *config);
struct json_object *mb_container_host_json(const struct mb_container_host_config *host);

/* Append a zeroed element to one of the lists above, by its pointer and count:
 *	mount = mb_container_append(&record->mounts, &record->n_mounts, sizeof(*mount));
 * Borrowed until the next append. */
void *mb_container_append(void *list, size_t *count, size_t size);

#endif
