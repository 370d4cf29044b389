/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/overlay_record.h — what hosts tell each other through a store.  Pure.
 *
 *	/mybox/v1/vni/<vni>                 the network's name
 *	/mybox/v1/net/<net>                 struct mb_net_shared
 *	/mybox/v1/net/<net>/policy          struct mb_net_shared_policy
 *	/mybox/v1/net/<net>/ip/<address>    the container's id: who has put this has the address
 *	/mybox/v1/net/<net>/mac/<address>   likewise, of a MAC address that was asked for
 *	/mybox/v1/net/<net>/ep/<container>  struct mb_net_remote
 *	/mybox/v1/net/<net>/host/<vtep>     struct mb_net_host
 *
 * All but the first three end with the lease of their host.  Nothing that is read here is believed
 * before it was checked, and what has a newer schema is not read at all.
 */
#ifndef MB_NET_OVERLAY_RECORD_H
#define MB_NET_OVERLAY_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/own.h"
#include "core/strv.h"
#include "net/net.h"

struct mb_err;
struct mb_str;

#define MB_NET_SHARED_ROOT "/mybox/v1/"
/* The network's record of an encrypted one is of the second: who does not know what that is must
 * not join it. */
enum { MB_NET_SHARED_SCHEMA = 1, MB_NET_SHARED_ENCRYPTED = 2 };

struct mb_net_shared {
	uint32_t schema;
	char *id, *subnet, *gateway, *ip_range, *subnet6, *gateway6;
	uint32_t vni, port, mtu, ttl;
	bool internal, icc, masquerade, encrypted;
};
void mb_net_shared_done(struct mb_net_shared *s);
/* Return: 0; -EPROTONOSUPPORT, -EBADMSG, told. */
int mb_net_shared_parse(const char *text, struct mb_net_shared *ret, struct mb_err *err);
void mb_net_shared_format(const struct mb_net_network *n, struct mb_str *out);

/* A container on another host. */
struct mb_net_remote {
	uint32_t schema;
	char *id;       /* of the container; not in the text */
	char *name;     /* of it */
	char *host;     /* what its host is called */
	char *vtep;     /* where its packets go */
	char *ip, *ip6; /* ip6 NULL: none */
	char *mac;
	struct mb_strv names;
	/* What rules of the policy name, and only that. */
	struct mb_strv aliases;
	struct mb_kv labels;
	bool is_new; /* noted just now; not in the text */
};
void mb_net_remote_done(struct mb_net_remote *r);
/* As @n's hosts tell it: addresses of its subnets, which are not the gateway's, a host that can be
 * reached.  Return: as above. */
int mb_net_remote_parse(const char *text, const char *id, const struct mb_net_network *n,
                        struct mb_net_remote *ret, struct mb_err *err);
void mb_net_remote_format(const struct mb_net_remote *r, struct mb_str *out);

/* Of @aliases and @labels that which rules of @policy speak of, into @out. */
void mb_net_remote_carry(const struct mb_net_policy *policy, const struct mb_strv *aliases,
                         const struct mb_kv *labels, struct mb_net_remote *out);
/* As the containers of this host are known; all of it is @r's. */
void mb_net_remote_view(const struct mb_net_remote *r, struct mb_net_sandbox *s,
                        struct mb_net_endpoint *e);

/* The policy of a network, the same on every host. */
struct mb_net_shared_policy {
	uint32_t schema;
	struct mb_net_policy policy;
};
/* Return: as above. */
int mb_net_shared_policy_parse(const char *text, struct mb_net_policy *ret, struct mb_err *err);
void mb_net_shared_policy_format(const struct mb_net_policy *policy, struct mb_str *out);

struct mb_net_host {
	uint32_t schema;
	char *name;
	char *id; /* drawn once by each store */
	/* Of an encrypted network, else NULL: the public key in hexadecimal, and where WireGuard
	 * listens ("203.0.113.1:51820").  To be believed with mb_net_wire_is_of() only. */
	char *key, *endpoint;
};
void mb_net_host_done(struct mb_net_host *h);
int mb_net_host_parse(const char *text, struct mb_net_host *ret, struct mb_err *err);
void mb_net_host_format(const struct mb_net_host *h, struct mb_str *out);
/* What a host may be called. */
bool mb_net_host_name_is_valid(const char *name);

#endif
