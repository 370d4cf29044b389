/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/host_spec.h — what --add-host says: name:address, name=address, [v6] in brackets or
 * not, or host-gateway for the address. */
#ifndef MB_NET_HOST_SPEC_H
#define MB_NET_HOST_SPEC_H

#include <stdbool.h>

struct mb_err;

struct mb_net_host_spec {
	char *name;
	char *address; /* NULL with host_gateway */
	bool host_gateway;
};
/* Return: 0 or -EINVAL, told. */
int mb_net_host_spec_parse(const char *text, struct mb_net_host_spec *ret, struct mb_err *err);
void mb_net_host_spec_done(struct mb_net_host_spec *spec);

#endif
