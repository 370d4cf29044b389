/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/seccomp.h — the filter of a process, as a memfd that the stub reads (private). */
#ifndef MB_RUNTIME_SECCOMP_H
#define MB_RUNTIME_SECCOMP_H

#include <stddef.h>
#include <stdint.h>

struct json_object;
struct mb_err;
struct mb_oci_process;
struct sock_filter;

/* Choose (@filter: enum mb_runtime_filter) and write the program.  *@ret_fd stays -1 without
 * one.  @cache_fd: directory where compiled profiles are kept, or -1. */
int mb_runtime_seccomp_open(struct json_object *profile, unsigned filter,
                            const struct mb_oci_process *process, int cache_fd, int *ret_fd,
                            size_t *ret_bytes, struct mb_err *err);
/* Compile an OCI or docker profile with libseccomp.  @caps: the bounding set, by which docker's
 * rules are chosen.  *@ret (caller frees) holds *@ret_n instructions. */
int mb_runtime_seccomp_compile(struct json_object *profile, uint64_t caps, struct sock_filter **ret,
                               size_t *ret_n, struct mb_err *err);

#endif
