/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/content.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "build/key.h"
#include "build/stats.h"
#include "build/walk.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "dockerfile/glob.h"
#include "dockerfile/ignore.h"
#include "sys/copy.h"
#include "sys/path.h"

enum { PIECE = 256 * 1024, DIRECTORIES_MAX = 100000 };

void mb_build_items_done(struct mb_build_items *items)
{
	for (size_t i = 0; i < items->n; i++) {
		mb_close(&items->v[i].fd);
		free(items->v[i].path);
		free(items->v[i].real);
		free(items->v[i].name);
		free(items->v[i].kept);
		free(items->v[i].bytes);
	}
	free(items->v);
	*items = (struct mb_build_items){0};
}

static struct mb_build_item *add_item(struct mb_build_items *items)
{
	struct mb_build_item *item;

	items->v = mb_realloc(items->v, (items->n + 1) * sizeof(*items->v));
	item = &items->v[items->n++];
	*item = (struct mb_build_item){.fd = -1};
	return item;
}

void mb_build_content_add_bytes(struct mb_build_items *items, const char *name, const char *bytes,
                                size_t n, unsigned mode)
{
	struct mb_build_item *item = add_item(items);

	item->name = mb_strdup(name);
	item->path = mb_strdup(name);
	item->bytes = mb_malloc(n + 1);
	memcpy(item->bytes, bytes, n);
	item->bytes[n] = '\0';
	item->n = n;
	item->st.st_mode = S_IFREG | mode;
	item->st.st_size = (off_t)n;
}

void mb_build_content_add_fetched(struct mb_build_items *items, const char *name, int fd,
                                  const struct stat *st)
{
	struct mb_build_item *item = add_item(items);

	item->fd = fd;
	item->st = *st;
	item->name = mb_strdup(name);
	item->path = mb_strdup("");
	item->is_fetched = true;
}

char *mb_build_path_clean(const char *path)
{
	MB_AUTO_FREE char *clean = mb_sys_path_clean(path);

	return mb_strdup(clean + 1);
}

/* --- finding ---------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_ignored(const struct mb_build_root *root, const char *path)
{
	return root->ignore && *path && mb_dockerfile_ignore_has(root->ignore, path);
}

/* Where below the root @fd is, if that is not @path: what is left out by its own name is left out
 * by that of a link to it.  Caller frees; NULL: the same, or the kernel does not say. */
static char *real_path(const struct mb_build_root *root, const char *path, int fd)
{
	char top[PATH_MAX], at[PATH_MAX], name[MB_SYS_PATH_FD_TEXT];
	ssize_t n = readlink(mb_sys_path_of_fd(root->fd, name), top, sizeof(top) - 1);
	ssize_t len = readlink(mb_sys_path_of_fd(fd, name), at, sizeof(at) - 1);

	if (n <= 0 || len <= 0)
		return NULL;
	n -= top[n - 1] == '/';
	at[len] = '\0';
	if (len <= n || memcmp(at, top, (size_t)n) != 0 || at[n] != '/' ||
	    mb_streq(at + n + 1, path))
		return NULL;
	return mb_strdup(at + n + 1);
}

/* Return: 0; -ENOENT, not told; other -errno, told. */
static int find_one(const struct mb_build_root *root, const char *path,
                    struct mb_build_items *items, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	MB_AUTO_FREE char *real = NULL;
	struct mb_err why = MB_ERR_INIT;
	struct mb_build_item *item;
	struct stat st;
	int r = mb_sys_path_open(root->fd, *path ? path : ".", O_PATH, &fd, &why);

	if (r == -ENOENT || r == -ENOTDIR)
		return -ENOENT;
	if (r == 0 && fstat(fd, &st) < 0)
		r = mb_fail_sys(&why, errno, "cannot look at '%s'", path);
	if (r < 0) {
		if (err)
			*err = why;
		return r;
	}
	/* What is left out is as good as absent, but below a directory there may be what is not. */
	real = root->ignore ? real_path(root, path, fd) : NULL;
	if ((is_ignored(root, path) || (real && is_ignored(root, real))) &&
	    !(S_ISDIR(st.st_mode) && root->ignore->has_keeps))
		return -ENOENT;
	item = add_item(items);
	item->fd = mb_take_fd(&fd);
	item->st = st;
	item->path = mb_strdup(path);
	item->real = mb_take_ptr(&real);
	item->name = mb_strdup(base_name(path));
	return 0;
}

/* Names in the directory @path that match the next part of a pattern. */
static int match_part(const struct mb_build_root *root, const char *path, const char *part,
                      struct mb_strv *out, struct mb_err *err)
{
	struct mb_dockerfile_glob glob = {0};
	MB_AUTO_CLOSE int fd = -1;
	const struct dirent *entry;
	DIR *dir;
	int r = mb_dockerfile_glob_parse(part, false, &glob, err);

