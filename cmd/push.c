/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/registry.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "oci/ref.h"

struct push_args {
	bool quiet;
	int tls_verify;
};

static int put_begin(const struct mb_oci_ref *ref)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	MB_AUTO_FREE char *name = mb_oci_ref_format_name(ref, MB_OCI_REF_CANONICAL);

	mb_str_addf(&out, "The push refers to repository [%s]\n", name);
	return mb_cmd_put(&out);
}

static int put_end(const struct mb_image_pushed *pushed, const struct mb_oci_ref *ref, bool quiet)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	MB_AUTO_FREE char *name = mb_oci_ref_format(ref, MB_OCI_REF_CANONICAL);

	if (quiet)
		mb_str_addf(&out, "%s\n", name);
	else
		mb_str_addf(&out, "%s: digest: %s size: %llu\n", ref->tag, pushed->digest,
		            (unsigned long long)pushed->size);
	return mb_cmd_put(&out);
}

static int push(struct mb_cmd_context *cx, const struct push_args *args,
                const struct mb_cmd_registry *reg, const struct mb_oci_ref *ref,
                struct mb_image_pushed *ret, struct mb_err *err)
{
	struct mb_cmd_transfer *transfer = mb_cmd_transfer_new(args->quiet);
	const struct mb_image_push_request request = {
		.ref = ref,
		.settings = &reg->settings,
		.login = reg->has_login ? &reg->login : NULL,
		.tls_verify = args->tls_verify,
		.agent = MB_CMD_AGENT,
		.report = {mb_cmd_transfer_report, transfer},
	};
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_image_push(store, &request, ret, err);
	mb_cmd_transfer_free(transfer);
	return r;
}

static int push_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct push_args *args = in->args;
	MB_AUTO_CMD_REGISTRY struct mb_cmd_registry reg = {0};
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	struct mb_image_pushed pushed = {0};
	int r = mb_cmd_registry_open(cx, &reg, err);

	if (r == 0)
		r = mb_registry_settings_resolve(&reg.settings, in->operands[0], &ref, err);
	if (r == 0 && ref.digest.alg)
		r = mb_fail(err, EINVAL, "cannot push a digest reference");
	if (r == 0)
		r = mb_cmd_registry_find_login(&reg, ref.domain, err);
	if (r == 0 && !args->quiet)
		r = put_begin(&ref);
	if (r == 0)
		r = push(cx, args, &reg, &ref, &pushed, err);
	if (r > 0)
		mb_cmd_say("%s", err->msg);
	if (r == 0)
		r = put_end(&pushed, &ref, args->quiet);
	mb_image_pushed_done(&pushed);
	return r;
}

static const struct mb_cli_opt push_opts[] = {
	MB_OPT_SWITCH('q', "quiet", struct push_args, quiet, "print the name alone"),
	MB_OPT_TRI(0, "tls-verify", struct push_args, tls_verify,
                   "want https with a valid certificate (default true)"),
	MB_OPT_IGNORED(0, "disable-content-trust", false, NULL),
	MB_OPT_REFUSED('a', "all-tags", false, "push each tag by its name"),
	MB_OPT_REFUSED(0, "platform", true, "an image here is of one platform"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_push = {
	.paths = "push|image push",
	.summary = "send an image to a registry",
	.operands = "NAME[:TAG]",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_IMAGE},
	.opts = push_opts,
	.args_size = sizeof(struct push_args),
	.examples = "mybox tag web registry.example.com/team/web:2\n"
		    "mybox push registry.example.com/team/web:2\n",
	.main = push_main,
};
