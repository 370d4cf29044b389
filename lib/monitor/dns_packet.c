/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/dns_packet.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"

enum {
	FLAG_RESPONSE = 0x8000,
	FLAG_OPCODE = 0x7800,
	FLAG_TRUNCATED = 0x0200,
	FLAG_RECURSION_DESIRED = 0x0100,
	FLAG_RECURSION_AVAILABLE = 0x0080,
	FLAG_CHECKING_DISABLED = 0x0010,
	FLAG_AUTHENTIC = 0x0020,
	CLASS_IN = 1,
	OPT_SIZE = 11,
	DNSSEC_OK = 0x8000,
	LABEL_MAX = 63,
	POINTER = 0xc0,
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* The bytes that the uncompressed name at @at takes, its root included; 0: malformed. */
static size_t name_size(const uint8_t *p, size_t n, size_t at)
{
	size_t from = at;

	while (at < n && p[at] != 0) {
		if (p[at] > LABEL_MAX)
			return 0;
		at += 1u + p[at];
	}
	at++;
	return at <= n && at - from <= 255 ? at - from : 0;
}

/* The same for a name that may end in a pointer, which is not followed. */
static size_t skip_name(const uint8_t *p, size_t n, size_t at)
{
	size_t from = at;

	while (at < n && p[at] != 0) {
		if ((p[at] & POINTER) == POINTER)
			return at + 2 <= n ? at + 2 - from : 0;
		if (p[at] > LABEL_MAX)
			return 0;
		at += 1u + p[at];
	}
	at++;
	return at <= n ? at - from : 0;
}

struct record {
	uint16_t type, class;
	uint32_t ttl;
	size_t size;
};

/* Return: whether a whole record stands at @at. */
static bool read_record(const uint8_t *p, size_t n, size_t at, struct record *ret)
{
	size_t name = skip_name(p, n, at);

	if (!name || n - at - name < 10)
		return false;
	at += name;
	ret->type = get16(p + at);
	ret->class = get16(p + at + 2);
	ret->ttl = (uint32_t)get16(p + at + 4) << 16 | get16(p + at + 6);
	ret->size = name + 10 + get16(p + at + 8);
	return n - at >= ret->size - name;
}

/* Look for OPT among the records after the question. */
static int parse_edns(const uint8_t *p, size_t n, struct mb_dns_question *q,
                      enum mb_dns_rcode *ret_rcode)
{
	unsigned records = get16(p + 6) + get16(p + 8) + get16(p + 10);
	size_t at = (size_t)MB_DNS_HEADER + q->n_raw;

	for (; records > 0; records--) {
		struct record record;

		if (!read_record(p, n, at, &record) ||
		    (record.type == MB_DNS_OPT && (q->edns_size || p[at] != 0))) {
			*ret_rcode = MB_DNS_FORMERR;
			return MB_DNS_ANSWER_RCODE;
		}
		at += record.size;
		if (record.type != MB_DNS_OPT)
			continue;
		q->edns_size = record.class < MB_DNS_UDP_PLAIN ? MB_DNS_UDP_PLAIN : record.class;
		q->dnssec_ok = record.ttl & DNSSEC_OK;
		if (record.ttl >> 16 & 0xff) {
			*ret_rcode = MB_DNS_BADVERS;
			return MB_DNS_ANSWER_RCODE;
		}
	}
	return 0;
}

int mb_dns_question_parse(const uint8_t *p, size_t n, struct mb_dns_question *ret,
                          enum mb_dns_rcode *ret_rcode)
{
	size_t name;

