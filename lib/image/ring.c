/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"

enum { RING_BYTES = MB_IMAGE_RING_SLOTS * MB_IMAGE_RING_SLOT, RING_HEAD = 4096 };

struct turn {
	uint32_t slot, len;
};

int mb_image_ring_init(struct mb_image_ring *ring, struct mb_err *err)
{
	unsigned char all[MB_IMAGE_RING_SLOTS];
	unsigned char *memory;

	*ring = (struct mb_image_ring){.full = {-1, -1}, .empty = {-1, -1}, .held = -1};
	memory = mmap(NULL, RING_HEAD + RING_BYTES, PROT_READ | PROT_WRITE,
	              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return mb_fail_sys(err, errno, "cannot map the ring");
	ring->memory = memory;
	ring->progress = (_Atomic uint64_t *)(void *)memory;
	if (pipe2(ring->full, O_CLOEXEC) < 0 || pipe2(ring->empty, O_CLOEXEC) < 0) {
		int r = mb_fail_sys(err, errno, "cannot make the ring's pipes");

		mb_image_ring_done(ring);
		return r;
	}
	for (unsigned char i = 0; i < MB_IMAGE_RING_SLOTS; i++)
		all[i] = i;
	if (mb_write_full(ring->empty[1], all, sizeof(all)) < 0) {
		mb_image_ring_done(ring);
		return mb_fail(err, EIO, "cannot fill the ring");
	}
	return 0;
}

void mb_image_ring_done(struct mb_image_ring *ring)
{
	if (ring->memory)
		munmap(ring->memory, RING_HEAD + RING_BYTES);
	ring->memory = NULL;
	for (int i = 0; i < 2; i++) {
		mb_close(&ring->full[i]);
		mb_close(&ring->empty[i]);
	}
}

void mb_image_ring_be_producer(struct mb_image_ring *ring)
{
	mb_close(&ring->full[0]);
	mb_close(&ring->empty[1]);
}

void mb_image_ring_be_consumer(struct mb_image_ring *ring)
{
	/* empty[0] stays: giving a slot back to a producer that has ended must not be a SIGPIPE. */
	mb_close(&ring->full[1]);
}

int mb_image_ring_slot(struct mb_image_ring *ring, unsigned char **ret_slot)
{
	if (ring->held < 0) {
		unsigned char slot = 0;
		size_t n = 0;
		int r = mb_read_full(ring->empty[0], &slot, 1, &n);

		if (r < 0 || n != 1 || slot >= MB_IMAGE_RING_SLOTS)
			return -EPIPE;
		ring->held = slot;
	}
	*ret_slot = ring->memory + RING_HEAD + (size_t)ring->held * MB_IMAGE_RING_SLOT;
	return 0;
}

int mb_image_ring_push(struct mb_image_ring *ring, size_t len)
{
	struct turn turn = {.slot = (uint32_t)ring->held, .len = (uint32_t)len};

	ring->held = -1;
	return mb_write_full(ring->full[1], &turn, sizeof(turn)) < 0 ? -EPIPE : 0;
}

int mb_image_ring_pull(struct mb_image_ring *ring, const unsigned char **ret, size_t *ret_len)
{
	struct turn turn;
	size_t n = 0;

	if (ring->held >= 0) {
		unsigned char slot = (unsigned char)ring->held;

		ring->held = -1;
		/* A producer that has handed on everything does not wait for slots any more. */
		(void)mb_write_full(ring->empty[1], &slot, 1);
	}
	if (mb_read_full(ring->full[0], &turn, sizeof(turn), &n) < 0 || n != sizeof(turn))
		return -EPIPE;
	if (turn.len > MB_IMAGE_RING_SLOT)
		return -EPIPE;
	if (turn.len) {
		if (turn.slot >= MB_IMAGE_RING_SLOTS)
			return -EPIPE;
		ring->held = (int)turn.slot;
		*ret = ring->memory + RING_HEAD + (size_t)turn.slot * MB_IMAGE_RING_SLOT;
	}
	*ret_len = turn.len;
	return 0;
}
