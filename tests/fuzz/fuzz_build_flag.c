/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/flag_spec.h"
#include "core/err.h"
#include "fuzz.h"

/* --cache-from, --cache-to, --output and --secret, each by the same text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	static const char *const directories[] = {"src", "dest"};

	for (size_t i = 0; i < 2; i++) {
		struct mb_build_cache_spec cache = {0};
		struct mb_err err = MB_ERR_INIT;
		int r = mb_build_cache_spec_parse(text, directories[i], &cache, &err);

		FUZZ_CHECK(r == 0 ? cache.type != NULL : err.msg[0]);
		mb_build_cache_spec_done(&cache);
	}
	{
		struct mb_build_output_spec output = {0};
		struct mb_err err = MB_ERR_INIT;
		int r = mb_build_output_spec_parse(text, &output, &err);

		FUZZ_CHECK(r == 0 ? output.type != NULL : err.msg[0]);
		mb_build_output_spec_done(&output);
	}
	{
		struct mb_build_secret_spec secret = {0};
		struct mb_err err = MB_ERR_INIT;
		int r = mb_build_secret_spec_parse(text, &secret, &err);

		FUZZ_CHECK(r == 0 ? secret.id && *secret.id : err.msg[0]);
		mb_build_secret_spec_done(&secret);
	}
	free(text);
	return 0;
}
