/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blobs to a registry: looked for, taken over from a neighbour, or sent in one piece. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/err.h"
#include "registry/client_priv.h"
#include "registry/url.h"

int mb_registry_blob_is_there(struct mb_registry *reg, const struct mb_oci_digest *digest,
                              bool *ret_there, struct mb_err *err)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	MB_AUTO_FREE char *url = mb_asprintf("/v2/%s/blobs/sha256:%s", reg->path, digest->hex);
	const struct mb_registry_request request = {
		.method = "HEAD", .url = url, .body_fd = -1, .limit = MB_REGISTRY_MAX_ERROR};
	int r = mb_registry_request(reg, &request, &answer, err);

	if (r < 0)
		return r;
	if (answer.head.status != 200 && answer.head.status != 404)
		return mb_registry_refused(&answer, "cannot look for a blob", err);
	*ret_there = answer.head.status == 200;
	return 0;
}

/* POST to @url without a body. */
static int post(struct mb_registry *reg, const char *url, struct mb_registry_answer *answer,
                struct mb_err *err)
{
	MB_AUTO_CLOSE int nothing = memfd_create("nothing", MFD_CLOEXEC);
	const struct mb_registry_request request = {
		.method = "POST", .url = url, .body_fd = nothing, .limit = MB_REGISTRY_MAX_ERROR};

	if (nothing < 0)
		return mb_fail_sys(err, errno, "cannot make a memory file");
	return mb_registry_request(reg, &request, answer, err);
}

/* Where the upload goes on; caller frees. */
static int find_location(const struct mb_registry_answer *answer, char **ret, struct mb_err *err)
{
	const char *location = mb_kv_find(&answer->head.fields, "location");

	if (!location)
		return mb_fail(err, EBADMSG, "the registry does not say where to send a blob");
	return mb_registry_url_resolve(answer->url, location, ret, err);
}

/* The registry began an upload that nobody wants. */
static void cancel(struct mb_registry *reg, const struct mb_registry_answer *begun)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	MB_AUTO_FREE char *url = NULL;
	struct mb_registry_request request = {
		.method = "DELETE", .body_fd = -1, .once = true, .limit = MB_REGISTRY_MAX_ERROR};

	if (find_location(begun, &url, NULL) < 0)
		return;
	request.url = url;
	mb_registry_request(reg, &request, &answer, NULL);
}

int mb_registry_blob_mount(struct mb_registry *reg, const struct mb_oci_digest *digest,
                           const char *from, bool *ret_done, struct mb_err *err)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	MB_AUTO_FREE char *scope = mb_asprintf("repository:%s:pull", from);
	MB_AUTO_STR struct mb_str url = MB_STR_INIT;
	char text[MB_OCI_DIGEST_TEXT];
	int r;

	if (!mb_strv_has(&reg->scopes, scope)) {
		/* The token so far does not reach there; without one the registry asks again. */
		mb_strv_add(&reg->scopes, scope);
		if (mb_skip_prefix(reg->authorization, "Bearer ")) {
			free(reg->authorization);
			reg->authorization = NULL;
		}
	}
	mb_str_addf(&url, "/v2/%s/blobs/uploads/", reg->path);
	mb_registry_url_add_query(&url, "mount", mb_oci_digest_format(digest, text));
	mb_registry_url_add_query(&url, "from", from);
	r = post(reg, mb_str_text(&url), &answer, err);
	if (r < 0)
		return r;
	*ret_done = answer.head.status == 201;
	if (answer.head.status == 202)
		cancel(reg, &answer);
	return 0;
}

static void on_sent(void *arg, uint64_t bytes)
{
	const struct mb_registry_watch *watch = *(const struct mb_registry_watch **)arg;

	if (watch && watch->tick)
		watch->tick(watch->arg, bytes);
}

/* One whole upload.  Return: 0; MB_REGISTRY_BROKEN, told, when another try may do; -errno. */
static int send_once(struct mb_registry *reg, const struct mb_oci_digest *digest,
                     struct mb_registry_request *request, struct mb_err *err)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	MB_AUTO_FREE char *begin = mb_asprintf("/v2/%s/blobs/uploads/", reg->path), *to = NULL;
	MB_AUTO_STR struct mb_str url = MB_STR_INIT;
	char text[MB_OCI_DIGEST_TEXT];
	int r = post(reg, begin, &answer, err);

	if (r < 0)
		return r;
	if (answer.head.status != 202)
		return mb_registry_refused(&answer, "cannot begin to send a blob", err);
	r = find_location(&answer, &to, err);
	if (r < 0)
		return r;
	mb_str_add(&url, to);
	mb_registry_url_add_query(&url, "digest", mb_oci_digest_format(digest, text));
	request->url = mb_str_text(&url);
	r = mb_registry_request(reg, request, &answer, err);
	if (r == 0 && answer.head.status != 201 && answer.head.status != 204) {
		r = mb_registry_refused(&answer, "a blob was not taken", err);
		if (mb_registry_may_pass(answer.head.status))
			return MB_REGISTRY_BROKEN;
	}
	return r;
}

int mb_registry_blob_send(struct mb_registry *reg, const struct mb_oci_digest *digest, int fd,
                          uint64_t offset, uint64_t size, const struct mb_registry_watch *watch,
                          struct mb_err *err)
{
	struct mb_registry_request request = {
		.method = "PUT",
		.content_type = "application/octet-stream",
		.body_fd = fd,
		.body_offset = offset,
		.body_size = size,
		.once = true,
		.limit = MB_REGISTRY_MAX_ERROR,
		.sent = on_sent,
		.arg = &watch,
	};
	struct mb_err own = MB_ERR_INIT;

	err = err ? err : &own;
	for (unsigned tries = 1;; tries++) {
		int r = send_once(reg, digest, &request, err);

		if (r != MB_REGISTRY_BROKEN)
			return r;
		if (tries >= MB_REGISTRY_MAX_TRIES)
			return -(err->code ? err->code : EIO);
		mb_registry_rest(tries, NULL);
	}
}
