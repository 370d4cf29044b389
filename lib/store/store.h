/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/store/store.h — the two state directories and what lies where in them.
 *
 * ROOT (/var/lib/mybox) holds what the user asked for and outlives a reboot; RUN (/run/mybox)
 * holds what is true now and means nothing after one.  Both are 0700 and root's; everything is
 * reached through their descriptors.
 */
#ifndef MB_STORE_STORE_H
#define MB_STORE_STORE_H

#include <stdbool.h>

#include "core/own.h"

struct mb_err;
struct mb_strv;

#define MB_STORE_ROOT "/var/lib/mybox"
#define MB_STORE_RUN  "/run/mybox"

enum { MB_STORE_SCHEMA = 1 };

struct mb_store {
	int root_fd, run_fd; /* O_DIRECTORY */
	char *root, *run;    /* absolute paths, for messages and for starting mybox again */
	const char *verb;    /* of the command, for what is told of it; borrowed; or NULL */
};

/* Open both, making what is missing.  Refuses a directory that is not root's or that others may
 * write, and a ROOT of a newer schema.  What RUN holds from before a reboot (another boot id) is
 * moved aside and removed. */
int mb_store_open(const char *root, const char *run, struct mb_store **ret, struct mb_err *err);
void mb_store_free(struct mb_store *store);
MB_AUTO_DEFINE(struct mb_store, mb_store_free)

/* Open a directory below ROOT or (@in_run) RUN, made with mode 0700 where it is missing.
 * Return: 0 and *@ret_fd, owned by the caller; or -errno. */
int mb_store_dir(struct mb_store *store, const char *relative, bool in_run, int *ret_fd,
                 struct mb_err *err);
/* The same without making it.  Return: as above; -ENOENT is told. */
int mb_store_dir_find(struct mb_store *store, const char *relative, bool in_run, int *ret_fd,
                      struct mb_err *err);

/* What is below ROOT's directory @relative and has a name that @is_valid, sorted. */
int mb_store_names(struct mb_store *store, const char *relative, bool (*is_valid)(const char *name),
                   struct mb_strv *ret, struct mb_err *err);

/* A claimed name is a symlink NAMES/name -> id (packed): made and read in one system call each.
 * Claim: 0; MB_STORE_TAKEN with the holder's id in @ret_id (>= 65 bytes, may be NULL). */
enum { MB_STORE_TAKEN = 1, MB_STORE_ABSENT = 2 };
int mb_store_name_claim(int names_fd, const char *name, const char *id, char *ret_id,
                        struct mb_err *err);
/* Return: 0 and the id; MB_STORE_ABSENT; or -errno. */
int mb_store_name_find(int names_fd, const char *name, char *ret_id, struct mb_err *err);
/* Give the name up if @id holds it.  Absent is success. */
int mb_store_name_release(int names_fd, const char *name, const char *id, struct mb_err *err);

#endif
