/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/crc32c.h — CRC-32C (Castagnoli, RFC 3720 appendix B.4): the checksum of documents. */
#ifndef MB_CORE_CRC32C_H
#define MB_CORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of @n bytes; continue another with @before, start with 0. */
uint32_t mb_crc32c(uint32_t before, const void *bytes, size_t n);

#endif
