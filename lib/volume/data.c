/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "store/store.h"
#include "sys/mount.h"
#include "sys/tree.h"
#include "volume/address.h"
#include "volume/meta.h"

static bool is_mounted(int volume_fd)
{
	struct statx stx;

	return statx(volume_fd, "_data", AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &stx) ==
	               0 &&
	       (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

bool mb_volume_has_mount(const struct mb_volume *volume)
{
	return mb_kv_find(&volume->options, "device") || mb_kv_find(&volume->options, "type");
}

bool mb_volume_is_in_memory(const struct mb_volume *volume)
{
	const char *type = mb_kv_find(&volume->options, "type");

	return mb_streq(type, "tmpfs") || mb_streq(type, "ramfs");
}

static int open_data(int volume_fd, const char *name, int *ret_fd, struct mb_err *err)
{
	*ret_fd = openat(volume_fd, "_data", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_fd < 0)
		return mb_fail_sys(err, errno, "cannot open the data of volume '%s'", name);
	return 0;
}

int mb_volume_size(struct mb_store *store, const struct mb_volume *volume, uint64_t *ret_bytes,
                   struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_volume_meta_open(store, volume->name, &fd, err);

	*ret_bytes = 0;
	if (r != 0)
		return r;
	r = mb_sys_tree_measure(fd, "_data", ret_bytes);
	return r < 0 ? mb_fail_sys(err, -r, "cannot measure volume '%s'", volume->name) : 0;
}

/* type, device and o as mount(8) has them, to a detached mount. */
static int make_mount(const struct mb_volume *volume, int *ret_fd, struct mb_err *err)
{
	const char *type = mb_kv_find(&volume->options, "type");
	const char *device = mb_kv_find(&volume->options, "device");
	const char *o = mb_kv_find(&volume->options, "o");
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT, data = MB_STRV_INIT;
	struct mb_sys_mount_flags flags = {0};
	MB_AUTO_CLOSE int fd = -1;
	int r;

	if (!type || !device)
		return mb_fail(err, EINVAL, "type or device is missing");
	if (o)
		mb_strv_split(&options, o, ',');
	r = mb_sys_mount_flags_parse(&options, &flags, &data, err);
	if (r == 0 &&
	    (strcmp(type, "nfs") == 0 || strcmp(type, "nfs4") == 0 || strcmp(type, "cifs") == 0))
		r = mb_volume_address_resolve(&data, err);
	if (r < 0)
		return r;
	if (flags.bind) {
		r = mb_sys_mount_clone(AT_FDCWD, device, flags.bind_recursive, &fd, err);
	} else {
		mb_strv_addf(&data, "source=%s", device);
		r = mb_sys_mount_new(type, &data, flags.set, &fd, err);
	}
	if (r == 0)
		r = mb_sys_mount_flags_apply(fd, &flags, err);
	if (r < 0)
		return r;
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

static int mount_data(const struct mb_volume *volume, int volume_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int mount = -1, target = -1;
	int r = make_mount(volume, &mount, err);

	if (r == 0)
		r = open_data(volume_fd, volume->name, &target, err);
	if (r == 0)
		r = mb_sys_mount_move(mount, target, err);
	return r < 0 ? mb_wrap(err, r, "failed to mount local volume '%s'", volume->name) : 0;
}

/* --- who holds it -----------------------------------------------------------------------------
 * The volume's directory is locked, shared.  Its holder may take any other lock meanwhile: this one
 * is only asked for by who has the volume's lock, and never waited for.
 */

static int hold(int volume_fd, const char *name, struct mb_volume_holds *holds, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd =
		openat(volume_fd, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) < 0)
		return mb_fail_sys(err, errno, "cannot hold volume '%s'", name);
	holds->v = mb_realloc(holds->v, (holds->n + 1) * sizeof(*holds->v));
	holds->v[holds->n++] = mb_take_fd(&fd);
	return 0;
}

static bool is_held(int volume_fd)
{
	MB_AUTO_CLOSE int fd =
		openat(volume_fd, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0;
}

/* A child may have the descriptor, too. */
void mb_volume_holds_done(struct mb_volume_holds *holds)
{
	for (size_t i = 0; i < holds->n; i++) {
		flock(holds->v[i], LOCK_UN);
		mb_close(&holds->v[i]);
	}
	free(holds->v);
	*holds = (struct mb_volume_holds){0};
}

/* Under one lock, which who takes the mount away has as well. */
static int open_mounted(struct mb_store *store, const struct mb_volume *volume, int volume_fd,
                        int *ret_fd, struct mb_volume_holds *holds, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_volume_meta_lock(store, volume->name, &lock, err);

	if (r == 0 && !is_mounted(volume_fd))
		r = mount_data(volume, volume_fd, err);
	if (r == 0)
		r = hold(volume_fd, volume->name, holds, err);
	return r == 0 ? open_data(volume_fd, volume->name, ret_fd, err) : r;
}

int mb_volume_data_open(struct mb_store *store, const struct mb_volume *volume, int *ret_fd,
                        struct mb_volume_holds *holds, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_volume_meta_open(store, volume->name, &fd, err);

	if (r != 0)
		return r < 0 ? r : -ENOENT;
	return mb_volume_has_mount(volume) ? open_mounted(store, volume, fd, ret_fd, holds, err)
	                                   : open_data(fd, volume->name, ret_fd, err);
}

int mb_volume_meta_unmount(int fd, const char *name, struct mb_err *err)
{
	char path[64];

	if (!is_mounted(fd))
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/_data", fd);
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return mb_fail_sys(err, errno, "cannot unmount volume '%s'", name);
	return 0;
}

int mb_volume_meta_lock_idle(struct mb_store *store, int fd, const char *name,
                             const struct mb_volume_users *users, int *ret_lock, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	MB_AUTO_CLOSE int lock = -1;
	int r;

	*ret_lock = -1;
	/* Who is about to mount it has the lock, for as long as a server takes. */
	if (!is_mounted(fd))
		return 0;
	r = mb_volume_meta_lock(store, name, &lock, err);
	if (r < 0 || !is_mounted(fd) || is_held(fd))
		return r;
	/* After that: who started a container let go when it was known to run. */
	r = users->ask(users->arg, name, &ids, err);
	if (r == 0 && !ids.n)
		*ret_lock = mb_take_fd(&lock);
	return r;
}

int mb_volume_release(struct mb_store *store, const char *name, const struct mb_volume_users *users,
                      struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1, lock = -1;
	int r = mb_volume_meta_open(store, name, &fd, err);

	if (r > 0)
		return 0;
	if (r == 0)
		r = mb_volume_meta_lock_idle(store, fd, name, users, &lock, err);
	return r == 0 && lock >= 0 ? mb_volume_meta_unmount(fd, name, err) : r;
}
