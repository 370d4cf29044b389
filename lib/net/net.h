/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/net.h — networks, and the place of a container in them.
 *
 * A start is four calls: mb_net_sandbox_prepare (addresses and host ports are ours),
 * mb_net_sandbox_attach (interfaces in the namespace), mb_net_sandbox_publish (names and ports
 * become visible), and at the end of life mb_net_detach, which needs nothing but the id and may
 * be called at any time, any number of times: after any of the three failed, too.  What a
 * container has is in its record RUN/net/e/<container id>; it is written before anything that
 * has to be undone.  A container lives, and keeps its addresses, while RUN/c/<id> is there: make
 * that directory before prepare, remove it after detach.
 */
#ifndef MB_NET_NET_H
#define MB_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/own.h"
#include "core/strv.h"

struct mb_err;
struct mb_net_cni_outcome;  /* cni.h: what plugins gave */
struct mb_net_port_spec;    /* port_spec.h: one -p */
struct mb_net_network_spec; /* network_spec.h: one --network */
struct mb_store;
struct mb_str;

/* Positive answers. */
enum { MB_NET_ABSENT = 1, MB_NET_IN_USE = 2, MB_NET_TAKEN = 3 };

/* The handle: borrows the store, opens its netlink sockets on first use. */
struct mb_net;
void mb_net_new(struct mb_store *store, struct mb_net **ret);
void mb_net_free(struct mb_net *net);
MB_AUTO_DEFINE(struct mb_net, mb_net_free)

/* ---- networks ------------------------------------------------------------------------- */

#define MB_NET_DEFAULT "bridge"

/* One address pool of a network.  Empty strings are NULL. */
struct mb_net_pool {
	char *subnet;   /* "10.88.1.0/24" */
	char *gateway;  /* "10.88.1.1"; always set once the network is made, unless unmanaged */
	char *ip_range; /* "10.88.1.128/25" or NULL */
	struct mb_kv aux;
};

/* A rule of a policy.  Sides as policy_rule.h has them, in canonical form. */
struct mb_net_rule {
	uint32_t id;
	char *from, *to;
	uint32_t proto;            /* IPPROTO_*, ICMP for both versions; 0: any */
	uint32_t port_lo, port_hi; /* 0, 0: any */
	bool deny;
};
/* The first rule that matches decides, then the default does.  A network with a rule or the
 * default "deny" is governed. */
struct mb_net_policy {
	bool deny;
	uint32_t last_id; /* the highest that was ever given */
	struct mb_net_rule *rules;
	size_t n_rules;
};

/* A name inside a network for a host or a service outside it. */
enum { MB_NET_EXTERNALS_MAX = 1024, MB_NET_EXTERNAL_ADDRESSES_MAX = 32 };
struct mb_net_external {
	char *name;               /* lower case */
	struct mb_strv addresses; /* of both families, in canonical form; one at least */
};

/* Where hosts that share a network tell each other who is where: etcd (overlay.h). */
struct mb_net_store {
	struct mb_strv members;     /* "https://etcd1:2379", tried in turn; none: no store */
	char *cacert, *cert, *key;  /* paths; NULL: none */
	char *user, *password_file; /* NULL: none */
};
/* The network goes beyond this host, by VXLAN. */
struct mb_net_overlay {
	uint32_t vni, port;
	char *vtep;           /* this host's address in the network below; NULL: no overlay */
	struct mb_strv peers; /* the others', where nobody else says who they are */
	bool external;        /* another program fills the tables */
	struct mb_net_store store;
	char *host;               /* what this host is called there */
	uint32_t ttl;             /* seconds after which a host that says nothing is gone */
	uint64_t revision;        /* of the network's record in the store */
	uint64_t policy_revision; /* at which the policy was put there that is here */
	/* WireGuard is below the tunnel: .vtep follows from the public key, and .underlay is this
	 * host's address in the network below.  Keys in hexadecimal. */
	bool encrypted;
	char *underlay, *wire_key, *wire_public;
	uint32_t wire_port;
};

