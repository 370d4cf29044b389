/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"

#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/path.h"
#include "sys/proc.h"

#define E                \
	&(struct mb_err) \
	{                \
		0        \
	}

/* root/ is the root of the tests, canary/ beside it must never be touched. */
static int make_root(int fd)
{
	int root;

	assert_int_equal(mkdirat(fd, "root", 0755), 0);
	assert_int_equal(mkdirat(fd, "canary", 0755), 0);
	write_text(fd, "canary/secret", "secret");
	root = openat(fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(root >= 0);
	return root;
}

static void open_stays_in_root(void **state)
{
	int fd = scratch_fd(state), root = make_root(fd), got = -1;

	assert_int_equal(mkdirat(root, "a", 0755), 0);
	assert_int_equal(symlinkat("/a", root, "abs"), 0);
	assert_int_equal(symlinkat("../../../canary", root, "up"), 0);
	assert_int_equal(mb_sys_path_open(root, "abs", O_PATH | O_DIRECTORY, &got, E), 0);
	assert_true(fcntl(got, F_GETFD) & FD_CLOEXEC);
	close(got);
	assert_int_equal(mb_sys_path_open(root, "/../../a", O_PATH, &got, E), 0);
	close(got);
	assert_int_equal(mb_sys_path_open(root, "", O_PATH, &got, E), 0);
	close(got);
	assert_int_equal(mb_sys_path_open(root, "up/secret", O_PATH, &got, E), -ENOENT);
	assert_int_equal(mb_sys_path_open(root, "../canary/secret", O_PATH, &got, E), -ENOENT);
	close(root);
}

static void open_refuses_magic_links(void **state)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), got = -1;

	(void)state;
	assert_int_equal(mb_sys_path_open(proc, "self/root/etc", O_PATH, &got, E), -ELOOP);
	assert_int_equal(mb_sys_path_open(proc, "self/fd/1", O_PATH, &got, E), -ELOOP);
	close(proc);
}

static mode_t mode_of(int dirfd, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode;
}

static void mkdirs_makes_missing(void **state)
{
	int root = make_root(scratch_fd(state)), got = -1, fds = count_fds();
	mode_t old = umask(077);

	assert_int_equal(mb_sys_path_mkdirs(root, "/x//y/./z/", 0755, &got, E), 0);
	umask(old);
	assert_int_equal(fcntl(got, F_GETFL) & O_PATH, O_PATH);
	close(got);
	assert_int_equal(mode_of(root, "x/y/z"), S_IFDIR | 0755);
	assert_int_equal(mb_sys_path_mkdirs(root, "x/y/z", 0700, NULL, E), 0);
	assert_int_equal(mb_sys_path_mkdirs(root, "/", 0700, NULL, E), 0);
	assert_int_equal(mb_sys_path_mkdirs(root, "", 0700, NULL, E), 0);
	assert_int_equal(count_fds(), fds);
	close(root);
}

static void mkdirs_follows_links_in_root(void **state)
{
	int fd = scratch_fd(state), root = make_root(fd);

	assert_int_equal(mkdirat(root, "var", 0755), 0);
	assert_int_equal(symlinkat("/run", root, "var/run"), 0);
	assert_int_equal(symlinkat("../lib/deep", root, "var/lib"), 0);
	assert_int_equal(symlinkat("../../../../../canary/new", root, "out"), 0);
	assert_int_equal(symlinkat("chain2/x", root, "chain1"), 0);
	assert_int_equal(symlinkat("/end", root, "chain2"), 0);
	assert_int_equal(mb_sys_path_mkdirs(root, "/var/run/app/x", 0755, NULL, E), 0);
	assert_true(exists(root, "run/app/x"));
	assert_int_equal(mb_sys_path_mkdirs(root, "var/lib/q", 0755, NULL, E), 0);
	assert_true(exists(root, "lib/deep/q"));
	assert_int_equal(mb_sys_path_mkdirs(root, "out/evil", 0755, NULL, E), 0);
	assert_false(exists(fd, "canary/new"));
	assert_true(exists(root, "canary/new/evil"));
	assert_int_equal(mb_sys_path_mkdirs(root, "chain1/y", 0755, NULL, E), 0);
	assert_true(exists(root, "end/x/y"));
	close(root);
}

static void mkdirs_refuses(void **state)
{
	int root = make_root(scratch_fd(state)), fds = count_fds();

	write_text(root, "../root/file", "");
	assert_int_equal(symlinkat("loop", root, "loop"), 0);
	assert_int_equal(mb_sys_path_mkdirs(root, "new/../../x", 0755, NULL, E), -EINVAL);
	assert_int_equal(mb_sys_path_mkdirs(root, "new/..", 0755, NULL, E), -EINVAL);
	assert_int_equal(mb_sys_path_mkdirs(root, "file", 0755, NULL, E), -ENOTDIR);
	assert_int_equal(mb_sys_path_mkdirs(root, "file/x", 0755, NULL, E), -ENOTDIR);
	assert_int_equal(mb_sys_path_mkdirs(root, "loop/x", 0755, NULL, E), -ELOOP);
	assert_int_equal(count_fds(), fds);
	close(root);
}

