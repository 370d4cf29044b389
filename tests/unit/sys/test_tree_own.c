/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"

#include <sched.h>
#include <signal.h>
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

static struct stat stat_of(int fd, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static bool belongs(int fd, const char *path, uid_t uid, gid_t gid)
{
	struct stat st = stat_of(fd, path);

	return st.st_uid == uid && st.st_gid == gid;
}

static int open_path(int fd, const char *path)
{
	int r = openat(fd, path, O_PATH | O_CLOEXEC | O_NOFOLLOW);

	assert_true(r >= 0);
	return r;
}

static void make_tree(int fd)
{
	assert_int_equal(mkdirat(fd, "canary", 0755), 0);
	write_text(fd, "canary/f", "x");
	assert_int_equal(mkdirat(fd, "t", 0755), 0);
	assert_int_equal(mkdirat(fd, "t/a", 0755), 0);
	assert_int_equal(mkdirat(fd, "t/a/b", 0700), 0);
	write_text(fd, "t/a/b/f", "x");
	assert_int_equal(linkat(fd, "t/a/b/f", fd, "t/twin", 0), 0);
	assert_int_equal(symlinkat("../canary", fd, "t/link"), 0);
	assert_int_equal(symlinkat("../canary/f", fd, "t/file-link"), 0);
	assert_int_equal(mknodat(fd, "t/fifo", S_IFIFO | 0600, 0), 0);
}

static void own_all_and_follow_no_link(void **state)
{
	static const char *const all[] = {"t",      "t/a",    "t/a/b",       "t/a/b/f",
	                                  "t/twin", "t/link", "t/file-link", "t/fifo"};
	int fd = scratch_fd(state), t;

	need_root("chown");
	make_tree(fd);
	t = open_path(fd, "t");
	assert_int_equal(mb_sys_tree_own(t, 123, 456, E), 0);
	close(t);
	for (size_t i = 0; i < MB_N(all); i++)
		if (!belongs(fd, all[i], 123, 456))
			fail_msg("%s has another owner", all[i]);
	assert_true(belongs(fd, "canary", 0, 0) && belongs(fd, "canary/f", 0, 0));
}

static void own_a_file_alone(void **state)
{
	int fd = scratch_fd(state), file;

	need_root("chown");
	make_tree(fd);
	file = open_path(fd, "canary/f");
	assert_int_equal(mb_sys_tree_own(file, 5, 6, E), 0);
	close(file);
	assert_true(belongs(fd, "canary/f", 5, 6) && belongs(fd, "canary", 0, 0));
}

/* chown(2) takes them from whoever changes hands, and nothing happens to who does not. */
static void own_takes_set_id_bits(void **state)
{
	int fd = scratch_fd(state), t;

	need_root("chown");
	make_tree(fd);
	write_text(fd, "t/suid", "x");
	assert_int_equal(fchmodat(fd, "t/suid", 06755, 0), 0);
	write_text(fd, "t/its", "x");
	assert_int_equal(fchownat(fd, "t/its", 123, 456, 0), 0);
	assert_int_equal(fchmodat(fd, "t/its", 06755, 0), 0);
	t = open_path(fd, "t");
	assert_int_equal(mb_sys_tree_own(t, 123, 456, E), 0);
	close(t);
	assert_int_equal(stat_of(fd, "t/suid").st_mode & 07777, 0755);
	assert_int_equal(stat_of(fd, "t/its").st_mode & 07777, 06755);
}

static void own_goes_no_deeper_than_it_says(void **state)
{
	int fd = scratch_fd(state), dir = dup(fd), top;
	struct mb_err err = MB_ERR_INIT;

	need_root("chown");
	for (int i = 0; i < 1100; i++) {
		int next;

		assert_int_equal(mkdirat(dir, "d", 0755), 0);
		next = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(dir);
		dir = next;
	}
	close(dir);
	top = open_path(fd, "d");
	assert_int_equal(mb_sys_tree_own(top, 1, 1, &err), -ELOOP);
	assert_non_null(strstr(err.msg, "more than 1024 directories deep"));
	close(top);
}

/* In a mount namespace of its own: 0 if all went as it should, else a line number. */
static int mounts_child(const char *path)
{
	int t, here;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    chdir(path) || mkdir("t/mnt", 0755))
		return __LINE__;
	here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	write_text(here, "t/file", "x");
	if (mount("canary", "t/mnt", NULL, MS_BIND, NULL) ||
	    mount("canary/f", "t/file", NULL, MS_BIND, NULL))
		return __LINE__;
	t = open_path(here, "t");
	if (mb_sys_tree_own(t, 7, 8, E))
		return __LINE__;
	if (!belongs(here, "canary", 0, 0) || !belongs(here, "canary/f", 0, 0) ||
	    !belongs(here, "t/a/b/f", 7, 8))
		return __LINE__;
	return 0;
}

static void own_never_enters_mounts(void **state)
{
	const struct scratch *s = *state;
	int status;
	pid_t pid;

	need_root("mounts");
	make_tree(s->fd);
	pid = fork();
	if (pid == 0)
		_exit(mounts_child(s->path) ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A directory in the tree, and a file, change places with links out of it meanwhile. */
static void own_races_with_links(void **state)
{
	const int64_t end = mb_monotonic_nsec() + 400000000;
	int fd = scratch_fd(state), t;
	pid_t racer;

	need_root("chown");
	make_tree(fd);
	t = open_path(fd, "t");
	racer = fork();
	if (racer == 0) {
		mb_sys_proc_die_with_parent(0, NULL);
		for (;;) {
			syscall(SYS_renameat2, fd, "t/a", fd, "t/link", 2 /* EXCHANGE */);
			syscall(SYS_renameat2, fd, "t/twin", fd, "t/file-link", 2);
		}
	}
	for (uid_t uid = 1; mb_monotonic_nsec() < end; uid++) {
		assert_int_equal(mb_sys_tree_own(t, uid, uid, E), 0);
		assert_true(belongs(fd, "canary", 0, 0) && belongs(fd, "canary/f", 0, 0));
	}
	kill(racer, SIGKILL);
	waitpid(racer, NULL, 0);
	close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(own_all_and_follow_no_link),
		SCRATCH_TEST(own_a_file_alone),
		SCRATCH_TEST(own_takes_set_id_bits),
		SCRATCH_TEST(own_goes_no_deeper_than_it_says),
		SCRATCH_TEST(own_never_enters_mounts),
		SCRATCH_TEST(own_races_with_links),
	};

	return cmocka_run_group_tests_name("tree_own", tests, NULL, NULL);
}
