/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "image/child.h"
#include "image/flush.h"
#include "image/image.h"
#include "image/layer.h"
#include "store/store.h"

enum { TURN_NSEC = 1000000 };

/* What became of a layer: in memory of all processes. */
struct made {
	uint64_t bytes;
	bool was_there;
};

struct mb_image_stack {
	struct mb_store *store;
	const struct mb_image_stack_job *job;
	struct mb_image_lanes *lanes;
	struct made *made;
	size_t at;                /* the layer that a lane works on */
	int layers_fd, memory[2]; /* see struct mb_image_gunzip */
	int64_t began;
	struct mb_image_child flusher;
};

/* --- in a lane -------------------------------------------------------------------------------- */

static void on_progress(void *arg, const struct mb_image_progress *progress)
{
	struct mb_image_stack *s = arg;

	mb_image_lanes_tell(s->lanes, s->at, progress->done);
}

static bool is_over(void *arg)
{
	const struct mb_image_stack *s = arg;

	return mb_image_lanes_is_over(s->lanes);
}

/* Those below are in their places. */
static int await_turn(void *arg, struct mb_err *err)
{
	const struct timespec pause = {.tv_nsec = TURN_NSEC};
	struct mb_image_stack *s = arg;

	for (size_t i = 0; i < s->at; i++)
		while (mb_image_lanes_state(s->lanes, i) != MB_IMAGE_LANE_DONE) {
			if (is_over(s))
				return mb_fail(err, ECANCELED, "no longer wanted");
			nanosleep(&pause, NULL);
		}
	return 0;
}

static int make_layer(struct mb_image_lanes *lanes, size_t index, void *arg, struct mb_err *err)
{
	struct mb_image_stack *s = arg;
	const struct mb_image *image = s->job->image;
	const struct mb_image_report report = {on_progress, s};
	struct mb_image_layer_job job = {
		.parent = index ? image->layers.v[index - 1] : NULL,
		.lowers = (const char *const *)image->layers.v,
		.n_lowers = index,
		.diff_id = image->diff_ids.v[index],
		.report = &report,
		.turn = await_turn,
		.stop = is_over,
		.turn_arg = s,
		.index = index,
		.count = image->layers.n,
	};
	struct mb_image_layer layer;
	int r;

	s->lanes = lanes;
	s->at = index;
	s->job->source(s->job->arg, index, &job);
	job.from.memory = s->memory;
	r = mb_image_layer_ensure(s->store, &job, &layer, err);
	if (r < 0)
		return r;
	s->made[index] = (struct made){layer.bytes, layer.cached};
	if (s->job->made)
		s->job->made(s->job->arg, index, &layer);
	return 0;
}

/* --- in the command --------------------------------------------------------------------------- */

enum mb_image_lane_state mb_image_stack_state(const struct mb_image_stack *stack, size_t index)
{
	return stack->lanes ? mb_image_lanes_state(stack->lanes, index) : MB_IMAGE_LANE_DONE;
}

uint64_t mb_image_stack_done(const struct mb_image_stack *stack, size_t index)
{
	return stack->lanes ? mb_image_lanes_done(stack->lanes, index) : 0;
}

bool mb_image_stack_was_there(const struct mb_image_stack *stack, size_t index)
{
	return stack->made[index].was_there;
}

static int on_tick(void *arg, struct mb_err *err)
{
	struct mb_image_stack *s = arg;

	/* A small image never comes here. */
	if (!s->flusher.pid &&
	    mb_monotonic_nsec() - s->began > (int64_t)MB_IMAGE_FLUSH_MSEC * 1000000 &&
	    mb_image_flush_start(&s->flusher, s->layers_fd, NULL) < 0)
		s->flusher.pid = 0;
	return s->job->tick(s->job->arg, s, err);
}

/* Of an image that is there, or shares all its layers, nothing is left to do. */
static bool find_all(struct mb_image_stack *s)
{
	const struct mb_strv *layers = &s->job->image->layers;

	for (size_t i = 0; i < layers->n; i++) {
		if (!mb_image_layer_is_there(s->store, layers->v[i]))
			return false;
		s->made[i] = (struct made){mb_image_layer_size(s->layers_fd, layers->v[i]), true};
	}
	return true;
}

static int make_all(struct mb_image_stack *s, struct mb_err *err)
{
	const struct mb_image_lanes_job job = {
		.count = s->job->image->layers.n,
		.n_lanes = MB_IMAGE_LANES,
		.work = make_layer,
		.arg = s,
	};
	int r;

	if (pipe2(s->memory, O_CLOEXEC) < 0 || write(s->memory[1], ".", 1) != 1)
		return mb_fail_sys(err, errno, "cannot make a pipe");
	r = mb_image_lanes_start(&job, &s->lanes, err);
	if (r == 0)
		r = mb_image_lanes_wait(s->lanes, on_tick, s, err);
	/* Who is not through removes what it has made. */
	if (r < 0)
		mb_image_lanes_give_up(s->lanes);
	mb_image_lanes_free(s->lanes);
	mb_image_child_done(&s->flusher);
	return r;
}

int mb_image_stack_make(struct mb_store *store, const struct mb_image_stack_job *job,
                        struct mb_err *err)
{
	struct mb_image_stack s = {.store = store,
	                           .job = job,
	                           .layers_fd = -1,
	                           .memory = {-1, -1},
	                           .began = mb_monotonic_nsec()};
	size_t n = job->image->layers.n, size = n * sizeof(*s.made);
	int r;

	if (!n)
		return 0;
	r = mb_store_dir(store, "layers", false, &s.layers_fd, err);
	if (r < 0)
		return r;
	s.made = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s.made == MAP_FAILED) {
		mb_close(&s.layers_fd);
		return mb_fail_sys(err, errno, "cannot map memory");
	}
	r = find_all(&s) ? job->tick(job->arg, &s, err) : make_all(&s, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		job->image->size += s.made[i].bytes;
	munmap(s.made, size);
	mb_close(&s.memory[0]);
	mb_close(&s.memory[1]);
	mb_close(&s.layers_fd);
	return r;
}
