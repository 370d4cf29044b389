/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/watch_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/watch.h"
#include "container/health.h"
#include "container/inspect.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "event/filter.h"
#include "event/log.h"
#include "format/human.h"
#include "screen/mark.h"
#include "store/store.h"

enum { LINE_MAX_BYTES = 4096, TAB = 8 };

/* "\033[1;31m": bytes that it takes, or 0. */
static size_t colour_sequence(const char *s, size_t n)
{
	size_t i = 2;

	if (n < 3 || s[0] != '\033' || s[1] != '[')
		return 0;
	while (i < n && ((s[i] >= '0' && s[i] <= '9') || s[i] == ';' || s[i] == ':'))
		i++;
	return i < n && s[i] == 'm' ? i + 1 : 0;
}

char *mb_cmd_watch_line(const char *bytes, size_t n)
{
	MB_AUTO_STR struct mb_str plain = MB_STR_INIT;

	n = n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES;
	while (n && bytes[n - 1] == '\r')
		n--;
	for (size_t i = 0; i < n;) {
		size_t colour = colour_sequence(bytes + i, n - i);

		if (colour) {
			i += colour;
			continue;
		}
		if (bytes[i] == '\0')
			mb_str_add(&plain, "\\x00");
		else if (bytes[i] == '\t')
			mb_str_addf(&plain, "%*s", (int)(TAB - plain.len % TAB), "");
		else
			mb_str_addc(&plain, bytes[i]);
		i++;
	}
	return mb_printable(mb_str_text(&plain));
}

char *mb_cmd_watch_figure(double value, enum mb_container_figure figure)
{
	char text[MB_FORMAT_HUMAN_TEXT];

	if (value < 0)
		return mb_strdup("--");
	switch (figure) {
	case MB_FIGURE_CPU:
	case MB_FIGURE_CPU_PRESSURE:
	case MB_FIGURE_MEMORY_PRESSURE:
	case MB_FIGURE_IO_PRESSURE:
		return mb_asprintf("%.1f%%", value * 100);
	case MB_FIGURE_TASKS:
		return mb_asprintf("%.0f", value);
	case MB_FIGURE_MEMORY:
	case MB_FIGURE_RX:
	case MB_FIGURE_TX:
	case MB_FIGURE_READ:
	case MB_FIGURE_WRITE:
	case MB_FIGURES_N_:
		break;
	}
	return mb_strdup(mb_format_size_short((double)(uint64_t)value, text));
}

/* --- health ----------------------------------------------------------------------------------- */

static void add_fact(struct mb_strv *out, const char *name, const char *value)
{
	MB_AUTO_FREE char *safe = mb_cmd_watch_line(value, strlen(value));

	if (*safe)
		mb_strv_addf(out, "%-9s%s", name, safe);
}

static void add_result(struct mb_strv *out, const struct mb_container_health_result *r)
{
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;
	char ago[MB_FORMAT_HUMAN_TEXT];

	mb_strv_addf(out, "%s%s" MB_MARK_PLAIN " %s, %lld ms",
	             r->exit_code ? MB_MARK_RED : MB_MARK_GREEN, r->exit_code ? "failed" : "passed",
	             mb_format_ago(r->end, mb_now_nsec(), ago),
	             (long long)((r->end - r->start) / 1000000));
	mb_strv_split(&lines, r->output ? r->output : "", '\n');
	MB_STRV_FOREACH (line, &lines) {
		MB_AUTO_FREE char *safe = mb_cmd_watch_line(line, strlen(line));

		if (*safe)
			mb_strv_addf(out, MB_MARK_DIM "  %s", safe);
	}
}

