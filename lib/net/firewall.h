/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/firewall.h — one nftables table: a fixed skeleton of chains, and sets that change.
 *
 * A network is five elements, or six with IPv6, more with a policy, a published port one, a
 * container without ports none.  Nothing but elements changes after the skeleton is there.  Not for
 * other folders.
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
struct mb_net_opened;
struct mb_net_sandbox;
struct mb_nl_batch;
struct mb_strv;

enum mb_net_set {
	/* Networks are their interfaces' group, see mb_net_group(). */
	MB_NET_SET_NETS,
	MB_NET_SET_INTERNAL, /* those that reach no one else */
	MB_NET_SET_TUNNELS,  /* of overlays: port . VNI as it stands in VXLAN's header */
	MB_NET_SET_MASQ4,    /* those whose traffic leaves with the host's address */
	MB_NET_SET_MASQ6,
	MB_NET_SET_SNAT4, /* group: address; goes before masquerade */
	MB_NET_SET_SNAT6,
	MB_NET_SET_SAME,  /* group . the same group */
	MB_NET_SET_SELF4, /* address . the same address, of containers with ports */
	MB_NET_SET_SELF6,
	MB_NET_SET_FWD_PAIR, /* group . group: accept */
	MB_NET_SET_EGRESS,   /* group: accept */
	/* Interfaces . networks; and what is published there: container's address . protocol . port
	 */
	MB_NET_SET_TRUSTED,
	MB_NET_SET_LED4,
	MB_NET_SET_LED6,
	MB_NET_SET_LOOSE, /* networks that reach each other */
	/* Networks whose containers are reached from outside, whatever they have published. */
	MB_NET_SET_EXPOSED4,
	MB_NET_SET_EXPOSED6,
	MB_NET_SET_DNAT4,     /* host address . protocol . port: container address . port */
	MB_NET_SET_DNAT4_ANY, /* protocol . port */
	MB_NET_SET_DNAT6,
	MB_NET_SET_DNAT6_ANY,
	/* Of ports that not everybody may connect to. */
	MB_NET_SET_GUARDED4, /* container's address . protocol . host's port */
	MB_NET_SET_GUARDED6,
	MB_NET_SET_ADMITTED4, /* the same . addresses of clients */
	MB_NET_SET_ADMITTED6,
	/* Of networks whose addresses are known outside. */
	MB_NET_SET_OPENED4, /* container's address . protocol . port */
	MB_NET_SET_OPENED6,
	/* Of governed networks; a class is twelve bytes (policy.h). */
	MB_NET_SET_GOVERNED,
	MB_NET_SET_MEMBER4, /* group . address: class */
	MB_NET_SET_MEMBER6,
	MB_NET_SET_RANGE4, /* group . addresses: class */
	MB_NET_SET_RANGE6,
	MB_NET_SET_HOST_CLASS, /* group: class */
	MB_NET_SET_DECIDE,     /* 0.class . 0.class . protocol . port: group . rule */
	MB_NET_SET_RULES,      /* 0 . group . rule: return or drop; 0 is the default */
	/* What resolvers learnt: added by them, forgotten by the kernel. */
	MB_NET_SET_LEARNT4, /* group . address . 0, 1, ...: class */
	MB_NET_SET_LEARNT6,
	MB_NET_SET_OPEN4, /* group . address: has classes there, and may be used */
	MB_NET_SET_OPEN6,
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
/* Only clients of the prefixes @from are led through, this machine apart. */
void mb_net_changes_guard(struct mb_net_changes *c, const struct mb_net_mapping *m,
                          const struct mb_strv *from, bool remove);
/* @a may be reached from outside at a port, as it is. */
void mb_net_changes_opened(struct mb_net_changes *c, const struct mb_net_addr *a,
                           const struct mb_net_opened *port, bool remove);
/* Where @m leads, the same for who comes by an interface that the network trusts. */
void mb_net_changes_led(struct mb_net_changes *c, const struct mb_net_mapping *m, bool remove);
void mb_net_changes_self(struct mb_net_changes *c, const struct mb_net_addr *a, bool remove);

/* The interface group of all that encrypt: no subnet begins there. */
#define MB_NET_WIRE_GROUP 0xffff6d77u
/* The number of the interface group of a network: its IPv4 subnet's first address. */
uint32_t mb_net_group(const struct mb_net_network *n);
/* One more change; its element has the lengths of the set, the verdict is NF_ACCEPT. */
struct mb_nl_nft_elem *mb_net_changes_add(struct mb_net_changes *c, enum mb_net_set set,
                                          bool remove);

const char *mb_net_set_name(enum mb_net_set set);

/* All of them in one transaction.  What is to be removed and absent is fine, what is to be added
 * and there with other data is replaced.  A table that is missing is rebuilt. */
int mb_net_firewall_apply(struct mb_net *net, const struct mb_net_changes *c, struct mb_err *err);
/* The same of a container's ports: what is another's by now stays. */
int mb_net_firewall_apply_of(struct mb_net *net, const struct mb_net_sandbox *s,
                             const struct mb_net_changes *c, struct mb_err *err);
/* The table, with all that documents and records ask for, where it is missing. */
int mb_net_firewall_ensure(struct mb_net *net, struct mb_err *err);
/* All elements that documents (with @only_up: of networks whose bridge is up) and records ask
 * for; the table with them, in one transaction. */
int mb_net_firewall_wanted(struct mb_net *net, bool only_up, struct mb_net_changes *c,
                           struct mb_err *err);
int mb_net_firewall_rebuild(struct mb_net *net, struct mb_err *err);
int mb_net_firewall_remove(struct mb_net *net, struct mb_err *err);

#endif
