/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "json/json.h"

int mb_cmd_manifest_place_open(const struct mb_cmd_context *cx, const char *typed,
                               struct mb_cmd_manifest_place *ret, struct mb_err *err)
{
	int r = mb_cmd_registry_open(cx, &ret->reg, err);

	if (r == 0)
		r = mb_registry_settings_resolve(&ret->reg.settings, typed, &ret->ref, err);
	if (r == 0)
		ret->name = mb_oci_ref_format(&ret->ref, MB_OCI_REF_CANONICAL);
	return r;
}

void mb_cmd_manifest_place_done(struct mb_cmd_manifest_place *place)
{
	mb_cmd_registry_done(&place->reg);
	mb_oci_ref_done(&place->ref);
	free(place->name);
}

struct mb_image_manifest_request mb_cmd_manifest_request(const struct mb_cmd_manifest_place *place,
                                                         bool insecure)
{
	return (struct mb_image_manifest_request){
		.settings = &place->reg.settings,
		.login = place->reg.has_login ? &place->reg.login : NULL,
		.tls_verify = insecure ? -1 : 0,
		.agent = MB_CMD_AGENT,
	};
}

int mb_cmd_manifest_load(struct mb_cmd_context *cx, const char *name,
                         struct mb_image_manifests *ret, struct mb_err *err)
{
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_image_manifests_load(store, name, ret, err);
	if (r == MB_IMAGE_ABSENT) {
		mb_cmd_say("%s", err->msg);
		return 1;
	}
	return r;
}

int mb_cmd_manifest_put(struct json_object *value, const char *unit)
{
	MB_AUTO_STR struct mb_str wide = MB_STR_INIT, out = MB_STR_INIT;

	mb_json_format(value, true, &wide);
	/* No string has a line end in it, so that spaces after one are indentation. */
	for (const char *line = mb_str_text(&wide); *line;) {
		size_t n;

		for (; strncmp(line, "    ", 4) == 0; line += 4)
			mb_str_add(&out, unit);
		n = strcspn(line, "\n");
		mb_str_addn(&out, line, n);
		mb_str_addc(&out, '\n');
		line += n + (line[n] != '\0');
	}
	return mb_cmd_put(&out);
}
