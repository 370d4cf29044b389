/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/format/cells.h — texts between tabs become columns (for this folder). */
#ifndef MB_FORMAT_CELLS_H
#define MB_FORMAT_CELLS_H

#include <stddef.h>

struct json_object;
struct mb_str;

/* Append the lines of @text with their cells padded.  A column is at least @least wide, and is as
 * wide as the neighbouring lines that have it need.  @text is used up. */
void mb_format_cells_align(struct mb_str *text, size_t least, struct mb_str *out);
/* A value that is no string as the text of a cell. */
void mb_format_cell_add_json(struct json_object *value, struct mb_str *out);

#endif
