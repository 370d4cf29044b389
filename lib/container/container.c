/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/cgroup_of.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "net/net.h"
#include "store/doc.h"
#include "store/lock.h"
#include "store/store.h"
#include "sys/proc.h"

void mb_container_free(struct mb_container *c)
{
	if (!c)
		return;
	mb_close(&c->dir_fd);
	mb_close(&c->run_fd);
	mb_container_record_free(c->record);
	mb_strset(&c->broken, NULL);
	mb_container_state_done(&c->state);
	mb_net_sandbox_free(c->before);
	mb_container_cgroup_forget(c);
	free(c);
}

const char *mb_container_name(const struct mb_container *c)
{
	return c->record->name;
}

bool mb_container_is_running(const struct mb_container *c)
{
	enum mb_container_status s = c->state.status;

	return s == MB_STATUS_RUNNING || s == MB_STATUS_PAUSED || s == MB_STATUS_RESTARTING;
}

int mb_container_netns_open(const char *id, void *store)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	int fd = -1;

	if (mb_container_open(store, id, &c, NULL) != 0 || !mb_container_is_running(c) ||
	    !c->state.has_run || mb_sys_proc_ns_open(c->state.run.pid, "net", &fd, NULL) != 0)
		return -1;
	return fd;
}

static int open_dir(int base, const char *name)
{
	return openat(base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* One of a list keeps no descriptors: there may be more containers than a process may have. */
static void open_own(struct mb_container *c)
{
	char path[16 + MB_ID_TEXT];

	if (c->dir_fd >= 0)
		return;
	snprintf(path, sizeof(path), "containers/%s", c->id);
	c->dir_fd = open_dir(c->store->root_fd, path);
}

/* Which container.json it is. */
static void stamp(struct mb_container *c, struct stat *ret)
{
	if (fstatat(c->dir_fd, "container.json", ret, AT_SYMLINK_NOFOLLOW) < 0)
		*ret = (struct stat){0};
}

static void open_run(struct mb_container *c)
{
	char path[8 + MB_ID_TEXT];

	mb_close(&c->run_fd);
	snprintf(path, sizeof(path), "c/%s", c->id);
	c->run_fd = open_dir(c->store->run_fd, path);
}

void mb_container_refresh(struct mb_container *c)
{
	mb_container_state_done(&c->state);
	open_run(c);
	open_own(c);
	mb_container_state_load(c->dir_fd, c->run_fd, &c->state);
	/* What runs can still be ended; nothing else can be done with it. */
	if (c->broken && !mb_container_is_running(c)) {
		mb_strset(&c->state.error, c->broken);
		c->state.status = MB_STATUS_DEAD;
	}
}

int mb_container_require(const struct mb_container *c, struct mb_err *err)
{
	if (!c->broken && c->state.status != MB_STATUS_DEAD)
		return 0;
	return mb_fail(err, EBADMSG, "container '%s' is corrupt: %s", mb_container_name(c),
	               c->broken ? c->broken : c->state.error);
}

/* The name that leads to @id; NULL when there is none.  Caller frees. */
static char *name_of(struct mb_store *store, const char *id)
{
	MB_AUTO_CLOSE int names = -1;
	char other[MB_ID_TEXT], *name = NULL;
	struct dirent *entry;
	DIR *dir;

	if (mb_store_dir(store, "names", false, &names, NULL) < 0)
		return NULL;
	dir = mb_dir_open(names, ".");
	if (!dir)
		return NULL;
	while (!name && (entry = readdir(dir)))
		if (mb_store_name_find(names, entry->d_name, other, NULL) == 0 &&
		    strcmp(other, id) == 0)
			name = mb_strdup(entry->d_name);
	closedir(dir);
	return name;
}

/* What can be said of a container whose record cannot be read. */
static struct mb_container_record *bare_record(struct mb_store *store, const char *id)
{
	struct mb_container_record *record = mb_calloc(1, sizeof(*record));

	record->id = mb_strdup(id);
	record->name = name_of(store, id);
	if (!record->name)
		record->name = mb_strndup(id, MB_ID_SHORT);
	record->image_id = mb_strdup("");
	return record;
}

static struct mb_container *new_container(struct mb_store *store, const char *id)
{
	struct mb_container *c = mb_calloc(1, sizeof(*c));

	c->store = store;
	c->dir_fd = c->run_fd = -1;
	memcpy(c->id, id, MB_ID_TEXT);
	return c;
}

/* Without a stamp, its record is read again when it is locked. */
static int open_at(struct mb_store *store, int containers, const char *id, bool stamped,
                   struct mb_container **ret, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = new_container(store, id);
	struct mb_err why = MB_ERR_INIT;
	int r;

	c->dir_fd = open_dir(containers, id);
	if (c->dir_fd < 0) {
		r = mb_fail_sys(err, errno, "cannot open container '%s'", id);
		/* A link or a file of this name is no container, and must not hide the others. */
		return r == -ENOENT || r == -ENOTDIR || r == -ELOOP ? MB_CONTAINER_ABSENT : r;
	}
	open_run(c);
	if (stamped)
		stamp(c, &c->record_stat);
	mb_container_state_load(c->dir_fd, c->run_fd, &c->state);
	r = mb_container_record_load(c->dir_fd, &c->record, &why);
	/* One that goes while we read it is gone, and not corrupt. */
	if (faccessat(containers, id, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return MB_CONTAINER_ABSENT;
	if (r == 0 && strcmp(c->record->id, id) != 0) {
		r = mb_fail(&why, EBADMSG, "'container.json' is another container's");
		mb_container_record_free(c->record);
		c->record = NULL;
	}
	if (r != 0) {
		c->record = bare_record(store, id);
		mb_strset(&c->broken, why.msg);
		mb_strset(&c->state.error, why.msg);
		c->state.status = MB_STATUS_DEAD;
	}
	*ret = mb_take_ptr(&c);
	return 0;
}

/* The one directory that begins with @prefix. */
static int find_prefix(int containers, const char *prefix, char *ret_id, struct mb_err *err)
{
	size_t n = strlen(prefix), found = 0;
	DIR *dir = mb_dir_open(containers, ".");
	struct dirent *entry;

	if (!dir)
		return mb_fail_sys(err, errno, "cannot list the containers");
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, prefix, n) == 0 &&
		    mb_hex_is_valid(entry->d_name, MB_ID_LEN)) {
			memcpy(ret_id, entry->d_name, MB_ID_TEXT);
			found++;
		}
	closedir(dir);
	if (found == 0)
		return MB_CONTAINER_ABSENT;
	if (found > 1) {
		mb_fail(err, EINVAL, "Multiple IDs found with provided prefix: %s", prefix);
		return MB_CONTAINER_AMBIGUOUS;
	}
	return 0;
}

static int absent(const char *reference, struct mb_err *err)
{
	mb_fail(err, ENOENT, "No such container: %s", reference);
	return MB_CONTAINER_ABSENT;
}

int mb_container_resolve(struct mb_store *store, const char *reference, char ret_id[MB_ID_TEXT],
                         struct mb_err *err)
{
	const char *name = reference[0] == '/' ? reference + 1 : reference;
	MB_AUTO_CLOSE int names = -1, containers = -1;
	size_t digits = strspn(name, "0123456789abcdef"), len = strlen(name);
	int r = mb_store_dir(store, "containers", false, &containers, err);

	if (r == 0)
		r = mb_store_dir(store, "names", false, &names, err);
	if (r < 0)
		return r;
	if (len == 0 || len > 253)
		return absent(reference, err);
	if (digits == MB_ID_LEN && len == MB_ID_LEN &&
	    faccessat(containers, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		memcpy(ret_id, name, MB_ID_TEXT);
		return 0;
	}
	if (mb_name_is_valid(name)) {
		r = mb_store_name_find(names, name, ret_id, err);
		/* A name may be ahead of its container, or outlive it, for a moment. */
		if (r < 0 || (r == 0 && faccessat(containers, ret_id, F_OK, 0) == 0))
			return r;
	}
	if (digits != len)
		return absent(reference, err);
	r = find_prefix(containers, name, ret_id, err);
	return r == MB_CONTAINER_ABSENT ? absent(reference, err) : r;
}

int mb_container_open(struct mb_store *store, const char *id, struct mb_container **ret,
                      struct mb_err *err)
{
	MB_AUTO_CLOSE int containers = -1;
	int r = mb_store_dir(store, "containers", false, &containers, err);

	if (r < 0)
		return r;
	r = open_at(store, containers, id, true, ret, err);
	return r == MB_CONTAINER_ABSENT ? absent(id, err) : r;
}

int mb_container_find(struct mb_store *store, const char *reference, struct mb_container **ret,
                      struct mb_err *err)
{
	char id[MB_ID_TEXT];
	int r = mb_container_resolve(store, reference, id, err);

	if (r != 0)
		return r;
	r = mb_container_open(store, id, ret, err);
	return r == MB_CONTAINER_ABSENT ? absent(reference, err) : r;
}

/* A rename may have come between our reading and our lock. */
static void reload_record(struct mb_container *c)
{
	struct mb_container_record *record;
	struct stat now;

	stamp(c, &now);
	if (now.st_ino == c->record_stat.st_ino &&
	    now.st_ctim.tv_sec == c->record_stat.st_ctim.tv_sec &&
	    now.st_ctim.tv_nsec == c->record_stat.st_ctim.tv_nsec)
		return;
	if (mb_container_record_load(c->dir_fd, &record, NULL) != 0)
		return;
	mb_container_record_free(c->record);
	c->record = record;
	c->record_stat = now;
	mb_strset(&c->broken, NULL);
}

static int take_lock(struct mb_container *c, bool wait, int *ret_lock, struct mb_err *err)
{
	char name[8 + MB_ID_TEXT], path[16 + MB_ID_TEXT];
	MB_AUTO_CLOSE int lock = -1;
	int r;

	snprintf(name, sizeof(name), "c-%s", c->id);
	r = mb_store_lock(c->store, MB_RANK_CONTAINER, name, true, wait, &lock, err);
	if (r != 0)
		return r < 0 ? r : MB_CONTAINER_BUSY;
	snprintf(path, sizeof(path), "containers/%s", c->id);
	if (faccessat(c->store->root_fd, path, F_OK, 0) < 0) {
		/* Who removed it retired the lock; ours is a new one. */
		mb_store_lock_retire(c->store, name, lock);
		return absent(mb_container_name(c), err);
	}
	open_own(c);
	reload_record(c);
	mb_container_refresh(c);
	*ret_lock = mb_take_fd(&lock);
	return 0;
}

int mb_container_lock(struct mb_container *c, int *ret_lock, struct mb_err *err)
{
	return take_lock(c, true, ret_lock, err);
}

int mb_container_try_lock(struct mb_container *c, int *ret_lock, struct mb_err *err)
{
	return take_lock(c, false, ret_lock, err);
}

static int newest_first(const void *a, const void *b)
{
	const struct mb_container *const *x = a, *const *y = b;
	int64_t left = (*x)->record->created, right = (*y)->record->created;

	if (left != right)
		return left > right ? -1 : 1;
	return strcmp((*x)->id, (*y)->id);
}

void mb_container_list_done(struct mb_container_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		mb_container_free(list->v[i]);
	free(list->v);
	*list = (struct mb_container_list){0};
}

/* What is listed, and which of it has a directory in RUN. */
struct listing {
	struct mb_store *store;
	int containers;
	bool brief;
	struct mb_strv ids, running; /* both sorted */
};

static void listing_done(struct listing *l)
{
	mb_close(&l->containers);
	mb_strv_done(&l->ids);
	mb_strv_done(&l->running);
}

static int read_ids(int base, const char *path, struct mb_strv *ret, struct mb_err *err)
{
	DIR *dir = mb_dir_open(base, path);
	struct dirent *entry;

	if (!dir)
		return mb_fail_sys(err, errno, "cannot list the containers");
	while ((entry = readdir(dir)))
		if ((entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) &&
		    mb_hex_is_valid(entry->d_name, MB_ID_LEN))
			mb_strv_add(ret, entry->d_name);
	closedir(dir);
	mb_strv_sort(ret);
	return 0;
}

static int compare_ids(const void *key, const void *element)
{
	return strcmp(key, *(char *const *)element);
}

static bool is_in_run(const struct listing *l, const char *id)
{
	return l->running.n &&
	       bsearch(id, l->running.v, l->running.n, sizeof(*l->running.v), compare_ids);
}

/* One of a list as most of a long one are, by few system calls: it has no directory in RUN.  Who
 * had none there after the list was read did not run at that moment.  Its record comes last, so
 * that what was not there before it was not because it had gone.
 * Return: NULL when there is more to be said of it, which open_at() does. */
static struct mb_container *glance(const struct listing *l, const char *id)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	char path[MB_ID_TEXT + 16];

	if (is_in_run(l, id))
		return NULL;
	c = new_container(l->store, id);
	snprintf(path, sizeof(path), "%.64s/exit.json", id);
	if (!mb_container_state_load_idle(l->containers, path, &c->state))
		return NULL;
	snprintf(path, sizeof(path), "%.64s/container.json", id);
	if (mb_container_record_load_at(l->containers, path, l->brief, &c->record, NULL) != 0 ||
	    strcmp(c->record->id, id) != 0)
		return NULL;
	return mb_take_ptr(&c);
}

static int open_listed(const struct listing *l, const char *id, struct mb_container **ret,
                       struct mb_err *err)
{
	int r;

	*ret = glance(l, id);
	if (*ret)
		return 0;
	r = open_at(l->store, l->containers, id, false, ret, err);
	if (r == 0) {
		mb_close(&(*ret)->dir_fd);
		mb_close(&(*ret)->run_fd);
	}
	return r;
}

/* Where nothing ran since the boot there is none. */
static int read_running(struct listing *l, struct mb_err *err)
{
	struct mb_err why = MB_ERR_INIT;
	int r = read_ids(l->store->run_fd, "c", &l->running, &why);

	if (r == -ENOENT)
		return 0;
	if (r < 0 && err)
		*err = why;
	return r;
}

static int open_listing(struct listing *l, struct mb_err *err)
{
	int r = mb_store_dir(l->store, "containers", false, &l->containers, err);

	if (r == 0)
		r = read_ids(l->containers, ".", &l->ids, err);
	/* In this order, see glance(). */
	return r == 0 ? read_running(l, err) : r;
}

int mb_container_list_load(struct mb_store *store, bool brief, struct mb_container_list *ret,
                           struct mb_err *err)
{
	__attribute__((cleanup(listing_done))) struct listing l = {
		.store = store, .containers = -1, .brief = brief};
	struct mb_container_list list = {0};
	int r = open_listing(&l, err);

	list.v = r == 0 ? mb_calloc(l.ids.n + 1, sizeof(struct mb_container *)) : NULL;
	for (size_t i = 0; r == 0 && i < l.ids.n; i++) {
		r = open_listed(&l, l.ids.v[i], &list.v[list.n], err);
		if (r == 0)
			list.n++;
		else if (r == MB_CONTAINER_ABSENT)
			r = 0;
	}
	if (r < 0) {
		mb_container_list_done(&list);
		return r;
	}
	if (list.n > 1)
		qsort(list.v, list.n, sizeof(struct mb_container *), newest_first);
	*ret = list;
	return 0;
}
