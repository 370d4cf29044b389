/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/manifests.h — lists of images for several platforms, on their way to a registry.
 *
 * A list is one document ROOT/manifests/NAME, put together from manifests that registries have:
 * of each the name, the descriptor and the very text.  It becomes an index when it is pushed.
 */
#ifndef MB_IMAGE_MANIFESTS_H
#define MB_IMAGE_MANIFESTS_H

#include <stdbool.h>
#include <stddef.h>

#include "image/image.h"
#include "oci/image_spec.h"

struct mb_err;
struct mb_oci_ref;
struct mb_registry_login;
struct mb_registry_settings;
struct mb_store;
struct mb_str;

enum { MB_IMAGE_MAX_MANIFESTS = 256, MB_IMAGE_MAX_MANIFEST_TEXT = 1536 * 1024 /* of all */ };

struct mb_image_manifest {
	char *name; /* canonical */
	struct mb_oci_descriptor descriptor;
	char *text; /* what has that digest */
};
struct mb_image_manifests {
	char *name; /* canonical, with a tag */
	struct mb_image_manifest *v;
	size_t n;
	struct mb_kv annotations; /* of the index, which is then OCI's; only sent, not saved */
};
void mb_image_manifest_done(struct mb_image_manifest *manifest);
#define MB_AUTO_IMAGE_MANIFEST __attribute__((cleanup(mb_image_manifest_done)))
void mb_image_manifests_done(struct mb_image_manifests *list);
#define MB_AUTO_IMAGE_MANIFESTS __attribute__((cleanup(mb_image_manifests_done)))

/* --- lists here ------------------------------------------------------------------------------ */

/* The lock under which lists change; not held over traffic. */
int mb_image_manifests_lock(struct mb_store *store, int *ret_fd, struct mb_err *err);
/* @name is canonical.  Digests are verified.  Return: 0; MB_IMAGE_ABSENT, told: "No such
 * manifest: x"; -errno, told. */
int mb_image_manifests_load(struct mb_store *store, const char *name,
                            struct mb_image_manifests *ret, struct mb_err *err);
/* Durable; replaces what was there. */
int mb_image_manifests_save(struct mb_store *store, const struct mb_image_manifests *list,
                            struct mb_err *err);
/* Return: 0; MB_IMAGE_ABSENT, told; -errno, told. */
int mb_image_manifests_remove(struct mb_store *store, const char *name, struct mb_err *err);
/* The member @name, borrowed, or NULL. */
struct mb_image_manifest *mb_image_manifests_find(const struct mb_image_manifests *list,
                                                  const char *name);
/* Put @manifest (emptied) in, in the place of one of its name. */
void mb_image_manifests_put(struct mb_image_manifests *list, struct mb_image_manifest *manifest);
/* The index that the list becomes, as text.  Return: its media type, constant: OCI's when a
 * member is of OCI's, else docker's. */
const char *mb_image_manifests_format(const struct mb_image_manifests *list, struct mb_str *out);
/* What is checked of every file of a list: for `system check`. */
int mb_image_manifests_check(struct mb_store *store, bool repair,
                             void (*finding)(void *arg, const char *name, bool repaired), void *arg,
                             struct mb_err *err);

/* --- and in registries ----------------------------------------------------------------------- */

struct mb_image_manifest_request {
	const struct mb_registry_settings *settings;
	const struct mb_registry_login *login; /* of the registry that is asked, or NULL */
	int tls_verify;                        /* as in struct mb_image_pull_request */
	const char *agent;
};
enum { MB_IMAGE_IS_LIST = 8 };
/* The manifest that @ref means, with the platform of its configuration.
 * Return: 0; MB_IMAGE_ABSENT, told: "no such manifest: x"; MB_IMAGE_IS_LIST, told: then only
 * text and media type of @ret are set; -errno, told. */
int mb_image_manifest_ask(const struct mb_oci_ref *ref,
                          const struct mb_image_manifest_request *request,
                          struct mb_image_manifest *ret, struct mb_err *err);
/* Send the list: manifests of other repositories of its registry and their blobs go to its own
 * first, each told to @pushed ("127.0.0.1:5000/a@sha256:...").  @ret_digest is the list's. */
int mb_image_manifests_push(struct mb_store *store, const struct mb_image_manifests *list,
                            const struct mb_image_manifest_request *request,
                            void (*pushed)(void *arg, const char *name), void *arg,
                            char ret_digest[MB_OCI_DIGEST_TEXT], struct mb_err *err);

#endif
