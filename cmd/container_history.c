/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/container_history.h"

#include <stdio.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "container/container.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "event/history.h"
#include "event/log.h"
#include "format/human.h"
#include "format/table.h"
#include "store/store.h"
#include "json/json.h"

struct history_args {
	const char *format;
};

static const struct mb_format_column columns[] = {
	{"Started", "STARTED"},
	{"RanFor", "RAN FOR"},
	{"ExitCode", "EXIT CODE"},
	{"Reason", "REASON"},
	{"Sender", "SENDER"},
	{"Victim", "OOM VICTIM"},
	{"StartedAt", "STARTED AT", .is_off = true},
	{"FinishedAt", "FINISHED AT", .is_off = true},
	{"Signal", "SIGNAL", .is_off = true},
	{"OOMKilled", "OOM KILLED", .is_off = true},
	{NULL},
};

/* Whose signal it was.  Of one that no command sent the kernel tells nobody. */
static const char *sender_of(const struct mb_event_life *life)
{
	if (life->end == MB_EVENT_SIGNALLED)
		return "another process, or its own";
	if (life->end != MB_EVENT_KILLED && life->end != MB_EVENT_STOPPED)
		return "";
	return life->by ? life->by : "";
}

static void set_reason(struct json_object *row, const struct mb_event_life *life)
{
	static const char *const words[] = {
		[MB_EVENT_RUNS] = "running",      [MB_EVENT_LOST] = "its end was not seen",
		[MB_EVENT_EXITED] = "exited",     [MB_EVENT_SIGNALLED] = "signal",
		[MB_EVENT_KILLED] = "killed",     [MB_EVENT_STOPPED] = "stopped",
		[MB_EVENT_OOM] = "out of memory", [MB_EVENT_UNHEALTHY] = "unhealthy",
	};
	char buf[32];
	const char *name = life->signal ? mb_signal_name(life->signal, buf) : "";
	MB_AUTO_FREE char *both = mb_asprintf("%s%s%s%s", words[life->end], *name ? " (" : "", name,
	                                      *name ? ")" : "");

	mb_json_set_str(row, "Reason", both);
	mb_json_set_str(row, "Sender", sender_of(life));
	mb_json_set_str(row, "Victim", life->victims ? life->victims : "");
	mb_json_set_str(row, "Signal", name);
	mb_json_set_str(row, "OOMKilled", life->oom ? "true" : "false");
}

static struct json_object *new_row(const struct mb_event_life *life)
{
	struct json_object *row = mb_json_new_object();
	int64_t now = mb_now_nsec(), until = life->ended ? life->ended : now;
	bool has_times = life->started && life->end != MB_EVENT_LOST && until >= life->started;
	char text[MB_FORMAT_HUMAN_TEXT];

	mb_json_set_str(row, "Started",
	                life->started ? mb_format_ago(life->started, now, text) : "--");
	mb_json_set_str(row, "RanFor",
	                has_times ? mb_format_duration(until - life->started, text) : "--");
	snprintf(text, sizeof(text), "%d", life->code);
	mb_json_set_str(row, "ExitCode", life->ended || life->code ? text : "--");
	mb_json_set_str(row, "StartedAt", mb_time_format(life->started, text));
	mb_json_set_str(row, "FinishedAt", mb_time_format(life->ended, text));
	set_reason(row, life);
	return row;
}

/* One that is gone is found by its id or its last name: what is told of it may still be there. */
static bool is_meant(const struct mb_event_record *record, const char *id, const char *reference)
{
	const char *name = mb_kv_find(&record->attributes, "name");

	if (!mb_streq(record->type, "container"))
		return false;
	return *id ? mb_streq(record->id, id)
	           : mb_starts_with(record->id, reference) || mb_streq(name, reference);
}

/* When the monitor is killed nothing is told of the end.  Read after the records, so that what they
 * say to run is no older than this. */
static void settle(struct mb_store *store, const char *id, struct mb_event_history *history)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	int r = *id ? mb_container_open(store, id, &c, NULL) : MB_CONTAINER_ABSENT;

	if (r == MB_CONTAINER_ABSENT)
		mb_event_history_end(history, 0, 0);
	else if (r == 0 && !mb_container_is_running(c) && c->state.has_exit)
		mb_event_history_end(history, c->state.exit.finished, c->state.exit.exit_code);
}

static int gather(struct mb_store *store, const char *reference, struct mb_event_history *history,
                  struct mb_err *err)
{
	MB_AUTO(mb_event_log_free) struct mb_event_log *log = NULL;
	struct mb_err absent = MB_ERR_INIT;
	struct mb_event_record record;
	char id[MB_ID_TEXT] = "";
	int found = mb_container_resolve(store, reference, id, &absent);
	int r = found < 0 ? found : mb_event_log_open(store->root_fd, &log, err);

	if (found != 0)
		id[0] = '\0';
	while (r == 0 && mb_event_log_next(log, &record) == 0) {
		if (is_meant(&record, id, reference))
			mb_event_history_take(history, &record);
		mb_event_record_done(&record);
	}
	if (r == 0 && found >= 0)
		settle(store, id, history);
	if (found < 0 || (r == 0 && found && !history->n)) {
		*err = absent;
		return found < 0 ? found : 1;
	}
	return r;
}

static int print(const struct mb_event_history *history, const char *format, struct mb_err *err)
{
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	int r = mb_format_list_new(mb_cmd_list_format(format, false, NULL), columns,
	                           mb_cmd_list_host(), &list, err);

	for (size_t i = history->n; r == 0 && i > 0; i--) {
		MB_AUTO(mb_json_free) struct json_object *row = new_row(&history->v[i - 1]);

		r = mb_format_list_add(list, row, err);
	}
	return r < 0 ? r : mb_cmd_list_put(list, err);
}

int mb_cmd_container_history_put(struct mb_store *store, const char *reference, const char *format,
                                 struct mb_err *err)
{
	struct mb_event_history history = {0};
	int r = gather(store, reference, &history, err);

	if (r == 0)
		r = print(&history, format, err);
	mb_event_history_done(&history);
	return r;
}

static int history_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	const struct history_args *args = in->args;
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_cmd_container_history_put(store, in->operands[0], args->format, err);
	if (r > 0)
		mb_cmd_say("Error: %s", err->msg);
	return r;
}

static const struct mb_cli_opt history_opts[] = {
	MB_OPT_STRING(0, "format", NULL, struct history_args, format, "json, or a template"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_container_history = {
	.paths = "container history",
	.summary = "show when and why a container ended",
	.operands = "CONTAINER",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_CONTAINER},
	.opts = history_opts,
	.args_size = sizeof(struct history_args),
	.examples = "mybox container history web\n",
	.main = history_main,
};
