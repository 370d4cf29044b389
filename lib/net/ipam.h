/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/ipam.h — who has which address of a network: one file of owners, mapped and locked.
 *
 * The slot is the allocation: slot n holds the owner of the n-th address of the subnet, the
 * first eight bytes of the container's id as a number, 0 when free.  There is nothing beside it
 * that could disagree after a crash.  An owner that no longer lives is robbed when an address is
 * wanted by name or none is left; until then the hint walks on, so that addresses are not used
 * again soon.
 */
#ifndef MB_NET_IPAM_H
#define MB_NET_IPAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct mb_err;

#define MB_NET_IPAM_RESERVED UINT64_MAX       /* the network's own: gateway, aux, ends */
#define MB_NET_IPAM_FOREIGN  (UINT64_MAX - 1) /* another host's, when it was last looked */

enum { MB_NET_IPAM_SLOTS_MAX = 1 << 24, MB_NET_IPAM_SLOTS6 = 1 << 16 };

struct mb_net_ipam {
	int fd;          /* flock(2) held */
	bool has_robbed; /* what was taken last was a dead one's */
	void *map;
	size_t map_len;
};
#define MB_NET_IPAM_INIT ((struct mb_net_ipam){.fd = -1})
#define MB_AUTO_NET_IPAM __attribute__((cleanup(mb_net_ipam_close)))

struct mb_net_ipam_plan {
	struct mb_net_prefix subnet;
	uint32_t first, last;     /* given out by itself: slots first..last */
	const uint32_t *reserved; /* slots */
	size_t n_reserved;
	uint32_t hint; /* where the search of a new table begins; 0: at first */
};
/* Whether the container whose id begins with these eight bytes is still there. */
typedef bool mb_net_ipam_alive(uint64_t owner, void *arg);

/* The first sixteen hex digits of a container's id; 0 when they are none. */
uint64_t mb_net_ipam_owner(const char *container_id);

/* Open @name below @dirfd and lock it; made after @plan when it is not there. */
int mb_net_ipam_open(int dirfd, const char *name, const struct mb_net_ipam_plan *plan,
                     struct mb_net_ipam *ret, struct mb_err *err);
void mb_net_ipam_close(struct mb_net_ipam *ipam);

enum { MB_NET_IPAM_TAKEN = 1, MB_NET_IPAM_FULL = 2 };
struct mb_net_ipam_want {
	uint64_t owner;
	uint32_t wanted;    /* this slot or none; 0: any */
	uint32_t preferred; /* this one if it is free; 0: none */
	mb_net_ipam_alive *alive;
	void *arg;
};
/* Return: 0 and *@ret_slot; _TAKEN: the wanted one is another's; _FULL. */
int mb_net_ipam_take(struct mb_net_ipam *ipam, const struct mb_net_ipam_want *want,
                     uint32_t *ret_slot);
/* Free @slot if it is @owner's. */
void mb_net_ipam_release(struct mb_net_ipam *ipam, uint32_t slot, uint64_t owner);
/* Free all that is @owner's.  Return: how many. */
size_t mb_net_ipam_release_all(struct mb_net_ipam *ipam, uint64_t owner);
/* Those of @slots that are nobody's are other hosts' from now on, and no others are. */
void mb_net_ipam_mirror(struct mb_net_ipam *ipam, const uint32_t *slots, size_t n);
uint32_t mb_net_ipam_slots(const struct mb_net_ipam *ipam);
uint64_t mb_net_ipam_owner_of(const struct mb_net_ipam *ipam, uint32_t slot);
/* The next slot at or after @slot that a container owns; 0: none. */
uint32_t mb_net_ipam_next(const struct mb_net_ipam *ipam, uint32_t slot);

#endif
