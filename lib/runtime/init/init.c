/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stub between mybox and a container's program: a static ELF without a C library, executed
 * from a sealed memfd.
 *
 * It exists so that /proc/PID/exe of a process that a container can see or execute never is
 * mybox, and so that the seccomp filter is installed by the last system call but one: no step of
 * mybox needs an allowance in it.  With --init it stays as process 1.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "kernel.h"
#include "protocol.h"

/* Of Linux 6.8, newer than the headers may be. */
#ifndef __NR_lsm_set_self_attr
#define __NR_lsm_set_self_attr 460
#endif
#define LSM_ATTR_EXEC 101

#define MAX_FILTER    4096 /* BPF_MAXINSNS */
#define MAX_LABEL     4096
#define LAST_SIGNAL   64
#define KERNEL_SIGSET 8
#define E_NOENT       2
#define E_INTR        4
#define E_INVAL       22
#define SIG_BLOCK_ALL 2 /* SIG_SETMASK */
#define SIGNAL_CHLD   17
#define SIGNAL_KILL   9
#define SIGNAL_STOP   19

struct orders {
	unsigned long channel, flags, filter, size, how, inheritable, permitted, start, label, proc;
};

struct filter_space {
	struct sock_filter insns[MAX_FILTER];
};

_Noreturn void mybox_init(long *stack);

__asm__(".text\n.globl _start\n_start:\n" START_CODE);

/* The compiler may call these for its own purposes; the barrier keeps it from making calls of
 * themselves out of them. */
void *memset(void *to, int byte, unsigned long n);
void *memcpy(void *to, const void *from, unsigned long n);

void *memset(void *to, int byte, unsigned long n)
{
	for (char *p = to; n; n--) {
		*p++ = (char)byte;
		__asm__ volatile("" : : : "memory");
	}
	return to;
}

void *memcpy(void *to, const void *from, unsigned long n)
{
	const char *q = from;

	for (char *p = to; n; n--) {
		*p++ = *q++;
		__asm__ volatile("" : : : "memory");
	}
	return to;
}

static _Noreturn void leave(int code)
{
	for (;;)
		KERNEL(exit_group, code);
}

static _Noreturn void fail(const struct orders *o, int step, long error)
{
	struct mb_runtime_message m = {MB_RUNTIME_STUB, (int)-error, step, 0};

	/* write, because even a strict filter allows it. */
	KERNEL(write, o->channel, &m, sizeof(m));
	leave(error == -E_NOENT ? 127 : 126);
}

static int parse_hex(const char **s, unsigned long *ret)
{
	unsigned long value = 0;
	const char *p = *s;

	for (;; p++) {
		if (*p >= '0' && *p <= '9')
			value = value << 4 | (unsigned long)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			value = value << 4 | (unsigned long)(*p - 'a' + 10);
		else
			break;
	}
	if (p == *s || (*p != ':' && *p))
		return -1;
	*s = *p ? p + 1 : p;
	*ret = value;
	return 0;
}

static int parse_orders(const char *s, struct orders *o)
{
	return parse_hex(&s, &o->channel) || parse_hex(&s, &o->flags) ||
	       parse_hex(&s, &o->filter) || parse_hex(&s, &o->size) || parse_hex(&s, &o->how) ||
	       parse_hex(&s, &o->inheritable) || parse_hex(&s, &o->permitted) ||
	       parse_hex(&s, &o->start) || parse_hex(&s, &o->label) || parse_hex(&s, &o->proc);
}

/* Set the inheritable capabilities (the ambient ones follow) and keep only @keep of the
 * permitted ones.  CAP_SYS_ADMIN came along as an inheritable one because a filter needs it where
 * no_new_privs is off; permitted alone it ends with the program's execve. */
static void set_caps(const struct orders *o, unsigned long keep)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	long r = KERNEL(capget, &head, data);

	for (int i = 0; i < 2; i++) {
		data[i].inheritable = (unsigned int)(o->inheritable >> (32 * i));
		data[i].permitted &= (unsigned int)(keep >> (32 * i));
		data[i].effective &= data[i].permitted;
	}
	if (r == 0)
		r = KERNEL(capset, &head, data);
	if (r < 0)
		fail(o, MB_STUB_CAPS, r);
}

/* A message with a descriptor. */
static long send_with(const struct orders *o, int kind, long pid, long fd)
{
	/* A struct cmsghdr, whose own data has no size, and its data. */
	struct {
		size_t len;
		int level, type;
		int fd;
		int pad;
	} control = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS, (int)fd, 0};
	struct mb_runtime_message m = {kind, 0, 0, (int)pid};
	struct iovec part = {&m, sizeof(m)};
	struct msghdr head = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(sizeof(int)),
	};

	return KERNEL(sendmsg, o->channel, &head, MSG_NOSIGNAL);
}

