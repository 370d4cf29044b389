/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oci/spec_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "oci/spec.h"

static const char *const rlimit_names[] = {
	"RLIMIT_AS",
	"RLIMIT_CORE",
	"RLIMIT_CPU",
	"RLIMIT_DATA",
	"RLIMIT_FSIZE",
	"RLIMIT_LOCKS",
	"RLIMIT_MEMLOCK",
	"RLIMIT_MSGQUEUE",
	"RLIMIT_NICE",
	"RLIMIT_NOFILE",
	"RLIMIT_NPROC",
	"RLIMIT_RSS",
	"RLIMIT_RTPRIO",
	"RLIMIT_RTTIME",
	"RLIMIT_SIGPENDING",
	"RLIMIT_STACK",
	NULL,
};

static const char *const namespace_names[] = {"pid",  "network", "mount", "ipc", "uts",
                                              "user", "cgroup",  "time",  NULL};

static const char *const propagations[] = {"private",    "rprivate",    "shared",
                                           "rshared",    "slave",       "rslave",
                                           "unbindable", "runbindable", NULL};

static bool is_one_of(const char *s, const char *const list[])
{
	for (; *list; list++)
		if (strcmp(s, *list) == 0)
			return true;
	return false;
}

/* A path in one of several lists: "linux.devices[3]" and "path" for 'linux.devices[3].path'. */
struct where {
	const char *list;
	size_t index;
	const char *member;
};

static int bad(struct mb_err *err, int errnum, struct where at, const char *what)
{
	return mb_fail(err, errnum, "'%s[%zu]%s%s' %s", at.list, at.index, at.member ? "." : "",
	               at.member ? at.member : "", what);
}

static int check_absolute(const char *path, struct where at, struct mb_err *err)
{
	if (*path != '/')
		return bad(err, EINVAL, at, "must be an absolute path");
	return 0;
}

static int check_paths(const struct mb_strv *sv, const char *list, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; i < sv->n && r == 0; i++)
		r = check_absolute(sv->v[i], (struct where){list, i, NULL}, err);
	return r;
}

/* 1.x.y with whatever a pre-release adds: the minor numbers only ever added members. */
static int check_version(const char *version, struct mb_err *err)
{
	MB_AUTO_FREE char *shown = NULL;

	if (version[0] == '1' && version[1] == '.' && strlen(version) < 64)
		return 0;
	shown = mb_printable(version);
	return mb_fail(err, EOPNOTSUPP, "'ociVersion' '%.60s' is not a version 1", shown);
}

static int check_ids(const struct mb_oci_user *u, struct mb_err *err)
{
	if (u->uid == UINT32_MAX)
		return mb_fail(err, ERANGE, "'process.user.uid' must be below 4294967295");
	if (u->gid == UINT32_MAX)
		return mb_fail(err, ERANGE, "'process.user.gid' must be below 4294967295");
	if (u->has_umask && u->umask > 0777)
		return mb_fail(err, ERANGE, "'process.user.umask' must be at most 511");
	for (size_t i = 0; i < u->n_additional_gids; i++)
		if (u->additional_gids[i] == UINT32_MAX)
			return bad(err, ERANGE,
			           (struct where){"process.user.additionalGids", i, NULL},
			           "must be below 4294967295");
	return 0;
}

static int check_rlimits(const struct mb_oci_process *p, struct mb_err *err)
{
	for (size_t i = 0; i < p->n_rlimits; i++) {
		struct where at = {"process.rlimits", i, "type"};

		if (!is_one_of(p->rlimits[i].type, rlimit_names))
			return bad(err, EINVAL, at, "is not known");
		for (size_t k = 0; k < i; k++)
			if (strcmp(p->rlimits[i].type, p->rlimits[k].type) == 0)
				return bad(err, EINVAL, at, "is there twice");
		if (p->rlimits[i].soft > p->rlimits[i].hard)
			return bad(err, EINVAL, (struct where){"process.rlimits", i, "soft"},
			           "must not be above 'hard'");
	}
	return 0;
}

