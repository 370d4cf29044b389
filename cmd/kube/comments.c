/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a pod has no word for, by the name of its option. */
#include "cmd/kube/kube.h"
#include "container/container.h"
#include "core/own.h"
#include "core/parse.h"
#include "net/network_spec.h"

struct lack {
	bool is;
	const char *option, *why;
};

static bool is_set(const char *text, const char *usual)
{
	return text && *text && !mb_streq(text, usual);
}

static void tell(struct mb_cmd_kube *k, const struct mb_container *c, const char *option,
                 const char *why)
{
	mb_strv_addf(&k->comments, "container %s: %s: %s", c->record->name, option, why);
}

static void tell_lacks(struct mb_cmd_kube *k, const struct mb_container *c,
                       const struct lack *lacks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lacks[i].is)
			tell(k, c, lacks[i].option, lacks[i].why);
}

static void tell_network(struct mb_cmd_kube *k, const struct mb_container *c,
                         const struct mb_net_network_spec *spec)
{
	const struct lack lacks[] = {
		{spec->ip4 || spec->ip6, "--ip, --ip6", "the cluster gives addresses: a Service"},
		{spec->mac, "--mac-address", "no word for it"},
		{spec->aliases.n, "--network-alias", "a Service of that name"},
	};

	tell_lacks(k, c, lacks, MB_N(lacks));
}

static void tell_networks(struct mb_cmd_kube *k, const struct mb_container *c)
{
	const char *mode = c->record->host.network_mode;

	if (is_set(mode, "host") && !mb_streq(mode, "bridge") && !mb_streq(mode, "default"))
		mb_strv_addf(&k->comments,
		             "container %s: --network %s: pods share the cluster's network, or one "
		             "of Multus'",
		             c->record->name, mode);
	MB_STRV_FOREACH (text, &c->record->networks) {
		__attribute__((
			cleanup(mb_net_network_spec_done))) struct mb_net_network_spec spec = {0};

		if (mb_net_network_spec_parse(text, &spec, NULL) < 0)
			continue;
		tell_network(k, c, &spec);
		if (!mb_streq(spec.name, mode))
			mb_strv_addf(
				&k->comments,
				"container %s: --network %s: a pod has one, or more of Multus'",
				c->record->name, spec.name);
	}
}

/* Of those that a pod has a word for, some that it cannot hold. */
static void tell_values(struct mb_cmd_kube *k, const struct mb_container *c)
{
	uint32_t gid;

	MB_STRV_FOREACH (host, &c->record->host.extra_hosts)
		if (mb_ends_with(host, ":host-gateway"))
			mb_strv_addf(&k->comments,
			             "container %s: --add-host %s: status.hostIP of the pod",
			             c->record->name, host);
	MB_STRV_FOREACH (group, &c->record->host.group_add)
		if (mb_parse_u32(group, &gid) < 0)
			mb_strv_addf(&k->comments,
			             "container %s: --group-add %s: a pod knows numbers",
			             c->record->name, group);
}

/* What the engine and its host do for a container. */
static void tell_host(struct mb_cmd_kube *k, const struct mb_container *c)
{
	const struct mb_container_host_config *h = &c->record->host;
	const struct lack lacks[] = {
		{mb_streq(h->uts_mode, "host"), "--uts host", "hostNetwork has the node's name"},
		{mb_skip_prefix(h->pid_mode, "container:"), "--pid container",
	         "shareProcessNamespace, in one pod"},
		{mb_skip_prefix(h->ipc_mode, "container:"), "--ipc container",
	         "containers of one pod share it"},
		{is_set(h->cgroup_parent, NULL), "--cgroup-parent", "the kubelet's own"},
		{is_set(h->log_driver, "k8s-file") || h->log_options.n, "--log-driver, --log-opt",
	         "the kubelet's containerLogMaxSize"},
		{h->has_memory_swappiness, "--memory-swappiness", "no word for it"},
		{h->no_hosts, "--no-hosts", "no word for it"},
		{c->record->config.umask, "--umask", "no word for it"},
		{c->record->config.timezone, "--tz", "TZ among the variables"},
	};

	tell_lacks(k, c, lacks, MB_N(lacks));
}

void mb_cmd_kube_add_comments(struct mb_cmd_kube *k, const struct mb_container *c)
{
	const struct mb_container_config *config = &c->record->config;
	const struct mb_container_host_config *h = &c->record->host;
	const struct mb_container_host_config *first = &k->v[0]->record->host;
	const struct lack lacks[] = {
		{h->n_devices, "--device", "a device plugin of the node has it"},
		{h->device_cgroup_rules.n, "--device-cgroup-rule", "no word for it"},
		{h->n_ulimits, "--ulimit", "no word for it"},
		{h->pids_limit > 0, "--pids-limit", "the kubelet's podPidsLimit"},
		{h->memory_swap, "--memory-swap", "the kubelet's memorySwap"},
		{is_set(h->cpuset_cpus, NULL) || is_set(h->cpuset_mems, NULL), "--cpuset-*",
	         "the kubelet's cpuManagerPolicy"},
		{h->cpu_quota || h->cpu_period, "--cpu-quota, --cpu-period",
	         "say it as --cpus: resources.limits.cpu"},
		{h->blkio_weight || h->n_read_bps || h->n_write_bps || h->n_read_iops ||
	                 h->n_write_iops,
	         "--blkio-*, --device-*-bps", "no word for it"},
		{is_set(h->net_rate, NULL) || is_set(h->net_delay, NULL) ||
	                 is_set(h->net_loss, NULL),
	         "--net-*", "annotations of the bandwidth plugin"},
		{h->shm_size && h->shm_size != 64 << 20, "--shm-size",
	         "an emptyDir of medium Memory at /dev/shm"},
		{h->init, "--init", "shareProcessNamespace, or an init in the image"},
		{is_set(h->userns_mode, "host") || h->uid_map.n, "--userns", "hostUsers: false"},
		{is_set(config->stop_signal, "SIGTERM") && !mb_streq(config->stop_signal, "15"),
	         "--stop-signal", "STOPSIGNAL in the image"},
		{is_set(config->domainname, NULL), "--domainname", "subdomain and a Service"},
		{config->n_secrets, "--secret", "a Secret of the cluster"},
		{h->requires.n, "--requires", "initContainers"},
		{h->links.n, "--link", "a Service"},
		{h->restart.max_retries > 0, "--restart on-failure:N", "a Job's backoffLimit"},
		{h->oom_score_adj || h->oom_kill_disable, "--oom-*", "quality of service classes"},
		{c->record->rootfs, "--rootfs", "an image in a registry"},
		{h->publish_all, "-P", "name the ports"},
		{!mb_streq(h->restart.name, first->restart.name), "--restart",
	         "a pod has one for all: that of the first container"},
		{!mb_streq(h->network_mode, first->network_mode), "--network",
	         "a pod has one for all: that of the first container"},
	};

	tell_networks(k, c);
	tell_values(k, c);
	tell_host(k, c);
	tell_lacks(k, c, lacks, MB_N(lacks));
}
