/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/sha256.h"
#include "core/str.h"
#include "net/addr.h"
#include "net/endpoint.h"
#include "net/handle.h"
#include "net/network_spec.h"
#include "net/port_spec.h"
#include "nl/route.h"
#include "store/store.h"

#define FOLDER "guests"

void mb_net_guest_id(const struct mb_net_guest *g, char id[MB_ID_TEXT])
{
	/* None of the three has a slash. */
	MB_AUTO_FREE char *text = mb_asprintf("%s/%s/%s", g->config, g->container, g->ifname);

	_Static_assert((int)MB_ID_TEXT == (int)MB_SHA256_TEXT, "a digest is as long as an id");
	mb_sha256_text(text, strlen(text), id);
}

/* ---- the file that says it lives ------------------------------------------------------- */

/* Who waited for the lock of one that was removed meanwhile has the lock of nothing. */
static bool is_linked(int dir, const char *id, int fd)
{
	struct stat mine, now;

	return fstat(fd, &mine) == 0 && fstatat(dir, id, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_ino == now.st_ino;
}

enum how {
	IF_THERE,
	MAKE,
	IF_FREE, /* nobody adds or removes it now */
};

/* Return: 0; MB_NET_ABSENT, but with MAKE; -EWOULDBLOCK, with IF_FREE; or -errno. */
static int lock(struct mb_net *net, const char *id, enum how how, int *ret_fd, struct mb_err *err)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (how == MAKE ? O_CREAT : 0);
	MB_AUTO_CLOSE int dir = -1;
	int r = how == MAKE ? mb_store_dir(net->store, FOLDER, true, &dir, err)
	                    : mb_store_dir_find(net->store, FOLDER, true, &dir, NULL);

	if (r < 0)
		return r == -ENOENT ? MB_NET_ABSENT : r;
	for (;;) {
		MB_AUTO_CLOSE int fd = openat(dir, id, flags, 0600);

		if (fd < 0 && errno == ENOENT)
			return MB_NET_ABSENT;
		if (fd < 0)
			return mb_fail_sys(err, errno, "cannot open '%s/%.12s'", FOLDER, id);
		while (flock(fd, LOCK_EX | (how == IF_FREE ? LOCK_NB : 0)) < 0)
			if (errno != EINTR)
				return mb_fail_sys(err, errno, "cannot lock '%s/%.12s'", FOLDER,
				                   id);
		if (is_linked(dir, id, fd)) {
			*ret_fd = mb_take_fd(&fd);
			return 0;
		}
	}
}

static void unlink_file(struct mb_net *net, const char *id)
{
	MB_AUTO_CLOSE int dir = -1;

	if (mb_store_dir_find(net->store, FOLDER, true, &dir, NULL) == 0)
		(void)unlinkat(dir, id, 0);
}

/* ---- its namespace -------------------------------------------------------------------- */

