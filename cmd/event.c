/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/event.h"

#include "core/event.h"
#include "core/own.h"
#include "image/image.h"
#include "net/net.h"
#include "store/store.h"

void mb_cmd_event_image(struct mb_store *store, const char *action, const char *id,
                        const char *name)
{
	MB_EVENT e;

	mb_event_begin(&e, "image", action, id);
	mb_event_set(&e, "name", name ? name : id);
	mb_event_write(&e, store->root_fd);
}

void mb_cmd_event_image_id(struct mb_store *store, const char *action, const char *hex,
                           const char *name)
{
	MB_AUTO_FREE char *id = mb_asprintf("sha256:%s", hex);

	mb_cmd_event_image(store, action, id, name);
}

void mb_cmd_event_tag(struct mb_store *store, const char *name)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	MB_AUTO_FREE char *familiar = NULL;

	if (mb_image_find(store, name, &image, &familiar, NULL) == 0)
		mb_cmd_event_image_id(store, "tag", image->id, familiar);
}

void mb_cmd_event_removed(struct mb_store *store, const char *hex,
                          const struct mb_image_removed *removed)
{
	for (size_t i = 0; hex && i < removed->untagged.n; i++)
		mb_cmd_event_image_id(store, "untag", hex, NULL);
	if (hex && removed->deleted.n)
		mb_cmd_event_image_id(store, "delete", hex, NULL);
}

void mb_cmd_event_network(struct mb_store *store, const char *action,
                          const struct mb_net_network *n)
{
	MB_EVENT e;

	mb_event_begin(&e, "network", action, n->id);
	mb_event_set(&e, "name", n->name);
	mb_event_set(&e, "type", n->driver);
	mb_event_write(&e, store->root_fd);
}
