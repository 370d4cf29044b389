/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "systemd/message.h"

#include <byteswap.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "core/err.h"

enum { VERSION = 1, NO_REPLY = 1 };
enum {
	FIELD_PATH = 1,
	FIELD_INTERFACE,
	FIELD_MEMBER,
	FIELD_ERROR,
	FIELD_REPLY_SERIAL,
	FIELD_DESTINATION,
	FIELD_SENDER,
	FIELD_SIGNATURE,
};
#if BYTE_ORDER == LITTLE_ENDIAN
enum { OWN_ORDER = 'l', OTHER_ORDER = 'B' };
#else
enum { OWN_ORDER = 'B', OTHER_ORDER = 'l' };
#endif

/* --- writing --- */

void mb_systemd_put_align(struct mb_str *s, size_t to)
{
	while (s->len % to)
		mb_str_addc(s, '\0');
}

void mb_systemd_put_u32(struct mb_str *s, uint32_t value)
{
	mb_systemd_put_align(s, sizeof(value));
	mb_str_addn(s, &value, sizeof(value));
}

void mb_systemd_put_u64(struct mb_str *s, uint64_t value)
{
	mb_systemd_put_align(s, sizeof(value));
	mb_str_addn(s, &value, sizeof(value));
}

void mb_systemd_put_bool(struct mb_str *s, bool value)
{
	mb_systemd_put_u32(s, value);
}

void mb_systemd_put_string(struct mb_str *s, const char *text)
{
	size_t n = strlen(text);

	mb_systemd_put_u32(s, (uint32_t)n);
	mb_str_addn(s, text, n + 1);
}

void mb_systemd_put_signature(struct mb_str *s, const char *signature)
{
	size_t n = strlen(signature);

	mb_str_addc(s, (char)n);
	mb_str_addn(s, signature, n + 1);
}

struct mb_systemd_array mb_systemd_array_begin(struct mb_str *s, size_t to)
{
	struct mb_systemd_array a;

	mb_systemd_put_u32(s, 0);
	a.length_at = s->len - sizeof(uint32_t);
	mb_systemd_put_align(s, to);
	a.begin = s->len;
	return a;
}

void mb_systemd_array_end(struct mb_str *s, struct mb_systemd_array array)
{
	uint32_t n = (uint32_t)(s->len - array.begin);

	memcpy(s->buf + array.length_at, &n, sizeof(n));
}

static void put_field(struct mb_str *s, uint8_t code, const char *type, const char *text)
{
	if (!text)
		return;
	mb_systemd_put_align(s, 8);
	mb_str_addc(s, (char)code);
	mb_systemd_put_signature(s, type);
	if (*type == 'g')
		mb_systemd_put_signature(s, text);
	else
		mb_systemd_put_string(s, text);
}

void mb_systemd_call_write(const struct mb_systemd_call *call, uint32_t serial,
                           const struct mb_str *body, struct mb_str *out)
{
	struct mb_systemd_array fields;

	mb_str_reset(out);
	mb_str_addc(out, OWN_ORDER);
	mb_str_addc(out, MB_SYSTEMD_CALL);
	mb_str_addc(out, call->no_reply ? NO_REPLY : 0);
	mb_str_addc(out, VERSION);
	mb_systemd_put_u32(out, body ? (uint32_t)body->len : 0);
	mb_systemd_put_u32(out, serial);
	fields = mb_systemd_array_begin(out, 8);
	put_field(out, FIELD_PATH, "o", call->path);
	put_field(out, FIELD_INTERFACE, "s", call->interface);
	put_field(out, FIELD_MEMBER, "s", call->member);
	put_field(out, FIELD_DESTINATION, "s", call->destination);
	put_field(out, FIELD_SIGNATURE, "g", call->signature);
	mb_systemd_array_end(out, fields);
	mb_systemd_put_align(out, 8);
	if (body && body->len)
		mb_str_addn(out, body->buf, body->len);
}

/* --- reading --- */

static bool take(struct mb_systemd_reader *r, size_t align, size_t n, const uint8_t **ret)
{
	size_t at = (r->at + align - 1) / align * align;

	if (r->failed || at > r->len || n > r->len - at) {
		r->failed = true;
		return false;
	}
	*ret = r->bytes + at;
	r->at = at + n;
	return true;
}

uint32_t mb_systemd_get_u32(struct mb_systemd_reader *r)
{
	const uint8_t *p;
	uint32_t value;

	if (!take(r, sizeof(value), sizeof(value), &p))
		return 0;
	memcpy(&value, p, sizeof(value));
	return r->swapped ? bswap_32(value) : value;
}

