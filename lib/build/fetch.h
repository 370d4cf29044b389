/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/fetch.h — ADD of an address: a file by http, or the tree of a git repository. */
#ifndef MB_BUILD_FETCH_H
#define MB_BUILD_FETCH_H

#include <stdbool.h>

struct mb_build;
struct mb_build_context;
struct mb_build_items;
struct mb_err;

struct mb_build_fetch {
	const char *address;
	const char *checksum; /* "sha256:..." of a file, the commit of a repository, or NULL */
	bool keep_git;
};
/* Bring it to @place, which keeps it until mb_build_context_done(), and add it to @items. */
int mb_build_fetch(struct mb_build *b, const struct mb_build_fetch *what,
                   struct mb_build_context *place, struct mb_build_items *items,
                   struct mb_err *err);

#endif
