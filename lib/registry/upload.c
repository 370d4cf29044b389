/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blobs to a registry: looked for, taken over from a neighbour, or sent: in one piece, or in
 * several where the registry or what stands before it takes no large ones. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/err.h"
#include "core/parse.h"
#include "registry/client_priv.h"
#include "registry/url.h"

enum {
	CHUNK = 16 * 1024 * 1024,
	LEAST_CHUNK = 256 * 1024,
	MAX_CHUNK = 1024 * 1024 * 1024, /* that a registry may want */
};

/* One upload of one blob. */
struct upload {
	struct mb_registry *reg;
	const struct mb_oci_digest *digest;
	int fd;
	uint64_t offset, size; /* of the blob in the file */
	const struct mb_registry_watch *watch;
	bool in_chunks;
	uint64_t chunk; /* bytes of one, but the last */
	uint64_t least; /* that it may have */
	uint64_t at;    /* bytes that the registry has */
	char *to;       /* where it goes on */
};

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
	char *to = NULL;
	int r;

	if (!location)
		return mb_fail(err, EBADMSG, "the registry does not say where to send a blob");
	r = mb_registry_url_resolve(answer->url, location, &to, err);
	if (r == 0 && mb_starts_with(answer->url, "https:") && !mb_starts_with(to, "https:"))
		r = mb_fail(err, EACCES, "it is asked by https, and wants a blob sent by http");
	if (r < 0)
		free(to);
	else
		*ret = to;
	return r;
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

/* From now on the token is to be for one scope more, or less: what there is of one is no good, and
 * without one the registry asks for it anew. */
static void drop_token(struct mb_registry *reg)
{
	if (!mb_skip_prefix(reg->authorization, "Bearer "))
		return;
	explicit_bzero(reg->authorization, strlen(reg->authorization));
	free(reg->authorization);
	reg->authorization = NULL;
}

/* Who may not read at the neighbour's sends the blob as if there were none. */
static void forget_scope(struct mb_registry *reg, const char *scope)
{
	mb_strv_add(&reg->refused, scope);
	mb_strv_remove(&reg->scopes, scope);
	drop_token(reg);
}

int mb_registry_blob_mount(struct mb_registry *reg, const struct mb_oci_digest *digest,
                           const char *from, bool *ret_done, struct mb_err *err)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	MB_AUTO_FREE char *scope = mb_asprintf("repository:%s:pull", from);
	MB_AUTO_STR struct mb_str url = MB_STR_INIT;
	char text[MB_OCI_DIGEST_TEXT];
	int r;

	*ret_done = false;
	if (mb_strv_has(&reg->refused, scope))
		return 0;
	if (!mb_strv_has(&reg->scopes, scope)) {
		mb_strv_add(&reg->scopes, scope);
		drop_token(reg);
	}
	mb_str_addf(&url, "/v2/%s/blobs/uploads/", reg->path);
	mb_registry_url_add_query(&url, "mount", mb_oci_digest_format(digest, text));
	mb_registry_url_add_query(&url, "from", from);
	r = post(reg, mb_str_text(&url), &answer, err);
	if (r == -EACCES) {
		forget_scope(reg, scope);
		return 0;
	}
	if (r < 0)
		return r;
	*ret_done = answer.head.status == 201;
	if (answer.head.status == 202)
		cancel(reg, &answer);
	return 0;
}

static void on_sent(void *arg, uint64_t bytes)
{
	const struct upload *u = arg;

	if (u->watch && u->watch->tick)
		u->watch->tick(u->watch->arg, u->at + bytes);
}

static int set_location(struct upload *u, const struct mb_registry_answer *answer,
                        struct mb_err *err)
{
	char *to = NULL;
	int r = find_location(answer, &to, err);

	if (r < 0)
		return r;
	free(u->to);
	u->to = to;
	return 0;
}

/* Return: 0; MB_REGISTRY_BROKEN, told, when another try may do; -errno. */
static int begin(struct upload *u, struct mb_err *err)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	MB_AUTO_FREE char *url = mb_asprintf("/v2/%s/blobs/uploads/", u->reg->path);
	const char *least;
	uint64_t n;
	int r = post(u->reg, url, &answer, err);

	if (r < 0)
		return r;
	if (answer.head.status != 202)
		return mb_registry_refused(&answer, "cannot begin to send a blob", err);
	/* Who has a least size for chunks wants them of what is larger than that. */
	least = mb_kv_find(&answer.head.fields, "oci-chunk-min-length");
	if (least && mb_parse_u64(least, &n) == 0 && n <= MAX_CHUNK) {
		u->least = n;
		u->chunk = n > u->chunk ? n : u->chunk;
		u->in_chunks = u->in_chunks || u->size > u->chunk;
	}
	u->at = 0;
	return set_location(u, &answer, err);
}

/* The end of an upload, with the @size bytes that are still to come. */
static int put_end(struct upload *u, uint64_t size, struct mb_registry_answer *answer,
                   struct mb_err *err)
{
	MB_AUTO_CLOSE int nothing = size ? -1 : memfd_create("nothing", MFD_CLOEXEC);
	MB_AUTO_STR struct mb_str url = MB_STR_INIT;
	char text[MB_OCI_DIGEST_TEXT];
	struct mb_registry_request request = {
		.method = "PUT",
		.content_type = "application/octet-stream",
		.body_fd = size ? u->fd : nothing,
		.body_offset = size ? u->offset + u->at : 0,
		.body_size = size,
		.once = true,
		.limit = MB_REGISTRY_MAX_ERROR,
		.sent = on_sent,
		.arg = u,
	};
	int r;

