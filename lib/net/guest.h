/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/guest.h — a place on a network for somebody else's container: what mybox-cni gives.
 *
 * A guest is known by three names of its engine's: network, container, interface.  Their digest
 * stands where a container's id does, in the record and in the owners of addresses; instead of
 * RUN/c/<id> it lives, and keeps its addresses, while RUN/guests/<id> is there, a file that is
 * locked by whoever adds or removes it.  It is gone when its namespace is: neither the path that
 * it was given by leads there any more, nor is the host's end of its interface left.
 */
#ifndef MB_NET_GUEST_H
#define MB_NET_GUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/id.h"
#include "net/net.h"

struct mb_net_guest_add {
	struct mb_net_guest guest; /* borrowed; dev and ino are found out */
	/* By which resolvers and policies know it; where it is none, or is another's, a part of
	 * the engine's id is. */
	const char *name;
	const struct mb_kv *labels;
	const struct mb_net_network_spec *network;
	const struct mb_net_port_spec *ports;
	size_t n_ports;
};
/* Addresses, interfaces, routes, names and ports, all of it or nothing.
 * Return: 0 and the record; MB_NET_ABSENT, told: no such network; MB_NET_TAKEN, told: it has that
 * interface by this network already; or -errno, told. */
int mb_net_guest_add(struct mb_net *net, const struct mb_net_guest_add *add, int netns_fd,
                     struct mb_net_sandbox **ret, struct mb_err *err);
/* Undo it, whatever is left of it; nothing to undo is success. */
int mb_net_guest_remove(struct mb_net *net, const char *id, struct mb_err *err);
void mb_net_guest_id(const struct mb_net_guest *guest, char id[MB_ID_TEXT]);
/* Is what the record says in the kernel?  Return: 0; MB_NET_GUEST_FAULTY, told; or -errno. */
enum { MB_NET_GUEST_FAULTY = 1 };
int mb_net_guest_verify(struct mb_net *net, const struct mb_net_sandbox *s, int netns_fd,
                        struct mb_err *err);
/* The records of all guests. */
int mb_net_guests_list(struct mb_net *net, struct mb_net_members *ret, struct mb_err *err);

/* ---- not for other folders ------------------------------------------------------------ */

/* Its namespace; -1: the path leads there no more. */
int mb_net_guest_open(const struct mb_net_guest *guest);
/* Whether @s is a guest whose namespace is gone. */
bool mb_net_guest_is_gone(struct mb_net *net, const struct mb_net_sandbox *s);
/* Remove what was found dead, a guest or a container, if it still is.
 * Return: 0; MB_NET_ABSENT: it lives, or somebody adds or removes it now; or -errno. */
int mb_net_guest_reap(struct mb_net *net, const char *id, struct mb_err *err);
/* Guests hold their ports of the host by the firewall alone.
 * Return: 0; or -EADDRINUSE, told: one of @s is a guest's. */
int mb_net_guest_ports_check(struct mb_net *net, const struct mb_net_sandbox *s,
                             struct mb_err *err);
/* Files of those whose making was cut short before there was anything to undo: @found is called
 * for each, after it is removed when @repair. */
int mb_net_guests_check(struct mb_net *net, bool repair, void (*found)(void *arg, const char *id),
                        void *arg, struct mb_err *err);

#endif
