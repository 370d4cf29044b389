/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Servers are asked without a lock, as they may take their time: what they said is true for an
 * endpoint that is still the same by then. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "container/container.h"
#include "container/life.h"
#include "container/start_parts.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "monitor/client.h"

/* An address that is lost is taken off, then another is asked for. */
enum { ROUNDS = 3 };

int mb_container_leases_send(int sock, const struct mb_net_sandbox *sandbox, int netns_fd,
                             struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sandbox->n_endpoints; i++) {
		const struct mb_net_endpoint *e = &sandbox->endpoints[i];
		struct mb_monitor_lease lease = {.due = (int64_t)e->lease.due};
		struct mb_net_farewell f = {.fd = -1};

		_Static_assert(sizeof(f.frame) <= sizeof(lease.frame), "it takes any frame");
		if (!e->dhcp)
			continue;
		/* Without one it waits for its end. */
		if (netns_fd >= 0)
			(void)mb_net_lease_farewell(sandbox, e, netns_fd, &f, NULL);
		snprintf(lease.id, sizeof(lease.id), "%s", e->network_id);
		lease.n = f.fd >= 0 ? (uint32_t)f.n : 0;
		memcpy(lease.frame, f.frame, lease.n);
		r = mb_monitor_send_lease(sock, &lease, f.fd, err);
		mb_close(&f.fd);
	}
	return r;
}

/* Return: whether anything was due. */
static bool ask(struct mb_net_sandbox *s, int netns_fd, bool asked[])
{
	struct mb_err told = MB_ERR_INIT;
	bool any = false;

	for (size_t i = 0; i < s->n_endpoints; i++) {
		asked[i] = mb_net_lease_is_due(&s->endpoints[i]);
		any = any || asked[i];
		/* It is in the record when to try again. */
		if (asked[i])
			(void)mb_net_lease_ask(s, &s->endpoints[i], netns_fd, &told);
	}
	return any;
}

/* The same one in another reading of the record; NULL: there is none. */
static struct mb_net_endpoint *find(struct mb_net_sandbox *s, const struct mb_net_endpoint *e)
{
	for (size_t i = 0; i < s->n_endpoints; i++)
		if (mb_streq(s->endpoints[i].id, e->id))
			return &s->endpoints[i];
	return NULL;
}

static int settle(struct mb_container *c, struct mb_net *net, struct mb_net_sandbox *heard,
                  const bool asked[], int netns_fd, struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_container_lock(c, &lock, err);

	if (r == 0 && !mb_container_is_running(c))
		return MB_CONTAINER_NOT_RUNNING;
	if (r == 0)
		r = mb_net_sandbox_load(net, c->id, &s, err);
	for (size_t i = 0; r == 0 && i < heard->n_endpoints; i++) {
		struct mb_net_endpoint *e = asked[i] ? find(s, &heard->endpoints[i]) : NULL;

		if (e)
			r = mb_net_lease_settle(net, s, e, &heard->endpoints[i], netns_fd, err);
	}
	return r == 0 ? mb_container_network_changed(c, net, NULL, err) : r;
}

int mb_container_leases_keep(struct mb_container *c, struct mb_err *err)
{
	MB_AUTO_CLOSE int netns = mb_container_netns_open(c->id, c->store);
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	int r = 0;

	if (netns < 0)
		return 0;
	mb_net_new(c->store, &net);
	for (int i = 0; r == 0 && i < ROUNDS; i++) {
		MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *heard = NULL;
		MB_AUTO_FREE bool *asked = NULL;

		r = mb_net_sandbox_load(net, c->id, &heard, err);
		if (r == 0)
			asked = mb_calloc(heard->n_endpoints + 1, sizeof(*asked));
		if (r != 0 || !ask(heard, netns, asked))
			break;
		r = settle(c, net, heard, asked, netns, err);
	}
	return r < 0 ? r : 0;
}
