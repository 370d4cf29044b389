/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/commit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "container/container.h"
#include "container/event.h"
#include "container/pause.h"
#include "container/start_parts.h"
#include "container/userns.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/event.h"
#include "core/str.h"
#include "core/strv.h"
#include "image/image.h"
#include "image/pack.h"
#include "store/store.h"
#include "sys/interrupt.h"
#include "sys/path.h"

/* --- what mounts have made -------------------------------------------------------------------- */

/* What every container mounts to (bundle_mounts.c); deeper ones lie in mounts. */
static const char *const usual[] = {
	"/dev", "/proc", "/sys", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf",
};

/* Links on the way to it are the container's: where it really is. */
static void add_point(struct mb_strv *points, int view_fd, const char *destination)
{
	char link[MB_SYS_PATH_FD_TEXT], root[PATH_MAX], path[PATH_MAX];
	MB_AUTO_CLOSE int fd = -1;
	MB_AUTO_FREE char *clean = mb_sys_path_clean(destination);
	const char *rest = clean;
	ssize_t n, r;

	if (mb_sys_path_open(view_fd, clean, O_PATH, &fd, NULL) == 0) {
		n = readlink(mb_sys_path_of_fd(fd, link), path, sizeof(path) - 1);
		r = readlink(mb_sys_path_of_fd(view_fd, link), root, sizeof(root) - 1);
		if (n > 0 && r > 0) {
			path[n] = root[r] = '\0';
			rest = mb_skip_prefix(path, root);
			rest = rest ? rest : clean;
		}
	}
	rest += strspn(rest, "/");
	if (*rest && !mb_strv_has(points, rest))
		mb_strv_add(points, rest);
}

static void add_points(struct mb_container *c, int view_fd, struct mb_strv *points)
{
	for (size_t i = 0; i < MB_N(usual); i++)
		add_point(points, view_fd, usual[i]);
	for (size_t i = 0; i < c->record->n_mounts; i++)
		add_point(points, view_fd, c->record->mounts[i].destination);
}

/* --- the image -------------------------------------------------------------------------------- */

/* As docker has it, what -v made without a name is a volume of the image's, too. */
static void add_volumes(const struct mb_container_record *record, struct mb_strv *volumes)
{
	mb_strv_add_all(volumes, &record->config.volumes);
	for (size_t i = 0; i < record->n_mounts; i++)
		if (record->mounts[i].anonymous &&
		    !mb_strv_has(volumes, record->mounts[i].destination))
			mb_strv_add(volumes, record->mounts[i].destination);
	mb_strv_sort(volumes);
}

/* The container's, without copying any of it. */
static struct mb_image_settings settings_of(const struct mb_container_config *config,
                                            const struct mb_strv *volumes)
{
	return (struct mb_image_settings){
		.user = config->user,
		.workdir = config->working_dir,
		.stop_signal = config->stop_signal,
		.env = config->env,
		.entrypoint = config->entrypoint,
		.cmd = config->cmd,
		.volumes = *volumes,
		.ports = config->exposed_ports,
		.labels = config->labels,
	};
}

static bool is_empty(int fd)
{
	DIR *dir = mb_dir_open(fd, ".");
	bool empty;

	if (!dir)
		return false;
	empty = !mb_dir_next(dir);
	closedir(dir);
	return empty;
}

/* The image it was made from, unless that is a directory. */
static int open_parent(struct mb_container *c, struct mb_image **ret, struct mb_err *err)
{
	const char *id = mb_skip_prefix(c->record->image_id, "sha256:");
	int r;

	if (c->record->rootfs)
		return 0;
	r = id ? mb_image_open(c->store, id, ret, err)
	       : mb_fail(err, EINVAL, "the container has no image");
	return r > 0 ? -ENOENT : r;
}

