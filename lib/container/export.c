/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/export.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "container/container.h"
#include "container/event.h"
#include "container/start_parts.h"
#include "container/started.h"
#include "container/userns.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "image/pack.h"
#include "store/store.h"

enum { TRIES = 100 };

static int put(void *arg, const void *bytes, size_t n)
{
	return mb_write_full(*(const int *)arg, bytes, n);
}

/* What has ended meanwhile is looked at as it lies there. */
static int open_view(struct mb_container *c, int *ret_fd, struct mb_err *err)
{
	int r = -ESRCH;

	/* One that is started again and again is met as it ends. */
	for (int i = 0; r == -ESRCH && i < TRIES; i++) {
		r = mb_container_has_process(c) ? mb_container_started_await(c, err) : 0;
		if (r >= 0)
			r = mb_container_view_mount(c, ret_fd, err);
	}
	return r;
}

int mb_container_export(struct mb_container *c, int fd, struct mb_err *err)
{
	char path[16 + MB_ID_TEXT];
	MB_AUTO_MAPS struct mb_sys_id_maps maps = {0};
	MB_AUTO_CLOSE int view = -1;
	struct mb_image_pack tree = {.give = put, .arg = &fd};
	struct mb_image_packed packed;
	int r = open_view(c, &view, err);

	if (r == 0 && mb_container_has_userns(&c->record->host)) {
		r = mb_container_maps_read(&c->record->host, &maps, err);
		tree.maps = &maps;
	}
	tree.root_fd = view;
	if (r == 0)
		r = mb_image_pack(&tree, &packed, err);
	snprintf(path, sizeof(path), "containers/%s", c->id);
	if (r == 0 && faccessat(c->store->root_fd, path, F_OK, 0) < 0)
		r = mb_fail(err, ENOENT, "it was removed meanwhile");
	if (r == 0)
		mb_container_event(c, "export");
	return r;
}
