/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/beside.h — processes that have our memory for a moment: to copy it takes longer than
 * what is done in the copy.  Only for single-threaded callers. */
#ifndef MB_SYS_BESIDE_H
#define MB_SYS_BESIDE_H

#include <sys/types.h>

struct mb_err;

/* Run @fn in a child, which executes a program or leaves by _exit(); the caller sleeps until
 * then.  What @fn writes to memory the caller finds written, and it must leave nothing allocated;
 * its descriptors, signals and working directory are its own.  What it clones is a process like
 * any other. */
int mb_sys_beside_spawn(void (*fn)(void *arg), void *arg, pid_t *ret_pid, struct mb_err *err);

/* A network namespace in the making: the kernel takes a millisecond, in which the caller can do
 * anything but execute a program. */
struct mb_sys_beside_netns {
	pid_t pid; /* -1: none is made */
	int fd;
	_Alignas(16) char stack[2048];
};
#define MB_SYS_BESIDE_NETNS_INIT {.pid = -1, .fd = -1}
/* Return: 0 or -errno (nothing told: whoever needs one can still make it otherwise). */
int mb_sys_beside_netns_begin(struct mb_sys_beside_netns *netns);
/* Wait until it is there.  Return: its descriptor, the caller's to close; or -1. */
int mb_sys_beside_netns_take(struct mb_sys_beside_netns *netns);
/* Let go of what was begun and not taken. */
void mb_sys_beside_netns_done(struct mb_sys_beside_netns *netns);

#endif
