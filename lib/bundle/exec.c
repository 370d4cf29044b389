/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another process in a container. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "bundle/bundle.h"
#include "bundle/parts.h"
#include "core/err.h"
#include "core/str.h"
#include "runtime/runtime.h"

static int check_status(struct mb_bundle *b, const struct mb_bundle_exec *how, struct mb_err *err)
{
	enum mb_bundle_status status;
	int r = mb_bundle_status_read(b, &status, err);

	if (r < 0)
		return r;
	if (status == MB_BUNDLE_STOPPED)
		return mb_fail(err, ESRCH, "cannot exec in a stopped container");
	if (status == MB_BUNDLE_CREATING)
		return mb_fail(err, EBUSY, "cannot exec in a container that is being created");
	if (status == MB_BUNDLE_PAUSED && !how->ignore_paused)
		return mb_fail(
			err, EBUSY,
			"cannot exec in a paused container (use --ignore-paused to override)");
	if (how->process->terminal && how->detach && !how->console_socket)
		return mb_fail(err, EINVAL,
		               "cannot allocate a terminal without a console socket, "
		               "when nobody stays to serve it");
	if (!how->process->terminal && how->console_socket)
		return mb_fail(err, EINVAL,
		               "cannot use a console socket when no terminal is allocated");
	return 0;
}

static int open_cgroup(struct mb_bundle *b, const char *below, struct mb_err *err)
{
	MB_AUTO_FREE char *path = NULL;
	int r;

	if (!below || !below[0] || mb_streq(below, "/")) {
		r = mb_bundle_cgroup_open(b, err);
	} else {
		if (strstr(below, ".."))
			return mb_fail(err, EINVAL, "bad cgroup path '%s'", below);
		path = mb_asprintf("%s/%s", b->record.cgroup, below);
		mb_sys_cgroup_free(mb_take_ptr(&b->cgroup));
		r = mb_sys_cgroup_open(b->cgroup_host, path, &b->cgroup, err);
	}
	if (r == MB_SYS_CGROUP_ABSENT)
		return mb_fail(err, ENOENT, "the control group '%s' is not there",
		               path ? path : b->record.cgroup);
	return r;
}

/* Whoever asked for the process could not be told about it: it must not live. */
static void abandon(struct mb_bundle_executed *done)
{
	int code;

	(void)mb_sys_proc_signal(done->pidfd, SIGKILL, NULL);
	(void)mb_sys_proc_reap(done->pidfd, &code, NULL);
	mb_close(&done->pidfd);
	mb_close(&done->console_fd);
}

static int hand_over(const struct mb_bundle_exec *how, struct mb_bundle_executed *done,
                     struct mb_err *err)
{
	int r = 0;

	if (how->console_socket) {
		r = mb_bundle_console_send(how->console_socket, done->console_fd, err);
		mb_close(&done->console_fd);
	}
	if (r == 0 && how->pid_file)
		r = mb_bundle_pid_file_write(how->pid_file, done->pid, err);
	if (r < 0)
		abandon(done);
	return r;
}

/* Who divides its group, as an init or an engine in the container does, leaves it no process of its
 * own, and lets in nobody: it is its process 1 that says where one may be. */
static int run_beside_init(struct mb_bundle *b, struct mb_runtime_exec_request *request,
                           struct mb_runtime_exec *ret, struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *group = NULL;

	if (mb_bundle_cgroup_of_init(b, &group, NULL) != 0)
		return -EBUSY;
	request->cgroup = group;
	return mb_runtime_exec(request, ret, err);
}

int mb_bundle_exec(struct mb_bundle *b, const struct mb_bundle_exec *how,
                   struct mb_bundle_executed *ret, struct mb_err *err)
{
	struct mb_runtime_exec_request request = MB_RUNTIME_EXEC_REQUEST_INIT;
	struct mb_runtime_exec done = {.pidfd = -1, .console_fd = -1};
	MB_AUTO_CLOSE int pidfd = -1, cache_fd = -1;
	int r = check_status(b, how, err);

	if (r == 0)
		r = mb_bundle_spec_load(b, err);
	if (r == 0)
		r = open_cgroup(b, how->cgroup, err);
	if (r == 0)
		r = mb_sys_proc_id_open(&b->process, &pidfd, err);
	if (r == MB_SYS_PROC_GONE)
		return mb_fail(err, ESRCH, "cannot exec in a stopped container");
	if (r < 0)
		return r;
	cache_fd = b->spec.linux.seccomp ? mb_bundle_cache_open(b->root_fd) : -1;
	request.id = b->id;
	request.spec = &b->spec;
	request.process = how->process;
	request.pidfd = pidfd;
	request.pid = b->process.pid;
	for (int i = 0; i < 3; i++)
		request.stdio[i] = i;
	request.cgroup = b->cgroup;
	request.may_be_traced = b->spec.linux.seccomp && mb_bundle_may_be_traced(b, how->process);
	request.detach = how->detach;
	request.cache_fd = cache_fd;
	request.preserve_fds = how->preserve_fds;
	request.no_new_keyring = how->no_new_keyring;
	r = mb_runtime_exec(&request, &done, err);
	if (r == -EBUSY && !how->cgroup)
		r = run_beside_init(b, &request, &done, err);
	if (r < 0)
		return r;
	*ret = (struct mb_bundle_executed){done.pid, done.pidfd, done.console_fd};
	return hand_over(how, ret, err);
}
