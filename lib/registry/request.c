/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/id.h"
#include "core/log.h"
#include "core/parse.h"
#include "registry/challenge.h"
#include "registry/client_priv.h"
#include "registry/url.h"
#include "sys/interrupt.h"
#include "json/json.h"

enum { FIRST_REST_MSEC = 200 };

void mb_registry_answer_done(struct mb_registry_answer *answer)
{
	mb_registry_head_done(&answer->head);
	mb_str_done(&answer->text);
	free(answer->url);
	answer->url = NULL;
}

/* --- one exchange ----------------------------------------------------------------------------- */

struct exchange {
	const struct mb_registry_request *request;
	struct mb_registry_answer *answer;
	bool streams; /* the body is for the request's functions */
};

static bool is_good(unsigned status)
{
	return status >= 200 && status < 300;
}

static int on_head(void *arg, const struct mb_registry_head *head, struct mb_err *err)
{
	struct exchange *x = arg;

	x->answer->head.status = head->status;
	mb_kv_set_all(&x->answer->head.fields, &head->fields);
	x->streams = x->request->body && is_good(head->status);
	return x->streams && x->request->begin ? x->request->begin(x->request->arg, head, err) : 0;
}

static int on_body(void *arg, const void *bytes, size_t n, struct mb_err *err)
{
	struct exchange *x = arg;
	bool good = is_good(x->answer->head.status);
	uint64_t limit = good ? x->request->limit : MB_REGISTRY_MAX_ERROR;

	if (x->streams)
		return x->request->body(x->request->arg, bytes, n, err);
	if (x->answer->text.len + n > limit) {
		if (!good)
			return 0; /* what it says beyond that is of no use */
		return mb_fail(err, EFBIG, "the answer is longer than %llu bytes",
		               (unsigned long long)limit);
	}
	mb_str_addn(&x->answer->text, bytes, n);
	return 0;
}

static void on_sent(void *arg, uint64_t bytes)
{
	struct exchange *x = arg;

	if (x->request->sent)
		x->request->sent(x->request->arg, bytes);
}

static void add_header(struct mb_strv *headers, const char *name, const char *value)
{
	if (value)
		mb_strv_addf(headers, "%s: %s", name, value);
}

/* Ask @url once.  What is the registry's own goes to no other host. */
static int exchange(struct mb_registry *reg, const struct mb_registry_request *request,
                    const char *url, struct mb_registry_answer *answer, struct mb_err *err)
{
	bool own = !request->elsewhere && mb_registry_url_is_same_origin(url, reg->base);
	/* What is for a token server is not for where that one redirects. */
	bool asked = request->authorization && mb_registry_url_is_same_origin(url, request->url);
	MB_AUTO_STRV struct mb_strv headers = MB_STRV_INIT;
	struct exchange x = {.request = request, .answer = answer};
	const struct mb_registry_sink sink = {on_head, on_body, on_sent, &x};
	struct mb_registry_call call = {
		.method = request->method,
		.url = url,
		.headers = &headers,
		.body_fd = request->body_fd,
		.body_offset = request->body_offset,
		.body_size = request->body_size,
		.ca_fd = own && reg->ca_fd >= 0 ? reg->ca_fd : reg->system_ca_fd,
		.unverified = own && reg->unverified,
		.timeout_sec = reg->timeout_sec,
	};
	int r;

	mb_registry_answer_done(answer);
	answer->url = mb_strdup(url);
	add_header(&headers, "User-Agent", reg->agent);
	add_header(&headers, "Accept", request->accept);
	add_header(&headers, "Content-Type", request->content_type);
	add_header(&headers, "Content-Range", request->content_range);
	add_header(&headers, "Range", request->range);
	add_header(&headers, "If-None-Match", request->if_none_match);
	add_header(&headers, "Authorization",
	           asked ? request->authorization
	           : own ? reg->authorization
	                 : NULL);
	r = reg->transport->call(reg->transport, &call, &sink, err);
	mb_debug("%s %s: %u%s%s", request->method, url, answer->head.status, r ? ", " : "",
	         r && err ? err->msg : "");
	return r == MB_TRANSPORT_BROKEN && (x.streams || request->once) ? MB_REGISTRY_BROKEN : r;
}

/* --- around it -------------------------------------------------------------------------------- */

struct attempt {
	struct mb_registry *reg;
	const struct mb_registry_request *request;
	struct mb_registry_answer *answer;
	char *url;
	unsigned tries, redirects;
	bool logged_in; /* for this request already */
};

enum next { STOP, AGAIN };

