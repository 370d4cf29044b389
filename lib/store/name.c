/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names as symlinks.  A target of sixty bytes and more takes a block of its own on ext4, to be
 * allocated and given back for each container; a shorter one lives in the inode.  So the link
 * carries the short id as it is, for people, and of the rest three hex digits in two characters.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/id.h"
#include "core/parse.h"
#include "store/store.h"

enum {
	GROUPS = (MB_ID_LEN - MB_ID_SHORT) / 3, /* and one digit that is left */
	LINK_LEN = MB_ID_SHORT + 2 * GROUPS + 1,
};
_Static_assert((MB_ID_LEN - MB_ID_SHORT) % 3 == 1, "one digit is left");
_Static_assert(LINK_LEN < 60, "short enough for an inode");

static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

/* Index of @c; -1 when it is none of the first @n. */
static int value_of(char c, int n)
{
	const char *at = c ? strchr(letters, c) : NULL;

	return at && at - letters < n ? (int)(at - letters) : -1;
}

static void pack(const char *id, char link[LINK_LEN + 1])
{
	char *out = link + MB_ID_SHORT;

	memcpy(link, id, MB_ID_SHORT);
	id += MB_ID_SHORT;
	for (int i = 0; i < GROUPS; i++, id += 3) {
		int bits =
			value_of(id[0], 16) << 8 | value_of(id[1], 16) << 4 | value_of(id[2], 16);

		*out++ = letters[bits >> 6];
		*out++ = letters[bits & 63];
	}
	*out++ = *id;
	*out = '\0';
}

static bool unpack(const char *link, char id[MB_ID_TEXT])
{
	const char *in = link + MB_ID_SHORT;
	char *out = id + MB_ID_SHORT;

	memcpy(id, link, MB_ID_SHORT);
	for (int i = 0; i < GROUPS; i++, in += 2) {
		int high = value_of(in[0], 64), low = value_of(in[1], 64);

		if (high < 0 || low < 0)
			return false;
		*out++ = letters[high >> 2];
		*out++ = letters[(high & 3) << 2 | low >> 4];
		*out++ = letters[low & 15];
	}
	*out++ = *in;
	*out = '\0';
	return mb_hex_is_valid(id, MB_ID_LEN);
}

int mb_store_name_find(int names_fd, const char *name, char *ret_id, struct mb_err *err)
{
	char link[MB_ID_TEXT + 1], id[MB_ID_TEXT];
	ssize_t n = readlinkat(names_fd, name, link, sizeof(link));

	if (n < 0) {
		if (errno == ENOENT || errno == EINVAL)
			return MB_STORE_ABSENT;
		return mb_fail_sys(err, errno, "cannot read the name '%s'", name);
	}
	/* The whole id is what stores of old have. */
	if (n == MB_ID_LEN) {
		memcpy(id, link, MB_ID_LEN);
		id[MB_ID_LEN] = '\0';
	}
	if (n == MB_ID_LEN ? !mb_hex_is_valid(id, MB_ID_LEN) : n != LINK_LEN || !unpack(link, id))
		return MB_STORE_ABSENT;
	memcpy(ret_id, id, MB_ID_TEXT);
	return 0;
}

int mb_store_name_claim(int names_fd, const char *name, const char *id, char *ret_id,
                        struct mb_err *err)
{
	char holder[MB_ID_TEXT] = "", link[LINK_LEN + 1];
	int r;

	if (!mb_hex_is_valid(id, MB_ID_LEN))
		return mb_fail(err, EINVAL, "'%s' is no id", id);
	pack(id, link);
	if (symlinkat(link, names_fd, name) == 0)
		return 0;
	if (errno != EEXIST)
		return mb_fail_sys(err, errno, "cannot claim the name '%s'", name);
	r = mb_store_name_find(names_fd, name, holder, err);
	if (r < 0)
		return r;
	if (ret_id)
		memcpy(ret_id, holder, MB_ID_TEXT);
	return MB_STORE_TAKEN;
}

int mb_store_name_release(int names_fd, const char *name, const char *id, struct mb_err *err)
{
	char holder[MB_ID_TEXT];
	int r = mb_store_name_find(names_fd, name, holder, err);

	if (r < 0)
		return r;
	if (r == MB_STORE_ABSENT || strcmp(holder, id) != 0)
		return 0;
	if (unlinkat(names_fd, name, 0) < 0 && errno != ENOENT)
		return mb_fail_sys(err, errno, "cannot release the name '%s'", name);
	return 0;
}
