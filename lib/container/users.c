/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/users.h"

#include <stdio.h>

#include "container/container.h"
#include "core/str.h"

static bool is_image(const char *id, const char *hex)
{
	const char *plain = id ? mb_skip_prefix(id, "sha256:") : NULL;

	return id && mb_streq(plain ? plain : id, hex);
}

bool mb_container_uses_image(const struct mb_container_record *record, const char *id)
{
	for (size_t i = 0; i < record->n_mounts; i++)
		if (is_image(record->mounts[i].image, id))
			return true;
	return is_image(record->image_id, id);
}

static int ask(void *store, const char *image_id, char container[MB_IMAGE_ID_TEXT],
               struct mb_err *err)
{
	struct mb_container_list list = {0};
	int use = MB_IMAGE_UNUSED, r = mb_container_list_load(store, false, &list, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n && use != MB_IMAGE_USE_RUNNING; i++) {
		const struct mb_container *c = list.v[i];

		if (!mb_container_uses_image(c->record, image_id))
			continue;
		use = mb_container_is_running(c) ? MB_IMAGE_USE_RUNNING : MB_IMAGE_USE_STOPPED;
		snprintf(container, MB_IMAGE_ID_TEXT, "%s", c->id);
	}
	mb_container_list_done(&list);
	return use;
}

struct mb_image_users mb_container_image_users(struct mb_store *store)
{
	return (struct mb_image_users){ask, store};
}
