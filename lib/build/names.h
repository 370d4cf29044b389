/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/names.h — names of ARGs that mean something without being declared. */
#ifndef MB_BUILD_NAMES_H
#define MB_BUILD_NAMES_H

#include <stdbool.h>

struct mb_kv;

/* HTTP_PROXY and its kin, in both cases: for commands, and never in history or a cache's key. */
bool mb_build_name_is_proxy(const char *name);
/* Meant for BuildKit itself: taken without a word. */
bool mb_build_name_is_ours(const char *name);
/* TARGETPLATFORM, TARGETOS, ..., BUILDVARIANT, of "os/architecture[/variant]". */
void mb_build_names_of_platform(const char *build, const char *target, struct mb_kv *out);

#endif
