/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/resolver.h — the ways to 127.0.0.11:53, for tests to choose one. */
#ifndef MB_NET_RESOLVER_H
#define MB_NET_RESOLVER_H

#include "net/net.h"

/* As mb_net_resolver_open(), by @mode or not at all. */
int mb_net_resolver_open_as(struct mb_net *net, int netns_fd, enum mb_net_resolver_mode mode,
                            struct mb_net_resolver *ret, struct mb_err *err);

#endif
