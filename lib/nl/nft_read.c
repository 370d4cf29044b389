/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "nl/nft.h"
#include "nl/route.h"

enum { DUMP_TRIES = 3 };

static void get_message(struct mb_nl_batch *b, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nfgenmsg g = {.nfgen_family = family, .version = NFNETLINK_V0};

	mb_nl_message(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &g, sizeof(g));
}

/* Attributes behind the nfgenmsg. */
static bool open_message(const struct nlmsghdr *h, uint16_t type, const struct nlattr **at,
                         size_t max)
{
	const size_t head = NLMSG_SPACE(sizeof(struct nfgenmsg));

	if (h->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | type) || h->nlmsg_len < head)
		return false;
	return mb_nl_parse((const char *)h + head, h->nlmsg_len - head, at, max) == 0;
}

static bool open_nest(const struct nlattr *a, const struct nlattr **at, size_t max)
{
	return a && mb_nl_parse(mb_nl_data(a, 0), mb_nl_data_len(a), at, max) == 0;
}

static int ignore(const struct nlmsghdr *h, void *arg)
{
	(void)h;
	(void)arg;
	return 0;
}

int mb_nl_nft_table_find(struct mb_nl *nl, const char *table, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_err told = MB_ERR_INIT;
	int r;

	get_message(&b, NFT_MSG_GETTABLE, 0, NFPROTO_INET);
	mb_nl_put_str(&b, NFTA_TABLE_NAME, table);
	r = mb_nl_dump(nl, &b, ignore, NULL, &told);
	if (r == -ENOENT)
		return MB_NL_ABSENT;
	if (r < 0) {
		if (err)
			*err = told;
		return mb_wrap(err, r, "cannot look up nftables table '%s'", table);
	}
	return 0;
}

struct reader {
	union {
		mb_nl_nft_elem_each *elem;
		mb_nl_nft_base_each *base;
		mb_nl_nft_rule_each *rule;
	};
	const char *table; /* of rules */
	void *arg;
};

static uint32_t copy_value(const struct nlattr *nest, uint8_t out[MB_NL_NFT_BYTES])
{
	const struct nlattr *at[NFTA_DATA_MAX + 1];
	size_t n;

	if (!open_nest(nest, at, NFTA_DATA_MAX) || !at[NFTA_DATA_VALUE])
		return 0;
	n = mb_nl_data_len(at[NFTA_DATA_VALUE]);
	if (n > MB_NL_NFT_BYTES)
		n = MB_NL_NFT_BYTES;
	memcpy(out, mb_nl_data(at[NFTA_DATA_VALUE], 0), n);
	return (uint32_t)n;
}

static void read_verdict(const struct nlattr *nest, struct mb_nl_nft_elem *out)
{
	const struct nlattr *at[NFTA_DATA_MAX + 1], *verdict[NFTA_VERDICT_MAX + 1];

	if (!open_nest(nest, at, NFTA_DATA_MAX) ||
	    !open_nest(at[NFTA_DATA_VERDICT], verdict, NFTA_VERDICT_MAX))
		return;
	/* One or the other: who has both is taken for a verdict. */
	out->data_len = 0;
	out->is_verdict = true;
	out->verdict = (int32_t)mb_nl_be32(verdict[NFTA_VERDICT_CODE], 0);
}

static uint64_t read_be64(const struct nlattr *a)
{
	uint64_t be = 0;

	if (mb_nl_data(a, sizeof(be)))
		memcpy(&be, mb_nl_data(a, sizeof(be)), sizeof(be));
	return be64toh(be);
}

/* A counter is the only expression that elements of ours have. */
static void read_counter(const struct nlattr *nest, struct mb_nl_nft_elem *out)
{
	const struct nlattr *expr[NFTA_EXPR_MAX + 1], *data[NFTA_COUNTER_MAX + 1];
	const char *name;

	if (!open_nest(nest, expr, NFTA_EXPR_MAX))
		return;
	name = mb_nl_str(expr[NFTA_EXPR_NAME]);
	if (!name || strcmp(name, "counter") != 0 ||
	    !open_nest(expr[NFTA_EXPR_DATA], data, NFTA_COUNTER_MAX))
		return;
	out->packets = read_be64(data[NFTA_COUNTER_PACKETS]);
	out->bytes = read_be64(data[NFTA_COUNTER_BYTES]);
}

