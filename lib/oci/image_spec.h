/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/oci/image_spec.h — documents of images: manifest, index and configuration.
 *
 * Both families are read: OCI's (application/vnd.oci.image.*) and docker's schema 2.  The
 * structs are pure data; strings are owned by them and may be NULL when absent.
 */
#ifndef MB_OCI_IMAGE_SPEC_H
#define MB_OCI_IMAGE_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/own.h"
#include "core/strv.h"
#include "oci/digest.h"
#include "json/table.h"

struct json_object;
struct mb_err;

enum {
	MB_OCI_MAX_MANIFEST = 4 * 1024 * 1024, /* bytes of a manifest or index */
	MB_OCI_MAX_CONFIG = 8 * 1024 * 1024,
	MB_OCI_MAX_LAYERS = 128,
	MB_OCI_MAX_MANIFESTS = 1024, /* of an index */
};

#define MB_OCI_TYPE_MANIFEST        "application/vnd.oci.image.manifest.v1+json"
#define MB_OCI_TYPE_INDEX           "application/vnd.oci.image.index.v1+json"
#define MB_OCI_TYPE_CONFIG          "application/vnd.oci.image.config.v1+json"
#define MB_OCI_TYPE_LAYER           "application/vnd.oci.image.layer.v1.tar"
#define MB_OCI_TYPE_LAYER_GZIP      "application/vnd.oci.image.layer.v1.tar+gzip"
#define MB_OCI_TYPE_LAYER_ZSTD      "application/vnd.oci.image.layer.v1.tar+zstd"
#define MB_OCI_TYPE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MB_OCI_TYPE_DOCKER_LIST     "application/vnd.docker.distribution.manifest.list.v2+json"
#define MB_OCI_TYPE_DOCKER_CONFIG   "application/vnd.docker.container.image.v1+json"
#define MB_OCI_TYPE_DOCKER_LAYER    "application/vnd.docker.image.rootfs.diff.tar"
#define MB_OCI_TYPE_DOCKER_GZIP     "application/vnd.docker.image.rootfs.diff.tar.gzip"

enum mb_oci_kind { MB_OCI_KIND_UNKNOWN, MB_OCI_KIND_MANIFEST, MB_OCI_KIND_INDEX };
enum mb_oci_layer_kind { /* of a layer's media type */
	                 MB_OCI_LAYER_UNKNOWN,
	                 MB_OCI_LAYER_TAR,
	                 MB_OCI_LAYER_GZIP,
	                 MB_OCI_LAYER_ZSTD,
};

struct mb_oci_platform {
	char *os, *architecture, *variant, *os_version;
	struct mb_strv os_features;
};

struct mb_oci_descriptor {
	char *media_type;
	char *digest_text; /* as read; use digest */
	struct mb_oci_digest digest;
	int64_t size; /* >= 0 */
	struct mb_oci_platform platform;
	struct mb_kv annotations;
	char *artifact_type;
};

struct mb_oci_manifest {
	int schema_version; /* 2 */
	char *media_type, *artifact_type;
	struct mb_oci_descriptor config;
	struct mb_oci_descriptor *layers;
	size_t n_layers;
	struct mb_kv annotations;
};

struct mb_oci_index {
	int schema_version; /* 2 */
	char *media_type;
	struct mb_oci_descriptor *manifests;
	size_t n_manifests;
	struct mb_kv annotations;
};

struct mb_oci_healthcheck {
	struct mb_strv test; /* {"NONE"}, {"CMD", ...}, {"CMD-SHELL", line} */
	int64_t interval_nsec, timeout_nsec, start_period_nsec, start_interval_nsec;
	int retries;
};

struct mb_oci_history {
	int64_t created; /* nsec since 1970 */
	char *created_by, *author, *comment;
	bool empty_layer;
};

