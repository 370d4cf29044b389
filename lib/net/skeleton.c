/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/skeleton.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netlink.h>

#include "core/learn.h"
#include "core/own.h"
#include "net/overlay.h"

enum {
	V4_LEN = 4,
	V6_LEN = 16,
	WORD = 4, /* what each part of a concatenation is padded to */
	IPV4_SADDR = 12,
	IPV4_DADDR = 16,
	IPV6_SADDR = 8,
	IPV6_DADDR = 24,
	PORT_DST = 2, /* in TCP, UDP and SCTP headers alike */
	PORT_LEN = 2,
	VXLAN_VNI = 8 + 4, /* behind UDP's header; three bytes, and one of zero (RFC 7348) */
	CLASS_LEN = 3 * WORD,
	FLOW_LEN = 2 * (WORD + CLASS_LEN) + 2 * WORD,
};

#define PORT_KEY       MB_NL_NFT_CONCAT(MB_NL_NFT_PROTO, MB_NL_NFT_PORT)
#define PAIR(t)        MB_NL_NFT_CONCAT(t, t)
#define PORT_KEY_AT(t) MB_NL_NFT_CONCAT3(t, MB_NL_NFT_PROTO, MB_NL_NFT_PORT)
#define CLIENT_AT(t)   MB_NL_NFT_CONCAT4(t, MB_NL_NFT_PROTO, MB_NL_NFT_PORT, t)
#define TARGET(t)      MB_NL_NFT_CONCAT(t, MB_NL_NFT_PORT)

#define GROUP      MB_NL_NFT_MARK
#define AT(t)      MB_NL_NFT_CONCAT(GROUP, t)
#define AT_SLOT(t) MB_NL_NFT_CONCAT3(GROUP, t, MB_NL_NFT_MARK)
#define TRIPLE(t)  MB_NL_NFT_CONCAT3(t, t, t)
#define CLASS      TRIPLE(MB_NL_NFT_MARK)
#define ZERO_CLASS MB_NL_NFT_IPV6 /* shown as one: nothing else has sixteen bytes */
#define RULE       PAIR(MB_NL_NFT_MARK)
#define ZERO_RULE  TRIPLE(MB_NL_NFT_MARK)
#define FLOW       MB_NL_NFT_CONCAT4(ZERO_CLASS, ZERO_CLASS, MB_NL_NFT_PROTO, MB_NL_NFT_PORT)

