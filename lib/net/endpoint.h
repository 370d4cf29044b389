/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/endpoint.h — one place of a container on one network.  Not for other folders. */
#ifndef MB_NET_ENDPOINT_H
#define MB_NET_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_err;
struct mb_net;
struct mb_net_endpoint;
struct mb_net_network;
struct mb_net_network_spec;
struct mb_net_sandbox;
struct mb_nl_batch;

/* Find the network, bring it up, take addresses, and append the endpoint to @s.
 * Return: 0; MB_NET_ABSENT or MB_NET_TAKEN, told; or -errno. */
int mb_net_endpoint_add(struct mb_net *net, struct mb_net_sandbox *s,
                        const struct mb_net_network_spec *spec, const struct mb_net_sandbox *before,
                        struct mb_err *err);
/* What needs no address, and what does. */
int mb_net_endpoint_fill(const struct mb_net_sandbox *s, const struct mb_net_network *n,
                         const struct mb_net_network_spec *spec, struct mb_net_endpoint *e,
                         struct mb_err *err);
void mb_net_endpoint_finish(const struct mb_net_sandbox *s, struct mb_net_endpoint *e);
/* Of its network's interfaces: mb_net_group(), from the endpoint alone. */
uint32_t mb_net_endpoint_group(const struct mb_net_endpoint *e);
/* The endpoint with the highest priority that is not internal carries the default route. */
void mb_net_gateway_choose(struct mb_net_sandbox *s);
/* Default routes of @e by the interface @index. */
void mb_net_endpoint_put_routes(struct mb_nl_batch *b, const struct mb_net_endpoint *e, int index,
                                bool add);
/* Inside the namespace, in one message batch: lo and @n endpoints from @first on, whose
 * interfaces have @indexes. */
int mb_net_endpoints_configure(const struct mb_net_sandbox *s, size_t first, size_t n, int netns_fd,
                               const int *indexes, struct mb_err *err);
/* The interface goes; @netns_fd, or -1, is where one of macvlan or ipvlan is. */
void mb_net_endpoint_drop_link(struct mb_net *net, const struct mb_net_endpoint *e, int netns_fd);
/* What these are sent is as fast as the container may be, where the host has an end of theirs. */
int mb_net_endpoints_shape(struct mb_net *net, const struct mb_net_sandbox *s, size_t first,
                           size_t n, struct mb_err *err);

#endif