struct mb_net_network {
	char *id, *name, *driver;  /* driver: bridge, macvlan, ipvlan, overlay, host, null */
	int64_t created;           /* 0 for host and none */
	char *bridge;              /* the host's interface in it: a bridge, or of a macvlan one that
	                            * reaches the containers; NULL: none */
	char *parent;              /* macvlan, ipvlan: the interface they are upon */
	uint32_t mode, mode_flags; /* of the driver, as the kernel numbers them */
	bool internal, ipv6, icc, masquerade, attachable, builtin;
	bool no_ipv4;
	bool no_addresses; /* containers get none from us: their interfaces are only up */
	bool dhcp;         /* besides: a DHCP server gives them some */
	uint32_t group;    /* of its interfaces, where no IPv4 subnet says it; 0: that one does */
	bool no_dns;       /* the resolver answers no names of it */
	/* gateway_mode: its addresses are known outside; neither masquerade nor ports of the host.
	 */
	bool direct4, direct6;
	bool exposed4, exposed6;   /* gateway_mode: who has a route reaches all of a container */
	bool unmanaged;            /* the bridge is the host's own: nothing of it is ours */
	bool loose;                /* isolate=false: reaches others that say so, and they it */
	struct mb_strv trusted;    /* interfaces from which published ports are reached inside */
	bool bare4, bare6;         /* the host has no address of the family in it */
	bool no_route;             /* it is nobody's default route */
	char *vrf;                 /* in which the host has its bridge (unmanaged); NULL: any */
	uint32_t vlan;             /* of the bridge's ports; 0: they are in none */
	uint32_t metric;           /* of the default route; 0: the kernel's own */
	struct mb_strv routes;     /* in containers, as route_spec.h has them */
	struct mb_strv dns;        /* whom resolvers ask, if the container does not say */
	char *host_ip4, *host_ip6; /* with which traffic leaves; NULL: as the route has it */
	uint32_t mtu;
	uint32_t mtu_out;          /* of what leaves it, where that is less; 0: mtu */
	char *host_binding;        /* where -p without address binds; NULL: everywhere */
	struct mb_net_pool v4, v6; /* .subnet NULL: no addresses of the family */
	struct mb_kv options, labels;
	struct mb_net_policy policy;
	struct mb_net_overlay overlay;
	struct mb_net_external *externals;
	size_t n_externals;
};
void mb_net_network_free(struct mb_net_network *n);
MB_AUTO_DEFINE(struct mb_net_network, mb_net_network_free)

struct mb_net_networks {
	struct mb_net_network **v;
	size_t n;
};
void mb_net_networks_done(struct mb_net_networks *list);

/* What `network create` says; everything but the name may be empty. */
struct mb_net_create {
	const char *name, *driver;
	struct mb_strv subnets, gateways, ip_ranges; /* v4 and v6, matched by containment */
	struct mb_kv aux;                            /* name -> address */
	bool internal, ipv6, attachable, no_dns;
	bool no_ipv4;      /* needs ipv6 */
	bool no_addresses; /* --ipam-driver none, or dhcp */
	bool dhcp;
	struct mb_kv options, labels;
	struct mb_strv routes; /* route_spec.h */
	struct mb_strv dns;    /* addresses */
};
/* Make it: document, bridge, firewall elements.  Return: 0 and *@ret_network; MB_NET_TAKEN, told:
 * the name exists; or -errno, nothing left behind. */
int mb_net_network_create(struct mb_net *net, const struct mb_net_create *request,
                          struct mb_net_network **ret_network, struct mb_err *err);
/* By id, name or unique prefix of an id.  "bridge", "host" and "none" always exist.
 * Return: 0; MB_NET_ABSENT, told; -EINVAL when several ids begin so. */
int mb_net_network_find(struct mb_net *net, const char *reference,
                        struct mb_net_network **ret_network, struct mb_err *err);
/* All of them, builtin ones too, by name.  A document that cannot be read is skipped and told
 * to mb_warn. */
