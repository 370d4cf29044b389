/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "sys/cgroup_priv.h"

enum { DIRECTORY_FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW };
enum {
	REMOVE_WAIT_MSEC = 1000,
	FREEZE_MSEC = 2000,
	PAUSE_FIRST_NSEC = 100000,
	PAUSE_MAX_NSEC = 20000000
};

static struct mb_sys_cgroup *handle_new(struct mb_sys_cgroup_host *host, const char *path)
{
	struct mb_sys_cgroup *cg = mb_calloc(1, sizeof(*cg));

	cg->host = host;
	cg->path = mb_strdup(path);
	for (size_t i = 0; i < TREES_MAX; i++)
		cg->fd[i] = -1;
	return cg;
}

void mb_sys_cgroup_free(struct mb_sys_cgroup *cg)
{
	if (!cg)
		return;
	for (size_t i = 0; i < TREES_MAX; i++)
		mb_close(&cg->fd[i]);
	free(cg->path);
	free(cg);
}

const char *mb_sys_cgroup_path(const struct mb_sys_cgroup *cg)
{
	return cg->path;
}

/* --- make --- */

/* Controllers that every container has for its figures and its end. */
static unsigned accounting(const struct mb_sys_cgroup_host *h)
{
	unsigned bits = CTRL_BIT(CTRL_MEMORY);

	if (h->v2 < 0)
		return bits | CTRL_BIT(CTRL_CPUACCT) | CTRL_BIT(CTRL_FREEZER);
	/* In version 2 a controller costs no directory of its own. */
	return bits | (h->trees[h->v2].ctrls & (CTRL_BIT(CTRL_PIDS) | CTRL_BIT(CTRL_IO)));
}

/* Engines read /proc/PID/cgroup and count there. */
static unsigned wanted(const struct mb_sys_cgroup_host *h,
                       const struct mb_sys_cgroup_limits *limits)
{
	return limits && limits->everywhere ? CTRL_BIT(CTRL_N_) - 1 : accounting(h);
}

static int trees_make(struct mb_sys_cgroup *cg, unsigned want, unsigned must, struct mb_err *err)
{
	struct mb_sys_cgroup_host *h = cg->host;
	unsigned v2_ctrls = h->v2 >= 0 ? h->trees[h->v2].ctrls : 0;
	int r;

	/* First, as it may move the path for good. */
	if (h->v2 >= 0) {
		r = mb_sys_cgroup_v2_make(cg, want & v2_ctrls, must & v2_ctrls, err);
		if (r < 0)
			return r;
	}
	for (unsigned c = 0; c < CTRL_N_; c++) {
		int t = h->by_ctrl[c];

		if (!((want | must) & CTRL_BIT(c)) || t < 0 || cg->fd[t] >= 0)
			continue;
		r = mb_sys_cgroup_v1_make(cg, t, err);
		if (r < 0)
			return mb_wrap(err, r, "cgroup controller '%s'",
			               mb_sys_cgroup_ctrl_name(c, false));
	}
	return 0;
}

static void trees_undo(struct mb_sys_cgroup *cg)
{
	for (size_t t = 0; t < cg->host->n; t++)
		if (cg->made[t])
			(void)unlinkat(cg->host->trees[t].root_fd, cg->path + 1, AT_REMOVEDIR);
}

int mb_sys_cgroup_make(struct mb_sys_cgroup_host *host, const char *path,
                       const struct mb_sys_cgroup_limits *limits, struct mb_sys_cgroup **ret,
                       struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	unsigned must;
	int r;

	if (!mb_sys_cgroup_path_is_valid(path))
		return mb_fail(err, EINVAL, "invalid cgroup path '%s'", path);
	r = mb_sys_cgroup_limits_need(host, limits, &must, err);
	if (r < 0)
		return r;
	cg = handle_new(host, path);
	r = trees_make(cg, wanted(host, limits), must, err);
	if (r == 0)
		r = mb_sys_cgroup_limits_apply_first(cg, limits, err);
	if (r < 0) {
		trees_undo(cg);
		return mb_wrap(err, r, "cannot make cgroup '%s'", path);
	}
	*ret = mb_take_ptr(&cg);
	return 0;
}

