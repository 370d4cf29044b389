/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/monitor/dns_upstream.h — whom to ask what no container is called: the host's resolv.conf. */
#ifndef MB_MONITOR_DNS_UPSTREAM_H
#define MB_MONITOR_DNS_UPSTREAM_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "monitor/protocol.h"

union mb_dns_address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

struct mb_dns_upstreams {
	size_t n;
	union mb_dns_address at[MB_MONITOR_UPSTREAMS_MAX];
	/* the resolv.conf that this was read from */
	struct timespec mtime;
	ino_t inode;
	off_t size;
};

/* A numeric address, "%scope" and "#port" (else 53) allowed.  Return: 0 or -EINVAL. */
int mb_dns_upstream_parse(const char *text, union mb_dns_address *ret);
socklen_t mb_dns_upstream_size(const union mb_dns_address *a);
/* The first MB_MONITOR_UPSTREAMS_MAX "nameserver" lines of a resolv.conf. */
void mb_dns_upstreams_parse(struct mb_dns_upstreams *u, const char *text);
/* Read @path again if it changed.  While it is gone, what it said last holds. */
void mb_dns_upstreams_refresh(struct mb_dns_upstreams *u, const char *path);

#endif
