/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/seccomp_builtin.h — the built-in seccomp profile as a BPF program.
 *
 * Our own emitter, not libseccomp's: the profile allows long runs of neighbouring numbers, and a
 * search among the runs is a fifth of the instructions of one comparison for each call.  The
 * kernel compiles and walks the whole program at every start of a container, so this counts.
 * Pure: the build uses the same code to make the program of the default capabilities.
 */
#ifndef MB_RUNTIME_SECCOMP_BUILTIN_H
#define MB_RUNTIME_SECCOMP_BUILTIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sock_filter;

enum { MB_SECCOMP_MAX_INSNS = 4096, MB_SECCOMP_MAX_ARCHS = 2 };

enum mb_seccomp_rule {
	MB_SECCOMP_ALLOW,
	MB_SECCOMP_DENY,
	MB_SECCOMP_CAP,
	MB_SECCOMP_SOCKET,
	MB_SECCOMP_PERSONALITY,
	MB_SECCOMP_CLONE,
	MB_SECCOMP_CLONE3,
	MB_SECCOMP_IOCTL,
};

struct mb_seccomp_row {
	const char *name;
	int number; /* on every architecture, or 0: ask libseccomp */
	enum mb_seccomp_rule rule;
	uint64_t caps;
};

/* One architecture: AUDIT_ARCH_* and the number of each row, -1 where it has no such call. */
struct mb_seccomp_arch {
	uint32_t audit;
	const int32_t *numbers;
};

extern const struct mb_seccomp_row mb_runtime_seccomp_rows[];
extern const size_t mb_runtime_seccomp_n_rows;

/* docker's fourteen. */
uint64_t mb_runtime_seccomp_default_caps(void);

/* The program for a process whose bounding capabilities are @caps, at most MB_SECCOMP_MAX_INSNS
 * instructions, on a machine that knows @archs (MB_SECCOMP_MAX_ARCHS of them).
 * @hardened: calls that are newer than Linux 6.1 do not exist, and no terminal takes input from
 * its own side (TIOCSTI, TIOCLINUX).  Return: the number of instructions. */
size_t mb_runtime_seccomp_emit(const struct mb_seccomp_arch *archs, uint64_t caps, bool hardened,
                               struct sock_filter *insns);

#endif
