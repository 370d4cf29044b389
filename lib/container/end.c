/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a container ends: signals, waiting, and putting away what a run leaves outside of it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/cgroup_of.h"
#include "container/container.h"
#include "container/event.h"
#include "container/health.h"
#include "container/health_doc.h"
#include "container/life.h"
#include "container/mounts.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/event.h"
#include "core/parse.h"
#include "core/str.h"
#include "monitor/client.h"
#include "net/net.h"
#include "store/lock.h"
#include "store/store.h"
#include "sys/cgroup.h"
#include "sys/proc.h"
#include "sys/tree.h"

enum {
	DEFAULT_STOP_SECONDS = 10,
	FREEZE_MSEC = 10000,
	LAST_WAIT_MSEC = 10000,
	MONITOR_MSEC = 2000,
	STOPS = 100,
};

static void tell_signal(const struct mb_container *c, int sig)
{
	const char *verb = c->store->verb;
	char by[128];
	MB_EVENT e;

	if (!mb_container_event_begin(c, "kill", &e))
		return;
	if (!mb_kv_find(&c->record->config.labels, "signal"))
		mb_event_set_int(&e, "signal", sig);
	snprintf(by, sizeof(by), "%s, uid %u, pid %d", verb ? verb : "mybox", getuid(), getpid());
	mb_event_set(&e, MB_EVENT_BY, by);
	mb_event_write(&e, c->store->root_fd);
}

static int not_running(const struct mb_container *c, struct mb_err *err)
{
	mb_fail(err, ESRCH, "Container %s is not running", mb_container_name(c));
	return MB_CONTAINER_NOT_RUNNING;
}

/* --- the cgroup ------------------------------------------------------------------------------- */

int mb_container_cgroup_find(struct mb_container *c, struct mb_sys_cgroup_host *host,
                             struct mb_sys_cgroup **ret, struct mb_err *err)
{
	const char *parent = c->record->host.cgroup_parent;
	MB_AUTO_FREE char *path = NULL;
	int r;

	/* Where it was made; the rule for names is for one whose state is lost. */
	if (c->state.has_run && c->state.run.cgroup)
		return mb_sys_cgroup_open(host, c->state.run.cgroup, ret, err);
	r = mb_sys_cgroup_path_make(parent && *parent ? parent : NULL, c->id, &path, err);
	return r == 0 ? mb_sys_cgroup_open(host, path, ret, err) : r;
}

static int open_cgroup(struct mb_container *c, struct mb_sys_cgroup_host **host,
                       struct mb_sys_cgroup **ret, struct mb_err *err)
{
	int r = mb_sys_cgroup_host_open(host, err);

	return r == 0 ? mb_container_cgroup_find(c, *host, ret, err) : r;
}

int mb_container_cgroup_open(struct mb_container *c, struct mb_sys_cgroup_host **ret_host,
                             struct mb_sys_cgroup **ret, struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *host = NULL;
	int r = open_cgroup(c, &host, ret, err);

	if (r == 0)
		*ret_host = mb_take_ptr(&host);
	return r;
}

/* --- cleaning --------------------------------------------------------------------------------- */

void mb_container_cgroup_forget(struct mb_container *c)
{
	mb_sys_cgroup_free(c->cgroup);
	mb_sys_cgroup_host_free(c->cgroups);
	c->cgroup = NULL;
	c->cgroups = NULL;
}

/* The one in our hands, if it is this run's: another command may have started it anew. */
static int take_cgroup(struct mb_container *c, struct mb_sys_cgroup_host **host,
                       struct mb_sys_cgroup **ret, struct mb_err *err)
{
	if (!c->cgroup || !mb_sys_cgroup_is_there(c->cgroup))
		return open_cgroup(c, host, ret, err);
	*host = mb_take_ptr(&c->cgroups);
	*ret = mb_take_ptr(&c->cgroup);
	return 0;
}

static int remove_cgroup(struct mb_container *c, struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *host = NULL;
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cgroup = NULL;
	bool populated = false;
	int r = take_cgroup(c, &host, &cgroup, err);

	if (r == MB_SYS_CGROUP_ABSENT)
		return 0;
	if (r < 0)
		return r;
	/* What an exec left behind ends with the container. */
	r = mb_sys_cgroup_is_populated(cgroup, &populated, err);
	if (r == 0 && populated)
		r = mb_sys_cgroup_kill(cgroup, err);
	if (r == 0)
		r = mb_sys_cgroup_remove(cgroup, err);
	return r;
}

