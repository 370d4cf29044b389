/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * linux.netDevices: an interface goes from the caller's network namespace into the container's.
 *
 * The kernel keeps what belongs to the device (its hardware address, MTU, alias) and takes away
 * what belongs to the namespace: permanent addresses of global scope are read before and set
 * after.  On its way it has a name that nobody asks for, so that a name taken over there shows
 * as such.  Where the namespace ends with the container, the kernel returns physical devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bundle/parts.h"
#include "core/err.h"
#include "core/own.h"
#include "nl/route.h"
#include "oci/spec.h"
#include "sys/proc.h"

struct device {
	const char *host_name; /* borrowed */
	struct mb_nl_link before;
	struct mb_nl_addr *addrs;
	size_t n_addrs;
	int index; /* over there */
};

struct side {
	int netns_fd; /* owned */
	struct mb_nl nl;
};

struct mb_bundle_netdev {
	struct side here, there;
	struct device *devices;
	size_t n_devices, n_moved; /* the first of them are there */
};

/* A socket stays in the namespace where it was made. */
static int open_there(struct mb_bundle_netdev *n, struct mb_err *err)
{
	int r = mb_sys_proc_ns_join_fd(n->there.netns_fd, CLONE_NEWNET, err);

	if (r < 0)
		return r;
	r = mb_nl_open(&n->there.nl, NETLINK_ROUTE, err);
	if (mb_sys_proc_ns_join_fd(n->here.netns_fd, CLONE_NEWNET, r < 0 ? NULL : err) < 0)
		return -ECHILD;
	return r;
}

static int open_sides(struct mb_bundle_netdev *n, int netns_fd, struct mb_err *err)
{
	struct stat here, there;
	int r = mb_sys_proc_ns_open(0, "net", &n->here.netns_fd, err);

	n->there.netns_fd = fcntl(netns_fd, F_DUPFD_CLOEXEC, 3);
	if (r == 0 && n->there.netns_fd < 0)
		r = mb_fail_sys(err, errno, "cannot copy a descriptor");
	if (r == 0 && (fstat(n->here.netns_fd, &here) < 0 || fstat(netns_fd, &there) < 0))
		r = mb_fail_sys(err, errno, "cannot look at a network namespace");
	if (r == 0 && here.st_ino == there.st_ino && here.st_dev == there.st_dev)
		r = mb_fail(err, EINVAL, "'linux.netDevices': the container shares the network");
	if (r == 0)
		r = mb_nl_open(&n->here.nl, NETLINK_ROUTE, err);
	if (r == 0)
		r = open_there(n, err);
	return r;
}

static int add_addr(const struct mb_nl_addr *a, void *arg)
{
	struct device *d = arg;

	if (a->index != d->before.index || a->scope != RT_SCOPE_UNIVERSE ||
	    !(a->flags & IFA_F_PERMANENT))
		return 0;
	for (size_t i = 0; i < d->n_addrs; i++)
		if (d->addrs[i].family == a->family && d->addrs[i].prefix == a->prefix &&
		    memcmp(d->addrs[i].addr, a->addr, sizeof(a->addr)) == 0)
			return 0; /* a dump that was read again */
	d->addrs = mb_realloc(d->addrs, (d->n_addrs + 1) * sizeof(*d->addrs));
	d->addrs[d->n_addrs++] = *a;
	return 0;
}

/* From @from, where it is @index, to @to, as @name.  *@ret_index is its index there. */
static int carry(struct side *from, int index, struct side *to, const char *name, int *ret_index,
                 struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_nl_link link;
	int r;

	mb_nl_link_move(&b, index, to->netns_fd, name);
	r = mb_nl_send(&from->nl, &b, NULL, err);
	if (r == 0)
		r = mb_nl_link_find(&to->nl, name, &link, err);
	if (r == MB_NL_ABSENT)
		r = mb_fail(err, ENODEV, "the interface was moved, and is gone");
	if (r == 0)
		*ret_index = link.index;
	return r;
}

