/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/exe.h — where mybox itself is, for those who start it again. */
#ifndef MB_CONTAINER_EXE_H
#define MB_CONTAINER_EXE_H

#include <stddef.h>

struct mb_err;

/* The absolute path that this program was started by, also when it runs from a sealed copy. */
int mb_container_exe_path(char *buf, size_t size, struct mb_err *err);

#endif
