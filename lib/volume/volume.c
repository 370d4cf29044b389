/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volume/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/event.h"
#include "core/id.h"
#include "core/parse.h"
#include "core/str.h"
#include "store/doc.h"
#include "store/lock.h"
#include "store/store.h"
#include "sys/quota.h"
#include "sys/tree.h"
#include "volume/meta.h"

int mb_volume_find(struct mb_store *store, const char *name, struct mb_volume **ret_volume,
                   struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_volume_meta_open(store, name, &fd, err);

	return r == 0 ? mb_volume_meta_load(store, fd, name, ret_volume, err) : r;
}

/* --- create ---------------------------------------------------------------------------------- */

static int check_options(const struct mb_kv *options, struct mb_err *err)
{
	static const char *const required[] = {"device", "type"};

	const char *size = mb_kv_find(options, "size");
	int64_t bytes = 0;

	if (size && (mb_parse_size(size, &bytes) < 0 || bytes <= 0))
		return mb_fail(err, EINVAL, "invalid size: '%s'", size);
	if (size && options->n > 1)
		return mb_fail(err, EINVAL,
		               "volume option 'size' is for a directory of the store: what has a "
		               "device takes its size by -o o=size=%s",
		               size);
	if (size)
		return 0;
	MB_KV_FOREACH (pair, options) {
		if (strcmp(pair->key, "type") != 0 && strcmp(pair->key, "device") != 0 &&
		    strcmp(pair->key, "o") != 0)
			return mb_fail(err, EINVAL, "invalid option: \"%s\"", pair->key);
	}
	for (size_t i = 0; options->n && i < MB_N(required); i++)
		if (!mb_kv_find(options, required[i]))
			return mb_fail(err, EINVAL, "missing required option: \"%s\"", required[i]);
	return 0;
}

static int check_request(const struct mb_volume_create_request *request, struct mb_err *err)
{
	const char *name = request->name, *driver = request->driver;

	if (driver && *driver && strcmp(driver, "local") != 0)
		return mb_fail(err, ENOENT,
		               "error looking up volume plugin %s: plugin \"%s\" not found", driver,
		               driver);
	if (name && strlen(name) == 1)
		return mb_fail(err, EINVAL,
		               "create %s: volume name is too short, names should be at least two "
		               "alphanumeric characters",
		               name);
	if (name && !mb_name_is_valid(name))
		return mb_fail(err, EINVAL,
		               "create %s: \"%s\" includes invalid characters for a local volume "
		               "name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you "
		               "intended to pass a host directory, use absolute path",
		               name, name);
	return request->options ? check_options(request->options, err) : 0;
}

static bool is_subset(const struct mb_kv *asked, const struct mb_kv *has)
{
	MB_KV_FOREACH (pair, asked) {
		const char *value = mb_kv_find(has, pair->key);

		if (!value || strcmp(value, pair->value) != 0)
			return false;
	}
	return true;
}

/* The one that is there will do, unless it is of another kind. */
static int find_existing(struct mb_store *store, const struct mb_volume_create_request *request,
                         struct mb_volume **ret_volume, struct mb_err *err)
{
	MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;
	int r = mb_volume_find(store, request->name, &volume, err);

	if (r != 0)
		return r;
	if (request->options && !is_subset(request->options, &volume->options))
		return mb_fail(err, EEXIST,
		               "a volume named %s already exists with other driver options",
		               request->name);
	*ret_volume = mb_take_ptr(&volume);
	return 0;
}

static void tell(struct mb_store *store, const char *action, const char *name)
{
	MB_EVENT e;

	mb_event_begin(&e, "volume", action, name);
	mb_event_set(&e, "driver", "local");
	mb_event_write(&e, store->root_fd);
}

