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
	struct mb_sys_cgroup_host *host;
	struct mb_sys_cgroup *cgroup;
	int net_fd; /* /proc/PID/net/dev, or -1 with the host's network */
};

void mb_container_meter_free(struct mb_container_meter *meter)
{
	if (!meter)
		return;
	mb_sys_cgroup_free(meter->cgroup);
	mb_sys_cgroup_host_free(meter->host);
	mb_close(&meter->net_fd);
	free(meter);
}

int mb_container_meter_open(struct mb_container *c, struct mb_container_meter **ret,
                            struct mb_err *err)
{
	MB_AUTO(mb_container_meter_free) struct mb_container_meter *meter = NULL;
	char path[48];
	int r;

	meter = mb_calloc(1, sizeof(*meter));
	meter->net_fd = -1;
	r = mb_container_cgroup_open(c, &meter->host, &meter->cgroup, err);
	if (r != 0)
		return r;
	if (!mb_streq(c->record->host.network_mode, "host")) {
		snprintf(path, sizeof(path), "/proc/%d/net/dev", c->state.run.pid);
		meter->net_fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	*ret = mb_take_ptr(&meter);
	return 0;
}

/* Two headings, then "  eth0: rx-bytes packets errs drop fifo frame compressed multicast
 * tx-bytes ..." for each interface. */
static void read_network(int fd, struct mb_container_sample *s)
{
	char text[8192], *line = text, *next;
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return;
	text[n] = '\0';
	s->has_network = true;
	for (; line; line = next) {
		unsigned long long rx, tx;
		char name[32];

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (sscanf(line, " %31[^:]: %llu %*u %*u %*u %*u %*u %*u %*u %llu", name, &rx,
		           &tx) != 3 ||
		    strcmp(name, "lo") == 0)
			continue;
		s->rx_bytes += rx;
		s->tx_bytes += tx;
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
