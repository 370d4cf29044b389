/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include <linux/netlink.h>

#include "core/err.h"
#include "core/io.h"
#include "core/log.h"
#include "core/str.h"
#include "core/strv.h"
#include "net/book.h"
#include "net/flows.h"
#include "net/handle.h"
#include "nl/conntrack.h"
#include "nl/diag.h"

#define ACCT "/proc/sys/net/netfilter/nf_conntrack_acct"
/* All that has two ends, and listeners; not what is only remembered. */
#define STATES (0xfffu & ~(1u << TCP_TIME_WAIT) & ~(1u << TCP_SYN_RECV))

bool mb_net_flows_are_counted(void)
{
	char now[8];

	return mb_read_kernel_file(AT_FDCWD, ACCT, now, sizeof(now)) == 0 && mb_streq(now, "1");
}

int mb_net_flows_count(struct mb_err *err)
{
	int r = mb_net_sysctl("1", ACCT);

	return r ? mb_fail_sys(err, -r, "cannot turn net.netfilter.nf_conntrack_acct on") : 0;
}

struct reading {
	struct mb_net_book *book;
	struct mb_net_flows flows;
	struct mb_net_found found;
	const char *id; /* whose sockets are being read */
};

static int each_conn(const struct mb_nl_conn *conn, enum mb_nl_conn_event event, void *arg)
{
	struct reading *r = arg;
	struct mb_net_flow f;

	(void)event;
	if (mb_net_flow_of_conn(r->book, conn, &f))
		mb_net_flows_add(&r->flows, &f);
	return 0;
}

static int each_socket(const struct mb_nl_socket *s, void *arg)
{
	struct reading *r = arg;

	mb_net_found_add(&r->found, r->id, s);
	return 0;
}

static int read_sockets(int netns_fd, struct reading *reading, struct mb_err *err)
{
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	int r = mb_net_netns_sock(netns_fd, NETLINK_SOCK_DIAG, &nl, err);

	if (!r)
		r = mb_nl_diag_dump(&nl, IPPROTO_TCP, STATES, each_socket, reading, err);
	return r ? r : mb_nl_diag_dump(&nl, IPPROTO_UDP, STATES, each_socket, reading, err);
}

int mb_net_flows_read(struct mb_net *net, struct mb_net_book *book, mb_net_netns_open *open_netns,
                      void *arg, struct mb_net_flows *ret, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	struct reading reading = {.book = book};
	int r;

	r = mb_net_netfilter_sock(net, err);
	mb_net_book_ids(book, &ids);
	for (size_t i = 0; !r && i < ids.n; i++) {
		MB_AUTO_CLOSE int fd = open_netns(ids.v[i], arg);
		struct mb_err told = MB_ERR_INIT;

		/* One that was killed with its monitor has a record still, and no more to show. */
		reading.id = ids.v[i];
		if (fd < 0)
			mb_net_book_forget(book, ids.v[i]);
		else if (read_sockets(fd, &reading, &told) < 0)
			mb_debug("sockets of '%.12s': %s", ids.v[i], told.msg);
	}
	/* When the book says who lives. */
	if (!r)
		r = mb_nl_conntrack_dump(&net->netfilter, each_conn, &reading, err);
	if (!r)
		mb_net_flows_merge(&reading.flows, book, &reading.found);
	mb_net_found_done(&reading.found);
	if (r) {
		mb_net_flows_done(&reading.flows);
		return r;
	}
	*ret = reading.flows;
	return 0;
}
