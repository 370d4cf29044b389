/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/container_flags.h"

#include "cmd/notify.h"

#define A struct mb_cmd_create_args

static const char *const failure_choices[] = {"none", "kill", "restart", "stop", NULL};
static const char *const pull_choices[] = {"missing", "always", "never", NULL};

// clang-format off
#define RUN_ROWS \
	MB_OPT_SWITCH('d', "detach", A, detach, "run in the background and print the container id"), \
	MB_OPT_TRI(0, "sig-proxy", A, sig_proxy, "pass signals on to the process", .def = "true"), \
	MB_OPT_STRING(0, "detach-keys", NULL, A, detach_keys, "keys that detach from the container"), \
	MB_OPT_CHOICE(0, "sdnotify", NULL, A, sdnotify, mb_cmd_notify_modes, "who tells systemd that it has started", .def = "container"), \
	MB_OPT_SWITCH(0, "wait", A, wait, "with -d: until it is healthy, or runs if nobody asks"), \
	MB_OPT_DURATION(0, "wait-timeout", NULL, A, wait_timeout, "fail when that takes longer"),

#define IO_ROWS \
	MB_OPT_LIST('a', "attach", NULL, A, attach, "attach to STDIN, STDOUT or STDERR"), \
	MB_OPT_SWITCH('i', "interactive", A, interactive, "keep STDIN open even if not attached"), \
	MB_OPT_SWITCH('t', "tty", A, tty, "allocate a pseudo-terminal"), \
	MB_OPT_SWITCH(0, "rm", A, rm, "remove the container when it exits"), \
	MB_OPT_STRING(0, "cidfile", "file", A, cidfile, "write the container id to the file", .complete = MB_COMP_FILE), \
	MB_OPT_STRING(0, "name", NULL, A, name, "give the container a name"), \
	MB_OPT_SWITCH(0, "replace", A, replace, "remove a container of that name first"), \
	MB_OPT_STRING(0, "pidfile", "file", A, pidfile, "each start writes the process' number to the file", .complete = MB_COMP_FILE), \
	MB_OPT_STRING(0, "platform", NULL, A, platform, "platform of the image"), \
	MB_OPT_CHOICE(0, "pull", NULL, A, pull, pull_choices, "when to pull the image", .def = "missing"), \
	MB_OPT_SWITCH('q', "quiet", A, quiet, "say nothing about pulling"),

#define PROCESS_ROWS \
	MB_OPT_LIST('e', "env", NULL, A, env, "set environment variables"), \
	MB_OPT_LIST(0, "env-file", "file", A, env_files, "read in a file of environment variables", .complete = MB_COMP_FILE), \
	MB_OPT_SWITCH(0, "env-host", A, env_host, "variables of the caller that nobody else sets"), \
	MB_OPT_LIST(0, "unsetenv", "name", A, unset_env, "a variable of the image that is not to be"), \
	MB_OPT_SWITCH(0, "unsetenv-all", A, unset_env_all, "none of the image's variables"), \
	MB_OPT_SWITCH(0, "http-proxy", A, http_proxy, "the caller's variables of proxies that nobody else sets"), \
	MB_OPT_LIST(0, "secret", "secret", A, secrets, "let it read a secret: name[,type=env][,target=...]", .complete = MB_COMP_SECRET), \
	MB_OPT_STRING('w', "workdir", NULL, A, workdir, "working directory inside the container"), \
	MB_OPT_STRING('u', "user", NULL, A, user, "user name or uid (<name|uid>[:<group|gid>])"), \
	MB_OPT_STRING(0, "entrypoint", NULL, A, entrypoint, "overwrite the image's: a word, or a JSON list"), \
	MB_OPT_STRING(0, "tz", "zone", A, timezone, "time zone of the container: Area/City, or local"), \
	MB_OPT_STRING(0, "umask", "octal", A, umask, "umask of its processes (0022)"), \
	MB_OPT_SWITCH(0, "init", A, init, "run an init that forwards signals and reaps"), \
	MB_OPT_STRING(0, "stop-signal", NULL, A, stop_signal, "signal to stop the container", .complete = MB_COMP_SIGNAL), \
	MB_OPT_INT(0, "stop-timeout", "seconds", A, stop_timeout, "seconds until it is killed after a stop", .def = "10"), \
	MB_OPT_LIST(0, "group-add", NULL, A, group_add, "add additional groups to join"), \
	MB_OPT_LIST(0, "ulimit", NULL, A, ulimits, "ulimit options (name=soft[:hard])"), \
	MB_OPT_INT(0, "oom-score-adj", NULL, A, oom_score_adj, "tune the host's OOM preferences (-1000 to 1000)"), \
	MB_OPT_STRING(0, "runtime", NULL, A, runtime, "only mybox and runc, which mean the same"),

