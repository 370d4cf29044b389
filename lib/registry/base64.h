/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/base64.h — RFC 4648, section 4, with padding. */
#ifndef MB_REGISTRY_BASE64_H
#define MB_REGISTRY_BASE64_H

#include <stddef.h>

struct mb_str;

void mb_registry_base64_format(const void *bytes, size_t n, struct mb_str *out);
/* Append the bytes.  Return: 0 or -EINVAL, nothing told; @out may have some of them then. */
int mb_registry_base64_parse(const char *text, struct mb_str *out);

#endif
