/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/userdb.h — who "USER" is, by the passwd and group files of a root file system. */
#ifndef MB_SYS_USERDB_H
#define MB_SYS_USERDB_H

#include <stddef.h>
#include <stdint.h>

struct mb_err;
struct mb_strv;

enum {
	MB_SYS_USERDB_FILE_MAX = 10 * 1024 * 1024,
	MB_SYS_USERDB_LINE_MAX = 64 * 1024,
	MB_SYS_USERDB_GROUPS_MAX = 65536, /* NGROUPS_MAX */
};
struct mb_sys_user {
	uint32_t uid, gid;
	uint32_t *groups; /* owned; the primary one first, no doubles; for setgroups() */
	size_t n_groups;
	char *name; /* owned; NULL when passwd does not know the uid */
	char *home; /* owned; "/" when passwd does not say */
};
#define MB_AUTO_USER __attribute__((cleanup(mb_sys_user_done)))
void mb_sys_user_done(struct mb_sys_user *user);

/* "", "user", "uid", "user:group", "uid:gid", ... as docker's --user and an image's USER have it,
 * with the groups of --group-add (names or numbers; NULL for none), all looked up in @rootfd.
 * Digits are always a number, whatever passwd calls itself; 2^32-1 and more are refused.
 * A missing passwd or group file is an empty one; one that is no regular file, too large or has
 * too long a line is an error.  -ENOENT, told, for names that are not there. */
int mb_sys_userdb_resolve(int rootfd, const char *user, const struct mb_strv *group_add,
                          struct mb_sys_user *ret, struct mb_err *err);

#endif
