/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "sys/cgroup_priv.h"

enum { PROCS_MAX = 64 * 1024 * 1024, KILL_ROUNDS = 200, FREEZE_FOR_KILL_MSEC = 200 };
enum { PAUSE_FIRST_NSEC = 200000, PAUSE_MAX_NSEC = 10000000 };

static int core_fd(const struct mb_sys_cgroup *cg)
{
	return cg->fd[cg->host->core];
}

static bool core_is_v2(const struct mb_sys_cgroup *cg)
{
	return cg->host->core == cg->host->v2;
}

/* Sleep a little longer each time.  Return: whether @deadline is still ahead. */
static bool pause_until(int64_t deadline, int64_t *pause)
{
	struct timespec t = {0, *pause};

	if (mb_monotonic_nsec() >= deadline)
		return false;
	(void)nanosleep(&t, NULL);
	*pause = *pause < PAUSE_MAX_NSEC ? *pause * 2 : *pause;
	return true;
}

static int64_t deadline_of(int timeout_ms)
{
	return mb_monotonic_nsec() + timeout_ms * 1000000ll;
}

/* --- lists of processes --- */

struct pids {
	pid_t *v;
	size_t n, cap;
};

static int pids_parse(const char *text, struct pids *pids)
{
	while (*text) {
		char *end;
		long pid = strtol(text, &end, 10);

		if (end == text)
			return -EINVAL;
		/* 0 stands for a process that this pid namespace cannot see. */
		if (pid > 0) {
			if (pids->n == pids->cap) {
				pids->cap = pids->cap ? 2 * pids->cap : 64;
				pids->v = mb_realloc(pids->v, pids->cap * sizeof(*pids->v));
			}
			pids->v[pids->n++] = (pid_t)pid;
		}
		text = end + (*end == '\n');
	}
	return 0;
}

static int pids_add(int fd, const char *directory, struct pids *pids, struct mb_err *err)
{
	MB_AUTO_FREE char *file = mb_asprintf("%s%scgroup.procs", directory, *directory ? "/" : "");
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_err why = MB_ERR_INIT;
	int r = mb_read_file(fd, file, PROCS_MAX, &text, &why);

	/* Removed meanwhile, or a threaded cgroup, whose processes are its parent's. */
	if (r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP)
		return 0;
	if (r == 0)
		r = pids_parse(mb_str_text(&text), pids);
	return r < 0 ? mb_fail(err, -r, "cannot list processes: %s", why.msg) : 0;
}

static int pid_compare(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int mb_sys_cgroup_pids(struct mb_sys_cgroup *cg, pid_t **ret_pids, size_t *ret_n,
                       struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv paths = MB_STRV_INIT;
	struct pids pids = {0};
	size_t kept = 0;
	int r = 0;

	if (core_fd(cg) >= 0) {
		r = mb_sys_cgroup_walk(core_fd(cg), &paths, err);
		r = r < 0 ? r : pids_add(core_fd(cg), "", &pids, err);
	}
	for (size_t i = 0; i < paths.n && r == 0; i++)
		r = pids_add(core_fd(cg), paths.v[i], &pids, err);
	if (r < 0) {
		free(pids.v);
		return r;
	}
	if (pids.n)
		qsort(pids.v, pids.n, sizeof(*pids.v), pid_compare);
	/* One that moved while we read may be there twice. */
	for (size_t i = 0; i < pids.n; i++)
		if (!kept || pids.v[kept - 1] != pids.v[i])
			pids.v[kept++] = pids.v[i];
	*ret_pids = pids.v;
	*ret_n = kept;
	return 0;
}

/* --- populated and empty --- */

static int event_read(const struct mb_sys_cgroup *cg, const char *key, bool *ret,
                      struct mb_err *err)
{
	char text[ATTR_TEXT];
	uint64_t value = 0;
	int r = mb_read_kernel_file(core_fd(cg), "cgroup.events", text, sizeof(text));

	/* ENODEV: the directory behind the descriptor was removed. */
	if (r == -ENOENT || r == -ENODEV) {
		*ret = false;
		return 0;
	}
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot read 'cgroup.events' of '%s'", cg->path);
	if (!mb_sys_cgroup_find(text, key, &value))
		return mb_fail(err, EPROTO, "'cgroup.events' of '%s' has no '%s'", cg->path, key);
	*ret = value != 0;
	return 0;
}

int mb_sys_cgroup_is_populated(struct mb_sys_cgroup *cg, bool *ret, struct mb_err *err)
{
	MB_AUTO_FREE pid_t *pids = NULL;
	size_t n;
	int r;

	if (core_fd(cg) < 0) {
		*ret = false;
		return 0;
	}
	if (core_is_v2(cg))
		return event_read(cg, "populated", ret, err);
	r = mb_sys_cgroup_pids(cg, &pids, &n, err);
	if (r == 0)
		*ret = n > 0;
	return r;
}

/* Wait until @key of cgroup.events is @wanted.  Return: 0, -ETIMEDOUT (nothing told), -errno. */
static int event_wait(struct mb_sys_cgroup *cg, const char *key, bool wanted, int64_t deadline,
                      struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = openat(core_fd(cg), "cgroup.events", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || errno == ENODEV
		               ? 0
		               : mb_fail_sys(err, errno, "cannot open 'cgroup.events'");
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLPRI};
		int64_t left = deadline - mb_monotonic_nsec();
		char text[256];
		ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
		uint64_t value = 0;

		if (n < 0)
			return errno == ENODEV
			               ? 0
			               : mb_fail_sys(err, errno, "cannot read 'cgroup.events'");
		text[n] = '\0';
		if (mb_sys_cgroup_find(text, key, &value) && (value != 0) == wanted)
			return 0;
		if (left <= 0)
			return -ETIMEDOUT;
		(void)poll(&p, 1, (int)(left / 1000000) + 1);
	}
}

