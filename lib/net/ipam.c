/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/ipam.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"

enum { MAGIC = 0x6d624950, OWNER_DIGITS = 16 };

struct table {
	uint32_t magic, n; /* n: slots */
	uint32_t first, last;
	uint32_t hint; /* where the search begins */
	uint32_t spare[3];
	uint64_t owner[];
};

uint64_t mb_net_ipam_owner(const char *container_id)
{
	char digits[OWNER_DIGITS + 1], *end;
	uint64_t v;

	if (strnlen(container_id, OWNER_DIGITS) < OWNER_DIGITS)
		return 0;
	memcpy(digits, container_id, OWNER_DIGITS);
	digits[OWNER_DIGITS] = '\0';
	v = strtoull(digits, &end, 16);
	return *end ? 0 : v;
}

static size_t table_len(uint32_t n)
{
	return sizeof(struct table) + n * sizeof(uint64_t);
}

static uint32_t slots_of(const struct mb_net_ipam_plan *plan)
{
	unsigned int bits = mb_net_prefix_host_bits(&plan->subnet);
	uint32_t most = MB_NET_IPAM_SLOTS_MAX;

	if (mb_net_addr_len(&plan->subnet.addr) > sizeof(uint32_t))
		most = MB_NET_IPAM_SLOTS6;
	return bits >= 24 || 1u << bits > most ? most : 1u << bits;
}

static int map(struct mb_net_ipam *ipam, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, ipam->fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	ipam->map = p;
	ipam->map_len = len;
	return 0;
}

/* A new file is all zeroes; the magic number, written last, says that the rest is there. */
static int create(struct mb_net_ipam *ipam, const struct mb_net_ipam_plan *plan)
{
	uint32_t n = slots_of(plan);
	struct table *t;
	int r;

	if (ftruncate(ipam->fd, 0) < 0 || ftruncate(ipam->fd, (off_t)table_len(n)) < 0)
		return -errno;
	r = map(ipam, table_len(n));
	if (r)
		return r;
	t = ipam->map;
	t->n = n;
	t->first = plan->first;
	t->last = plan->last < n ? plan->last : n - 1;
	t->hint = plan->hint >= t->first && plan->hint <= t->last ? plan->hint : t->first;
	for (size_t i = 0; i < plan->n_reserved; i++)
		if (plan->reserved[i] < n)
			t->owner[plan->reserved[i]] = MB_NET_IPAM_RESERVED;
	t->owner[0] = MB_NET_IPAM_RESERVED;
	t->magic = MAGIC;
	return 0;
}

/* What other processes wrote is believed only as far as the file reaches. */
static bool is_sound(const struct mb_net_ipam *ipam)
{
	const struct table *t = ipam->map;

	return t->magic == MAGIC && t->n && t->n <= MB_NET_IPAM_SLOTS_MAX &&
	       table_len(t->n) <= ipam->map_len && t->first <= t->last && t->last < t->n;
}

