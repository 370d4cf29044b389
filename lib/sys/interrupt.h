/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/interrupt.h — what would end us in the middle of a start waits for its undoing. */
#ifndef MB_SYS_INTERRUPT_H
#define MB_SYS_INTERRUPT_H

#include <signal.h>

struct mb_err;

/* Hold back SIGINT, SIGTERM and SIGHUP where nobody handles them. */
void mb_sys_interrupt_hold(sigset_t *ret_before);
/* What came meanwhile ends us here. */
void mb_sys_interrupt_release(const sigset_t *before);
/* Has one come?  Return: 0 or -EINTR, told. */
int mb_sys_interrupt_check(struct mb_err *err);
/* The same for poll(2), of those that are held back now: a descriptor, owned by the caller, that
 * is readable from then on. */
int mb_sys_interrupt_open(int *ret_fd, struct mb_err *err);

#endif
