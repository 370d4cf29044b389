/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/shape.h — --net-rate, --net-delay, --net-loss: how fast and how well a container's
 * interfaces send and are sent to. */
#ifndef MB_NET_SHAPE_H
#define MB_NET_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

struct mb_err;
struct mb_nl_batch;

struct mb_net_shape {
	uint64_t rate;         /* bytes a second; 0: as fast as it goes */
	uint32_t burst;        /* bytes; 0: what suits the rate */
	int64_t delay, jitter; /* nanoseconds */
	uint32_t loss;         /* of UINT32_MAX packets */
};

/* "10mbit[:32k]", "100ms[,10ms]", "0.5%" or "0.5"; each may be NULL.  Return: 0 or -EINVAL, told
 * with the option's name. */
int mb_net_shape_parse(const char *rate, const char *delay, const char *loss,
                       struct mb_net_shape *ret, struct mb_err *err);
/* Does this kernel have what it takes?  Return: 0; or -errno, told: -EOPNOTSUPP. */
int mb_net_shape_check(const struct mb_net_shape *s, struct mb_err *err);
/* Disciplines of an interface with @mtu: of what the container sends, or is sent. */
void mb_net_shape_put(struct mb_nl_batch *b, const struct mb_net_shape *s, int index, uint32_t mtu,
                      bool outgoing);

#endif
