/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/runtime/features.h — what this build does, and what the running kernel lets it do.
 *
 * The document of the runtime specification's features.md: ociVersionMin, ociVersionMax, hooks,
 * mountOptions, linux{namespaces, capabilities, cgroup, seccomp, apparmor, selinux, intelRdt,
 * mountExtensions, netDevices, memoryPolicy}, potentiallyUnsafeConfigAnnotations.  A list names
 * what the code can do; where the kernel has a say, "enabled" and lists are of both.  Needs no
 * privilege.
 */
#ifndef MB_RUNTIME_FEATURES_H
#define MB_RUNTIME_FEATURES_H

#include <stdbool.h>

struct json_object;

/* Caller releases it with mb_json_free(), and may add "annotations". */
struct json_object *mb_runtime_features_make(void);

/* Questions that stages ask as well. */
bool mb_runtime_has_apparmor(void);
bool mb_runtime_has_selinux(void);
bool mb_runtime_has_namespace(const char *type); /* "time" of the running kernel */
bool mb_runtime_has_resctrl(void);

#endif
