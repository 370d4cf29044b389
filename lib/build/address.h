/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/address.h — what is no path: addresses of files and of git repositories, as text. */
#ifndef MB_BUILD_ADDRESS_H
#define MB_BUILD_ADDRESS_H

#include <stdbool.h>

struct mb_err;

enum mb_build_address_kind { MB_BUILD_ADDRESS_NONE, MB_BUILD_ADDRESS_WEB, MB_BUILD_ADDRESS_GIT };

struct mb_build_address {
	enum mb_build_address_kind kind;
	char *url;    /* without its fragment */
	char *ref;    /* of git: a branch, tag or commit; NULL: what its HEAD is */
	char *subdir; /* of git, or NULL; nothing is said of where it leads */
	bool is_ssh;  /* of git: it comes over ssh */
};
/* docker's rules: "https://HOST/x.git#ref:dir", "git://HOST/x", "ssh://USER@HOST/x", "git@HOST:x"
 * and "github.com/x/y" are repositories, other http addresses are files.  Return: 0; -EINVAL, told.
 */
int mb_build_address_parse(const char *text, struct mb_build_address *ret, struct mb_err *err);
bool mb_build_address_is(const char *text);
void mb_build_address_done(struct mb_build_address *address);
#define MB_AUTO_BUILD_ADDRESS __attribute__((cleanup(mb_build_address_done)))

#endif
