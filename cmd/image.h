/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/image.h — what the image verbs share. */
#ifndef MB_CMD_IMAGE_H
#define MB_CMD_IMAGE_H

#include <stdbool.h>

struct json_object;
struct mb_cmd_progress;
struct mb_err;
struct mb_image;
struct mb_image_progress;
struct mb_image_row;
struct mb_image_share;
struct mb_store;

/* "repo:tag" or "repo@sha256:..." in parts; what is not there, and NULL, is "<none>". */
struct mb_cmd_image_name {
	char *repository, *tag, *digest;
};
void mb_cmd_image_name_split(const char *name, struct mb_cmd_image_name *ret);
void mb_cmd_image_name_done(struct mb_cmd_image_name *split);
/* Whether the glob @pattern means the name, with its tag or without.  NULL is matched by none. */
bool mb_cmd_image_name_matches(const char *name, const char *pattern);

/* What inspect shows of @image; owned by the caller. */
int mb_cmd_image_describe(struct mb_store *store, const struct mb_image *image,
                          struct json_object **ret, struct mb_err *err);

/* @image as a row of `images`, under one of its names (NULL: none) with its digest (or NULL); and
 * what it shares, which is "N/A" before.  Owned by the caller. */
struct json_object *mb_cmd_image_row(const struct mb_image_row *image, const char *name,
                                     const char *digest, bool no_trunc);
void mb_cmd_image_row_share(struct json_object *row, const struct mb_image_share *share);

/* For struct mb_image_report: draws on the struct mb_cmd_progress @progress. */
void mb_cmd_image_report(void *progress, const struct mb_image_progress *p);

#endif