static int identify(int netns_fd, struct mb_net_guest *g, struct mb_err *err)
{
	struct stat st;

	if (ioctl(netns_fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return mb_fail(err, EINVAL, "'%s' is no network namespace", g->netns);
	if (fstat(netns_fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot look at '%s'", g->netns);
	g->dev = st.st_dev;
	g->ino = st.st_ino;
	return 0;
}

int mb_net_guest_open(const struct mb_net_guest *g)
{
	MB_AUTO_CLOSE int fd = open(g->netns, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_dev != g->dev || st.st_ino != g->ino)
		return -1;
	return mb_take_fd(&fd);
}

/* One that cannot be looked at may be there. */
static bool is_elsewhere(const struct mb_net_guest *g)
{
	struct stat st;

	if (stat(g->netns, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ESRCH;
	return st.st_dev != g->dev || st.st_ino != g->ino;
}

bool mb_net_guest_is_gone(struct mb_net *net, const struct mb_net_sandbox *s)
{
	struct mb_nl_link link;

	if (!s->guest.container || !is_elsewhere(&s->guest) || mb_net_route_sock(net, NULL) < 0)
		return false;
	for (size_t i = 0; i < s->n_endpoints; i++)
		if (!mb_net_is_upper(s->endpoints[i].driver) &&
		    mb_nl_link_find(&net->route, s->endpoints[i].host_ifname, &link, NULL) == 0)
			return false;
	return true;
}

/* Return: 0; MB_NET_ABSENT; or -errno. */
static int find_inside(int netns_fd, const char *ifname, struct mb_nl *ret_nl,
                       struct mb_nl_link *ret, struct mb_err *err)
{
	int r = mb_net_netns_sock(netns_fd, NETLINK_ROUTE, ret_nl, err);

	if (!r)
		r = mb_nl_link_find(ret_nl, ifname, ret, err);
	return r == MB_NL_ABSENT ? MB_NET_ABSENT : r;
}

/* ---- add, remove ---------------------------------------------------------------------- */

/* The caller has the lock. */
static int undo(struct mb_net *net, const char *id, struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
	int r = mb_net_sandbox_load(net, id, &s, NULL);

	/* Of one that cannot be read `system check` finds what is left. */
	if (!r && s->guest.container) {
		MB_AUTO_CLOSE int netns = mb_net_guest_open(&s->guest);

		for (size_t i = 0; i < s->n_endpoints; i++)
			mb_net_endpoint_drop_link(net, &s->endpoints[i], netns);
	}
	r = mb_net_detach(net, id, err);
	if (!r)
		unlink_file(net, id);
	return r;
}

/* Whether there is one already, which works; what is left of another is taken away. */
static int clear(struct mb_net *net, const char *id, const struct mb_net_guest *g, int netns_fd,
                 struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	struct mb_nl_link link;
	int r = mb_net_sandbox_load(net, id, &s, NULL);

	if (!r && s->guest.dev == g->dev && s->guest.ino == g->ino) {
		r = find_inside(netns_fd, g->ifname, &nl, &link, NULL);
		if (!r) {
			mb_fail(err, EEXIST, "container %s has interface '%s' on network %s",
			        g->container, g->ifname, g->config);
			return MB_NET_TAKEN;
		}
	}
	if (r == MB_NET_ABSENT && !s)
		return 0;
	for (size_t i = 0; s && i < s->n_endpoints; i++)
		mb_net_endpoint_drop_link(net, &s->endpoints[i], -1);
	return mb_net_detach(net, id, err);
}

struct wish {
	const struct mb_net_network *network;
	const char *name, *id; /* of whom it is to be */
	bool taken;
};

static int each_name(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	const struct mb_net_endpoint *e;
	struct wish *w = arg;

	(void)net;
	(void)err;
	e = mb_streq(s->container_id, w->id) ? NULL : mb_net_endpoint_find(s, w->network->id);
	if (e && (mb_streq(s->container_name, w->name) || mb_strv_has(&e->names, w->name)))
		w->taken = true;
	return 0;
}

/* Policies and resolvers go by names: one that a container of the store has, running or not, or
 * somebody else on the network, is nobody's for the asking. */
static int is_name_free(struct mb_net *net, const struct mb_net_request *q, bool *ret,
                        struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	struct wish w = {.name = q->container_name, .id = q->container_id};
	MB_AUTO_CLOSE int names = -1;
	char owner[MB_ID_TEXT];
	int r = mb_net_network_find(net, q->networks->name, &n, err);

	if (r)
		return r;
	w.network = n;
	*ret = mb_net_name_is_valid(w.name) &&
	       (mb_store_dir_find(net->store, "names", false, &names, NULL) < 0 ||
	        mb_store_name_find(names, w.name, owner, NULL) == MB_STORE_ABSENT);
	r = *ret ? mb_net_records_walk(net, each_name, &w, err) : 0;
	*ret = *ret && !w.taken;
	return r;
}

static int make(struct mb_net *net, const struct mb_net_request *q, int netns_fd,
                struct mb_net_sandbox **ret, struct mb_err *err)
{
	int r = mb_net_sandbox_prepare(net, q, ret, err);

	if (!r)
		r = mb_net_sandbox_attach(net, *ret, netns_fd, err);
	return r ? r : mb_net_sandbox_publish(net, *ret, err);
}

int mb_net_guest_add(struct mb_net *net, const struct mb_net_guest_add *add, int netns_fd,
                     struct mb_net_sandbox **ret, struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
	struct mb_net_guest guest = add->guest;
	MB_AUTO_FREE char *short_id = mb_strndup(guest.container, MB_ID_SHORT);
	char id[MB_ID_TEXT];
	struct mb_net_request q = {.container_id = id,
	                           .container_name = add->name,
	                           .labels = add->labels,
	                           .networks = add->network,
	                           .n_networks = 1,
	                           .ports = add->ports,
	                           .n_ports = add->n_ports,
	                           .guest = &guest};
	MB_AUTO_CLOSE int file = -1;
	bool is_free = true;
	int r = identify(netns_fd, &guest, err);

	if (r)
		return r;
	mb_net_guest_id(&guest, id);
	r = lock(net, id, MAKE, &file, err);
	if (!r)
		r = clear(net, id, &guest, netns_fd, err);
	if (r)
		return r;
	r = is_name_free(net, &q, &is_free, err);
	if (!is_free)
		q.container_name = short_id;
	if (!r)
		r = make(net, &q, netns_fd, &s, err);
	if (r) {
		(void)undo(net, id, NULL);
		return r;
	}
	*ret = mb_take_ptr(&s);
	return 0;
}

int mb_net_guest_remove(struct mb_net *net, const char *id, struct mb_err *err)
{
	MB_AUTO_CLOSE int file = -1;
	int r = lock(net, id, IF_THERE, &file, err);

	return r < 0 ? r : undo(net, id, err);
}

int mb_net_guest_reap(struct mb_net *net, const char *id, struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
	MB_AUTO_CLOSE int file = -1;
	int r = lock(net, id, IF_FREE, &file, err);

	if (r == -EWOULDBLOCK)
		return MB_NET_ABSENT;
	if (r < 0)
		return r;
	r = mb_net_sandbox_load(net, id, &s, err);
	if (r)
		return r;
	if (mb_net_is_live(net, id) && !mb_net_guest_is_gone(net, s))
		return MB_NET_ABSENT;
	return undo(net, id, err);
}

/* ---- looking -------------------------------------------------------------------------- */

struct wanted {
	int index;
	struct mb_net_addr addr;
	unsigned int prefix;
	bool found;
};

static int each_address(const struct mb_nl_addr *a, void *arg)
{
	struct wanted *w = arg;
	size_t n = w->addr.family == AF_INET6 ? 16 : 4;

	w->found = w->found || (a->index == w->index && a->family == w->addr.family &&
	                        a->prefix == w->prefix && memcmp(a->addr, w->addr.b, n) == 0);
	return 0;
}

static int has_address(struct mb_nl *nl, const struct mb_nl_link *link, const char *text,
                       unsigned int prefix, struct mb_err *err)
{
	struct wanted w = {.index = link->index, .prefix = prefix};
	int r;

	if (!text || mb_net_addr_parse(text, &w.addr) < 0)
		return 0;
	r = mb_nl_addr_dump(nl, w.addr.family, each_address, &w, err);
	if (r || w.found)
		return r;
	mb_fail(err, ENOENT, "interface '%s' has lost %s/%u", link->name, text, prefix);
	return MB_NET_GUEST_FAULTY;
}

static int verify_inside(const struct mb_net_endpoint *e, int netns_fd, struct mb_err *err)
{
	MB_AUTO_NL struct mb_nl nl = MB_NL_INIT;
	char mac[MB_NET_MAC_TEXT];
	struct mb_nl_link link;
	int r = find_inside(netns_fd, e->ifname, &nl, &link, err);

	if (r == MB_NET_ABSENT) {
		mb_fail(err, ENODEV, "interface '%s' is gone", e->ifname);
		return MB_NET_GUEST_FAULTY;
	}
	if (!r && e->mac && !mb_streq(mb_net_mac_format(link.mac, mac), e->mac)) {
		mb_fail(err, ENODEV, "interface '%s' has the MAC address %s, not %s", e->ifname,
		        mac, e->mac);
		return MB_NET_GUEST_FAULTY;
	}
	if (!r)
		r = has_address(&nl, &link, e->ip4, e->prefix4, err);
	return r ? r : has_address(&nl, &link, e->ip6, e->prefix6, err);
}

static int verify_outside(struct mb_net *net, const struct mb_net_endpoint *e, struct mb_err *err)
{
	struct mb_nl_link link;
	int r = mb_net_is_upper(e->driver) ? 0 : mb_net_route_sock(net, err);

	if (r || mb_net_is_upper(e->driver))
		return r;
	r = mb_nl_link_find(&net->route, e->host_ifname, &link, err);
	if (r < 0)
		return r;
	if (r || (!mb_net_policy_is_on(net, e->network_id) && !link.master)) {
		mb_fail(err, ENODEV, "the host's end '%s' is %s", e->host_ifname,
		        r ? "gone" : "in no bridge");
		return MB_NET_GUEST_FAULTY;
	}
	return 0;
}

int mb_net_guest_verify(struct mb_net *net, const struct mb_net_sandbox *s, int netns_fd,
                        struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < s->n_endpoints; i++) {
		r = verify_inside(&s->endpoints[i], netns_fd, err);
		if (!r)
			r = verify_outside(net, &s->endpoints[i], err);
	}
	return r;
}

static int list_ids(struct mb_net *net, struct mb_strv *ids, struct mb_err *err)
{
	struct dirent *entry;
	int fd = -1;
	DIR *dir;

	if (mb_store_dir_find(net->store, FOLDER, true, &fd, NULL) < 0)
		return 0;
	dir = mb_dir_take(fd);
	if (!dir)
		return mb_fail_sys(err, errno, "cannot list '%s'", FOLDER);
	while ((entry = readdir(dir)))
		if (mb_hex_is_valid(entry->d_name, MB_ID_LEN))
			mb_strv_add(ids, entry->d_name);
	closedir(dir);
	mb_strv_sort(ids);
	return 0;
}

int mb_net_guests_list(struct mb_net *net, struct mb_net_members *ret, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	struct mb_net_members m = {0};
	int r = list_ids(net, &ids, err);

	if (r)
		return r;
	m.v = mb_calloc(ids.n + 1, sizeof(struct mb_net_sandbox *));
	MB_STRV_FOREACH (id, &ids)
		if (mb_net_sandbox_load(net, id, &m.v[m.n], NULL) == 0)
			m.n++;
	*ret = m;
	return 0;
}

static bool is_same_port(const struct mb_net_binding *a, const struct mb_net_binding *b)
{
	struct mb_net_addr x, y;

	return a->proto == b->proto && a->host_port == b->host_port &&
	       mb_net_addr_parse(a->host_ip, &x) == 0 && mb_net_addr_parse(b->host_ip, &y) == 0 &&
	       x.family == y.family &&
	       (mb_net_addr_is_any(&x) || mb_net_addr_is_any(&y) ||
	        mb_streq(a->host_ip, b->host_ip));
}

static int check_against(const struct mb_net_sandbox *s, const struct mb_net_sandbox *other,
                         struct mb_err *err)
{
	for (size_t i = 0; i < s->n_bindings * other->n_bindings; i++) {
		const struct mb_net_binding *b = &s->bindings[i % s->n_bindings];

		if (is_same_port(b, &other->bindings[i / s->n_bindings]))
			return mb_fail(err, EADDRINUSE,
			               "cannot publish a port: %s:%u/%s is that of '%s'",
			               b->host_ip, b->host_port, mb_net_proto_name(b->proto),
			               other->container_name);
	}
	return 0;
}

int mb_net_guest_ports_check(struct mb_net *net, const struct mb_net_sandbox *s, struct mb_err *err)
{
	struct mb_net_members guests = {0};
	int r = mb_net_guests_list(net, &guests, err);

	for (size_t i = 0; !r && i < guests.n; i++)
		if (!mb_streq(guests.v[i]->container_id, s->container_id))
			r = check_against(s, guests.v[i], err);
	mb_net_members_done(&guests);
	return r;
}

int mb_net_guests_check(struct mb_net *net, bool repair, void (*found)(void *arg, const char *id),
                        void *arg, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	MB_AUTO_CLOSE int dir = -1;
	int r = list_ids(net, &ids, err);

	if (r || !ids.n || mb_store_dir_find(net->store, FOLDER, true, &dir, NULL) < 0)
		return r;
	MB_STRV_FOREACH (id, &ids) {
		MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
		MB_AUTO_CLOSE int fd = openat(dir, id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

		/* One that is locked is being made. */
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || !is_linked(dir, id, fd) ||
		    mb_net_sandbox_load(net, id, &s, NULL) != MB_NET_ABSENT)
			continue;
		if (repair)
			(void)unlinkat(dir, id, 0);
		found(arg, id);
	}
	return 0;
}
