/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/interrupt.h — what would end us in the middle of a start waits for its undoing. */
#ifndef MB_CONTAINER_INTERRUPT_H
#define MB_CONTAINER_INTERRUPT_H

#include <signal.h>

struct mb_err;

/* Hold back SIGINT, SIGTERM and SIGHUP where nobody handles them. */
void mb_container_interrupt_hold(sigset_t *ret_before);
/* What came meanwhile ends us here. */
void mb_container_interrupt_release(const sigset_t *before);
/* Has one come?  Return: 0 or -EINTR, told. */
int mb_container_interrupt_check(struct mb_err *err);

#endif
