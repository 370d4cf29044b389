/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/store/lock.h — locks between processes: flock(2) on files in RUN/locks.
 *
 * The kernel drops them when a process dies.  Who waits takes them in the order of their ranks,
 * which builds without NDEBUG assert.  Never hold one across network traffic, a user's code,
 * waiting for an exit, or standard input; but a container's own is held while a start or a
 * connect asks etcd or a DHCP server, for seconds at most.
 */
#ifndef MB_STORE_LOCK_H
#define MB_STORE_LOCK_H

#include <stdbool.h>

struct mb_err;
struct mb_store;

enum mb_store_rank {
	MB_RANK_STORE,
	MB_RANK_NAME,
	MB_RANK_CONTAINER, /* one at a time; a start takes the others below it */
	MB_RANK_IMAGE,
	MB_RANK_IDS, /* the ranges of user namespaces */
	MB_RANK_NETWORK,
	MB_RANK_VOLUME,
	MB_RANK_LEAF, /* addresses, nftables, ports */
};

enum { MB_STORE_BUSY = 1 };

/* Lock RUN/locks/@name.  With @wait it waits and never returns MB_STORE_BUSY.
 * Return: 0 and *@ret_fd (closing it unlocks); MB_STORE_BUSY; or -errno. */
int mb_store_lock(struct mb_store *store, enum mb_store_rank rank, const char *name, bool exclusive,
                  bool wait, int *ret_fd, struct mb_err *err);
/* Remove the lock's file while @fd holds it exclusively: the object is gone. */
void mb_store_lock_retire(struct mb_store *store, const char *name, int fd);

#endif
