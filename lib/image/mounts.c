/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/strv.h"
#include "image/image.h"
#include "image/refs.h"
#include "store/store.h"
#include "sys/mount.h"
#include "sys/path.h"

#define MOUNTS "mnt"

enum { ID_LEN = MB_IMAGE_ID_TEXT - 1 };

char *mb_image_mount_path(const struct mb_store *store, const char *id)
{
	return mb_asprintf("%s/" MOUNTS "/%s", store->run, id);
}

static bool is_mount(int dir_fd, const char *name)
{
	struct statx stx;

	return statx(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &stx) == 0 &&
	       (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

bool mb_image_is_mounted(struct mb_store *store, const char *id)
{
	MB_AUTO_CLOSE int dir = -1;

	return mb_store_dir_find(store, MOUNTS, true, &dir, NULL) == 0 && is_mount(dir, id);
}

/* --- mounting --------------------------------------------------------------------------------- */

/* Something to lie below a single layer: that alone is no overlay, and could be written to by
 * whoever may change mounts. */
static int add_ground(struct mb_store *store, int *layers, size_t *n, struct mb_err *err)
{
	int r = *n == 1 ? mb_store_dir(store, "layers/empty", false, &layers[1], err) : 0;

	*n += r == 0 && *n == 1;
	return r;
}

int mb_image_view(struct mb_store *store, const struct mb_image *image, int userns_fd, int *ret_fd,
                  struct mb_err *err)
{
	const uint64_t attr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	int layers[MB_IMAGE_MAX_LAYERS];
	struct mb_sys_overlay overlay = {.lowers = layers,
	                                 .upper_fd = -1,
	                                 .work_fd = -1,
	                                 .attr = attr,
	                                 .maps_ids = userns_fd >= 0,
	                                 .userns_fd = userns_fd};
	int r;

	if (!image->layers.n)
		return mb_sys_mount_new("tmpfs", NULL, attr, ret_fd, err);
	r = mb_image_layers_open(store, image, layers, &overlay.n_lowers, err);
	if (r == 0)
		r = add_ground(store, layers, &overlay.n_lowers, err);
	if (r == 0)
		r = mb_sys_mount_overlay(&overlay, ret_fd, err);
	for (size_t i = 0; i < overlay.n_lowers; i++)
		close(layers[i]);
	return r;
}

void mb_image_layers_text(struct mb_store *store, const struct mb_strv *layers, struct mb_str *out)
{
	for (size_t i = layers->n; i-- > 0;)
		mb_str_addf(out, "%s%s/layers/%s/diff", out->len ? ":" : "", store->root,
		            layers->v[i]);
}

static int place(struct mb_store *store, const struct mb_image *image, int dir, struct mb_err *err)
{
	MB_AUTO_CLOSE int mount = -1, target = -1;
	int r = mb_image_view(store, image, -1, &mount, err);

	if (r < 0)
		return r;
	if (mkdirat(dir, image->id, 0700) < 0 && errno != EEXIST)
		return mb_fail_sys(err, errno, "cannot make the mount point");
	target = openat(dir, image->id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		return mb_fail_sys(err, errno, "cannot open the mount point");
	r = mb_sys_mount_move(mount, target, err);
	if (r < 0)
		unlinkat(dir, image->id, AT_REMOVEDIR);
	return r;
}

int mb_image_mount(struct mb_store *store, const struct mb_image *image, char **ret_path,
                   struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *again = NULL;
	MB_AUTO_CLOSE int hold = -1, lock = -1, dir = -1;
	int r = mb_image_hold(store, &hold, err);

	/* Who removes images has this lock, and looks whether they are mounted. */
	if (r == 0)
		r = mb_image_refs_lock(store, &lock, err);
	if (r == 0)
		r = mb_image_open(store, image->id, &again, err);
	if (r == 0)
		r = mb_store_dir(store, MOUNTS, true, &dir, err);
	if (r == 0 && !is_mount(dir, image->id))
		r = place(store, image, dir, err);
	if (r == 0)
		*ret_path = mb_image_mount_path(store, image->id);
	return r < 0 ? mb_wrap(err, r, "cannot mount image '%.12s'", image->id) : r;
}

static bool has_image(struct mb_store *store, const char *id)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;

	return mb_image_open(store, id, &image, NULL) == 0;
}

/* The caller has the lock of names.  Return: 0; MB_IMAGE_ABSENT: there was no mount; -errno. */
static int put_away(int dir, const char *id, bool force, struct mb_err *err)
{
	MB_AUTO_FREE char *path = NULL;
	char link[MB_SYS_PATH_FD_TEXT];
	bool mounted = is_mount(dir, id);

	path = mb_asprintf("%s/%.64s", mb_sys_path_of_fd(dir, link), id);
	if (mounted && umount2(path, UMOUNT_NOFOLLOW | (force ? MNT_DETACH : 0)) < 0)
		return mb_fail_sys(err, errno, "cannot unmount image '%.12s'", id);
	if (unlinkat(dir, id, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return mb_fail_sys(err, errno, "cannot remove the mount point of image '%.12s'",
		                   id);
	return mounted ? 0 : MB_IMAGE_ABSENT;
}

int mb_image_unmount(struct mb_store *store, const char *id, bool force, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1, dir = -1;
	int r = mb_image_refs_lock(store, &lock, err);

	if (r == 0)
		r = mb_store_dir(store, MOUNTS, true, &dir, err);
	return r < 0 ? r : put_away(dir, id, force, err);
}

int mb_image_mounts_clear(struct mb_store *store, const char *name, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1, dir = -1;
	int r = mb_image_refs_lock(store, &lock, err);

	if (r == 0)
		r = mb_store_dir(store, MOUNTS, true, &dir, err);
	if (r < 0 || (is_mount(dir, name) && has_image(store, name)))
		return r;
	r = put_away(dir, name, true, err);
	return r < 0 ? r : 0;
}

/* --- what there is ---------------------------------------------------------------------------- */

/* @stale: those that should not be there; otherwise the mounted ones of images. */
static int list(struct mb_store *store, bool stale, struct mb_strv *out, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1, fd = -1;
	struct dirent *entry;
	DIR *dir;
	int r = mb_image_refs_lock(store, &lock, err);

	if (r < 0)
		return r;
	r = mb_store_dir_find(store, MOUNTS, true, &fd, NULL);
	if (r == -ENOENT)
		return 0;
	dir = r == 0 ? mb_dir_take(mb_take_fd(&fd)) : NULL;
	if (!dir)
		return mb_fail_sys(err, r < 0 ? -r : errno, "cannot read '" MOUNTS "'");
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (mb_hex_is_valid(name, ID_LEN) &&
		    stale != (is_mount(dirfd(dir), name) && has_image(store, name)))
			mb_strv_add(out, name);
	}
	closedir(dir);
	mb_strv_sort(out);
	return 0;
}

int mb_image_mounts_list(struct mb_store *store, struct mb_strv *ids, struct mb_err *err)
{
	return list(store, false, ids, err);
}

int mb_image_mounts_stale(struct mb_store *store, struct mb_strv *names, struct mb_err *err)
{
	return list(store, true, names, err);
}