int mb_sys_cgroup_limit(struct mb_sys_cgroup *cg, const struct mb_sys_cgroup_limits *limits,
                        struct mb_err *err)
{
	int r = mb_sys_cgroup_limits_apply(cg, limits, err);

	return r < 0 ? mb_wrap(err, r, "cannot make cgroup '%s'", cg->path) : 0;
}

int mb_sys_cgroup_create(struct mb_sys_cgroup_host *host, const char *path,
                         const struct mb_sys_cgroup_limits *limits, struct mb_sys_cgroup **ret,
                         struct mb_err *err)
{
	static const struct mb_sys_cgroup_limits none;
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	int r;

	limits = limits ? limits : &none;
	r = mb_sys_cgroup_make(host, path, limits, &cg, err);
	if (r < 0)
		return r;
	r = mb_sys_cgroup_limit(cg, limits, err);
	if (r < 0) {
		trees_undo(cg);
		return r;
	}
	*ret = mb_take_ptr(&cg);
	return 0;
}

static int pids_move(struct mb_sys_cgroup *cg, unsigned trees, struct mb_err *err)
{
	MB_AUTO_FREE pid_t *pids = NULL;
	size_t n = 0;
	int r = mb_sys_cgroup_pids(cg, &pids, &n, err);

	for (size_t t = 0; t < cg->host->n; t++)
		for (size_t i = 0; i < n && r == 0 && (trees & (1u << t)); i++) {
			r = mb_sys_cgroup_put(cg->fd[t], err, "cgroup.procs", "%d", (int)pids[i]);
			r = r == -ESRCH ? 0 : r;
		}
	return r;
}

/* Move every process into the directories @trees (bits), which were made just now; frozen, so
 * that none forks a child into the old ones meanwhile. */
static int catch_up(struct mb_sys_cgroup *cg, unsigned trees, struct mb_err *err)
{
	bool was_frozen;
	int r = mb_sys_cgroup_is_frozen(cg, &was_frozen, err);

	if (r == 0 && !was_frozen)
		r = mb_sys_cgroup_freeze(cg, true, FREEZE_MSEC, err);
	if (r < 0)
		return r;
	r = pids_move(cg, trees, err);
	if (!was_frozen)
		(void)mb_sys_cgroup_freeze(cg, false, FREEZE_MSEC, r < 0 ? NULL : err);
	return r;
}

/* Version 1: a controller that was not needed when the container was made. */
static int late_trees_make(struct mb_sys_cgroup *cg, unsigned must, unsigned *ret_trees,
                           struct mb_err *err)
{
	*ret_trees = 0;
	for (unsigned c = 0; c < CTRL_N_; c++) {
		int t = cg->host->by_ctrl[c], r;

		if (!(must & CTRL_BIT(c)) || t < 0 || cg->fd[t] >= 0)
			continue;
		r = mb_sys_cgroup_v1_make(cg, t, err);
		if (r < 0)
			return r;
		*ret_trees |= 1u << t;
	}
	return 0;
}

int mb_sys_cgroup_update(struct mb_sys_cgroup *cg, const struct mb_sys_cgroup_limits *limits,
                         struct mb_err *err)
{
	struct mb_sys_cgroup_limits complete = *limits;
	unsigned must, late = 0;
	int r;

	mb_sys_cgroup_limits_complete(cg, &complete);
	limits = &complete;
	r = mb_sys_cgroup_limits_need(cg->host, limits, &must, err);
	if (r < 0)
		return r;
	if (cg->fd[cg->host->core] < 0)
		return mb_fail(err, ENOENT, "cgroup '%s' is gone", cg->path);
	if (cg->host->v2 >= 0)
		r = mb_sys_cgroup_v2_make(cg, 0, must & cg->host->trees[cg->host->v2].ctrls, err);
	if (r == 0)
		r = late_trees_make(cg, must, &late, err);
	if (r == 0)
		r = mb_sys_cgroup_limits_apply_first(cg, limits, err);
	if (r == 0)
		r = mb_sys_cgroup_limits_apply(cg, limits, err);
	if (r == 0 && late)
		r = catch_up(cg, late, err);
	return r < 0 ? mb_wrap(err, r, "cgroup '%s'", cg->path) : 0;
}

