/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/archive.h — ADD of an archive: its content, not itself. */
#ifndef MB_BUILD_ARCHIVE_H
#define MB_BUILD_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

struct mb_build;
struct mb_build_item;
struct mb_build_place;
struct mb_err;

/* Does the file look like a tar or like something compressed?  Read from its beginning, its
 * position stays. */
bool mb_build_archive_is(int fd);
/* How many bytes a compressed archive may become. */
uint64_t mb_build_archive_limit(void);
/* Unpack the tar @item, compressed or not, into the directory @path of @place.
 * Return: 0; 1: it is no tar, and nothing was done; -errno, told. */
int mb_build_archive_place(struct mb_build *b, const struct mb_build_place *place,
                           const struct mb_build_item *item, const char *path, struct mb_err *err);

#endif
