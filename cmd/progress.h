/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/progress.h — how far long work has come, on stderr: bars on a terminal, plain lines in a
 * pipe. */
#ifndef MB_CMD_PROGRESS_H
#define MB_CMD_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/own.h"

struct mb_cmd_progress; /* opaque */

struct mb_cmd_progress *mb_cmd_progress_new(bool quiet);
/* One more report of the item @label ("a1b2c3d4e5f6"): @verb is what is done to it ("Loading"),
 * @total 0 when unknown.  Redraws at most ten times a second. */
struct mb_cmd_progress_report {
	const char *label, *verb;
	uint64_t done, total;
	bool finished;
	const char *outcome; /* when finished: "Loaded", "Already exists" */
};
void mb_cmd_progress_update(struct mb_cmd_progress *p, const struct mb_cmd_progress_report *r);
/* Draws the last state and frees.  NULL is fine. */
void mb_cmd_progress_free(struct mb_cmd_progress *p);
MB_AUTO_DEFINE(struct mb_cmd_progress, mb_cmd_progress_free)

#endif
