/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "build/cache.h"
#include "core/clock.h"
#include "core/own.h"
#include "core/str.h"
#include "store/doc.h"

enum {
	MAX_ENTRIES = 1 << 20,
	RACY_SEC = 2,
	WORTH_FILES = 256, /* less than both is read again in no time */
	WORTH_BYTES = 4 << 20,
	KEPT_DAYS = 30,
};
enum seen { UNSEEN, SAME, CHANGED };
static const char magic[8] = "mbstat2", file_name[] = "stat";

/* --- on disk ---------------------------------------------------------------------------------- */

/* Elsewhere times of change are another machine's, or an image's, or nobody's. */
static bool may_trust(uint32_t type)
{
	static const uint32_t known[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
	                                 F2FS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC};

	for (size_t i = 0; i < MB_N(known); i++)
		if (type == known[i])
			return true;
	return false;
}

static int open_place(struct mb_store *store, int root_fd, bool make, int *ret_fd)
{
	MB_AUTO_FREE char *whole = NULL;
	struct statfs fs;
	struct stat st;

	if (fstat(root_fd, &st) < 0 || fstatfs(root_fd, &fs) < 0)
		return -errno;
	whole = mb_asprintf("%ju:%ju:%x:%x", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
	                    (unsigned)fs.f_fsid.__val[0], (unsigned)fs.f_fsid.__val[1]);
	return mb_build_cache_open(store, MB_BUILD_CACHE_RECORD, whole, make, ret_fd);
}

static void sum(const void *bytes, size_t n, unsigned char digest[MB_SHA256_BYTES])
{
	struct mb_sha256 h;

	mb_sha256_init(&h);
	mb_sha256_add(&h, bytes, n);
	mb_sha256_finish(&h, digest);
}

static void read_entries(const char *bytes, size_t n, struct mb_build_stats *ret)
{
	unsigned char digest[MB_SHA256_BYTES];
	size_t payload;

	if (n < sizeof(magic) + sizeof(digest) || memcmp(bytes, magic, sizeof(magic)) != 0)
		return;
	payload = n - sizeof(magic) - sizeof(digest);
	sum(bytes, n - sizeof(digest), digest);
	if (payload % sizeof(*ret->old) ||
	    memcmp(bytes + n - sizeof(digest), digest, sizeof(digest)) != 0)
		return;
	ret->n_old = payload / sizeof(*ret->old);
	ret->old = mb_malloc(payload + 1);
	memcpy(ret->old, bytes + sizeof(magic), payload);
	ret->seen = mb_calloc(ret->n_old + 1, 1);
}

void mb_build_stats_load(struct mb_store *store, int root_fd, struct mb_build_stats *ret)
{
	const size_t limit = sizeof(magic) + MAX_ENTRIES * sizeof(*ret->old) + MB_SHA256_BYTES;
	MB_AUTO_CLOSE int dir = -1, fd = -1;
	MB_AUTO_FREE char *bytes = NULL;
	struct statfs fs;
	struct stat st;

	*ret = (struct mb_build_stats){.began = mb_now_nsec()};
	ret->is_off = fstatfs(root_fd, &fs) < 0 || fstat(root_fd, &st) < 0 ||
	              !may_trust((uint32_t)fs.f_type);
	if (ret->is_off)
		return;
	ret->dev = st.st_dev;
	if (open_place(store, root_fd, false, &dir) < 0)
		return;
	fd = openat(dir, file_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < 0 || (size_t)st.st_size > limit)
		return;
	bytes = mb_malloc((size_t)st.st_size + 1);
	if (pread(fd, bytes, (size_t)st.st_size, 0) == st.st_size)
		read_entries(bytes, (size_t)st.st_size, ret);
	mb_build_cache_touch(dir);
}

static int by_file(const void *a, const void *b)
{
	const struct mb_build_stats_entry *one = a, *other = b;

	if (one->dev != other->dev)
		return one->dev < other->dev ? -1 : 1;
	return one->ino < other->ino ? -1 : one->ino > other->ino;
}

static size_t put(const struct mb_build_stats *stats, enum seen seen, int64_t after,
                  struct mb_build_stats_entry *out)
{
	size_t n = 0;

	for (size_t i = 0; i < stats->n_old; i++)
		if (stats->seen[i] == seen && stats->old[i].met > after)
			out[n++] = stats->old[i];
	return n;
}

