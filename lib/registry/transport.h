/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/transport.h — one HTTP exchange, whoever carries it out.
 *
 * A transport knows nothing of registries: no redirects, no authentication, no second try.
 */
#ifndef MB_REGISTRY_TRANSPORT_H
#define MB_REGISTRY_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/own.h"
#include "core/strv.h"

struct mb_err;

/* Who we are, to a server that asks; PEM, borrowed. */
struct mb_registry_identity {
	int cert_fd, key_fd;
};
struct mb_registry_call {
	const char *method, *url;
	const struct mb_strv *headers; /* "Name: value" */
	int body_fd;                   /* -1: no body; a file otherwise, borrowed */
	uint64_t body_offset, body_size;
	int ca_fd;       /* certificates (PEM) in place of the system's, or -1; borrowed */
	bool unverified; /* take any certificate */
	int timeout_sec; /* without a byte in either direction */
	const struct mb_registry_identity *identity; /* or NULL */
	bool direct; /* by no proxy, whatever the environment says */
	bool stream; /* an answer that goes on: bytes count as they come, and silence is no fault */
};

struct mb_registry_head {
	unsigned status;
	struct mb_kv fields; /* names in lower case; repeated ones joined by ", " */
};
void mb_registry_head_done(struct mb_registry_head *head);

/* Told of the answer as it comes.  A negative return ends the exchange and is what call()
 * returns. */
struct mb_registry_sink {
	int (*head)(void *arg, const struct mb_registry_head *head, struct mb_err *err);
	int (*body)(void *arg, const void *bytes, size_t n, struct mb_err *err);
	void (*sent)(void *arg, uint64_t bytes); /* of the request's body; NULL is fine */
	void *arg;
	/* Called at least that often while the exchange goes on; ends it as the others do. */
	int (*idle)(void *arg, struct mb_err *err);
	int idle_ms; /* 0: never */
};

/* How an exchange fails that may go better elsewhere or later; all told. */
enum {
	MB_TRANSPORT_UNREACHABLE = 1,
	MB_TRANSPORT_NOT_TLS,   /* it answers, but not in TLS */
	MB_TRANSPORT_UNTRUSTED, /* its certificate was refused */
	MB_TRANSPORT_BROKEN,    /* it began, and did not come to its end */
};

struct mb_registry_transport {
	/* Return: 0 when the answer has come whole; one of the above; -errno, told. */
	int (*call)(struct mb_registry_transport *t, const struct mb_registry_call *call,
	            const struct mb_registry_sink *sink, struct mb_err *err);
	void (*free)(struct mb_registry_transport *t);
};
/* NULL is fine. */
void mb_registry_transport_free(struct mb_registry_transport *t);
MB_AUTO_DEFINE(struct mb_registry_transport, mb_registry_transport_free)

/* The one there is: mybox-fetch, started at the first call. */
struct mb_registry_transport *mb_registry_transport_fetch_new(void);

/* For it: add "Name: value" to the fields.  Text that is no field is left out. */
void mb_registry_head_add(struct mb_registry_head *head, const char *line);

#endif
