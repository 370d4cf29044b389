/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netlink.h>

#include "fuzz.h"
#include "nl/nft.h"
#include "nl/route.h"

struct elements {
	const struct nlmsghdr *message;
	size_t n;
};

static int each_element(const struct mb_nl_nft_elem *elem, void *arg)
{
	struct elements *seen = arg;

	seen->n++;
	FUZZ_CHECK(elem->key_len <= MB_NL_NFT_BYTES && elem->data_len <= MB_NL_NFT_BYTES);
	FUZZ_CHECK(!elem->is_verdict || !elem->data_len);
	FUZZ_CHECK(seen->n <= seen->message->nlmsg_len / NLA_HDRLEN);
	return 0;
}

static void read_nft(const struct nlmsghdr *h)
{
	struct elements seen = {.message = h};
	struct mb_nl_nft_rule_info rule;
	struct mb_nl_nft_base base;

	(void)mb_nl_nft_elem_read(h, each_element, &seen);
	if (mb_nl_nft_base_read(h, &base)) {
		FUZZ_CHECK(memchr(base.table, '\0', sizeof(base.table)));
		FUZZ_CHECK(memchr(base.name, '\0', sizeof(base.name)));
	}
	if (mb_nl_nft_rule_read(h, "filter", &rule)) {
		const char *begin = (const char *)h, *end = begin + h->nlmsg_len;
		const char *bytes = rule.bytes;

		FUZZ_CHECK(rule.chain > begin && rule.chain + strlen(rule.chain) < end);
		FUZZ_CHECK(!rule.len || (bytes > begin && rule.len <= (size_t)(end - bytes)));
	}
}

/* Links, addresses, routes, neighbours, and what firewalls are made of: one answer of the kernel,
 * its length made right so that what is inside gets looked at. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mb_nl_route_info route;
	struct mb_nl_neigh neigh;
	struct mb_nl_link link;
	struct mb_nl_addr addr;
	struct mb_nl_way way;
	struct nlmsghdr *h;

	if (size < sizeof(*h))
		return 0;
	h = malloc(size);
	FUZZ_CHECK(h);
	memcpy(h, data, size);
	h->nlmsg_len = (uint32_t)size;
	if (mb_nl_link_read(h, &link)) {
		FUZZ_CHECK(memchr(link.name, '\0', sizeof(link.name)));
		FUZZ_CHECK(memchr(link.alias, '\0', sizeof(link.alias)));
		FUZZ_CHECK(memchr(link.kind, '\0', sizeof(link.kind)));
	}
	if (mb_nl_addr_read(h, &addr))
		FUZZ_CHECK(addr.prefix <= UINT8_MAX);
	if (mb_nl_route_read(h, &route))
		FUZZ_CHECK(mb_nl_way_read(h, &way));
	if (mb_nl_neigh_read(h, &neigh))
		FUZZ_CHECK(neigh.has_mac || !neigh.mac[0]);
	read_nft(h);
	free(h);
	return 0;
}
