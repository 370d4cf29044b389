/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "build/address.h"
#include "core/err.h"
#include "fuzz.h"

/* Addresses: what comes out has no blank, and no ref begins as an option does. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct mb_build_address a = {0};
	struct mb_err err = MB_ERR_INIT;

	if (mb_build_address_parse(text, &a, &err) == 0) {
		FUZZ_CHECK(a.url && !strpbrk(a.url, " \n\r\t#"));
		FUZZ_CHECK(!a.ref || (*a.ref && *a.ref != '-'));
		mb_build_address_done(&a);
	} else {
		FUZZ_CHECK(err.msg[0] && !a.url);
	}
	free(text);
	return 0;
}
