/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What policies say from now on, written down and done. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/str.h"
#include "net/guest.h"
#include "net/handle.h"
#include "net/overlay.h"
#include "net/overlay_policy.h"
#include "net/overlay_record.h"
#include "net/overlay_store.h"
#include "net/policy.h"
#include "net/policy_rule.h"
#include "store/store.h"

#define UNFINISHED "unfinished"

static int absent(const struct mb_net_network *n, uint32_t id, struct mb_err *err)
{
	mb_fail(err, ENOENT, "network %s has no rule %u", n->name, id);
	return MB_NET_ABSENT;
}

static int add_rule(struct mb_net_network *n, const struct mb_net_policy_edit *edit,
                    struct mb_err *err)
{
	struct mb_net_policy *p = &n->policy;
	size_t at = edit->before ? mb_net_policy_find(p, edit->before) : p->n_rules;
	struct mb_net_rule rule = edit->rule;
	int r;

	if (edit->before && at == p->n_rules)
		return absent(n, edit->before, err);
	if (p->n_rules == MB_NET_RULES_MAX || p->last_id == UINT32_MAX)
		return mb_fail(err, E2BIG, "a policy has %d rules at most", MB_NET_RULES_MAX);
	rule.from = mb_strdup_or_null(rule.from);
	rule.to = mb_strdup_or_null(rule.to);
	r = mb_net_rule_check(&rule, err);
	if (r) {
		free(rule.from);
		free(rule.to);
		return r;
	}
	rule.id = ++p->last_id;
	p->rules = mb_realloc(p->rules, (p->n_rules + 1) * sizeof(*p->rules));
	memmove(&p->rules[at + 1], &p->rules[at], (p->n_rules - at) * sizeof(*p->rules));
	p->rules[at] = rule;
	p->n_rules++;
	return 0;
}

static int remove_rule(struct mb_net_network *n, uint32_t id, struct mb_err *err)
{
	struct mb_net_policy *p = &n->policy;
	size_t at = mb_net_policy_find(p, id);

	if (at == p->n_rules)
		return absent(n, id, err);
	free(p->rules[at].from);
	free(p->rules[at].to);
	p->n_rules--;
	memmove(&p->rules[at], &p->rules[at + 1], (p->n_rules - at) * sizeof(*p->rules));
	return 0;
}

int mb_net_policy_edit(struct mb_net_network *n, const struct mb_net_policy_edit *edit,
                       struct mb_err *err)
{
	switch (edit->op) {
	case MB_NET_POLICY_ADD:
		return add_rule(n, edit, err);
	case MB_NET_POLICY_REMOVE:
		return remove_rule(n, edit->rule.id, err);
	case MB_NET_POLICY_DEFAULT:
		n->policy.deny = edit->rule.deny;
		return 0;
	}
	return -EINVAL;
}

struct settle {
	const struct mb_net_network *network;
	mb_net_netns_open *open;
	void *arg;
};

static int settle_one(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	const struct settle *t = arg;
	struct mb_net_endpoint *e = mb_net_endpoint_find(s, t->network->id);
	MB_AUTO_CLOSE int netns = -1;

	if (!e)
		return 0;
	if (s->guest.container)
		netns = mb_net_guest_open(&s->guest);
	else if (t->open)
		netns = t->open(s->container_id, t->arg);
	return mb_net_routed_settle(net, t->network, s, e, !mb_net_policy_is_empty(t->network),
	                            netns, err);
}

/* ---- doing it ------------------------------------------------------------------------- */

/* RUN/net/<id>/unfinished is there from before a document says something else until all of it is
 * done: whoever finds it does the rest, for every container. */
