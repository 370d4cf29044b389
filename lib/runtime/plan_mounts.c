/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "runtime/plan.h"
#include "sys/path.h"

/* Files of procfs that lxcfs serves for a container; nothing a program's safety hangs on. */
static const char *const proc_replaceable[] = {
	"/proc/cpuinfo",
	"/proc/diskstats",
	"/proc/loadavg",
	"/proc/meminfo",
	"/proc/slabinfo",
	"/proc/stat",
	"/proc/swaps",
	"/proc/uptime",
	"/proc/sys/crypto/fips_enabled",
	"/proc/sys/kernel/ns_last_pid",
};

const char *const mb_runtime_mount_options[] = {
	"async",         "atime",        "bind",
	"defaults",      "dev",          "diratime",
	"dirsync",       "exec",         "idmap",
	"iversion",      "lazytime",     "loud",
	"mand",          "noatime",      "nodev",
	"nodiratime",    "noexec",       "noiversion",
	"nolazytime",    "nomand",       "norelatime",
	"nostrictatime", "nosuid",       "nosymfollow",
	"private",       "ratime",       "rbind",
	"rdev",          "rdiratime",    "relatime",
	"remount",       "rexec",        "ridmap",
	"rnoatime",      "rnodev",       "rnodiratime",
	"rnoexec",       "rnorelatime",  "rnostrictatime",
	"rnosuid",       "rnosymfollow", "ro",
	"rprivate",      "rrelatime",    "rro",
	"rrw",           "rshared",      "rslave",
	"rstrictatime",  "rsuid",        "rsymfollow",
	"runbindable",   "rw",           "shared",
	"silent",        "slave",        "strictatime",
	"suid",          "symfollow",    "sync",
	"tmpcopyup",     "unbindable",   NULL,
};

bool mb_runtime_mount_is_allowed(const char *destination, const char *type)
{
	if (mb_streq(destination, "/proc"))
		return mb_streq(type, "proc");
	if (!mb_starts_with(destination, "/proc/"))
		return true;
	for (size_t i = 0; i < MB_N(proc_replaceable); i++) {
		if (mb_streq(destination, proc_replaceable[i]))
			return true;
	}
	return false;
}

static const struct {
	const char *type;
	enum mb_runtime_mount_kind kind;
} kinds[] = {
	{"proc", MB_RUNTIME_MOUNT_PROC},     {"sysfs", MB_RUNTIME_MOUNT_SYSFS},
	{"cgroup", MB_RUNTIME_MOUNT_CGROUP}, {"cgroup2", MB_RUNTIME_MOUNT_CGROUP},
	{"devpts", MB_RUNTIME_MOUNT_DEVPTS}, {"bind", MB_RUNTIME_MOUNT_BIND},
};

static enum mb_runtime_mount_kind kind_of(const struct mb_runtime_mount *m)
{
	if (m->flags.remount)
		return MB_RUNTIME_MOUNT_REMOUNT;
	if (m->fd >= 0 || m->flags.bind)
		return MB_RUNTIME_MOUNT_BIND;
	for (size_t i = 0; i < MB_N(kinds); i++) {
		if (mb_streq(kinds[i].type, m->type))
			return kinds[i].kind;
	}
	return MB_RUNTIME_MOUNT_NEW;
}

/* Words for us among those for the file system, and some that no kernel looks at any more. */
static void take_own_options(struct mb_runtime_mount *m)
{
	static const char *const dropped[] = {
		"tmpcopyup", "nocopy", "copy", "z", "Z", "silent", "loud", "iversion", "noiversion",
	};

	m->copy_up = mb_strv_has(&m->data, "tmpcopyup");
	for (size_t i = 0; i < MB_N(dropped); i++)
		mb_strv_remove(&m->data, dropped[i]);
}

/* mount(2) takes one line of options, so one entry may hold several: "lowerdir=a,upperdir=b".  In
 * quotes a comma is one. */
static void split_data(struct mb_strv *data)
{
	struct mb_strv parts = {0};

	MB_STRV_FOREACH (entry, data) {
		MB_AUTO_STR struct mb_str part = MB_STR_INIT;
		bool quoted = false;

		for (const char *c = entry;; c++) {
			if (*c == '\\' && c[1]) { /* the file system's own escape */
				mb_str_addc(&part, *c++);
				mb_str_addc(&part, *c);
			} else if (*c == '"') {
				quoted = !quoted;
			} else if (*c && (*c != ',' || quoted)) {
				mb_str_addc(&part, *c);
			} else {
				if (part.len)
					mb_strv_add(&parts, mb_str_text(&part));
				mb_str_reset(&part);
			}
			if (!*c)
				break;
		}
	}
	mb_strv_done(data);
	*data = parts;
}

