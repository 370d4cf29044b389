/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/filter.h"

#include <string.h>

#include "core/own.h"
#include "core/str.h"
#include "event/log.h"
#include "format/filter.h"

static const char *const known[] = {"container", "daemon", "event",  "image",   "label",
                                    "network",   "scope",  "type",   "volume",  "plugin",
                                    "node",      "secret", "config", "service", NULL};

int mb_event_filters_parse(const struct mb_strv *texts, struct mb_format_filters *ret,
                           struct mb_err *err)
{
	return mb_format_filters_parse(texts, known, ret, err);
}

/* docker: the beginning of its id or of its name is enough. */
static bool matches_object(const struct mb_format_filters *f, const char *type,
                           const struct mb_event_record *r)
{
	const char *name = mb_kv_find(&r->attributes, "name");
	const struct mb_strv *wanted = mb_format_filters_find(f, type);

	if (!wanted)
		return true;
	return mb_format_filters_prefix(f, type, r->id) ||
	       (name && mb_format_filters_prefix(f, type, name));
}

/* "exec_start" finds "exec_start: sh -c x", "health_status" all three of its states. */
static bool matches_action(const struct mb_format_filters *f, const char *action)
{
	const struct mb_strv *wanted = mb_format_filters_find(f, "event");

	for (size_t i = 0; wanted && i < wanted->n; i++) {
		const char *rest = mb_skip_prefix(action, wanted->v[i]);

		if (rest && (!*rest || *rest == ':'))
			return true;
	}
	return !wanted;
}

/* Without its tag: "reg:5000/a/b:1" is "reg:5000/a/b". */
static char *without_tag(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *colon = strchr(slash ? slash : name, ':');

	return mb_strndup(name, colon ? (size_t)(colon - name) : strlen(name));
}

static bool matches_image(const struct mb_format_filters *f, const struct mb_event_record *r)
{
	const char *name =
		mb_kv_find(&r->attributes, mb_streq(r->type, "image") ? "name" : "image");
	MB_AUTO_FREE char *bare_id = without_tag(r->id);
	MB_AUTO_FREE char *bare_name = without_tag(name ? name : "");

	if (!mb_format_filters_find(f, "image"))
		return true;
	return mb_format_filters_exact(f, "image", r->id) ||
	       mb_format_filters_exact(f, "image", bare_id) ||
	       (name && (mb_format_filters_exact(f, "image", name) ||
	                 mb_format_filters_exact(f, "image", bare_name)));
}

bool mb_event_filters_match(const struct mb_format_filters *f, const struct mb_event_record *r)
{
	static const char *const objects[] = {"container", "network", "volume", "daemon", "plugin",
	                                      "node",      "secret",  "config", "service"};

	for (size_t i = 0; i < MB_N(objects); i++)
		if (!matches_object(f, objects[i], r))
			return false;
	return mb_format_filters_exact(f, "type", r->type) &&
	       mb_format_filters_exact(f, "scope", "local") && matches_action(f, r->action) &&
	       matches_image(f, r) && mb_format_filters_labels(f, &r->attributes);
}
