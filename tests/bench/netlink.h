/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/bench/netlink.h — the few rtnetlink messages that a floor needs. */
#ifndef MB_BENCH_NETLINK_H
#define MB_BENCH_NETLINK_H

#include <stdint.h>

/* A route socket; ends the program if there is none. */
int nl_open(void);
/* A bridge with an address, made if it is not there.  Return: its index, or -errno. */
int nl_bridge(int sock, const char *name, uint32_t address, int prefix);
int nl_delete(int sock, const char *name);
/* @name on the bridge with index @master, its peer "eth0" (index 2) in @ns. */
int nl_veth(int sock, const char *name, int master, int ns);
/* Inside: lo and eth0 up, @address, a default route by @gateway.  All in one message. */
int nl_configure(int sock, uint32_t address, uint32_t gateway);

#endif
