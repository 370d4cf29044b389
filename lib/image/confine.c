/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "sys/caps.h"
#include "sys/mount.h"

#if defined(__x86_64__)
#define ARCH_HERE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH_HERE AUDIT_ARCH_AARCH64
#else
#error "name the audit architecture of this machine"
#endif

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER 1 /* its shadow memory needs terabytes of addresses */
#else
#define UNDER_SANITIZER 0
#endif

enum { MEMORY_LIMIT = 1 << 30, MAX_FILTER = 128, MAX_KEPT = 48 };

static const int reader_calls[] = {
	SYS_read,       SYS_write,         SYS_pread64,         SYS_lseek,        SYS_futex,
	SYS_brk,        SYS_mmap,          SYS_munmap,          SYS_mremap,       SYS_madvise,
	SYS_mprotect,   SYS_close,         SYS_fstat,           SYS_newfstatat,   SYS_exit,
	SYS_exit_group, SYS_rt_sigreturn,  SYS_rt_sigprocmask,  SYS_rt_sigaction, SYS_sigaltstack,
	SYS_getrandom,  SYS_clock_gettime, SYS_gettimeofday,    SYS_getpid,       SYS_gettid,
	SYS_tgkill,     SYS_sched_yield,   SYS_restart_syscall,
};

static const int writer_calls[] = {
	SYS_openat,   SYS_openat2,   SYS_pwrite64,  SYS_fchown,    SYS_fchownat,  SYS_fchmod,
	SYS_fchmodat, SYS_utimensat, SYS_mkdirat,   SYS_symlinkat, SYS_linkat,    SYS_unlinkat,
	SYS_mknodat,  SYS_fsetxattr, SYS_lsetxattr, SYS_ftruncate, SYS_fallocate, SYS_getdents64,
	SYS_fchdir,   SYS_fcntl,     SYS_statx,     SYS_fstatfs,   SYS_dup,
};

static int by_number(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int close_others(int *fds, size_t n, struct mb_err *err)
{
	unsigned int next = 0;

	qsort(fds, n, sizeof(*fds), by_number);
	for (size_t i = 0; i <= n; i++) {
		unsigned int last = i < n ? (unsigned int)fds[i] : ~0u;

		if (i < n && fds[i] < 0)
			continue;
		if (i == n || last > next)
			if (syscall(SYS_close_range, next, i < n ? last - 1 : last, 0) < 0)
				return mb_fail_sys(err, errno, "cannot close descriptors");
		next = last + 1;
	}
	return 0;
}

int mb_image_confine_begin(int parent, const int *keep, size_t n, struct mb_err *err)
{
	int fds[MAX_KEPT];
	size_t kept = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		return mb_fail(err, ESRCH, "the command is gone");
	signal(SIGPIPE, SIG_IGN);
	umask(0);
	if (n >= MAX_KEPT)
		return mb_fail(err, E2BIG, "too many descriptors to keep");
	for (size_t i = 0; i < n; i++)
		fds[kept++] = keep[i];
	fds[kept++] = STDERR_FILENO;
	return close_others(fds, kept, err);
}

static int limit(int what, rlim_t value, struct mb_err *err)
{
	struct rlimit now;

	if (getrlimit(what, &now) < 0)
		return mb_fail_sys(err, errno, "cannot read limit %d", what);
	if (now.rlim_max < value)
		value = now.rlim_max;
	now.rlim_cur = now.rlim_max = value;
	if (setrlimit(what, &now) < 0)
		return mb_fail_sys(err, errno, "cannot set limit %d", what);
	return 0;
}

static int set_limits(struct mb_err *err)
{
	int r = limit(RLIMIT_CORE, 0, err);

	if (r == 0)
		r = limit(RLIMIT_NOFILE, 256, err);
	if (r == 0 && !UNDER_SANITIZER)
		r = limit(RLIMIT_AS, MEMORY_LIMIT, err);
	return r;
}

static void allow(struct sock_filter *program, unsigned short *len, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		program[(*len)++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		                                                 (unsigned int)calls[i], 0, 1);
		program[(*len)++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
}

_Static_assert(5 + 2 * (MB_N(reader_calls) + MB_N(writer_calls)) <= MAX_FILTER, "filter size");

static int filter_calls(bool writer, struct mb_err *err)
{
	struct sock_filter program[MAX_FILTER] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH_HERE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog fprog = {.len = 4, .filter = program};

	allow(program, &fprog.len, reader_calls, MB_N(reader_calls));
	if (writer)
		allow(program, &fprog.len, writer_calls, MB_N(writer_calls));
	program[fprog.len++] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return mb_fail_sys(err, errno, "cannot set no_new_privs");
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog) < 0)
		return mb_fail_sys(err, errno, "cannot filter system calls");
	return 0;
}

