/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/nobody.h — programs of the host that a build asks: with no rights, as somebody whom
 * nobody else on the host is. */
#ifndef MB_BUILD_NOBODY_H
#define MB_BUILD_NOBODY_H

#include <stdbool.h>
#include <stdint.h>

struct mb_err;
struct mb_strv;

enum { MB_BUILD_NOBODY = 65534 };

struct mb_build_nobody {
	uint32_t uid, gid;
};
/* Draw ids.  @is_known: the uid is nobody's, since passwd has to know it; the gid alone does for
 * the kernel, which compares both before one process may look into another. */
struct mb_build_nobody mb_build_nobody_draw(bool is_known);
/* Is @id one of those that the map @text (as /proc/self/uid_map) has? */
bool mb_build_nobody_is_mapped(const char *text, uint32_t id);
/* For good, and nothing it executes has more rights or leaves a core.  What set-id programs are is
 * not in force, so that PR_SET_PDEATHSIG, to be set after this, outlives execve. */
int mb_build_nobody_become(const struct mb_build_nobody *who, struct mb_err *err);
/* Execute the program of the host that argv[0] names.  Returns when there is none: -ENOENT, told.
 * @package: what the distributions have it in. */
int mb_build_nobody_execute(const struct mb_strv *argv, const struct mb_strv *env,
                            const char *package, struct mb_err *err);

#endif
