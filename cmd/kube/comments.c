/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a pod has no word for, by the name of its option. */
#include "cmd/kube/kube.h"
#include "container/container.h"
#include "core/own.h"

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

static void tell_networks(struct mb_cmd_kube *k, const struct mb_container *c)
{
	const char *mode = c->record->host.network_mode;

	if (is_set(mode, "host") && !mb_streq(mode, "bridge") && !mb_streq(mode, "default"))
		mb_strv_addf(&k->comments,
		             "container %s: --network %s: pods share the cluster's network, or one "
		             "of Multus'",
		             c->record->name, mode);
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
	for (size_t i = 0; i < MB_N(lacks); i++)
		if (lacks[i].is)
			tell(k, c, lacks[i].option, lacks[i].why);
}
