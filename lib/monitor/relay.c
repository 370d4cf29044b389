/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/io.h"
#include "core/own.h"
#include "monitor/monitor.h"

enum { RELAY_FD = 3 };

/* ---- the child ------------------------------------------------------------------------ */

unsigned mb_monitor_relay_addresses(const struct mb_monitor_relay_job *job,
                                    union mb_monitor_relay_address ret[2])
{
	static const struct mb_monitor_target none;
	struct mb_monitor_target now = *job->target;
	unsigned n = 0;

	if (memcmp(now.ip6, none.ip6, sizeof(now.ip6)) != 0) {
		ret[n].six = (struct sockaddr_in6){.sin6_family = AF_INET6,
		                                   .sin6_port = htons(job->port)};
		memcpy(&ret[n++].six.sin6_addr, now.ip6, sizeof(now.ip6));
	}
	if (memcmp(now.ip4, none.ip4, sizeof(now.ip4)) != 0) {
		ret[n].four =
			(struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(job->port)};
		memcpy(&ret[n++].four.sin_addr, now.ip4, sizeof(now.ip4));
	}
	return n;
}

int mb_monitor_relay_connect(const union mb_monitor_relay_address *to, int type)
{
	socklen_t size = to->any.sa_family == AF_INET6 ? sizeof(to->six) : sizeof(to->four);
	int fd = socket(to->any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, &to->any, size) < 0 && errno != EINPROGRESS)
		mb_close(&fd);
	return fd;
}

static void keep_only(int fd)
{
	dup2(fd, RELAY_FD);
	syscall(SYS_close_range, RELAY_FD + 1, ~0u, 0);
}

/* It may end at any time, unlike the monitor: the kernel may take it first when memory is out. */
static void serve(struct mb_monitor *m, const struct mb_monitor_relayed *r, pid_t monitor)
{
	struct mb_monitor_relay_job job = {.fd = RELAY_FD, .port = r->port, .target = m->target};
	uint16_t proto = r->proto;
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != monitor)
		_exit(0);
	prctl(PR_SET_NAME, "mybox-relay");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	mb_write_kernel_file(AT_FDCWD, "/proc/self/oom_score_adj", "0");
	keep_only(r->fd);
	if (proto == IPPROTO_UDP)
		mb_monitor_relay_udp(&job);
	mb_monitor_relay_tcp(&job);
}

/* ---- the monitor ---------------------------------------------------------------------- */

static void unwatch(struct mb_monitor *m, int fd)
{
	epoll_ctl(m->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void watch(struct mb_monitor *m, unsigned index)
{
	(void)mb_monitor_watch(m, m->relay[index].fd, MB_MONITOR_FROM_RELAY, index, EPOLLIN);
}

int mb_monitor_relay_aim(struct mb_monitor *m, const struct mb_monitor_target *target)
{
	if (!m->target) {
		void *page = mmap(NULL, sizeof(*m->target), PROT_READ | PROT_WRITE,
		                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (page == MAP_FAILED)
			return -errno;
		m->target = page;
	}
	*m->target = *target;
	return 0;
}

static int add_one(struct mb_monitor *m, uint16_t proto, uint16_t port, int fd)
{
	for (unsigned i = 0; i < MB_MONITOR_RELAYS_MAX; i++) {
		struct mb_monitor_relayed *r = &m->relay[i];

		if (r->fd)
			continue;
		fd = fcntl(fd, F_DUPFD_CLOEXEC, RELAY_FD + 1);
		if (fd < 0 || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
			return -errno;
		*r = (struct mb_monitor_relayed){.fd = fd, .proto = proto, .port = port};
		if (i >= m->n_relays)
			m->n_relays = i + 1;
		watch(m, i);
		return 0;
	}
	return -EMFILE;
}

int mb_monitor_relay_add(struct mb_monitor *m, const struct mb_monitor_relay *what, const int *fds,
                         size_t n)
{
	const struct mb_monitor_target nowhere = {0};
	int r = n > MB_N(what->of) ? -EBADMSG : m->target ? 0 : mb_monitor_relay_aim(m, &nowhere);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_one(m, what->of[i].proto, what->of[i].port, fds[i]);
	return r;
}

void mb_monitor_relay_begin(struct mb_monitor *m, unsigned index)
{
	struct mb_monitor_relayed *r = &m->relay[index];
	pid_t self = getpid(), pid;

	if (!r->fd || r->pid)
		return;
	/* Whoever ends makes place: then all are looked at again. */
	unwatch(m, r->fd);
	if (m->n_relaying == MB_MONITOR_RELAYING_MAX)
		return;
	pid = fork();
	if (pid == 0)
		serve(m, r, self);
	if (pid < 0)
		return;
	r->pid = pid;
	m->n_relaying++;
}

void mb_monitor_relay_ended(struct mb_monitor *m, pid_t pid)
{
	bool was_one = false;

	for (unsigned i = 0; i < m->n_relays; i++)
		if (m->relay[i].fd && m->relay[i].pid == pid) {
			m->relay[i].pid = 0;
			m->n_relaying--;
			was_one = true;
		}
	for (unsigned i = 0; was_one && i < m->n_relays; i++)
		if (m->relay[i].fd && !m->relay[i].pid)
			watch(m, i);
}

/* Its socket is free for others when this returns. */
static void drop(struct mb_monitor *m, struct mb_monitor_relayed *r)
{
	pid_t pid = r->pid;
	siginfo_t info;

	if (!r->fd)
		return;
	close(r->fd);
	*r = (struct mb_monitor_relayed){0};
	if (!pid)
		return;
	m->n_relaying--;
	kill(pid, SIGKILL);
	while (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0 && errno == EINTR)
		;
}

void mb_monitor_relay_drop(struct mb_monitor *m, const struct mb_monitor_unhold *what)
{
	for (unsigned i = 0; i < m->n_relays; i++)
		if (m->relay[i].fd && mb_monitor_birth_is_bound_so(m->relay[i].fd, what))
			drop(m, &m->relay[i]);
}

void mb_monitor_relay_drop_all(struct mb_monitor *m)
{
	for (unsigned i = 0; i < m->n_relays; i++)
		drop(m, &m->relay[i]);
	m->n_relays = 0;
}
