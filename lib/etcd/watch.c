/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The watch: an answer that goes on, one line for each time that something changed. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/clock.h"
#include "core/err.h"
#include "etcd/answer.h"
#include "etcd/client.h"

enum { OK = 200 };

struct watch {
	struct mb_etcd_watcher *w;
	const char *prefix;
	struct mb_str line;
	int r;
	int64_t deadline; /* CLOCK_MONOTONIC: of its first line; 0: that is there */
	bool is_over;
};

/* A callback's negative return ends an exchange: what it was to be is kept aside. */
static int stop(struct watch *x, int r)
{
	x->r = r;
	x->is_over = true;
	return -ECANCELED;
}

static int on_head(void *arg, const struct mb_registry_head *head, struct mb_err *err)
{
	struct watch *x = arg;

	if (head->status == OK)
		return 0;
	mb_fail(err, EREMOTEIO, "it answers %u", head->status);
	return stop(x, MB_ETCD_UNAVAILABLE);
}

static int take_line(struct watch *x, const char *line, size_t len, struct mb_err *err)
{
	struct mb_etcd_told told = {0};
	int r = mb_etcd_answer_watch(line, len, &told, err);

	x->deadline = 0;
	if (r < 0)
		return stop(x, r);
	/* It is another store than the one that was read, or one of before. */
	if (told.revision && told.revision < x->w->revision) {
		mb_etcd_told_done(&told);
		mb_fail(err, ESTALE, "its watch goes back in time");
		return stop(x, MB_ETCD_UNAVAILABLE);
	}
	for (size_t i = 0; !r && i < told.n; i++)
		if (mb_starts_with(told.v[i].kv->key, x->prefix))
			r = x->w->event(x->w->arg, told.v[i].kv, told.v[i].deleted, err);
	if (!r && told.n && x->w->told)
		r = x->w->told(x->w->arg, err);
	if (!r && told.compacted)
		r = MB_ETCD_COMPACTED;
	else if (!r && told.canceled)
		r = MB_ETCD_ENDED;
	if (!r && told.n && told.revision > x->w->revision)
		x->w->revision = told.revision;
	mb_etcd_told_done(&told);
	return r ? stop(x, r) : 0;
}

static int on_body(void *arg, const void *bytes, size_t n, struct mb_err *err)
{
	const char *at = bytes, *end = at + n;
	struct watch *x = arg;

	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		size_t part = (size_t)((nl ? nl : end) - at);
		int r;

		if (x->line.len + part > MB_ETCD_LINE_MAX) {
			mb_fail(err, E2BIG, "the store's watch says too much at once");
			return stop(x, -E2BIG);
		}
		mb_str_addn(&x->line, at, part);
		at += part;
		if (!nl)
			break;
		at++;
		r = x->line.len ? take_line(x, x->line.buf, x->line.len, err) : 0;
		mb_str_reset(&x->line);
		if (r)
			return r;
	}
	return 0;
}

static int on_tick(void *arg, struct mb_err *err)
{
	struct watch *x = arg;
	int r = x->w->idle(x->w->arg, err);

	/* What holds lines back, or never made the watch, would be deaf for ever. */
	if (!r && x->deadline && mb_monotonic_nsec() > x->deadline) {
		mb_fail(err, ETIMEDOUT, "its watch says nothing");
		r = MB_ETCD_UNAVAILABLE;
	}
	return r ? stop(x, r) : 0;
}

int mb_etcd_watch(struct mb_etcd *e, const char *prefix, uint64_t revision,
                  struct mb_etcd_watcher *w, struct mb_err *err)
{
	struct watch x = {.w = w, .prefix = prefix};
	const struct mb_registry_sink sink = {.head = on_head,
	                                      .body = on_body,
	                                      .arg = &x,
	                                      .idle = on_tick,
	                                      .idle_ms = w->idle_ms};
	MB_AUTO_STR struct mb_str body = MB_STR_INIT;
	int r = mb_etcd_log_in(e, err);

	if (r)
		return r < 0 ? r : MB_ETCD_UNAVAILABLE;
	mb_str_add(&body, "{\"create_request\":{");
	mb_etcd_put_text(&body, "key", prefix);
	mb_etcd_put_end(&body, prefix);
	mb_str_addf(&body, ",\"start_revision\":\"%" PRIu64 "\"}}", revision);
	w->revision = revision - 1;
	x.deadline = mb_monotonic_nsec() + e->timeout_sec * MB_NSEC_PER_SEC;
	r = mb_etcd_call(e, "watch", mb_str_text(&body), true, &sink, err);
	mb_str_done(&x.line);
	if (x.is_over)
		return x.r;
	return r == 0 ? MB_ETCD_ENDED : r > 0 ? MB_ETCD_UNAVAILABLE : r;
}
