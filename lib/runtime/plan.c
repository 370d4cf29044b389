/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/plan.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "runtime/features.h"
#include "sys/proc.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

void mb_runtime_plan_init(struct mb_runtime_plan *plan)
{
	*plan = (struct mb_runtime_plan){
		.req = MB_RUNTIME_REQUEST_INIT,
		.dev_mount = SIZE_MAX,
		.attributes = {.io_priority = -1, .memory_mode = -1, .personality = -1},
		.channel = {-1, -1},
		.birth = {-1, -1},
		.root_fd = -1,
		.init_fd = -1,
		.seccomp = MB_RUNTIME_SECCOMP_INIT,
		.label_fd = -1,
		.cgroup = MB_SYS_CGROUP_JOIN_INIT,
		.pidfd = -1,
		.console_fd = -1,
		.notify_fd = -1,
	};
	for (size_t i = 0; i < MB_N(plan->cgroup_mounts); i++)
		plan->cgroup_mounts[i] = -1;
}

static void done_mount(struct mb_runtime_mount *m)
{
	free(m->destination);
	mb_strv_done(&m->data);
	if (!m->fd_is_borrowed)
		mb_close(&m->fd);
	mb_close(&m->userns_fd);
}

void mb_runtime_plan_done(struct mb_runtime_plan *plan)
{
	for (size_t i = 0; i < plan->n_mounts; i++)
		done_mount(&plan->mounts[i]);
	for (size_t i = 0; i < plan->n_joins; i++) {
		if (!plan->joins[i].is_borrowed)
			mb_close(&plan->joins[i].fd);
	}
	if (!plan->root_is_borrowed)
		mb_close(&plan->root_fd);
	mb_close(&plan->channel[0]);
	mb_close(&plan->channel[1]);
	mb_close(&plan->birth[0]);
	mb_close(&plan->birth[1]);
	mb_close(&plan->init_fd);
	mb_close(&plan->seccomp.fd);
	mb_close(&plan->label_fd);
	mb_close(&plan->pidfd);
	mb_close(&plan->console_fd);
	mb_close(&plan->notify_fd);
	for (size_t i = 0; i < MB_N(plan->cgroup_mounts); i++)
		mb_close(&plan->cgroup_mounts[i]);
	mb_sys_cgroup_join_done(&plan->cgroup);
	mb_sys_cgroup_host_free(plan->own_cgroup_host);
	mb_strv_done(&plan->warnings);
	free(plan->mounts);
	free(plan->devices);
	free(plan->rlimits);
	free((void *)(uintptr_t)plan->creds.groups);
	mb_runtime_plan_init(plan);
}

/* ---- namespaces ---- */

static void add_join(struct mb_runtime_plan *plan, int flag, const char *type, const char *path,
                     int fd)
{
	plan->joins[plan->n_joins++] = (struct mb_runtime_join){
		.flag = flag, .type = type, .path = path, .fd = fd, .is_borrowed = fd >= 0};
}

static int plan_namespace(struct mb_runtime_plan *plan, const struct mb_oci_namespace *ns,
                          struct mb_err *err)
{
	const bool is_given = ns->path && ns->path[0];
	int flag = 0;

	if (mb_sys_proc_ns_flag(ns->type, &flag) < 0)
		return mb_fail(err, EINVAL, "unknown namespace '%s'", ns->type);
	if (flag == CLONE_NEWTIME && !mb_runtime_has_namespace("time"))
		return mb_fail(err, EOPNOTSUPP, "this kernel has no time namespaces");
	plan->has_userns |= flag == CLONE_NEWUSER;
	if (plan->n_joins >= MB_RUNTIME_MAX_NS)
		return mb_fail(err, E2BIG, "too many namespaces");
	if (flag == CLONE_NEWNET && plan->req.netns_fd >= 0)
		return 0;
	if (is_given) {
		add_join(plan, flag, ns->type, ns->path, -1);
		return 0;
	}
	if (flag == CLONE_NEWCGROUP)
		plan->has_new_cgroupns = true;
	else if (flag == CLONE_NEWTIME)
		plan->has_new_timens = true;
	else
		plan->clone_flags |= (uint64_t)flag;
	plan->has_new_userns |= flag == CLONE_NEWUSER;
	return 0;
}