static const struct mb_nl_nft_set sets[MB_NET_SET_N_] = {
	[MB_NET_SET_NETS] = {"nets", GROUP, WORD},
	[MB_NET_SET_INTERNAL] = {"internal", GROUP, WORD},
	[MB_NET_SET_TUNNELS] = {"tunnels", MB_NL_NFT_CONCAT(MB_NL_NFT_PORT, MB_NL_NFT_MARK),
                                2 * WORD},
	[MB_NET_SET_MASQ4] = {"masq4", GROUP, WORD},
	[MB_NET_SET_MASQ6] = {"masq6", GROUP, WORD},
	[MB_NET_SET_SNAT4] = {"snat4", GROUP, WORD, MB_NL_NFT_IPV4, V4_LEN},
	[MB_NET_SET_SNAT6] = {"snat6", GROUP, WORD, MB_NL_NFT_IPV6, V6_LEN},
	[MB_NET_SET_SAME] = {"same", PAIR(GROUP), 2 * WORD},
	[MB_NET_SET_SELF4] = {"selfpair4", PAIR(MB_NL_NFT_IPV4), 2 * V4_LEN},
	[MB_NET_SET_SELF6] = {"selfpair6", PAIR(MB_NL_NFT_IPV6), 2 * V6_LEN},
	[MB_NET_SET_FWD_PAIR] = {"fwd_pair", PAIR(GROUP), 2 * WORD, MB_NL_NFT_VERDICT, 0},
	[MB_NET_SET_EGRESS] = {"egress", GROUP, WORD, MB_NL_NFT_VERDICT, 0},
	[MB_NET_SET_TRUSTED] = {"trusted", MB_NL_NFT_CONCAT(MB_NL_NFT_IFNAME, GROUP),
                                IFNAMSIZ + WORD},
	[MB_NET_SET_LED4] = {"led4", PORT_KEY_AT(MB_NL_NFT_IPV4), V4_LEN + 2 * WORD},
	[MB_NET_SET_LED6] = {"led6", PORT_KEY_AT(MB_NL_NFT_IPV6), V6_LEN + 2 * WORD},
	[MB_NET_SET_LOOSE] = {"loose", GROUP, WORD},
	[MB_NET_SET_EXPOSED4] = {"exposed4", GROUP, WORD},
	[MB_NET_SET_EXPOSED6] = {"exposed6", GROUP, WORD},
	[MB_NET_SET_DNAT4] = {"dnat4", PORT_KEY_AT(MB_NL_NFT_IPV4), V4_LEN + 2 * WORD,
                              TARGET(MB_NL_NFT_IPV4), V4_LEN + WORD},
	[MB_NET_SET_DNAT4_ANY] = {"dnat4any", PORT_KEY, 2 * WORD, TARGET(MB_NL_NFT_IPV4),
                                  V4_LEN + WORD},
	[MB_NET_SET_DNAT6] = {"dnat6", PORT_KEY_AT(MB_NL_NFT_IPV6), V6_LEN + 2 * WORD,
                              TARGET(MB_NL_NFT_IPV6), V6_LEN + WORD},
	[MB_NET_SET_DNAT6_ANY] = {"dnat6any", PORT_KEY, 2 * WORD, TARGET(MB_NL_NFT_IPV6),
                                  V6_LEN + WORD},
	[MB_NET_SET_GUARDED4] = {"guarded4", PORT_KEY_AT(MB_NL_NFT_IPV4), V4_LEN + 2 * WORD},
	[MB_NET_SET_GUARDED6] = {"guarded6", PORT_KEY_AT(MB_NL_NFT_IPV6), V6_LEN + 2 * WORD},
	[MB_NET_SET_ADMITTED4] = {"admitted4", CLIENT_AT(MB_NL_NFT_IPV4), 2 * V4_LEN + 2 * WORD,
                                  .fields = {V4_LEN, 1, PORT_LEN, V4_LEN}},
	[MB_NET_SET_ADMITTED6] = {"admitted6", CLIENT_AT(MB_NL_NFT_IPV6), 2 * V6_LEN + 2 * WORD,
                                  .fields = {V6_LEN, 1, PORT_LEN, V6_LEN}},
	[MB_NET_SET_OPENED4] = {"opened4", PORT_KEY_AT(MB_NL_NFT_IPV4), V4_LEN + 2 * WORD},
	[MB_NET_SET_OPENED6] = {"opened6", PORT_KEY_AT(MB_NL_NFT_IPV6), V6_LEN + 2 * WORD},
	[MB_NET_SET_GOVERNED] = {"governed", GROUP, WORD},
	[MB_NET_SET_MEMBER4] = {"member4", AT(MB_NL_NFT_IPV4), WORD + V4_LEN, CLASS, CLASS_LEN},
	[MB_NET_SET_MEMBER6] = {"member6", AT(MB_NL_NFT_IPV6), WORD + V6_LEN, CLASS, CLASS_LEN},
	[MB_NET_SET_RANGE4] = {"range4", AT(MB_NL_NFT_IPV4), WORD + V4_LEN, CLASS, CLASS_LEN,
                               .fields = {WORD, V4_LEN}},
	[MB_NET_SET_RANGE6] = {"range6", AT(MB_NL_NFT_IPV6), WORD + V6_LEN, CLASS, CLASS_LEN,
                               .fields = {WORD, V6_LEN}},
	[MB_NET_SET_HOST_CLASS] = {"host_class", GROUP, WORD, CLASS, CLASS_LEN},
	[MB_NET_SET_DECIDE] = {"decide", FLOW, FLOW_LEN, RULE, 2 * WORD},
	[MB_NET_SET_RULES] = {"rules", ZERO_RULE, 3 * WORD, MB_NL_NFT_VERDICT, 0, .counts = true},
	[MB_NET_SET_LEARNT4] = {MB_LEARN_MAP4, AT_SLOT(MB_NL_NFT_IPV4), 2 * WORD + V4_LEN, CLASS,
                                CLASS_LEN, .forget_sec = MB_LEARN_CLASS_SEC},
	[MB_NET_SET_LEARNT6] = {MB_LEARN_MAP6, AT_SLOT(MB_NL_NFT_IPV6), 2 * WORD + V6_LEN, CLASS,
                                CLASS_LEN, .forget_sec = MB_LEARN_CLASS_SEC},
	[MB_NET_SET_OPEN4] = {MB_LEARN_SET4, AT(MB_NL_NFT_IPV4), WORD + V4_LEN,
                              .forget_sec = MB_LEARN_FORGET_SEC},
	[MB_NET_SET_OPEN6] = {MB_LEARN_SET6, AT(MB_NL_NFT_IPV6), WORD + V6_LEN,
                              .forget_sec = MB_LEARN_FORGET_SEC},
};

