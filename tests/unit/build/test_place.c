/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "build/content.h"
#include "build/place.h"
#include "core/err.h"

/* Two directories, and the one's content into the other. */
struct pair {
	struct unit_dir dir;
	int from, to;
};

static void pair_init(struct pair *p)
{
	unit_dir_init(&p->dir);
	assert_int_equal(mkdirat(p->dir.fd, "from", 0755), 0);
	assert_int_equal(mkdirat(p->dir.fd, "to", 0755), 0);
	p->from = openat(p->dir.fd, "from", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->to = openat(p->dir.fd, "to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p->from >= 0 && p->to >= 0);
}

static void pair_done(struct pair *p)
{
	close(p->from);
	close(p->to);
	unit_dir_done(&p->dir);
	p->dir.fd = -1;
}

static int place_item(const struct pair *p, const struct mb_build_place *place, int fd,
                      const char *name)
{
	const struct mb_build_root root = {.fd = p->from};
	struct mb_build_item item = {.fd = fd, .path = (char[]){""}, .name = (char[]){""}};

	assert_int_equal(fstat(fd, &item.st), 0);
	return mb_build_place_item(place, &root, &item, p->to, name, false, NULL);
}

static struct mb_build_place place_to(const struct pair *p)
{
	return (struct mb_build_place){
		.root_fd = p->to, .has_owner = true, .uid = geteuid(), .gid = getegid()};
}

static struct stat stat_of(int dir_fd, const char *name)
{
	struct stat st = {0};

	assert_int_equal(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static int count_names(const struct pair *p)
{
	int copy = openat(p->to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	DIR *dir = fdopendir(copy);

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2; /* without "." and ".." */
}

/* A limit of the size fails the copy in the middle. */
static void what_is_there_stays_until_the_new_one_is_whole(void **state)
{
	static const char big[100000] = {0};
	struct rlimit before, few;
	struct mb_build_place place;
	struct stat old;
	struct pair p;

	(void)state;
	pair_init(&p);
	place = place_to(&p);
	unit_write(p.from, "a", big, sizeof(big));
	unit_write(p.from, "b", "new", 3);
	unit_write(p.to, "a", "old", 3);
	old = stat_of(p.to, "a");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	few = before;
	few.rlim_cur = 10;
	sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	assert_int_equal(place_item(&p, &place, p.from, NULL), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(stat_of(p.to, "a").st_ino, old.st_ino);
	assert_int_equal(stat_of(p.to, "a").st_size, 3);
	assert_int_equal(count_names(&p), 1);
	/* One that is new is not left half either. */
	assert_int_equal(unlinkat(p.to, "a", 0), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	assert_int_equal(place_item(&p, &place, p.from, NULL), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(count_names(&p), 0);
	/* And it takes the place of whatever it is. */
	assert_int_equal(symlinkat("/nowhere", p.to, "a"), 0);
	assert_int_equal(mkfifoat(p.to, "b", 0600), 0);
	assert_int_equal(place_item(&p, &place, p.from, NULL), 0);
	assert_int_equal(stat_of(p.to, "a").st_size, sizeof(big));
	assert_int_equal(stat_of(p.to, "b").st_size, 3);
	assert_int_equal(count_names(&p), 2);
	pair_done(&p);
}

static void no_file_takes_the_place_of_a_directory(void **state)
{
	struct mb_build_place place;
	struct pair p;

	(void)state;
	pair_init(&p);
	place = place_to(&p);
	assert_int_equal(mkdirat(p.to, "a", 0755), 0);
	unit_write(p.from, "a", "x", 1);
	assert_int_equal(place_item(&p, &place, p.from, NULL), -EISDIR);
	assert_int_equal(unlinkat(p.from, "a", 0), 0);
	assert_int_equal(symlinkat("x", p.from, "a"), 0);
	assert_int_equal(place_item(&p, &place, p.from, NULL), -EISDIR);
	assert_true(S_ISDIR(stat_of(p.to, "a").st_mode));
	assert_int_equal(count_names(&p), 1);
	pair_done(&p);
}

/* Names of one file, in a directory, and in one below it, over one that is there. */
static void names_of_one_file_stay_so(void **state)
{
	struct mb_build_place place;
	struct stat a;
	struct pair p;

	(void)state;
	pair_init(&p);
	place = place_to(&p);
	unit_write(p.from, "a", "x", 1);
	unit_write(p.from, "other", "x", 1);
	unit_write(p.to, "b", "old", 3);
	assert_int_equal(mkdirat(p.from, "d", 0755), 0);
	assert_int_equal(linkat(p.from, "a", p.from, "b", 0), 0);
	assert_int_equal(linkat(p.from, "a", p.from, "d/c", 0), 0);
	assert_int_equal(place_item(&p, &place, p.from, NULL), 0);
	assert_int_equal(stat_of(p.to, "a").st_nlink, 1);
	place.keeps_links = true;
	/* And once more, over names of one file. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(place_item(&p, &place, p.from, NULL), 0);
		a = stat_of(p.to, "a");
		assert_int_equal(a.st_nlink, 3);
		assert_int_equal(stat_of(p.to, "b").st_ino, a.st_ino);
		assert_int_equal(stat_of(p.to, "d/c").st_ino, a.st_ino);
		assert_int_equal(stat_of(p.to, "other").st_nlink, 1);
		assert_int_equal(count_names(&p), 4);
	}
	pair_done(&p);
}

static void directories_that_are_there_may_stay_as_they_are(void **state)
{
	struct mb_build_place place;
	struct pair p;

	(void)state;
	pair_init(&p);
	place = place_to(&p);
	assert_int_equal(mkdirat(p.from, "d", 0755), 0);
	assert_int_equal(mkdirat(p.from, "d/new", 0711), 0);
	unit_write(p.from, "d/new/a", "x", 1);
	assert_int_equal(mkdirat(p.to, "d", 0700), 0);
	place.keeps_directories = true;
	assert_int_equal(place_item(&p, &place, p.from, NULL), 0);
	assert_int_equal(stat_of(p.to, "d").st_mode & 07777, 0700);
	assert_int_equal(stat_of(p.to, "d/new").st_mode & 07777, 0711);
	assert_int_equal(stat_of(p.to, "d/new/a").st_size, 1);
	place.keeps_directories = false;
	assert_int_equal(place_item(&p, &place, p.from, NULL), 0);
	assert_int_equal(stat_of(p.to, "d").st_mode & 07777, 0755);
	pair_done(&p);
}

/* --- somebody changes it meanwhile ------------------------------------------------------------ */

static pid_t while_somebody(void (*does)(int fd), int fd)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	for (;;)
		does(fd);
}

static void end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* As soon as something is made there, a link to a file elsewhere takes its place. */
static void plant(int fd)
{
	struct stat st;

	(void)!symlinkat("../canary", fd, "planted");
	while (fstatat(fd, "pipe", &st, AT_SYMLINK_NOFOLLOW) < 0)
		;
	renameat(fd, "planted", fd, "pipe");
	unlinkat(fd, "pipe", 0);
}

static void modes_are_given_through_no_link(void **state)
{
	enum { TIMES = 10000 };
	struct mb_build_place place;
	struct pair p;
	pid_t pid;
	int pipe;

	(void)state;
	pair_init(&p);
	place = place_to(&p);
	unit_write(p.dir.fd, "canary", "x", 1);
	assert_int_equal(mkfifoat(p.from, "pipe", 0644), 0);
	assert_int_equal(fchmodat(p.from, "pipe", 0644, 0), 0);
	pipe = openat(p.from, "pipe", O_PATH | O_CLOEXEC);
	pid = while_somebody(plant, p.to);
	for (int i = 0; i < TIMES; i++)
		(void)place_item(&p, &place, pipe, "pipe");
	end(pid);
	close(pipe);
	assert_int_equal(stat_of(p.dir.fd, "canary").st_mode & 07777, 0600);
	pair_done(&p);
}

/* A file, a link and a directory by turns, under each of a few names. */
static void rotate(int fd)
{
	for (char name[] = "a"; *name <= 'h'; ++*name) {
		unit_write(fd, name, "x", 1);
		unlinkat(fd, name, 0);
		(void)!symlinkat("../canary", fd, name);
		unlinkat(fd, name, 0);
		(void)!mkdirat(fd, name, 0755);
		(void)!mkdirat(fd, "d", 0755);
		(void)!renameat(fd, name, fd, "d/in");
		unlinkat(fd, "d/in", AT_REMOVEDIR);
		unlinkat(fd, "d", AT_REMOVEDIR);
		unlinkat(fd, name, AT_REMOVEDIR);
	}
}

static void what_rotates_does_not_end_a_copy(void **state)
{
	enum { TIMES = 150 };
	struct mb_build_place place;
	struct pair p;
	pid_t pid;
	int r = 0;

	(void)state;
	pair_init(&p);
	place = place_to(&p);
	place.is_live = place.replaces = place.keeps_links = true;
	unit_write(p.from, "stays", "x", 1);
	pid = while_somebody(rotate, p.from);
	for (int i = 0; i < TIMES && r == 0; i++)
		r = place_item(&p, &place, p.from, NULL);
	end(pid);
	assert_int_equal(r, 0);
	assert_int_equal(stat_of(p.to, "stays").st_size, 1);
	pair_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_there_stays_until_the_new_one_is_whole),
		cmocka_unit_test(no_file_takes_the_place_of_a_directory),
		cmocka_unit_test(names_of_one_file_stay_so),
		cmocka_unit_test(directories_that_are_there_may_stay_as_they_are),
		cmocka_unit_test(modes_are_given_through_no_link),
		cmocka_unit_test(what_rotates_does_not_end_a_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
