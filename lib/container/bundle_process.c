/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "container/bundle.h"
#include "container/record.h"
#include "container/security.h"
#include "container/userns.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "sys/caps.h"
#include "sys/userdb.h"

int mb_container_caps_fill(const struct mb_container_host_config *host, bool privileged,
                           struct mb_oci_process *process, struct mb_err *err)
{
	uint64_t set = mb_sys_cap_all();
	int r = privileged ? 0 : mb_container_caps_choose(host, &set, err);

	if (r < 0)
		return r;
	process->capabilities = mb_calloc(1, sizeof(*process->capabilities));
	mb_sys_caps_format(set, &process->capabilities->bounding);
	mb_sys_caps_format(set, &process->capabilities->permitted);
	mb_sys_caps_format(set, &process->capabilities->effective);
	return 0;
}

int mb_container_user_fill(int rootfs_fd, const char *user, const struct mb_strv *group_add,
                           struct mb_oci_process *process, struct mb_err *err)
{
	MB_AUTO_USER struct mb_sys_user who = {0};
	int r = mb_sys_userdb_resolve(rootfs_fd, user ? user : "", group_add, &who, err);

	if (r < 0)
		return r;
	process->user.uid = who.uid;
	process->user.gid = who.gid;
	process->user.additional_gids = mb_take_ptr(&who.groups);
	process->user.n_additional_gids = who.n_groups;
	who.n_groups = 0;
	if (!mb_env_find(&process->env, "HOME"))
		mb_strv_addf(&process->env, "HOME=%s", who.home ? who.home : "/");
	return 0;
}

#define UNLIMITED RLIM_INFINITY

/* What the caller's shell or service has set is none of a container's business. */
static const struct {
	int resource;
	const char *name;
	uint64_t soft, hard;
} default_limits[] = {
	{RLIMIT_CPU, "RLIMIT_CPU", UNLIMITED, UNLIMITED},
	{RLIMIT_FSIZE, "RLIMIT_FSIZE", UNLIMITED, UNLIMITED},
	{RLIMIT_DATA, "RLIMIT_DATA", UNLIMITED, UNLIMITED},
	{RLIMIT_STACK, "RLIMIT_STACK", 8 << 20, UNLIMITED},
	{RLIMIT_CORE, "RLIMIT_CORE", 0, UNLIMITED},
	{RLIMIT_RSS, "RLIMIT_RSS", UNLIMITED, UNLIMITED},
	{RLIMIT_NPROC, "RLIMIT_NPROC", UNLIMITED, UNLIMITED},
	{RLIMIT_NOFILE, "RLIMIT_NOFILE", 1024, 524288},
	{RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK", 8 << 20, 8 << 20},
	{RLIMIT_AS, "RLIMIT_AS", UNLIMITED, UNLIMITED},
	{RLIMIT_LOCKS, "RLIMIT_LOCKS", UNLIMITED, UNLIMITED},
	{RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE", 819200, 819200},
	{RLIMIT_NICE, "RLIMIT_NICE", 0, 0},
	{RLIMIT_RTPRIO, "RLIMIT_RTPRIO", 0, 0},
	{RLIMIT_RTTIME, "RLIMIT_RTTIME", UNLIMITED, UNLIMITED},
};

static bool has_rlimit(const struct mb_oci_process *process, const char *name)
{
	for (size_t i = 0; i < process->n_rlimits; i++)
		if (strcmp(process->rlimits[i].type, name) == 0)
			return true;
	return false;
}

/* As far as we may give it: without CAP_SYS_RESOURCE nobody can raise a hard limit, and nobody has
 * asked for these. */
static void add_default_rlimits(struct mb_oci_process *process)
{
	const uint64_t cap_sys_resource = MB_SYS_CAP_BIT(24);
	struct mb_sys_caps ours;
	bool may_raise = mb_sys_caps_read(&ours, NULL) == 0 && (ours.effective & cap_sys_resource);

	for (size_t i = 0; i < MB_N(default_limits); i++) {
		const char *name = default_limits[i].name;
		uint64_t soft = default_limits[i].soft, hard = default_limits[i].hard;
		struct rlimit now;

		if (has_rlimit(process, name))
			continue;
		if (!may_raise &&
		    getrlimit((__rlimit_resource_t)default_limits[i].resource, &now) == 0 &&
		    now.rlim_max < hard)
			hard = now.rlim_max;
		mb_oci_process_add_rlimit(process, name, soft < hard ? soft : hard, hard);
	}
}

void mb_container_rlimits_fill(const struct mb_container_host_config *h,
                               struct mb_oci_process *process)
{
	for (size_t i = 0; i < h->n_ulimits; i++) {
		const struct mb_container_ulimit *u = &h->ulimits[i];
		char type[32] = "RLIMIT_";

		for (size_t k = 0; u->name[k] && k < 16; k++)
			type[7 + k] = (char)(u->name[k] & ~0x20);
		mb_oci_process_add_rlimit(process, type,
		                          u->soft < 0 ? UINT64_MAX : (uint64_t)u->soft,
		                          u->hard < 0 ? UINT64_MAX : (uint64_t)u->hard);
	}
	add_default_rlimits(process);
	process->oom_score_adj = h->oom_score_adj;
	process->has_oom_score_adj = true;
}

void mb_container_umask_fill(const struct mb_container_config *config,
                             struct mb_oci_process *process)
{
	process->user.has_umask = config->umask && *config->umask &&
	                          mb_parse_mode(config->umask, &process->user.umask) == 0;
}

int mb_container_process_fill(const struct mb_container_record *record, int rootfs_fd,
                              struct mb_oci_process *process, struct mb_err *err)
{
	const struct mb_container_config *config = &record->config;
	int r;

	process->terminal = config->tty;
	mb_strv_add_all(&process->args, &config->entrypoint);
	mb_strv_add_all(&process->args, &config->cmd);
	mb_strv_add_all(&process->env, &config->env);
	if (!mb_env_names(&process->env, "HOSTNAME"))
		mb_strv_addf(&process->env, "HOSTNAME=%s", config->hostname);
	if (config->tty && !mb_env_names(&process->env, "TERM"))
		mb_strv_add(&process->env, "TERM=xterm");
	mb_env_drop_unset(&process->env);
	process->cwd =
		mb_strdup(config->working_dir && *config->working_dir ? config->working_dir : "/");
	r = mb_container_user_fill(rootfs_fd, config->user, &record->host.group_add, process, err);
	if (r == 0)
		r = mb_container_userns_check_user(&record->host, process, err);
	if (r == 0)
		r = mb_container_caps_fill(&record->host, record->host.privileged, process, err);
	if (r < 0)
		return r;
	mb_container_umask_fill(config, process);
	mb_container_rlimits_fill(&record->host, process);
	return 0;
}
