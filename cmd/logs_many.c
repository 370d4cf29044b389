/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each container's next entry waits until it is the oldest of all; who has none for now is not
 * waited for. */
#include "cmd/logs_many.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/container_each.h"
#include "cmd/report.h"
#include "container/container.h"
#include "container/life.h"
#include "container/logging.h"
#include "container/logpack.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "monitor/logfile.h"
#include "sys/proc.h"

enum { BATCH = 32 << 10, LINES = 64 };

struct source {
	struct mb_container *c;
	struct mb_logfile *log;
	struct mb_logfile_entry entry; /* valid while has_entry */
	char *name, *details;          /* as they stand in front of a line; NULL: not wanted */
	int log_fd, monitor;           /* to be polled; monitor -1: it has ended */
	bool has_entry;
	bool is_idle;        /* had nothing more a few lines ago */
	bool is_mid_line[3]; /* by stream: its last entry was a piece */
};

struct many {
	const struct mb_cmd_logs_many *how;
	struct source *v;
	struct pollfd *fds;
	struct mb_str out;
	enum mb_monitor_stream stream; /* of what is in .out */
	size_t n_lines;                /* of this drain */
	struct source *open[3];        /* by stream: whose last line has no end yet, or NULL */
};

static void many_done(struct many *m)
{
	for (size_t i = 0; m->v && i < m->how->n; i++) {
		mb_logfile_free(m->v[i].log);
		mb_container_free(m->v[i].c);
		mb_close(&m->v[i].monitor);
		free(m->v[i].name);
		free(m->v[i].details);
	}
	free(m->v);
	free(m->fds);
	mb_str_done(&m->out);
}

/* --- one line --------------------------------------------------------------------------------- */

static int flush(struct many *m)
{
	int fd = m->stream == MB_MONITOR_STDERR ? STDERR_FILENO : STDOUT_FILENO;
	int r = m->out.len ? mb_write_full(fd, m->out.buf, m->out.len) : 0;

	mb_str_reset(&m->out);
	return r;
}

static int put(struct many *m, struct source *s)
{
	const struct mb_logfile_entry *e = &s->entry;
	char time[MB_TIME_TEXT];
	int r = m->stream != e->stream || m->out.len > BATCH ? flush(m) : 0;

	m->stream = e->stream;
	/* Another's line that has no end yet, and may go on later. */
	if (m->open[e->stream] && m->open[e->stream] != s) {
		mb_str_addc(&m->out, '\n');
		m->open[e->stream]->is_mid_line[e->stream] = false;
	}
	m->open[e->stream] = e->partial ? s : NULL;
	if (!s->is_mid_line[e->stream]) {
		mb_str_add(&m->out, s->name ? s->name : "");
		if (m->how->timestamps)
			mb_str_addf(&m->out, "%s ", mb_time_format(e->nsec, time));
		mb_str_add(&m->out, s->details ? s->details : "");
	}
	mb_str_addn(&m->out, e->text, e->size);
	s->is_mid_line[e->stream] = e->partial;
	if (!e->partial)
		mb_str_addc(&m->out, '\n');
	return r;
}

/* --- all of them ------------------------------------------------------------------------------ */

static char *name_of(const struct mb_cmd_logs_many *how, const struct mb_container *c, size_t i)
{
	static const int colours[] = {36, 33, 32, 35, 34, 31};

	if (!how->names)
		return NULL;
	if (!how->colour)
		return mb_asprintf("%s ", mb_container_name(c));
	return mb_asprintf("\033[%dm%s\033[0m ", colours[i % MB_N(colours)], mb_container_name(c));
}

static int open_one(struct mb_cmd_context *cx, struct many *m, size_t i, struct mb_err *err)
{
	struct mb_logfile_options options = *m->how->options;
	struct source *s = &m->v[i];
	MB_AUTO_FREE char *file = NULL;
	int r = mb_cmd_container_find(cx, m->how->references[i], &s->c, err);

	if (r == 0)
		r = mb_container_logging_is_readable(s->c, err);
	if (r < 0)
		return r;
	s->name = name_of(m->how, s->c, i);
	if (m->how->details)
		s->details = mb_container_logging_details(s->c);
	options.until_now = !m->how->follow || !mb_container_is_running(s->c);
	file = mb_container_logging_file(s->c);
	options.name = file;
	options.unpack = mb_container_logunpack;
	r = mb_logfile_open(s->c->dir_fd, &options, &s->log, err);
	if (r == 0 && !options.until_now) {
		struct mb_sys_proc_id id = {.pid = s->c->state.run.monitor,
		                            .start = s->c->state.run.monitor_start};

		r = mb_logfile_follow(s->log, &s->log_fd, err);
		if (r == 0)
			r = mb_sys_proc_id_open(&id, &s->monitor, err);
	}
	if (r >= 0 && s->monitor < 0)
		mb_logfile_finish(s->log);
	return r < 0 ? r : 0;
}

