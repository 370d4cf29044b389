/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/nl/conntrack.h — forgetting connections that a changed port mapping made wrong.
 *
 * UDP has no end: an entry made before a port was published, or while another container had it,
 * keeps its traffic going the old way.  The entries are found by the port that the client
 * addressed (the original destination), which is the published one.
 */
#ifndef MB_NL_CONNTRACK_H
#define MB_NL_CONNTRACK_H

#include <stddef.h>
#include <stdint.h>

#include "nl/sock.h"

/* Delete the UDP entries of both families whose original destination port is one of @ports (host
 * order).  The kernel walks its whole table for this: tens of milliseconds where that is large.
 * Return: 0 and *@ret_n (may be NULL) how many; or -errno. */
int mb_nl_conntrack_forget_udp(struct mb_nl *nl, const uint16_t *ports, size_t n_ports,
                               size_t *ret_n, struct mb_err *err);

#endif
