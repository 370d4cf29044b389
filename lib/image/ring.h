/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/ring.h — bytes from one process to another through memory that both see.
 *
 * The one who reads an archive hashes a slot and hands it on; the one who unpacks works on that
 * very memory, so that what was hashed is what is parsed, and no byte is copied.  Two pipes carry
 * the turns.  Made before fork(); each side says what it is.
 */
#ifndef MB_IMAGE_RING_H
#define MB_IMAGE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_err;

enum { MB_IMAGE_RING_SLOTS = 8, MB_IMAGE_RING_SLOT = 256 * 1024 };

struct mb_image_ring {
	unsigned char *memory;
	_Atomic uint64_t *progress; /* bytes of the source consumed; written by the producer */
	int full[2], empty[2];
	int held; /* slot in hand, or -1 */
};

int mb_image_ring_init(struct mb_image_ring *ring, struct mb_err *err);
void mb_image_ring_done(struct mb_image_ring *ring);
void mb_image_ring_be_producer(struct mb_image_ring *ring); /* close the other side's ends */
void mb_image_ring_be_consumer(struct mb_image_ring *ring);

/* Producer: a free slot of MB_IMAGE_RING_SLOT bytes; waits.  -EPIPE when the consumer is gone
 * (all return values here: nothing told). */
int mb_image_ring_slot(struct mb_image_ring *ring, unsigned char **ret_slot);
/* Producer: hand the slot on with @len bytes; 0 is the good end of all. */
int mb_image_ring_push(struct mb_image_ring *ring, size_t len);
/* Consumer: the next bytes, valid until the next call; the former slot is given back.  *@ret_len
 * 0 at the good end; -EPIPE when the producer ended without one. */
int mb_image_ring_pull(struct mb_image_ring *ring, const unsigned char **ret, size_t *ret_len);

#endif
