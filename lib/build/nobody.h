/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/nobody.h — programs of the host that a build asks: as nobody, with no rights. */
#ifndef MB_BUILD_NOBODY_H
#define MB_BUILD_NOBODY_H

struct mb_err;
struct mb_strv;

enum { MB_BUILD_NOBODY = 65534 };

/* For good, and nothing it executes has more rights or leaves a core.  What set-id programs are is
 * not in force, so that PR_SET_PDEATHSIG, to be set after this, outlives execve. */
int mb_build_nobody_become(struct mb_err *err);
/* Execute the program of the host that argv[0] names.  Returns when there is none: -ENOENT, told.
 * @package: what the distributions have it in. */
int mb_build_nobody_execute(const struct mb_strv *argv, const struct mb_strv *env,
                            const char *package, struct mb_err *err);

#endif
