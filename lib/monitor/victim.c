/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom the kernel killed for want of memory.  That it did is counted in the control group; who it
 * was stands in the kernel's log alone, if that may be read, and what the process was in the
 * container in /proc, as long as nobody has reaped it.
 *
 * Nothing is kept open for it: the log is read when the count has risen, at most once a second
 * while the container lives, and of what it holds only what is younger than this life counts. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "monitor/kmsg.h"
#include "monitor/monitor.h"
#include "monitor/oom.h"

enum {
	RECORDS_MAX = 1 << 16, /* of one look: more than the largest log of a kernel holds */
	MEM_MAJOR = 1,
	KMSG_MINOR = 11,
};
static const int64_t pause_nsec = 1000000000, soon_nsec = 10000000, usec = 1000;

static int open_log(void)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC;
	MB_AUTO_CLOSE int fd = open("/dev/kmsg", flags);
	struct stat st;

	/* In a container it may be anything. */
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) ||
	    st.st_rdev != makedev(MEM_MAJOR, KMSG_MINOR))
		return -1;
	return mb_take_fd(&fd);
}

static bool read_proc(int pid, const char *name, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return mb_read_kernel_file(AT_FDCWD, path, buf, size) == 0;
}

/* Is it there still, in the container?  The number is the first pid namespace's; where we are in
 * another one it may be anybody's, so what it is called counts as well. */
static bool is_there(const struct mb_monitor *m, const struct mb_monitor_kmsg *victim)
{
	char text[4096];

	if (!read_proc(victim->pid, "comm", text, sizeof(text)) || strcmp(text, victim->name) != 0)
		return false;
	return read_proc(victim->pid, "cgroup", text, sizeof(text)) && strstr(text, m->id);
}

/* The last of its numbers is the innermost namespace's.  0: not known. */
static int pid_inside(const struct mb_monitor *m, const struct mb_monitor_kmsg *victim)
{
	char text[4096], *line, *last;
	int pid = 0;

	if (!is_there(m, victim) || !read_proc(victim->pid, "status", text, sizeof(text)))
		return 0;
	line = strstr(text, "\nNSpid:");
	if (!line)
		return 0;
	line[1 + strcspn(line + 1, "\n")] = '\0';
	last = strrchr(line, '\t');
	return last && mb_parse_int(last + 1, &pid) == 0 ? pid : 0;
}

/* How long this life has lasted: by the clock that does not jump, or since it was begun by another
 * monitor. */
static int64_t age_usec(const struct mb_monitor *m)
{
	int64_t by_us = mb_monotonic_nsec() - m->born_nsec;
	int64_t by_all = mb_now_nsec() - m->setup.started_nsec;

	return (by_us > by_all ? by_us : by_all) / usec;
}

/* Return: whether one was found.  The packet buffer holds a record. */
static bool find(struct mb_monitor *m, struct mb_monitor_kmsg *ret)
{
	MB_AUTO_CLOSE int fd = open_log();
	int64_t newest = 0;
	bool found = false;

	for (int i = 0; fd >= 0 && i < RECORDS_MAX; i++) {
		ssize_t n = read(fd, m->packet, sizeof(m->packet));
		struct mb_monitor_kmsg record;
		int r;

		/* EPIPE: it was overwritten meanwhile, and goes on with what is left. */
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		r = mb_monitor_kmsg_parse(m->packet, (size_t)n, m->id, &record);
		if (r < 0)
			continue;
		newest = record.usec;
		if (record.sequence < m->oom.sequence || r == MB_MONITOR_KMSG_OTHER)
			continue;
		if (r == MB_MONITOR_KMSG_HOMELESS && !is_there(m, &record))
			continue;
		*ret = record;
		found = true;
	}
	if (!found || newest - ret->usec > age_usec(m))
		return false;
	m->oom.sequence = ret->sequence + 1;
	return true;
}

void mb_monitor_victim_look(struct mb_monitor *m)
{
	int fd = m->fd[MB_MONITOR_SLOT_OOM];
	struct mb_monitor_kmsg victim;
	uint64_t n = fd >= 0 ? mb_monitor_oom_count(fd) : 0;

	if (n <= m->oom.told)
		return;
	m->oom.told = n;
	m->oom.read = mb_monotonic_nsec();
	if (find(m, &victim))
		mb_monitor_tell_oom(m, victim.name, pid_inside(m, &victim));
	else
		mb_monitor_tell_oom(m, NULL, 0);
}

/* A cgroup2's file tells of much else besides: it is heard once a second. */
static int source_of(const struct mb_monitor *m, uint32_t *ret_events)
{
	int event = m->fd[MB_MONITOR_SLOT_OOM_EVENT];

	*ret_events = (event >= 0 ? EPOLLIN : EPOLLPRI) | EPOLLONESHOT;
	return event >= 0 ? event : m->fd[MB_MONITOR_SLOT_OOM];
}

void mb_monitor_victim_begin(struct mb_monitor *m)
{
	uint32_t events;
	int fd = source_of(m, &events);

	m->oom.told = m->setup.oom_before;
	if (fd >= 0)
		(void)mb_monitor_watch(m, fd, MB_MONITOR_FROM_OOM, 0, events);
}

void mb_monitor_victim_seen(struct mb_monitor *m)
{
	if (!m->oom.read || mb_monotonic_nsec() - m->oom.read >= pause_nsec)
		mb_monitor_victim_look(m);
}

void mb_monitor_victim_event(struct mb_monitor *m)
{
	int event = m->fd[MB_MONITOR_SLOT_OOM_EVENT];
	uint64_t told = m->oom.told, n;

	mb_monitor_victim_look(m);
	if (event >= 0)
		(void)!read(event, &n, sizeof(n));
	/* An eventfd tells of it before the kernel has chosen whom to kill. */
	m->oom.due =
		mb_monotonic_nsec() + (event >= 0 && m->oom.told == told ? soon_nsec : pause_nsec);
}

void mb_monitor_victim_step(struct mb_monitor *m)
{
	uint32_t events;
	int fd = source_of(m, &events);

	if (!m->oom.due || mb_monotonic_nsec() < m->oom.due)
		return;
	m->oom.due = 0;
	mb_monitor_victim_look(m);
	if (fd >= 0)
		mb_monitor_rewatch(m, fd, MB_MONITOR_FROM_OOM, 0, events);
}
