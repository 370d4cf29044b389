/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/commit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/sha256.h"
#include "core/str.h"
#include "image/image.h"
#include "image/record.h"
#include "image/refs.h"
#include "oci/image_spec.h"
#include "store/doc.h"
#include "store/lock.h"
#include "store/store.h"
#include "sys/tree.h"
#include "json/json.h"

int mb_image_commit_sync(struct mb_store *store, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_store_dir(store, "layers", false, &fd, err);

	if (r == 0 && syncfs(fd) < 0)
		r = mb_fail_sys(err, errno, "cannot write the layers to disk");
	return r;
}

int mb_image_commit(struct mb_store *store, const struct mb_image *image,
                    const struct mb_str *config, struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *here = NULL;
	MB_AUTO_CLOSE int fd = -1;
	char name[MB_IMAGE_ID_TEXT + sizeof(".json")];
	int r = mb_store_dir(store, "images", false, &fd, err);

	/* What is here already is not to go for that. */
	if (r < 0 || (image->passes && mb_image_open(store, image->id, &here, NULL) == 0))
		return r;
	snprintf(name, sizeof(name), "%.64s.json", image->id);
	r = mb_store_file_write(fd, name, mb_str_text(config), config->len,
	                        MB_DOC_DURABLE | MB_DOC_REPLACE, err);
	return r < 0 ? r : mb_image_record_save(fd, image, err);
}

struct request {
	const struct mb_oci_image_config *config;
	uint64_t bytes;
	const char *name;
	bool passes;
};

static int commit_new(struct mb_store *store, const struct request *request,
                      char ret_id[MB_IMAGE_ID_TEXT], struct mb_err *err)
{
	const struct mb_oci_image_config *config = request->config;
	MB_AUTO(mb_json_free) struct json_object *tree = mb_oci_image_config_save(config);
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_CLOSE int lock = -1;
	char id[MB_IMAGE_ID_TEXT];
	int r;

	mb_json_format(tree, false, &text);
	mb_sha256_text(mb_str_text(&text), text.len, id);
	r = mb_image_record_make(id, config, &image, err);
	if (r < 0)
		return r;
	image->size = request->bytes;
	image->passes = request->passes;
	r = mb_image_commit_sync(store, err);
	if (r == 0)
		r = mb_image_refs_lock(store, &lock, err);
	if (r == 0)
		r = mb_image_commit(store, image, &text, err);
	if (r == 0 && request->name)
		r = mb_image_ref_set(store, request->name, id, NULL, err);
	if (r == 0)
		memcpy(ret_id, id, sizeof(id));
	return r;
}

int mb_image_commit_new(struct mb_store *store, const struct mb_oci_image_config *config,
                        uint64_t bytes, const char *name, char ret_id[MB_IMAGE_ID_TEXT],
                        struct mb_err *err)
{
	const struct request request = {config, bytes, name, false};

	return commit_new(store, &request, ret_id, err);
}

int mb_image_commit_passing(struct mb_store *store, const struct mb_oci_image_config *config,
                            uint64_t bytes, char ret_id[MB_IMAGE_ID_TEXT], struct mb_err *err)
{
	const struct request request = {config, bytes, NULL, true};

	return commit_new(store, &request, ret_id, err);
}

void mb_image_commit_clean(struct mb_store *store)
{
	MB_AUTO_CLOSE int lock = -1, ingest = -1;

	if (mb_store_lock(store, MB_RANK_IMAGE, "images", true, false, &lock, NULL) != 0)
		return;
	if (mb_store_dir_find(store, "ingest", false, &ingest, NULL) == 0)
		mb_sys_tree_empty(ingest, NULL);
}
