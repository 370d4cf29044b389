/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/event.h — one line of ROOT/events/log for each thing that happened (lib/event reads it).
 *
 *	MB_EVENT e;
 *	mb_event_begin(&e, "network", "create", id);
 *	mb_event_set(&e, "name", name);
 *	mb_event_write(&e, store->root_fd);
 *
 * A record is one JSON object and a new line, written by one write(2) under O_APPEND:
 *	{"timeNano":1700000000000000000,"Type":"network","Action":"create","ID":"...",
 *	 "Attributes":{"name":"..."}}
 * The time is always first, twenty columns wide.  No heap: the monitor writes, too.
 */
#ifndef MB_CORE_EVENT_H
#define MB_CORE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MB_EVENT_MAX = 16 << 10,       /* bytes of a record; an attribute that does not fit is
	                                * left out */
	MB_EVENT_FILES = 4,            /* log, log.1 .. */
	MB_EVENT_FILE_BYTES = 4 << 20, /* of each: where the next record begins another */
	MB_EVENT_ACTION_MAX = 4 << 10, /* a longer one is cut */
};
#define MB_EVENT_DIR "events"
/* An attribute of ours that is no docker's: who did it.  Readers put it apart. */
#define MB_EVENT_BY "mybox.by"
/* How every record begins, and no other place of one: in a string the quotes are escaped. */
#define MB_EVENT_HEAD "{\"timeNano\":"

struct mb_event {
	size_t n, n_attributes;
	char text[MB_EVENT_MAX];
};
/* How it is declared: no page of it is touched that is not used. */
#define MB_EVENT struct mb_event __attribute__((uninitialized))

void mb_event_begin(struct mb_event *e, const char *type, const char *action, const char *id);
/* An attribute; NULL is "". */
void mb_event_set(struct mb_event *e, const char *key, const char *value);
void mb_event_set_int(struct mb_event *e, const char *key, long long value);
/* Many at once, as mb_event_members() had them. */
void mb_event_add(struct mb_event *e, const char *members, size_t n);
/* What was set, as text for mb_event_add(), not ended by a NUL; borrowed. */
const char *mb_event_members(const struct mb_event *e, size_t *ret_n);
/* Append it, with the time of now.  Nobody fails for a record that cannot be written. */
void mb_event_write(struct mb_event *e, int root_fd);
/* The same with another bound than MB_EVENT_FILE_BYTES. */
void mb_event_write_bounded(struct mb_event *e, int root_fd, int64_t file_bytes);

#endif
