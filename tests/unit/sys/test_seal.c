/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sys/path.h"
#include "sys/seal.h"

#define E                \
	&(struct mb_err) \
	{                \
		0        \
	}

static void blob_is_sealed(void **state)
{
	char back[8] = "", link[MB_SYS_PATH_FD_TEXT];
	int fd = -1;

	(void)state;
	assert_int_equal(mb_sys_seal_blob("test", "content", 7, &fd, E), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(pread(fd, back, 7, 0), 7);
	assert_string_equal(back, "content");
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 3), -1);
	assert_int_equal(ftruncate(fd, 300), -1);
	assert_true(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	if (geteuid() == 0) {
		int again = open(mb_sys_path_of_fd(fd, link), O_WRONLY | O_TRUNC | O_CLOEXEC);

		assert_true(again < 0 || write(again, "x", 1) < 0);
		if (again >= 0)
			close(again);
		assert_int_equal(pread(fd, back, 7, 0), 7);
		assert_string_equal(back, "content");
	}
	close(fd);
}

/* Run this test program from @fd with the argument @word. */
static int run_self(int fd, const char *word)
{
	char *argv[] = {(char[]){"test_seal"}, mb_strdup(word), NULL};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
		_exit(99);
	}
	free(argv[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* In the program started again: 0 when sealed, and writing to the program fails. */
static int check_child(bool sealed)
{
	int fd = open("/proc/self/exe", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		return 40;
	return mb_sys_seal_is_sealed() == sealed ? 0 : 41;
}

static void self_by_each_method(void **state)
{
	struct mb_err err = MB_ERR_INIT;
	int fd = -1, r;

	(void)state;
	assert_false(mb_sys_seal_is_sealed());
	assert_int_equal(mb_sys_seal_self(MB_SYS_SEAL_MEMFD, &fd, &err), 0);
	assert_int_equal(run_self(fd, "sealed"), 0);
	close(fd);
	need_root("mounts");
	r = mb_sys_seal_self(MB_SYS_SEAL_OVERLAY, &fd, &err);
	if (r < 0)
		print_error("%s\n", err.msg);
	assert_int_equal(r, 0);
	assert_int_equal(run_self(fd, "sealed"), 0);
	close(fd);
}

static void ensure_starts_again_once(void **state)
{
	int exe = open("/proc/self/exe", O_PATH | O_CLOEXEC);

	(void)state;
	assert_int_equal(run_self(exe, "ensure"), 0);
	setenv("MYBOX_SEALED", "1", 1);
	assert_int_equal(run_self(exe, "ensure"), 50);
	unsetenv("MYBOX_SEALED");
	close(exe);
}

static int ensure_child(char **argv)
{
	char name[16] = "";
	struct mb_err err = MB_ERR_INIT;

	if (mb_sys_seal_ensure(argv, &err) < 0)
		return strstr(err.msg, "nothing is sealed") ? 50 : 51;
	prctl(PR_GET_NAME, name);
	if (strcmp(name, "test_seal") || getenv("MYBOX_SEALED"))
		return 52;
	return check_child(true);
}

static void undumpable(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(mb_sys_seal_undumpable(NULL) || prctl(PR_GET_DUMPABLE) ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blob_is_sealed),
		cmocka_unit_test(self_by_each_method),
		cmocka_unit_test(ensure_starts_again_once),
		cmocka_unit_test(undumpable),
	};

	if (argc == 2 && !strcmp(argv[1], "sealed"))
		return check_child(true);
	if (argc == 2 && !strcmp(argv[1], "ensure"))
		return ensure_child(argv);
	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
