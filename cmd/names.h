/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/names.h — names of what exists, for completion. */
#ifndef MB_CMD_NAMES_H
#define MB_CMD_NAMES_H

#include "cli/cli.h"

struct mb_cmd_context;

/* Add the names of a kind.  Errors mean fewer names: nobody wants them at a tab. */
void mb_cmd_names_add(struct mb_cmd_context *cx, enum mb_cli_complete kind, struct mb_strv *out);

#endif
