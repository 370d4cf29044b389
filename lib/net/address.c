/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/err.h"
#include "core/str.h"
#include "net/handle.h"
#include "net/ipam.h"

/* Slots of the subnet of @pool that texts mean; 0 when they mean none. */
static uint32_t slot_of(const struct mb_net_pool *pool, const char *address)
{
	struct mb_net_prefix subnet;
	struct mb_net_addr a;

	if (!address || !pool->subnet || mb_net_prefix_parse(pool->subnet, &subnet) < 0 ||
	    mb_net_addr_parse(address, &a) < 0 || !mb_net_prefix_has(&subnet, &a))
		return 0;
	return mb_net_prefix_index(&subnet, &a);
}

/* Of an IPv6 subnet only the first addresses have slots. */
static bool is_beyond_slots(const struct mb_net_pool *pool, const char *address)
{
	uint32_t slot = slot_of(pool, address);
	struct mb_net_prefix subnet;
	struct mb_net_addr a, counted;

	if (mb_net_prefix_parse(pool->subnet, &subnet) < 0 || mb_net_addr_parse(address, &a) < 0 ||
	    !mb_net_prefix_has(&subnet, &a))
		return false;
	mb_net_prefix_at(&subnet, slot, &counted);
	return slot >= MB_NET_IPAM_SLOTS6 || !mb_net_addr_equal(&a, &counted);
}

struct choice {
	bool v6;
	const char *container_id;
	const char *wanted, *before;
	uint32_t preferred; /* IPv6: the host number of the IPv4 address */
};

static int take(struct mb_net *net, const struct mb_net_network *n, const struct choice *choice,
                char **ret_text, uint32_t *ret_slot, struct mb_err *err)
{
	const struct mb_net_pool *pool = choice->v6 ? &n->v6 : &n->v4;
	MB_AUTO_NET_IPAM struct mb_net_ipam ipam = MB_NET_IPAM_INIT;
	struct mb_net_ipam_want want = {.alive = mb_net_owner_is_alive, .arg = net};
	struct mb_net_prefix subnet;
	struct mb_net_addr a;
	char buf[MB_NET_ADDR_TEXT];
	int r;

	want.owner = mb_net_ipam_owner(choice->container_id);
	want.wanted = slot_of(pool, choice->wanted);
	want.preferred = slot_of(pool, choice->before);
	if (!want.preferred)
		want.preferred = choice->preferred;
	if (choice->v6 && choice->wanted && is_beyond_slots(pool, choice->wanted))
		return mb_fail(err, EINVAL,
		               "address %s of network %s: only the first %d of subnet %s are given",
		               choice->wanted, n->name, MB_NET_IPAM_SLOTS6, pool->subnet);
	if (choice->wanted && !want.wanted)
		return mb_fail(err, EINVAL, "address %s is not in subnet %s of network %s",
		               choice->wanted, pool->subnet, n->name);
	r = mb_net_pool_open(net, n, choice->v6, &ipam, err);
	if (r)
		return r;
	r = mb_net_ipam_take(&ipam, &want, ret_slot);
	if (r == MB_NET_IPAM_TAKEN)
		return mb_fail(err, EBUSY, "address %s of network %s is already in use",
		               choice->wanted, n->name);
	if (r == MB_NET_IPAM_FULL)
		return mb_fail(err, EADDRNOTAVAIL, "network %s has no free address in %s", n->name,
		               pool->ip_range ? pool->ip_range : pool->subnet);
	if (mb_net_prefix_parse(pool->subnet, &subnet) < 0)
		return mb_fail(err, EBADMSG, "network %s has no subnet", n->name);
	mb_net_prefix_at(&subnet, *ret_slot, &a);
	/* Connections of who had it are not its heir's.  What is chosen here has rested for long,
	 * and what it had before is its own. */
	if (ipam.has_robbed || (choice->wanted && !choice->before))
		mb_net_forget_address(net, &a);
	mb_strset(ret_text, mb_net_addr_format(&a, buf));
	return 0;
}

static uint32_t prefix_bits(const char *subnet)
{
	struct mb_net_prefix p;

	return subnet && mb_net_prefix_parse(subnet, &p) == 0 ? p.bits : 0;
}