void mb_cmd_watch_tell_health(const struct mb_container *c, struct mb_strv *out)
{
	MB_AUTO_STR struct mb_str status = MB_STR_INIT, ports = MB_STR_INIT, command = MB_STR_INIT;
	struct mb_container_health health = {0};
	int restarts = c->state.has_run ? c->state.run.restart_count : c->state.exit.restarts;

	mb_container_status_text(c, &status);
	mb_container_ports_text(c, &ports);
	mb_container_command_text(c, &command);
	add_fact(out, "state", mb_str_text(&status));
	if (restarts)
		mb_strv_addf(out, "%-9s%d times", "restarted", restarts);
	if (mb_container_health_status(c) == MB_HEALTH_NONE) {
		mb_strv_add(out, "health   no check");
	} else {
		mb_container_health_load(c, &health);
		mb_strv_addf(out, "%-9s%s, %d failed in a row", "health",
		             mb_container_health_name((enum mb_health_status)health.status),
		             health.failing_streak);
	}
	for (size_t i = health.n_log; i > 0; i--)
		add_result(out, &health.log[i - 1]);
	mb_container_health_done(&health);
	add_fact(out, "image", c->record->config.image ? c->record->config.image : "");
	add_fact(out, "command", mb_str_text(&command));
	add_fact(out, "ports", mb_str_text(&ports));
}

/* --- flows and events ------------------------------------------------------------------------- */

static void add_failure(struct mb_strv *out, const struct mb_err *err)
{
	MB_AUTO_FREE char *safe = mb_printable(err->msg);

	mb_strv_addf(out, MB_MARK_RED "%s", safe);
}

static void add_flow(struct mb_strv *out, const struct mb_net_flow *f)
{
	MB_AUTO_FREE char *bytes = mb_cmd_watch_bytes(f), *safe = NULL;
	MB_AUTO_STR struct mb_str line = MB_STR_INIT;
	char proto[8];

	mb_cmd_watch_add_peer(&f->from, &line);
	mb_str_add(&line, " > ");
	mb_cmd_watch_add_peer(&f->to, &line);
	mb_str_addf(&line, " %s %s %s", mb_net_flow_proto(f->proto, proto), f->state, bytes);
	safe = mb_printable(mb_str_text(&line));
	mb_strv_add(out, safe);
}

void mb_cmd_watch_tell_flows(struct mb_cmd_view *v)
{
	struct mb_strv *out = &v->lines[MB_PANE_FLOWS];
	MB_AUTO_NET_FLOWS struct mb_net_flows flows = {0};
	const struct mb_cli_input none = {0};
	struct mb_err why = MB_ERR_INIT;
	int r = 0;

	if (!v->has_flows)
		r = mb_cmd_watch_open(v->cx, &none, NULL, false, &v->flows, &why);
	v->has_flows = r == 0;
	if (r == 0) {
		mb_strv_done(&v->flows.ids);
		mb_strv_add(&v->flows.ids, v->about->id);
		r = mb_cmd_watch_look(&v->flows, &flows, &why);
	}
	if (r != 0)
		add_failure(out, &why);
	for (size_t i = 0; i < flows.n && i < MB_PANE_LINES; i++)
		if (!flows.v[i].is_closed)
			add_flow(out, &flows.v[i]);
	if (r == 0 && !out->n)
		mb_strv_add(out, MB_MARK_DIM "it talks to nobody");
}

void mb_cmd_watch_tell_events(struct mb_cmd_view *v)
{
	struct mb_strv *out = &v->lines[MB_PANE_EVENTS];
	MB_AUTO(mb_event_log_free) struct mb_event_log *log = NULL;
	struct mb_err why = MB_ERR_INIT;
	struct mb_event_record record;

	if (mb_event_log_open(v->store->root_fd, &log, &why) < 0) {
		add_failure(out, &why);
		return;
	}
	while (mb_event_log_next(log, &record) == 0) {
		MB_AUTO_STR struct mb_str line = MB_STR_INIT;

		if (mb_streq(record.id, v->about->id)) {
			MB_AUTO_FREE char *safe = NULL;

			mb_event_line(&record, &line);
			safe = mb_cmd_watch_line(mb_str_text(&line), line.len ? line.len - 1 : 0);
			mb_strv_add(out, safe);
		}
		mb_event_record_done(&record);
	}
}