/* What the image says about processes made from it. */
struct mb_oci_container_config {
	char *user, *working_dir, *stop_signal;
	struct mb_strv env, entrypoint, cmd, shell, on_build;
	struct mb_strv exposed_ports; /* "80/tcp" */
	struct mb_strv volumes;       /* absolute paths */
	struct mb_kv labels;
	struct mb_oci_healthcheck *healthcheck; /* NULL when the image has none */
	int64_t stop_timeout;
	bool has_stop_timeout;
	bool args_escaped;
};

struct mb_oci_image_config {
	int64_t created; /* nsec since 1970; 0 when unknown */
	char *author, *comment, *docker_version;
	char *architecture, *os, *os_version, *variant;
	struct mb_oci_container_config config;
	char *rootfs_type;       /* "layers" */
	struct mb_strv diff_ids; /* as text; every one is a valid digest */
	struct mb_oci_history *history;
	size_t n_history;
};

/* What a document is, by its members and by its mediaType, which must agree: a document with
 * both `manifests` and `layers` (or `config`) is refused.  Return: 0 or -EBADMSG. */
int mb_oci_document_kind(struct json_object *o, enum mb_oci_kind *ret, struct mb_err *err);
enum mb_oci_layer_kind mb_oci_layer_kind(const char *media_type);

/* Decode and validate: schema version, digests, sizes, numbers of elements, media types.
 * *@ret is released with its _done() only after success.  Return: 0 or -errno. */
int mb_oci_manifest_load(const char *text, size_t len, struct mb_oci_manifest *ret,
                         struct mb_err *err);
int mb_oci_index_load(const char *text, size_t len, struct mb_oci_index *ret, struct mb_err *err);
int mb_oci_image_config_load(const char *text, size_t len, struct mb_oci_image_config *ret,
                             struct mb_err *err);
struct json_object *mb_oci_manifest_save(const struct mb_oci_manifest *m);
struct json_object *mb_oci_index_save(const struct mb_oci_index *index);
struct json_object *mb_oci_image_config_save(const struct mb_oci_image_config *c);
void mb_oci_manifest_done(struct mb_oci_manifest *m);
void mb_oci_index_done(struct mb_oci_index *index);
void mb_oci_image_config_done(struct mb_oci_image_config *c);
void mb_oci_descriptor_done(struct mb_oci_descriptor *d);
/* Set both forms of the digest. */
void mb_oci_descriptor_set_digest(struct mb_oci_descriptor *d, const struct mb_oci_digest *digest);

/* The manifest of @index that suits @os, @architecture and @variant (NULL: any) best; NULL when
 * none does.  Descriptors of attestations never suit.  Borrowed from @index. */
const struct mb_oci_descriptor *mb_oci_index_find(const struct mb_oci_index *index, const char *os,
                                                  const char *architecture, const char *variant);
/* The names that Go has for this machine: "amd64" and NULL, "arm" and "v7", ... */
void mb_oci_host_architecture(const char **ret_architecture, const char **ret_variant);
/* "linux/amd64".  Caller frees. */
char *mb_oci_host_platform(void);
/* A platform as people write it ("arm64", "linux/x86_64", "linux/arm64/v8", "linux", "local") as
 * containerd does ("linux/arm64").  Return: 0, *@ret is the caller's; -EINVAL; -EOPNOTSUPP: a list,
 * or not linux; told. */
int mb_oci_platform_parse(const char *text, char **ret, struct mb_err *err);
/* @platform, as the above gives it, is what an image says of itself.  What it leaves open (NULL or
 * "") suits. */
bool mb_oci_platform_suits(const char *platform, const char *os, const char *architecture,
                           const char *variant);

/* Tables, for documents that carry these structs inside (docker's inspect, container.json). */
extern const struct mb_json_field mb_oci_container_config_table[];
extern const struct mb_json_field mb_oci_healthcheck_table[];
extern const struct mb_json_field mb_oci_descriptor_table[];
extern const struct mb_json_field mb_oci_image_config_table[];

#endif