int mb_net_network_list(struct mb_net *net, struct mb_net_networks *ret, struct mb_err *err);
/* Return: 0; MB_NET_IN_USE, told: containers are on it; -EPERM for a builtin one. */
int mb_net_network_remove(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err);

/* Bring a network here that other hosts have, from its record in the store that @options name.
 * Return: 0; MB_NET_TAKEN, MB_NET_ABSENT, told; or -errno, nothing left behind. */
int mb_net_network_join(struct mb_net *net, const char *name, const struct mb_kv *options,
                        const struct mb_kv *labels, struct mb_net_network **ret_network,
                        struct mb_err *err);
/* Take it away here alone, whether the store answers or not.  Return: as _remove. */
int mb_net_network_leave(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err);

/* ---- endpoints ------------------------------------------------------------------------ */

/* What a DHCP server said with an address.  Times are nanoseconds of CLOCK_BOOTTIME; 0: never. */
struct mb_net_lease {
	char *server, *server_mac;  /* NULL: there is no address */
	char *former;               /* the address that is asked for */
	uint64_t due;               /* when there is something to do */
	uint64_t rebind, ends;      /* any server may keep it from then on; nobody's any more */
	struct mb_strv dns, search; /* for resolv.conf */
	struct mb_strv routes;      /* as route_spec.h has them; gateway 0.0.0.0: on the link */
	uint32_t mtu;               /* 0: the interface's own */
};

/* A container on a network.  Addresses are text; NULL where there is none. */
struct mb_net_endpoint {
	char *network_id, *network; /* id and name */
	char *id;                   /* docker's EndpointID: 64 hex digits */
	char *driver;               /* NULL: bridge */
	char *bridge, *host_ifname; /* "mybox0" (the parent of a macvlan one), "mb0123456789" */
	char *ifname;               /* "eth0" in the container */
	char *ip4, *gw4, *ip6, *gw6, *mac;
	uint32_t prefix4, prefix6, mtu, slot; /* slot: 0 is eth0 */
	uint32_t mtu_out;                     /* of its default route; 0: mtu */
	uint32_t group;                       /* the network's, if that has one */
	bool no_addresses, dhcp;              /* the network's */
	struct mb_net_lease lease;            /* of .ip4, where .dhcp */
	bool free6; /* without addresses of ours: IPv6 is as the link and its routers say */
	int gw_priority;
	bool internal, isolated; /* isolated: no traffic between neighbours (icc off) */
	bool on_link;            /* the default route has no gateway: ipvlan's layer 3 */
	bool announced;          /* another program tells other hosts of it (control=external) */
	bool gateway;            /* carries the default route and the ports */
	bool no_dns;             /* its names are in no resolver */
	bool direct4, direct6;   /* the network's */
	bool bare4, unmanaged;   /* likewise */
	bool trusting;           /* likewise: some interfaces */
	bool no_route;           /* likewise */
	uint32_t metric;         /* of its default route */
	struct mb_strv routes;   /* the network's others */
	struct mb_strv dns;      /* the network's */
	/* Not in the record: outside the bridge (policies), and its next hop to neighbours. */
	bool routed;
	char *hop6;
	struct mb_strv aliases; /* --network-alias */
	struct mb_strv links;   /* --link: others' names that are its own alone, as in its spec */
	struct mb_strv names;   /* all that the resolver answers to */
	struct mb_kv driver_opts;
	char *wanted_ip4, *wanted_ip6; /* --ip, --ip6 */
};

/* One published port, as it really is (docker's PortBindings). */
struct mb_net_binding {
	uint32_t proto; /* IPPROTO_TCP, _UDP, _SCTP */
	uint32_t port;  /* in the container */
	char *host_ip;  /* "0.0.0.0", "::", "127.0.0.1" */
	uint32_t host_port;
	struct mb_strv from; /* who may connect; empty: everybody */
	bool relayed;        /* who comes to [::1] is led there by a process, which NAT cannot do */
};
/* A port that may be reached at the container's own address, from outside. */
struct mb_net_opened {
	uint32_t proto, port;
	bool v4, v6;
};
/* The socket of [::1], or of [::], for that. */
struct mb_net_relay {
	int fd;         /* owned; listening, if it is of TCP */
	uint32_t proto; /* IPPROTO_TCP, _UDP */
	uint32_t port;  /* in the container */
};

