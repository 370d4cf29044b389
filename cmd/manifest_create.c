/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/manifest.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

struct create_args {
	bool amend, insecure;
};

static int ask(struct mb_cmd_context *cx, const char *typed, bool insecure,
               struct mb_image_manifest *ret, struct mb_err *err)
{
	MB_AUTO_CMD_MANIFEST_PLACE struct mb_cmd_manifest_place place = {0};
	struct mb_image_manifest_request request;
	int r = mb_cmd_manifest_place_open(cx, typed, &place, err);

	if (r == 0)
		r = mb_cmd_registry_find_login(&place.reg, place.ref.domain, err);
	if (r < 0)
		return r;
	request = mb_cmd_manifest_request(&place, insecure);
	r = mb_image_manifest_ask(&place.ref, &request, ret, err);
	if (r > 0)
		mb_cmd_say("%s", err->msg);
	return r > 0 ? 1 : r;
}

/* All or none of @n members go into the list @name, which is there already or not. */
static int add(struct mb_store *store, const char *name, bool amend, struct mb_image_manifest *v,
               size_t n, struct mb_err *err)
{
	MB_AUTO_IMAGE_MANIFESTS struct mb_image_manifests list = {0};
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_image_manifests_lock(store, &lock, err);

	if (r == 0)
		r = mb_image_manifests_load(store, name, &list, err);
	if (r < 0)
		return r;
	if (r == 0 && !amend)
		return mb_fail(err, EEXIST,
		               "refusing to amend an existing manifest list with no --amend flag");
	if (r == MB_IMAGE_ABSENT)
		list.name = mb_strdup(name);
	for (size_t i = 0; i < n; i++)
		mb_image_manifests_put(&list, &v[i]);
	return mb_image_manifests_save(store, &list, err);
}

/* What registries say comes first: the lock is not held meanwhile. */
static int ask_and_add(struct mb_cmd_context *cx, const char *name, bool amend, bool insecure,
                       char *const *typed, size_t n, struct mb_err *err)
{
	struct mb_image_manifest *v = mb_calloc(n + 1, sizeof(*v));
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = ask(cx, typed[i], insecure, &v[i], err);
	if (r == 0)
		r = add(store, name, amend, v, n, err);
	for (size_t i = 0; i < n; i++)
		mb_image_manifest_done(&v[i]);
	free(v);
	return r;
}

static int create_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct create_args *args = in->args;
	MB_AUTO_CMD_MANIFEST_PLACE struct mb_cmd_manifest_place place = {0};
	MB_AUTO_IMAGE_MANIFESTS struct mb_image_manifests before = {0};
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_store *store = NULL;
	int r = mb_cmd_manifest_place_open(cx, in->operands[0], &place, err);

	if (r == 0 && place.ref.digest.alg)
		r = mb_fail(err, EINVAL, "a manifest list has a tag, not a digest");
	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	/* Before anybody is asked. */
	if (r == 0 && !args->amend &&
	    mb_image_manifests_load(store, place.name, &before, NULL) == 0)
		r = mb_fail(err, EEXIST,
		            "refusing to amend an existing manifest list with no --amend flag");
	if (r == 0)
		r = ask_and_add(cx, place.name, args->amend, args->insecure, in->operands + 1,
		                in->n_operands - 1, err);
	if (r != 0)
		return r;
	mb_str_addf(&out, "Created manifest list %s\n", place.name);
	return mb_cmd_put(&out);
}

static int add_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct create_args *args = in->args;
	MB_AUTO_CMD_MANIFEST_PLACE struct mb_cmd_manifest_place place = {0};
	MB_AUTO_IMAGE_MANIFESTS struct mb_image_manifests before = {0};
	int r = mb_cmd_manifest_place_open(cx, in->operands[0], &place, err);

	if (r == 0)
		r = mb_cmd_manifest_load(cx, place.name, &before, err);
	if (r == 0)
		r = ask_and_add(cx, place.name, true, args->insecure, in->operands + 1,
		                in->n_operands - 1, err);
	return r == 0 ? mb_cmd_put_line(place.name) : r;
}

static const struct mb_cli_opt create_opts[] = {
	MB_OPT_SWITCH('a', "amend", struct create_args, amend, "add to a list that is there"),
	MB_OPT_SWITCH(0, "insecure", struct create_args, insecure,
                      "take any certificate, and http"),
	MB_OPT_END,
};
static const struct mb_cli_opt add_opts[] = {
	MB_OPT_SWITCH(0, "insecure", struct create_args, insecure,
                      "take any certificate, and http"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_manifest_create = {
	.paths = "manifest create",
	.summary = "begin a list of images for several platforms",
	.operands = "MANIFEST_LIST MANIFEST [MANIFEST...]",
	.min = 2,
	.max = MB_CLI_MANY,
	.opts = create_opts,
	.args_size = sizeof(struct create_args),
	.examples = "mybox manifest create example.com/web:2 example.com/web:2-amd64 "
		    "example.com/web:2-arm64\n",
	.main = create_main,
};

const struct mb_cli_verb mb_cmd_manifest_add = {
	.paths = "manifest add",
	.summary = "add images to a list for several platforms",
	.operands = "MANIFEST_LIST MANIFEST [MANIFEST...]",
	.min = 2,
	.max = MB_CLI_MANY,
	.opts = add_opts,
	.args_size = sizeof(struct create_args),
	.examples = "mybox manifest add example.com/web:2 example.com/web:2-riscv64\n",
	.main = add_main,
};
