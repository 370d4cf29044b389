/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/client_priv.h — requests to one registry: where, as whom, and how often. */
#ifndef MB_REGISTRY_CLIENT_PRIV_H
#define MB_REGISTRY_CLIENT_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "core/str.h"
#include "core/strv.h"
#include "registry/auths.h"
#include "registry/registry.h"
#include "registry/transport.h"

struct mb_registry_challenge;

enum {
	MB_REGISTRY_TRIES = 5,
	/* What cannot be reached now is mostly not reached in a second either. */
	MB_REGISTRY_FIRST_TRIES = 2,
	MB_REGISTRY_MAX_REDIRECTS = 5,
	MB_REGISTRY_MAX_TOKEN = 64 * 1024,
	MB_REGISTRY_MAX_ERROR = 64 * 1024, /* of an answer that says no */
	MB_REGISTRY_MAX_WAIT_SEC = 60,     /* that a Retry-After may ask for */
};

struct mb_registry {
	struct mb_registry_transport *transport;
	char *name; /* the registry, as names of images have it */
	char *base; /* "https://host:port" */
	char *path; /* the repository */
	char *agent;
	bool may_use_http; /* until something answered: then the scheme is settled */
	bool is_settled;
	bool unverified;
	int ca_fd;        /* for this registry alone, or -1 */
	int system_ca_fd; /* SSL_CERT_FILE, for every other host, or -1 */
	int timeout_sec;
	unsigned tries;       /* of what breaks, .. */
	unsigned first_tries; /* .. and where nobody answers */
	uint64_t rest_msec;   /* 0: longer each time */
	bool has_login;
	struct mb_registry_login login;
	struct mb_strv scopes;  /* to ask for along with what the registry names */
	struct mb_strv refused; /* that nobody gives us: not to be asked for again */
	char *authorization;    /* "Bearer ..." or "Basic ...", for @base alone; or NULL */
};

struct mb_registry_request {
	const char *method;
	const char *url; /* whole, or from "/v2/" on */
	const char *accept, *content_type, *content_range, *range, *authorization;
	const char *if_none_match;
	int body_fd; /* -1: none */
	uint64_t body_offset, body_size;
	bool once;      /* a failure that may pass is the caller's, too: MB_REGISTRY_BROKEN, 503 */
	bool elsewhere; /* not the registry's: its credentials and settings are not for it */
	uint64_t limit; /* of the text of the answer */
	/* Called for the body of a 2xx answer, in place of gathering the text; @status of it. */
	int (*begin)(void *arg, const struct mb_registry_head *head, struct mb_err *err);
	int (*body)(void *arg, const void *bytes, size_t n, struct mb_err *err);
	void (*sent)(void *arg, uint64_t bytes);
	void *arg;
};
struct mb_registry_answer {
	struct mb_registry_head head;
	struct mb_str text;
	char *url; /* that answered, after redirects */
};
void mb_registry_answer_done(struct mb_registry_answer *answer);
#define MB_AUTO_REGISTRY_ANSWER __attribute__((cleanup(mb_registry_answer_done)))

enum { MB_REGISTRY_BROKEN = 64 };

/* Send it, go where it is redirected, log in where that is asked for, and try again what may
 * succeed later, unless its body has begun to come.  Return: 0 and an answer of any status but
 * 401, 429 and those over 500 that pass; MB_REGISTRY_BROKEN, told, when the body of @begin and
 * @body ended early; -errno, told. */
int mb_registry_request(struct mb_registry *reg, const struct mb_registry_request *request,
                        struct mb_registry_answer *ret, struct mb_err *err);
/* The failure that an answer is: its own words if it has any.  Return: -errno. */
int mb_registry_refused(const struct mb_registry_answer *answer, const char *what,
                        struct mb_err *err);
/* 429, 500, 502, 503, 504. */
bool mb_registry_may_pass(unsigned status);
/* A date as HTTP has it, in nanoseconds; 0: NULL, or none. */
int64_t mb_registry_time_parse(const char *text);
/* How long to wait that an answer's "retry-after" asks for: seconds, or a date, which is the
 * server's own: by its clock if the answer has "date", else by ours, @now.
 * Return: whether it asks; *@ret_sec is MB_REGISTRY_MAX_WAIT_SEC at most. */
bool mb_registry_wait_wanted(const struct mb_kv *fields, int64_t now, uint64_t *ret_sec);
/* Sleep before try @n (from 1); @answer may say for how long, or be NULL. */
void mb_registry_rest(const struct mb_registry *reg, unsigned n,
                      const struct mb_registry_answer *answer);

/* Get what @challenge wants, to reg->authorization.  Return: 0 or -errno, told. */
int mb_registry_authenticate(struct mb_registry *reg, const struct mb_registry_challenge *challenge,
                             struct mb_err *err);

#endif