/* @ret_detached: nothing speaks of its addresses any more. */
static int clear(struct mb_container *c, bool *ret_detached, struct mb_err *err)
{
	static const char *const of_one_run[] = {"paused", "config.json", MB_HEALTH_DOC,
	                                         MB_HEALTH_LINK, MB_MONITOR_OWED};
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	int r = 0, last = 0;

	if (!mb_starts_with(c->record->host.network_mode ? c->record->host.network_mode : "",
	                    "container:") &&
	    !mb_streq(c->record->host.network_mode, "host")) {
		mb_net_new(c->store, &net);
		/* A restart asks for the same addresses again. */
		mb_net_sandbox_free(mb_take_ptr(&c->before));
		(void)mb_net_sandbox_load(net, c->id, &c->before, NULL);
		r = mb_net_detach(net, c->id, err);
	}
	*ret_detached = r == 0;
	if (c->state.has_run)
		mb_container_event_parts(c, c->before, false);
	last = remove_cgroup(c, r < 0 ? NULL : err);
	r = r < 0 ? r : last;
	mb_container_mounts_release(c->store, c->record);
	mb_container_health_keep(c);
	for (size_t i = 0; c->run_fd >= 0 && i < MB_N(of_one_run); i++)
		unlinkat(c->run_fd, of_one_run[i], 0);
	return r;
}

int mb_container_clear_locked(struct mb_container *c, struct mb_err *err)
{
	bool detached;

	return clear(c, &detached, err);
}

int mb_container_cleanup_locked(struct mb_container *c, struct mb_err *err)
{
	MB_AUTO_CLOSE int all = -1;
	bool detached;
	int r = clear(c, &detached, err), last;

	/* While the disk has no room for it, how it ended is known here alone.  And whose record
	 * of addresses stays must not be robbed of them: it would take down who has them next. */
	if (mb_container_exit_settle(c->dir_fd, c->run_fd) < 0 || !detached)
		return r;
	/* Last, because it is what makes a command look here at all. */
	last = mb_store_dir(c->store, "c", true, &all, r < 0 ? NULL : err);
	if (last == 0)
		last = mb_sys_tree_remove(all, c->id, r < 0 ? NULL : err);
	mb_close(&c->run_fd);
	return r < 0 ? r : last;
}

/* Its monitor was about to start it again: it finds that it is not to. */
static int cancel_restart(struct mb_container *c, struct mb_err *err)
{
	c->state.exit.restarting = false;
	c->state.exit.stop_requested = true;
	if (mb_container_exit_save(c->dir_fd, &c->state.exit, NULL) < 0)
		return mb_container_exit_save(c->run_fd, &c->state.exit, err);
	unlinkat(c->run_fd, "exit.json", 0);
	return 0;
}

/* @stopped: it is not to start again either. */
static int finish(struct mb_container *c, bool stopped, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_container_lock(c, &lock, err);

	if (r != 0)
		return r < 0 ? r : 0; /* removed meanwhile: nothing is left to do */
	if (c->state.has_run) {
		const struct mb_sys_proc_id id = {.pid = c->state.run.pid,
		                                  .start = c->state.run.pid_start};

		if (mb_sys_proc_id_is_running(&id))
			return 0;
	}
	if (c->state.status == MB_STATUS_RESTARTING) {
		if (!stopped)
			return 0;
		r = cancel_restart(c, err);
		if (r < 0)
			return r;
	}
	if (c->record->host.auto_remove)
		return mb_container_remove_locked(c, true, err);
	return c->run_fd >= 0 ? mb_container_cleanup_locked(c, err) : 0;
}

int mb_container_finish(struct mb_container *c, struct mb_err *err)
{
	return finish(c, false, err);
}

/* --- removal ---------------------------------------------------------------------------------- */

