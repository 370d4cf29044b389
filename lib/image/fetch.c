/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "image/download.h"
#include "image/lanes.h"
#include "image/layer.h"
#include "image/plan.h"
#include "image/stack.h"
#include "oci/image_spec.h"
#include "oci/ref.h"
#include "registry/registry.h"

enum { NEEDED = 1, NOT_NEEDED = 2, REST_NSEC = 50000000, TICK_MSEC = 100 };

/* A layer that is not here yet. */
struct piece {
	const struct mb_oci_descriptor *from;
	const char *chain;
	size_t index;
	int more[2]; /* see struct mb_image_stretch */
};

struct fetch {
	struct mb_store *store;
	struct mb_registry *reg;
	const struct mb_oci_ref *ref;
	const struct mb_oci_manifest *manifest;
	struct mb_image *image;
	const struct mb_image_report *report;
	uint64_t max_layer;
	int users_fd; /* see mb_image_download_users() */
	struct piece *pieces;
	size_t n, count;              /* pieces; layers of the image */
	bool *finished;               /* of layers: reported as such */
	struct mb_image_lanes *lanes; /* that fetch */
	size_t at;                    /* the piece that one of them works on */
	struct piece *now;            /* that is waited for or unpacked; NULL: the layer is there */
	bool (*stop)(void *arg);      /* of the process that unpacks: nobody wants it */
	void *stop_arg;
};

/* --- in a lane -------------------------------------------------------------------------------- */

static void tell_more(const struct piece *p, char what)
{
	struct pollfd room = {.fd = p->more[1], .events = POLLOUT};

	/* A full pipe has news enough; only the end must not be lost. */
	if (what == MB_IMAGE_STRETCH_END || poll(&room, 1, 0) == 1)
		(void)mb_write_full(p->more[1], &what, 1);
}

static int on_bytes(void *arg, uint64_t done)
{
	struct fetch *f = arg;

	mb_image_lanes_tell(f->lanes, f->at, done);
	tell_more(&f->pieces[f->at], MB_IMAGE_STRETCH_MORE);
	return mb_image_lanes_is_over(f->lanes) ? -ECANCELED : 0;
}

/* Get hold of the blob's file.  A layer that another pull has made since is fetched only if the
 * command asks for it all the same.  Return: 0; 1: it is not needed; -errno, told. */
static int claim(struct fetch *f, const struct piece *p, struct mb_image_download *ret,
                 struct mb_err *err)
{
	const struct timespec rest = {.tv_nsec = REST_NSEC};

	for (;;) {
		int r = mb_image_download_open(f->store, &p->from->digest, (uint64_t)p->from->size,
		                               ret, err);
		int word = mb_image_lanes_word(f->lanes, f->at);

		if (r < 0)
			return r;
		if (r == 0 && (ret->is_whole || ret->have || word == NEEDED ||
		               !mb_image_layer_is_there(f->store, p->chain)))
			return 0;
		if (r == 0)
			mb_image_download_drop(ret);
		if (word == NOT_NEEDED)
			return 1;
		if (mb_image_lanes_is_over(f->lanes))
			return mb_fail(err, ECANCELED, "no longer wanted");
		nanosleep(&rest, NULL);
	}
}

static int bring(struct mb_image_lanes *lanes, size_t index, void *arg, struct mb_err *err)
{
	struct fetch *f = arg;
	struct piece *p = &f->pieces[index];
	const struct mb_registry_watch watch = {on_bytes, f};
	struct mb_image_download d;
	int r;

	f->lanes = lanes;
	f->at = index;
	r = claim(f, p, &d, err);
	if (r != 0)
		return r < 0 ? r : 0;
	tell_more(p, MB_IMAGE_STRETCH_MORE);
	if (!d.is_whole) {
		r = mb_registry_blob_fetch(f->reg, &p->from->digest, (uint64_t)p->from->size, d.fd,
		                           d.have, &watch, err);
		if (r == 0)
			r = mb_image_download_finish(&d, err);
	}
	if (r == 0)
		mb_image_lanes_tell(lanes, index, (uint64_t)p->from->size);
	mb_image_download_done(&d);
	return r > 0 ? -ENOENT : r;
}

