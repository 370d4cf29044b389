/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/overlay_store.h — what a host says to the store of a network.
 *
 * RUN/net/<id>/lease is the lease of this host on this network: whoever finds none, or one that
 * has ended, grants another.  RUN/net/ov/<id>.<container> says that a container here is to be kept
 * in the store: monitors see to it that somebody leads (overlay_lead.h) while there is any.
 */
#ifndef MB_NET_OVERLAY_STORE_H
#define MB_NET_OVERLAY_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"

struct mb_err;
struct mb_etcd;
struct mb_etcd_kv;
struct mb_str;
struct mb_net;
struct mb_net_endpoint;
struct mb_net_network;
struct mb_net_sandbox;

bool mb_net_has_store(const struct mb_net_network *n);
/* @timeout_sec of one question, to however many members. */
int mb_net_store_open(const struct mb_net_network *n, int timeout_sec, struct mb_etcd **ret,
                      struct mb_err *err);
/* MB_NET_SHARED_ROOT "net/<name>", and below it "/KIND/" and @what. */
char *mb_net_store_key(const struct mb_net_network *n, const char *kind, const char *what);

/* From before it is seen that the network is here until the record tells of the container, as one
 * of many (LOCK_SH); and alone (LOCK_EX) from before it is seen that nobody is on it until it, or
 * the lease of this host, is gone.  The first of the two waits for the second, and finds that there
 * is no network.  With LOCK_NB nobody waits: -EWOULDBLOCK, not told.  *@ret_fd is to be closed; it
 * stays -1 without a store. */
int mb_net_store_use(struct mb_net *net, const struct mb_net_network *n, int lock, int *ret_fd,
                     struct mb_err *err);
/* There is nothing to use any more. */
void mb_net_store_use_end(struct mb_net *net, const struct mb_net_network *n);

/* The network's record, which nobody else has made; n->overlay.revision is set. */
int mb_net_store_create(struct mb_net_network *n, struct mb_err *err);
/* Fill @n, which has a name and a store, from the record.  Return: 0; MB_NET_ABSENT, told. */
int mb_net_store_fetch(struct mb_net_network *n, struct mb_err *err);
/* The record goes, if no other host is there.  Return: 0; MB_NET_IN_USE, told; or -errno. */
int mb_net_store_remove(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err);

/* This host's lease, granted if there is none, or if it is @ended. */
int mb_net_store_lease(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                       uint64_t ended, uint64_t *ret, struct mb_err *err);
/* This host's record, where @now, which may be NULL, is not that already, with @lease on it. */
int mb_net_store_keep_host(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                           const struct mb_etcd_kv *now, uint64_t lease, struct mb_err *err);
/* Ours, which an ended lease of another process may have left, goes. */
int mb_net_store_host_remove(struct mb_net *net, const struct mb_net_network *n,
                             struct mb_etcd *etcd, struct mb_err *err);
uint64_t mb_net_store_lease_now(struct mb_net *net, const struct mb_net_network *n);
/* And all that hangs on it. */
void mb_net_store_lease_end(struct mb_net *net, const struct mb_net_network *n,
                            struct mb_etcd *etcd);
/* Tells that the network is not there any more, -ESTALE. */
int mb_net_store_told_gone(const struct mb_net_network *n, struct mb_err *err);
/* A MAC address that was asked for, and does not follow from the address: NULL or @buf. */
const char *mb_net_store_own_mac(const struct mb_net_endpoint *e, char buf[MB_NET_MAC_TEXT]);
/* @e's addresses are @container_id's, and so is a MAC address that was asked for.  Return: 0;
 * MB_NET_TAKEN, not told: others' they are; MB_NET_MAC_TAKEN, told; MB_ETCD_UNAVAILABLE; or
 * -errno. */
enum { MB_NET_MAC_TAKEN = 10 };
int mb_net_store_claim(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                       const struct mb_net_endpoint *e, const char *container_id,
                       struct mb_err *err);
/* Where it is and what it is called, as it is told. */
void mb_net_store_tale(const struct mb_net_network *n, const struct mb_net_sandbox *s,
                       const struct mb_net_endpoint *e, struct mb_str *out);
/* Tell it.  Return: as above. */
int mb_net_store_tell(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                      const struct mb_net_sandbox *s, const struct mb_net_endpoint *e,
                      struct mb_err *err);

/* What a start, a rename and an end call.  Nothing happens for an endpoint without a store.
 * choose: claim what @e has, or take and claim others in its place; if it has none, as the host's
 * own table is full, that is read anew first. */
int mb_net_store_choose(struct mb_net *net, const struct mb_net_network *n,
                        struct mb_net_endpoint *e, const char *container_id,
                        const struct mb_net_endpoint *before, struct mb_err *err);
int mb_net_store_publish(struct mb_net *net, const struct mb_net_sandbox *s,
                         const struct mb_net_endpoint *e, struct mb_err *err);
/* @s may be without @e already. */
void mb_net_store_release(struct mb_net *net, const struct mb_net_endpoint *e,
                          const char *container_id);
/* The last of what this host has there. */
void mb_net_store_leave(struct mb_net *net, const struct mb_net_network *n);

#endif
