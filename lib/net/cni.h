/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/cni.h — networks that plugins make, by the Container Network Interface 0.3 to 1.x.
 *
 * A network is a list of plugins in a file; each is a program that is called in turn with what the
 * one before it said: ADD when the namespace is there, CHECK when somebody asks, DEL when the
 * container has ended, in the opposite order.  What DEL needs is in the container's record before
 * the first ADD.
 */
#ifndef MB_NET_CNI_H
#define MB_NET_CNI_H

#include <stdbool.h>

#include "net/net.h"

struct json_object;
struct mb_err;

#define MB_NET_CNI_IFNAME "eth0"
enum { MB_NET_CNI_SECONDS = 60 }; /* that a plugin has; then it is killed */

/* Find the list of the network @name (of --network cni:NAME) in /etc/cni/net.d, or the file itself
 * where it is an absolute path, and all of its plugins.  Return: 0 and *@ret, owned by the caller
 * (NULL: only look); or -errno, told: -ENOENT. */
int mb_net_cni_find(const char *name, struct json_object **ret, struct mb_err *err);

/* Whether a plugin of it maps ports. */
bool mb_net_cni_maps_ports(struct json_object *list);

/* What ADD said of the container. */
struct mb_net_cni_outcome {
	struct mb_net_endpoint endpoint; /* addresses, gateways, MAC: owned */
	struct mb_strv servers, search, options;
};
/* Return: 0, all empty while there was no ADD; or -EBADMSG, told. */
int mb_net_cni_outcome(const struct mb_net_cni *cni, struct mb_net_cni_outcome *ret,
                       struct mb_err *err);
void mb_net_cni_outcome_done(struct mb_net_cni_outcome *outcome);

/* ---- not for other folders ------------------------------------------------------------ */

/* Find it, and put it into @s. */
int mb_net_cni_prepare(struct mb_net_sandbox *s, const char *name, struct mb_err *err);
int mb_net_cni_add(struct mb_net *net, struct mb_net_sandbox *s, int netns_fd, struct mb_err *err);
/* Ask all plugins whether what they made is still there (CHECK, since 0.4.0 of the specification).
 * Return: 0; MB_NET_CNI_FAULTY, told in the words of who found it; MB_NET_CNI_UNCHECKED: the list
 * is older, or asks not to be checked; or -errno. */
enum { MB_NET_CNI_FAULTY = 1, MB_NET_CNI_UNCHECKED = 2 };
int mb_net_cni_check(struct mb_net *net, const struct mb_net_sandbox *s, struct mb_err *err);
/* Plugins that fail are told to mb_warn: the others have their turn, and the container goes. */
void mb_net_cni_remove(struct mb_net *net, const struct mb_net_sandbox *s);

/* The list in @text, or the single plugin that it is, which becomes a list.
 * Return: 0; -EBADMSG, told: it is none, or older than 0.3. */
int mb_net_cni_parse(const char *text, size_t len, struct json_object **ret, struct mb_err *err);

/* cni_call.c: one call of one plugin. */
struct mb_net_cni_call {
	const char *path, *plugin; /* of the program; its name, for errors */
	const char *command;       /* "ADD", "CHECK", "DEL" */
	const char *container_id, *netns, *ifname;
	const char *config; /* what it reads */
	int timeout_ms;
};
/* Return: 0 and what it wrote, owned by the caller, maybe ""; or -errno, told in its words. */
int mb_net_cni_call(const struct mb_net_cni_call *call, char **ret_result, struct mb_err *err);
/* Return: 0 and the program of the plugin @type, owned by the caller; or -ENOENT, told. */
int mb_net_cni_plugin_find(const char *type, char **ret_path, struct mb_err *err);

#endif
