/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A container's processes, from disk.
 *
 * criu runs in the container's control group and in a cgroup namespace rooted there, so that all
 * it makes is born into both; in a mount namespace of its own, where the root file system is a
 * mount, as it demands; and makes process 1 as its brother: our child.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "bundle/bundle.h"
#include "bundle/parts.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "sys/mount.h"
#include "sys/path.h"
#include "sys/proc.h"
#include "json/json.h"

enum { STREAMS = 3, FIRST_FD = 64, DESCRIPTORS_LIMIT = 64 << 10 };
#define PID_FILE "criu.pid"

struct thawing {
	struct mb_bundle *b;
	const struct mb_bundle_criu *how;
	struct mb_strv args;
	struct mb_sys_cgroup_join join;
	int ns_fds[2]; /* of net and pid, or -1 */
};

static int check(const struct thawing *t, struct mb_err *err)
{
	const struct mb_oci_spec *spec = &t->b->spec;
	const struct mb_oci_hooks *h = spec->hooks;

	if (spec->process->terminal)
		return mb_fail(err, EOPNOTSUPP, "criu's command line cannot give a terminal back");
	if (h && (h->n_prestart || h->n_create_runtime || h->n_create_container))
		return mb_fail(err, EOPNOTSUPP,
		               "hooks of a container's making cannot be run at restore");
	return 0;
}

/* ---- what criu is to be given ---- */

/* From FIRST_FD on in the child: the namespaces, then the streams. */
static int add_namespaces(struct thawing *t, struct mb_err *err)
{
	static const struct {
		const char *type, *key;
	} rows[] = {{"network", "extRootNetNS"}, {"pid", "extRootPidNS"}};

	for (size_t i = 0; i < MB_N(rows); i++) {
		const struct mb_oci_namespace *ns =
			mb_oci_spec_find_namespace(&t->b->spec, rows[i].type);

		if (!ns || !ns->path || !*ns->path)
			continue;
		t->ns_fds[i] = open(ns->path, O_RDONLY | O_CLOEXEC);
		if (t->ns_fds[i] < 0)
			return mb_fail_sys(err, errno, "cannot open the %s namespace '%s'",
			                   ns->type, ns->path);
		mb_strv_addf(&t->args, "--inherit-fd=fd[%d]:%s", FIRST_FD + (int)i, rows[i].key);
	}
	return 0;
}

static int read_names(const struct thawing *t, struct mb_strv *ret, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir_fd = open(t->how->images, O_PATH | O_DIRECTORY | O_CLOEXEC);
	MB_AUTO(mb_json_free) struct json_object *list = NULL;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r;

	if (dir_fd < 0)
		return mb_fail_sys(err, errno, "images '%s'", t->how->images);
	r = mb_read_file(dir_fd, MB_BUNDLE_DESCRIPTORS, DESCRIPTORS_LIMIT, &text, err);
	if (r == 0)
		r = mb_json_parse(mb_str_text(&text), text.len, &list, err);
	if (r < 0)
		return mb_wrap(err, r, "'%s/%s'", t->how->images, MB_BUNDLE_DESCRIPTORS);
	if (!json_object_is_type(list, json_type_array) ||
	    json_object_array_length(list) != STREAMS)
		return mb_fail(err, EBADMSG, "'%s/%s' is no list of three descriptors",
		               t->how->images, MB_BUNDLE_DESCRIPTORS);
	for (size_t i = 0; i < STREAMS; i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(list, i));

		mb_strv_add(ret, name ? name : "");
	}
	return 0;
}

/* criu takes one descriptor for a name, and opens it again for each use of a file: of several
 * streams that had the same one (/dev/null), the last counts. */
static int add_descriptors(struct thawing *t, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	int r = read_names(t, &names, err);

	for (size_t i = 0; r == 0 && i < STREAMS; i++) {
		const char *name = names.v[i];
		bool comes_again = false;

		for (size_t k = i + 1; k < STREAMS; k++)
			comes_again |= mb_streq(names.v[k], name);
		if (!comes_again &&
		    (mb_starts_with(name, "pipe:[") || mb_starts_with(name, "file[")))
			mb_strv_addf(&t->args, "--inherit-fd=fd[%d]:%s", FIRST_FD + 2 + (int)i,
			             name);
	}
	return r;
}

