/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/image.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/filter.h"
#include "format/human.h"
#include "format/table.h"
#include "image/image.h"
#include "json/json.h"

struct images_args {
	const char *format;
	struct mb_strv filters;
	bool all, quiet, no_trunc, digests;
};

/* What narrows the list, worked out once. */
struct choice {
	struct mb_format_filters filters;
	const char *operand;   /* REPOSITORY[:TAG], or NULL */
	int64_t before, since; /* creation times, 0 when not asked for */
};

static const struct mb_format_column columns[] = {
	{"Repository", "REPOSITORY"},
	{"Tag", "TAG"},
	{"Digest", "DIGEST", .is_off = true},
	{"ID", "IMAGE ID"},
	{"CreatedSince", "CREATED"},
	{"CreatedAt", "CREATED AT", .is_off = true},
	{"Size", "SIZE"},
	{"Containers", "CONTAINERS", .is_off = true},
	{"SharedSize", "SHARED SIZE", .is_off = true},
	{"UniqueSize", "UNIQUE SIZE", .is_off = true},
	{"VirtualSize", "VIRTUAL SIZE", .is_off = true},
	{NULL},
};
static const char *const known_filters[] = {"dangling", "label",     "label!", "before",
                                            "since",    "reference", "until",  NULL};

struct json_object *mb_cmd_image_row(const struct mb_image_row *image, const char *name,
                                     const char *digest, bool no_trunc)
{
	struct json_object *row = mb_json_new_object();
	MB_AUTO_FREE char *short_id = mb_format_short_id(image->id);
	MB_AUTO_FREE char *full_id = mb_asprintf("sha256:%s", image->id);
	struct mb_cmd_image_name split = {0};
	char text[MB_FORMAT_HUMAN_TEXT];

	mb_cmd_image_name_split(name, &split);
	mb_json_set_str(row, "Repository", split.repository);
	mb_json_set_str(row, "Tag", split.tag);
	mb_json_set_str(row, "Digest", digest && *digest ? digest : split.digest);
	mb_json_set_str(row, "ID", no_trunc ? full_id : short_id);
	mb_json_set_str(row, "CreatedSince", mb_format_ago(image->created, mb_now_nsec(), text));
	mb_json_set_str(row, "CreatedAt", mb_format_created_at(image->created, text));
	mb_json_set_str(row, "Size", mb_format_size_short((double)image->size, text));
	mb_json_set_str(row, "VirtualSize", mb_format_size((double)image->size, text));
	mb_json_set_str(row, "Containers", "N/A");
	mb_json_set_str(row, "SharedSize", "N/A");
	mb_json_set_str(row, "UniqueSize", "N/A");
	mb_cmd_row_labels(row, &image->labels);
	mb_cmd_image_name_done(&split);
	return row;
}

void mb_cmd_image_row_share(struct json_object *row, const struct mb_image_share *share)
{
	char text[MB_FORMAT_HUMAN_TEXT];

	mb_json_set_str(row, "SharedSize", mb_format_size_short((double)share->shared, text));
	mb_json_set_str(row, "UniqueSize", mb_format_size_short((double)share->unique, text));
}

static bool matches_image(const struct choice *choice, const struct mb_image_row *image,
                          bool wants_dangling)
{
	if (mb_format_filters_has(&choice->filters, "dangling") &&
	    wants_dangling != (image->names.n == 0))
		return false;
	return mb_format_filters_labels(&choice->filters, &image->labels) &&
	       (!choice->before || image->created < choice->before) &&
	       (!choice->since || image->created > choice->since);
}

static bool matches_name(const struct choice *choice, const char *name)
{
	const struct mb_strv *references = mb_format_filters_find(&choice->filters, "reference");
	bool found = !references;

	if (choice->operand && !mb_cmd_image_name_matches(name, choice->operand))
		return false;
	if (references)
		MB_STRV_FOREACH (pattern, references)
			found = found || mb_cmd_image_name_matches(name, pattern);
	return found;
}

/* @share may be NULL. */
static int add_image(const struct images_args *args, const struct choice *choice,
                     const struct mb_image_row *image, const struct mb_image_share *share,
                     struct mb_format_list *list, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < (image->names.n ? image->names.n : 1); i++) {
		const char *name = image->names.n ? image->names.v[i] : NULL;
		const char *digest = image->names.n ? image->digests.v[i] : NULL;
		MB_AUTO(mb_json_free) struct json_object *row = NULL;

		if (!matches_name(choice, name))
			continue;
		row = mb_cmd_image_row(image, name, digest, args->no_trunc);
		if (share)
			mb_cmd_image_row_share(row, share);
		r = mb_format_list_add(list, row, err);
	}
	return r;
}

