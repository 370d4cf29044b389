/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keeper: one monitor of a store hears when the firewall's table is lost, and has it put back.
 *
 * Monitors that stay stand in a line, RUN/net/keepers: their process ids, the oldest first.  The
 * first keeps.  Each of the others waits for the end of the one before it alone, and moves up then,
 * so that no end wakes more than one.  An entry of one that is dead, or that became something else,
 * is passed over; 0 is an empty place.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/own.h"
#include "monitor/monitor.h"

/* As <linux/netlink.h> and <linux/netfilter/nf_tables.h> have them, which musl does not bring. */
enum {
	NETLINK_NETFILTER_ = 12,
	GROUP_NFTABLES = 7,
	SOL_NETLINK_ = 270,
	ADD_MEMBERSHIP = 1,
	FLAG_REQUEST = 1,
	TYPE_ERROR = 2,
	GET_TABLE = 10 << 8 | 1,
	FAMILY_INET = 1,
	TABLE_NAME = 1,
};
/* Who lives shorter is never in the line: it would cost each start something. */
enum { STAYS_MS = 1000, LOCK_TRIES = 20, LINE_MAX_ = 1 << 16, RECEIVE = 8192 };

/* ---- the line ------------------------------------------------------------------------- */

/* Never waits for long: what holds the lock may be stopped.  Return: a descriptor or -1. */
static int open_line(const struct mb_monitor *m)
{
	const struct timespec a_while = {.tv_nsec = 500000};
	MB_AUTO_CLOSE int fd = openat(m->fd[MB_MONITOR_SLOT_RUNROOT], "net/keepers",
	                              O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	for (int i = 0; fd >= 0 && i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return mb_take_fd(&fd);
		nanosleep(&a_while, NULL);
	}
	return -1;
}

static pid_t read_place(int line, int64_t place)
{
	pid_t pid;

	return pread(line, &pid, sizeof(pid), place * (off_t)sizeof(pid)) == sizeof(pid) ? pid : 0;
}

static void write_place(int line, int64_t place, pid_t pid)
{
	(void)!pwrite(line, &pid, sizeof(pid), place * (off_t)sizeof(pid));
}

/* Return: a pidfd of the monitor @pid, or -1: it ended, or is no monitor (any more). */
static int open_monitor(pid_t pid)
{
	MB_AUTO_CLOSE int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};
	char path[32], name[16] = "";
	ssize_t n = -1;
	int fd;

	if (pidfd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, name, sizeof(name) - 1);
	mb_close(&fd);
	if (n <= 0 || strcmp(name, "mybox-monitor\n") != 0 || poll(&ended, 1, 0) != 0)
		return -1;
	return mb_take_fd(&pidfd);
}

/* Take the place behind the last who lives of those before @end.  Return: its pidfd, or -1: there
 * is nobody. */
static int stand(struct mb_monitor *m, int line, int64_t end)
{
	int pidfd = -1;

	while (end > 0 && (pidfd = open_monitor(read_place(line, end - 1))) < 0)
		end--;
	m->keeper.place = end;
	write_place(line, end, getpid());
	return pidfd;
}

/* ---- keeping -------------------------------------------------------------------------- */

static int open_events(void)
{
	const struct {
		uint16_t family, pad;
		uint32_t pid, groups;
	} self = {.family = AF_NETLINK};
	const int group = GROUP_NFTABLES;
	MB_AUTO_CLOSE int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER_);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&self, sizeof(self)) < 0 ||
	    setsockopt(fd, SOL_NETLINK_, ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return -1;
	return mb_take_fd(&fd);
}

/* Ask for the table; what comes before the answer are events, which only said that it is time to
 * ask.  Return: whether the kernel says that there is none. */
