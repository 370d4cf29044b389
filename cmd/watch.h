/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/watch.h — all containers on one screen, and more about the one under the cursor.
 *
 * watch.c waits for what happens; watch_list.c knows which containers are shown, and in which
 * order; watch_panes.c what is to be said about the chosen one; watch_keys.c what keys do;
 * watch_draw.c puts it into the lines that there are.
 */
#ifndef MB_CMD_WATCH_H
#define MB_CMD_WATCH_H

#include "cmd/network_watch.h"
#include "cmd/usages.h"
#include "core/str.h"
#include "core/strv.h"

struct mb_cmd_context;
struct mb_err;
struct mb_event_log;
struct mb_logfile;

enum mb_cmd_pane {
	MB_PANE_LOGS,
	MB_PANE_STATS,
	MB_PANE_FLOWS,
	MB_PANE_HEALTH,
	MB_PANE_EVENTS,
	MB_PANES_N_,
	MB_PANE_TABLE = MB_PANES_N_, /* what has the keys when no pane has them */
};
enum mb_cmd_watch_sort {
	MB_SORT_NAME,
	MB_SORT_CPU,
	MB_SORT_MEMORY,
	MB_SORT_NETWORK,
	MB_SORT_STATE,
	MB_SORTS_N_
};
enum { MB_PANE_LINES = 1000 };

struct mb_cmd_view {
	struct mb_cmd_context *cx;
	struct mb_store *store; /* borrowed */
	size_t rows, columns;   /* of the screen */
	bool utf8;

	/* the table */
	struct mb_cmd_usages all;
	size_t *shown; /* indices into .all, in the order of the table */
	size_t n_shown;
	enum mb_cmd_watch_sort sort;
	bool only_running;
	struct mb_str filter;
	char chosen[MB_ID_TEXT]; /* "": none */
	size_t cursor;           /* its place in .shown */
	size_t top;              /* the first line of the table that is seen */

	/* panes about the chosen one; lines have marks, and nothing else that moves a terminal */
	struct mb_strv lines[MB_PANES_N_];
	size_t back[MB_PANES_N_];   /* lines away from where the pane is by itself */
	char told[MB_ID_TEXT];      /* whom .lines are about */
	struct mb_container *about; /* opened, unlike those of .all; NULL: none */
	struct mb_logfile *log;
	int log_fd;         /* to be polled, or -1 */
	bool is_log_behind; /* it grows faster than it is read */
	struct mb_cmd_watch flows;
	bool has_flows;

	/* what the keys do */
	enum mb_cmd_pane focus; /* or MB_PANE_TABLE */
	enum mb_cmd_pane pane;  /* the one that is seen where there is room for one */
	bool zoomed, helping, typing, quit;
};

/* --- watch_list.c --- */

/* Which containers there are now, in order, and the chosen one among them. */
int mb_cmd_view_list(struct mb_cmd_view *v, struct mb_err *err);
/* The same after filter or order have changed. */
void mb_cmd_view_arrange(struct mb_cmd_view *v);
/* Choose another one, so many places down. */
void mb_cmd_view_move(struct mb_cmd_view *v, long by);
/* NULL when there is none. */
struct mb_container *mb_cmd_view_chosen(const struct mb_cmd_view *v,
                                        const struct mb_container_usage **ret_usage);
extern const char *const mb_cmd_view_sorts[MB_SORTS_N_];

/* --- watch_panes.c --- */

/* Say it all anew where the chosen one has changed; else what may have changed about it. */
void mb_cmd_view_tell(struct mb_cmd_view *v);
/* What it has written meanwhile. */
void mb_cmd_view_read_log(struct mb_cmd_view *v);
void mb_cmd_view_forget(struct mb_cmd_view *v);

/* --- watch_keys.c --- */

void mb_cmd_view_key(struct mb_cmd_view *v, uint32_t key);

/* --- watch_draw.c --- */

/* Whether @pane is to be seen with this size and these keys. */
bool mb_cmd_view_shows(const struct mb_cmd_view *v, enum mb_cmd_pane pane);
void mb_cmd_view_draw(struct mb_cmd_view *v, struct mb_str *out);
extern const char *const mb_cmd_view_panes[MB_PANES_N_];

#endif