static int open_data(int fd)
{
	return openat(fd, "_data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int fill(const struct mb_volume_create_request *request, int fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int data = -1;

	if (!request->fill)
		return 0;
	data = open_data(fd);
	if (data < 0)
		return mb_fail_sys(err, errno, "cannot open a new volume");
	return request->fill(request->arg, data, err);
}

static uint64_t size_of(const struct mb_volume *volume)
{
	const char *size = mb_kv_find(&volume->options, "size");
	int64_t bytes = 0;

	return size && mb_parse_size(size, &bytes) == 0 && bytes > 0 ? (uint64_t)bytes : 0;
}

/* -o size: a quota, or no volume.  The document has its number before there is one: whoever has the
 * volume mounted may give its directory any other. */
static int choose_project(struct mb_volume *volume, int fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int data = -1;
	int r;

	if (!size_of(volume))
		return 0;
	data = open_data(fd);
	if (data < 0)
		return mb_fail_sys(err, errno, "cannot open a new volume");
	r = mb_sys_quota_choose(data, &volume->project, err);
	if (r == MB_SYS_QUOTA_ABSENT)
		r = -EOPNOTSUPP;
	return r < 0 ? mb_wrap(err, r, "volume option 'size'") : 0;
}

static int set_size(const struct mb_volume *volume, int fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int data = volume->project ? open_data(fd) : -1;
	int r;

	if (!volume->project)
		return 0;
	if (data < 0)
		return mb_fail_sys(err, errno, "cannot open a new volume");
	r = mb_sys_quota_set(data, volume->project, size_of(volume), err);
	return r < 0 ? mb_wrap(err, r, "volume option 'size'") : 0;
}

/* What was a volume, or was to be one, goes: first its limit, as long as the document tells it. */
static int remove_tree(int volumes, const char *gone, struct mb_err *err)
{
	MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;
	MB_AUTO_CLOSE int fd =
		openat(volumes, gone, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	MB_AUTO_CLOSE int data = fd >= 0 ? open_data(fd) : -1;

	if (data >= 0 && mb_volume_meta_read(fd, &volume, NULL) == 0 && volume->project)
		mb_sys_quota_clear(data, volume->project, size_of(volume));
	return mb_sys_tree_remove(volumes, gone, err);
}

/* The directory is made under another name, whole, then renamed: that is the moment it is. */
static int make(int volumes, struct mb_volume *volume,
                const struct mb_volume_create_request *request, struct mb_err *err)
{
	bool durable = !request->ephemeral;
	char tmp[16 + MB_ID_TEXT] = ".tmp-";
	MB_AUTO_CLOSE int fd = -1;
	int r;

	mb_id_make(tmp + strlen(tmp));
	if (mkdirat(volumes, tmp, 0700) < 0)
		return mb_fail_sys(err, errno, "cannot create volume '%s'", volume->name);
	fd = openat(volumes, tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || mkdirat(fd, "_data", 0755) < 0 || fchmodat(fd, "_data", 0755, 0) < 0)
		r = mb_fail_sys(err, errno, "cannot create volume '%s'", volume->name);
	else
		r = choose_project(volume, fd, err);
	if (r == 0)
		r = mb_volume_meta_save(
			fd, volume, MB_DOC_DIRECT | (durable ? (unsigned)MB_DOC_DURABLE : 0), err);
	if (r == 0)
		r = set_size(volume, fd, err);
	if (r == 0)
		r = fill(request, fd, err);
	if (r == 0 && renameat2(volumes, tmp, volumes, volume->name, RENAME_NOREPLACE) < 0)
		r = errno == EEXIST
		            ? -EEXIST
		            : mb_fail_sys(err, errno, "cannot create volume '%s'", volume->name);
	if (r < 0)
		remove_tree(volumes, tmp, NULL);
	else if (durable && fsync(volumes) < 0)
		r = mb_fail_sys(err, errno, "cannot write volume '%s' to disk", volume->name);
	return r;
}

static struct mb_volume *new_volume(struct mb_store *store,
                                    const struct mb_volume_create_request *request)
{
	struct mb_volume *volume = mb_calloc(1, sizeof(*volume));
	char id[MB_ID_TEXT];

	mb_id_make(id);
	volume->name = mb_strdup(request->name ? request->name : id);
	volume->driver = mb_strdup("local");
	volume->mountpoint = mb_asprintf("%s/volumes/%s/_data", store->root, volume->name);
	volume->created = mb_now_nsec();
	volume->anonymous = request->anonymous || !request->name;
	volume->copied = request->fill != NULL;
	if (request->labels)
		mb_kv_set_all(&volume->labels, request->labels);
	if (request->options)
		mb_kv_set_all(&volume->options, request->options);
	return volume;
}

int mb_volume_create(struct mb_store *store, const struct mb_volume_create_request *request,
                     struct mb_volume **ret_volume, bool *ret_created, struct mb_err *err)
{
	MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;
	MB_AUTO_CLOSE int volumes = -1, lock = -1;
	bool created = false;
	int r = check_request(request, err);

	if (r == 0 && request->name) {
		r = find_existing(store, request, &volume, err);
		if (r == MB_VOLUME_ABSENT)
			r = 0;
	}
	if (r == 0 && !volume)
		r = mb_store_dir(store, "volumes", false, &volumes, err);
	/* Shared: those who clear leftovers away must not take ours for one. */
	if (r == 0 && !volume)
		r = mb_store_lock(store, MB_RANK_VOLUME, "volumes", false, true, &lock, err);
	if (r == 0 && !volume) {
		volume = new_volume(store, request);
		r = make(volumes, volume, request, err);
		created = r == 0;
		if (r == -EEXIST) { /* somebody was quicker */
			mb_volume_free(mb_take_ptr(&volume));
			r = find_existing(store, request, &volume, err);
		}
	}
	if (r != 0)
		return r > 0 ? mb_fail(err, EAGAIN, "volume '%s' came and went", request->name) : r;
	if (created)
		tell(store, "create", volume->name);
	*ret_volume = mb_take_ptr(&volume);
	if (ret_created)
		*ret_created = created;
	return 0;
}

/* --- list ------------------------------------------------------------------------------------ */

int mb_volume_list_load(struct mb_store *store, struct mb_volume_list *ret, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	struct mb_volume_list list = {0};
	int r = mb_store_names(store, "volumes", mb_name_is_valid, &names, err);

	if (r < 0)
		return r;
	list.v = mb_calloc(names.n + 1, sizeof(*list.v));
	MB_STRV_FOREACH (name, &names) {
		r = mb_volume_find(store, name, &list.v[list.n], NULL);
		if (r == 0)
			list.n++;
		else if (r < 0)
			mb_strv_add(&list.corrupt, name);
	}
	*ret = list;
	return 0;
}

void mb_volume_list_done(struct mb_volume_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		mb_volume_free(list->v[i]);
	free(list->v);
	mb_strv_done(&list->corrupt);
	*list = (struct mb_volume_list){0};
}

/* --- remove ---------------------------------------------------------------------------------- */

static int check_users(const struct mb_volume_users *users, const char *name, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	MB_AUTO_FREE char *joined = NULL;
	int r = users && users->ask ? users->ask(users->arg, name, &ids, err) : 0;

	if (r < 0 || !ids.n)
		return r;
	joined = mb_strv_join(&ids, ", ");
	mb_fail(err, EBUSY, "remove %s: volume is in use - [%s]", name, joined);
	return MB_VOLUME_IN_USE;
}

/* Out of the way in one rename, then the tree. */
static int destroy(int volumes, const char *name, struct mb_err *err)
{
	char gone[16 + MB_ID_TEXT] = ".rm-";
	int r;

	mb_id_make(gone + strlen(gone));
	if (renameat(volumes, name, volumes, gone) < 0)
		return errno == ENOENT ? 0
		                       : mb_fail_sys(err, errno, "cannot remove volume '%s'", name);
	r = remove_tree(volumes, gone, err);
	return r < 0 ? mb_wrap(err, r, "volume '%s'", name) : 0;
}

int mb_volume_remove(struct mb_store *store, const char *name, bool force,
                     const struct mb_volume_users *users, struct mb_err *err)
{
	MB_AUTO_CLOSE int volumes = -1, all = -1, lock = -1, fd = -1;
	MB_AUTO_FREE char *lock_name = mb_asprintf("volume-%s", name);
	int r = mb_volume_meta_open(store, name, &fd, err);

	if (r == MB_VOLUME_ABSENT && force)
		return 0;
	if (r == 0)
		r = mb_store_dir(store, "volumes", false, &volumes, err);
	if (r == 0)
		r = mb_store_lock(store, MB_RANK_VOLUME, "volumes", false, true, &all, err);
	if (r == 0)
		r = mb_volume_meta_lock(store, name, &lock, err);
	if (r == 0)
		r = check_users(users, name, err);
	if (r == 0)
		r = mb_volume_meta_unmount(fd, name, err);
	if (r == 0)
		r = destroy(volumes, name, err);
	if (r == 0)
		mb_store_lock_retire(store, lock_name, lock);
	if (r == 0)
		tell(store, "destroy", name);
	return r;
}

/* --- check ----------------------------------------------------------------------------------- */

/* A store that was copied elsewhere, or a container that has given the directory away. */
static void check_size(const struct mb_volume_check_request *request,
                       const struct mb_volume *volume, int fd, const char *subject, size_t *left)
{
	MB_AUTO_CLOSE int data = size_of(volume) ? open_data(fd) : -1;

	if (data < 0 || mb_sys_quota_holds(data, volume->project, size_of(volume)))
		return;
	++*left;
	if (request->finding)
		request->finding(request->arg, subject, "nothing enforces its size", false);
}

/* Left by a command that was killed. */
static void check_mount(struct mb_store *store, const struct mb_volume_check_request *request,
                        const struct mb_volume *volume, int fd, size_t *left)
{
	MB_AUTO_FREE char *subject = mb_asprintf("volume %s", volume->name);
	MB_AUTO_CLOSE int lock = -1;
	bool gone;

	if (!request->users.ask || !mb_volume_has_mount(volume) || mb_volume_is_in_memory(volume) ||
	    mb_volume_meta_lock_idle(store, fd, volume->name, &request->users, &lock, NULL) < 0 ||
	    lock < 0)
		return;
	gone = request->repair && mb_volume_meta_unmount(fd, volume->name, NULL) == 0;
	*left += !gone;
	if (request->finding)
		request->finding(request->arg, subject, "it is mounted, and nobody uses it", gone);
}

static void check_one(struct mb_store *store, const struct mb_volume_check_request *request,
                      const char *name, size_t *left)
{
	MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;
	MB_AUTO_FREE char *subject = mb_asprintf("volume %s", name);
	MB_AUTO_CLOSE int fd = -1;
	bool repaired = false;
	int r = mb_volume_meta_open(store, name, &fd, NULL);

	if (r == 0)
		r = mb_volume_meta_load(store, fd, name, &volume, NULL);
	if (r == 0)
		check_size(request, volume, fd, subject, left);
	if (r == 0)
		check_mount(store, request, volume, fd, left);
	if (r >= 0)
		return;
	/* The data is what matters: a plain document makes it usable again. */
	if (request->repair && fd >= 0 && faccessat(fd, "_data", F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		const struct mb_volume_create_request again = {.name = name};
		MB_AUTO(mb_volume_free) struct mb_volume *fresh = new_volume(store, &again);

		fresh->copied = true;
		repaired =
			mb_volume_meta_save(fd, fresh, MB_DOC_DURABLE | MB_DOC_REPLACE, NULL) == 0;
	}
	*left += !repaired;
	if (request->finding)
		request->finding(request->arg, subject, "the document cannot be read", repaired);
}

int mb_volume_check(struct mb_store *store, const struct mb_volume_check_request *request,
                    size_t *ret_left, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1, fd = -1;
	struct dirent *entry;
	size_t left = 0;
	DIR *dir;
	bool alone;
	int r = mb_store_dir(store, "volumes", false, &fd, err);

	if (r < 0)
		return r;
	r = mb_store_lock(store, MB_RANK_VOLUME, "volumes", true, false, &lock, err);
	alone = r == 0;
	dir = r < 0 ? NULL : mb_dir_take(mb_take_fd(&fd));
	if (!dir)
		return r < 0 ? r : mb_fail_sys(err, errno, "cannot read 'volumes'");
	while ((entry = readdir(dir))) {
		bool leftover = mb_starts_with(entry->d_name, ".tmp-") ||
		                mb_starts_with(entry->d_name, ".rm-");

		if (mb_name_is_valid(entry->d_name)) {
			check_one(store, request, entry->d_name, &left);
		} else if (leftover && alone) {
			MB_AUTO_FREE char *subject = mb_asprintf("volumes/%s", entry->d_name);
			bool gone = request->repair &&
			            remove_tree(dirfd(dir), entry->d_name, NULL) == 0;

			left += !gone;
			if (request->finding)
				request->finding(request->arg, subject,
				                 "left by a command that ended early", gone);
		}
	}
	closedir(dir);
	*ret_left = left;
	return 0;
}
