/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/overlay_lead.h — one process of a host leads for a network with a store: it keeps the
 * host's lease, watches, and writes what others tell into the kernel's tables and the names. */
#ifndef MB_NET_OVERLAY_LEAD_H
#define MB_NET_OVERLAY_LEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/strv.h"

struct mb_err;
struct mb_etcd;
struct mb_net;
struct mb_net_network;

#define MB_NET_LEAD_DIR "net/ov"

/* The networks of this host that want a leader, by their ids. */
int mb_net_lead_wanted(struct mb_net *net, struct mb_strv *ids, struct mb_err *err);
/* What a killed command left of those: a mark whose container or network is gone.  Taken away where
 * @repair says so; @found, NULL: nobody, is told. */
typedef void mb_net_lead_found(void *arg, const char *network_id, const char *container_id);
int mb_net_lead_marks_check(struct mb_net *net, bool repair, mb_net_lead_found *found, void *arg,
                            struct mb_err *err);
/* Lead for one, until nobody wants it any more or it is gone.  @lost is told of a container whose
 * address has become another's: its interface is away by then. */
typedef void mb_net_lead_lost(void *arg, const struct mb_net_network *n, const char *container_id,
                              const char *name);
int mb_net_lead(struct mb_net *net, const char *network_id, mb_net_lead_lost *lost, void *arg,
                struct mb_err *err);
/* Do once what a leader does, if there is none.  Return: 0; MB_ETCD_UNAVAILABLE; or -errno. */
int mb_net_lead_once(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                     struct mb_err *err);

/* Whether somebody leads for it just now. */
bool mb_net_lead_is_led(struct mb_net *net, const char *network_id);

/* What the leader knows of its store: RUN/net/<id>/store. */
struct mb_net_lead_status {
	bool online;
	char *member;  /* that answers */
	char *fault;   /* why none does; NULL */
	char *policy;  /* why this host does not do as the policy there says; NULL: it does */
	int64_t since; /* nanoseconds since 1970: it is so */
	uint64_t lease;
	struct mb_kv hosts; /* tunnel address -> name */
};
void mb_net_lead_status_done(struct mb_net_lead_status *status);
/* Return: 0; MB_NET_ABSENT: nobody has led; or -errno. */
int mb_net_lead_status_load(struct mb_net *net, const char *network_id,
                            struct mb_net_lead_status *ret, struct mb_err *err);
void mb_net_lead_status_save(struct mb_net *net, const char *network_id,
                             const struct mb_net_lead_status *status);

#endif
