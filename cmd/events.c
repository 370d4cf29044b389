/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "event/filter.h"
#include "event/log.h"
#include "format/filter.h"
#include "format/template.h"
#include "store/store.h"
#include "json/json.h"

enum { EXIT_TEMPLATE = 64, BATCH = 64 << 10 };

struct events_args {
	const char *since, *until, *format;
	struct mb_strv filters;
};

struct showing {
	struct mb_event_log *log;
	struct mb_format_filters filters;
	struct mb_format_template *template; /* NULL: lines */
	bool json;
	int64_t until; /* 0: for ever */
	struct mb_str out;
};

static void showing_done(struct showing *s)
{
	mb_event_log_free(s->log);
	mb_format_filters_done(&s->filters);
	mb_format_template_free(s->template);
	mb_str_done(&s->out);
}

/* docker: a time with its own zone is just that; what is no time is told. */
static int read_time(const char *text, int64_t now, int64_t *ret, struct mb_err *err)
{
	if (text && mb_time_parse_reference(text, now, ret) < 0)
		return mb_fail(err, EINVAL, "failed to parse value as time or duration: \"%s\"",
		               text);
	return 0;
}

static int format_one(struct showing *s, const struct mb_event_record *record, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	int r = 0;

	if (!s->json && !s->template) {
		mb_event_line(record, &s->out);
		return 0;
	}
	o = mb_event_json(record);
	if (s->json)
		mb_json_format(o, false, &s->out);
	else
		r = mb_format_template_run(s->template, o, NULL, &s->out, err);
	mb_str_addc(&s->out, '\n');
	return r;
}

/* All that is there now.  Return: 0; an exit code; or -errno. */
static int show(struct showing *s, struct mb_err *err)
{
	struct mb_event_record record;
	int r = 0;

	while (r == 0 && mb_event_log_next(s->log, &record) == 0) {
		bool past = s->until && record.nsec >= s->until;

		if (!past && mb_event_filters_match(&s->filters, &record))
			r = format_one(s, &record, err);
		mb_event_record_done(&record);
		if (r == 0 && s->out.len >= BATCH) {
			r = mb_cmd_put_safe(&s->out);
			mb_str_reset(&s->out);
		}
	}
	if (r == 0 && s->out.len)
		r = mb_cmd_put_safe(&s->out);
	mb_str_reset(&s->out);
	return r;
}

/* Until something happened, it is time to end, or nobody reads us any more.
 * Return: whether to go on; or -errno. */
static int wait_for_more(int log_fd, int64_t ms, struct mb_err *err)
{
	struct pollfd p[] = {{.fd = log_fd, .events = POLLIN}, {.fd = STDOUT_FILENO}};

	if (poll(p, 2, ms < 0 ? -1 : ms > 60000 ? 60000 : (int)ms) < 0 && errno != EINTR)
		return mb_fail_sys(err, errno, "cannot poll");
	return !(p[1].revents & (POLLERR | POLLHUP));
}

static int follow(struct showing *s, struct mb_err *err)
{
	int fd, r = mb_event_log_follow(s->log, &fd, err);

	for (;;) {
		int64_t left = s->until ? s->until - mb_now_nsec() : 0;

		if (r == 0)
			r = show(s, err);
		if (r != 0 || (s->until && left <= 0))
			return r;
		r = wait_for_more(fd, s->until ? left / 1000000 + 1 : -1, err);
		if (r <= 0)
			return r;
		mb_event_log_settle(s->log);
		r = 0;
	}
}

static int prepare(struct showing *s, const struct events_args *a, struct mb_err *err)
{
	int64_t now = mb_now_nsec(), since = 0;
	int r = read_time(a->since, now, &since, err);

	if (r == 0)
		r = read_time(a->until, now, &s->until, err);
	if (r == 0)
		r = mb_event_filters_parse(&a->filters, &s->filters, err);
	if (r < 0)
		return r;
	if (a->until && !s->until)
		s->until = 1;
	/* docker: without either only what comes. */
	if (a->since)
		mb_event_log_since(s->log, since);
	else if (!a->until)
		mb_event_log_skip(s->log);
	s->json = mb_streq(a->format, "json");
	if (!a->format || !*a->format || s->json)
		return 0;
	r = mb_format_template_new(a->format, false, &s->template, err);
	if (r == 0)
		return 0;
	mb_cmd_say("Error parsing format: %s", err->msg);
	return EXIT_TEMPLATE;
}

static int events_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	__attribute__((cleanup(showing_done))) struct showing s = {0};
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_event_log_open(store->root_fd, &s.log, err);
	if (r == 0)
		r = prepare(&s, in->args, err);
	/* A reader that leaves ends us. */
	signal(SIGPIPE, SIG_DFL);
	return r == 0 ? follow(&s, err) : r;
}

static const struct mb_cli_opt events_opts[] = {
	MB_OPT_LIST('f', "filter", NULL, struct events_args, filters, "only those that match",
                    .is_pairs = true),
	MB_OPT_STRING(0, "format", NULL, struct events_args, format, "json, or a template"),
	MB_OPT_STRING(0, "since", NULL, struct events_args, since,
                      "show what happened since a time or a duration ago"),
	MB_OPT_STRING(0, "until", NULL, struct events_args, until,
                      "stream what happens until this time"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_events = {
	.paths = "events|system events",
	.summary = "show what happens, as it happens",
	.max = 0,
	.opts = events_opts,
	.args_size = sizeof(struct events_args),
	.examples = "mybox events --filter event=die --format '{{.Actor.Attributes.name}}'\n"
		    "mybox events --since 1h --until 0s\n",
	.main = events_main,
};
