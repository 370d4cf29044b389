/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "net/firewall.h"
#include "net/handle.h"
#include "net/policy.h"

/* What rules counted is known to the kernel alone, and lost with its table.  RUN/net/<id>/counts
 * has what was last read, one struct for each rule: where the rules of a table that is made anew
 * begin.  A rule's number is never given again. */
#define FILE_NAME "counts"
#define NEW_FILE  "counts.new"
enum { WORD = 4 };

struct count {
	uint32_t rule;
	int32_t verdict; /* of the default, whose number stays: another one counts anew */
	uint64_t packets, bytes;
};

static uint32_t rule_of(const struct mb_nl_nft_elem *e)
{
	uint32_t rule;

	memcpy(&rule, e->key + 2 * WORD, sizeof(rule));
	return rule;
}

int mb_net_counts_save(struct mb_net *net, const char *network_id,
                       const struct mb_net_changes *rules, struct mb_err *err)
{
	MB_AUTO_FREE struct count *v = mb_calloc(rules->n + 1, sizeof(*v));
	MB_AUTO_CLOSE int dir = -1;
	int fd, r = mb_net_run_dir(net, network_id, &dir, err);

	if (r)
		return r;
	for (size_t i = 0; i < rules->n; i++) {
		const struct mb_nl_nft_elem *e = &rules->v[i].elem;

		v[i] = (struct count){rule_of(e), e->verdict, e->packets, e->bytes};
	}
	fd = openat(dir, NEW_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = fd < 0 ? -errno : mb_write_full(fd, v, rules->n * sizeof(*v));
	mb_close(&fd);
	if (!r && renameat(dir, NEW_FILE, dir, FILE_NAME) < 0)
		r = -errno;
	return r ? mb_fail_sys(err, -r, "cannot keep what the policy counted") : 0;
}

void mb_net_counts_remove(struct mb_net *net, const char *network_id)
{
	MB_AUTO_CLOSE int dir = -1;

	if (mb_net_run_dir(net, network_id, &dir, NULL) == 0)
		(void)unlinkat(dir, FILE_NAME, 0);
}

static void set_count(const struct count *count, uint32_t group, struct mb_net_changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		struct mb_nl_nft_elem *e = &c->v[i].elem;

		if (c->v[i].set != MB_NET_SET_RULES || c->v[i].remove ||
		    memcmp(e->key + WORD, &group, sizeof(group)) != 0 ||
		    rule_of(e) != count->rule || e->verdict != count->verdict)
			continue;
		e->packets = count->packets;
		e->bytes = count->bytes;
	}
}

void mb_net_counts_load(struct mb_net *net, const struct mb_net_network *n,
                        struct mb_net_changes *c)
{
	MB_AUTO_CLOSE int dir = -1, fd = -1;
	struct count count;
	size_t got = 0;

	if (mb_net_run_dir(net, n->id, &dir, NULL) < 0)
		return;
	fd = openat(dir, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	while (fd >= 0 && mb_read_full(fd, &count, sizeof(count), &got) == 0 &&
	       got == sizeof(count))
		set_count(&count, mb_net_group(n), c);
}

static int each_rule(const struct mb_nl_nft_elem *e, void *arg)
{
	const struct count count = {rule_of(e), e->verdict, e->packets, e->bytes};
	uint32_t group;

	memcpy(&group, e->key + WORD, sizeof(group));
	set_count(&count, group, arg);
	return 0;
}

struct carry {
	enum mb_net_set set;
	struct mb_net_changes *changes;
};

static bool is_governed(const struct mb_net_changes *c, const uint8_t *group)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].set == MB_NET_SET_GOVERNED && !c->v[i].remove &&
		    memcmp(c->v[i].elem.key, group, WORD) == 0)
			return true;
	return false;
}

static int each_learnt(const struct mb_nl_nft_elem *e, void *arg)
{
	const struct carry *carry = arg;

	if (is_governed(carry->changes, e->key))
		*mb_net_changes_add(carry->changes, carry->set, false) = *e;
	return 0;
}

int mb_net_counts_carry(struct mb_net *net, struct mb_net_changes *c, struct mb_err *err)
{
	struct carry carry = {MB_NET_SET_LEARNT4, c};
	int r = mb_nl_nft_elem_dump(&net->netfilter, net->table, mb_net_set_name(MB_NET_SET_RULES),
	                            each_rule, c, err);

	for (; r >= 0 && carry.set <= MB_NET_SET_OPEN6; carry.set++)
		r = mb_nl_nft_elem_dump(&net->netfilter, net->table, mb_net_set_name(carry.set),
		                        each_learnt, &carry, err);
	return r < 0 ? r : 0;
}
