/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures and memory trouble of a container, one JSON object a line. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <json-c/json.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/oci/oci.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/str.h"
#include "runtime/stats.h"
#include "sys/cgroup.h"
#include "json/json.h"

enum { MIN_INTERVAL_MS = 10 };

struct events_args {
	bool stats;
	int64_t interval;
};

/* An engine reads line after line: each is whole, and at once with it. */
static int put(const char *type, const char *id, struct json_object *data, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = mb_json_new_object();
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_json_set_str(o, "type", type);
	mb_json_set_str(o, "id", id);
	if (data)
		mb_json_set(o, "data", data);
	mb_json_format(o, false, &text);
	mb_str_addc(&text, '\n');
	if (fwrite(text.buf, 1, text.len, stdout) != text.len || fflush(stdout) == EOF)
		return mb_fail_sys(err, errno, "cannot write");
	return 0;
}

static int put_stats(struct mb_bundle *b, struct mb_err *err)
{
	struct json_object *data;
	int r = mb_runtime_stats_make(b->cgroup, &data, err);

	return r < 0 ? r : put("stats", b->id, data, err);
}

/* ---- the stream ---- */

struct stream {
	struct mb_bundle *b;
	int pidfd, oom_fd;
	short oom_events;
	uint64_t ooms; /* told so far */
};

static uint64_t count_ooms(struct stream *s)
{
	struct mb_sys_cgroup_stats stats = {0};

	return mb_sys_cgroup_stats_read(s->b->cgroup, &stats, NULL) == 0 ? stats.oom_kills
	                                                                 : s->ooms;
}

/* Until it is read it is ready: an eventfd with events in it, and memory.events from its opening
 * on.  Before the count, so that what comes between is told of again. */
static void take_oom_event(struct stream *s)
{
	char text[512];

	if (s->oom_events == POLLIN)
		(void)!read(s->oom_fd, text, sizeof(uint64_t));
	else if (s->oom_fd >= 0)
		(void)!pread(s->oom_fd, text, sizeof(text), 0);
}

static int tell_ooms(struct stream *s, struct mb_err *err)
{
	uint64_t now;
	int r = 0;

	take_oom_event(s);
	now = count_ooms(s);
	for (; r == 0 && s->ooms < now; s->ooms++)
		r = put("oom", s->b->id, NULL, err);
	return r;
}

/* Return: 0 after @timeout_ms, 1 when the container has ended, or -errno. */
static int wait_events(struct stream *s, int64_t until, struct mb_err *err)
{
	struct pollfd fds[] = {{.fd = s->pidfd, .events = POLLIN},
	                       {.fd = s->oom_fd, .events = s->oom_events}};

	for (;;) {
		const int64_t left = (until - mb_monotonic_nsec()) / 1000000;
		int n = poll(fds, MB_N(fds), left > 0 ? (int)left + 1 : 0), r = 0;

		if (n < 0 && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot wait");
		if (n > 0 && fds[1].revents)
			r = tell_ooms(s, err);
		if (r < 0)
			return r;
		if (n > 0 && fds[0].revents)
			return 1;
		/* However many events there are, the figures have their time. */
		if (n == 0 || mb_monotonic_nsec() >= until)
			return 0;
	}
}

static int follow(struct stream *s, int64_t interval, struct mb_err *err)
{
	int r = mb_sys_proc_id_open(&s->b->process, &s->pidfd, err);

	if (r == MB_SYS_PROC_GONE)
		return mb_fail(err, ESRCH, "container not running");
	if (r == 0)
		r = mb_sys_cgroup_oom_event_open(s->b->cgroup, &s->oom_fd, &s->oom_events, err);
	if (r == MB_SYS_CGROUP_ABSENT)
		r = 0;
	take_oom_event(s);
	s->ooms = count_ooms(s);
	while (r == 0) {
		r = put_stats(s->b, err);
		if (r == 0)
			r = wait_events(s, mb_monotonic_nsec() + interval, err);
	}
	return r < 0 ? r : tell_ooms(s, err);
}

static int events_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct events_args *args = in->args;
	MB_AUTO(mb_bundle_free) struct mb_bundle *b = NULL;
	struct stream s = {.pidfd = -1, .oom_fd = -1};
	enum mb_bundle_status status;
	int r;

	if (args->interval < MIN_INTERVAL_MS * INT64_C(1000000))
		return mb_fail(err, EINVAL, "'--interval' is too short");
	r = mb_cmd_oci_open(cx, in->operands[0], 0, &b, err);
	if (r == 0)
		r = mb_bundle_status_read(b, &status, err);
	if (r == 0 && status == MB_BUNDLE_STOPPED)
		r = mb_fail(err, ESRCH, "container with id %s is not running", b->id);
	if (r == 0)
		r = mb_bundle_cgroup_open(b, err);
	if (r == MB_SYS_CGROUP_ABSENT)
		r = mb_fail(err, ENOENT, "the control group of '%s' is gone", b->id);
	if (r < 0)
		return r;
	s.b = b;
	r = args->stats ? put_stats(b, err) : follow(&s, args->interval, err);
	mb_close(&s.pidfd);
	mb_close(&s.oom_fd);
	return r;
}

static const struct mb_cli_opt opts[] = {
	MB_OPT_SWITCH(0, "stats", struct events_args, stats, "print the figures once"),
	MB_OPT_DURATION(0, "interval", "duration", struct events_args, interval,
                        "how often to print figures", .def = "5s"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_oci_events = {
	.paths = "events",
	.summary = "print figures and events of a container",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.opts = opts,
	.args_size = sizeof(struct events_args),
	.main = events_main,
};
