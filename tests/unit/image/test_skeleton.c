/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/ring.h"
#include "image/skeleton.h"

enum { BLOCK = 512 };

/* A header with the right sum. */
static void add_header(struct mb_str *tar, const char *name, char type, size_t size)
{
	unsigned char block[BLOCK] = {0};
	unsigned sum = 0;

	snprintf((char *)block, 100, "%s", name);
	snprintf((char *)block + 124, 12, "%011zo", size);
	block[156] = (unsigned char)type;
	memcpy(block + 257, "ustar\00000", 8);
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += block[i];
	snprintf((char *)block + 148, 8, "%06o", sum);
	mb_str_addn(tar, block, BLOCK);
}

static void add_data(struct mb_str *tar, const char *text, size_t n)
{
	static const char zeros[BLOCK];

	mb_str_addn(tar, text, n);
	mb_str_addn(tar, zeros, (BLOCK - n % BLOCK) % BLOCK);
}

/* Taken in pieces of @step bytes. */
static int take(const struct mb_str *tar, size_t step)
{
	int fd = memfd_create("skeleton", MFD_CLOEXEC);
	struct mb_image_skeleton *s = mb_image_skeleton_new(fd);

	for (size_t at = 0; at < tar->len; at += step)
		mb_image_skeleton_add(s, (const unsigned char *)tar->buf + at,
		                      tar->len - at < step ? tar->len - at : step);
	assert_int_equal(mb_image_skeleton_finish(s), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* What comes out of @skeleton over @root; false when filling failed. */
static bool fill(int skeleton, int root, struct mb_str *out)
{
	struct mb_image_ring ring;
	int status = 0;
	pid_t pid;

	assert_int_equal(mb_image_ring_init(&ring, NULL), 0);
	pid = fork();
	if (pid == 0) {
		mb_image_ring_be_producer(&ring);
		_exit(mb_image_skeleton_fill(skeleton, root, &ring, NULL) < 0);
	}
	mb_image_ring_be_consumer(&ring);
	for (;;) {
		const unsigned char *bytes;
		size_t n;

		if (mb_image_ring_pull(&ring, &bytes, &n) < 0 || !n)
			break;
		mb_str_addn(out, bytes, n);
	}
	waitpid(pid, &status, 0);
	mb_image_ring_done(&ring);
	return status == 0;
}

static void put_file(int root, const char *name, const char *text)
{
	MB_AUTO_CLOSE int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static int make_root(char path[32])
{
	snprintf(path, 32, "/tmp/skeleton-XXXXXX");
	assert_non_null(mkdtemp(path));
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void skeleton_of_files(void **state)
{
	static const size_t steps[] = {1, 7, 511, 512, 513, 100000};
	MB_AUTO_STR struct mb_str tar = MB_STR_INIT;
	char path[32];
	MB_AUTO_CLOSE int root = make_root(path);

	(void)state;
	add_header(&tar, "./a", '0', 5);
	add_data(&tar, "hello", 5);
	add_header(&tar, "pax", 'x', 11);
	add_data(&tar, "11 path=/b\n", 11);
	add_header(&tar, "another", '0', 3);
	add_data(&tar, "two", 3);
	add_header(&tar, "long", 'L', 2);
	add_data(&tar, "c", 2);
	add_header(&tar, "another", '0', 4);
	add_data(&tar, "four", 4);
	add_header(&tar, "d", '5', 0);
	add_data(&tar, "", 0);
	mb_str_addn(&tar, (char[2 * BLOCK]){0}, sizeof(char[2 * BLOCK]));
	mb_str_add(&tar, "what follows the end");
	put_file(root, "a", "HELLO");
	put_file(root, "b", "TWO");
	put_file(root, "c", "FOUR");
	for (size_t i = 0; i < MB_N(steps); i++) {
		MB_AUTO_CLOSE int fd = take(&tar, steps[i]);
		MB_AUTO_STR struct mb_str out = MB_STR_INIT;

		/* The content is the tree's, all else the archive's. */
		assert_true(fill(fd, root, &out));
		assert_int_equal(out.len, tar.len);
		memcpy(memmem(out.buf, out.len, "HELLO", 5), "hello", 5);
		memcpy(memmem(out.buf, out.len, "TWO", 3), "two", 3);
		memcpy(memmem(out.buf, out.len, "FOUR", 4), "four", 4);
		assert_memory_equal(out.buf, tar.buf, tar.len);
	}
	put_file(root, "b", "longer");
	{
		MB_AUTO_CLOSE int fd = take(&tar, 512);
		MB_AUTO_STR struct mb_str out = MB_STR_INIT;

		assert_false(fill(fd, root, &out));
	}
	unlinkat(root, "a", 0);
	unlinkat(root, "b", 0);
	unlinkat(root, "c", 0);
	rmdir(path);
}

/* Cut anywhere, or no archive at all: then it is kept whole. */
static void skeleton_of_anything(void **state)
{
	MB_AUTO_STR struct mb_str tar = MB_STR_INIT;
	MB_AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned seed = 1;

	(void)state;
	add_header(&tar, "sparse", 'S', 5);
	add_data(&tar, "hello", 5);
	add_header(&tar, "odd", '1', 700);
	for (int i = 0; i < 3000; i++)
		mb_str_addc(&tar, (char)((seed = seed * 1103515245u + 12345u) >> 16));
	for (size_t n = 0; n <= tar.len; n += 131) {
		const struct mb_str part = {.buf = tar.buf, .len = n, .cap = tar.cap};
		MB_AUTO_CLOSE int fd = take(&part, 100);
		MB_AUTO_STR struct mb_str out = MB_STR_INIT;

		assert_true(fill(fd, root, &out) || n == 0);
		assert_int_equal(out.len, n);
		assert_memory_equal(mb_str_text(&out), tar.buf, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(skeleton_of_files),
		cmocka_unit_test(skeleton_of_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
