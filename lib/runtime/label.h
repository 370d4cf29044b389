/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/label.h — labels of Linux security modules (private). */
#ifndef MB_RUNTIME_LABEL_H
#define MB_RUNTIME_LABEL_H

#include <stdbool.h>

struct mb_err;
struct mb_oci_process;

/* What the stub needs to set @process's AppArmor profile or SELinux label, as a memory file;
 * *@ret_fd stays -1 without one.  *@ret_by_file: the kernel has no call for it (before 6.8), and
 * the stub writes into procfs.  What the running kernel lacks is refused by name. */
int mb_runtime_label_open(const struct mb_oci_process *process, int *ret_fd, bool *ret_by_file,
                          struct mb_err *err);

#endif
