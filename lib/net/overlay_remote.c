/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/overlay_remote.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/id.h"
#include "core/io.h"
#include "core/parse.h"
#include "core/str.h"
#include "net/addr.h"
#include "net/handle.h"
#include "net/overlay.h"
#include "net/overlay_wire.h"
#include "nl/route.h"
#include "store/doc.h"

#define DIRECTORY "r"
enum { TEXT_MAX = 64 << 10 };

static int open_dir(struct mb_net *net, const char *network_id, int *ret, struct mb_err *err)
{
	MB_AUTO_CLOSE int run = -1;
	int r = mb_net_run_dir(net, network_id, &run, err);

	if (r)
		return r;
	if (mkdirat(run, DIRECTORY, 0700) < 0 && errno != EEXIST)
		return mb_fail_sys(err, errno, "cannot make a directory for other hosts");
	*ret = openat(run, DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return *ret < 0 ? mb_fail_sys(err, errno, "cannot open what is known of other hosts") : 0;
}

static int read_one(int dir, const char *id, const struct mb_net_network *n,
                    struct mb_net_remote *ret)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = mb_read_file(dir, id, TEXT_MAX, &text, NULL);

	return r ? r : mb_net_remote_parse(mb_str_text(&text), id, n, ret, NULL);
}

/* ---- the kernel's tables --------------------------------------------------------------------- */

static void put_neighbour(struct mb_nl_batch *b, const char *text, const uint8_t *mac, int index,
                          bool add)
{
	struct mb_net_addr a;

	if (!text || mb_net_addr_parse(text, &a) < 0)
		return;
	if (add)
		mb_nl_neigh_add(b, a.family, a.b, mac, index);
	else
		mb_nl_neigh_del(b, a.family, a.b, index);
}

/* The tunnel, and below it what encrypts, if anything does. */
struct tunnel {
	int index, link;
};

static void put_way(struct mb_nl_batch *b, const struct tunnel *t, const uint8_t *mac,
                    const struct mb_net_addr *vtep, bool add)
{
	const struct mb_nl_fdb_way way = {t->index, t->link, vtep->family, vtep->b};

	if (add) {
		mb_nl_fdb_add(b, mac, &way);
		mb_nl_fdb_port_add(b, t->index, mac);
	} else {
		mb_nl_fdb_del(b, mac, &way);
		mb_nl_fdb_port_del(b, t->index, mac);
	}
}

/* Where a policy is, packets go to the other host, which judges and leads them on. */
static void put_entries(struct mb_nl_batch *b, const struct mb_net_remote *r,
                        const struct tunnel *t, bool governed, bool add)
{
	uint8_t mac[MB_NET_MAC_BYTES];
	struct mb_net_addr vtep;

	if (mb_net_mac_parse(r->mac, mac) < 0 || mb_net_addr_parse(r->vtep, &vtep) < 0)
		return;
	put_way(b, t, mac, &vtep, add);
	if (governed && add) {
		mb_net_overlay_mac(&vtep, mac);
		put_way(b, t, mac, &vtep, true);
	}
	put_neighbour(b, r->ip, mac, t->index, add);
	put_neighbour(b, r->ip6, mac, t->index, add);
}

static int find_tunnel(struct mb_net *net, const struct mb_net_network *n, struct tunnel *ret,
                       struct mb_err *err)
{
	struct mb_nl_link link;
	char name[IFNAMSIZ];
	int r = mb_net_route_sock(net, err);

	mb_net_overlay_ifname(n->id, name);
	if (!r)
		r = mb_nl_link_find(&net->route, name, &link, err);
	if (r == MB_NL_ABSENT)
		return mb_fail(err, ENODEV, "tunnel '%s' is missing", name);
	if (r)
		return r;
	*ret = (struct tunnel){link.index, mb_net_wire_index(net, n)};
	/* Never by another interface, in clear. */
	return n->overlay.encrypted && !ret->link
	               ? mb_fail(err, ENODEV, "what encrypts tunnel '%s' is missing", name)
	               : 0;
}

/* ---- one ------------------------------------------------------------------------------------- */

/* Whom the host itself knew there in the bridge: a policy has it know the other host's address for
 * a link, which it would believe until it asks again. */
