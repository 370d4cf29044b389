/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/stack.h — the layers of one image, several made at once.
 *
 * Each is made in a process of its own; they take their places from the lowest on, so that a layer
 * that is there has those below it.
 */
#ifndef MB_IMAGE_STACK_H
#define MB_IMAGE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/lanes.h"

struct mb_err;
struct mb_image;
struct mb_image_layer;
struct mb_image_layer_job;
struct mb_image_stack; /* opaque */
struct mb_store;

struct mb_image_stack_job {
	struct mb_image *image; /* its size grows by that of the layers */
	/* In the layer's process: where layer @index comes from (from, open, close, arg, blob). */
	void (*source)(void *arg, size_t index, struct mb_image_layer_job *job);
	/* There too: it is there.  NULL is fine. */
	void (*made)(void *arg, size_t index, const struct mb_image_layer *layer);
	/* In the command, a few times a second and at the end.  Return: 0, or -errno, told, which
	 * is the end of all. */
	int (*tick)(void *arg, const struct mb_image_stack *stack, struct mb_err *err);
	void *arg;
};
/* The caller holds mb_image_hold(). */
int mb_image_stack_make(struct mb_store *store, const struct mb_image_stack_job *job,
                        struct mb_err *err);

/* For tick(): bytes of the layer's source that are through; and whether it was there already, of
 * one that is done. */
enum mb_image_lane_state mb_image_stack_state(const struct mb_image_stack *stack, size_t index);
uint64_t mb_image_stack_done(const struct mb_image_stack *stack, size_t index);
bool mb_image_stack_was_there(const struct mb_image_stack *stack, size_t index);

#endif