static int open_locked(struct mb_net_ipam *ipam, const struct mb_net_ipam_plan *plan)
{
	struct stat st;
	int r;

	while (flock(ipam->fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -errno;
	if (fstat(ipam->fd, &st) < 0)
		return -errno;
	if (st.st_size >= (off_t)table_len(1) && st.st_size <= (off_t)table_len(1 << 24)) {
		r = map(ipam, (size_t)st.st_size);
		if (r || is_sound(ipam))
			return r;
		munmap(ipam->map, ipam->map_len);
		ipam->map = NULL;
	}
	return create(ipam, plan);
}

int mb_net_ipam_open(int dirfd, const char *name, const struct mb_net_ipam_plan *plan,
                     struct mb_net_ipam *ret, struct mb_err *err)
{
	MB_AUTO_NET_IPAM struct mb_net_ipam ipam = MB_NET_IPAM_INIT;
	int r;

	ipam.fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (ipam.fd < 0)
		return mb_fail_sys(err, errno, "cannot open the address table '%s'", name);
	r = open_locked(&ipam, plan);
	if (r)
		return mb_fail_sys(err, -r, "cannot use the address table '%s'", name);
	*ret = ipam;
	ipam = MB_NET_IPAM_INIT;
	return 0;
}

void mb_net_ipam_close(struct mb_net_ipam *ipam)
{
	if (ipam->map)
		munmap(ipam->map, ipam->map_len);
	mb_close(&ipam->fd);
	*ipam = MB_NET_IPAM_INIT;
}

static bool is_free(const struct table *t, uint32_t slot, const struct mb_net_ipam_want *w,
                    bool rob)
{
	uint64_t owner = t->owner[slot];

	/* Our own: of a start that died before it wrote what it had. */
	if (owner == 0 || owner == w->owner)
		return true;
	if (owner == MB_NET_IPAM_RESERVED || owner == MB_NET_IPAM_FOREIGN || !rob)
		return false;
	return w->alive && !w->alive(owner, w->arg);
}

/* Next fit from the hint, once around. */
static uint32_t search(const struct table *t, const struct mb_net_ipam_want *w, bool rob)
{
	uint32_t span = t->last - t->first + 1;
	uint32_t from = t->hint >= t->first && t->hint <= t->last ? t->hint - t->first : 0;

	for (uint32_t i = 0; i < span; i++) {
		uint32_t slot = t->first + (from + i) % span;

		if (is_free(t, slot, w, rob))
			return slot;
	}
	return 0;
}

int mb_net_ipam_take(struct mb_net_ipam *ipam, const struct mb_net_ipam_want *w, uint32_t *ret_slot)
{
	struct table *t = ipam->map;
	uint32_t slot = w->wanted;

	if (slot) {
		/* Whether it is another host's still, the hosts' store says. */
		if (slot >= t->n ||
		    (t->owner[slot] != MB_NET_IPAM_FOREIGN && !is_free(t, slot, w, true)))
			return MB_NET_IPAM_TAKEN;
	} else {
		if (w->preferred && w->preferred < t->n && is_free(t, w->preferred, w, false))
			slot = w->preferred;
		if (!slot)
			slot = search(t, w, false);
		if (!slot)
			slot = search(t, w, true);
		if (!slot)
			return MB_NET_IPAM_FULL;
		if (slot != w->preferred)
			t->hint = slot + 1;
	}
	ipam->has_robbed = t->owner[slot] != 0 && t->owner[slot] != MB_NET_IPAM_FOREIGN &&
	                   t->owner[slot] != w->owner;
	t->owner[slot] = w->owner;
	*ret_slot = slot;
	return 0;
}

void mb_net_ipam_release(struct mb_net_ipam *ipam, uint32_t slot, uint64_t owner)
{
	struct table *t = ipam->map;

	if (slot < t->n && t->owner[slot] == owner)
		t->owner[slot] = 0;
}

size_t mb_net_ipam_release_all(struct mb_net_ipam *ipam, uint64_t owner)
{
	struct table *t = ipam->map;
	size_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		if (t->owner[i] == owner) {
			t->owner[i] = 0;
			n++;
		}
	return n;
}

void mb_net_ipam_mirror(struct mb_net_ipam *ipam, const uint32_t *slots, size_t n)
{
	struct table *t = ipam->map;

	for (uint32_t i = 0; i < t->n; i++)
		if (t->owner[i] == MB_NET_IPAM_FOREIGN)
			t->owner[i] = 0;
	for (size_t i = 0; i < n; i++)
		if (slots[i] < t->n && t->owner[slots[i]] == 0)
			t->owner[slots[i]] = MB_NET_IPAM_FOREIGN;
}

uint32_t mb_net_ipam_slots(const struct mb_net_ipam *ipam)
{
	const struct table *t = ipam->map;

	return t->n;
}

uint64_t mb_net_ipam_owner_of(const struct mb_net_ipam *ipam, uint32_t slot)
{
	const struct table *t = ipam->map;

	return slot < t->n ? t->owner[slot] : 0;
}

uint32_t mb_net_ipam_next(const struct mb_net_ipam *ipam, uint32_t slot)
{
	const struct table *t = ipam->map;

	for (; slot < t->n; slot++)
		if (t->owner[slot] && t->owner[slot] < MB_NET_IPAM_FOREIGN)
			return slot;
	return 0;
}
