/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/stats.h — files of a context that are what they were: hashed once.
 *
 * A file is the same if device, inode, size, and both times to the nanosecond are; one that was
 * changed within two seconds before it was read is not remembered, since it may change again
 * without a new time.  Nothing is remembered but of files on the context's own file system, and if
 * that is one whose times of change are the kernel's.  One thing is not seen: a file that a program
 * had mapped and written to before it was read, and went on writing to while the kernel had not
 * written it to disk.
 *
 * ROOT/caches/stat-NAME/stat (cache.h), one for each directory that is a context: the magic,
 * entries by device and inode, and the sha256 of all that.  It is for this machine alone, promises
 * nothing, and goes when builds are pruned.
 */
#ifndef MB_BUILD_STATS_H
#define MB_BUILD_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sha256.h"

struct mb_err;
struct mb_store;
struct stat;

struct mb_build_stats_entry {
	uint64_t dev, ino, size;
	int64_t modified, changed; /* nsec */
	int64_t met;               /* sec: when it was last saved as a file that is there */
	unsigned char digest[MB_SHA256_BYTES];
};
struct mb_build_stats {
	struct mb_build_stats_entry *old, *fresh;
	size_t n_old, n_fresh;
	unsigned char *seen;  /* of each old one: what became of it this time */
	uint64_t fresh_bytes; /* that had to be read */
	int64_t began;        /* nsec */
	uint64_t dev;         /* the file system whose files are remembered */
	bool is_off;          /* none is to be */
};
/* What is known of the files of the context @root_fd: nothing is fine. */
void mb_build_stats_load(struct mb_store *store, int root_fd, struct mb_build_stats *ret);
/* Keep it, if that saves something. */
void mb_build_stats_save(struct mb_store *store, int root_fd, struct mb_build_stats *stats);
void mb_build_stats_done(struct mb_build_stats *stats);

bool mb_build_stats_find(struct mb_build_stats *stats, const struct stat *st,
                         unsigned char digest[MB_SHA256_BYTES]);
/* @before and @after reading it. */
void mb_build_stats_add(struct mb_build_stats *stats, const struct stat *before,
                        const struct stat *after, const unsigned char digest[MB_SHA256_BYTES]);

#endif
