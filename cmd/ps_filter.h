/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/ps_filter.h — which containers `ps --filter` means. */
#ifndef MB_CMD_PS_FILTER_H
#define MB_CMD_PS_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/strv.h"
#include "format/filter.h"

struct mb_container;
struct mb_err;
struct mb_image;
struct mb_store;

struct mb_cmd_ps_asked {
	struct mb_format_filters filters;
	struct mb_strv ancestors; /* image ids */
	struct mb_image **bases;  /* the same, read */
	size_t n_bases;
	int64_t before, since; /* creation times; 0: not asked */
};

/* Read @texts (key=value) and look up what they name.  Return: 0 and *@ret, for
 * mb_cmd_ps_asked_done() also on failure; or -errno, told. */
int mb_cmd_ps_ask(struct mb_store *store, const struct mb_strv *texts, struct mb_cmd_ps_asked *ret,
                  struct mb_err *err);
void mb_cmd_ps_asked_done(struct mb_cmd_ps_asked *asked);
bool mb_cmd_ps_matches(const struct mb_container *c, const struct mb_cmd_ps_asked *asked);

#endif
