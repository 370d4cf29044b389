/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/download.h — a file of a server, which is kept: it comes again only when the server
 * has another one.
 *
 * It lies in ROOT/caches/web-NAME/{file,web} (cache.h) until builds are pruned.
 */
#ifndef MB_BUILD_DOWNLOAD_H
#define MB_BUILD_DOWNLOAD_H

#include <stdint.h>

#include "core/sha256.h"

struct mb_build;
struct mb_err;

struct mb_build_download {
	int fd;           /* to be read */
	char *name;       /* what the file is called */
	int64_t modified; /* nsec; 0: nobody said */
	char sha256[MB_SHA256_TEXT];
};
#define MB_BUILD_DOWNLOAD_INIT ((struct mb_build_download){.fd = -1})
#define MB_AUTO_BUILD_DOWNLOAD __attribute__((cleanup(mb_build_download_done)))
void mb_build_download_done(struct mb_build_download *download);

/* @sha256: the server is not asked whether anything but that is still the same; or NULL.  What
 * comes may be another one nevertheless.  Return: 0 or -errno, told. */
int mb_build_download(struct mb_build *b, const char *url, const char *sha256,
                      struct mb_build_download *ret, struct mb_err *err);

#endif
