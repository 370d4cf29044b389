/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stages in the order in which they need each other, as many at once as there are processors. */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "build/job.h"
#include "build/worker.h"
#include "core/err.h"
#include "core/own.h"
#include "sys/interrupt.h"

enum { WORKERS_MAX = 32 };

struct schedule {
	struct mb_build *b;
	struct mb_build_worker workers[WORKERS_MAX];
	size_t n, limit;
	bool *begun; /* of each stage */
	int interrupt_fd;
	int r; /* the first failure */
	struct mb_err err;
};

static size_t count_processors(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : CPU_COUNT(&set);

	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (size_t)n;
}

static bool is_ready(const struct schedule *s, size_t i)
{
	const struct mb_build_stage *stage = &s->b->stages[i];

	if (!stage->needed || stage->is_made || s->begun[i])
		return false;
	for (size_t k = 0; k < s->b->n_stages; k++)
		if (stage->needs[k] && !s->b->stages[k].is_made)
			return false;
	return true;
}

/* The next stage that waits for nobody, or -1; whether it is the only one. */
static ssize_t next_stage(const struct schedule *s, bool *ret_is_only)
{
	ssize_t found = -1;

	*ret_is_only = true;
	for (size_t i = 0; i < s->b->n_stages; i++) {
		if (!is_ready(s, i))
			continue;
		if (found >= 0) {
			*ret_is_only = false;
			break;
		}
		found = (ssize_t)i;
	}
	return found;
}

static void fail(struct schedule *s, int r, const struct mb_err *err)
{
	if (s->r < 0 || r == 0)
		return;
	s->r = r;
	s->err = *err;
	for (size_t i = 0; i < s->n; i++)
		mb_build_worker_stop(&s->workers[i]);
}

static int start_worker(struct schedule *s, struct mb_build_stage *stage, struct mb_err *err)
{
	struct mb_build_worker *worker = &s->workers[s->n];
	int r = mb_build_worker_start(s->b, stage, worker, err);

	if (r < 0)
		mb_build_worker_done(worker);
	else
		s->n++;
	return r;
}

/* What can be begun, is.  One that has nobody beside it needs no process. */
static void start(struct schedule *s)
{
	bool is_only;

	while (s->r == 0 && s->n < s->limit) {
		struct mb_err err = MB_ERR_INIT;
		ssize_t i = next_stage(s, &is_only);
		int r;

		if (i < 0)
			return;
		s->begun[i] = true;
		if ((is_only && s->n == 0) || s->limit == 1)
			r = mb_build_stage_make(s->b, &s->b->stages[i], &err);
		else
			r = start_worker(s, &s->b->stages[i], &err);
		fail(s, r, &err);
	}
}

static void take(struct schedule *s, size_t i)
{
	struct mb_build_worker *worker = &s->workers[i];
	struct mb_err err = MB_ERR_INIT;
	int r = mb_build_worker_take(s->b, worker, s->r < 0, &err);

	if (r == 0)
		return;
	if (r < 0)
		fail(s, r, &err);
	else
		fail(s, worker->r, &worker->err);
	mb_build_worker_done(worker);
	s->workers[i] = s->workers[--s->n];
}

static void wait_for_some(struct schedule *s)
{
	struct pollfd p[WORKERS_MAX + 1];
	struct mb_err err = MB_ERR_INIT;
	size_t n = s->n;

	for (size_t i = 0; i < n; i++)
		p[i] = (struct pollfd){.fd = s->workers[i].sock, .events = POLLIN};
	p[n] = (struct pollfd){.fd = s->r < 0 ? -1 : s->interrupt_fd, .events = POLLIN};
	if (poll(p, n + 1, mb_build_tick_every(s->b)) < 0)
		return;
	mb_build_tick(s->b);
	/* From the last: one that has ended is replaced by one that was looked at. */
	for (size_t i = n; i-- > 0;)
		if (p[i].revents)
			take(s, i);
	if (p[n].revents)
		fail(s, mb_sys_interrupt_check(&err), &err);
}

int mb_build_stages_make(struct mb_build *b, struct mb_err *err)
{
	struct schedule s = {.b = b, .limit = count_processors(), .interrupt_fd = -1};
	int r = mb_sys_interrupt_open(&s.interrupt_fd, err);

	if (r < 0)
		return r;
	s.begun = mb_calloc(b->n_stages, sizeof(*s.begun));
	start(&s);
	while (s.n) {
		wait_for_some(&s);
		start(&s);
	}
	mb_close(&s.interrupt_fd);
	free(s.begun);
	if (s.r < 0 && err)
		*err = s.err;
	return s.r;
}