/* The hierarchies of version 1 are below the destination, each under the host's name. */
static int add_hierarchies(struct thawing *t, const char *place, struct mb_err *err)
{
	const struct mb_sys_cgroup_hierarchy *h;
	size_t n = 0;

	h = mb_sys_cgroup_host_hierarchies(t->b->cgroup_host, &n);
	for (size_t i = 0; i < n; i++) {
		const char *name = strrchr(h[i].mount_point, '/');
		const bool is_only = n == 1 && h[i].is_v2;
		char link[MB_SYS_PATH_FD_TEXT], path[PATH_MAX];
		MB_AUTO_CLOSE int fd = -1;
		ssize_t len;
		int r = mb_sys_cgroup_place_open(t->b->cgroup, i, &fd, err);

		if (r == MB_SYS_CGROUP_ABSENT)
			continue;
		if (r < 0)
			return r;
		len = readlink(mb_sys_path_of_fd(fd, link), path, sizeof(path));
		if (len <= 0 || (size_t)len >= sizeof(path))
			return mb_fail_sys(err, ENAMETOOLONG, "control group");
		mb_strv_addf(&t->args, "--external=mnt[%s%s]:%.*s", place,
		             is_only || !name ? "" : name, (int)len, path);
	}
	return 0;
}

/* What is mounted on must be there, as it was when the container was made. */
static int make_place(int root_fd, const char *place, const char *source, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	struct stat st;

	if (source && stat(source, &st) < 0)
		return mb_fail_sys(err, errno, "source '%s'", source);
	if (source && !S_ISDIR(st.st_mode))
		return mb_sys_path_touch(root_fd, place, 0644, &fd, err);
	return mb_sys_path_mkdirs(root_fd, place, 0755, NULL, err);
}

/* Below what criu mounts itself it makes the places, too. */
static bool is_covered(const struct mb_oci_spec *spec, size_t n, const char *place)
{
	for (size_t i = 0; i < n; i++) {
		MB_AUTO_FREE char *over = mb_sys_path_clean(spec->mounts[i].destination);
		const char *rest = mb_skip_prefix(place, over);

		if (rest && *rest == '/')
			return true;
	}
	return false;
}

static int add_mount(struct thawing *t, size_t i, int root_fd, struct mb_err *err)
{
	const struct mb_oci_mount *m = &t->b->spec.mounts[i];
	MB_AUTO_FREE char *place = mb_sys_path_clean(m->destination), *source = NULL;
	int r = 0;

	if (mb_bundle_mount_is_bind(m) && m->source)
		source = m->source[0] == '/' ? mb_strdup(m->source)
		                             : mb_asprintf("%s/%s", t->b->record.bundle, m->source);
	if (!is_covered(&t->b->spec, i, place))
		r = make_place(root_fd, place, source, err);
	if (r < 0)
		return mb_wrap(err, r, "mount '%s'", place);
	if (source)
		mb_strv_addf(&t->args, "--external=mnt[%s]:%s", place, source);
	else if (mb_starts_with(m->type, "cgroup"))
		r = add_hierarchies(t, place, err);
	return r;
}

static int add_mounts(struct thawing *t, struct mb_err *err)
{
	MB_AUTO_CLOSE int root_fd = open(t->b->record.rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = root_fd < 0 ? mb_fail_sys(err, errno, "root file system '%s'", t->b->record.rootfs)
	                    : 0;

	for (size_t i = 0; r == 0 && i < t->b->spec.n_mounts; i++)
		r = add_mount(t, i, root_fd, err);
	return r;
}

/* ---- in the child ---- */

static int place_descriptors(const struct thawing *t, struct mb_err *err)
{
	const int fds[] = {t->ns_fds[0], t->ns_fds[1], 0, 1, 2};
	MB_AUTO_CLOSE int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0)
		return mb_fail_sys(err, errno, "cannot open '/dev/null'");
	for (size_t i = 0; i < MB_N(fds); i++)
		if (fds[i] >= 0 && dup2(fds[i], FIRST_FD + (int)i) < 0)
			return mb_fail_sys(err, errno, "cannot pass a descriptor on");
	for (int fd = 0; fd < STREAMS; fd++)
		if (dup2(null_fd, fd) < 0)
			return mb_fail_sys(err, errno, "cannot pass a descriptor on");
	return 0;
}

