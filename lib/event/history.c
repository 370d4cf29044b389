/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/history.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "event/log.h"

enum { VICTIMS_WIDTH = 60 };

void mb_event_history_done(struct mb_event_history *history)
{
	for (size_t i = 0; i < history->n; i++) {
		free(history->v[i].by);
		free(history->v[i].victims);
	}
	free(history->v);
	*history = (struct mb_event_history){0};
}

static int number_of(const struct mb_event_record *record, const char *key)
{
	const char *text = mb_kv_find(&record->attributes, key);
	int n = 0;

	return text && mb_parse_int(text, &n) == 0 ? n : 0;
}

static struct mb_event_life *begin(struct mb_event_history *history, int64_t nsec)
{
	struct mb_event_life *last = history->n ? &history->v[history->n - 1] : NULL;

	if (last && last->end == MB_EVENT_RUNS)
		last->end = MB_EVENT_LOST;
	history->v = mb_realloc(history->v, (history->n + 1) * sizeof(*history->v));
	last = &history->v[history->n++];
	*last = (struct mb_event_life){.started = nsec};
	return last;
}

static enum mb_event_end end_of(const struct mb_event_life *life)
{
	/* A child that was taken need not have been its end. */
	if (life->oom && life->signal == SIGKILL && life->sent != SIGKILL)
		return MB_EVENT_OOM;
	if (life->signal && life->signal == life->sent)
		return MB_EVENT_KILLED;
	if (life->unhealthy)
		return MB_EVENT_UNHEALTHY;
	return life->signal ? MB_EVENT_SIGNALLED : MB_EVENT_EXITED;
}

static void finish(struct mb_event_life *life, int64_t ended, int code)
{
	life->ended = ended;
	life->code = code;
	life->signal = life->code > 128 && life->code < 128 + NSIG ? life->code - 128 : 0;
	life->end = end_of(life);
}

/* One that runs on may lose any number of children: the first few are enough. */
static void add_victim(struct mb_event_life *life, const struct mb_event_record *record)
{
	const char *name = mb_kv_find(&record->attributes, "victim");
	int pid = number_of(record, "victimPid");
	char *before = life->victims;
	MB_AUTO_FREE char *one = NULL;

	life->oom = true;
	if (!name || life->more_victims)
		return;
	one = pid ? mb_asprintf("%s (pid %d)", name, pid) : mb_strdup(name);
	if (!before)
		life->victims = mb_take_ptr(&one);
	else if (strlen(before) < VICTIMS_WIDTH)
		life->victims = mb_asprintf("%s, %s", before, one);
	else {
		life->victims = mb_asprintf("%s ...", before);
		life->more_victims = true;
	}
	free(before);
}

void mb_event_history_take(struct mb_event_history *history, const struct mb_event_record *record)
{
	struct mb_event_life *last = history->n ? &history->v[history->n - 1] : NULL;
	bool runs = last && last->end == MB_EVENT_RUNS;
	const char *action = record->action;

	if (mb_streq(action, "start")) {
		begin(history, record->nsec);
	} else if (mb_streq(action, "die")) {
		/* Its start may be of a file that is gone. */
		finish(runs ? last : begin(history, 0), record->nsec,
		       number_of(record, "exitCode"));
	} else if (mb_streq(action, "stop") && last && last->ended) {
		last->end = MB_EVENT_STOPPED;
	} else if (runs && mb_streq(action, "kill")) {
		last->sent = number_of(record, "signal");
		free(last->by);
		last->by = record->by ? mb_strdup(record->by) : NULL;
	} else if (runs && mb_streq(action, "oom")) {
		add_victim(last, record);
	} else if (runs && mb_starts_with(action, "health_status: ")) {
		last->unhealthy = mb_ends_with(action, " unhealthy");
	}
}

void mb_event_history_end(struct mb_event_history *history, int64_t ended, int code)
{
	struct mb_event_life *last = history->n ? &history->v[history->n - 1] : NULL;

	if (!last || last->end != MB_EVENT_RUNS)
		return;
	if (ended && ended >= last->started) {
		finish(last, ended, code);
		return;
	}
	last->end = MB_EVENT_LOST;
	last->code = code;
}
