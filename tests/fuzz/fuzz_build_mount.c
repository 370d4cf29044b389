/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/mount_spec.h"
#include "core/err.h"
#include "fuzz.h"

/* RUN --mount=... */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct mb_build_mount_spec spec = {0};
	struct mb_err err = MB_ERR_INIT;

	if (mb_build_mount_spec_parse(text, &spec, &err) == 0) {
		FUZZ_CHECK(spec.target || spec.type == MB_BUILD_MOUNT_SECRET ||
		           spec.type == MB_BUILD_MOUNT_SSH);
		FUZZ_CHECK(!(spec.is_readonly && spec.is_writable));
		mb_build_mount_spec_done(&spec);
	} else {
		FUZZ_CHECK(err.msg[0]);
	}
	free(text);
	return 0;
}
