/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/event.h — what happens to images, networks and volumes, for `events`. */
#ifndef MB_CMD_EVENT_H
#define MB_CMD_EVENT_H

struct mb_image_removed;
struct mb_net_network;
struct mb_store;

/* @id as docker has it: "sha256:..." or the name that was pulled or pushed.  @name NULL: @id. */
void mb_cmd_event_image(struct mb_store *store, const char *action, const char *id,
                        const char *name);
/* The same of an image by its @hex id. */
void mb_cmd_event_image_id(struct mb_store *store, const char *action, const char *hex,
                           const char *name);
/* tag: the image that has @name now. */
void mb_cmd_event_tag(struct mb_store *store, const char *name);
/* untag and delete, of the image @hex (NULL: nothing is known of it). */
void mb_cmd_event_removed(struct mb_store *store, const char *hex,
                          const struct mb_image_removed *removed);
void mb_cmd_event_network(struct mb_store *store, const char *action,
                          const struct mb_net_network *n);

#endif