static bool is_redirect(unsigned status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool mb_registry_may_pass(unsigned status)
{
	return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

int64_t mb_registry_time_parse(const char *text)
{
	struct tm tm = {0};
	time_t t;

	if (!text || !strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm))
		return 0;
	t = timegm(&tm);
	return t > 0 && t <= INT64_MAX / 1000000000 ? (int64_t)t * 1000000000 : 0;
}

bool mb_registry_wait_wanted(const struct mb_kv *fields, int64_t now, uint64_t *ret_sec)
{
	const char *after = mb_kv_find(fields, "retry-after");
	int64_t until = mb_registry_time_parse(after);
	int64_t theirs = mb_registry_time_parse(mb_kv_find(fields, "date"));
	uint64_t seconds = 0;

	if (!after || (!until && mb_parse_u64(after, &seconds) < 0))
		return false;
	now = theirs ? theirs : now;
	if (until > now)
		seconds = (uint64_t)(until - now + 999999999) / 1000000000;
	*ret_sec = seconds < MB_REGISTRY_MAX_WAIT_SEC ? seconds : MB_REGISTRY_MAX_WAIT_SEC;
	return true;
}

/* Before the try after the @n-th. */
static uint64_t rest_of(const struct mb_registry *reg, unsigned n)
{
	uint64_t msec = FIRST_REST_MSEC;
	unsigned char jitter;

	if (reg->rest_msec)
		return reg->rest_msec;
	while (--n && msec < MB_REGISTRY_MAX_WAIT_SEC * 1000)
		msec *= 2;
	mb_random(&jitter, sizeof(jitter));
	return msec + msec * jitter / 255;
}

void mb_registry_rest(const struct mb_registry *reg, unsigned n,
                      const struct mb_registry_answer *answer)
{
	uint64_t seconds, msec = rest_of(reg, n);
	MB_AUTO_CLOSE int interrupt = -1;
	struct pollfd p = {.events = POLLIN};
	struct timespec rest;

	if (answer && mb_registry_wait_wanted(&answer->head.fields, mb_now_nsec(), &seconds))
		msec = seconds * 1000;
	rest.tv_sec = (time_t)(msec / 1000);
	rest.tv_nsec = (long)(msec % 1000) * 1000000;
	if (mb_sys_interrupt_open(&interrupt, NULL) < 0)
		return;
	p.fd = interrupt;
	/* Whoever is to end does not rest: the next exchange says so. */
	(void)ppoll(&p, 1, &rest, NULL);
}

static void set_url(struct attempt *a)
{
	free(a->url);
	a->url = *a->request->url == '/' ? mb_asprintf("%s%s", a->reg->base, a->request->url)
	                                 : mb_strdup(a->request->url);
}

/* Nothing, or no TLS, where https was tried and http will do? */
static bool fall_back(struct attempt *a, int r)
{
	const char *host = mb_skip_prefix(a->reg->base, "https://");

	if ((r != MB_TRANSPORT_UNREACHABLE && r != MB_TRANSPORT_NOT_TLS) || !host ||
	    !a->reg->may_use_http || a->reg->is_settled || a->request->elsewhere)
		return false;
	host = mb_asprintf("http://%s", host);
	free(a->reg->base);
	a->reg->base = (char *)(uintptr_t)host;
	set_url(a);
	return true;
}

static enum next after_failure(struct attempt *a, int r)
{
	if (fall_back(a, r))
		return AGAIN;
	if (r != MB_TRANSPORT_BROKEN && r != MB_TRANSPORT_UNREACHABLE)
		return STOP;
	if (++a->tries >= (r == MB_TRANSPORT_BROKEN ? a->reg->tries : a->reg->first_tries))
		return STOP;
	mb_registry_rest(a->reg, a->tries, NULL);
	return AGAIN;
}

static int follow(struct attempt *a, struct mb_err *err)
{
	const char *location = mb_kv_find(&a->answer->head.fields, "location");
	bool is_read =
		strcmp(a->request->method, "GET") == 0 || strcmp(a->request->method, "HEAD") == 0;
	char *next = NULL;
	int r;

	if (!location)
		return mb_fail(err, EBADMSG, "a redirect to nowhere");
	if (++a->redirects > MB_REGISTRY_MAX_REDIRECTS)
		return mb_fail(err, ELOOP, "more than %d redirects", MB_REGISTRY_MAX_REDIRECTS);
	r = mb_registry_url_resolve(a->url, location, &next, err);
	if (r < 0)
		return mb_wrap(err, r, "a redirect");
	if (mb_starts_with(a->url, "https:") && !mb_starts_with(next, "https:"))
		r = mb_fail(err, EACCES, "a redirect from https to http");
	else if (!is_read && !mb_registry_url_is_same_origin(a->url, next))
		r = mb_fail(err, EACCES, "what is to be stored was redirected to another host");
	free(r < 0 ? next : a->url);
	if (r == 0)
		a->url = next;
	return r;
}

static int log_in(struct attempt *a, struct mb_err *err)
{
	const char *text = mb_kv_find(&a->answer->head.fields, "www-authenticate");
	struct mb_registry_challenge challenge = {0};
	int r;

	if (!mb_registry_url_is_same_origin(a->url, a->reg->base))
		return mb_fail(err, EACCES, "another host wants a login of its own");
	if (a->logged_in)
		return mb_registry_refused(
			a->answer, a->reg->has_login ? "access denied" : "login required", err);
	a->logged_in = true;
	if (!text || mb_registry_challenge_parse(text, &challenge) < 0)
		return mb_fail(err, EACCES, "login required, but in no way that is known here");
	r = mb_registry_authenticate(a->reg, &challenge, err);
	mb_registry_challenge_done(&challenge);
	return r;
}

/* What an answer asks for.  Return: an enum next, or -errno, told. */
static int after_answer(struct attempt *a, struct mb_err *err)
{
	unsigned status = a->answer->head.status;
	int r;

	if (!a->request->elsewhere)
		a->reg->is_settled = true;
	if (is_redirect(status)) {
		r = follow(a, err);
		return r < 0 ? r : AGAIN;
	}
	if (status == 401 && !a->request->elsewhere) {
		r = log_in(a, err);
		return r < 0 ? r : AGAIN;
	}
	if (!mb_registry_may_pass(status) || a->request->once)
		return STOP;
	if (++a->tries >= a->reg->tries)
		return mb_registry_refused(a->answer, "the registry is not able to answer", err);
	mb_registry_rest(a->reg, a->tries, a->answer);
	/* From the start: where it was redirected may have been good for once. */
	set_url(a);
	a->redirects = 0;
	return AGAIN;
}

static int attempt(struct attempt *a, struct mb_err *err)
{
	for (;;) {
		int r = exchange(a->reg, a->request, a->url, a->answer, err);

		if (r < 0 || r == MB_REGISTRY_BROKEN)
			return r;
		if (r > 0) {
			if (after_failure(a, r) == STOP)
				return -(err && err->code ? err->code : EIO);
			continue;
		}
		r = after_answer(a, err);
		if (r != AGAIN)
			return r;
	}
}

int mb_registry_request(struct mb_registry *reg, const struct mb_registry_request *request,
                        struct mb_registry_answer *ret, struct mb_err *err)
{
	struct attempt a = {.reg = reg, .request = request, .answer = ret};
	struct mb_err own = MB_ERR_INIT;
	int r;

	set_url(&a);
	r = attempt(&a, err ? err : &own);
	if (r < 0 && !request->elsewhere)
		mb_wrap(err ? err : &own, r, "%s", reg->name);
	free(a.url);
	return r;
}

/* "errors": [{"message": ...}] as the specification has it, or "details" of token servers. */
static const char *message_in(struct json_object *o)
{
	struct json_object *errors = mb_json_find(o, "errors");
	struct json_object *first = json_object_is_type(errors, json_type_array)
	                                    ? json_object_array_get_idx(errors, 0)
	                                    : NULL;
	const char *message = mb_json_find_str(first, "message", NULL);

	if (!message || !*message)
		message = mb_json_find_str(first, "code", NULL);
	if (!message)
		message = mb_json_find_str(o, "details", NULL);
	return message ? message : mb_json_find_str(o, "message", NULL);
}

int mb_registry_refused(const struct mb_registry_answer *answer, const char *what,
                        struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	MB_AUTO_FREE char *shown = NULL;
	unsigned status = answer->head.status;
	int code = status == 401 || status == 403   ? EACCES
	           : status == 404                  ? ENOENT
	           : status == 429 || status >= 500 ? EAGAIN
	                                            : EBADMSG;
	const char *message = NULL;

	if (mb_json_parse_object(mb_str_text(&answer->text), answer->text.len, &o, NULL) == 0)
		message = message_in(o);
	if (!message || !*message)
		return mb_fail(err, code, "%s: status %u", what, status);
	shown = mb_printable(message);
	return mb_fail(err, code, "%s: %.300s (status %u)", what, shown, status);
}
