/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole starts and execs on a root file system of one static busybox.  Needs root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "oci/spec.h"
#include "runtime/plan.h"
#include "runtime/runtime.h"
#include "sys/mount.h"
#include "sys/path.h"
#include "sys/tree.h"
#include "json/json.h"

#include "box.h"

static void it_is_process_1_of_its_own_world(void **state)
{
	NEEDS_ROOT;
	expect(*state, "echo $$; hostname; id -u; ls /; ls /proc/self/fd | wc -l",
	       "1\nweb\n0\nbin\ndev\netc\nfull\nproc\n4\n");
}

static void the_exit_code_comes_back(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	script(b, "exit 42");
	assert_int_equal(start(b), 0);
	assert_int_equal(finish(b), 42);
}

static void capabilities_and_filter_are_set(void **state)
{
	NEEDS_ROOT;
	expect(*state, "grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status",
	       "CapInh:\t0000000000000000\nCapPrm:\t0000000000000021\n"
	       "CapEff:\t0000000000000021\nCapBnd:\t0000000000000021\n"
	       "CapAmb:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t2\n");
}

static void a_user_has_no_capabilities(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	b->spec.process->user.uid = 1000;
	b->spec.process->user.gid = 1001;
	b->spec.process->no_new_privileges = true;
	expect(b, "id -u; id -g; id -G; grep -E '^(CapEff|CapInh|CapAmb|NoNew)' /proc/self/status",
	       "1000\n1001\n1001 0\nCapInh:\t0000000000000000\nCapEff:\t0000000000000000\n"
	       "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\n");
}

static void masks_hide_and_protect(void **state)
{
	NEEDS_ROOT;
	expect(*state,
	       "cat /proc/timer_list; ls /proc/acpi; "
	       "touch /proc/acpi/x 2>/dev/null || echo no; "
	       "(echo 1 >/proc/sys/kernel/domainname) 2>/dev/null || echo ro",
	       "no\nro\n");
}

static void failures_are_told_and_coded(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	mb_strset(&b->spec.process->args.v[0], "nosuch");
	assert_int_equal(start(b), -ENOENT);
	assert_string_equal(b->err.msg, "exec: \"nosuch\": executable file not found in $PATH");
	assert_int_equal(mb_runtime_exit_code(-ENOENT, &b->err), 127);
	assert_int_equal(finish(b), 127);
}