	if (!size && nothing < 0)
		return mb_fail_sys(err, errno, "cannot make a memory file");
	mb_str_add(&url, u->to);
	mb_registry_url_add_query(&url, "digest", mb_oci_digest_format(u->digest, text));
	request.url = mb_str_text(&url);
	r = mb_registry_request(u->reg, &request, answer, err);
	if (r != 0 || answer->head.status == 201 || answer->head.status == 204)
		return r;
	r = mb_registry_refused(answer, "a blob was not taken", err);
	return mb_registry_may_pass(answer->head.status) ? MB_REGISTRY_BROKEN : r;
}

static int put_whole(struct upload *u, struct mb_err *err)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	int r = put_end(u, u->size, &answer, err);
	unsigned status = answer.head.status;

	/* Too large, or a method that is not for this: smaller pieces may do. */
	if (r < 0 && (status == 413 || status == 405 || status == 501)) {
		u->in_chunks = true;
		return MB_REGISTRY_BROKEN;
	}
	/* Some close the connection on what is too large for them, and say nothing. */
	if (r == MB_REGISTRY_BROKEN && !status && u->size > u->chunk)
		u->in_chunks = true;
	return r;
}

/* How much has the registry, after a chunk that broke off?  Return: 0 and u->at and u->to are
 * right; MB_REGISTRY_BROKEN when it does not say. */
static int ask_where(struct upload *u)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	const struct mb_registry_request request = {
		.method = "GET", .url = u->to, .body_fd = -1, .limit = MB_REGISTRY_MAX_ERROR};
	const char *range;
	uint64_t last;

	if (mb_registry_request(u->reg, &request, &answer, NULL) != 0 || answer.head.status != 204)
		return MB_REGISTRY_BROKEN;
	range = mb_skip_prefix(mb_kv_find(&answer.head.fields, "range"), "0-");
	/* "0-0" is what some say of nothing, and others of one byte. */
	if (!range || mb_parse_u64(range, &last) < 0 || last >= u->size || last == 0)
		return MB_REGISTRY_BROKEN;
	u->at = last + 1;
	if (mb_kv_find(&answer.head.fields, "location"))
		return set_location(u, &answer, NULL) < 0 ? MB_REGISTRY_BROKEN : 0;
	return 0;
}

static int patch(struct upload *u, uint64_t n, struct mb_err *err)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	char range[64];
	const struct mb_registry_request request = {
		.method = "PATCH",
		.url = u->to,
		.content_type = "application/octet-stream",
		.content_range = range,
		.body_fd = u->fd,
		.body_offset = u->offset + u->at,
		.body_size = n,
		.once = true,
		.limit = MB_REGISTRY_MAX_ERROR,
		.sent = on_sent,
		.arg = u,
	};
	int r;

	snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)u->at,
	         (unsigned long long)(u->at + n - 1));
	r = mb_registry_request(u->reg, &request, &answer, err);
	if (r != 0)
		return r;
	/* Still too large for what stands before the registry. */
	if (answer.head.status == 413 && u->chunk / 4 >= u->least) {
		u->chunk /= 4;
		return 0;
	}
	if (answer.head.status != 202 && answer.head.status != 204) {
		r = mb_registry_refused(&answer, "a part of a blob was not taken", err);
		/* 416: it has another number of bytes than we know of. */
		return mb_registry_may_pass(answer.head.status) || answer.head.status == 416
		               ? MB_REGISTRY_BROKEN
		               : r;
	}
	u->at += n;
	return set_location(u, &answer, err);
}

static int put_chunks(struct upload *u, struct mb_err *err)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	unsigned broken = 0;

	while (u->at < u->size) {
		uint64_t n = u->size - u->at < u->chunk ? u->size - u->at : u->chunk;
		int r = patch(u, n, err);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (++broken >= u->reg->tries)
			return r;
		mb_registry_rest(u->reg, broken, NULL);
		if (ask_where(u) != 0)
			return r;
	}
	return put_end(u, 0, &answer, err);
}

int mb_registry_blob_send(struct mb_registry *reg, const struct mb_oci_digest *digest, int fd,
                          uint64_t offset, uint64_t size, const struct mb_registry_watch *watch,
                          struct mb_err *err)
{
	struct upload u = {
		reg, digest, fd, offset, size, watch, .chunk = CHUNK, .least = LEAST_CHUNK};
	struct mb_err own = MB_ERR_INIT;
	int r = 0;

	err = err ? err : &own;
	for (unsigned tries = 1;; tries++) {
		bool was_whole = !u.in_chunks;

		r = begin(&u, err);
		if (r == 0)
			r = u.in_chunks ? put_chunks(&u, err) : put_whole(&u, err);
		if (r != MB_REGISTRY_BROKEN)
			break;
		if (tries >= reg->tries) {
			r = -(err->code ? err->code : EIO);
			break;
		}
		/* Another way is no second try. */
		if (!was_whole || !u.in_chunks)
			mb_registry_rest(reg, tries, NULL);
	}
	free(u.to);
	return r;
}
