/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/build_progress.h — a build as it goes, on stderr: a live view on a terminal, BuildKit's plain
 * lines in a pipe. */
#ifndef MB_CMD_BUILD_PROGRESS_H
#define MB_CMD_BUILD_PROGRESS_H

#include "build/build.h"

enum mb_cmd_build_view {
	MB_CMD_BUILD_PLAIN,
	MB_CMD_BUILD_LIVE,
	MB_CMD_BUILD_RAW, /* BuildKit's status documents */
	MB_CMD_BUILD_SILENT,
};

struct mb_cmd_build_progress; /* opaque */
struct mb_cmd_build_progress *mb_cmd_build_progress_new(enum mb_cmd_build_view view);
/* What the engine reports to. */
struct mb_build_report mb_cmd_build_progress_report(struct mb_cmd_build_progress *p);
/* The number of a step after all that were reported. */
unsigned mb_cmd_build_progress_next(const struct mb_cmd_build_progress *p);
/* At the end: the warnings, with the lines that they are about. */
void mb_cmd_build_progress_warn(struct mb_cmd_build_progress *p, const char *file,
                                const char *dockerfile);
/* The lines of the Dockerfile, and two around them. */
void mb_cmd_build_add_excerpt(const char *file, const char *text, struct mb_dockerfile_span where,
                              struct mb_str *out);
/* After a failure: what the last step wrote, and the lines of the Dockerfile it is about. */
void mb_cmd_build_progress_failed(struct mb_cmd_build_progress *p, const char *file,
                                  const char *dockerfile, const struct mb_build_result *result);
/* NULL is fine. */
void mb_cmd_build_progress_free(struct mb_cmd_build_progress *p);

#endif
