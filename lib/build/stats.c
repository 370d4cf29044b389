/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/own.h"
#include "core/str.h"
#include "store/doc.h"
#include "store/store.h"

enum {
	MAX_ENTRIES = 1 << 20,
	RACY_SEC = 2,
	WORTH_FILES = 256, /* less than both is read again in no time */
	WORTH_BYTES = 4 << 20,
};
enum seen { UNSEEN, SAME, CHANGED };
static const char magic[8] = "mbstat1", file_name[] = "stat";

/* --- on disk ---------------------------------------------------------------------------------- */

static int open_place(struct mb_store *store, int root_fd, bool make, int *ret_fd)
{
	MB_AUTO_CLOSE int caches = -1;
	MB_AUTO_FREE char *whole = NULL;
	char name[MB_SHA256_TEXT];
	struct stat st;

	if (fstat(root_fd, &st) < 0 || mb_store_dir(store, "caches", false, &caches, NULL) < 0)
		return -EIO;
	whole = mb_asprintf("stat\n%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	mb_sha256_text(whole, strlen(whole), name);
	if (make && mkdirat(caches, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	*ret_fd = openat(caches, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
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
	struct stat st;

	*ret = (struct mb_build_stats){.began = mb_now_nsec()};
	if (open_place(store, root_fd, false, &dir) < 0)
		return;
	fd = openat(dir, file_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < 0 || (size_t)st.st_size > limit)
		return;
	bytes = mb_malloc((size_t)st.st_size + 1);
	if (pread(fd, bytes, (size_t)st.st_size, 0) == st.st_size)
		read_entries(bytes, (size_t)st.st_size, ret);
}

static int by_file(const void *a, const void *b)
{
	const struct mb_build_stats_entry *one = a, *other = b;

	if (one->dev != other->dev)
		return one->dev < other->dev ? -1 : 1;
	return one->ino < other->ino ? -1 : one->ino > other->ino;
}

/* Those of files that nobody met may be of another part of the context: as many as of those that
 * somebody did. */
static size_t gather(const struct mb_build_stats *stats, struct mb_build_stats_entry *out)
{
	size_t n = stats->n_fresh, room;

	memcpy(out, stats->fresh, n * sizeof(*out));
	for (size_t i = 0; i < stats->n_old; i++)
		if (stats->seen[i] == SAME)
			out[n++] = stats->old[i];
	room = n + WORTH_FILES;
	for (size_t i = 0; i < stats->n_old && room; i++)
		if (stats->seen[i] == UNSEEN) {
			out[n++] = stats->old[i];
			room--;
		}
	qsort(out, n, sizeof(*out), by_file);
	return n < MAX_ENTRIES ? n : 0;
}

void mb_build_stats_save(struct mb_store *store, int root_fd, struct mb_build_stats *stats)
{
	size_t most = stats->n_old + stats->n_fresh, n;
	MB_AUTO_CLOSE int dir = -1;
	MB_AUTO_FREE char *bytes = NULL;
	struct mb_build_stats_entry *entries;

	if (stats->n_fresh < WORTH_FILES && stats->fresh_bytes < WORTH_BYTES)
		return;
	if (open_place(store, root_fd, true, &dir) < 0)
		return;
	entries = mb_calloc(most + 1, sizeof(*entries));
	n = gather(stats, entries) * sizeof(*entries);
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
	if (!is_same(&was, &e) || e.changed > stats->began - racy ||
	    e.modified > stats->began - racy || stats->n_fresh >= MAX_ENTRIES)
		return;
	memcpy(e.digest, digest, sizeof(e.digest));
	if ((stats->n_fresh & (stats->n_fresh - 1)) == 0)
		stats->fresh = mb_realloc(stats->fresh, (stats->n_fresh ? stats->n_fresh * 2 : 1) *
		                                                sizeof(*stats->fresh));
	stats->fresh[stats->n_fresh++] = e;
}