int mb_oci_process_check(const struct mb_oci_process *p, struct mb_err *err)
{
	int r = check_ids(&p->user, err);

	if (r == 0)
		r = check_rlimits(p, err);
	if (r < 0)
		return r;
	if (*p->cwd != '/')
		return mb_fail(err, EINVAL, "'process.cwd' must be an absolute path");
	if (p->has_oom_score_adj && (p->oom_score_adj < -1000 || p->oom_score_adj > 1000))
		return mb_fail(err, ERANGE, "'process.oomScoreAdj' must be from -1000 to 1000");
	return 0;
}

static int check_id_maps(const struct mb_oci_id_map *v, size_t n, const char *list,
                         struct mb_err *err)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t most = UINT32_MAX;

		if (v[i].size == 0 || (uint64_t)v[i].container_id + v[i].size > most ||
		    (uint64_t)v[i].host_id + v[i].size > most)
			return bad(err, ERANGE, (struct where){list, i, "size"},
			           "must be at least 1 and end below 4294967295");
	}
	return 0;
}

static int check_mount(const struct mb_oci_mount *m, size_t i, struct mb_err *err)
{
	int r;

	/* A relative one is below '/': old documents have it. */
	if (!*m->destination)
		return bad(err, EINVAL, (struct where){"mounts", i, "destination"}, "is empty");
	if (!m->n_uid_mappings != !m->n_gid_mappings)
		return bad(err, EINVAL, (struct where){"mounts", i, NULL},
		           "must have mappings of users and groups, or neither");
	r = check_id_maps(m->uid_mappings, m->n_uid_mappings, "uidMappings", err);
	if (r == 0)
		r = check_id_maps(m->gid_mappings, m->n_gid_mappings, "gidMappings", err);
	return r < 0 ? mb_wrap(err, r, "'mounts[%zu]'", i) : 0;
}

static int check_hook_list(const struct mb_oci_hook *v, size_t n, const char *list,
                           struct mb_err *err)
{
	for (size_t i = 0; i < n; i++) {
		int r = check_absolute(v[i].path, (struct where){list, i, "path"}, err);

		if (r < 0)
			return r;
		if (v[i].has_timeout && v[i].timeout <= 0)
			return bad(err, ERANGE, (struct where){list, i, "timeout"},
			           "must be above 0");
	}
	return 0;
}

static int check_hooks(const struct mb_oci_hooks *h, struct mb_err *err)
{
	const struct {
		const struct mb_oci_hook *v;
		size_t n;
		const char *name;
	} lists[] = {
		{h->prestart, h->n_prestart, "hooks.prestart"},
		{h->create_runtime, h->n_create_runtime, "hooks.createRuntime"},
		{h->create_container, h->n_create_container, "hooks.createContainer"},
		{h->start_container, h->n_start_container, "hooks.startContainer"},
		{h->poststart, h->n_poststart, "hooks.poststart"},
		{h->poststop, h->n_poststop, "hooks.poststop"},
	};
	int r = 0;

	for (size_t i = 0; i < MB_N(lists) && r == 0; i++)
		r = check_hook_list(lists[i].v, lists[i].n, lists[i].name, err);
	return r;
}

static int check_namespaces(const struct mb_oci_linux *l, struct mb_err *err)
{
	for (size_t i = 0; i < l->n_namespaces; i++) {
		const struct mb_oci_namespace *ns = &l->namespaces[i];
		struct where at = {"linux.namespaces", i, "type"};

		if (!is_one_of(ns->type, namespace_names))
			return bad(err, EINVAL, at, "is not known");
		for (size_t k = 0; k < i; k++)
			if (strcmp(ns->type, l->namespaces[k].type) == 0)
				return bad(err, EINVAL, at, "is there twice");
		if (ns->path && *ns->path && *ns->path != '/')
			return bad(err, EINVAL, (struct where){"linux.namespaces", i, "path"},
			           "must be an absolute path");
	}
	return 0;
}

