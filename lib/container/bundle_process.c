/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "container/bundle.h"
#include "container/record.h"
#include "container/security.h"
#include "core/err.h"
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

/* docker's limit of open files, as far as we may give it: without CAP_SYS_RESOURCE nobody can
 * raise a hard limit, and nobody has asked for this one. */
static void add_nofile(struct mb_oci_process *process)
{
	uint64_t hard = 524288, cap_sys_resource = MB_SYS_CAP_BIT(24);
	struct mb_sys_caps ours;
	struct rlimit now;

	if (getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_max < hard &&
	    (mb_sys_caps_read(&ours, NULL) < 0 || !(ours.effective & cap_sys_resource)))
		hard = now.rlim_max;
	mb_oci_process_add_rlimit(process, "RLIMIT_NOFILE", hard < 1024 ? hard : 1024, hard);
}

static void fill_rlimits(const struct mb_container_host_config *h, struct mb_oci_process *process)
{
	bool has_nofile = false;

	for (size_t i = 0; i < h->n_ulimits; i++) {
		const struct mb_container_ulimit *u = &h->ulimits[i];
		char type[32] = "RLIMIT_";

		for (size_t k = 0; u->name[k] && k < 16; k++)
			type[7 + k] = (char)(u->name[k] & ~0x20);
		has_nofile |= strcmp(u->name, "nofile") == 0;
		mb_oci_process_add_rlimit(process, type,
		                          u->soft < 0 ? UINT64_MAX : (uint64_t)u->soft,
		                          u->hard < 0 ? UINT64_MAX : (uint64_t)u->hard);
	}
	if (!has_nofile)
		add_nofile(process);
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
	if (!mb_env_find(&process->env, "HOSTNAME"))
		mb_strv_addf(&process->env, "HOSTNAME=%s", config->hostname);
	if (config->tty && !mb_env_find(&process->env, "TERM"))
		mb_strv_add(&process->env, "TERM=xterm");
	process->cwd =
		mb_strdup(config->working_dir && *config->working_dir ? config->working_dir : "/");
	r = mb_container_user_fill(rootfs_fd, config->user, &record->host.group_add, process, err);
	if (r == 0)
		r = mb_container_caps_fill(&record->host, record->host.privileged, process, err);
	if (r < 0)
		return r;
	fill_rlimits(&record->host, process);
	process->oom_score_adj = record->host.oom_score_adj;
	process->has_oom_score_adj = true;
	return 0;
}
