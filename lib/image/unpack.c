/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/unpack.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "core/io.h"
#include "core/own.h"
#include "image/child.h"
#include "image/confine.h"
#include "image/flush.h"
#include "image/ring.h"
#include "image/write.h"

enum { TICK_MSEC = MB_IMAGE_FLUSH_MSEC };

struct job {
	pid_t parent;
	struct mb_image_ring ring;
	struct mb_image_stretch from;
	int root_fd, names_fd, skeleton_fd;
	bool bottom, plain;
};

static void __attribute__((noreturn)) send_and_exit(int fd, const void *report, size_t n)
{
	_exit(mb_write_full(fd, report, n) < 0);
}

static void run_reader(void *arg, int report_fd)
{
	struct job *job = arg;
	struct mb_image_fed fed = {0};
	int keep[] = {job->from.fd,
	              job->ring.full[1],
	              job->ring.empty[0],
	              report_fd,
	              job->from.grows ? job->from.more_fd : -1,
	              job->skeleton_fd,
	              job->from.memory ? job->from.memory[0] : -1,
	              job->from.memory ? job->from.memory[1] : -1};

	mb_image_ring_be_producer(&job->ring);
	if (mb_image_confine_begin(job->parent, keep, MB_N(keep), &fed.err) == 0 &&
	    mb_image_confine_reader(&fed.err) == 0)
		mb_image_feed(&job->from, &job->ring, job->skeleton_fd, &fed);
	send_and_exit(report_fd, &fed, sizeof(fed));
}

static void run_writer(void *arg, int report_fd)
{
	struct job *job = arg;
	struct mb_image_written written = {0};
	int keep[] = {job->root_fd, job->names_fd, job->ring.full[0], job->ring.empty[1],
	              report_fd};

	mb_image_ring_be_consumer(&job->ring);
	if (mb_image_confine_begin(job->parent, keep, MB_N(keep), &written.err) == 0 &&
	    mb_image_confine_writer(&job->root_fd, &written.err) == 0)
		mb_image_write(&job->ring,
		               &(struct mb_image_write_to){.root_fd = job->root_fd,
		                                           .names_fd = job->names_fd,
		                                           .bottom = job->bottom,
		                                           .plain = job->plain},
		               &written);
	send_and_exit(report_fd, &written, sizeof(written));
}

static void tick(const struct mb_image_watch *watch, const struct mb_image_ring *ring)
{
	if (watch && watch->tick)
		watch->tick(watch->arg, atomic_load(ring->progress));
}

/* Wait until @writer has something to say.  Return: whether it is still wanted. */
static bool await(struct job *job, const struct mb_image_child *writer,
                  const struct mb_image_watch *watch)
{
	struct pollfd p = {.fd = writer->report_fd, .events = POLLIN};
	MB_AUTO_IMAGE_CHILD struct mb_image_child flusher = {0};

	while (poll(&p, 1, TICK_MSEC) == 0 || (p.revents == 0 && errno == EINTR)) {
		tick(watch, &job->ring);
		if (watch && watch->stop && watch->stop(watch->arg))
			return false;
		/* A small layer never comes here. */
		if (!flusher.pid && !(watch && watch->flushed) &&
		    mb_image_flush_start(&flusher, job->root_fd, NULL) < 0)
			flusher.pid = 0;
	}
	tick(watch, &job->ring);
	return true;
}

static void take_fed(const struct mb_image_fed *fed, struct mb_image_unpacked *ret)
{
	memcpy(ret->stored, fed->stored, sizeof(ret->stored));
	memcpy(ret->plain, fed->plain, sizeof(ret->plain));
	ret->n_stored = fed->n_stored;
	ret->n_plain = fed->n_plain;
	ret->compressed = fed->compressed;
}

static int read_fed(struct mb_image_child *reader, struct mb_image_fed *fed, struct mb_err *err)
{
	int r = mb_image_child_read(reader, fed, sizeof(*fed), err);

	if (r < 0 || !fed->err.code)
		return r;
	if (err)
		*err = fed->err;
	return -fed->err.code;
}

static int read_written(struct mb_image_child *writer, struct mb_image_written *written,
                        struct mb_err *err)
{
	int r = mb_image_child_read(writer, written, sizeof(*written), err);

