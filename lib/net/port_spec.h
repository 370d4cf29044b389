/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/port_spec.h — what -p says: [ip:][host[-host]:]port[-port][/proto][,from=...], or its
 * long form. */
#ifndef MB_NET_PORT_SPEC_H
#define MB_NET_PORT_SPEC_H

#include <stdint.h>

#include "core/strv.h"

struct mb_err;

enum { MB_NET_FROM_MAX = 256 };

struct mb_net_port_spec {
	char *host_ip;             /* as the kernel prints it, without brackets; NULL: everywhere */
	uint16_t host_lo, host_hi; /* 0, 0: the kernel chooses; wider than lo..hi: one of them */
	uint16_t port_lo, port_hi; /* in the container, lo <= hi, never 0 */
	uint8_t proto;             /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP */
	/* Who may connect, in canonical form, none within another; empty: everybody. */
	struct mb_strv from;
};
/* Return: 0 or -EINVAL, told. */
int mb_net_port_spec_parse(const char *text, struct mb_net_port_spec *ret, struct mb_err *err);
void mb_net_port_spec_done(struct mb_net_port_spec *spec);
/* "80", "80/udp", "8000-8010/tcp": what --expose and EXPOSE say.  host fields stay empty. */
int mb_net_expose_parse(const char *text, struct mb_net_port_spec *ret, struct mb_err *err);
const char *mb_net_proto_name(uint32_t proto); /* "tcp" */

#endif
