/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/cp_tree.h — the two ends of `cp`: paths in two roots, of which either may be hostile.
 *
 * A root is a descriptor, and a path means in it what it means to a process that lives there.  What
 * is found is held by descriptor from then on.
 */
#ifndef MB_CMD_CP_TREE_H
#define MB_CMD_CP_TREE_H

#include <stdbool.h>
#include <sys/stat.h>

struct mb_build_place;
struct mb_err;

struct mb_cmd_cp_end {
	const char *container; /* how the user names it; NULL: the host */
	int root_fd;           /* borrowed */
	char *path;            /* absolute; slashes and dots at its end are kept */
};

/* "c1:/x" is of a container; what begins with a slash or a dot never is, as docker has it.  Return:
 * its colon, or NULL. */
const char *mb_cmd_cp_colon(const char *text);
/* @path from the working directory; caller frees.  NULL: errno says why. */
char *mb_cmd_cp_absolute(const char *path);

struct mb_cmd_cp_source {
	int fd; /* O_PATH; of a link itself, if that is meant */
	struct stat st;
	char *name;   /* where it goes by that name: "passwd"; "." for a root */
	bool content; /* of a directory, not itself: "DIR/." */
};
void mb_cmd_cp_source_done(struct mb_cmd_cp_source *source);
/* @follow: a link at the end is what it leads to. */
int mb_cmd_cp_source_open(const struct mb_cmd_cp_end *end, bool follow,
                          struct mb_cmd_cp_source *ret, struct mb_err *err);

/* Copy it to @to by docker's rules: into a directory that is there, else under a new name. */
int mb_cmd_cp_tree(const struct mb_cmd_cp_source *source, const struct mb_cmd_cp_end *to,
                   const struct mb_build_place *place, struct mb_err *err);
/* The directory @to must be; *@ret_fd, for reading, is the caller's. */
int mb_cmd_cp_directory(const struct mb_cmd_cp_end *to, int *ret_fd, struct mb_err *err);

#endif
