/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to whichever member answers. */
#include "etcd/client.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/io.h"
#include "core/log.h"
#include "core/parse.h"
#include "etcd/answer.h"
#include "json/json.h"

enum { PASSWORD_MAX = 4096, TOKEN_MAX = 8192, TICK_MS = 200, OK = 200, SHARE_MIN_MS = 500 };
/* What a member said, beside UNAVAILABLE: ask another one. */
enum { NEXT = 100, LOG_IN };

bool mb_etcd_address_is_valid(const char *text)
{
	const char *host = mb_skip_prefix(text, "http://"), *end, *colon;
	uint32_t port;

	if (!host)
		host = mb_skip_prefix(text, "https://");
	if (!host || !*host || strlen(text) > 300)
		return false;
	if (*host == '[') {
		end = strchr(host, ']');
		if (!end ||
		    strspn(host + 1, "0123456789abcdefABCDEF:.") != (size_t)(end - host - 1))
			return false;
		colon = end[1] ? end + 1 : NULL;
	} else {
		colon = strchr(host, ':');
		end = colon ? colon : host + strlen(host);
		for (const char *p = host; p < end; p++)
			if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
				return false;
		if (end == host)
			return false;
	}
	return !colon ||
	       (*colon == ':' && mb_parse_u32(colon + 1, &port) == 0 && port && port <= UINT16_MAX);
}

static int open_file(const char *path, const char *what, int *ret, struct mb_err *err)
{
	if (!path)
		return 0;
	*ret = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return *ret < 0 ? mb_fail_sys(err, errno, "cannot open %s '%s'", what, path) : 0;
}

int mb_etcd_new(const struct mb_etcd_conf *conf, struct mb_etcd **ret, struct mb_err *err)
{
	MB_AUTO(mb_etcd_free) struct mb_etcd *e = mb_calloc(1, sizeof(*e));
	int r;

	e->ca_fd = e->identity.cert_fd = e->identity.key_fd = -1;
	e->timeout_sec = conf->timeout_sec;
	mb_strv_add_all(&e->members, conf->members);
	e->user = mb_strdup_or_null(conf->user);
	e->password_file = mb_strdup_or_null(conf->password_file);
	e->transport = mb_registry_transport_fetch_new();
	r = open_file(conf->cacert, "the store's certificates", &e->ca_fd, err);
	if (!r)
		r = open_file(conf->cert, "the certificate", &e->identity.cert_fd, err);
	if (!r)
		r = open_file(conf->key, "the key", &e->identity.key_fd, err);
	if (r)
		return r;
	e->has_identity = e->identity.cert_fd >= 0 && e->identity.key_fd >= 0;
	*ret = mb_take_ptr(&e);
	return 0;
}

static void forget(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(mb_take_ptr(secret));
}

void mb_etcd_free(struct mb_etcd *e)
{
	if (!e)
		return;
	mb_registry_transport_free(e->transport);
	mb_strv_done(&e->members);
	mb_close(&e->ca_fd);
	mb_close(&e->identity.cert_fd);
	mb_close(&e->identity.key_fd);
	free(e->user);
	free(e->password_file);
	forget(&e->token);
	free(e);
}

size_t mb_etcd_member(const struct mb_etcd *e)
{
	return e->member;
}

void mb_etcd_member_set(struct mb_etcd *e, size_t member)
{
	e->member = member % e->members.n;
}

uint64_t mb_etcd_revision(const struct mb_etcd *e)
{
	return e->revision;
}

/* ---- one exchange -------------------------------------------------------------------------- */

