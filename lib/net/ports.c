/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "core/err.h"
#include "core/io.h"
#include "core/log.h"
#include "core/str.h"
#include "net/firewall.h"
#include "net/handle.h"
#include "net/port_spec.h"
#include "nl/conntrack.h"

/* Binding is the claim: the kernel says who has a port of the host, whoever asks. */
enum { RANDOM_TRIES = 32, BINDINGS_MAX = 65536 };

const struct mb_net_endpoint *mb_net_gateway_endpoint(const struct mb_net_sandbox *s)
{
	for (size_t i = 0; i < s->n_endpoints; i++)
		if (s->endpoints[i].gateway)
			return &s->endpoints[i];
	return NULL;
}

/* The addresses to which ports lead. */
static void targets(const struct mb_net_endpoint *e, struct mb_net_addr *four,
                    struct mb_net_addr *six)
{
	*four = *six = (struct mb_net_addr){0};
	if (e && e->ip4)
		(void)mb_net_addr_parse(e->ip4, four);
	if (e && e->ip6)
		(void)mb_net_addr_parse(e->ip6, six);
}

/* One descriptor or two for each port, until the monitor has them. */
static void allow_descriptors(size_t n)
{
	enum { OTHERS = 256 };
	struct rlimit now;

	if (getrlimit(RLIMIT_NOFILE, &now) < 0 || 2 * n + OTHERS <= now.rlim_cur)
		return;
	now.rlim_cur = now.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &now);
}

static int socket_type(uint8_t proto)
{
	return proto == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
}

/* What one -p means at one address of the host. */
struct host {
	struct mb_net_addr addr;
	bool relayed;  /* a process leads who comes to [::1] from this socket */
	bool shown;    /* is a binding; [::1] beside 0.0.0.0 is none of its own */
	bool optional; /* where the host has no such address it is left out */
};
struct hosts {
	struct host v[3];
	size_t n;
};

static bool is_loop6(const struct mb_net_addr *a)
{
	return a->family == AF_INET6 && IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)a->b);
}

/* Bind, not listen: nobody can connect, nobody else can bind.  Only where a relay is to lead from
 * it a socket of TCP listens.  *@port 0 becomes what the kernel chose.
 * Return: 0 and *@ret_fd, -1 where the kernel knows no sockets of @proto; or -errno. */
static int hold_port(const struct host *host, uint8_t proto, uint16_t *port, int *ret_fd)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(*port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(*port)};
	struct sockaddr_storage bound = {0};
	socklen_t len = sizeof(bound);
	const int on = 1;
	bool listens = host->relayed && proto == IPPROTO_TCP;
	MB_AUTO_CLOSE int fd = socket(host->addr.family, socket_type(proto) | SOCK_CLOEXEC, proto);
	int r;

	*ret_fd = -1;
	if (fd < 0)
		return *port && (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT) ? 0 : -errno;
	memcpy(&four.sin_addr, host->addr.b, sizeof(four.sin_addr));
	memcpy(&six.sin6_addr, host->addr.b, sizeof(six.sin6_addr));
	/* Connections that a relay has led leave the port in use for a minute.  Whoever else wants
	 * to reuse it is stopped by our listening. */
	if (listens)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (host->addr.family == AF_INET6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		r = bind(fd, (const struct sockaddr *)&six, sizeof(six));
	} else {
		r = bind(fd, (const struct sockaddr *)&four, sizeof(four));
	}
	if (r == 0 && listens)
		r = listen(fd, SOMAXCONN);
	if (r < 0 || getsockname(fd, (struct sockaddr *)&bound, &len) < 0)
		return -errno;
	memcpy(&four, &bound, sizeof(four));
	*port = ntohs(four.sin_port); /* at the same place in both families */
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

/* The relay of a life before dies with its monitor, but a moment later than that. */
static int hold_patiently(const struct host *host, uint8_t proto, uint16_t *port, int *ret_fd)
{
	enum { TRIES = 100 };
	const struct timespec a_while = {.tv_nsec = 10000000};
	int r = hold_port(host, proto, port, ret_fd);

	for (int i = 0; r == -EADDRINUSE && host->relayed && *port && i < TRIES; i++) {
		(void)nanosleep(&a_while, NULL);
		r = hold_port(host, proto, port, ret_fd);
	}
	if (host->optional && (r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT))
		return 0;
	return r;
}

