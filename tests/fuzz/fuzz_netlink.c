/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>

#include <linux/netlink.h>

#include "fuzz.h"
#include "nl/conntrack.h"
#include "nl/diag.h"
#include "nl/route.h"
#include "nl/wireguard.h"

static int each_peer(const struct mb_nl_wg_peer *peer, void *arg)
{
	++*(size_t *)arg;
	FUZZ_CHECK(peer->family == 0 || peer->family == AF_INET || peer->family == AF_INET6);
	FUZZ_CHECK(peer->family || !peer->port);
	return 0;
}

/* Answers of the kernel about connections, sockets and peers: one message, its length made right so
 * that what is inside gets looked at. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlmsghdr *h;
	enum mb_nl_conn_event event;
	struct mb_nl_conn conn;
	struct mb_nl_socket s;
	struct mb_nl_wg_device device = {0};
	struct mb_nl_fdb fdb;
	size_t n_peers = 0;

	if (size < sizeof(*h))
		return 0;
	h = (struct nlmsghdr *)(void *)fuzz_text(data, size);
	h->nlmsg_len = (uint32_t)size;
	if (mb_nl_conntrack_read(h, &conn, &event)) {
		FUZZ_CHECK(conn.family == AF_INET || conn.family == AF_INET6);
		FUZZ_CHECK(conn.has_counters || !conn.reply_bytes);
		FUZZ_CHECK(event <= MB_NL_CONN_END);
	}
	if (mb_nl_diag_read(h, IPPROTO_TCP, &s)) {
		FUZZ_CHECK(s.family == AF_INET || s.is_v6);
		FUZZ_CHECK(!s.v6_only || s.is_v6);
		FUZZ_CHECK(s.has_bytes || !s.received_bytes);
	}
	if (mb_nl_fdb_read(h, 7, &fdb))
		FUZZ_CHECK(fdb.family == 0 || fdb.family == AF_INET || fdb.family == AF_INET6);
	if (mb_nl_wg_read(h, &device, each_peer, &n_peers) == 0)
		FUZZ_CHECK(n_peers <= size / NLA_HDRLEN);
	free(h);
	return 0;
}
