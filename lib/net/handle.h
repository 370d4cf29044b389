/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/handle.h — what the files of this folder share, not for others. */
#ifndef MB_NET_HANDLE_H
#define MB_NET_HANDLE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/net.h"
#include "net/sk_lookup.h"
#include "nl/sock.h"

struct mb_etcd;
struct mb_net_changes;
struct mb_net_plan_of;
struct mb_net_remote;
struct mb_net_remotes;
struct mb_nl_batch;
struct mb_net_ipam;
struct mb_net_ipam_plan;

struct mb_net {
	struct mb_store *store; /* borrowed */
	struct mb_nl route, netfilter;
	char table[24]; /* nftables table of this store */
	char alias[32]; /* what bridges of this store begin their alias with */
	bool table_seen;
	struct mb_net_sk_lookup lookup; /* of the resolver that is to be opened */
	struct mb_etcd *etcd;           /* of the network that was last asked for; NULL: none */
	char *etcd_of;
	struct mb_strv etcd_silent; /* networks whose store was asked in vain by this start */
	int *uses; /* locks of networks that a container of this start is to be recorded on */
	size_t n_uses;
	mb_net_netns_open *open; /* of containers that run; NULL: nobody can */
	void *open_arg;
};

/* Held until mb_net_uses_end(), which the container's record is written before. */
void mb_net_use_keep(struct mb_net *net, int *fd);
void mb_net_uses_end(struct mb_net *net);
int mb_net_route_sock(struct mb_net *net, struct mb_err *err);
int mb_net_netfilter_sock(struct mb_net *net, struct mb_err *err);
/* RUN/net/<id> and RUN/net/e. */
int mb_net_run_dir(struct mb_net *net, const char *network_id, int *ret_fd, struct mb_err *err);
int mb_net_records_dir(struct mb_net *net, int *ret_fd, struct mb_err *err);
/* Enter the namespace; come back with _leave, which ends the process if it cannot. */
int mb_net_netns_enter(int netns_fd, int *ret_home_fd, struct mb_err *err);
void mb_net_netns_leave(int *home_fd);
/* A netlink socket of @protocol that speaks of @netns_fd; the caller closes it. */
int mb_net_netns_sock(int netns_fd, int protocol, struct mb_nl *ret, struct mb_err *err);
/* A sysctl below /proc/sys of the namespace the caller is in; "1\n" is written only if it does
 * not hold the value already.  Return: 0 or -errno (nothing told). */
