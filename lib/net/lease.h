/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/lease.h — addresses that are a DHCP server's: had, kept and given back.  Not for other
 * folders; theirs is in net.h. */
#ifndef MB_NET_LEASE_H
#define MB_NET_LEASE_H

#include <stddef.h>

struct mb_err;
struct mb_net;
struct mb_net_create;
struct mb_net_endpoint;
struct mb_net_network;
struct mb_net_sandbox;

/* What a network of a DHCP server cannot have.  Return: 0 or -errno, told. */
int mb_net_lease_check_request(const struct mb_net_create *q, struct mb_err *err);
int mb_net_lease_check(const struct mb_net_network *n, struct mb_err *err);
/* Of @n endpoints from @first on, whose interfaces are up: addresses and routes.  The record is
 * written if there was one.  Return: 0; or -errno, told. */
int mb_net_leases_take(struct mb_net *net, struct mb_net_sandbox *s, size_t first, size_t n,
                       int netns_fd, struct mb_err *err);
/* Who carries the default route is known only now: that one has it. */
int mb_net_leases_route(struct mb_net *net, struct mb_net_sandbox *s, int netns_fd,
                        struct mb_err *err);
/* Tell its server that it is free; one that does not hear it waits for its end. */
void mb_net_lease_release(const struct mb_net_sandbox *s, const struct mb_net_endpoint *e,
                          int netns_fd);

#endif
