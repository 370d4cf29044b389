/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libdeflate.h>

#include "core/own.h"
#include "core/str.h"
#include "image/gunzip.h"

struct stream {
	struct mb_str in, out, want;
	size_t at, step; /* read so far; bytes that a read gives */
	int write_fails;
	bool sized; /* it says how long it is */
	int memory[2];
};

static ssize_t give(void *arg, void *to, size_t n)
{
	struct stream *s = arg;
	size_t left = s->in.len - s->at, part = n < left ? n : left;

	part = part < s->step ? part : s->step;
	memcpy(to, s->in.buf + s->at, part);
	s->at += part;
	return (ssize_t)part;
}

static int take(void *arg, const void *bytes, size_t n)
{
	struct stream *s = arg;

	if (s->write_fails)
		return s->write_fails;
	mb_str_addn(&s->out, bytes, n);
	return 0;
}

/* A member of @n bytes that do (@noise) or do not get smaller. */
static void add_member(struct stream *s, size_t n, bool noise)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);
	MB_AUTO_FREE unsigned char *plain = mb_malloc(n + 1);
	size_t room = libdeflate_gzip_compress_bound(c, n), got;
	MB_AUTO_FREE unsigned char *pressed = mb_malloc(room);
	static uint32_t seed = 1;

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		plain[i] = noise ? (unsigned char)(seed >> 24) : (unsigned char)(i / 1000);
	}
	got = libdeflate_gzip_compress(c, plain, n, pressed, room);
	assert_true(got > 0);
	mb_str_addn(&s->in, pressed, got);
	mb_str_addn(&s->want, plain, n);
	libdeflate_free_compressor(c);
}

/* Return: what it says; *@ret_rest: what of the stream is left. */
static int gunzip(struct stream *s, size_t *ret_rest)
{
	struct mb_image_gunzip g = {.read = give,
	                            .write = take,
	                            .arg = s,
	                            .size = s->sized ? s->in.len : 0,
	                            .memory = s->sized ? s->memory : NULL};
	int r;

	s->at = 0;
	s->step = s->step ? s->step : SIZE_MAX;
	mb_str_reset(&s->out);
	r = mb_image_gunzip(&g);
	*ret_rest = g.n - g.at + s->in.len - s->at;
	if (g.n > g.at)
		assert_memory_equal(g.in + g.at, s->in.buf + s->in.len - *ret_rest, g.n - g.at);
	mb_image_gunzip_done(&g);
	return r;
}

static void check_whole(struct stream *s)
{
	size_t rest = 1;

	assert_int_equal(gunzip(s, &rest), 0);
	assert_int_equal(rest, 0);
	assert_int_equal(s->out.len, s->want.len);
	assert_memory_equal(s->out.buf, s->want.buf, s->want.len);
}

static void done(struct stream *s)
{
	mb_str_done(&s->in);
	mb_str_done(&s->out);
	mb_str_done(&s->want);
}

static void gunzip_takes_members_whatever_the_reads_are(void **state)
{
	static const size_t steps[] = {0, 1 << 20, 4097, 13};
	struct stream s = {.in = MB_STR_INIT};

	(void)state;
	add_member(&s, 0, false);
	add_member(&s, 512 * 1024, true);
	add_member(&s, MB_IMAGE_GUNZIP_OUT, false);
	for (int i = 0; i < 6; i++)
		add_member(&s, 512 * 1024, true);
	add_member(&s, 1, true);
	for (size_t i = 0; i < MB_N(steps); i++) {
		s.step = steps[i];
		check_whole(&s);
	}
	done(&s);
}

static void gunzip_leaves_a_member_that_is_too_large(void **state)
{
	for (int noise = 0; noise < 2; noise++) {
		struct stream s = {.in = MB_STR_INIT};
		size_t rest, before, want;

		(void)state;
		add_member(&s, 700000, true);
		before = s.in.len;
		want = s.want.len;
		/* More than fits out, and more than fits in. */
		add_member(&s, noise ? MB_IMAGE_GUNZIP_IN : MB_IMAGE_GUNZIP_OUT + 1, noise);
		assert_int_equal(gunzip(&s, &rest), MB_IMAGE_GUNZIP_REST);
		assert_int_equal(rest, s.in.len - before);
		assert_int_equal(s.out.len, want);
		done(&s);
	}
}

/* Nobody has kept the byte, and nobody has put a second one there. */
static void check_memory(const struct stream *s)
{
	char bytes[2];

	assert_int_equal(read(s->memory[0], bytes, sizeof(bytes)), 1);
	assert_int_equal(write(s->memory[1], ".", 1), 1);
}

