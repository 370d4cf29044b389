/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/interrupt.h"

#include <errno.h>
#include <stddef.h>
#include <sys/signalfd.h>

#include "core/err.h"
#include "core/own.h"

/* Not SIGQUIT: who is in a hurry may leave the rest to `system check`. */
static const int those[] = {SIGINT, SIGTERM, SIGHUP};

void mb_sys_interrupt_hold(sigset_t *ret_before)
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

void mb_sys_interrupt_release(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

int mb_sys_interrupt_check(struct mb_err *err)
{
	sigset_t pending;

	if (sigpending(&pending) < 0)
		return 0;
	for (size_t i = 0; i < MB_N(those); i++)
		if (sigismember(&pending, those[i]))
			return mb_fail(err, EINTR, "interrupted");
	return 0;
}

int mb_sys_interrupt_open(int *ret_fd, struct mb_err *err)
{
	sigset_t set, blocked;
	int fd;

	/* One with a handler would be seen on its way to it. */
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	sigemptyset(&set);
	for (size_t i = 0; i < MB_N(those); i++)
		if (sigismember(&blocked, those[i]))
			sigaddset(&set, those[i]);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open a signalfd");
	*ret_fd = fd;
	return 0;
}
