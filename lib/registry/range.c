/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "registry/range.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/own.h"
#include "core/parse.h"

/* Digits up to @end. */
static int parse_until(const char **s, char end, uint64_t *ret)
{
	const char *stop = strchr(*s, end);
	MB_AUTO_FREE char *digits = stop ? mb_strndup(*s, (size_t)(stop - *s)) : NULL;

	if (!digits || mb_parse_u64(digits, ret) < 0)
		return -EBADMSG;
	*s = stop + 1;
	return 0;
}

int mb_registry_range_parse(const char *text, struct mb_registry_range *ret)
{
	struct mb_registry_range range = {.total = MB_REGISTRY_RANGE_UNKNOWN};

	if (strncasecmp(text, "bytes ", 6) != 0)
		return -EBADMSG;
	text += 6;
	if (parse_until(&text, '-', &range.first) < 0 || parse_until(&text, '/', &range.last) < 0)
		return -EBADMSG;
	if (strcmp(text, "*") != 0 && mb_parse_u64(text, &range.total) < 0)
		return -EBADMSG;
	if (range.last < range.first || range.last >= range.total)
		return -EBADMSG;
	*ret = range;
	return 0;
}