static int check_devices(const struct mb_oci_linux *l, struct mb_err *err)
{
	static const char *const types[] = {"c", "b", "u", "p", NULL};

	for (size_t i = 0; i < l->n_devices; i++) {
		const struct mb_oci_device *d = &l->devices[i];
		int r = check_absolute(d->path, (struct where){"linux.devices", i, "path"}, err);

		if (r < 0)
			return r;
		if (!is_one_of(d->type, types))
			return bad(err, EINVAL, (struct where){"linux.devices", i, "type"},
			           "must be one of c, b, u, p");
		if (d->major < 0 || d->major > UINT32_MAX || d->minor < 0 || d->minor > UINT32_MAX)
			return bad(err, ERANGE, (struct where){"linux.devices", i, NULL},
			           "has a number that no device can have");
	}
	return 0;
}

static int check_device_rules(const struct mb_oci_resources *res, struct mb_err *err)
{
	static const char *const types[] = {"a", "c", "b", "", NULL};
	static const char list[] = "linux.resources.devices";

	for (size_t i = 0; i < res->n_devices; i++) {
		const struct mb_oci_device_rule *d = &res->devices[i];

		if (d->type && !is_one_of(d->type, types))
			return bad(err, EINVAL, (struct where){list, i, "type"},
			           "must be one of a, c, b");
		if (d->access && d->access[strspn(d->access, "rwm")])
			return bad(err, EINVAL, (struct where){list, i, "access"},
			           "must be of the letters r, w, m");
		if ((d->has_major && (d->major < -1 || d->major > UINT32_MAX)) ||
		    (d->has_minor && (d->minor < -1 || d->minor > UINT32_MAX)))
			return bad(err, ERANGE, (struct where){list, i, NULL},
			           "has a number that no device can have");
	}
	return 0;
}

static int check_unified(const struct mb_kv *unified, struct mb_err *err)
{
	MB_KV_FOREACH (pair, unified) {
		MB_AUTO_FREE char *shown = NULL;

		if (!strchr(pair->key, '/') && *pair->key != '.' && strchr(pair->key, '.'))
			continue;
		shown = mb_printable(pair->key);
		return mb_fail(
			err, EINVAL,
			"'linux.resources.unified' has '%.200s', which is no file of a cgroup",
			shown);
	}
	return 0;
}

int mb_oci_resources_check(const struct mb_oci_resources *res, struct mb_err *err)
{
	static const uint32_t most_cpus = 8191;
	const struct mb_oci_cpu *cpu = &res->cpu;
	int r = check_device_rules(res, err);

	if (r == 0)
		r = check_unified(&res->unified, err);
	if (r < 0)
		return r;
	if (cpu->cpus && *cpu->cpus && mb_parse_cpu_list(cpu->cpus, most_cpus) < 0)
		return mb_fail(err, EINVAL, "'linux.resources.cpu.cpus' is no list of numbers");
	if (cpu->mems && *cpu->mems && mb_parse_cpu_list(cpu->mems, most_cpus) < 0)
		return mb_fail(err, EINVAL, "'linux.resources.cpu.mems' is no list of numbers");
	if (res->memory.has_swappiness && res->memory.swappiness > 100)
		return mb_fail(err, ERANGE,
		               "'linux.resources.memory.swappiness' must be at most 100");
	return 0;
}

static int check_time_offsets(const struct mb_oci_linux *l, struct mb_err *err)
{
	for (size_t i = 0; i < l->n_time_offsets; i++) {
		const struct mb_oci_time_offset *t = &l->time_offsets[i];

		if (strcmp(t->clock, "monotonic") != 0 && strcmp(t->clock, "boottime") != 0)
			return mb_fail(err, EINVAL,
			               "'linux.timeOffsets' is for 'monotonic' and 'boottime'");
		if (t->nanosecs >= 1000000000)
			return mb_fail(err, ERANGE,
			               "'linux.timeOffsets.%s.nanosecs' must be below 1000000000",
			               t->clock);
	}
	return 0;
}

