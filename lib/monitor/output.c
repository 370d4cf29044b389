/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the container's pipes or console to the log and to the clients.
 *
 * One buffer serves both streams.  When the foreground client is slow, what it has not taken
 * stays in that buffer and nothing more is read: the container feels it as a full pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/own.h"
#include "monitor/monitor.h"

enum { READS_AT_ONCE = 8, BUSY_PIPE = 256 << 10, PAGE = 4096 };

static int offer(struct mb_monitor_client *c, enum mb_monitor_stream stream, const char *bytes,
                 size_t n)
{
	struct mb_monitor_head head = {
		.type = MB_MONITOR_OUTPUT, .stream = (uint16_t)stream, .size = (uint32_t)n};

	return mb_monitor_message_send(c->fd, &head, bytes, NULL, 0);
}

static void pause_streams(struct mb_monitor *m, bool pause)
{
	for (unsigned i = 0; i < 2; i++) {
		if (m->stream_fd[i] < 0)
			continue;
		/* Removed and not merely muted: a hang-up cannot be muted. */
		if (pause)
			epoll_ctl(m->epoll, EPOLL_CTL_DEL, m->stream_fd[i], NULL);
		else
			mb_monitor_watch(m, m->stream_fd[i], MB_MONITOR_FROM_STREAM, i, EPOLLIN);
	}
}

static void stall(struct mb_monitor *m, enum mb_monitor_stream stream, const char *bytes, size_t n)
{
	m->stalled.bytes = bytes;
	m->stalled.n = n;
	m->stalled.stream = stream;
}

static void copy_to(struct mb_monitor *m, struct mb_monitor_client *c,
                    enum mb_monitor_stream stream, const char *bytes, size_t n)
{
	while (n) {
		size_t some = n < MB_MONITOR_DATA_MAX ? n : MB_MONITOR_DATA_MAX;
		int r = offer(c, stream, bytes, some);

		if (r == -EAGAIN && c->foreground) {
			stall(m, stream, bytes, n);
			return;
		}
		if (r < 0) {
			mb_monitor_server_drop(m, c);
			return;
		}
		bytes += some;
		n -= some;
	}
}

static void spread(struct mb_monitor *m, enum mb_monitor_stream stream, const char *bytes, size_t n)
{
	for (unsigned i = 0; i < m->n_slots; i++) {
		struct mb_monitor_client *c = &m->client[i];

		if (c->fd && c->streams & stream)
			copy_to(m, c, stream, bytes, n);
	}
}

static void end_stream(struct mb_monitor *m, unsigned i)
{
	epoll_ctl(m->epoll, EPOLL_CTL_DEL, m->stream_fd[i], NULL);
	m->fd[i == 0 ? MB_MONITOR_SLOT_STDOUT : MB_MONITOR_SLOT_STDERR] = -1;
	m->fd[MB_MONITOR_SLOT_CONSOLE] = -1;
	mb_close(&m->stream_fd[i]);
	if (m->log.is_on)
		mb_logwrite_end(&m->log, &m->stream[i], mb_now_nsec());
}

void mb_monitor_output_read(struct mb_monitor *m, unsigned i)
{
	char *buffer = m->scratch + MB_LOGWRITE_PIECE;

	for (int round = 0; round < READS_AT_ONCE && m->stream_fd[i] >= 0 && !m->stalled.n;
	     round++) {
		ssize_t n = read(m->stream_fd[i], buffer, MB_MONITOR_READ);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		/* A console whose last user is gone says EIO. */
		if (n <= 0) {
			end_stream(m, i);
			break;
		}
		m->output_bytes += (uint64_t)n;
		spread(m, m->stream[i].stream, buffer, (size_t)n);
		if (m->log.is_on)
			mb_logwrite_feed(&m->log, &m->stream[i], buffer, (size_t)n, mb_now_nsec());
		mb_monitor_loglost_tell(m);
		if (m->log.wants_pack)
			mb_monitor_logpack_step(m);
		if (n < MB_MONITOR_READ) {
			m->is_touched |= n > 4096;
			break;
		}
		if (!m->is_touched)
			fcntl(m->stream_fd[i], F_SETPIPE_SZ, BUSY_PIPE);
		m->is_touched = true;
	}
	if (m->stalled.n && m->foreground) {
		unsigned c = m->foreground - 1;

		pause_streams(m, true);
		mb_monitor_rewatch(m, m->client[c].fd, MB_MONITOR_FROM_CLIENT, c,
		                   EPOLLIN | EPOLLOUT);
	}
	if (m->phase == MB_MONITOR_DRAINING && mb_monitor_output_is_done(m))
		mb_monitor_finish_step(m);
}

void mb_monitor_output_resume(struct mb_monitor *m)
{
	struct mb_monitor_client *c = m->foreground ? &m->client[m->foreground - 1] : NULL;
	bool was_stalled = m->stalled.n != 0;
	const char *bytes = m->stalled.bytes;
	size_t n = m->stalled.n;

	m->stalled.n = 0;
	if (c && n) {
		copy_to(m, c, m->stalled.stream, bytes, n);
		if (m->stalled.n)
			return;
	}
	if (!m->foreground)
		c = NULL;
	if (c && c->owes_exit && mb_monitor_finish_tell(m, c) == -EAGAIN)
		return;
	if (m->foreground)
		mb_monitor_rewatch(m, m->client[m->foreground - 1].fd, MB_MONITOR_FROM_CLIENT,
		                   m->foreground - 1, EPOLLIN);
	if (!was_stalled)
		return;
	pause_streams(m, false);
	if (m->phase == MB_MONITOR_DRAINING)
		mb_monitor_finish_step(m);
}

bool mb_monitor_output_is_done(const struct mb_monitor *m)
{
	return m->stream_fd[0] < 0 && m->stream_fd[1] < 0 && !m->stalled.n;
}

void mb_monitor_output_close(struct mb_monitor *m)
{
	for (unsigned i = 0; i < 2; i++)
		if (m->stream_fd[i] >= 0)
			end_stream(m, i);
	mb_logwrite_close(&m->log);
}

/* The whole pages within @n bytes. */
static void give_back(char *bytes, size_t n)
{
	uintptr_t from = ((uintptr_t)bytes + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	uintptr_t to = ((uintptr_t)bytes + n) & ~(uintptr_t)(PAGE - 1);

	if (from < to)
		madvise(bytes + (from - (uintptr_t)bytes), to - from, MADV_DONTNEED);
}

void mb_monitor_output_trim(struct mb_monitor *m)
{
	if (!m->is_touched || m->stalled.n)
		return;
	give_back(m->scratch, sizeof(m->scratch));
	give_back(m->log.batch, sizeof(m->log.batch));
	mb_logsink_trim(&m->logsink);
	m->is_touched = false;
}
