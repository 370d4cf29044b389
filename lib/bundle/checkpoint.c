/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container's processes, to disk. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "bundle/bundle.h"
#include "bundle/parts.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "store/doc.h"
#include "sys/path.h"
#include "sys/proc.h"
#include "json/json.h"

enum { PROC_LIMIT = 4 << 20 };

struct freezing {
	struct mb_bundle *b;
	const struct mb_bundle_criu *how;
	struct mb_strv args;
	struct mb_str mounts; /* its mountinfo */
	struct json_object *descriptors;
};

/* What criu's command line cannot keep, or give back. */
static int check(struct freezing *f, struct mb_err *err)
{
	const struct mb_oci_spec *spec = &f->b->spec;
	enum mb_bundle_status status;
	int r = mb_bundle_status_read(f->b, &status, err);

	if (r < 0)
		return r;
	if (status != MB_BUNDLE_RUNNING)
		return mb_fail(err, ESRCH, "container not running: %s",
		               mb_bundle_status_name(status));
	if (spec->process->terminal)
		return mb_fail(err, EOPNOTSUPP, "criu's command line cannot give a terminal back");
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (spec->mounts[i].n_uid_mappings)
			return mb_fail(err, EOPNOTSUPP, "mount '%s' maps ids: criu cannot keep it",
			               spec->mounts[i].destination);
	return 0;
}

static int add_namespaces(struct freezing *f, struct mb_err *err)
{
	const struct mb_oci_linux *l = &f->b->spec.linux;

	for (size_t i = 0; i < l->n_namespaces; i++) {
		const struct mb_oci_namespace *ns = &l->namespaces[i];
		const bool is_net = mb_streq(ns->type, "network"),
			   is_pid = mb_streq(ns->type, "pid");
		MB_AUTO_FREE char *path =
			mb_asprintf("/proc/%d/ns/%s", f->b->process.pid, is_net ? "net" : "pid");
		struct stat st;

		if (!ns->path || !*ns->path)
			continue;
		if (!is_net && !is_pid)
			return mb_fail(err, EOPNOTSUPP,
			               "the %s namespace is joined by path: criu cannot keep it",
			               ns->type);
		if (stat(path, &st) < 0)
			return mb_fail_sys(err, errno, "cannot look at '%s'", path);
		mb_strv_addf(&f->args, "--external=%s[%" PRIu64 "]:extRoot%sNS",
		             is_net ? "net" : "pid", (uint64_t)st.st_ino, is_net ? "Net" : "Pid");
	}
	return 0;
}

/* Mounts of the host's, and of control groups, are found again at restore by their places. */
static void add_mounts(struct freezing *f)
{
	const struct mb_oci_spec *spec = &f->b->spec;

	for (size_t i = 0; i < spec->n_mounts; i++) {
		MB_AUTO_FREE char *place = NULL;

		if (!mb_bundle_mount_is_bind(&spec->mounts[i]))
			continue;
		place = mb_sys_path_clean(spec->mounts[i].destination);
		mb_strv_addf(&f->args, "--external=mnt[%s]:%s", place, place);
	}
	for (const char *line = mb_str_text(&f->mounts); *line;) {
		const char *end = strchrnul(line, '\n'), *type = strstr(line, " - ");
		char place[256];

		if (type && type < end && mb_starts_with(type, " - cgroup") &&
		    sscanf(line, "%*s %*s %*s %*s %255s", place) == 1)
			mb_strv_addf(&f->args, "--external=mnt[%s]:%s", place, place);
		line = *end ? end + 1 : end;
	}
}

static bool has_mount(const struct freezing *f, int id)
{
	MB_AUTO_FREE char *first = mb_asprintf("%d ", id), *other = mb_asprintf("\n%d ", id);
	const char *text = mb_str_text(&f->mounts);

	return mb_starts_with(text, first) || strstr(text, other);
}

/* How criu calls descriptor @fd, when what is behind it is not the container's: a pipe, or a file
 * of a mount that it has not.  Else "". */
static int name_descriptor(struct freezing *f, int fd, struct mb_str *ret, struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_asprintf("/proc/%d/fd/%d", f->b->process.pid, fd),
			  *info = mb_asprintf("/proc/%d/fdinfo/%d", f->b->process.pid, fd);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_FREE char *option = NULL;
	char link[PATH_MAX];
	ssize_t n = readlink(path, link, sizeof(link) - 1);
	const char *mount;
	struct stat st;
	int id = 0, r;

	if (n < 0)
		return errno == ENOENT ? 0 : mb_fail_sys(err, errno, "cannot read '%s'", path);
	link[n] = 0;
	if (mb_starts_with(link, "pipe:[")) {
		mb_str_add(ret, link);
		return 0;
	}
	if (link[0] != '/')
		return 0;
	r = mb_read_file(AT_FDCWD, info, PROC_LIMIT, &text, err);
	mount = r < 0 ? NULL : strstr(mb_str_text(&text), "mnt_id:");
	if (r < 0 || !mount || sscanf(mount, "mnt_id: %d", &id) != 1 || stat(path, &st) < 0)
		return r < 0 ? r : mb_fail(err, EIO, "cannot understand '%s'", info);
	if (has_mount(f, id))
		return 0;
	mb_str_addf(ret, "file[%x:%" PRIx64 "]", (unsigned)id, (uint64_t)st.st_ino);
	option = mb_asprintf("--external=%s", mb_str_text(ret));
	if (!mb_strv_has(&f->args, option)) /* two streams may be the same file */
		mb_strv_add(&f->args, option);
	return 0;
}

