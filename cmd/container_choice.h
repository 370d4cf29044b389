/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/container_choice.h — podman's ways to name containers without their names. */
#ifndef MB_CMD_CONTAINER_CHOICE_H
#define MB_CMD_CONTAINER_CHOICE_H

#include <stdbool.h>

#include "core/strv.h"

struct mb_cli_input;
struct mb_cmd_context;
struct mb_container;
struct mb_err;

struct mb_cmd_choice { /* a part of the verb's arguments */
	bool all, latest, ignore;
	struct mb_strv filters, cidfiles;
};

/* Rows for the table of a verb whose arguments @s have it as "choice"; @l: the letter, or 0. */
// clang-format off
#define MB_CMD_CHOICE_ALL(l, s) \
	MB_OPT_SWITCH(l, "all", s, choice.all, "all that it can be done to", .chooses = true)
#define MB_CMD_CHOICE_LATEST(l, s) \
	MB_OPT_SWITCH(l, "latest", s, choice.latest, "the latest created container", \
		      .chooses = true)
#define MB_CMD_CHOICE_FILTER(l, s) \
	MB_OPT_LIST(l, "filter", NULL, s, choice.filters, "those that match, as of ps", \
		    .is_pairs = true, .chooses = true)
#define MB_CMD_CHOICE_CIDFILE(s) \
	MB_OPT_LIST(0, "cidfile", "file", s, choice.cidfiles, "one whose id is in the file", \
		    .complete = MB_COMP_FILE, .chooses = true)
#define MB_CMD_CHOICE_IGNORE(l, s) \
	MB_OPT_SWITCH(l, "ignore", s, choice.ignore, "say nothing of those that are not there")
// clang-format on

/* Can it be done to @c?  For --all and --filter. */
typedef bool mb_cmd_choice_fn(const struct mb_container *c);

/* The containers that @in's operands or @choice mean: *@ret is @in with them as operands, which
 * *@names owns.  @may NULL: to any.  Return: 0; or -errno, told. */
int mb_cmd_choose(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                  const struct mb_cmd_choice *choice, mb_cmd_choice_fn *may,
                  struct mb_cli_input *ret, struct mb_strv *names, struct mb_err *err);

#endif
