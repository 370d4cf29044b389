/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/skeleton.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netlink.h>

#include "core/own.h"

enum {
	IFNAME_LEN = 16,
	V4_LEN = 4,
	V6_LEN = 16,
	WORD = 4, /* what each part of a concatenation is padded to */
	IPV4_SADDR = 12,
	IPV4_DADDR = 16,
	IPV6_SADDR = 8,
	IPV6_DADDR = 24,
	PORT_DST = 2, /* in TCP, UDP and SCTP headers alike */
	PORT_LEN = 2,
};

#define PORT_KEY       MB_NL_NFT_CONCAT(MB_NL_NFT_PROTO, MB_NL_NFT_PORT)
#define PAIR(t)        MB_NL_NFT_CONCAT(t, t)
#define PORT_KEY_AT(t) MB_NL_NFT_CONCAT3(t, MB_NL_NFT_PROTO, MB_NL_NFT_PORT)
#define TARGET(t)      MB_NL_NFT_CONCAT(t, MB_NL_NFT_PORT)

static const struct mb_nl_nft_set sets[MB_NET_SET_N_] = {
	[MB_NET_SET_NETS] = {"nets", MB_NL_NFT_IFNAME, IFNAME_LEN, 0, 0},
	[MB_NET_SET_INTERNAL] = {"internal", MB_NL_NFT_IFNAME, IFNAME_LEN, 0, 0},
	[MB_NET_SET_MASQ_OUT] = {"masq_out", MB_NL_NFT_IFNAME, IFNAME_LEN, 0, 0},
	[MB_NET_SET_SAME] = {"same", PAIR(MB_NL_NFT_IFNAME), 2 * IFNAME_LEN, 0, 0},
	[MB_NET_SET_SELF4] = {"selfpair4", PAIR(MB_NL_NFT_IPV4), 2 * V4_LEN, 0, 0},
	[MB_NET_SET_SELF6] = {"selfpair6", PAIR(MB_NL_NFT_IPV6), 2 * V6_LEN, 0, 0},
	[MB_NET_SET_FWD_PAIR] = {"fwd_pair", PAIR(MB_NL_NFT_IFNAME), 2 * IFNAME_LEN,
                                 MB_NL_NFT_VERDICT, 0},
	[MB_NET_SET_EGRESS] = {"egress", MB_NL_NFT_IFNAME, IFNAME_LEN, MB_NL_NFT_VERDICT, 0},
	[MB_NET_SET_DNAT4] = {"dnat4", PORT_KEY_AT(MB_NL_NFT_IPV4), V4_LEN + 2 * WORD,
                              TARGET(MB_NL_NFT_IPV4), V4_LEN + WORD},
	[MB_NET_SET_DNAT4_ANY] = {"dnat4any", PORT_KEY, 2 * WORD, TARGET(MB_NL_NFT_IPV4),
                                  V4_LEN + WORD},
	[MB_NET_SET_DNAT6] = {"dnat6", PORT_KEY_AT(MB_NL_NFT_IPV6), V6_LEN + 2 * WORD,
                              TARGET(MB_NL_NFT_IPV6), V6_LEN + WORD},
	[MB_NET_SET_DNAT6_ANY] = {"dnat6any", PORT_KEY, 2 * WORD, TARGET(MB_NL_NFT_IPV6),
                                  V6_LEN + WORD},
};

/* Connection tracking comes at -200, so that the guard sees what is on the wire. */
static const struct mb_nl_nft_chain chains[] = {
	{"guard", "filter", NF_INET_PRE_ROUTING, -300},
	{"ours", NULL, 0, 0},
	{"forward", "filter", NF_INET_FORWARD, 0},
	{"ports", NULL, 0, 0},
	{"prerouting", "nat", NF_INET_PRE_ROUTING, -100},
	{"output", "nat", NF_INET_LOCAL_OUT, -100},
	{"into", NULL, 0, 0},
	{"postrouting", "nat", NF_INET_POST_ROUTING, 100},
};

enum op {
	END,
	META,    /* key -> reg */
	NET4,    /* offset, length of the network header -> reg; IPv4 only */
	PORT,    /* destination port -> reg */
	NET6,    /* as NET4 */
	CT,      /* key -> reg */
	FIB,     /* type of the destination -> reg */
	FAMILY,  /* nfproto == v */
	BYTE_IS, /* reg == v, one byte */
	WORD_IS, /* reg == v, a word */
	ANY_OF,  /* reg & v != 0 */
	IN,      /* reg in the set v */
	MAP,     /* map v at reg -> register 1 */
	VMAP,    /* verdict of the map v at reg */
	COUNT,
	ACCEPT,
	DROP,
	GOTO,
	DNAT, /* to registers 1 and reg, family v */
	MASQUERADE,
};
struct step {
	enum op op;
	uint32_t reg, v, len;
	const char *chain;
};

