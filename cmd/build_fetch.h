/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/build_fetch.h — images that a build stands on, from here or from registries. */
#ifndef MB_CMD_BUILD_FETCH_H
#define MB_CMD_BUILD_FETCH_H

#include "build/build.h"

/* As mb_build_request.fetch; @cx is a struct mb_cmd_context. */
int mb_cmd_build_fetch(void *cx, const struct mb_build_wanted *wanted,
                       char ret_id[MB_IMAGE_ID_TEXT], struct mb_err *err);

#endif
