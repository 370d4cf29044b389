/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"

#include "sys/copy.h"

enum { MIB = 1 << 20 };

static int make(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static void assert_same(int a, int b, off_t size)
{
	static char one[MIB], other[MIB];

	for (off_t at = 0; at < size; at += MIB) {
		ssize_t n = pread(a, one, MIB, at);

		assert_true(n > 0);
		assert_int_equal(pread(b, other, MIB, at), n);
		assert_memory_equal(one, other, (size_t)n);
	}
}

static void copy(int dir, off_t begin, off_t size)
{
	int from = make(dir, "from"), to = make(dir, "to");
	struct stat before, after;

	assert_int_equal(pwrite(from, "first", 5, begin), 5);
	assert_int_equal(pwrite(from, "second", 6, 9 * MIB + 3), 6);
	assert_int_equal(ftruncate(from, size), 0);
	assert_int_equal(mb_sys_copy_content(from, to), 0);
	assert_int_equal(fstat(from, &before), 0);
	assert_int_equal(fstat(to, &after), 0);
	assert_int_equal(after.st_size, size);
	assert_same(from, to, size);
	assert_true(after.st_blocks <= before.st_blocks + 2 * MIB / 512);
	close(from);
	close(to);
	unlinkat(dir, "from", 0);
	unlinkat(dir, "to", 0);
}

static void holes_stay_holes(void **state)
{
	int dir = scratch_fd(state), from, to;
	struct stat st;

	copy(dir, 0, 20 * MIB + 1);
	copy(dir, 5 * MIB, 9 * MIB + 9);
	from = make(dir, "from");
	to = make(dir, "to");
	assert_int_equal(ftruncate(from, 3 * MIB), 0);
	assert_int_equal(mb_sys_copy_content(from, to), 0);
	assert_int_equal(fstat(to, &st), 0);
	assert_int_equal(st.st_size, 3 * MIB);
	assert_int_equal(st.st_blocks, 0);
	close(from);
	close(to);
}

/* From where it stands, to where the other one does. */
static void rests_are_copied(void **state)
{
	int dir = scratch_fd(state), from = make(dir, "from"), to = make(dir, "to");
	char buf[16] = {0};

	assert_int_equal(pwrite(from, "0123456789", 10, 0), 10);
	assert_int_equal(ftruncate(from, 10), 0);
	assert_int_equal(lseek(from, 7, SEEK_SET), 7);
	assert_int_equal(write(to, "ab", 2), 2);
	assert_int_equal(mb_sys_copy_content(from, to), 0);
	assert_int_equal(pread(to, buf, sizeof(buf), 0), 5);
	assert_string_equal(buf, "ab789");
	close(from);
	close(to);
}

static void only_regular_files_are_opened(void **state)
{
	int dir = scratch_fd(state), fd = -1;

	write_text(dir, "file", "x");
	assert_int_equal(symlinkat("file", dir, "link"), 0);
	assert_int_equal(mkfifoat(dir, "pipe", 0600), 0);
	assert_int_equal(mkdirat(dir, "dir", 0700), 0);
	assert_int_equal(mb_sys_copy_open(dir, "link", &fd), -ESTALE);
	assert_int_equal(mb_sys_copy_open(dir, "pipe", &fd), -ESTALE);
	assert_int_equal(mb_sys_copy_open(dir, "dir", &fd), -ESTALE);
	assert_int_equal(mb_sys_copy_open(dir, "nothing", &fd), -ENOENT);
	assert_int_equal(fd, -1);
	assert_int_equal(mb_sys_copy_open(dir, "file", &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(holes_stay_holes),
		SCRATCH_TEST(rests_are_copied),
		SCRATCH_TEST(only_regular_files_are_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