static void keep(struct mb_net_sandbox *s, const struct host *host, uint32_t proto, uint32_t port,
                 int fd)
{
	if (fd < 0)
		return;
	if (host->relayed) {
		s->relays = mb_realloc(s->relays, (s->n_relays + 1) * sizeof(*s->relays));
		s->relays[s->n_relays++] =
			(struct mb_net_relay){.fd = fd, .proto = proto, .port = port};
		return;
	}
	s->reserved = mb_realloc(s->reserved, (s->n_reserved + 1) * sizeof(*s->reserved));
	s->reserved[s->n_reserved++] = fd;
}

static struct mb_net_binding *add_binding(struct mb_net_sandbox *s, const struct host *host,
                                          uint8_t proto, uint16_t host_port, uint16_t port)
{
	struct mb_net_binding *b;
	char buf[MB_NET_ADDR_TEXT];

	s->bindings = mb_realloc(s->bindings, (s->n_bindings + 1) * sizeof(*s->bindings));
	b = &s->bindings[s->n_bindings++];
	*b = (struct mb_net_binding){
		.proto = proto, .port = port, .host_port = host_port, .relayed = host->relayed};
	b->host_ip = mb_strdup(mb_net_addr_format(&host->addr, buf));
	return b;
}

/* The same port of all addresses, or none of them. */
static int hold_all(const struct hosts *hosts, uint8_t proto, uint16_t *port, int fds[3])
{
	uint16_t chosen = *port;
	int r = 0;

	fds[0] = fds[1] = fds[2] = -1;
	for (size_t i = 0; !r && i < hosts->n; i++)
		r = hold_patiently(&hosts->v[i], proto, &chosen, &fds[i]);
	if (r) {
		for (size_t i = 0; i < hosts->n; i++)
			mb_close(&fds[i]);
		return r;
	}
	*port = chosen;
	return 0;
}

static int tell_conflict(int r, const struct hosts *hosts, uint16_t port, uint8_t proto,
                         struct mb_err *err)
{
	char buf[MB_NET_ADDR_TEXT];
	bool v6 = hosts->v[0].addr.family == AF_INET6;
	const char *why = r == -EADDRINUSE ? "port is already allocated" : strerror(-r);

	mb_net_addr_format(&hosts->v[0].addr, buf);
	return mb_fail(err, -r, "cannot publish a port: bind for %s%s%s:%u/%s failed: %s",
	               v6 ? "[" : "", buf, v6 ? "]" : "", port, mb_net_proto_name(proto), why);
}

static int reserve_one(struct mb_net_sandbox *s, const struct mb_net_port_spec *spec,
                       const struct hosts *hosts, uint16_t offset, struct mb_err *err)
{
	uint32_t first = spec->host_lo, last = spec->host_hi;
	uint16_t port = 0;
	int fds[3], r = -EADDRINUSE;

	if (!first)
		for (int i = 0; r == -EADDRINUSE && i < RANDOM_TRIES; i++) {
			port = 0;
			r = hold_all(hosts, spec->proto, &port, fds);
		}
	/* As many host ports as ports inside: one each.  More: the first that is free. */
	if (first && spec->port_lo != spec->port_hi)
		first = last = first + offset;
	for (uint32_t p = first; first && p <= last && r == -EADDRINUSE; p++) {
		port = (uint16_t)p;
		r = hold_all(hosts, spec->proto, &port, fds);
	}
	if (r)
		return tell_conflict(r, hosts, port, spec->proto, err);
	for (size_t i = 0; i < hosts->n; i++) {
		uint16_t inside = (uint16_t)(spec->port_lo + offset);

		keep(s, &hosts->v[i], spec->proto, inside, fds[i]);
		if (hosts->v[i].shown)
			mb_strv_add_all(
				&add_binding(s, &hosts->v[i], spec->proto, port, inside)->from,
				&spec->from);
		else
			s->bindings[s->n_bindings - 1].relayed = fds[i] >= 0;
	}
	return 0;
}

static const struct mb_net_addr loop6 = {.family = AF_INET6, .b = {[15] = 1}};

/* NAT leads nobody from IPv6 to IPv4; a relay does. */
static int check_host(const struct mb_net_addr *a, const struct mb_net_port_spec *spec, bool has_v6,
                      struct mb_err *err)
{
	char buf[MB_NET_ADDR_TEXT];

