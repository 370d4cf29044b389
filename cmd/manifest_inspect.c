/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/manifest.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "json/json.h"

struct inspect_args {
	bool verbose, insecure;
};

static struct json_object *parse(const char *text)
{
	struct json_object *tree = NULL;

	(void)mb_json_parse(text, strlen(text), &tree, NULL); /* it was one when it came */
	return tree;
}

/* Docker's words for a manifest and where it is from. */
static struct json_object *describe(const struct mb_image_manifest *m)
{
	struct json_object *o = mb_json_new_object();
	bool is_oci = strcmp(m->descriptor.media_type, MB_OCI_TYPE_MANIFEST) == 0;

	mb_json_set_str(o, "Ref", m->name);
	mb_json_set(o, "Descriptor", mb_json_encode(mb_oci_descriptor_table, &m->descriptor));
	mb_json_set(o, is_oci ? "OCIManifest" : "SchemaV2Manifest", parse(m->text));
	return o;
}

static int put_manifest(const struct mb_image_manifest *m, bool verbose)
{
	MB_AUTO(mb_json_free) struct json_object *o = verbose ? describe(m) : parse(m->text);

	return mb_cmd_manifest_put(o, "\t");
}

static int put_list(const struct mb_image_manifests *list, bool verbose)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	if (!verbose) {
		mb_image_manifests_format(list, &text);
		o = parse(mb_str_text(&text));
		return mb_cmd_manifest_put(o, "   ");
	}
	o = mb_json_new_array();
	for (size_t i = 0; i < list->n; i++)
		mb_json_push(o, describe(&list->v[i]));
	return mb_cmd_manifest_put(o, "\t");
}

/* Each member of an index in the registry. */
static int ask_members(const struct mb_cmd_manifest_place *place, const struct mb_oci_index *index,
                       const struct mb_image_manifest_request *request,
                       struct mb_image_manifests *ret, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < index->n_manifests; i++) {
		MB_AUTO_IMAGE_MANIFEST struct mb_image_manifest m = {0};
		struct mb_oci_ref ref = place->ref;

		ref.tag = NULL;
		ref.digest = index->manifests[i].digest;
		r = mb_image_manifest_ask(&ref, request, &m, err);
		if (r == 0)
			mb_image_manifests_put(ret, &m);
	}
	return r;
}

static int put_index(const struct mb_cmd_manifest_place *place, const struct mb_image_manifest *m,
                     const struct mb_image_manifest_request *request, bool verbose,
                     struct mb_err *err)
{
	MB_AUTO_IMAGE_MANIFESTS struct mb_image_manifests list = {0};
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	struct mb_oci_index index = {0};
	int r = mb_oci_index_load(m->text, strlen(m->text), &index, err);

	if (r < 0)
		return r;
	if (verbose)
		r = ask_members(place, &index, request, &list, err);
	mb_oci_index_done(&index);
	if (r > 0) {
		mb_cmd_say("%s", err->msg);
		return 1;
	}
	if (r < 0)
		return r;
	o = verbose ? NULL : parse(m->text);
	return verbose ? put_list(&list, true) : mb_cmd_manifest_put(o, "   ");
}

/* In the registry. */
static int inspect_there(struct mb_cmd_manifest_place *place, const struct inspect_args *args,
                         struct mb_err *err)
{
	MB_AUTO_IMAGE_MANIFEST struct mb_image_manifest m = {0};
	struct mb_image_manifest_request request;
	int r = mb_cmd_registry_find_login(&place->reg, place->ref.domain, err);

	if (r < 0)
		return r;
	request = mb_cmd_manifest_request(place, args->insecure);
	r = mb_image_manifest_ask(&place->ref, &request, &m, err);
	if (r == 0)
		return put_manifest(&m, args->verbose);
	if (r == MB_IMAGE_IS_LIST)
		return put_index(place, &m, &request, args->verbose, err);
	if (r > 0)
		mb_cmd_say("%s", err->msg);
	return r > 0 ? 1 : r;
}

/* A member of a list here. */
static int inspect_member(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                          struct mb_err *err)
{
	const struct inspect_args *args = in->args;
	MB_AUTO_CMD_MANIFEST_PLACE struct mb_cmd_manifest_place place = {0}, member = {0};
	MB_AUTO_IMAGE_MANIFESTS struct mb_image_manifests list = {0};
	const struct mb_image_manifest *m;
	int r = mb_cmd_manifest_place_open(cx, in->operands[0], &place, err);

	if (r == 0)
		r = mb_cmd_manifest_place_open(cx, in->operands[1], &member, err);
	if (r == 0)
		r = mb_cmd_manifest_load(cx, place.name, &list, err);
	if (r != 0)
		return r;
	m = mb_image_manifests_find(&list, member.name);
	if (m)
		return put_manifest(m, args->verbose);
	mb_cmd_say("No such manifest: %s", in->operands[1]);
	return 1;
}

static int inspect_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	const struct inspect_args *args = in->args;
	MB_AUTO_CMD_MANIFEST_PLACE struct mb_cmd_manifest_place place = {0};
	MB_AUTO_IMAGE_MANIFESTS struct mb_image_manifests list = {0};
	struct mb_store *store = NULL;
	int r;

	if (in->n_operands == 2)
		return inspect_member(cx, in, err);
	r = mb_cmd_manifest_place_open(cx, in->operands[0], &place, err);
	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (r == 0)
		r = mb_image_manifests_load(store, place.name, &list, err);
	if (r == 0)
		return put_list(&list, args->verbose);
	return r < 0 ? r : inspect_there(&place, args, err);
}

static const struct mb_cli_opt inspect_opts[] = {
	MB_OPT_SWITCH(0, "insecure", struct inspect_args, insecure,
                      "take any certificate, and http"),
	MB_OPT_SWITCH('v', "verbose", struct inspect_args, verbose, "say what each member is, too"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_manifest_inspect = {
	.paths = "manifest inspect",
	.summary = "show a manifest or a list of them",
	.operands = "[MANIFEST_LIST] MANIFEST",
	.min = 1,
	.max = 2,
	.opts = inspect_opts,
	.args_size = sizeof(struct inspect_args),
	.examples = "mybox manifest inspect debian:12\n",
	.main = inspect_main,
};
