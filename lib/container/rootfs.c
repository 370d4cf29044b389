/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/start_parts.h"
#include "container/started.h"
#include "container/userns.h"
#include "core/err.h"
#include "core/str.h"
#include "core/strv.h"
#include "image/image.h"
#include "store/store.h"
#include "sys/mount.h"
#include "sys/path.h"
#include "sys/proc.h"

static int open_layer_dir(struct mb_container *c, const char *name, int *ret_fd, struct mb_err *err)
{
	int fd = openat(c->dir_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open the writable layer's '%s'", name);
	*ret_fd = fd;
	return 0;
}

/* The mark of an earlier mount: the kernel cannot know that the host did not crash since, but then
 * nobody would start what `--rm` made. */
static bool forget_volatile(int work_fd)
{
	unlinkat(work_fd, "work/incompat/volatile/dirty", 0);
	return unlinkat(work_fd, "work/incompat/volatile", AT_REMOVEDIR) == 0;
}

/* What a removed container wrote need not reach the disk: without this the last unmount writes
 * out the whole file system that the layer is on. */
static int mount_volatile(struct mb_sys_overlay *overlay, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;
	int r;

	mb_strv_add(&options, "volatile");
	overlay->options = &options;
	r = mb_sys_mount_overlay(overlay, ret_fd, err);
	if (r < 0 && forget_volatile(overlay->work_fd))
		r = mb_sys_mount_overlay(overlay, ret_fd, err);
	overlay->options = NULL;
	return r;
}

static int mount_layers(struct mb_container *c, struct mb_sys_overlay *overlay, int *ret_fd,
                        struct mb_err *err)
{
	int r = open_layer_dir(c, "upper", &overlay->upper_fd, err);

	if (r == 0)
		r = open_layer_dir(c, "work", &overlay->work_fd, err);
	/* Its root is the container's "/". */
	if (r == 0)
		r = mb_container_userns_give(&c->record->host, overlay->upper_fd, 0, 0, err);
	if (r < 0)
		return r;
	return c->record->host.auto_remove ? mount_volatile(overlay, ret_fd, err)
	                                   : mb_sys_mount_overlay(overlay, ret_fd, err);
}

/* --- --rootfs --------------------------------------------------------------------------------- */

static int open_directory(struct mb_container *c, int *ret_fd, struct mb_err *err)
{
	const char *path = c->record->rootfs;
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open the root file system '%s'", path);
	*ret_fd = fd;
	return 0;
}

/* What it changes is changed there. */
static bool is_directory(const struct mb_container *c)
{
	return c->record->rootfs && !c->record->rootfs_overlay;
}

/* As it is, shown through the maps of @userns_fd (-1: its own ids). */
static int mount_directory(struct mb_container *c, int userns_fd, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1, mount = -1;
	int r = open_directory(c, &dir, err);

	if (r == 0)
		r = mb_sys_mount_clone(dir, "", false, &mount, err);
	if (r == 0)
		r = mb_sys_mount_setattr(mount, 0, 0, MS_PRIVATE, false, err);
	if (r == 0 && userns_fd >= 0)
		r = mb_sys_mount_idmap(mount, userns_fd, false, err);
	if (r < 0)
		return mb_wrap(err, r, "cannot mount '%s'", c->record->rootfs);
	*ret_fd = mb_take_fd(&mount);
	return 0;
}

/* --- layers ----------------------------------------------------------------------------------- */

static int open_image(struct mb_container *c, int *fds, size_t *ret_n, struct mb_err *err)
{
	const char *image_id = mb_skip_prefix(c->record->image_id, "sha256:");
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	int r;

	if (!image_id)
		return mb_fail(err, EINVAL, "the container has no image");
	r = mb_image_open(c->store, image_id, &image, err);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	return mb_image_layers_open(c->store, image, fds, ret_n, err);
}

/* What it was made from, top first; @fds has room for all. */
static int open_origin(struct mb_container *c, int *fds, size_t *ret_n, struct mb_err *err)
{
	const struct mb_image of_build = {.id = c->id, .layers = c->record->layers};
	int r;

	if (!c->record->rootfs)
		return c->record->on_layers
		               ? mb_image_layers_open(c->store, &of_build, fds, ret_n, err)
		               : open_image(c, fds, ret_n, err);
	r = open_directory(c, fds, err);
	*ret_n = r == 0;
	return r;
}

/* What lies below its own layer, top first. */
static int open_layers(struct mb_container *c, int *fds, size_t *ret_n, struct mb_err *err)
{
	int r = open_origin(c, fds, ret_n, err);

	if (r < 0)
		return r;
	r = mb_container_skeleton_open(c->store, &fds[*ret_n], err);
	*ret_n += r == 0;
	return r;
}

int mb_container_rootfs_mount(struct mb_container *c, int userns_fd, int *ret_fd,
                              struct mb_err *err)
{
	int layers[MB_SYS_OVERLAY_LOWERS_MAX];
	struct mb_sys_overlay overlay = {.lowers = layers,
	                                 .upper_fd = -1,
	                                 .work_fd = -1,
	                                 .maps_ids = userns_fd >= 0,
	                                 .userns_fd = userns_fd};
	int r;

	if (is_directory(c))
		return mount_directory(c, userns_fd, ret_fd, err);
	r = open_layers(c, layers, &overlay.n_lowers, err);
	if (r == 0)
		r = mount_layers(c, &overlay, ret_fd, err);
	for (size_t i = 0; i < overlay.n_lowers; i++)
		close(layers[i]);
	mb_close(&overlay.upper_fd);
	mb_close(&overlay.work_fd);
	return r;
}

int mb_container_image_mount(struct mb_container *c, int *ret_fd, struct mb_err *err)
{
	int layers[MB_SYS_OVERLAY_LOWERS_MAX];
	struct mb_sys_overlay overlay = {.lowers = layers, .upper_fd = -1, .work_fd = -1};
	int r;

	if (is_directory(c))
		return mount_directory(c, -1, ret_fd, err);
	r = open_layers(c, layers, &overlay.n_lowers, err);
	if (r == 0)
		r = mb_sys_mount_overlay(&overlay, ret_fd, err);
	for (size_t i = 0; i < overlay.n_lowers; i++)
		close(layers[i]);
	return r;
}

int mb_container_below_mount(struct mb_container *c, int *ret_fd, struct mb_err *err)
{
	int layers[MB_SYS_OVERLAY_LOWERS_MAX];
	struct mb_sys_overlay overlay = {.lowers = layers, .upper_fd = -1, .work_fd = -1};
	int r = open_origin(c, layers, &overlay.n_lowers, err);

	if (r < 0)
		return r;
	/* One alone is no overlay. */
	if (overlay.n_lowers == 1) {
		*ret_fd = layers[0];
		return 0;
	}
	r = mb_sys_mount_overlay(&overlay, ret_fd, err);
	for (size_t i = 0; i < overlay.n_lowers; i++)
		close(layers[i]);
	return r;
}

/* --- as the container sees it ----------------------------------------------------------------- */

/* In a child.  What is mounted in it stays behind.  The root of the namespace may be another than
 * that of its process 1: neither may be ours. */
static int clone_root(void *arg, int *fd, struct mb_err *err)
{
	const struct mb_container *c = arg;
	const struct mb_sys_proc_id id = {.pid = c->state.run.pid, .start = c->state.run.pid_start};
	MB_AUTO_CLOSE int ours = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), ns = -1, root = -1;
	int r = mb_container_started_root(c, &root, err);

	if (r == 0)
		r = mb_sys_proc_ns_open(id.pid, "mnt", &ns, err);
	if (r < 0)
		return r;
	if (r > 0 || !mb_sys_proc_id_is_running(&id))
		return mb_fail(err, ESRCH, "it does not run any more");
	r = mb_sys_proc_ns_join_fd(ns, CLONE_NEWNS, err);
	if (r == 0 && mb_container_is_our_root(ours))
		r = mb_fail(err, EBUSY, "it has no root of its own");
	return r < 0 ? r : mb_sys_mount_clone(AT_FDCWD, "/", false, fd, err);
}

