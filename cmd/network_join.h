/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/network_join.h — a container that joins or leaves a network after it was made. */
#ifndef MB_CMD_NETWORK_JOIN_H
#define MB_CMD_NETWORK_JOIN_H

struct mb_cmd_context;
struct mb_container;
struct mb_err;
struct mb_net;
struct mb_net_network;

/* Both ends of it, found and locked. */
struct mb_cmd_network_pair {
	struct mb_net *net;
	struct mb_net_network *network;
	struct mb_container *container;
	int lock;
	int netns_fd; /* of the running container, or -1 */
};
#define MB_CMD_NETWORK_PAIR_INIT ((struct mb_cmd_network_pair){.lock = -1, .netns_fd = -1})
/* Return: 0; 1 after saying what does not exist; -errno.  Release it in every case. */
int mb_cmd_network_pair_open(struct mb_cmd_context *cx, const char *network, const char *container,
                             struct mb_cmd_network_pair *ret, struct mb_err *err);
void mb_cmd_network_pair_done(struct mb_cmd_network_pair *pair);
/* Write the container's record again, with its networks as they are now. */
int mb_cmd_network_pair_save(struct mb_cmd_network_pair *pair, struct mb_err *err);

#endif
