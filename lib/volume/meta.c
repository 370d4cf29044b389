/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volume/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/parse.h"
#include "store/doc.h"
#include "store/lock.h"
#include "store/store.h"
#include "json/json.h"

static const struct mb_json_field table[] = {
	MB_JSON_STR("name", struct mb_volume, name, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("driver", struct mb_volume, driver, .flags = MB_JSON_REQUIRED),
	MB_JSON_I64("created", struct mb_volume, created),
	MB_JSON_BOOL("anonymous", struct mb_volume, anonymous),
	MB_JSON_BOOL("copied", struct mb_volume, copied),
	MB_JSON_KV("labels", struct mb_volume, labels),
	MB_JSON_KV("options", struct mb_volume, options),
	MB_JSON_U32("project", struct mb_volume, project),
	MB_JSON_END,
};

void mb_volume_free(struct mb_volume *volume)
{
	if (!volume)
		return;
	mb_json_done(table, volume);
	free(volume->mountpoint);
	free(volume);
}

int mb_volume_meta_open(struct mb_store *store, const char *name, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int volumes = -1;
	int r, fd;

	/* A name that cannot be one never becomes part of a path. */
	if (!mb_name_is_valid(name)) {
		mb_fail(err, ENOENT, "get %s: no such volume", name);
		return MB_VOLUME_ABSENT;
	}
	r = mb_store_dir(store, "volumes", false, &volumes, err);
	if (r < 0)
		return r;
	fd = openat(volumes, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		mb_fail(err, ENOENT, "get %s: no such volume", name);
		return MB_VOLUME_ABSENT;
	}
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open volume '%s'", name);
	*ret_fd = fd;
	return 0;
}

int mb_volume_meta_read(int fd, struct mb_volume **ret_volume, struct mb_err *err)
{
	MB_AUTO(mb_volume_free) struct mb_volume *volume = mb_calloc(1, sizeof(*volume));
	int r = mb_store_doc_load(fd, "meta.json", table, volume, err);

	if (r == MB_DOC_CORRUPT || r == -ENOENT)
		return -EBADMSG;
	if (r == 0)
		*ret_volume = mb_take_ptr(&volume);
	return r;
}

int mb_volume_meta_load(struct mb_store *store, int fd, const char *name,
                        struct mb_volume **ret_volume, struct mb_err *err)
{
	MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;
	int r = mb_volume_meta_read(fd, &volume, err);

	if (r < 0)
		return mb_wrap(err, r, "volume '%s'", name);
	if (strcmp(volume->name, name) != 0)
		return mb_fail(err, EBADMSG, "volume '%s': the document is another's", name);
	volume->mountpoint = mb_asprintf("%s/volumes/%s/_data", store->root, name);
	*ret_volume = mb_take_ptr(&volume);
	return 0;
}

int mb_volume_meta_save(int fd, const struct mb_volume *volume, unsigned int flags,
                        struct mb_err *err)
{
	return mb_store_doc_save(fd, "meta.json", table, volume, flags, err);
}

int mb_volume_meta_lock(struct mb_store *store, const char *name, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_FREE char *lock = mb_asprintf("volume-%s", name);

	return mb_store_lock(store, MB_RANK_VOLUME, lock, true, true, ret_fd, err);
}
