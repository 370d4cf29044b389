/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/press.h"

#include <errno.h>
#include <libdeflate.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zstd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "image/child.h"
#include "image/confine.h"

enum {
	SLOTS_EACH = 2, /* so that a worker has the next block when it is done with one */
	GZIP_LEVEL = 2, /* 3% larger than 6, in half the time: what podman sends is larger still */
	ZSTD_LEVEL = 3,
	GZIP_MAX = 9,
	ZSTD_MAX = 22,
};

/* What goes to a worker, and comes back from it. */
struct turn {
	uint32_t slot, len; /* bytes in the slot */
};

struct worker {
	struct mb_image_press *press;
	struct mb_image_child child;
	int near, far; /* the feeder's end, and the worker's */
};

struct mb_image_press {
	struct mb_image_press_how how;
	pid_t owner;
	size_t block, room;    /* bytes of a block, and of the slot that holds it */
	unsigned char *memory; /* of all processes: slots of @room bytes */
	size_t n_workers, n_slots;
	struct worker workers[MB_IMAGE_PRESS_MAX];
	/* of the feeder */
	int (*write)(void *arg, const void *bytes, size_t n);
	void *arg;
	uint64_t given, taken; /* blocks handed out, and collected */
	size_t len;            /* bytes in the block at hand */
};

static unsigned char *slot_at(const struct mb_image_press *press, size_t slot)
{
	return press->memory + slot * press->room;
}

/* --- a worker --------------------------------------------------------------------------------- */

struct engine {
	struct libdeflate_compressor *gzip;
	ZSTD_CCtx *zstd;
	unsigned char *out;
	size_t room; /* in it */
};

static int make_engine(const struct mb_image_press *press, struct engine *e, struct mb_err *err)
{
	const struct mb_image_press_how *how = &press->how;

	e->room = press->room;
	e->out = mb_malloc(e->room);
	if (how->format == MB_IMAGE_PRESS_GZIP) {
		e->gzip = libdeflate_alloc_compressor(how->level);
		return e->gzip ? 0 : mb_fail(err, ENOMEM, "cannot make a compressor");
	}
	e->zstd = ZSTD_createCCtx();
	if (!e->zstd ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_compressionLevel, how->level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_checksumFlag, 1)))
		return mb_fail(err, ENOMEM, "cannot make a compressor");
	return 0;
}

/* Bytes in e->out, or 0 when it failed. */
static size_t press_block(struct engine *e, const unsigned char *block, size_t len)
{
	size_t n;

	if (e->gzip)
		return libdeflate_gzip_compress(e->gzip, block, len, e->out, e->room);
	n = ZSTD_compress2(e->zstd, e->out, e->room, block, len);
	return ZSTD_isError(n) ? 0 : n;
}

static int work(struct worker *w, struct engine *e)
{
	const struct mb_image_press *press = w->press;

	for (;;) {
		unsigned char *block;
		struct turn turn;
		size_t n = 0;

		if (mb_read_full(w->far, &turn, sizeof(turn), &n) < 0 || n != sizeof(turn))
			return 0; /* the feeder is done, or gone */
		if (turn.slot >= press->n_slots || turn.len > press->block)
			return -EBADMSG;
		block = slot_at(press, turn.slot);
		n = press_block(e, block, turn.len);
		if (!n)
			return -EIO;
		memcpy(block, e->out, n);
		turn.len = (uint32_t)n;
		if (mb_write_full(w->far, &turn, sizeof(turn)) < 0)
			return 0;
	}
}

/* Sees memory and its socket alone. */
static void run_worker(void *arg, int report_fd)
{
	struct worker *w = arg;
	int keep[] = {w->far, report_fd};
	struct mb_err err = MB_ERR_INIT;
	struct engine engine = {0};

	if (mb_image_confine_begin(w->press->owner, keep, MB_N(keep), &err) == 0 &&
	    make_engine(w->press, &engine, &err) == 0 && mb_image_confine_reader(&err) == 0)
		_exit(work(w, &engine) < 0);
	_exit(1);
}

/* --- who starts them -------------------------------------------------------------------------- */

int mb_image_press_check(const struct mb_image_press_how *how, struct mb_err *err)
{
	int most = how->format == MB_IMAGE_PRESS_ZSTD ? ZSTD_MAX : GZIP_MAX;

	if (how->level < 0 || how->level > most)
		return mb_fail(err, EINVAL, "invalid compression level %d: %s has 1 to %d",
		               how->level, how->format == MB_IMAGE_PRESS_ZSTD ? "zstd" : "gzip",
		               most);
	return 0;
}

static size_t cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > MB_IMAGE_PRESS_MAX ? MB_IMAGE_PRESS_MAX : (size_t)n;
}

