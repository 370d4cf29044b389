/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "filter.h"
#include "oci/spec.h"
#include "runtime/plan.h"
#include "runtime/seccomp.h"
#include "runtime/seccomp_data.h"
#include "json/json.h"

enum { ALLOW = FILTER_ALLOW };

static int ask(const struct sock_filter *f, size_t n, uint32_t arch, int nr, uint64_t arg)
{
	return filter_ask(f, n, arch, nr, arg, 0);
}

static int ask_native(uint64_t caps, const char *name, uint64_t arg)
{
	static struct sock_filter f[MB_SECCOMP_MAX_INSNS];
	size_t n = mb_runtime_seccomp_emit(MB_SECCOMP_NATIVE.archs, caps, false, f);

	assert_in_range(n, 1, 1024);
	return ask(f, n, MB_SECCOMP_NATIVE.archs[0].audit, seccomp_syscall_resolve_name(name), arg);
}

static void rows_are_sorted_and_unique(void **state)
{
	(void)state;
	for (size_t i = 1; i < mb_runtime_seccomp_n_rows; i++) {
		const char *a = mb_runtime_seccomp_rows[i - 1].name;
		const char *b = mb_runtime_seccomp_rows[i].name;

		a += strspn(a, "_");
		b += strspn(b, "_");
		assert_true(strcmp(a, b) < 0);
	}
}

static void the_numbers_that_rows_give_are_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < mb_runtime_seccomp_n_rows; i++) {
		const struct mb_seccomp_row *row = &mb_runtime_seccomp_rows[i];
		int nr = seccomp_syscall_resolve_name(row->name);

		if (row->number && nr >= 0)
			assert_int_equal(nr, row->number);
	}
}

static const struct mb_seccomp_family *const families[] = {&mb_runtime_seccomp_x86,
                                                           &mb_runtime_seccomp_arm};

static void the_prebuilt_programs_are_the_emitted_ones(void **state)
{
	static struct sock_filter f[MB_SECCOMP_MAX_INSNS];

	(void)state;
	for (size_t i = 0; i < MB_N(families); i++) {
		size_t n = mb_runtime_seccomp_emit(families[i]->archs,
		                                   mb_runtime_seccomp_default_caps(), false, f);

		assert_int_equal(n, families[i]->n_usual);
		assert_memory_equal(f, families[i]->usual, n * sizeof(f[0]));
	}
}

#define CAP(name) (UINT64_C(1) << CAP_##name)
static void verdicts_are_dockers(void **state)
{
	const uint64_t usual = mb_runtime_seccomp_default_caps();
	const struct {
		const char *name;
		uint64_t arg, caps;
		int expected;
	} rows[] = {
		{"read", 0, usual, ALLOW},
		{"execve", 0, usual, ALLOW},
		{"ptrace", 0, usual, ALLOW},
		{"mount", 0, usual, EPERM},
		{"mount", 0, CAP(SYS_ADMIN), ALLOW},
		{"unshare", 0, usual, EPERM},
		{"setns", 0, usual, EPERM},
		{"pivot_root", 0, CAP(SYS_ADMIN), EPERM},
		{"keyctl", 0, usual, EPERM},
		{"add_key", 0, usual, EPERM},
		{"io_uring_setup", 0, usual, EPERM},
		{"userfaultfd", 0, usual, EPERM},
		{"kexec_load", 0, usual, EPERM},
		{"bpf", 0, usual, EPERM},
		{"bpf", 0, CAP(BPF), ALLOW},
		{"perf_event_open", 0, CAP(PERFMON), ALLOW},
		{"syslog", 0, CAP(SYSLOG), ALLOW},
		{"reboot", 0, CAP(SYS_BOOT), ALLOW},
		{"chroot", 0, usual, ALLOW},
		{"chroot", 0, 0, EPERM},
		{"open_by_handle_at", 0, usual, EPERM},
		{"open_by_handle_at", 0, CAP(DAC_READ_SEARCH), ALLOW},
		{"clone3", 0, usual, ENOSYS},
		{"clone3", 0, CAP(SYS_ADMIN), ALLOW},
		{"clone", 0x00000011, usual, ALLOW},
		{"clone", 0x10000000, usual, EPERM}, /* CLONE_NEWUSER */
		{"clone", 0x00020000, usual, EPERM}, /* CLONE_NEWNS */
		{"clone", 0x10000000, CAP(SYS_ADMIN), ALLOW},
		{"socket", 2, usual, ALLOW},
		{"socket", 16, usual, ALLOW},
		{"socket", 17, usual, ALLOW},
		{"socket", 12, usual, EPERM},
		{"socket", 38, usual, EPERM}, /* AF_ALG */
		{"socket", 40, usual, EPERM}, /* AF_VSOCK */
		{"socket", UINT64_C(0x100000026), usual, EPERM},
		{"socket", 44, usual, ALLOW},
		{"socket", 46, usual, EPERM},
		{"personality", 0, usual, ALLOW},
		{"personality", 0xffffffff, usual, ALLOW},
		{"personality", 0x0040000, usual, EPERM}, /* ADDR_NO_RANDOMIZE */
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		int got = ask_native(rows[i].caps, rows[i].name, rows[i].arg);

		if (got != rows[i].expected)
			fail_msg("%s(%#llx): %d, not %d", rows[i].name,
			         (unsigned long long)rows[i].arg, got, rows[i].expected);
	}
}

