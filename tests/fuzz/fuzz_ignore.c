/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dockerfile/ignore.h"
#include "fuzz.h"

/* A path, a line "---", and a .dockerignore. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *rest = text;
	const char *path = fuzz_part(&rest);
	MB_AUTO_IGNORE struct mb_dockerfile_ignore ignore = {0};

	if (mb_dockerfile_ignore_parse(rest, strlen(rest), &ignore, NULL) == 0) {
		bool has = mb_dockerfile_ignore_has(&ignore, path);

		FUZZ_CHECK(!has || ignore.n > 0);
		if (!has && ignore.n < MB_DOCKERFILE_MAX_IGNORES &&
		    mb_dockerfile_ignore_add(&ignore, "**", NULL) == 0 && *path)
			FUZZ_CHECK(mb_dockerfile_ignore_has(&ignore, path));
	}
	free(text);
	return 0;
}
