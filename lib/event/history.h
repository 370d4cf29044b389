/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/event/history.h — the lives of one container, put together from what was told of it. */
#ifndef MB_EVENT_HISTORY_H
#define MB_EVENT_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_event_record;

enum mb_event_end {
	MB_EVENT_RUNS,      /* nothing was told of its end */
	MB_EVENT_LOST,      /* nothing either, and it was started again */
	MB_EVENT_EXITED,    /* by itself */
	MB_EVENT_SIGNALLED, /* by a signal that no command of ours sent */
	MB_EVENT_KILLED,    /* by one that a command sent */
	MB_EVENT_STOPPED,
	MB_EVENT_OOM,
	MB_EVENT_UNHEALTHY,
};

struct mb_event_life {
	int64_t started, ended; /* ns since 1970; 0: not known */
	int code;               /* exit code, when it ended; of a lost end what is said, or 0 */
	int signal;             /* that ended it; 0: none */
	bool oom, unhealthy;    /* was told before its end */
	char *victims;          /* whom the kernel killed: "sh (pid 7), dd"; NULL: not known */
	bool more_victims;      /* than are named there */
	int sent;               /* the last signal that a command sent; 0: none */
	char *by;               /* whose: "kill, uid 0, pid 123"; NULL: not known */
	enum mb_event_end end;
};

struct mb_event_history {
	struct mb_event_life *v; /* oldest first */
	size_t n;
};
void mb_event_history_done(struct mb_event_history *history);
/* The next record of the container, in order. */
void mb_event_history_take(struct mb_event_history *history, const struct mb_event_record *record);
/* Its container does not run, whatever was told: nobody saw the last life's end if that is not
 * among the records.  @ended (0: not known) and @code are what was written down of it. */
void mb_event_history_end(struct mb_event_history *history, int64_t ended, int code);

#endif