/* The label of what is executed next but one: it is taken by this process now, and comes into
 * force by the program's execve.  Older kernels want it written into a file. */
static __attribute__((noinline)) void set_label(const struct orders *o)
{
	char text[MAX_LABEL];
	unsigned long n = 0;
	long r = KERNEL(pread64, o->label, text, sizeof(text) - 1, 0), fd;

	if (r <= 0)
		fail(o, MB_STUB_LABEL, r < 0 ? r : -E_INVAL);
	if (!(o->flags & MB_INIT_LABEL_FILE)) {
		r = KERNEL(lsm_set_self_attr, LSM_ATTR_EXEC, text, r, 0);
	} else {
		text[r] = 0;
		while (text[n])
			n++;
		fd = KERNEL(openat, o->proc, text, O_WRONLY | O_CLOEXEC);
		r = fd < 0 ? fd : KERNEL(write, fd, text + n + 1, r - (long)n - 1);
		KERNEL(close, fd);
		KERNEL(close, o->proc);
	}
	if (r < 0)
		fail(o, MB_STUB_LABEL, r);
	KERNEL(close, o->label);
}

static __attribute__((noinline)) void install_filter(const struct orders *o)
{
	struct filter_space space;
	struct sock_fprog program = {0};
	long r = -E_INVAL;

	if (o->size == 0 || o->size > sizeof(space) || o->size % sizeof(struct sock_filter))
		fail(o, MB_STUB_FILTER, r);
	r = KERNEL(pread64, o->filter, &space, o->size, 0);
	if (r != (long)o->size)
		fail(o, MB_STUB_FILTER, r < 0 ? r : -E_INVAL);
	program.len = (unsigned short)(o->size / sizeof(struct sock_filter));
	program.filter = space.insns;
	r = KERNEL(seccomp, SECCOMP_SET_MODE_FILTER, o->how, &program);
	if (r < 0)
		fail(o, MB_STUB_FILTER, r);
	if (!(o->how & SECCOMP_FILTER_FLAG_NEW_LISTENER))
		return;
	r = send_with(o, MB_RUNTIME_NOTIFY, 0, r);
	if (r < 0)
		fail(o, MB_STUB_NOTIFY, r);
}

/* One message says go; end of file says that the command is gone, and so are we. */
static void wait_go(const struct orders *o)
{
	struct mb_runtime_message m;
	long r;

	do {
		r = KERNEL(read, o->channel, &m, sizeof(m));
	} while (r == -E_INTR);
	if (r != sizeof(m) || m.kind != MB_RUNTIME_GO)
		leave(125);
}

/* create: the command leaves, and who connects later is told instead of it.  A connection that
 * says nothing only wanted to know whether somebody waits. */
static void await_start(struct orders *o)
{
	struct mb_runtime_message m = {MB_RUNTIME_CREATED, 0, 0, 0};
	long fd, r = KERNEL(sendto, o->channel, &m, sizeof(m), MSG_NOSIGNAL, 0, 0);

	if (r != sizeof(m))
		leave(125);
	KERNEL(close, o->channel);
	for (;;) {
		fd = KERNEL(accept4, o->start, 0, 0, SOCK_CLOEXEC);
		if (fd == -E_INTR)
			continue;
		if (fd < 0)
			leave(125);
		do {
			r = KERNEL(read, fd, &m, sizeof(m));
		} while (r == -E_INTR);
		if (r == sizeof(m) && m.kind == MB_RUNTIME_GO)
			break;
		KERNEL(close, fd);
	}
	KERNEL(close, o->start);
	o->channel = (unsigned long)fd;
}

/* Where the filter allows what follows, nothing is held from here on that the program will not
 * hold. */
static void confine_soon(const struct orders *o)
{
	const unsigned long filters = MB_INIT_FILTER | MB_INIT_FILTER_SOON;

	if (o->flags & MB_INIT_CAPS)
		set_caps(o, ~0ul);
	if ((o->flags & filters) != filters)
		return;
	install_filter(o);
	if (o->flags & MB_INIT_CAPS)
		set_caps(o, o->permitted);
}

/* exec: this process is not visible in the container; the one that it makes is.  Who has
 * CAP_SYS_PTRACE there may take it over, and finds nothing of mybox in its memory. */
static void become_visible(const struct orders *o)
{
	int pidfd = -1;
	long r = KERNEL(clone, CLONE_PARENT | CLONE_PIDFD, 0, &pidfd, 0, 0);

	if (r == 0)
		return;
	if (r < 0)
		fail(o, MB_STUB_FORK, r);
	r = send_with(o, MB_RUNTIME_CLONED, r, pidfd);
	leave(r < 0 ? 125 : 0);
}

static void take_terminal(const struct orders *o)
{
	long r = 0;

	if (o->flags & MB_INIT_SETSID)
		KERNEL(setsid);
	if (o->flags & MB_INIT_CTTY)
		r = KERNEL(ioctl, 0, TIOCSCTTY, 0);
	if (r < 0)
		fail(o, MB_STUB_TERMINAL, r);
}

