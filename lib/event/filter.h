/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/event/filter.h — which records `events` shows, and what they look like. */
#ifndef MB_EVENT_FILTER_H
#define MB_EVENT_FILTER_H

#include <stdbool.h>

struct json_object;
struct mb_err;
struct mb_event_record;
struct mb_format_filters;
struct mb_str;
struct mb_strv;

/* --filter as typed, with docker's keys.  Return: 0; or -EINVAL, told. */
int mb_event_filters_parse(const struct mb_strv *texts, struct mb_format_filters *ret,
                           struct mb_err *err);
bool mb_event_filters_match(const struct mb_format_filters *f,
                            const struct mb_event_record *record);

/* docker's object of one, owned by the caller. */
struct json_object *mb_event_json(const struct mb_event_record *record);
/* docker's line of one, with its end: in local time when TZ says so. */
void mb_event_line(const struct mb_event_record *record, struct mb_str *out);

#endif
