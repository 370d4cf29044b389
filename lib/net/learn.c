/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/io.h"
#include "core/learn.h"
#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "net/firewall.h"
#include "net/handle.h"
#include "net/policy.h"
#include "net/policy_rule.h"
#include "store/store.h"
#include "sys/tree.h"

_Static_assert((int)MB_NET_CLASS_BYTES == (int)MB_LEARN_CLASS_BYTES, "one class");

/* No name is spelled so. */
#define NEW_FILE ".new"

static void add_range(const struct mb_net_addr *first, const struct mb_net_addr *last,
                      const struct mb_net_class *class, void *arg)
{
	struct mb_learn_range range = {.address_bytes = (uint8_t)mb_net_addr_len(first)};

	memcpy(range.first, first->b, sizeof(range.first));
	memcpy(range.last, last->b, sizeof(range.last));
	memcpy(range.class_id, class->id, sizeof(range.class_id));
	mb_str_addn(arg, &range, sizeof(range));
}

/* Whole or as before, whoever reads it. */
static int write_file(int dir, const char *name, const struct mb_str *bytes, struct mb_err *err)
{
	int fd = openat(dir, NEW_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = fd < 0 ? -errno : mb_write_full(fd, mb_str_text(bytes), bytes->len);

	mb_close(&fd);
	if (!r && renameat(dir, NEW_FILE, dir, name) < 0)
		r = -errno;
	return r ? mb_fail_sys(err, -r, "cannot write what the policy says of '%s'", name) : 0;
}

static int write_name(struct mb_net *net, int dir, struct mb_net_plan *plan, const char *name,
                      struct mb_err *err)
{
	MB_AUTO_STR struct mb_str ranges = MB_STR_INIT, bytes = MB_STR_INIT;
	struct mb_learn_header h = {.group = plan->group};

	snprintf(h.table, sizeof(h.table), "%s", net->table);
	mb_net_plan_ranges(plan, AF_INET, name, add_range, &ranges);
	if (plan->network->v6.subnet)
		mb_net_plan_ranges(plan, AF_INET6, name, add_range, &ranges);
	h.n_ranges = (uint32_t)(ranges.len / sizeof(struct mb_learn_range));
	mb_str_addn(&bytes, &h, sizeof(h));
	mb_str_addn(&bytes, mb_str_text(&ranges), ranges.len);
	return write_file(dir, name, &bytes, err);
}

static bool has_name(const struct mb_net_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_selectors; i++)
		if (plan->selectors[i].side == MB_NET_SIDE_DNS &&
		    mb_streq(plan->selectors[i].name, name))
			return true;
	return false;
}

static int remove_others(int dir, const struct mb_net_plan *plan, struct mb_err *err)
{
	DIR *list = mb_dir_open(dir, ".");
	MB_AUTO_STRV struct mb_strv old = MB_STRV_INIT;
	struct dirent *entry;

	if (!list)
		return mb_fail_sys(err, errno, "cannot list the names of a policy");
	while ((entry = readdir(list)))
		if (entry->d_name[0] != '.' && !has_name(plan, entry->d_name))
			mb_strv_add(&old, entry->d_name);
	closedir(list);
	MB_STRV_FOREACH (name, &old)
		(void)unlinkat(dir, name, 0);
	return 0;
}

static bool has_names(const struct mb_net_plan *plan)
{
	for (size_t i = 0; i < plan->n_selectors; i++)
		if (plan->selectors[i].side == MB_NET_SIDE_DNS)
			return true;
	return false;
}

int mb_net_learn_write(struct mb_net *net, struct mb_net_plan *plan, struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_asprintf("net/%s/" MB_LEARN_DIR, plan->network->id);
	MB_AUTO_CLOSE int dir = -1;
	int r;

	if (!has_names(plan))
		return mb_net_learn_remove(net, plan->network->id, err);
	r = mb_store_dir(net->store, path, true, &dir, err);
	for (size_t i = 0; !r && i < plan->n_selectors; i++)
		if (plan->selectors[i].side == MB_NET_SIDE_DNS)
			r = write_name(net, dir, plan, plan->selectors[i].name, err);
	return r ? r : remove_others(dir, plan, err);
}

