/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/watch_text.h — what is so about a container, as lines for a pane of `watch`. */
#ifndef MB_CMD_WATCH_TEXT_H
#define MB_CMD_WATCH_TEXT_H

#include <stddef.h>

#include "container/usage.h"

struct mb_cmd_view;
struct mb_container;
struct mb_strv;

/* Bytes of a container as one line: SGR sequences are left out, tabs are spaces, and whatever else
 * moves a terminal stands as \xNN.  Caller frees. */
char *mb_cmd_watch_line(const char *bytes, size_t n);
/* "12.3%", "4.5MB", "--".  Caller frees. */
char *mb_cmd_watch_figure(double value, enum mb_container_figure figure);
/* State, ports, what its health checks said. */
void mb_cmd_watch_tell_health(const struct mb_container *c, struct mb_strv *out);
/* Who it talks to, and what has happened to it: into the panes of @v, of the container .about. */
void mb_cmd_watch_tell_flows(struct mb_cmd_view *v);
void mb_cmd_watch_tell_events(struct mb_cmd_view *v);

#endif