	if (is_loop6(a) && spec->proto == IPPROTO_SCTP)
		return mb_fail(err, EOPNOTSUPP,
		               "cannot publish a port of SCTP on [::1]: only TCP and UDP are "
		               "relayed");
	if (a->family == AF_INET6 && !is_loop6(a) && !has_v6)
		return mb_fail(err, EADDRNOTAVAIL,
		               "cannot publish a port on [%s]: the network has no IPv6",
		               mb_net_addr_format(a, buf));
	return 0;
}

static int hosts_of(const struct mb_net_port_spec *spec, const char *default_ip, bool has_v6,
                    struct hosts *ret, struct mb_err *err)
{
	const char *text = spec->host_ip ? spec->host_ip : default_ip;
	bool relays = spec->proto != IPPROTO_SCTP;
	struct host *h = ret->v;

	*ret = (struct hosts){0};
	h->shown = true;
	if (text) {
		if (mb_net_addr_parse(text, &h->addr) < 0)
			return mb_fail(err, EINVAL, "invalid IP address '%s'", text);
		ret->n = 1;
		h->relayed = relays && h->addr.family == AF_INET6 &&
		             (is_loop6(&h->addr) || mb_net_addr_is_any(&h->addr));
		return check_host(&h->addr, spec, has_v6, err);
	}
	h[0].addr.family = AF_INET;
	ret->n = 1;
	if (has_v6)
		h[ret->n++] =
			(struct host){.addr.family = AF_INET6, .shown = true, .relayed = relays};
	else if (relays)
		h[ret->n++] = (struct host){.addr = loop6, .relayed = true, .optional = true};
	return 0;
}

static int without_relays(struct hosts *hosts, const struct mb_net_port_spec *spec,
                          struct mb_err *err)
{
	if (spec->from.n)
		return mb_fail(err, EOPNOTSUPP,
		               "cannot publish a port for some: plugins map the ports of this "
		               "container, not our firewall (from=)");
	if (is_loop6(&hosts->v[0].addr))
		return mb_fail(err, EOPNOTSUPP,
		               "cannot publish a port on [::1]: plugins map the ports of this "
		               "container");
	hosts->n = 1;
	hosts->v[0].relayed = false;
	return 0;
}

/* Nobody stays with a guest who could relay. */
static int without_process(struct hosts *hosts, struct mb_err *err)
{
	if (is_loop6(&hosts->v[0].addr))
		return mb_fail(err, EOPNOTSUPP,
		               "cannot publish a port on [::1]: no process of ours stays");
	for (size_t i = 0; i < hosts->n; i++)
		hosts->v[i].relayed = false;
	if (hosts->v[hosts->n - 1].optional)
		hosts->n--;
	return 0;
}

static bool has_v6_alone(const struct mb_net_endpoint *e)
{
	return e && e->ip6 && !e->ip4;
}

/* The host's ports of families that are not direct: there, the container's own is opened. */
static int hosts_for(const struct mb_net_endpoint *e, const struct mb_net_port_spec *spec,
                     const char *default_ip, struct hosts *ret, struct mb_err *err)
{
	struct mb_net_addr a = {0};
	int r;

	*ret = (struct hosts){0};
	if (e && (e->direct4 || e->direct6) && spec->from.n)
		return mb_fail(err, EOPNOTSUPP,
		               "cannot publish a port for some: network %s is routed (from=)",
		               e->network);
	if (e && spec->host_ip && mb_net_addr_parse(spec->host_ip, &a) == 0 &&
	    (a.family == AF_INET ? e->direct4 : e->direct6))
		return 0;
	if (has_v6_alone(e) && a.family == AF_INET)
		return mb_fail(err, EADDRNOTAVAIL,
		               "cannot publish a port on %s: network %s has no IPv4", spec->host_ip,
		               e->network);
	r = hosts_of(spec, default_ip, e && e->ip6 && !e->direct6, ret, err);
	if (r || !e || (!e->direct4 && !has_v6_alone(e)) || spec->host_ip)
		return r;
	/* What remains is [::], if the network has it. */
	ret->v[0] = ret->v[1];
	ret->n = e->ip6 && !e->direct6;
	return 0;
}