#define NETWORK_ROWS \
	MB_OPT_STRING('h', "hostname", NULL, A, hostname, "container host name"), \
	MB_OPT_STRING(0, "domainname", NULL, A, domainname, "container NIS domain name"), \
	MB_OPT_LIST(0, "add-host", "host:ip", A, add_hosts, "add a custom host-to-IP mapping"), \
	MB_OPT_SWITCH(0, "no-hosts", A, no_hosts, "leave /etc/hosts to the image"), \
	MB_OPT_LIST(0, "dns", NULL, A, dns, "set custom DNS servers"), \
	MB_OPT_LIST(0, "dns-search", NULL, A, dns_search, "set custom DNS search domains"), \
	MB_OPT_LIST(0, "dns-option", NULL, A, dns_options, "set DNS options", .aliases = "dns-opt"), \
	MB_OPT_LIST(0, "network", "network", A, networks, "connect the container to a network", .aliases = "net", .complete = MB_COMP_NETWORK), \
	MB_OPT_LIST(0, "link", "list", A, links, "call another container so, as NAME:ALIAS"), \
	MB_OPT_LIST(0, "network-alias", NULL, A, aliases, "add a name for the container on the network", .aliases = "net-alias"), \
	MB_OPT_LIST('p', "publish", NULL, A, publish, "publish a container's port to the host"), \
	MB_OPT_SWITCH('P', "publish-all", A, publish_all, "publish all exposed ports to random ports"), \
	MB_OPT_LIST(0, "expose", NULL, A, expose, "expose a port or a range of ports"), \
	MB_OPT_STRING(0, "ip", NULL, A, ip, "IPv4 address (172.30.100.104)"), \
	MB_OPT_STRING(0, "ip6", NULL, A, ip6, "IPv6 address (2001:db8::33)"), \
	MB_OPT_STRING(0, "mac-address", NULL, A, mac, "container MAC address (92:d0:c6:0a:29:33)"), \
	MB_OPT_STRING(0, "net-rate", "rate[:burst]", A, net_rate, "limit bits per second, each way (10mbit:64k)"), \
	MB_OPT_STRING(0, "net-delay", "time[,jitter]", A, net_delay, "delay what the container sends (100ms,10ms)"), \
	MB_OPT_STRING(0, "net-loss", "percent", A, net_loss, "lose a part of what the container sends (0.5%)"),

#define STORAGE_ROWS \
	MB_OPT_LIST('v', "volume", NULL, A, volumes, "bind mount a volume"), \
	MB_OPT_LIST(0, "mount", NULL, A, mounts, "attach a file system mount to the container"), \
	MB_OPT_LIST(0, "tmpfs", NULL, A, tmpfs, "mount a tmpfs directory"), \
	MB_OPT_STRING(0, "volume-driver", NULL, A, volume_driver, "only local, the one that there is"), \
	MB_OPT_LIST(0, "volumes-from", NULL, A, volumes_from, "mount volumes of the given containers", .complete = MB_COMP_CONTAINER), \
	MB_OPT_SWITCH(0, "read-only", A, read_only, "mount the root file system as read only"), \
	MB_OPT_SWITCH(0, "rootfs", A, rootfs, "not an image but a directory: DIR[:O]"), \
	MB_OPT_SIZE(0, "shm-size", NULL, A, shm_size, "size of /dev/shm"),

