/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/content.h"
#include "build/job.h"
#include "build/place.h"
#include "build/work.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "image/unpack.h"
#include "sys/path.h"

enum { MAGIC_AT = 257, HEAD = 512, NAMES_LIMIT = 64 << 20 };
/* Bytes that a small file may become; what is not compressed is what it is. */
static const uint64_t UNPACKED_MAX = UINT64_C(64) << 30;
enum kind { PLAIN, TAR, COMPRESSED };

static enum kind kind_of(int fd)
{
	static const struct {
		const char *bytes;
		size_t n;
	} known[] = {{"\x1f\x8b", 2},
	             {"BZh", 3},
	             {"\xfd"
	              "7zXZ",
	              6},
	             {"\x28\xb5\x2f\xfd", 4}};
	char head[HEAD] = {0};
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n == HEAD && memcmp(head + MAGIC_AT, "ustar", 5) == 0)
		return TAR;
	for (size_t i = 0; i < MB_N(known); i++)
		if (n > (ssize_t)known[i].n && memcmp(head, known[i].bytes, known[i].n) == 0)
			return COMPRESSED;
	return PLAIN;
}

/* Whoever may write no larger file gets no more. */
uint64_t mb_build_archive_limit(void)
{
	struct rlimit files = {RLIM_INFINITY, RLIM_INFINITY};

	(void)getrlimit(RLIMIT_FSIZE, &files);
	return files.rlim_max < UNPACKED_MAX ? files.rlim_max : UNPACKED_MAX;
}

bool mb_build_archive_is(int fd)
{
	return kind_of(fd) != PLAIN;
}

/* In a directory of its own first, by the children that unpack layers; then it is copied like any
 * other tree, with the owners that the archive says. */
static int place_tree(const struct mb_build_place *place, int tree_fd,
                      const struct mb_strv *implied, const char *path, struct mb_err *err)
{
	struct mb_build_place linked = *place;
	struct mb_build_root root = {.fd = tree_fd};
	struct mb_build_item item = {.fd = tree_fd, .path = (char[]){""}, .name = (char[]){""}};
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_build_place_directory(place, path, &dir, err);

	linked.keeps_links = linked.replaces = true; /* as the archive says */
	linked.implied = implied;
	if (r == 0 && fstat(tree_fd, &item.st) < 0)
		r = mb_fail_sys(err, errno, "cannot look at what was unpacked");
	return r < 0 ? r : mb_build_place_item(&linked, &root, &item, dir, NULL, false, err);
}

static int read_names(int fd, struct mb_strv *ret, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = 0;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return mb_fail_sys(err, errno, "cannot read the names of directories");
	r = mb_read_fd(fd, NAMES_LIMIT, &text, err);
	for (size_t at = 0; r == 0 && at < text.len; at += strlen(text.buf + at) + 1)
		mb_strv_add(ret, text.buf + at);
	mb_strv_sort(ret);
	return r;
}

int mb_build_archive_place(struct mb_build *b, const struct mb_build_place *place,
                           const struct mb_build_item *item, const char *path, struct mb_err *err)
{
	MB_AUTO_BUILD_WORK struct mb_build_work work = MB_BUILD_WORK_INIT;
	MB_AUTO_CLOSE int fd = -1, tree = -1, names = memfd_create("names", MFD_CLOEXEC);
	MB_AUTO_STRV struct mb_strv implied = MB_STRV_INIT;
	struct mb_image_unpacked unpacked = {.entries = UINT64_MAX};
	struct mb_image_unpack_to to = {
		.names_fd = names, .skeleton_fd = -1, .bottom = true, .plain = true};
	struct mb_image_stretch from = {.size = UINT64_MAX, .bound.most = mb_build_archive_limit()};
	enum kind kind;
	int r = mb_sys_path_reopen(item->fd, O_RDONLY, &fd, err);

	if (r < 0)
		return r;
	kind = kind_of(fd);
	if (kind == PLAIN)
		return 1;
	if (names < 0)
		return mb_fail_sys(err, errno, "cannot make a file for names");
	r = mb_build_work_plain(b, &work, &tree, err);
	if (r < 0)
		return r;
	from.fd = fd;
	to.root_fd = tree;
	r = mb_image_unpack(&from, &to, NULL, &unpacked, err);
	/* Something else may be compressed: it goes as it is. */
	if (kind == COMPRESSED &&
	    (r == -EBADMSG || ((r == 0 || r == -EFBIG) && unpacked.entries == 0)))
		return 1;
	if (r == 0)
		r = read_names(names, &implied, err);
	return r < 0 ? r : place_tree(place, tree, &implied, path, err);
}
