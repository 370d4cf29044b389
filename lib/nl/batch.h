/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/nl/batch.h — netlink messages, one after the other, in one buffer for one sendmsg(2).
 *
 * Building never fails in the middle: what does not fit (LIMIT bytes, 64 KiB in an attribute)
 * marks the batch broken, and sending a broken batch is -EMSGSIZE.
 */
#ifndef MB_NL_BATCH_H
#define MB_NL_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MB_NL_BATCH_LIMIT = 8 << 20 };

struct mb_nl_batch {
	unsigned char *buf; /* owned */
	size_t len, cap;
	size_t message;      /* where the open message begins */
	uint32_t n_messages; /* sequence numbers are 0, 1, ... until it is sent */
	bool broken;
};
#define MB_NL_BATCH_INIT ((struct mb_nl_batch){0})
#define MB_AUTO_NL_BATCH __attribute__((cleanup(mb_nl_batch_done)))

void mb_nl_batch_done(struct mb_nl_batch *b);
void mb_nl_batch_reset(struct mb_nl_batch *b); /* empty, memory kept */

/* Begin a message: NLM_F_REQUEST | @flags, then the family's fixed header. */
void mb_nl_message(struct mb_nl_batch *b, uint16_t type, uint16_t flags, const void *header,
                   size_t header_len);

/* Attributes of the open message. */
void mb_nl_put(struct mb_nl_batch *b, uint16_t type, const void *data, size_t len);
void mb_nl_put_str(struct mb_nl_batch *b, uint16_t type, const char *s); /* with its NUL */
void mb_nl_put_u8(struct mb_nl_batch *b, uint16_t type, uint8_t v);
void mb_nl_put_u16(struct mb_nl_batch *b, uint16_t type, uint16_t v);
void mb_nl_put_u32(struct mb_nl_batch *b, uint16_t type, uint32_t v);
void mb_nl_put_be16(struct mb_nl_batch *b, uint16_t type, uint16_t v);
void mb_nl_put_be32(struct mb_nl_batch *b, uint16_t type, uint32_t v);
/* Bytes without an attribute header: the fixed header inside VETH_INFO_PEER. */
void mb_nl_put_raw(struct mb_nl_batch *b, const void *data, size_t len);
/* Open a nested attribute; @type may carry NLA_F_NESTED.  Return: the mark for _nest_end. */
size_t mb_nl_nest(struct mb_nl_batch *b, uint16_t type);
void mb_nl_nest_end(struct mb_nl_batch *b, size_t mark);

/* Reading: attributes of @len bytes at @data into at[0..max], at[type] -> struct nlattr or NULL
 * (the first of a type wins; flags in the type are taken off).  Return: 0, or -EBADMSG when a
 * length is wrong; what stands before it is in the table. */
struct nlattr;
int mb_nl_parse(const void *data, size_t len, const struct nlattr **at, size_t max);
/* The payload, NULL unless it has at least @size bytes. */
const void *mb_nl_data(const struct nlattr *a, size_t size);
size_t mb_nl_data_len(const struct nlattr *a);
uint32_t mb_nl_u32(const struct nlattr *a, uint32_t otherwise);
uint32_t mb_nl_be32(const struct nlattr *a, uint32_t otherwise);
uint64_t mb_nl_be64(const struct nlattr *a, uint64_t otherwise);
uint16_t mb_nl_be16(const struct nlattr *a, uint16_t otherwise);
uint8_t mb_nl_u8(const struct nlattr *a, uint8_t otherwise);
const char *mb_nl_str(const struct nlattr *a); /* NULL unless it ends with NUL */

#endif