static void open_ports(struct mb_net_sandbox *s, const struct mb_net_endpoint *e,
                       const struct mb_net_port_spec *spec)
{
	struct mb_net_addr a = {0};
	struct mb_net_opened o = {.proto = spec->proto};

	if (spec->host_ip && mb_net_addr_parse(spec->host_ip, &a) < 0)
		return;
	o.v4 = e->direct4 && a.family != AF_INET6;
	o.v6 = e->direct6 && a.family != AF_INET;
	for (o.port = spec->port_lo; (o.v4 || o.v6) && o.port <= spec->port_hi; o.port++) {
		s->opened = mb_realloc(s->opened, (s->n_opened + 1) * sizeof(*s->opened));
		s->opened[s->n_opened++] = o;
	}
}

static const char *address_of(const struct mb_net_endpoint *e)
{
	if (e->dhcp)
		return "the address that its DHCP server gives them";
	return e->ip4 ? e->ip4 : e->ip6;
}

int mb_net_ports_default_ip(struct mb_net *net, const struct mb_net_sandbox *s, char **ret,
                            struct mb_err *err)
{
	const struct mb_net_endpoint *e = mb_net_gateway_endpoint(s);
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	int r;

	*ret = NULL;
	if (!e)
		return 0;
	/* Nothing of theirs passes through the host's firewall. */
	if (mb_net_is_upper(e->driver))
		return mb_fail(err, EINVAL,
		               "ports of network %s (%s) cannot be published: they are reached "
		               "at %s",
		               e->network, e->driver, address_of(e));
	/* Answers would leave by another router than questions come by. */
	if (e->bare4)
		return mb_fail(err, EINVAL,
		               "ports of network %s cannot be published: the host has no address "
		               "in it; they are reached at %s",
		               e->network, address_of(e));
	r = mb_net_doc_read(net, e->network_id, &n, err);
	if (!r)
		*ret = mb_strdup_or_null(n->host_binding);
	return r;
}

int mb_net_ports_reserve(struct mb_net_sandbox *s, const struct mb_net_port_spec *specs,
                         size_t n_specs, const char *default_ip, struct mb_err *err)
{
	const struct mb_net_endpoint *e = mb_net_gateway_endpoint(s);
	bool leads = e || s->cni.name;
	int r = 0;

	/* As docker has it: a container that only internal networks know publishes nothing. */
	if (!leads && n_specs)
		mb_warn("no port is published: no network of '%s' reaches the world",
		        s->container_name);
	for (size_t i = 0; leads && !r && i < n_specs; i++) {
		struct hosts hosts;

		allow_descriptors(s->n_bindings + specs[i].port_hi - specs[i].port_lo);
		r = hosts_for(e, &specs[i], default_ip, &hosts, err);
		if (!r && e)
			open_ports(s, e, &specs[i]);
		/* Plugins lead from where they are told to alone. */
		if (!r && s->cni.name)
			r = without_relays(&hosts, &specs[i], err);
		else if (!r && s->guest.container && hosts.n)
			r = without_process(&hosts, err);
		for (uint32_t port = specs[i].port_lo; !r && hosts.n && port <= specs[i].port_hi;
		     port++)
			r = reserve_one(s, &specs[i], &hosts, (uint16_t)(port - specs[i].port_lo),
			                err);
		if (!r && s->n_bindings > BINDINGS_MAX)
			r = mb_fail(err, E2BIG, "too many ports are published");
	}
	return r;
}

/* The addresses of a binding that is recorded. */
static int hosts_again(const struct mb_net_binding *b, struct hosts *ret)
{
	struct host *h = ret->v;

	*ret = (struct hosts){.n = 1};
	if (mb_net_addr_parse(b->host_ip, &h->addr) < 0)
		return -EINVAL;
	h->relayed = b->relayed && h->addr.family == AF_INET6;
	if (b->relayed && !h->relayed)
		h[ret->n++] = (struct host){.addr = loop6, .relayed = true, .optional = true};
	return 0;
}

int mb_net_sandbox_reserve(struct mb_net *net, struct mb_net_sandbox *s, struct mb_err *err)
{
	(void)net;
	allow_descriptors(s->n_bindings);
	for (size_t i = 0; i < s->n_bindings; i++) {
		const struct mb_net_binding *b = &s->bindings[i];
		uint16_t port = (uint16_t)b->host_port;
		struct hosts hosts;
		int r, fds[3];

		if (hosts_again(b, &hosts) < 0)
			continue;
		r = hold_all(&hosts, (uint8_t)b->proto, &port, fds);
		if (r)
			return tell_conflict(r, &hosts, port, (uint8_t)b->proto, err);
		for (size_t k = 0; k < hosts.n; k++)
			keep(s, &hosts.v[k], b->proto, b->port, fds[k]);
	}
	return 0;
}

