/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/dns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/own.h"
#include "core/str.h"
#include "monitor/source.h"

void mb_dns_init(struct mb_dns *d)
{
	d->run_fd = d->learn_fd = -1;
	for (size_t i = 0; i < MB_N(d->fd); i++)
		d->fd[i] = -1;
}

int mb_dns_watch(struct mb_dns *d, int fd, int from, size_t index, uint32_t events, bool again)
{
	struct epoll_event e = {.events = events, .data.u64 = (uint64_t)from << 32 | index};

	return epoll_ctl(d->epoll, again ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

/* A raw socket gets a copy of every datagram in the namespace: let none through.  The program is
 * the one instruction "return 0", laid out as in <linux/filter.h>, which musl does not bring. */
static void deafen(int raw)
{
	struct {
		uint16_t code;
		uint8_t if_true, if_false;
		uint32_t k;
	} nothing = {.code = 0x06};
	struct {
		unsigned short n;
		const void *instructions;
	} program = {1, &nothing};

	setsockopt(raw, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

void mb_dns_ask_others(struct mb_dns *d, const struct mb_monitor_dns *setup)
{
	struct mb_dns_upstreams *u = &d->upstreams;

	*u = (struct mb_dns_upstreams){0};
	for (size_t i = 0; i < MB_MONITOR_UPSTREAMS_MAX; i++) {
		char text[sizeof(setup->upstream[0]) + 1] = "";

		memcpy(text, setup->upstream[i], sizeof(setup->upstream[0]));
		if (text[0] && mb_dns_upstream_parse(text, &u->at[u->n]) == 0)
			u->n++;
	}
	d->has_own_upstreams = u->n > 0;
	snprintf(d->resolv_conf, sizeof(d->resolv_conf), "%.*s",
	         (int)sizeof(setup->resolv_conf) - 1, setup->resolv_conf);
	if (!d->resolv_conf[0])
		memcpy(d->resolv_conf, "/etc/resolv.conf", sizeof("/etc/resolv.conf"));
}

int mb_dns_open(struct mb_dns *d, int epoll, const struct mb_monitor_dns *setup,
                const int fds[MB_MONITOR_DNS_SLOT_N_])
{
	int udp = fds[MB_MONITOR_DNS_UDP], tcp = fds[MB_MONITOR_DNS_TCP];
	struct sockaddr_in own = {0};
	socklen_t size = sizeof(own);
	int r = 0;

	if (d->is_open)
		return -EEXIST;
	if (udp < 0 || getsockname(udp, (struct sockaddr *)&own, &size) < 0 ||
	    own.sin_family != AF_INET)
		return -EINVAL;
	d->epoll = epoll;
	d->own = own.sin_addr;
	mb_dns_ask_others(d, setup);
	fcntl(udp, F_SETFL, O_NONBLOCK);
	r = mb_dns_watch(d, udp, MB_MONITOR_FROM_DNS_UDP, 0, EPOLLIN, false);
	if (r == 0 && tcp >= 0) {
		fcntl(tcp, F_SETFL, O_NONBLOCK);
		r = mb_dns_watch(d, tcp, MB_MONITOR_FROM_DNS_LISTENER, 0, EPOLLIN, false);
	}
	if (r < 0)
		return r;
	if (fds[MB_MONITOR_DNS_RAW] >= 0)
		deafen(fds[MB_MONITOR_DNS_RAW]);
	memcpy(d->fd, fds, sizeof(d->fd));
	if (getrandom(&d->turn, sizeof(d->turn), GRND_NONBLOCK) < 0)
		d->turn = 0;
	d->is_open = true;
	return 0;
}

void mb_dns_close(struct mb_dns *d)
{
	mb_dns_udp_close(d);
	mb_dns_tcp_close(d);
	for (size_t i = 0; i < MB_N(d->fd); i++)
		mb_close(&d->fd[i]);
	while (d->n_networks)
		mb_close(&d->network[--d->n_networks].fd);
	mb_close(&d->learn_fd);
	d->is_open = false;
}

void mb_dns_network_remove(struct mb_dns *d, const char *id)
{
	for (size_t i = 0; i < d->n_networks; i++) {
		if (strncmp(d->network[i].id, id, sizeof(d->network[i].id)) != 0)
			continue;
		mb_close(&d->network[i].fd);
		d->n_networks--;
		memmove(&d->network[i], &d->network[i + 1],
		        (d->n_networks - i) * sizeof(d->network[0]));
		return;
	}
}

int mb_dns_network_add(struct mb_dns *d, const struct mb_monitor_network *network, int *fd)
{
	struct mb_dns_network *net = NULL;

	for (size_t i = 0; i < d->n_networks; i++)
		if (strncmp(d->network[i].id, network->id, sizeof(network->id)) == 0)
			net = &d->network[i];
	if (net)
		mb_close(&net->fd);
	else if (d->n_networks == MB_MONITOR_NETWORKS_MAX)
		return -ENOSPC;
	else
		net = &d->network[d->n_networks++];
	net->fd = mb_take_fd(fd);
	net->flags = network->flags;
	memcpy(net->id, network->id, sizeof(net->id));
	memcpy(net->name, network->name, sizeof(net->name));
	net->id[sizeof(net->id) - 1] = net->name[sizeof(net->name) - 1] = '\0';
	return 0;
}

const struct mb_dns_upstreams *mb_dns_upstreams_now(struct mb_dns *d)
{
	if (!d->has_own_upstreams)
		mb_dns_upstreams_refresh(&d->upstreams, d->resolv_conf);
	return &d->upstreams;
}

/* Whether no network of the container leads outside; it may be on none at all. */
static bool is_shut_in(const struct mb_dns *d)
{
	for (size_t i = 0; i < d->n_networks; i++)
		if (!(d->network[i].flags & MB_MONITOR_INTERNAL))
			return false;
	return true;
}

static void add_addresses(struct mb_dns *d, struct mb_dns_reply *r,
                          const struct mb_dns_addresses *a)
{
	uint16_t type = r->q->type;
	uint32_t first = d->turn++;

	for (size_t i = 0; i < a->n4 && (type == MB_DNS_A || type == MB_DNS_ANY); i++)
		mb_dns_reply_add(r, MB_DNS_A, MB_DNS_TTL, a->v4[(first + i) % a->n4], 4);
	for (size_t i = 0; i < a->n6 && (type == MB_DNS_AAAA || type == MB_DNS_ANY); i++)
		mb_dns_reply_add(r, MB_DNS_AAAA, MB_DNS_TTL, a->v6[(first + i) % a->n6], 16);
}

static bool find_localhost(const char *name, struct mb_dns_addresses *a)
{
	static const uint8_t four[4] = {127, 0, 0, 1}, six[16] = {[15] = 1};

	if (strcmp(name, "localhost") != 0 && !mb_ends_with(name, ".localhost"))
		return false;
	a->n4 = a->n6 = 1;
	memcpy(a->v4[0], four, sizeof(four));
	memcpy(a->v6[0], six, sizeof(six));
	return true;
}

size_t mb_dns_answer_rcode(const struct mb_dns_question *q, enum mb_dns_rcode rcode, uint8_t *buf)
{
	struct mb_dns_reply r;

	mb_dns_reply_begin(&r, q, buf, MB_DNS_UDP_PLAIN);
	return mb_dns_reply_end(&r, rcode);
}

int mb_dns_answer(struct mb_dns *d, const struct mb_dns_question *q, uint8_t *buf, size_t limit,
                  size_t *ret_n)
{
	struct mb_dns_db db = {.run_fd = d->run_fd,
	                       .own = d->own_id,
	                       .networks = d->network,
	                       .n_networks = d->n_networks};
	char name[MB_DNS_NAME_TEXT], address[MB_DNS_ADDRESS_TEXT], holder[512];
	struct mb_dns_addresses found;
	struct mb_dns_reply r;
	bool plain = mb_dns_question_name(q, name);

	mb_dns_reply_begin(&r, q, buf, limit);
	if (plain && (find_localhost(name, &found) || mb_dns_db_find(&db, name, &found))) {
		add_addresses(d, &r, &found);
	} else if (plain && q->type == MB_DNS_PTR && mb_dns_reverse_parse(name, address) &&
	           mb_dns_db_reverse(&db, address, holder)) {
		mb_dns_reply_add_name(&r, MB_DNS_TTL, holder);
	} else if (is_shut_in(d)) {
		/* Who is on no network may be on one soon: that is not to be remembered. */
		*ret_n = mb_dns_reply_end(&r, d->n_networks ? MB_DNS_NXDOMAIN : MB_DNS_SERVFAIL);
		return 0;
	} else {
		return MB_DNS_FORWARD;
	}
	*ret_n = mb_dns_reply_end(&r, MB_DNS_NOERROR);
	return 0;
}

void mb_dns_event(struct mb_dns *d, int from, unsigned index, uint32_t events)
{
	switch ((enum mb_monitor_source)from) {
	case MB_MONITOR_FROM_DNS_UDP:
		mb_dns_udp_read(d);
		break;
	case MB_MONITOR_FROM_DNS_UPSTREAM:
		if (d->forward[index].fd)
			mb_dns_udp_response(d, &d->forward[index]);
		break;
	case MB_MONITOR_FROM_DNS_LISTENER:
		mb_dns_tcp_accept(d);
		break;
	case MB_MONITOR_FROM_DNS_TCP:
	case MB_MONITOR_FROM_DNS_TCP_UP:
		if (d->conn[index].fd)
			mb_dns_tcp_step(d, &d->conn[index], from == MB_MONITOR_FROM_DNS_TCP_UP,
			                events & (EPOLLHUP | EPOLLERR));
		break;
	case MB_MONITOR_FROM_CLIENT:
	case MB_MONITOR_FROM_LISTENER:
	case MB_MONITOR_FROM_SIGNAL:
	case MB_MONITOR_FROM_PIDFD:
	case MB_MONITOR_FROM_STREAM:
	case MB_MONITOR_FROM_RELAY:
	case MB_MONITOR_FROM_KEEPER:
	case MB_MONITOR_FROM_LOGSINK:
	case MB_MONITOR_FROM_NOTIFY:
	case MB_MONITOR_FROM_SHARED:
	case MB_MONITOR_FROM_OOM:
	case MB_MONITOR_FROM_LEFT:
		break;
	}
}

int64_t mb_dns_deadline(const struct mb_dns *d)
{
	int64_t soonest = 0;

	for (size_t i = 0; i < MB_DNS_FORWARDS && d->n_forwards; i++)
		if (d->forward[i].fd && (!soonest || d->forward[i].deadline < soonest))
			soonest = d->forward[i].deadline;
	for (size_t i = 0; i < MB_DNS_CONNS && d->n_conns; i++)
		if (d->conn[i].fd && (!soonest || d->conn[i].deadline < soonest))
			soonest = d->conn[i].deadline;
	return soonest;
}

void mb_dns_expire(struct mb_dns *d, int64_t now)
{
	if (d->n_forwards)
		mb_dns_udp_expire(d, now);
	if (d->n_conns)
		mb_dns_tcp_expire(d, now);
}
