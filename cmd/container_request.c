/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of create and run become what lib/container works with. */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cmd/container_flags.h"
#include "cmd/context.h"
#include "container/create.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

static int fill_env(struct mb_cmd_context *cx, const struct mb_cmd_create_args *a,
                    struct mb_strv *env, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; i < a->unset_env.n; i++) {
		if (!*a->unset_env.v[i] || strchr(a->unset_env.v[i], '='))
			return mb_fail(err, EINVAL, "--unsetenv: '%s' is no name of a variable",
			               a->unset_env.v[i]);
		mb_env_set(env, a->unset_env.v[i]);
	}
	for (size_t i = 0; r == 0 && i < a->env_files.n; i++)
		r = mb_cmd_env_file_add(cx, a->env_files.v[i], env, err);
	for (size_t i = 0; r == 0 && i < a->env.n; i++)
		r = mb_cmd_env_add(cx, a->env.v[i], env, err);
	return r;
}

static int fill_labels(const struct mb_cmd_create_args *a, struct mb_kv *labels, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->label_files.n; i++)
		r = mb_cmd_label_file_add(a->label_files.v[i], labels, err);
	for (size_t i = 0; r == 0 && i < a->labels.n; i++)
		r = mb_cmd_label_add(a->labels.v[i], labels, err);
	return r;
}

/* -a STDIN -a STDOUT ...; without it what the terminal user expects. */
static int fill_attach(const struct mb_cmd_create_args *a, struct mb_container_config *config,
                       struct mb_err *err)
{
	if (a->detach && a->attach.n)
		return mb_fail(err, EINVAL, "Conflicting options: -a and -d");
	for (size_t i = 0; i < a->attach.n; i++) {
		const char *stream = a->attach.v[i];

		if (strcasecmp(stream, "stdin") == 0)
			config->attach_stdin = true;
		else if (strcasecmp(stream, "stdout") == 0)
			config->attach_stdout = true;
		else if (strcasecmp(stream, "stderr") == 0)
			config->attach_stderr = true;
		else
			return mb_fail(err, EINVAL,
			               "invalid argument \"%s\" for \"-a, --attach\" flag: valid "
			               "streams are STDIN, STDOUT and STDERR",
			               stream);
	}
	if (!a->detach && a->attach.n == 0) {
		config->attach_stdin = a->interactive;
		config->attach_stdout = config->attach_stderr = true;
	}
	config->open_stdin = a->interactive;
	config->stdin_once = a->interactive && config->attach_stdin;
	config->tty = a->tty;
	return 0;
}

static int fill_config(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                       struct mb_container_create_request *q, struct mb_err *err)
{
	const struct mb_cmd_create_args *a = in->args;
	struct mb_container_config *config = &q->config;
	int r = fill_env(cx, a, &config->env, err);

	if (r == 0)
		r = fill_labels(a, &config->labels, err);
	if (r == 0)
		r = fill_attach(a, config, err);
	if (r == 0)
		r = mb_cmd_create_health_fill(a, config, err);
	for (char *const *word = cx->argv; word && *word; word++)
		mb_strv_add(&config->create_command, *word);
	config->hostname = mb_strdup_or_null(a->hostname);
	config->domainname = mb_strdup_or_null(a->domainname);
	config->user = mb_strdup_or_null(a->user);
	config->working_dir = mb_strdup_or_null(a->workdir);
	config->stop_signal = mb_strdup_or_null(a->stop_signal);
	config->has_stop_timeout = mb_cli_is_given(in, "stop-timeout");
	config->stop_timeout = a->stop_timeout;
	return r == 0 ? mb_cmd_create_podman_fill(cx, a, q, err) : r;
}

