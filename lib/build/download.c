/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/cache.h"
#include "build/context.h"
#include "build/job.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "registry/web.h"
#include "store/doc.h"
#include "store/store.h"
#include "sys/path.h"
#include "json/table.h"

void mb_build_download_done(struct mb_build_download *download)
{
	mb_close(&download->fd);
	free(download->name);
	*download = MB_BUILD_DOWNLOAD_INIT;
}

/* --- what is kept ----------------------------------------------------------------------------- */

struct kept {
	char *name, *etag, *sum;
	int64_t modified;
};
static const struct mb_json_field kept_table[] = {
	MB_JSON_STR("name", struct kept, name, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("etag", struct kept, etag, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("sha256", struct kept, sum, .flags = MB_JSON_REQUIRED),
	MB_JSON_I64("modified", struct kept, modified),
	MB_JSON_END,
};
static const char doc_name[] = "web", file_name[] = "file";

static void kept_done(struct kept *kept)
{
	mb_json_done(kept_table, kept);
}

static int sum_file(int fd, char text[MB_SHA256_TEXT])
{
	enum { PIECE = 256 * 1024 };
	MB_AUTO_FREE char *piece = mb_malloc(PIECE);
	struct mb_sha256 sum;
	off_t at = 0;
	ssize_t n;

	mb_sha256_init(&sum);
	while ((n = pread(fd, piece, PIECE, at)) > 0) {
		mb_sha256_add(&sum, piece, (size_t)n);
		at += n;
	}
	mb_sha256_finish_text(&sum, text);
	return n < 0 ? -errno : 0;
}

/* Is there a file, whole, of which the server can say that it is still the same? */
static bool read_kept(int dir_fd, struct kept *kept, int *ret_fd)
{
	MB_AUTO_CLOSE int fd = -1;
	char text[MB_SHA256_TEXT];

	if (mb_store_doc_load(dir_fd, doc_name, kept_table, kept, NULL) != 0)
		return false;
	fd = openat(dir_fd, file_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || sum_file(fd, text) < 0 || strcmp(text, kept->sum) != 0)
		return false;
	*ret_fd = mb_take_fd(&fd);
	return true;
}

/* The directory of @url, locked; -1: there is none for us. */
static int open_place(struct mb_build *b, const char *url, bool make)
{
	MB_AUTO_CLOSE int fd = -1, again = -1;
	struct stat named, ours;

	if (mb_build_cache_open(b->store, MB_BUILD_CACHE_DOWNLOAD, url, make, &fd) < 0 ||
	    flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	/* It may have been taken away meanwhile. */
	if (mb_build_cache_open(b->store, MB_BUILD_CACHE_DOWNLOAD, url, false, &again) < 0 ||
	    fstat(fd, &ours) < 0 || fstat(again, &named) < 0 || named.st_ino != ours.st_ino)
		return -1;
	return mb_take_fd(&fd);
}

static void keep(int dir_fd, int fd, const struct mb_registry_web *web)
{
	const struct kept kept = {web->name, web->etag, (char *)(uintptr_t)web->sha256,
	                          web->modified};
	char text[MB_SYS_PATH_FD_TEXT];

	(void)unlinkat(dir_fd, doc_name, 0);
	(void)unlinkat(dir_fd, file_name, 0);
	if (linkat(AT_FDCWD, mb_sys_path_of_fd(fd, text), dir_fd, file_name, AT_SYMLINK_FOLLOW) < 0)
		return;
	(void)mb_store_doc_save(dir_fd, doc_name, kept_table, &kept, MB_DOC_REPLACE, NULL);
}

/* --- the transfer ----------------------------------------------------------------------------- */

static int get(struct mb_build *b, const char *url, int *dir_fd, const struct kept *kept,
               struct mb_build_download *ret, struct mb_err *err)
{
	MB_AUTO_CLOSE int ingest = -1, fd = -1;
	struct mb_registry_web web = {0};
	struct mb_registry_web_request request = {.url = url,
	                                          .agent = MB_BUILD_AGENT,
	                                          .limit = MB_BUILD_FETCH_MAX,
	                                          .etag = kept ? kept->etag : NULL};
	int r = mb_store_dir(b->store, "ingest", false, &ingest, err);

	if (r < 0)
		return r;
	fd = openat(ingest, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot make a file");
	request.fd = fd;
	r = mb_registry_web_get(&request, &web, err);
	if (r == 0) {
		ret->fd = mb_take_fd(&fd);
		ret->modified = web.modified;
		memcpy(ret->sha256, web.sha256, sizeof(ret->sha256));
		/* Nothing is made for what cannot be asked for again. */
		if (*dir_fd < 0 && web.etag)
			*dir_fd = open_place(b, url, true);
		if (*dir_fd >= 0)
			keep(*dir_fd, ret->fd, &web);
		ret->name = mb_take_ptr(&web.name);
	}
	mb_registry_web_done(&web);
	return r;
}

int mb_build_download(struct mb_build *b, const char *url, const char *sha256,
                      struct mb_build_download *ret, struct mb_err *err)
{
	__attribute__((cleanup(kept_done))) struct kept kept = {0};
	MB_AUTO_CLOSE int dir = open_place(b, url, false), fd = -1;
	bool has_kept;
	int r;

	has_kept = dir >= 0 && !b->request->no_cache && read_kept(dir, &kept, &fd) &&
	           (!sha256 || strcmp(sha256, kept.sum) == 0);
	r = get(b, url, &dir, has_kept ? &kept : NULL, ret, err);
	if (r != MB_REGISTRY_WEB_SAME)
		return r;
	mb_build_cache_touch(dir);
	ret->fd = mb_take_fd(&fd);
	ret->name = mb_take_ptr(&kept.name);
	ret->modified = kept.modified;
	snprintf(ret->sha256, sizeof(ret->sha256), "%s", kept.sum);
	return 0;
}
