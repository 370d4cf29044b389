/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "registry/web.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "registry/client_priv.h"
#include "registry/settings.h"
#include "registry/url.h"

void mb_registry_web_done(struct mb_registry_web *web)
{
	free(web->name);
	free(web->etag);
	*web = (struct mb_registry_web){0};
}

/* --- names ------------------------------------------------------------------------------------ */

static int digit_of(char c)
{
	return isdigit((unsigned char)c) ? c - '0'
	       : c >= 'a' && c <= 'f'    ? c - 'a' + 10
	       : c >= 'A' && c <= 'F'    ? c - 'A' + 10
	                                 : -1;
}

/* A name that can stand in a directory, or NULL. */
static char *safe_name(const char *bytes, size_t n)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	for (size_t i = 0; i < n; i++) {
		char c = bytes[i];

		if (c == '%' && i + 2 < n && digit_of(bytes[i + 1]) >= 0 &&
		    digit_of(bytes[i + 2]) >= 0) {
			c = (char)(digit_of(bytes[i + 1]) * 16 + digit_of(bytes[i + 2]));
			i += 2;
		}
		if (!c || c == '/')
			return NULL;
		mb_str_addc(&out, c);
	}
	if (!out.len || out.len > 255 || strcmp(out.buf, ".") == 0 || strcmp(out.buf, "..") == 0)
		return NULL;
	return mb_str_take(&out);
}

char *mb_registry_web_name(const char *url)
{
	const char *path = strstr(url, "://");
	const char *end, *start;

	path = path ? strchr(path + 3, '/') : NULL;
	if (!path)
		return NULL;
	end = path + strcspn(path, "?#");
	for (start = end; start[-1] != '/'; start--)
		;
	return safe_name(start, (size_t)(end - start));
}

/* Content-Disposition: attachment; filename="a.tar". */
static char *name_in(const char *disposition)
{
	const char *s = disposition ? strcasestr(disposition, "filename=") : NULL;
	size_t n;

	if (!s)
		return NULL;
	s += strlen("filename=");
	if (*s == '"') {
		s++;
		n = strcspn(s, "\"");
	} else {
		n = strcspn(s, "; ");
	}
	return safe_name(s, n);
}

/* --- the transfer ----------------------------------------------------------------------------- */

struct getting {
	int fd;
	uint64_t limit, done;
	struct mb_sha256 sum;
};

static int too_long(const struct getting *g, struct mb_err *err)
{
	return mb_fail(err, EFBIG, "it is longer than %llu bytes", (unsigned long long)g->limit);
}

static int begin(void *arg, const struct mb_registry_head *head, struct mb_err *err)
{
	struct getting *g = arg;
	const char *length = mb_kv_find(&head->fields, "content-length");
	uint64_t n;

	if (length && mb_parse_u64(length, &n) == 0 && n > g->limit)
		return too_long(g, err);
	/* Another try begins at the beginning. */
	mb_sha256_init(&g->sum);
	g->done = 0;
	if (ftruncate(g->fd, 0) < 0 || lseek(g->fd, 0, SEEK_SET) < 0)
		return mb_fail_sys(err, errno, "cannot empty a file");
	return 0;
}

static int take(void *arg, const void *bytes, size_t n, struct mb_err *err)
{
	struct getting *g = arg;
	int r;

	if (n > g->limit - g->done)
		return too_long(g, err);
	mb_sha256_add(&g->sum, bytes, n);
	g->done += n;
	r = mb_write_full(g->fd, bytes, n);
	return r < 0 ? mb_fail_sys(err, -r, "cannot write to disk") : 0;
}

enum { MAX_ETAG = 1024 };

static void set_etag(struct mb_registry_web *web, const struct mb_kv *fields)
{
	const char *control = mb_kv_find(fields, "cache-control");
	const char *etag = mb_kv_find(fields, "etag");

	if (control && strcasestr(control, "no-store"))
		return;
	if (etag && strlen(etag) <= MAX_ETAG)
		web->etag = mb_strdup(etag);
}

static int ask(struct mb_registry *reg, const struct mb_registry_web_request *q, struct getting *g,
               struct mb_registry_answer *answer, struct mb_err *err)
{
	const struct mb_registry_request request = {
		.method = "GET",
		.url = q->url,
		.if_none_match = q->etag,
		.body_fd = -1,
		.elsewhere = true,
		.limit = 0,
		.begin = begin,
		.body = take,
		.arg = g,
	};
	int r = mb_registry_request(reg, &request, answer, err);

	if (r > 0)
		return -EIO;
	if (r == 0 && answer->head.status == 304 && q->etag)
		return MB_REGISTRY_WEB_SAME;
	if (r == 0 && answer->head.status != 200)
		r = mb_registry_refused(answer, "no file", err);
	return r;
}

static int open_client(const struct mb_registry_web_request *q, struct mb_registry *reg,
                       struct mb_err *err)
{
	MB_AUTO_REGISTRY_URL struct mb_registry_url parsed = {0};
	const char *certificates = getenv("SSL_CERT_FILE");
	int r = mb_registry_url_parse(q->url, &parsed, err);

	reg->transport = mb_registry_transport_fetch_new();
	reg->ca_fd = reg->system_ca_fd = -1;
	reg->name = mb_strdup(parsed.host ? parsed.host : "");
	reg->base = mb_strdup("");
	reg->agent = mb_strdup_or_null(q->agent);
	reg->timeout_sec = MB_REGISTRY_TIMEOUT_SEC;
	reg->tries = MB_REGISTRY_TRIES;
	reg->first_tries = MB_REGISTRY_FIRST_TRIES;
	if (r == 0 && certificates && *certificates) {
		reg->system_ca_fd = open(certificates, O_RDONLY | O_CLOEXEC);
		if (reg->system_ca_fd < 0)
			r = mb_fail_sys(err, errno, "cannot open '%s'", certificates);
	}
	return r;
}

int mb_registry_web_get(const struct mb_registry_web_request *q, struct mb_registry_web *ret,
                        struct mb_err *err)
{
	MB_AUTO(mb_registry_free) struct mb_registry *reg = mb_calloc(1, sizeof(*reg));
	MB_AUTO_REGISTRY_ANSWER struct mb_registry_answer answer = {0};
	struct getting g = {.fd = q->fd, .limit = q->limit};
	int r = open_client(q, reg, err);

	if (r == 0)
		r = ask(reg, q, &g, &answer, err);
	if (r < 0) {
		MB_AUTO_FREE char *shown = mb_redact(q->url);

		return mb_wrap(err, r, "'%s'", shown);
	}
	if (r == MB_REGISTRY_WEB_SAME)
		return r;
	ret->name = mb_registry_web_name(q->url);
	if (!ret->name)
		ret->name = name_in(mb_kv_find(&answer.head.fields, "content-disposition"));
	if (!ret->name)
		ret->name = mb_strdup("download");
	ret->modified = mb_registry_time_parse(mb_kv_find(&answer.head.fields, "last-modified"));
	ret->size = g.done;
	set_etag(ret, &answer.head.fields);
	mb_sha256_finish_text(&g.sum, ret->sha256);
	return 0;
}
