/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/context.h — where a build's files come from: a directory, or a tar that is unpacked. */
#ifndef MB_BUILD_CONTEXT_H
#define MB_BUILD_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "build/build.h"
#include "core/str.h"

struct mb_err;
struct mb_store;

struct mb_build_context {
	int fd; /* the directory, or -1: there is none */
	int hold_fd, ingest_fd;
	char *commit;  /* of a git repository: its number; or NULL */
	int64_t time;  /* of that commit, nsec */
	char name[80]; /* of what was unpacked, below ingest_fd; "" when nothing was */
};
/* As servers see us. */
#define MB_BUILD_AGENT "mybox-build"
/* Bytes that a server may send for a context or a file of ADD. */
#define MB_BUILD_FETCH_MAX    (UINT64_C(10) << 30)
#define MB_BUILD_CONTEXT_INIT ((struct mb_build_context){.fd = -1, .hold_fd = -1, .ingest_fd = -1})
#define MB_AUTO_BUILD_CONTEXT __attribute__((cleanup(mb_build_context_done)))

int mb_build_context_open_directory(const char *path, struct mb_build_context *ret,
                                    struct mb_err *err);
/* What comes from @fd, a pipe or a file: a tar, plain or compressed, is the context; anything else
 * is the Dockerfile, and *@ret_is_dockerfile. */
int mb_build_context_read(struct mb_store *store, int fd, struct mb_build_context *ret,
                          struct mb_str *dockerfile, bool *ret_is_dockerfile, struct mb_err *err);
/* What .address is: the tree of a git repository, or a file that is one of the two above; docker's
 * rules (address.h). */
struct mb_build_context_from {
	const char *address;
	bool keep_git; /* with its ".git" */
	struct mb_build_ssh_access ssh;
};
int mb_build_context_fetch(struct mb_store *store, const struct mb_build_context_from *from,
                           struct mb_build_context *ret, struct mb_str *dockerfile,
                           bool *ret_is_dockerfile, struct mb_err *err);
/* The text of @name in the context, which leads nowhere else.  Return: 0; -ENOENT and others,
 * told. */
int mb_build_context_file(const struct mb_build_context *context, const char *name,
                          struct mb_str *out, struct mb_err *err);
void mb_build_context_done(struct mb_build_context *context);

#endif