int mb_nl_nft_elem_read(const struct nlmsghdr *h, mb_nl_nft_elem_each *each, void *arg)
{
	const struct nlattr *at[NFTA_SET_ELEM_LIST_MAX + 1], *list;
	const char *p;
	size_t left;
	int r = 0;

	if (!open_message(h, NFT_MSG_NEWSETELEM, at, NFTA_SET_ELEM_LIST_MAX))
		return 0;
	list = at[NFTA_SET_ELEM_LIST_ELEMENTS];
	p = mb_nl_data(list, 0);
	left = mb_nl_data_len(list);
	while (!r && left >= NLA_HDRLEN) {
		const struct nlattr *item = (const void *)p, *e[NFTA_SET_ELEM_MAX + 1];
		struct mb_nl_nft_elem elem = {0};
		size_t step = NLA_ALIGN((size_t)item->nla_len);

		if (item->nla_len < NLA_HDRLEN || item->nla_len > left)
			return -EBADMSG;
		if (open_nest(item, e, NFTA_SET_ELEM_MAX)) {
			elem.key_len = copy_value(e[NFTA_SET_ELEM_KEY], elem.key);
			elem.is_range = copy_value(e[NFTA_SET_ELEM_KEY_END], elem.key_end) > 0;
			elem.data_len = copy_value(e[NFTA_SET_ELEM_DATA], elem.data);
			read_verdict(e[NFTA_SET_ELEM_DATA], &elem);
			read_counter(e[NFTA_SET_ELEM_EXPR], &elem);
			r = each(&elem, arg);
		}
		if (step >= left)
			break;
		p += step;
		left -= step;
	}
	return r;
}

static int each_elem_message(const struct nlmsghdr *h, void *arg)
{
	struct reader *reader = arg;

	return mb_nl_nft_elem_read(h, reader->elem, reader->arg);
}

int mb_nl_nft_elem_dump(struct mb_nl *nl, const char *table, const char *set,
                        mb_nl_nft_elem_each *each, void *arg, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct reader reader = {.elem = each, .arg = arg};
	struct mb_err told = MB_ERR_INIT;
	int r = 0;

	for (int i = 0; i < DUMP_TRIES; i++) {
		get_message(&b, NFT_MSG_GETSETELEM, NLM_F_DUMP, NFPROTO_INET);
		mb_nl_put_str(&b, NFTA_SET_ELEM_LIST_TABLE, table);
		mb_nl_put_str(&b, NFTA_SET_ELEM_LIST_SET, set);
		r = mb_nl_dump(nl, &b, each_elem_message, &reader, &told);
		if (r != -EAGAIN)
			break;
	}
	if (r == -ENOENT)
		return MB_NL_ABSENT;
	if (r < 0 && r != -EAGAIN) {
		if (err)
			*err = told;
		return mb_wrap(err, r, "cannot read nftables set '%s'", set);
	}
	return 0;
}

static int keep_elem(const struct mb_nl_nft_elem *elem, void *arg)
{
	*(struct mb_nl_nft_elem *)arg = *elem;
	return 0;
}

