/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nl/batch.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "core/own.h"

enum { FIRST_CAP = 2048 };

void mb_nl_batch_done(struct mb_nl_batch *b)
{
	free(b->buf);
	*b = MB_NL_BATCH_INIT;
}

void mb_nl_batch_reset(struct mb_nl_batch *b)
{
	b->len = b->message = 0;
	b->n_messages = 0;
	b->broken = false;
}

/* @n zeroed bytes at the end, aligned; NULL when the batch is or becomes broken. */
static void *grow(struct mb_nl_batch *b, size_t n)
{
	size_t aligned = NLMSG_ALIGN(n);
	unsigned char *p;

	if (b->broken || n > MB_NL_BATCH_LIMIT || b->len + aligned > MB_NL_BATCH_LIMIT) {
		b->broken = true;
		return NULL;
	}
	if (b->len + aligned > b->cap) {
		size_t cap = b->cap ? b->cap : FIRST_CAP;

		while (cap < b->len + aligned)
			cap *= 2;
		b->buf = mb_realloc(b->buf, cap);
		b->cap = cap;
	}
	p = b->buf + b->len;
	memset(p, 0, aligned);
	b->len += aligned;
	return p;
}

/* The length of the open message follows the end of the buffer. */
static void settle(struct mb_nl_batch *b)
{
	struct nlmsghdr *h;

	if (b->broken || !b->n_messages)
		return;
	h = (struct nlmsghdr *)(void *)(b->buf + b->message);
	h->nlmsg_len = (uint32_t)(b->len - b->message);
}

void mb_nl_message(struct mb_nl_batch *b, uint16_t type, uint16_t flags, const void *header,
                   size_t header_len)
{
	size_t at = b->len;
	struct nlmsghdr *h = grow(b, NLMSG_HDRLEN + header_len);

	if (!h)
		return;
	b->message = at;
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = b->n_messages++;
	if (header_len)
		memcpy(h + 1, header, header_len);
	settle(b);
}

void mb_nl_put_raw(struct mb_nl_batch *b, const void *data, size_t len)
{
	void *p = grow(b, len);

	if (!p)
		return;
	if (len)
		memcpy(p, data, len);
	settle(b);
}

void mb_nl_put(struct mb_nl_batch *b, uint16_t type, const void *data, size_t len)
{
	struct nlattr *a;

	if (len > UINT16_MAX - NLA_HDRLEN) {
		b->broken = true;
		return;
	}
	a = grow(b, NLA_HDRLEN + len);
	if (!a)
		return;
	a->nla_type = type;
	a->nla_len = (uint16_t)(NLA_HDRLEN + len);
	if (len)
		memcpy(a + 1, data, len);
	settle(b);
}

void mb_nl_put_str(struct mb_nl_batch *b, uint16_t type, const char *s)
{
	mb_nl_put(b, type, s, strlen(s) + 1);
}

void mb_nl_put_u8(struct mb_nl_batch *b, uint16_t type, uint8_t v)
{
	mb_nl_put(b, type, &v, sizeof(v));
}

void mb_nl_put_u16(struct mb_nl_batch *b, uint16_t type, uint16_t v)
{
	mb_nl_put(b, type, &v, sizeof(v));
}

void mb_nl_put_u32(struct mb_nl_batch *b, uint16_t type, uint32_t v)
{
	mb_nl_put(b, type, &v, sizeof(v));
}

void mb_nl_put_be16(struct mb_nl_batch *b, uint16_t type, uint16_t v)
{
	mb_nl_put_u16(b, type, htons(v));
}

void mb_nl_put_be32(struct mb_nl_batch *b, uint16_t type, uint32_t v)
{
	mb_nl_put_u32(b, type, htonl(v));
}

size_t mb_nl_nest(struct mb_nl_batch *b, uint16_t type)
{
	size_t mark = b->len;

	mb_nl_put(b, type, NULL, 0);
	return mark;
}

void mb_nl_nest_end(struct mb_nl_batch *b, size_t mark)
{
	struct nlattr *a;

	if (b->broken)
		return;
	if (b->len - mark > UINT16_MAX) {
		b->broken = true;
		return;
	}
	a = (struct nlattr *)(void *)(b->buf + mark);
	a->nla_len = (uint16_t)(b->len - mark);
}

int mb_nl_parse(const void *data, size_t len, const struct nlattr **at, size_t max)
{
	const unsigned char *p = data;

	memset(at, 0, (max + 1) * sizeof(*at));
	while (len >= NLA_HDRLEN) {
		const struct nlattr *a = (const struct nlattr *)(const void *)p;
		size_t step, type = a->nla_type & NLA_TYPE_MASK;

		if (a->nla_len < NLA_HDRLEN || a->nla_len > len)
			return -EBADMSG;
		if (type <= max && !at[type])
			at[type] = a;
		step = NLA_ALIGN((size_t)a->nla_len);
		if (step >= len)
			return 0;
		p += step;
		len -= step;
	}
	return len ? -EBADMSG : 0;
}

size_t mb_nl_data_len(const struct nlattr *a)
{
	return a ? a->nla_len - (size_t)NLA_HDRLEN : 0;
}

const void *mb_nl_data(const struct nlattr *a, size_t size)
{
	return a && mb_nl_data_len(a) >= size ? a + 1 : NULL;
}

uint32_t mb_nl_u32(const struct nlattr *a, uint32_t otherwise)
{
	const void *p = mb_nl_data(a, sizeof(uint32_t));
	uint32_t v = otherwise;

	if (p)
		memcpy(&v, p, sizeof(v));
	return v;
}

uint32_t mb_nl_be32(const struct nlattr *a, uint32_t otherwise)
{
	return ntohl(mb_nl_u32(a, htonl(otherwise)));
}

uint64_t mb_nl_be64(const struct nlattr *a, uint64_t otherwise)
{
	const void *p = mb_nl_data(a, sizeof(uint64_t));
	uint64_t v;

	if (!p)
		return otherwise;
	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

uint16_t mb_nl_be16(const struct nlattr *a, uint16_t otherwise)
{
	const void *p = mb_nl_data(a, sizeof(uint16_t));
	uint16_t v;

	if (!p)
		return otherwise;
	memcpy(&v, p, sizeof(v));
	return ntohs(v);
}

uint8_t mb_nl_u8(const struct nlattr *a, uint8_t otherwise)
{
	const uint8_t *p = mb_nl_data(a, 1);

	return p ? *p : otherwise;
}

const char *mb_nl_str(const struct nlattr *a)
{
	size_t len = mb_nl_data_len(a);
	const char *s = mb_nl_data(a, 1);

	return s && memchr(s, '\0', len) ? s : NULL;
}
