/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/handle.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/crc32c.h"
#include "core/err.h"
#include "core/io.h"
#include "core/log.h"
#include "core/str.h"
#include "etcd/etcd.h"
#include "store/store.h"

void mb_net_new(struct mb_store *store, struct mb_net **ret)
{
	struct mb_net *net = mb_calloc(1, sizeof(*net));
	uint32_t tag = mb_crc32c(0, store->run, strlen(store->run));

	net->store = store;
	net->route = net->netfilter = MB_NL_INIT;
	net->lookup = MB_NET_SK_LOOKUP_INIT;
	/* Stores side by side share the kernel: each has its own table. */
	if (mb_streq(store->run, MB_STORE_RUN))
		snprintf(net->table, sizeof(net->table), "mybox");
	else
		snprintf(net->table, sizeof(net->table), "mybox_%08x", tag);
	snprintf(net->alias, sizeof(net->alias), "mybox:%08x:", tag);
	*ret = net;
}

void mb_net_free(struct mb_net *net)
{
	if (!net)
		return;
	mb_nl_close(&net->route);
	mb_nl_close(&net->netfilter);
	mb_net_sk_lookup_done(&net->lookup);
	mb_etcd_free(net->etcd);
	free(net->etcd_of);
	mb_strv_done(&net->etcd_silent);
	mb_net_uses_end(net);
	free(net);
}

void mb_net_use_keep(struct mb_net *net, int *fd)
{
	if (*fd < 0)
		return;
	net->uses = mb_realloc(net->uses, (net->n_uses + 1) * sizeof(*net->uses));
	net->uses[net->n_uses++] = mb_take_fd(fd);
}

void mb_net_uses_end(struct mb_net *net)
{
	while (net->n_uses)
		mb_close(&net->uses[--net->n_uses]);
	free(mb_take_ptr(&net->uses));
}

void mb_net_set_opener(struct mb_net *net, mb_net_netns_open *open, void *arg)
{
	net->open = open;
	net->open_arg = arg;
}

int mb_net_route_sock(struct mb_net *net, struct mb_err *err)
{
	return mb_nl_open(&net->route, NETLINK_ROUTE, err);
}

int mb_net_netfilter_sock(struct mb_net *net, struct mb_err *err)
{
	return mb_nl_open(&net->netfilter, NETLINK_NETFILTER, err);
}

int mb_net_run_dir(struct mb_net *net, const char *network_id, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_asprintf("net/%s", network_id);

	return mb_store_dir(net->store, path, true, ret_fd, err);
}

int mb_net_records_dir(struct mb_net *net, int *ret_fd, struct mb_err *err)
{
	return mb_store_dir(net->store, "net/e", true, ret_fd, err);
}

int mb_net_netns_enter(int netns_fd, int *ret_home_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0)
		return mb_fail_sys(err, errno, "cannot open the network namespace");
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return mb_fail_sys(err, errno, "cannot enter the container's network namespace");
	*ret_home_fd = mb_take_fd(&home);
	return 0;
}

/* Whatever would be done after this in the wrong namespace would be done to the container. */
void mb_net_netns_leave(int *home_fd)
{
	if (*home_fd < 0)
		return;
	if (setns(*home_fd, CLONE_NEWNET) < 0)
		abort();
	mb_close(home_fd);
}

int mb_net_netns_sock(int netns_fd, int protocol, struct mb_nl *ret, struct mb_err *err)
{
	__attribute__((cleanup(mb_net_netns_leave))) int home = -1;
	int r = mb_net_netns_enter(netns_fd, &home, err);

	return r ? r : mb_nl_open(ret, protocol, err);
}

int mb_net_sysctl(const char *value, const char *fmt, ...)
{
	char path[160], now[32];
	va_list ap;
	int r;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	r = mb_read_kernel_file(AT_FDCWD, path, now, sizeof(now));
	if (!r && mb_streq(now, value))
		return 0;
	if (r == -ENOENT)
		return r;
	r = mb_write_kernel_file(AT_FDCWD, path, value);
	if (r)
		mb_debug("cannot write '%s' to '%s': %s", value, path, strerror(-r));
	return r;
}

int mb_net_index_make(const char *seed, unsigned int attempt)
{
	const uint32_t lowest = 1u << 24, span = (1u << 30) - 1;
	uint32_t h = mb_crc32c(attempt, seed, strlen(seed));

	return (int)(lowest + (h & span));
}
