/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a bundle to a container that waits for its start. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "bundle/parts.h"
#include "core/clock.h"
#include "core/crc32c.h"
#include "core/err.h"
#include "core/io.h"
#include "core/sock.h"
#include "core/str.h"
#include "runtime/resources.h"
#include "runtime/runtime.h"
#include "store/doc.h"
#include "sys/beside.h"
#include "sys/path.h"
#include "systemd/scope.h"
#include "json/json.h"

/* All that a create holds; what is -1 or NULL is not there. */
struct making {
	const struct mb_bundle_create *how;
	struct mb_bundle *b;
	int bundle_fd, start_fd, cache_fd, pidfd, netns_fd;
	struct mb_sys_beside_netns netns;
	struct mb_str config;
	struct mb_runtime_plan *plan;
	struct mb_systemd_holder holder;
	struct mb_bundle_netdev *netdev;
	bool waits;     /* process 1 does, for mb_bundle_start() */
	bool had_hooks; /* so that poststop is due when it fails */
};

/* ---- the bundle ---- */

static int open_bundle(struct making *m, struct mb_err *err)
{
	char link[MB_SYS_PATH_FD_TEXT], path[PATH_MAX];
	ssize_t n;

	m->bundle_fd = open(m->how->bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->bundle_fd < 0)
		return mb_fail_sys(err, errno, "bundle '%s'", m->how->bundle);
	n = readlink(mb_sys_path_of_fd(m->bundle_fd, link), path, sizeof(path));
	if (n <= 0 || (size_t)n >= sizeof(path))
		return mb_fail(err, ENAMETOOLONG, "bundle '%s': the path is too long",
		               m->how->bundle);
	m->b->record.bundle = mb_strndup(path, (size_t)n);
	return 0;
}

enum { MAX_ANNOTATIONS = 1 << 20 };

/* They are in state.json, which must be read again: escapes can make six bytes of one. */
static int check_annotations(const struct mb_kv *annotations, struct mb_err *err)
{
	size_t n = 0;

	MB_KV_FOREACH (p, annotations)
		n += strlen(p->key) + strlen(p->value);
	return n > MAX_ANNOTATIONS ? mb_fail(err, E2BIG, "'annotations' are longer than %d bytes",
	                                     MAX_ANNOTATIONS)
	                           : 0;
}

/* Read once: what is checked is what is used, whoever changes the file meanwhile. */
static int load_config(struct making *m, struct mb_err *err)
{
	struct mb_bundle *b = m->b;
	struct mb_oci_spec *spec = &b->spec;
	int r = mb_sys_path_read(m->bundle_fd, MB_BUNDLE_CONFIG, MB_JSON_MAX_BYTES, &m->config,
	                         err);

	if (r == 0)
		r = mb_oci_spec_load(m->config.buf, m->config.len, spec, err);
	if (r < 0)
		return mb_wrap(err, r, "bundle '%s'", b->record.bundle);
	b->has_spec = true;
	if (!spec->process || spec->process->args.n == 0)
		return mb_fail(err, EINVAL, "'process.args' is empty: there is nothing to run");
	if (!spec->root.path || !spec->root.path[0])
		return mb_fail(err, EINVAL, "'root.path' is missing");
	return check_annotations(&spec->annotations, err);
}

static int check_terminal(const struct making *m, struct mb_err *err)
{
	const bool terminal = m->b->spec.process->terminal;

	if (terminal && !m->how->console_socket && !m->how->keeps_console)
		return mb_fail(err, EINVAL,
		               "cannot allocate a terminal without a console socket, "
		               "when nobody stays to serve it");
	if (!terminal && m->how->console_socket)
		return mb_fail(err, EINVAL,
		               "cannot use a console socket when no terminal is allocated");
	return 0;
}

