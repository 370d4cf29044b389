/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/elf.h — mybox-fetch, the program of fetch/, carried inside the command. */
#ifndef MB_REGISTRY_ELF_H
#define MB_REGISTRY_ELF_H

#include <stddef.h>

extern const unsigned char mb_registry_fetch_elf[];
extern const size_t mb_registry_fetch_elf_size;

#endif
