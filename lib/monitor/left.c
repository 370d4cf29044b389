/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Execs whose callers left by their detach keys.  Somebody has to hold the terminal, or they are
 * hung up, and to read it, or they wait: what comes is dropped, at a rate that costs little.
 *
 * They are no children of ours.  From 6.15 on the kernel tells their exit codes all the same;
 * before, as long as nobody has reaped them; else their ends are told without. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "monitor/monitor.h"

enum {
	READS_AT_ONCE = 16,
	PAUSE_MS = 10,      /* after so many, for who writes without end */
	UNOPENED_MS = 1000, /* until somebody may have it open again */
	KILLED_MS = 200,    /* all of them together */
	NSEC_PER_MS = 1000000,
};

static bool watch(struct mb_monitor *m, unsigned i)
{
	return mb_monitor_watch(m, m->left[i].pidfd, MB_MONITOR_FROM_LEFT, 2 * i, EPOLLIN) == 0 &&
	       mb_monitor_watch(m, m->left[i].console, MB_MONITOR_FROM_LEFT, 2 * i + 1,
	                        EPOLLIN | EPOLLONESHOT) == 0;
}

static void let_go(struct mb_monitor_left *x)
{
	mb_close(&x->console);
	mb_close(&x->pidfd);
	*x = (struct mb_monitor_left){0};
}

int mb_monitor_left_take(struct mb_monitor *m, const struct mb_monitor_began *what, int fds[2])
{
	if (m->phase != MB_MONITOR_ALIVE)
		return -ESRCH;
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK | O_RDWR) < 0)
		return -errno;
	for (unsigned i = 0; i < MB_MONITOR_LEFT_MAX; i++) {
		struct mb_monitor_left *x = &m->left[i];

		if (x->pidfd)
			continue;
		x->console = mb_take_fd(&fds[0]);
		x->pidfd = mb_take_fd(&fds[1]);
		memcpy(x->id, what->id, sizeof(x->id));
		x->id[sizeof(x->id) - 1] = '\0';
		if (i >= m->n_left)
			m->n_left = i + 1;
		if (watch(m, i))
			return 0;
		let_go(x);
		return -EIO;
	}
	return -ENOSPC;
}

/* Its number is its own as long as the descriptor finds it. */
static bool is_unreaped(int pidfd)
{
	return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0;
}

/* As long as nobody has reaped it, /proc has the code: the last number of its line. */
static bool exit_of_zombie(int pidfd, int *ret_code)
{
	char path[40], text[1024], *line, *last;
	int pid = 0, status = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	if (mb_read_kernel_file(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	line = strstr(text, "\nPid:\t");
	if (!line)
		return false;
	line += 6;
	line[strcspn(line, "\n")] = '\0';
	if (mb_parse_int(line, &pid) < 0 || pid < 1)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (mb_read_kernel_file(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	line = strrchr(text, ')');
	last = strrchr(text, ' ');
	if (!line || strncmp(line, ") Z ", 4) != 0 || mb_parse_int(last + 1, &status) < 0 ||
	    !is_unreaped(pidfd))
		return false;
	*ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

static void end(struct mb_monitor *m, struct mb_monitor_left *x)
{
	char id[sizeof(x->id)];
	int code = -1;

	memcpy(id, x->id, sizeof(id));
	if (!exit_of_zombie(x->pidfd, &code))
		(void)mb_monitor_process_exit_of(x->pidfd, &code);
	epoll_ctl(m->epoll, EPOLL_CTL_DEL, x->pidfd, NULL);
	epoll_ctl(m->epoll, EPOLL_CTL_DEL, x->console, NULL);
	let_go(x);
	mb_monitor_tell_exec_end(m, id, code);
}

static void hold_off(struct mb_monitor *m, struct mb_monitor_left *x, int ms)
{
	int64_t due = mb_monotonic_nsec() + (int64_t)ms * NSEC_PER_MS;

	x->is_paused = true;
	if (!m->left_due || due < m->left_due)
		m->left_due = due;
}

static void drop_output(struct mb_monitor *m, unsigned i)
{
	struct mb_monitor_left *x = &m->left[i];
	ssize_t n = 0;

	for (int k = 0; k < READS_AT_ONCE; k++) {
		n = read(x->console, m->packet, sizeof(m->packet));
		if (n <= 0)
			break;
	}
	x->is_paused = false;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		mb_monitor_rewatch(m, x->console, MB_MONITOR_FROM_LEFT, 2 * i + 1,
		                   EPOLLIN | EPOLLONESHOT);
	else
		hold_off(m, x, n > 0 ? PAUSE_MS : UNOPENED_MS);
}

void mb_monitor_left_event(struct mb_monitor *m, unsigned index)
{
	struct mb_monitor_left *x = &m->left[index / 2];
	struct pollfd p = {.fd = x->pidfd, .events = POLLIN};

	if (!x->pidfd)
		return;
	if (index % 2)
		drop_output(m, index / 2);
	else if (poll(&p, 1, 0) == 1)
		end(m, x);
}

void mb_monitor_left_step(struct mb_monitor *m)
{
	if (!m->left_due || mb_monotonic_nsec() < m->left_due)
		return;
	m->left_due = 0;
	for (unsigned i = 0; i < m->n_left; i++)
		if (m->left[i].pidfd && m->left[i].is_paused)
			drop_output(m, i);
}

void mb_monitor_left_kill(struct mb_monitor *m)
{
	const int64_t until = mb_monotonic_nsec() + (int64_t)KILLED_MS * NSEC_PER_MS;

	for (unsigned i = 0; i < m->n_left; i++)
		if (m->left[i].pidfd)
			syscall(SYS_pidfd_send_signal, m->left[i].pidfd, SIGKILL, NULL, 0);
	for (unsigned i = 0; i < m->n_left; i++) {
		struct pollfd p = {.fd = m->left[i].pidfd, .events = POLLIN};
		int64_t left = (until - mb_monotonic_nsec()) / NSEC_PER_MS;

		if (p.fd && poll(&p, 1, left > 0 ? (int)left : 0) >= 0)
			end(m, &m->left[i]);
	}
}
