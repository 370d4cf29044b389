/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/ps_sort.h — the order of `ps --sort`. */
#ifndef MB_CMD_PS_SORT_H
#define MB_CMD_PS_SORT_H

struct mb_container_list;

enum mb_cmd_ps_sort {
	MB_CMD_PS_BY_CREATED,
	MB_CMD_PS_BY_COMMAND,
	MB_CMD_PS_BY_ID,
	MB_CMD_PS_BY_IMAGE,
	MB_CMD_PS_BY_NAMES,
	MB_CMD_PS_BY_RUNNINGFOR,
	MB_CMD_PS_BY_SIZE,
	MB_CMD_PS_BY_STATUS,
};
extern const char *const mb_cmd_ps_sorts[]; /* their words, NULL at the end */

/* Ascending, as podman has it: the oldest, the smallest, "a" first. */
void mb_cmd_ps_sort(struct mb_container_list *list, enum mb_cmd_ps_sort by);

#endif
