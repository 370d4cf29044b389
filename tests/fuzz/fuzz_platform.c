/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "core/err.h"
#include "fuzz.h"
#include "oci/image_spec.h"

/* --platform: what is read reads itself, and suits itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *once = NULL, *twice = NULL;
	struct mb_err err = MB_ERR_INIT;

	if (mb_oci_platform_parse(text, &once, &err) == 0) {
		FUZZ_CHECK(mb_oci_platform_parse(once, &twice, &err) == 0);
		FUZZ_CHECK(strcmp(once, twice) == 0);
	} else {
		FUZZ_CHECK(err.msg[0]);
	}
	free(text);
	free(once);
	free(twice);
	return 0;
}