/* The kernel takes no data for a bind; what belongs to the file system it has is no mistake. */
static void drop_bind_data(struct mb_runtime_plan *plan, struct mb_runtime_mount *m)
{
	static const char *const harmless[] = {"async",    "sync",       "dirsync", "mand",
	                                       "lazytime", "nolazytime", "nomand"};

	for (size_t i = 0; i < MB_N(harmless); i++)
		mb_strv_remove(&m->data, harmless[i]);
	MB_STRV_FOREACH (option, &m->data) {
		MB_AUTO_FREE char *shown = mb_printable(option);

		mb_strv_addf(&plan->warnings, "mount '%s': option '%.60s' means nothing to a bind",
		             m->destination, shown);
	}
	mb_strv_done(&m->data);
	m->data = (struct mb_strv){0};
}

/* Flags of the mount are changed; its file system may be the host's, and stays as it is. */
static int check_remount(const struct mb_runtime_mount *m, struct mb_err *err)
{
	if (m->data.n)
		return mb_fail(err, EOPNOTSUPP, "mount '%s': 'remount' cannot change '%s'",
		               m->destination, m->data.v[0]);
	return 0;
}

static int check_idmap(const struct mb_runtime_plan *plan, const struct mb_runtime_mount *m,
                       struct mb_err *err)
{
	if (!m->is_idmapped)
		return 0;
	if (m->kind != MB_RUNTIME_MOUNT_BIND && m->kind != MB_RUNTIME_MOUNT_NEW)
		return mb_fail(err, EOPNOTSUPP, "mount '%s': ids of '%s' cannot be mapped",
		               m->destination, m->type ? m->type : "a remount");
	if (!m->spec->n_uid_mappings && !plan->has_userns)
		return mb_fail(err, EINVAL,
		               "mount '%s': 'idmap' needs mappings, or a user namespace",
		               m->destination);
	return 0;
}

static int check_mount(const struct mb_runtime_plan *plan, const struct mb_runtime_mount *m,
                       struct mb_err *err)
{
	const char *at = m->destination;

	if (m->kind == MB_RUNTIME_MOUNT_REMOUNT)
		return check_remount(m, err);
	if (mb_streq(at, "/"))
		return mb_fail(err, EINVAL, "a mount cannot replace the root file system");
	if (!m->must_be_proc && !mb_runtime_mount_is_allowed(at, m->type))
		return mb_fail(err, EPERM, "mount '%s': nothing can be mounted there", at);
	if (m->kind == MB_RUNTIME_MOUNT_BIND && m->fd < 0 && (!m->source || !m->source[0]))
		return mb_fail(err, EINVAL, "mount '%s' has no source", at);
	if (m->kind != MB_RUNTIME_MOUNT_BIND && (!m->type || !m->type[0]))
		return mb_fail(err, EINVAL, "mount '%s' has no type", at);
	if (m->copy_up && !mb_streq(m->type, "tmpfs"))
		return mb_fail(err, EINVAL, "mount '%s': 'tmpcopyup' is for tmpfs", at);
	return check_idmap(plan, m, err);
}

/* What the file system itself is told. */
static void finish_data(struct mb_runtime_plan *plan, struct mb_runtime_mount *m)
{
	const char *label = plan->spec->linux.mount_label;

	if (m->kind == MB_RUNTIME_MOUNT_BIND) {
		drop_bind_data(plan, m);
		return;
	}
	split_data(&m->data);
	if (m->kind == MB_RUNTIME_MOUNT_REMOUNT || m->kind == MB_RUNTIME_MOUNT_CGROUP)
		return;
	/* What `mount` shows in the container, as docker's do. */
	if (m->source)
		mb_strv_addf(&m->data, "source=%s", m->source);
	if (label && label[0] &&
	    (m->kind == MB_RUNTIME_MOUNT_NEW || m->kind == MB_RUNTIME_MOUNT_DEVPTS) &&
	    !mb_streq(m->type, "mqueue"))
		mb_strv_addf(&m->data, "context=%s", label);
}

