/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/interrupt.h"

#include <errno.h>
#include <stddef.h>

#include "core/err.h"
#include "core/own.h"

/* Not SIGQUIT: who is in a hurry may leave the rest to `system check`. */
static const int those[] = {SIGINT, SIGTERM, SIGHUP};

void mb_container_interrupt_hold(sigset_t *ret_before)
{
	struct sigaction action;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < MB_N(those); i++)
		if (sigaction(those[i], NULL, &action) == 0 && action.sa_handler == SIG_DFL)
			sigaddset(&set, those[i]);
	sigemptyset(ret_before);
	sigprocmask(SIG_BLOCK, &set, ret_before);
}

void mb_container_interrupt_release(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

int mb_container_interrupt_check(struct mb_err *err)
{
	sigset_t pending;

	if (sigpending(&pending) < 0)
		return 0;
	for (size_t i = 0; i < MB_N(those); i++)
		if (sigismember(&pending, those[i]))
			return mb_fail(err, EINTR, "interrupted");
	return 0;
}
