/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/registry.h — one repository of one registry: manifests and blobs, to and fro.
 *
 * OCI distribution 1.1 and docker's schema 2.  Everything that comes is measured against the size
 * and the digest that were asked for, while it comes.
 */
#ifndef MB_REGISTRY_REGISTRY_H
#define MB_REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/own.h"
#include "core/str.h"
#include "oci/digest.h"

struct mb_err;
struct mb_oci_ref;
struct mb_registry;
struct mb_registry_login;
struct mb_registry_settings;
struct mb_registry_transport;

struct mb_registry_options {
	const struct mb_registry_settings *settings;
	const struct mb_registry_login *login; /* NULL: nobody; copied */
	int tls_verify;                        /* -1: take any certificate, and http */
	bool push;                             /* the rights to ask for */
	bool search;                           /* docker.io has another host for that */
	const char *mirror;                    /* ask this one in place of the registry, or NULL */
	const char *agent;                     /* the value of User-Agent */
	struct mb_registry_transport *transport; /* taken; NULL: the one there is */
};
/* The repository of @ref.  Nothing is sent yet.  Return: 0 or -errno, told. */
int mb_registry_open(const struct mb_oci_ref *ref, const struct mb_registry_options *options,
                     struct mb_registry **ret, struct mb_err *err);
void mb_registry_free(struct mb_registry *reg);
MB_AUTO_DEFINE(struct mb_registry, mb_registry_free)

/* What is not there: told as "manifest unknown" and the like. */
enum { MB_REGISTRY_ABSENT = 1 };

/* May we come in?  With a login, whether it is a good one.  Return: 0 or -errno, told. */
int mb_registry_ping(struct mb_registry *reg, struct mb_err *err);

struct mb_registry_manifest {
	struct mb_str text;
	struct mb_oci_digest digest; /* computed */
	char *media_type;            /* as the header has it, without parameters; or NULL */
};
void mb_registry_manifest_done(struct mb_registry_manifest *manifest);
/* The manifest or index @reference, a tag or a digest, which it must then have.
 * Return: 0; MB_REGISTRY_ABSENT; -errno. */
int mb_registry_manifest_get(struct mb_registry *reg, const char *reference,
                             struct mb_registry_manifest *ret, struct mb_err *err);
int mb_registry_manifest_put(struct mb_registry *reg, const char *reference, const char *media_type,
                             const struct mb_str *text, struct mb_err *err);

/* Told of the bytes that are there so far; a negative return ends the transfer. */
struct mb_registry_watch {
	int (*tick)(void *arg, uint64_t done);
	void *arg;
};
/* Bring the file @fd, which has the first @have bytes of the blob, to its @size bytes.  What is
 * there is hashed along; a transfer that breaks goes on where it was; a server that cannot do
 * that begins again.  Return: 0, the digest verified; MB_REGISTRY_ABSENT; -EBADMSG when what came
 * is something else (@fd is then empty); -errno. */
int mb_registry_blob_fetch(struct mb_registry *reg, const struct mb_oci_digest *digest,
                           uint64_t size, int fd, uint64_t have,
                           const struct mb_registry_watch *watch, struct mb_err *err);
/* A small one, to memory. */
int mb_registry_blob_read(struct mb_registry *reg, const struct mb_oci_digest *digest,
                          uint64_t size, struct mb_str *out, struct mb_err *err);

/* Return: 0 and @ret_there; or -errno. */
int mb_registry_blob_is_there(struct mb_registry *reg, const struct mb_oci_digest *digest,
                              bool *ret_there, struct mb_err *err);
/* Let the blob be taken over from the repository @from of the same registry.  Return: 0 and
 * @ret_done; or -errno. */
int mb_registry_blob_mount(struct mb_registry *reg, const struct mb_oci_digest *digest,
                           const char *from, bool *ret_done, struct mb_err *err);
/* Send @size bytes of the file @fd from @offset on. */
int mb_registry_blob_send(struct mb_registry *reg, const struct mb_oci_digest *digest, int fd,
                          uint64_t offset, uint64_t size, const struct mb_registry_watch *watch,
                          struct mb_err *err);

#endif