/* @n bytes and the NUL that must follow them, and none before. */
static const char *get_text(struct mb_systemd_reader *r, size_t n)
{
	const uint8_t *p;

	if (n >= r->len || !take(r, 1, n + 1, &p))
		r->failed = true;
	else if (!memchr(p, '\0', n) && !p[n])
		return (const char *)p;
	r->failed = true;
	return "";
}

const char *mb_systemd_get_string(struct mb_systemd_reader *r)
{
	uint32_t n = mb_systemd_get_u32(r);

	return r->failed ? "" : get_text(r, n);
}

static uint8_t get_byte(struct mb_systemd_reader *r)
{
	const uint8_t *p;

	return take(r, 1, 1, &p) ? *p : 0;
}

static const char *get_signature(struct mb_systemd_reader *r)
{
	uint8_t n = get_byte(r);

	return r->failed ? "" : get_text(r, n);
}

static uint32_t u32_at(const uint8_t *p, bool swapped)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return swapped ? bswap_32(value) : value;
}

int mb_systemd_message_length(const uint8_t header[MB_SYSTEMD_HEADER], size_t *ret,
                              struct mb_err *err)
{
	bool swapped = header[0] == OTHER_ORDER;
	uint64_t body, fields;

	if ((header[0] != OWN_ORDER && !swapped) || header[3] != VERSION)
		return mb_fail(err, EBADMSG, "what came is no D-Bus message");
	body = u32_at(header + 4, swapped);
	fields = u32_at(header + 12, swapped);
	if (body + fields > MB_SYSTEMD_MAX_MESSAGE - 2 * MB_SYSTEMD_HEADER)
		return mb_fail(err, EMSGSIZE, "a D-Bus message is too long");
	*ret = MB_SYSTEMD_HEADER + ((size_t)fields + 7) / 8 * 8 + (size_t)body;
	return 0;
}

/* One header field: a byte, and a value that carries its type. */
static void get_field(struct mb_systemd_reader *r, struct mb_systemd_message *m)
{
	const uint8_t *p;
	uint8_t code = take(r, 8, 1, &p) ? *p : 0;
	const char *type = get_signature(r), *text = "";
	uint32_t number = 0;

	switch (*type) {
	case 's':
	case 'o':
		text = mb_systemd_get_string(r);
		break;
	case 'g':
		text = get_signature(r);
		break;
	case 'u':
		number = mb_systemd_get_u32(r);
		break;
	default:
		r->failed = true;
	}
	if (code == FIELD_MEMBER && *type == 's')
		m->member = text;
	else if (code == FIELD_ERROR && *type == 's')
		m->error = text;
	else if (code == FIELD_SIGNATURE && *type == 'g')
		m->signature = text;
	else if (code == FIELD_REPLY_SERIAL && *type == 'u')
		m->reply_serial = number;
}

int mb_systemd_message_parse(const uint8_t *bytes, size_t len, struct mb_systemd_message *ret,
                             struct mb_err *err)
{
	struct mb_systemd_message m = {.member = "", .error = "", .signature = ""};
	struct mb_systemd_reader r;
	size_t whole = 0;
	int e;

	if (len < MB_SYSTEMD_HEADER)
		return mb_fail(err, EBADMSG, "a D-Bus message is cut off");
	e = mb_systemd_message_length(bytes, &whole, err);
	if (e < 0)
		return e;
	m.type = bytes[1];
	m.swapped = bytes[0] == OTHER_ORDER;
	m.body_len = u32_at(bytes + 4, m.swapped);
	m.serial = u32_at(bytes + 8, m.swapped);
	if (whole != len)
		return mb_fail(err, EBADMSG, "a D-Bus message is cut off");
	m.body = bytes + len - m.body_len;
	r = (struct mb_systemd_reader){
		.bytes = bytes,
		.len = MB_SYSTEMD_HEADER + u32_at(bytes + 12, m.swapped),
		.at = MB_SYSTEMD_HEADER,
		.swapped = m.swapped,
	};
	while (!r.failed && r.at < r.len)
		get_field(&r, &m);
	if (r.failed)
		return mb_fail(err, EBADMSG, "a D-Bus message has a broken header");
	*ret = m;
	return 0;
}

struct mb_systemd_reader mb_systemd_body(const struct mb_systemd_message *m)
{
	return (struct mb_systemd_reader){
		.bytes = m->body, .len = m->body_len, .swapped = m->swapped};
}
