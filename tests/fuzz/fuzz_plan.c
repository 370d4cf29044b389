/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/err.h"
#include "core/str.h"
#include "fuzz.h"
#include "oci/spec.h"
#include "runtime/resources.h"
#include "runtime/runtime.h"

static void plan(const struct mb_oci_spec *spec)
{
	struct mb_runtime_request request = MB_RUNTIME_REQUEST_INIT;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_err err = MB_ERR_INIT;

	request.id = "fuzz";
	request.spec = spec;
	request.bundle = "/bundle";
	request.moves_net_devices = true;
	if (mb_runtime_plan_describe(&request, &text, &err) == 0)
		FUZZ_CHECK(text.len > 0);
	else
		FUZZ_CHECK(err.code > 0 && err.msg[0] && !strchr(err.msg, '\n'));
	(void)mb_runtime_wants_seal(spec);
}

static void limit(const struct mb_oci_spec *spec, unsigned how)
{
	MB_AUTO_RUNTIME_RESOURCES struct mb_runtime_resources limits = {0};
	struct mb_err err = MB_ERR_INIT;

	if (mb_runtime_resources_make(&spec->linux.resources, how, &limits, &err) < 0)
		FUZZ_CHECK(err.code > 0 && err.msg[0]);
}

/* config.json, from its text to what would be done. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MB_AUTO_OCI_SPEC struct mb_oci_spec spec = {0};

	if (mb_oci_spec_load((const char *)data, size, &spec, NULL) < 0)
		return 0;
	plan(&spec);
	limit(&spec, MB_RUNTIME_RESOURCES_NEW);
	limit(&spec, 0);
	return 0;
}
