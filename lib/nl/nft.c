/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nl/nft.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"

enum {
	MSEC_PER_SEC = 1000,
	ELEMS_PER_MESSAGE = 256, /* times about 150 bytes: well inside an attribute's 64 KiB */
	COMMIT_TRIES = 8,
	USERDATA_KEY_BYTEORDER = 0, /* nft(8)'s own notes on a set: type, length, value */
	USERDATA_HOST_ORDER = 1,
};

static void nft_message(struct mb_nl_batch *b, uint16_t type, uint16_t flags)
{
	struct nfgenmsg g = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};

	mb_nl_message(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &g, sizeof(g));
}

static void frame(struct mb_nl_batch *b, uint16_t type)
{
	struct nfgenmsg g = {.nfgen_family = AF_UNSPEC,
	                     .version = NFNETLINK_V0,
	                     .res_id = htons(NFNL_SUBSYS_NFTABLES)};

	mb_nl_message(b, type, 0, &g, sizeof(g));
}

void mb_nl_nft_begin(struct mb_nl_batch *b)
{
	frame(b, NFNL_MSG_BATCH_BEGIN);
}

int mb_nl_nft_commit(struct mb_nl *nl, struct mb_nl_batch *b, size_t *ret_failed,
                     struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch copy = MB_NL_BATCH_INIT;
	int r = -EINTR;

	frame(b, NFNL_MSG_BATCH_END);
	for (int i = 0; i < COMMIT_TRIES && (r == -EINTR || r == -EAGAIN); i++) {
		/* Sending empties and renumbers: keep the batch for another try. */
		copy.len = 0;
		mb_nl_put_raw(&copy, b->buf, b->len);
		copy.n_messages = b->n_messages;
		copy.broken = b->broken;
		r = mb_nl_send(nl, &copy, ret_failed, err);
	}
	mb_nl_batch_reset(b);
	return r;
}

void mb_nl_nft_table_add(struct mb_nl_batch *b, const char *table, uint16_t flags)
{
	nft_message(b, NFT_MSG_NEWTABLE, NLM_F_CREATE | flags);
	mb_nl_put_str(b, NFTA_TABLE_NAME, table);
	mb_nl_put_be32(b, NFTA_TABLE_FLAGS, 0);
}

void mb_nl_nft_table_del(struct mb_nl_batch *b, const char *table)
{
	nft_message(b, NFT_MSG_DELTABLE, 0);
	mb_nl_put_str(b, NFTA_TABLE_NAME, table);
}

void mb_nl_nft_chain_add(struct mb_nl_batch *b, const char *table,
                         const struct mb_nl_nft_chain *chain)
{
	size_t hook;

	nft_message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	mb_nl_put_str(b, NFTA_CHAIN_TABLE, table);
	mb_nl_put_str(b, NFTA_CHAIN_NAME, chain->name);
	if (!chain->type)
		return;
	mb_nl_put_str(b, NFTA_CHAIN_TYPE, chain->type);
	mb_nl_put_be32(b, NFTA_CHAIN_POLICY, NF_ACCEPT);
	hook = mb_nl_nest(b, NFTA_CHAIN_HOOK | NLA_F_NESTED);
	mb_nl_put_be32(b, NFTA_HOOK_HOOKNUM, chain->hook);
	mb_nl_put_be32(b, NFTA_HOOK_PRIORITY, (uint32_t)chain->priority);
	mb_nl_nest_end(b, hook);
}

static void put_fields(struct mb_nl_batch *b, const struct mb_nl_nft_set *set)
{
	size_t desc = mb_nl_nest(b, NFTA_SET_DESC | NLA_F_NESTED);
	size_t concat = mb_nl_nest(b, NFTA_SET_DESC_CONCAT | NLA_F_NESTED);

	for (size_t i = 0; i < sizeof(set->fields) && set->fields[i]; i++) {
		size_t field = mb_nl_nest(b, NFTA_LIST_ELEM | NLA_F_NESTED);

		mb_nl_put_be32(b, NFTA_SET_FIELD_LEN, set->fields[i]);
		mb_nl_nest_end(b, field);
	}
	mb_nl_nest_end(b, concat);
	mb_nl_nest_end(b, desc);
}

static void put_be64(struct mb_nl_batch *b, uint16_t type, uint64_t v)
{
	uint64_t be = htobe64(v);

	mb_nl_put(b, type, &be, sizeof(be));
}