static int dress(struct side *side, const struct device *d, int index, bool up, struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;

	for (size_t i = 0; i < d->n_addrs; i++)
		mb_nl_addr_add_same(&b, &d->addrs[i], index);
	if (up)
		mb_nl_link_set_up(&b, index, NULL);
	return b.n_messages ? mb_nl_send(&side->nl, &b, NULL, err) : 0;
}

static void bring_back(struct mb_bundle_netdev *n, const struct device *d)
{
	int index = 0;

	if (carry(&n->there, d->index, &n->here, d->host_name, &index, NULL) == 0)
		(void)dress(&n->here, d, index, d->before.flags & IFF_UP, NULL);
}

static int look(struct mb_bundle_netdev *n, struct device *d, const char *name, struct mb_err *err)
{
	struct mb_nl_link taken;
	int r = mb_nl_link_find(&n->here.nl, d->host_name, &d->before, err);

	if (r == MB_NL_ABSENT)
		return mb_fail(err, ENODEV, "there is no such interface");
	if (r == 0 && !strchr(name, '%')) {
		r = mb_nl_link_find(&n->there.nl, name, &taken, err);
		if (r == 0)
			return mb_fail(err, EEXIST, "the container has an interface '%s' already",
			               name);
		r = r == MB_NL_ABSENT ? 0 : r;
	}
	if (r < 0)
		return r;
	return mb_nl_addr_dump(&n->here.nl, AF_UNSPEC, add_addr, d, err);
}

static int move_one(struct mb_bundle_netdev *n, const struct mb_oci_net_device *asked,
                    struct mb_err *err)
{
	struct device *d = &n->devices[n->n_moved];
	const char *name = asked->name && *asked->name ? asked->name : asked->host;
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	char between[IFNAMSIZ];
	int r;

	d->host_name = asked->host;
	r = look(n, d, name, err);
	if (r < 0)
		return r;
	snprintf(between, sizeof(between), "mbmv%d", d->before.index);
	r = carry(&n->here, d->before.index, &n->there, between, &d->index, err);
	if (r < 0)
		return r;
	n->n_moved++;
	mb_nl_link_set_name(&b, d->index, name);
	r = mb_nl_send(&n->there.nl, &b, NULL, err);
	return r < 0 ? r : dress(&n->there, d, d->index, true, err);
}

int mb_bundle_netdev_move(const struct mb_oci_linux *l, int netns_fd, struct mb_bundle_netdev **ret,
                          struct mb_err *err)
{
	struct mb_bundle_netdev *n = mb_calloc(1, sizeof(*n));
	int r;

	n->here = (struct side){-1, MB_NL_INIT};
	n->there = (struct side){-1, MB_NL_INIT};
	n->devices = mb_calloc(l->n_net_devices, sizeof(*n->devices));
	n->n_devices = l->n_net_devices;
	r = open_sides(n, netns_fd, err);
	for (size_t i = 0; r == 0 && i < l->n_net_devices; i++) {
		r = move_one(n, &l->net_devices[i], err);
		if (r < 0)
			mb_wrap(err, r, "'linux.netDevices.%s'", l->net_devices[i].host);
	}
	if (r == 0) {
		*ret = n;
		return 0;
	}
	mb_bundle_netdev_return(n);
	mb_bundle_netdev_free(n);
	return r;
}

void mb_bundle_netdev_return(struct mb_bundle_netdev *n)
{
	while (n->n_moved > 0)
		bring_back(n, &n->devices[--n->n_moved]);
}

void mb_bundle_netdev_free(struct mb_bundle_netdev *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n_devices; i++)
		free(n->devices[i].addrs);
	free(n->devices);
	mb_nl_close(&n->here.nl);
	mb_nl_close(&n->there.nl);
	mb_close(&n->here.netns_fd);
	mb_close(&n->there.netns_fd);
	free(n);
}
