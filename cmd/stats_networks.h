/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/stats_networks.h — what went through each of a container's interfaces, as rows of a list. */
#ifndef MB_CMD_STATS_NETWORKS_H
#define MB_CMD_STATS_NETWORKS_H

#include <stdbool.h>

#include "format/table.h"

struct mb_container;
struct mb_container_sample;
struct mb_err;
struct mb_net_sandbox;

extern const struct mb_format_column mb_cmd_endpoint_columns[];
/* The network of an interface; "" for one that mybox did not make.  @sandbox may be NULL. */
const char *mb_cmd_endpoint_network(const struct mb_net_sandbox *sandbox, const char *interface);
/* One row for each interface in @sample; @whole: the id is not cut.  A network's name is "" for an
 * interface that mybox did not make.  Return: 0 or -EINVAL, told. */
int mb_cmd_endpoint_rows(struct mb_format_list *list, struct mb_container *c,
                         const struct mb_container_sample *sample, bool whole, struct mb_err *err);

#endif