static int keep_caps(uint64_t set, struct mb_err *err)
{
	struct mb_sys_caps caps = {.effective = set, .permitted = set};
	int r = 0;

	/* Who has no SETPCAP (a unit test without root) has nothing to bound either. */
	if (geteuid() == 0)
		r = mb_sys_caps_bound(set, err);
	if (r == 0)
		r = mb_sys_caps_set(&caps, err);
	return r;
}

int mb_image_confine_reader(struct mb_err *err)
{
	int r = set_limits(err);

	if (r == 0)
		r = keep_caps(0, err);
	if (r == 0)
		r = filter_calls(false, err);
	return r < 0 ? mb_wrap(err, r, "cannot confine the reader") : 0;
}

/* The tree becomes the root of a mount namespace that has nothing else in it. */
static int enter_root(int *root_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int tree = -1, here = -1;
	int r;

	/* A mount can only be cloned in the namespace it belongs to: first of all. */
	r = mb_sys_mount_clone(*root_fd, "", false, &tree, err);
	/* The copy of a shared mount is shared, and such cannot be where the old root goes. */
	if (r == 0)
		r = mb_sys_mount_setattr(tree,
		                         MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		                         0, MS_PRIVATE, false, err);
	if (r < 0)
		return r;
	if (unshare(CLONE_NEWNS) < 0)
		return mb_fail_sys(err, errno, "cannot make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return mb_fail_sys(err, errno, "cannot make mounts private");
	here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (here < 0)
		return mb_fail_sys(err, errno, "cannot open '/'");
	r = mb_sys_mount_move(tree, here, err);
	if (r < 0)
		return r;
	if (fchdir(tree) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return mb_fail_sys(err, errno, "cannot change the root");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return mb_fail_sys(err, errno, "cannot leave the old root");
	mb_close(root_fd);
	*root_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*root_fd < 0)
		return mb_fail_sys(err, errno, "cannot open the new root");
	return 0;
}

int mb_image_confine_writer(int *root_fd, struct mb_err *err)
{
	/* SYS_ADMIN is for trusted.overlay.opaque alone: the filter has no other call that heeds
	 * it. */
	const uint64_t caps = MB_SYS_CAP_BIT(CAP_CHOWN) | MB_SYS_CAP_BIT(CAP_DAC_OVERRIDE) |
	                      MB_SYS_CAP_BIT(CAP_FOWNER) | MB_SYS_CAP_BIT(CAP_FSETID) |
	                      MB_SYS_CAP_BIT(CAP_SETFCAP) | MB_SYS_CAP_BIT(CAP_MKNOD) |
	                      MB_SYS_CAP_BIT(CAP_SYS_ADMIN);
	int r = enter_root(root_fd, err);

	if (r == 0)
		r = set_limits(err);
	if (r == 0)
		r = keep_caps(caps, err);
	if (r == 0)
		r = filter_calls(true, err);
	return r < 0 ? mb_wrap(err, r, "cannot confine the writer") : 0;
}
