/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libdeflate.h>
#include <zstd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/press.h"

enum { BLOCK = MB_IMAGE_PRESS_GZIP_BLOCK, LONG = MB_IMAGE_PRESS_ZSTD_BLOCK };

static int add_out(void *arg, const void *bytes, size_t n)
{
	mb_str_addn(arg, bytes, n);
	return 0;
}

static int refuse(void *arg, const void *bytes, size_t n)
{
	(void)arg;
	(void)bytes;
	(void)n;
	return -ENOSPC;
}

/* Taken in pieces of @step bytes. */
static int press(struct mb_image_press_how how, const struct mb_str *in, size_t step,
                 int (*write)(void *arg, const void *bytes, size_t n), struct mb_str *out)
{
	struct mb_image_press *p = NULL;
	int r;

	assert_int_equal(mb_image_press_start(&how, &p, NULL), 0);
	mb_image_press_open(p, write, out);
	r = 0;
	for (size_t at = 0; r == 0 && at < in->len; at += step)
		r = mb_image_press_add(p, in->buf + at, in->len - at < step ? in->len - at : step);
	if (r == 0)
		r = mb_image_press_finish(p);
	mb_image_press_free(p);
	return r;
}

/* Members one after the other, whose sums and lengths are right, and nothing behind them. */
static void check_gzip(const struct mb_str *pressed, const struct mb_str *plain)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	MB_AUTO_FREE unsigned char *out = mb_malloc(plain->len + 1);
	size_t from = 0, to = 0;

	do {
		size_t used = 0, made = 0;

		assert_int_equal(libdeflate_gzip_decompress_ex(d, pressed->buf + from,
		                                               pressed->len - from, out + to,
		                                               plain->len + 1 - to, &used, &made),
		                 LIBDEFLATE_SUCCESS);
		from += used;
		to += made;
	} while (from < pressed->len);
	libdeflate_free_decompressor(d);
	assert_int_equal(to, plain->len);
	assert_memory_equal(out, mb_str_text(plain), plain->len);
}

static void check_zstd(const struct mb_str *pressed, const struct mb_str *plain)
{
	MB_AUTO_FREE unsigned char *out = mb_malloc(plain->len + 1);
	size_t n = ZSTD_decompress(out, plain->len + 1, pressed->buf, pressed->len);

	assert_false(ZSTD_isError(n));
	assert_int_equal(n, plain->len);
	assert_memory_equal(out, mb_str_text(plain), plain->len);
}

/* Half of it words, half of it noise. */
static void fill(struct mb_str *s, size_t n)
{
	uint32_t state = 1;

	mb_str_reserve(s, n + 1);
	for (size_t i = 0; i < n; i++) {
		state = state * 1664525 + 1013904223;
		s->buf[i] = i % 4096 < 2048 ? (char)(state >> 24) : "the same words "[i % 15];
	}
	s->buf[n] = '\0';
	s->len = n;
}

static void press_same_bytes(void **state)
{
	static const size_t sizes[] = {0,         1,         BLOCK - 1,      BLOCK,
	                               BLOCK + 1, 2 * BLOCK, 7 * BLOCK + 13, LONG + 13};

	(void)state;
	for (int format = MB_IMAGE_PRESS_GZIP; format <= MB_IMAGE_PRESS_ZSTD; format++)
		for (size_t i = 0; i < MB_N(sizes); i++) {
			MB_AUTO_STR struct mb_str plain = MB_STR_INIT;
			MB_AUTO_STR struct mb_str one = MB_STR_INIT, three = MB_STR_INIT;
			struct mb_image_press_how how = {.format = format, .n_workers = 1};

			/* Each format is cut at its own blocks. */
			if (format == MB_IMAGE_PRESS_GZIP ? sizes[i] > 8 * BLOCK
			                                  : sizes[i] > 2 * BLOCK && sizes[i] < LONG)
				continue;
			fill(&plain, sizes[i]);
			assert_int_equal(press(how, &plain, 100000, add_out, &one), 0);
			how.n_workers = 3;
			assert_int_equal(press(how, &plain, 262144, add_out, &three), 0);
			assert_int_equal(one.len, three.len);
			assert_memory_equal(one.buf, three.buf, one.len);
			if (format == MB_IMAGE_PRESS_GZIP)
				check_gzip(&one, &plain);
			else
				check_zstd(&one, &plain);
		}
}

static void press_levels(void **state)
{
	MB_AUTO_STR struct mb_str plain = MB_STR_INIT, fast = MB_STR_INIT, small = MB_STR_INIT;
	struct mb_err err = MB_ERR_INIT;
	struct mb_image_press_how how = {MB_IMAGE_PRESS_ZSTD, .level = 23};

	(void)state;
	fill(&plain, BLOCK);
	assert_int_equal(mb_image_press_check(&how, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "zstd has 1 to 22"));
	how = (struct mb_image_press_how){MB_IMAGE_PRESS_GZIP, .level = 10};
	assert_int_equal(mb_image_press_check(&how, NULL), -EINVAL);
	how.level = -1;
	assert_int_equal(mb_image_press_check(&how, NULL), -EINVAL);
	how.level = 1;
	assert_int_equal(press(how, &plain, BLOCK, add_out, &fast), 0);
	how.level = 9;
	assert_int_equal(press(how, &plain, BLOCK, add_out, &small), 0);
	assert_true(small.len < fast.len && small.len < plain.len);
	check_gzip(&small, &plain);
}

static void press_no_room(void **state)
{
	MB_AUTO_STR struct mb_str plain = MB_STR_INIT;
	const struct mb_image_press_how how = {MB_IMAGE_PRESS_ZSTD, .n_workers = 2};

	(void)state;
	fill(&plain, 5 * LONG);
	assert_int_equal(press(how, &plain, BLOCK, refuse, NULL), -ENOSPC);
}

/* Who forked them is not who feeds them, and ends them: that is told, not waited for. */
static void press_workers_gone(void **state)
{
	const struct mb_image_press_how how = {MB_IMAGE_PRESS_GZIP, .n_workers = 2};
	MB_AUTO_STR struct mb_str plain = MB_STR_INIT, out = MB_STR_INIT;
	int fds[MB_IMAGE_PRESS_MAX];
	struct mb_image_press *p = NULL;

	(void)state;
	fill(&plain, BLOCK);
	assert_int_equal(mb_image_press_start(&how, &p, NULL), 0);
	assert_int_equal(mb_image_press_fds(p, fds), 2);
	mb_image_press_open(p, add_out, &out);
	assert_int_equal(mb_image_press_add(p, plain.buf, 10), 0);
	mb_image_press_let_go(p);
	assert_int_equal(mb_image_press_finish(p), -EPIPE);
	mb_image_press_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(press_same_bytes),
		cmocka_unit_test(press_levels),
		cmocka_unit_test(press_no_room),
		cmocka_unit_test(press_workers_gone),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