	if (r < 0)
		return r;
	/* Not there, or no directory: then nothing in it matches. */
	if (mb_sys_path_open(root->fd, *path ? path : ".", O_RDONLY | O_DIRECTORY, &fd, NULL) < 0 ||
	    !(dir = mb_dir_take(mb_take_fd(&fd)))) {
		mb_dockerfile_glob_done(&glob);
		return 0;
	}
	while ((entry = mb_dir_next(dir))) {
		const char *name = entry->d_name;

		if (!mb_dockerfile_glob_matches(&glob, name, strlen(name)))
			continue;
		mb_strv_addf(out, "%s%s%s", path, *path ? "/" : "", name);
	}
	closedir(dir);
	mb_dockerfile_glob_done(&glob);
	mb_strv_sort(out);
	return 0;
}

/* Whatever directories there are below @path, and itself. */
struct below {
	const char *path;
	struct mb_strv *out;
};

static int add_below(void *arg, const char *path, int fd, const struct stat *st, struct mb_err *err)
{
	const struct below *below = arg;

	(void)fd;
	(void)st;
	if (below->out->n >= DIRECTORIES_MAX)
		return mb_fail(err, E2BIG, "'**' means more than %d directories", DIRECTORIES_MAX);
	mb_strv_addf(below->out, "%s%s%s", below->path, *below->path && *path ? "/" : "", path);
	return 0;
}

static int match_directories(const struct mb_build_root *root, const char *path,
                             struct mb_strv *out, struct mb_err *err)
{
	struct below below = {path, out};
	const struct mb_build_walk walk = {.directory = add_below, .arg = &below};
	MB_AUTO_CLOSE int fd = -1;

	if (mb_sys_path_open(root->fd, *path ? path : ".", O_RDONLY | O_DIRECTORY, &fd, NULL) < 0)
		return 0;
	return mb_build_walk(fd, &walk, err);
}

static int find_all(const struct mb_build_root *root, const char *pattern, bool is_deep,
                    struct mb_build_items *items, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT, found = MB_STRV_INIT;
	int r = 0;

	mb_strv_split(&parts, pattern, '/');
	mb_strv_add(&found, "");
	for (size_t i = 0; i < parts.n && r == 0; i++) {
		MB_AUTO_STRV struct mb_strv next = MB_STRV_INIT;

		for (size_t j = 0; j < found.n && r == 0; j++) {
			const char *path = found.v[j];

			if (is_deep && strcmp(parts.v[i], "**") == 0)
				r = match_directories(root, path, &next, err);
			else if (mb_dockerfile_glob_is_pattern(parts.v[i]))
				r = match_part(root, path, parts.v[i], &next, err);
			else
				mb_strv_addf(&next, "%s%s%s", path, *path ? "/" : "", parts.v[i]);
		}
		mb_strv_done(&found);
		found = next;
		next = MB_STRV_INIT;
	}
	for (size_t i = 0; i < found.n && (r == 0 || r == -ENOENT); i++)
		r = find_one(root, found.v[i], items, err);
	return r == -ENOENT ? 0 : r;
}

static int find(const struct mb_build_root *root, const char *path, bool is_deep,
                struct mb_build_items *items, struct mb_err *err)
{
	size_t before = items->n;
	bool is_pattern = mb_dockerfile_glob_is_pattern(path);
	int r = is_pattern ? find_all(root, path, is_deep, items, err)
	                   : find_one(root, path, items, err);

	if (r == -ENOENT || (r == 0 && is_pattern && items->n == before))
		return mb_fail(err, ENOENT, "\"/%s\": not found%s", path,
		               is_ignored(root, path) ? " (.dockerignore leaves it out)" : "");
	return r;
}

int mb_build_content_find(const struct mb_build_root *root, const char *pattern,
                          struct mb_build_items *items, struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_build_path_clean(pattern);

	return find(root, path, false, items, err);
}

/* How many directories of a path "/./" cuts off. */
static size_t count_cut(const char *pattern)
{
	const char *pivot = strstr(pattern, "/./");
	MB_AUTO_FREE char *before =
		pivot ? mb_strndup(pattern, (size_t)(pivot - pattern)) : mb_strdup("");
	MB_AUTO_FREE char *clean = mb_build_path_clean(before);
	size_t n = *clean != '\0';

	for (const char *s = clean; *s; s++)
		n += *s == '/';
	return n;
}

