/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "core/err.h"
#include "core/io.h"
#include "core/sha256.h"
#include "oci/image_spec.h"
#include "registry/client_priv.h"

static const char accepted[] = MB_OCI_TYPE_MANIFEST
	", " MB_OCI_TYPE_INDEX ", " MB_OCI_TYPE_DOCKER_MANIFEST ", " MB_OCI_TYPE_DOCKER_LIST;

void mb_registry_manifest_done(struct mb_registry_manifest *manifest)
{
	mb_str_done(&manifest->text);
	free(manifest->media_type);
	*manifest = (struct mb_registry_manifest){0};
}

static void compute(const struct mb_str *text, struct mb_oci_digest *ret)
{
	char hex[MB_SHA256_TEXT];

	mb_sha256_text(mb_str_text(text), text->len, hex);
	mb_oci_digest_from_hex(hex, ret);
}

/* The digest that was asked for, and the one in the header, must be the text's. */
static int check_digest(const struct mb_registry_manifest *manifest, const char *reference,
                        const char *told, struct mb_err *err)
{
	char text[MB_OCI_DIGEST_TEXT];

	mb_oci_digest_format(&manifest->digest, text);
	if (strchr(reference, ':') && strcmp(reference, text) != 0)
		return mb_fail(err, EBADMSG, "the content of '%.80s' is '%s'", reference, text);
	if (told && mb_starts_with(told, "sha256:") && strcmp(told, text) != 0)
		return mb_fail(err, EBADMSG, "the manifest is '%s', not '%.80s' as its header says",
		               text, told);
	return 0;
}

static int check_type(const struct mb_registry_manifest *manifest, struct mb_err *err)
{
	MB_AUTO_FREE char *shown = NULL;

	if (!manifest->media_type || !mb_starts_with(manifest->media_type, "text/"))
		return 0;
	shown = mb_printable(manifest->media_type);
	return mb_fail(err, EBADMSG, "the answer is '%.100s', not a manifest", shown);
}

static int take(struct mb_registry_answer *answer, const char *reference,
                struct mb_registry_manifest *ret, struct mb_err *err)
{
	const char *type = mb_kv_find(&answer->head.fields, "content-type");
	struct mb_registry_manifest manifest = {0};
	int r;

	if (type)
		manifest.media_type = mb_strndup(type, strcspn(type, "; \t,"));
	manifest.text = answer->text;
	answer->text = MB_STR_INIT;
	compute(&manifest.text, &manifest.digest);
	r = check_type(&manifest, err);
	if (r == 0)
		r = check_digest(&manifest, reference,
		                 mb_kv_find(&answer->head.fields, "docker-content-digest"), err);
	if (r < 0)
		mb_registry_manifest_done(&manifest);
	else
		*ret = manifest;
	return r;
}

int mb_registry_manifest_get(struct mb_registry *reg, const char *reference,
                             struct mb_registry_manifest *ret, struct mb_err *err)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	MB_AUTO_FREE char *url = mb_asprintf("/v2/%s/manifests/%s", reg->path, reference);
	const struct mb_registry_request request = {
		.method = "GET",
		.url = url,
		.body_fd = -1,
		.accept = accepted,
		.limit = MB_OCI_MAX_MANIFEST,
	};
	int r = mb_registry_request(reg, &request, &answer, err);

	if (r < 0)
		return r;
	if (answer.head.status == 200)
		return take(&answer, reference, ret, err);
	r = mb_registry_refused(&answer, "no manifest", err);
	return answer.head.status == 404 ? MB_REGISTRY_ABSENT : r;
}

int mb_registry_manifest_put(struct mb_registry *reg, const char *reference, const char *media_type,
                             const struct mb_str *text, struct mb_err *err)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	MB_AUTO_FREE char *url = mb_asprintf("/v2/%s/manifests/%s", reg->path, reference);
	MB_AUTO_CLOSE int fd = memfd_create("manifest", MFD_CLOEXEC);
	const struct mb_registry_request request = {
		.method = "PUT",
		.url = url,
		.content_type = media_type,
		.body_fd = fd,
		.body_size = text->len,
		.limit = MB_REGISTRY_MAX_ERROR,
	};
	int r = fd < 0 ? -errno : mb_write_full(fd, mb_str_text(text), text->len);

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot make a memory file");
	r = mb_registry_request(reg, &request, &answer, err);
	if (r == 0 && answer.head.status != 201)
		r = mb_registry_refused(&answer, "the manifest was not taken", err);
	return r;
}