int mb_sys_cgroup_open(struct mb_sys_cgroup_host *host, const char *path,
                       struct mb_sys_cgroup **ret, struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cg = NULL;
	bool found = false;

	if (!mb_sys_cgroup_path_is_valid(path))
		return mb_fail(err, EINVAL, "invalid cgroup path '%s'", path);
	cg = handle_new(host, path);
	for (size_t t = 0; t < host->n; t++) {
		int root, r;

		if (!host->trees[t].pub.is_v2 && !host->trees[t].ctrls)
			continue;
		r = mb_sys_cgroup_tree_root(host, (int)t, &root, err);
		if (r < 0)
			return r;
		cg->fd[t] = openat(root, path + 1, DIRECTORY_FLAGS);
		if (cg->fd[t] < 0 && errno != ENOENT)
			return mb_fail_sys(err, errno, "cannot open cgroup '%s' in '%s'", path,
			                   host->trees[t].mount_point);
		found |= cg->fd[t] >= 0;
	}
	if (!found)
		return MB_SYS_CGROUP_ABSENT;
	*ret = mb_take_ptr(&cg);
	return 0;
}

int mb_sys_cgroup_sub_create(struct mb_sys_cgroup *cg, const char *name, struct mb_sys_cgroup **ret,
                             struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *sub = NULL;
	MB_AUTO_FREE char *path = mb_asprintf("%s/%s", cg->path, name);
	int core = cg->host->core, r;

	if (strchr(name, '/') || !mb_sys_cgroup_path_is_valid(path))
		return mb_fail(err, EINVAL, "invalid cgroup name '%s'", name);
	if (cg->fd[core] < 0)
		return mb_fail(err, ENOENT, "cgroup '%s' is gone", cg->path);
	sub = handle_new(cg->host, path);
	sub->is_sub = true;
	r = mb_sys_cgroup_mkdir(cg->fd[core], name, &sub->made[core]);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot make cgroup '%s'", path);
	for (size_t t = 0; t < cg->host->n; t++) {
		if (cg->fd[t] < 0)
			continue;
		sub->fd[t] = (int)t == core ? openat(cg->fd[t], name, DIRECTORY_FLAGS)
		                            : fcntl(cg->fd[t], F_DUPFD_CLOEXEC, 3);
		if (sub->fd[t] < 0)
			return mb_fail_sys(err, errno, "cannot open cgroup '%s'", path);
	}
	*ret = mb_take_ptr(&sub);
	return 0;
}

/* --- remove --- */

static void pause_nsec(int64_t nsec)
{
	struct timespec t = {nsec / MB_NSEC_PER_SEC, nsec % MB_NSEC_PER_SEC};

	(void)nanosleep(&t, NULL);
}

/* Everything below, the deepest first.  What is busy stays for the next round. */
static int children_remove(int fd, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv paths = MB_STRV_INIT;
	int r = mb_sys_cgroup_walk(fd, &paths, err);

	for (size_t i = paths.n; i-- > 0;)
		(void)unlinkat(fd, paths.v[i], AT_REMOVEDIR);
	return r;
}

static int tree_remove(struct mb_sys_cgroup *cg, int t, int64_t deadline, struct mb_err *err)
{
	int64_t pause = PAUSE_FIRST_NSEC;

	if (cg->is_sub && t != cg->host->core)
		return 0;
	if (cg->fd[t] < 0) {
		/* An update by another process may have added it since this handle was made. */
		int root = cg->host->trees[t].root_fd;

		cg->fd[t] = root < 0 ? -1 : openat(root, cg->path + 1, DIRECTORY_FLAGS);
		if (cg->fd[t] < 0)
			return 0;
	}
	for (;;) {
		int r;

		/* A cgroup's name only means it below its parent; there are no links to follow
		 * in these file systems, and the path is ours. */
		if (!unlinkat(cg->host->trees[t].root_fd, cg->path + 1, AT_REMOVEDIR) ||
		    errno == ENOENT)
			break;
		if (errno != EBUSY && errno != ENOTEMPTY)
			return mb_fail_sys(err, errno, "cannot remove cgroup '%s' in '%s'",
			                   cg->path, cg->host->trees[t].mount_point);
		if (mb_monotonic_nsec() >= deadline)
			return mb_fail(err, EBUSY,
			               "cannot remove cgroup '%s': processes remain in it",
			               cg->path);
		r = children_remove(cg->fd[t], err);
		if (r < 0)
			return r;
		if (pause > PAUSE_FIRST_NSEC)
			pause_nsec(pause / 2);
		pause = pause < PAUSE_MAX_NSEC ? pause * 2 : pause;
	}
	mb_close(&cg->fd[t]);
	return 0;
}

