/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/systemd/message.h — D-Bus messages: written in this machine's byte order, read in both.
 *
 * Only what a caller of systemd needs: calls out; returns, errors and signals in.  A reader checks
 * every length against what came in; a value that is not there reads as nothing and fails the
 * reader for good, so that one check at the end will do.
 */
#ifndef MB_SYSTEMD_MESSAGE_H
#define MB_SYSTEMD_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"

struct mb_err;

enum {
	MB_SYSTEMD_CALL = 1,
	MB_SYSTEMD_RETURN = 2,
	MB_SYSTEMD_ERROR = 3,
	MB_SYSTEMD_SIGNAL = 4,
};
enum { MB_SYSTEMD_HEADER = 16, MB_SYSTEMD_MAX_MESSAGE = 16 << 20 };

/* --- writing --- */

void mb_systemd_put_u32(struct mb_str *s, uint32_t value);
void mb_systemd_put_u64(struct mb_str *s, uint64_t value);
void mb_systemd_put_bool(struct mb_str *s, bool value);
void mb_systemd_put_string(struct mb_str *s, const char *text); /* object paths too */
void mb_systemd_put_signature(struct mb_str *s, const char *signature);
void mb_systemd_put_align(struct mb_str *s, size_t to);
/* An array whose elements are aligned to @to: what begin() gives is for end(). */
struct mb_systemd_array {
	size_t length_at, begin;
};
struct mb_systemd_array mb_systemd_array_begin(struct mb_str *s, size_t to);
void mb_systemd_array_end(struct mb_str *s, struct mb_systemd_array array);

struct mb_systemd_call {
	const char *destination, *path, *interface, *member; /* destination may be NULL */
	const char *signature;                               /* of the body; NULL: none */
	bool no_reply;
};
/* The whole message.  @body may be NULL. */
void mb_systemd_call_write(const struct mb_systemd_call *call, uint32_t serial,
                           const struct mb_str *body, struct mb_str *out);

/* --- reading --- */

struct mb_systemd_message {
	uint8_t type;
	bool swapped; /* the other byte order */
	uint32_t serial, reply_serial;
	const char *member, *error, *signature; /* "" when it has none; borrowed from the bytes */
	const uint8_t *body;
	size_t body_len;
};

struct mb_systemd_reader {
	const uint8_t *bytes;
	size_t len, at;
	bool swapped, failed;
};

/* How long a message is whose first MB_SYSTEMD_HEADER bytes are @header.
 * Return: 0; -EBADMSG or -EMSGSIZE, told. */
int mb_systemd_message_length(const uint8_t header[MB_SYSTEMD_HEADER], size_t *ret,
                              struct mb_err *err);
/* @bytes are one whole message and outlive *@ret.  Return: 0 or -EBADMSG, told. */
int mb_systemd_message_parse(const uint8_t *bytes, size_t len, struct mb_systemd_message *ret,
                             struct mb_err *err);
struct mb_systemd_reader mb_systemd_body(const struct mb_systemd_message *m);
uint32_t mb_systemd_get_u32(struct mb_systemd_reader *r);
const char *mb_systemd_get_string(struct mb_systemd_reader *r); /* never NULL */

#endif
