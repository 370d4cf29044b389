/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <time.h>

#include "core/clock.h"
#include "core/str.h"
#include "event/filter.h"
#include "event/log.h"
#include "json/json.h"

struct json_object *mb_event_json(const struct mb_event_record *r)
{
	struct json_object *o = mb_json_new_object(), *actor = mb_json_new_object();
	struct json_object *attributes = mb_json_new_object();
	const char *image = mb_kv_find(&r->attributes, "image");
	bool is_container = mb_streq(r->type, "container");

	/* What docker had before it had types. */
	if (is_container || mb_streq(r->type, "image")) {
		mb_json_set_str(o, "status", r->action);
		mb_json_set_str(o, "id", r->id);
	}
	if (is_container && image && *image)
		mb_json_set_str(o, "from", image);
	mb_json_set_str(o, "Type", r->type);
	mb_json_set_str(o, "Action", r->action);
	mb_json_set_str(actor, "ID", r->id);
	MB_KV_FOREACH (pair, &r->attributes)
		mb_json_set_str(attributes, pair->key, pair->value);
	mb_json_set(actor, "Attributes", attributes);
	mb_json_set(o, "Actor", actor);
	mb_json_set_str(o, "scope", "local");
	mb_json_set_i64(o, "time", r->nsec / MB_NSEC_PER_SEC);
	mb_json_set_i64(o, "timeNano", r->nsec);
	return o;
}

static void add_time(int64_t nsec, struct mb_str *out)
{
	time_t sec = (time_t)(nsec / MB_NSEC_PER_SEC);
	char text[32];
	struct tm tm;
	long off;

	localtime_r(&sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	mb_str_addf(out, "%s.%09d", text, (int)(nsec % MB_NSEC_PER_SEC));
	off = tm.tm_gmtoff / 60;
	if (off == 0)
		mb_str_addc(out, 'Z');
	else
		mb_str_addf(out, "%c%02ld:%02ld", off < 0 ? '-' : '+', (off < 0 ? -off : off) / 60,
		            (off < 0 ? -off : off) % 60);
}

void mb_event_line(const struct mb_event_record *r, struct mb_str *out)
{
	const char *before = " (";

	add_time(r->nsec, out);
	mb_str_addf(out, " %s %s %s", r->type, r->action, r->id);
	MB_KV_FOREACH (pair, &r->attributes) {
		mb_str_addf(out, "%s%s=%s", before, pair->key, pair->value);
		before = ", ";
	}
	mb_str_add(out, r->attributes.n ? ")\n" : "\n");
}
