/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/seal.h — executables that nobody can write to, however they reach them. */
#ifndef MB_SYS_SEAL_H
#define MB_SYS_SEAL_H

#include <stdbool.h>
#include <stddef.h>

struct mb_err;

/* @n bytes as a memfd sealed against every change, executable, close-on-exec. */
int mb_sys_seal_blob(const char *name, const void *bytes, size_t n, int *ret_fd,
                     struct mb_err *err);
/* How the copy of a program is made. */
enum mb_sys_seal_method {
	MB_SYS_SEAL_BEST = 0,
	MB_SYS_SEAL_OVERLAY, /* its directory through a detached read-only overlay: 0.1 ms */
	MB_SYS_SEAL_MEMFD,   /* a sealed copy in memory: 0.3 to 1.2 ms */
};
/* A descriptor of the running program (O_PATH or sealed memfd) for execveat(fd, "",
 * AT_EMPTY_PATH): writing through its /proc/PID/exe fails. */
int mb_sys_seal_self(enum mb_sys_seal_method method, int *ret_fd, struct mb_err *err);
/* Is this process running from such a copy? */
bool mb_sys_seal_is_sealed(void);
/* Make sure of it: return at once when sealed already, else start this program again from a
 * sealed copy with the same arguments and environment; returns then only on failure.  Nothing
 * may have been done yet that a second start would do twice. */
int mb_sys_seal_ensure(char *const argv[], struct mb_err *err);
/* PR_SET_DUMPABLE 0: no ptrace, no /proc/PID/{fd,exe,mem} for those without CAP_SYS_PTRACE here. */
int mb_sys_seal_undumpable(struct mb_err *err);

#endif