static void fill_host(const struct mb_cmd_create_args *a, struct mb_container_host_config *h)
{
	mb_strv_add_all(&h->volumes_from, &a->volumes_from);
	mb_strv_add_all(&h->cap_add, &a->cap_add);
	mb_strv_add_all(&h->cap_drop, &a->cap_drop);
	mb_strv_add_all(&h->dns, &a->dns);
	mb_strv_add_all(&h->dns_search, &a->dns_search);
	mb_strv_add_all(&h->dns_options, &a->dns_options);
	mb_strv_add_all(&h->extra_hosts, &a->add_hosts);
	mb_strv_add_all(&h->group_add, &a->group_add);
	mb_strv_add_all(&h->security_opt, &a->security_opts);
	mb_strv_add_all(&h->device_cgroup_rules, &a->device_rules);
	mb_strv_add_all(&h->publish, &a->publish);
	mb_strv_add_all(&h->uid_map, &a->uidmap);
	mb_strv_add_all(&h->gid_map, &a->gidmap);
	mb_kv_set_all(&h->sysctls, &a->sysctls);
	mb_kv_set_all(&h->annotations, &a->annotations);
	h->ipc_mode = mb_strdup_or_null(a->ipc);
	h->pid_mode = mb_strdup_or_null(a->pid);
	h->uts_mode = mb_strdup_or_null(a->uts);
	h->cgroupns_mode = mb_strdup_or_null(a->cgroupns);
	h->cgroup_parent = mb_strdup_or_null(a->cgroup_parent);
	h->userns_mode = mb_strdup_or_null(a->userns);
	h->container_id_file = mb_strdup_or_null(a->cidfile);
	h->cpuset_cpus = mb_strdup_or_null(a->cpuset_cpus);
	h->cpuset_mems = mb_strdup_or_null(a->cpuset_mems);
	h->net_rate = mb_strdup_or_null(a->net_rate);
	h->net_delay = mb_strdup_or_null(a->net_delay);
	h->net_loss = mb_strdup_or_null(a->net_loss);
	h->restart.name = mb_strdup_or_null(a->restart);
	h->restart_delay = mb_strdup_or_null(a->restart_delay);
	h->log_driver = mb_strdup_or_null(a->log_driver);
	mb_kv_set_all(&h->log_options, &a->log_options);
	for (size_t i = 0; i < a->requires.n; i++)
		mb_strv_split(&h->requires, a->requires.v[i], ',');
	h->auto_remove = a->rm;
	h->privileged = a->privileged;
	h->hardened = a->hardened;
	h->publish_all = a->publish_all;
	h->readonly_rootfs = a->read_only;
	h->init = a->init;
	h->oom_kill_disable = a->oom_kill_disable;
	h->shm_size = a->shm_size;
	h->memory = a->memory;
	h->memory_swap = a->memory_swap;
	h->memory_reservation = a->memory_reservation;
	h->has_memory_swappiness = a->swappiness != -1;
	h->memory_swappiness = h->has_memory_swappiness ? a->swappiness : 0;
	h->nano_cpus = a->cpus;
	h->cpu_shares = a->cpu_shares;
	h->cpu_period = a->cpu_period;
	h->cpu_quota = a->cpu_quota;
	h->pids_limit = a->pids_limit;
	h->oom_score_adj = a->oom_score_adj;
	h->blkio_weight = a->blkio_weight;
}

static void fill_lists(const struct mb_cmd_create_args *a, struct mb_container_create_request *q)
{
	const struct mb_strv *throttles[] = {&a->read_bps, &a->write_bps, &a->read_iops,
	                                     &a->write_iops};

	mb_strv_add_all(&q->volumes, &a->volumes);
	mb_strv_add_all(&q->mounts, &a->mounts);
	mb_strv_add_all(&q->tmpfs, &a->tmpfs);
	mb_strv_add_all(&q->networks, &a->networks);
	mb_strv_add_all(&q->aliases, &a->aliases);
	mb_strv_add_all(&q->links, &a->links);
	mb_strv_add_all(&q->expose, &a->expose);
	mb_strv_add_all(&q->ulimits, &a->ulimits);
	mb_strv_add_all(&q->secrets, &a->secrets);
	mb_strv_add_all(&q->devices, &a->devices);
	for (size_t i = 0; i < MB_N(throttles); i++)
		mb_strv_add_all(&q->throttles[i], throttles[i]);
}

int mb_cmd_create_request_fill(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                               struct mb_container_create_request *q, struct mb_err *err)
{
	const struct mb_cmd_create_args *a = in->args;
	int r = fill_config(cx, in, q, err);

	if (r < 0)
		return r;
	if (a->runtime && strcmp(a->runtime, "runc") != 0 && strcmp(a->runtime, "mybox") != 0)
		return mb_fail(err, EINVAL, "unknown or invalid runtime name: %s", a->runtime);
	if (a->volume_driver && *a->volume_driver && strcmp(a->volume_driver, "local") != 0)
		return mb_fail(err, EINVAL,
		               "error looking up volume plugin %s: plugin \"%s\" not found",
		               a->volume_driver, a->volume_driver);
	fill_host(a, &q->host);
	fill_lists(a, q);
	/* No name at all is one that we find. */
	if (a->name && *a->name)
		q->name = mb_strdup(a->name[0] == '/' ? a->name + 1 : a->name);
	q->platform = mb_strdup_or_null(a->platform);
	q->ip = mb_strdup_or_null(a->ip);
	q->ip6 = mb_strdup_or_null(a->ip6);
	q->mac = mb_strdup_or_null(a->mac);
	q->cwd = getcwd(NULL, 0);
	q->image = mb_strdup(in->operands[0]);
	q->is_rootfs = a->rootfs;
	for (size_t i = 1; i < in->n_operands; i++)
		mb_strv_add(&q->command, in->operands[i]);
	return 0;
}
