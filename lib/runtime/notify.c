/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/sock.h"
#include "core/str.h"
#include "oci/spec.h"
#include "runtime/hooks.h"
#include "runtime/plan.h"
#include "json/json.h"

enum { PATIENCE = 10 }; /* seconds for one that is slow to listen */

static void format_state(const struct mb_runtime_plan *plan, struct mb_str *out)
{
	const struct mb_runtime_hook_state state = {
		.spec = plan->spec,
		.id = plan->req.id,
		.status = plan->status ? plan->status : "creating",
		.bundle = plan->req.bundle,
		.pid = plan->container_pid > 0 ? plan->container_pid : plan->pid,
	};
	MB_AUTO(mb_json_free) struct json_object *o = mb_json_new_object();
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct json_object *fds = mb_json_new_array(), *inner = NULL;

	mb_runtime_hook_state_format(&state, &text);
	(void)mb_json_parse(mb_str_text(&text), text.len, &inner, NULL);
	mb_json_push_str(fds, "seccompFd");
	mb_json_set_str(o, "ociVersion", plan->spec->oci_version);
	mb_json_set(o, "fds", fds);
	mb_json_set_i64(o, "pid", plan->pid);
	mb_json_set_str(o, "metadata",
	                mb_json_find_str(plan->spec->linux.seccomp, "listenerMetadata", ""));
	mb_json_set(o, "state", inner);
	mb_json_format(o, false, out);
}

/* By its directory: a path may be longer than an address can be. */
static int connect_to(const char *path, int *ret_fd, struct mb_err *err)
{
	const char *name = strrchr(path, '/') + 1;
	MB_AUTO_FREE char *parent = mb_strndup(path, (size_t)(name - path));
	MB_AUTO_CLOSE int dir_fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir_fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", parent);
	return mb_sock_connect(dir_fd, name, SOCK_STREAM, ret_fd, err);
}

static int send_state(const struct mb_runtime_plan *plan, const char *path, struct mb_err *err)
{
	const struct timeval patience = {.tv_sec = PATIENCE};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_CLOSE int fd = -1;
	int r = connect_to(path, &fd, err);

	if (r < 0)
		return r;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	format_state(plan, &text);
	/* The descriptor goes with the first part, the rest may follow. */
	r = mb_sock_send(fd, mb_str_text(&text), 1, &plan->notify_fd, 1);
	if (r == 0)
		r = mb_write_full(fd, mb_str_text(&text) + 1, text.len - 1);
	return r < 0 ? mb_fail_sys(err, -r, "cannot send to '%s'", path) : 0;
}

int mb_runtime_notify(struct mb_runtime_plan *plan, struct mb_err *err)
{
	const char *path =
		plan->spec ? mb_json_find_str(plan->spec->linux.seccomp, "listenerPath", "") : "";
	int r = path[0] ? send_state(plan, path, err)
	                : mb_fail(err, EPROTO, "a listener that nobody asked for");

	mb_close(&plan->notify_fd);
	if (r == 0)
		return 0;
	if (plan->pid > 0)
		(void)kill(plan->pid, SIGKILL);
	return mb_wrap(err, r, "seccomp listener");
}
