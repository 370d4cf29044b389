/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/pull.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/event.h"
#include "cmd/output.h"
#include "cmd/registry.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "oci/ref.h"
#include "registry/list.h"
#include "registry/registry.h"

struct pull_args {
	const char *platform;
	bool quiet, all_tags;
	int tls_verify;
	int64_t max_layer;
	struct mb_cmd_registry_who who;
};

static int put(const struct mb_cmd_pull_request *request, const struct mb_str *out)
{
	if (!request->beside)
		return mb_cmd_put(out);
	mb_write_full(STDERR_FILENO, mb_str_text(out), out->len);
	return 0;
}

static int put_begin(const struct mb_cmd_pull_request *request, const struct mb_oci_ref *ref)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	const char *typed = request->name, *last = strrchr(typed, '/');
	MB_AUTO_FREE char *name = mb_oci_ref_format(ref, MB_OCI_REF_CANONICAL);

	if (!request->beside && !strpbrk(last ? last : typed, ":@"))
		mb_str_add(&out, "Using default tag: latest\n");
	mb_str_addf(&out, "%s: Pulling from %s\n", ref->digest.alg ? name : ref->tag, ref->path);
	return put(request, &out);
}

static int put_end(const struct mb_cmd_pull_request *request, const struct mb_image_pulled *pulled,
                   const struct mb_oci_ref *ref)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	MB_AUTO_FREE char *familiar = mb_oci_ref_format(ref, MB_OCI_REF_FAMILIAR);

	if (!request->quiet)
		mb_str_addf(&out, "Digest: %s\nStatus: %s for %s\n", pulled->digest,
		            pulled->is_new ? "Downloaded newer image" : "Image is up to date",
		            familiar);
	if (!request->beside)
		mb_str_addf(&out, "%s\n", pulled->name);
	return put(request, &out);
}

static void tell(struct mb_store *store, const struct mb_oci_ref *ref)
{
	MB_AUTO_FREE char *name = mb_oci_ref_format_name(ref, MB_OCI_REF_FAMILIAR);
	MB_AUTO_FREE char *whole = mb_oci_ref_format(ref, MB_OCI_REF_FAMILIAR);

	mb_cmd_event_image(store, "pull", whole, name);
}

static int pull(struct mb_cmd_context *cx, const struct mb_cmd_pull_request *how,
                const struct mb_cmd_registry *reg, const struct mb_oci_ref *ref,
                struct mb_image_pulled *ret, struct mb_err *err)
{
	struct mb_cmd_transfer *transfer = mb_cmd_transfer_new(how->quiet);
	const struct mb_image_pull_request request = {
		.ref = ref,
		.platform = how->platform,
		.settings = &reg->settings,
		.login = reg->has_login ? &reg->login : NULL,
		.tls_verify = how->tls_verify,
		.agent = MB_CMD_AGENT,
		.nameless = how->nameless,
		.max_layer = how->max_layer,
		.report = {mb_cmd_transfer_report, transfer},
	};
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_image_pull(store, &request, ret, err);
	if (r == 0 && !how->nameless)
		tell(store, ref);
	mb_cmd_transfer_free(transfer);
	return r;
}

int mb_cmd_pull_image(struct mb_cmd_context *cx, const struct mb_cmd_pull_request *request,
                      struct mb_err *err)
{
	MB_AUTO_CMD_REGISTRY struct mb_cmd_registry reg = {0};
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	struct mb_image_pulled pulled = {0};
	int r = mb_cmd_registry_open(cx, &reg, err);

	if (r == 0)
		r = mb_cmd_registry_be(&reg, &request->who, err);
	if (r == 0)
		r = mb_registry_settings_resolve(&reg.settings, request->name, &ref, err);
	if (r == 0)
		r = mb_cmd_registry_find_login(&reg, ref.domain, err);
	if (r == 0 && !request->quiet)
		r = put_begin(request, &ref);
	if (r == 0)
		r = pull(cx, request, &reg, &ref, &pulled, err);
	if (r == 0 && request->ret_id)
		memcpy(request->ret_id, pulled.id, sizeof(pulled.id));
	if (r == 0)
		r = put_end(request, &pulled, &ref);
	mb_image_pulled_done(&pulled);
	return r;
}

/* --- all tags --------------------------------------------------------------------------------- */

/* The tags that the registry has of a repository. */
static int list_tags(const struct mb_cmd_pull_request *how, const struct mb_cmd_registry *reg,
                     const struct mb_oci_ref *ref, struct mb_strv *out, struct mb_err *err)
{
	const struct mb_registry_options options = {
		.settings = &reg->settings,
		.login = reg->has_login ? &reg->login : NULL,
		.tls_verify = how->tls_verify,
		.agent = MB_CMD_AGENT,
	};
	MB_AUTO(mb_registry_free) struct mb_registry *at = NULL;
	MB_AUTO_FREE char *name = mb_oci_ref_format_name(ref, MB_OCI_REF_FAMILIAR);
	int r = mb_registry_open(ref, &options, &at, err);

	if (r == 0)
		r = mb_registry_tags(at, out, err);
	if (r > 0)
		r = -ENOENT; /* told */
	if (r == 0 && !out->n)
		r = mb_fail(err, ENOENT, "it has no tags");
	return r < 0 ? mb_wrap(err, r, "cannot list the tags of '%.300s'", name) : 0;
}

