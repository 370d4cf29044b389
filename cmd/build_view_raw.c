/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A build for programs: BuildKit's status documents, one a line. */
#include <string.h>

#include "cmd/build_view.h"
#include "core/clock.h"
#include "core/own.h"
#include "core/sha256.h"
#include "registry/base64.h"
#include "json/json.h"

static void put_list(const char *key, struct json_object *one)
{
	MB_AUTO(mb_json_free) struct json_object *o = mb_json_new_object();
	struct json_object *list = mb_json_new_array();
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	mb_json_push(list, one);
	mb_json_set(o, key, list);
	mb_json_format(o, false, &out);
	mb_str_addc(&out, '\n');
	mb_cmd_build_put(&out);
}

/* A step has no content that a digest could be of: its number and name are as good. */
static void set_digest(struct json_object *o, const char *key, const struct mb_cmd_build_step *step)
{
	MB_AUTO_FREE char *text = mb_asprintf("%u %s", step->number, step->name), *whole = NULL;
	char hex[MB_SHA256_TEXT];

	mb_sha256_text(text, strlen(text), hex);
	whole = mb_asprintf("sha256:%s", hex);
	mb_json_set_str(o, key, whole);
}

static struct json_object *vertex_of(const struct mb_cmd_build_step *step)
{
	struct json_object *o = mb_json_new_object();

	set_digest(o, "digest", step);
	mb_json_set_str(o, "name", step->name);
	mb_json_set_time(o, "started", step->began);
	return o;
}

static void begin(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step)
{
	(void)s;
	put_list("vertexes", vertex_of(step));
}

static void end(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step,
                enum mb_build_end how, const char *why)
{
	struct json_object *o = vertex_of(step);

	(void)s;
	mb_json_set_time(o, "completed", mb_now_nsec());
	if (how == MB_BUILD_CACHED)
		mb_json_set_bool(o, "cached", true);
	if (how == MB_BUILD_FAILED || how == MB_BUILD_CANCELED)
		mb_json_set_str(o, "error",
		                how == MB_BUILD_CANCELED ? "canceled"
		                : why                    ? why
		                                         : "failed");
	put_list("vertexes", o);
}

static void bytes(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step, bool is_stderr,
                  const char *data, size_t n)
{
	struct json_object *o = mb_json_new_object();
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	(void)s;
	mb_registry_base64_format(data, n, &text);
	set_digest(o, "vertex", step);
	mb_json_set_i64(o, "stream", is_stderr ? 2 : 1);
	mb_json_set_str(o, "data", mb_str_text(&text));
	mb_json_set_time(o, "timestamp", mb_now_nsec());
	put_list("logs", o);
}

static void say(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step, const char *text)
{
	struct json_object *o = mb_json_new_object();

	(void)s;
	mb_json_set_str(o, "id", text);
	set_digest(o, "vertex", step);
	mb_json_set_i64(o, "current", 0);
	mb_json_set_time(o, "timestamp", mb_now_nsec());
	put_list("statuses", o);
}

static struct json_object *range_of(struct mb_dockerfile_span where)
{
	struct json_object *list = mb_json_new_array(), *range = mb_json_new_object();
	struct json_object *start = mb_json_new_object(), *last = mb_json_new_object();

	mb_json_set_i64(start, "line", where.first);
	mb_json_set_i64(last, "line", where.last);
	mb_json_set(range, "start", start);
	mb_json_set(range, "end", last);
	mb_json_push(list, range);
	return list;
}

static void warn(struct mb_cmd_build_screen *s, const struct mb_build_warning *warning)
{
	struct json_object *o = mb_json_new_object();
	MB_AUTO_STR struct mb_str coded = MB_STR_INIT;
	MB_AUTO_FREE char *text = mb_asprintf("%s%s%s", warning->rule ? warning->rule : "",
	                                      warning->rule ? ": " : "", warning->message);

	(void)s;
	if (warning->where.first)
		mb_json_set(o, "range", range_of(warning->where));
	mb_registry_base64_format(text, strlen(text), &coded);
	mb_json_set_i64(o, "level", 1);
	mb_json_set_str(o, "short", mb_str_text(&coded));
	put_list("warnings", o);
}

const struct mb_cmd_build_show mb_cmd_build_show_raw = {
	.begin = begin,
	.bytes = bytes,
	.say = say,
	.end = end,
	.warn = warn,
	.is_quiet = true,
};
