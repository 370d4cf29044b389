/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/create_image.h"

#include <errno.h>

#include "cmd/container_flags.h"
#include "cmd/context.h"
#include "cmd/pull.h"
#include "cmd/registry.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "oci/ref.h"

int mb_cmd_create_image_meaning(struct mb_cmd_context *cx, const char *typed, char **ret,
                                struct mb_err *err)
{
	MB_AUTO_CMD_REGISTRY struct mb_cmd_registry reg = {0};
	int r = mb_cmd_registry_open(cx, &reg, err);

	return r < 0 ? r : mb_cmd_registry_meaning(&reg, typed, ret, err);
}

int mb_cmd_create_image_pull(struct mb_cmd_context *cx, const struct mb_cmd_create_args *args,
                             const char *name, struct mb_err *err)
{
	return mb_cmd_pull_image(cx,
	                         &(struct mb_cmd_pull_request){.name = name,
	                                                       .platform = args->platform,
	                                                       .beside = true,
	                                                       .quiet = args->quiet},
	                         err);
}

int mb_cmd_create_image_pull_missing(struct mb_cmd_context *cx,
                                     const struct mb_cmd_create_args *args, const char *name,
                                     bool other, struct mb_err *err)
{
	const struct mb_err here = *err;
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	MB_AUTO_FREE char *familiar = NULL;
	int r = mb_oci_ref_parse(name, true, &ref, err);

	if (r < 0)
		return r;
	familiar = mb_oci_ref_format(&ref, MB_OCI_REF_FAMILIAR);
	if (args->pull == MB_CMD_PULL_NEVER)
		return other ? -EINVAL : mb_fail(err, ENOENT, "No such image: %s", familiar);
	if (!args->quiet)
		mb_cmd_say("Unable to find image '%s' locally", familiar);
	r = mb_cmd_create_image_pull(cx, args, name, err);
	return r < 0 && other ? mb_wrap(err, r, "%s", here.msg) : r;
}