int mb_net_learn_remove(struct mb_net *net, const char *network_id, struct mb_err *err)
{
	MB_AUTO_CLOSE int run = -1;
	int r = mb_net_run_dir(net, network_id, &run, err);

	return r ? r : mb_sys_tree_remove(run, MB_LEARN_DIR, err);
}

/* ---- what was learnt -------------------------------------------------------------------- */

/* Which name a class was given for, by the files as they are: before they are written anew. */
struct origins {
	struct origin {
		uint8_t class_id[MB_NET_CLASS_BYTES];
		char *name;
	} * v;
	size_t n;
};

static void origins_done(struct origins *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->v[i].name);
	free(o->v);
}

static void read_origins(int dir, const char *name, struct origins *o)
{
	MB_AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct mb_learn_header h;
	struct mb_learn_range range;
	size_t got = 0;

	if (fd < 0 || mb_read_full(fd, &h, sizeof(h), &got) < 0)
		return;
	while (mb_read_full(fd, &range, sizeof(range), &got) == 0 && got == sizeof(range)) {
		struct origin *at;

		o->v = mb_realloc(o->v, (o->n + 1) * sizeof(*o->v));
		at = &o->v[o->n++];
		memcpy(at->class_id, range.class_id, sizeof(at->class_id));
		at->name = mb_strdup(name);
	}
}

static void load_origins(struct mb_net *net, const char *network_id, struct origins *o)
{
	MB_AUTO_FREE char *path = mb_asprintf("net/%s/" MB_LEARN_DIR, network_id);
	DIR *dir = mb_dir_open(net->store->run_fd, path);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			read_origins(dirfd(dir), entry->d_name, o);
	closedir(dir);
}

struct prune {
	uint32_t group;
	const struct mb_net_plan *plan;
	enum mb_net_set set;
	struct origins origins;
	struct mb_net_changes *changes;
};

/* The class that its name gives the address now.  Return: whether the plan has the name. */
static bool find_class(const struct prune *p, const struct mb_nl_nft_elem *e,
                       struct mb_net_class *ret)
{
	struct mb_net_addr a = {.family = p->set == MB_NET_SET_LEARNT4 ? AF_INET : AF_INET6};

	memcpy(a.b, e->key + sizeof(p->group), mb_net_addr_len(&a));
	for (size_t i = 0; p->plan && i < p->origins.n; i++) {
		const struct origin *o = &p->origins.v[i];

		if (memcmp(o->class_id, e->data, sizeof(o->class_id)) != 0 ||
		    !has_name(p->plan, o->name))
			continue;
		mb_net_plan_classify(p->plan, &(struct mb_net_subject){.addr = &a, .dns = o->name},
		                     ret);
		return true;
	}
	return false;
}

static int each_learnt(const struct mb_nl_nft_elem *e, void *arg)
{
	const struct prune *p = arg;
	bool is_class = e->data_len > 0;
	struct mb_net_class now;
	bool stays;

	if (memcmp(e->key, &p->group, sizeof(p->group)) != 0)
		return 0;
	/* What is open without a class is as good as not open: it goes with the policy. */
	stays = is_class ? find_class(p, e, &now) : p->plan != NULL;
	if (stays && (!is_class || memcmp(now.id, e->data, sizeof(now.id)) == 0))
		return 0;
	*mb_net_changes_add(p->changes, p->set, true) = *e;
	if (stays) {
		struct mb_nl_nft_elem *anew = mb_net_changes_add(p->changes, p->set, false);

		*anew = *e;
		memcpy(anew->data, now.id, sizeof(now.id));
	}
	return 0;
}

int mb_net_learn_settle(struct mb_net *net, const struct mb_net_network *n,
                        const struct mb_net_plan *plan, struct mb_net_changes *c,
                        struct mb_err *err)
{
	struct prune p = {mb_net_group(n), plan, MB_NET_SET_LEARNT4, {0}, c};
	int r = 0;

	load_origins(net, n->id, &p.origins);
	for (; r >= 0 && p.set <= MB_NET_SET_OPEN6; p.set++)
		r = mb_nl_nft_elem_dump(&net->netfilter, net->table, mb_net_set_name(p.set),
		                        each_learnt, &p, err);
	origins_done(&p.origins);
	return r < 0 ? r : 0;
}