/* Who had nothing is not asked again for each line of another, but is before long: that one may
 * never come to its end. */
static int refill(struct many *m, struct mb_err *err)
{
	const bool all = m->n_lines++ % LINES == 0;

	for (size_t i = 0; i < m->how->n; i++) {
		struct source *s = &m->v[i];
		int r;

		if (s->has_entry || (s->is_idle && !all))
			continue;
		r = mb_logfile_next(s->log, &s->entry, err);
		if (r < 0)
			return r;
		s->has_entry = r == 0;
		s->is_idle = r != 0;
	}
	return 0;
}

/* Whatever is there, oldest first. */
static int drain(struct many *m, struct mb_err *err)
{
	m->n_lines = 0;
	for (;;) {
		struct source *oldest = NULL;
		int r = refill(m, err);

		if (r < 0)
			return r;
		for (size_t i = 0; i < m->how->n; i++) {
			struct source *s = &m->v[i];

			if (s->has_entry && (!oldest || s->entry.nsec < oldest->entry.nsec))
				oldest = s;
		}
		r = oldest ? put(m, oldest) : flush(m);
		if (r < 0)
			return mb_fail_sys(err, -r, "cannot write");
		if (!oldest)
			return 0;
		oldest->has_entry = false;
	}
}

/* Return: how many have more to come. */
static size_t watch(struct many *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->how->n; i++) {
		struct source *s = &m->v[i];
		bool lives = s->monitor >= 0 && !mb_logfile_is_past(s->log);

		m->fds[2 * i] = (struct pollfd){.fd = lives ? s->log_fd : -1, .events = POLLIN};
		m->fds[2 * i + 1] =
			(struct pollfd){.fd = lives ? s->monitor : -1, .events = POLLIN};
		n += lives;
	}
	return n;
}

/* It has ended, or its monitor alone was killed. */
static int look_again(struct source *s, struct mb_err *err)
{
	int r;

	mb_close(&s->monitor);
	r = mb_container_monitor_again(s->c, &s->monitor, err);
	if (r > 0)
		mb_logfile_finish(s->log);
	return r < 0 ? r : 0;
}

static int follow(struct many *m, struct mb_err *err)
{
	int r = drain(m, err);

	while (r == 0 && watch(m)) {
		if (poll(m->fds, 2 * m->how->n, -1) < 0 && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot poll");
		for (size_t i = 0; r == 0 && i < m->how->n; i++) {
			if (m->fds[2 * i].revents)
				mb_logfile_settle(m->v[i].log);
			if (m->fds[2 * i + 1].revents)
				r = look_again(&m->v[i], err);
		}
		if (r == 0)
			r = drain(m, err);
	}
	return r;
}

void mb_cmd_logs_say_lost(struct mb_container *c)
{
	struct mb_container_lost lost = mb_container_logging_lost(c), now;

	/* One that was followed has ended meanwhile, or is gone; it has counted on. */
	mb_container_refresh(c);
	now = mb_container_logging_lost(c);
	if (now.dropped > lost.dropped)
		lost = now;
	if (lost.dropped)
		mb_cmd_say("mybox: container '%s': %llu bytes of its output were dropped: the disk "
		           "of its "
		           "log was full or failing",
		           mb_container_name(c), (unsigned long long)lost.dropped);
}

int mb_cmd_logs_many(struct mb_cmd_context *cx, const struct mb_cmd_logs_many *how,
                     struct mb_err *err)
{
	__attribute__((cleanup(many_done))) struct many m = {.how = how};
	int r = 0;

	m.v = mb_calloc(how->n, sizeof(*m.v));
	m.fds = mb_calloc(2 * how->n, sizeof(*m.fds));
	for (size_t i = 0; i < how->n; i++)
		m.v[i].monitor = m.v[i].log_fd = -1;
	for (size_t i = 0; r == 0 && i < how->n; i++)
		r = open_one(cx, &m, i, err);
	if (r == 0)
		r = follow(&m, err);
	for (size_t i = 0; r == 0 && i < how->n; i++)
		mb_cmd_logs_say_lost(m.v[i].c);
	return r;
}
