/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/report.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/sock.h"
#include "core/str.h"
#include "runtime/init/protocol.h"
#include "runtime/notify.h"
#include "runtime/plan.h"

struct packet {
	struct mb_runtime_message head;
	struct mb_err err;
};

static const char *const steps[] = {
	[MB_STUB_ORDERS] = "cannot read its orders",
	[MB_STUB_CAPS] = "cannot set capabilities",
	[MB_STUB_FILTER] = "cannot install the seccomp filter",
	[MB_STUB_FORK] = "cannot fork",
	[MB_STUB_TERMINAL] = "cannot take the terminal",
	[MB_STUB_LABEL] = "cannot set the security label",
	[MB_STUB_NOTIFY] = "cannot hand on the seccomp listener",
};

/* The stub, and a container that got hold of its socket, can say only this much. */
static int fail_stub(const struct mb_runtime_plan *plan, const struct mb_runtime_message *m,
                     struct mb_err *err)
{
	const int code = m->code > 0 && m->code < 4096 ? m->code : EIO;
	MB_AUTO_FREE char *name = mb_printable(plan->process->args.v[0]);

	if (m->step == MB_STUB_EXEC) {
		MB_AUTO_FREE char *why = mb_printable(strerror(code));

		why[0] = (char)(why[0] | 0x20);
		return mb_fail(err, code, "exec %s: %s", name,
		               code == ENOEXEC ? "exec format error" : why);
	}
	if (m->step >= 0 && (size_t)m->step < MB_N(steps) && steps[m->step])
		return mb_fail_sys(err, code == ENOENT ? EIO : code, "init stub: %s",
		                   steps[m->step]);
	return mb_fail(err, EPROTO, "init stub: unknown report");
}

/* Names in it are an image's, and go to a terminal. */
static int fail_child(struct packet *p, size_t n, struct mb_err *err)
{
	MB_AUTO_FREE char *text = NULL;

	if (n != sizeof(*p) || p->err.code <= 0 || p->err.code >= 4096)
		return mb_fail(err, EPROTO, "the container's first process failed");
	p->err.msg[sizeof(p->err.msg) - 1] = '\0';
	text = mb_printable(p->err.msg);
	return mb_fail(err, p->err.code, "%s", text);
}

static void take_warning(struct mb_runtime_plan *plan, struct packet *p)
{
	p->err.msg[sizeof(p->err.msg) - 1] = '\0';
	mb_strv_take(&plan->warnings, mb_printable(p->err.msg));
}

static void take_cloned(struct mb_runtime_plan *plan, const struct packet *p, int *fd)
{
	plan->is_cloned = true;
	plan->pid = p->head.pid;
	plan->pidfd = mb_take_fd(fd);
}

static int take(struct mb_runtime_plan *plan, struct packet *p, size_t n, int *fd,
                struct mb_err *err)
{
	switch ((enum mb_runtime_message_kind)p->head.kind) {
	case MB_RUNTIME_CLONED:
		if (plan->is_cloned || *fd < 0 || p->head.pid <= 0)
			break;
		take_cloned(plan, p, fd);
		return 0;
	case MB_RUNTIME_CONSOLE:
		if (plan->console_fd >= 0 || *fd < 0)
			break;
		plan->console_fd = mb_take_fd(fd);
		return 0;
	case MB_RUNTIME_EXECUTING:
		plan->is_executing = true;
		return 0;
	case MB_RUNTIME_WARNING:
		if (n != sizeof(*p) || plan->warnings.n >= 64)
			break;
		take_warning(plan, p);
		return 0;
	case MB_RUNTIME_FAILED:
		return fail_child(p, n, err);
	case MB_RUNTIME_STUB:
		return fail_stub(plan, &p->head, err);
	case MB_RUNTIME_SETTLED:
		plan->is_settled = true;
		return 0;
	case MB_RUNTIME_NOTIFY:
		if (*fd < 0 || plan->notify_fd >= 0)
			break;
		plan->notify_fd = mb_take_fd(fd);
		return mb_runtime_notify(plan, err);
	case MB_RUNTIME_CREATED:
		plan->is_created = true;
		return 0;
	case MB_RUNTIME_GO:
	case MB_RUNTIME_MAPPED:
	case MB_RUNTIME_HOOKED:
		break;
	}
	return mb_fail(err, EPROTO, "the container's first process sent nonsense");
}

/* Until there is something to read, or nobody wants to know any more.  The parent to be may die
 * with process 1 born and not told of: that would wait for us as we for it. */
static int await_packet(const struct mb_runtime_plan *plan, struct mb_err *err)
{
	struct pollfd p[] = {{.fd = plan->channel[0], .events = POLLIN},
	                     {.fd = plan->req.stop_fd, .events = POLLIN},
	                     {.fd = plan->is_cloned ? -1 : plan->birth[0]}};

	if (plan->req.stop_fd < 0 && p[2].fd < 0)
		return 0;
	while (poll(p, MB_N(p), -1) < 0) {
		if (errno != EINTR)
			return mb_fail_sys(err, errno, "cannot wait for the first process");
	}
	if (p[1].revents)
		return mb_fail(err, EINTR, "interrupted");
	/* What it told came before its end, but may have come after that look. */
	if (p[2].revents && !p[0].revents)
		poll(p, 1, 0);
	return p[2].revents && !p[0].revents
	               ? mb_fail(err, ECHILD, "the container's first process could not be made")
	               : 0;
}

int mb_runtime_report_read(struct mb_runtime_plan *plan, struct mb_err *err)
{
	struct packet p;
	MB_AUTO_CLOSE int fd = -1;
	size_t n = 0, n_fds = 0;
	int r = await_packet(plan, err);

	if (r < 0)
		return r;
	memset(&p, 0, sizeof(p));
	r = mb_sock_receive(plan->channel[0], &p, sizeof(p), &n, &fd, 1, &n_fds);
	/* It left without reading what we sent: told once, before what it said at last. */
	if (r == -ECONNRESET)
		r = mb_sock_receive(plan->channel[0], &p, sizeof(p), &n, &fd, 1, &n_fds);
	if (r < 0 && r != -ECONNRESET)
		return mb_fail_sys(err, -r, "cannot hear the container's first process");
	if (n == 0 || r == -ECONNRESET) {
		plan->is_ended = true;
		return 0;
	}
	if (n < sizeof(p.head))
		return mb_fail(err, EPROTO, "the container's first process sent nonsense");
	return take(plan, &p, n, &fd, err);
}

/* What docker calls the fault of the command: it, and where it should have begun. */
int mb_runtime_exit_code(int r, const struct mb_err *err)
{
	if (r >= 0)
		return 0;
	if (!err ||
	    (!mb_starts_with(err->msg, "exec") && !mb_starts_with(err->msg, "working directory")))
		return 125;
	return r == -ENOENT ? 127 : 126;
}
