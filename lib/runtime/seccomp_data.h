/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/seccomp_data.h — what init/seccomp_make.c writes during the build. */
#ifndef MB_RUNTIME_SECCOMP_DATA_H
#define MB_RUNTIME_SECCOMP_DATA_H

#include "runtime/seccomp_builtin.h"

/* A kind of machine: its architectures, the 64-bit one first, and the program for the default
 * capabilities.  All are made on any machine, so that tests on one see what the other gets; only
 * the machine's own is linked into mybox. */
struct mb_seccomp_family {
	struct mb_seccomp_arch archs[MB_SECCOMP_MAX_ARCHS];
	const struct sock_filter *usual;
	size_t n_usual;
};
extern const struct mb_seccomp_family mb_runtime_seccomp_x86, mb_runtime_seccomp_arm;
#if defined(__x86_64__)
#define MB_SECCOMP_NATIVE mb_runtime_seccomp_x86
#else
#define MB_SECCOMP_NATIVE mb_runtime_seccomp_arm
#endif

#endif
