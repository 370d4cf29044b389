/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/watch.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "event/log.h"
#include "monitor/logfile.h"
#include "screen/screen.h"
#include "store/store.h"
#include "sys/interrupt.h"

/* What containers use is looked at once a second, what they write is shown at most ten times. */
enum { PERIOD_NSEC = 1000 * 1000 * 1000, FIRST_NSEC = 100 * 1000 * 1000, FRAME_NSEC = FIRST_NSEC };
enum { SCREEN, SIGNALS, LOG, EVENTS, SOURCES };

struct watching {
	struct mb_cmd_view view;
	struct mb_screen *screen;
	struct mb_event_log *events;
	int signals, events_fd;
	int64_t next_look, next_frame;
	bool is_changed; /* since the last frame */
};

static void watching_done(struct watching *w)
{
	struct mb_cmd_view *v = &w->view;

	mb_screen_free(w->screen);
	mb_cmd_view_forget(v);
	if (v->has_flows)
		mb_cmd_watch_done(&v->flows);
	mb_cmd_usages_done(&v->all);
	mb_str_done(&v->filter);
	free(v->shown);
	mb_event_log_free(w->events);
	mb_close(&w->signals);
}

static int look(struct watching *w, struct mb_err *err)
{
	int r = mb_cmd_view_list(&w->view, err);

	if (r < 0)
		return r;
	mb_cmd_usages_look(&w->view.all);
	mb_cmd_view_arrange(&w->view);
	mb_cmd_view_tell(&w->view);
	/* The first rates are not waited for as long. */
	w->next_look = mb_monotonic_nsec() + (w->next_look ? PERIOD_NSEC : FIRST_NSEC);
	w->is_changed = true;
	return 0;
}

static int take_keys(struct watching *w, struct mb_err *err)
{
	struct mb_screen_event event;
	bool is_moved = false;
	int r;

	while ((r = mb_screen_next(w->screen, &event, err)) == 0) {
		if (event.kind == MB_SCREEN_SIZE) {
			w->view.rows = event.rows;
			w->view.columns = event.columns;
		} else {
			mb_cmd_view_key(&w->view, event.key);
		}
		is_moved = true;
	}
	if (is_moved) {
		mb_cmd_view_tell(&w->view);
		w->next_frame = 0;
		w->is_changed = true;
	}
	return r < 0 ? r : 0;
}

static int draw(struct watching *w, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str frame = MB_STR_INIT;
	int64_t now = mb_monotonic_nsec();

	if (!w->is_changed || now < w->next_frame || !w->view.rows ||
	    !mb_screen_is_ready(w->screen))
		return 0;
	mb_cmd_view_draw(&w->view, &frame);
	w->is_changed = false;
	w->next_frame = now + FRAME_NSEC;
	return mb_screen_put(w->screen, &frame, err);
}

static int milliseconds_left(const struct watching *w)
{
	int64_t now = mb_monotonic_nsec(), until = w->next_look;

	if (w->is_changed && w->next_frame < until && mb_screen_is_ready(w->screen))
		until = w->next_frame;
	return until > now ? (int)((until - now) / 1000000) + 1 : 0;
}

static int wait_and_take(struct watching *w, struct mb_err *err)
{
	struct pollfd fds[SOURCES] = {
		[SCREEN] = {.fd = mb_screen_fd(w->screen), .events = POLLIN},
		[SIGNALS] = {.fd = w->signals, .events = POLLIN},
		/* While a frame is due, a flood waits. */
		[LOG] = {.fd = w->is_changed ? -1 : w->view.log_fd, .events = POLLIN},
		[EVENTS] = {.fd = w->events_fd, .events = POLLIN},
	};
	int r = 0;

	if (poll(fds, SOURCES, milliseconds_left(w)) < 0 && errno != EINTR)
		return mb_fail_sys(err, errno, "cannot poll");
	if (fds[SCREEN].revents)
		r = take_keys(w, err);
	if (fds[SIGNALS].revents)
		w->view.quit = true;
	if (r == 0 && fds[LOG].revents) {
		mb_cmd_view_read_log(&w->view);
		w->is_changed = true;
	}
	if (r == 0 && fds[EVENTS].revents) {
		mb_event_log_settle(w->events);
		mb_event_log_skip(w->events);
		r = mb_cmd_view_list(&w->view, err);
		mb_cmd_view_tell(&w->view);
		w->is_changed = true;
	}
	if (r == 0 && mb_monotonic_nsec() >= w->next_look)
		r = look(w, err);
	return r;
}

static int begin(struct mb_cmd_context *cx, struct watching *w, struct mb_err *err)
{
	struct mb_cmd_view *v = &w->view;
	int r = mb_cmd_store(cx, &v->store, err);

	v->cx = cx;
	v->utf8 = mb_cmd_has_utf8();
	v->log_fd = -1;
	v->focus = MB_PANE_TABLE;
	if (r == 0)
		r = mb_event_log_open(v->store->root_fd, &w->events, err);
	if (r == 0)
		r = mb_event_log_follow(w->events, &w->events_fd, err);
	if (r < 0)
		return r;
	mb_event_log_skip(w->events);
	r = mb_sys_interrupt_open(&w->signals, err);
	if (r == 0)
		r = mb_screen_open(v->utf8, mb_cmd_has_colour(STDOUT_FILENO), &w->screen, err);
	return r == 0 ? look(w, err) : r;
}

static int watch_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	struct watching w = {.signals = -1, .events_fd = -1};
	sigset_t before;
	int r;

	(void)in;
	mb_sys_interrupt_hold(&before);
	r = begin(cx, &w, err);
	while (r == 0 && !w.view.quit) {
		r = draw(&w, err);
		if (r == 0)
			r = wait_and_take(&w, err);
	}
	watching_done(&w);
	/* A signal ends us only now that the terminal is as it was. */
	mb_sys_interrupt_release(&before);
	return r;
}

const struct mb_cli_verb mb_cmd_watch = {
	.paths = "watch",
	.summary = "see all containers on one screen",
	.max = 0,
	.main = watch_main,
};
