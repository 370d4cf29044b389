/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/id.h"
#include "core/own.h"
#include "core/str.h"
#include "image/entry.h"
#include "store/store.h"
#include "sys/path.h"

enum { MAX_LINKS = 8 };

/* A file without a name: a crash leaves nothing. */
static int make_spool(struct mb_store *store, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1;
	char name[MB_ID_TEXT];
	int r = mb_store_dir(store, "ingest", false, &dir, err);

	if (r < 0)
		return r;
	*ret_fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (*ret_fd >= 0)
		return 0;
	mb_id_make(name);
	*ret_fd = openat(dir, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*ret_fd < 0)
		return mb_fail_sys(err, errno, "cannot create a file in '%s/ingest'", store->root);
	unlinkat(dir, name, 0);
	return 0;
}

static bool looks_like_tar(int fd)
{
	unsigned char block[512];
	unsigned int sum = 0;
	unsigned long told;
	char digits[9];

	if (pread(fd, block, sizeof(block), 0) != (ssize_t)sizeof(block))
		return false;
	memcpy(digits, block + 148, 8);
	digits[8] = '\0';
	told = strtoul(digits, NULL, 8);
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(block); i++)
		sum += block[i];
	return sum == told;
}

static int spool(struct mb_store *store, int from, bool seekable, bool trusted, int *ret_fd,
                 struct mb_err *err)
{
	const struct mb_image_stretch stretch = {.fd = from,
	                                         .seekable = seekable,
	                                         .size = UINT64_MAX,
	                                         .bound = {.trusted = trusted}};
	struct mb_image_unpacked unpacked;
	MB_AUTO_CLOSE int fd = -1;
	int r = make_spool(store, &fd, err);

	if (r == 0)
		r = mb_image_spool(&stretch, fd, NULL, &unpacked, err);
	if (r < 0)
		return r;
	if (unpacked.n_plain == 0)
		return mb_fail(err, EBADMSG, "the archive is empty");
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

int mb_image_source_open(struct mb_store *store, int fd, bool trusted, struct mb_image_source *ret,
                         struct mb_err *err)
{
	MB_AUTO_IMAGE_SOURCE struct mb_image_source source = {.fd = -1};
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot stat the archive");
	source.is_directory = S_ISDIR(st.st_mode);
	if (source.is_directory || (S_ISREG(st.st_mode) && looks_like_tar(fd))) {
		source.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (source.fd < 0)
			return mb_fail_sys(err, errno, "cannot duplicate a descriptor");
	} else {
		r = spool(store, fd, S_ISREG(st.st_mode), trusted, &source.fd, err);
		if (r < 0)
			return r;
	}
	if (!source.is_directory) {
		r = mb_image_members_load(source.fd, &source.members, err);
		if (r < 0)
			return r;
	}
	*ret = source;
	source = (struct mb_image_source){.fd = -1};
	return 0;
}

void mb_image_source_done(struct mb_image_source *source)
{
	mb_close(&source->fd);
	mb_image_members_done(&source->members);
}

static int find_in_directory(const struct mb_image_source *source, const char *name,
                             struct mb_image_stretch *ret, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r = mb_sys_path_openat2(
		source->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0,
		RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, &fd);

	if (r == -ENOENT)
		return MB_IMAGE_SOURCE_ABSENT;
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot open '%s'", name);
	if (fstat(fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot stat '%s'", name);
	if (!S_ISREG(st.st_mode))
		return mb_fail(err, EINVAL, "'%s' is not a regular file", name);
	*ret = (struct mb_image_stretch){
		.fd = mb_take_fd(&fd), .seekable = true, .size = (uint64_t)st.st_size};
	return 0;
}

/* Return: 0; MB_IMAGE_SOURCE_ABSENT; -EINVAL. */
static int find_member(const struct mb_image_source *source, const char *name,
                       const struct mb_image_member **ret, struct mb_err *err)
{
	const struct mb_image_member *found = NULL;

	for (size_t i = 0; i < source->members.n; i++) {
		if (strcmp(source->members.v[i].name, name) != 0)
			continue;
		/* Which of them another reader would take is anyone's guess. */
		if (found)
			return mb_fail(err, EINVAL, "'%s' is in the archive twice", name);
		found = &source->members.v[i];
	}
	if (!found)
		return MB_IMAGE_SOURCE_ABSENT;
	*ret = found;
	return 0;
}

/* The name that a link means, cleaned. */
static int follow(const struct mb_image_member *link, char next[MB_IMAGE_PATH + 256],
                  struct mb_err *err)
{
	const char *slash = strrchr(link->name, '/');
	MB_AUTO_FREE char *whole = NULL;
	struct mb_image_entry_name to;
	int r;

	if (link->hard || !slash || *link->target == '/')
		whole = mb_strdup(link->target);
	else
		whole = mb_asprintf("%.*s/%s", (int)(slash - link->name), link->name, link->target);
	r = mb_image_entry_clean(whole, &to, err);
	if (r < 0)
		return r;
	snprintf(next, MB_IMAGE_PATH + 256, "%s%s%s", to.dir, *to.dir ? "/" : "", to.leaf);
	return 0;
}

static int find_in_archive(const struct mb_image_source *source, const char *name,
                           struct mb_image_stretch *ret, struct mb_err *err)
{
	char at[MB_IMAGE_PATH + 256];
	struct mb_image_entry_name clean;
	int r = mb_image_entry_clean(name, &clean, err);

	if (r < 0)
		return r;
	snprintf(at, sizeof(at), "%s%s%s", clean.dir, *clean.dir ? "/" : "", clean.leaf);
	for (int links = 0; links < MAX_LINKS; links++) {
		const struct mb_image_member *member;

		r = find_member(source, at, &member, err);
		if (r != 0)
			return r;
		if (!member->target) {
			if (!member->regular)
				return mb_fail(err, EINVAL, "'%s' is not a regular file", name);
			*ret = (struct mb_image_stretch){
				.fd = fcntl(source->fd, F_DUPFD_CLOEXEC, 3),
				.seekable = true,
				.offset = member->offset,
				.size = member->size};
			return ret->fd < 0 ? mb_fail_sys(err, errno, "cannot open '%s'", name) : 0;
		}
		r = follow(member, at, err);
		if (r < 0)
			return r;
	}
	return mb_fail(err, ELOOP, "'%s' leads through too many links", name);
}

int mb_image_source_find(const struct mb_image_source *source, const char *name,
                         struct mb_image_stretch *ret, struct mb_err *err)
{
	if (source->is_directory)
		return find_in_directory(source, name, ret, err);
	return find_in_archive(source, name, ret, err);
}

int mb_image_source_read(const struct mb_image_source *source, const char *name, size_t limit,
                         struct mb_str *out, struct mb_err *err)
{
	struct mb_image_stretch at = {.fd = -1};
	size_t done = 0;
	int r = mb_image_source_find(source, name, &at, err);

	if (r != 0)
		return r;
	if (at.size > limit) {
		mb_close(&at.fd);
		return mb_fail(err, EFBIG, "'%s' is longer than %zu bytes", name, limit);
	}
	mb_str_reserve(out, (size_t)at.size + 1);
	while (done < at.size) {
		ssize_t n = pread(at.fd, out->buf + out->len, (size_t)at.size - done,
		                  (off_t)(at.offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			r = n < 0 ? mb_fail_sys(err, errno, "cannot read '%s'", name)
			          : mb_fail(err, EBADMSG, "'%s' ends early", name);
			break;
		}
		done += (size_t)n;
		out->len += (size_t)n;
	}
	out->buf[out->len] = '\0';
	mb_close(&at.fd);
	return r;
}
