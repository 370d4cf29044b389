/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/route_spec.h — a route that containers of a network have: DEST,GATEWAY[,METRIC]. */
#ifndef MB_NET_ROUTE_SPEC_H
#define MB_NET_ROUTE_SPEC_H

#include <stdint.h>

#include "net/addr.h"

struct mb_err;

enum { MB_NET_ROUTES_MAX = 64 }; /* of one network */
struct mb_net_route_spec {
	struct mb_net_prefix dst;
	struct mb_net_addr gateway; /* of the same family */
	uint32_t metric;            /* 0: the kernel's own */
};
/* Return: 0 or -EINVAL, told. */
int mb_net_route_spec_parse(const char *text, struct mb_net_route_spec *ret, struct mb_err *err);

#endif
