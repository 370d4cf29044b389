/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/lanes.h — several pieces of work at once, each in a forked process.
 *
 * The lanes take the pieces in their order.  A failure ends them all.  What they tell is in
 * memory that is shared with the command, which never waits for them blindly: they die with it.
 */
#ifndef MB_IMAGE_LANES_H
#define MB_IMAGE_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_err;
struct mb_image_lanes; /* opaque */

enum { MB_IMAGE_LANES = 3 }; /* as many as docker has */

enum mb_image_lane_state {
	MB_IMAGE_LANE_WAITS,
	MB_IMAGE_LANE_WORKS,
	MB_IMAGE_LANE_DONE,
	MB_IMAGE_LANE_FAILED,
};

struct mb_image_lanes_job {
	size_t count, n_lanes;    /* pieces, and processes (no more than pieces) */
	void (*begin)(void *arg); /* in each process, before its first piece; NULL is fine */
	/* Return: 0 or -errno, told: the piece failed. */
	int (*work)(struct mb_image_lanes *lanes, size_t index, void *arg, struct mb_err *err);
	/* Whatever became of the piece, in its process. */
	void (*end)(void *arg, size_t index);
	void *arg;
};
int mb_image_lanes_start(const struct mb_image_lanes_job *job, struct mb_image_lanes **ret,
                         struct mb_err *err);
/* Nothing of it is wanted any more: let those who work end by themselves, for some seconds at
 * most.  NULL is fine. */
void mb_image_lanes_give_up(struct mb_image_lanes *lanes);
/* Ends and reaps what still works.  NULL is fine. */
void mb_image_lanes_free(struct mb_image_lanes *lanes);

/* In a lane. */
void mb_image_lanes_tell(struct mb_image_lanes *lanes, size_t index, uint64_t done);
bool mb_image_lanes_is_over(const struct mb_image_lanes *lanes); /* some piece failed */
/* What the command has let the lane of a piece know: 0 at first. */
int mb_image_lanes_word(const struct mb_image_lanes *lanes, size_t index);

/* In the command. */
void mb_image_lanes_say(struct mb_image_lanes *lanes, size_t index, int word);
uint64_t mb_image_lanes_done(const struct mb_image_lanes *lanes, size_t index);
enum mb_image_lane_state mb_image_lanes_state(const struct mb_image_lanes *lanes, size_t index);
/* Wait until all is done, or something failed, with @tick a few times a second and at the end;
 * what it returns below 0, told, is the end too. */
int mb_image_lanes_wait(struct mb_image_lanes *lanes, int (*tick)(void *arg, struct mb_err *err),
                        void *arg, struct mb_err *err);
/* The first failure, if there is one.  Return: 0; or what it was, told. */
int mb_image_lanes_failure(struct mb_image_lanes *lanes, struct mb_err *err);

#endif