int mb_container_remove_locked(struct mb_container *c, bool volumes, struct mb_err *err)
{
	MB_AUTO_CLOSE int containers = -1, names = -1;
	char gone[8 + MB_ID_TEXT], lock_name[8 + MB_ID_TEXT];
	int r = mb_store_dir(c->store, "containers", false, &containers, err);

	if (r == 0)
		r = mb_store_dir(c->store, "names", false, &names, err);
	if (r < 0)
		return r;
	/* From this rename on it does not exist; whatever is interrupted, `system check` ends it.
	 */
	snprintf(gone, sizeof(gone), ".rm-%s", c->id);
	if (renameat(containers, c->id, containers, gone) < 0)
		return mb_fail_sys(err, errno, "cannot remove container '%s'",
		                   mb_container_name(c));
	r = mb_store_name_release(names, mb_container_name(c), c->id, err);
	if (c->run_fd >= 0)
		unlinkat(c->run_fd, "exit.json", 0);
	if (r == 0)
		r = mb_container_cleanup_locked(c, err);
	if (r == 0 && volumes)
		mb_container_mounts_discard(c->store, c->record);
	if (r == 0)
		r = mb_sys_tree_remove(containers, gone, err);
	snprintf(lock_name, sizeof(lock_name), "c-%s", c->id);
	mb_store_lock_retire(c->store, lock_name, -1);
	mb_container_event(c, "destroy");
	return r;
}

/* Until the monitor has written down the end; but it may be stopped itself.
 * Return: whether it said so. */
static bool wait_for_exit(int sock)
{
	static struct mb_monitor_packet packet;
	struct pollfd p = {.fd = sock, .events = POLLIN};

	while (poll(&p, 1, LAST_WAIT_MSEC) > 0) {
		if (mb_monitor_receive(sock, &packet, false, NULL) != 0)
			return false;
		if (packet.head.type == MB_MONITOR_EXIT)
			return true;
	}
	return false;
}

/* End it now, with whoever would start it again. */
static int end_now(struct mb_container *c, struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *host = NULL;
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cgroup = NULL;
	struct mb_sys_proc_id id = {.pid = c->state.run.pid, .start = c->state.run.pid_start};
	struct mb_sys_proc_id monitor = {.pid = c->state.run.monitor,
	                                 .start = c->state.run.monitor_start};
	MB_AUTO_CLOSE int sock = -1, pidfd = -1, monitor_fd = -1;
	int r = c->run_fd >= 0 ? mb_monitor_connect(c->run_fd, &sock, err) : MB_MONITOR_GONE;

	/* One that is slow to answer will read both. */
	if (r == 0) {
		mb_monitor_stopping(sock, true, NULL);
		mb_monitor_wait_send(sock, MB_MONITOR_CLEANS, NULL);
	}
	r = mb_sys_proc_id_open(&id, &pidfd, err);
	if (r == 0) {
		tell_signal(c, SIGKILL);
		r = mb_sys_proc_signal(pidfd, SIGKILL, err);
	}
	if (c->state.status == MB_STATUS_PAUSED && open_cgroup(c, &host, &cgroup, NULL) == 0) {
		mb_sys_cgroup_kill(cgroup, NULL);
		mb_sys_cgroup_freeze(cgroup, false, FREEZE_MSEC, NULL);
	}
	if (r == 0)
		r = mb_sys_proc_wait(pidfd, LAST_WAIT_MSEC, err);
	if (r == MB_SYS_PROC_TIMEOUT)
		return mb_fail(err, ETIMEDOUT, "container '%s' does not end", mb_container_name(c));
	if (r < 0)
		return r;
	/* We clean up: the monitor is told so and waits for nothing else. */
	if (sock >= 0) {
		mb_monitor_cleaned(sock, NULL);
		if (mb_sys_proc_id_open(&monitor, &monitor_fd, NULL) == 0) {
			wait_for_exit(sock);
			mb_monitor_cleaned(sock, NULL);
		}
	}
	return 0;
}

int mb_container_remove(struct mb_container *c, bool force, bool volumes, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_container_lock(c, &lock, err);

	if (r != 0)
		return r;
	if (mb_container_is_running(c)) {
		if (!force) {
			mb_fail(err, EBUSY,
			        "You cannot remove a %s container %s. Stop the container before "
			        "attempting removal or force remove",
			        mb_container_status_name(c->state.status), c->id);
			return MB_CONTAINER_RUNNING;
		}
		r = end_now(c, err);
		if (r < 0)
			return r;
	}
	return mb_container_remove_locked(c, volumes, err);
}

