/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blobs from a registry: hashed as they come, continued where a connection broke. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/parse.h"
#include "core/sha256.h"
#include "registry/client_priv.h"
#include "registry/range.h"

enum { READ_SIZE = 256 * 1024, GOOD_PROGRESS = 1 << 20 };

struct fetching {
	const struct mb_oci_digest *digest;
	uint64_t size, done;
	int fd;
	struct mb_sha256 sum;
	const struct mb_registry_watch *watch;
};

static int tick(const struct fetching *f)
{
	return f->watch && f->watch->tick ? f->watch->tick(f->watch->arg, f->done) : 0;
}

static int start_over(struct fetching *f, struct mb_err *err)
{
	mb_sha256_init(&f->sum);
	f->done = 0;
	if (ftruncate(f->fd, 0) < 0)
		return mb_fail_sys(err, errno, "cannot empty a file");
	return 0;
}

/* Hash what the file has. */
static int resume(struct fetching *f, uint64_t have, struct mb_err *err)
{
	MB_AUTO_FREE char *part = mb_malloc(READ_SIZE);

	mb_sha256_init(&f->sum);
	f->done = 0;
	while (f->done < have) {
		size_t want = have - f->done < READ_SIZE ? (size_t)(have - f->done) : READ_SIZE;
		ssize_t n = pread(f->fd, part, want, (off_t)f->done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return start_over(f, err);
		mb_sha256_add(&f->sum, part, (size_t)n);
		f->done += (uint64_t)n;
	}
	return tick(f);
}

static int check_length(const struct fetching *f, const struct mb_registry_head *head,
                        struct mb_err *err)
{
	const char *length = mb_kv_find(&head->fields, "content-length");
	uint64_t n;

	if (!length || mb_parse_u64(length, &n) < 0 || n == f->size - f->done)
		return 0;
	return mb_fail(err, EBADMSG, "blob 'sha256:%.12s' has %llu bytes, not %llu", f->digest->hex,
	               (unsigned long long)(n + f->done), (unsigned long long)f->size);
}

static int on_begin(void *arg, const struct mb_registry_head *head, struct mb_err *err)
{
	struct fetching *f = arg;
	const char *text = mb_kv_find(&head->fields, "content-range");
	struct mb_registry_range range;
	int r = 0;

	if (head->status == 206) {
		if (!text || mb_registry_range_parse(text, &range) < 0 || range.first != f->done ||
		    (range.total != MB_REGISTRY_RANGE_UNKNOWN && range.total != f->size))
			return mb_fail(err, EBADMSG, "a part came that was not asked for");
	} else if (f->done) {
		r = start_over(f, err);
	}
	return r < 0 ? r : check_length(f, head, err);
}

static int on_bytes(void *arg, const void *bytes, size_t n, struct mb_err *err)
{
	struct fetching *f = arg;

	if (n > f->size - f->done)
		return mb_fail(err, EBADMSG, "blob 'sha256:%.12s' is longer than %llu bytes",
		               f->digest->hex, (unsigned long long)f->size);
	for (size_t at = 0; at < n;) {
		ssize_t w = pwrite(f->fd, (const char *)bytes + at, n - at, (off_t)(f->done + at));

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return mb_fail_sys(err, errno, "cannot write a blob to disk");
		at += (size_t)w;
	}
	mb_sha256_add(&f->sum, bytes, n);
	f->done += n;
	return tick(f) < 0 ? mb_fail(err, ECANCELED, "no longer wanted") : 0;
}

/* One request for what is missing.  Return: 0 when all is there; MB_REGISTRY_ABSENT;
 * MB_REGISTRY_BROKEN, told; -errno. */
static int fetch_rest(struct mb_registry *reg, struct fetching *f, struct mb_err *err)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	MB_AUTO_FREE char *url = mb_asprintf("/v2/%s/blobs/sha256:%s", reg->path, f->digest->hex);
	MB_AUTO_FREE char *range =
		f->done ? mb_asprintf("bytes=%llu-", (unsigned long long)f->done) : NULL;
	const struct mb_registry_request request = {
		.method = "GET",
		.url = url,
		.range = range,
		.body_fd = -1,
		.begin = on_begin,
		.body = on_bytes,
		.arg = f,
	};
	int r = mb_registry_request(reg, &request, &answer, err);

	if (r != 0)
		return r;
	switch (answer.head.status) {
	case 200:
	case 206:
		if (f->done == f->size)
			return 0;
		mb_fail(err, EIO, "blob 'sha256:%.12s' ends early", f->digest->hex);
		return MB_REGISTRY_BROKEN;
	case 416:
		r = start_over(f, err);
		mb_fail(err, EIO, "blob 'sha256:%.12s' cannot be continued", f->digest->hex);
		return r < 0 ? r : MB_REGISTRY_BROKEN;
	default:
		r = mb_registry_refused(&answer, "no blob", err);
		return answer.head.status == 404 ? MB_REGISTRY_ABSENT : r;
	}
}

