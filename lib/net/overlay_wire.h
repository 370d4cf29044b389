/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/overlay_wire.h — what nobody between the hosts can read: WireGuard below a tunnel.
 *
 * Each host has an interface of WireGuard for each such network, "mw-" and twelve digits of the
 * network's id.  Its one address is of the link (fe80::/64) and follows from its public key: that
 * is the host's tunnel address, under which the hosts tell each other their keys.  The tunnel is
 * bound to the interface, so that the kernel takes no packet of it from anywhere else, whatever
 * becomes of the firewall; and WireGuard takes only packets whose sender has the key that their
 * address follows from.  Keys are lower-case hexadecimal.  Not for other folders.
 */
#ifndef MB_NET_OVERLAY_WIRE_H
#define MB_NET_OVERLAY_WIRE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"

struct mb_err;
struct mb_net;
struct mb_net_host;
struct mb_net_network;
struct mb_net_overlay;
struct mb_net_view;
struct mb_nl_wg_peer;

/* By what packets get longer, beyond a tunnel of the same family without it; seconds after which
 * who has not proved to have his key is silent (he is asked every two minutes). */
enum {
	MB_NET_WIRE_BYTES = 80,
	MB_NET_WIRE_PORT = 51820,
	MB_NET_WIRE_KEY_TEXT = 65,
	MB_NET_WIRE_SILENT_SEC = 240,
};

void mb_net_wire_ifname(const char *id, char name[IFNAMSIZ]);
/* The address that follows from the key.  Return: whether @key is one. */
bool mb_net_wire_address(const char *key, struct mb_net_addr *ret);
/* "203.0.113.1:51820", "[2001:db8::1]:51820": where one host is.  Return: 0 or -EINVAL. */
int mb_net_wire_endpoint_parse(const char *text, struct mb_net_addr *ret, uint16_t *ret_port);
/* This host's; the caller frees. */
char *mb_net_wire_endpoint(const struct mb_net_overlay *o);
/* Whether what a document says of this end makes sense. */
bool mb_net_wire_is_valid(const struct mb_net_overlay *o);
/* Whether the host that tells its key at the tunnel address @vtep may. */
bool mb_net_wire_is_of(const struct mb_net_host *h, const char *vtep);

/* A key and a port for this host, whose tunnel address was its own so far; with the networks' lock.
 * -EOPNOTSUPP, told: the kernel has no WireGuard. */
int mb_net_wire_draw(struct mb_net *net, struct mb_net_network *n, struct mb_err *err);

/* The interface, as it ought to be, with the peers that were known last; *@ret_new: it was not
 * there. */
int mb_net_wire_up(struct mb_net *net, const struct mb_net_network *n, bool *ret_new,
                   int *ret_index, struct mb_err *err);
void mb_net_wire_down(struct mb_net *net, const struct mb_net_network *n);
/* Its index; 0: it is not there, or there is none for @n. */
int mb_net_wire_index(struct mb_net *net, const struct mb_net_network *n);
/* The peers are the hosts that the store tells of, and no others: RUN/net/<id>/wire. */
int mb_net_wire_follow(struct mb_net *net, const struct mb_net_network *n,
                       const struct mb_net_view *view, struct mb_err *err);
/* The peer with the tunnel address @vtep.  Return: 0; MB_NET_ABSENT; or -errno, told. */
int mb_net_wire_find(struct mb_net *net, const struct mb_net_network *n,
                     const struct mb_net_addr *vtep, struct mb_nl_wg_peer *ret, struct mb_err *err);
/* What is not as it ought to be; NULL: nothing.  Caller frees. */
char *mb_net_wire_fault(struct mb_net *net, const struct mb_net_network *n);

#endif
