/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/fetch/protocol.h — packets between the command and mybox-fetch.
 *
 * One SOCK_SEQPACKET pair, one request at a time.  The command sends a struct mb_fetch_request
 * and its text, with the descriptors that its flags name, in their order; the answers are one
 * MB_FETCH_HEAD, any number of MB_FETCH_BODY and MB_FETCH_SENT, and one MB_FETCH_END.  A failure
 * before the head is an MB_FETCH_END alone.
 */
#ifndef MB_REGISTRY_FETCH_PROTOCOL_H
#define MB_REGISTRY_FETCH_PROTOCOL_H

#include <stdint.h>

enum {
	MB_FETCH_FD = 3,
	MB_FETCH_VERSION = 1,
	MB_FETCH_MAX_TEXT = 96 * 1024,  /* of a request */
	MB_FETCH_MAX_HEADS = 64 * 1024, /* of an answer: all its header lines */
	MB_FETCH_MAX_BODY = 64 * 1024,  /* of one MB_FETCH_BODY */
	MB_FETCH_MAX_CA = 4 * 1024 * 1024,
};

enum mb_fetch_flag {
	MB_FETCH_HAS_BODY = 1, /* a descriptor: body_size bytes at body_offset */
	MB_FETCH_HAS_CA = 2,   /* a descriptor: certificates in PEM, in place of the system's */
	MB_FETCH_UNVERIFIED = 4,
	MB_FETCH_HAS_IDENTITY = 8, /* two descriptors: certificate and key in PEM */
	MB_FETCH_DIRECT = 16,      /* by no proxy */
	MB_FETCH_STREAM = 32,      /* bytes go on as they come, and no silence is too long */
};

/* Then the text: method, URL and header lines, each with its NUL. */
struct mb_fetch_request {
	uint32_t version, flags;
	uint64_t body_offset, body_size;
	uint32_t timeout_sec; /* without a byte in either direction; and to connect */
	uint32_t text;        /* bytes of it */
};

enum mb_fetch_type {
	MB_FETCH_HEAD = 1, /* value: the status; bytes: "Name: value" lines, each with its NUL */
	MB_FETCH_BODY,     /* bytes */
	MB_FETCH_SENT,     /* value: bytes of the request's body so far */
	MB_FETCH_END,      /* value: enum mb_fetch_end; bytes: what went wrong, no NUL */
};
enum mb_fetch_end {
	MB_FETCH_DONE,
	MB_FETCH_UNREACHABLE, /* no address, no connection */
	MB_FETCH_NOT_TLS,     /* connected, but it does not speak TLS */
	MB_FETCH_UNTRUSTED,   /* its certificate was refused */
	MB_FETCH_BROKEN,      /* the transfer ended before its end */
	MB_FETCH_NO_LIBRARY,  /* there is no libcurl */
	MB_FETCH_BAD,         /* it makes no sense to try again */
};

struct mb_fetch_reply {
	uint32_t type, unused;
	uint64_t value;
};

#endif
