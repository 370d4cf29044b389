/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container/bundle.h"
#include "container/container.h"
#include "container/mounts.h"
#include "container/secrets.h"
#include "container/security.h"
#include "container/start_parts.h"
#include "container/started.h"
#include "container/userns.h"
#include "core/err.h"
#include "core/str.h"
#include "sys/mount.h"
#include "sys/path.h"
#include "sys/proc.h"

static void add_mount(struct mb_container_bundle *b, const char *destination, const char *type,
                      const char *options, int fd)
{
	struct mb_oci_mount *m = mb_oci_spec_add_mount(&b->spec, destination, type, type);
	int *slot = mb_container_append(&b->mount_fds, &b->n_mount_fds, sizeof(*slot));

	mb_strv_split(&m->options, options, ',');
	*slot = fd;
}

static bool is_users(const struct mb_container_record *record, const char *destination)
{
	for (size_t i = 0; i < record->n_mounts; i++)
		if (strcmp(record->mounts[i].destination, destination) == 0)
			return true;
	return false;
}

/* /dev/shm of a container whose ipc namespace is joined lives in its mount namespace alone. */
struct foreign {
	int pid;
	const char *path;
};

static int clone_foreign(void *arg, int *fd, struct mb_err *err)
{
	const struct foreign *f = arg;
	MB_AUTO_CLOSE int ours = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), ns = -1;
	int r = mb_sys_proc_ns_open(f->pid, "mnt", &ns, err);

	if (r != 0)
		return r < 0 ? r : mb_fail(err, ESRCH, "it does not run any more");
	r = mb_sys_proc_ns_join_fd(ns, CLONE_NEWNS, err);
	if (r == 0 && mb_container_is_our_root(ours))
		r = mb_fail(err, EBUSY, "it has no root of its own");
	return r < 0 ? r : mb_sys_mount_clone(AT_FDCWD, f->path, false, fd, err);
}

static int add_shared_shm(struct mb_container *c, struct mb_container_bundle *b, struct mb_err *err)
{
	const char *mode = c->record->host.ipc_mode, *other = mb_skip_prefix(mode, "container:");
	int fd = -1, r;

	if (!other) {
		r = mb_sys_mount_clone(AT_FDCWD, "/dev/shm", true, &fd, err);
	} else {
		MB_AUTO(mb_container_free) struct mb_container *x = NULL;
		struct foreign f = {.path = "/dev/shm"};

		r = mb_container_open(c->store, other, &x, err);
		if (r != 0)
			return r < 0 ? r : -ENOENT;
		if (!mb_container_is_running(x))
			return mb_fail(err, ESRCH, "cannot join IPC of a non running container: %s",
			               mb_container_name(x));
		r = mb_container_started_await(x, err);
		f.pid = x->state.run.pid;
		if (r == 0)
			r = mb_sys_proc_call(clone_foreign, &f, &fd, err);
		else if (r > 0)
			r = -ESRCH;
	}
	if (r < 0)
		return mb_wrap(err, r, "cannot share /dev/shm");
	add_mount(b, "/dev/shm", "bind", "bind", fd);
	return 0;
}

/* /proc with what --security-opt proc-opts adds. */
static int add_proc(const struct mb_container_host_config *h, struct mb_container_bundle *b,
                    struct mb_err *err)
{
	MB_AUTO_SECURITY struct mb_container_security s = {0};
	MB_AUTO_STR struct mb_str options = MB_STR_INIT;
	int r = mb_container_security_read(h, &s, err);

	if (r < 0)
		return r;
	mb_str_add(&options, "nosuid,noexec,nodev");
	MB_STRV_FOREACH (option, &s.proc_options)
		mb_str_addf(&options, ",%s", option);
	add_mount(b, "/proc", "proc", mb_str_text(&options), -1);
	return 0;
}

static bool has_group(const struct mb_container_bundle *b, uint32_t gid)
{
	const struct mb_oci_linux *l = &b->spec.linux;

	for (size_t i = 0; i < l->n_gid_mappings; i++)
		if (gid - l->gid_mappings[i].container_id < l->gid_mappings[i].size)
			return true;
	return l->n_gid_mappings == 0;
}