/* --- signals ---------------------------------------------------------------------------------- */

/* docker: a container that was killed has ended when the command returns.  @sock: -1 without a
 * monitor. */
static int see_it_end(struct mb_container *c, int pidfd, int sock, struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *host = NULL;
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cgroup = NULL;
	int r;

	if (c->state.status == MB_STATUS_PAUSED && open_cgroup(c, &host, &cgroup, NULL) == 0)
		mb_sys_cgroup_freeze(cgroup, false, FREEZE_MSEC, NULL);
	r = mb_sys_proc_wait(pidfd, LAST_WAIT_MSEC, err);
	if (r == MB_SYS_PROC_TIMEOUT)
		return mb_fail(err, ETIMEDOUT, "container '%s' does not end", mb_container_name(c));
	if (r == 0 && sock >= 0)
		wait_for_exit(sock);
	return r < 0 ? r : 0;
}

int mb_container_kill(struct mb_container *c, int sig, struct mb_err *err)
{
	struct mb_sys_proc_id id = {.pid = c->state.run.pid, .start = c->state.run.pid_start};
	MB_AUTO_CLOSE int pidfd = -1, sock = -1;
	bool ends = sig == SIGKILL || sig == mb_container_stop_signal(c);
	int r;

	if (!mb_container_is_running(c))
		return not_running(c, err);
	if (c->state.status == MB_STATUS_RESTARTING)
		return mb_container_stop(c, sig, 0, err);
	/* docker: a user's kill is not a failure to be mended by a restart, and neither is the
	 * signal that means the end. */
	if (ends && mb_monitor_connect(c->run_fd, &sock, NULL) == 0) {
		mb_monitor_stopping(sock, true, NULL);
		if (sig == SIGKILL)
			mb_monitor_wait_send(sock, 0, NULL);
	}
	r = mb_sys_proc_id_open(&id, &pidfd, err);
	if (r == 0) {
		tell_signal(c, sig);
		r = mb_sys_proc_signal(pidfd, sig, err);
	}
	if (r == MB_SYS_PROC_GONE)
		return not_running(c, err);
	return r == 0 && sig == SIGKILL ? see_it_end(c, pidfd, sock, err) : r;
}

int mb_container_stop_signal(const struct mb_container *c)
{
	const char *name = c->record->config.stop_signal;
	int sig;

	return name && *name && mb_parse_signal(name, &sig) == 0 ? sig : SIGTERM;
}

int64_t mb_container_stop_timeout(const struct mb_container *c)
{
	return c->record->config.has_stop_timeout ? c->record->config.stop_timeout
	                                          : DEFAULT_STOP_SECONDS;
}

/* Until the monitor has left; but another client of it may sleep, or not take its output. */
static void wait_for_monitor(int sock)
{
	static struct mb_monitor_packet packet;
	struct pollfd p = {.fd = sock, .events = POLLIN};

	while (poll(&p, 1, MONITOR_MSEC) > 0)
		if (mb_monitor_receive(sock, &packet, false, NULL) != 0)
			return;
}

static int stop_running(struct mb_container *c, int sig, int64_t timeout, struct mb_err *err)
{
	struct mb_sys_proc_id id = {.pid = c->state.run.pid, .start = c->state.run.pid_start};
	int msec = timeout < 0 ? -1 : timeout > 86400 ? 86400000 : (int)timeout * 1000;
	MB_AUTO_CLOSE int pidfd = -1;
	int r = mb_sys_proc_id_open(&id, &pidfd, err);

	if (r != 0)
		return r < 0 ? r : 0;
	if (msec != 0) {
		tell_signal(c, sig);
		r = mb_sys_proc_signal(pidfd, sig, err);
		if (r == 0)
			r = mb_sys_proc_wait(pidfd, msec, err);
		if (r != MB_SYS_PROC_TIMEOUT)
			return r < 0 ? r : 0;
	}
	tell_signal(c, SIGKILL);
	r = mb_sys_proc_signal(pidfd, SIGKILL, err);
	if (r == 0)
		r = mb_sys_proc_wait(pidfd, LAST_WAIT_MSEC, err);
	if (r == MB_SYS_PROC_TIMEOUT)
		return mb_fail(err, ETIMEDOUT, "container '%s' does not end", mb_container_name(c));
	return r < 0 ? r : 0;
}