/* Upon itself. */
static int mount_root(const char *root, struct mb_err *err)
{
	MB_AUTO_CLOSE int place_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	int r = place_fd < 0 ? mb_fail_sys(err, errno, "cannot open it")
	                     : mb_sys_mount_clone(place_fd, "", true, &fd, err);

	if (r == 0)
		r = mb_sys_mount_move(fd, place_fd, err);
	return r < 0 ? mb_wrap(err, r, "root file system '%s'", root) : 0;
}

static int prepare(void *arg, struct mb_err *err)
{
	const struct thawing *t = arg;
	const struct mb_oci_namespace *ns = mb_oci_spec_find_namespace(&t->b->spec, "cgroup");
	int r = mb_sys_cgroup_join_self_slowly(&t->join);

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot join the control group");
	if (unshare(CLONE_NEWNS) < 0)
		return mb_fail_sys(err, errno, "cannot make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return mb_fail_sys(err, errno, "cannot make the mounts private");
	r = mount_root(t->b->record.rootfs, err);
	if (r < 0)
		return r;
	if (ns && !(ns->path && *ns->path) && unshare(CLONE_NEWCGROUP) < 0)
		return mb_fail_sys(err, errno, "cannot make a cgroup namespace");
	return place_descriptors(t, err);
}

/* ---- the whole ---- */

static int fill(struct thawing *t, const char *pid_file, struct mb_err *err)
{
	const struct mb_bundle_criu *how = t->how;
	int r;

	mb_bundle_criu_args(how, "restore", &t->args);
	mb_strv_addf(&t->args, "--root=%s", t->b->record.rootfs);
	mb_strv_add(&t->args, "--restore-detached");
	mb_strv_add(&t->args, "--restore-sibling");
	mb_strv_addf(&t->args, "--pidfile=%s", pid_file);
	if (how->cgroups)
		mb_strv_addf(&t->args, "--cgroup-root=%s", t->b->record.cgroup);
	if (how->lsm_profile)
		mb_strv_addf(&t->args, "--lsm-profile=%s", how->lsm_profile);
	if (how->lsm_mount_context)
		mb_strv_addf(&t->args, "--lsm-mount-context=%s", how->lsm_mount_context);
	r = add_namespaces(t, err);
	if (r == 0)
		r = add_descriptors(t, err);
	if (r == 0)
		r = add_mounts(t, err);
	if (r == 0)
		r = mb_sys_cgroup_join_open(t->b->cgroup, &t->join, err);
	return r;
}

static int read_pid(struct mb_bundle *b, int *ret_pidfd, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int pid = 0, r = mb_read_file(b->dir_fd, PID_FILE, 64, &text, err);

	if (r < 0)
		return r;
	(void)unlinkat(b->dir_fd, PID_FILE, 0);
	if (text.len && text.buf[text.len - 1] == '\n')
		text.buf[--text.len] = 0;
	if (mb_parse_int(mb_str_text(&text), &pid) < 0 || pid <= 1)
		return mb_fail(err, EPROTO, "criu tells no process");
	r = mb_sys_proc_open(pid, ret_pidfd, err);
	if (r == 0)
		r = mb_sys_proc_id_read(pid, &b->process, err);
	return r > 0 ? mb_fail(err, ESRCH, "the container's first process has ended") : r;
}

int mb_bundle_thaw(struct mb_bundle *b, const struct mb_bundle_criu *how, int *ret_pidfd,
                   struct mb_err *err)
{
	struct thawing t = {
		.b = b, .how = how, .join = MB_SYS_CGROUP_JOIN_INIT, .ns_fds = {-1, -1}};
	char link[MB_SYS_PATH_FD_TEXT], dir[PATH_MAX];
	ssize_t n = readlink(mb_sys_path_of_fd(b->dir_fd, link), dir, sizeof(dir));
	MB_AUTO_FREE char *pid_file = NULL;
	int r = check(&t, err);

	if (r == 0 && (n <= 0 || (size_t)n >= sizeof(dir)))
		r = mb_fail_sys(err, ENAMETOOLONG, "state directory");
	if (r < 0)
		return r;
	pid_file = mb_asprintf("%.*s/%s", (int)n, dir, PID_FILE);
	r = fill(&t, pid_file, err);
	if (r == 0)
		r = mb_bundle_criu_run(how, "restore", &t.args, prepare, &t, err);
	if (r == 0)
		r = read_pid(b, ret_pidfd, err);
	mb_strv_done(&t.args);
	mb_sys_cgroup_join_done(&t.join);
	mb_close(&t.ns_fds[0]);
	mb_close(&t.ns_fds[1]);
	return r;
}
