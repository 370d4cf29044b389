/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/human.h"
#include "image/image.h"

/* "[deb:latest other:1]" */
static int add_names(struct mb_store *store, const char *id, struct mb_str *out, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	MB_AUTO_FREE char *joined = NULL;
	int r = mb_image_names(store, id, &names, err);

	if (r < 0)
		return r;
	joined = mb_strv_join(&names, " ");
	mb_str_addf(out, "[%s]", joined);
	return 0;
}

/* The images whose topmost layer it is. */
static int add_tops(struct mb_store *store, const struct mb_image_list *images, const char *chain,
                    struct mb_str *out, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < images->n; i++) {
		MB_AUTO(mb_image_free) struct mb_image *image = NULL;

		if (mb_image_open(store, images->v[i].id, &image, NULL) != 0 || !image->layers.n ||
		    !mb_streq(image->layers.v[image->layers.n - 1], chain))
			continue;
		mb_str_add(out, " Top Layer of: ");
		r = add_names(store, image->id, out, err);
	}
	return r;
}

static int add_layers(struct mb_store *store, const struct mb_image *image, struct mb_str *out,
                      struct mb_err *err)
{
	MB_AUTO_FREE uint64_t *sizes = mb_calloc(image->layers.n + 1, sizeof(*sizes));
	struct mb_image_list images = {0};
	char text[MB_FORMAT_HUMAN_TEXT];
	int r = mb_image_layer_sizes(store, image, sizes, err);

	if (r == 0)
		r = mb_image_list_load(store, &images, err);
	for (size_t i = 0; r == 0 && i < image->layers.n; i++) {
		mb_str_addf(out, "%s ID: %.12s Size: %7s",
		            i + 1 == image->layers.n ? "└── " : "├── ", image->layers.v[i],
		            mb_format_size_short((double)sizes[i], text));
		r = add_tops(store, &images, image->layers.v[i], out, err);
		mb_str_addc(out, '\n');
	}
	mb_image_list_done(&images);
	return r;
}

static int tree_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	char text[MB_FORMAT_HUMAN_TEXT];
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_image_find(store, in->operands[0], &image, NULL, err);
	/* A positive answer is told, like a failure. */
	if (r != 0)
		return r > 0 ? -err->code : r;
	mb_str_addf(&out, "Image ID: %.12s\nTags:     ", image->id);
	r = add_names(store, image->id, &out, err);
	mb_str_addf(&out, "\nSize:     %s\nImage Layers\n",
	            mb_format_size_short((double)image->size, text));
	if (r == 0)
		r = add_layers(store, image, &out, err);
	return r < 0 ? r : mb_cmd_put(&out);
}

const struct mb_cli_verb mb_cmd_image_tree = {
	.paths = "image tree",
	.summary = "show the layers of an image, and whose they are",
	.operands = "IMAGE",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_IMAGE},
	.examples = "mybox image tree debian:12\n",
	.main = tree_main,
};