static int check_wanted(const struct mb_net_network *n, const struct mb_net_endpoint *e,
                        struct mb_err *err)
{
	if (n->dhcp && (e->wanted_ip4 || e->wanted_ip6))
		return mb_fail(err, EINVAL, "address %s: those of network %s are its DHCP server's",
		               e->wanted_ip4 ? e->wanted_ip4 : e->wanted_ip6, n->name);
	if (n->no_addresses && (e->wanted_ip4 || e->wanted_ip6))
		return mb_fail(err, EINVAL,
		               "network %s gives no addresses: its driver of them is "
		               "none",
		               n->name);
	if (e->wanted_ip6 && !n->v6.subnet)
		return mb_fail(err, EINVAL, "network %s has no IPv6: create it with --ipv6",
		               n->name);
	if (e->wanted_ip4 && !n->v4.subnet)
		return mb_fail(err, EINVAL, "network %s has no IPv4: it was created without",
		               n->name);
	return 0;
}

int mb_net_address_take(struct mb_net *net, const struct mb_net_network *n,
                        struct mb_net_endpoint *e, const char *container_id,
                        const struct mb_net_endpoint *before, struct mb_err *err)
{
	struct choice v4 = {.container_id = container_id,
	                    .wanted = e->wanted_ip4,
	                    .before = before ? before->ip4 : NULL};
	struct choice v6 = {.v6 = true,
	                    .container_id = container_id,
	                    .wanted = e->wanted_ip6,
	                    .before = before ? before->ip6 : NULL};
	uint32_t slot6;
	int r;

	r = check_wanted(n, e, err);
	if (!r && n->dhcp && before)
		mb_strset(&e->lease.former, before->ip4 ? before->ip4 : before->lease.former);
	if (!r && n->v4.subnet)
		r = take(net, n, &v4, &e->ip4, &v6.preferred, err);
	if (!r && n->v6.subnet)
		r = take(net, n, &v6, &e->ip6, &slot6, err);
	if (r)
		return r;
	e->prefix4 = prefix_bits(n->v4.subnet);
	e->prefix6 = prefix_bits(n->v6.subnet);
	if (n->internal)
		return 0;
	mb_strset(&e->gw4, n->v4.gateway);
	mb_strset(&e->gw6, n->v6.gateway);
	return 0;
}

static void release(struct mb_net *net, const struct mb_net_network *n, bool v6,
                    const char *address, const char *container_id)
{
	MB_AUTO_NET_IPAM struct mb_net_ipam ipam = MB_NET_IPAM_INIT;
	uint32_t slot = slot_of(v6 ? &n->v6 : &n->v4, address);

	if (slot && mb_net_pool_open(net, n, v6, &ipam, NULL) == 0)
		mb_net_ipam_release(&ipam, slot, mb_net_ipam_owner(container_id));
}

bool mb_net_address_is_held(struct mb_net *net, const struct mb_net_network *n,
                            const struct mb_net_endpoint *e, bool v6, const char *container_id)
{
	MB_AUTO_NET_IPAM struct mb_net_ipam ipam = MB_NET_IPAM_INIT;
	uint32_t slot = slot_of(v6 ? &n->v6 : &n->v4, v6 ? e->ip6 : e->ip4);

	return slot && mb_net_pool_open(net, n, v6, &ipam, NULL) == 0 &&
	       mb_net_ipam_owner_of(&ipam, slot) == mb_net_ipam_owner(container_id);
}

bool mb_net_address_is_anothers(struct mb_net *net, const struct mb_net_network *n,
                                const struct mb_net_endpoint *e, const char *container_id)
{
	const char *const addresses[] = {e->ip4, e->ip6};
	uint64_t owner = 0;

	for (int v6 = 0; v6 < 2; v6++) {
		MB_AUTO_NET_IPAM struct mb_net_ipam ipam = MB_NET_IPAM_INIT;
		uint32_t slot = slot_of(v6 ? &n->v6 : &n->v4, addresses[v6]);

		if (slot && mb_net_pool_open(net, n, v6, &ipam, NULL) == 0)
			owner = mb_net_ipam_owner_of(&ipam, slot);
		if (owner && owner != mb_net_ipam_owner(container_id))
			return true;
	}
	return false;
}

void mb_net_address_release(struct mb_net *net, const struct mb_net_endpoint *e,
                            const char *container_id)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;

	/* A network that is gone has taken its table along. */
	if (mb_net_doc_read(net, e->network_id, &n, NULL) < 0)
		return;
	release(net, n, false, e->ip4, container_id);
	release(net, n, true, e->ip6, container_id);
}

void mb_net_address_release_left(struct mb_net *net, const struct mb_net_sandbox *s)
{
	const struct mb_net_endpoint left = {
		.network_id = s->left_network, .ip4 = s->left_ip4, .ip6 = s->left_ip6};

	if (s->left_network)
		mb_net_address_release(net, &left, s->container_id);
}