static void a_missing_interpreter_is_127(void **state)
{
	struct box *b = *state;
	MB_AUTO_CLOSE int fd = -1;

	NEEDS_ROOT;
	fd = openat(dir_fd, "rootfs/bin/broken", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	assert_int_equal(mb_write_full(fd, "#!/nosuch\n", 10), 0);
	mb_close(&fd);
	mb_strset(&b->spec.process->args.v[0], "broken");
	assert_int_equal(start(b), -ENOENT);
	assert_int_equal(mb_runtime_exit_code(-ENOENT, &b->err), 127);
	unlinkat(dir_fd, "rootfs/bin/broken", 0);
	(void)finish(b);
}

/* Process 1 has its end and waits; who was to tell of it is dead. */
static void a_parent_that_dies_before_it_tells_is_noticed(void **state)
{
	struct box *b = *state;
	char c;

	NEEDS_ROOT;
	assert_int_equal(mb_runtime_plan_new(&b->req, &b->plan, &b->err), 0);
	b->parent = fork();
	if (b->parent == 0) {
		if (fork() == 0) {
			close(b->plan->channel[0]);
			close(b->plan->birth[1]);
			(void)!read(b->plan->channel[1], &c, 1);
		}
		_exit(0);
	}
	assert_int_equal(mb_runtime_plan_await_ready(b->plan, &b->ready, &b->err), -ECHILD);
	assert_string_equal(b->err.msg, "the container's first process could not be made");
	assert_int_equal(finish(b), 0);
}

static void the_commands_death_ends_it(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	assert_int_equal(mb_runtime_plan_new(&b->req, &b->plan, &b->err), 0);
	b->parent = fork();
	if (b->parent == 0)
		be_parent(b);
	assert_int_equal(mb_runtime_plan_await_ready(b->plan, &b->ready, &b->err), 0);
	mb_runtime_plan_free(b->plan); /* as its exit would */
	b->plan = NULL;
	assert_int_equal(finish(b), 125);
}

static void init_stays_as_process_1(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	b->req.with_init = true;
	expect(b, "echo $$; cat /proc/1/comm; grep -E '^(CapPrm|Seccomp:)' /proc/1/status",
	       "2\nmybox-init\nCapPrm:\t0000000000000021\nSeccomp:\t2\n");
}

static void a_readonly_root_is_one(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	b->spec.root.readonly = true;
	expect(b, "touch /x 2>/dev/null || echo no; touch /dev/x && echo yes", "no\nyes\n");
}

static void binds_and_copyup(void **state)
{
	struct box *b = *state;
	struct mb_oci_mount *m;

	NEEDS_ROOT;
	m = mb_oci_spec_add_mount(&b->spec, "/data", "bind", "canary");
	mb_strv_add(&m->options, "bind");
	mb_strv_add(&m->options, "ro");
	m = mb_oci_spec_add_mount(&b->spec, "/etc/one", "bind", "rootfs/full/file");
	mb_strv_add(&m->options, "bind");
	m = mb_oci_spec_add_mount(&b->spec, "/full", "tmpfs", "tmpfs");
	mb_strv_add(&m->options, "tmpcopyup");
	expect(b,
	       "touch /data/x 2>/dev/null || echo ro; cat /etc/one /full/file; "
	       "readlink /full/link; touch /full/new; ls /full",
	       "ro\ndata\ndata\nfile\nfile\nlink\nnew\n");
	assert_int_equal(faccessat(dir_fd, "rootfs/full/new", F_OK, 0), -1);
}

static void relink(const char *name, const char *target)
{
	MB_AUTO_FREE char *path = mb_asprintf("rootfs/%s", name);

	mb_sys_tree_remove(dir_fd, path, NULL);
	assert_int_equal(symlinkat(target, dir_fd, path), 0);
}

static void links_of_the_image_stay_inside(void **state)
{
	static const char *const targets[] = {"/../../../../../../tmp", "../canary"};
	struct box *b = *state;

	NEEDS_ROOT;
	for (size_t i = 0; i < MB_N(targets); i++) {
		relink("dev", targets[i]);
		expect(b, "echo -n", "");
		mb_runtime_plan_free(mb_take_ptr(&b->plan));
		mb_close(&b->output);
		mb_close(&b->ready.pidfd);
		mb_close(&b->ready.netns_fd);
	}
	assert_int_equal(faccessat(dir_fd, "canary/null", F_OK, 0), -1);
	assert_int_equal(unlinkat(dir_fd, "rootfs/dev", 0), 0);
}

static void a_linked_proc_is_refused(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	relink("proc", "etc");
	assert_true(start(b) < 0);
	assert_non_null(strstr(b->err.msg, "no ordinary directory"));
	assert_int_equal(unlinkat(dir_fd, "rootfs/proc", 0), 0);
}

static void a_working_directory_stays_inside(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	mb_strset(&b->spec.process->cwd, "/proc/self/fd/7");
	assert_true(start(b) < 0);
	teardown(state);
	assert_int_equal(setup(state), 0);
	b = *state;
	mb_strset(&b->spec.process->cwd, "/full/../new/dir");
	expect(b, "readlink /proc/self/cwd", "/new/dir\n");
}

static void sysctls_are_written(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	mb_kv_set(&b->spec.linux.sysctl, "net.ipv4.ip_unprivileged_port_start", "0");
	mb_kv_set(&b->spec.linux.sysctl, "kernel.shmmni", "100");
	mb_kv_set(&b->spec.linux.sysctl, "net.ipv4.conf.lo.forwarding", "1");
	expect(b,
	       "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shmmni "
	       "/proc/sys/net/ipv4/conf/lo/forwarding",
	       "0\n100\n1\n");
}

static void a_limit_too_high_is_a_warning(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	mb_oci_process_add_rlimit(b->spec.process, "RLIMIT_NOFILE", 100, 200);
	mb_oci_process_add_rlimit(b->spec.process, "RLIMIT_MEMLOCK", UINT64_MAX, UINT64_MAX);
	expect(b, "ulimit -n; ulimit -Hn", "100\n200\n");
}

static void a_terminal_is_the_containers_own(void **state)
{
	struct box *b = *state;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	char bytes[256];
	ssize_t n;

	NEEDS_ROOT;
	b->spec.process->terminal = true;
	b->spec.process->console_size.height = 33;
	b->spec.process->console_size.width = 77;
	script(b, "tty; stty size; ls /dev/console; exit 0");
	assert_int_equal(start(b), 0);
	assert_true(b->started.console_fd >= 0);
	while ((n = read(b->started.console_fd, bytes, sizeof(bytes))) > 0)
		mb_str_addn(&out, bytes, (size_t)n);
	assert_string_equal(mb_str_text(&out), "/dev/pts/0\r\n33 77\r\n/dev/console\r\n");
	assert_int_equal(finish(b), 0);
}

static void a_users_profile_may_deny_what_setup_needs(void **state)
{
	static const char profile[] =
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"capset\","
		"\"setuid\",\"setresuid\",\"setgroups\",\"prctl\",\"fcntl\",\"pivot_root\","
		"\"execveat\",\"fchdir\",\"close_range\"],\"action\":\"SCMP_ACT_ERRNO\"}]}";
	struct box *b = *state;

	NEEDS_ROOT;
	b->spec.process->user.uid = 1000;
	assert_int_equal(mb_json_parse(profile, strlen(profile), &b->spec.linux.seccomp, &b->err),
	                 0);
	expect(b, "id -u; grep -E '^(CapPrm|CapAmb|Seccomp:)' /proc/self/status",
	       "1000\nCapPrm:\t0000000000000000\nCapAmb:\t0000000000000000\nSeccomp:\t2\n");
}

/* ---- exec ---- */

static void exec_joins_the_container(void **state)
{
	struct box *b = *state;
	int code = -1;

	NEEDS_ROOT;
	script(b, "sleep 100");
	assert_int_equal(start(b), 0);
	if (run_exec(b,
	             "hostname; echo $PPID; cat /proc/1/comm; ls /proc/self/fd | wc -l; "
	             "grep -E '^(CapPrm|CapInh|Seccomp:)' /proc/self/status; exit 9",
	             &code) < 0)
		fail_msg("%s", b->err.msg);
	assert_int_equal(code, 9);
	assert_string_equal(mb_str_text(&b->out), "web\n0\nsleep\n4\nCapInh:\t0000000000000000\n"
	                                          "CapPrm:\t0000000000000021\nSeccomp:\t2\n");
}

static void exec_failures_are_coded(void **state)
{
	struct box *b = *state;
	int code = -1, r;

	NEEDS_ROOT;
	script(b, "sleep 100");
	assert_int_equal(start(b), 0);
	r = run_exec(b, "!nosuch", &code);
	assert_int_equal(r, -ENOENT);
	assert_int_equal(mb_runtime_exit_code(r, &b->err), 127);
	r = run_exec(b, "!/bin", &code);
	assert_int_equal(mb_runtime_exit_code(r, &b->err), 126);
}

static void exec_into_the_dead_fails(void **state)
{
	struct box *b = *state;
	int code = -1;

	NEEDS_ROOT;
	assert_int_equal(start(b), 0);
	(void)finish(b);
	assert_true(run_exec(b, "true", &code) < 0);
}

/* In a container that may ptrace all, nothing of ours is ever seen among its processes. */
static void exec_shows_nothing_of_mybox(void **state)
{
	struct box *b = *state;
	int code = -1;

	NEEDS_ROOT;
	mb_strv_add(&b->spec.process->capabilities->bounding, "CAP_SYS_PTRACE");
	mb_strv_add(&b->spec.process->capabilities->permitted, "CAP_SYS_PTRACE");
	mb_strv_add(&b->spec.process->capabilities->effective, "CAP_SYS_PTRACE");
	script(b, "while [ ! -e /stop ]; do "
	          "for p in /proc/[0-9]*; do readlink $p/exe; done; done 2>/dev/null | "
	          "grep -vE '^(/bin/busybox|/memfd:mybox-init .deleted.)$'; echo end");
	assert_int_equal(start(b), 0);
	for (int i = 0; i < 12; i++)
		assert_int_equal(run_exec(b, "true", &code), 0);
	assert_int_equal(run_exec(b, "touch /stop", &code), 0);
	(void)finish(b);
	assert_int_equal(unlinkat(dir_fd, "rootfs/stop", 0), 0);
	assert_string_equal(mb_str_text(&b->out), "end\n");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(it_is_process_1_of_its_own_world),
		T(the_exit_code_comes_back),
		T(capabilities_and_filter_are_set),
		T(a_user_has_no_capabilities),
		T(masks_hide_and_protect),
		T(failures_are_told_and_coded),
		T(a_missing_interpreter_is_127),
		T(a_parent_that_dies_before_it_tells_is_noticed),
		T(the_commands_death_ends_it),
		T(init_stays_as_process_1),
		T(a_readonly_root_is_one),
		T(binds_and_copyup),
		T(links_of_the_image_stay_inside),
		T(a_linked_proc_is_refused),
		T(a_working_directory_stays_inside),
		T(sysctls_are_written),
		T(a_limit_too_high_is_a_warning),
		T(a_terminal_is_the_containers_own),
		T(a_users_profile_may_deny_what_setup_needs),
		T(exec_joins_the_container),
		T(exec_failures_are_coded),
		T(exec_into_the_dead_fails),
		T(exec_shows_nothing_of_mybox),
	};

	return cmocka_run_group_tests_name("runtime/start", tests, make_all, unmake_all);
}