int mb_nl_nft_elem_find(struct mb_nl *nl, const char *table, const char *set,
                        struct mb_nl_nft_elem *elem, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct reader reader = {.elem = keep_elem, .arg = elem};
	struct mb_err told = MB_ERR_INIT;
	size_t list, item, key;
	int r;

	get_message(&b, NFT_MSG_GETSETELEM, 0, NFPROTO_INET);
	mb_nl_put_str(&b, NFTA_SET_ELEM_LIST_TABLE, table);
	mb_nl_put_str(&b, NFTA_SET_ELEM_LIST_SET, set);
	list = mb_nl_nest(&b, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
	item = mb_nl_nest(&b, NFTA_LIST_ELEM | NLA_F_NESTED);
	key = mb_nl_nest(&b, NFTA_SET_ELEM_KEY | NLA_F_NESTED);
	mb_nl_put(&b, NFTA_DATA_VALUE, elem->key, elem->key_len);
	mb_nl_nest_end(&b, key);
	mb_nl_nest_end(&b, item);
	mb_nl_nest_end(&b, list);
	r = mb_nl_dump(nl, &b, each_elem_message, &reader, &told);
	if (r == -ENOENT)
		return MB_NL_ABSENT;
	if (r < 0) {
		if (err)
			*err = told;
		return mb_wrap(err, r, "cannot look up an element of nftables set '%s'", set);
	}
	return 0;
}

bool mb_nl_nft_base_read(const struct nlmsghdr *h, struct mb_nl_nft_base *out)
{
	const struct nlattr *at[NFTA_CHAIN_MAX + 1], *hook[NFTA_HOOK_MAX + 1];
	const struct nfgenmsg *g = (const void *)(h + 1);
	const char *table, *name;

	*out = (struct mb_nl_nft_base){0};
	if (!open_message(h, NFT_MSG_NEWCHAIN, at, NFTA_CHAIN_MAX) ||
	    !open_nest(at[NFTA_CHAIN_HOOK], hook, NFTA_HOOK_MAX))
		return false;
	table = mb_nl_str(at[NFTA_CHAIN_TABLE]);
	name = mb_nl_str(at[NFTA_CHAIN_NAME]);
	out->family = g->nfgen_family;
	snprintf(out->table, sizeof(out->table), "%s", table ? table : "");
	snprintf(out->name, sizeof(out->name), "%s", name ? name : "");
	out->hook = mb_nl_be32(hook[NFTA_HOOK_HOOKNUM], 0);
	out->policy = mb_nl_be32(at[NFTA_CHAIN_POLICY], NF_ACCEPT);
	return true;
}

static int each_chain(const struct nlmsghdr *h, void *arg)
{
	struct reader *reader = arg;
	struct mb_nl_nft_base base;

	return mb_nl_nft_base_read(h, &base) ? reader->base(&base, reader->arg) : 0;
}

int mb_nl_nft_base_dump(struct mb_nl *nl, mb_nl_nft_base_each *each, void *arg, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct reader reader = {.base = each, .arg = arg};
	int r;

	get_message(&b, NFT_MSG_GETCHAIN, NLM_F_DUMP, NFPROTO_UNSPEC);
	r = mb_nl_dump(nl, &b, each_chain, &reader, err);
	if (r == -EAGAIN)
		return 0;
	return r ? mb_wrap(err, r, "cannot list nftables chains") : 0;
}

int mb_nl_nft_chain_find(struct mb_nl *nl, uint8_t family, const char *table, const char *chain,
                         struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_err told = MB_ERR_INIT;
	int r;

	get_message(&b, NFT_MSG_GETCHAIN, 0, family);
	mb_nl_put_str(&b, NFTA_CHAIN_TABLE, table);
	mb_nl_put_str(&b, NFTA_CHAIN_NAME, chain);
	r = mb_nl_dump(nl, &b, ignore, NULL, &told);
	if (r == -ENOENT)
		return MB_NL_ABSENT;
	if (r < 0 && err)
		*err = told;
	return r < 0 ? mb_wrap(err, r, "cannot look up nftables chain '%s'", chain) : 0;
}

bool mb_nl_nft_rule_read(const struct nlmsghdr *h, const char *table,
                         struct mb_nl_nft_rule_info *out)
{
	const struct nlattr *at[NFTA_RULE_MAX + 1];
	const char *name;

	*out = (struct mb_nl_nft_rule_info){0};
	if (!open_message(h, NFT_MSG_NEWRULE, at, NFTA_RULE_MAX))
		return false;
	name = mb_nl_str(at[NFTA_RULE_TABLE]);
	out->chain = mb_nl_str(at[NFTA_RULE_CHAIN]);
	/* Older kernels do not filter. */
	if (!name || strcmp(name, table) != 0 || !out->chain)
		return false;
	out->bytes = mb_nl_data(at[NFTA_RULE_EXPRESSIONS], 0);
	out->len = mb_nl_data_len(at[NFTA_RULE_EXPRESSIONS]);
	return true;
}

static int each_rule(const struct nlmsghdr *h, void *arg)
{
	struct reader *reader = arg;
	struct mb_nl_nft_rule_info rule;

	return mb_nl_nft_rule_read(h, reader->table, &rule) ? reader->rule(&rule, reader->arg) : 0;
}

int mb_nl_nft_rule_dump(struct mb_nl *nl, uint8_t family, const char *table,
                        mb_nl_nft_rule_each *each, void *arg, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct reader reader = {.rule = each, .arg = arg, .table = table};
	int r;

	get_message(&b, NFT_MSG_GETRULE, NLM_F_DUMP, family);
	mb_nl_put_str(&b, NFTA_RULE_TABLE, table);
	r = mb_nl_dump(nl, &b, each_rule, &reader, err);
	if (r == -EAGAIN || r == -ENOENT)
		return 0;
	return r ? mb_wrap(err, r, "cannot list rules of nftables table '%s'", table) : 0;
}