static void fill_record(struct making *m)
{
	struct mb_bundle_record *record = &m->b->record;
	const struct mb_oci_spec *spec = &m->b->spec;
	char sum[16];

	record->oci_version = mb_strdup(spec->oci_version);
	record->rootfs = spec->root.path[0] == '/'
	                         ? mb_strdup(spec->root.path)
	                         : mb_asprintf("%s/%s", record->bundle, spec->root.path);
	record->created = mb_now_nsec();
	snprintf(sum, sizeof(sum), "%08x", mb_crc32c(0, m->config.buf, m->config.len));
	record->config_sum = mb_strdup(sum);
	MB_KV_FOREACH (p, &spec->annotations)
		mb_kv_set(&record->annotations, p->key, p->value);
}

/* ---- the state directory ---- */

static int make_dir(struct making *m, struct mb_err *err)
{
	struct mb_bundle *b = m->b;
	int r;

	if (mkdirat(b->root_fd, b->id, 0700) < 0)
		return errno == EEXIST
		               ? mb_fail(err, EEXIST,
		                         "container with given ID already exists: '%s'", b->id)
		               : mb_fail_sys(err, errno, "cannot make '%s'", b->id);
	b->dir_fd = openat(b->root_fd, b->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (b->dir_fd < 0) {
		r = mb_fail_sys(err, errno, "cannot open '%s'", b->id);
		(void)!unlinkat(b->root_fd, b->id, AT_REMOVEDIR);
		return r;
	}
	r = mb_bundle_lock(b, 10000, err);
	return r == MB_BUNDLE_REPLACED ? mb_fail(err, EBUSY, "container '%s' was removed", b->id)
	                               : r;
}

static int write_dir(struct making *m, struct mb_err *err)
{
	struct mb_bundle *b = m->b;
	int r = mb_bundle_record_save(b, err);

	if (r == 0)
		r = mb_store_file_write(b->dir_fd, MB_BUNDLE_CONFIG, m->config.buf, m->config.len,
		                        MB_DOC_DIRECT, err);
	if (r == 0 && m->waits)
		r = mb_sock_listen(b->dir_fd, MB_BUNDLE_START, SOCK_SEQPACKET, &m->start_fd, err);
	return r;
}

int mb_bundle_cache_open(int root_fd)
{
	const int how = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(root_fd, ".seccomp", how);

	if (fd < 0 && errno == ENOENT &&
	    (mkdirat(root_fd, ".seccomp", 0700) == 0 || errno == EEXIST))
		fd = openat(root_fd, ".seccomp", how);
	return fd;
}

/* ---- the control group ---- */

static int make_cgroup(struct making *m, struct mb_err *err)
{
	struct mb_bundle *b = m->b;
	MB_AUTO_RUNTIME_RESOURCES struct mb_runtime_resources limits = {0};
	int r = mb_runtime_resources_make(&b->spec.linux.resources, MB_RUNTIME_RESOURCES_NEW,
	                                  &limits, err);

	limits.limits.everywhere = true;
	return r < 0 ? r : mb_bundle_cgroup_make(b, &limits.limits, &m->holder, err);
}

/* ---- process 1 ---- */

/* Soon, as the kernel takes its time to make one.  A user namespace's has to be born with that. */
static void begin_network(struct making *m)
{
	const struct mb_oci_spec *spec = &m->b->spec;
	const struct mb_oci_namespace *net = mb_oci_spec_find_namespace(spec, "network");

	if (net && !(net->path && net->path[0]) && !mb_oci_spec_find_namespace(spec, "user") &&
	    !mb_oci_spec_find_namespace(spec, "time"))
		(void)mb_sys_beside_netns_begin(&m->netns);
}

static int run_early_hooks(void *arg, struct mb_err *err)
{
	struct making *m = arg;
	const struct mb_oci_hooks *h = m->b->spec.hooks;
	int r;

	m->had_hooks = true;
	r = mb_bundle_hooks_run(m->b, h->prestart, h->n_prestart, "prestart", "creating", err);
	if (r == 0)
		r = mb_bundle_hooks_run(m->b, h->create_runtime, h->n_create_runtime,
		                        "createRuntime", "creating", err);
	return r;
}

static int plan(struct making *m, struct mb_err *err)
{
	struct mb_runtime_request request = MB_RUNTIME_REQUEST_INIT;
	struct mb_bundle *b = m->b;

	m->netns_fd = mb_sys_beside_netns_take(&m->netns);
	m->cache_fd = b->spec.linux.seccomp ? mb_bundle_cache_open(b->root_fd) : -1;
	request.id = b->id;
	request.spec = &b->spec;
	request.bundle_fd = m->bundle_fd;
	request.bundle = b->record.bundle;
	for (int i = 0; i < 3; i++)
		request.stdio[i] = i;
	request.cgroup = b->cgroup;
	request.cgroup_host = b->cgroup_host;
	request.netns_fd = m->netns_fd;
	request.cache_fd = m->cache_fd;
	request.start_fd = m->start_fd;
	request.stop_fd = m->how->stop_fd;
	request.preserve_fds = m->how->preserve_fds;
	request.no_pivot = m->how->no_pivot;
	request.no_new_keyring = m->how->no_new_keyring;
	request.moves_net_devices = true;
	request.settled = run_early_hooks;
	request.settled_arg = m;
	return mb_runtime_plan_new(&request, &m->plan, err);
}

static int give_birth(struct making *m, struct mb_err *err)
{
	struct mb_runtime_ready ready = {.pidfd = -1, .netns_fd = -1};
	struct mb_bundle *b = m->b;
	int r = mb_runtime_plan_clone(m->plan, NULL, &m->pidfd, err);

	if (r == 0)
		r = mb_runtime_plan_await_ready(m->plan, &ready, err);
	if (r == 0 && b->spec.linux.n_net_devices)
		r = mb_bundle_netdev_move(&b->spec.linux, ready.netns_fd, &m->netdev, err);
	mb_close(&ready.netns_fd);
	mb_close(&ready.pidfd);
	if (r < 0)
		return r;
	r = mb_sys_proc_id_read(ready.pid, &b->process, err);
	if (r == MB_SYS_PROC_GONE)
		return mb_fail(err, ESRCH, "the container's first process has ended");
	b->making = true;
	return r < 0 ? r : mb_bundle_process_save(b, err);
}

static int thaw(struct making *m, struct mb_err *err)
{
	struct mb_bundle *b = m->b;
	int r = mb_bundle_thaw(b, m->how->thaw, &m->pidfd, err);

	if (r == 0)
		r = mb_bundle_process_save(b, err);
	if (r == 0 && m->how->pid_file)
		r = mb_bundle_pid_file_write(m->how->pid_file, b->process.pid, err);
	return r;
}

static int finish(struct making *m, struct mb_bundle_made *ret, struct mb_err *err)
{
	struct mb_runtime_started started = {.console_fd = -1};
	int r = mb_runtime_plan_start(m->plan, &started, err);

	for (char *const *w = mb_runtime_plan_warnings(m->plan); w && *w; w++)
		mb_strv_add(&m->b->warnings, *w);
	/* It has its own root now, and can be entered. */
	m->b->making = false;
	if (r == 0)
		r = mb_bundle_process_save(m->b, err);
	if (r == 0 && m->how->console_socket)
		r = mb_bundle_console_send(m->how->console_socket, started.console_fd, err);
	if (r == 0 && m->how->pid_file)
		r = mb_bundle_pid_file_write(m->how->pid_file, m->b->process.pid, err);
	if (r == 0 && m->how->keeps_console)
		ret->console_fd = mb_take_fd(&started.console_fd);
	mb_close(&started.console_fd);
	return r;
}

/* ---- the whole ---- */

static void end_process(struct making *m)
{
	int code;

	if (m->pidfd < 0)
		return;
	(void)mb_sys_proc_signal(m->pidfd, SIGKILL, NULL);
	(void)mb_sys_proc_reap(m->pidfd, &code, NULL);
}

/* As if it had never been, but that hooks which saw it born see it gone. */
static void undo(struct making *m)
{
	const struct mb_oci_hooks *h = m->b->spec.hooks;

	m->b->stop_fd = -1; /* what is due at the end is done to its end */
	if (m->netdev)
		mb_bundle_netdev_return(m->netdev);
	end_process(m);
	mb_systemd_holder_end(&m->holder);
	if (m->b->cgroup) {
		(void)mb_sys_cgroup_kill(m->b->cgroup, NULL);
		(void)mb_bundle_cgroup_remove(m->b, NULL);
	}
	if (m->had_hooks)
		mb_bundle_hooks_try(m->b, h->poststop, h->n_poststop, "poststop", "stopped");
	if (m->b->lock_fd >= 0)
		(void)mb_bundle_files_remove(m->b, NULL);
}

static int start_now(struct making *m, struct mb_err *err)
{
	const struct mb_oci_hooks *h = m->b->spec.hooks;

	mb_close(&m->start_fd);
	m->had_hooks |= h != NULL; /* those of its start see it end */
	if (m->waits)
		return mb_bundle_start(m->b, err);
	if (h)
		mb_bundle_hooks_try(m->b, h->poststart, h->n_poststart, "poststart", "running");
	return 0;
}

static int make(struct making *m, struct mb_bundle_made *ret, struct mb_err *err)
{
	struct mb_bundle *b = m->b;
	int r = open_bundle(m, err);

	if (r == 0)
		r = load_config(m, err);
	if (r == 0)
		r = check_terminal(m, err);
	if (r == 0)
		r = mb_bundle_cgroup_name(b, m->how->systemd_cgroup, err);
	if (r == 0 && m->how->seal && mb_runtime_wants_seal(&b->spec))
		r = m->how->seal(m->how->seal_arg, err);
	if (r < 0)
		return r;
	fill_record(m);
	m->waits = !m->how->thaw &&
	           (!m->how->start || (b->spec.hooks && b->spec.hooks->n_start_container));
	if (m->how->env)
		MB_KV_FOREACH (p, m->how->env)
			mb_strv_addf(&b->spec.process->env, "%s=%s", p->key, p->value);
	r = make_dir(m, err);
	if (r < 0)
		return r; /* what has that name, or its scope, is another's */
	begin_network(m);
	r = write_dir(m, err);
	if (r == 0)
		r = make_cgroup(m, err);
	if (r == 0)
		r = m->how->thaw ? thaw(m, err) : plan(m, err);
	if (r == 0 && !m->how->thaw)
		r = give_birth(m, err);
	mb_systemd_holder_end(&m->holder);
	if (r == 0 && !m->how->thaw)
		r = finish(m, ret, err);
	if (r == 0 && m->how->start && !m->how->thaw)
		r = start_now(m, err);
	if (r < 0)
		undo(m);
	return r;
}

int mb_bundle_create(int root_fd, const struct mb_bundle_create *create, struct mb_bundle_made *ret,
                     struct mb_err *err)
{
	struct making m = {.how = create,
	                   .bundle_fd = -1,
	                   .start_fd = -1,
	                   .cache_fd = -1,
	                   .pidfd = -1,
	                   .netns_fd = -1,
	                   .netns = MB_SYS_BESIDE_NETNS_INIT,
	                   .holder = MB_SYSTEMD_HOLDER_INIT};
	int r;

	if (!mb_bundle_id_is_valid(create->id))
		return mb_fail(err, EINVAL, "invalid container ID format: '%.100s'", create->id);
	*ret = (struct mb_bundle_made){.pidfd = -1, .console_fd = -1};
	m.b = mb_bundle_new(root_fd, create->id);
	m.b->stop_fd = create->stop_fd;
	r = make(&m, ret, err);
	mb_runtime_plan_free(m.plan);
	mb_bundle_netdev_free(m.netdev);
	mb_sys_beside_netns_done(&m.netns);
	mb_close(&m.netns_fd);
	mb_str_done(&m.config);
	mb_close(&m.bundle_fd);
	mb_close(&m.start_fd);
	mb_close(&m.cache_fd);
	if (r == 0) {
		m.b->stop_fd = -1;
		ret->bundle = m.b;
		ret->pidfd = m.pidfd;
		return 0;
	}
	mb_close(&m.pidfd);
	mb_close(&ret->console_fd);
	mb_bundle_free(m.b);
	return r;
}
