/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/event.h"
#include "event/log.h"
#include "json/json.h"

// clang-format off
static const struct mb_json_field table[] = {
	MB_JSON_I64("timeNano", struct mb_event_record, nsec, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("Type", struct mb_event_record, type, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("Action", struct mb_event_record, action, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("ID", struct mb_event_record, id, .flags = MB_JSON_REQUIRED),
	MB_JSON_KV("Attributes", struct mb_event_record, attributes),
	MB_JSON_END,
};
// clang-format on

void mb_event_record_done(struct mb_event_record *record)
{
	free(record->by);
	record->by = NULL;
	mb_json_done(table, record);
}

static int by_key(const void *a, const void *b)
{
	const struct mb_kv_pair *x = a, *y = b;

	return strcmp(x->key, y->key);
}

/* Take the value of @key out.  Return: it, owned by the caller; or NULL. */
static char *take(struct mb_kv *kv, const char *key)
{
	const char *value = mb_kv_find(kv, key);
	char *copy = value ? mb_strdup(value) : NULL;

	if (value)
		mb_kv_remove(kv, key);
	return copy;
}

/* The last record that begins in the line: what is before it was never ended. */
static const char *last_head(const char *line, size_t n)
{
	const char *found = NULL, *at = line;

	while (at && n - (size_t)(at - line) >= sizeof(MB_EVENT_HEAD) - 1) {
		at = memmem(at, n - (size_t)(at - line), MB_EVENT_HEAD, sizeof(MB_EVENT_HEAD) - 1);
		if (at)
			found = at++;
	}
	return found;
}

int mb_event_record_parse(const char *line, size_t n, struct mb_event_record *ret)
{
	const char *head = last_head(line, n);

	if (!head || mb_json_load(head, n - (size_t)(head - line), table, ret, sizeof(*ret), NULL))
		return -EBADMSG;
	ret->by = take(&ret->attributes, MB_EVENT_BY);
	if (ret->attributes.n)
		qsort(ret->attributes.v, ret->attributes.n, sizeof(*ret->attributes.v), by_key);
	return 0;
}
