/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/output.h"
#include "cmd/progress.h"
#include "core/clock.h"
#include "core/io.h"
#include "core/str.h"
#include "core/strv.h"

enum { MAX_ITEMS = 160, BAR = 30, REDRAW_NSEC = 100000000 };

struct item {
	char *label;
	const char *verb, *outcome;
	uint64_t done, total;
	int64_t began;
	bool finished;
};

struct mb_cmd_progress {
	bool quiet, tty;
	struct item items[MAX_ITEMS];
	size_t n, drawn; /* lines now on the screen */
	int64_t last;
	bool changed; /* since they were drawn */
};

struct mb_cmd_progress *mb_cmd_progress_new(bool quiet)
{
	struct mb_cmd_progress *p = mb_calloc(1, sizeof(*p));

	p->quiet = quiet;
	p->tty = mb_cmd_is_tty(STDERR_FILENO);
	return p;
}

static struct item *find_item(struct mb_cmd_progress *p, const char *label)
{
	for (size_t i = 0; i < p->n; i++)
		if (mb_streq(p->items[i].label, label))
			return &p->items[i];
	if (p->n == MAX_ITEMS)
		return NULL;
	p->items[p->n] = (struct item){.label = mb_strdup(label), .began = mb_monotonic_nsec()};
	return &p->items[p->n++];
}

static void add_bytes(uint64_t bytes, struct mb_str *out)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1000 && unit + 1 < MB_N(units)) {
		value /= 1000;
		unit++;
	}
	mb_str_addf(out, unit ? "%.3g%s" : "%.0f%s", value, units[unit]);
}

static void add_rate(const struct item *item, struct mb_str *out)
{
	int64_t took = mb_monotonic_nsec() - item->began;
	double seconds = (double)took / (double)MB_NSEC_PER_SEC;
	double rate = seconds > 0 ? (double)item->done / seconds : 0;

	if (took < MB_NSEC_PER_SEC / 2 || rate < 1)
		return;
	mb_str_add(out, "  ");
	add_bytes((uint64_t)rate, out);
	mb_str_add(out, "/s");
	if (item->total > item->done)
		mb_str_addf(out, "  %.0fs left", (double)(item->total - item->done) / rate);
}

static void add_item(const struct item *item, struct mb_str *out)
{
	mb_str_addf(out, "%s: ", item->label);
	if (item->finished) {
		mb_str_add(out, item->outcome ? item->outcome : "Done");
		return;
	}
	mb_str_addf(out, "%s ", item->verb);
	if (item->total) {
		uint64_t done = item->done < item->total ? item->done : item->total;
		int full = (int)((double)done / (double)item->total * BAR);

		mb_str_addc(out, '[');
		for (int i = 0; i < BAR; i++)
			mb_str_addc(out, i < full ? '=' : i == full ? '>' : ' ');
		mb_str_add(out, "] ");
	}
	add_bytes(item->done, out);
	if (item->total) {
		mb_str_addc(out, '/');
		add_bytes(item->total, out);
	}
	add_rate(item, out);
}

/* All lines again from the first: the cursor goes up over those that are on the screen. */
static void draw(struct mb_cmd_progress *p)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	size_t width = mb_cmd_width(STDERR_FILENO);

	if (p->drawn)
		mb_str_addf(&out, "\x1b[%zuA", p->drawn);
	for (size_t i = 0; i < p->n; i++) {
		MB_AUTO_STR struct mb_str line = MB_STR_INIT;

		add_item(&p->items[i], &line);
		mb_str_addn(&out, line.buf, width && line.len > width ? width : line.len);
		mb_str_add(&out, "\x1b[K\n");
	}
	p->drawn = p->n;
	p->last = mb_monotonic_nsec();
	p->changed = false;
	mb_write_full(STDERR_FILENO, mb_str_text(&out), out.len);
}

void mb_cmd_progress_update(struct mb_cmd_progress *p, const struct mb_cmd_progress_report *r)
{
	struct item *item = p->quiet ? NULL : find_item(p, r->label);
	MB_AUTO_STR struct mb_str line = MB_STR_INIT;
	bool was_finished = item && item->finished;

	if (!item)
		return;
	item->verb = r->verb ? r->verb : "Working";
	item->outcome = r->outcome;
	item->done = r->done;
	item->total = r->total;
	item->finished = r->finished;
	p->changed = true;
	if (p->tty) {
		if (r->finished || mb_monotonic_nsec() - p->last >= REDRAW_NSEC)
			draw(p);
		return;
	}
	if (r->finished && !was_finished) {
		add_item(item, &line);
		mb_str_addc(&line, '\n');
		mb_write_full(STDERR_FILENO, line.buf, line.len);
	}
}

void mb_cmd_progress_free(struct mb_cmd_progress *p)
{
	if (!p)
		return;
	if (p->tty && p->changed)
		draw(p);
	for (size_t i = 0; i < p->n; i++)
		free(p->items[i].label);
	free(p);
}
