/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/manifest.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

struct push_args {
	bool purge, insecure;
};

static void on_pushed(void *arg, const char *name)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	const char *digest = name + strcspn(name, "@");

	(void)arg;
	mb_str_addf(&out, "Pushed ref %s with digest: %s\n", name, digest + (*digest == '@'));
	(void)mb_cmd_put(&out);
}

static int push_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct push_args *args = in->args;
	MB_AUTO_CMD_MANIFEST_PLACE struct mb_cmd_manifest_place place = {0};
	MB_AUTO_IMAGE_MANIFESTS struct mb_image_manifests list = {0};
	struct mb_image_manifest_request request;
	char digest[MB_OCI_DIGEST_TEXT];
	struct mb_store *store = NULL;
	int r = mb_cmd_manifest_place_open(cx, in->operands[0], &place, err);

	if (r == 0)
		r = mb_cmd_registry_find_login(&place.reg, place.ref.domain, err);
	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (r == 0)
		r = mb_cmd_manifest_load(cx, place.name, &list, err);
	if (r != 0)
		return r;
	request = mb_cmd_manifest_request(&place, args->insecure);
	r = mb_image_manifests_push(store, &list, &request, on_pushed, NULL, digest, err);
	if (r == 0 && args->purge)
		r = mb_image_manifests_remove(store, place.name, err);
	return r < 0 ? r : mb_cmd_put_line(digest);
}

static const struct mb_cli_opt push_opts[] = {
	MB_OPT_SWITCH(0, "insecure", struct push_args, insecure, "take any certificate, and http"),
	MB_OPT_SWITCH('p', "purge", struct push_args, purge, "remove the list here afterwards"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_manifest_push = {
	.paths = "manifest push",
	.summary = "send a list of images to its registry",
	.operands = "MANIFEST_LIST",
	.min = 1,
	.max = 1,
	.opts = push_opts,
	.args_size = sizeof(struct push_args),
	.examples = "mybox manifest push -p example.com/web:2\n",
	.main = push_main,
};
