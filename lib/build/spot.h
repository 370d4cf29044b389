/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/spot.h — a name in a directory at which something is made: what is there stays until
 * the new one is whole, and stays if that fails.
 */
#ifndef MB_BUILD_SPOT_H
#define MB_BUILD_SPOT_H

#include <stdbool.h>

struct mb_build_spot {
	int at;
	const char *name; /* the caller's, as long as the spot is used */
	char now[32];     /* a name of our own beside it, "" when nothing is there to be kept */
	bool is_made;
};

/* Return: 0; -EISDIR: a directory is there, which stays; -errno. */
int mb_build_spot_begin(int at, const char *name, struct mb_build_spot *ret);
/* Under which name it is to be made, with O_EXCL or the like; then set is_made. */
const char *mb_build_spot_name(const struct mb_build_spot *spot);
/* It is whole (@r 0): it takes the place of what was there.  It is not (@r < 0): it goes.
 * Return: @r, or -errno. */
int mb_build_spot_end(struct mb_build_spot *spot, int r);

#endif
