/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Against the running kernel: once with the host's hierarchies, once in a mount namespace that
 * has cgroup2 alone.  Skipped without root. */
#include "scratch.h"

#include <linux/bpf.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "core/crc32c.h"
#include "sys/cgroup.h"
#include "sys/device.h"

#define PARENT "mybox-unit"

struct fixture {
	struct mb_sys_cgroup_host *host;
	struct mb_sys_cgroup *cg;
	char *path;
};

static const struct mb_sys_cgroup_limits no_limits;

static void make(struct fixture *f, const struct mb_sys_cgroup_limits *l)
{
	struct mb_err err = MB_ERR_INIT;

	if (mb_sys_cgroup_create(f->host, f->path, l, &f->cg, &err) < 0)
		fail_msg("%s", err.msg);
}

static int setup(void **state)
{
	struct fixture *f = mb_calloc(1, sizeof(*f));
	MB_AUTO_FREE char *name = mb_asprintf("t%d", (int)getpid());

	*state = f;
	if (geteuid() != 0 || mb_sys_cgroup_host_open(&f->host, NULL) < 0)
		return 0;
	return mb_sys_cgroup_path_make(PARENT, name, &f->path, NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	size_t n = 0;
	const struct mb_sys_cgroup_hierarchy *h =
		f->host ? mb_sys_cgroup_host_hierarchies(f->host, &n) : NULL;

	if (f->cg) {
		(void)mb_sys_cgroup_freeze(f->cg, false, 100, NULL);
		(void)mb_sys_cgroup_kill(f->cg, NULL);
		while (waitpid(-1, NULL, 0) > 0)
			;
		assert_int_equal(mb_sys_cgroup_remove(f->cg, NULL), 0);
	}
	for (size_t i = 0; i < n; i++) {
		MB_AUTO_FREE char *parent = mb_asprintf("%s/" PARENT, h[i].mount_point);

		(void)rmdir(parent);
	}
	mb_sys_cgroup_free(f->cg);
	mb_sys_cgroup_host_free(f->host);
	free(f->path);
	free(f);
	return 0;
}

static struct fixture *need_cgroups(void **state)
{
	struct fixture *f = *state;

	if (!f->host) {
		print_message("needs root and cgroups\n");
		skip();
	}
	return f;
}

/* A child in @cg that has arrived there. */
static pid_t spawn(struct mb_sys_cgroup *cg, int (*function)(void))
{
	struct mb_sys_cgroup_join join = MB_SYS_CGROUP_JOIN_INIT;
	struct clone_args args = {.exit_signal = SIGCHLD};
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(mb_sys_cgroup_join_open(cg, &join, NULL), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	if (join.v2_fd >= 0) {
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)join.v2_fd;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	assert_true(pid >= 0);
	if (!pid) {
		if (mb_sys_cgroup_join_self(&join) < 0 || write(ready[1], "x", 1) != 1)
			_exit(99);
		_exit(function());
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	mb_sys_cgroup_join_done(&join);
	return pid;
}

static int status_of(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int sleep_for_ever(void)
{
	for (;;)
		pause();
	return 0;
}

static int have_nine_children(void)
{
	for (int i = 0; i < 9; i++)
		if (fork() == 0)
			return sleep_for_ever();
	return sleep_for_ever();
}

static int fork_for_ever(void)
{
	(void)signal(SIGCHLD, SIG_IGN);
	for (;;) {
		if (fork() == 0) {
			(void)usleep(1000);
			_exit(0);
		}
		(void)usleep(500);
	}
	return 0;
}

static size_t count_pids(struct mb_sys_cgroup *cg)
{
	MB_AUTO_FREE pid_t *pids = NULL;
	size_t n = 0;

	assert_int_equal(mb_sys_cgroup_pids(cg, &pids, &n, NULL), 0);
	return n;
}

static void wait_for_pids(struct mb_sys_cgroup *cg, size_t n)
{
	for (int i = 0; i < 2000 && count_pids(cg) != n; i++)
		(void)usleep(1000);
	assert_int_equal(count_pids(cg), n);
}

static void kill_ends_all_and_remove_leaves_nothing(void **state)
{
	struct fixture *f = need_cgroups(state);
	struct mb_sys_cgroup *again = NULL;
	struct mb_err err = MB_ERR_INIT;
	bool populated;
	pid_t pid;

	make(f, &no_limits);
	assert_int_equal(mb_sys_cgroup_is_populated(f->cg, &populated, &err), 0);
	assert_false(populated);
	pid = spawn(f->cg, have_nine_children);
	wait_for_pids(f->cg, 10);
	assert_int_equal(mb_sys_cgroup_is_populated(f->cg, &populated, &err), 0);
	assert_true(populated);
	assert_int_equal(mb_sys_cgroup_wait_empty(f->cg, 10, &err), -ETIMEDOUT);
	assert_int_equal(mb_sys_cgroup_kill(f->cg, &err), 0);
	assert_int_equal(WTERMSIG(status_of(pid)), SIGKILL);
	assert_int_equal(mb_sys_cgroup_wait_empty(f->cg, 2000, &err), 0);
	assert_int_equal(mb_sys_cgroup_remove(f->cg, &err), 0);
	assert_int_equal(mb_sys_cgroup_remove(f->cg, &err), 0);
	assert_int_equal(mb_sys_cgroup_open(f->host, f->path, &again, &err), MB_SYS_CGROUP_ABSENT);
}

static void kill_beats_a_fork_bomb_frozen_or_not(void **state)
{
	struct fixture *f = need_cgroups(state);

	for (int frozen = 0; frozen < 2; frozen++) {
		pid_t pid;

		make(f, &no_limits);
		pid = spawn(f->cg, fork_for_ever);
		(void)usleep(20000);
		if (frozen)
			assert_int_equal(mb_sys_cgroup_freeze(f->cg, true, 2000, NULL), 0);
		assert_int_equal(mb_sys_cgroup_kill(f->cg, NULL), 0);
		assert_int_equal(WTERMSIG(status_of(pid)), SIGKILL);
		assert_int_equal(mb_sys_cgroup_wait_empty(f->cg, 2000, NULL), 0);
		assert_int_equal(mb_sys_cgroup_remove(f->cg, NULL), 0);
		mb_sys_cgroup_free(mb_take_ptr(&f->cg));
	}
}

/* The kernel kills what is cloned into a group that once was killed: create() makes it anew. */
static void a_killed_group_can_be_created_again(void **state)
{
	struct fixture *f = need_cgroups(state);
	pid_t pid;

	for (int round = 0; round < 2; round++) {
		mb_sys_cgroup_free(mb_take_ptr(&f->cg));
		make(f, &no_limits);
		pid = spawn(f->cg, sleep_for_ever);
		assert_int_equal(mb_sys_cgroup_kill(f->cg, NULL), 0);
		assert_int_equal(WTERMSIG(status_of(pid)), SIGKILL);
		assert_int_equal(mb_sys_cgroup_wait_empty(f->cg, 2000, NULL), 0);
	}
}

static void freeze_stops_and_thaw_goes_on(void **state)
{
	struct fixture *f = need_cgroups(state);
	bool frozen;

	make(f, &no_limits);
	(void)spawn(f->cg, have_nine_children);
	wait_for_pids(f->cg, 10);
	assert_int_equal(mb_sys_cgroup_freeze(f->cg, true, 2000, NULL), 0);
	assert_int_equal(mb_sys_cgroup_is_frozen(f->cg, &frozen, NULL), 0);
	assert_true(frozen);
	assert_int_equal(mb_sys_cgroup_freeze(f->cg, false, 2000, NULL), 0);
	assert_int_equal(mb_sys_cgroup_is_frozen(f->cg, &frozen, NULL), 0);
	assert_false(frozen);
}

static void sub_dies_alone_and_goes_with_its_parent(void **state)
{
	struct fixture *f = need_cgroups(state);
	struct mb_sys_cgroup *sub = NULL, *left = NULL;
	struct mb_err err = MB_ERR_INIT;
	pid_t pid;

	make(f, &no_limits);
	(void)spawn(f->cg, sleep_for_ever);
	assert_int_equal(mb_sys_cgroup_sub_create(f->cg, "../x", &sub, &err), -EINVAL);
	assert_int_equal(mb_sys_cgroup_sub_create(f->cg, "exec-1", &sub, &err), 0);
	assert_int_equal(mb_sys_cgroup_sub_create(f->cg, "exec-2", &left, &err), 0);
	pid = spawn(sub, sleep_for_ever);
	assert_int_equal(count_pids(sub), 1);
	assert_int_equal(count_pids(f->cg), 2);
	assert_int_equal(mb_sys_cgroup_kill(sub, &err), 0);
	assert_int_equal(WTERMSIG(status_of(pid)), SIGKILL);
	assert_int_equal(mb_sys_cgroup_wait_empty(sub, 2000, &err), 0);
	assert_int_equal(mb_sys_cgroup_remove(sub, &err), 0);
	assert_int_equal(count_pids(f->cg), 1);
	mb_sys_cgroup_free(sub);
	mb_sys_cgroup_free(left); /* its directory is the teardown's, below the parent */
}

/* Bits: 1 null fails, 2 kmsg opens, 4 mknod of anything fails, 8 zero fails. */
static int try_devices(void)
{
	static const char node[] = "/tmp/mybox-unit-node";
	int bits = 0;

	bits |= open("/dev/null", O_RDWR | O_CLOEXEC) < 0 ? 1 : 0;
	bits |= open("/dev/kmsg", O_RDONLY | O_CLOEXEC | O_NONBLOCK) >= 0 ? 2 : 0;
	bits |= mknod(node, S_IFCHR | 0600, makedev(10, 229)) < 0 ? 4 : 0;
	bits |= open("/dev/zero", O_RDONLY | O_CLOEXEC) < 0 ? 8 : 0;
	(void)unlink(node);
	return bits;
}

static void devices_are_denied_allowed_and_denied_again(void **state)
{
	struct fixture *f = need_cgroups(state);
	struct mb_sys_cgroup_limits closed = {0}, open = {0};
	struct mb_err err = MB_ERR_INIT;

	closed.devices = mb_sys_device_rules_default(&closed.n_devices);
	open.devices = mb_sys_device_rules_all(&open.n_devices);
	make(f, &closed);
	assert_int_equal(WEXITSTATUS(status_of(spawn(f->cg, try_devices))), 0);
	assert_int_equal(mb_sys_cgroup_update(f->cg, &open, &err), 0);
	assert_int_equal(WEXITSTATUS(status_of(spawn(f->cg, try_devices))) & ~2, 0);
	assert_int_equal(mb_sys_cgroup_update(f->cg, &closed, &err), 0);
	assert_int_equal(WEXITSTATUS(status_of(spawn(f->cg, try_devices))), 0);
}

static int v2_root_open(struct fixture *f)
{
	size_t n;
	const struct mb_sys_cgroup_hierarchy *h = mb_sys_cgroup_host_hierarchies(f->host, &n);

	for (size_t i = 0; i < n; i++)
		if (h[i].is_v2)
			return open(h[i].mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return -1;
}

static int try_devices_in(int dirfd)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)dirfd};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	assert_true(pid >= 0);
	if (!pid)
		_exit(try_devices());
	return WEXITSTATUS(status_of(pid));
}

static void the_default_program_is_kept_and_shared(void **state)
{
	static const char *const groups[] = {"a", "b"};
	struct fixture *f = need_cgroups(state);
	MB_AUTO_CLOSE int root = v2_root_open(f), parent = -1;
	MB_AUTO_FREE struct bpf_insn *insns = NULL;
	MB_AUTO_FREE char *keeper = NULL;
	size_t n_insns;
	size_t n;
	const struct mb_sys_device_rule *rules = mb_sys_device_rules_default(&n);

	if (root < 0)
		skip();
	assert_int_equal(mb_sys_device_program_make(rules, n, &insns, &n_insns, NULL), 0);
	keeper = mb_asprintf(PARENT "/.device-%08x", mb_crc32c(0, insns, n_insns * sizeof(*insns)));
	assert_true(mkdirat(root, PARENT, 0755) == 0 || errno == EEXIST);
	parent = openat(root, PARENT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(parent >= 0);
	for (size_t i = 0; i < MB_N(groups); i++) {
		MB_AUTO_CLOSE int dir = -1;
		int before = count_fds();

		assert_int_equal(mkdirat(parent, groups[i], 0755), 0);
		dir = openat(parent, groups[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		assert_int_equal(mb_sys_device_apply_v2_kept(parent, dir, rules, n, NULL), 0);
		assert_int_equal(try_devices_in(dir), 0);
		/* Other rules replace it in this group alone. */
		assert_int_equal(mb_sys_device_apply_v2_kept(
					 parent, dir,
					 &(struct mb_sys_device_rule){true, 'a', -1, -1, 7}, 1,
					 NULL),
		                 0);
		assert_int_equal(try_devices_in(dir) & ~2, 0);
		assert_int_equal(mb_sys_device_apply_v2_kept(parent, dir, rules, n, NULL), 0);
		assert_int_equal(try_devices_in(dir), 0);
		assert_int_equal(count_fds(), before + 1);
		assert_int_equal(unlinkat(parent, groups[i], AT_REMOVEDIR), 0);
	}
	assert_int_equal(unlinkat(root, keeper, AT_REMOVEDIR), 0);
}

static int eat(void)
{
	size_t n = 64 << 20;
	volatile char *p =
		mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < n; i += 4096)
		p[i] = 1;
	return 0;
}

static void memory_limit_kills_counts_and_can_be_changed(void **state)
{
	struct fixture *f = need_cgroups(state);
	struct mb_sys_cgroup_limits l = {
		.memory = 16 << 20, .memory_swap = 16 << 20, .memory_swap_optional = true};
	struct mb_sys_cgroup_stats s;
	struct mb_err err = MB_ERR_INIT;
	struct pollfd p = {0};

	if (!mb_sys_cgroup_host_has(f->host, "memory"))
		skip();
	make(f, &l);
	assert_int_equal(mb_sys_cgroup_oom_event_open(f->cg, &p.fd, &p.events, &err), 0);
	assert_int_equal(WTERMSIG(status_of(spawn(f->cg, eat))), SIGKILL);
	assert_int_equal(poll(&p, 1, 2000), 1);
	close(p.fd);
	assert_int_equal(mb_sys_cgroup_stats_read(f->cg, &s, &err), 0);
	assert_int_equal(s.oom_kills, 1);
	assert_int_equal(s.memory_limit, 16 << 20);
	/* Up and down, the sum first or last. */
	for (int64_t mib = 8; mib <= 64; mib *= 2) {
		struct mb_sys_cgroup_limits u = {.memory = (72 - mib) << 20,
		                                 .memory_swap = (72 - mib) << 20,
		                                 .memory_swap_optional = true};

		assert_int_equal(mb_sys_cgroup_update(f->cg, &u, &err), 0);
		u.memory = u.memory_swap = mib << 20;
		assert_int_equal(mb_sys_cgroup_update(f->cg, &u, &err), 0);
	}
	assert_int_equal(mb_sys_cgroup_update(
				 f->cg,
				 &(struct mb_sys_cgroup_limits){.memory = -1, .memory_swap = -1},
				 &err),
	                 0);
}

static int fork_ten(void)
{
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return errno == EAGAIN ? 7 : 8;
		if (!pid)
			return sleep_for_ever();
	}
	return 0;
}

static void pids_limit_holds(void **state)
{
	struct fixture *f = need_cgroups(state);
	struct mb_sys_cgroup_limits l = {.pids_max = 5};

	if (!mb_sys_cgroup_host_has(f->host, "pids"))
		skip();
	make(f, &l);
	assert_int_equal(WEXITSTATUS(status_of(spawn(f->cg, fork_ten))), 7);
}

static void update_adds_a_controller_to_what_runs(void **state)
{
	struct fixture *f = need_cgroups(state);
	struct mb_sys_cgroup_limits l = {.cpuset_cpus = "0", .pids_max = 50};
	struct mb_sys_cgroup_stats s;
	struct mb_err err = MB_ERR_INIT;
	cpu_set_t cpus;
	bool frozen;
	pid_t pid;

	if (!mb_sys_cgroup_host_has(f->host, "cpuset") || !mb_sys_cgroup_host_has(f->host, "pids"))
		skip();
	make(f, &no_limits);
	pid = spawn(f->cg, have_nine_children);
	wait_for_pids(f->cg, 10);
	if (mb_sys_cgroup_update(f->cg, &l, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(mb_sys_cgroup_stats_read(f->cg, &s, &err), 0);
	assert_int_equal(s.pids, 10);
	assert_int_equal(s.pids_limit, 50);
	assert_int_equal(sched_getaffinity(pid, sizeof(cpus), &cpus), 0);
	assert_int_equal(CPU_COUNT(&cpus), 1);
	assert_int_equal(mb_sys_cgroup_is_frozen(f->cg, &frozen, &err), 0);
	assert_false(frozen);
}

static void cpuset_takes_processes(void **state)
{
	struct fixture *f = need_cgroups(state);
	struct mb_sys_cgroup_limits l = {.cpuset_cpus = "0"};

	if (!mb_sys_cgroup_host_has(f->host, "cpuset"))
		skip();
	make(f, &l);
	assert_int_equal(WTERMSIG(status_of(spawn(f->cg, try_devices))), 0);
}

static void handles_leak_no_descriptor(void **state)
{
	struct fixture *f = need_cgroups(state);
	struct mb_sys_cgroup_join join;
	struct mb_sys_cgroup *cg = NULL;
	size_t n;
	const struct mb_sys_device_rule *rules = mb_sys_device_rules_default(&n);
	struct mb_sys_cgroup_limits l = {.devices = rules, .n_devices = n};
	int before = 0;

	make(f, &l);
	/* Twice: the host keeps the hierarchies that it had to open. */
	for (int round = 0; round < 2; round++) {
		before = count_fds();
		assert_int_equal(mb_sys_cgroup_open(f->host, f->path, &cg, NULL), 0);
		assert_int_equal(mb_sys_cgroup_update(cg, &l, NULL), 0);
		assert_int_equal(mb_sys_cgroup_join_open(cg, &join, NULL), 0);
		mb_sys_cgroup_join_done(&join);
		mb_sys_cgroup_free(cg);
	}
	assert_int_equal(count_fds(), before);
}

#define KERNEL_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static int run(const char *name)
{
	const struct CMUnitTest tests[] = {
		KERNEL_TEST(kill_ends_all_and_remove_leaves_nothing),
		KERNEL_TEST(kill_beats_a_fork_bomb_frozen_or_not),
		KERNEL_TEST(a_killed_group_can_be_created_again),
		KERNEL_TEST(freeze_stops_and_thaw_goes_on),
		KERNEL_TEST(sub_dies_alone_and_goes_with_its_parent),
		KERNEL_TEST(devices_are_denied_allowed_and_denied_again),
		KERNEL_TEST(the_default_program_is_kept_and_shared),
		KERNEL_TEST(memory_limit_kills_counts_and_can_be_changed),
		KERNEL_TEST(pids_limit_holds),
		KERNEL_TEST(update_adds_a_controller_to_what_runs),
		KERNEL_TEST(cpuset_takes_processes),
		KERNEL_TEST(handles_leak_no_descriptor),
	};

	return _cmocka_run_group_tests(name, tests, MB_N(tests), NULL, NULL);
}

int main(void)
{
	int failed = run("sys/cgroup_kernel");

	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    umount2("/sys/fs/cgroup", MNT_DETACH) < 0 ||
	    mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL) < 0)
		return failed;
	return failed + run("sys/cgroup_kernel, cgroup2 alone");
}