static void end(void *arg, size_t index)
{
	struct fetch *f = arg;

	tell_more(&f->pieces[index], MB_IMAGE_STRETCH_END);
}

/* --- in the process that unpacks one -----------------------------------------------------------
 */

static struct piece *find_piece(const struct fetch *f, size_t index)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->pieces[i].index == index)
			return &f->pieces[i];
	return NULL;
}

static int open_piece(void *arg, struct mb_image_stretch *ret, struct mb_err *err)
{
	struct fetch *f = arg;
	struct pollfd news = {.fd = f->now->more[0], .events = POLLIN};
	int r;

	mb_image_lanes_say(f->lanes, (size_t)(f->now - f->pieces), NEEDED);
	while (poll(&news, 1, TICK_MSEC) <= 0) {
		r = mb_image_lanes_failure(f->lanes, err);
		if (r < 0)
			return r;
		if (f->stop(f->stop_arg))
			return mb_fail(err, ECANCELED, "no longer wanted");
	}
	*ret = (struct mb_image_stretch){
		.seekable = true,
		.size = (uint64_t)f->now->from->size,
		.grows = true,
		.more_fd = f->now->more[0],
	};
	return mb_image_download_read(f->store, &f->now->from->digest, &ret->fd, err);
}

static void find_source(void *arg, size_t index, struct mb_image_layer_job *job)
{
	struct fetch *f = arg;

	f->now = find_piece(f, index);
	f->stop = job->stop;
	f->stop_arg = job->turn_arg;
	if (!f->now)
		return;
	job->blob = &f->now->from->digest;
	job->open = open_piece;
	job->arg = f;
	job->from.size = (uint64_t)f->now->from->size;
	job->from.bound.limit = f->max_layer;
}

/* The layer needs its blob no more; and where a push finds it again. */
static void on_made(void *arg, size_t index, const struct mb_image_layer *layer)
{
	const struct fetch *f = arg;
	const struct piece *p = f->now;
	const struct mb_image_layer_blob blob = {
		.digest = p ? p->from->digest_text : NULL,
		.media_type = p ? p->from->media_type : NULL,
		.registry = f->ref->domain,
		.repository = f->ref->path,
		.size = p ? p->from->size : 0,
	};

	(void)index;
	(void)layer;
	if (!p)
		return;
	mb_image_lanes_say(f->lanes, (size_t)(p - f->pieces), NOT_NEEDED);
	mb_image_layer_blob_save(f->store, p->chain, &blob);
}

/* --- in the command --------------------------------------------------------------------------- */

static void report(const struct fetch *f, size_t index, const struct mb_image_progress *what)
{
	struct mb_image_progress progress = *what;
	char digits[13];

	progress.layer = digits;
	progress.index = index;
	progress.count = f->count;
	progress.total = (uint64_t)f->manifest->layers[index].size;
	snprintf(digits, sizeof(digits), "%.12s", f->image->diff_ids.v[index]);
	if (f->report->progress)
		f->report->progress(f->report->arg, &progress);
}

/* While the unpacker is faster than the network, the network is told of. */
static void report_piece(const struct fetch *f, const struct piece *p, uint64_t unpacked)
{
	size_t at = (size_t)(p - f->pieces);
	bool unpacks = unpacked && mb_image_lanes_state(f->lanes, at) == MB_IMAGE_LANE_DONE;

	report(f, p->index,
	       &(struct mb_image_progress){
		       .phase = unpacks ? MB_IMAGE_UNPACKS : MB_IMAGE_FETCHES,
		       .done = unpacks ? unpacked : mb_image_lanes_done(f->lanes, at),
	       });
}

