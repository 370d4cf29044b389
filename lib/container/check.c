/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever was cut off leaves a thing whose name says what it was: a container in the making or
 * in removal, a run directory without a process, a name without a container, a cgroup without a
 * run.  Each is looked at under its container's lock, so that nobody's work is taken for rubble. */
#include "container/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container/container.h"
#include "container/life.h"
#include "container/mounts.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "monitor/client.h"
#include "net/net.h"
#include "store/lock.h"
#include "store/store.h"
#include "sys/cgroup.h"
#include "sys/proc.h"
#include "sys/tree.h"

struct checking {
	struct mb_store *store;
	const struct mb_container_check *how;
	int containers, names, runs;
	unsigned waited;
	size_t left;
};

enum { PATIENCE = 200, PATIENCE_USEC = 10000 };

static void found(struct checking *k, const char *subject, const char *problem, int r)
{
	bool repaired = k->how->repair && r == 0;

	if (!repaired)
		k->left++;
	k->how->finding(k->how->arg, subject, problem, repaired);
}

/* A repair waits a little for what is about to end: one that was killed in the middle of something
 * may have children that are still dying.  Not for long in all: others may work. */
static bool is_patient(struct checking *k)
{
	if (!k->how->repair || k->waited >= PATIENCE)
		return false;
	k->waited++;
	usleep(PATIENCE_USEC);
	return true;
}

static bool try_lock(struct checking *k, const char *id, int *ret_lock)
{
	char name[8 + MB_ID_TEXT];
	int r;

	snprintf(name, sizeof(name), "c-%s", id);
	do
		r = mb_store_lock(k->store, MB_RANK_CONTAINER, name, true, false, ret_lock, NULL);
	while (r == MB_STORE_BUSY && is_patient(k));
	return r == 0;
}

static void retire_lock(struct checking *k, const char *id, int lock)
{
	char name[8 + MB_ID_TEXT];

	snprintf(name, sizeof(name), "c-%s", id);
	mb_store_lock_retire(k->store, name, lock);
}

static bool exists(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The names in a directory, so that it may change while we go through them. */
static int list(int dir_fd, struct mb_strv *out, struct mb_err *err)
{
	int r = mb_dir_names(dir_fd, ".", out);

	return r < 0 ? mb_fail_sys(err, -r, "cannot list a directory of the store") : 0;
}

/* --- what a process has outside of the store -------------------------------------------------- */

static int remove_cgroup(struct checking *k, const char *parent, const char *id)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *host = NULL;
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cgroup = NULL;
	MB_AUTO_FREE char *path = NULL;
	int r = mb_sys_cgroup_host_open(&host, NULL);

	(void)k;
	if (r == 0)
		r = mb_sys_cgroup_path_make(parent && *parent ? parent : NULL, id, &path, NULL);
	if (r == 0)
		r = mb_sys_cgroup_open(host, path, &cgroup, NULL);
	if (r == MB_SYS_CGROUP_ABSENT)
		return 0;
	if (r == 0)
		r = mb_sys_cgroup_kill(cgroup, NULL);
	if (r == 0)
		r = mb_sys_cgroup_remove(cgroup, NULL);
	return r;
}

static int detach_network(struct checking *k, const char *id)
{
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;

	mb_net_new(k->store, &net);
	return mb_net_detach(net, id, NULL);
}

/* --- containers in the making, in removal ----------------------------------------------------- */