bool mb_net_relay_target(const struct mb_net_sandbox *s, uint8_t ret_ip4[4], uint8_t ret_ip6[16])
{
	const struct mb_net_endpoint *e = mb_net_gateway_endpoint(s);
	struct mb_net_addr four, six;
	bool any = false;

	targets(e, &four, &six);
	memcpy(ret_ip4, four.b, 4);
	memcpy(ret_ip6, six.b, 16);
	for (size_t i = 0; i < s->n_bindings; i++)
		any = any || s->bindings[i].relayed;
	return any;
}

/* ---- the firewall's side -------------------------------------------------------------- */

static void put_bindings(const struct mb_net_sandbox *s, struct mb_net_changes *c, bool remove)
{
	struct mb_net_addr four, six;

	targets(mb_net_gateway_endpoint(s), &four, &six);
	for (size_t i = 0; i < s->n_bindings; i++) {
		const struct mb_net_binding *b = &s->bindings[i];
		struct mb_net_mapping m = {.proto = b->proto,
		                           .host_port = (uint16_t)b->host_port,
		                           .port = (uint16_t)b->port};

		if (mb_net_addr_parse(b->host_ip, &m.host) < 0)
			continue;
		m.to = m.host.family == AF_INET ? four : six;
		if (!m.to.family || is_loop6(&m.host))
			continue;
		if (b->from.n)
			mb_net_changes_guard(c, &m, &b->from, remove);
		mb_net_changes_port(c, &m, remove);
	}
}

/* Whether another binding leads to the same port inside. */
static bool is_led_still(const struct mb_net_sandbox *s, const struct mb_net_binding *b)
{
	for (size_t i = 0; s && i < s->n_bindings; i++) {
		const struct mb_net_binding *other = &s->bindings[i];

		if (other->proto == b->proto && other->port == b->port && !other->from.n &&
		    !strchr(other->host_ip, ':') == !strchr(b->host_ip, ':'))
			return true;
	}
	return false;
}

/* Whether one of them is for some alone. */
static bool is_guarded(const struct mb_net_sandbox *s, const struct mb_net_binding *b)
{
	for (size_t i = 0; s && i < s->n_bindings; i++) {
		const struct mb_net_binding *other = &s->bindings[i];

		if (other->proto == b->proto && other->port == b->port && other->from.n &&
		    !strchr(other->host_ip, ':') == !strchr(b->host_ip, ':'))
			return true;
	}
	return false;
}

/* What is published for some is not for whoever comes by an interface.  What @kept leads to stays.
 */
static void put_led(const struct mb_net_sandbox *s, const struct mb_net_sandbox *kept,
                    struct mb_net_changes *c, bool remove)
{
	const struct mb_net_endpoint *e = mb_net_gateway_endpoint(s);
	struct mb_net_addr four, six;

	targets(e, &four, &six);
	for (size_t i = 0; e && e->trusting && i < s->n_bindings; i++) {
		const struct mb_net_binding *b = &s->bindings[i];
		struct mb_net_mapping m = {.proto = b->proto,
		                           .port = (uint16_t)b->port,
		                           .to = strchr(b->host_ip, ':') ? six : four};

		if (m.to.family && !is_guarded(s, b) && !is_guarded(kept, b) &&
		    !is_led_still(kept, b))
			mb_net_changes_led(c, &m, remove);
	}
}

static void put_opened(const struct mb_net_sandbox *s, struct mb_net_changes *c, bool remove)
{
	const struct mb_net_endpoint *e = mb_net_gateway_endpoint(s);
	struct mb_net_addr four, six;

	targets(e, &four, &six);
	for (size_t i = 0; e && i < s->n_opened; i++) {
		if (s->opened[i].v4 && e->direct4 && four.family)
			mb_net_changes_opened(c, &four, &s->opened[i], remove);
		if (s->opened[i].v6 && e->direct6 && six.family)
			mb_net_changes_opened(c, &six, &s->opened[i], remove);
	}
}