	if (r < 0 || !written->err.code)
		return r;
	if (err)
		*err = written->err;
	return -written->err.code;
}

int mb_image_unpack(const struct mb_image_stretch *from, const struct mb_image_unpack_to *to,
                    const struct mb_image_watch *watch, struct mb_image_unpacked *ret,
                    struct mb_err *err)
{
	struct job job = {.parent = getpid(),
	                  .from = *from,
	                  .root_fd = to->root_fd,
	                  .names_fd = to->names_fd,
	                  .skeleton_fd = to->skeleton_fd,
	                  .bottom = to->bottom,
	                  .plain = to->plain};
	MB_AUTO_IMAGE_CHILD struct mb_image_child writer = {0};
	MB_AUTO_IMAGE_CHILD struct mb_image_child reader = {0};
	struct mb_image_written written = {0};
	struct mb_image_fed fed = {0};
	struct mb_err why = MB_ERR_INIT;
	int r = mb_image_ring_init(&job.ring, err), w;

	if (r < 0)
		return r;
	job.from.bound.room = mb_image_bound_room(to->root_fd);
	r = mb_image_child_start(&reader, run_reader, &job, err);
	if (r == 0)
		r = mb_image_child_start(&writer, run_writer, &job, err);
	if (r < 0) {
		mb_image_ring_done(&job.ring);
		return r;
	}
	mb_image_ring_be_producer(&job.ring);
	mb_close(&job.ring.full[1]);
	mb_close(&job.ring.empty[0]);
	r = await(&job, &writer, watch) ? 0 : mb_fail(err, ECANCELED, "no longer wanted");
	mb_image_ring_done(&job.ring);
	if (r < 0)
		return r;
	w = read_written(&writer, &written, err);
	/* Whose failure came first?  A writer that misses data says -EPIPE, a reader without a
	 * writer too. */
	if (w == 0 || w == -EPIPE) {
		r = read_fed(&reader, &fed, &why);
		if (r < 0 && (w == 0 || r != -EPIPE)) {
			if (w == 0 || written.err.code == EPIPE)
				ret->entries = written.entries;
			*(err ? err : &(struct mb_err){0}) = why;
			return r;
		}
	}
	if (w < 0)
		return w;
	take_fed(&fed, ret);
	ret->entries = written.entries;
	ret->files = written.files;
	ret->bytes = written.bytes;
	return 0;
}

static int drain_to_file(struct mb_image_ring *ring, int to_fd, const struct mb_image_watch *watch,
                         struct mb_err *err)
{
	uint64_t next = 0;

	for (;;) {
		const unsigned char *bytes;
		size_t n;
		int r = mb_image_ring_pull(ring, &bytes, &n);

		if (r < 0)
			return mb_fail(err, EPIPE, "the archive could not be read to its end");
		if (n == 0)
			return 0;
		r = mb_write_full(to_fd, bytes, n);
		if (r < 0)
			return mb_fail_sys(err, -r, "cannot write the archive to disk");
		if (atomic_load(ring->progress) >= next) {
			tick(watch, ring);
			next = atomic_load(ring->progress) + (8 << 20);
		}
	}
}

int mb_image_spool(const struct mb_image_stretch *from, int to_fd,
                   const struct mb_image_watch *watch, struct mb_image_unpacked *ret,
                   struct mb_err *err)
{
	struct job job = {.parent = getpid(), .from = *from, .skeleton_fd = -1};
	MB_AUTO_IMAGE_CHILD struct mb_image_child reader = {0};
	struct mb_image_fed fed = {0};
	int r = mb_image_ring_init(&job.ring, err), f;

	if (r < 0)
		return r;
	job.from.bound.room = mb_image_bound_room(to_fd);
	r = mb_image_child_start(&reader, run_reader, &job, err);
	if (r < 0) {
		mb_image_ring_done(&job.ring);
		return r;
	}
	mb_image_ring_be_consumer(&job.ring);
	r = drain_to_file(&job.ring, to_fd, watch, err);
	mb_image_ring_done(&job.ring);
	if (r < 0 && r != -EPIPE)
		return r;
	f = read_fed(&reader, &fed, err);
	if (f < 0)
		return f;
	if (r == 0)
		take_fed(&fed, ret);
	return r;
}