static int drop_partial(struct checking *k, const char *name, const char *id)
{
	MB_AUTO(mb_container_record_free) struct mb_container_record *record = NULL;
	MB_AUTO_CLOSE int dir =
		openat(k->containers, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r = 0, last;

	if (dir >= 0 && mb_container_record_load(dir, &record, NULL) == 0) {
		r = mb_store_name_release(k->names, record->name, id, NULL);
		mb_container_mounts_discard(k->store, record);
	}
	last = remove_cgroup(k, record ? record->host.cgroup_parent : NULL, id);
	r = r < 0 ? r : last;
	last = detach_network(k, id);
	/* As long as it has addresses, it is there to be looked at again. */
	if (last < 0)
		return last;
	last = mb_sys_tree_remove(k->runs, id, NULL);
	r = r < 0 ? r : last;
	last = mb_sys_tree_remove(k->containers, name, NULL);
	return r < 0 ? r : last;
}

static void check_partial(struct checking *k, const char *name)
{
	bool making = mb_starts_with(name, ".tmp-");
	const char *id = making ? name + 5 : name + 4;
	MB_AUTO_CLOSE int lock = -1;
	MB_AUTO_FREE char *subject = NULL;
	int r = 0;

	if (!mb_hex_is_valid(id, MB_ID_LEN) || !try_lock(k, id, &lock) ||
	    !exists(k->containers, name))
		return;
	subject = mb_asprintf("container %.12s", id);
	if (k->how->repair) {
		r = drop_partial(k, name, id);
		retire_lock(k, id, lock);
	}
	found(k, subject, making ? "was never finished" : "its removal was cut off", r);
}

/* --- containers ------------------------------------------------------------------------------- */

/* Of --rm nothing is synced, so a power cut may leave a name without bytes.  Another container's
 * record is on the disk before anything else of it. */
static bool was_lost(const struct mb_container *c)
{
	return c->state.status == MB_STATUS_DEAD && c->run_fd < 0 &&
	       !exists(c->dir_fd, "exit.json") &&
	       mb_container_doc_was_cut(c->dir_fd, "container.json");
}

/* Its process or its monitor lives, but nobody listens any more: it is about to end. */
static bool is_leaving(const struct mb_container *c)
{
	MB_AUTO_CLOSE int sock = -1;

	if (c->state.monitored)
		return true;
	return mb_container_is_running(c) && !c->state.monitor_lost && c->run_fd >= 0 &&
	       mb_monitor_connect(c->run_fd, &sock, NULL) == MB_MONITOR_GONE;
}

/* Its monitor was killed when it had told it to stop because it was unwell, and then it ended. */
static bool is_owed_restart(const struct mb_container *c)
{
	char word[16] = "";

	return c->run_fd >= 0 && c->state.has_exit && !c->state.exit.finished &&
	       !c->record->host.auto_remove &&
	       readlinkat(c->run_fd, MB_MONITOR_OWED, word, sizeof(word) - 1) > 0 &&
	       strcmp(word, "restart") == 0;
}

static int start_again(struct mb_container *c)
{
	struct mb_container_start how = {0};
	int r = mb_container_start(c, &how, NULL, NULL);

	mb_strv_done(&how.warnings);
	return r < 0 ? r : 0;
}

static void check_container(struct checking *k, const char *id)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	MB_AUTO_CLOSE int lock = -1;
	MB_AUTO_FREE char *subject = NULL;
	int r = 0;

	if (!try_lock(k, id, &lock) || mb_container_open(k->store, id, &c, NULL) != 0)
		return;
	while (k->how->repair && is_leaving(c) && is_patient(k))
		mb_container_refresh(c);
	subject = mb_asprintf("container %s", mb_container_name(c));
	if (was_lost(c)) {
		if (k->how->repair)
			r = drop_partial(k, id, id);
		found(k, subject, "was to be removed at its end, and the host went down", r);
		return;
	}
	if (c->state.status == MB_STATUS_DEAD) {
		MB_AUTO_FREE char *why =
			mb_asprintf("%s ('mybox rm -f' removes it)", c->state.error);

		found(k, subject, why, -EBADMSG);
		return;
	}
	if (c->state.monitor_lost || c->state.pause_lost) {
		bool monitored = !c->state.monitor_lost;

		mb_close(&lock);
		if (k->how->repair)
			r = mb_container_adopt(c, NULL);
		found(k, subject,
		      monitored ? "is paused for a command that lives no more"
		                : "runs without a monitor",
		      r);
		return;
	}
	if (mb_container_is_running(c) || c->state.monitored)
		return;
	if (is_owed_restart(c)) {
		mb_close(&lock);
		if (k->how->repair)
			r = start_again(c);
		found(k, subject, "was to be started again, and its monitor was killed", r);
		return;
	}
	if (c->run_fd >= 0 || (c->record->host.auto_remove && c->state.has_run)) {
		if (k->how->repair)
			r = c->record->host.auto_remove ? mb_container_remove_locked(c, true, NULL)
			                                : mb_container_cleanup_locked(c, NULL);
		if (k->how->repair && r == 0 && exists(k->runs, id))
			r = -ENOSPC;
		found(k, subject, "has ended and was not put away", r);
	} else if (c->record->host.auto_remove) {
		/* --rm, and not running: between its creation and its start its creator lives no
		 * more, or the host went down under it. */
		if (k->how->repair)
			r = mb_container_remove_locked(c, true, NULL);
		found(k, subject, "was to be removed at its end", r);
	}
}

static int check_containers(struct checking *k, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;
	int r = list(k->containers, &all, err);

	for (size_t i = 0; r == 0 && i < all.n; i++) {
		if (mb_hex_is_valid(all.v[i], MB_ID_LEN))
			check_container(k, all.v[i]);
		else
			check_partial(k, all.v[i]);
	}
	return r;
}

/* --- what has no container -------------------------------------------------------------------- */

