/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/clock.h"
#include "sys/mount.h"
#include "sys/proc.h"

#define E                \
	&(struct mb_err) \
	{                \
		0        \
	}

/* @levels directories named "d" inside each other. */
static void make_deep(int fd, const char *top, int levels)
{
	int dir = dup(fd), next;

	assert_int_equal(mkdirat(dir, top, 0755), 0);
	for (int i = 0; i <= levels; i++) {
		next = openat(dir, i ? "d" : top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(dir);
		dir = next;
		if (i < levels)
			assert_int_equal(mkdirat(dir, "d", 0755), 0);
		if (i % 50 == 0)
			write_text(dir, "file", "x");
	}
	close(dir);
}

static void remove_simple_things(void **state)
{
	int fd = scratch_fd(state);

	write_text(fd, "file", "x");
	assert_int_equal(symlinkat("/etc", fd, "link"), 0);
	assert_int_equal(mkdirat(fd, "empty", 0755), 0);
	assert_int_equal(mb_sys_tree_remove(fd, "file", E), 0);
	assert_int_equal(mb_sys_tree_remove(fd, "link", E), 0);
	assert_int_equal(mb_sys_tree_remove(fd, "empty", E), 0);
	assert_int_equal(mb_sys_tree_remove(fd, "not there", E), 0);
	assert_false(exists(fd, "file") || exists(fd, "link") || exists(fd, "empty"));
}

static void remove_follows_no_link(void **state)
{
	int fd = scratch_fd(state);

	assert_int_equal(mkdirat(fd, "canary", 0755), 0);
	write_text(fd, "canary/f", "x");
	assert_int_equal(mkdirat(fd, "t", 0755), 0);
	assert_int_equal(mkdirat(fd, "t/sub", 0755), 0);
	assert_int_equal(symlinkat("../../canary", fd, "t/sub/l"), 0);
	assert_int_equal(symlinkat("/", fd, "t/root"), 0);
	assert_int_equal(mb_sys_tree_remove(fd, "t", E), 0);
	assert_false(exists(fd, "t"));
	assert_true(exists(fd, "canary/f"));
}

static void remove_deep_with_few_descriptors(void **state)
{
	int fd = scratch_fd(state), r;
	struct rlimit old, few = {.rlim_cur = 64};

	make_deep(fd, "deep", 700);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	r = mb_sys_tree_remove(fd, "deep", E);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(r, 0);
	assert_false(exists(fd, "deep"));
}

static void remove_wide(void **state)
{
	int fd = scratch_fd(state);
	char name[32];

	assert_int_equal(mkdirat(fd, "wide", 0755), 0);
	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "wide/%d", i);
		if (i % 3)
			write_text(fd, name, "");
		else
			assert_int_equal(mkdirat(fd, name, 0), 0);
	}
	assert_int_equal(mb_sys_tree_remove(fd, "wide", E), 0);
	assert_false(exists(fd, "wide"));
}

/* Directories whose paths get longer than PATH_MAX, each with a file of a byte and, beside the
 * next one, a directory with another. */
static void make_far(int fd, const char *top, int levels)
{
	char name[201];
	int dir;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(mkdirat(fd, top, 0755), 0);
	dir = openat(fd, top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < levels; i++) {
		int next;

		assert_int_equal(mkdirat(dir, name, 0755), 0);
		assert_int_equal(mkdirat(dir, "beside", 0755), 0);
		write_text(dir, "beside/file", "x");
		write_text(dir, "file", "x");
		next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(dir);
		dir = next;
	}
	close(dir);
}

static void measure_files_once(void **state)
{
	int fd = scratch_fd(state);
	uint64_t bytes = 5;

	make_deep(fd, "t", 700); /* 15 files of a byte */
	make_far(fd, "t/far", 40);
	assert_int_equal(symlinkat("/", fd, "t/root"), 0);
	assert_int_equal(mkdirat(fd, "t/many", 0755), 0);
	for (int i = 0; i < 100; i++) {
		char name[32], other[32];

		snprintf(name, sizeof(name), "t/many/%d", i);
		snprintf(other, sizeof(other), "t/many/other-%d", i);
		write_text(fd, name, "ten bytes.");
		assert_int_equal(linkat(fd, name, fd, other, 0), 0);
	}
	assert_int_equal(mb_sys_tree_measure(fd, "t", &bytes), 0);
	assert_int_equal(bytes, 5 + 15 + 80 + 1000);
	assert_int_equal(mb_sys_tree_measure(fd, "not there", &bytes), 0);
	assert_int_equal(mb_sys_tree_measure(fd, "t/root", &bytes), 0);
	assert_int_equal(bytes, 5 + 15 + 80 + 1000);
}

static void weigh_everything(void **state)
{
	const uint64_t entry = MB_SYS_TREE_ENTRY;
	int fd = scratch_fd(state);
	uint64_t bytes = 5, dirs;

	assert_int_equal(mkdirat(fd, "w", 0755), 0);
	assert_int_equal(mkdirat(fd, "w/d", 0755), 0);
	assert_int_equal(mb_sys_tree_weigh(fd, "w", UINT64_MAX, &bytes), 0);
	assert_true(bytes >= 5 + entry);
	dirs = bytes;
	assert_int_equal(symlinkat("/", fd, "w/d/link"), 0);
	assert_int_equal(mkfifoat(fd, "w/d/fifo", 0600), 0);
	write_text(fd, "w/d/empty", "");
	assert_int_equal(linkat(fd, "w/d/empty", fd, "w/d/again", 0), 0);
	bytes = 5;
	assert_int_equal(mb_sys_tree_weigh(fd, "w", UINT64_MAX, &bytes), 0);
	assert_true(bytes >= dirs + 3 * entry);
	assert_true(bytes < dirs + 4 * entry + entry);
	/* Enough is enough. */
	bytes = 0;
	assert_int_equal(mb_sys_tree_weigh(fd, "w", entry, &bytes), 0);
	assert_int_equal(bytes, 2 * entry);
}

