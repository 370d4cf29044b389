/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/skeleton.h — the fixed part of the firewall: sets, chains and rules as tables. */
#ifndef MB_NET_SKELETON_H
#define MB_NET_SKELETON_H

#include "net/firewall.h"

/* Append the table's parts to an open transaction. */
void mb_net_skeleton_put(struct mb_nl_batch *b, const char *table);
const struct mb_nl_nft_set *mb_net_skeleton_set(enum mb_net_set set);

#endif
