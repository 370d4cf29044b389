/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/address.h"
#include "build/content.h"
#include "build/context.h"
#include "build/download.h"
#include "build/job.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"

/* --- a file ----------------------------------------------------------------------------------- */

/* @ret_hex: NULL: any will do. */
static int read_checksum(const struct mb_build_fetch *what, const char **ret_hex,
                         struct mb_err *err)
{
	*ret_hex = what->checksum ? mb_skip_prefix(what->checksum, "sha256:") : NULL;
	if (what->checksum && (!*ret_hex || !mb_hex_is_valid(*ret_hex, 64)))
		return mb_fail(err, EINVAL, "--checksum=%s: not a sha256 digest", what->checksum);
	return 0;
}

static int check_file(const struct mb_build_fetch *what, const char *hex,
                      const struct mb_build_download *file, struct mb_err *err)
{
	return !hex || strcmp(hex, file->sha256) == 0
	               ? 0
	               : mb_fail(err, EBADMSG, "digest mismatch sha256:%s: %s", file->sha256,
	                         what->checksum);
}

/* For root alone, and as old as its server says. */
static int finish_file(int fd, const struct mb_build_download *file, struct stat *ret_st,
                       struct mb_err *err)
{
	struct timespec times[2] = {{.tv_sec = file->modified / 1000000000}};

	times[1] = times[0];
	if (fchmod(fd, 0600) < 0 || futimens(fd, times) < 0 || fstat(fd, ret_st) < 0)
		return mb_fail_sys(err, errno, "cannot finish what was fetched");
	return 0;
}

static int fetch_file(struct mb_build *b, const struct mb_build_fetch *what, const char *url,
                      struct mb_build_items *items, struct mb_err *err)
{
	MB_AUTO_BUILD_DOWNLOAD struct mb_build_download file = MB_BUILD_DOWNLOAD_INIT;
	const char *hex;
	struct stat st;
	int r = read_checksum(what, &hex, err);

	if (r == 0)
		r = mb_build_download(b, url, hex, &file, err);
	if (r == 0)
		r = check_file(what, hex, &file, err);
	if (r == 0)
		r = finish_file(file.fd, &file, &st, err);
	if (r == 0)
		mb_build_content_add_fetched(items, file.name, mb_take_fd(&file.fd), &st);
	return r;
}

/* --- a repository ----------------------------------------------------------------------------- */

static int fetch_tree(struct mb_build *b, const struct mb_build_fetch *what,
                      struct mb_build_context *place, struct mb_build_items *items,
                      struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	bool is_dockerfile;
	struct stat st;
	const struct mb_build_context_from from = {what->address, what->keep_git, b->request->ssh};
	int r = mb_build_context_fetch(b->store, &from, place, NULL, &is_dockerfile, err);

	if (r < 0)
		return r;
	if (what->checksum && !mb_streq(what->checksum, place->commit))
		return mb_fail(err, EBADMSG, "expected checksum to match %s, got %s",
		               what->checksum, place->commit);
	fd = fcntl(place->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0 || fstat(fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot look at what was fetched");
	mb_build_content_add_fetched(items, "", mb_take_fd(&fd), &st);
	return 0;
}

int mb_build_fetch(struct mb_build *b, const struct mb_build_fetch *what,
                   struct mb_build_context *place, struct mb_build_items *items, struct mb_err *err)
{
	MB_AUTO_BUILD_ADDRESS struct mb_build_address address = {0};
	int r = mb_build_address_parse(what->address, &address, err);

	if (r < 0)
		return r;
	return address.kind == MB_BUILD_ADDRESS_GIT ? fetch_tree(b, what, place, items, err)
	                                            : fetch_file(b, what, address.url, items, err);
}