static void put_counter(struct mb_nl_batch *b, uint16_t type, uint64_t packets, uint64_t bytes)
{
	size_t expr = mb_nl_nest(b, type | NLA_F_NESTED), data;

	mb_nl_put_str(b, NFTA_EXPR_NAME, "counter");
	data = mb_nl_nest(b, NFTA_EXPR_DATA | NLA_F_NESTED);
	put_be64(b, NFTA_COUNTER_BYTES, bytes);
	put_be64(b, NFTA_COUNTER_PACKETS, packets);
	mb_nl_nest_end(b, data);
	mb_nl_nest_end(b, expr);
}

void mb_nl_nft_set_add(struct mb_nl_batch *b, const char *table, const struct mb_nl_nft_set *set,
                       uint32_t id)
{
	bool is_map = set->data_type != MB_NL_NFT_NONE;

	nft_message(b, NFT_MSG_NEWSET, NLM_F_CREATE);
	mb_nl_put_str(b, NFTA_SET_TABLE, table);
	mb_nl_put_str(b, NFTA_SET_NAME, set->name);
	mb_nl_put_be32(b, NFTA_SET_FLAGS,
	               (is_map ? NFT_SET_MAP : 0u) |
	                       (set->forget_sec ? NFT_SET_TIMEOUT | NFT_SET_EVAL : 0u) |
	                       (set->fields[0] ? NFT_SET_INTERVAL | NFT_SET_CONCAT : 0u));
	mb_nl_put_be32(b, NFTA_SET_KEY_TYPE, set->key_type);
	mb_nl_put_be32(b, NFTA_SET_KEY_LEN, set->key_len);
	if (is_map) {
		mb_nl_put_be32(b, NFTA_SET_DATA_TYPE, set->data_type);
		mb_nl_put_be32(b, NFTA_SET_DATA_LEN, set->data_len);
	}
	mb_nl_put_be32(b, NFTA_SET_ID, id);
	if (set->forget_sec)
		put_be64(b, NFTA_SET_TIMEOUT, (uint64_t)set->forget_sec * MSEC_PER_SEC);
	if (set->fields[0])
		put_fields(b, set);
	if (set->counts)
		put_counter(b, NFTA_SET_EXPR, 0, 0);
	if (set->key_type == MB_NL_NFT_IFNAME || set->key_type == MB_NL_NFT_MARK) {
		const uint8_t note[] = {USERDATA_KEY_BYTEORDER, 4, USERDATA_HOST_ORDER, 0, 0, 0};

		mb_nl_put(b, NFTA_SET_USERDATA, note, sizeof(note));
	}
}

static void put_verdict(struct mb_nl_batch *b, uint16_t type, int32_t verdict, const char *chain)
{
	size_t data = mb_nl_nest(b, type | NLA_F_NESTED);
	size_t v = mb_nl_nest(b, NFTA_DATA_VERDICT | NLA_F_NESTED);

	mb_nl_put_be32(b, NFTA_VERDICT_CODE, (uint32_t)verdict);
	if (chain)
		mb_nl_put_str(b, NFTA_VERDICT_CHAIN, chain);
	mb_nl_nest_end(b, v);
	mb_nl_nest_end(b, data);
}

static void put_value(struct mb_nl_batch *b, uint16_t type, const void *value, size_t len)
{
	size_t data = mb_nl_nest(b, type | NLA_F_NESTED);

	mb_nl_put(b, NFTA_DATA_VALUE, value, len);
	mb_nl_nest_end(b, data);
}

static void put_elem(struct mb_nl_batch *b, const struct mb_nl_nft_elem *e, bool with_data)
{
	size_t item = mb_nl_nest(b, NFTA_LIST_ELEM | NLA_F_NESTED);

	put_value(b, NFTA_SET_ELEM_KEY, e->key, e->key_len);
	if (e->is_range)
		put_value(b, NFTA_SET_ELEM_KEY_END, e->key_end, e->key_len);
	if (with_data && e->is_verdict)
		put_verdict(b, NFTA_SET_ELEM_DATA, e->verdict, NULL);
	else if (with_data && e->data_len)
		put_value(b, NFTA_SET_ELEM_DATA, e->data, e->data_len);
	if (with_data && (e->packets || e->bytes))
		put_counter(b, NFTA_SET_ELEM_EXPR, e->packets, e->bytes);
	mb_nl_nest_end(b, item);
}

static void elems_message(struct mb_nl_batch *b, uint16_t type, const char *table, const char *set)
{
	nft_message(b, type, type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);
	mb_nl_put_str(b, NFTA_SET_ELEM_LIST_TABLE, table);
	mb_nl_put_str(b, NFTA_SET_ELEM_LIST_SET, set);
}