/* A network that plugins make (cni.h). */
struct mb_net_cni {
	char *name;   /* NULL: none */
	char *conf;   /* the list of plugins as it was at ADD */
	char *result; /* what they said; NULL: nothing yet */
};

/* Of a container that is not ours (guest.h): what its engine calls it, and where it is. */
struct mb_net_guest {
	char *container; /* NULL: none */
	char *ifname, *netns, *config;
	uint64_t dev, ino; /* of the namespace */
	bool no_route;     /* the default route is another's */
};

struct mb_net_sandbox {
	char *container_id, *container_name, *hostname;
	struct mb_kv labels;
	char *rate, *delay, *loss; /* of all its endpoints (shape.h); NULL: none */
	struct mb_net_cni cni;
	struct mb_net_guest guest;
	struct mb_net_endpoint *endpoints;
	size_t n_endpoints;
	struct mb_net_binding *bindings;
	size_t n_bindings;
	struct mb_net_opened *opened; /* where addresses are direct */
	size_t n_opened;
	/* Of the network that it left last: what it may still have there if that was cut off. */
	char *left_network, *left_ip4, *left_ip6;
	bool leaving; /* a detach has begun: the firewall is to have nothing of it any more */
	/* Bound sockets that hold the host ports; owned.  Give copies to the monitor, which
	 * keeps them for its life (mind MB_SOCK_MAX_FDS per message). */
	int *reserved;
	size_t n_reserved;
	struct mb_net_relay *relays; /* likewise: the monitor leads who comes to them */
	size_t n_relays;
};
void mb_net_sandbox_free(struct mb_net_sandbox *sandbox);
MB_AUTO_DEFINE(struct mb_net_sandbox, mb_net_sandbox_free)

struct mb_net_request {
	const char *container_id, *container_name, *hostname;
	const struct mb_kv *labels; /* may be NULL */
	const char *cni;            /* instead of networks and ports; NULL: none */
	bool again; /* it had a life before, maybe before the machine's last start */
	/* Each MB_NET_MODE_NETWORK; none: an isolated namespace, lo only. */
	const struct mb_net_network_spec *networks;
	size_t n_networks;
	const struct mb_net_port_spec *ports; /* -p, and those of -P */
	size_t n_ports;
	const char *rate, *delay, *loss;     /* shape.h; may be NULL */
	const struct mb_net_guest *guest;    /* or NULL */
	const struct mb_net_sandbox *before; /* or NULL: take its addresses if free */
};
/* Networks brought up if they are not, addresses allocated, host ports bound, record written.
 * Return: 0; MB_NET_ABSENT, told: no such network; or -errno, told, nothing left behind. */
int mb_net_sandbox_prepare(struct mb_net *net, const struct mb_net_request *request,
                           struct mb_net_sandbox **ret, struct mb_err *err);
/* lo up, every endpoint's pair of interfaces, addresses, routes.  Once per namespace. */
int mb_net_sandbox_attach(struct mb_net *net, struct mb_net_sandbox *sandbox, int netns_fd,
                          struct mb_err *err);
/* Names into the resolver's database, ports into the firewall. */
int mb_net_sandbox_publish(struct mb_net *net, struct mb_net_sandbox *sandbox, struct mb_err *err);
/* Undo all of it, from the record, whatever had been done.  Interfaces die with the namespace. */
int mb_net_detach(struct mb_net *net, const char *container_id, struct mb_err *err);

/* The record of a container (no sockets in it).  Return: 0; MB_NET_ABSENT; or -errno. */
int mb_net_sandbox_load(struct mb_net *net, const char *container_id, struct mb_net_sandbox **ret,
                        struct mb_err *err);