/* Registers of sixteen bytes (1, 2, ...), and of four (R4(0) is the first of register 1). */
#define R4(n) (NFT_REG32_00 + (n))
enum { R1 = NFT_REG_1, R2 = NFT_REG_2 };

#define CT_STATE(bit) (1u << (bit))
#define STATE_INVALID CT_STATE(0)
#define STATE_KNOWN   (CT_STATE(IP_CT_ESTABLISHED + 1) | CT_STATE(IP_CT_RELATED + 1))
#define LOOPBACK_NET  127

#define IIF(r)                                       \
	{                                            \
		META, (r), NFT_META_IIFNAME, 0, NULL \
	}
#define OIF(r)                                       \
	{                                            \
		META, (r), NFT_META_OIFNAME, 0, NULL \
	}
#define L4PROTO(r)                                   \
	{                                            \
		META, (r), NFT_META_L4PROTO, 0, NULL \
	}
#define IN_SET(r, s)                             \
	{                                        \
		IN, (r), MB_NET_SET_##s, 0, NULL \
	}
#define FROM_MAP(r, s)                            \
	{                                         \
		MAP, (r), MB_NET_SET_##s, 0, NULL \
	}
#define BY_MAP(r, s)                               \
	{                                          \
		VMAP, (r), MB_NET_SET_##s, 0, NULL \
	}
#define IPV4                                      \
	{                                         \
		FAMILY, R1, NFPROTO_IPV4, 0, NULL \
	}
#define IPV6                                      \
	{                                         \
		FAMILY, R1, NFPROTO_IPV6, 0, NULL \
	}
#define TO_CHAIN(name)              \
	{                           \
		GOTO, 0, 0, 0, name \
	}
#define IS_DNATED                                \
	{CT, R1, NFT_CT_STATUS, 0, NULL},        \
	{                                        \
		ANY_OF, R1, IPS_DST_NAT, 0, NULL \
	}
#define IS_LOCAL                                        \
	{FIB, R1, 0, 0, NULL},                          \
	{                                               \
		WORD_IS, R1, 2 /* RTN_LOCAL */, 0, NULL \
	}

// clang-format off
static const struct {
	const char *chain;
	struct step steps[10];
} rules[] = {
	/* route_localnet is on at our bridges: no one there may speak as or to 127.0.0.0/8. */
	{"guard", {IIF(R1), IN_SET(R1, NETS), IPV4, {NET4, R1, IPV4_DADDR, 1}, {BYTE_IS, R1, LOOPBACK_NET}, {COUNT}, {DROP}}},
	{"guard", {IIF(R1), IN_SET(R1, NETS), IPV4, {NET4, R1, IPV4_SADDR, 1}, {BYTE_IS, R1, LOOPBACK_NET}, {COUNT}, {DROP}}},

	{"forward", {IIF(R1), IN_SET(R1, NETS), TO_CHAIN("ours")}},
	{"forward", {OIF(R1), IN_SET(R1, NETS), TO_CHAIN("ours")}},
	{"ours", {{CT, R1, NFT_CT_STATE}, {ANY_OF, R1, STATE_KNOWN}, {ACCEPT}}},
	{"ours", {{CT, R1, NFT_CT_STATE}, {ANY_OF, R1, STATE_INVALID}, {DROP}}},
	{"ours", {IIF(R1), OIF(R2), BY_MAP(R1, FWD_PAIR)}},
	{"ours", {IIF(R1), IN_SET(R1, INTERNAL), {COUNT}, {DROP}}},
	{"ours", {OIF(R1), IN_SET(R1, INTERNAL), {COUNT}, {DROP}}},
	{"ours", {IS_DNATED, {ACCEPT}}},
	{"ours", {OIF(R1), IN_SET(R1, NETS), {COUNT}, {DROP}}},
	{"ours", {IIF(R1), BY_MAP(R1, EGRESS)}},
	{"ours", {{COUNT}, {DROP}}},

	{"prerouting", {IS_LOCAL, TO_CHAIN("ports")}},
	{"output", {IS_LOCAL, TO_CHAIN("ports")}},
	{"ports", {IPV4, {NET4, R1, IPV4_DADDR, V4_LEN}, L4PROTO(R4(1)), {PORT, R4(2)}, FROM_MAP(R1, DNAT4), {DNAT, R4(1), NFPROTO_IPV4}}},
	{"ports", {IPV4, L4PROTO(R1), {PORT, R4(1)}, FROM_MAP(R1, DNAT4_ANY), {DNAT, R4(1), NFPROTO_IPV4}}},
	{"ports", {IPV6, {NET6, R1, IPV6_DADDR, V6_LEN}, L4PROTO(R2), {PORT, R4(5)}, FROM_MAP(R1, DNAT6), {DNAT, R2, NFPROTO_IPV6}}},
	{"ports", {IPV6, L4PROTO(R1), {PORT, R4(1)}, FROM_MAP(R1, DNAT6_ANY), {DNAT, R2, NFPROTO_IPV6}}},

	/* Answers must come back this way: from the host's loopback, from a neighbour on the same
	 * bridge, and from the container itself. */
	{"postrouting", {OIF(R1), IN_SET(R1, NETS), TO_CHAIN("into")}},
	{"postrouting", {IIF(R1), IN_SET(R1, MASQ_OUT), {MASQUERADE}}},
	{"into", {IPV4, {NET4, R1, IPV4_SADDR, 1}, {BYTE_IS, R1, LOOPBACK_NET}, {MASQUERADE}}},
	{"into", {IS_DNATED, IIF(R1), OIF(R2), IN_SET(R1, SAME), {MASQUERADE}}},
	{"into", {IS_DNATED, IPV4, {NET4, R1, IPV4_SADDR, V4_LEN}, {NET4, R4(1), IPV4_DADDR, V4_LEN}, IN_SET(R1, SELF4), {MASQUERADE}}},
	{"into", {IS_DNATED, IPV6, {NET6, R1, IPV6_SADDR, V6_LEN}, {NET6, R2, IPV6_DADDR, V6_LEN}, IN_SET(R1, SELF6), {MASQUERADE}}},
};
// clang-format on

