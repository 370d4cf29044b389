/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/work.h — a stage's tree, to read or to write on, and the layer that comes of it. */
#ifndef MB_BUILD_WORK_H
#define MB_BUILD_WORK_H

#include <stdint.h>

#include "core/id.h"

struct mb_build;
struct mb_build_state;
struct mb_err;

struct mb_build_work {
	int dir_fd;  /* ours in ROOT/ingest: upper and work */
	int root_fd; /* the overlay, detached, or -1 */
	int ingest_fd;
	char name[16 + MB_ID_TEXT];
};
#define MB_BUILD_WORK_INIT ((struct mb_build_work){-1, -1, -1, ""})
#define MB_AUTO_BUILD_WORK __attribute__((cleanup(mb_build_work_done)))

/* What no file of a layer on @state is later than, nsec; -1: times are as they are. */
int64_t mb_build_work_epoch(const struct mb_build *b, const struct mb_build_state *state);
/* A writable tree on top of @state's layers. */
int mb_build_work_open(struct mb_build *b, const struct mb_build_state *state,
                       struct mb_build_work *ret, struct mb_err *err);
/* A directory of its own, empty: a descriptor, owned by the caller. */
int mb_build_work_plain(struct mb_build *b, struct mb_build_work *ret, int *ret_fd,
                        struct mb_err *err);
/* What was written becomes the topmost layer of @state, kept under @key for the next build,
 * or for none if that is "". */
int mb_build_work_commit(struct mb_build *b, struct mb_build_work *work,
                         struct mb_build_state *state, const char *key, const char *what,
                         struct mb_err *err);
/* The same for an upper directory @name below @dir_fd, which is moved. */
int mb_build_work_adopt(struct mb_build *b, int dir_fd, const char *name,
                        struct mb_build_state *state, const char *key, const char *what,
                        struct mb_err *err);
/* Keep the topmost layer of @state under another key too. */
int mb_build_work_remember(struct mb_build *b, const struct mb_build_state *state, const char *key,
                           const char *what, struct mb_err *err);
/* Remove what is left of it.  Fine twice. */
void mb_build_work_done(struct mb_build_work *work);

/* A directory to read @state's tree in: a descriptor, owned by the caller. */
int mb_build_tree_open(struct mb_build *b, const struct mb_build_state *state, int *ret_fd,
                       struct mb_err *err);

#endif
