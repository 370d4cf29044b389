/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/logs_many.h — logs line by line: several containers in the order of time, names, details. */
#ifndef MB_CMD_LOGS_MANY_H
#define MB_CMD_LOGS_MANY_H

#include <stdbool.h>
#include <stddef.h>

struct mb_cmd_context;
struct mb_container;
struct mb_err;
struct mb_logfile_options;

struct mb_cmd_logs_many {
	char *const *references;
	size_t n;
	const struct mb_logfile_options *options;
	bool follow, timestamps, details, names, colour;
};
/* Return: 0 or -errno, told. */
int mb_cmd_logs_many(struct mb_cmd_context *cx, const struct mb_cmd_logs_many *how,
                     struct mb_err *err);

/* One line on stderr when the log of @c lacks output. */
void mb_cmd_logs_say_lost(struct mb_container *c);

#endif
