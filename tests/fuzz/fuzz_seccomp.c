/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/filter.h>

#include "fuzz.h"
#include "runtime/seccomp.h"
#include "json/json.h"

/* A profile of --security-opt seccomp=FILE. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MB_AUTO(mb_json_free) struct json_object *profile = NULL;
	struct sock_filter *program = NULL;
	size_t n = 0;

	if (mb_json_parse_object((const char *)data, size, &profile, NULL) < 0)
		return 0;
	if (mb_runtime_seccomp_compile(profile, 0xff, &program, &n, NULL) == 0) {
		FUZZ_CHECK(program && n > 0);
		free(program);
	}
	return 0;
}
