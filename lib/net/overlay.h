/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/overlay.h — networks that go beyond the host: a VXLAN interface in the bridge.
 *
 * Who is where comes from a list of peers (flooded, learnt), from a store that all hosts ask
 * (overlay_store.h), or from another program.  Not for other folders.
 */
#ifndef MB_NET_OVERLAY_H
#define MB_NET_OVERLAY_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"

struct mb_err;
struct mb_net;
struct mb_net_endpoint;
struct mb_net_network;
struct mb_net_overlay;

enum { MB_NET_VNI_MAX = (1 << 24) - 1, MB_NET_VXLAN_PORT = 4789 };

/* "mv-" and twelve digits of the network's id. */
void mb_net_overlay_ifname(const char *id, char name[IFNAMSIZ]);
/* The tunnel's own at the host with the tunnel address @vtep: packets for containers of a governed
 * network go there, and are judged and led on by that host.  No container may have one like it. */
void mb_net_overlay_mac(const struct mb_net_addr *vtep, uint8_t ret[MB_NET_MAC_BYTES]);
bool mb_net_overlay_mac_is_tunnel(const uint8_t mac[MB_NET_MAC_BYTES]);
/* One option of the driver.  Return: 0 or -errno, told. */
int mb_net_overlay_option(struct mb_net_network *n, const char *key, const char *value,
                          struct mb_err *err);
/* What options leave open: this host's address, the longest packet, the number of the network. */
int mb_net_overlay_prepare(struct mb_net *net, struct mb_net_network *n, struct mb_err *err);
/* Whether options of encryption go with it, when it is known. */
int mb_net_overlay_check_wire(const struct mb_net_network *n, struct mb_err *err);
/* Whether the packets of a network that others made fit what is below here, which takes @most. */
int mb_net_overlay_fits(const struct mb_net_network *n, uint32_t most, struct mb_err *err);
/* What a document says of one. */
bool mb_net_overlay_is_valid(const struct mb_net_overlay *o);

/* The tunnel, in the bridge @bridge; as it ought to be if it is there already. */
int mb_net_overlay_up(struct mb_net *net, const struct mb_net_network *n, int bridge,
                      struct mb_err *err);
/* With another program (control=external): that @e is behind the bridge's @port stands in the
 * bridge's tables before its first packet, and as long as the port is there. */
void mb_net_overlay_announce(struct mb_net *net, const struct mb_net_endpoint *e, int bridge,
                             int port);
/* The network is governed from now on, or no more: the host's way to others' containers. */
int mb_net_overlay_turn(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err);
void mb_net_overlay_down(struct mb_net *net, const struct mb_net_network *n);
/* What of the tunnel is not as it ought to be; NULL: nothing.  Caller frees. */
char *mb_net_overlay_fault(struct mb_net *net, const struct mb_net_network *n);

#endif
