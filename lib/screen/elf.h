/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/screen/elf.h — the program mybox-screen as it stands in this one. */
#ifndef MB_SCREEN_ELF_H
#define MB_SCREEN_ELF_H

#include <stddef.h>

extern const unsigned char mb_screen_program_elf[];
extern const size_t mb_screen_program_elf_size;

#endif