static void forget_neighbours(struct mb_net *net, const struct mb_net_network *n,
                              const struct mb_net_remote *r)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	int bridge = mb_net_bridge_index(net, n->id);

	if (!bridge || !mb_net_policy_is_on(net, n->id))
		return;
	put_neighbour(&b, r->ip, NULL, bridge, false);
	put_neighbour(&b, r->ip6, NULL, bridge, false);
	/* Each of them may be unknown. */
	(void)mb_nl_send(&net->route, &b, NULL, NULL);
}

static void take_away(struct mb_net *net, const struct mb_net_network *n,
                      const struct mb_net_remote *r)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct tunnel tunnel;

	mb_net_names_remove_remote(net, n, r);
	if (find_tunnel(net, n, &tunnel, NULL) < 0)
		return;
	put_entries(&b, r, &tunnel, false, false);
	(void)mb_nl_send(&net->route, &b, NULL, NULL);
	forget_neighbours(net, n, r);
}

static int give(struct mb_net *net, const struct mb_net_network *n, const struct mb_net_remote *r,
                struct mb_err *err)
{
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct tunnel tunnel;
	int res = find_tunnel(net, n, &tunnel, err);

	if (!res) {
		put_entries(&b, r, &tunnel, mb_net_policy_is_on(net, n->id), true);
		res = mb_nl_send(&net->route, &b, NULL, err);
	}
	if (!res)
		forget_neighbours(net, n, r);
	return res ? res : mb_net_names_add_remote(net, n, r, err);
}

/* What rules say of it may change under its connections. */
static bool is_in_place(const struct mb_net_remote *a, const struct mb_net_remote *b)
{
	struct mb_net_remote x = *a, y = *b;
	MB_AUTO_STR struct mb_str one = MB_STR_INIT, other = MB_STR_INIT;

	x.aliases = y.aliases = MB_STRV_INIT;
	x.labels = y.labels = (struct mb_kv){0};
	mb_net_remote_format(&x, &one);
	mb_net_remote_format(&y, &other);
	return mb_streq(mb_str_text(&one), mb_str_text(&other));
}

static int note(struct mb_net *net, const struct mb_net_network *n, struct mb_net_remote *r,
                struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT, now = MB_STR_INIT;
	struct mb_net_remote before = {0};
	MB_AUTO_CLOSE int dir = -1;
	int res = open_dir(net, n->id, &dir, err);

	if (res)
		return res;
	mb_net_remote_format(r, &text);
	if (mb_read_file(dir, r->id, TEXT_MAX, &now, NULL) == 0 &&
	    mb_net_remote_parse(mb_str_text(&now), r->id, n, &before, NULL) == 0) {
		bool same = mb_streq(mb_str_text(&now), mb_str_text(&text));

		if (!is_in_place(&before, r))
			take_away(net, n, &before);
		mb_net_remote_done(&before);
		if (same)
			return 0;
	}
	r->is_new = true;
	return mb_store_file_write(dir, r->id, text.buf, text.len, MB_DOC_REPLACE, err);
}

int mb_net_remotes_note(struct mb_net *net, const struct mb_net_network *n,
                        struct mb_net_remotes *all, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; i < all->n; i++) {
		int one = note(net, n, &all->v[i], err);

		r = r ? r : one;
	}
	return r;
}

int mb_net_remotes_give(struct mb_net *net, const struct mb_net_network *n,
                        const struct mb_net_remotes *all, bool again, struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; i < all->n; i++) {
		int one = again || all->v[i].is_new ? give(net, n, &all->v[i], err) : 0;

		r = r ? r : one;
	}
	return r;
}

int mb_net_remote_load(struct mb_net *net, const struct mb_net_network *n, const char *id,
                       struct mb_net_remote *ret)
{
	MB_AUTO_CLOSE int dir = -1;
	int r = open_dir(net, n->id, &dir, NULL);

	return r ? r : read_one(dir, id, n, ret);
}

void mb_net_remote_drop(struct mb_net *net, const struct mb_net_network *n, const char *id)
{
	struct mb_net_remote r = {0};
	MB_AUTO_CLOSE int dir = -1;

	if (!mb_hex_is_valid(id, MB_ID_LEN) || open_dir(net, n->id, &dir, NULL))
		return;
	if (read_one(dir, id, n, &r) == 0)
		take_away(net, n, &r);
	mb_net_remote_done(&r);
	(void)unlinkat(dir, id, 0);
}

/* ---- all of them ----------------------------------------------------------------------------- */