static int derive(struct mb_container *c, const struct mb_container_commit *how,
                  const struct mb_image_pack *tree, bool whole, char ret_id[MB_ID_TEXT],
                  struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv volumes = MB_STRV_INIT;
	struct mb_image_settings settings;
	MB_AUTO_FREE char *created_by = mb_strv_join(&c->record->config.cmd, " ");
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	struct mb_image_derive_request request = {
		.tree = !whole && is_empty(tree->root_fd) ? NULL : tree,
		.squash = whole,
		.settings = &settings,
		.changes = how->changes,
		.name = how->name,
		.author = how->author,
		.message = how->message,
		.created_by = created_by,
	};
	int r = open_parent(c, &image, err);

	if (r < 0)
		return r;
	add_volumes(c->record, &volumes);
	settings = settings_of(&c->record->config, &volumes);
	request.parent = image;
	return mb_image_derive(c->store, &request, ret_id, err);
}

static int open_upper(struct mb_container *c, int *ret_fd, struct mb_err *err)
{
	*ret_fd = openat(c->dir_fd, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot open the container's layer") : 0;
}

/* It stands still, if it is to, and has the lock. */
static int commit(struct mb_container *c, const struct mb_container_commit *how,
                  char ret_id[MB_ID_TEXT], struct mb_err *err)
{
	bool whole = how->squash || c->record->rootfs;
	MB_AUTO_CLOSE int upper = -1, below = -1, view = -1;
	MB_AUTO_STRV struct mb_strv points = MB_STRV_INIT;
	MB_AUTO_MAPS struct mb_sys_id_maps maps = {0};
	struct mb_image_pack tree = {.layer = true, .mount_points = &points};
	int r = mb_container_view_mount(c, &view, err);

	if (r == 0 && mb_container_has_userns(&c->record->host)) {
		r = mb_container_maps_read(&c->record->host, &maps, err);
		tree.maps = &maps;
	}
	if (r == 0)
		r = whole ? mb_container_below_mount(c, &below, err)
		          : mb_container_image_mount(c, &below, err);
	if (r == 0 && !whole)
		r = open_upper(c, &upper, err);
	if (r < 0)
		return r;
	add_points(c, view, &points);
	tree.below_fd = below;
	tree.root_fd = whole ? view : upper;
	if (!whole)
		mb_close(&view);
	return derive(c, how, &tree, whole, ret_id, err);
}

static int commit_locked(struct mb_container *c, const struct mb_container_commit *how,
                         char ret_id[MB_ID_TEXT], struct mb_err *err)
{
	struct mb_err why = MB_ERR_INIT;
	bool held = false;
	int r = mb_container_require(c, err), ended = 0;

	if (r == 0 && how->pause)
		r = mb_container_pause_begin(c, &held, err);
	if (r == 0)
		r = commit(c, how, ret_id, err);
	if (held)
		ended = mb_container_pause_end(c, &why);
	if (r == 0 && ended < 0)
		return mb_fail(err, -ended, "%s", why.msg);
	return r;
}

static void tell(struct mb_container *c, const struct mb_container_commit *how, const char *id)
{
	MB_AUTO_FREE char *image_id = mb_asprintf("sha256:%s", id);
	MB_EVENT e;

	if (!mb_container_event_begin(c, "commit", &e))
		return;
	mb_event_set(&e, "comment", how->message);
	mb_event_set(&e, "imageID", image_id);
	mb_event_set(&e, "imageRef", how->name);
	mb_event_write(&e, c->store->root_fd);
}

int mb_container_commit(struct mb_container *c, const struct mb_container_commit *how,
                        char ret_id[MB_ID_TEXT], struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	sigset_t before;
	int r;

	mb_sys_interrupt_hold(&before);
	r = mb_container_lock(c, &lock, err);
	if (r == 0)
		r = commit_locked(c, how, ret_id, err);
	if (r == 0)
		tell(c, how, ret_id);
	mb_close(&lock);
	mb_sys_interrupt_release(&before);
	return r > 0 ? -ENOENT : r;
}