/* Bind the recorded host ports again (after a monitor died): fills .reserved and .relays. */
int mb_net_sandbox_reserve(struct mb_net *net, struct mb_net_sandbox *sandbox, struct mb_err *err);
/* Whether a network of it has names: others' containers ask the servers themselves. */
bool mb_net_has_names(const struct mb_net_sandbox *sandbox);
/* The name servers that @own says (--dns), or else those of the first network that has some.
 * Borrowed of either; @sandbox may be NULL. */
const struct mb_strv *mb_net_servers(const struct mb_strv *own,
                                     const struct mb_net_sandbox *sandbox);
/* Where relays lead to: the addresses of the endpoint that carries the ports; zeroes where it has
 * none.  Return: whether anything is relayed. */
bool mb_net_relay_target(const struct mb_net_sandbox *sandbox, uint8_t ret_ip4[4],
                         uint8_t ret_ip6[16]);
/* After `rename`: the record and the names follow. */
int mb_net_sandbox_rename(struct mb_net *net, const char *container_id, const char *new_name,
                          struct mb_err *err);
/* What to search names in, likewise. */
const struct mb_strv *mb_net_search(const struct mb_strv *own,
                                    const struct mb_net_sandbox *sandbox);

/* ---- leases: networks whose addresses are a DHCP server's -------------------------------------
 */

bool mb_net_has_leases(const struct mb_net_sandbox *sandbox);
bool mb_net_lease_is_due(const struct mb_net_endpoint *e);
/* Do what is due of @e's with its server, for some seconds at most, and note in @e what came of it;
 * nothing else is changed.  Needs no lock.  Return: 0; or -errno, told, to be tried again. */
int mb_net_lease_ask(const struct mb_net_sandbox *sandbox, struct mb_net_endpoint *e, int netns_fd,
                     struct mb_err *err);
/* @e, of the record as it is now, becomes what @now says: address, routes, names.  The caller holds
 * the container's lock. */
int mb_net_lease_settle(struct mb_net *net, struct mb_net_sandbox *sandbox,
                        struct mb_net_endpoint *e, struct mb_net_endpoint *now, int netns_fd,
                        struct mb_err *err);
/* What gives the address back: a frame, and where it is to be sent to; fd -1: there is none. */
struct mb_net_farewell {
	int fd; /* owned by the caller */
	size_t n;
	uint8_t frame[618];
};
int mb_net_lease_farewell(const struct mb_net_sandbox *sandbox, const struct mb_net_endpoint *e,
                          int netns_fd, struct mb_net_farewell *ret, struct mb_err *err);
/* All that it has. */
void mb_net_leases_release(const struct mb_net_sandbox *sandbox, int netns_fd);

/* Join one more network, or leave one, while the container runs.  The caller holds the
 * container's lock.  @netns_fd -1 in disconnect: the namespace is gone.
 * Return: 0; MB_NET_ABSENT (no such network, or not on it), told; MB_NET_TAKEN: is on it already,
 * told; or -errno. */
int mb_net_connect(struct mb_net *net, const char *container_id, int netns_fd,
                   const struct mb_net_network_spec *spec, struct mb_err *err);
int mb_net_disconnect(struct mb_net *net, const char *container_id, int netns_fd,
                      const char *network, struct mb_err *err);
/* Publish more ports of a container that runs, or take some back; the caller holds its lock.
 * publish: *@ret has the record as it is now, and in .reserved and .relays the new sockets alone:
 * give them to the monitor.  Nothing is left of a failure.  unpublish: those bindings for which
 * @is_it answers true; what it took back is in *@ret (bindings alone): tell the monitor to let go
 * of them.
 * Return: 0; MB_NET_ABSENT, told: the container has no network; or -errno. */
int mb_net_publish(struct mb_net *net, const char *container_id,
                   const struct mb_net_port_spec *ports, size_t n_ports,
                   struct mb_net_sandbox **ret, struct mb_err *err);
