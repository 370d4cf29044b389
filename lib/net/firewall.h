/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/firewall.h — one nftables table: a fixed skeleton of chains, and sets that change.
 *
 * A network is five elements, a published port one, a container without ports none.  Nothing
 * but elements changes after the skeleton is there.  Not for other folders.
 */
#ifndef MB_NET_FIREWALL_H
#define MB_NET_FIREWALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "nl/nft.h"

struct mb_err;
struct mb_net;
struct mb_net_network;
struct mb_nl_batch;

enum mb_net_set {
	MB_NET_SET_NETS,     /* our bridges */
	MB_NET_SET_INTERNAL, /* those that reach no one else */
	MB_NET_SET_MASQ_OUT, /* those whose traffic leaves with the host's address */
	MB_NET_SET_SAME,     /* bridge . the same bridge */
	MB_NET_SET_SELF4,    /* address . the same address, of containers with ports */
	MB_NET_SET_SELF6,
	MB_NET_SET_FWD_PAIR,  /* bridge . bridge: accept */
	MB_NET_SET_EGRESS,    /* bridge: accept */
	MB_NET_SET_DNAT4,     /* host address . protocol . port: container address . port */
	MB_NET_SET_DNAT4_ANY, /* protocol . port */
	MB_NET_SET_DNAT6,
	MB_NET_SET_DNAT6_ANY,
	MB_NET_SET_N_,
};

struct mb_net_change {
	enum mb_net_set set;
	bool remove;
	struct mb_nl_nft_elem elem;
};
struct mb_net_changes {
	struct mb_net_change *v;
	size_t n, cap;
};
#define MB_AUTO_NET_CHANGES __attribute__((cleanup(mb_net_changes_done)))
void mb_net_changes_done(struct mb_net_changes *c);

/* The elements of a network; of a published port; of a container that has some. */
void mb_net_changes_network(struct mb_net_changes *c, const struct mb_net_network *n, bool remove);
struct mb_net_mapping {
	uint32_t proto;
	struct mb_net_addr host; /* any address: all of the host's */
	uint16_t host_port;
	struct mb_net_addr to;
	uint16_t port;
};
void mb_net_changes_port(struct mb_net_changes *c, const struct mb_net_mapping *m, bool remove);
void mb_net_changes_self(struct mb_net_changes *c, const struct mb_net_addr *a, bool remove);

const char *mb_net_set_name(enum mb_net_set set);

/* All of them in one transaction.  What is to be removed and absent is fine, what is to be added
 * and there with other data is replaced.  A table that is missing is rebuilt. */
int mb_net_firewall_apply(struct mb_net *net, const struct mb_net_changes *c, struct mb_err *err);
/* Make the table where it is missing. */
int mb_net_firewall_ensure(struct mb_net *net, struct mb_err *err);
/* All elements that documents (with @only_up: of networks whose bridge is up) and records ask
 * for; the table with them, in one transaction. */
int mb_net_firewall_wanted(struct mb_net *net, bool only_up, struct mb_net_changes *c,
                           struct mb_err *err);
int mb_net_firewall_rebuild(struct mb_net *net, struct mb_err *err);
int mb_net_firewall_remove(struct mb_net *net, struct mb_err *err);

#endif
