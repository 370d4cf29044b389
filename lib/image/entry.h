/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/entry.h — what an archive's entry may be called and carry: pure rules, no I/O. */
#ifndef MB_IMAGE_ENTRY_H
#define MB_IMAGE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_err;

/* Of a buffer: a name of 4,096 bytes and its NUL.  The kernel never sees a whole one: files are
 * reached through the descriptor of their directory. */
enum { MB_IMAGE_PATH = 4097 };

enum mb_image_entry_kind {
	MB_IMAGE_ENTRY_PLAIN,
	MB_IMAGE_ENTRY_WHITEOUT, /* the leaf is the name that lower layers lose */
	MB_IMAGE_ENTRY_OPAQUE,   /* the directory loses everything of lower layers */
	MB_IMAGE_ENTRY_IGNORED,  /* bookkeeping of another storage driver (".wh..wh.plnk") */
};

/* A cleaned name: @dir "" is the root; @leaf "" is @dir itself (only the root).  Both without
 * slashes at the ends, no empty, "." or ".." parts. */
struct mb_image_entry_name {
	enum mb_image_entry_kind kind;
	char dir[MB_IMAGE_PATH];
	char leaf[256];
};

/* Clean @raw: slashes in front go, ".." is taken by text as docker does.
 * -EINVAL, told, when it leads out of the root; -ENAMETOOLONG when a part or all is too long. */
int mb_image_entry_clean(const char *raw, struct mb_image_entry_name *ret, struct mb_err *err);
/* The same, then recognise whiteouts.  -EINVAL for one of nothing, ".", ".." and for an entry
 * inside of a whiteout. */
int mb_image_entry_parse(const char *raw, struct mb_image_entry_name *ret, struct mb_err *err);

/* Do extended attributes of this name come out of an archive?  Never overlayfs's own marks, of
 * security.* only capabilities. */
bool mb_image_entry_xattr_is_kept(const char *name);
/* 0..2^32-2: an owner that means what it says. */
bool mb_image_entry_owner_is_valid(int64_t id);

#endif
