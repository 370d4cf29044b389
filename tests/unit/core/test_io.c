/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>

#include "core/err.h"
#include "core/io.h"
#include "core/str.h"

static void whole_writes_pass_a_slow_pipe(void **state)
{
	static unsigned char sent[200000], got[sizeof(sent) + 1];
	size_t n = 0;
	int ends[2], status;
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (unsigned char)(i * 31 >> 3);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		_exit(mb_write_full(ends[1], sent, sizeof(sent)) == 0 ? 0 : 1);
	}
	close(ends[1]);
	assert_int_equal(mb_read_full(ends[0], got, sizeof(got), &n), 0);
	assert_int_equal(n, sizeof(sent));
	assert_memory_equal(sent, got, n);
	close(ends[0]);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void failures_have_their_number(void **state)
{
	char buf[8];
	size_t n;

	(void)state;
	assert_int_equal(mb_write_full(-1, "x", 1), -EBADF);
	assert_int_equal(mb_write_full(-1, "x", 0), 0);
	assert_int_equal(mb_read_full(-1, buf, 1, &n), -EBADF);
}

static void files_are_read_up_to_a_limit(void **state)
{
	UNIT_DIR dir;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_err err = MB_ERR_INIT;
	char big[10000];

	(void)state;
	unit_dir_init(&dir);
	memset(big, 'b', sizeof(big));
	unit_write(dir.fd, "big", big, sizeof(big));
	unit_write(dir.fd, "empty", "", 0);
	assert_int_equal(mb_read_file(dir.fd, "big", sizeof(big) - 1, &out, &err), -EFBIG);
	assert_string_equal(err.msg, "'big': longer than 9999 bytes");
	mb_str_reset(&out);
	mb_str_add(&out, "before ");
	assert_int_equal(mb_read_file(dir.fd, "big", sizeof(big), &out, &err), 0);
	assert_int_equal(out.len, 7 + sizeof(big));
	assert_memory_equal(out.buf, "before bbb", 10);
	assert_int_equal(out.buf[out.len], 0);
	assert_int_equal(mb_read_file(dir.fd, "empty", 0, &out, &err), 0);
	assert_int_equal(out.len, 7 + sizeof(big));
}

/* What stands in a file's place is refused, and never waited for. */
static void only_regular_files_are_read(void **state)
{
	UNIT_DIR dir;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	unit_dir_init(&dir);
	assert_int_equal(mkfifoat(dir.fd, "fifo", 0600), 0);
	assert_int_equal(mkdirat(dir.fd, "dir", 0700), 0);
	assert_int_equal(symlinkat("/etc/passwd", dir.fd, "link"), 0);
	assert_int_equal(mb_read_file(dir.fd, "fifo", 100, &out, &err), -EINVAL);
	assert_string_equal(err.msg, "'fifo' is not a regular file");
	assert_int_equal(mb_read_file(dir.fd, "dir", 100, &out, &err), -EINVAL);
	assert_int_equal(mb_read_file(dir.fd, "link", 100000, &out, &err), -ELOOP);
	assert_int_equal(mb_read_file(dir.fd, "none", 100, &out, &err), -ENOENT);
	assert_string_equal(err.msg, "cannot open 'none': No such file or directory");
	assert_int_equal(out.len, 0);
}

static void kernel_files(void **state)
{
	UNIT_DIR dir;
	char buf[8];

	(void)state;
	unit_dir_init(&dir);
	unit_write_text(dir.fd, "f", "12345\n");
	assert_int_equal(mb_read_kernel_file(dir.fd, "f", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "12345");
	/* A FIFO without a writer is empty, and holds nobody. */
	assert_int_equal(mkfifoat(dir.fd, "fifo", 0600), 0);
	assert_int_equal(mb_read_kernel_file(dir.fd, "fifo", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");
	assert_int_equal(mb_write_kernel_file(dir.fd, "f", "99"), 0);
	assert_int_equal(mb_read_kernel_file(dir.fd, "f", buf, 4), 0);
	assert_string_equal(buf, "993"); /* never more than there is room for */
	assert_int_equal(mb_read_kernel_file(dir.fd, "f", buf, 1), 0);
	assert_string_equal(buf, "");
	assert_int_equal(mb_read_kernel_file(dir.fd, "none", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(mb_write_kernel_file(dir.fd, "none", "1"), -ENOENT);
	assert_int_equal(symlinkat("f", dir.fd, "link"), 0);
	assert_int_equal(mb_write_kernel_file(dir.fd, "link", "1"), -ELOOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_writes_pass_a_slow_pipe),
		cmocka_unit_test(failures_have_their_number),
		cmocka_unit_test(files_are_read_up_to_a_limit),
		cmocka_unit_test(only_regular_files_are_read),
		cmocka_unit_test(kernel_files),
	};

	return cmocka_run_group_tests_name("core/io", tests, NULL, NULL);
}
