/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/beside.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

/* ---- who becomes another program ---- */

enum {
	BELOW = 16 << 10,      /* more of our stack than what we still need while we sleep */
	SANITIZED = 512 << 10, /* more than what it uses */
};

struct spawn {
	void (*fn)(void *arg);
	void *arg;
};

static int be_spawned(void *arg)
{
	const struct spawn *s = arg;

	s->fn(s->arg);
	_exit(125);
}

int mb_sys_beside_spawn(void (*fn)(void *arg), void *arg, pid_t *ret_pid, struct mb_err *err)
{
	const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	char *top = (char *)__builtin_frame_address(0) - BELOW - here % 16;
	struct spawn s = {fn, arg};
	pid_t pid = clone(be_spawned, top, CLONE_VM | CLONE_VFORK | SIGCHLD, &s);
	const int saved = errno;

#ifdef __SANITIZE_ADDRESS__
	/* Its frames are gone, and their marks would be found in ours. */
	__asan_unpoison_memory_region(top - SANITIZED, SANITIZED);
#endif
	if (pid < 0)
		return mb_fail_sys(err, saved, "cannot make a process");
	*ret_pid = pid;
	return 0;
}

/* ---- a network namespace ---- */

/* Past the C library: errno would be the caller's, who uses it at this moment. */
static inline long kernel(long nr, long a, long b, long c)
{
#if defined(__x86_64__)
	long ret;

	__asm__ volatile("syscall"
	                 : "=a"(ret)
	                 : "a"(nr), "D"(a), "S"(b), "d"(c)
	                 : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
#else
#error "mybox runs on x86-64 and aarch64"
#endif
}

__attribute__((no_sanitize_address)) static int make_netns(void *arg)
{
	static const char own[] = "/proc/self/ns/net";
	struct mb_sys_beside_netns *netns = arg;
	long r = kernel(SYS_unshare, CLONE_NEWNET, 0, 0);

	if (r == 0)
		r = kernel(SYS_openat, AT_FDCWD, (long)(uintptr_t)own, O_RDONLY | O_CLOEXEC);
	netns->fd = r < 0 ? -1 : (int)r;
	return 0;
}

int mb_sys_beside_netns_begin(struct mb_sys_beside_netns *netns)
{
	sigset_t all, before;

	/* No handler of ours may run in it. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	netns->fd = -1;
	netns->pid = clone(make_netns, netns->stack + sizeof(netns->stack),
	                   CLONE_VM | CLONE_FILES, netns);
	if (netns->pid < 0)
		netns->pid = -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (netns->pid >= 0)
		return 0;
	return netns->pid;
}

int mb_sys_beside_netns_take(struct mb_sys_beside_netns *netns)
{
	if (netns->pid <= 0)
		return -1;
	while (waitpid(netns->pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	netns->pid = -1;
	return mb_take_fd(&netns->fd);
}

void mb_sys_beside_netns_done(struct mb_sys_beside_netns *netns)
{
	int fd = mb_sys_beside_netns_take(netns);

	mb_close(&fd);
}
