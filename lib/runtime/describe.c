/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan in words, one operation a line: what `run --plan` shows and the tests read. */
#include <errno.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "runtime/plan.h"
#include "sys/proc.h"

static const int namespace_flags[] = {
	CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,    CLONE_NEWIPC,
	CLONE_NEWUTS,  CLONE_NEWNET, CLONE_NEWCGROUP,
};

static void print_namespaces(const struct mb_runtime_plan *plan, struct mb_str *out)
{
	for (size_t i = 0; i < MB_N(namespace_flags); i++) {
		const int flag = namespace_flags[i];

		if ((plan->clone_flags & (uint64_t)flag) ||
		    (flag == CLONE_NEWCGROUP && plan->has_new_cgroupns))
			mb_str_addf(out, "namespace new %s\n", mb_sys_proc_ns_name(flag));
	}
	for (size_t i = 0; i < plan->n_joins; i++)
		mb_str_addf(out, "namespace join %s %s\n", plan->joins[i].type,
		            plan->joins[i].path ? plan->joins[i].path : "(descriptor)");
}

static void print_maps(const char *name, const struct mb_oci_id_map *maps, size_t n,
                       struct mb_str *out)
{
	for (size_t i = 0; i < n; i++)
		mb_str_addf(out, "%s %u %u %u\n", name, maps[i].container_id, maps[i].host_id,
		            maps[i].size);
}

static void print_attr(uint64_t attr, struct mb_str *out)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} names[] = {
		{MOUNT_ATTR_RDONLY, "ro"},
		{MOUNT_ATTR_NOSUID, "nosuid"},
		{MOUNT_ATTR_NODEV, "nodev"},
		{MOUNT_ATTR_NOEXEC, "noexec"},
	};

	for (size_t i = 0; i < MB_N(names); i++) {
		if (attr & names[i].bit)
			mb_str_addf(out, " %s", names[i].name);
	}
}

static const char *propagation_name(uint64_t propagation)
{
	switch (propagation) {
	case MS_SHARED:
		return "shared";
	case MS_SLAVE:
		return "slave";
	case MS_UNBINDABLE:
		return "unbindable";
	default:
		return "private";
	}
}

static void print_mount(const struct mb_runtime_mount *m, struct mb_str *out)
{
	const char *source = m->fd >= 0 ? "(descriptor)" : m->source ? m->source : "none";

	mb_str_addf(out, "mount %s %s on %s", m->kind == MB_RUNTIME_MOUNT_BIND ? "bind" : m->type,
	            source, m->destination);
	print_attr(m->flags.set | m->flags.rec_set, out);
	if (m->flags.propagation)
		mb_str_addf(out, " %s%s", m->flags.propagation_recursive ? "r" : "",
		            propagation_name(m->flags.propagation));
	if (m->copy_up)
		mb_str_add(out, " copy-up");
	MB_STRV_FOREACH (option, &m->data) {
		if (!mb_starts_with(option, "source="))
			mb_str_addf(out, " %s", option);
	}
	mb_str_addc(out, '\n');
}

static void print_paths(const struct mb_runtime_plan *plan, struct mb_str *out)
{
	const struct mb_oci_linux *l = &plan->spec->linux;

	for (size_t i = 0; i < plan->n_devices; i++) {
		const struct mb_runtime_device *d = &plan->devices[i];

		mb_str_addf(out, "device %s %c %u:%u %04o\n", d->path,
		            S_ISBLK(d->mode)   ? 'b'
		            : S_ISCHR(d->mode) ? 'c'
		                               : 'p',
		            major(d->rdev), minor(d->rdev), d->mode & 07777);
	}
	MB_STRV_FOREACH (path, &l->readonly_paths)
		mb_str_addf(out, "read-only %s\n", path);
	MB_STRV_FOREACH (path, &l->masked_paths)
		mb_str_addf(out, "mask %s\n", path);
}

static void print_process(const struct mb_runtime_plan *plan, struct mb_str *out)
{
	static const char *const filters[] = {"none", "built-in", "of the bundle",
	                                      "built-in, hardened"};
	const struct mb_oci_spec *spec = plan->spec;

	if (spec->hostname && spec->hostname[0])
		mb_str_addf(out, "host name %s\n", spec->hostname);
	MB_KV_FOREACH (p, &spec->linux.sysctl)
		mb_str_addf(out, "sysctl %s = %s\n", p->key, p->value);
	for (size_t i = 0; i < plan->n_rlimits; i++)
		mb_str_addf(out, "limit %s %llu %llu\n", plan->rlimits[i].name,
		            (unsigned long long)plan->rlimits[i].soft,
		            (unsigned long long)plan->rlimits[i].hard);
	mb_str_addf(out, "working directory %s\n", plan->process->cwd ? plan->process->cwd : "/");
	if (plan->process->terminal)
		mb_str_add(out, "terminal\n");
	mb_str_addf(out, "user %u:%u\n", plan->creds.uid, plan->creds.gid);
	mb_str_addf(out, "capabilities %llx\n", (unsigned long long)plan->creds.caps.bounding);
	if (plan->process->no_new_privileges)
		mb_str_add(out, "no new privileges\n");
	mb_str_addf(out, "seccomp %s\n", filters[plan->filter]);
	mb_str_addf(out, "execute%s", plan->req.with_init ? " behind init" : "");
	MB_STRV_FOREACH (arg, &plan->process->args) {
		MB_AUTO_FREE char *text = mb_printable(arg);

		mb_str_addf(out, " %s", text);
	}
	mb_str_addc(out, '\n');
}

void mb_runtime_plan_print(const struct mb_runtime_plan *plan, struct mb_str *out)
{
	const struct mb_oci_linux *l = &plan->spec->linux;

	print_namespaces(plan, out);
	print_maps("uid map", l->uid_mappings, l->n_uid_mappings, out);
	print_maps("gid map", l->gid_mappings, l->n_gid_mappings, out);
	mb_str_addf(out, "root %s%s\n",
	            plan->req.rootfs_fd >= 0 ? "(descriptor)" : plan->spec->root.path,
	            plan->spec->root.readonly ? " ro" : "");
	for (size_t i = 0; i < plan->n_mounts; i++)
		print_mount(&plan->mounts[i], out);
	print_paths(plan, out);
	print_process(plan, out);
}

int mb_runtime_plan_describe(const struct mb_runtime_request *req, struct mb_str *out,
                             struct mb_err *err)
{
	struct mb_runtime_plan plan;
	int r;

	mb_runtime_plan_init(&plan);
	r = mb_runtime_plan_fill(&plan, req, err);
	if (r == 0)
		mb_runtime_plan_print(&plan, out);
	mb_runtime_plan_done(&plan);
	return r;
}
