/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scratch.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sys/mount.h"
#include "sys/path.h"
#include "sys/proc.h"
#include "sys/userns.h"

#define E                \
	&(struct mb_err) \
	{                \
		0        \
	}

/* ---- options ---- */

static int parse(const char *text, struct mb_sys_mount_flags *flags, struct mb_strv *data)
{
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;

	mb_strv_split(&options, text, ',');
	return mb_sys_mount_flags_parse(&options, flags, data, NULL);
}

static void flags_parse_table(void **state)
{
	static const struct {
		const char *text;
		uint64_t set, clear, rec_set, rec_clear, propagation;
		const char *data;
	} rows[] = {
		{"", 0, 0, 0, 0, 0, ""},
		{"defaults", 0, 0, 0, 0, 0, ""},
		{"ro", MOUNT_ATTR_RDONLY, 0, 0, 0, 0, ""},
		{"ro,rw", 0, MOUNT_ATTR_RDONLY, 0, 0, 0, ""},
		{"rw,ro", MOUNT_ATTR_RDONLY, 0, 0, 0, 0, ""},
		{"nosuid,nodev,noexec", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0,
	         0, 0, 0, ""},
		{"rro", MOUNT_ATTR_RDONLY, 0, MOUNT_ATTR_RDONLY, 0, 0, ""},
		{"rro,rw", 0, MOUNT_ATTR_RDONLY, MOUNT_ATTR_RDONLY, 0, 0, ""},
		{"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME, 0, 0, 0, ""},
		{"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, 0, 0, 0, ""},
		{"noatime,strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME, 0, 0, 0, ""},
		{"rnoatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, MOUNT_ATTR_NOATIME,
	         MOUNT_ATTR__ATIME, 0, ""},
		{"rprivate", 0, 0, 0, 0, MS_PRIVATE, ""},
		{"rslave,slave", 0, 0, 0, 0, MS_SLAVE, ""},
		{"shared", 0, 0, 0, 0, MS_SHARED, ""},
		{"runbindable", 0, 0, 0, 0, MS_UNBINDABLE, ""},
		{"mode=755,size=64k,ro,z,nocopy", MOUNT_ATTR_RDONLY, 0, 0, 0, 0,
	         "mode=755 size=64k z nocopy"},
		{"rubbish,rdefaults,r,ror", 0, 0, 0, 0, 0, "rubbish rdefaults r ror"},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_STRV struct mb_strv data = MB_STRV_INIT;
		MB_AUTO_FREE char *joined = NULL;
		struct mb_sys_mount_flags f;

		assert_int_equal(parse(rows[i].text, &f, &data), 0);
		joined = mb_strv_join(&data, " ");
		assert_string_equal(joined, rows[i].data);
		assert_int_equal(f.set, rows[i].set);
		assert_int_equal(f.clear, rows[i].clear);
		assert_int_equal(f.rec_set, rows[i].rec_set);
		assert_int_equal(f.rec_clear, rows[i].rec_clear);
		assert_int_equal(f.propagation, rows[i].propagation);
	}
}

static void flags_parse_words(void **state)
{
	MB_AUTO_STRV struct mb_strv data = MB_STRV_INIT;
	struct mb_sys_mount_flags f;

	(void)state;
	assert_int_equal(parse("bind", &f, &data), 0);
	assert_true(f.bind && !f.bind_recursive);
	assert_int_equal(parse("rbind,remount,ridmap,rshared", &f, &data), 0);
	assert_true(f.bind && f.bind_recursive && f.remount && f.idmap && f.idmap_recursive);
	assert_true(f.propagation_recursive);
	assert_int_equal(parse("shared,slave", &f, &data), -EINVAL);
	assert_true(mb_sys_mount_flags_known("rprivate"));
	assert_true(mb_sys_mount_flags_known("rw"));
	assert_false(mb_sys_mount_flags_known("size=1"));
}

/* ---- mounts, as root ---- */

static void new_tells_what_the_kernel_says(void **state)
{
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;
	struct mb_err err = MB_ERR_INIT;
	int fd = -1;

	(void)state;
	need_root("mounts");
	assert_int_equal(mb_sys_mount_new("no such type", NULL, 0, &fd, &err), -ENODEV);
	mb_strv_add(&options, "rubbish=1");
	assert_int_equal(mb_sys_mount_new("tmpfs", &options, 0, &fd, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "Unknown parameter 'rubbish'"));
	assert_int_equal(fd, -1);
}

static void new_tmpfs_clone_setattr(void **state)
{
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;
	struct mb_sys_mount_flags flags = {.set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE};
	int fd = -1, copy = -1;

	(void)state;
	need_root("mounts");
	mb_strv_add(&options, "size=1m");
	mb_strv_add(&options, "mode=700");
	assert_int_equal(mb_sys_mount_new("tmpfs", &options, MOUNT_ATTR_NODEV, &fd, E), 0);
	write_text(fd, "f", "x");
	assert_int_equal(mb_sys_mount_flags_apply(fd, &flags, E), 0);
	assert_int_equal(openat(fd, "g", O_CREAT | O_WRONLY | O_CLOEXEC, 0600), -1);
	assert_int_equal(errno, EROFS);
	if (mb_sys_mount_clone(fd, "", true, &copy, NULL) == 0) { /* Linux 6.15 and later */
		assert_int_equal(mb_sys_mount_setattr(copy, 0, MOUNT_ATTR_RDONLY, 0, false, E), 0);
		write_text(copy, "g", "x");
		close(copy);
	}
	close(fd);
}

static void proc_of_our_own(void **state)
{
	struct statfs fs;
	int fd = -1;

	(void)state;
	need_root("mounts");
	assert_int_equal(mb_sys_mount_proc(true, NULL, &fd, E), 0);
	assert_int_equal(fstatfs(fd, &fs), 0);
	assert_int_equal(fs.f_type, 0x9fa0);
	assert_true(exists(fd, "self/stat"));
	assert_false(exists(fd, "sys"));
	assert_false(exists(fd, "sysrq-trigger"));
	close(fd);
	assert_int_equal(mb_sys_mount_proc(false, NULL, &fd, E), 0);
	assert_true(exists(fd, "sys/kernel"));
	close(fd);
}

/* Attach a tmpfs and a file in a mount namespace of our own. */
static int move_child(void *arg, int *fd, struct mb_err *err)
{
	const struct scratch *s = arg;
	int root, target = -1, mnt = -1, r;

	(void)fd;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return mb_fail_sys(err, errno, "unshare");
	root = open(s->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = mb_sys_path_mkdirs(root, "a/b", 0755, &target, err);
	if (r == 0)
		r = mb_sys_mount_new("tmpfs", NULL, 0, &mnt, err);
	if (r == 0)
		r = mb_sys_mount_move(mnt, target, err);
	if (r < 0)
		return r;
	write_text(mnt, "inside", "x");
	if (!exists(root, "a/b/inside"))
		return mb_fail(err, EINVAL, "not mounted");
	write_text(root, "source", "y");
	r = mb_sys_path_touch(root, "a/file", 0644, &target, err);
	if (r == 0)
		r = mb_sys_mount_clone(root, "source", false, &mnt, err);
	if (r == 0)
		r = mb_sys_mount_move(mnt, target, err);
	if (r == 0 && faccessat(root, "a/file", F_OK, 0))
		r = mb_fail(err, EINVAL, "file not mounted");
	return r;
}

static void move_to_descriptors(void **state)
{
	struct mb_err err = MB_ERR_INIT;
	int r;

	need_root("mounts");
	r = mb_sys_proc_call(move_child, *state, NULL, &err);
	if (r)
		print_error("%s\n", err.msg);
	assert_int_equal(r, 0);
}

/* ---- overlay ---- */

enum { FEW = 3, MANY = 128 };

struct layers {
	int lowers[MANY];
	size_t n;
	int upper, work;
};

static int make_dir(int fd, const char *name)
{
	int dir;

	assert_int_equal(mkdirat(fd, name, 0755), 0);
	dir = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	return dir;
}

/* Every layer has "who" with its number; layer 0 is the top one. */
static void make_layers(int fd, size_t n, struct layers *ret)
{
	ret->n = n;
	for (size_t i = 0; i < n; i++) {
		char name[32], text[32];

		snprintf(name, sizeof(name), "l%zu", i);
		snprintf(text, sizeof(text), "%zu", i);
		ret->lowers[i] = make_dir(fd, name);
		write_text(ret->lowers[i], "who", text);
		write_text(ret->lowers[i], name, "x");
	}
	ret->upper = make_dir(fd, "upper");
	ret->work = make_dir(fd, "work");
}

static void done_layers(struct layers *l)
{
	for (size_t i = 0; i < l->n; i++)
		close(l->lowers[i]);
	close(l->upper);
	close(l->work);
}

static void check_overlay(int fd, const struct layers *l, bool writable)
{
	MB_AUTO_STR struct mb_str who = MB_STR_INIT;
	char last[32];

	assert_int_equal(mb_sys_path_read(fd, "who", 10, &who, E), 0);
	assert_string_equal(mb_str_text(&who), "0");
	snprintf(last, sizeof(last), "l%zu", l->n - 1);
	assert_true(exists(fd, last));
	if (writable) {
		write_text(fd, "new", "x");
		assert_true(exists(l->upper, "new"));
		assert_int_equal(unlinkat(fd, "new", 0), 0);
	} else {
		assert_int_equal(openat(fd, "new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600), -1);
		assert_int_equal(errno, EROFS);
	}
}

static int try_overlay(const struct layers *l, bool writable, enum mb_sys_overlay_method method,
                       struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;
	int fd = -1, r;

	if (writable)
		mb_strv_add(&options, "volatile");
	r = mb_sys_mount_overlay(&(struct mb_sys_overlay){.lowers = l->lowers,
	                                                  .n_lowers = l->n,
	                                                  .upper_fd = writable ? l->upper : -1,
	                                                  .work_fd = writable ? l->work : -1,
	                                                  .options = &options,
	                                                  .attr = MOUNT_ATTR_NODEV,
	                                                  .method = method},
	                         &fd, err);
	if (r < 0)
		return r;
	check_overlay(fd, l, writable);
	close(fd);
	if (writable) /* "volatile" leaves a mark that forbids a second mount */
		assert_int_equal(mb_sys_tree_empty(l->work, E), 0);
	return 0;
}

static void overlay_each_method(void **state, size_t n)
{
	struct mb_err err = MB_ERR_INIT;
	char cwd[256], after[256];
	struct layers l;
	int fds;

	need_root("mounts");
	make_layers(scratch_fd(state), n, &l);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	fds = count_fds();
	for (int m = MB_SYS_OVERLAY_BEST; m < MB_SYS_OVERLAY_METHOD_N_; m++) {
		for (int writable = 0; writable < 2; writable++) {
			int r = try_overlay(&l, writable, (enum mb_sys_overlay_method)m, &err);

			if (r == -EOPNOTSUPP && m != MB_SYS_OVERLAY_BEST &&
			    m != MB_SYS_OVERLAY_HELPER) {
				print_message("method %d: %s\n", m, err.msg);
				continue;
			}
			if (r)
				print_error("method %d: %s\n", m, err.msg);
			assert_int_equal(r, 0);
		}
	}
	assert_int_equal(count_fds(), fds);
	assert_non_null(getcwd(after, sizeof(after)));
	assert_string_equal(cwd, after);
	done_layers(&l);
}

static void overlay_few_layers(void **state)
{
	overlay_each_method(state, FEW);
}

static void overlay_many_layers(void **state)
{
	overlay_each_method(state, MANY);
}

/* In a process of its own.  Return: its exit code, the step that failed. */
static int chroot_and_overlay(const char *path)
{
	struct layers l;
	char root[64];
	int fd;

	snprintf(root, sizeof(root), "%s/root", path);
	if (mkdir(root, 0755) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 1;
	if (mount("/", root, NULL, MS_BIND | MS_REC, NULL) < 0 || chroot(root) < 0 ||
	    chdir("/") < 0)
		return 2;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_layers(fd, FEW, &l);
	for (int m = MB_SYS_OVERLAY_BEST; m < MB_SYS_OVERLAY_METHOD_N_; m++) {
		struct mb_err err = MB_ERR_INIT;
		int r = try_overlay(&l, true, (enum mb_sys_overlay_method)m, &err);

		if (r == 0 || (r == -EOPNOTSUPP && m != MB_SYS_OVERLAY_HELPER))
			continue;
		print_error("method %d: %s\n", m, err.msg);
		return 10 + m;
	}
	return 0;
}

static void overlay_in_a_chroot(void **state)
{
	const struct scratch *s = *state;
	int status;
	pid_t pid;

	need_root("mounts");
	pid = fork();
	if (pid == 0)
		_exit(chroot_and_overlay(s->path));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static uid_t owner_of(int fd, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_uid;
}

/* Layers seen through a user namespace: 0 on disk is 200000, 1000 is 5, what is not mapped nobody.
 */
static void overlay_maps_ids(void **state)
{
	struct mb_sys_id_range ranges[] = {{0, 200000, 10}, {1000, 5, 1}};
	const struct mb_sys_id_maps maps = {ranges, ranges, 2, 2};
	MB_AUTO_CLOSE int userns = -1;
	struct layers l;
	int fds;

	need_root("mounts");
	make_layers(scratch_fd(state), FEW, &l);
	write_text(l.lowers[1], "user", "x");
	assert_int_equal(fchownat(l.lowers[1], "user", 1000, 1000, 0), 0);
	write_text(l.lowers[1], "other", "x");
	assert_int_equal(fchownat(l.lowers[1], "other", 77, 77, 0), 0);
	fds = count_fds();
	assert_int_equal(mb_sys_userns_new(&maps, &userns, E), 0);
	for (int m = MB_SYS_OVERLAY_BEST; m < MB_SYS_OVERLAY_METHOD_N_; m++) {
		struct mb_err err = MB_ERR_INIT;
		int fd = -1, r;

		r = mb_sys_mount_overlay(
			&(struct mb_sys_overlay){.lowers = l.lowers,
		                                 .n_lowers = l.n,
		                                 .upper_fd = l.upper,
		                                 .work_fd = l.work,
		                                 .method = (enum mb_sys_overlay_method)m,
		                                 .maps_ids = true,
		                                 .userns_fd = userns},
			&fd, &err);
		if (r < 0 && m == MB_SYS_OVERLAY_FDS)
			continue; /* before Linux 6.15 */
		if (r < 0)
			print_error("method %d: %s\n", m, err.msg);
		assert_int_equal(r, 0);
		assert_int_equal(owner_of(fd, "who"), 200000);
		assert_int_equal(owner_of(fd, "user"), 5);
		assert_int_equal(owner_of(fd, "other"), 65534);
		/* The upper has the ids of the outside. */
		write_text(fd, "new", "x");
		assert_int_equal(owner_of(l.upper, "new"), 0);
		assert_int_equal(unlinkat(fd, "new", 0), 0);
		close(fd);
	}
	/* On disk nothing has changed. */
	assert_int_equal(owner_of(l.lowers[1], "user"), 1000);
	mb_close(&userns);
	assert_int_equal(count_fds(), fds);
	done_layers(&l);
}

static void ids_outside(void **state)
{
	const struct mb_sys_id_range ranges[] = {{0, 1000, 10}, {20, 5, 1}, {100, 4000000000, 100}};

	(void)state;
	assert_int_equal(mb_sys_id_outside(ranges, 3, 0), 1000);
	assert_int_equal(mb_sys_id_outside(ranges, 3, 9), 1009);
	assert_int_equal(mb_sys_id_outside(ranges, 3, 10), -1);
	assert_int_equal(mb_sys_id_outside(ranges, 3, 20), 5);
	assert_int_equal(mb_sys_id_outside(ranges, 3, 199), 4000000099);
	assert_int_equal(mb_sys_id_outside(ranges, 3, UINT32_MAX), -1);
	assert_int_equal(mb_sys_id_outside(NULL, 0, 0), -1);
}

static void overlay_refuses(void **state)
{
	struct mb_err err = MB_ERR_INIT;
	struct layers l;
	int fd = -1, file;

	assert_int_equal(mb_sys_mount_overlay(&(struct mb_sys_overlay){.upper_fd = -1}, &fd, E),
	                 -EINVAL);
	assert_int_equal(mb_sys_mount_overlay(
				 &(struct mb_sys_overlay){.n_lowers = 1, .upper_fd = -1}, &fd, E),
	                 -EINVAL);
	assert_int_equal(mb_sys_mount_overlay(&(struct mb_sys_overlay){.n_lowers = 131}, &fd, E),
	                 -EINVAL);
	need_root("mounts");
	make_layers(scratch_fd(state), FEW, &l);
	file = openat(l.lowers[0], "who", O_PATH | O_CLOEXEC);
	close(l.lowers[1]);
	l.lowers[1] = file;
	for (int m = MB_SYS_OVERLAY_BEST; m < MB_SYS_OVERLAY_METHOD_N_; m++) {
		assert_true(try_overlay(&l, true, (enum mb_sys_overlay_method)m, &err) < 0);
		assert_int_equal(strncmp(err.msg, "cannot mount overlay", 20), 0);
	}
	done_layers(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_parse_table),
		cmocka_unit_test(flags_parse_words),
		cmocka_unit_test(new_tells_what_the_kernel_says),
		cmocka_unit_test(new_tmpfs_clone_setattr),
		cmocka_unit_test(proc_of_our_own),
		SCRATCH_TEST(move_to_descriptors),
		SCRATCH_TEST(overlay_few_layers),
		SCRATCH_TEST(overlay_many_layers),
		SCRATCH_TEST(overlay_in_a_chroot),
		SCRATCH_TEST(overlay_maps_ids),
		cmocka_unit_test(ids_outside),
		SCRATCH_TEST(overlay_refuses),
	};

	return cmocka_run_group_tests_name("mount", tests, NULL, NULL);
}