static void gunzip_takes_the_rest_whole(void **state)
{
	static const size_t steps[] = {0, 4097};

	(void)state;
	for (int noise = 0; noise < 2; noise++) {
		struct stream s = {.in = MB_STR_INIT, .sized = true};
		size_t rest, first;

		assert_int_equal(pipe2(s.memory, O_NONBLOCK | O_CLOEXEC), 0);
		assert_int_equal(write(s.memory[1], ".", 1), 1);
		add_member(&s, 700000, true);
		first = s.in.len;
		add_member(&s, noise ? 8 << 20 : MB_IMAGE_GUNZIP_MOST, noise);
		for (size_t i = 0; i < MB_N(steps); i++) {
			s.step = steps[i];
			check_whole(&s);
			check_memory(&s);
		}
		/* Its sum is another one; it is longer than it says; it says too much. */
		for (size_t at = 8; at > 0; at -= 4) {
			s.in.buf[s.in.len - at] ^= 1;
			assert_int_equal(gunzip(&s, &rest), MB_IMAGE_GUNZIP_REST);
			assert_int_equal(rest, s.in.len - first);
			assert_int_equal(s.out.len, 700000);
			check_memory(&s);
			s.in.buf[s.in.len - at] ^= 1;
		}
		s.in.buf[s.in.len - 1] ^= 0x7f;
		assert_int_equal(gunzip(&s, &rest), MB_IMAGE_GUNZIP_REST);
		assert_int_equal(rest, s.in.len - first);
		close(s.memory[0]);
		close(s.memory[1]);
		done(&s);
	}
}

static void gunzip_leaves_a_rest_that_is_too_large(void **state)
{
	for (int noise = 0; noise < 2; noise++) {
		struct stream s = {.in = MB_STR_INIT, .sized = true};
		size_t rest;

		(void)state;
		assert_int_equal(pipe2(s.memory, O_NONBLOCK | O_CLOEXEC), 0);
		assert_int_equal(write(s.memory[1], ".", 1), 1);
		add_member(&s, noise ? MB_IMAGE_GUNZIP_WHOLE : MB_IMAGE_GUNZIP_MOST + 1, noise);
		assert_int_equal(gunzip(&s, &rest), MB_IMAGE_GUNZIP_REST);
		assert_int_equal(rest, s.in.len);
		assert_int_equal(s.out.len, 0);
		check_memory(&s);
		close(s.memory[0]);
		close(s.memory[1]);
		done(&s);
	}
}

static void gunzip_leaves_what_is_broken(void **state)
{
	struct stream s = {.in = MB_STR_INIT};
	size_t rest, first;

	(void)state;
	add_member(&s, 1000, true);
	first = s.in.len;
	add_member(&s, 1000, true);
	/* Its sum is another one. */
	s.in.buf[s.in.len - 8] ^= 1;
	assert_int_equal(gunzip(&s, &rest), MB_IMAGE_GUNZIP_REST);
	assert_int_equal(rest, s.in.len - first);
	assert_int_equal(s.out.len, 1000);
	s.in.buf[s.in.len - 8] ^= 1;
	/* It is cut off. */
	s.in.len -= 4;
	assert_int_equal(gunzip(&s, &rest), MB_IMAGE_GUNZIP_REST);
	assert_int_equal(rest, s.in.len - first);
	/* What follows is no member. */
	s.in.len = first;
	mb_str_addn(&s.in, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 14);
	assert_int_equal(gunzip(&s, &rest), 0);
	assert_int_equal(rest, 14);
	assert_int_equal(s.out.len, 1000);
	done(&s);
}

static void gunzip_ends_when_nobody_takes_it(void **state)
{
	struct stream s = {.in = MB_STR_INIT, .write_fails = -EPIPE};
	size_t rest;

	(void)state;
	add_member(&s, 1000, true);
	assert_int_equal(gunzip(&s, &rest), -EPIPE);
	done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gunzip_takes_members_whatever_the_reads_are),
		cmocka_unit_test(gunzip_leaves_a_member_that_is_too_large),
		cmocka_unit_test(gunzip_takes_the_rest_whole),
		cmocka_unit_test(gunzip_leaves_a_rest_that_is_too_large),
		cmocka_unit_test(gunzip_leaves_what_is_broken),
		cmocka_unit_test(gunzip_ends_when_nobody_takes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