/* What the kernel takes for the name of an interface; "eth%d" lets it choose the number. */
static bool is_interface(const char *name, bool may_ask)
{
	const char *percent = strchr(name, '%');

	if (!*name || strlen(name) > 15 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	if (percent && (!may_ask || strcmp(percent, "%d") != 0))
		return false;
	return !name[strcspn(name, "/: \t\n\v\f\r")];
}

static int check_net_devices(const struct mb_oci_linux *l, struct mb_err *err)
{
	for (size_t i = 0; i < l->n_net_devices; i++) {
		const struct mb_oci_net_device *d = &l->net_devices[i];
		const char *name = d->name && *d->name ? d->name : d->host;

		if (!is_interface(d->host, false) || !is_interface(name, true))
			return mb_fail(err, EINVAL,
			               "'linux.netDevices' has what is no name of an interface");
		for (size_t k = 0; k < i; k++) {
			const struct mb_oci_net_device *o = &l->net_devices[k];

			if (!strchr(name, '%') &&
			    strcmp(name, o->name && *o->name ? o->name : o->host) == 0)
				return mb_fail(err, EINVAL,
				               "'linux.netDevices' has the name '%s' twice", name);
		}
	}
	return 0;
}

/* A cgroup's place is below where the runtime puts it: no way up. */
static int check_cgroups_path(const char *path, struct mb_err *err)
{
	for (const char *p = path; p && *p;) {
		size_t len = strcspn(p, "/");

		if (len == 2 && memcmp(p, "..", 2) == 0)
			return mb_fail(err, EINVAL, "'linux.cgroupsPath' must not contain '..'");
		p += len + (p[len] == '/');
	}
	return 0;
}

static int check_personality(const struct mb_oci_personality *p, struct mb_err *err)
{
	if (!p)
		return 0;
	if (strcmp(p->domain, "LINUX") != 0 && strcmp(p->domain, "LINUX32") != 0)
		return mb_fail(err, EINVAL,
		               "'linux.personality.domain' must be 'LINUX' or 'LINUX32'");
	if (p->flags.n)
		return mb_fail(err, EOPNOTSUPP, "'linux.personality.flags' is not supported");
	return 0;
}

static int check_linux(const struct mb_oci_linux *l, struct mb_err *err)
{
	int r = check_namespaces(l, err);

	if (r == 0)
		r = check_id_maps(l->uid_mappings, l->n_uid_mappings, "linux.uidMappings", err);
	if (r == 0)
		r = check_id_maps(l->gid_mappings, l->n_gid_mappings, "linux.gidMappings", err);
	if (r == 0)
		r = check_devices(l, err);
	if (r == 0)
		r = mb_oci_resources_check(&l->resources, err);
	if (r == 0)
		r = check_time_offsets(l, err);
	if (r == 0)
		r = check_net_devices(l, err);
	if (r == 0)
		r = check_cgroups_path(l->cgroups_path, err);
	if (r == 0)
		r = check_paths(&l->masked_paths, "linux.maskedPaths", err);
	if (r == 0)
		r = check_paths(&l->readonly_paths, "linux.readonlyPaths", err);
	if (r == 0)
		r = check_personality(l->personality, err);
	if (r < 0)
		return r;
	if (l->rootfs_propagation && *l->rootfs_propagation &&
	    !is_one_of(l->rootfs_propagation, propagations))
		return mb_fail(err, EINVAL, "'linux.rootfsPropagation' is not known");
	return 0;
}

int mb_oci_spec_check(const struct mb_oci_spec *spec, struct mb_err *err)
{
	int r = check_version(spec->oci_version, err);

	if (r == 0 && spec->process)
		r = mb_oci_process_check(spec->process, err);
	if (r == 0 && !*spec->root.path)
		r = mb_fail(err, EINVAL, "'root.path' is empty");
	for (size_t i = 0; i < spec->n_mounts && r == 0; i++)
		r = check_mount(&spec->mounts[i], i, err);
	if (r == 0 && spec->hooks)
		r = check_hooks(spec->hooks, err);
	MB_KV_FOREACH (pair, &spec->annotations)
		if (r == 0 && !*pair->key)
			r = mb_fail(err, EINVAL, "'annotations' has an empty name");
	if (r == 0)
		r = check_linux(&spec->linux, err);
	return r;
}
