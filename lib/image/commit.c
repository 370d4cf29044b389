/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/commit.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "image/record.h"
#include "store/doc.h"
#include "store/lock.h"
#include "store/store.h"
#include "sys/tree.h"

int mb_image_commit_sync(struct mb_store *store, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_store_dir(store, "layers", false, &fd, err);

	if (r == 0 && syncfs(fd) < 0)
		r = mb_fail_sys(err, errno, "cannot write the layers to disk");
	return r;
}

int mb_image_commit(struct mb_store *store, const struct mb_image *image,
                    const struct mb_str *config, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	char name[MB_IMAGE_ID_TEXT + sizeof(".json")];
	int r = mb_store_dir(store, "images", false, &fd, err);

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%.64s.json", image->id);
	r = mb_store_file_write(fd, name, mb_str_text(config), config->len,
	                        MB_DOC_DURABLE | MB_DOC_REPLACE, err);
	return r < 0 ? r : mb_image_record_save(fd, image, err);
}

void mb_image_commit_clean(struct mb_store *store)
{
	MB_AUTO_CLOSE int lock = -1, ingest = -1;

	if (mb_store_lock(store, MB_RANK_IMAGE, "images", true, false, &lock, NULL) != 0)
		return;
	if (mb_store_dir_find(store, "ingest", false, &ingest, NULL) == 0)
		mb_sys_tree_empty(ingest, NULL);
}
