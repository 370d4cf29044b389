/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/record.h — the prepared record: what a start needs of an image, checked before. */
#ifndef MB_IMAGE_RECORD_H
#define MB_IMAGE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"

struct mb_oci_image_config;

enum {
	MB_IMAGE_MAX_CONFIG = 8 << 20,
	MB_IMAGE_MAX_ENV = 4096,         /* variables, and likewise arguments, labels, volumes */
	MB_IMAGE_MAX_ENV_BYTES = 1 << 20 /* of all of them together */
};

/* Make the record of the configuration @config whose sha256 is @id: everything that a container
 * takes from it is checked here, once.  Chain ids are computed; sizes are the caller's.
 * Return: 0, or -EBADMSG and -E2BIG, told. */
int mb_image_record_make(const char *id, const struct mb_oci_image_config *config,
                         struct mb_image **ret, struct mb_err *err);
/* The chain id of a layer on top of @parent (NULL: lowest); all are 64 hex digits. */
void mb_image_chain_id(const char *parent, const char *diff_id, char ret[MB_IMAGE_ID_TEXT]);

/* IMAGES/ID.record; @fd is the directory.  Save is durable. */
int mb_image_record_save(int fd, const struct mb_image *image, struct mb_err *err);
/* Return: 0; MB_IMAGE_ABSENT, not told; -EBADMSG, told, when it is corrupt; -errno. */
int mb_image_record_load(int fd, const char *id, struct mb_image **ret, struct mb_err *err);

/* "ID.record" -> ID.  Return: whether @name is one. */
bool mb_image_record_name_parse(const char *name, char ret_id[MB_IMAGE_ID_TEXT]);

#endif