int mb_runtime_plan_namespaces(struct mb_runtime_plan *plan, struct mb_err *err)
{
	const struct mb_oci_linux *l = &plan->spec->linux;
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n_namespaces; i++)
		r = plan_namespace(plan, &l->namespaces[i], err);
	if (r < 0)
		return r;
	if (!mb_oci_spec_find_namespace(plan->spec, "mount"))
		return mb_fail(err, EINVAL, "the bundle asks for no mount namespace of its own");
	if (plan->has_new_userns && (l->n_uid_mappings == 0 || l->n_gid_mappings == 0))
		return mb_fail(err, EINVAL, "a user namespace needs uid and gid mappings");
	if (plan->req.netns_fd >= 0)
		add_join(plan, CLONE_NEWNET, "network", NULL, plan->req.netns_fd);
	plan->joins_early = plan->has_new_timens || (plan->has_userns && plan->n_joins);
	if (l->n_time_offsets && !plan->has_new_timens)
		return mb_fail(err, EINVAL, "'linux.timeOffsets' needs a new time namespace");
	return 0;
}

bool mb_runtime_wants_seal(const struct mb_oci_spec *spec)
{
	const struct mb_oci_namespace *ns = mb_oci_spec_find_namespace(spec, "pid");

	return ns && ns->path && ns->path[0];
}

/* ---- credentials and limits ---- */

uint64_t mb_runtime_caps_parse(const struct mb_strv *names, struct mb_strv *unknown)
{
	uint64_t set = 0;

	MB_STRV_FOREACH (name, names) {
		int cap = 0;

		if (mb_sys_cap_parse(name, &cap) == 0 && cap < 64)
			set |= MB_SYS_CAP_BIT(cap);
		else if (mb_streq(name, "ALL"))
			set |= mb_sys_cap_all();
		else if (unknown && !mb_strv_has(unknown, name))
			mb_strv_add(unknown, name);
	}
	return set;
}

/* The specification wants what cannot be granted left out with a warning: an ambient capability
 * that is not permitted and inheritable as well is such a one. */
static void parse_caps(const struct mb_oci_capabilities *caps, struct mb_sys_caps *ret,
                       struct mb_strv *unknown)
{
	ret->bounding = mb_runtime_caps_parse(&caps->bounding, unknown);
	ret->effective = mb_runtime_caps_parse(&caps->effective, unknown);
	ret->permitted = mb_runtime_caps_parse(&caps->permitted, unknown);
	ret->inheritable = mb_runtime_caps_parse(&caps->inheritable, unknown);
	ret->ambient = mb_runtime_caps_parse(&caps->ambient, unknown);
	ret->effective &= ret->permitted;
	ret->ambient &= ret->permitted & ret->inheritable;
}

/* Once, at the start. */
static void warn_caps(struct mb_runtime_plan *plan)
{
	const struct mb_oci_capabilities *caps = plan->process->capabilities;
	MB_AUTO_STRV struct mb_strv unknown = MB_STRV_INIT;
	struct mb_sys_caps got = {0};

	if (!caps)
		return;
	parse_caps(caps, &got, &unknown);
	MB_STRV_FOREACH (name, &unknown) {
		MB_AUTO_FREE char *shown = mb_printable(name);

		mb_strv_addf(&plan->warnings, "capability '%.60s' is not known", shown);
	}
	if (mb_runtime_caps_parse(&caps->ambient, NULL) & ~got.ambient)
		mb_strv_addf(&plan->warnings, "ambient capabilities that are not permitted and "
		                              "inheritable as well are left out");
}

void mb_runtime_plan_creds(const struct mb_oci_process *process, struct mb_sys_creds *ret)
{
	const struct mb_oci_user *user = &process->user;
	struct mb_sys_creds creds = {.uid = user->uid, .gid = user->gid};
	uint32_t *groups;

	if (process->capabilities)
		parse_caps(process->capabilities, &creds.caps, NULL);
	if (user->n_additional_gids) {
		groups = mb_calloc(user->n_additional_gids, sizeof(*groups));
		memcpy(groups, user->additional_gids, user->n_additional_gids * sizeof(*groups));
		creds.groups = groups;
		creds.n_groups = user->n_additional_gids;
	}
	*ret = creds;
}