static void touch_makes_and_finds(void **state)
{
	int fd = scratch_fd(state), root = make_root(fd), got = -1, fds = count_fds();
	mode_t old = umask(077);

	assert_int_equal(mkdirat(root, "etc", 0755), 0);
	assert_int_equal(symlinkat("../run/resolve/stub.conf", root, "etc/resolv.conf"), 0);
	assert_int_equal(symlinkat("/../../canary/made", root, "etc/out"), 0);
	assert_int_equal(mb_sys_path_touch(root, "/a/b/file", 0644, &got, E), 0);
	close(got);
	assert_int_equal(mode_of(root, "a/b/file"), S_IFREG | 0644);
	assert_int_equal(mode_of(root, "a/b"), S_IFDIR | 0755);
	assert_int_equal(mb_sys_path_touch(root, "a/b/file", 0600, &got, E), 0);
	close(got);
	assert_int_equal(mb_sys_path_touch(root, "etc/resolv.conf", 0644, &got, E), 0);
	close(got);
	assert_true(exists(root, "run/resolve/stub.conf"));
	assert_int_equal(mb_sys_path_touch(root, "etc/out", 0644, &got, E), 0);
	close(got);
	assert_false(exists(fd, "canary/made"));
	assert_true(exists(root, "canary/made"));
	umask(old);
	assert_int_equal(count_fds(), fds);
	close(root);
}

static void touch_refuses(void **state)
{
	int root = make_root(scratch_fd(state)), got = -1, fds = count_fds();

	assert_int_equal(mkdirat(root, "dir", 0755), 0);
	assert_int_equal(symlinkat("dir", root, "link"), 0);
	assert_int_equal(mb_sys_path_touch(root, "dir", 0644, &got, E), -EISDIR);
	assert_int_equal(mb_sys_path_touch(root, "link", 0644, &got, E), -EISDIR);
	assert_int_equal(mb_sys_path_touch(root, "/", 0644, &got, E), -EISDIR);
	assert_int_equal(mb_sys_path_touch(root, "x/..", 0644, &got, E), -EISDIR);
	assert_int_equal(mb_sys_path_touch(root, "x/.", 0644, &got, E), -EISDIR);
	assert_int_equal(got, -1);
	assert_int_equal(count_fds(), fds);
	close(root);
}

static void readlink_gives_text(void **state)
{
	int root = make_root(scratch_fd(state));
	MB_AUTO_FREE char *text = NULL;

	assert_int_equal(symlinkat("/some/where", root, "l"), 0);
	assert_int_equal(mkdirat(root, "d", 0755), 0);
	assert_int_equal(mb_sys_path_readlink(root, "/l", &text, E), 0);
	assert_string_equal(text, "/some/where");
	assert_int_equal(mb_sys_path_readlink(root, "d", &text, E), -EINVAL);
	assert_int_equal(mb_sys_path_readlink(root, "no", &text, E), -ENOENT);
	close(root);
}