int mb_net_sysctl(const char *value, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* An index for a new interface: far from those that the kernel gives. */
int mb_net_index_make(const char *seed, unsigned int attempt);

/* options.c */
#define MB_NET_OPTION_BRIDGE       "com.docker.network.bridge.name"
#define MB_NET_OPTION_HOST_ADDRESS "host_address" /* macvlan: the host's own in it */
bool mb_net_is_overlay(const char *driver);
/* Return: 0; -EPERM, -ENOENT, told: it is none that a network can have. */
int mb_net_driver_check(const char *name, struct mb_err *err);
/* From n->options, for n->driver. */
int mb_net_options_set(struct mb_net_network *n, struct mb_err *err);

/* network_doc.c */
bool mb_net_ifname_is_valid(const char *name);
/* As names of containers, and single characters too. */
bool mb_net_name_is_valid(const char *name);
void mb_net_network_names(const char *id, char bridge[16]);
enum { MB_NET_RULES_MAX = 256 };
/* What a document or a record may say; rules come into canonical form. */
bool mb_net_policy_is_valid(const struct mb_net_policy *p);
void mb_net_policy_done(struct mb_net_policy *p);
/* With @again the document is there already, and is replaced. */
int mb_net_doc_write(struct mb_net *net, const struct mb_net_network *n, bool again,
                     struct mb_err *err);
int mb_net_doc_read(struct mb_net *net, const char *id, struct mb_net_network **ret,
                    struct mb_err *err);
int mb_net_doc_remove(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err);
/* The name alone, of one whose document was not written. */
void mb_net_doc_unclaim(struct mb_net *net, const struct mb_net_network *n);
/* Ids of all documents. */
int mb_net_doc_ids(struct mb_net *net, struct mb_strv *ids, struct mb_err *err);
/* The default network, its document made when it is not there. */
int mb_net_default(struct mb_net *net, struct mb_net_network **ret, struct mb_err *err);
struct mb_net_network *mb_net_builtin(struct mb_net *net, const char *name);

/* network.c */
/* The interface of the default route; 0: there is none. */
int mb_net_uplink(struct mb_net *net, int *ret_index, struct mb_err *err);
/* Of the default route's interface where that is less than 1500; 0: the usual. */
uint32_t mb_net_uplink_mtu(struct mb_net *net);
/* The option mtu=auto, of a network whose mtu is still the uplink's. */
void mb_net_network_jumbo(struct mb_net_network *n);
int mb_net_networks_lock(struct mb_net *net, bool exclusive, int *ret_fd, struct mb_err *err);

/* pool.c: choosing and checking subnets.  The caller holds the networks' lock. */
int mb_net_pool_choose(struct mb_net *net, struct mb_net_network *n,
                       const struct mb_net_create *request, struct mb_err *err);
int mb_net_pool_plan(const struct mb_net_pool *pool, struct mb_net_ipam_plan *plan,
                     uint32_t *reserved, size_t max_reserved, struct mb_err *err);
int mb_net_pool_open(struct mb_net *net, const struct mb_net_network *n, bool v6,
                     struct mb_net_ipam *ret, struct mb_err *err);
bool mb_net_owner_is_alive(uint64_t owner, void *net);
/* Whether there is a container, ours or a guest, of this id. */
bool mb_net_is_live(struct mb_net *net, const char *id);

/* bridge.c */
/* For a network with IPv6: the host leads its packets on; router advertisements stay believed. */
void mb_net_forwarding6_enable(const struct mb_net_network *n);
/* What a network has on the host, of any driver: a bridge with its addresses and elements; the
 * caller holds the lock exclusively. */
int mb_net_bridge_up(struct mb_net *net, const struct mb_net_network *n, bool force, int *ret_index,
                     struct mb_err *err);
/* Its index when it is up; 0 otherwise. */
int mb_net_bridge_index(struct mb_net *net, const char *network_id);
int mb_net_bridge_down(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err);

/* upper.c: macvlan and ipvlan, interfaces upon one of the host's */
/* Of @driver; NULL is a bridge. */
bool mb_net_is_upper(const char *driver);
/* Ask the kernel for one upon @n->parent, and take it back. */
int mb_net_upper_probe(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err);
/* What mb_net_bridge_up() and _down() are to bridges: the host's own interface, if it has one. */
int mb_net_upper_up(struct mb_net *net, const struct mb_net_network *n, int *ret_index,
                    struct mb_err *err);
/* The container's interface; and with an interface of the host, the way from there. */
int mb_net_upper_attach(struct mb_net *net, const struct mb_net_endpoint *e, int netns_fd,
                        int *ret_index, struct mb_err *err);
/* What of it is in the host: the route.  In the namespace, unless -1: the interface. */
void mb_net_upper_detach(struct mb_net *net, const struct mb_net_endpoint *e, int netns_fd);
/* The VLAN that was made for it goes, unless other networks are upon it. */
void mb_net_upper_release(struct mb_net *net, const struct mb_net_network *n);

/* record.c */
int mb_net_record_write(struct mb_net *net, const struct mb_net_sandbox *s, struct mb_err *err);
int mb_net_record_remove(struct mb_net *net, const char *container_id, struct mb_err *err);
void mb_net_endpoint_done(struct mb_net_endpoint *e);
struct mb_net_endpoint *mb_net_endpoint_find(const struct mb_net_sandbox *s,
                                             const char *network_id);
/* Of every record; stops when @each returns non-zero. */
typedef int mb_net_record_each(struct mb_net *net, struct mb_net_sandbox *s, void *arg,
                               struct mb_err *err);
int mb_net_records_walk(struct mb_net *net, mb_net_record_each *each, void *arg,
                        struct mb_err *err);

/* address.c */
int mb_net_address_take(struct mb_net *net, const struct mb_net_network *n,
                        struct mb_net_endpoint *e, const char *container_id,
                        const struct mb_net_endpoint *before, struct mb_err *err);
void mb_net_address_release(struct mb_net *net, const struct mb_net_endpoint *e,
                            const char *container_id);

/* What the container had in the network that it left last, if it has it still. */
void mb_net_address_release_left(struct mb_net *net, const struct mb_net_sandbox *s);

/* Whether the container owns the IPv4 or IPv6 address that it says it has. */
bool mb_net_address_is_held(struct mb_net *net, const struct mb_net_network *n,
                            const struct mb_net_endpoint *e, bool v6, const char *container_id);
/* Whether one of the addresses is somebody else's by now. */
bool mb_net_address_is_anothers(struct mb_net *net, const struct mb_net_network *n,
                                const struct mb_net_endpoint *e, const char *container_id);

/* govern.c: policies.  The caller holds the networks' lock exclusively, but for _is_on, _join and
 * _leave, which take it themselves where they need it. */
/* What rules call a container: added to @names. */
void mb_net_policy_names(const struct mb_net_sandbox *s, const struct mb_net_endpoint *e,
                         struct mb_strv *names);
/* By RUN/net/<id>/policy, as it is now. */
bool mb_net_policy_is_on(struct mb_net *net, const char *network_id);
/* The firewall, and RUN/net/<id>/policy, as the document and the records say. */
int mb_net_policy_sync(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err);
/* Take everything away that a policy put anywhere. */
int mb_net_policy_clear(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err);
/* The endpoint's addresses belong to their classes from now on; or to none.  Nothing happens
 * where the network is not governed. */
int mb_net_policy_join(struct mb_net *net, const struct mb_net_sandbox *s,
                       const struct mb_net_endpoint *e, struct mb_err *err);
int mb_net_policy_leave(struct mb_net *net, const struct mb_net_sandbox *s,
                        const struct mb_net_endpoint *e, struct mb_err *err);
/* Containers of other hosts are known, and belong to their classes, from now on, all of them at
 * once; or none that this one has an address of. */
int mb_net_policy_remotes_join(struct mb_net *net, const struct mb_net_network *n,
                               struct mb_net_remotes *remotes, struct mb_err *err);
int mb_net_policy_remotes_leave(struct mb_net *net, const char *network_id,
                                const struct mb_net_remotes *remotes, struct mb_err *err);
/* @n, of which the name counts, with another policy. */
int mb_net_policy_edit(struct mb_net_network *n, const struct mb_net_policy_edit *edit,
                       struct mb_err *err);
/* What a store has said of a policy. */
struct mb_net_policy_told {
	struct mb_net_policy policy;
	uint64_t changed;  /* the revision that it was put at; 0: there is none */
	uint64_t revision; /* the store's when it was read */
	uint64_t seen;     /* the document's before it was read; 0: that was not looked at */
};
/* The network has @told->policy from now on.  Where it has that already only what is missing of it
 * is made, if it is looked at @again, or one before was cut short.  The lock is taken here.
 * Return: 0; MB_NET_OLDER: the document has a newer one, by now @told->seen, or the store is not
 * what it was: what is read from now on tells; or -errno. */
enum { MB_NET_OLDER = 1 };
int mb_net_policy_take(struct mb_net *net, const char *network_id, struct mb_net_policy_told *told,
                       bool again, struct mb_err *err);
/* What was written down last has not been done to its end. */
bool mb_net_policy_is_unfinished(struct mb_net *net, const char *network_id);
/* For mb_net_firewall_wanted(): governed networks (owned from then on), then their members, then
 * all the elements. */
struct mb_net_plans {
	struct mb_net_plan_of *v;
	size_t n;
};
int mb_net_plans_add(struct mb_net *net, struct mb_net_plans *plans, struct mb_net_network *n,
                     struct mb_err *err);
void mb_net_plans_member(struct mb_net_plans *plans, const struct mb_net_sandbox *s,
                         struct mb_net_changes *c);
void mb_net_plans_put(struct mb_net *net, struct mb_net_plans *plans, struct mb_net_changes *c);
void mb_net_plans_done(struct mb_net_plans *plans);

/* routed.c: endpoints of governed networks, which are not in the bridge. */
/* The host end, which has @index, made ready. */
int mb_net_routed_up(struct mb_net *net, const struct mb_net_network *n, struct mb_net_endpoint *e,
                     int index, struct mb_err *err);
/* Routes inside the namespace the caller is in, with or without @on. */
void mb_net_routed_put_routes(struct mb_nl_batch *b, const struct mb_net_endpoint *e, int index,
                              bool on);
/* Into the bridge or out of it, both ends, whatever it was before.  @netns_fd -1: only the host's
 * end.  An interface that is not there (yet) is fine. */
int mb_net_routed_settle(struct mb_net *net, const struct mb_net_network *n,
                         const struct mb_net_sandbox *s, struct mb_net_endpoint *e, bool on,
                         int netns_fd, struct mb_err *err);
/* What changed while links were made: @n endpoints from @first on. */
int mb_net_routed_recheck(struct mb_net *net, struct mb_net_sandbox *s, size_t first, size_t n,
                          int netns_fd, struct mb_err *err);

/* names.c */
enum { MB_NET_NAME_MAX = 253 };
/* Whether it can be a directory and an answer of the resolver. */
bool mb_net_names_is_usable(const char *name);
void mb_net_names_collect(struct mb_net_endpoint *e, const struct mb_net_sandbox *s);
int mb_net_names_add(struct mb_net *net, const struct mb_net_sandbox *s,
                     const struct mb_net_endpoint *e, struct mb_err *err);
void mb_net_names_remove(struct mb_net *net, const struct mb_net_sandbox *s,
                         const struct mb_net_endpoint *e);
/* Whether no endpoint outside the network has one of the names.  Return: 0 or -EEXIST, told. */
int mb_net_names_check(struct mb_net *net, const struct mb_net_endpoint *e, struct mb_err *err);
/* Whether no container that lives has the name.  Return: 0; MB_NET_TAKEN, told; or -errno. */
int mb_net_names_check_external(struct mb_net *net, const struct mb_net_network *n,
                                const char *name, struct mb_err *err);
int mb_net_names_add_external(struct mb_net *net, const struct mb_net_network *n,
                              const struct mb_net_external *x, struct mb_err *err);
void mb_net_names_remove_external(struct mb_net *net, const struct mb_net_network *n,
                                  const struct mb_net_external *x);
/* Whether the database has all of it. */
bool mb_net_names_has_external(struct mb_net *net, const struct mb_net_network *n,
                               const struct mb_net_external *x);
/* Of a container on another host; it counts until it is taken away. */
int mb_net_names_add_remote(struct mb_net *net, const struct mb_net_network *n,
                            const struct mb_net_remote *remote, struct mb_err *err);
void mb_net_names_remove_remote(struct mb_net *net, const struct mb_net_network *n,
                                const struct mb_net_remote *remote);

/* external.c */
/* What a document says of one. */
bool mb_net_external_is_valid(const struct mb_net_external *x);
/* All of them into the resolver's database; the caller holds the networks' lock exclusively. */
int mb_net_externals_publish(struct mb_net *net, const struct mb_net_network *n,
                             struct mb_err *err);

/* ports.c */
/* Decide the bindings and bind them.  @default_ip may be NULL: everywhere. */
int mb_net_ports_reserve(struct mb_net_sandbox *s, const struct mb_net_port_spec *specs,
                         size_t n_specs, const char *default_ip, struct mb_err *err);
void mb_net_ports_changes(const struct mb_net_sandbox *s, struct mb_net_changes *c, bool remove);
/* What others ask for at addresses that @s says are its own, and are theirs by now.  The
 * firewall is locked: they take an address before they ask for anything there. */
int mb_net_ports_heirs(struct mb_net *net, const struct mb_net_sandbox *s,
                       struct mb_net_changes *ret, struct mb_err *err);
int mb_net_ports_publish(struct mb_net *net, const struct mb_net_sandbox *s, struct mb_err *err);
int mb_net_ports_unpublish(struct mb_net *net, const struct mb_net_sandbox *s, struct mb_err *err);
/* Some of a container's: those that @kept has stay as they are. */
int mb_net_ports_withdraw(struct mb_net *net, const struct mb_net_sandbox *s,
                          const struct mb_net_sandbox *kept, struct mb_err *err);
/* Where -p without an address binds (owned, or NULL), after seeing that ports can be published. */
int mb_net_ports_default_ip(struct mb_net *net, const struct mb_net_sandbox *s, char **ret,
                            struct mb_err *err);
/* Whatever connections the kernel remembers of the address, no more. */
void mb_net_forget_address(struct mb_net *net, const struct mb_net_addr *a);
const struct mb_net_endpoint *mb_net_gateway_endpoint(const struct mb_net_sandbox *s);

/* link.c */
enum { MB_NET_LINK_STEM = 12 }; /* "mb" and ten digits of the container's id */
/* May give @e another host_ifname: the record has to be written again then. */
int mb_net_link_attach(struct mb_net *net, struct mb_net_endpoint *e, bool hairpin, int netns_fd,
                       int *ret_index, struct mb_err *err);
bool mb_net_hairpin_is_needed(void);

#endif