void mb_net_remotes_done(struct mb_net_remotes *remotes)
{
	for (size_t i = 0; i < remotes->n; i++)
		mb_net_remote_done(&remotes->v[i]);
	free(remotes->v);
	*remotes = (struct mb_net_remotes){0};
}

static int by_id(const void *a, const void *b)
{
	const struct mb_net_remote *x = a, *y = b;

	return strcmp(x->id, y->id);
}

int mb_net_remotes_load(struct mb_net *net, const struct mb_net_network *n,
                        struct mb_net_remotes *ret, struct mb_err *err)
{
	struct mb_net_remotes all = {0};
	struct dirent *entry;
	size_t cap = 0;
	int fd = -1, r = n->overlay.store.members.n ? open_dir(net, n->id, &fd, err) : 0;
	DIR *dir = mb_dir_take(fd);

	while (dir && (entry = readdir(dir))) {
		if (!mb_hex_is_valid(entry->d_name, MB_ID_LEN))
			continue;
		if (all.n == cap) {
			cap = cap ? cap * 2 : 16;
			all.v = mb_realloc(all.v, cap * sizeof(*all.v));
		}
		all.v[all.n] = (struct mb_net_remote){0};
		if (read_one(dirfd(dir), entry->d_name, n, &all.v[all.n]) == 0)
			all.n++;
	}
	if (dir)
		closedir(dir);
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_id);
	*ret = all;
	return r;
}

const struct mb_net_remote *mb_net_remotes_find(const struct mb_net_remotes *remotes,
                                                const char *id)
{
	MB_AUTO_FREE char *copy = mb_strdup(id);
	const struct mb_net_remote key = {.id = copy};

	return remotes->n ? bsearch(&key, remotes->v, remotes->n, sizeof(key), by_id) : NULL;
}

static int each_way(const struct mb_nl_fdb *fdb, void *arg)
{
	struct mb_net_addr vtep = {.family = fdb->family};
	struct mb_strv *vteps = arg;
	char text[MB_NET_ADDR_TEXT];

	if (!fdb->family || !mb_net_overlay_mac_is_tunnel(fdb->mac))
		return 0;
	memcpy(vtep.b, fdb->dst, sizeof(vtep.b));
	mb_strv_add(vteps, mb_net_addr_format(&vtep, text));
	return 0;
}

void mb_net_remotes_trim(struct mb_net *net, const struct mb_net_network *n)
{
	MB_AUTO_NET_REMOTES struct mb_net_remotes all = {0};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	MB_AUTO_STRV struct mb_strv vteps = MB_STRV_INIT, used = MB_STRV_INIT;
	struct tunnel tunnel;

	if (find_tunnel(net, n, &tunnel, NULL) < 0 ||
	    mb_nl_fdb_dump(&net->route, tunnel.index, each_way, &vteps, NULL) < 0 || !vteps.n ||
	    mb_net_remotes_load(net, n, &all, NULL) < 0)
		return;
	for (size_t i = 0; i < all.n; i++)
		mb_strv_add(&used, all.v[i].vtep);
	mb_strv_sort(&used);
	MB_STRV_FOREACH (text, &vteps) {
		uint8_t mac[MB_NET_MAC_BYTES];
		struct mb_net_addr vtep;

		if (mb_strv_has_sorted(&used, text) || mb_net_addr_parse(text, &vtep) < 0)
			continue;
		mb_net_overlay_mac(&vtep, mac);
		put_way(&b, &tunnel, mac, &vtep, false);
	}
	if (b.n_messages)
		(void)mb_nl_send(&net->route, &b, NULL, NULL);
}

int mb_net_remotes_restore(struct mb_net *net, const struct mb_net_network *n, struct mb_err *err)
{
	MB_AUTO_NET_REMOTES struct mb_net_remotes all = {0};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	bool governed = mb_net_policy_is_on(net, n->id);
	struct tunnel tunnel;
	int r = mb_net_remotes_load(net, n, &all, err);

	if (r || !all.n)
		return r;
	r = find_tunnel(net, n, &tunnel, err);
	for (size_t i = 0; !r && i < all.n; i++) {
		put_entries(&b, &all.v[i], &tunnel, governed, true);
		r = mb_nl_send(&net->route, &b, NULL, err);
		if (!r)
			r = mb_net_names_add_remote(net, n, &all.v[i], err);
	}
	return r;
}
