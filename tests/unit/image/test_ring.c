/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/own.h"
#include "image/feed.h"
#include "image/ring.h"

/* All of @text through a child that feeds; what it said of itself. */
static struct mb_image_fed *feed(const void *text, size_t n, unsigned char *out, size_t *ret_n)
{
	struct mb_image_fed *fed =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MB_AUTO_CLOSE int file = memfd_create("feed", MFD_CLOEXEC);
	struct mb_image_ring ring;
	size_t got = 0;
	pid_t pid;

	assert_ptr_not_equal(fed, MAP_FAILED);
	assert_int_equal(write(file, text, n), (ssize_t)n);
	assert_int_equal(mb_image_ring_init(&ring, NULL), 0);
	pid = fork();
	if (pid == 0) {
		const struct mb_image_stretch from = {.fd = file, .seekable = true, .size = n};

		mb_image_ring_be_producer(&ring);
		mb_image_feed(&from, &ring, -1, fed);
		_exit(0);
	}
	mb_image_ring_be_consumer(&ring);
	for (;;) {
		const unsigned char *bytes;
		size_t len;

		if (mb_image_ring_pull(&ring, &bytes, &len) < 0 || !len)
			break;
		if (out)
			memcpy(out + got, bytes, len);
		got += len;
	}
	waitpid(pid, NULL, 0);
	mb_image_ring_done(&ring);
	*ret_n = got;
	return fed;
}

static void feed_plain_is_whole(void **state)
{
	enum { SIZE = 3 * 1024 * 1024 + 17 };
	unsigned char *in = malloc(SIZE), *out = malloc(SIZE);
	char sum[MB_SHA256_TEXT];
	struct mb_image_fed *fed;
	size_t n;

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		in[i] = (unsigned char)(i * 7 + i / 251);
	fed = feed(in, SIZE, out, &n);
	mb_sha256_text(in, SIZE, sum);
	assert_int_equal(fed->err.code, 0);
	assert_int_equal(n, SIZE);
	assert_memory_equal(in, out, SIZE);
	assert_string_equal(fed->plain, sum);
	assert_string_equal(fed->stored, sum);
	assert_false(fed->compressed);
	munmap(fed, 8192);
	free(in);
	free(out);
}

static void feed_gzip_has_both_digests(void **state)
{
	/* printf hello | gzip -n */
	static const unsigned char text[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	                                     0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x86,
	                                     0xa6, 0x10, 0x36, 0x05, 0x00, 0x00, 0x00};
	unsigned char out[64];
	char sum[MB_SHA256_TEXT];
	struct mb_image_fed *fed;
	size_t n;

	(void)state;
	fed = feed(text, sizeof(text), out, &n);
	assert_int_equal(fed->err.code, 0);
	assert_int_equal(n, 5);
	assert_memory_equal(out, "hello", 5);
	assert_true(fed->compressed);
	mb_sha256_text("hello", 5, sum);
	assert_string_equal(fed->plain, sum);
	mb_sha256_text(text, sizeof(text), sum);
	assert_string_equal(fed->stored, sum);
	munmap(fed, 8192);
	fed = feed(text, sizeof(text) - 9, out, &n);
	assert_int_not_equal(fed->err.code, 0);
	munmap(fed, 8192);
}

static void feed_short_file_is_told(void **state)
{
	MB_AUTO_CLOSE int file = memfd_create("feed", MFD_CLOEXEC);
	const struct mb_image_stretch from = {.fd = file, .seekable = true, .size = 100};
	struct mb_image_fed fed = {0};
	struct mb_image_ring ring;

	(void)state;
	assert_int_equal(write(file, "short", 5), 5);
	assert_int_equal(mb_image_ring_init(&ring, NULL), 0);
	mb_image_feed(&from, &ring, -1, &fed);
	assert_int_equal(fed.err.code, EBADMSG);
	mb_image_ring_done(&ring);
}

static void ring_tells_a_lost_producer(void **state)
{
	struct mb_image_ring ring;
	const unsigned char *bytes;
	size_t n;

	(void)state;
	assert_int_equal(mb_image_ring_init(&ring, NULL), 0);
	mb_image_ring_be_consumer(&ring);
	assert_int_equal(mb_image_ring_pull(&ring, &bytes, &n), -EPIPE);
	mb_image_ring_done(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(feed_plain_is_whole),
		cmocka_unit_test(feed_gzip_has_both_digests),
		cmocka_unit_test(feed_short_file_is_told),
		cmocka_unit_test(ring_tells_a_lost_producer),
	};

	return cmocka_run_group_tests_name("image/ring", tests, NULL, NULL);
}
