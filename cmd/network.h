/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/network.h — what the network verbs share. */
#ifndef MB_CMD_NETWORK_H
#define MB_CMD_NETWORK_H

struct json_object;
struct mb_cmd_context;
struct mb_err;
struct mb_net;
struct mb_net_network;

/* A handle on the networks of the store; free with mb_net_free(). */
int mb_cmd_net(struct mb_cmd_context *cx, struct mb_net **ret, struct mb_err *err);
/* The network @reference.  Return: 0; 1 after saying "Error: No such network: x"; -errno. */
int mb_cmd_network_find(struct mb_net *net, const char *reference, struct mb_net_network **ret,
                        struct mb_err *err);
/* What inspect shows of it; owned by the caller. */
int mb_cmd_network_describe(struct mb_net *net, const struct mb_net_network *n,
                            struct json_object **ret, struct mb_err *err);

#endif