#define RESOURCE_ROWS \
	MB_OPT_SIZE('m', "memory", NULL, A, memory, "memory limit"), \
	MB_OPT_SIZE(0, "memory-swap", NULL, A, memory_swap, "memory plus swap; -1 is unlimited swap", .minus_one = true), \
	MB_OPT_SIZE(0, "memory-reservation", NULL, A, memory_reservation, "memory soft limit"), \
	MB_OPT_INT(0, "memory-swappiness", NULL, A, swappiness, "tune memory swappiness (0 to 100)", .def = "-1"), \
	MB_OPT_CPUS(0, "cpus", NULL, A, cpus, "number of CPUs"), \
	MB_OPT_I64('c', "cpu-shares", NULL, A, cpu_shares, "CPU shares (relative weight)"), \
	MB_OPT_I64(0, "cpu-period", NULL, A, cpu_period, "limit the CPU CFS period, microseconds"), \
	MB_OPT_I64(0, "cpu-quota", NULL, A, cpu_quota, "limit the CPU CFS quota, microseconds"), \
	MB_OPT_STRING(0, "cpuset-cpus", NULL, A, cpuset_cpus, "CPUs in which to allow execution (0-3, 0,1)"), \
	MB_OPT_STRING(0, "cpuset-mems", NULL, A, cpuset_mems, "memory nodes to use (0-3, 0,1)"), \
	MB_OPT_I64(0, "pids-limit", NULL, A, pids_limit, "limit of processes; -1 is unlimited"), \
	MB_OPT_INT(0, "blkio-weight", NULL, A, blkio_weight, "block IO weight, 10 to 1000; 0 is off"), \
	MB_OPT_LIST(0, "device-read-bps", NULL, A, read_bps, "limit bytes per second read from a device"), \
	MB_OPT_LIST(0, "device-write-bps", NULL, A, write_bps, "limit bytes per second written to a device"), \
	MB_OPT_LIST(0, "device-read-iops", NULL, A, read_iops, "limit reads per second from a device"), \
	MB_OPT_LIST(0, "device-write-iops", NULL, A, write_iops, "limit writes per second to a device"), \
	MB_OPT_SWITCH(0, "oom-kill-disable", A, oom_kill_disable, "disable the OOM killer (cgroup v1 only)"), \
	MB_OPT_STRING(0, "cgroup-parent", NULL, A, cgroup_parent, "parent control group of the container"),

#define SECURITY_ROWS \
	MB_OPT_SWITCH(0, "privileged", A, privileged, "give extended privileges to the container"), \
	MB_OPT_SWITCH(0, "hardened", A, hardened, "fewer capabilities and system calls, no new privileges"), \
	MB_OPT_LIST(0, "cap-add", NULL, A, cap_add, "add Linux capabilities"), \
	MB_OPT_LIST(0, "cap-drop", NULL, A, cap_drop, "drop Linux capabilities"), \
	MB_OPT_LIST(0, "security-opt", NULL, A, security_opts, "security options"), \
	MB_OPT_LIST(0, "device", NULL, A, devices, "add a host device to the container", .complete = MB_COMP_FILE), \
	MB_OPT_LIST(0, "device-cgroup-rule", NULL, A, device_rules, "add a rule to the allowed devices"), \
	MB_OPT_STRING(0, "userns", NULL, A, userns, "user namespace to use: host, auto[:size=N]"), \
	MB_OPT_LIST(0, "uidmap", "map", A, uidmap, "map user ids (container:host[:amount])"), \
	MB_OPT_LIST(0, "gidmap", "map", A, gidmap, "map group ids (container:host[:amount])"), \
	MB_OPT_STRING(0, "pid", NULL, A, pid, "PID namespace to use: host, container:NAME"), \
	MB_OPT_STRING(0, "ipc", NULL, A, ipc, "IPC mode to use"), \
	MB_OPT_STRING(0, "uts", NULL, A, uts, "UTS namespace to use: host"), \
	MB_OPT_STRING(0, "cgroupns", NULL, A, cgroupns, "cgroup namespace to use: host, private"), \
	MB_OPT_KV(0, "sysctl", NULL, A, sysctls, "sysctl options"),

