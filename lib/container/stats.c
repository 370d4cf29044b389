/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/stats.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container/cgroup_of.h"
#include "container/container.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/str.h"

struct mb_container_meter {
	struct mb_sys_cgroup *cgroup;
	int net_fd; /* /proc/PID/net/dev, or -1 with the host's network */
};

void mb_container_meter_free(struct mb_container_meter *meter)
{
	if (!meter)
		return;
	mb_sys_cgroup_free(meter->cgroup);
	mb_close(&meter->net_fd);
	free(meter);
}

int mb_container_meter_open(struct mb_container *c, struct mb_sys_cgroup_host *host,
                            struct mb_container_meter **ret, struct mb_err *err)
{
	MB_AUTO(mb_container_meter_free) struct mb_container_meter *meter = NULL;
	char path[48];
	int r;

	if (!host)
		return MB_SYS_CGROUP_ABSENT;
	meter = mb_calloc(1, sizeof(*meter));
	meter->net_fd = -1;
	r = mb_container_cgroup_find(c, host, &meter->cgroup, err);
	if (r != 0)
		return r;
	if (!mb_streq(c->record->host.network_mode, "host")) {
		snprintf(path, sizeof(path), "/proc/%d/net/dev", c->state.run.pid);
		meter->net_fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	*ret = mb_take_ptr(&meter);
	return 0;
}

/* "  eth0: rx-bytes packets errs drop fifo frame compressed multicast tx-bytes packets errs drop
 * ...".  Return: whether it is such a line, which the headings are not. */
static bool read_interface(const char *line, struct mb_container_interface *ret)
{
	unsigned long long rx[4], tx[4];
	char name[16];

	if (sscanf(line, " %15[^:]: %llu %llu %llu %llu %*u %*u %*u %*u %llu %llu %llu %llu", name,
	           &rx[0], &rx[1], &rx[2], &rx[3], &tx[0], &tx[1], &tx[2], &tx[3]) != 9)
		return false;
	*ret = (struct mb_container_interface){.rx_bytes = rx[0],
	                                       .rx_packets = rx[1],
	                                       .rx_errors = rx[2],
	                                       .rx_dropped = rx[3],
	                                       .tx_bytes = tx[0],
	                                       .tx_packets = tx[1],
	                                       .tx_errors = tx[2],
	                                       .tx_dropped = tx[3]};
	memcpy(ret->name, name, sizeof(name));
	return true;
}

static void read_network(int fd, struct mb_container_sample *s)
{
	char text[8192], *line = text, *next;
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return;
	text[n] = '\0';
	s->has_network = true;
	for (; line; line = next) {
		struct mb_container_interface i;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!read_interface(line, &i) || mb_streq(i.name, "lo"))
			continue;
		s->rx_bytes += i.rx_bytes;
		s->tx_bytes += i.tx_bytes;
		if (s->n_interfaces < MB_CONTAINER_INTERFACES_MAX)
			s->interfaces[s->n_interfaces++] = i;
	}
}

int mb_container_meter_read(struct mb_container_meter *meter, struct mb_container_sample *ret,
                            struct mb_err *err)
{
	struct mb_container_sample sample = {.taken_nsec = mb_monotonic_nsec()};
	int r = mb_sys_cgroup_stats_read(meter->cgroup, &sample.cgroup, err);

	if (r < 0)
		return r;
	read_network(meter->net_fd, &sample);
	*ret = sample;
	return 0;
}

void mb_container_meter_pressure(struct mb_container_meter *meter,
                                 struct mb_sys_cgroup_pressure ret[MB_SYS_CGROUP_RESOURCES_N_])
{
	mb_sys_cgroup_pressure_read(meter->cgroup, ret);
}
