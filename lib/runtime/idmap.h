/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/idmap.h — the identity maps of a new user namespace (private). */
#ifndef MB_RUNTIME_IDMAP_H
#define MB_RUNTIME_IDMAP_H

#include <sys/types.h>

struct mb_err;
struct mb_oci_spec;

/* Write both maps for the child @pid, held by @pidfd, and its place before the OOM killer, which
 * nobody inside could. */
int mb_runtime_idmap_write(const struct mb_oci_spec *spec, pid_t pid, int pidfd,
                           struct mb_err *err);

#endif
