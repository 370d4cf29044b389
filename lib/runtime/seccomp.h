/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/seccomp.h — the filter of a process, as a memfd that the stub reads (private). */
#ifndef MB_RUNTIME_SECCOMP_H
#define MB_RUNTIME_SECCOMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct mb_err;
struct mb_oci_process;
struct sock_filter;

/* A program, and how it is installed. */
struct mb_runtime_seccomp {
	int fd; /* owned; -1: none */
	size_t bytes;
	unsigned flags; /* of seccomp(2), SECCOMP_FILTER_FLAG_NEW_LISTENER where it notifies */
};
#define MB_RUNTIME_SECCOMP_INIT ((struct mb_runtime_seccomp){.fd = -1})

/* Choose (@filter: enum mb_runtime_filter) and write the program.  @cache_fd: directory where
 * compiled profiles are kept, or -1; one that is not root's alone is not used. */
int mb_runtime_seccomp_open(struct json_object *profile, unsigned filter,
                            const struct mb_oci_process *process, int cache_fd,
                            struct mb_runtime_seccomp *ret, struct mb_err *err);
/* The flags that @profile asks for, and whether its listener is well described.  A profile that
 * says nothing gets SPEC_ALLOW. */
int mb_runtime_seccomp_read_flags(struct json_object *profile, unsigned *ret, struct mb_err *err);
/* Does @profile have SCMP_ACT_NOTIFY?  Refused for the call that hands the listener on: it would
 * wait for who has not got it yet. */
int mb_runtime_seccomp_notifies(struct json_object *profile, bool *ret, struct mb_err *err);
/* Compile an OCI or docker profile with libseccomp.  @caps: the bounding set, by which docker's
 * rules are chosen.  *@ret (caller frees) holds *@ret_n instructions. */
int mb_runtime_seccomp_compile(struct json_object *profile, uint64_t caps, struct sock_filter **ret,
                               size_t *ret_n, struct mb_err *err);

#define MB_SECCOMP_WAIT_KILLABLE_RECV (1u << 5) /* SECCOMP_FILTER_FLAG_..., of Linux 5.19 */

/* ---- the words of a profile, each list ended by NULL ---- */
struct mb_runtime_seccomp_flag {
	const char *name;
	unsigned bit;
};
extern const struct mb_runtime_seccomp_flag mb_runtime_seccomp_flags[];
extern const char *const mb_runtime_seccomp_actions[], *const mb_runtime_seccomp_operators[],
							       *const mb_runtime_seccomp_archs[];
/* libseccomp's token of "SCMP_ARCH_X86_64"; 0 when it knows none. */
uint32_t mb_runtime_seccomp_arch_find(const char *name);
/* Does the running kernel know this flag of seccomp(2)? */
bool mb_runtime_seccomp_flag_is_known(unsigned bit);

#endif
