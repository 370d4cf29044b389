/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/blob.h — the monitor's executable, carried inside the command (mb_monitor_blob). */
#ifndef MB_MONITOR_BLOB_H
#define MB_MONITOR_BLOB_H

#include <stddef.h>

extern const unsigned char mb_monitor_elf[];
extern const size_t mb_monitor_elf_size;

#endif
