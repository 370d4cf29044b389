/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>

#include "core/own.h"
#include "image/layer.h"
#include "oci/digest.h"
#include "store/doc.h"
#include "store/store.h"
#include "json/json.h"

static const char file[] = "blob.json";

static const struct mb_json_field blob_table[] = {
	MB_JSON_STR("digest", struct mb_image_layer_blob, digest, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("mediaType", struct mb_image_layer_blob, media_type, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("registry", struct mb_image_layer_blob, registry, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("repository", struct mb_image_layer_blob, repository,
                    .flags = MB_JSON_REQUIRED),
	MB_JSON_I64("size", struct mb_image_layer_blob, size, .flags = MB_JSON_REQUIRED),
	MB_JSON_END,
};

void mb_image_layer_blob_done(struct mb_image_layer_blob *blob)
{
	mb_json_done(blob_table, blob);
}

static int open_layer(struct mb_store *store, const char *chain)
{
	MB_AUTO_CLOSE int layers = -1;

	if (mb_store_dir(store, "layers", false, &layers, NULL) < 0)
		return -1;
	return openat(layers, chain, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int mb_image_layer_blob_load(struct mb_store *store, const char *chain,
                             struct mb_image_layer_blob *ret)
{
	MB_AUTO_CLOSE int fd = open_layer(store, chain);
	struct mb_image_layer_blob blob = {0};

	if (fd < 0 || mb_store_doc_load(fd, file, blob_table, &blob, NULL) != 0)
		return MB_IMAGE_ABSENT;
	if (!mb_oci_digest_is_valid(blob.digest) || blob.size < 0) {
		mb_image_layer_blob_done(&blob);
		return MB_IMAGE_ABSENT;
	}
	*ret = blob;
	return 0;
}

void mb_image_layer_blob_save(struct mb_store *store, const char *chain,
                              const struct mb_image_layer_blob *blob)
{
	MB_AUTO_CLOSE int fd = open_layer(store, chain);

	if (fd >= 0)
		(void)mb_store_doc_save(fd, file, blob_table, blob, MB_DOC_REPLACE, NULL);
}