bool mb_net_policy_is_unfinished(struct mb_net *net, const char *network_id)
{
	MB_AUTO_FREE char *path = mb_asprintf("net/%s/" UNFINISHED, network_id);

	return faccessat(net->store->run_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A network that is not up has nothing that could be half done. */
static int begin(struct mb_net *net, const char *id, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_net_bridge_index(net, id) ? mb_net_run_dir(net, id, &dir, err) : 1;

	if (!r && symlinkat("-", dir, UNFINISHED) < 0 && errno != EEXIST)
		r = mb_fail_sys(err, errno, "cannot note that a policy changes");
	return r > 0 ? 0 : r;
}

static void end(struct mb_net *net, const char *id)
{
	MB_AUTO_FREE char *path = mb_asprintf("net/%s/" UNFINISHED, id);

	(void)unlinkat(net->store->run_fd, path, 0);
}

/* The document says it already.  What is not up gets its elements when it comes up.  With @whole
 * nothing is believed of what an earlier one has done. */
static int apply_locked(struct mb_net *net, const struct mb_net_network *n, bool whole,
                        const struct settle *how, struct mb_err *err)
{
	struct settle t = {.network = n, .open = how->open, .arg = how->arg};
	bool was_on = mb_net_policy_is_on(net, n->id);
	int r;

	if (!mb_net_bridge_index(net, n->id))
		return 0;
	r = mb_net_policy_sync(net, n, err);
	if (!r && whole)
		r = mb_net_overlay_turn(net, n, err);
	if (!r && (whole || was_on != mb_net_policy_is_on(net, n->id)))
		r = mb_net_records_walk(net, settle_one, &t, err);
	if (!r)
		end(net, n->id);
	return r ? mb_wrap(err, r, "the policy of network %s is kept but not applied", n->name) : 0;
}

static int write_locked(struct mb_net *net, const struct mb_net_network *n,
                        const struct settle *how, struct mb_err *err)
{
	bool whole = mb_net_policy_is_unfinished(net, n->id);
	int r = begin(net, n->id, err);

	if (!r)
		r = mb_net_doc_write(net, n, true, err);
	return r ? r : apply_locked(net, n, whole, how, err);
}

static int change_locked(struct mb_net *net, const char *id, const struct mb_net_policy_edit *edit,
                         uint32_t *ret_id, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	int r;

	r = mb_net_doc_read(net, id, &n, err);
	if (!r)
		r = mb_net_policy_edit(n, edit, err);
	if (r)
		return r;
	if (ret_id)
		*ret_id = n->policy.last_id;
	return write_locked(net, n, &(struct settle){.open = edit->open, .arg = edit->arg}, err);
}

static bool is_same(const struct mb_net_policy *a, const struct mb_net_policy *b)
{
	MB_AUTO_STR struct mb_str one = MB_STR_INIT, other = MB_STR_INIT;

	mb_net_shared_policy_format(a, &one);
	mb_net_shared_policy_format(b, &other);
	return mb_streq(mb_str_text(&one), mb_str_text(&other));
}

/* Nobody who reads the store now is told of a time before the document's policy was put, unless the
 * store has been made anew from a copy: then it is below that whenever it is asked. */
static bool is_older(const struct mb_net_network *n, const struct mb_net_policy_told *told)
{
	return told->revision < n->overlay.policy_revision &&
	       told->seen != n->overlay.policy_revision;
}

/* The same, put at another time. */
static int note_revision(struct mb_net *net, struct mb_net_network *n, uint64_t changed,
                         struct mb_err *err)
{
	if (n->overlay.policy_revision == changed)
		return 0;
	n->overlay.policy_revision = changed;
	return mb_net_doc_write(net, n, true, err);
}

int mb_net_policy_take(struct mb_net *net, const char *network_id, struct mb_net_policy_told *told,
                       bool again, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	const struct settle how = {.open = net->open, .arg = net->open_arg};
	MB_AUTO_CLOSE int lock = -1;
	struct mb_net_policy before;
	bool whole;
	int r = mb_net_networks_lock(net, true, &lock, err);

	if (!r)
		r = mb_net_doc_read(net, network_id, &n, err);
	if (r)
		return r;
	if (is_older(n, told)) {
		told->seen = n->overlay.policy_revision;
		return MB_NET_OLDER;
	}
	whole = mb_net_policy_is_unfinished(net, network_id);
	if (is_same(&n->policy, &told->policy)) {
		r = note_revision(net, n, told->changed, err);
		return !r && (again || whole) ? apply_locked(net, n, whole, &how, err) : r;
	}
	before = n->policy;
	n->policy = told->policy; /* borrowed */
	n->overlay.policy_revision = told->changed;
	r = write_locked(net, n, &how, err);
	n->policy = before;
	return r;
}

int mb_net_policy_change(struct mb_net *net, const struct mb_net_network *n,
                         const struct mb_net_policy_edit *edit, uint32_t *ret_id,
                         struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r;

	if (mb_net_has_store(n))
		return mb_net_policy_share(net, n, edit, ret_id, err);
	if (mb_net_is_overlay(n->driver))
		return mb_fail(err, EOPNOTSUPP,
		               "network %s takes no policy: its hosts have no store to keep it in",
		               n->name);
	if (!mb_streq(n->driver, "bridge"))
		return mb_fail(err, EOPNOTSUPP,
		               "network %s takes no policy: its driver is %s, not bridge", n->name,
		               n->driver);
	if (n->no_addresses)
		return mb_fail(err, EOPNOTSUPP,
		               "network %s takes no policy: it gives no addresses to know its "
		               "containers by",
		               n->name);
	/* What neighbours say to each other would go by the host's address. */
	if (n->bare4 || n->bare6)
		return mb_fail(err, EOPNOTSUPP,
		               "network %s takes no policy: the host has no address in it",
		               n->name);
	r = mb_net_networks_lock(net, true, &lock, err);
	return r ? r : change_locked(net, n->id, edit, ret_id, err);
}