static void elems(struct mb_nl_batch *b, uint16_t type, const char *table, const char *set,
                  const struct mb_nl_nft_elem *v, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t list, end = n - i > ELEMS_PER_MESSAGE ? i + ELEMS_PER_MESSAGE : n;

		elems_message(b, type, table, set);
		list = mb_nl_nest(b, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
		for (; i < end; i++)
			put_elem(b, &v[i], type == NFT_MSG_NEWSETELEM);
		mb_nl_nest_end(b, list);
	}
}

void mb_nl_nft_elems_add(struct mb_nl_batch *b, const char *table, const char *set,
                         const struct mb_nl_nft_elem *v, size_t n)
{
	elems(b, NFT_MSG_NEWSETELEM, table, set, v, n);
}

void mb_nl_nft_elems_del(struct mb_nl_batch *b, const char *table, const char *set,
                         const struct mb_nl_nft_elem *v, size_t n)
{
	elems(b, NFT_MSG_DELSETELEM, table, set, v, n);
}

void mb_nl_nft_elems_flush(struct mb_nl_batch *b, const char *table, const char *set)
{
	elems_message(b, NFT_MSG_DELSETELEM, table, set);
}

/* ---- rules ---------------------------------------------------------------------------- */

void mb_nl_nft_rule_add(struct mb_nl_batch *b, const char *table, const char *chain,
                        struct mb_nl_nft_rule *ret)
{
	nft_message(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	mb_nl_put_str(b, NFTA_RULE_TABLE, table);
	mb_nl_put_str(b, NFTA_RULE_CHAIN, chain);
	ret->b = b;
	ret->list = mb_nl_nest(b, NFTA_RULE_EXPRESSIONS | NLA_F_NESTED);
}

void mb_nl_nft_rule_end(struct mb_nl_nft_rule *r)
{
	mb_nl_nest_end(r->b, r->list);
}

struct expr {
	size_t item, data;
};

static struct expr expr_begin(struct mb_nl_nft_rule *r, const char *name)
{
	struct expr e;

