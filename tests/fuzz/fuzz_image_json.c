/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/str.h"
#include "fuzz.h"
#include "oci/image_spec.h"
#include "json/json.h"

static void load_config(const char *text, size_t size)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_oci_image_config config = {0}, again = {0};
	struct json_object *o;

	if (mb_oci_image_config_load(text, size, &config, NULL) < 0)
		return;
	o = mb_oci_image_config_save(&config);
	mb_json_format(o, false, &out);
	mb_json_free(o);
	FUZZ_CHECK(mb_oci_image_config_load(out.buf, out.len, &again, NULL) == 0);
	FUZZ_CHECK(config.n_history == again.n_history && config.diff_ids.n == again.diff_ids.n);
	mb_oci_image_config_done(&again);
	mb_oci_image_config_done(&config);
}

/* Manifest, index and configuration: whichever it is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct mb_oci_manifest manifest = {0};
	struct mb_oci_index index = {0};
	struct json_object *o = NULL;
	enum mb_oci_kind kind;

	if (mb_json_parse_object(text, size, &o, NULL) < 0)
		return 0;
	mb_oci_document_kind(o, &kind, NULL);
	mb_json_free(o);
	if (mb_oci_manifest_load(text, size, &manifest, NULL) == 0) {
		for (size_t i = 0; i < manifest.n_layers; i++)
			FUZZ_CHECK(manifest.layers[i].digest.alg && manifest.layers[i].size >= 0);
		mb_oci_manifest_done(&manifest);
	}
	if (mb_oci_index_load(text, size, &index, NULL) == 0) {
		mb_oci_index_find(&index, "linux", "arm", "v7");
		mb_oci_index_find(&index, "linux", "amd64", NULL);
		mb_oci_index_done(&index);
	}
	load_config(text, size);
	return 0;
}
