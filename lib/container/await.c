/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/await.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "container/container.h"
#include "container/health.h"
#include "container/life.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "event/log.h"
#include "store/store.h"

/* What a lost record would have told is looked for so often. */
enum { LOOK_MSEC = 1000, NSEC_PER_MS = 1000000 };

static const struct {
	const char *word;
	unsigned condition;
} words[] = {
	{"configured", MB_AWAIT_CREATED},  {"created", MB_AWAIT_CREATED},
	{"initialized", MB_AWAIT_CREATED}, {"running", MB_AWAIT_RUNNING},
	{"stopping", MB_AWAIT_ENDED},      {"stopped", MB_AWAIT_ENDED},
	{"exited", MB_AWAIT_ENDED},        {"paused", MB_AWAIT_PAUSED},
	{"healthy", MB_AWAIT_HEALTHY},     {"unhealthy", MB_AWAIT_UNHEALTHY},
	{"removing", MB_AWAIT_REMOVED},    {"removed", MB_AWAIT_REMOVED},
};

int mb_container_await_parse(const char *text, unsigned *conditions, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;

	mb_strv_split(&all, text, ',');
	for (size_t i = 0; i < all.n; i++) {
		unsigned found = 0;

		for (size_t k = 0; k < MB_N(words); k++)
			if (mb_streq(all.v[i], words[k].word))
				found = words[k].condition;
		if (!found)
			return mb_fail(err, EINVAL, "invalid condition '%s'", all.v[i]);
		*conditions |= found;
	}
	return all.n ? 0 : mb_fail(err, EINVAL, "invalid condition ''");
}

struct awaiting {
	struct mb_container *c;
	struct mb_event_log *log;
	unsigned conditions;
	bool ran, ended; /* it runs or has run; an end was told */
	int code;
};

static void awaiting_done(struct awaiting *a)
{
	mb_event_log_free(a->log);
}

static bool is_gone(const struct mb_container *c)
{
	char path[16 + MB_ID_TEXT];

	snprintf(path, sizeof(path), "containers/%s", c->id);
	return faccessat(c->store->root_fd, path, F_OK, 0) < 0;
}

static unsigned health_of(const struct mb_container *c)
{
	switch (mb_container_health_status(c)) {
	case MB_HEALTH_HEALTHY:
		return MB_AWAIT_HEALTHY;
	case MB_HEALTH_UNHEALTHY:
		return MB_AWAIT_UNHEALTHY;
	case MB_HEALTH_STARTING:
	case MB_HEALTH_NONE:
		break;
	}
	return 0;
}

/* All that holds now. */
static unsigned conditions_of(struct awaiting *a)
{
	struct mb_container *c = a->c;

	if (is_gone(c))
		return MB_AWAIT_REMOVED | MB_AWAIT_ENDED;
	mb_container_refresh(c);
	if (c->state.has_exit && !mb_container_is_running(c))
		a->code = c->state.exit.exit_code;
	switch (c->state.status) {
	case MB_STATUS_CREATED:
		return MB_AWAIT_CREATED | MB_AWAIT_ENDED;
	case MB_STATUS_RUNNING:
		a->ran = true;
		return MB_AWAIT_RUNNING | health_of(c);
	case MB_STATUS_PAUSED:
		a->ran = true;
		return MB_AWAIT_PAUSED | health_of(c);
	case MB_STATUS_RESTARTING:
		a->ran = true;
		return 0;
	case MB_STATUS_REMOVING:
		return MB_AWAIT_REMOVED | MB_AWAIT_ENDED;
	case MB_STATUS_EXITED:
	case MB_STATUS_DEAD:
		a->ran = true; /* before we came */
		break;
	case MB_STATUS_N_:
		break;
	}
	return MB_AWAIT_ENDED;
}

/* What its end was, of one that is started again at once or removed. */
static void read_news(struct awaiting *a)
{
	struct mb_event_record record;

	mb_event_log_settle(a->log);
	while (mb_event_log_next(a->log, &record) == 0) {
		const char *code = mb_kv_find(&record.attributes, "exitCode");

		if (mb_streq(record.id, a->c->id) && mb_streq(record.action, "die") && code &&
		    mb_parse_int(code, &a->code) == 0)
			a->ended = true;
		mb_event_record_done(&record);
	}
}

/* Return: 0: go on waiting; 1: it is met; MB_AWAIT_NEVER + 1: it never will; or -errno. */
static int look(struct awaiting *a, unsigned *ret_met, struct mb_err *err)
{
	const unsigned health = MB_AWAIT_HEALTHY | MB_AWAIT_UNHEALTHY;
	unsigned now = conditions_of(a) | (a->ended ? (unsigned)MB_AWAIT_ENDED : 0);

	*ret_met = now & a->conditions;
	if (*ret_met)
		return 1;
	if (now & MB_AWAIT_REMOVED)
		return mb_fail(err, ENOENT, "No such container: %s", mb_container_name(a->c));
	if (now & MB_AWAIT_ENDED && a->ran && !(a->conditions & ~health) &&
	    !mb_container_is_running(a->c)) {
		mb_fail(err, ESRCH, "container '%s' has ended", mb_container_name(a->c));
		return MB_AWAIT_NEVER + 1;
	}
	a->ended = false;
	return 0;
}

static int wait_for_news(struct awaiting *a, int fd, int64_t deadline, struct mb_err *err)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t left = deadline < 0 ? INT64_MAX : deadline - mb_boottime_nsec();

	if (left <= 0) {
		mb_fail(err, ETIMEDOUT, "container '%s' took too long", mb_container_name(a->c));
		return MB_AWAIT_TIMEOUT;
	}
	left = (left - 1) / NSEC_PER_MS + 1;
	if (poll(&p, 1, left < LOOK_MSEC ? (int)left : LOOK_MSEC) < 0 && errno != EINTR)
		return mb_fail_sys(err, errno, "cannot poll");
	read_news(a);
	return 0;
}

int mb_container_await(struct mb_container *c, unsigned conditions, int64_t timeout,
                       unsigned *ret_met, int *ret_code, struct mb_err *err)
{
	__attribute__((cleanup(awaiting_done))) struct awaiting a = {
		.c = c, .conditions = conditions, .code = -1};
	int64_t deadline = timeout < 0 ? -1 : mb_boottime_nsec() + timeout;
	int fd, met, r = mb_event_log_open(c->store->root_fd, &a.log, err);

	if (r == 0)
		r = mb_event_log_follow(a.log, &fd, err);
	if (r < 0)
		return r;
	mb_event_log_skip(a.log);
	for (;;) {
		met = look(&a, ret_met, err);
		if (met != 0)
			break;
		r = wait_for_news(&a, fd, deadline, err);
		if (r != 0)
			return r;
	}
	if (met < 0)
		return met;
	*ret_code = *ret_met & MB_AWAIT_ENDED || met > 1 ? a.code : -1;
	return met == 1 ? 0 : MB_AWAIT_NEVER;
}
