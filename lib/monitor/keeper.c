/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keeper: one monitor of a store hears when the firewall's table is lost, and has it put back;
 * and while containers are on networks that other hosts share, it has somebody lead for those.
 *
 * Monitors that stay stand in a line, RUN/net/keepers: who each is, the oldest first.  The first
 * keeps.  Each of the others waits for the end of the one before it alone, and moves up then, so
 * that no end wakes more than one.  An entry of one that is dead, or that became something else, is
 * passed over; 0 is an empty place.
 *
 * What cannot be done now (no descriptors, the line is locked or away) is tried again when
 * keeper.due has come; nothing here waits for it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/io.h"
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
enum { STAYS_MS = 1000, AGAIN_MS = 1000, LINE_MAX_ = 1 << 16, RECEIVE = 8192, ROUNDS = 64 };

#define LEAD_DIR "net/ov"

static void set_due(struct mb_monitor *m, int64_t ms)
{
	m->keeper.due = mb_monotonic_nsec() + ms * 1000000;
}

/* ---- the line ------------------------------------------------------------------------- */

/* Who stands at a place: numbers come again, but never with the same time of birth. */
struct place {
	int64_t pid, start;
};

/* Never waits: what holds the lock may be stopped.  Return: a descriptor or -1. */
static int open_line(const struct mb_monitor *m)
{
	MB_AUTO_CLOSE int fd = openat(m->fd[MB_MONITOR_SLOT_RUNROOT], "net/keepers",
	                              O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 ? mb_take_fd(&fd) : -1;
}

static struct place read_place(int line, int64_t i)
{
	const struct place empty = {0};
	struct place p;

	return pread(line, &p, sizeof(p), i * (off_t)sizeof(p)) == sizeof(p) ? p : empty;
}

static bool write_place(int line, int64_t i, struct place p)
{
	return pwrite(line, &p, sizeof(p), i * (off_t)sizeof(p)) == sizeof(p);
}

/* Return: when the monitor @pid began, in the kernel's ticks; 0: it is no monitor (any more). */
static int64_t start_of(pid_t pid)
{
	char path[32], name[32], text[512], *at;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = (size_t)snprintf(name, sizeof(name), "%d (mybox-monitor) ", (int)pid);
	if (mb_read_kernel_file(AT_FDCWD, path, text, sizeof(text)) < 0 ||
	    strncmp(text, name, n) != 0)
		return 0;
	at = text + n;
	/* From the third field to the 22nd. */
	for (int i = 3; at && i < 22; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoll(at, NULL, 10) : 0;
}

/* Return: a pidfd of the monitor that stands at @p, or -1: it ended, or is no monitor (any more).
 */
static int open_monitor(struct place p)
{
	pid_t pid = (pid_t)p.pid;
	MB_AUTO_CLOSE int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	/* Its end last: what was read is of the one that the descriptor is of, then. */
	if (pidfd < 0 || !p.start || start_of(pid) != p.start || poll(&ended, 1, 0) != 0)
		return -1;
	return mb_take_fd(&pidfd);
}

/* The last who lives of those before @end, which becomes the place behind.  Return: its pidfd, or
 * -1: there is nobody. */
static int find_last(int line, int64_t *end)
{
	int pidfd = -1;

	while (*end > 0 && (pidfd = open_monitor(read_place(line, *end - 1))) < 0)
		--*end;
	return pidfd;
}

/* ---- keeping -------------------------------------------------------------------------- */

static int open_netfilter(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER_);
}

static int open_events(void)
{
	const struct {
		uint16_t family, pad;
		uint32_t pid, groups;
	} self = {.family = AF_NETLINK};
	const int group = GROUP_NFTABLES;
	MB_AUTO_CLOSE int fd = open_netfilter();

	if (fd < 0 || bind(fd, (const struct sockaddr *)&self, sizeof(self)) < 0 ||
	    setsockopt(fd, SOL_NETLINK_, ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return -1;
	return mb_take_fd(&fd);
}

/* Events, and that some were lost, only say that it is time to ask.  What is left wakes us again.
 */
static void drain(int fd)
{
	char got[RECEIVE];

	for (int i = 0; i < ROUNDS; i++)
		if (read(fd, got, sizeof(got)) <= 0 && errno != ENOBUFS && errno != EINTR)
			return;
}

/* Ask for the table, by a socket that no event can fill.  It stays: whoever closes one waits until
 * the kernel has freed what transactions have removed.  Return: 1 if the kernel says that there is
 * none, 0 if it says anything else, -1 if it does not say. */
static int is_lost(struct mb_monitor *m)
{
	const char *table = m->setup.table;
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

	if (m->keeper.asks <= 0)
		m->keeper.asks = open_netfilter();
	q.seq = (uint32_t)mb_monotonic_nsec() | 1;
	q.attr_type = TABLE_NAME;
	q.attr_size = (uint16_t)(4 + len);
	q.size = (uint32_t)(offsetof(typeof(q), name) + (len + 3) / 4 * 4);
	memcpy(q.name, table, len);
	/* The kernel answers within send(2). */
	if (m->keeper.asks < 0 || send(m->keeper.asks, &q, q.size, 0) < 0 ||
	    recv(m->keeper.asks, &got, sizeof(got), 0) < 20 || got.word[2] != q.seq) {
		mb_close(&m->keeper.asks);
		return -1;
	}
	return got.half[2] == TYPE_ERROR && (int32_t)got.word[4] == -ENOENT;
}

static void look(struct mb_monitor *m)
{
	int lost = is_lost(m);

	if (lost < 0)
		set_due(m, AGAIN_MS);
	/* Somebody has removed all that is known of it: that is not to be made anew. */
	if (lost <= 0 || faccessat(m->fd[MB_MONITOR_SLOT_RUN], "state.json", F_OK, 0) < 0)
		return;
	if (m->keeper.mender) {
		m->keeper.again = true;
		return;
	}
	m->keeper.mender = fork();
	if (m->keeper.mender == 0)
		mb_monitor_process_become(m, "__mend");
	if (m->keeper.mender < 0) {
		m->keeper.mender = 0;
		set_due(m, AGAIN_MS);
	}
}

/* ---- networks of many hosts ------------------------------------------------------------------ */

/* Whether any container is on one: RUN/net/ov has an entry.  No opendir(3): no heap. */
static bool has_shared(const struct mb_monitor *m)
{
	_Alignas(struct dirent64) char batch[1024];
	MB_AUTO_CLOSE int fd = openat(m->fd[MB_MONITOR_SLOT_RUNROOT], LEAD_DIR,
	                              O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	long n = fd < 0 ? 0 : syscall(SYS_getdents64, fd, batch, sizeof(batch));

	for (long at = 0; at < n;) {
		const struct dirent64 *d = (const void *)(batch + at);

		at += d->d_reclen;
		if (d->d_name[0] != '.')
			return true;
	}
	return false;
}

/* Somebody leads for them as long as we keep. */
static void lead(struct mb_monitor *m)
{
	if (m->keeper.leader || !has_shared(m) ||
	    faccessat(m->fd[MB_MONITOR_SLOT_RUN], "state.json", F_OK, 0) < 0)
		return;
	m->keeper.leader = fork();
	if (m->keeper.leader == 0)
		mb_monitor_process_become(m, "__lead");
	if (m->keeper.leader < 0) {
		m->keeper.leader = 0;
		set_due(m, AGAIN_MS);
	}
}

/* Hear of the first container on one. */
static void hear_of_shared(struct mb_monitor *m)
{
	char path[48 + sizeof(LEAD_DIR)];

	if (m->keeper.shared > 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/" LEAD_DIR, m->fd[MB_MONITOR_SLOT_RUNROOT]);
	m->keeper.shared = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (m->keeper.shared >= 0 &&
	    (mkdirat(m->fd[MB_MONITOR_SLOT_RUNROOT], LEAD_DIR, 0700) == 0 || errno == EEXIST) &&
	    inotify_add_watch(m->keeper.shared, path, IN_CREATE) >= 0 &&
	    mb_monitor_watch(m, m->keeper.shared, MB_MONITOR_FROM_SHARED, 0, EPOLLIN) == 0)
		return;
	mb_close(&m->keeper.shared);
	set_due(m, AGAIN_MS);
}

void mb_monitor_keeper_shared(struct mb_monitor *m)
{
	drain(m->keeper.shared);
	lead(m);
}

/* ---- what the loop calls -------------------------------------------------------------- */

/* Hear from @fd, which becomes ours; if there is none, or not enough of something, it is all tried
 * again.  Return: whether it is heard from. */
static bool hear(struct mb_monitor *m, int fd)
{
	m->keeper.fd = fd;
	if (fd >= 0 && mb_monitor_watch(m, fd, MB_MONITOR_FROM_KEEPER, 0, EPOLLIN) == 0)
		return true;
	mb_close(&m->keeper.fd);
	set_due(m, AGAIN_MS);
	return false;
}

static void keep(struct mb_monitor *m)
{
	m->keeper.keeps = true;
	if (m->keeper.fd > 0 || hear(m, open_events()))
		look(m);
	hear_of_shared(m);
	lead(m);
}

void mb_monitor_keeper_begin(struct mb_monitor *m)
{
	if (m->setup.table[0] && m->fd[MB_MONITOR_SLOT_RUNROOT] >= 0)
		set_due(m, STAYS_MS);
}

/* The line may have been lost, and be another. */
static bool is_in(const struct mb_monitor *m, int line, struct place self)
{
	struct place p = read_place(line, m->keeper.place);

	return m->keeper.stands && p.pid == self.pid && p.start == self.start;
}

/* Into the line, or up in it. */
static void join(struct mb_monitor *m)
{
	const struct place empty = {0}, self = {getpid(), start_of(getpid())};
	MB_AUTO_CLOSE int line = open_line(m), pidfd = -1;
	int64_t before = m->keeper.place, end = before;
	struct stat st;
	bool was_in;

	set_due(m, AGAIN_MS);
	if (line < 0 || !self.start || fstat(line, &st) < 0)
		return;
	was_in = is_in(m, line, self);
	if (!was_in)
		end = st.st_size / (off_t)sizeof(self);
	if (end > LINE_MAX_)
		return;
	pidfd = find_last(line, &end);
	if (!write_place(line, end, self))
		return;
	if (!was_in)
		(void)!ftruncate(line, (end + 1) * (off_t)sizeof(self));
	else if (end != before)
		(void)!write_place(line, before, empty);
	m->keeper.due = 0;
	m->keeper.stands = true;
	m->keeper.place = end;
	if (pidfd < 0)
		keep(m);
	else
		hear(m, mb_take_fd(&pidfd));
}

void mb_monitor_keeper_step(struct mb_monitor *m)
{
	if (!m->keeper.due || mb_monotonic_nsec() < m->keeper.due)
		return;
	m->keeper.due = 0;
	if (m->keeper.keeps)
		keep(m);
	else if (m->keeper.stands || m->phase == MB_MONITOR_ALIVE)
		join(m);
}

void mb_monitor_keeper_event(struct mb_monitor *m)
{
	if (m->keeper.keeps) {
		drain(m->keeper.fd);
		look(m);
		return;
	}
	/* It stays readable, whether we can move up now or not. */
	epoll_ctl(m->epoll, EPOLL_CTL_DEL, m->keeper.fd, NULL);
	mb_close(&m->keeper.fd);
	join(m);
}

void mb_monitor_keeper_ended(struct mb_monitor *m, pid_t pid)
{
	/* It ends when nobody wants it; what came meanwhile is looked for once more. */
	if (pid == m->keeper.leader) {
		m->keeper.leader = 0;
		set_due(m, AGAIN_MS);
	}
	if (pid != m->keeper.mender)
		return;
	m->keeper.mender = 0;
	/* Only what was lost meanwhile: one that cannot mend it is not begun over and over. */
	if (m->keeper.again) {
		m->keeper.again = false;
		look(m);
	}
}