static bool is_lost(int fd, const char *table)
{
	struct {
		uint32_t size;
		uint16_t type, flags;
		uint32_t seq, pid;
		uint8_t family, version, resource[2];
		uint16_t attr_size, attr_type;
		char name[MB_MONITOR_TABLE_MAX];
	} q = {.type = GET_TABLE, .flags = FLAG_REQUEST, .family = FAMILY_INET};
	union {
		uint32_t word[RECEIVE / 4];
		uint16_t half[RECEIVE / 2];
	} got;
	size_t len = strlen(table) + 1;
	ssize_t n;

	q.seq = (uint32_t)mb_monotonic_nsec() | 1;
	q.attr_type = TABLE_NAME;
	q.attr_size = (uint16_t)(4 + len);
	q.size = (uint32_t)(offsetof(typeof(q), name) + (len + 3) / 4 * 4);
	memcpy(q.name, table, len);
	while (recv(fd, &got, sizeof(got), 0) > 0 || errno == ENOBUFS || errno == EINTR)
		;
	if (send(fd, &q, q.size, 0) < 0)
		return false;
	/* The kernel answers within send(2). */
	while ((n = recv(fd, &got, sizeof(got), 0)) > 0 || errno == ENOBUFS || errno == EINTR)
		if (n >= 20 && got.word[2] == q.seq && got.half[2] == TYPE_ERROR)
			return (int32_t)got.word[4] == -ENOENT;
	return false;
}

static void look(struct mb_monitor *m)
{
	if (m->keeper.fd < 0 || !is_lost(m->keeper.fd, m->setup.table))
		return;
	if (m->keeper.mender) {
		m->keeper.again = true;
		return;
	}
	m->keeper.mender = fork();
	if (m->keeper.mender == 0)
		mb_monitor_process_become(m, "__mend");
	if (m->keeper.mender < 0)
		m->keeper.mender = 0;
}

static void keep(struct mb_monitor *m)
{
	m->keeper.fd = open_events();
	m->keeper.keeps = true;
	if (m->keeper.fd < 0)
		return;
	mb_monitor_watch(m, m->keeper.fd, MB_MONITOR_FROM_KEEPER, 0, EPOLLIN);
	look(m);
}

/* ---- what the loop calls -------------------------------------------------------------- */

void mb_monitor_keeper_begin(struct mb_monitor *m)
{
	if (m->setup.table[0] && m->fd[MB_MONITOR_SLOT_RUNROOT] >= 0)
		m->keeper.due = mb_monotonic_nsec() + STAYS_MS * 1000000ll;
}

static void join(struct mb_monitor *m, bool was_in)
{
	MB_AUTO_CLOSE int line = open_line(m);
	int64_t before = m->keeper.place, end = before;
	struct stat st;

	if (line < 0 || fstat(line, &st) < 0)
		return;
	if (!was_in)
		end = st.st_size / (off_t)sizeof(pid_t);
	if (end > LINE_MAX_)
		return;
	if (was_in)
		mb_close(&m->keeper.fd);
	m->keeper.fd = stand(m, line, end);
	if (was_in && m->keeper.place != before)
		write_place(line, before, 0);
	else if (!was_in)
		(void)!ftruncate(line, (m->keeper.place + 1) * (off_t)sizeof(pid_t));
	if (m->keeper.fd < 0)
		keep(m);
	else
		mb_monitor_watch(m, m->keeper.fd, MB_MONITOR_FROM_KEEPER, 0, EPOLLIN);
}

void mb_monitor_keeper_step(struct mb_monitor *m)
{
	if (!m->keeper.due || mb_monotonic_nsec() < m->keeper.due)
		return;
	m->keeper.due = 0;
	if (m->phase == MB_MONITOR_ALIVE)
		join(m, false);
}

void mb_monitor_keeper_event(struct mb_monitor *m)
{
	if (m->keeper.keeps)
		look(m);
	else
		join(m, true);
}

void mb_monitor_keeper_ended(struct mb_monitor *m, pid_t pid)
{
	if (pid != m->keeper.mender)
		return;
	m->keeper.mender = 0;
	/* Only what was lost meanwhile: one that cannot mend it is not begun over and over. */
	if (m->keeper.again) {
		m->keeper.again = false;
		look(m);
	}
}
