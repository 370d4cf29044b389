/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/dhcp.h — packets of DHCP (RFC 2131, 2132, 3442), as bytes and as what they say.  Pure.
 * Not for other folders. */
#ifndef MB_NET_DHCP_H
#define MB_NET_DHCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mb_net_dhcp_type {
	MB_NET_DHCP_DISCOVER = 1,
	MB_NET_DHCP_OFFER,
	MB_NET_DHCP_REQUEST,
	MB_NET_DHCP_DECLINE,
	MB_NET_DHCP_ACK,
	MB_NET_DHCP_NAK,
	MB_NET_DHCP_RELEASE,
};

enum {
	MB_NET_DHCP_SERVER_PORT = 67,
	MB_NET_DHCP_CLIENT_PORT = 68,
	MB_NET_DHCP_ID_BYTES = 23,
	MB_NET_DHCP_MESSAGE_MAX = 576, /* of what we send */
	MB_NET_DHCP_FRAME_MAX = MB_NET_DHCP_MESSAGE_MAX + 14 + 20 + 8,
	MB_NET_DHCP_SERVERS_MAX = 3,
	MB_NET_DHCP_ROUTES_MAX = 32,
	MB_NET_DHCP_DOMAIN_MAX = 254,
	MB_NET_DHCP_LEASE_MIN = 5, /* seconds; who gives less gives nothing to rely on */
	MB_NET_DHCP_MTU_MIN = 576,
};
#define MB_NET_DHCP_FOREVER UINT32_MAX

/* What we say.  Addresses are bytes in network order; all zero: not said. */
struct mb_net_dhcp_query {
	enum mb_net_dhcp_type type;
	uint32_t xid;
	uint8_t mac[6];
	uint8_t id[MB_NET_DHCP_ID_BYTES];
	const char *hostname; /* NULL: not said */
	bool broadcast;       /* answers cannot come to our MAC address alone */
	uint8_t own[4];       /* the address that we have */
	uint8_t wanted[4], server[4];
};

struct mb_net_dhcp_route {
	uint8_t dst[4], gateway[4]; /* no gateway: on the link */
	uint8_t bits;
};

/* What a server said, checked. */
struct mb_net_dhcp_reply {
	enum mb_net_dhcp_type type; /* OFFER, ACK or NAK */
	uint8_t own[4], server[4], router[4];
	uint8_t bits;                  /* of the subnet */
	bool has_times;                /* .lease was said; the other two always follow from it */
	uint32_t lease, renew, rebind; /* seconds; MB_NET_DHCP_FOREVER */
	uint32_t mtu;                  /* 0: not said */
	uint8_t dns[MB_NET_DHCP_SERVERS_MAX][4];
	size_t n_dns;
	char domain[MB_NET_DHCP_DOMAIN_MAX]; /* "": not said */
	struct mb_net_dhcp_route routes[MB_NET_DHCP_ROUTES_MAX];
	size_t n_routes; /* without the default route, which is .router */
};

/* The same for the same two in every run: what the server knows the container by. */
void mb_net_dhcp_id(const char *container_id, const char *network_id,
                    uint8_t ret[MB_NET_DHCP_ID_BYTES]);
/* Return: how long it is. */
size_t mb_net_dhcp_format(const struct mb_net_dhcp_query *q, uint8_t buf[MB_NET_DHCP_MESSAGE_MAX]);
/* Whether it is meant for who asked @q, whatever it says. */
bool mb_net_dhcp_is_for(const uint8_t *p, size_t n, const struct mb_net_dhcp_query *q);
/* An answer to @q.  Return: whether it is one that makes sense. */
bool mb_net_dhcp_parse(const uint8_t *p, size_t n, const struct mb_net_dhcp_query *q,
                       struct mb_net_dhcp_reply *ret);

/* Whom a frame goes to; zero IP addresses are those of nobody yet. */
struct mb_net_dhcp_ends {
	uint8_t from_mac[6], to_mac[6];
	uint8_t from[4], to[4];
};
/* Ethernet, IP and UDP around @n bytes.  Return: how long it is. */
size_t mb_net_dhcp_frame(const struct mb_net_dhcp_ends *ends, const uint8_t *message, size_t n,
                         uint8_t buf[MB_NET_DHCP_FRAME_MAX]);
/* What a frame from a server to a client has inside, borrowed from it.  The sum of UDP is not
 * looked at: the kernel leaves it to hardware that is not there between two namespaces.
 * Return: whether it is such a one. */
bool mb_net_dhcp_unframe(const uint8_t *frame, size_t n, const uint8_t **ret_message, size_t *ret_n,
                         uint8_t ret_from_mac[6]);

#endif