int mb_build_content_find_parents(const struct mb_build_root *root, const char *pattern,
                                  struct mb_build_items *items, struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_build_path_clean(pattern);
	size_t cut = count_cut(pattern + (mb_starts_with(pattern, "./") ? 2 : 0));
	size_t before = items->n;
	int r = find(root, path, true, items, err);

	for (size_t i = before; i < items->n && r == 0; i++) {
		const char *kept = items->v[i].path;

		for (size_t k = 0; k < cut && kept; k++) {
			kept = strchr(kept, '/');
			kept = kept ? kept + 1 : NULL;
		}
		items->v[i].kept = mb_strdup(kept ? kept : "");
	}
	return r;
}

static bool is_ignored_below(const struct mb_build_root *root, const char *top, const char *path)
{
	MB_AUTO_FREE char *full = mb_asprintf("%s%s%s", top, *top && *path ? "/" : "", path);

	return is_ignored(root, full);
}

bool mb_build_content_skips(const struct mb_build_root *root, const struct mb_build_item *item,
                            const char *path, bool is_directory, bool *ret_is_whole)
{
	bool ignored =
		!item->is_fetched && (is_ignored_below(root, item->path, path) ||
	                              (item->real && is_ignored_below(root, item->real, path)));
	bool excluded = root->exclude && *path && mb_dockerfile_ignore_has(root->exclude, path);

	*ret_is_whole = !is_directory || (ignored && !root->ignore->has_keeps) ||
	                (excluded && !root->exclude->has_keeps);
	return ignored || excluded;
}

/* --- hashing ---------------------------------------------------------------------------------- */

struct hashing {
	const struct mb_build_root *root;
	const struct mb_build_item *item;
	struct mb_build_key *key;
};

/* Who writes a file, or puts another in its place, changes this. */
static void stamp_stat(struct mb_build_key *stamp, const char *path, const struct stat *st)
{
	char text[160];

	mb_build_key_add(stamp, path);
	snprintf(text, sizeof(text), "%o %u %u", st->st_mode, st->st_uid, st->st_gid);
	mb_build_key_add(stamp, text);
	if (S_ISDIR(st->st_mode))
		return; /* what is in it is stamped itself */
	snprintf(text, sizeof(text), "%ju %jd %jd.%ld %jd.%ld", (uintmax_t)st->st_ino,
	         (intmax_t)st->st_size, (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
	         (intmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
	mb_build_key_add(stamp, text);
}

static void hash_stat(const struct mb_build_root *root, struct mb_build_key *key, const char *path,
                      const struct stat *st)
{
	char text[128];
	bool any = root->is_owned_by_root;

	if (root->stamp)
		stamp_stat(root->stamp, path, st);
	if (!key)
		return;
	mb_build_key_add(key, path);
	snprintf(text, sizeof(text), "%o %u %u %u:%u", st->st_mode, any ? 0 : st->st_uid,
	         any ? 0 : st->st_gid,
	         S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode) ? major(st->st_rdev) : 0,
	         S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode) ? minor(st->st_rdev) : 0);
	mb_build_key_add(key, text);
}

static int hash_xattrs(struct mb_build_key *key, int fd)
{
	MB_AUTO_FREE char *names = mb_malloc(MB_SYS_COPY_XATTR_MAX), *value = NULL;
	MB_AUTO_STRV struct mb_strv sorted = MB_STRV_INIT;
	ssize_t n = flistxattr(fd, names, MB_SYS_COPY_XATTR_MAX);

	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1)
		if (mb_sys_copy_has_xattr(names + i))
			mb_strv_add(&sorted, names + i);
	mb_strv_sort(&sorted);
	MB_STRV_FOREACH (name, &sorted) {
		ssize_t size;

		if (!value)
			value = mb_malloc(MB_SYS_COPY_XATTR_MAX);
		size = fgetxattr(fd, name, value, MB_SYS_COPY_XATTR_MAX);
		mb_build_key_add(key, name);
		if (size > 0)
			mb_build_key_add_bytes(key, value, (size_t)size);
	}
	return 0;
}

static int hash_file(struct mb_build_key *key, int fd)
{
	MB_AUTO_FREE char *piece = mb_malloc(PIECE);
	char text[MB_SHA256_TEXT];
	struct mb_sha256 sum;
	ssize_t n;

	mb_sha256_init(&sum);
	while ((n = read(fd, piece, PIECE)) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			mb_sha256_add(&sum, piece, (size_t)n);
	}
	mb_sha256_finish_text(&sum, text);
	mb_build_key_add(key, text);
	return hash_xattrs(key, fd);
}