/* Those of files that nobody met may be of another part of the context: they stay for a while. Then
 * the files are gone, or are read again once. */
static size_t gather(const struct mb_build_stats *stats, struct mb_build_stats_entry *out)
{
	const int64_t now = stats->began / 1000000000, dropped = now - (int64_t)KEPT_DAYS * 86400;
	size_t n = stats->n_fresh;

	if (n)
		memcpy(out, stats->fresh, n * sizeof(*out));
	n += put(stats, SAME, 0, out + n);
	for (size_t i = 0; i < n; i++)
		out[i].met = now;
	n += put(stats, UNSEEN, dropped, out + n);
	if (n > MAX_ENTRIES)
		n = MAX_ENTRIES;
	if (n)
		qsort(out, n, sizeof(*out), by_file);
	return n;
}

void mb_build_stats_save(struct mb_store *store, int root_fd, struct mb_build_stats *stats)
{
	size_t most = stats->n_old + stats->n_fresh, n;
	MB_AUTO_CLOSE int dir = -1;
	MB_AUTO_FREE char *bytes = NULL;
	struct mb_build_stats_entry *entries;

	if (stats->is_off || (stats->n_fresh < WORTH_FILES && stats->fresh_bytes < WORTH_BYTES))
		return;
	entries = mb_calloc(most + 1, sizeof(*entries));
	n = gather(stats, entries) * sizeof(*entries);
	if (!n || open_place(store, root_fd, true, &dir) < 0) {
		free(entries);
		return;
	}
	bytes = mb_malloc(sizeof(magic) + n + MB_SHA256_BYTES);
	memcpy(bytes, magic, sizeof(magic));
	memcpy(bytes + sizeof(magic), entries, n);
	free(entries);
	n += sizeof(magic);
	sum(bytes, n, (unsigned char *)bytes + n);
	(void)mb_store_file_write(dir, file_name, bytes, n + MB_SHA256_BYTES, MB_DOC_REPLACE, NULL);
}

void mb_build_stats_done(struct mb_build_stats *stats)
{
	free(stats->old);
	free(stats->fresh);
	free(stats->seen);
	*stats = (struct mb_build_stats){0};
}

/* --- files ------------------------------------------------------------------------------------ */

static int64_t nsec_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static void fill(const struct stat *st, struct mb_build_stats_entry *e)
{
	memset(e, 0, sizeof(*e));
	e->dev = st->st_dev;
	e->ino = st->st_ino;
	e->size = (uint64_t)st->st_size;
	e->modified = nsec_of(&st->st_mtim);
	e->changed = nsec_of(&st->st_ctim);
}

static bool is_same(const struct mb_build_stats_entry *a, const struct mb_build_stats_entry *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->modified == b->modified && a->changed == b->changed;
}

bool mb_build_stats_find(struct mb_build_stats *stats, const struct stat *st,
                         unsigned char digest[MB_SHA256_BYTES])
{
	struct mb_build_stats_entry key, *found;

	fill(st, &key);
	found = stats->n_old ? bsearch(&key, stats->old, stats->n_old, sizeof(*stats->old), by_file)
	                     : NULL;
	if (!found)
		return false;
	if (!is_same(found, &key)) {
		stats->seen[found - stats->old] = CHANGED;
		return false;
	}
	stats->seen[found - stats->old] = SAME;
	memcpy(digest, found->digest, sizeof(found->digest));
	return true;
}

void mb_build_stats_add(struct mb_build_stats *stats, const struct stat *before,
                        const struct stat *after, const unsigned char digest[MB_SHA256_BYTES])
{
	const int64_t racy = (int64_t)RACY_SEC * 1000000000;
	struct mb_build_stats_entry was, e;

	fill(before, &was);
	fill(after, &e);
	stats->fresh_bytes += e.size;
	if (stats->is_off || e.dev != stats->dev || !is_same(&was, &e) ||
	    e.changed > stats->began - racy || e.modified > stats->began - racy ||
	    stats->n_fresh >= MAX_ENTRIES)
		return;
	memcpy(e.digest, digest, sizeof(e.digest));
	if ((stats->n_fresh & (stats->n_fresh - 1)) == 0)
		stats->fresh = mb_realloc(stats->fresh, (stats->n_fresh ? stats->n_fresh * 2 : 1) *
		                                                sizeof(*stats->fresh));
	stats->fresh[stats->n_fresh++] = e;
}
