/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/network_spec.h — what --network says: a name, or name=,alias=,ip=,ip6=,mac-address=,
 * driver-opt=,gw-priority=,link=. */
#ifndef MB_NET_NETWORK_SPEC_H
#define MB_NET_NETWORK_SPEC_H

#include "core/strv.h"

struct mb_err;

enum mb_net_mode {
	MB_NET_MODE_NETWORK, /* name is a network */
	MB_NET_MODE_HOST,
	MB_NET_MODE_NONE,
	MB_NET_MODE_CONTAINER, /* name is a container */
	MB_NET_MODE_NS,        /* name is the absolute path of a network namespace */
	MB_NET_MODE_CNI,       /* name is a network of CNI, or its file's absolute path */
};

struct mb_net_network_spec {
	enum mb_net_mode mode;
	char *name; /* "default" has become "bridge" */
	struct mb_strv aliases;
	struct mb_strv links;  /* "NAME:ALIAS", see mb_net_link_split() */
	char *ip4, *ip6, *mac; /* checked, as the kernel prints them */
	int gw_priority;
	struct mb_kv driver_opts;
};
/* Return: 0 or -EINVAL, told. */
int mb_net_network_spec_parse(const char *text, struct mb_net_network_spec *ret,
                              struct mb_err *err);
void mb_net_network_spec_done(struct mb_net_network_spec *spec);
/* --ip, --ip6, --mac-address, --network-alias onto a spec; each may be NULL. */
int mb_net_network_spec_set(struct mb_net_network_spec *spec, const char *ip4, const char *ip6,
                            const char *mac, const struct mb_strv *aliases, struct mb_err *err);
/* --link NAME[:ALIAS]: what the container, and nobody else, calls another one on the network. */
int mb_net_network_spec_link(struct mb_net_network_spec *spec, const char *text,
                             struct mb_err *err);
/* Both parts of a link of a spec, owned by the caller. */
void mb_net_link_split(const char *link, char **ret_name, char **ret_alias);

#endif
