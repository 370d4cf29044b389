/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "net/dhcp.h"

/* What a server says, as a message and as a frame; the question is made to fit. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mb_net_dhcp_query q = {.type = MB_NET_DHCP_REQUEST};
	struct mb_net_dhcp_reply r;
	uint8_t mac[6];
	const uint8_t *inside;
	size_t n;

	if (size >= 240) {
		q.xid = (uint32_t)data[4] << 24 | (uint32_t)data[5] << 16 | (uint32_t)data[6] << 8 |
		        data[7];
		memcpy(q.mac, data + 28, sizeof(q.mac));
	}
	if (mb_net_dhcp_parse(data, size, &q, &r)) {
		FUZZ_CHECK(r.server[0] != 0 && r.server[0] != 127);
		FUZZ_CHECK(r.n_dns <= MB_NET_DHCP_SERVERS_MAX);
		FUZZ_CHECK(r.n_routes <= MB_NET_DHCP_ROUTES_MAX);
		FUZZ_CHECK(!strpbrk(r.domain, " \t\r\n"));
		FUZZ_CHECK(r.type == MB_NET_DHCP_NAK || (r.bits >= 1 && r.bits <= 32));
		if (r.type == MB_NET_DHCP_ACK)
			FUZZ_CHECK(r.lease >= MB_NET_DHCP_LEASE_MIN && r.renew <= r.rebind &&
			           r.rebind <= r.lease);
	}
	if (mb_net_dhcp_unframe(data, size, &inside, &n, mac))
		FUZZ_CHECK(inside >= data + 42 && inside + n <= data + size);
	return 0;
}