static int end_orphan(struct checking *k, const char *id)
{
	struct mb_container_state state;
	MB_AUTO_CLOSE int run =
		openat(k->runs, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r, last;

	mb_container_state_load(-1, run, &state);
	if (state.has_run) {
		struct mb_sys_proc_id ids[] = {{state.run.pid, state.run.pid_start},
		                               {state.run.monitor, state.run.monitor_start}};

		for (size_t i = 0; i < MB_N(ids); i++) {
			MB_AUTO_CLOSE int pidfd = -1;

			if (mb_sys_proc_id_open(&ids[i], &pidfd, NULL) == 0)
				mb_sys_proc_signal(pidfd, 9, NULL);
		}
	}
	mb_container_state_done(&state);
	r = remove_cgroup(k, NULL, id);
	last = detach_network(k, id);
	/* It owns its addresses until nothing speaks of them. */
	if (last < 0)
		return last;
	last = mb_sys_tree_remove(k->runs, id, NULL);
	return r < 0 ? r : last;
}

static bool has_container(const struct checking *k, const char *id)
{
	char name[8 + MB_ID_TEXT];

	snprintf(name, sizeof(name), ".tmp-%s", id);
	if (exists(k->containers, id) || exists(k->containers, name))
		return true;
	snprintf(name, sizeof(name), ".rm-%s", id);
	return exists(k->containers, name);
}

static int check_runs(struct checking *k, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;
	int r = list(k->runs, &all, err);

	for (size_t i = 0; r == 0 && i < all.n; i++) {
		const char *id = all.v[i];
		MB_AUTO_CLOSE int lock = -1;
		MB_AUTO_FREE char *subject = mb_asprintf("run directory %.12s", id);

		if (!mb_hex_is_valid(id, MB_ID_LEN) || has_container(k, id) ||
		    !try_lock(k, id, &lock) || has_container(k, id))
			continue;
		found(k, subject, "has no container", k->how->repair ? end_orphan(k, id) : 0);
		retire_lock(k, id, lock);
	}
	return r;
}

static int check_names(struct checking *k, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;
	int r = list(k->names, &all, err);

	for (size_t i = 0; r == 0 && i < all.n; i++) {
		char id[MB_ID_TEXT];
		MB_AUTO_CLOSE int lock = -1;
		MB_AUTO_FREE char *subject = mb_asprintf("name %s", all.v[i]);
		int absent = mb_store_name_find(k->names, all.v[i], id, NULL);

		if (absent == 0 &&
		    (has_container(k, id) || !try_lock(k, id, &lock) || has_container(k, id)))
			continue;
		found(k, subject, "has no container",
		      k->how->repair && unlinkat(k->names, all.v[i], 0) < 0 ? -errno : 0);
		if (absent == 0)
			retire_lock(k, id, lock);
	}
	return r;
}

/* Control groups of containers that do not run. */
static int check_cgroups(struct checking *k, struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *host = NULL;
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;
	int r = mb_sys_cgroup_host_open(&host, err);

	if (r == 0)
		r = mb_sys_cgroup_list(host, NULL, &all, err);
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		const char *id = all.v[i];
		MB_AUTO_CLOSE int lock = -1;
		MB_AUTO_FREE char *subject = mb_asprintf("control group mybox/%.12s", id);

		/* Another store's containers are not ours to judge: theirs are not in RUN/c, but
		 * neither are ours that ended.  Only what we know by its id is taken. */
		if (!mb_hex_is_valid(id, MB_ID_LEN) || exists(k->runs, id) ||
		    !exists(k->containers, id) || !try_lock(k, id, &lock) || exists(k->runs, id))
			continue;
		found(k, subject, "its container does not run",
		      k->how->repair ? remove_cgroup(k, NULL, id) : 0);
	}
	return r;
}

static int check_locks(struct checking *k, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;
	MB_AUTO_CLOSE int locks = -1;
	int r = mb_store_dir(k->store, "locks", true, &locks, err);

	if (r == 0)
		r = list(locks, &all, err);
	for (size_t i = 0; r == 0 && k->how->repair && i < all.n; i++) {
		const char *id = mb_skip_prefix(all.v[i], "c-");
		MB_AUTO_CLOSE int lock = -1;

		if (id && mb_hex_is_valid(id, MB_ID_LEN) && !has_container(k, id) &&
		    !exists(k->runs, id) && try_lock(k, id, &lock) && !has_container(k, id))
			retire_lock(k, id, lock);
	}
	return r;
}

int mb_container_check(struct mb_store *store, const struct mb_container_check *how,
                       size_t *ret_left, struct mb_err *err)
{
	MB_AUTO_CLOSE int containers = -1, names = -1, runs = -1;
	struct checking k = {.store = store, .how = how};
	int r = mb_store_dir(store, "containers", false, &containers, err);

	if (r == 0)
		r = mb_store_dir(store, "names", false, &names, err);
	if (r == 0)
		r = mb_store_dir(store, "c", true, &runs, err);
	if (r < 0)
		return r;
	k.containers = containers;
	k.names = names;
	k.runs = runs;
	r = check_containers(&k, err);
	if (r == 0)
		r = check_runs(&k, err);
	if (r == 0)
		r = check_names(&k, err);
	if (r == 0)
		r = check_cgroups(&k, err);
	if (r == 0)
		r = check_locks(&k, err);
	*ret_left = k.left;
	return r;
}
