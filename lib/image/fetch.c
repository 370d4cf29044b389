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
#include "oci/image_spec.h"
#include "oci/ref.h"
#include "registry/registry.h"

enum { NEEDED = 1, NOT_NEEDED = 2, REST_NSEC = 50000000, TICK_MSEC = 100 };

/* A layer that is not here yet. */
struct piece {
	const struct mb_oci_descriptor *from;
	const char *chain, *diff_id;
	size_t index;
	int more[2];          /* see struct mb_image_stretch */
	bool opened, settled; /* the command reads it; is through with it */
};

struct fetch {
	struct mb_store *store;
	struct mb_registry *reg;
	const struct mb_oci_ref *ref;
	const struct mb_image_report *report;
	struct piece *pieces;
	size_t n, count; /* pieces; layers of the image */
	struct mb_image_lanes *lanes;
	size_t at;         /* the piece that a lane works on */
	struct piece *now; /* the command waits for or unpacks */
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
		int r = mb_image_download_open(f->store, &p->from->digest, ret, err);
		int word = mb_image_lanes_word(f->lanes, f->at);

		if (r < 0)
			return r;
		if (r == 0 && (ret->is_whole || ret->have || word == NEEDED ||
		               !mb_image_layer_is_there(f->store, p->chain)))
			return 0;
		if (r == 0) {
			mb_image_download_done(ret);
			mb_image_download_remove(f->store, &p->from->digest);
		}
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

/* --- in the command --------------------------------------------------------------------------- */

static void report(const struct fetch *f, const struct piece *p, enum mb_image_phase phase,
                   uint64_t done, bool finished, bool cached)
{
	char digits[13];
	const struct mb_image_progress progress = {
		.phase = phase,
		.layer = digits,
		.index = p->index,
		.count = f->count,
		.done = done,
		.total = (uint64_t)p->from->size,
		.finished = finished,
		.cached = cached,
	};

	snprintf(digits, sizeof(digits), "%.12s", p->diff_id);
	if (f->report->progress)
		f->report->progress(f->report->arg, &progress);
}

/* What the lanes have, of those pieces that nobody else reports on. */
static void report_lanes(const struct fetch *f)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct piece *p = &f->pieces[i];

		if (!p->settled && !p->opened)
			report(f, p, MB_IMAGE_FETCHES, mb_image_lanes_done(f->lanes, i), false,
			       false);
	}
}

static int open_piece(void *arg, struct mb_image_stretch *ret, struct mb_err *err)
{
	struct fetch *f = arg;
	struct pollfd news = {.fd = f->now->more[0], .events = POLLIN};
	size_t index = (size_t)(f->now - f->pieces);
	int r;

	mb_image_lanes_say(f->lanes, index, NEEDED);
	while (poll(&news, 1, TICK_MSEC) <= 0) {
		r = mb_image_lanes_failure(f->lanes, err);
		if (r < 0)
			return r;
		report_lanes(f);
	}
	*ret = (struct mb_image_stretch){
		.seekable = true,
		.size = (uint64_t)f->now->from->size,
		.grows = true,
		.more_fd = f->now->more[0],
	};
	r = mb_image_download_read(f->store, &f->now->from->digest, &ret->fd, err);
	f->now->opened = r == 0;
	return r;
}

/* The unpacker's reports: while it is faster than the network, it tells of that. */
static void on_progress(void *arg, const struct mb_image_progress *progress)
{
	struct fetch *f = arg;
	size_t index = (size_t)(f->now - f->pieces);
	bool fetched = mb_image_lanes_state(f->lanes, index) == MB_IMAGE_LANE_DONE;

	f->now->settled = progress->finished;
	report(f, f->now, progress->finished || fetched ? MB_IMAGE_UNPACKS : MB_IMAGE_FETCHES,
	       fetched ? progress->done : mb_image_lanes_done(f->lanes, index), progress->finished,
	       progress->cached);
	report_lanes(f);
}

static struct piece *find_piece(struct fetch *f, size_t index)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->pieces[i].index == index)
			return &f->pieces[i];
	return NULL;
}

