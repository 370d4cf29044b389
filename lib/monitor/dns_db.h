/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/dns_db.h — names and addresses of containers: directories that the command keeps.
 *
 * RUN/net/<netid>/n/<lower-case name>/<container id> is a symbolic link to "ip4,ip6,<container
 * id>" (either address may be empty); RUN/net/<netid>/p/<address> is one to a name.  An entry
 * counts while RUN/c/<container id>/state.json exists.  What is outside has "-" for an id, which
 * always counts.  RUN/net/<netid>/l/<container id>/<alias> is a link to the name that this
 * container, and no other, calls so.
 */
#ifndef MB_MONITOR_DNS_DB_H
#define MB_MONITOR_DNS_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/dns_packet.h"

#define MB_DNS_NOBODY "-"

struct mb_dns_network {
	int fd;         /* directory RUN/net/<netid> */
	unsigned flags; /* enum mb_monitor_network_flags */
	char id[65], name[254];
};

struct mb_dns_db {
	int run_fd;      /* RUN; -1: every entry counts */
	const char *own; /* id of the container that asks; NULL: nobody's links count */
	const struct mb_dns_network *networks;
	size_t n_networks;
};

enum { MB_DNS_ADDRESSES = 64 }; /* of each family; more holders of one name are not told */

struct mb_dns_addresses {
	size_t n4, n6;
	uint8_t v4[MB_DNS_ADDRESSES][4], v6[MB_DNS_ADDRESSES][16];
};

/* Gather the addresses of @name (lower case, plain) or of NAME.<network's name>, in the order of
 * the networks.  Return: whether any live container has it. */
bool mb_dns_db_find(const struct mb_dns_db *db, const char *name, struct mb_dns_addresses *ret);
/* The name "NAME.<network's name>" of the live container that has @address.
 * Return: whether there is one. */
bool mb_dns_db_reverse(const struct mb_dns_db *db, const char *address, char name[512]);

#endif
