/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>

#include "fuzz.h"
#include "volume/mount.h"

static void check(struct mb_volume_mount *m)
{
	FUZZ_CHECK(m->target && m->target[0] == '/' && !strstr(m->target, "//"));
	FUZZ_CHECK(!strstr(m->target, "/../"));
	FUZZ_CHECK(m->type != MB_VOLUME_BIND || (m->source && m->source[0] == '/'));
	FUZZ_CHECK(m->type != MB_VOLUME_VOLUME || !m->source || !strchr(m->source, '/'));
	FUZZ_CHECK(!m->subpath || m->subpath[0] != '/');
	mb_volume_mount_free(m);
}

/* -v, --mount, --tmpfs, --volumes-from. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *container = NULL;
	struct mb_volume_mount *m = NULL;
	bool readonly;

	if (mb_volume_mount_parse_short(text, "/work", &m, NULL) == 0)
		check(m);
	if (mb_volume_mount_parse_long(text, "/work", &m, NULL) == 0)
		check(m);
	if (mb_volume_mount_parse_tmpfs(text, &m, NULL) == 0)
		check(m);
	if (mb_volume_from_parse(text, &container, &readonly, NULL) == 0)
		free(container);
	free(text);
	return 0;
}