int mb_sys_cgroup_remove(struct mb_sys_cgroup *cg, struct mb_err *err)
{
	int64_t deadline = mb_monotonic_nsec() + REMOVE_WAIT_MSEC * 1000000ll;
	int first = 0;

	/* Each tree by itself: one that stays must not keep the others. */
	for (size_t t = 0; t < cg->host->n; t++) {
		int r = tree_remove(cg, (int)t, deadline, first ? NULL : err);

		first = first ? first : r;
	}
	return first;
}

static int names_add(int root, const char *path, struct mb_strv *names, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv children = MB_STRV_INIT;
	MB_AUTO_CLOSE int fd = openat(root, path, DIRECTORY_FLAGS);
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : mb_fail_sys(err, errno, "cannot open '%s'", path);
	r = mb_sys_cgroup_children(fd, &children, err);
	MB_STRV_FOREACH (name, &children)
		if (name[0] != '.' && !mb_strv_has(names, name)) /* what keeps a program */
			mb_strv_add(names, name);
	return r;
}

int mb_sys_cgroup_list(struct mb_sys_cgroup_host *host, const char *parent,
                       struct mb_strv *ret_names, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	MB_AUTO_FREE char *path = NULL;
	int r = mb_sys_cgroup_path_make(parent, NULL, &path, err);

	for (size_t t = 0; t < host->n && r == 0; t++) {
		int root;

		if (!host->trees[t].pub.is_v2 && !host->trees[t].ctrls)
			continue;
		r = mb_sys_cgroup_tree_root(host, (int)t, &root, err);
		if (r == 0)
			r = names_add(root, path + 1, &names, err);
	}
	if (r < 0)
		return r;
	mb_strv_sort(&names);
	*ret_names = names;
	names = MB_STRV_INIT;
	return 0;
}

/* --- join --- */

bool mb_sys_cgroup_is_there(const struct mb_sys_cgroup *cg)
{
	int fd = cg->fd[cg->host->core];

	/* A removed directory keeps its number of links, but shows no files. */
	return fd >= 0 && faccessat(fd, "cgroup.procs", F_OK, 0) == 0;
}