#define HEALTH_ROWS \
	MB_OPT_STRING(0, "health-cmd", NULL, A, health_cmd, "command that tells whether it is well", .aliases = "healthcheck-command"), \
	MB_OPT_DURATION(0, "health-interval", NULL, A, health_interval, "time between two checks (30s)", .aliases = "healthcheck-interval"), \
	MB_OPT_DURATION(0, "health-timeout", NULL, A, health_timeout, "time that one check may take (30s)", .aliases = "healthcheck-timeout"), \
	MB_OPT_INT(0, "health-retries", NULL, A, health_retries, "failures in a row that make it unhealthy (3)", .aliases = "healthcheck-retries"), \
	MB_OPT_DURATION(0, "health-start-period", NULL, A, health_start_period, "time in which failures do not count", .aliases = "healthcheck-start-period"), \
	MB_OPT_DURATION(0, "health-start-interval", NULL, A, health_start_interval, "time between checks in the start period (5s)", .aliases = "healthcheck-start-interval"), \
	MB_OPT_CHOICE(0, "health-on-failure", NULL, A, health_on_failure, failure_choices, "what is done to one that is unhealthy", .def = "none"), \
	MB_OPT_STRING(0, "health-startup-cmd", NULL, A, startup_cmd, "check that has to succeed before the other begins"), \
	MB_OPT_DURATION(0, "health-startup-interval", NULL, A, startup_interval, "time between two startup checks (30s)"), \
	MB_OPT_DURATION(0, "health-startup-timeout", NULL, A, startup_timeout, "time that one startup check may take (30s)"), \
	MB_OPT_INT(0, "health-startup-retries", NULL, A, startup_retries, "failures in a row that restart it; 0: any number"), \
	MB_OPT_INT(0, "health-startup-success", NULL, A, startup_success, "successes in a row that are wanted", .def = "1"), \
	MB_OPT_SWITCH(0, "no-healthcheck", A, no_healthcheck, "no health check, whatever the image says"),

#define METADATA_ROWS \
	MB_OPT_LIST('l', "label", NULL, A, labels, "set metadata on the container"), \
	MB_OPT_LIST(0, "label-file", "file", A, label_files, "read in a file of labels", .complete = MB_COMP_FILE), \
	MB_OPT_KV(0, "annotation", NULL, A, annotations, "add an annotation to the container"), \
	MB_OPT_STRING(0, "log-driver", NULL, A, log_driver, "k8s-file, local, json-file, journald, syslog, none", .def = "k8s-file"), \
	MB_OPT_KV(0, "log-opt", "list", A, log_options, "options of the log driver"), \
	MB_OPT_STRING(0, "restart", NULL, A, restart, "restart policy when the container exits", .def = "no"), \
	MB_OPT_STRING(0, "restart-delay", NULL, A, restart_delay, "waits between restarts: min,max,factor,reset-after"), \
	MB_OPT_LIST(0, "requires", "container", A, requires, "containers that are started before this one", .complete = MB_COMP_CONTAINER),

/* What docker has and this version has not: refused by name, never passed over. */
#define REFUSED_ROWS \
	MB_OPT_REFUSED(0, "blkio-weight-device", true, NULL), \
	MB_OPT_REFUSED(0, "cpu-rt-period", true, NULL), \
	MB_OPT_REFUSED(0, "cpu-rt-runtime", true, NULL), \
	MB_OPT_REFUSED(0, "cpu-count", true, NULL), \
	MB_OPT_REFUSED(0, "cpu-percent", true, NULL), \
	MB_OPT_REFUSED(0, "io-maxbandwidth", true, NULL), \
	MB_OPT_REFUSED(0, "io-maxiops", true, NULL), \
	MB_OPT_REFUSED(0, "disable-content-trust", false, NULL), \
	MB_OPT_REFUSED(0, "gpus", true, NULL), \
	MB_OPT_REFUSED(0, "isolation", true, NULL), \
	MB_OPT_REFUSED(0, "kernel-memory", true, NULL), \
	MB_OPT_REFUSED(0, "link-local-ip", true, NULL), \
	MB_OPT_REFUSED(0, "storage-opt", true, NULL), \
	MB_OPT_REFUSED(0, "pod", true, NULL), \
	MB_OPT_REFUSED(0, "init-path", true, "--init runs mybox's own, which is built in"), \
	MB_OPT_REFUSED(0, "use-api-socket", false, "mybox has no daemon"),

#define CREATE_ROWS \
	IO_ROWS PROCESS_ROWS NETWORK_ROWS STORAGE_ROWS RESOURCE_ROWS SECURITY_ROWS HEALTH_ROWS \
	METADATA_ROWS \
	REFUSED_ROWS

const struct mb_cli_opt mb_cmd_create_opts[] = {CREATE_ROWS MB_OPT_END};
const struct mb_cli_opt mb_cmd_run_opts[] = {RUN_ROWS CREATE_ROWS MB_OPT_END};
// clang-format on