const struct mb_nl_nft_set *mb_net_skeleton_set(enum mb_net_set set)
{
	return &sets[set];
}

static void put_compare(struct mb_nl_nft_rule *r, const struct step *s)
{
	const uint8_t byte = (uint8_t)s->v;
	const uint32_t zero = 0;

	if (s->op == FAMILY)
		mb_nl_nft_meta(r, NFT_META_NFPROTO, s->reg);
	if (s->op == WORD_IS) {
		mb_nl_nft_cmp(r, s->reg, true, &s->v, sizeof(s->v));
		return;
	}
	if (s->op == ANY_OF) {
		mb_nl_nft_mask(r, s->reg, s->v);
		mb_nl_nft_cmp(r, s->reg, false, &zero, sizeof(zero));
		return;
	}
	mb_nl_nft_cmp(r, s->reg, true, &byte, sizeof(byte));
}

static void put_step(struct mb_nl_nft_rule *r, const struct step *s)
{
	switch (s->op) {
	case META:
		mb_nl_nft_meta(r, s->v, s->reg);
		break;
	case NET4:
	case NET6:
		mb_nl_nft_payload(r, NFT_PAYLOAD_NETWORK_HEADER, s->v, s->len, s->reg);
		break;
	case PORT:
		mb_nl_nft_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, PORT_DST, PORT_LEN, s->reg);
		break;
	case CT:
		mb_nl_nft_ct(r, s->v, s->reg);
		break;
	case FIB:
		mb_nl_nft_fib_type(r, s->reg);
		break;
	case FAMILY:
	case BYTE_IS:
	case WORD_IS:
	case ANY_OF:
		put_compare(r, s);
		break;
	case IN:
		mb_nl_nft_lookup(r, s->reg, sets[s->v].name, false, 0);
		break;
	case MAP:
		mb_nl_nft_lookup(r, s->reg, sets[s->v].name, true, NFT_REG_1);
		break;
	case VMAP:
		mb_nl_nft_lookup(r, s->reg, sets[s->v].name, true, NFT_REG_VERDICT);
		break;
	case COUNT:
		mb_nl_nft_counter(r);
		break;
	case ACCEPT:
		mb_nl_nft_verdict(r, NF_ACCEPT, NULL);
		break;
	case DROP:
		mb_nl_nft_verdict(r, NF_DROP, NULL);
		break;
	case GOTO:
		mb_nl_nft_verdict(r, NFT_GOTO, s->chain);
		break;
	case DNAT:
		mb_nl_nft_nat(r, true, s->v, NFT_REG_1, s->reg);
		break;
	case MASQUERADE:
		mb_nl_nft_masquerade(r);
		break;
	case END:
		break;
	}
}

void mb_net_skeleton_put(struct mb_nl_batch *b, const char *table, bool exclusive)
{
	mb_nl_nft_table_add(b, table, exclusive ? NLM_F_EXCL : 0);
	for (size_t i = 0; i < MB_N(chains); i++)
		mb_nl_nft_chain_add(b, table, &chains[i]);
	for (uint32_t i = 0; i < MB_NET_SET_N_; i++)
		mb_nl_nft_set_add(b, table, &sets[i], i + 1);
	for (size_t i = 0; i < MB_N(rules); i++) {
		struct mb_nl_nft_rule r;

		mb_nl_nft_rule_add(b, table, rules[i].chain, &r);
		for (const struct step *s = rules[i].steps; s->op != END; s++)
			put_step(&r, s);
		mb_nl_nft_rule_end(&r);
	}
}