static const struct {
	const char *name;
	int resource;
} rlimit_names[] = {
	{"RLIMIT_AS", RLIMIT_AS},
	{"RLIMIT_CORE", RLIMIT_CORE},
	{"RLIMIT_CPU", RLIMIT_CPU},
	{"RLIMIT_DATA", RLIMIT_DATA},
	{"RLIMIT_FSIZE", RLIMIT_FSIZE},
	{"RLIMIT_LOCKS", RLIMIT_LOCKS},
	{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
	{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
	{"RLIMIT_NICE", RLIMIT_NICE},
	{"RLIMIT_NOFILE", RLIMIT_NOFILE},
	{"RLIMIT_NPROC", RLIMIT_NPROC},
	{"RLIMIT_RSS", RLIMIT_RSS},
	{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
	{"RLIMIT_RTTIME", RLIMIT_RTTIME},
	{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
	{"RLIMIT_STACK", RLIMIT_STACK},
};

static int parse_rlimit(const struct mb_oci_rlimit *from, struct mb_runtime_rlimit *to,
                        struct mb_err *err)
{
	if (from->soft > from->hard)
		return mb_fail(err, EINVAL, "%s: the soft limit is above the hard one", from->type);
	for (size_t i = 0; i < MB_N(rlimit_names); i++) {
		if (mb_streq(rlimit_names[i].name, from->type)) {
			*to = (struct mb_runtime_rlimit){rlimit_names[i].resource,
			                                 rlimit_names[i].name, from->soft,
			                                 from->hard};
			return 0;
		}
	}
	return mb_fail(err, EINVAL, "unknown limit '%s'", from->type);
}

int mb_runtime_plan_rlimits(const struct mb_oci_process *process, struct mb_runtime_rlimit **ret,
                            size_t *ret_n, struct mb_err *err)
{
	MB_AUTO_FREE struct mb_runtime_rlimit *limits =
		mb_calloc(process->n_rlimits + 1, sizeof(*limits));

	for (size_t i = 0; i < process->n_rlimits; i++) {
		int r = parse_rlimit(&process->rlimits[i], &limits[i], err);

		if (r < 0)
			return r;
	}
	*ret = mb_take_ptr(&limits);
	*ret_n = process->n_rlimits;
	return 0;
}

/* ---- sysctl ---- */

/* What a namespace of the container's own makes its own. */
static const struct {
	const char *name; /* ends in '.': everything below */
	int flag;
} sysctl_owners[] = {
	{"kernel.msgmax", CLONE_NEWIPC},
	{"kernel.msgmnb", CLONE_NEWIPC},
	{"kernel.msgmni", CLONE_NEWIPC},
	{"kernel.sem", CLONE_NEWIPC},
	{"kernel.shmall", CLONE_NEWIPC},
	{"kernel.shmmax", CLONE_NEWIPC},
	{"kernel.shmmni", CLONE_NEWIPC},
	{"kernel.shm_rmid_forced", CLONE_NEWIPC},
	{"kernel.msg_next_id", CLONE_NEWIPC},
	{"kernel.sem_next_id", CLONE_NEWIPC},
	{"kernel.shm_next_id", CLONE_NEWIPC},
	{"fs.mqueue.", CLONE_NEWIPC},
	{"net.", CLONE_NEWNET},
	{"kernel.domainname", CLONE_NEWUTS},
	{"kernel.hostname", CLONE_NEWUTS},
};

static bool owns_namespace(const struct mb_runtime_plan *plan, int flag)
{
	if (plan->clone_flags & (uint64_t)flag)
		return true;
	for (size_t i = 0; i < plan->n_joins; i++) {
		if (plan->joins[i].flag == flag)
			return true;
	}
	return false;
}

static int check_sysctl(const struct mb_runtime_plan *plan, const struct mb_kv_pair *p,
                        struct mb_err *err)
{
	MB_AUTO_FREE char *name = mb_strdup(p->key);

	for (char *c = name; *c; c++) {
		if (*c == '/')
			*c = '.';
	}
	if (strstr(name, "..") || name[0] == '.' || strpbrk(name, " \n"))
		return mb_fail(err, EINVAL, "sysctl '%s' is no valid name", p->key);
	if (strchr(p->value, '\n'))
		return mb_fail(err, EINVAL, "sysctl '%s': a value is one line", p->key);
	for (size_t i = 0; i < MB_N(sysctl_owners); i++) {
		const char *owner = sysctl_owners[i].name;
		const bool matches = mb_ends_with(owner, ".") ? mb_starts_with(name, owner)
		                                              : mb_streq(name, owner);

		if (!matches)
			continue;
		if (!owns_namespace(plan, sysctl_owners[i].flag))
			return mb_fail(err, EPERM, "sysctl '%s' would change the host", p->key);
		return 0;
	}
	return mb_fail(err, EPERM, "sysctl '%s' is not of a container's namespaces", p->key);
}

int mb_runtime_plan_sysctls(struct mb_runtime_plan *plan, struct mb_err *err)
{
	MB_KV_FOREACH (p, &plan->spec->linux.sysctl) {
		int r = check_sysctl(plan, p, err);

		if (r < 0)
			return r;
		plan->sysctl_waits |= strstr(p->key, ".conf.") || strstr(p->key, ".neigh.") ||
		                      strchr(p->key, '/');
	}
	return 0;
}

/* ---- the whole ---- */

static const struct {
	const char *name;
	uint64_t flag;
	bool recursive;
} propagations[] = {
	{"private", MS_PRIVATE, false},       {"rprivate", MS_PRIVATE, true},
	{"slave", MS_SLAVE, false},           {"rslave", MS_SLAVE, true},
	{"shared", MS_SHARED, false},         {"rshared", MS_SHARED, true},
	{"unbindable", MS_UNBINDABLE, false}, {"runbindable", MS_UNBINDABLE, true},
};

static int plan_root(struct mb_runtime_plan *plan, struct mb_err *err)
{
	const char *name = plan->spec->linux.rootfs_propagation;

	if (plan->req.rootfs_fd < 0 && !plan->spec->root.path)
		return mb_fail(err, EINVAL, "the bundle has no root file system");
	if (!name || !name[0])
		return 0;
	for (size_t i = 0; i < MB_N(propagations); i++) {
		if (mb_streq(propagations[i].name, name)) {
			plan->root_propagation = propagations[i].flag;
			plan->root_propagation_recursive = propagations[i].recursive;
			return 0;
		}
	}
	return mb_fail(err, EINVAL, "unknown propagation '%s' of the root file system", name);
}

static bool is_label(const char *s)
{
	return s && s[0];
}

/* Named, never ignored. */
static int check_spec(const struct mb_oci_spec *spec, bool moves, struct mb_err *err)
{
	if (spec->linux.n_net_devices && !moves)
		return mb_fail(err, EOPNOTSUPP, "'linux.netDevices' is not supported here");
	if (spec->linux.n_net_devices && !mb_oci_spec_find_namespace(spec, "network"))
		return mb_fail(err, EINVAL, "'linux.netDevices' needs a network namespace");
	if (is_label(spec->linux.mount_label) && !mb_runtime_has_selinux())
		return mb_fail(err, EOPNOTSUPP, "'linux.mountLabel': this kernel has no SELinux");
	return 0;
}

static int plan_hooks(struct mb_runtime_plan *plan, struct mb_err *err)
{
	const struct mb_oci_hooks *h = plan->spec->hooks;

	plan->has_early_hooks =
		h && (h->n_prestart || h->n_create_runtime || h->n_create_container);
	if (plan->has_early_hooks && !plan->req.settled)
		return mb_fail(err, EOPNOTSUPP, "'hooks' are not supported here");
	return 0;
}

int mb_runtime_plan_fill(struct mb_runtime_plan *plan, const struct mb_runtime_request *req,
                         struct mb_err *err)
{
	const struct mb_oci_spec *spec = req->spec;
	int r;

	if (!spec->process || spec->process->args.n == 0)
		return mb_fail(err, EINVAL, "the bundle names no command");
	plan->req = *req;
	plan->spec = spec;
	plan->process = spec->process;
	if (spec->linux.seccomp)
		plan->filter = MB_RUNTIME_FILTER_PROFILE;
	else if (req->seccomp_default)
		plan->filter = req->seccomp_hardened ? MB_RUNTIME_FILTER_HARDENED
		                                     : MB_RUNTIME_FILTER_BUILTIN;
	r = check_spec(spec, req->moves_net_devices, err);
	if (r == 0)
		r = mb_runtime_plan_namespaces(plan, err);
	if (r == 0)
		r = plan_root(plan, err);
	if (r == 0)
		r = plan_hooks(plan, err);
	if (r == 0)
		r = mb_runtime_plan_mounts(plan, err);
	if (r == 0)
		r = mb_runtime_plan_devices(plan, err);
	if (r == 0)
		r = mb_runtime_plan_sysctls(plan, err);
	if (r == 0)
		r = mb_runtime_attributes_fill(spec->process, &spec->linux, &plan->attributes, err);
	if (r == 0)
		warn_caps(plan);
	if (r == 0)
		mb_runtime_plan_creds(spec->process, &plan->creds);
	if (r == 0)
		r = mb_runtime_plan_rlimits(spec->process, &plan->rlimits, &plan->n_rlimits, err);
	return r;
}
