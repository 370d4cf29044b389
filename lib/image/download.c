/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/download.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/sha256.h"
#include "core/str.h"
#include "oci/digest.h"
#include "store/store.h"

enum { DAY_SEC = 24 * 60 * 60 };

static const char suffix[] = ".part";

/* One file for all blobs: a byte of it for each, by its digest.  Two that happen to share one only
 * stay a little longer than they must. */
static int lock_byte(int users_fd, const struct mb_oci_digest *digest, short type)
{
	unsigned long long n = 0;
	struct flock byte = {.l_type = type, .l_whence = SEEK_SET, .l_len = 1};

	sscanf(digest->hex, "%15llx", &n);
	byte.l_start = (off_t)n;
	return fcntl(users_fd, F_OFD_SETLK, &byte);
}

int mb_image_download_users(struct mb_store *store, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_store_dir(store, "locks", true, &dir, err);

	if (r < 0)
		return r;
	*ret_fd = openat(dir, "downloads", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot open the lock 'downloads'") : 0;
}

int mb_image_download_keep(int users_fd, const struct mb_oci_digest *digest, struct mb_err *err)
{
	/* Who removes one is done in a moment. */
	const struct timespec rest = {.tv_nsec = 1000000};

	while (lock_byte(users_fd, digest, F_RDLCK) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot lock blob '%.12s'", digest->hex);
		nanosleep(&rest, NULL);
	}
	return 0;
}

static int open_directory(struct mb_store *store, int *ret_fd, struct mb_err *err)
{
	return mb_store_dir(store, "downloads", false, ret_fd, err);
}

/* The name still means what was locked? */
static bool is_current(int dir_fd, const char *name, int fd)
{
	struct stat held, named;

	return fstat(fd, &held) == 0 && fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

static int measure(struct mb_image_download *d, struct mb_err *err)
{
	struct stat st;

	if (fstat(d->fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot stat '%s'", d->name);
	d->have = (uint64_t)st.st_size;
	return 0;
}

static int open_part(struct mb_image_download *d, struct mb_err *err)
{
	char part[sizeof(d->name) + sizeof(suffix)];

	snprintf(part, sizeof(part), "%s%s", d->name, suffix);
	d->fd = openat(d->dir_fd, part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (d->fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", part);
	if (flock(d->fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return MB_IMAGE_DOWNLOAD_BUSY;
		return mb_fail_sys(err, errno, "cannot lock '%s'", part);
	}
	/* Another finished or removed it meanwhile. */
	if (!is_current(d->dir_fd, part, d->fd))
		return MB_IMAGE_DOWNLOAD_BUSY;
	/* Or finished it before this one was made, and after the whole one was looked for. */
	if (faccessat(d->dir_fd, d->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		unlinkat(d->dir_fd, part, 0);
		return MB_IMAGE_DOWNLOAD_BUSY;
	}
	return measure(d, err);
}

static int open_any(struct mb_store *store, const struct mb_oci_digest *digest,
                    struct mb_image_download *ret, struct mb_err *err)
{
	struct mb_image_download d = {.dir_fd = -1, .fd = -1};
	int r = open_directory(store, &d.dir_fd, err);

	if (r < 0)
		return r;
	snprintf(d.name, sizeof(d.name), "%.64s", digest->hex);
	d.fd = openat(d.dir_fd, d.name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	d.is_whole = d.fd >= 0;
	r = d.is_whole ? measure(&d, err) : open_part(&d, err);
	if (r != 0)
		mb_image_download_done(&d);
	else
		*ret = d;
	return r;
}

/* Whether it is what its name says. */
static bool is_sound(const struct mb_image_download *d)
{
	char text[MB_SHA256_TEXT], part[16384];
	struct mb_sha256 sum;
	off_t at = 0;
	ssize_t n;

	mb_sha256_init(&sum);
	while ((n = pread(d->fd, part, sizeof(part), at)) > 0) {
		mb_sha256_add(&sum, part, (size_t)n);
		at += n;
	}
	mb_sha256_finish_text(&sum, text);
	return n == 0 && mb_streq(text, d->name);
}

/* Nothing syncs a blob, which a pull would wait for: with the power one may lose its end.  Then it
 * is fetched anew, by one of those who want it.  One that is sound stays: the size is wrong. */
static int begin_anew(const struct mb_oci_digest *digest, uint64_t size,
                      struct mb_image_download *d, struct mb_err *err)
{
	if (flock(d->fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? MB_IMAGE_DOWNLOAD_BUSY
		                            : mb_fail_sys(err, errno, "cannot lock '%s'", d->name);
	if (is_current(d->dir_fd, d->name, d->fd)) {
		if (is_sound(d))
			return mb_fail(err, EBADMSG, "blob 'sha256:%.12s' has %llu bytes, not %llu",
			               digest->hex, (unsigned long long)d->have,
			               (unsigned long long)size);
		unlinkat(d->dir_fd, d->name, 0);
	}
	mb_close(&d->fd);
	d->is_whole = false;
	return open_part(d, err);
}

int mb_image_download_open(struct mb_store *store, const struct mb_oci_digest *digest,
                           uint64_t size, struct mb_image_download *ret, struct mb_err *err)
{
	struct mb_image_download d;
	int r = open_any(store, digest, &d, err);

	if (r != 0)
		return r;
	if (d.is_whole && d.have != size)
		r = begin_anew(digest, size, &d, err);
	else if (d.is_whole)
		futimens(d.fd, NULL); /* the sweep is to pass it by */
	if (r != 0)
		mb_image_download_done(&d);
	else
		*ret = d;
	return r;
}

int mb_image_download_read(struct mb_store *store, const struct mb_oci_digest *digest, int *ret_fd,
                           struct mb_err *err)
{
	static const char *const suffixes[] = {"", suffix, ""}; /* it may be renamed between */
	MB_AUTO_CLOSE int dir = -1;
	int r = open_directory(store, &dir, err);

	for (size_t i = 0; r == 0 && i < MB_N(suffixes); i++) {
		char name[sizeof(((struct mb_image_download *)0)->name) + sizeof(suffix)];

		snprintf(name, sizeof(name), "%.64s%s", digest->hex, suffixes[i]);
		*ret_fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (*ret_fd >= 0)
			return 0;
	}
	return r < 0 ? r : mb_fail_sys(err, errno, "cannot open blob '%.12s'", digest->hex);
}

int mb_image_download_finish(struct mb_image_download *d, struct mb_err *err)
{
	char part[sizeof(d->name) + sizeof(suffix)];

	snprintf(part, sizeof(part), "%s%s", d->name, suffix);
	if (renameat(d->dir_fd, part, d->dir_fd, d->name) < 0)
		return mb_fail_sys(err, errno, "cannot rename '%s'", part);
	d->is_whole = true;
	return measure(d, err);
}

void mb_image_download_done(struct mb_image_download *d)
{
	mb_close(&d->fd);
	mb_close(&d->dir_fd);
}

static void unlink_it(const struct mb_image_download *d)
{
	char part[sizeof(d->name) + sizeof(suffix)];

	snprintf(part, sizeof(part), "%s%s", d->name, suffix);
	unlinkat(d->dir_fd, d->is_whole ? d->name : part, 0);
}

void mb_image_download_drop(struct mb_image_download *d)
{
	if (!d->is_whole)
		unlink_it(d);
	mb_image_download_done(d);
}

static void remove_unused(struct mb_store *store, const struct mb_oci_digest *digest)
{
	struct mb_image_download d;
	int fd = -1;

	if (mb_image_download_read(store, digest, &fd, NULL) < 0)
		return;
	mb_close(&fd);
	if (open_any(store, digest, &d, NULL) != 0)
		return;
	unlink_it(&d);
	mb_image_download_done(&d);
}

void mb_image_download_remove(struct mb_store *store, int users_fd,
                              const struct mb_oci_digest *digest)
{
	/* Not in one step: of two who end at once the second removes it. */
	lock_byte(users_fd, digest, F_UNLCK);
	if (lock_byte(users_fd, digest, F_WRLCK) == 0)
		remove_unused(store, digest);
	lock_byte(users_fd, digest, F_UNLCK);
}

static void sweep_one(int dir_fd, const char *name)
{
	MB_AUTO_CLOSE int fd = openat(dir_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &st) < 0)
		return;
	if (time(NULL) - st.st_mtime > DAY_SEC && is_current(dir_fd, name, fd))
		unlinkat(dir_fd, name, 0);
}

void mb_image_download_sweep(struct mb_store *store)
{
	struct dirent *entry;
	int fd = -1;
	DIR *dir;

	if (open_directory(store, &fd, NULL) < 0)
		return;
	dir = mb_dir_take(fd);
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			sweep_one(dirfd(dir), entry->d_name);
	closedir(dir);
}