int mb_sys_cgroup_wait_empty(struct mb_sys_cgroup *cg, int timeout_ms, struct mb_err *err)
{
	int64_t deadline = deadline_of(timeout_ms), pause = PAUSE_FIRST_NSEC;
	bool populated = false;
	int r = 0;

	if (core_fd(cg) < 0)
		return 0;
	if (core_is_v2(cg)) {
		r = event_wait(cg, "populated", false, deadline, err);
		populated = r == -ETIMEDOUT;
	} else {
		do
			r = mb_sys_cgroup_is_populated(cg, &populated, err);
		while (r == 0 && populated && pause_until(deadline, &pause));
	}
	if (populated)
		return mb_fail(err, ETIMEDOUT, "processes remain in cgroup '%s'", cg->path);
	return r;
}

/* --- freeze --- */

static int freeze_v2(struct mb_sys_cgroup *cg, bool frozen, int64_t deadline, struct mb_err *err)
{
	int r = mb_sys_cgroup_put(core_fd(cg), err, "cgroup.freeze", frozen ? "1" : "0");

	return r < 0 ? r : event_wait(cg, "frozen", frozen, deadline, err);
}

static int freeze_v1(struct mb_sys_cgroup *cg, bool frozen, int64_t deadline, struct mb_err *err)
{
	const char *wanted = frozen ? "FROZEN" : "THAWED";
	int64_t pause = PAUSE_FIRST_NSEC;

	do {
		char state[32];
		int r = mb_sys_cgroup_put(core_fd(cg), err, "freezer.state", "%s", wanted);

		if (r < 0)
			return r;
		r = mb_read_kernel_file(core_fd(cg), "freezer.state", state, sizeof(state));
		if (r < 0)
			return mb_fail_sys(err, -r, "cannot read 'freezer.state'");
		if (!strcmp(state, wanted))
			return 0;
		/* A process forking all the while is caught by writing again. */
	} while (pause_until(deadline, &pause));
	return -ETIMEDOUT;
}

