/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/err.h"
#include "core/str.h"
#include "fuzz.h"
#include "oci/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mb_oci_process process = {0};
	struct mb_oci_resources resources = {0};
	MB_AUTO_STR struct mb_str once = MB_STR_INIT, twice = MB_STR_INIT;
	struct mb_oci_spec spec = {0}, again = {0};
	struct mb_err err = MB_ERR_INIT;

	if (mb_oci_process_load((const char *)data, size, &process, NULL) == 0)
		mb_oci_process_done(&process);
	if (mb_oci_resources_load((const char *)data, size, &resources, NULL) == 0)
		mb_oci_resources_done(&resources);
	if (mb_oci_spec_load((const char *)data, size, &spec, &err) < 0) {
		FUZZ_CHECK(err.msg[0]);
		return 0;
	}
	mb_oci_spec_save_text(&spec, &once);
	FUZZ_CHECK(mb_oci_spec_load(once.buf, once.len, &again, &err) == 0);
	mb_oci_spec_save_text(&again, &twice);
	FUZZ_CHECK(strcmp(once.buf, twice.buf) == 0);
	mb_oci_spec_done(&again);
	mb_oci_spec_done(&spec);
	return 0;
}