/* Connection tracking comes at -200, so that the guard sees what is on the wire. */
static const struct mb_nl_nft_chain chains[] = {
	{"guard", "filter", NF_INET_PRE_ROUTING, -300},
	{"wire", NULL, 0, 0},
	{"ours", NULL, 0, 0},
	{"forward", "filter", NF_INET_FORWARD, 0},
	{"guarded4", NULL, 0, 0},
	{"guarded6", NULL, 0, 0},
	{"trusted", NULL, 0, 0},
	{"input", "filter", NF_INET_LOCAL_IN, 0},
	{"to_host", NULL, 0, 0},
	{"leave", NULL, 0, 0},
	{"enter", NULL, 0, 0},
	{"inside4", NULL, 0, 0},
	{"inside6", NULL, 0, 0},
	{"leave4", NULL, 0, 0},
	{"leave6", NULL, 0, 0},
	{"enter4", NULL, 0, 0},
	{"enter6", NULL, 0, 0},
	{"leave_learnt4", NULL, 0, 0},
	{"leave_learnt6", NULL, 0, 0},
	{"enter_learnt4", NULL, 0, 0},
	{"enter_learnt6", NULL, 0, 0},
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
	VNI,     /* of VXLAN -> reg */
	NET6,    /* as NET4 */
	CT,      /* key -> reg */
	CLIENT,  /* key -> reg: who opened the connection */
	SERVER,  /* key -> reg: who really answers it */
	FIB,     /* type of the destination -> reg */
	BACK,    /* interface to the source, if it came by it -> reg */
	NOUGHT,  /* len bytes of 0 -> reg */
	NUMBER,  /* v, a word -> reg */
	FAMILY,  /* nfproto == v */
	LOOP6,   /* reg == ::1 */
	LINK6,   /* reg, the first word of an address, is in fe80::/10 */
	BYTE_IS, /* reg == v, one byte */
	WORD_IS, /* reg == v, a word */
	PORT_IS, /* reg == v, a port */
	ANY_OF,  /* reg & v != 0 */
	IN,      /* reg in the set v */
	MAP,     /* map v at reg -> register len, 1 where there is none */
	KEEP,    /* what is at reg is in the set v, and not forgotten yet */
	VMAP,    /* verdict of the map v at reg */
	COUNT,
	ACCEPT,
	DROP,
	GOTO,
	JUMP,
	RETURN,
	DNAT, /* to registers 1 and reg, family v */
	SNAT, /* to register reg, family v */
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

#define CT_STATE(bit)   (1u << (bit))
#define STATE_INVALID   CT_STATE(0)
#define STATE_UNTRACKED CT_STATE(6)
#define STATE_KNOWN     (CT_STATE(IP_CT_ESTABLISHED + 1) | CT_STATE(IP_CT_RELATED + 1))
#define LOOPBACK_NET    127
#define LINK_LOCAL      0xfe800000
#define LINK_LOCAL_MASK 0xffc00000

#define IIF(r)                                        \
	{                                             \
		META, (r), NFT_META_IIFGROUP, 0, NULL \
	}
#define OIF(r)                                        \
	{                                             \
		META, (r), NFT_META_OIFGROUP, 0, NULL \
	}
#define PAIR_AT_R1 IIF(R4(0)), OIF(R4(1))
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
#define JUMP_TO(name)               \
	{                           \
		JUMP, 0, 0, 0, name \
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

/* Policies.  The flow that decides is built in the registers of four bytes from the first on: the
 * client's class, the server's, protocol, port.  Those from R4(10) on look a class or a rule up.
 * nft(8) 1.0.6 ends by an assertion where a part of a key is what a map gave: so that it sees none,
 * what a map gives goes behind a word of 0, into a longer run of zeroes. */
// clang-format off
#define ZERO(at, words) {NOUGHT, R4(at), 0, (words) * WORD, NULL}
#define CLASS_OF(end, group, addr, map, to) \
	group(R4(10)), {end, R4(11), addr, 0, NULL}, ZERO(to, 4), {MAP, R4(10), MB_NET_SET_##map, R4((to) + 1), NULL}
#define CLIENT4(group, map) CLASS_OF(CLIENT, group, NFT_CT_SRC_IP, map##4, 0)
#define CLIENT6(group, map) CLASS_OF(CLIENT, group, NFT_CT_SRC_IP6, map##6, 0)
#define SERVER4(group, map) CLASS_OF(SERVER, group, NFT_CT_SRC_IP, map##4, 4)
#define SERVER6(group, map) CLASS_OF(SERVER, group, NFT_CT_SRC_IP6, map##6, 4)
#define SERVER_IS_HOST(group) group(R4(10)), ZERO(4, 4), {MAP, R4(10), MB_NET_SET_HOST_CLASS, R4(5), NULL}
/* By an address that a name led to. */
#define LEARNT(group, addr, bytes, map, slot)                                                                \
	group(R4(10)), {SERVER, R4(11), addr, 0, NULL}, {NUMBER, R4(11 + (bytes) / WORD), (slot), 0, NULL}, \
		ZERO(4, 4), {MAP, R4(10), MB_NET_SET_##map, R4(5), NULL}
#define LEARNT4(group, slot) LEARNT(group, NFT_CT_SRC_IP, V4_LEN, LEARNT4, slot)
#define LEARNT6(group, slot) LEARNT(group, NFT_CT_SRC_IP6, V6_LEN, LEARNT6, slot)
#define THE_PROTO {SERVER, R4(8), NFT_CT_PROTOCOL, 0, NULL}
#define THE_PORT  {SERVER, R4(9), NFT_CT_PROTO_SRC, 0, NULL}
#define JUDGE     ZERO(10, 3), {MAP, R4(0), MB_NET_SET_DECIDE, R4(11), NULL}, BY_MAP(R4(10), RULES)
/* The most particular first. */
#define BY_FLOW(chain, client, server)                           \
	{chain, {client, server, THE_PROTO, THE_PORT, JUDGE}}, \
	{chain, {client, server, THE_PROTO, ZERO(9, 1), JUDGE}},   \
	{chain, {client, server, ZERO(8, 1), ZERO(9, 1), JUDGE}}
#define BY_DEFAULT(chain, group) {chain, {ZERO(10, 1), group(R4(11)), ZERO(12, 1), BY_MAP(R4(10), RULES)}}

/* Of addresses that names led to, each with up to three classes, none of which knows of the others:
 * they hold what names' rules say, and what comes before those. */
#define OPEN4(group) group(R4(10)), {SERVER, R4(11), NFT_CT_SRC_IP, 0, NULL}
#define OPEN6(group) group(R4(10)), {SERVER, R4(11), NFT_CT_SRC_IP6, 0, NULL}
#define IF_OPEN(v, chain, group, goal) {chain, {OPEN##v(group), IN_SET(R4(10), OPEN##v), TO_CHAIN(goal)}}
/* A connection that is used keeps its address open.  What no name's rule says, the address's do. */
#define BY_LEARNT(v, chain, group)                                                                        \
	{chain, {{CT, R1, NFT_CT_STATE, 0, NULL}, {ANY_OF, R1, STATE_KNOWN, 0, NULL}, OPEN##v(group),     \
		 {KEEP, R4(10), MB_NET_SET_OPEN##v, 0, NULL}}},                                           \
	BY_FLOW(chain, CLIENT##v(group, MEMBER), LEARNT##v(group, 0)),                                    \
	BY_FLOW(chain, CLIENT##v(group, MEMBER), LEARNT##v(group, 1)),                                    \
	BY_FLOW(chain, CLIENT##v(group, MEMBER), LEARNT##v(group, MB_LEARN_SLOTS - 1)),                   \
	BY_FLOW(chain, CLIENT##v(group, MEMBER), SERVER##v(group, RANGE)),                                \
	BY_DEFAULT(chain, group)
_Static_assert(MB_LEARN_SLOTS == 3, "as many as BY_LEARNT has");

#define DST4 {NET4, R1, IPV4_DADDR, V4_LEN}
#define DST6 {NET6, R1, IPV6_DADDR, V6_LEN}
/* A published port as connection tracking has it. */
#define GUARDED4 {SERVER, R4(0), NFT_CT_SRC_IP}, {SERVER, R4(1), NFT_CT_PROTOCOL}, {CLIENT, R4(2), NFT_CT_PROTO_DST}
#define GUARDED6 {SERVER, R4(0), NFT_CT_SRC_IP6}, {SERVER, R4(4), NFT_CT_PROTOCOL}, {CLIENT, R4(5), NFT_CT_PROTO_DST}

static const struct {
	const char *chain;
	struct step steps[16];
} rules[] = {
	/* route_localnet is on at our bridges: no one there may speak as or to 127.0.0.0/8. */
	{"guard", {IIF(R1), IN_SET(R1, NETS), IPV4, {NET4, R1, IPV4_DADDR, 1}, {BYTE_IS, R1, LOOPBACK_NET}, {COUNT}, {DROP}}},
	{"guard", {IIF(R1), IN_SET(R1, NETS), IPV4, {NET4, R1, IPV4_SADDR, 1}, {BYTE_IS, R1, LOOPBACK_NET}, {COUNT}, {DROP}}},

	/* A tunnel takes what comes from anywhere: containers do not speak for hosts, neither to this
	 * one nor, with its address, to others. */
	{"guard", {IIF(R1), IN_SET(R1, NETS), L4PROTO(R1), {BYTE_IS, R1, IPPROTO_UDP}, {PORT, R4(0)}, {VNI, R4(1)}, IN_SET(R1, TUNNELS), {COUNT}, {DROP}}},

	/* By what encrypts a network comes its tunnel, and nothing for the host. */
	{"guard", {IIF(R1), {WORD_IS, R1, MB_NET_WIRE_GROUP}, TO_CHAIN("wire")}},
	{"wire", {L4PROTO(R1), {BYTE_IS, R1, IPPROTO_UDP}, {PORT, R1}, {PORT_IS, R1, MB_NET_VXLAN_PORT}, {RETURN}}},
	{"wire", {{COUNT}, {DROP}}},

	/* Policies go by address: nobody may speak with another's. */
	{"guard", {IIF(R1), IN_SET(R1, GOVERNED), {BACK, R1, 0, 0, NULL}, {WORD_IS, R1, 0, 0, NULL}, {COUNT}, {DROP}}},

	/* Published for some: by the address that the connection came from, in both directions. */
	{"forward", {IS_DNATED, IPV4, GUARDED4, IN_SET(R1, GUARDED4), JUMP_TO("guarded4")}},
	{"forward", {IS_DNATED, IPV6, GUARDED6, IN_SET(R1, GUARDED6), JUMP_TO("guarded6")}},
	{"guarded4", {GUARDED4, {CLIENT, R4(3), NFT_CT_SRC_IP}, IN_SET(R1, ADMITTED4), {RETURN}}},
	{"guarded4", {{COUNT}, {DROP}}},
	{"guarded6", {GUARDED6, {CLIENT, R4(6), NFT_CT_SRC_IP6}, IN_SET(R1, ADMITTED6), {RETURN}}},
	{"guarded6", {{COUNT}, {DROP}}},

	{"forward", {IIF(R1), IN_SET(R1, GOVERNED), JUMP_TO("leave")}},
	{"forward", {OIF(R1), IN_SET(R1, GOVERNED), JUMP_TO("enter")}},
	{"forward", {IIF(R1), IN_SET(R1, NETS), TO_CHAIN("ours")}},
	{"forward", {OIF(R1), IN_SET(R1, NETS), TO_CHAIN("ours")}},
	{"ours", {{CT, R1, NFT_CT_STATE}, {ANY_OF, R1, STATE_KNOWN}, {ACCEPT}}},
	{"ours", {{CT, R1, NFT_CT_STATE}, {ANY_OF, R1, STATE_INVALID}, {DROP}}},
	{"ours", {PAIR_AT_R1, BY_MAP(R1, FWD_PAIR)}},
	{"ours", {IIF(R1), IN_SET(R1, INTERNAL), {COUNT}, {DROP}}},
	{"ours", {OIF(R1), IN_SET(R1, INTERNAL), {COUNT}, {DROP}}},
	{"ours", {IS_DNATED, {ACCEPT}}},
	{"ours", {IPV4, DST4, L4PROTO(R4(1)), {PORT, R4(2)}, IN_SET(R1, OPENED4), {ACCEPT}}},
	{"ours", {IPV6, DST6, L4PROTO(R2), {PORT, R4(5)}, IN_SET(R1, OPENED6), {ACCEPT}}},
	/* Published, and reached by the container's address from an interface that is trusted. */
	{"ours", {{META, R1, NFT_META_IIFNAME}, OIF(R4(4)), IN_SET(R1, TRUSTED), JUMP_TO("trusted")}},
	{"trusted", {IPV4, DST4, L4PROTO(R4(1)), {PORT, R4(2)}, IN_SET(R1, LED4), {ACCEPT}}},
	{"trusted", {IPV6, DST6, L4PROTO(R2), {PORT, R4(5)}, IN_SET(R1, LED6), {ACCEPT}}},
	/* Between neighbours whom fwd_pair does not let, and from another network of ours, only what is
	 * published, unless both networks are loose; from outside what a network lets in. */
	{"ours", {PAIR_AT_R1, IN_SET(R1, SAME), {COUNT}, {DROP}}},
	{"ours", {IIF(R1), IN_SET(R1, LOOSE), OIF(R1), IN_SET(R1, LOOSE), {ACCEPT}}},
	{"ours", {OIF(R1), IN_SET(R1, NETS), IIF(R1), IN_SET(R1, NETS), {COUNT}, {DROP}}},
	{"ours", {IPV4, OIF(R1), IN_SET(R1, EXPOSED4), {ACCEPT}}},
	{"ours", {IPV6, OIF(R1), IN_SET(R1, EXPOSED6), {ACCEPT}}},
	{"ours", {OIF(R1), IN_SET(R1, NETS), {COUNT}, {DROP}}},
	{"ours", {IIF(R1), BY_MAP(R1, EGRESS)}},
	{"ours", {{COUNT}, {DROP}}},

	{"leave", {PAIR_AT_R1, IN_SET(R1, SAME), IPV4, TO_CHAIN("inside4")}},
	{"leave", {PAIR_AT_R1, IN_SET(R1, SAME), TO_CHAIN("inside6")}},
	{"leave", {IPV4, TO_CHAIN("leave4")}},
	{"leave", {TO_CHAIN("leave6")}},
	{"enter", {PAIR_AT_R1, IN_SET(R1, SAME), {RETURN}}},
	{"enter", {IPV4, TO_CHAIN("enter4")}},
	{"enter", {TO_CHAIN("enter6")}},
	BY_FLOW("inside4", CLIENT4(IIF, MEMBER), SERVER4(IIF, MEMBER)),
	BY_DEFAULT("inside4", IIF),
	BY_FLOW("inside6", CLIENT6(IIF, MEMBER), SERVER6(IIF, MEMBER)),
	BY_DEFAULT("inside6", IIF),
	IF_OPEN(4, "leave4", IIF, "leave_learnt4"),
	/* The other end may have opened the connection as well. */
	BY_FLOW("leave4", CLIENT4(IIF, MEMBER), SERVER4(IIF, RANGE)),
	BY_FLOW("leave4", CLIENT4(IIF, RANGE), SERVER4(IIF, MEMBER)),
	BY_DEFAULT("leave4", IIF),
	BY_LEARNT(4, "leave_learnt4", IIF),
	IF_OPEN(6, "leave6", IIF, "leave_learnt6"),
	BY_FLOW("leave6", CLIENT6(IIF, MEMBER), SERVER6(IIF, RANGE)),
	BY_FLOW("leave6", CLIENT6(IIF, RANGE), SERVER6(IIF, MEMBER)),
	BY_DEFAULT("leave6", IIF),
	BY_LEARNT(6, "leave_learnt6", IIF),
	IF_OPEN(4, "enter4", OIF, "enter_learnt4"),
	BY_FLOW("enter4", CLIENT4(OIF, RANGE), SERVER4(OIF, MEMBER)),
	BY_FLOW("enter4", CLIENT4(OIF, MEMBER), SERVER4(OIF, RANGE)),
	BY_DEFAULT("enter4", OIF),
	BY_LEARNT(4, "enter_learnt4", OIF),
	IF_OPEN(6, "enter6", OIF, "enter_learnt6"),
	BY_FLOW("enter6", CLIENT6(OIF, RANGE), SERVER6(OIF, MEMBER)),
	BY_FLOW("enter6", CLIENT6(OIF, MEMBER), SERVER6(OIF, RANGE)),
	BY_DEFAULT("enter6", OIF),
	BY_LEARNT(6, "enter_learnt6", OIF),
	/* Neighbour discovery is not tracked; what the host opened has its answer. */
	{"input", {IIF(R1), IN_SET(R1, GOVERNED), JUMP_TO("to_host")}},
	{"to_host", {{CT, R1, NFT_CT_STATE}, {ANY_OF, R1, STATE_UNTRACKED}, {RETURN}}},
	{"to_host", {{CT, R1, NFT_CT_DIRECTION}, {BYTE_IS, R1, IP_CT_DIR_REPLY}, {RETURN}}},
	/* Rules go by address, and nobody is known by that one: it would be of no class. */
	{"to_host", {IPV6, {NET6, R1, IPV6_SADDR, WORD}, {LINK6, R1}, {COUNT}, {DROP}}},
	BY_FLOW("to_host", CLIENT4(IIF, MEMBER), SERVER_IS_HOST(IIF)),
	BY_FLOW("to_host", CLIENT6(IIF, MEMBER), SERVER_IS_HOST(IIF)),
	BY_DEFAULT("to_host", IIF),

	/* From ::1 NAT leads nobody away: what is published there is a relay's. */
	{"output", {IPV6, {NET6, R1, IPV6_DADDR, V6_LEN}, {LOOP6, R1}, {RETURN}}},
	{"prerouting", {IS_LOCAL, TO_CHAIN("ports")}},
	{"output", {IS_LOCAL, TO_CHAIN("ports")}},
	{"ports", {IPV4, DST4, L4PROTO(R4(1)), {PORT, R4(2)}, FROM_MAP(R1, DNAT4), {DNAT, R4(1), NFPROTO_IPV4}}},
	{"ports", {IPV4, L4PROTO(R1), {PORT, R4(1)}, FROM_MAP(R1, DNAT4_ANY), {DNAT, R4(1), NFPROTO_IPV4}}},
	{"ports", {IPV6, DST6, L4PROTO(R2), {PORT, R4(5)}, FROM_MAP(R1, DNAT6), {DNAT, R2, NFPROTO_IPV6}}},
	{"ports", {IPV6, L4PROTO(R1), {PORT, R4(1)}, FROM_MAP(R1, DNAT6_ANY), {DNAT, R2, NFPROTO_IPV6}}},

	/* Answers must come back this way: from the host's loopback, from a neighbour on the same
	 * bridge, and from the container itself. */
	{"postrouting", {OIF(R1), IN_SET(R1, NETS), TO_CHAIN("into")}},
	{"postrouting", {IPV4, IIF(R1), FROM_MAP(R1, SNAT4), {SNAT, R1, NFPROTO_IPV4}}},
	{"postrouting", {IPV6, IIF(R1), FROM_MAP(R1, SNAT6), {SNAT, R1, NFPROTO_IPV6}}},
	{"postrouting", {IPV4, IIF(R1), IN_SET(R1, MASQ4), {MASQUERADE}}},
	{"postrouting", {IPV6, IIF(R1), IN_SET(R1, MASQ6), {MASQUERADE}}},
	{"into", {IPV4, {NET4, R1, IPV4_SADDR, 1}, {BYTE_IS, R1, LOOPBACK_NET}, {MASQUERADE}}},
	{"into", {IS_DNATED, PAIR_AT_R1, IN_SET(R1, SAME), {MASQUERADE}}},
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
	if (s->op == LOOP6) {
		mb_nl_nft_cmp(r, s->reg, true, &in6addr_loopback, sizeof(in6addr_loopback));
		return;
	}
	if (s->op == LINK6) {
		const uint32_t link_local = htonl(LINK_LOCAL);

		mb_nl_nft_mask(r, s->reg, htonl(LINK_LOCAL_MASK));
		mb_nl_nft_cmp(r, s->reg, true, &link_local, sizeof(link_local));
		return;
	}
	if (s->op == WORD_IS) {
		mb_nl_nft_cmp(r, s->reg, true, &s->v, sizeof(s->v));
		return;
	}
	if (s->op == PORT_IS) {
		const uint16_t port = htons((uint16_t)s->v);

		mb_nl_nft_cmp(r, s->reg, true, &port, sizeof(port));
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
	static const uint8_t zeroes[4 * WORD];

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
	case VNI:
		mb_nl_nft_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, VXLAN_VNI, WORD, s->reg);
		break;
	case CT:
		mb_nl_nft_ct(r, s->v, s->reg);
		break;
	case CLIENT:
		mb_nl_nft_ct_dir(r, s->v, IP_CT_DIR_ORIGINAL, s->reg);
		break;
	case SERVER:
		mb_nl_nft_ct_dir(r, s->v, IP_CT_DIR_REPLY, s->reg);
		break;
	case FIB:
		mb_nl_nft_fib_type(r, s->reg);
		break;
	case BACK:
		mb_nl_nft_fib_back(r, s->reg);
		break;
	case NOUGHT:
		mb_nl_nft_load(r, s->reg, zeroes, s->len);
		break;
	case NUMBER:
		mb_nl_nft_load(r, s->reg, &s->v, sizeof(s->v));
		break;
	case KEEP:
		mb_nl_nft_remember(r, s->reg, &sets[s->v]);
		break;
	case FAMILY:
	case LOOP6:
	case LINK6:
	case BYTE_IS:
	case WORD_IS:
	case PORT_IS:
	case ANY_OF:
		put_compare(r, s);
		break;
	case IN:
		mb_nl_nft_lookup(r, s->reg, sets[s->v].name, false, 0);
		break;
	case MAP:
		mb_nl_nft_lookup(r, s->reg, sets[s->v].name, true, s->len ? s->len : NFT_REG_1);
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
	case JUMP:
		mb_nl_nft_verdict(r, NFT_JUMP, s->chain);
		break;
	case RETURN:
		mb_nl_nft_verdict(r, NFT_RETURN, NULL);
		break;
	case DNAT:
		mb_nl_nft_nat(r, true, s->v, NFT_REG_1, s->reg);
		break;
	case SNAT:
		mb_nl_nft_nat(r, false, s->v, s->reg, 0);
		break;
	case MASQUERADE:
		mb_nl_nft_masquerade(r);
		break;
	case END:
		break;
	}
}

void mb_net_skeleton_put(struct mb_nl_batch *b, const char *table)
{
	mb_nl_nft_table_add(b, table, 0);
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