int mb_sys_cgroup_freeze(struct mb_sys_cgroup *cg, bool frozen, int timeout_ms, struct mb_err *err)
{
	int64_t deadline = deadline_of(timeout_ms);
	int r;

	if (core_fd(cg) < 0)
		return mb_fail(err, ENOENT, "cgroup '%s' is gone", cg->path);
	if (!core_is_v2(cg) && cg->host->core != cg->host->by_ctrl[CTRL_FREEZER])
		return mb_fail(err, EOPNOTSUPP, "this host has no cgroup controller 'freezer'");
	r = core_is_v2(cg) ? freeze_v2(cg, frozen, deadline, err)
	                   : freeze_v1(cg, frozen, deadline, err);
	if (r != -ETIMEDOUT)
		return r;
	if (frozen)
		(void)mb_sys_cgroup_put(core_fd(cg), NULL,
		                        core_is_v2(cg) ? "cgroup.freeze" : "freezer.state", "%s",
		                        core_is_v2(cg) ? "0" : "THAWED");
	return mb_fail(err, ETIMEDOUT, "cgroup '%s' was not %s within %d ms", cg->path,
	               frozen ? "frozen" : "thawed", timeout_ms);
}

int mb_sys_cgroup_is_frozen(struct mb_sys_cgroup *cg, bool *ret, struct mb_err *err)
{
	char state[32];
	int r;

	*ret = false;
	if (core_fd(cg) < 0)
		return 0;
	/* What was asked for, not what each process has got to: pausing a container that runs an
	 * exec must not make it look half paused. */
	r = mb_read_kernel_file(core_fd(cg), core_is_v2(cg) ? "cgroup.freeze" : "freezer.state",
	                        state, sizeof(state));
	if (r == -ENOENT || r == -ENODEV)
		return 0;
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot read whether '%s' is frozen", cg->path);
	*ret = !strcmp(state, "1") || mb_starts_with(state, "FR");
	return 0;
}

/* --- signals --- */

/* Open a descriptor of each process, look that it is still listed, and only then signal: a number
 * that was given to a stranger meanwhile is not in the list any more. */
static int signal_listed(struct mb_sys_cgroup *cg, int sig, size_t *ret_n, struct mb_err *err)
{
	MB_AUTO_FREE pid_t *first = NULL;
	size_t n_first;
	int r = mb_sys_cgroup_pids(cg, &first, &n_first, err);

	for (size_t i = 0; i < n_first && r == 0; i++) {
		MB_AUTO_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, first[i], 0);
		MB_AUTO_FREE pid_t *again = NULL;
		size_t n_again;

		if (pidfd < 0)
			continue;
		r = mb_sys_cgroup_pids(cg, &again, &n_again, err);
		if (r == 0 && n_again &&
		    bsearch(&first[i], again, n_again, sizeof(*again), pid_compare))
			(void)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
	}
	*ret_n = n_first;
	return r;
}

int mb_sys_cgroup_signal(struct mb_sys_cgroup *cg, int sig, struct mb_err *err)
{
	size_t n;

	return signal_listed(cg, sig, &n, err);
}

static int kill_by_hand(struct mb_sys_cgroup *cg, struct mb_err *err)
{
	int64_t pause = PAUSE_FIRST_NSEC;
	size_t left = 1;
	int r = 0;

	for (int round = 0; round < KILL_ROUNDS && left && r == 0; round++) {
		/* Frozen they cannot fork; thawed they die.  Without a freezer: rounds alone. */
		(void)mb_sys_cgroup_freeze(cg, true, FREEZE_FOR_KILL_MSEC, NULL);
		r = signal_listed(cg, SIGKILL, &left, err);
		(void)mb_sys_cgroup_freeze(cg, false, FREEZE_FOR_KILL_MSEC, NULL);
		if (left)
			(void)pause_until(INT64_MAX, &pause);
	}
	if (r == 0 && left)
		return mb_fail(err, EBUSY, "%zu processes of cgroup '%s' do not die", left,
		               cg->path);
	return r;
}

int mb_sys_cgroup_kill(struct mb_sys_cgroup *cg, struct mb_err *err)
{
	int r;

	if (core_fd(cg) < 0)
		return 0;
	if (core_is_v2(cg)) {
		r = mb_write_kernel_file(core_fd(cg), "cgroup.kill", "1");
		if (r == 0 || r == -ENODEV)
			return 0;
		/* Older than Linux 5.14, or a threaded cgroup. */
		if (r != -ENOENT && r != -EOPNOTSUPP)
			return mb_fail_sys(err, -r, "cannot kill the processes of cgroup '%s'",
			                   cg->path);
	}
	return kill_by_hand(cg, err);
}
