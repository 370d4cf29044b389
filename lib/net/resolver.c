/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/netlink.h>

#include "core/err.h"
#include "core/log.h"
#include "net/handle.h"
#include "net/sk_lookup.h"
#include "nl/nft.h"

/* Port 53 itself stays free: whoever holds 127.0.0.11:53 keeps every server in the container
 * from binding 0.0.0.0:53. */
enum { DNS_PORT = 53, BACKLOG = 64, PORT_TRIES = 16 };
#define DNS_ADDR  0x7f00000bu /* 127.0.0.11 */
#define DNS_TABLE "mybox_dns"

void mb_net_resolver_done(struct mb_net_resolver *r)
{
	mb_close(&r->udp_fd);
	mb_close(&r->tcp_fd);
	mb_close(&r->reply_fd);
	mb_close(&r->link_fd);
}

static int bound_socket(int type, int proto, uint16_t port, int *ret_fd)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(DNS_ADDR)};
	const int on = 1;
	MB_AUTO_CLOSE int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, proto);

	if (fd < 0)
		return -errno;
	/* Its children would hold the port in TIME_WAIT against the container's own servers. */
	if (type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

static int port_of(int fd, uint16_t *ret)
{
	struct sockaddr_in a = {0};
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return -errno;
	*ret = ntohs(a.sin_port);
	return 0;
}

/* UDP and TCP at one port: @port, or any. */
static int open_pair(struct mb_net_resolver *v, uint16_t port)
{
	const int on = 1;
	int r;

	r = bound_socket(SOCK_DGRAM, IPPROTO_UDP, port, &v->udp_fd);
	if (!r)
		r = port_of(v->udp_fd, &v->port);
	if (!r)
		r = bound_socket(SOCK_STREAM, IPPROTO_TCP, v->port, &v->tcp_fd);
	if (!r && (setsockopt(v->udp_fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0 ||
	           listen(v->tcp_fd, BACKLOG) < 0))
		r = -errno;
	return r;
}

static int open_sockets(struct mb_net_resolver *v, uint16_t port)
{
	int r = -EADDRINUSE;

	for (int i = 0; r == -EADDRINUSE && i < (port ? 1 : PORT_TRIES); i++) {
		mb_net_resolver_done(v);
		r = open_pair(v, port);
	}
	return r;
}

/* Bound to the address, so that it is given copies of questions only; the filter drops those. */
static int open_reply(struct mb_net_resolver *v)
{
	struct sock_filter drop = {.code = BPF_RET | BPF_K, .k = 0};
	const struct sock_fprog filter = {.len = 1, .filter = &drop};
	int r;

	r = bound_socket(SOCK_RAW, IPPROTO_UDP, 0, &v->reply_fd);
	if (!r &&
	    setsockopt(v->reply_fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0)
		r = -errno;
	return r;
}

/* Questions to port 53 go to the port of the sockets; connection tracking turns answers back. */
static void put_nat_rule(struct mb_nl_batch *b, uint8_t proto, uint16_t port)
{
	const uint32_t addr = htonl(DNS_ADDR);
	const uint16_t from = htons(DNS_PORT), to = htons(port);
	const uint8_t v4 = NFPROTO_IPV4;
	struct mb_nl_nft_rule r;

	mb_nl_nft_rule_add(b, DNS_TABLE, "output", &r);
	mb_nl_nft_meta(&r, NFT_META_NFPROTO, NFT_REG_1);
	mb_nl_nft_cmp(&r, NFT_REG_1, true, &v4, sizeof(v4));
	mb_nl_nft_payload(&r, NFT_PAYLOAD_NETWORK_HEADER, 16, sizeof(addr), NFT_REG_1);
	mb_nl_nft_cmp(&r, NFT_REG_1, true, &addr, sizeof(addr));
	mb_nl_nft_meta(&r, NFT_META_L4PROTO, NFT_REG_1);
	mb_nl_nft_cmp(&r, NFT_REG_1, true, &proto, sizeof(proto));
	mb_nl_nft_payload(&r, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(from), NFT_REG_1);
	mb_nl_nft_cmp(&r, NFT_REG_1, true, &from, sizeof(from));
	mb_nl_nft_load(&r, NFT_REG_1, &addr, sizeof(addr));
	mb_nl_nft_load(&r, NFT_REG_2, &to, sizeof(to));
	mb_nl_nft_nat(&r, true, NFPROTO_IPV4, NFT_REG_1, NFT_REG_2);
	mb_nl_nft_rule_end(&r);
}

static int add_nat(uint16_t port, struct mb_err *err)
{
	const struct mb_nl_nft_chain output = {"output", "nat", NF_INET_LOCAL_OUT, -100};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	int r;

	r = mb_nl_open(&nl, NETLINK_NETFILTER, err);
	if (r)
		return r;
	mb_nl_nft_begin(&b);
	mb_nl_nft_table_add(&b, DNS_TABLE, 0);
	mb_nl_nft_table_del(&b, DNS_TABLE);
	mb_nl_nft_table_add(&b, DNS_TABLE, 0);
	mb_nl_nft_chain_add(&b, DNS_TABLE, &output);
	put_nat_rule(&b, IPPROTO_UDP, port);
	put_nat_rule(&b, IPPROTO_TCP, port);
	return mb_nl_nft_commit(&nl, &b, NULL, err);
}

void mb_net_resolver_warm(struct mb_net *net)
{
	if (net->lookup.program_fd < 0)
		(void)mb_net_sk_lookup_load(htonl(DNS_ADDR), DNS_PORT, &net->lookup);
}

/* One program serves one namespace: its table holds the sockets there. */
static int attach(struct mb_net *net, int netns_fd, struct mb_net_resolver *v)
{
	int r = 0;

	if (net->lookup.program_fd < 0)
		r = mb_net_sk_lookup_load(htonl(DNS_ADDR), DNS_PORT, &net->lookup);
	if (!r)
		r = mb_net_sk_lookup_attach(&net->lookup, netns_fd, v->udp_fd, v->tcp_fd,
		                            &v->link_fd);
	mb_net_sk_lookup_done(&net->lookup);
	return r;
}

/* Inside the namespace. */
static int open_as(struct mb_net *net, int netns_fd, enum mb_net_resolver_mode mode,
                   struct mb_net_resolver *v, struct mb_err *err)
{
	int r;

	r = open_sockets(v, mode == MB_NET_RESOLVER_DIRECT ? DNS_PORT : 0);
	if (!r && mode == MB_NET_RESOLVER_LOOKUP)
		r = open_reply(v);
	if (r)
		return mb_fail_sys(err, -r, "cannot open the resolver's sockets");
	if (mode == MB_NET_RESOLVER_LOOKUP) {
		r = attach(net, netns_fd, v);
		if (r)
			return mb_fail_sys(err, -r, "cannot attach the resolver's BPF program");
	}
	return mode == MB_NET_RESOLVER_NFT ? add_nat(v->port, err) : 0;
}

int mb_net_resolver_open_as(struct mb_net *net, int netns_fd, enum mb_net_resolver_mode mode,
                            struct mb_net_resolver *ret, struct mb_err *err)
{
	__attribute__((cleanup(mb_net_netns_leave))) int home = -1;
	struct mb_net_resolver v = MB_NET_RESOLVER_INIT;
	int r;

	r = mb_net_netns_enter(netns_fd, &home, err);
	if (!r)
		r = open_as(net, netns_fd, mode, &v, err);
	if (r) {
		mb_net_resolver_done(&v);
		return r;
	}
	v.mode = mode;
	*ret = v;
	return 0;
}

int mb_net_resolver_open(struct mb_net *net, int netns_fd, struct mb_net_resolver *ret,
                         struct mb_err *err)
{
	static const enum mb_net_resolver_mode modes[] = {
		MB_NET_RESOLVER_LOOKUP, MB_NET_RESOLVER_NFT, MB_NET_RESOLVER_DIRECT};
	struct mb_err told = MB_ERR_INIT;
	int r = 0;

	for (size_t i = 0; i < MB_N(modes); i++) {
		r = mb_net_resolver_open_as(net, netns_fd, modes[i], ret, &told);
		if (!r)
			return 0;
		mb_debug("resolver: %s", told.msg);
	}
	if (err)
		*err = told;
	return r;
}