/* Of one that does not run, and may start meanwhile: its own layer is the topmost that is only
 * read.
 * @upper and @work -1: nothing can be written. */
static int mount_below(struct mb_container *c, int userns, int upper, int work, int *ret_fd,
                       struct mb_err *err)
{
	int layers[MB_SYS_OVERLAY_LOWERS_MAX];
	struct mb_sys_overlay overlay = {.lowers = layers,
	                                 .upper_fd = upper,
	                                 .work_fd = work,
	                                 .userns_fd = userns,
	                                 .maps_ids = userns >= 0,
	                                 .n_unmapped = 1};
	size_t n = 0;
	int r = open_layer_dir(c, "upper", &layers[0], err);

	if (r < 0)
		return r;
	r = open_layers(c, layers + 1, &n, err);
	overlay.n_lowers = n + 1;
	if (r == 0)
		r = mb_sys_mount_overlay(&overlay, ret_fd, err);
	for (size_t i = 0; i < overlay.n_lowers; i++)
		close(layers[i]);
	return r;
}

static int mount_still(struct mb_container *c, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int userns = -1;
	int r = mb_container_userns_open(&c->record->host, &userns, err);

	if (r < 0)
		return r;
	return is_directory(c) ? mount_directory(c, userns, ret_fd, err)
	                       : mount_below(c, userns, -1, -1, ret_fd, err);
}

static int make_directory(int at, const char *name, int *ret_fd, struct mb_err *err)
{
	if (mkdirat(at, name, 0755) < 0)
		return mb_fail_sys(err, errno, "cannot make a directory in memory");
	*ret_fd = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot open a directory in memory") : 0;
}

int mb_container_scratch_mount(struct mb_container *c, int userns_fd, int *ret_fd,
                               struct mb_err *err)
{
	MB_AUTO_CLOSE int memory = -1, upper = -1, work = -1;
	int r;

	if (is_directory(c)) {
		r = mount_directory(c, userns_fd, ret_fd, err);
		return r < 0 ? r
		             : mb_sys_mount_setattr(*ret_fd, MOUNT_ATTR_RDONLY, 0, 0, false, err);
	}
	r = mb_sys_mount_new("tmpfs", NULL, 0, &memory, err);
	if (r == 0)
		r = make_directory(memory, "upper", &upper, err);
	if (r == 0)
		r = make_directory(memory, "work", &work, err);
	return r == 0 ? mount_below(c, userns_fd, upper, work, ret_fd, err) : r;
}

int mb_container_view_mount(struct mb_container *c, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int mount = -1;
	int r = -ESRCH;

	if (mb_container_has_process(c)) {
		r = mb_sys_proc_call(clone_root, c, &mount, err);
		/* It may have ended meanwhile. */
		if (r < 0)
			mb_container_refresh(c);
	}
	if (r < 0 && !mb_container_has_process(c))
		r = mount_still(c, &mount, err);
	if (r == 0)
		r = mb_sys_path_reopen(mount, O_RDONLY | O_DIRECTORY, ret_fd, err);
	return r < 0 ? mb_wrap(err, r, "cannot look into container '%s'", mb_container_name(c)) : 0;
}