static int expected_of(const struct mb_seccomp_row *row)
{
	if (row->rule == MB_SECCOMP_DENY || row->rule == MB_SECCOMP_CAP)
		return EPERM;
	return row->rule == MB_SECCOMP_CLONE3 ? ENOSYS : ALLOW;
}

/* No call slips between the runs: every row's verdict, on all architectures. */
static void every_row_is_found_by_the_search(void **state)
{
	static struct sock_filter f[MB_SECCOMP_MAX_INSNS];

	(void)state;
	for (size_t a = 0; a < MB_N(families) * MB_SECCOMP_MAX_ARCHS; a++) {
		const struct mb_seccomp_family *family = families[a / MB_SECCOMP_MAX_ARCHS];
		const struct mb_seccomp_arch *arch = &family->archs[a % MB_SECCOMP_MAX_ARCHS];
		size_t n = mb_runtime_seccomp_emit(family->archs, 0, false, f), found = 0;

		for (size_t i = 0; i < mb_runtime_seccomp_n_rows; i++) {
			if (arch->numbers[i] < 0)
				continue;
			found++;
			assert_int_equal(ask(f, n, arch->audit, arch->numbers[i], 0),
			                 expected_of(&mb_runtime_seccomp_rows[i]));
		}
		assert_true(found > 300);
	}
}

static void the_unknown_does_not_exist(void **state)
{
	(void)state;
	for (size_t i = 0; i < MB_N(families); i++) {
		const struct sock_filter *f = families[i]->usual;
		const size_t n = families[i]->n_usual;
		const uint32_t arch = families[i]->archs[0].audit;

		assert_int_equal(ask(f, n, arch, 511, 0), ENOSYS);
		assert_int_equal(ask(f, n, arch, 512, 0), ENOSYS);
		assert_int_equal(ask(f, n, arch, -1, 0), ENOSYS);
		assert_int_equal(ask(f, n, arch, 0x40000000, 0), ENOSYS); /* x32's read */
		assert_int_equal(ask(f, n, AUDIT_ARCH_S390X, 3, 0), ENOSYS);
	}
}

/* --hardened: what is newer than Linux 6.1 is not there, and TIOCSTI and TIOCLINUX are refused. */
static void the_hardened_program_knows_nothing_new(void **state)
{
	static struct sock_filter f[MB_SECCOMP_MAX_INSNS];
	const uint64_t all = (UINT64_C(1) << 41) - 1;
	const size_t n = mb_runtime_seccomp_emit(MB_SECCOMP_NATIVE.archs, all, true, f);
	const uint32_t arch = MB_SECCOMP_NATIVE.archs[0].audit;
	const int nr_ioctl = seccomp_syscall_resolve_name("ioctl");

	(void)state;
	for (int nr = 451; nr < 472; nr++)
		assert_int_equal(ask(f, n, arch, nr, 0), ENOSYS);
	assert_int_equal(ask(f, n, arch, 449, 0), ALLOW); /* futex_waitv */
	assert_int_equal(filter_ask(f, n, arch, nr_ioctl, 0, 0x5412), EPERM);
	assert_int_equal(filter_ask(f, n, arch, nr_ioctl, 0, 0x541c), EPERM);
	assert_int_equal(filter_ask(f, n, arch, nr_ioctl, 0, UINT64_C(0x100005412)), EPERM);
	assert_int_equal(filter_ask(f, n, arch, nr_ioctl, 0, 0x5413), ALLOW);
	assert_int_equal(filter_ask(MB_SECCOMP_NATIVE.usual, MB_SECCOMP_NATIVE.n_usual, arch,
	                            nr_ioctl, 0, 0x5412),
	                 ALLOW);
}

/* ---- profiles that users bring ---- */

static int compile(const char *text, uint64_t caps, struct sock_filter **f, size_t *n,
                   struct mb_err *err)
{
	struct json_object *profile = NULL;
	int r = mb_json_parse(text, strlen(text), &profile, err);