void mb_net_ports_changes(const struct mb_net_sandbox *s, struct mb_net_changes *c, bool remove)
{
	struct mb_net_addr four, six;

	put_opened(s, c, remove);
	if (!s->n_bindings)
		return;
	targets(mb_net_gateway_endpoint(s), &four, &six);
	if (four.family)
		mb_net_changes_self(c, &four, remove);
	if (six.family)
		mb_net_changes_self(c, &six, remove);
	put_bindings(s, c, remove);
	put_led(s, NULL, c, remove);
}

struct heirs {
	const struct mb_net_sandbox *of;
	struct mb_net_changes *changes;
};

static bool is_same(const char *a, const char *b)
{
	return a && b && mb_streq(a, b);
}

static int each_heir(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	struct heirs *h = arg;
	const struct mb_net_endpoint *e = mb_net_gateway_endpoint(s), *of;

	(void)net;
	(void)err;
	if (!e || mb_streq(s->container_id, h->of->container_id))
		return 0;
	of = mb_net_endpoint_find(h->of, e->network_id);
	if (of && (is_same(of->ip4, e->ip4) || is_same(of->ip6, e->ip6)))
		mb_net_ports_changes(s, h->changes, false);
	return 0;
}

int mb_net_ports_heirs(struct mb_net *net, const struct mb_net_sandbox *s,
                       struct mb_net_changes *ret, struct mb_err *err)
{
	struct heirs h = {.of = s, .changes = ret};
	bool any = false;

	for (size_t i = 0; !any && i < s->n_endpoints; i++) {
		MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;

		any = mb_net_doc_read(net, s->endpoints[i].network_id, &n, NULL) == 0 &&
		      mb_net_address_is_anothers(net, n, &s->endpoints[i], s->container_id);
	}
	/* All records are read for that, and only then. */
	return any ? mb_net_records_walk(net, each_heir, &h, err) : 0;
}

/* No entry, no search: reading the whole table costs milliseconds. */
static bool has_connections(void)
{
	char n[24];

	return mb_read_kernel_file(AT_FDCWD, "/proc/sys/net/netfilter/nf_conntrack_count", n,
	                           sizeof(n)) < 0 ||
	       !mb_streq(n, "0");
}

static int forget_udp(struct mb_net *net, const struct mb_net_sandbox *s, struct mb_err *err)
{
	MB_AUTO_FREE uint16_t *ports = mb_calloc(s->n_bindings + 1, sizeof(*ports));
	size_t n = 0;

	for (size_t i = 0; i < s->n_bindings; i++)
		if (s->bindings[i].proto == IPPROTO_UDP)
			ports[n++] = (uint16_t)s->bindings[i].host_port;
	if (!n || !has_connections())
		return 0;
	return mb_nl_conntrack_forget_udp(&net->netfilter, ports, n, NULL, err);
}

void mb_net_forget_address(struct mb_net *net, const struct mb_net_addr *a)
{
	if (has_connections() && mb_net_netfilter_sock(net, NULL) == 0)
		(void)mb_nl_conntrack_forget_addr(&net->netfilter, a->family, a->b, NULL);
}

static int apply(struct mb_net *net, const struct mb_net_sandbox *s, const struct mb_net_changes *c,
                 struct mb_err *err)
{
	int r;

	if (!c->n)
		return 0;
	r = mb_net_firewall_apply_of(net, s, c, err);
	return r ? r : forget_udp(net, s, err);
}

static int change(struct mb_net *net, const struct mb_net_sandbox *s, bool remove,
                  struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes c = {0};

	mb_net_ports_changes(s, &c, remove);
	return apply(net, s, &c, err);
}

int mb_net_ports_withdraw(struct mb_net *net, const struct mb_net_sandbox *s,
                          const struct mb_net_sandbox *kept, struct mb_err *err)
{
	MB_AUTO_NET_CHANGES struct mb_net_changes c = {0};

	put_bindings(s, &c, true);
	put_led(s, kept, &c, true);
	return apply(net, s, &c, err);
}

int mb_net_ports_publish(struct mb_net *net, const struct mb_net_sandbox *s, struct mb_err *err)
{
	return change(net, s, false, err);
}

int mb_net_ports_unpublish(struct mb_net *net, const struct mb_net_sandbox *s, struct mb_err *err)
{
	return change(net, s, true, err);
}
