/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/inodes.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/own.h"

/* The slot of the inode, or the free one where it belongs; half of all are free. */
static struct mb_image_inode *find(struct mb_image_inode *slots, size_t room, dev_t dev, ino_t ino)
{
	uint64_t hash = ((uint64_t)ino ^ (uint64_t)dev << 40) * 0x9e3779b97f4a7c15u;
	size_t at = (size_t)(hash >> 20) & (room - 1);

	while (slots[at].name && (slots[at].ino != ino || slots[at].dev != dev))
		at = (at + 1) & (room - 1);
	return &slots[at];
}

static void grow(struct mb_image_inodes *inodes)
{
	size_t room = inodes->room ? 2 * inodes->room : 64;
	struct mb_image_inode *slots = mb_calloc(room, sizeof(*slots));

	for (size_t i = 0; i < inodes->room; i++) {
		const struct mb_image_inode *old = &inodes->slots[i];

		if (old->name)
			*find(slots, room, old->dev, old->ino) = *old;
	}
	free(inodes->slots);
	inodes->slots = slots;
	inodes->room = room;
}

const char *mb_image_inodes_first(struct mb_image_inodes *inodes, dev_t dev, ino_t ino,
                                  const char *name)
{
	struct mb_image_inode *slot;

	if (2 * inodes->n >= inodes->room)
		grow(inodes);
	slot = find(inodes->slots, inodes->room, dev, ino);
	if (slot->name)
		return slot->name;
	*slot = (struct mb_image_inode){dev, ino, mb_strdup(name)};
	inodes->n++;
	return NULL;
}

void mb_image_inodes_done(struct mb_image_inodes *inodes)
{
	for (size_t i = 0; i < inodes->room; i++)
		free(inodes->slots[i].name);
	free(inodes->slots);
	*inodes = (struct mb_image_inodes){0};
}
