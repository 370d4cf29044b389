/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/build_view.h — the steps of a build as they are shown: on a terminal, in a pipe, as JSON. */
#ifndef MB_CMD_BUILD_VIEW_H
#define MB_CMD_BUILD_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "build/build.h"
#include "core/str.h"

struct mb_cmd_build_step {
	unsigned number;
	char *name;
	int64_t started, began; /* monotonic; since 1970 */
	bool runs;
	struct mb_str line;  /* what its command began to write */
	struct mb_strv tail; /* its last lines */
};

struct mb_cmd_build_screen {
	struct mb_cmd_build_step *v; /* by number */
	size_t n;
	int64_t drawn;    /* when the live view was drawn last */
	size_t n_drawn;   /* its lines that stand on the terminal */
	unsigned current; /* the step whose lines plain text shows; 0: none */
};

/* What a view does.  Every member may be NULL. */
struct mb_cmd_build_show {
	void (*begin)(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step);
	/* A whole line of its command, without its end. */
	void (*line)(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step,
	             const char *text);
	/* Bytes of its command as they came. */
	void (*bytes)(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step, bool is_stderr,
	              const char *bytes, size_t n);
	void (*say)(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step,
	            const char *text);
	void (*end)(struct mb_cmd_build_screen *s, struct mb_cmd_build_step *step,
	            enum mb_build_end how, const char *why);
	/* At once; the others' are told in the end. */
	void (*warn)(struct mb_cmd_build_screen *s, const struct mb_build_warning *warning);
	/* Time goes by. */
	void (*tick)(struct mb_cmd_build_screen *s);
	bool is_quiet; /* nothing is told in the end either */
};
extern const struct mb_cmd_build_show mb_cmd_build_show_plain, mb_cmd_build_show_live,
	mb_cmd_build_show_raw, mb_cmd_build_show_nothing;

struct mb_cmd_build_kept {
	char *text;
	struct mb_dockerfile_span where;
};

struct mb_cmd_build_progress {
	const struct mb_cmd_build_show *show;
	struct mb_cmd_build_screen screen;
	unsigned last, failed; /* numbers of steps */
	struct mb_cmd_build_kept *warnings;
	size_t n_warnings;
};
/* The step of that number, or NULL. */
struct mb_cmd_build_step *mb_cmd_build_step_find(struct mb_cmd_build_progress *p, unsigned number);

/* To stderr. */
void mb_cmd_build_put(const struct mb_str *text);
double mb_cmd_build_seconds(int64_t since);
#endif
