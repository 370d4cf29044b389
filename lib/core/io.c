/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

enum { PIECE = 4096 };

int mb_write_full(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int mb_read_full(int fd, void *bytes, size_t n, size_t *ret_n)
{
	char *p = bytes;
	size_t got = 0;

	while (got < n) {
		ssize_t r = read(fd, p + got, n - got);

		if (r < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (r == 0)
			break;
		got += (size_t)r;
	}
	*ret_n = got;
	return 0;
}

/* @size: what a file has at least; a read that comes short after so much has met its end, and
 * need not be followed by one that says so.  0: not known. */
static int read_all(int fd, size_t size, size_t limit, struct mb_str *out, struct mb_err *err)
{
	size_t total = 0;

	for (;;) {
		ssize_t r;

		mb_str_reserve(out, PIECE);
		r = read(fd, out->buf + out->len, PIECE);
		if (r < 0) {
			if (errno == EINTR)
				continue;
			return mb_fail_sys(err, errno, "cannot read");
		}
		if (r == 0)
			return 0;
		total += (size_t)r;
		if (total > limit)
			return mb_fail(err, EFBIG, "longer than %zu bytes", limit);
		out->len += (size_t)r;
		out->buf[out->len] = '\0';
		if (size && r < PIECE && total >= size)
			return 0;
	}
}

int mb_read_fd(int fd, size_t limit, struct mb_str *out, struct mb_err *err)
{
	return read_all(fd, 0, limit, out, err);
}

int mb_read_file(int dirfd, const char *path, size_t limit, struct mb_str *out, struct mb_err *err)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	MB_AUTO_CLOSE int fd = openat(dirfd, path, flags);
	struct stat st;
	int r;

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", path);
	if (fstat(fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return mb_fail(err, EINVAL, "'%s' is not a regular file", path);
	r = read_all(fd, (size_t)st.st_size, limit, out, err);
	if (r < 0)
		return mb_wrap(err, r, "'%s'", path);
	return 0;
}

int mb_read_small_file(int dirfd, const char *path, size_t limit, struct mb_str *out,
                       struct mb_err *err)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	MB_AUTO_CLOSE int fd = openat(dirfd, path, flags);
	int r;

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", path);
	r = read_all(fd, 1, limit, out, err);
	return r < 0 ? mb_wrap(err, r, "'%s'", path) : 0;
}

int mb_write_kernel_file(int dirfd, const char *path, const char *text)
{
	MB_AUTO_CLOSE int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t n = strlen(text);
	ssize_t w;

	if (fd < 0)
		return -errno;
	w = write(fd, text, n);
	if (w < 0)
		return -errno;
	return (size_t)w == n ? 0 : -EIO;
}

int mb_read_kernel_file(int dirfd, const char *path, char *buf, size_t size)
{
	/* A FIFO in its place must not hold us. */
	MB_AUTO_CLOSE int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t n;
	int r;

	if (fd < 0)
		return -errno;
	r = mb_read_full(fd, buf, size - 1, &n);
	if (r < 0)
		return r;
	buf[n] = '\0';
	if (n && buf[n - 1] == '\n')
		buf[n - 1] = '\0';
	return 0;
}