	e.item = mb_nl_nest(r->b, NFTA_LIST_ELEM | NLA_F_NESTED);
	mb_nl_put_str(r->b, NFTA_EXPR_NAME, name);
	e.data = mb_nl_nest(r->b, NFTA_EXPR_DATA | NLA_F_NESTED);
	return e;
}

static void expr_end(struct mb_nl_nft_rule *r, struct expr e)
{
	mb_nl_nest_end(r->b, e.data);
	mb_nl_nest_end(r->b, e.item);
}

void mb_nl_nft_meta(struct mb_nl_nft_rule *r, uint32_t key, uint32_t reg)
{
	struct expr e = expr_begin(r, "meta");

	mb_nl_put_be32(r->b, NFTA_META_DREG, reg);
	mb_nl_put_be32(r->b, NFTA_META_KEY, key);
	expr_end(r, e);
}

void mb_nl_nft_payload(struct mb_nl_nft_rule *r, uint32_t base, uint32_t offset, uint32_t len,
                       uint32_t reg)
{
	struct expr e = expr_begin(r, "payload");

	mb_nl_put_be32(r->b, NFTA_PAYLOAD_DREG, reg);
	mb_nl_put_be32(r->b, NFTA_PAYLOAD_BASE, base);
	mb_nl_put_be32(r->b, NFTA_PAYLOAD_OFFSET, offset);
	mb_nl_put_be32(r->b, NFTA_PAYLOAD_LEN, len);
	expr_end(r, e);
}

void mb_nl_nft_ct(struct mb_nl_nft_rule *r, uint32_t key, uint32_t reg)
{
	struct expr e = expr_begin(r, "ct");

	mb_nl_put_be32(r->b, NFTA_CT_DREG, reg);
	mb_nl_put_be32(r->b, NFTA_CT_KEY, key);
	expr_end(r, e);
}

void mb_nl_nft_ct_dir(struct mb_nl_nft_rule *r, uint32_t key, uint8_t direction, uint32_t reg)
{
	struct expr e = expr_begin(r, "ct");

	mb_nl_put_be32(r->b, NFTA_CT_DREG, reg);
	mb_nl_put_be32(r->b, NFTA_CT_KEY, key);
	mb_nl_put_u8(r->b, NFTA_CT_DIRECTION, direction);
	expr_end(r, e);
}

void mb_nl_nft_fib_back(struct mb_nl_nft_rule *r, uint32_t reg)
{
	struct expr e = expr_begin(r, "fib");

	mb_nl_put_be32(r->b, NFTA_FIB_DREG, reg);
	mb_nl_put_be32(r->b, NFTA_FIB_RESULT, NFT_FIB_RESULT_OIF);
	mb_nl_put_be32(r->b, NFTA_FIB_FLAGS, NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF);
	expr_end(r, e);
}

void mb_nl_nft_fib_type(struct mb_nl_nft_rule *r, uint32_t reg)
{
	struct expr e = expr_begin(r, "fib");

	mb_nl_put_be32(r->b, NFTA_FIB_DREG, reg);
	mb_nl_put_be32(r->b, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	mb_nl_put_be32(r->b, NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
	expr_end(r, e);
}

void mb_nl_nft_cmp(struct mb_nl_nft_rule *r, uint32_t reg, bool equal, const void *data, size_t len)
{
	struct expr e = expr_begin(r, "cmp");

	mb_nl_put_be32(r->b, NFTA_CMP_SREG, reg);
	mb_nl_put_be32(r->b, NFTA_CMP_OP, equal ? NFT_CMP_EQ : NFT_CMP_NEQ);
	put_value(r->b, NFTA_CMP_DATA, data, len);
	expr_end(r, e);
}

void mb_nl_nft_mask(struct mb_nl_nft_rule *r, uint32_t reg, uint32_t mask)
{
	const uint32_t zero = 0;
	struct expr e = expr_begin(r, "bitwise");

	mb_nl_put_be32(r->b, NFTA_BITWISE_SREG, reg);
	mb_nl_put_be32(r->b, NFTA_BITWISE_DREG, reg);
	mb_nl_put_be32(r->b, NFTA_BITWISE_LEN, sizeof(mask));
	put_value(r->b, NFTA_BITWISE_MASK, &mask, sizeof(mask));
	put_value(r->b, NFTA_BITWISE_XOR, &zero, sizeof(zero));
	expr_end(r, e);
}

void mb_nl_nft_lookup(struct mb_nl_nft_rule *r, uint32_t reg, const char *set, bool is_map,
                      uint32_t dreg)
{
	struct expr e = expr_begin(r, "lookup");

	mb_nl_put_str(r->b, NFTA_LOOKUP_SET, set);
	mb_nl_put_be32(r->b, NFTA_LOOKUP_SREG, reg);
	if (is_map)
		mb_nl_put_be32(r->b, NFTA_LOOKUP_DREG, dreg);
	expr_end(r, e);
}

void mb_nl_nft_verdict(struct mb_nl_nft_rule *r, int32_t verdict, const char *chain)
{
	struct expr e = expr_begin(r, "immediate");

	mb_nl_put_be32(r->b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	put_verdict(r->b, NFTA_IMMEDIATE_DATA, verdict, chain);
	expr_end(r, e);
}

void mb_nl_nft_load(struct mb_nl_nft_rule *r, uint32_t reg, const void *data, size_t len)
{
	struct expr e = expr_begin(r, "immediate");

	mb_nl_put_be32(r->b, NFTA_IMMEDIATE_DREG, reg);
	put_value(r->b, NFTA_IMMEDIATE_DATA, data, len);
	expr_end(r, e);
}

void mb_nl_nft_remember(struct mb_nl_nft_rule *r, uint32_t reg, const struct mb_nl_nft_set *set)
{
	struct expr e = expr_begin(r, "dynset");

	mb_nl_put_str(r->b, NFTA_DYNSET_SET_NAME, set->name);
	mb_nl_put_be32(r->b, NFTA_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	mb_nl_put_be32(r->b, NFTA_DYNSET_SREG_KEY, reg);
	put_be64(r->b, NFTA_DYNSET_TIMEOUT, (uint64_t)set->forget_sec * MSEC_PER_SEC);
	expr_end(r, e);
}

void mb_nl_nft_counter(struct mb_nl_nft_rule *r)
{
	struct expr e = expr_begin(r, "counter");

	expr_end(r, e);
}

void mb_nl_nft_nat(struct mb_nl_nft_rule *r, bool destination, uint32_t family, uint32_t addr_reg,
                   uint32_t port_reg)
{
	struct expr e = expr_begin(r, "nat");

	mb_nl_put_be32(r->b, NFTA_NAT_TYPE, destination ? NFT_NAT_DNAT : NFT_NAT_SNAT);
	mb_nl_put_be32(r->b, NFTA_NAT_FAMILY, family);
	mb_nl_put_be32(r->b, NFTA_NAT_REG_ADDR_MIN, addr_reg);
	if (port_reg)
		mb_nl_put_be32(r->b, NFTA_NAT_REG_PROTO_MIN, port_reg);
	expr_end(r, e);
}

void mb_nl_nft_masquerade(struct mb_nl_nft_rule *r)
{
	struct expr e = expr_begin(r, "masq");

	expr_end(r, e);
}