/* The command may have died before the kernel knew that this matters. */
static void die_with_parent(const struct orders *o)
{
	char byte;

	KERNEL(prctl, PR_SET_PDEATHSIG, SIGNAL_KILL);
	if (KERNEL(recvfrom, o->channel, &byte, 1, MSG_PEEK | MSG_DONTWAIT, 0, 0) == 0)
		leave(125);
}

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Collect every dead child; return once there are no more of them.  Ends when @main does. */
static void reap(long main)
{
	int status = 0;
	long pid;

	while ((pid = KERNEL(wait4, -1, &status, WNOHANG, 0)) > 0) {
		if (pid == main)
			leave(code_of(status));
	}
}

/* Process 1 ignores no signal that it waits for, so each reaches the program. */
static _Noreturn void serve(long main, const unsigned long *all)
{
	for (;;) {
		long sig = KERNEL(rt_sigtimedwait, all, 0, 0, KERNEL_SIGSET);

		if (sig == SIGNAL_CHLD)
			reap(main);
		else if (sig > 0)
			KERNEL(kill, main, sig);
	}
}

/* Process 1 holds what the program holds and lives under the same filter: who takes it over has
 * won nothing. */
static void confine_init(const struct orders *o)
{
	if (o->flags & MB_INIT_CAPS)
		set_caps(o, o->permitted);
	if (!(o->flags & MB_INIT_FILTER))
		return;
	if (!(o->flags & MB_INIT_FILTER_SOON)) {
		KERNEL(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		install_filter(o);
	}
	KERNEL(close, o->filter);
}

static void stay_as_init(const struct orders *o)
{
	unsigned long all = ~0ul, none = 0;
	long pid;

	KERNEL(prctl, PR_SET_CHILD_SUBREAPER, 1);
	KERNEL(prctl, PR_SET_NAME, "mybox-init");
	KERNEL(rt_sigprocmask, SIG_BLOCK_ALL, &all, 0, KERNEL_SIGSET);
	pid = KERNEL(clone, SIGNAL_CHLD, 0, 0, 0, 0);
	if (pid < 0)
		fail(o, MB_STUB_FORK, pid);
	if (pid) {
		confine_init(o);
		KERNEL(close, o->channel);
		serve(pid, &all);
	}
	if (o->flags & MB_INIT_CTTY) {
		int group = (int)KERNEL(getpid);

		KERNEL(setpgid, 0, 0);
		KERNEL(ioctl, 0, TIOCSPGRP, &group); /* SIGTTOU is still blocked */
	}
	KERNEL(rt_sigprocmask, SIG_BLOCK_ALL, &none, 0, KERNEL_SIGSET);
}

/* End of file after this means that execve has happened, without it that we died. */
static void announce(const struct orders *o)
{
	const struct mb_runtime_message m = {MB_RUNTIME_EXECUTING, 0, 0, 0};

	KERNEL(write, o->channel, &m, sizeof(m));
}

static _Noreturn void run(struct orders *o, char **argv, char **envp)
{
	const unsigned long wanted = o->flags;
	const unsigned long filters = MB_INIT_FILTER | MB_INIT_FILTER_SOON;

	KERNEL(prctl, PR_SET_DUMPABLE, 0);
	KERNEL(fcntl, o->channel, F_SETFD, FD_CLOEXEC);
	if (wanted & MB_INIT_FILTER)
		KERNEL(fcntl, o->filter, F_SETFD, FD_CLOEXEC);
	if (wanted & MB_INIT_LISTEN)
		KERNEL(fcntl, o->start, F_SETFD, FD_CLOEXEC);
	if (wanted & MB_INIT_LABEL)
		set_label(o);
	if (wanted & MB_INIT_VISIBLE) {
		confine_soon(o);
		become_visible(o);
	}
	take_terminal(o);
	if (!(wanted & MB_INIT_VISIBLE))
		confine_soon(o);
	if (wanted & MB_INIT_WAIT)
		wait_go(o);
	if (wanted & MB_INIT_LISTEN)
		await_start(o);
	if (wanted & MB_INIT_REAP)
		stay_as_init(o);
	if (wanted & MB_INIT_DIE)
		die_with_parent(o);
	announce(o);
	if ((wanted & filters) == MB_INIT_FILTER)
		install_filter(o);
	fail(o, MB_STUB_EXEC, KERNEL(execve, argv[2], argv + 3, envp));
}

_Noreturn void mybox_init(long *stack)
{
	long argc = stack[0];
	char **argv = (char **)(stack + 1);
	struct orders o;

	if (argc < 4 || parse_orders(argv[1], &o) < 0)
		leave(125);
	run(&o, argv, argv + argc + 1);
}