typedef bool mb_net_binding_is_it(const struct mb_net_binding *b, void *arg);
int mb_net_unpublish(struct mb_net *net, const char *container_id, mb_net_binding_is_it *is_it,
                     void *arg, struct mb_net_sandbox **ret, struct mb_err *err);
/* Every container that has an endpoint on @network_id (`network inspect`). */
struct mb_net_members {
	struct mb_net_sandbox **v;
	size_t n;
};
int mb_net_members_list(struct mb_net *net, const char *network_id, struct mb_net_members *ret,
                        struct mb_err *err);
void mb_net_members_done(struct mb_net_members *members);

/* ---- endpoints outside ---------------------------------------------------------------- */

/* The resolver answers @name with @addresses on this network; kept with the network.
 * Return: 0; MB_NET_TAKEN, told: a container or an endpoint has the name; or -errno, told,
 * nothing changed. */
int mb_net_external_add(struct mb_net *net, const struct mb_net_network *n, const char *name,
                        const struct mb_strv *addresses, struct mb_err *err);
/* Return: 0; MB_NET_ABSENT, told; or -errno. */
int mb_net_external_remove(struct mb_net *net, const struct mb_net_network *n, const char *name,
                           struct mb_err *err);
/* Of @n as it was read; NULL: none has the name, whatever its letter case.  Borrowed. */
const struct mb_net_external *mb_net_external_find(const struct mb_net_network *n,
                                                   const char *name);

/* ---- policies ------------------------------------------------------------------------- */

/* The network namespace of a container that runs; -1 when there is none to look at. */
typedef int mb_net_netns_open(const char *container_id, void *arg);
/* Who opens it when a policy that other hosts share changes. */
void mb_net_set_opener(struct mb_net *net, mb_net_netns_open *open, void *arg);
/* A policy changes while containers run: those of the network leave its bridge or come back to
 * it, for which their namespaces are wanted. */
enum mb_net_policy_op { MB_NET_POLICY_ADD, MB_NET_POLICY_REMOVE, MB_NET_POLICY_DEFAULT };
struct mb_net_policy_edit {
	enum mb_net_policy_op op;
	struct mb_net_rule rule; /* ADD: all but the id; REMOVE: the id; DEFAULT: deny; borrowed */
	uint32_t before;         /* ADD: in front of this one; 0: at the end */
	mb_net_netns_open *open;
	void *arg;
};
/* Return: 0 and *@ret_id the rule's id (may be NULL); MB_NET_ABSENT, told: no such rule; or
 * -errno: told, the policy is as it was, or as it is to be if its document could be written. */
int mb_net_policy_change(struct mb_net *net, const struct mb_net_network *n,
                         const struct mb_net_policy_edit *edit, uint32_t *ret_id,
                         struct mb_err *err);
/* Of a network that hosts share: what the store says now, into *@n, where nobody here leads and
 * would know.  One that does not answer is told by a warning. */
int mb_net_policy_refresh(struct mb_net *net, struct mb_net_network **n, struct mb_err *err);
/* What rules counted since the firewall was made, both directions of what they decided: @v has
 * one more than there are rules, the first is the default's. */
struct mb_net_count {
	uint64_t packets, bytes;
};
int mb_net_policy_counts(struct mb_net *net, const struct mb_net_network *n, struct mb_net_count *v,
                         struct mb_err *err);
/* Who decides about a connection from @from to @to, by what the state says; nothing is sent.
 * Sides are written as in rules; names of containers that are on the network are these, others
 * would have no label and no address. */
struct mb_net_verdict {
	bool allowed;
	const struct mb_net_rule *rule; /* borrowed from the network; NULL: the default */
	const char *reason;             /* what else decides, static; or NULL */
};
int mb_net_policy_test(struct mb_net *net, const struct mb_net_network *n,
                       const struct mb_net_rule *flow, struct mb_net_verdict *ret,
                       struct mb_err *err);

/* ---- resolver ------------------------------------------------------------------------- */

