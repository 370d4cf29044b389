/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/caps.h — capabilities as 64-bit sets, credentials, the session keyring. */
#ifndef MB_SYS_CAPS_H
#define MB_SYS_CAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_err;
struct mb_strv;

#define MB_SYS_CAP_BIT(cap) (UINT64_C(1) << (cap))
enum { MB_SYS_CAP_TEXT = 32 };

/* "CAP_NET_ADMIN", "net_admin", or "cap_41" for one that only the kernel knows; any case.
 * Return: 0 or -EINVAL (nothing told). */
int mb_sys_cap_parse(const char *name, int *ret_cap);
/* "CAP_NET_ADMIN"; written to @buf ("CAP_41") when the table has no name.  Return: @buf. */
char *mb_sys_cap_name(int cap, char buf[MB_SYS_CAP_TEXT]);
/* The highest number this kernel knows; asked once, by prctl, so that it needs no /proc. */
int mb_sys_cap_last(void);
/* Every capability this kernel knows. */
uint64_t mb_sys_cap_all(void);
/* Names to a set; -EINVAL, told, names the first unknown one.  "ALL" is every one. */
int mb_sys_caps_parse(const struct mb_strv *names, uint64_t *ret_set, struct mb_err *err);
/* The names of @set, added to @out in order of number. */
void mb_sys_caps_format(uint64_t set, struct mb_strv *out);

struct mb_sys_caps {
	uint64_t bounding, effective, permitted, inheritable, ambient;
};
/* Those of this process. */
int mb_sys_caps_read(struct mb_sys_caps *ret, struct mb_err *err);
/* Drop everything outside @keep from the bounding set. */
int mb_sys_caps_bound(uint64_t keep, struct mb_err *err);
/* Effective, permitted, inheritable by capset, then ambient exactly (not bounding).
 * Bits above the kernel's last are ignored. */
int mb_sys_caps_set(const struct mb_sys_caps *caps, struct mb_err *err);

struct mb_sys_creds {
	uint32_t uid, gid;
	const uint32_t *groups; /* all the supplementary groups: nothing is inherited */
	size_t n_groups;
	bool keep_groups; /* leave them alone (setgroups is denied in the user namespace) */
	struct mb_sys_caps caps;
};
/* Become @creds for good: bounding set, groups, gid, uid, the other sets.  Real, effective, saved
 * and file-system ids all change.  Leaves securebits as they were. */
int mb_sys_creds_apply(const struct mb_sys_creds *creds, struct mb_err *err);

/* A new session keyring named @name, so that the caller's keys are not the container's.
 * Return: 0; MB_SYS_KEYRING_NONE when the kernel or a filter has none, or its quota is used up;
 * or -errno. */
enum { MB_SYS_KEYRING_NONE = 1 };
int mb_sys_keyring_join(const char *name, struct mb_err *err);

#endif
