/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/dhcp_talk.h — asking a DHCP server, by frames on an interface of the namespace the caller
 * is in.  Each question is over within seconds.  Not for other folders. */
#ifndef MB_NET_DHCP_TALK_H
#define MB_NET_DHCP_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "net/dhcp.h"

struct mb_err;
struct mb_nl;

struct mb_net_dhcp_talk {
	int fd, stop_fd, deaf_fd;
	uint8_t mac[6];
	uint32_t mtu; /* of the interface */
	uint8_t id[MB_NET_DHCP_ID_BYTES];
	const char *hostname; /* borrowed; or NULL */
	bool broadcast;
	bool has_heard; /* somebody said something, which was of no use */
};
#define MB_NET_DHCP_TALK_INIT ((struct mb_net_dhcp_talk){.fd = -1, .stop_fd = -1, .deaf_fd = -1})

struct mb_net_dhcp_lease {
	struct mb_net_dhcp_reply is;
	uint8_t server_mac[6];
	int64_t begun; /* CLOCK_BOOTTIME: when it was asked for */
};

/* .id, .hostname and .broadcast are the caller's to set.  @deaf: it hears nothing, and keeps
 * nothing for anybody to hear.  Return: 0; or -errno, told. */
int mb_net_dhcp_talk_open(const char *ifname, bool deaf, struct mb_net_dhcp_talk *ret,
                          struct mb_err *err);
void mb_net_dhcp_talk_done(struct mb_net_dhcp_talk *t);

enum { MB_NET_DHCP_SILENT = 1, MB_NET_DHCP_REFUSED };
/* Have an address, this one if the server agrees (zeroes: any).
 * Return: 0; MB_NET_DHCP_SILENT: nobody gave one, as .has_heard says; or -errno, told. */
int mb_net_dhcp_acquire(struct mb_net_dhcp_talk *t, const uint8_t wanted[4],
                        struct mb_net_dhcp_lease *ret, struct mb_err *err);
/* Keep what @old has: its server is asked, or with @all every one, until CLOCK_BOOTTIME is @until.
 * Return: 0; MB_NET_DHCP_SILENT; MB_NET_DHCP_REFUSED: the address is not ours any more; or
 * -errno, told. */
int mb_net_dhcp_renew(struct mb_net_dhcp_talk *t, const struct mb_net_dhcp_lease *old, bool all,
                      int64_t until, struct mb_net_dhcp_lease *ret, struct mb_err *err);
/* The frame that gives it back.  Return: how long it is. */
size_t mb_net_dhcp_farewell(const struct mb_net_dhcp_talk *t, const struct mb_net_dhcp_lease *lease,
                            uint8_t buf[MB_NET_DHCP_FRAME_MAX]);

#endif
