/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/seccomp_data.h — what init/seccomp_make.c writes during the build. */
#ifndef MB_RUNTIME_SECCOMP_DATA_H
#define MB_RUNTIME_SECCOMP_DATA_H

#include "runtime/seccomp_builtin.h"

/* The native architecture first, MB_SECCOMP_MAX_ARCHS of them. */
extern const struct mb_seccomp_arch mb_runtime_seccomp_archs[];
extern const struct sock_filter mb_runtime_seccomp_default[];
extern const size_t mb_runtime_seccomp_default_n;

#endif
