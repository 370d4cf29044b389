/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/nl/nft.h — nftables: tables, chains, sets, maps, elements and rules of the inet family.
 *
 * A transaction is mb_nl_nft_begin(), any number of builders, mb_nl_nft_commit(): all of it
 * happens or nothing.  The kernel's objects and expressions are those of
 * linux/netfilter/nf_tables.h.
 */
#ifndef MB_NL_NFT_H
#define MB_NL_NFT_H

#include <netinet/in.h> /* before linux/in.h, which then stands back */

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>
#include <stdint.h>

#include "nl/batch.h"
#include "nl/sock.h"

void mb_nl_nft_begin(struct mb_nl_batch *b);
/* Return: 0, or -errno with *@ret_failed as mb_nl_send() has it (0 is the frame).  A
 * transaction that the kernel asks to repeat (-EINTR, -EAGAIN) is repeated. */
int mb_nl_nft_commit(struct mb_nl *nl, struct mb_nl_batch *b, size_t *ret_failed,
                     struct mb_err *err);

/* Without NLM_F_EXCL in @flags what exists already is fine. */
void mb_nl_nft_table_add(struct mb_nl_batch *b, const char *table, uint16_t flags);
/* The whole table.  -ENOENT when absent. */
void mb_nl_nft_table_del(struct mb_nl_batch *b, const char *table);
/* @type NULL: not a base chain, the other arguments do not count. */
struct mb_nl_nft_chain {
	const char *name, *type; /* "filter", "nat" */
	uint32_t hook;           /* NF_INET_* */
	int32_t priority;
};
void mb_nl_nft_chain_add(struct mb_nl_batch *b, const char *table,
                         const struct mb_nl_nft_chain *chain);

/* Types as nft(8) numbers them, so that it can print what is here; a concatenation takes six
 * bits each, first one highest: MB_NL_NFT_CONCAT(a, b). */
enum mb_nl_nft_type {
	MB_NL_NFT_NONE = 0,
	MB_NL_NFT_IPV4 = 7,
	MB_NL_NFT_IPV6 = 8,
	MB_NL_NFT_PROTO = 12,
	MB_NL_NFT_PORT = 13,
	MB_NL_NFT_MARK = 19, /* a word in host order, shown in hexadecimal digits */
	MB_NL_NFT_IFNAME = 41,
};
#define MB_NL_NFT_CONCAT(a, b)        ((a) << 6 | (b))
#define MB_NL_NFT_CONCAT3(a, b, c)    ((a) << 12 | (b) << 6 | (c))
#define MB_NL_NFT_CONCAT4(a, b, c, d) (MB_NL_NFT_CONCAT3(a, b, c) << 6 | (d))
#define MB_NL_NFT_VERDICT             NFT_DATA_VERDICT

struct mb_nl_nft_set {
	const char *name;
	uint32_t key_type, key_len;
	uint32_t data_type, data_len; /* data_type NONE: a set, otherwise a map */
	bool counts;                  /* each element has a counter of what matched it */
	uint32_t forget_sec;          /* elements go by themselves after this; 0: they stay */
	uint8_t fields[4];            /* elements are ranges: lengths of the key's parts, 0 ends */
};
void mb_nl_nft_set_add(struct mb_nl_batch *b, const char *table, const struct mb_nl_nft_set *set,
                       uint32_t id);

enum { MB_NL_NFT_BYTES = 64 };
struct mb_nl_nft_elem {
	uint8_t key[MB_NL_NFT_BYTES], data[MB_NL_NFT_BYTES];
	uint8_t key_end[MB_NL_NFT_BYTES]; /* of a range: the last one, key being the first */
	uint32_t key_len, data_len;       /* data_len 0: of a set, or a verdict */
	bool is_range, is_verdict;
	int32_t verdict;         /* NF_ACCEPT, NF_DROP, NFT_RETURN */
	uint64_t packets, bytes; /* what it counted; to be added: where it begins */
};
/* @n elements at once; cut into messages that the kernel takes. */
void mb_nl_nft_elems_add(struct mb_nl_batch *b, const char *table, const char *set,
                         const struct mb_nl_nft_elem *elems, size_t n);
/* -ENOENT, and with it the whole transaction, when one is absent. */
void mb_nl_nft_elems_del(struct mb_nl_batch *b, const char *table, const char *set,
                         const struct mb_nl_nft_elem *elems, size_t n);
void mb_nl_nft_elems_flush(struct mb_nl_batch *b, const char *table, const char *set);

/* A rule at the end of @chain: _rule_add, expressions in order, _rule_end. */
struct mb_nl_nft_rule {
	struct mb_nl_batch *b;
	size_t list;
};
void mb_nl_nft_rule_add(struct mb_nl_batch *b, const char *table, const char *chain,
                        struct mb_nl_nft_rule *ret);
void mb_nl_nft_rule_end(struct mb_nl_nft_rule *r);
void mb_nl_nft_meta(struct mb_nl_nft_rule *r, uint32_t key, uint32_t reg);
void mb_nl_nft_payload(struct mb_nl_nft_rule *r, uint32_t base, uint32_t offset, uint32_t len,
                       uint32_t reg);
