/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/features.h"
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/oci/oci.h"
#include "cmd/output.h"
#include "core/str.h"
#include "json/json.h"

static int features_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                         struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = mb_runtime_features_make();
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	(void)cx;
	(void)in;
	(void)err;
	mb_json_format(o, true, &text);
	mb_str_addc(&text, '\n');
	return mb_cmd_put(&text);
}

const struct mb_cli_verb mb_cmd_oci_features = {
	.paths = "features",
	.summary = "print what this runtime can do",
	.unprivileged = true,
	.main = features_main,
};