/* The time that --filter before=, since= or until= means. */
static int find_time(struct mb_store *store, const struct mb_format_filters *filters,
                     const char *key, int64_t *ret, struct mb_err *err)
{
	const struct mb_strv *values = mb_format_filters_find(filters, key);
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	int r = 0;

	if (!values || values->n == 0)
		return 0;
	r = mb_image_find(store, values->v[0], &image, NULL, err);
	if (r)
		return r < 0 ? r : -ENOENT; /* told */
	*ret = image->created;
	return 0;
}

static int prepare(struct mb_store *store, struct choice *choice, struct mb_err *err)
{
	const struct mb_strv *until = mb_format_filters_find(&choice->filters, "until");
	int r = find_time(store, &choice->filters, "before", &choice->before, err);

	if (r == 0)
		r = find_time(store, &choice->filters, "since", &choice->since, err);
	if (r == 0 && until && until->n &&
	    mb_time_parse_reference(until->v[0], mb_now_nsec(), &choice->before) < 0)
		r = mb_fail(err, EINVAL, "invalid value '%s' for filter 'until'", until->v[0]);
	return r;
}

static int add_all(struct mb_store *store, const struct images_args *args,
                   const struct choice *choice, struct mb_format_list *list, struct mb_err *err)
{
	MB_AUTO_FREE struct mb_image_share *shares = NULL;
	struct mb_image_list images = {0};
	bool dangling = false;
	int r = mb_format_filters_bool(&choice->filters, "dangling", false, &dangling, err);

	if (r == 0)
		r = mb_image_list_load(store, &images, err);
	/* Only for who asks: it reads the documents of all layers. */
	if (r == 0 && args->format &&
	    (mb_format_list_uses(list, "SharedSize") || mb_format_list_uses(list, "UniqueSize")))
		r = mb_image_shares(store, &images, &shares, err);
	for (size_t i = 0; i < images.n && r == 0; i++)
		if (matches_image(choice, &images.v[i], dangling))
			r = add_image(args, choice, &images.v[i], shares ? &shares[i] : NULL, list,
			              err);
	if (images.n_corrupt)
		mb_cmd_say("mybox: warning: %zu images cannot be read", images.n_corrupt);
	mb_image_list_done(&images);
	return r;
}

static int images_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct images_args *args = in->args;
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	const char *format = mb_cmd_list_format(args->format, args->quiet, "{{.ID}}");
	struct choice choice = {.operand = in->n_operands ? in->operands[0] : NULL};
	struct mb_store *store = NULL;
	int r = mb_format_filters_parse(&args->filters, known_filters, &choice.filters, err);

	if (r == 0)
		r = mb_format_list_new(format, columns, mb_cmd_list_host(), &list, err);
	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (r == 0)
		r = prepare(store, &choice, err);
	if (r == 0) {
		mb_format_list_show(list, "Digest", args->digests);
		r = add_all(store, args, &choice, list, err);
	}
	mb_format_filters_done(&choice.filters);
	return r < 0 ? r : mb_cmd_list_put(list, err);
}

static const struct mb_cli_opt images_opts[] = {
	MB_OPT_SWITCH('a', "all", struct images_args, all,
                      "accepted: there are no hidden images here"),
	MB_OPT_SWITCH(0, "digests", struct images_args, digests, "show digests"),
	MB_OPT_LIST('f', "filter", "filter", struct images_args, filters,
                    "only those that match, as key=value", .is_pairs = true),
	MB_OPT_STRING(0, "format", NULL, struct images_args, format,
                      "print by a Go template, \"table\" or \"json\""),
	MB_OPT_SWITCH(0, "no-trunc", struct images_args, no_trunc, "do not shorten ids"),
	MB_OPT_SWITCH('q', "quiet", struct images_args, quiet, "print ids only"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_images = {
	.paths = "images|image ls|image list",
	.summary = "list images",
	.operands = "[REPOSITORY[:TAG]]",
	.max = 1,
	.complete = {MB_COMP_IMAGE},
	.common = true,
	.opts = images_opts,
	.args_size = sizeof(struct images_args),
	.examples = "mybox images debian\n"
		    "mybox images --filter reference='example/*' --format '{{.ID}} {{.Tag}}'\n",
	.main = images_main,
};
