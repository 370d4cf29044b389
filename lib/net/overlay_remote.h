/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/overlay_remote.h — containers of other hosts, as this host knows them.
 *
 * RUN/net/<id>/r/<container> is what was told of one.  From it follow the entries of the tunnel
 * and of the bridge, and the names.  It is there before them, and goes after them.  Only who leads
 * (overlay_lead.c) changes it.
 */
#ifndef MB_NET_OVERLAY_REMOTE_H
#define MB_NET_OVERLAY_REMOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "net/overlay_record.h"

struct mb_net;
struct mb_net_network;

/* As it is known.  Return: 0, or -errno, not told. */
int mb_net_remote_load(struct mb_net *net, const struct mb_net_network *n, const char *id,
                       struct mb_net_remote *ret);
/* Nothing happens where it is not known. */
void mb_net_remote_drop(struct mb_net *net, const struct mb_net_network *n, const char *id);

struct mb_net_remotes {
	struct mb_net_remote *v;
	size_t n;
};
#define MB_AUTO_NET_REMOTES __attribute__((cleanup(mb_net_remotes_done)))
/* All that are known; ones that cannot be read are left out. */
int mb_net_remotes_load(struct mb_net *net, const struct mb_net_network *n,
                        struct mb_net_remotes *ret, struct mb_err *err);
void mb_net_remotes_done(struct mb_net_remotes *remotes);
/* They are known from now on; one that has moved is not where it was any more.  Then, when rules
 * know them, too, the ways to those that are new.  @again: to all of them, as whoever knew them
 * may have died before that.  Return: 0 or -errno, told, of the first: the others are done. */
int mb_net_remotes_note(struct mb_net *net, const struct mb_net_network *n,
                        struct mb_net_remotes *all, struct mb_err *err);
int mb_net_remotes_give(struct mb_net *net, const struct mb_net_network *n,
                        const struct mb_net_remotes *all, bool again, struct mb_err *err);
const struct mb_net_remote *mb_net_remotes_find(const struct mb_net_remotes *remotes,
                                                const char *id);
/* The ways to hosts that have no container any more. */
void mb_net_remotes_trim(struct mb_net *net, const struct mb_net_network *n);
/* Into a tunnel that is new: all of them, as they are known. */
int mb_net_remotes_restore(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err);

#endif
