/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/mount_spec.h — the text of RUN --mount, read and checked. */
#ifndef MB_BUILD_MOUNT_SPEC_H
#define MB_BUILD_MOUNT_SPEC_H

#include <stdbool.h>
#include <stdint.h>

struct mb_err;

enum mb_build_mount_type {
	MB_BUILD_MOUNT_BIND,
	MB_BUILD_MOUNT_CACHE,
	MB_BUILD_MOUNT_TMPFS,
	MB_BUILD_MOUNT_SECRET,
	MB_BUILD_MOUNT_SSH,
};
enum mb_build_sharing { MB_BUILD_SHARED, MB_BUILD_PRIVATE, MB_BUILD_LOCKED };

struct mb_build_mount_spec {
	enum mb_build_mount_type type;
	enum mb_build_sharing sharing;
	char *target, *source, *from, *id, *env; /* owned; NULL when not given */
	uint32_t mode, uid, gid;
	int64_t size; /* bytes; 0: not given */
	bool has_mode, is_required, is_readonly, is_writable;
};
/* @text: "type=cache,target=/root/.cache".  Return: 0 or -EINVAL, told. */
int mb_build_mount_spec_parse(const char *text, struct mb_build_mount_spec *ret,
                              struct mb_err *err);
void mb_build_mount_spec_done(struct mb_build_mount_spec *spec);
#define MB_AUTO_BUILD_MOUNT_SPEC __attribute__((cleanup(mb_build_mount_spec_done)))

#endif