static void remove_by_several(void **state)
{
	int fd = scratch_fd(state), status;
	pid_t pids[3];

	make_deep(fd, "t", 150);
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(mb_sys_tree_remove(fd, "t", NULL) ? 1 : 0);
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_false(exists(fd, "t"));
}

/* A directory in the tree and a link out of it change places while it is removed. */
static void remove_races_with_links(void **state)
{
	const int64_t end = mb_monotonic_nsec() + 400000000;
	int fd = scratch_fd(state);
	pid_t racer;

	assert_int_equal(mkdirat(fd, "canary", 0755), 0);
	write_text(fd, "canary/f", "x");
	assert_int_equal(symlinkat("canary", fd, "link"), 0);
	racer = fork();
	if (racer == 0) {
		mb_sys_proc_die_with_parent(0, NULL);
		for (;;)
			syscall(SYS_renameat2, fd, "t/x", fd, "link", 2 /* EXCHANGE */);
	}
	while (mb_monotonic_nsec() < end) {
		assert_int_equal(mkdirat(fd, "t", 0755), 0);
		assert_int_equal(mkdirat(fd, "t/x", 0755), 0);
		write_text(fd, "t/f", "x");
		assert_int_equal(mb_sys_tree_remove(fd, "t", E), 0);
		assert_true(exists(fd, "canary/f"));
		(void)mb_sys_tree_remove(fd, "link", NULL);
		(void)symlinkat("canary", fd, "link");
	}
	kill(racer, SIGKILL);
	waitpid(racer, NULL, 0);
}

static void empty_keeps_the_directory(void **state)
{
	int fd = scratch_fd(state), t;

	make_deep(fd, "t", 100);
	t = openat(fd, "t", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mb_sys_tree_empty(t, E), 0);
	assert_int_equal(mb_sys_tree_empty(t, E), 0);
	close(t);
	assert_int_equal(unlinkat(fd, "t", AT_REMOVEDIR), 0);
}

/* In a mount namespace of its own: 0 if all went as it should, else a line number. */
static int mounts_child(const char *path)
{
	struct mb_err err = MB_ERR_INIT;
	int r, here;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return __LINE__;
	if (chdir(path) || mkdir("t", 0755) || mkdir("t/a", 0755) || mkdir("t/a/mnt", 0755) ||
	    mkdir("t/b", 0755) || mkdir("canary", 0755) || mkdir("canary/keep", 0755))
		return __LINE__;
	if (mount("canary", "t/a/mnt", NULL, MS_BIND, NULL))
		return __LINE__;
	here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = mb_sys_tree_remove(here, "t", &err);
	if (r != -EBUSY || !strstr(err.msg, "mounted"))
		return __LINE__;
	if (!exists(here, "canary/keep") || !exists(here, "t/a/mnt/keep") || exists(here, "t/b"))
		return __LINE__;
	/* Its name itself is a mount. */
	if (mb_sys_tree_remove(here, "t/a/mnt", NULL) != -EBUSY || !exists(here, "canary/keep"))
		return __LINE__;
	if (umount2("t/a/mnt", MNT_DETACH) || mb_sys_tree_remove(here, "t", NULL))
		return __LINE__;
	return exists(here, "t") ? __LINE__ : 0;
}

static void remove_never_enters_mounts(void **state)
{
	const struct scratch *s = *state;
	int pipes[2], line = -1;
	pid_t pid;

	need_root("mounts");
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		line = mounts_child(s->path);
		_exit(write(pipes[1], &line, sizeof(line)) < 0);
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &line, sizeof(line)), sizeof(line));
	close(pipes[0]);
	waitpid(pid, NULL, 0);
	assert_int_equal(line, 0);
}

static void remove_tells_what_stays(void **state)
{
	int fd = scratch_fd(state), status;
	pid_t pid;

	assert_int_equal(mkdirat(fd, "t", 0755), 0);
	assert_int_equal(mkdirat(fd, "t/locked", 0755), 0);
	write_text(fd, "t/locked/f", "x");
	assert_int_equal(fchmodat(fd, "t/locked", 0555, 0), 0);
	if (geteuid() == 0) {
		assert_int_equal(fchownat(fd, "t", 12345, 12345, 0), 0);
		assert_int_equal(fchmodat(fd, ".", 0777, 0), 0);
	}
	pid = fork();
	if (pid == 0) {
		struct mb_err err = MB_ERR_INIT;
		int r;

		if (geteuid() == 0 && setuid(12345))
			_exit(2);
		r = mb_sys_tree_remove(fd, "t", &err);
		_exit(r == -EACCES && strstr(err.msg, "cannot remove 'f'") ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(fchmodat(fd, "t/locked", 0755, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(remove_simple_things),
		SCRATCH_TEST(remove_follows_no_link),
		SCRATCH_TEST(remove_deep_with_few_descriptors),
		SCRATCH_TEST(remove_wide),
		SCRATCH_TEST(measure_files_once),
		SCRATCH_TEST(weigh_everything),
		SCRATCH_TEST(remove_by_several),
		SCRATCH_TEST(remove_races_with_links),
		SCRATCH_TEST(empty_keeps_the_directory),
		SCRATCH_TEST(remove_never_enters_mounts),
		SCRATCH_TEST(remove_tells_what_stays),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
