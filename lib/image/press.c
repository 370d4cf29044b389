/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/press.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "image/child.h"
#include "image/confine.h"

enum {
	SLOTS_EACH = 2, /* so that a worker has the next block when it is done with one */
	GZIP_LEVEL = 6,
	ZSTD_LEVEL = 3,
	GZIP_MAX = 9,
	ZSTD_MAX = 22,
	WINDOW_BITS = 15,
	MEMORY_LEVEL = 8,
};

/* What goes to a worker, and comes back from it. */
struct turn {
	uint32_t slot, len; /* bytes in the slot */
	uint32_t crc;       /* of the input, for gzip */
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
	uint64_t total;        /* of the input */
	uLong crc;
};

static const unsigned char gzip_head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};
static const unsigned char gzip_end[] = {0x03, 0x00}; /* a last block without content */

static unsigned char *slot_at(const struct mb_image_press *press, size_t slot)
{
	return press->memory + slot * press->room;
}

/* --- a worker --------------------------------------------------------------------------------- */

struct engine {
	z_stream gzip;
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
		if (deflateInit2(&e->gzip, how->level, Z_DEFLATED, -WINDOW_BITS, MEMORY_LEVEL,
		                 Z_DEFAULT_STRATEGY) != Z_OK)
			return mb_fail(err, ENOMEM, "cannot make a compressor");
		return 0;
	}
	e->zstd = ZSTD_createCCtx();
	if (!e->zstd ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_compressionLevel, how->level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_checksumFlag, 1)))
		return mb_fail(err, ENOMEM, "cannot make a compressor");
	return 0;
}

/* Bytes in e->out, or 0 when it failed. */
static size_t deflate_block(struct engine *e, unsigned char *block, size_t len)
{
	deflateReset(&e->gzip);
	e->gzip.next_in = block;
	e->gzip.avail_in = (uInt)len;
	e->gzip.next_out = e->out;
	e->gzip.avail_out = (uInt)e->room;
	if (deflate(&e->gzip, Z_FULL_FLUSH) != Z_OK || e->gzip.avail_in || !e->gzip.avail_out)
		return 0;
	return e->room - e->gzip.avail_out;
}

static size_t zstd_block(struct engine *e, const unsigned char *block, size_t len)
{
	size_t n = ZSTD_compress2(e->zstd, e->out, e->room, block, len);

	return ZSTD_isError(n) ? 0 : n;
}

static int work(struct worker *w, struct engine *e)
{
	const struct mb_image_press *press = w->press;

	for (;;) {
		bool is_gzip = press->how.format == MB_IMAGE_PRESS_GZIP;
		unsigned char *block;
		struct turn turn;
		size_t n = 0;

		if (mb_read_full(w->far, &turn, sizeof(turn), &n) < 0 || n != sizeof(turn))
			return 0; /* the feeder is done, or gone */
		if (turn.slot >= press->n_slots || turn.len > press->block)
			return -EBADMSG;
		block = slot_at(press, turn.slot);
		turn.crc = is_gzip ? (uint32_t)crc32(0, block, turn.len) : 0;
		n = is_gzip ? deflate_block(e, block, turn.len) : zstd_block(e, block, turn.len);
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
	press->total = 0;
	press->crc = crc32(0, NULL, 0);
}

/* The block that was handed out first comes back. */
static int collect(struct mb_image_press *press)
{
	size_t slot = press->taken % press->n_slots;
	struct worker *w = &press->workers[press->taken % press->n_workers];
	uint64_t before = press->taken * press->block;
	uint64_t len = press->total - before < press->block ? press->total - before : press->block;
	struct turn turn;
	size_t n = 0;

	if (mb_read_full(w->near, &turn, sizeof(turn), &n) < 0 || n != sizeof(turn) ||
	    turn.slot != slot || turn.len > press->room)
		return -EPIPE;
	press->taken++;
	press->crc = crc32_combine(press->crc, turn.crc, (z_off_t)len);
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

	if (!press->total && press->how.format == MB_IMAGE_PRESS_GZIP && n)
		r = press->write(press->arg, gzip_head, sizeof(gzip_head));
	while (r == 0 && n) {
		size_t part = press->block - press->len < n ? press->block - press->len : n;

		if (press->len == 0 && press->given - press->taken == press->n_slots) {
			r = collect(press);
			if (r < 0)
				break;
		}
		memcpy(slot_at(press, press->given % press->n_slots) + press->len, bytes, part);
		press->len += part;
		press->total += part;
		bytes = (const unsigned char *)bytes + part;
		n -= part;
		if (press->len == press->block)
			r = hand_out(press);
	}
	return r;
}

static int finish_gzip(struct mb_image_press *press)
{
	unsigned char tail[8];
	int r = press->total ? 0 : press->write(press->arg, gzip_head, sizeof(gzip_head));

	for (unsigned i = 0; i < 4; i++) {
		tail[i] = (unsigned char)(press->crc >> (8 * i));
		tail[4 + i] = (unsigned char)(press->total >> (8 * i));
	}
	if (r == 0)
		r = press->write(press->arg, gzip_end, sizeof(gzip_end));
	return r == 0 ? press->write(press->arg, tail, sizeof(tail)) : r;
}

int mb_image_press_finish(struct mb_image_press *press)
{
	/* zstd has a frame for nothing, too. */
	bool nothing = !press->total && press->how.format == MB_IMAGE_PRESS_ZSTD;
	int r = press->len || nothing ? hand_out(press) : 0;

	while (r == 0 && press->taken < press->given)
		r = collect(press);
	return r == 0 && press->how.format == MB_IMAGE_PRESS_GZIP ? finish_gzip(press) : r;
}