static int add_descriptors(struct freezing *f, struct mb_err *err)
{
	for (int fd = 0; fd < 3; fd++) {
		MB_AUTO_STR struct mb_str name = MB_STR_INIT;
		int r = name_descriptor(f, fd, &name, err);

		if (r < 0)
			return r;
		mb_json_push_str(f->descriptors, mb_str_text(&name));
	}
	return 0;
}

static int add_memory(struct freezing *f, struct mb_err *err)
{
	const struct mb_bundle_criu *how = f->how;
	const char *colon = how->page_server ? strrchr(how->page_server, ':') : NULL;

	if (how->parent && how->parent[0] == '/')
		return mb_fail(err, EINVAL, "'--parent-path' is relative to the images");
	if (how->page_server && (!colon || colon == how->page_server || !colon[1]))
		return mb_fail(err, EINVAL, "'--page-server %s' is no ADDRESS:PORT",
		               how->page_server);
	if (how->parent)
		mb_strv_addf(&f->args, "--prev-images-dir=%s", how->parent);
	if (how->parent || how->pre_dump)
		mb_strv_add(&f->args, "--track-mem");
	if (colon) {
		mb_strv_add(&f->args, "--page-server");
		mb_strv_addf(&f->args, "--address=%.*s", (int)(colon - how->page_server),
		             how->page_server);
		mb_strv_addf(&f->args, "--port=%s", colon + 1);
	}
	if (how->status_fd >= 0)
		mb_strv_addf(&f->args, "--status-fd=%d", how->status_fd);
	if (how->leave_running && !how->pre_dump)
		mb_strv_add(&f->args, "--leave-running");
	return 0;
}

static int save_descriptors(struct freezing *f, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = open(f->how->images, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", f->how->images);
	mb_json_format(f->descriptors, false, &text);
	return mb_store_file_write(fd, MB_BUNDLE_DESCRIPTORS, text.buf, text.len, MB_DOC_REPLACE,
	                           err);
}

/* In the child: only the descriptor that it has to tell on stays. */
static int prepare(void *arg, struct mb_err *err)
{
	const struct freezing *f = arg;

	if (f->how->status_fd >= 0 && fcntl(f->how->status_fd, F_SETFD, 0) < 0)
		return mb_fail_sys(err, errno, "descriptor %d", f->how->status_fd);
	return 0;
}

static int fill(struct freezing *f, const char *verb, struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_asprintf("/proc/%d/mountinfo", f->b->process.pid);
	int r = mb_read_file(AT_FDCWD, path, PROC_LIMIT, &f->mounts, err);

	if (r < 0)
		return r;
	mb_bundle_criu_args(f->how, verb, &f->args);
	mb_strv_addf(&f->args, "--tree=%d", f->b->process.pid);
	r = add_namespaces(f, err);
	if (r < 0)
		return r;
	add_mounts(f);
	r = add_descriptors(f, err);
	return r < 0 ? r : add_memory(f, err);
}

int mb_bundle_checkpoint(struct mb_bundle *b, const struct mb_bundle_criu *how, struct mb_err *err)
{
	struct freezing f = {.b = b, .how = how, .descriptors = mb_json_new_array()};
	const char *verb = how->pre_dump ? "pre-dump" : "dump";
	int r = mb_bundle_spec_load(b, err);

	if (r == 0)
		r = check(&f, err);
	if (r == 0 && mkdir(how->images, 0700) < 0 && errno != EEXIST)
		r = mb_fail_sys(err, errno, "cannot make '%s'", how->images);
	if (r == 0 && how->work && mkdir(how->work, 0700) < 0 && errno != EEXIST)
		r = mb_fail_sys(err, errno, "cannot make '%s'", how->work);
	if (r == 0)
		r = fill(&f, verb, err);
	if (r == 0)
		r = mb_bundle_criu_run(how, verb, &f.args, prepare, &f, err);
	if (r == 0)
		r = save_descriptors(&f, err);
	mb_strv_done(&f.args);
	mb_str_done(&f.mounts);
	mb_json_free(f.descriptors);
	if (r < 0 || how->leave_running || how->pre_dump)
		return r;
	return mb_bundle_destroy(b, err);
}
