/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/chmod.h — modes as chmod(1) has them: "755", "u=rwX,go=rX", "+x". */
#ifndef MB_BUILD_CHMOD_H
#define MB_BUILD_CHMOD_H

#include <stdbool.h>
#include <stdint.h>

enum { MB_BUILD_CHMOD_MAX = 32 }; /* actions */

struct mb_build_chmod {
	bool is_plain; /* the mode, whatever it was: */
	uint32_t mode;
	struct mb_build_chmod_action {
		char op;       /* '+', '-' or '=' */
		uint32_t who;  /* bits that it is about */
		uint32_t bits; /* to add, take away or leave alone, within who */
		char copy;     /* 'u', 'g', 'o': the bits that these have; or 0 */
		bool is_big_x; /* and x for directories, and where somebody has it */
	} v[MB_BUILD_CHMOD_MAX];
	unsigned n;
};
/* Return: 0 or -EINVAL, nothing told. */
int mb_build_chmod_parse(const char *text, struct mb_build_chmod *ret);
/* What becomes of @mode (permission bits). */
uint32_t mb_build_chmod_apply(const struct mb_build_chmod *chmod, uint32_t mode, bool is_directory);

#endif