static int add_defaults(struct mb_container *c, struct mb_container_bundle *b, struct mb_err *err)
{
	const struct mb_container_record *record = c->record;
	const char *ipc = record->host.ipc_mode;
	bool shared = mb_streq(ipc, "host") || mb_starts_with(ipc, "container:");
	bool privileged = record->host.privileged;
	MB_AUTO_FREE char *shm = NULL;
	int r;

	if (!is_users(record, "/proc") && (r = add_proc(&record->host, b, err)) < 0)
		return r;
	if (!is_users(record, "/dev"))
		add_mount(b, "/dev", "tmpfs", "nosuid,strictatime,mode=755,size=65536k", -1);
	add_mount(b, "/dev/pts", "devpts",
	          has_group(b, 5) ? "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"
	                          : "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620",
	          -1);
	if (!is_users(record, "/sys"))
		add_mount(b, "/sys", "sysfs",
		          privileged ? "nosuid,noexec,nodev,rw" : "nosuid,noexec,nodev,ro", -1);
	if (!is_users(record, "/sys/fs/cgroup"))
		add_mount(b, "/sys/fs/cgroup", "cgroup",
		          privileged ? "nosuid,noexec,nodev,relatime,rw"
		                     : "nosuid,noexec,nodev,relatime,ro",
		          -1);
	add_mount(b, "/dev/mqueue", "mqueue", "nosuid,noexec,nodev", -1);
	if (is_users(record, "/dev/shm") || mb_streq(ipc, "none"))
		return 0;
	if (shared)
		return add_shared_shm(c, b, err);
	shm = mb_asprintf("nosuid,noexec,nodev,mode=1777,size=%lld",
	                  (long long)record->host.shm_size);
	add_mount(b, "/dev/shm", "tmpfs", shm, -1);
	mb_strset(&b->spec.mounts[b->spec.n_mounts - 1].source, "shm");
	return 0;
}

/* The files that mybox keeps for the container in RUN/c/ID; who may write nothing may not write
 * these either. */
static int add_etc(struct mb_container *c, struct mb_container_bundle *b, struct mb_err *err)
{
	static const char *const names[] = {"resolv.conf", "hostname", "hosts"};
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_container_etc_open(c, &dir, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < MB_N(names); i++) {
		MB_AUTO_FREE char *destination = mb_asprintf("/etc/%s", names[i]);
		MB_AUTO_CLOSE int file = openat(dir, names[i], O_PATH | O_CLOEXEC | O_NOFOLLOW);
		int fd = -1;

		if (c->record->host.no_hosts && strcmp(names[i], "hosts") == 0)
			continue;
		if (is_users(c->record, destination) || (file < 0 && errno == ENOENT))
			continue;
		if (file < 0)
			return mb_fail_sys(err, errno, "cannot open '%s'", names[i]);
		r = mb_container_userns_give(&c->record->host, file, 0, 0, err);
		if (r == 0)
			r = mb_sys_mount_clone(file, "", false, &fd, err);
		if (r < 0)
			return mb_wrap(err, r, "'%s'", destination);
		add_mount(b, destination, "bind",
		          c->record->host.readonly_rootfs ? "rbind,rprivate,ro" : "rbind,rprivate",
		          fd);
	}
	return 0;
}

/* --tz */
static int add_timezone(struct mb_container *c, struct mb_container_bundle *b, struct mb_err *err)
{
	const char *name = c->record->config.timezone;
	MB_AUTO_CLOSE int file = -1;
	int fd = -1, r;

	if (!name || !*name || is_users(c->record, "/etc/localtime"))
		return 0;
	r = mb_container_timezone_open(name, &file, err);
	if (r == 0)
		r = mb_sys_mount_clone(file, "", false, &fd, err);
	if (r == 0)
		add_mount(b, "/etc/localtime", "bind", "rbind,rprivate,ro", fd);
	return r;
}

