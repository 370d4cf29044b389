/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control group of a container, ours or a scope of systemd's. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "bundle/bundle.h"
#include "bundle/parts.h"
#include "core/err.h"
#include "core/io.h"
#include "core/str.h"
#include "runtime/resources.h"
#include "sys/path.h"
#include "systemd/scope.h"

enum { PROC_CGROUP_MAX = 1 << 16 };

static int path_of(const char *asked, const char *id, char **ret, struct mb_err *err)
{
	MB_AUTO_FREE char *path = NULL;

	if (!asked || !asked[0])
		return mb_sys_cgroup_path_make(NULL, id, ret, err);
	for (const char *p = asked; (p = strstr(p, "..")); p += 2)
		if ((p == asked || p[-1] == '/') && (p[2] == '/' || !p[2]))
			return mb_fail(err, EINVAL, "'linux.cgroupsPath' must not have '..'");
	path = mb_sys_path_clean(asked);
	if (mb_streq(path, "/"))
		return mb_fail(err, EINVAL, "'linux.cgroupsPath' cannot be the root");
	*ret = mb_take_ptr(&path);
	return 0;
}

int mb_bundle_cgroup_name(struct mb_bundle *b, bool systemd, struct mb_err *err)
{
	MB_AUTO_SYSTEMD_NAME struct mb_systemd_name name = {0};
	const char *asked = b->spec.linux.cgroups_path;
	int r;

	if (!systemd)
		return path_of(asked, b->id, &b->record.cgroup, err);
	r = mb_systemd_name_parse(asked, b->id, &name, err);
	if (r < 0)
		return r;
	b->record.systemd_cgroup = true;
	b->record.cgroup = mb_take_ptr(&name.path);
	return 0;
}

static bool is_v2(const struct mb_bundle *b)
{
	return mb_sys_cgroup_host_version(b->cgroup_host) == MB_SYS_CGROUP_V2;
}

static int start_scope(struct mb_bundle *b, const struct mb_sys_cgroup_limits *limits,
                       struct mb_systemd_holder *holder, struct mb_err *err)
{
	MB_AUTO(mb_systemd_bus_free) struct mb_systemd_bus *bus = NULL;
	MB_AUTO_SYSTEMD_NAME struct mb_systemd_name name = {0};
	MB_AUTO_FREE char *description = mb_asprintf("mybox container %s", b->id);
	struct mb_systemd_scope scope = {
		.name = &name, .description = description, .limits = limits, .is_v2 = is_v2(b)};
	int r = mb_systemd_name_parse(b->spec.linux.cgroups_path, b->id, &name, err);

	if (r == 0)
		r = mb_systemd_bus_open(&bus, err);
	if (r == 0)
		r = mb_systemd_holder_start(holder, err);
	return r < 0 ? r : mb_systemd_scope_start(bus, &scope, holder->pid, err);
}

/* A path may be anybody's: who is in there must neither get our limits nor end with us. */
static int check_unused(struct mb_bundle *b, struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	bool is_populated = false;
	int r = mb_sys_cgroup_open(b->cgroup_host, b->record.cgroup, &cg, err);

	if (r == MB_SYS_CGROUP_ABSENT)
		return 0;
	if (r == 0)
		r = mb_sys_cgroup_is_populated(cg, &is_populated, err);
	if (r == 0 && is_populated)
		r = mb_fail(err, EBUSY, "the control group '%s' is not empty", b->record.cgroup);
	return r;
}

int mb_bundle_cgroup_make(struct mb_bundle *b, const struct mb_sys_cgroup_limits *limits,
                          struct mb_systemd_holder *holder, struct mb_err *err)
{
	int r = mb_sys_cgroup_host_open(&b->cgroup_host, err);

	if (r == 0)
		r = b->record.systemd_cgroup ? start_scope(b, limits, holder, err)
		                             : check_unused(b, err);
	if (r < 0)
		return r;
	r = mb_sys_cgroup_create(b->cgroup_host, b->record.cgroup, limits, &b->cgroup, err);
	if (r < 0)
		(void)mb_bundle_cgroup_remove(b, NULL);
	return r;
}

/* "0::PATH" of the process, as long as it is the one that was opened. */
static char *own_group(const struct mb_sys_proc_id *process)
{
	MB_AUTO_FREE char *file = mb_asprintf("/proc/%d/cgroup", (int)process->pid);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	char *save = NULL;

	if (mb_read_file(AT_FDCWD, file, PROC_CGROUP_MAX, &text, NULL) < 0 || !text.len ||
	    !mb_sys_proc_id_is_running(process))
		return NULL;
	mb_str_addc(&text, '\0');
	for (char *line = strtok_r(text.buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *path = mb_skip_prefix(line, "0::");

		if (path)
			return mb_strdup(path);
	}
	return NULL;
}

int mb_bundle_cgroup_of_init(struct mb_bundle *b, struct mb_sys_cgroup **ret, struct mb_err *err)
{
	MB_AUTO_FREE char *path = is_v2(b) ? own_group(&b->process) : NULL;
	const char *below = path ? mb_skip_prefix(path, b->record.cgroup) : NULL;

	if (!below || below[0] != '/')
		return MB_SYS_CGROUP_ABSENT;
	return mb_sys_cgroup_open(b->cgroup_host, path, ret, err);
}

int mb_bundle_cgroup_update(struct mb_bundle *b, const struct mb_sys_cgroup_limits *limits,
                            struct mb_err *err)
{
	MB_AUTO(mb_systemd_bus_free) struct mb_systemd_bus *bus = NULL;
	int r = mb_bundle_cgroup_open(b, err);

	if (r == MB_SYS_CGROUP_ABSENT)
		r = mb_fail(err, ENOENT, "the control group of '%s' is gone", b->id);
	/* The files first: what they refuse is not to be told. */
	if (r == 0)
		r = mb_sys_cgroup_update(b->cgroup, limits, err);
	if (r < 0 || !b->record.systemd_cgroup)
		return r;
	r = mb_systemd_bus_open(&bus, err);
	if (r < 0)
		return r;
	return mb_systemd_scope_update(bus, mb_systemd_unit_of(b->record.cgroup), limits, is_v2(b),
	                               err);
}

int mb_bundle_cgroup_remove(struct mb_bundle *b, struct mb_err *err)
{
	MB_AUTO(mb_systemd_bus_free) struct mb_systemd_bus *bus = NULL;
	int r = 0;

	if (b->record.systemd_cgroup && mb_systemd_is_running()) {
		r = mb_systemd_bus_open(&bus, err);
		if (r == 0)
			r = mb_systemd_scope_stop(bus, mb_systemd_unit_of(b->record.cgroup), err);
	}
	if (r == 0 && b->cgroup)
		r = mb_sys_cgroup_remove(b->cgroup, err);
	return r;
}
