/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/manifest.h — what the manifest verbs share. */
#ifndef MB_CMD_MANIFEST_H
#define MB_CMD_MANIFEST_H

#include "cmd/registry.h"
#include "image/manifests.h"
#include "oci/ref.h"

struct json_object;
struct mb_cmd_context;
struct mb_err;

/* A name as the user wrote it: settings, the reference, and the login at its registry. */
struct mb_cmd_manifest_place {
	struct mb_cmd_registry reg;
	struct mb_oci_ref ref;
	char *name; /* canonical */
};
int mb_cmd_manifest_place_open(const struct mb_cmd_context *cx, const char *typed,
                               struct mb_cmd_manifest_place *ret, struct mb_err *err);
void mb_cmd_manifest_place_done(struct mb_cmd_manifest_place *place);
#define MB_AUTO_CMD_MANIFEST_PLACE __attribute__((cleanup(mb_cmd_manifest_place_done)))

/* How the registry of @place is asked; borrows from it. */
struct mb_image_manifest_request mb_cmd_manifest_request(const struct mb_cmd_manifest_place *place,
                                                         bool insecure);
/* The list of that name here.  Return: 0; 1, said; -errno, told. */
int mb_cmd_manifest_load(struct mb_cmd_context *cx, const char *name,
                         struct mb_image_manifests *ret, struct mb_err *err);
/* @value indented by @unit for each level, as docker has it, to stdout. */
int mb_cmd_manifest_put(struct json_object *value, const char *unit);

#endif
