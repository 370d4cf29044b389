/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/spot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/id.h"

enum { RANDOM = 8 };

int mb_build_spot_begin(int at, const char *name, struct mb_build_spot *ret)
{
	unsigned char bytes[RANDOM];
	char text[2 * RANDOM + 1];
	struct stat st;

	*ret = (struct mb_build_spot){.at = at, .name = name};
	/* Names that are new are most of them: they need not be renamed. */
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	mb_random(bytes, sizeof(bytes));
	mb_hex_format(bytes, sizeof(bytes), text);
	snprintf(ret->now, sizeof(ret->now), ".mybox-%s", text);
	return 0;
}

const char *mb_build_spot_name(const struct mb_build_spot *spot)
{
	return *spot->now ? spot->now : spot->name;
}

int mb_build_spot_end(struct mb_build_spot *spot, int r)
{
	if (!spot->is_made)
		return r;
	if (r == 0 && *spot->now && renameat(spot->at, spot->now, spot->at, spot->name) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(spot->at, mb_build_spot_name(spot), 0);
	spot->is_made = false;
	return r;
}