static void read_takes_regular_files_only(void **state)
{
	int fd = scratch_fd(state), root = make_root(fd);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int big;

	write_text(root, "f", "hello");
	assert_int_equal(mb_sys_path_read(root, "/f", 5, &text, E), 0);
	assert_string_equal(mb_str_text(&text), "hello");
	assert_int_equal(mb_sys_path_read(root, "f", 4, &text, E), -EFBIG);
	assert_int_equal(mkfifoat(root, "fifo", 0644), 0);
	assert_int_equal(mb_sys_path_read(root, "fifo", 100, &text, E), -EINVAL);
	assert_int_equal(mb_sys_path_read(root, ".", 100, &text, E), -EINVAL);
	assert_int_equal(mb_sys_path_read(root, "none", 100, &text, E), -ENOENT);
	assert_int_equal(symlinkat("/dev/zero", root, "zero"), 0);
	assert_int_equal(mb_sys_path_read(root, "zero", 100, &text, E), -ENOENT);
	big = openat(root, "big", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(ftruncate(big, 1 << 30), 0);
	close(big);
	assert_int_equal(mb_sys_path_read(root, "big", 1 << 20, &text, E), -EFBIG);
	close(root);
}

static void check_cwd_sees_outside(void **state)
{
	int fd = scratch_fd(state), r, status;
	pid_t pid;

	assert_int_equal(mb_sys_path_check_cwd(E), 0);
	pid = fork();
	if (pid == 0) {
		if (mkdirat(fd, "gone", 0755) || fchdir(fd) || chdir("gone") ||
		    unlinkat(fd, "gone", AT_REMOVEDIR))
			_exit(2);
		if (mb_sys_path_check_cwd(NULL) != -EXDEV)
			_exit(3);
		if (geteuid() != 0)
			_exit(0);
		if (mkdirat(fd, "jail", 0755) || fchdir(fd) || chroot("jail"))
			_exit(4);
		r = mb_sys_path_check_cwd(NULL);
		_exit(r == -EXDEV ? 0 : 5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void clean_by_text(void **state)
{
	static const char *const rows[][2] = {
		{"", "/"},
		{"/", "/"},
		{"a", "/a"},
		{"/a/b", "/a/b"},
		{"//a///b//", "/a/b"},
		{"/a/./b/.", "/a/b"},
		{"/a/../b", "/b"},
		{"/../../x", "/x"},
		{"/a/b/..", "/a"},
		{"/a/..", "/"},
		{"..", "/"},
		{"/a/.../b", "/a/.../b"},
		{"/..a/b..", "/..a/b.."},
		{"/.a", "/.a"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_FREE char *clean = mb_sys_path_clean(rows[i][0]);

		assert_string_equal(clean, rows[i][1]);
	}
}

/* Exchange a directory with a link out of the root as fast as can be. */
static pid_t start_racer(int root)
{
	pid_t pid = fork();

	if (pid == 0) {
		mb_sys_proc_die_with_parent(0, NULL);
		for (;;)
			syscall(SYS_renameat2, root, "flip", root, "flop", RENAME_EXCHANGE);
	}
	return pid;
}

static void races_never_leave_root(void **state)
{
	int fd = scratch_fd(state), root = make_root(fd), done = 0;
	/* In memory a thousand rounds take 0.1 s, on a disk a second. */
	const int64_t end = mb_monotonic_nsec() + MB_NSEC_PER_SEC;
	struct stat canary;
	pid_t racer;

	assert_int_equal(mkdirat(root, "flip", 0755), 0);
	assert_int_equal(symlinkat("../../../canary", root, "flop"), 0);
	racer = start_racer(root);
	for (; done < 4000 && mb_monotonic_nsec() < end; done++) {
		char path[64];
		int got = -1;

		snprintf(path, sizeof(path), "flip/d%d/e", done);
		if (mb_sys_path_mkdirs(root, path, 0755, &got, NULL) == 0)
			close(got);
		snprintf(path, sizeof(path), "flip/../flip/f%d", done);
		if (mb_sys_path_touch(root, path, 0644, &got, NULL) == 0)
			close(got);
		assert_int_not_equal(mb_sys_path_open(root, "flip/secret", O_PATH, &got, NULL), 0);
	}
	kill(racer, SIGKILL);
	waitpid(racer, NULL, 0);
	assert_true(done > 0);
	assert_int_equal(fstatat(fd, "canary", &canary, 0), 0);
	assert_int_equal(canary.st_nlink, 2); /* no directory in it */
	assert_int_equal(unlinkat(fd, "canary/secret", 0), 0);
	assert_int_equal(unlinkat(fd, "canary", AT_REMOVEDIR), 0); /* and no file */
	close(root);
}

/* Renames that have nothing to do with the path, in gusts longer than a spin: while one blows, ".."
 * fails with EAGAIN. */
static pid_t start_gusts(int root)
{
	enum { GUST_NSEC = 20000000 };
	const struct timespec lull = {.tv_nsec = GUST_NSEC};
	pid_t pid = fork();

	if (pid == 0) {
		mb_sys_proc_die_with_parent(0, NULL);
		for (;;) {
			int64_t end = mb_monotonic_nsec() + GUST_NSEC;

			while (mb_monotonic_nsec() < end)
				syscall(SYS_renameat2, root, "flip", root, "flop", RENAME_EXCHANGE);
			nanosleep(&lull, NULL);
		}
	}
	return pid;
}

static void dotdot_waits_for_renames_elsewhere(void **state)
{
	MB_AUTO_STR struct mb_str path = MB_STR_INIT;
	int fd = scratch_fd(state), root = make_root(fd), got = -1;
	pid_t gusts;

	for (int i = 0; i < 500; i++)
		mb_str_add(&path, "here/../");
	mb_str_add(&path, "here");
	assert_int_equal(mkdirat(root, "here", 0755), 0);
	assert_int_equal(mkdirat(root, "flip", 0755), 0);
	assert_int_equal(mkdirat(root, "flop", 0755), 0);
	gusts = start_gusts(root);
	for (int i = 0; i < 20; i++) {
		struct mb_err err = MB_ERR_INIT;

		if (mb_sys_path_open(root, mb_str_text(&path), O_PATH, &got, &err) < 0)
			fail_msg("%s", strrchr(err.msg, ':'));
		close(got);
	}
	kill(gusts, SIGKILL);
	waitpid(gusts, NULL, 0);
	close(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(open_stays_in_root),
		cmocka_unit_test(open_refuses_magic_links),
		SCRATCH_TEST(mkdirs_makes_missing),
		SCRATCH_TEST(mkdirs_follows_links_in_root),
		SCRATCH_TEST(mkdirs_refuses),
		SCRATCH_TEST(touch_makes_and_finds),
		SCRATCH_TEST(touch_refuses),
		SCRATCH_TEST(readlink_gives_text),
		SCRATCH_TEST(read_takes_regular_files_only),
		SCRATCH_TEST(check_cwd_sees_outside),
		cmocka_unit_test(clean_by_text),
		SCRATCH_TEST(races_never_leave_root),
		SCRATCH_TEST(dotdot_waits_for_renames_elsewhere),
	};

	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