/* The file and its attributes under a sum of their own, which may be known. */
static int hash_known(const struct mb_build_root *root, struct mb_build_key *key, int dir_fd,
                      const char *name, const struct stat *st)
{
	unsigned char digest[MB_SHA256_BYTES];
	struct mb_build_key own;
	struct stat after;
	MB_AUTO_CLOSE int fd = -1;
	int r;

	if (root->stats && mb_build_stats_find(root->stats, st, digest)) {
		mb_build_key_add_bytes(key, digest, sizeof(digest));
		return 0;
	}
	r = mb_sys_copy_open(dir_fd, name, &fd);
	if (r < 0)
		return r;
	mb_sha256_init(&own.sum);
	r = hash_file(&own, fd);
	mb_sha256_finish(&own.sum, digest);
	mb_build_key_add_bytes(key, digest, sizeof(digest));
	if (r == 0 && root->stats && fstat(fd, &after) == 0)
		mb_build_stats_add(root->stats, st, &after, digest);
	return r;
}

static int hash_entry_at(const struct mb_build_root *root, struct mb_build_key *key, int dir_fd,
                         const char *name, const struct stat *st)
{
	char target[4097];
	ssize_t n;

	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(dir_fd, name, target, sizeof(target) - 1);
		if (n < 0)
			return -errno;
		mb_build_key_add_bytes(key, target, (size_t)n);
		return 0;
	}
	return S_ISREG(st->st_mode) ? hash_known(root, key, dir_fd, name, st) : 0;
}

static int hash_directory(void *arg, const char *path, int fd, const struct stat *st,
                          struct mb_err *err)
{
	struct hashing *h = arg;
	bool is_whole;

	(void)err;
	if (mb_build_content_skips(h->root, h->item, path, true, &is_whole))
		return 0;
	hash_stat(h->root, h->key, path, st);
	return h->key ? hash_xattrs(h->key, fd) : 0;
}

static int hash_entry(void *arg, const char *path, int dir_fd, const char *name,
                      const struct stat *st, struct mb_err *err)
{
	struct hashing *h = arg;
	int r;

	hash_stat(h->root, h->key, path, st);
	if (!h->key)
		return 0;
	r = hash_entry_at(h->root, h->key, dir_fd, name, st);
	return r < 0 ? mb_fail_sys(err, -r, "cannot read '%s'", path) : 0;
}

static bool skips(void *arg, const char *path, bool is_directory)
{
	const struct hashing *h = arg;
	bool is_whole;

	return mb_build_content_skips(h->root, h->item, path, is_directory, &is_whole) && is_whole;
}

/* The directories above it that are kept: what they are is copied, too. */
static int hash_parents(const struct mb_build_root *root, const struct mb_build_item *item,
                        struct mb_build_key *key, struct mb_err *err)
{
	const char *kept = item->path + strlen(item->path) - strlen(item->kept);
	int r = 0;

	for (const char *end = strchr(kept, '/'); end && r == 0; end = strchr(end + 1, '/')) {
		MB_AUTO_FREE char *path = mb_strndup(item->path, (size_t)(end - item->path));
		MB_AUTO_CLOSE int fd = -1;
		struct stat st;

		r = mb_sys_path_open(root->fd, path, O_PATH | O_DIRECTORY, &fd, err);
		if (r == 0 && fstat(fd, &st) < 0)
			r = mb_fail_sys(err, errno, "cannot look at '%s'", path);
		if (r == 0)
			hash_stat(root, key, path, &st);
	}
	return r;
}

int mb_build_content_hash(const struct mb_build_root *root, const struct mb_build_item *item,
                          struct mb_build_key *key, struct mb_err *err)
{
	struct hashing h = {root, item, key};
	const struct mb_build_walk walk = {hash_directory, hash_entry, skips, &h};
	MB_AUTO_CLOSE int fd = -1;
	struct stat now;
	int r;

	if (item->fd < 0) {
		hash_stat(root, key, item->name, &item->st);
		if (key)
			mb_build_key_add_bytes(key, item->bytes, item->n);
		return 0;
	}
	if (item->kept) {
		r = hash_parents(root, item, key, err);
		if (r < 0)
			return r;
	}
	if (S_ISDIR(item->st.st_mode))
		return mb_build_walk(item->fd, &walk, err);
	if (fstat(item->fd, &now) < 0)
		return mb_fail_sys(err, errno, "cannot look at '%s'", item->path);
	hash_stat(root, key, item->name, &now);
	if (!key || !S_ISREG(now.st_mode))
		return 0;
	r = mb_sys_path_reopen(item->fd, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd, err);
	if (r == 0)
		r = hash_file(key, fd);
	return r < 0 ? mb_fail_sys(err, -r, "cannot read '%s'", item->path) : 0;
}