	assert_int_equal(r, 0);
	r = mb_runtime_seccomp_compile(profile, caps, f, n, err);
	mb_json_free(profile);
	return r;
}

static const char docker_profile[] =
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
	"\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":[]}],"
	"\"syscalls\":[{\"names\":[\"read\",\"no_such_call\"],\"action\":\"SCMP_ACT_ALLOW\"},"
	"{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ALLOW\","
	"\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}},"
	"{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1,"
	"\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}},"
	"{\"names\":[\"write\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"minKernel\":\"99.1\"}"
	"},"
	"{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\","
	"\"args\":[{\"index\":0,\"value\":2,\"op\":\"SCMP_CMP_EQ\"}]}]}";

static void docker_profiles_follow_capabilities(void **state)
{
	const uint32_t native = MB_SECCOMP_NATIVE.archs[0].audit;
	const int nr_mount = seccomp_syscall_resolve_name("mount");

	(void)state;
	for (int admin = 0; admin < 2; admin++) {
		MB_AUTO_FREE struct sock_filter *f = NULL;
		struct mb_err err = MB_ERR_INIT;
		size_t n = 0;

		assert_int_equal(compile(docker_profile, admin ? CAP(SYS_ADMIN) : 0, &f, &n, &err),
		                 0);
		assert_int_equal(ask(f, n, native, nr_mount, 0), admin ? ALLOW : EPERM);
		assert_int_equal(ask(f, n, native, seccomp_syscall_resolve_name("read"), 0), ALLOW);
		assert_int_equal(ask(f, n, native, seccomp_syscall_resolve_name("write"), 0),
		                 ENOSYS);
		assert_int_equal(ask(f, n, native, seccomp_syscall_resolve_name("socket"), 2),
		                 ALLOW);
		assert_int_equal(ask(f, n, native, seccomp_syscall_resolve_name("socket"), 3),
		                 ENOSYS);
	}
}

#define RULE(rule, more) "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{" rule "}]" more "}"

static void bad_profiles_are_refused(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"defaultAction\":\"SCMP_ACT_MAYBE\"}",
		"{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_VAX\"]}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_X\"]}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],"
		"\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":6,\"value\":1,"
		"\"op\":\"SCMP_CMP_EQ\"}]}]}",
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":70000}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":1}",
		RULE("\"action\":\"SCMP_ACT_LOG\",\"names\":[\"read\"],\"errnoRet\":1", ""),
		RULE("\"action\":\"SCMP_ACT_LOG\",\"names\":[]", ""),
		RULE("\"action\":\"SCMP_ACT_LOG\"", ""),
		RULE("\"action\":\"SCMP_ACT_NOTIFY\",\"names\":[\"mkdir\"]", ""),
		RULE("\"action\":\"SCMP_ACT_NOTIFY\",\"names\":[\"sendmsg\"]",
	             ",\"listenerPath\":\"/x\""),
		RULE("\"action\":\"SCMP_ACT_LOG\",\"names\":[\"read\"]",
	             ",\"listenerMetadata\":\"x\""),
		RULE("\"action\":\"SCMP_ACT_LOG\",\"names\":[\"read\"]", ",\"listenerPath\":\"x\""),
	};

	(void)state;
	for (size_t i = 0; i < MB_N(texts); i++) {
		struct sock_filter *f = NULL;
		struct mb_err err = MB_ERR_INIT;
		size_t n = 0;

		assert_true(compile(texts[i], 0, &f, &n, &err) < 0);
		assert_true(err.msg[0]);
	}
}

/* Every word that features tells is one that a profile may have. */
static void every_word_compiles(void **state)
{
	static struct sock_filter *f;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; mb_runtime_seccomp_actions[i]; i++) {
		const char *word = mb_runtime_seccomp_actions[i];
		MB_AUTO_FREE char *text = mb_asprintf(
			RULE("\"action\":\"%s\",\"names\":[\"mkdir\"]", ",\"listenerPath\":\"/x\""),
			word);

		assert_int_equal(compile(text, 0, &f, &n, NULL), 0);
		free(f);
	}
	for (size_t i = 0; mb_runtime_seccomp_operators[i]; i++) {
		MB_AUTO_FREE char *text = mb_asprintf(
			RULE("\"action\":\"SCMP_ACT_ERRNO\",\"names\":[\"mkdir\"],\"args\":["
		             "{\"index\":1,\"value\":7,\"valueTwo\":5,\"op\":\"%s\"}]",
		             ""),
			mb_runtime_seccomp_operators[i]);

		assert_int_equal(compile(text, 0, &f, &n, NULL), 0);
		free(f);
	}
}

