/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/ps.h — a container as a row of a list. */
#ifndef MB_CMD_PS_H
#define MB_CMD_PS_H

#include <stdbool.h>

struct json_object;
struct mb_container;

/* With the fields of `ps`; @whole: ids and commands are not cut; @has_rest: also the fields that
 * its default table leaves out, Size without what it takes.  Owned by the caller. */
struct json_object *mb_cmd_ps_row(const struct mb_container *c, bool whole, bool has_rest);

#endif
