/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/rebuild.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "image/child.h"
#include "image/confine.h"
#include "image/press.h"
#include "image/ring.h"
#include "image/skeleton.h"
#include "store/store.h"

struct result {
	struct mb_err err;
	char plain[MB_SHA256_TEXT], blob[MB_SHA256_TEXT];
	uint64_t size;
};

struct job {
	pid_t parent;
	struct mb_image_ring ring;
	int skeleton, root, to;
	struct mb_image_press *press; /* NULL: as it is */
	/* of the packer */
	struct mb_sha256 sum;
	struct result result;
};

static void __attribute__((noreturn)) send_and_exit(int fd, const struct result *result)
{
	_exit(mb_write_full(fd, result, sizeof(*result)) < 0);
}

/* Reads the layer and sees nothing else. */
static void run_filler(void *arg, int report_fd)
{
	struct job *job = arg;
	int keep[] = {job->skeleton, job->root, job->ring.full[1], job->ring.empty[0], report_fd};
	struct mb_err *err = &job->result.err;

	mb_image_ring_be_producer(&job->ring);
	if (mb_image_confine_begin(job->parent, keep, MB_N(keep), err) == 0 &&
	    mb_image_confine_writer(&job->root, err) == 0 &&
	    mb_image_skeleton_fill(job->skeleton, job->root, &job->ring, err) < 0 && !err->code)
		mb_fail(err, EPIPE, "the archive could not be written to its end");
	send_and_exit(report_fd, &job->result);
}

static int write_out(void *arg, const void *bytes, size_t n)
{
	struct job *job = arg;
	int r = mb_write_full(job->to, bytes, n);

	if (r < 0)
		return mb_fail_sys(&job->result.err, -r, "cannot write the layer's archive");
	mb_sha256_add(&job->sum, bytes, n);
	job->result.size += n;
	return 0;
}

static int pack(struct job *job)
{
	struct mb_sha256 plain;
	int r = 0;

	mb_sha256_init(&plain);
	mb_sha256_init(&job->sum);
	for (;;) {
		const unsigned char *bytes;
		size_t n;

		if (mb_image_ring_pull(&job->ring, &bytes, &n) < 0)
			return -EPIPE;
		if (n == 0)
			break;
		mb_sha256_add(&plain, bytes, n);
		r = job->press ? mb_image_press_add(job->press, bytes, n)
		               : write_out(job, bytes, n);
		if (r < 0)
			break;
	}
	if (r == 0 && job->press)
		r = mb_image_press_finish(job->press);
	if (r < 0 && !job->result.err.code)
		return mb_fail(&job->result.err, EIO, "a compressing process ended early");
	mb_sha256_finish_text(&plain, job->result.plain);
	mb_sha256_finish_text(&job->sum, job->result.blob);
	return r;
}

/* Hashes what comes, has it compressed, and sees no file at all. */
static void run_packer(void *arg, int report_fd)
{
	struct job *job = arg;
	int keep[5 + MB_IMAGE_PRESS_MAX] = {job->to, job->ring.full[0], job->ring.empty[0],
	                                    job->ring.empty[1], report_fd};
	struct mb_err *err = &job->result.err;
	size_t n = 5;

	mb_image_ring_be_consumer(&job->ring);
	if (job->press) {
		n += mb_image_press_fds(job->press, keep + n);
		mb_image_press_open(job->press, write_out, job);
	}
	if (mb_image_confine_begin(job->parent, keep, n, err) == 0 &&
	    mb_image_confine_reader(err) == 0) {
		int r = pack(job);

		if (r < 0 && !err->code)
			mb_fail(err, -r, "the archive could not be read to its end");
	}
	send_and_exit(report_fd, &job->result);
}

static int read_result(struct mb_image_child *child, struct result *ret, struct mb_err *err)
{
	int r = mb_image_child_read(child, ret, sizeof(*ret), err);

	if (r < 0 || !ret->err.code)
		return r;
	if (err)
		*err = ret->err;
	return -ret->err.code;
}

static int run(struct job *job, struct result *ret, struct mb_err *err)
{
	MB_AUTO_IMAGE_CHILD struct mb_image_child filler = {0};
	MB_AUTO_IMAGE_CHILD struct mb_image_child packer = {0};
	struct result filled;
	int r = mb_image_ring_init(&job->ring, err), f;

	if (r == 0)
		r = mb_image_child_start(&filler, run_filler, job, err);
	if (r == 0)
		r = mb_image_child_start(&packer, run_packer, job, err);
	/* They have their ends: who waits for the other must see it go. */
	mb_image_ring_done(&job->ring);
	mb_image_press_let_go(job->press);
	if (r < 0)
		return r;
	r = read_result(&packer, ret, err);
	/* Whose failure came first?  Who is left alone says -EPIPE. */
	if (r < 0 && r != -EPIPE)
		return r;
	f = read_result(&filler, &filled, err);
	return f < 0 ? f : r;
}

static int open_layer(struct mb_store *store, const char *chain, struct job *job,
                      struct mb_err *err)
{
	MB_AUTO_CLOSE int layers = -1, own = -1;
	int r = mb_store_dir(store, "layers", false, &layers, err);

	if (r < 0)
		return r;
	own = openat(layers, chain, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (own < 0)
		return mb_fail_sys(err, errno, "cannot open it");
	job->root = openat(own, "diff", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	job->skeleton = openat(own, "tar", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (job->skeleton < 0 && errno == ENOENT)
		return mb_fail(err, ENOENT,
		               "it was unpacked by a version that kept no record of its archive: "
		               "remove the image and bring it in again");
	if (job->root < 0 || job->skeleton < 0)
		return mb_fail_sys(err, errno, "cannot open it");
	return 0;
}

int mb_image_rebuild(struct mb_store *store, const char *chain, const char *diff_id,
                     const struct mb_image_press_how *how, int to_fd, struct mb_image_rebuilt *ret,
                     struct mb_err *err)
{
	struct job job = {.parent = getpid(), .skeleton = -1, .root = -1, .to = to_fd};
	struct result result = {0};
	int r = open_layer(store, chain, &job, err);

	if (r == 0 && how && how->format != MB_IMAGE_PRESS_NONE)
		r = mb_image_press_start(how, &job.press, err);
	if (r == 0)
		r = run(&job, &result, err);
	mb_image_press_free(job.press);
	if (r == 0 && strcmp(result.plain, diff_id) != 0)
		r = mb_fail(err, EBADMSG, "its files are no longer those of 'sha256:%s'", diff_id);
	mb_close(&job.skeleton);
	mb_close(&job.root);
	if (r < 0)
		return mb_wrap(err, r, "layer '%.12s'", diff_id);
	memcpy(ret->blob, result.blob, sizeof(ret->blob));
	ret->size = result.size;
	return 0;
}

int mb_image_rebuild_file(struct mb_store *store, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_store_dir(store, "ingest", false, &dir, err);

	if (r < 0)
		return r;
	*ret_fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return *ret_fd < 0
	               ? mb_fail_sys(err, errno, "cannot create a file in '%s/ingest'", store->root)
	               : 0;
}