static unsigned flags_of(const char *text)
{
	MB_AUTO(mb_json_free) struct json_object *profile = NULL;
	unsigned flags = ~0u;

	assert_int_equal(mb_json_parse(text, strlen(text), &profile, NULL), 0);
	(void)mb_runtime_seccomp_read_flags(profile, &flags, NULL);
	return flags;
}

static void flags_are_as_the_profile_says(void **state)
{
	(void)state;
	assert_int_equal(flags_of("{}"), SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	assert_int_equal(flags_of("{\"flags\":[]}"), 0);
	assert_int_equal(flags_of("{\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\","
	                          "\"SECCOMP_FILTER_FLAG_TSYNC\"]}"),
	                 SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_TSYNC);
	assert_int_equal(flags_of("{\"flags\":[\"SECCOMP_FILTER_FLAG_X\"]}"), ~0u);
}

/* ---- the cache ---- */

static char cache_dir[] = "/tmp/mybox-test-seccomp-XXXXXX";

/* Return: the size of the program, or 0. */
static size_t open_cached(int cache_fd, const char *text)
{
	struct mb_runtime_seccomp s = MB_RUNTIME_SECCOMP_INIT;
	MB_AUTO(mb_json_free) struct json_object *profile = NULL;
	const struct mb_oci_process process = {0};
	struct mb_err err = MB_ERR_INIT;

	assert_int_equal(mb_json_parse(text, strlen(text), &profile, NULL), 0);
	if (mb_runtime_seccomp_open(profile, MB_RUNTIME_FILTER_PROFILE, &process, cache_fd, &s,
	                            &err) < 0)
		fail_msg("%s", err.msg);
	mb_close(&s.fd);
	return s.bytes;
}

/* The only file there; false when there is none. */
static bool find_cached(int cache_fd, char name[256])
{
	DIR *dir = fdopendir(openat(cache_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *entry;
	bool found = false;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		found = true;
		snprintf(name, 256, "%s", entry->d_name);
	}
	closedir(dir);
	return found;
}

static void a_profile_is_compiled_once(void **state)
{
	static const char text[] = RULE("\"action\":\"SCMP_ACT_ERRNO\",\"names\":[\"mkdir\"]", "");
	static const char bytes[] = "poison";
	MB_AUTO_CLOSE int dir_fd = -1, fd = -1;
	char name[256];
	struct stat st;
	size_t size;
	ino_t first;

	(void)state;
	assert_non_null(mkdtemp(cache_dir));
	dir_fd = open(cache_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size = open_cached(dir_fd, text);
	assert_true(size > 0);
	assert_true(find_cached(dir_fd, name));
	assert_int_equal(fstatat(dir_fd, name, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	first = st.st_ino;
	assert_int_equal(open_cached(dir_fd, text), size);
	assert_int_equal(fstatat(dir_fd, name, &st, 0), 0);
	assert_int_equal(st.st_ino, first); /* and not written anew */
	/* One that is damaged is made again. */
	fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 40), sizeof(bytes));
	assert_int_equal(open_cached(dir_fd, text), size);
	assert_int_equal(fstatat(dir_fd, name, &st, 0), 0);
	assert_int_not_equal(st.st_ino, first);
	/* One that others may write is none. */
	first = st.st_ino;
	assert_int_equal(fchmodat(dir_fd, name, 0622, 0), 0);
	assert_int_equal(open_cached(dir_fd, text), size);
	assert_int_equal(fstatat(dir_fd, name, &st, 0), 0);
	assert_int_not_equal(st.st_ino, first);
	assert_int_equal(unlinkat(dir_fd, name, 0), 0);
	/* Nor is a directory that others may enter. */
	assert_int_equal(fchmod(dir_fd, 0711), 0);
	assert_int_equal(open_cached(dir_fd, text), size);
	assert_false(find_cached(dir_fd, name));
	assert_int_equal(rmdir(cache_dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sorted_and_unique),
		cmocka_unit_test(the_numbers_that_rows_give_are_right),
		cmocka_unit_test(the_prebuilt_programs_are_the_emitted_ones),
		cmocka_unit_test(verdicts_are_dockers),
		cmocka_unit_test(every_row_is_found_by_the_search),
		cmocka_unit_test(the_unknown_does_not_exist),
		cmocka_unit_test(the_hardened_program_knows_nothing_new),
		cmocka_unit_test(docker_profiles_follow_capabilities),
		cmocka_unit_test(bad_profiles_are_refused),
		cmocka_unit_test(every_word_compiles),
		cmocka_unit_test(flags_are_as_the_profile_says),
		cmocka_unit_test(a_profile_is_compiled_once),
	};

	return cmocka_run_group_tests_name("runtime/seccomp", tests, NULL, NULL);
}
