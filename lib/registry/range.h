/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/range.h — Content-Range: which part of a blob an answer has (RFC 9110, 14.4). */
#ifndef MB_REGISTRY_RANGE_H
#define MB_REGISTRY_RANGE_H

#include <stdint.h>

#define MB_REGISTRY_RANGE_UNKNOWN UINT64_MAX

struct mb_registry_range {
	uint64_t first, last, total; /* total may be MB_REGISTRY_RANGE_UNKNOWN */
};
/* "bytes 5-9/10", "bytes 5-9" followed by "/" and a star.  Return: 0 or -EBADMSG, nothing told. */
int mb_registry_range_parse(const char *text, struct mb_registry_range *ret);

#endif
