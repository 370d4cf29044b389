/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/str.h"
#include "fuzz.h"
#include "json/json.h"

/* Text that is taken comes out as text that is taken, and then the same for ever. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MB_AUTO(mb_json_free) struct json_object *first = NULL, *second = NULL;
	MB_AUTO_STR struct mb_str once = MB_STR_INIT, twice = MB_STR_INIT, pretty = MB_STR_INIT;

	if (mb_json_parse((const char *)data, size, &first, NULL) < 0)
		return 0;
	mb_json_format(first, false, &once);
	mb_json_format(first, true, &pretty);
	FUZZ_CHECK(mb_json_parse(once.buf, once.len, &second, NULL) == 0);
	mb_json_format(second, false, &twice);
	FUZZ_CHECK(strcmp(once.buf, twice.buf) == 0);
	return 0;
}
