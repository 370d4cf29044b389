/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/git.h — the files of a git repository, fetched by the git command.
 *
 * git runs as somebody whom nobody else is (nobody.h), with no more than the directory to write in,
 * without anybody's configuration, hooks or keys, and speaks http, https and its own protocol only;
 * or ssh too, when the address does, with the agent of --ssh default (git_ssh.h).
 */
#ifndef MB_BUILD_GIT_H
#define MB_BUILD_GIT_H

#include <stdbool.h>
#include <stdint.h>

struct mb_build_address;
struct mb_build_context_from;
struct mb_err;

struct mb_build_git {
	char commit[72]; /* hex digits */
	int64_t time;    /* of the commit, nsec */
};
/* Into "tree" of the directory @dir_fd, which is ours and empty; with from->keep_git its ".git"
 * too.  No file is newer than the commit. */
int mb_build_git_fetch(int dir_fd, const struct mb_build_address *address,
                       const struct mb_build_context_from *from, struct mb_build_git *ret,
                       struct mb_err *err);

#endif