static int body_of(const char *text, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = memfd_create("etcd", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : mb_write_full(fd, text, strlen(text));

	return r ? mb_fail_sys(err, -r, "cannot write a request") : mb_take_fd(&fd);
}

int mb_etcd_call(struct mb_etcd *e, const char *path, const char *body, bool stream,
                 const struct mb_registry_sink *sink, struct mb_err *err)
{
	MB_AUTO_FREE char *url = mb_asprintf("%s/v3/%s", e->members.v[e->member], path);
	MB_AUTO_STRV struct mb_strv headers = MB_STRV_INIT;
	MB_AUTO_CLOSE int fd = body_of(body, err);
	struct mb_registry_call call = {
		.method = "POST",
		.url = url,
		.headers = &headers,
		.body_fd = fd,
		.body_size = strlen(body),
		.ca_fd = e->ca_fd,
		.timeout_sec = e->timeout_sec,
		.identity = e->has_identity ? &e->identity : NULL,
		.direct = true,
		.stream = stream,
	};

	if (fd < 0)
		return fd;
	mb_strv_add(&headers, "Content-Type: application/json");
	if (e->token)
		mb_strv_addf(&headers, "Authorization: %s", e->token);
	return e->transport->call(e->transport, &call, sink, err);
}

struct exchange {
	unsigned status;
	struct mb_str text;
	int64_t deadline;
};

static int on_head(void *arg, const struct mb_registry_head *head, struct mb_err *err)
{
	struct exchange *x = arg;

	(void)err;
	x->status = head->status;
	return 0;
}

static int on_body(void *arg, const void *bytes, size_t n, struct mb_err *err)
{
	struct exchange *x = arg;

	if (x->text.len + n > MB_ETCD_ANSWER_MAX)
		return mb_fail(err, E2BIG, "the store's answer is too long");
	mb_str_addn(&x->text, bytes, n);
	return 0;
}

/* However slowly bytes come. */
static int on_tick(void *arg, struct mb_err *err)
{
	struct exchange *x = arg;

	return mb_monotonic_nsec() > x->deadline ? mb_fail(err, ETIMEDOUT, "it does not answer")
	                                         : 0;
}

/* What the member says about it: whether it cannot, or this cannot be. */
static int judge(const struct exchange *x, struct mb_err *err)
{
	MB_AUTO_FREE char *says = mb_etcd_answer_error(x->text.buf, x->text.len);

	if (x->status == OK)
		return 0;
	mb_fail(err, EREMOTEIO, "it answers %u%s%s", x->status, *says ? ": " : "", says);
	if (strstr(says, "lease not found"))
		return MB_ETCD_GONE;
	if (strstr(says, "invalid auth token") || strstr(says, "auth: revision in header is old") ||
	    strstr(says, "user name is empty"))
		return LOG_IN;
	/* 4xx: it understood, and refuses.  But a gateway that is none says 404. */
	if (x->status >= 400 && x->status < 500 && *says)
		return -EREMOTEIO;
	return NEXT;
}

static int ask_once(struct mb_etcd *e, const char *path, const char *body, struct exchange *x,
                    struct mb_err *err)
{
	const struct mb_registry_sink sink = {
		.head = on_head, .body = on_body, .arg = x, .idle = on_tick, .idle_ms = TICK_MS};
	int r;

	mb_str_reset(&x->text);
	x->deadline = e->deadline;
	r = mb_etcd_call(e, path, body, false, &sink, err);
	mb_debug("%s/v3/%s: %u%s%s", e->members.v[e->member], path, x->status, r ? ", " : "",
	         r && err ? err->msg : "");
	if (r == -ELIBACC || r == -E2BIG)
		return r; /* it is us; or the question */
	return r ? NEXT : judge(x, err);
}

static int ask_member(struct mb_etcd *e, const char *path, const char *body,
                      struct json_object **ret, struct mb_err *err)
{
	struct exchange x = {0};
	int r = ask_once(e, path, body, &x, err);

	if (!r) {
		const char *end = memchr(mb_str_text(&x.text), '\n', x.text.len);
		size_t n = end ? (size_t)(end - x.text.buf) : x.text.len;

		/* It is no store that says such a thing. */
		if (mb_json_parse_object(mb_str_text(&x.text), n, ret, err) < 0)
			r = NEXT;
	}
	mb_str_done(&x.text);
	return r;
}

/* ---- who we are ---------------------------------------------------------------------------- */

static int read_password(const struct mb_etcd *e, struct mb_str *out, struct mb_err *err)
{
	int r = e->password_file ? mb_read_file(AT_FDCWD, e->password_file, PASSWORD_MAX, out, err)
	                         : 0;

	while (out->len && (out->buf[out->len - 1] == '\n' || out->buf[out->len - 1] == '\r'))
		out->buf[--out->len] = '\0';
	return r;
}

static int fetch_token(struct mb_etcd *e, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	MB_AUTO_STR struct mb_str body = MB_STR_INIT, password = MB_STR_INIT;
	const char *token;
	int r = read_password(e, &password, err);

	if (r)
		return r;
	mb_str_add(&body, "{\"name\":");
	mb_json_format_string(e->user, strlen(e->user), &body);
	mb_str_add(&body, ",\"password\":");
	mb_json_format_string(mb_str_text(&password), password.len, &body);
	mb_str_add(&body, "}");
	r = ask_member(e, "auth/authenticate", mb_str_text(&body), &o, err);
	explicit_bzero(body.buf, body.cap);
	if (password.buf)
		explicit_bzero(password.buf, password.cap);
	if (r)
		return r == LOG_IN ? -EACCES : r;
	token = mb_json_find_str(o, "token", "");
	if (!*token || strlen(token) > TOKEN_MAX)
		return mb_fail(err, EACCES, "it gives user '%s' no token", e->user);
	e->token = mb_strdup(token);
	return 0;
}

static int log_in(struct mb_etcd *e, struct mb_err *err)
{
	return !e->user || e->token ? 0 : fetch_token(e, err);
}

int mb_etcd_log_in(struct mb_etcd *e, struct mb_err *err)
{
	forget(&e->token);
	e->deadline = mb_monotonic_nsec() + e->timeout_sec * MB_NSEC_PER_SEC;
	return log_in(e, err);
}

/* A token may have become too old: another, once. */
static int ask_as_user(struct mb_etcd *e, const char *path, const char *body,
                       struct json_object **ret, struct mb_err *err)
{
	bool had_token = e->token != NULL;
	int r = log_in(e, err);

	if (!r)
		r = ask_member(e, path, body, ret, err);
	if (r == LOG_IN && had_token) {
		forget(&e->token);
		r = log_in(e, err);
		if (!r)
			r = ask_member(e, path, body, ret, err);
	}
	return r == LOG_IN ? mb_wrap(err, -EACCES, "the store wants a user and a password") : r;
}

/* ---- all of them --------------------------------------------------------------------------- */

/* Silent ones must not take the time of those that would answer: each has its share of what is
 * left, which is no shorter than an answer may take. */
static void set_share(struct mb_etcd *e, int64_t end, size_t left)
{
	int64_t now = mb_monotonic_nsec(), share = (end - now) / (int64_t)left;
	int64_t least = SHARE_MIN_MS * (MB_NSEC_PER_SEC / 1000);

	e->deadline = now + (share > least ? share : least);
}

/* Of a plain answer, or of one of a stream. */
static void note_revision(struct mb_etcd *e, struct json_object *o)
{
	struct json_object *result = mb_json_find(o, "result");
	uint64_t now = mb_etcd_number(mb_json_find(result ? result : o, "header"), "revision", 0);

	if (now)
		e->revision = now;
}

int mb_etcd_ask(struct mb_etcd *e, const char *path, const char *body, struct json_object **ret,
                struct mb_err *err)
{
	int64_t end = mb_monotonic_nsec() + e->timeout_sec * MB_NSEC_PER_SEC;
	struct mb_err told = MB_ERR_INIT;
	int r = NEXT;

	for (size_t i = 0; r == NEXT && i < e->members.n; i++) {
		if (i && mb_monotonic_nsec() >= end)
			break;
		set_share(e, end, e->members.n - i);
		told = MB_ERR_INIT;
		if (i)
			mb_etcd_member_set(e, e->member + 1);
		r = ask_as_user(e, path, body, ret, &told);
		if (r)
			mb_wrap(&told, r, "store '%s'", e->members.v[e->member]);
	}
	if (r && r != MB_ETCD_GONE && err)
		*err = told;
	if (!r)
		note_revision(e, *ret);
	if (r != NEXT)
		return r;
	mb_etcd_member_set(e, e->member + 1);
	return MB_ETCD_UNAVAILABLE;
}