static int depth(const char *path)
{
	int n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

static int shallow_first(const void *a, const void *b)
{
	const struct mb_container_mount *const *x = a, *const *y = b;
	int left = depth((*x)->destination), right = depth((*y)->destination);

	if (left != right)
		return left - right;
	/* Elements of one list: their places tell the order in which they were asked for. */
	return *x < *y ? -1 : 1;
}

const struct mb_container_mount **
mb_container_mounts_sorted(const struct mb_container_record *record)
{
	const struct mb_container_mount **sorted = mb_calloc(record->n_mounts + 1, sizeof(*sorted));

	for (size_t i = 0; i < record->n_mounts; i++)
		sorted[i] = &record->mounts[i];
	qsort(sorted, record->n_mounts, sizeof(*sorted), shallow_first);
	return sorted;
}

static char *option_text(const struct mb_container_mount *m, const struct mb_oci_process *process)
{
	struct mb_str s = MB_STR_INIT;

	if (strcmp(m->type, "tmpfs") == 0)
		mb_str_addf(&s, "nosuid,nodev,noexec,%s", m->options ? m->options : "");
	else
		mb_str_add(&s, m->recursive == 1 ? "bind" : "rbind");
	if (m->chown && strcmp(m->type, "tmpfs") == 0)
		mb_str_addf(&s, ",uid=%u,gid=%u", process->user.uid, process->user.gid);
	if (!m->rw)
		mb_str_add(&s, ",ro");
	if (m->propagation && *m->propagation)
		mb_str_addf(&s, ",%s", m->propagation);
	if (m->options && strcmp(m->type, "bind") == 0)
		mb_str_addf(&s, ",%s", m->options);
	while (s.len && s.buf[s.len - 1] == ',')
		s.buf[--s.len] = '\0';
	return mb_str_take(&s);
}

/* A volume is the containers', whichever ids they have outside; a bind is the host's. */
static bool has_own_ids(const struct mb_container_mount *m)
{
	return m->idmap || strcmp(m->type, "volume") == 0;
}

static int map_ids(const struct mb_container_mount *m, int userns_fd, int fd, struct mb_err *err)
{
	int r = mb_sys_mount_idmap(fd, userns_fd, false, err);

	if (r == -EINVAL)
		return mb_fail(err, EOPNOTSUPP,
		               "mount '%s': the file system of '%s' cannot map ids", m->destination,
		               m->source);
	return r < 0 ? mb_wrap(err, r, "mount '%s'", m->destination) : 0;
}

/* The user of the container's program, by the ids that it has where the mount's files are. */
static int find_owner(struct mb_container *c, const struct mb_container_mount *m,
                      const struct mb_oci_process *process, struct mb_container_mount_use *use,
                      struct mb_err *err)
{
	MB_AUTO_MAPS struct mb_sys_id_maps maps = {0};
	int r;

	use->owns = m->chown;
	use->uid = process->user.uid;
	use->gid = process->user.gid;
	if (!m->chown || has_own_ids(m) || !mb_container_has_userns(&c->record->host))
		return 0;
	r = mb_container_maps_read(&c->record->host, &maps, err);
	if (r < 0)
		return r;
	use->uid = (uid_t)mb_sys_id_outside(maps.uids, maps.n_uids, use->uid);
	use->gid = (gid_t)mb_sys_id_outside(maps.gids, maps.n_gids, use->gid);
	return 0;
}

static int add_user(struct mb_container *c, int rootfs_fd, const struct mb_container_mount *m,
                    struct mb_container_bundle *b, struct mb_err *err)
{
	MB_AUTO_FREE char *options = option_text(m, b->spec.process);
	struct mb_container_mount_use use = {.rootfs_fd = rootfs_fd,
	                                     .container_fd = c->dir_fd,
	                                     .userns_fd = b->userns_fd,
	                                     .holds = &b->holds};
	int fd = -1;
	int r = find_owner(c, m, b->spec.process, &use, err);

	if (r == 0)
		r = mb_container_mount_open(c->store, m, &use, &fd, err);
	if (r == 0 && fd >= 0 && b->userns_fd >= 0 && has_own_ids(m))
		r = map_ids(m, b->userns_fd, fd, err);
	if (r < 0) {
		mb_close(&fd);
		return r;
	}
	add_mount(b, m->destination, fd < 0 ? "tmpfs" : "bind", options, fd);
	if (fd >= 0)
		mb_strset(&b->spec.mounts[b->spec.n_mounts - 1].source, m->source);
	return 0;
}

/* By depth, as the user's are among themselves: ours are all of them files in /etc, which stand on
 * what the user has put there. */
static int add_files_and_users(struct mb_container *c, int rootfs_fd, struct mb_container_bundle *b,
                               struct mb_err *err)
{
	const int ours = depth("/etc/hosts");
	const size_t n = c->record->n_mounts;
	MB_AUTO_FREE const struct mb_container_mount **sorted =
		mb_container_mounts_sorted(c->record);
	size_t i = 0;
	int r = 0;

	for (; r == 0 && i < n && depth(sorted[i]->destination) < ours; i++)
		r = add_user(c, rootfs_fd, sorted[i], b, err);
	if (r == 0)
		r = add_etc(c, b, err);
	if (r == 0)
		r = add_timezone(c, b, err);
	for (; r == 0 && i < n; i++)
		r = add_user(c, rootfs_fd, sorted[i], b, err);
	return r;
}

static void add_path(const struct mb_container_security *s, const char *path, struct mb_strv *paths)
{
	for (size_t i = 0; i < s->unmasked.n; i++)
		if (fnmatch(s->unmasked.v[i], path, FNM_PATHNAME) == 0)
			return;
	if (!mb_strv_has(paths, path))
		mb_strv_add(paths, path);
}

/* A file of each processor says what the others have been doing, by their heat. */
static void add_thermal(const struct mb_container_security *s, struct mb_strv *paths)
{
	const long cpus = sysconf(_SC_NPROCESSORS_CONF);

	for (long i = 0; i < cpus; i++) {
		MB_AUTO_FREE char *path =
			mb_asprintf("/sys/devices/system/cpu/cpu%ld/thermal_throttle", i);

		if (faccessat(AT_FDCWD, path, F_OK, 0) < 0)
			return;
		add_path(s, path, paths);
	}
}

int mb_container_masks(const struct mb_container_host_config *h, struct mb_strv *ret_masked,
                       struct mb_strv *ret_readonly, struct mb_err *err)
{
	static const char *const masked[] = {
		"/proc/acpi",        "/proc/asound",  "/proc/interrupts",
		"/proc/kcore",       "/proc/keys",    "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi",    "/proc/timer_list",
		"/proc/timer_stats", "/sys/firmware", "/sys/devices/virtual/powercap",
		"/sys/fs/selinux",
	};
	/* What else tells of the host's kernel and hardware. */
	static const char *const hardened[] = {
		"/proc/buddyinfo",     "/proc/config.gz",
		"/proc/crypto",        "/proc/dma",
		"/proc/dynamic_debug", "/proc/iomem",
		"/proc/ioports",       "/proc/kallsyms",
		"/proc/kmsg",          "/proc/kpagecgroup",
		"/proc/kpagecount",    "/proc/kpageflags",
		"/proc/modules",       "/proc/mtrr",
		"/proc/pagetypeinfo",  "/proc/slabinfo",
		"/proc/vmallocinfo",   "/proc/zoneinfo",
		"/sys/class/dmi",      "/sys/devices/virtual/dmi",
		"/sys/kernel",         "/sys/module",
	};
	static const char *const readonly[] = {
		"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
	};
	MB_AUTO_SECURITY struct mb_container_security s = {0};
	bool usual;
	int r = mb_container_security_read(h, &s, err);

	if (r < 0)
		return r;
	usual = !h->privileged && !s.paths_unconfined;
	for (size_t i = 0; usual && i < MB_N(masked); i++)
		add_path(&s, masked[i], ret_masked);
	if (usual)
		add_thermal(&s, ret_masked);
	for (size_t i = 0; usual && h->hardened && i < MB_N(hardened); i++)
		add_path(&s, hardened[i], ret_masked);
	for (size_t i = 0; usual && i < MB_N(readonly); i++)
		add_path(&s, readonly[i], ret_readonly);
	for (size_t i = 0; i < s.masked.n; i++)
		add_path(&s, s.masked.v[i], ret_masked);
	return 0;
}

int mb_container_mounts_fill(struct mb_container *c, int rootfs_fd, struct mb_container_bundle *b,
                             struct mb_err *err)
{
	int r = add_defaults(c, b, err);

	if (r == 0)
		r = add_files_and_users(c, b->image_fd >= 0 ? b->image_fd : rootfs_fd, b, err);
	if (r == 0)
		r = mb_container_secrets_mount(c, b, err);
	return r < 0 ? r
	             : mb_container_masks(&c->record->host, &b->spec.linux.masked_paths,
	                                  &b->spec.linux.readonly_paths, err);
}