/* RUN/net/<id>: the directory with n/<name>/<container id> -> "ip4,ip6,container id" and
 * p/<ip> -> name, as paths in join order, for the monitor. */
void mb_net_names_dirs(struct mb_net *net, const struct mb_net_sandbox *sandbox,
                       struct mb_strv *dirs);

enum mb_net_resolver_mode {
	MB_NET_RESOLVER_LOOKUP, /* a BPF sk_lookup program brings port 53 to the sockets */
	MB_NET_RESOLVER_NFT,    /* destination NAT in the namespace */
	MB_NET_RESOLVER_DIRECT, /* bound to 127.0.0.11:53 itself */
};
struct mb_net_resolver {
	enum mb_net_resolver_mode mode;
	uint16_t port; /* that udp_fd and tcp_fd are bound to, on 127.0.0.11 */
	int udp_fd;    /* IP_PKTINFO is on */
	int tcp_fd;    /* listening */
	int reply_fd;  /* LOOKUP: raw UDP socket, the UDP header is ours to write (source port
	                * 53); otherwise -1: answer on udp_fd */
	int link_fd;   /* LOOKUP: the attached program, it lives as long as this is open; or -1 */
};
#define MB_NET_RESOLVER_INIT \
	((struct mb_net_resolver){.udp_fd = -1, .tcp_fd = -1, .reply_fd = -1, .link_fd = -1})
/* Make ready what needs no namespace, while one is being born: mb_net_resolver_open() takes it. */
void mb_net_resolver_warm(struct mb_net *net);
/* Make the sockets inside @netns_fd.  lo must be up there. */
int mb_net_resolver_open(struct mb_net *net, int netns_fd, struct mb_net_resolver *ret,
                         struct mb_err *err);
void mb_net_resolver_done(struct mb_net_resolver *resolver);

/* ---- files of the container ----------------------------------------------------------- */

struct mb_net_files {
	const char *hostname, *domainname;    /* domainname may be NULL */
	const struct mb_net_sandbox *sandbox; /* NULL: host networking (the host's files) */
	struct mb_strv add_hosts;             /* --add-host as typed; checked here */
	struct mb_strv dns, dns_search, dns_options;
	bool no_resolver;                     /* no 127.0.0.11: the servers themselves */
	const struct mb_net_cni_outcome *cni; /* or NULL */
};
int mb_net_hosts_format(struct mb_net *net, const struct mb_net_files *files, struct mb_str *out,
                        struct mb_err *err);
/* Only the lines of the container itself, one for each of its addresses. */
void mb_net_hosts_own(const struct mb_net_files *files, struct mb_str *out);
int mb_net_resolv_format(const struct mb_net_files *files, struct mb_str *out, struct mb_err *err);
void mb_net_hostname_format(const struct mb_net_files *files, struct mb_str *out);

/* ---- repair --------------------------------------------------------------------------- */

/* What of the machine does not agree with the state; one line each, for `system check`.
 * @repair puts it right (what cannot be is still listed, with "(not repaired)" at its end). */
int mb_net_check(struct mb_net *net, bool repair, struct mb_strv *findings, struct mb_err *err);
/* Write everything again from the state: one nftables transaction with all there is, then bridges,
 * their ports, and names of the networks @ids; NULL: of all. */
int mb_net_reload(struct mb_net *net, const struct mb_strv *ids, struct mb_err *err);
/* All of that if the firewall's table is not there, else nothing. */
int mb_net_mend(struct mb_net *net, struct mb_err *err);
/* The table that @sandbox relies on, valid while @net lives; NULL: no network of it has one. */
const char *mb_net_table_of(const struct mb_net *net, const struct mb_net_sandbox *sandbox);
/* Tables of others that drop what is forwarded ("table ip filter chain FORWARD (policy drop)"):
 * containers may not reach the world through them.  One line each. */
int mb_net_foreign_drops(struct mb_net *net, struct mb_strv *findings, struct mb_err *err);

#endif