static int start_worker(struct mb_image_press *press, struct mb_err *err)
{
	struct worker *w = &press->workers[press->n_workers];
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return mb_fail_sys(err, errno, "cannot make a socket");
	*w = (struct worker){.press = press, .near = ends[0], .far = ends[1]};
	press->n_workers++;
	return mb_image_child_start(&w->child, run_worker, w, err);
}

int mb_image_press_start(const struct mb_image_press_how *how, struct mb_image_press **ret,
                         struct mb_err *err)
{
	struct mb_image_press *press = mb_calloc(1, sizeof(*press));
	size_t n = how->n_workers ? how->n_workers : cores();
	void *memory;
	int r = mb_image_press_check(how, err);

	n = n < MB_IMAGE_PRESS_MAX ? n : MB_IMAGE_PRESS_MAX;
	press->how = *how;
	press->block = how->format == MB_IMAGE_PRESS_ZSTD ? MB_IMAGE_PRESS_ZSTD_BLOCK
	                                                  : MB_IMAGE_PRESS_GZIP_BLOCK;
	/* What does not get smaller gets hardly larger: a few bytes for each 16 KiB of it. */
	press->room = press->block + press->block / 64 + 1024;
	press->owner = getpid();
	press->n_slots = n * SLOTS_EACH;
	if (!press->how.level)
		press->how.level = how->format == MB_IMAGE_PRESS_ZSTD ? ZSTD_LEVEL : GZIP_LEVEL;
	memory = mmap(NULL, press->n_slots * press->room, PROT_READ | PROT_WRITE,
	              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		r = r < 0 ? r : mb_fail_sys(err, errno, "cannot map memory");
	else
		press->memory = memory;
	for (size_t i = 0; i < n && r == 0; i++)
		r = start_worker(press, err);
	if (r < 0) {
		mb_image_press_free(press);
		return r;
	}
	*ret = press;
	return 0;
}

void mb_image_press_let_go(struct mb_image_press *press)
{
	for (size_t i = 0; press && i < press->n_workers; i++) {
		mb_close(&press->workers[i].near);
		mb_close(&press->workers[i].far);
	}
}

void mb_image_press_free(struct mb_image_press *press)
{
	if (!press)
		return;
	mb_image_press_let_go(press);
	for (size_t i = 0; i < press->n_workers; i++)
		mb_image_child_done(&press->workers[i].child);
	if (press->memory)
		munmap(press->memory, press->n_slots * press->room);
	free(press);
}

/* --- who feeds them --------------------------------------------------------------------------- */

size_t mb_image_press_fds(const struct mb_image_press *press, int *fds)
{
	for (size_t i = 0; i < press->n_workers; i++)
		fds[i] = press->workers[i].near;
	return press->n_workers;
}

void mb_image_press_open(struct mb_image_press *press,
                         int (*write)(void *arg, const void *bytes, size_t n), void *arg)
{
	press->write = write;
	press->arg = arg;
	press->given = press->taken = 0;
	press->len = 0;
}

/* The block that was handed out first comes back. */
static int collect(struct mb_image_press *press)
{
	size_t slot = press->taken % press->n_slots;
	struct worker *w = &press->workers[press->taken % press->n_workers];
	struct turn turn;
	size_t n = 0;

	if (mb_read_full(w->near, &turn, sizeof(turn), &n) < 0 || n != sizeof(turn) ||
	    turn.slot != slot || turn.len > press->room)
		return -EPIPE;
	press->taken++;
	return press->write(press->arg, slot_at(press, slot), turn.len);
}

static int hand_out(struct mb_image_press *press)
{
	const struct turn turn = {.slot = (uint32_t)(press->given % press->n_slots),
	                          .len = (uint32_t)press->len};
	struct worker *w = &press->workers[press->given % press->n_workers];

	if (mb_write_full(w->near, &turn, sizeof(turn)) < 0)
		return -EPIPE;
	press->given++;
	press->len = 0;
	return 0;
}

int mb_image_press_add(struct mb_image_press *press, const void *bytes, size_t n)
{
	int r = 0;

	while (r == 0 && n) {
		size_t part = press->block - press->len < n ? press->block - press->len : n;

		if (press->len == 0 && press->given - press->taken == press->n_slots) {
			r = collect(press);
			if (r < 0)
				break;
		}
		memcpy(slot_at(press, press->given % press->n_slots) + press->len, bytes, part);
		press->len += part;
		bytes = (const unsigned char *)bytes + part;
		n -= part;
		if (press->len == press->block)
			r = hand_out(press);
	}
	return r;
}

int mb_image_press_finish(struct mb_image_press *press)
{
	/* Nothing is a block, too: one that says so. */
	int r = press->len || !press->given ? hand_out(press) : 0;

	while (r == 0 && press->taken < press->given)
		r = collect(press);
	return r;
}
