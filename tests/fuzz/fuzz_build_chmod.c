/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/chmod.h"
#include "fuzz.h"

/* COPY --chmod=...: whatever is read gives permission bits and no others. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t modes[] = {0, 0111, 0644, 04755, 07777};
	char *text = fuzz_text(data, size);
	struct mb_build_chmod chmod = {0};

	if (mb_build_chmod_parse(text, &chmod) == 0) {
		FUZZ_CHECK(chmod.n <= MB_BUILD_CHMOD_MAX);
		for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
			FUZZ_CHECK(mb_build_chmod_apply(&chmod, modes[i], false) <= 07777);
			FUZZ_CHECK(mb_build_chmod_apply(&chmod, modes[i], true) <= 07777);
		}
	}
	free(text);
	return 0;
}