	memset(ret, 0, sizeof(*ret));
	if (n < MB_DNS_HEADER || get16(p + 2) & FLAG_RESPONSE)
		return MB_DNS_DROP;
	ret->id = get16(p);
	ret->flags = get16(p + 2);
	*ret_rcode = MB_DNS_NOTIMP;
	if (ret->flags & FLAG_OPCODE)
		return MB_DNS_ANSWER_RCODE;
	*ret_rcode = MB_DNS_FORMERR;
	name = get16(p + 4) == 1 ? name_size(p, n, MB_DNS_HEADER) : 0;
	if (!name || n - MB_DNS_HEADER - name < 4)
		return MB_DNS_ANSWER_RCODE;
	ret->n_raw = (uint16_t)(name + 4);
	memcpy(ret->raw, p + MB_DNS_HEADER, ret->n_raw);
	ret->type = get16(ret->raw + name);
	ret->class = get16(ret->raw + name + 2);
	*ret_rcode = MB_DNS_REFUSED;
	if (ret->class != CLASS_IN)
		return MB_DNS_ANSWER_RCODE;
	return parse_edns(p, n, ret, ret_rcode);
}

bool mb_dns_question_name(const struct mb_dns_question *q, char name[MB_DNS_NAME_TEXT])
{
	size_t at = 0, out = 0;
	bool plain = true;

	while (q->raw[at]) {
		size_t label = q->raw[at++];

		if (out)
			name[out++] = '.';
		for (; label; label--, at++) {
			uint8_t c = lower(q->raw[at]);

			plain &= (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
			         c == '_';
			name[out++] = (char)c;
		}
	}
	name[out] = '\0';
	return plain;
}

size_t mb_dns_question_limit(const struct mb_dns_question *q)
{
	if (!q->edns_size)
		return MB_DNS_UDP_PLAIN;
	return q->edns_size < MB_DNS_UDP_MOST ? q->edns_size : MB_DNS_UDP_MOST;
}

static size_t put_opt(uint8_t *p, unsigned size, unsigned rcode, bool dnssec_ok)
{
	memset(p, 0, OPT_SIZE);
	put16(p + 1, MB_DNS_OPT);
	put16(p + 3, size);
	p[5] = (uint8_t)(rcode >> 4);
	put16(p + 7, dnssec_ok ? DNSSEC_OK : 0);
	return OPT_SIZE;
}

size_t mb_dns_question_format(const struct mb_dns_question *q, uint16_t id, uint8_t *buf)
{
	const unsigned keep = FLAG_RECURSION_DESIRED | FLAG_CHECKING_DISABLED | FLAG_AUTHENTIC;
	size_t n = (size_t)MB_DNS_HEADER + q->n_raw;

	memset(buf, 0, MB_DNS_HEADER);
	put16(buf, id);
	put16(buf + 2, q->flags & keep);
	put16(buf + 4, 1);
	memcpy(buf + MB_DNS_HEADER, q->raw, q->n_raw);
	if (q->edns_size) {
		put16(buf + 10, 1);
		n += put_opt(buf + n, (unsigned)mb_dns_question_limit(q), 0, q->dnssec_ok);
	}
	return n;
}

void mb_dns_reply_begin(struct mb_dns_reply *r, const struct mb_dns_question *q, uint8_t *buf,
                        size_t limit)
{
	*r = (struct mb_dns_reply){.buf = buf, .q = q};
	r->limit = limit - (q->edns_size ? OPT_SIZE : 0);
	r->n = (size_t)MB_DNS_HEADER + q->n_raw;
	memset(buf, 0, MB_DNS_HEADER);
	memcpy(buf + MB_DNS_HEADER, q->raw, q->n_raw);
}

void mb_dns_reply_add(struct mb_dns_reply *r, enum mb_dns_type type, uint32_t ttl, const void *data,
                      size_t n)
{
	uint8_t *p = r->buf + r->n;

	if (r->is_cut || r->n + 12 + n > r->limit) {
		r->is_cut = true;
		return;
	}
	put16(p, POINTER << 8 | MB_DNS_HEADER);
	put16(p + 2, type);
	put16(p + 4, CLASS_IN);
	put32(p + 6, ttl);
	put16(p + 10, (unsigned)n);
	memcpy(p + 12, data, n);
	r->n += 12 + n;
	r->answers++;
}

void mb_dns_reply_add_name(struct mb_dns_reply *r, uint32_t ttl, const char *name)
{
	uint8_t wire[256];
	size_t n = 0;

	while (*name) {
		size_t label = strcspn(name, ".");

		if (label == 0 || label > LABEL_MAX || n + label + 2 > sizeof(wire))
			return;
		wire[n++] = (uint8_t)label;
		memcpy(wire + n, name, label);
		n += label;
		name += label + (name[label] == '.');
	}
	wire[n++] = 0;
	mb_dns_reply_add(r, MB_DNS_PTR, ttl, wire, n);
}

size_t mb_dns_reply_end(struct mb_dns_reply *r, enum mb_dns_rcode rcode)
{
	const struct mb_dns_question *q = r->q;
	unsigned flags =
		FLAG_RESPONSE | FLAG_RECURSION_AVAILABLE |
		(q->flags & (FLAG_OPCODE | FLAG_RECURSION_DESIRED | FLAG_CHECKING_DISABLED)) |
		(r->is_cut ? FLAG_TRUNCATED : 0) | (rcode & 0xf);

	put16(r->buf, q->id);
	put16(r->buf + 2, flags);
	put16(r->buf + 4, q->n_raw ? 1 : 0);
	put16(r->buf + 6, r->answers);
	if (q->edns_size) {
		put16(r->buf + 10, 1);
		r->n += put_opt(r->buf + r->n, MB_DNS_UDP_OURS, rcode, q->dnssec_ok);
	}
	return r->n;
}

bool mb_dns_response_fits(const uint8_t *p, size_t n, uint16_t id, const struct mb_dns_question *q)
{
	if (n < MB_DNS_HEADER || get16(p) != id || !(get16(p + 2) & FLAG_RESPONSE))
		return false;
	/* Some servers leave the question out of an error. */
	if (get16(p + 4) == 0)
		return mb_dns_response_rcode(p) != MB_DNS_NOERROR && n == MB_DNS_HEADER;
	if (get16(p + 4) != 1 || n < (size_t)MB_DNS_HEADER + q->n_raw)
		return false;
	for (size_t i = 0; i < q->n_raw; i++)
		if (lower(p[MB_DNS_HEADER + i]) != lower(q->raw[i]))
			return false;
	return true;
}

enum mb_dns_rcode mb_dns_response_rcode(const uint8_t *p)
{
	return p[3] & 0xf;
}

void mb_dns_response_adopt(uint8_t *p, const struct mb_dns_question *q)
{
	put16(p, q->id);
	if (get16(p + 4) == 1)
		memcpy(p + MB_DNS_HEADER, q->raw, q->n_raw);
}

bool mb_dns_record_next(const uint8_t *p, size_t n, struct mb_dns_record *r)
{
	struct record record;
	size_t at = r->at;

	if (n < MB_DNS_HEADER || r->number >= get16(p + 6) || get16(p + 4) != 1)
		return false;
	if (!r->number) {
		size_t name = name_size(p, n, MB_DNS_HEADER);

		if (!name)
			return false;
		at = MB_DNS_HEADER + name + 4;
	}
	if (!read_record(p, n, at, &record))
		return false;
	r->at = at + record.size;
	r->type = record.class == CLASS_IN ? record.type : 0;
	r->n = get16(p + at + skip_name(p, n, at) + 8);
	r->data = p + r->at - r->n;
	r->ttl_at = r->at - r->n - 6;
	r->number++;
	return true;
}

void mb_dns_record_limit(uint8_t *p, const struct mb_dns_record *r, uint32_t ttl)
{
	uint8_t *at = p + r->ttl_at;

	if (((uint32_t)get16(at) << 16 | get16(at + 2)) > ttl)
		put32(at, ttl);
}

static bool reverse4(const char *name, size_t n, char address[MB_DNS_ADDRESS_TEXT])
{
	uint8_t bytes[4];
	const char *p = name, *end = name + n;

	for (int i = 3; i >= 0; i--) {
		char *stop;
		unsigned long v;

		if (*p < '0' || *p > '9')
			return false;
		v = strtoul(p, &stop, 10);
		if (v > 255 || stop - p > 3 || (i > 0 ? *stop != '.' : stop != end))
			return false;
		bytes[i] = (uint8_t)v;
		p = stop + 1;
	}
	return inet_ntop(AF_INET, bytes, address, MB_DNS_ADDRESS_TEXT) != NULL;
}

static bool reverse6(const char *name, size_t n, char address[MB_DNS_ADDRESS_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[16] = {0};

	if (n != 63)
		return false;
	for (unsigned i = 0; i < 32; i++) {
		const char *digit = memchr(digits, name[2 * i], 16);

		if (!digit || (i < 31 && name[2 * i + 1] != '.'))
			return false;
		bytes[15 - i / 2] |= (uint8_t)((digit - digits) << (i % 2 * 4));
	}
	return inet_ntop(AF_INET6, bytes, address, MB_DNS_ADDRESS_TEXT) != NULL;
}

bool mb_dns_reverse_parse(const char *name, char address[MB_DNS_ADDRESS_TEXT])
{
	static const char four[] = ".in-addr.arpa", six[] = ".ip6.arpa";
	size_t n = strlen(name);

	if (mb_ends_with(name, four))
		return reverse4(name, n - (sizeof(four) - 1), address);
	if (mb_ends_with(name, six))
		return reverse6(name, n - (sizeof(six) - 1), address);
	return false;
}
