/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the log lacks stands in RUN/c/<id>/lost for whoever asks: a monitor may be stopped, and the
 * next one counts on from there. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/own.h"
#include "monitor/monitor.h"

static const char file[] = "lost";

void mb_monitor_loglost_load(struct mb_monitor *m)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;
	MB_AUTO_CLOSE int fd = openat(m->fd[MB_MONITOR_SLOT_RUN], file, flags);
	char text[64], *end = text;
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return;
	text[n] = '\0';
	m->log.dropped = strtoull(text, &end, 10);
	m->logsink.dropped = strtoull(end, NULL, 10);
	m->told_lost = m->log.dropped + m->logsink.dropped;
}

void mb_monitor_loglost_tell(struct mb_monitor *m)
{
	const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	uint64_t lost = m->log.dropped + m->logsink.dropped;
	MB_AUTO_CLOSE int fd = -1;
	char text[64];
	int n;

	if (lost == m->told_lost)
		return;
	m->told_lost = lost;
	fd = openat(m->fd[MB_MONITOR_SLOT_RUN], file, flags, 0600);
	/* Of one width, so that it is written over. */
	n = snprintf(text, sizeof(text), "%020llu %020llu\n", (unsigned long long)m->log.dropped,
	             (unsigned long long)m->logsink.dropped);
	if (fd >= 0)
		(void)!write(fd, text, (size_t)n);
}