/* Where a push finds it again. */
static void remember(const struct fetch *f, const struct piece *p)
{
	const struct mb_image_layer_blob blob = {
		.digest = p->from->digest_text,
		.media_type = p->from->media_type,
		.registry = f->ref->domain,
		.repository = f->ref->path,
		.size = p->from->size,
	};

	mb_image_layer_blob_save(f->store, p->chain, &blob);
}

static int unpack_one(struct fetch *f, struct mb_image_plan *plan, size_t index, struct mb_err *err)
{
	struct mb_image *image = plan->image;
	const struct mb_image_report own = {on_progress, f};
	struct mb_image_layer layer;
	struct mb_image_layer_job job = {
		.parent = index ? image->layers.v[index - 1] : NULL,
		.lowers = (const char *const *)image->layers.v,
		.n_lowers = index,
		.diff_id = image->diff_ids.v[index],
		.report = f->report,
		.index = index,
		.count = f->count,
	};
	int r;

	f->now = find_piece(f, index);
	if (f->now) {
		job.blob = &f->now->from->digest;
		job.open = open_piece;
		job.arg = f;
		job.report = &own;
		job.from.size = (uint64_t)f->now->from->size;
	}
	r = mb_image_layer_ensure(f->store, &job, &layer, err);
	if (f->now)
		mb_image_lanes_say(f->lanes, (size_t)(f->now - f->pieces), NOT_NEEDED);
	if (r == 0)
		image->size += layer.bytes;
	if (r == 0 && f->now)
		remember(f, f->now);
	/* Unpacking stopped because there was nothing more: the reason is elsewhere. */
	if (r < 0 && f->lanes) {
		int why = mb_image_lanes_failure(f->lanes, err);

		r = why < 0 ? why : r;
	}
	return r;
}

static int add_piece(struct fetch *f, const struct mb_oci_descriptor *from,
                     const struct mb_image *image, size_t index, struct mb_err *err)
{
	struct piece *p = &f->pieces[f->n];

	*p = (struct piece){
		.from = from,
		.chain = image->layers.v[index],
		.diff_id = image->diff_ids.v[index],
		.index = index,
		.more = {-1, -1},
	};
	f->n++;
	return pipe2(p->more, O_CLOEXEC) < 0 ? mb_fail_sys(err, errno, "cannot make a pipe") : 0;
}

static int start(struct fetch *f, const struct mb_oci_manifest *manifest,
                 const struct mb_image *image, struct mb_err *err)
{
	const struct mb_image_lanes_job job = {
		.n_lanes = MB_IMAGE_LANES, .work = bring, .end = end, .arg = f};
	struct mb_image_lanes_job all = job;
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->count; i++)
		if (!mb_image_layer_is_there(f->store, image->layers.v[i]))
			r = add_piece(f, &manifest->layers[i], image, i, err);
	if (r < 0 || !f->n)
		return r;
	all.count = f->n;
	r = mb_image_lanes_start(&all, &f->lanes, err);
	for (size_t i = 0; i < f->n; i++)
		mb_close(&f->pieces[i].more[1]);
	return r;
}

int mb_image_fetch(struct mb_store *store, const struct mb_image_fetch_from *from,
                   struct mb_image_plan *plan, const struct mb_image_report *report_to,
                   struct mb_err *err)
{
	struct fetch f = {.store = store,
	                  .reg = from->reg,
	                  .ref = from->ref,
	                  .report = report_to,
	                  .count = from->manifest->n_layers,
	                  .pieces = mb_calloc(from->manifest->n_layers + 1, sizeof(*f.pieces))};
	int r = start(&f, from->manifest, plan->image, err);

	if (f.n)
		report_lanes(&f);
	for (size_t i = 0; r == 0 && i < f.count; i++)
		r = unpack_one(&f, plan, i, err);
	/* A lane may still be busy with what turned out not to be needed. */
	mb_image_lanes_free(f.lanes);
	/* Those of layers that an interrupted pull had made are there too. */
	for (size_t i = 0; r == 0 && i < f.count; i++)
		mb_image_download_remove(store, &from->manifest->layers[i].digest);
	for (size_t i = 0; i < f.n; i++) {
		mb_close(&f.pieces[i].more[0]);
		mb_close(&f.pieces[i].more[1]);
	}
	free(f.pieces);
	return r;
}