/* End it, and with it the monitor's wish to start it again.  *@ret_sock is the connection to the
 * monitor, which we promised to clean up, or -1. */
static int end_run(struct mb_container *c, int sig, int64_t timeout, int *ret_sock,
                   struct mb_err *err)
{
	MB_AUTO_CLOSE int sock = -1;
	int r;

	if (mb_monitor_connect(c->run_fd, &sock, NULL) == 0) {
		mb_monitor_stopping(sock, true, NULL);
		mb_monitor_wait_send(sock, MB_MONITOR_CLEANS, NULL);
	}
	if (c->state.status != MB_STATUS_RESTARTING) {
		r = stop_running(c, sig ? sig : mb_container_stop_signal(c), timeout, err);
		if (r < 0)
			return r;
	}
	if (sock >= 0 && !wait_for_exit(sock))
		mb_close(&sock);
	*ret_sock = mb_take_fd(&sock);
	return 0;
}

/* What somebody does with it at this moment is over. */
static int settle(struct mb_container *c, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;

	return mb_container_lock(c, &lock, err);
}

static int unpause(struct mb_container *c, struct mb_err *err)
{
	return c->state.status == MB_STATUS_PAUSED ? mb_container_pause(c, false, err) : 0;
}

int mb_container_stop(struct mb_container *c, int sig, int64_t timeout, struct mb_err *err)
{
	/* Its monitor may be starting it again: then there is another one to be stopped. */
	for (int i = 0; i < STOPS; i++) {
		MB_AUTO_CLOSE int sock = -1;
		int r = settle(c, i ? NULL : err);

		if (i > 0 && (r > 0 || (r == 0 && !mb_container_is_running(c))))
			mb_container_event(c, "stop");
		if (r > 0 && i > 0)
			return 0; /* --rm */
		if (r != 0 || !mb_container_is_running(c))
			return r;
		r = unpause(c, err);
		if (r == 0)
			r = end_run(c, sig, timeout, &sock, err);
		if (r == 0)
			r = finish(c, true, err);
		if (sock >= 0) {
			mb_monitor_cleaned(sock, NULL);
			wait_for_monitor(sock);
		}
		if (r < 0)
			return r;
	}
	return mb_fail(err, ETIMEDOUT, "container '%s' is started again and again",
	               mb_container_name(c));
}

/* All under one lock: whoever would put it away at its end finds it running again. */
int mb_container_restart(struct mb_container *c, int sig, int64_t timeout,
                         struct mb_container_start *how, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1, sock = -1;
	int r = unpause(c, err);

	if (r == 0)
		r = mb_container_start_required(c, err);
	if (r == 0)
		r = mb_container_lock(c, &lock, err);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	if (mb_container_is_running(c)) {
		r = end_run(c, sig, timeout, &sock, err);
		if (sock >= 0)
			mb_monitor_cleaned(sock, NULL);
		if (r == 0)
			mb_container_event(c, "stop");
	}
	if (r == 0)
		r = mb_container_start_locked(c, how, NULL, err);
	if (r == 0)
		mb_container_event(c, "restart");
	return r;
}

int mb_container_wait(struct mb_container *c, int *ret_code, struct mb_err *err)
{
	static struct mb_monitor_packet packet;
	MB_AUTO_CLOSE int sock = -1;
	int r;

	for (;;) {
		if (!mb_container_is_running(c)) {
			/* Removed before anybody could tell us its exit code? */
			if (!c->state.has_exit && settle(c, err) > 0)
				return -ENOENT;
			*ret_code = c->state.has_exit ? c->state.exit.exit_code : 0;
			return 0;
		}
		r = c->run_fd < 0 ? MB_MONITOR_GONE : mb_monitor_connect(c->run_fd, &sock, err);
		if (r < 0)
			return r;
		if (r == 0 && mb_monitor_wait_send(sock, 0, err) == 0)
			while ((r = mb_monitor_receive(sock, &packet, false, err)) == 0)
				if (packet.head.type == MB_MONITOR_EXIT) {
					*ret_code = packet.body.exit.exit_code;
					return 0;
				}
		mb_close(&sock);
		/* Between two monitors, or one was lost: look again. */
		usleep(20000);
		mb_container_refresh(c);
		(void)mb_container_adopt(c, NULL);
	}
}
