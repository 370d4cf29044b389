/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/overlay_policy.h — the policy of a network that hosts share: it stands in the store, and
 * every host keeps a copy in the network's document, which holds when the store does not answer. */
#ifndef MB_NET_OVERLAY_POLICY_H
#define MB_NET_OVERLAY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct mb_err;
struct mb_etcd;
struct mb_net;
struct mb_net_network;
struct mb_net_policy_told;
struct mb_net_policy_edit;

/* What the store says.  Return: 0; MB_ETCD_UNAVAILABLE; or -errno. */
int mb_net_store_policy(const struct mb_net_network *n, struct mb_etcd *etcd,
                        struct mb_net_policy_told *ret, struct mb_err *err);
/* This host does as the store says, if that says anything; @again as mb_net_policy_take() has it.
 * Return: as above. */
int mb_net_policy_pull(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                       bool again, struct mb_err *err);
/* Nobody has put one there: what this host has of it. */
int mb_net_policy_put_back(const struct mb_net_network *n, struct mb_etcd *etcd,
                           struct mb_err *err);
/* mb_net_policy_change() for all hosts. */
int mb_net_policy_share(struct mb_net *net, const struct mb_net_network *n,
                        const struct mb_net_policy_edit *edit, uint32_t *ret_id,
                        struct mb_err *err);

#endif
