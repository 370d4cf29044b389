/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/container_flags.h — the options of create and run: one table for both. */
#ifndef MB_CMD_CONTAINER_FLAGS_H
#define MB_CMD_CONTAINER_FLAGS_H

#include "cli/cli.h"

struct mb_cmd_context;
struct mb_container_config;
struct mb_container_create_request;

struct mb_cmd_create_args {
	/* run alone */
	bool detach, wait;
	int64_t wait_timeout;
	int sig_proxy;
	const char *detach_keys;
	/* input, output, identity */
	bool interactive, tty, rm, quiet, replace;
	struct mb_strv attach;
	const char *cidfile, *pidfile, *name, *platform;
	int pull;
	/* process */
	struct mb_strv env, env_files, group_add, ulimits, secrets;
	const char *workdir, *user, *entrypoint, *stop_signal, *runtime, *timezone, *umask;
	struct mb_strv unset_env;
	bool init, env_host, unset_env_all, http_proxy;
	int stop_timeout, oom_score_adj;
	/* names and network */
	const char *hostname, *domainname, *ip, *ip6, *mac;
	struct mb_strv add_hosts, dns, dns_search, dns_options, networks, aliases, links, publish,
		expose;
	const char *net_rate, *net_delay, *net_loss;
	bool publish_all, no_hosts;
	/* storage */
	struct mb_strv volumes, mounts, tmpfs, volumes_from;
	const char *volume_driver;
	bool read_only, rootfs;
	int64_t shm_size;
	/* resources */
	int64_t memory, memory_swap, memory_reservation, cpus, cpu_shares, cpu_period, cpu_quota,
		pids_limit;
	const char *cpuset_cpus, *cpuset_mems, *cgroup_parent;
	int blkio_weight, swappiness;
	struct mb_strv read_bps, write_bps, read_iops, write_iops;
	bool oom_kill_disable;
	/* security and namespaces */
	bool privileged, hardened;
	struct mb_strv cap_add, cap_drop, security_opts, devices, device_rules;
	struct mb_strv uidmap, gidmap;
	const char *userns, *pid, *ipc, *uts, *cgroupns;
	struct mb_kv sysctls;
	/* health */
	const char *health_cmd, *startup_cmd;
	int64_t health_interval, health_timeout, health_start_period, health_start_interval,
		startup_interval, startup_timeout;
	int health_retries, startup_retries, startup_success, health_on_failure;
	bool no_healthcheck;
	/* metadata */
	struct mb_strv labels, label_files;
	struct mb_kv annotations;
	const char *restart, *restart_delay, *log_driver;
	int sdnotify;
	struct mb_kv log_options;
	struct mb_strv requires;
};

enum { MB_CMD_PULL_MISSING, MB_CMD_PULL_ALWAYS, MB_CMD_PULL_NEVER };

extern const struct mb_cli_opt mb_cmd_create_opts[]; /* create */
extern const struct mb_cli_opt mb_cmd_run_opts[];    /* run: those and its own */

/* What was said becomes a request; @ret is released by the caller in any case. */
int mb_cmd_create_request_fill(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                               struct mb_container_create_request *ret, struct mb_err *err);

/* container_podman.c: what podman's create has besides docker's. */
int mb_cmd_create_podman_fill(struct mb_cmd_context *cx, const struct mb_cmd_create_args *args,
                              struct mb_container_create_request *q, struct mb_err *err);

/* container_health.c: the flags of the health check. */
int mb_cmd_create_health_fill(const struct mb_cmd_create_args *args,
                              struct mb_container_config *config, struct mb_err *err);

/* env.c: lines of --env-file and --label-file; "-e NAME" takes its value from the caller, and one
 * that the caller has not is not the container's either. */
int mb_cmd_env_add(struct mb_cmd_context *cx, const char *assignment, struct mb_strv *env,
                   struct mb_err *err);
int mb_cmd_env_file_add(struct mb_cmd_context *cx, const char *path, struct mb_strv *env,
                        struct mb_err *err);
int mb_cmd_label_add(const char *label, struct mb_kv *labels, struct mb_err *err);
int mb_cmd_label_file_add(const char *path, struct mb_kv *labels, struct mb_err *err);

#endif