static int on_tick(void *arg, const struct mb_image_stack *stack, struct mb_err *err)
{
	struct fetch *f = arg;

	for (size_t i = 0; i < f->count; i++) {
		const struct piece *p = find_piece(f, i);

		if (f->finished[i])
			continue;
		f->finished[i] = mb_image_stack_state(stack, i) == MB_IMAGE_LANE_DONE;
		if (f->finished[i])
			report(f, i,
			       &(struct mb_image_progress){
				       .done = (uint64_t)f->manifest->layers[i].size,
				       .finished = true,
				       .cached = mb_image_stack_was_there(stack, i),
			       });
		else if (p)
			report_piece(f, p, mb_image_stack_done(stack, i));
	}
	/* Unpacking would stop only because there is nothing more: the reason is here. */
	return f->lanes ? mb_image_lanes_failure(f->lanes, err) : 0;
}

static int add_piece(struct fetch *f, size_t index, struct mb_err *err)
{
	struct piece *p = &f->pieces[f->n];

	*p = (struct piece){
		.from = &f->manifest->layers[index],
		.chain = f->image->layers.v[index],
		.index = index,
		.more = {-1, -1},
	};
	f->n++;
	if (pipe2(p->more, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot make a pipe");
	return mb_image_download_keep(f->users_fd, &p->from->digest, err);
}

static int start(struct fetch *f, struct mb_err *err)
{
	struct mb_image_lanes_job job = {
		.n_lanes = MB_IMAGE_LANES, .work = bring, .end = end, .arg = f};
	int r = mb_image_download_users(f->store, &f->users_fd, err);

	for (size_t i = 0; r == 0 && i < f->count; i++)
		if (!mb_image_layer_is_there(f->store, f->image->layers.v[i]))
			r = add_piece(f, i, err);
	if (r < 0 || !f->n)
		return r;
	job.count = f->n;
	r = mb_image_lanes_start(&job, &f->lanes, err);
	for (size_t i = 0; i < f->n; i++)
		mb_close(&f->pieces[i].more[1]);
	return r;
}

/* The blobs are needed no more once there are layers; so are those of layers that an interrupted
 * pull had made.  Of blobs that are not what they should be, though all that came was looked at,
 * one was there before: with it the next pull would fail as well. */
static void remove_blobs(const struct fetch *f, int r, int of_lanes)
{
	if (r < 0 && (r != -EBADMSG || of_lanes < 0))
		return;
	for (size_t i = 0; i < f->count; i++)
		mb_image_download_remove(f->store, f->users_fd, &f->manifest->layers[i].digest);
}

static void fetch_done(struct fetch *f, int r)
{
	int of_lanes = f->lanes ? mb_image_lanes_failure(f->lanes, NULL) : 0;

	/* A lane may still be busy with what turned out not to be needed. */
	mb_image_lanes_free(f->lanes);
	remove_blobs(f, r, of_lanes);
	mb_close(&f->users_fd);
	for (size_t i = 0; i < f->n; i++) {
		mb_close(&f->pieces[i].more[0]);
		mb_close(&f->pieces[i].more[1]);
	}
	free(f->pieces);
	free(f->finished);
}

int mb_image_fetch(struct mb_store *store, const struct mb_image_fetch_from *from,
                   struct mb_image_plan *plan, const struct mb_image_report *report_to,
                   struct mb_err *err)
{
	size_t n = from->manifest->n_layers;
	struct fetch f = {.store = store,
	                  .reg = from->reg,
	                  .ref = from->ref,
	                  .manifest = from->manifest,
	                  .image = plan->image,
	                  .report = report_to,
	                  .max_layer = from->max_layer,
	                  .users_fd = -1,
	                  .count = n,
	                  .pieces = mb_calloc(n + 1, sizeof(*f.pieces)),
	                  .finished = mb_calloc(n + 1, sizeof(*f.finished))};
	const struct mb_image_stack_job job = {
		.image = plan->image,
		.source = find_source,
		.made = on_made,
		.tick = on_tick,
		.arg = &f,
	};
	int r = start(&f, err);

	if (r == 0)
		r = mb_image_stack_make(store, &job, err);
	fetch_done(&f, r);
	return r;
}
