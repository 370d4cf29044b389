/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/id.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "core/own.h"

void mb_random(void *bytes, size_t n)
{
	char *p = bytes;

	while (n) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0) {
			if (errno == EINTR)
				continue;
			mb_oom();
		}
		p += got;
		n -= (size_t)got;
	}
}

void mb_hex_format(const void *bytes, size_t n, char *text)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++) {
		*text++ = digits[p[i] >> 4];
		*text++ = digits[p[i] & 15];
	}
	*text = '\0';
}

void mb_id_make(char id[MB_ID_TEXT])
{
	unsigned char bytes[MB_ID_LEN / 2];

	do {
		mb_random(bytes, sizeof(bytes));
		mb_hex_format(bytes, sizeof(bytes), id);
	} while (strspn(id, "0123456789") >= MB_ID_SHORT);
}