static int pull_each(struct mb_cmd_context *cx, const struct mb_cmd_pull_request *how,
                     const struct mb_cmd_registry *reg, struct mb_oci_ref *ref,
                     const struct mb_strv *tags, struct mb_err *err)
{
	MB_AUTO_FREE char *canonical = mb_oci_ref_format_name(ref, MB_OCI_REF_CANONICAL);
	MB_AUTO_FREE char *familiar = mb_oci_ref_format_name(ref, MB_OCI_REF_FAMILIAR);
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	bool is_new = false;
	int r = 0;

	MB_STRV_FOREACH (tag, tags) {
		struct mb_image_pulled pulled = {0};

		mb_strset(&ref->tag, tag);
		mb_str_reset(&out);
		mb_str_addf(&out, "%s: Pulling from %s\n", tag, ref->path);
		r = how->quiet ? 0 : mb_cmd_put(&out);
		if (r == 0)
			r = pull(cx, how, reg, ref, &pulled, err);
		mb_str_reset(&out);
		if (r == 0 && !how->quiet) {
			mb_str_addf(&out, "Digest: %s\n", pulled.digest);
			r = mb_cmd_put(&out);
		}
		is_new = is_new || pulled.is_new;
		mb_image_pulled_done(&pulled);
		if (r != 0)
			return r;
	}
	mb_str_reset(&out);
	if (!how->quiet)
		mb_str_addf(&out, "Status: %s for %s\n",
		            is_new ? "Downloaded newer image" : "Image is up to date", familiar);
	mb_str_addf(&out, "%s\n", canonical);
	return mb_cmd_put(&out);
}

static int pull_all(struct mb_cmd_context *cx, const struct mb_cmd_pull_request *request,
                    struct mb_err *err)
{
	const char *last = strrchr(request->name, '/');
	MB_AUTO_CMD_REGISTRY struct mb_cmd_registry reg = {0};
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	MB_AUTO_STRV struct mb_strv tags = MB_STRV_INIT;
	int r;

	if (strpbrk(last ? last : request->name, ":@"))
		return mb_fail(err, EINVAL, "tag can't be used with --all-tags/-a");
	r = mb_cmd_registry_open(cx, &reg, err);
	if (r == 0)
		r = mb_cmd_registry_be(&reg, &request->who, err);
	if (r == 0)
		r = mb_registry_settings_resolve(&reg.settings, request->name, &ref, err);
	if (r == 0)
		r = mb_cmd_registry_find_login(&reg, ref.domain, err);
	if (r == 0)
		r = list_tags(request, &reg, &ref, &tags, err);
	return r == 0 ? pull_each(cx, request, &reg, &ref, &tags, err) : r;
}

static int pull_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct pull_args *args = in->args;
	struct mb_cmd_pull_request request = {.name = in->operands[0],
	                                      .platform = args->platform,
	                                      .tls_verify = args->tls_verify,
	                                      .max_layer = (uint64_t)args->max_layer,
	                                      .who = args->who,
	                                      .quiet = args->quiet};

	request.who.has_retry = mb_cli_is_given(in, "retry");
	return args->all_tags ? pull_all(cx, &request, err) : mb_cmd_pull_image(cx, &request, err);
}

static const struct mb_cli_opt pull_opts[] = {
	MB_OPT_SWITCH('a', "all-tags", struct pull_args, all_tags,
                      "pull every tag of the repository"),
	MB_CMD_REGISTRY_OPT_AUTHFILE(struct pull_args),
	MB_CMD_REGISTRY_OPT_CREDS(struct pull_args),
	MB_OPT_SIZE(0, "max-layer-size", "SIZE", struct pull_args, max_layer,
                    "refuse a layer that unpacks to more"),
	MB_OPT_STRING(0, "platform", NULL, struct pull_args, platform,
                      "of an index, this one: linux/arm64"),
	MB_OPT_SWITCH('q', "quiet", struct pull_args, quiet, "print the name alone"),
	MB_CMD_REGISTRY_OPT_RETRY(struct pull_args),
	MB_CMD_REGISTRY_OPT_RETRY_DELAY(struct pull_args),
	MB_OPT_TRI(0, "tls-verify", struct pull_args, tls_verify,
                   "want https with a valid certificate (default true)"),
	MB_OPT_IGNORED(0, "disable-content-trust", false, NULL),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_pull = {
	.paths = "pull|image pull",
	.summary = "bring an image in from a registry",
	.operands = "NAME[:TAG|@DIGEST]",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_IMAGE},
	.common = true,
	.opts = pull_opts,
	.args_size = sizeof(struct pull_args),
	.examples = "mybox pull debian:12\n"
		    "mybox pull --platform linux/arm64 registry.example.com/base/web\n"
		    "mybox pull -a registry.example.com/base/web\n",
	.main = pull_main,
};