int mb_sys_cgroup_place_open(struct mb_sys_cgroup *cg, size_t h, int *ret_fd, struct mb_err *err)
{
	const char *path;
	int root, fd, r;

	if (cg->fd[h] >= 0) {
		fd = fcntl(cg->fd[h], F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return mb_fail_sys(err, errno, "cannot copy a descriptor");
		*ret_fd = fd;
		return 0;
	}
	mb_sys_cgroup_own_paths(cg->host);
	path = cg->host->trees[h].own_path;
	/* Out of a cgroup namespace's sight. */
	if (mb_starts_with(path, "/.."))
		return MB_SYS_CGROUP_ABSENT;
	r = mb_sys_cgroup_tree_root(cg->host, (int)h, &root, err);
	if (r < 0)
		return r;
	fd = openat(root, path[1] ? path + 1 : ".", DIRECTORY_FLAGS);
	if (fd < 0 && errno == ENOENT)
		return MB_SYS_CGROUP_ABSENT;
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open cgroup '%s'", path);
	*ret_fd = fd;
	return 0;
}

void mb_sys_cgroup_join_done(struct mb_sys_cgroup_join *join)
{
	mb_close(&join->v2_fd);
	while (join->n_tasks_fds > 0)
		mb_close(&join->tasks_fds[--join->n_tasks_fds]);
}

int mb_sys_cgroup_join_open(struct mb_sys_cgroup *cg, struct mb_sys_cgroup_join *ret,
                            struct mb_err *err)
{
	__attribute__((cleanup(mb_sys_cgroup_join_done))) struct mb_sys_cgroup_join join =
		MB_SYS_CGROUP_JOIN_INIT;

	for (size_t t = 0; t < cg->host->n; t++) {
		int fd;

		if (cg->fd[t] < 0)
			continue;
		fd = (int)t == cg->host->v2 ? fcntl(cg->fd[t], F_DUPFD_CLOEXEC, 3)
		                            : openat(cg->fd[t], "tasks", O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			return mb_fail_sys(err, errno, "cannot open cgroup '%s' to join it",
			                   cg->path);
		if ((int)t == cg->host->v2)
			join.v2_fd = fd;
		else
			join.tasks_fds[join.n_tasks_fds++] = fd;
	}
	*ret = join;
	join = MB_SYS_CGROUP_JOIN_INIT;
	return 0;
}

int mb_sys_cgroup_join_self(const struct mb_sys_cgroup_join *join)
{
	for (int i = 0; i < join->n_tasks_fds; i++)
		if (write(join->tasks_fds[i], "0", 1) != 1)
			return errno ? -errno : -EIO;
	return 0;
}

int mb_sys_cgroup_join_self_slowly(const struct mb_sys_cgroup_join *join)
{
	int r = join->v2_fd < 0 ? 0 : mb_write_kernel_file(join->v2_fd, "cgroup.procs", "0");

	return r < 0 ? r : mb_sys_cgroup_join_self(join);
}

int mb_sys_cgroup_attach(struct mb_sys_cgroup *cg, pid_t pid, struct mb_err *err)
{
	for (size_t t = 0; t < cg->host->n; t++) {
		int r = cg->fd[t] < 0
		                ? 0
		                : mb_sys_cgroup_put(cg->fd[t], err, "cgroup.procs", "%d", (int)pid);

		if (r < 0)
			return mb_wrap(err, r, "cannot move process %d to cgroup '%s'", (int)pid,
			               cg->path);
	}
	return 0;
}

/* --- descriptors for those who stay --- */

static int file_open(int fd, const char *file, int flags, int *ret_fd, struct mb_err *err)
{
	int f = fd < 0 ? -1 : openat(fd, file, flags | O_CLOEXEC);

	if (f >= 0) {
		*ret_fd = f;
		return 0;
	}
	if (fd < 0 || errno == ENOENT)
		return MB_SYS_CGROUP_ABSENT;
	return mb_fail_sys(err, errno, "cannot open '%s' of a cgroup", file);
}

int mb_sys_cgroup_kill_open(struct mb_sys_cgroup *cg, int *ret_fd, struct mb_err *err)
{
	return file_open(cg->host->v2 < 0 ? -1 : cg->fd[cg->host->v2], "cgroup.kill", O_WRONLY,
	                 ret_fd, err);
}

int mb_sys_cgroup_events_open(struct mb_sys_cgroup *cg, int *ret_fd, struct mb_err *err)
{
	return file_open(cg->host->v2 < 0 ? -1 : cg->fd[cg->host->v2], "cgroup.events", O_RDONLY,
	                 ret_fd, err);
}

int mb_sys_cgroup_oom_open(struct mb_sys_cgroup *cg, int *ret_fd, struct mb_err *err)
{
	bool v2 = mb_sys_cgroup_ctrl_is_v2(cg->host, CTRL_MEMORY);

	return file_open(mb_sys_cgroup_ctrl_fd(cg, CTRL_MEMORY),
	                 v2 ? "memory.events" : "memory.oom_control", O_RDONLY, ret_fd, err);
}

int mb_sys_cgroup_oom_event_open(struct mb_sys_cgroup *cg, int *ret_fd, short *ret_events,
                                 struct mb_err *err)
{
	int fd = mb_sys_cgroup_ctrl_fd(cg, CTRL_MEMORY);
	MB_AUTO_CLOSE int control = -1, event = -1;
	int r = mb_sys_cgroup_oom_open(cg, &control, err);

	if (r != 0)
		return r;
	if (mb_sys_cgroup_ctrl_is_v2(cg->host, CTRL_MEMORY)) {
		*ret_fd = mb_take_fd(&control);
		*ret_events = POLLPRI;
		return 0;
	}
	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (event < 0)
		return mb_fail_sys(err, errno, "cannot make an eventfd");
	r = mb_sys_cgroup_put(fd, err, "cgroup.event_control", "%d %d", event, control);
	if (r < 0)
		return r;
	*ret_fd = mb_take_fd(&event);
	*ret_events = POLLIN;
	return 0;
}
