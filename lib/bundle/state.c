/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state directory: what is in it, who may change it, what it means. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "bundle/parts.h"
#include "core/clock.h"
#include "core/crc32c.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/io.h"
#include "core/sock.h"
#include "core/str.h"
#include "store/doc.h"
#include "sys/cgroup.h"
#include "sys/path.h"
#include "sys/tree.h"
#include "json/json.h"

enum { MAX_ID = 1024, LOCK_TIMEOUT_MS = 10000 };

static const struct mb_json_field record_table[] = {
	MB_JSON_STR("ociVersion", struct mb_bundle_record, oci_version, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("bundle", struct mb_bundle_record, bundle, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("rootfs", struct mb_bundle_record, rootfs, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("cgroup", struct mb_bundle_record, cgroup, .flags = MB_JSON_REQUIRED),
	MB_JSON_TIME("created", struct mb_bundle_record, created, .flags = MB_JSON_REQUIRED),
	MB_JSON_BOOL("systemdCgroup", struct mb_bundle_record, systemd_cgroup),
	MB_JSON_STR("configSum", struct mb_bundle_record, config_sum, .flags = MB_JSON_REQUIRED),
	MB_JSON_KV("annotations", struct mb_bundle_record, annotations),
	MB_JSON_END,
};

struct process_doc {
	int pid;
	uint64_t start;
	bool making;
};

static const struct mb_json_field process_table[] = {
	MB_JSON_INT("pid", struct process_doc, pid, .flags = MB_JSON_REQUIRED),
	MB_JSON_U64("start", struct process_doc, start, .flags = MB_JSON_REQUIRED),
	MB_JSON_BOOL("making", struct process_doc, making),
	MB_JSON_END,
};

bool mb_bundle_id_is_valid(const char *id)
{
	size_t n = 0;

	for (; id[n]; n++) {
		const char c = id[n];
		const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		                     (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';

		if (!is_word && (c != '.' || n == 0))
			return false;
	}
	return n > 0 && n <= MAX_ID && n < NAME_MAX;
}

static int check_owner(int fd, const char *path, struct mb_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot look at '%s'", path);
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return mb_fail(err, EPERM, "'%s' can be changed by others than root", path);
	return 0;
}

int mb_bundle_root_open(const char *path, bool make, int *ret_fd, struct mb_err *err)
{
	const int how = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	MB_AUTO_CLOSE int fd = open(path, how), base = -1;
	int r;

	if (fd < 0 && errno == ENOENT && make) {
		MB_AUTO_FREE char *full = path[0] == '/' ? mb_strdup(path) : NULL;

		base = open(full ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = mb_sys_path_mkdirs(base, path, 0700, NULL, err);
		if (r < 0)
			return mb_wrap(err, r, "state directory");
		fd = open(path, how);
	}
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open the state directory '%s'", path);
	r = check_owner(fd, path, err);
	if (r == 0)
		*ret_fd = mb_take_fd(&fd);
	return r;
}

static int add_ids(DIR *dir, struct mb_strv *ids, struct mb_err *err)
{
	for (;;) {
		const struct dirent *e;

		errno = 0;
		e = readdir(dir);
		if (!e)
			return errno ? mb_fail_sys(err, errno, "cannot list containers") : 0;
		if (mb_bundle_id_is_valid(e->d_name))
			mb_strv_add(ids, e->d_name);
	}
}

int mb_bundle_list(int root_fd, struct mb_strv *ret_ids, struct mb_err *err)
{
	DIR *dir = mb_dir_open(root_fd, ".");
	int r;

	if (!dir)
		return mb_fail_sys(err, errno, "cannot list containers");
	r = add_ids(dir, ret_ids, err);
	closedir(dir);
	mb_strv_sort(ret_ids);
	return r;
}

/* ---- documents ---- */

void mb_bundle_record_done(struct mb_bundle_record *record)
{
	mb_json_done(record_table, record);
}

static int parse(const char *text, size_t len, const struct mb_json_field *table, void *ret,
                 struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *doc = NULL;
	int r = mb_store_doc_parse(text, len, &doc, err);

	if (r == MB_DOC_CORRUPT)
		return -EBADMSG;
	if (r == 0 && mb_json_decode(doc, table, ret, err) < 0) {
		mb_json_done(table, ret);
		return -EBADMSG;
	}
	return r;
}

int mb_bundle_record_parse(const char *text, size_t len, struct mb_bundle_record *ret,
                           struct mb_err *err)
{
	struct mb_bundle_record record = {0};
	int r = parse(text, len, record_table, &record, err);

	if (r < 0)
		return r;
	if (record.bundle[0] != '/' || !mb_sys_cgroup_path_is_valid(record.cgroup)) {
		mb_bundle_record_done(&record);
		return mb_fail(err, EBADMSG, "a path in it is none");
	}
	*ret = record;
	return 0;
}

int mb_bundle_process_parse(const char *text, size_t len, struct mb_sys_proc_id *ret,
                            bool *ret_making, struct mb_err *err)
{
	struct process_doc doc = {0};
	int r = parse(text, len, process_table, &doc, err);

	if (r < 0)
		return r;
	if (doc.pid <= 1)
		return mb_fail(err, EBADMSG, "no container's process has the number %d", doc.pid);
	*ret = (struct mb_sys_proc_id){.pid = doc.pid, .start = doc.start};
	if (ret_making)
		*ret_making = doc.making;
	return 0;
}

int mb_bundle_record_save(struct mb_bundle *b, struct mb_err *err)
{
	int r = mb_store_doc_save(b->dir_fd, MB_BUNDLE_STATE, record_table, &b->record, 0, err);

	b->has_record = r == 0;
	return r;
}

int mb_bundle_process_save(struct mb_bundle *b, struct mb_err *err)
{
	const struct process_doc doc = {
		.pid = b->process.pid, .start = b->process.start, .making = b->making};

	return mb_store_doc_save(b->dir_fd, MB_BUNDLE_PROCESS, process_table, &doc,
	                         b->making ? 0 : MB_DOC_REPLACE, err);
}

static int load_record(struct mb_bundle *b, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = mb_read_file(b->dir_fd, MB_BUNDLE_STATE, MB_JSON_MAX_BYTES, &text, err);

	if (r == 0)
		r = mb_bundle_record_parse(mb_str_text(&text), text.len, &b->record, err);
	if (r < 0)
		return mb_wrap(err, r == -ENOENT ? -EBADMSG : r, "container '%s': '%s'", b->id,
		               MB_BUNDLE_STATE);
	b->has_record = true;
	return 0;
}

static int load_process(struct mb_bundle *b, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = mb_read_file(b->dir_fd, MB_BUNDLE_PROCESS, MB_JSON_MAX_BYTES, &text, err);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = mb_bundle_process_parse(mb_str_text(&text), text.len, &b->process, &b->making,
		                            err);
	return r < 0 ? mb_wrap(err, r, "container '%s': '%s'", b->id, MB_BUNDLE_PROCESS) : 0;
}

int mb_bundle_spec_load(struct mb_bundle *b, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	char sum[16];
	int r;

	if (b->has_spec)
		return 0;
	r = mb_read_file(b->dir_fd, MB_BUNDLE_CONFIG, MB_JSON_MAX_BYTES, &text, err);
	if (r < 0)
		return mb_wrap(err, r, "container '%s'", b->id);
	snprintf(sum, sizeof(sum), "%08x", mb_crc32c(0, text.buf, text.len));
	if (!mb_streq(sum, b->record.config_sum))
		return mb_fail(err, EBADMSG, "container '%s': '%s' is corrupt", b->id,
		               MB_BUNDLE_CONFIG);
	r = mb_oci_spec_load(text.buf, text.len, &b->spec, err);
	b->has_spec = r == 0;
	return r;
}

/* ---- the handle ---- */

struct mb_bundle *mb_bundle_new(int root_fd, const char *id)
{
	struct mb_bundle *b = mb_calloc(1, sizeof(*b));

	b->id = mb_strdup(id);
	b->root_fd = root_fd;
	b->dir_fd = b->lock_fd = b->stop_fd = -1;
	return b;
}

void mb_bundle_free(struct mb_bundle *b)
{
	if (!b)
		return;
	mb_bundle_record_done(&b->record);
	if (b->has_spec)
		mb_oci_spec_done(&b->spec);
	mb_sys_cgroup_free(b->cgroup);
	mb_sys_cgroup_host_free(b->cgroup_host);
	mb_strv_done(&b->warnings);
	mb_close(&b->lock_fd);
	mb_close(&b->dir_fd);
	free(b->id);
	free(b);
}

static int lock_within(int fd, int timeout_ms)
{
	const int64_t end = mb_monotonic_nsec() + (int64_t)timeout_ms * 1000000;
	const struct timespec pause = {.tv_nsec = 5000000};

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (mb_monotonic_nsec() >= end)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* The directory that was locked must still be the one with that name. */
int mb_bundle_lock(struct mb_bundle *b, int timeout_ms, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = openat(b->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat ours, named;
	int r;

	if (fd < 0 && errno == ENOENT)
		return MB_BUNDLE_REPLACED;
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open the state of '%s'", b->id);
	r = lock_within(fd, timeout_ms);
	if (r == -EBUSY)
		return mb_fail(err, EBUSY, "container '%s' is being changed by another process",
		               b->id);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot lock container '%s'", b->id);
	if (fstat(fd, &ours) < 0 || fstatat(b->root_fd, b->id, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	    ours.st_ino != named.st_ino || ours.st_dev != named.st_dev)
		return MB_BUNDLE_REPLACED;
	b->lock_fd = mb_take_fd(&fd);
	return 0;
}

static int no_such(const char *id, struct mb_err *err)
{
	MB_AUTO_FREE char *shown = mb_printable(id);

	return mb_fail(err, ENOENT, "container '%.100s' does not exist", shown);
}

/* state.json is of no use: the copy of the bundle's says where the control group is. */
static void find_cgroup(struct mb_bundle *b)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	const char *asked;

	if (mb_read_file(b->dir_fd, MB_BUNDLE_CONFIG, MB_JSON_MAX_BYTES, &text, NULL) < 0 ||
	    mb_oci_spec_load(text.buf, text.len, &b->spec, NULL) < 0)
		return;
	b->has_spec = true;
	asked = b->spec.linux.cgroups_path;
	(void)mb_bundle_cgroup_name(b, asked && asked[0] != '/' && strchr(asked, ':'), NULL);
}

static int load(struct mb_bundle *b, unsigned how, struct mb_err *err)
{
	int r = 0;

	if (how & MB_BUNDLE_LOCK)
		r = mb_bundle_lock(b, LOCK_TIMEOUT_MS, err);
	if (r == MB_BUNDLE_REPLACED)
		return no_such(b->id, err);
	if (r < 0)
		return r;
	r = load_record(b, err);
	if (r == 0)
		r = load_process(b, err);
	if (r == 0 || !(how & MB_BUNDLE_BROKEN_TOO))
		return r;
	if (!b->has_record) {
		find_cgroup(b);
		(void)load_process(b, NULL);
	}
	return 0;
}

int mb_bundle_open(int root_fd, const char *id, unsigned how, struct mb_bundle **ret,
                   struct mb_err *err)
{
	MB_AUTO(mb_bundle_free) struct mb_bundle *b = mb_bundle_new(root_fd, id);
	int r;

	if (!mb_bundle_id_is_valid(id))
		return mb_fail(err, EINVAL, "invalid container ID format: '%.100s'", id);
	b->dir_fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (b->dir_fd < 0)
		return no_such(id, err);
	r = load(b, how, err);
	if (r == 0)
		*ret = mb_take_ptr(&b);
	return r;
}

/* ---- what is true ---- */

const char *mb_bundle_status_name(enum mb_bundle_status status)
{
	static const char *const names[] = {
		[MB_BUNDLE_CREATING] = "creating", [MB_BUNDLE_CREATED] = "created",
		[MB_BUNDLE_RUNNING] = "running",   [MB_BUNDLE_PAUSED] = "paused",
		[MB_BUNDLE_STOPPED] = "stopped",
	};

	return names[status];
}

int mb_bundle_cgroup_open(struct mb_bundle *b, struct mb_err *err)
{
	int r = 0;

	if (b->cgroup)
		return 0;
	if (!b->cgroup_host)
		r = mb_sys_cgroup_host_open(&b->cgroup_host, err);
	return r < 0 ? r : mb_sys_cgroup_open(b->cgroup_host, b->record.cgroup, &b->cgroup, err);
}

/* Process 1 listens until it is started; with its execve the socket closes. */
static bool is_waiting(const struct mb_bundle *b)
{
	MB_AUTO_CLOSE int fd = -1;

	return mb_sock_connect(b->dir_fd, MB_BUNDLE_START, SOCK_SEQPACKET, &fd, NULL) == 0;
}

static bool is_being_made(const struct mb_bundle *b)
{
	MB_AUTO_CLOSE int fd = -1;

	if (b->lock_fd >= 0)
		return false;
	fd = openat(b->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

int mb_bundle_status_read(struct mb_bundle *b, enum mb_bundle_status *ret, struct mb_err *err)
{
	bool frozen = false;
	int r;

	*ret = MB_BUNDLE_STOPPED;
	if (b->process.pid == 0) {
		if (is_being_made(b))
			*ret = MB_BUNDLE_CREATING;
		return 0;
	}
	if (!mb_sys_proc_id_is_running(&b->process))
		return 0;
	if (b->making) {
		*ret = MB_BUNDLE_CREATING;
		return 0;
	}
	r = mb_bundle_cgroup_open(b, err);
	if (r == 0)
		r = mb_sys_cgroup_is_frozen(b->cgroup, &frozen, err);
	if (r < 0)
		return r;
	*ret = frozen ? MB_BUNDLE_PAUSED : MB_BUNDLE_RUNNING;
	if (!frozen && is_waiting(b))
		*ret = MB_BUNDLE_CREATED;
	return 0;
}

/* state.json goes last: until then a second delete finds what there is to do. */
int mb_bundle_files_remove(struct mb_bundle *b, struct mb_err *err)
{
	static const char *const names[] = {MB_BUNDLE_START, MB_BUNDLE_CONFIG, MB_BUNDLE_PROCESS,
	                                    MB_BUNDLE_STATE};

	for (size_t i = 0; i < MB_N(names); i++)
		if (unlinkat(b->dir_fd, names[i], 0) < 0 && errno != ENOENT)
			return mb_fail_sys(err, errno, "cannot remove '%s'", names[i]);
	if (unlinkat(b->root_fd, b->id, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY)
		return mb_fail_sys(err, errno, "cannot remove the state of '%s'", b->id);
	/* A temporary file of who was killed in its writing. */
	return mb_sys_tree_remove(b->root_fd, b->id, err);
}
