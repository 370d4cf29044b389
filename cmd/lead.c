/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the first monitor in the line has done for networks that other hosts share: one process for
 * each of them leads (net/overlay_lead.h).  All of it ends with the monitor. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/event.h"
#include "cmd/network.h"
#include "container/container.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/strv.h"
#include "net/net.h"
#include "net/overlay_lead.h"

enum { LEADERS_MAX = 256, AGAIN_MS = 1000, CHECKS = 20 };

struct leader {
	char *network_id;
	pid_t pid;
};

/* It ends with us, and we end with the monitor. */
static void die_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

/* Whose child we are: a monitor that was killed meanwhile has left us to another. */
static bool is_of_monitor(void)
{
	char path[32], name[32];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)getppid());
	return mb_read_kernel_file(AT_FDCWD, path, name, sizeof(name)) == 0 &&
	       strcmp(name, "mybox-monitor") == 0;
}

static void on_lost(void *arg, const struct mb_net_network *n, const char *container_id,
                    const char *name)
{
	struct mb_cmd_context *cx = arg;

	(void)container_id;
	(void)name;
	mb_cmd_event_network(cx->store, "lost", n);
}

static void __attribute__((noreturn))
lead_one(struct mb_cmd_context *cx, const char *network_id, pid_t parent)
{
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	struct mb_err err = MB_ERR_INIT;
	int r;

	die_with(parent);
	r = mb_cmd_net(cx, &net, NULL);
	if (!r)
		mb_net_set_opener(net, mb_container_netns_open, cx->store);
	if (!r)
		r = mb_net_lead(net, network_id, on_lost, cx, &err);
	_exit(r ? 1 : 0);
}

static bool has_leader(const struct leader *leaders, const char *id)
{
	for (size_t i = 0; i < LEADERS_MAX; i++)
		if (leaders[i].pid && strcmp(leaders[i].network_id, id) == 0)
			return true;
	return false;
}

static void begin(struct mb_cmd_context *cx, struct leader *leaders, const char *id)
{
	pid_t parent = getpid();

	for (size_t i = 0; i < LEADERS_MAX; i++) {
		if (leaders[i].pid)
			continue;
		leaders[i].pid = fork();
		if (leaders[i].pid == 0)
			lead_one(cx, id, parent);
		if (leaders[i].pid < 0)
			leaders[i].pid = 0;
		else
			leaders[i].network_id = mb_strdup(id);
		return;
	}
}

static size_t reap(struct leader *leaders)
{
	size_t n = 0;

	for (size_t i = 0; i < LEADERS_MAX; i++) {
		if (leaders[i].pid && waitpid(leaders[i].pid, NULL, WNOHANG) == leaders[i].pid) {
			leaders[i].pid = 0;
			free(mb_take_ptr(&leaders[i].network_id));
		}
		n += leaders[i].pid != 0;
	}
	return n;
}

/* Until there is nothing to lead for. */
static int lead_all(struct mb_cmd_context *cx, struct mb_net *net, int events, struct mb_err *err)
{
	static struct leader leaders[LEADERS_MAX];
	int r = 0;

	for (unsigned int turn = 0; !r; turn++) {
		MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
		struct pollfd p = {.fd = events, .events = POLLIN};
		size_t running = reap(leaders);
		char drained[4096];

		/* Nobody is led for whom nobody wants any more. */
		if (turn % CHECKS == 0)
			(void)mb_net_lead_marks_check(net, true, NULL, NULL, NULL);
		r = mb_net_lead_wanted(net, &ids, err);
		if (!r && !ids.n && !running)
			break;
		MB_STRV_FOREACH (id, &ids)
			if (!has_leader(leaders, id))
				begin(cx, leaders, id);
		if (poll(&p, 1, AGAIN_MS) > 0 && read(events, drained, sizeof(drained)) < 0 &&
		    errno != EAGAIN)
			break;
	}
	return r;
}

static int lead_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_asprintf("%s/c/%s/state.json", cx->run, in->operands[0]);
	MB_AUTO_FREE char *dir = mb_asprintf("%s/" MB_NET_LEAD_DIR, cx->run);
	MB_AUTO_CLOSE int state = open(path, O_PATH | O_CLOEXEC);
	MB_AUTO_CLOSE int root = open(cx->root, O_PATH | O_CLOEXEC);
	MB_AUTO_CLOSE int events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	int r;

	die_with(getppid());
	/* Opening a store makes it: one that was moved away or removed is to stay so. */
	if (state < 0 || root < 0 || !is_of_monitor())
		return 0;
	r = mb_cmd_net(cx, &net, err);
	if (r)
		return r;
	if (events < 0 || inotify_add_watch(events, dir, IN_CREATE | IN_MOVED_TO) < 0)
		return mb_fail_sys(err, errno, "cannot watch '%s'", dir);
	return lead_all(cx, net, events, err);
}

const struct mb_cli_verb mb_cmd_lead_hidden = {
	.paths = "__lead",
	.summary = "lead for networks that other hosts share",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.hidden = true,
	.main = lead_main,
};
