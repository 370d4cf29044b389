/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/init/blob.h — the init stub's ELF, as the build made it. */
#ifndef MB_RUNTIME_INIT_BLOB_H
#define MB_RUNTIME_INIT_BLOB_H

#include <stddef.h>

extern const unsigned char mb_runtime_init_elf[];
extern const size_t mb_runtime_init_elf_size;

#endif