void mb_nl_nft_ct(struct mb_nl_nft_rule *r, uint32_t key, uint32_t reg);
/* Of one direction of the connection: IP_CT_DIR_ORIGINAL or _REPLY. */
void mb_nl_nft_ct_dir(struct mb_nl_nft_rule *r, uint32_t key, uint8_t direction, uint32_t reg);
void mb_nl_nft_fib_type(struct mb_nl_nft_rule *r, uint32_t reg); /* of the destination */
/* The interface by which the source is reached, if that is the one it came by; else 0. */
void mb_nl_nft_fib_back(struct mb_nl_nft_rule *r, uint32_t reg);
void mb_nl_nft_cmp(struct mb_nl_nft_rule *r, uint32_t reg, bool equal, const void *data,
                   size_t len);
/* reg &= mask (four bytes, host order as ct gives them). */
void mb_nl_nft_mask(struct mb_nl_nft_rule *r, uint32_t reg, uint32_t mask);
/* Look @reg up in @set; a map gives into @dreg, NFT_REG_VERDICT for a verdict map. */
void mb_nl_nft_lookup(struct mb_nl_nft_rule *r, uint32_t reg, const char *set, bool is_map,
                      uint32_t dreg);
void mb_nl_nft_verdict(struct mb_nl_nft_rule *r, int32_t verdict, const char *chain);
void mb_nl_nft_load(struct mb_nl_nft_rule *r, uint32_t reg, const void *data, size_t len);
void mb_nl_nft_counter(struct mb_nl_nft_rule *r);
/* @reg is in @set, and is not forgotten for another @set->forget_sec. */
void mb_nl_nft_remember(struct mb_nl_nft_rule *r, uint32_t reg, const struct mb_nl_nft_set *set);
/* Destination or source NAT to what stands in two registers; @port_reg 0: the port stays. */
void mb_nl_nft_nat(struct mb_nl_nft_rule *r, bool destination, uint32_t family, uint32_t addr_reg,
                   uint32_t port_reg);
void mb_nl_nft_masquerade(struct mb_nl_nft_rule *r);

/* ---- reading -------------------------------------------------------------------------- */

/* Return: 0; MB_NL_ABSENT (route.h); or -errno. */
int mb_nl_nft_table_find(struct mb_nl *nl, const char *table, struct mb_err *err);
/* One element: @elem has the key, the rest is filled in.  Return: 0; MB_NL_ABSENT; or -errno. */
int mb_nl_nft_elem_find(struct mb_nl *nl, const char *table, const char *set,
                        struct mb_nl_nft_elem *elem, struct mb_err *err);
typedef int mb_nl_nft_elem_each(const struct mb_nl_nft_elem *elem, void *arg);
/* Return: 0; MB_NL_ABSENT: no such table or set; or -errno. */
int mb_nl_nft_elem_dump(struct mb_nl *nl, const char *table, const char *set,
                        mb_nl_nft_elem_each *each, void *arg, struct mb_err *err);
/* Base chains of every family and table. */
struct mb_nl_nft_base {
	uint8_t family; /* NFPROTO_* */
	char table[64], name[64];
	uint32_t hook, policy; /* NF_INET_*, NF_ACCEPT or NF_DROP */
};
typedef int mb_nl_nft_base_each(const struct mb_nl_nft_base *base, void *arg);
int mb_nl_nft_base_dump(struct mb_nl *nl, mb_nl_nft_base_each *each, void *arg, struct mb_err *err);
/* A table with @chain in it, base or not.  Return: 0; MB_NL_ABSENT; or -errno. */
int mb_nl_nft_chain_find(struct mb_nl *nl, uint8_t family, const char *table, const char *chain,
                         struct mb_err *err);
/* Rules of a table of any family: @chain has them, @bytes are their expressions as the kernel
 * encodes them, for looking for a name. */
struct mb_nl_nft_rule_info {
	const char *chain;
	const void *bytes;
	size_t len;
};
typedef int mb_nl_nft_rule_each(const struct mb_nl_nft_rule_info *rule, void *arg);
int mb_nl_nft_rule_dump(struct mb_nl *nl, uint8_t family, const char *table,
                        mb_nl_nft_rule_each *each, void *arg, struct mb_err *err);

/* What one answer says.  Return: whether it is of that kind and makes sense. */
bool mb_nl_nft_base_read(const struct nlmsghdr *h, struct mb_nl_nft_base *ret);
/* Of @table alone; what @ret points to is in @h. */
bool mb_nl_nft_rule_read(const struct nlmsghdr *h, const char *table,
                         struct mb_nl_nft_rule_info *ret);
/* Return: 0; what @each returned; or -EBADMSG, an element that goes beyond the list. */
int mb_nl_nft_elem_read(const struct nlmsghdr *h, mb_nl_nft_elem_each *each, void *arg);

#endif