static int plan_mount(struct mb_runtime_plan *plan, size_t i, struct mb_err *err)
{
	const struct mb_oci_mount *from = &plan->spec->mounts[i];
	struct mb_runtime_mount *m = &plan->mounts[i];
	MB_AUTO_FREE char *rooted = mb_asprintf("/%s", from->destination ? from->destination : "");
	int r;

	*m = (struct mb_runtime_mount){.fd = -1,
	                               .userns_fd = -1,
	                               .spec = from,
	                               .type = from->type,
	                               .source = from->source};
	plan->n_mounts = i + 1;
	m->destination = mb_sys_path_clean(rooted);
	if (i < plan->req.n_mount_fds && plan->req.mount_fds) {
		m->fd = plan->req.mount_fds[i];
		m->fd_is_borrowed = true;
	}
	r = mb_sys_mount_flags_parse(&from->options, &m->flags, &m->data, err);
	if (r < 0)
		return mb_wrap(err, r, "mount '%s'", m->destination);
	take_own_options(m);
	m->is_idmapped = m->flags.idmap || from->n_uid_mappings;
	m->kind = kind_of(m);
	/* procfs itself from elsewhere, which is looked at when it is opened. */
	m->must_be_proc = m->kind == MB_RUNTIME_MOUNT_BIND && mb_streq(m->destination, "/proc");
	finish_data(plan, m);
	/* A copy of a shared mount is its peer until told otherwise. */
	if (m->kind == MB_RUNTIME_MOUNT_BIND && m->flags.propagation == 0) {
		m->flags.propagation = MS_PRIVATE;
		m->flags.propagation_recursive = true;
	}
	if (mb_streq(m->destination, "/dev") && m->kind != MB_RUNTIME_MOUNT_REMOUNT) {
		plan->dev_mount = mb_streq(m->type, "tmpfs") && m->fd < 0 ? i : SIZE_MAX;
		plan->dev_is_bound = plan->dev_mount == SIZE_MAX;
	}
	return check_mount(plan, m, err);
}

int mb_runtime_plan_mounts(struct mb_runtime_plan *plan, struct mb_err *err)
{
	const size_t n = plan->spec->n_mounts;
	int r = 0;

	if (plan->req.n_mount_fds > n)
		return mb_fail(err, EINVAL, "more mount descriptors than mounts");
	plan->mounts = mb_calloc(n + 1, sizeof(*plan->mounts));
	for (size_t i = 0; r == 0 && i < n; i++)
		r = plan_mount(plan, i, err);
	return r;
}

/* ---- devices ---- */

static const struct {
	char letter;
	mode_t type;
} device_types[] = {{'c', S_IFCHR}, {'u', S_IFCHR}, {'b', S_IFBLK}, {'p', S_IFIFO}};

static int plan_device(const struct mb_oci_device *from, struct mb_runtime_device *to,
                       struct mb_err *err)
{
	const char *letter = from->type ? from->type : "";
	mode_t type = 0;

	for (size_t i = 0; i < MB_N(device_types); i++) {
		if (letter[0] == device_types[i].letter && !letter[1])
			type = device_types[i].type;
	}
	if (!type)
		return mb_fail(err, EINVAL, "device '%s': unknown type '%s'", from->path, letter);
	/* Anywhere else too, but not where the kernel speaks. */
	if (!from->path || from->path[0] != '/' || mb_starts_with(from->path, "/proc/") ||
	    mb_starts_with(from->path, "/sys/"))
		return mb_fail(err, EINVAL, "device '%s': there can be none", from->path);
	if (type != S_IFIFO && (from->major < 0 || from->major >= 1 << 12 || from->minor < 0 ||
	                        from->minor >= 1 << 20))
		return mb_fail(err, ERANGE, "device '%s': no such number", from->path);
	*to = (struct mb_runtime_device){
		.path = from->path,
		.mode = type | ((from->has_file_mode ? from->file_mode : 0666) & 07777),
		.rdev = makedev((unsigned int)from->major, (unsigned int)from->minor),
		.uid = from->uid,
		.gid = from->gid,
	};
	return 0;
}

int mb_runtime_plan_devices(struct mb_runtime_plan *plan, struct mb_err *err)
{
	const struct mb_oci_linux *l = &plan->spec->linux;
	int r = 0;

	plan->devices = mb_calloc(l->n_devices + 1, sizeof(*plan->devices));
	for (size_t i = 0; r == 0 && i < l->n_devices; i++)
		r = plan_device(&l->devices[i], &plan->devices[i], err);
	if (r == 0)
		plan->n_devices = l->n_devices;
	return r;
}