static int fetch_all(struct mb_registry *reg, struct fetching *f, struct mb_err *err)
{
	unsigned tries = 0;
	uint64_t before = f->done;

	while (f->done < f->size) {
		int r = fetch_rest(reg, f, err);

		if (r != MB_REGISTRY_BROKEN)
			return r;
		if (f->done >= before + GOOD_PROGRESS)
			tries = 0;
		before = f->done;
		if (++tries >= reg->tries)
			return -(err && err->code ? err->code : EIO);
		mb_registry_rest(reg, tries, NULL);
	}
	return 0;
}

/* Return: whether the digest is the one wanted. */
static bool is_right(struct fetching *f)
{
	char hex[MB_SHA256_TEXT];

	mb_sha256_finish_text(&f->sum, hex);
	return strcmp(hex, f->digest->hex) == 0;
}

int mb_registry_blob_fetch(struct mb_registry *reg, const struct mb_oci_digest *digest,
                           uint64_t size, int fd, uint64_t have,
                           const struct mb_registry_watch *watch, struct mb_err *err)
{
	struct fetching f = {.digest = digest, .size = size, .fd = fd, .watch = watch};
	struct mb_err own = MB_ERR_INIT;
	int r;

	if (digest->alg != MB_OCI_SHA256)
		return mb_fail(err, EOPNOTSUPP, "only sha256 digests");
	err = err ? err : &own;
	r = resume(&f, have <= size ? have : 0, err);
	if (r == 0)
		r = fetch_all(reg, &f, err);
	if (r == 0 && is_right(&f))
		return 0;
	/* What there was before may be to blame. */
	if (r == 0 && have) {
		r = start_over(&f, err);
		if (r == 0)
			r = fetch_all(reg, &f, err);
		if (r == 0 && is_right(&f))
			return 0;
	}
	if (r != 0)
		return r;
	start_over(&f, NULL);
	return mb_fail(err, EBADMSG, "blob 'sha256:%s' came with another content", digest->hex);
}

int mb_registry_blob_read(struct mb_registry *reg, const struct mb_oci_digest *digest,
                          uint64_t size, struct mb_str *out, struct mb_err *err)
{
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	MB_AUTO_FREE char *url = mb_asprintf("/v2/%s/blobs/sha256:%s", reg->path, digest->hex);
	const struct mb_registry_request request = {
		.method = "GET", .url = url, .body_fd = -1, .limit = size};
	char hex[MB_SHA256_TEXT];
	int r;

	if (digest->alg != MB_OCI_SHA256)
		return mb_fail(err, EOPNOTSUPP, "only sha256 digests");
	r = mb_registry_request(reg, &request, &answer, err);
	if (r < 0)
		return r;
	if (answer.head.status != 200)
		return mb_registry_refused(&answer, "no blob", err);
	mb_sha256_text(mb_str_text(&answer.text), answer.text.len, hex);
	if (answer.text.len != size || strcmp(hex, digest->hex) != 0)
		return mb_fail(err, EBADMSG, "blob 'sha256:%s' came with another content",
		               digest->hex);
	mb_str_addn(out, mb_str_text(&answer.text), answer.text.len);
	return 0;
}
