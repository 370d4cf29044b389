/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "container/start_parts.h"
#include "core/err.h"
#include "core/str.h"
#include "image/image.h"
#include "store/store.h"
#include "sys/mount.h"

static int open_layer_dir(struct mb_container *c, const char *name, int *ret_fd, struct mb_err *err)
{
	int fd = openat(c->dir_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open the writable layer's '%s'", name);
	*ret_fd = fd;
	return 0;
}

int mb_container_rootfs_mount(struct mb_container *c, int *ret_fd, struct mb_err *err)
{
	const char *image_id = mb_skip_prefix(c->record->image_id, "sha256:");
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	MB_AUTO_CLOSE int upper = -1, work = -1;
	int layers[MB_IMAGE_MAX_LAYERS];
	struct mb_sys_overlay overlay = {.lowers = layers, .upper_fd = -1, .work_fd = -1};
	int r;

	if (!image_id)
		return mb_fail(err, EINVAL, "the container has no image");
	r = mb_image_open(c->store, image_id, &image, err);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	r = open_layer_dir(c, "upper", &upper, err);
	if (r == 0)
		r = open_layer_dir(c, "work", &work, err);
	if (r == 0)
		r = mb_image_layers_open(c->store, image, layers, &overlay.n_lowers, err);
	if (r < 0)
		return r;
	overlay.upper_fd = upper;
	overlay.work_fd = work;
	r = mb_sys_mount_overlay(&overlay, ret_fd, err);
	for (size_t i = 0; i < overlay.n_lowers; i++)
		close(layers[i]);
	return r;
}
