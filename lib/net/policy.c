/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/policy.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/sha256.h"
#include "core/str.h"
#include "net/firewall.h"
#include "net/net.h"
#include "net/policy_rule.h"

enum { WORD = 4, NIBBLE = 4 };

size_t mb_net_policy_find(const struct mb_net_policy *p, uint32_t id)
{
	size_t i = 0;

	while (i < p->n_rules && p->rules[i].id != id)
		i++;
	return i;
}

bool mb_net_policy_is_empty(const struct mb_net_network *n)
{
	return !n->policy.deny && !n->policy.n_rules;
}

/* ---- selectors ------------------------------------------------------------------------ */

static int find_selector(struct mb_net_plan *plan, char *text, size_t *ret, struct mb_err *err)
{
	int r;

	for (size_t i = 0; i < plan->n_selectors; i++)
		if (mb_streq(plan->texts[i], text)) {
			*ret = i;
			return 0;
		}
	r = mb_net_selector_parse(text, &plan->selectors[plan->n_selectors], err);
	if (r)
		return r;
	plan->texts[plan->n_selectors] = text;
	*ret = plan->n_selectors++;
	return 0;
}

int mb_net_plan_make(const struct mb_net_network *n, struct mb_net_plan *ret, struct mb_err *err)
{
	size_t n_rules = n->policy.n_rules;
	struct mb_net_plan plan = {.network = n, .group = mb_net_group(n)};
	int r = 0;

	if (n_rules > MB_NET_RULES_MAX)
		return mb_fail(err, E2BIG, "a policy has %d rules at most", MB_NET_RULES_MAX);
	plan.selectors = mb_calloc(2 * n_rules + 1, sizeof(*plan.selectors));
	plan.texts = mb_calloc(2 * n_rules + 1, sizeof(*plan.texts));
	plan.rules = mb_calloc(n_rules + 1, sizeof(*plan.rules));
	for (size_t i = 0; !r && i < n_rules; i++) {
		r = find_selector(&plan, n->policy.rules[i].from, &plan.rules[i].from, err);
		if (!r)
			r = find_selector(&plan, n->policy.rules[i].to, &plan.rules[i].to, err);
	}
	if (r)
		mb_net_plan_done(&plan);
	else
		*ret = plan;
	return r;
}

void mb_net_plan_done(struct mb_net_plan *plan)
{
	for (size_t i = 0; i < plan->n_selectors; i++)
		mb_net_selector_done(&plan->selectors[i]);
	free(plan->selectors);
	free(plan->texts);
	free(plan->rules);
	free(plan->classes);
	free(plan->slots);
	*plan = MB_NET_PLAN_INIT;
}

/* ---- classes -------------------------------------------------------------------------- */

static bool has_bit(const struct mb_net_class *c, size_t i)
{
	return c->bits[i / 8] & 1u << i % 8;
}

/* What a class is called follows from what it is, in every process. */
static void name_class(const struct mb_net_plan *plan, struct mb_net_class *c)
{
	unsigned char digest[MB_SHA256_BYTES];
	struct mb_sha256 h;

	mb_sha256_init(&h);
	mb_sha256_add(&h, plan->network->id, strlen(plan->network->id) + 1);
	mb_sha256_add(&h, &c->kind, 1);
	for (size_t i = 0; i < plan->n_selectors; i++)
		if (has_bit(c, i))
			mb_sha256_add(&h, plan->texts[i], strlen(plan->texts[i]) + 1);
	mb_sha256_finish(&h, digest);
	memcpy(c->id, digest, sizeof(c->id));
}

void mb_net_plan_classify(const struct mb_net_plan *plan, const struct mb_net_subject *who,
                          struct mb_net_class *ret)
{
	*ret = (struct mb_net_class){.kind = who->is_host ? 'h' : who->is_member ? 'm' : 'o'};
	for (size_t i = 0; i < plan->n_selectors; i++)
		if (mb_net_selector_matches(&plan->selectors[i], who))
			ret->bits[i / 8] |= (uint8_t)(1u << i % 8);
	name_class(plan, ret);
}

/* Where a class is, or ought to be: names are digests, and spread by any of their bytes. */
static size_t *find_slot(const struct mb_net_plan *plan, const struct mb_net_class *class)
{
	size_t at;

	memcpy(&at, class->id, sizeof(at));
	for (at %= plan->n_slots; plan->slots[at]; at = (at + 1) % plan->n_slots) {
		const struct mb_net_class *c = &plan->classes[plan->slots[at] - 1];

		if (memcmp(c->id, class->id, sizeof(class->id)) == 0)
			break;
	}
	return &plan->slots[at];
}

static void grow(struct mb_net_plan *plan)
{
	enum { FIRST = 32 };

	plan->n_slots = plan->n_slots ? 2 * plan->n_slots : FIRST;
	plan->classes = mb_realloc(plan->classes, plan->n_slots / 2 * sizeof(*plan->classes));
	plan->slots = mb_realloc(plan->slots, plan->n_slots * sizeof(*plan->slots));
	memset(plan->slots, 0, plan->n_slots * sizeof(*plan->slots));
	for (size_t i = 0; i < plan->n_classes; i++)
		*find_slot(plan, &plan->classes[i]) = i + 1;
}

bool mb_net_plan_add_class(struct mb_net_plan *plan, const struct mb_net_class *class)
{
	size_t *slot;

	if (plan->n_classes >= plan->n_slots / 2)
		grow(plan);
	slot = find_slot(plan, class);
	if (*slot)
		return false;
	plan->classes[plan->n_classes++] = *class;
	*slot = plan->n_classes;
	return true;
}

char *mb_net_class_id_format(const struct mb_net_class *class, char buf[MB_NET_CLASS_ID_TEXT])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(class->id); i++) {
		buf[2 * i] = digits[class->id[i] >> NIBBLE];
		buf[2 * i + 1] = digits[class->id[i] & 0xf];
	}
	buf[2 * sizeof(class->id)] = '\0';
	return buf;
}

char *mb_net_class_format(const struct mb_net_plan *plan, const struct mb_net_class *class,
                          char buf[MB_NET_CLASS_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	size_t n = (plan->n_selectors + NIBBLE - 1) / NIBBLE;

	buf[0] = class->kind;
	for (size_t i = 0; i < n; i++)
		buf[1 + i] = digits[class->bits[i / 2] >> (i % 2 ? NIBBLE : 0) & 0xf];
	buf[1 + n] = '\0';
	return buf;
}

int mb_net_class_parse(const struct mb_net_plan *plan, const char *text, struct mb_net_class *ret)
{
	size_t n = (plan->n_selectors + NIBBLE - 1) / NIBBLE;
	struct mb_net_class c = {.kind = text[0]};

	if (!c.kind || !strchr("mho", c.kind) || strlen(text) != n + 1)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		const char digit[] = {text[1 + i], '\0'};
		char *end;
		unsigned long v = strtoul(digit, &end, 16);

		if (end != digit + 1)
			return -EINVAL;
		c.bits[i / 2] |= (uint8_t)(v << (i % 2 ? NIBBLE : 0));
	}
	for (size_t i = plan->n_selectors; i < n * NIBBLE; i++)
		if (has_bit(&c, i))
			return -EINVAL;
	name_class(plan, &c);
	*ret = c;
	return 0;
}

/* ---- deciding ------------------------------------------------------------------------- */

static bool is_between(const struct mb_net_plan *plan, size_t rule, const struct mb_net_class *from,
                       const struct mb_net_class *to)
{
	return has_bit(from, plan->rules[rule].from) && has_bit(to, plan->rules[rule].to);
}

const struct mb_net_rule *mb_net_plan_decide(const struct mb_net_plan *plan,
                                             const struct mb_net_class *from,
                                             const struct mb_net_class *to, uint32_t proto,
                                             uint32_t port)
{
	const struct mb_net_policy *p = &plan->network->policy;

	for (size_t i = 0; i < p->n_rules; i++)
		if (is_between(plan, i, from, to) &&
		    mb_net_rule_has_port(&p->rules[i], proto, port))
			return &p->rules[i];
	return NULL;
}

/* ---- elements ------------------------------------------------------------------------- */

static void put_group(const struct mb_net_plan *plan, uint8_t *at)
{
	memcpy(at, &plan->group, sizeof(plan->group));
}

static void put_class(struct mb_nl_nft_elem *e, const struct mb_net_class *class)
{
	memcpy(e->data, class->id, sizeof(class->id));
}

static void put_verdict(const struct mb_net_plan *plan, uint32_t rule, bool deny,
                        struct mb_net_changes *c)
{
	struct mb_nl_nft_elem *e = mb_net_changes_add(c, MB_NET_SET_RULES, false);

	put_group(plan, e->key + WORD);
	memcpy(e->key + 2 * WORD, &rule, sizeof(rule));
	e->verdict = deny ? NF_DROP : NFT_RETURN;
}

void mb_net_plan_put_member(const struct mb_net_plan *plan, const struct mb_net_addr *a,
                            const struct mb_net_class *class, bool remove, struct mb_net_changes *c)
{
	struct mb_nl_nft_elem *e = mb_net_changes_add(
		c, a->family == AF_INET ? MB_NET_SET_MEMBER4 : MB_NET_SET_MEMBER6, remove);

	put_group(plan, e->key);
	memcpy(e->key + WORD, a->b, mb_net_addr_len(a));
	put_class(e, class);
}

/* Addresses as numbers. */
static int compare_addr(const void *a, const void *b)
{
	const struct mb_net_addr *x = a, *y = b;

	return memcmp(x->b, y->b, sizeof(x->b));
}

/* Return: false: it was the last address. */
static bool step(struct mb_net_addr *a, int by)
{
	size_t i = mb_net_addr_len(a);

	while (i-- > 0) {
		a->b[i] = (uint8_t)(a->b[i] + by);
		if (a->b[i] != (by > 0 ? 0 : 0xff))
			return true;
	}
	return false;
}

/* Where a range begins: at 0, at the first address of a prefix, behind its last one. */
static size_t cut(const struct mb_net_plan *plan, int family, struct mb_net_addr *starts)
{
	size_t n = 0, unique = 1;

	starts[n++] = (struct mb_net_addr){.family = family};
	for (size_t i = 0; i < plan->n_selectors; i++) {
		const struct mb_net_selector *s = &plan->selectors[i];

		if (s->side != MB_NET_SIDE_PREFIX || s->prefix.addr.family != family)
			continue;
		starts[n++] = s->prefix.addr;
		mb_net_prefix_last(&s->prefix, &starts[n]);
		n += step(&starts[n], 1);
	}
	qsort(starts, n, sizeof(*starts), compare_addr);
	for (size_t i = 1; i < n; i++)
		if (compare_addr(&starts[i], &starts[unique - 1]) != 0)
			starts[unique++] = starts[i];
	return unique;
}

struct ranges {
	const struct mb_net_plan *plan;
	struct mb_net_changes *changes;
};

static void put_range(const struct mb_net_addr *first, const struct mb_net_addr *last,
                      const struct mb_net_class *class, void *arg)
{
	const struct ranges *r = arg;
	bool v6 = first->family == AF_INET6;
	struct mb_nl_nft_elem *e =
		mb_net_changes_add(r->changes, v6 ? MB_NET_SET_RANGE6 : MB_NET_SET_RANGE4, false);

	e->is_range = true;
	put_group(r->plan, e->key);
	put_group(r->plan, e->key_end);
	memcpy(e->key + WORD, first->b, mb_net_addr_len(first));
	memcpy(e->key_end + WORD, last->b, mb_net_addr_len(last));
	put_class(e, class);
}

/* From @first to before @next, or to the last there is. */
static void tell_range(const struct mb_net_addr *first, const struct mb_net_addr *next,
                       const struct mb_net_class *class, mb_net_plan_range *each, void *arg)
{
	struct mb_net_addr last = {.family = first->family};
	struct mb_net_prefix all = {.addr = last};

	if (next) {
		last = *next;
		(void)step(&last, -1);
	} else {
		mb_net_prefix_last(&all, &last);
	}
	if (each)
		each(first, &last, class, arg);
}

void mb_net_plan_ranges(struct mb_net_plan *plan, int family, const char *dns,
                        mb_net_plan_range *each, void *arg)
{
	MB_AUTO_FREE struct mb_net_addr *starts =
		mb_calloc(2 * plan->n_selectors + 2, sizeof(*starts));
	size_t n = cut(plan, family, starts), first = 0;
	struct mb_net_class now, class;

	for (size_t i = 0; i < n; i++) {
		mb_net_plan_classify(plan, &(struct mb_net_subject){.addr = &starts[i], .dns = dns},
		                     &class);
		mb_net_plan_add_class(plan, &class);
		if (i && memcmp(class.id, now.id, sizeof(now.id)) == 0)
			continue;
		if (i)
			tell_range(&starts[first], &starts[i], &now, each, arg);
		first = i;
		now = class;
	}
	tell_range(&starts[first], NULL, &now, each, arg);
}

/* Of addresses by themselves, and the classes of those that a name led to. */
static void put_ranges(struct mb_net_plan *plan, int family, struct mb_net_changes *c)
{
	struct ranges r = {plan, c};

	mb_net_plan_ranges(plan, family, NULL, put_range, &r);
	for (size_t i = 0; i < plan->n_selectors; i++)
		if (plan->selectors[i].side == MB_NET_SIDE_DNS)
			mb_net_plan_ranges(plan, family, plan->selectors[i].name, NULL, NULL);
}

void mb_net_plan_put_fixed(struct mb_net_plan *plan, struct mb_net_changes *c)
{
	const struct mb_net_policy *p = &plan->network->policy;
	struct mb_net_class host;

	put_group(plan, mb_net_changes_add(c, MB_NET_SET_GOVERNED, false)->key);
	put_verdict(plan, 0, p->deny, c);
	for (size_t i = 0; i < p->n_rules; i++)
		put_verdict(plan, p->rules[i].id, p->rules[i].deny, c);
	mb_net_plan_classify(plan, &(struct mb_net_subject){.is_host = true}, &host);
	mb_net_plan_add_class(plan, &host);
	put_group(plan, mb_net_changes_add(c, MB_NET_SET_HOST_CLASS, false)->key);
	put_class(&c->v[c->n - 1].elem, &host);
	put_ranges(plan, AF_INET, c);
	if (plan->network->v6.subnet)
		put_ranges(plan, AF_INET6, c);
}

struct pair {
	const struct mb_net_plan *plan;
	const struct mb_net_class *from, *to;
	struct mb_net_changes *changes;
};

static void put_flow(const struct pair *p, uint32_t rule, uint32_t proto, uint32_t port)
{
	struct mb_nl_nft_elem *e = mb_net_changes_add(p->changes, MB_NET_SET_DECIDE, false);
	uint8_t *key = e->key, number = (uint8_t)proto;
	uint16_t be = htons((uint16_t)port);

	memcpy(key + WORD, p->from->id, MB_NET_CLASS_BYTES);
	memcpy(key + 2 * WORD + MB_NET_CLASS_BYTES, p->to->id, MB_NET_CLASS_BYTES);
	key += 2 * (WORD + MB_NET_CLASS_BYTES);
	memcpy(key, &number, sizeof(number));
	memcpy(key + WORD, &be, sizeof(be));
	put_group(p->plan, e->data);
	memcpy(e->data + WORD, &rule, sizeof(rule));
}

/* Whether a rule before rule @at speaks of all that is asked for: 0 is any. */
static bool is_taken(const struct pair *p, size_t at, uint32_t proto, uint32_t port)
{
	const struct mb_net_rule *rules = p->plan->network->policy.rules;

	for (size_t i = 0; i < at; i++)
		if (is_between(p->plan, i, p->from, p->to) &&
		    mb_net_rule_has_port(&rules[i], proto, port))
			return true;
	return false;
}

/* The element of a rule is where the lookup finds it that no earlier rule answers: of a port by
 * the exact key, of a protocol where no port is named, of anything at last. */
static void put_rule(const struct pair *p, size_t at)
{
	const struct mb_net_rule *r = &p->plan->network->policy.rules[at];

	if (!r->port_lo) {
		if (!is_taken(p, at, r->proto, 0))
			put_flow(p, r->id, r->proto, 0);
		if (r->proto == IPPROTO_ICMP && !is_taken(p, at, IPPROTO_ICMPV6, 0))
			put_flow(p, r->id, IPPROTO_ICMPV6, 0);
		return;
	}
	for (uint32_t port = r->port_lo; port <= r->port_hi; port++)
		if (!is_taken(p, at, r->proto, port))
			put_flow(p, r->id, r->proto, port);
}

/* How many rules count for what a name led to: the last that speaks of the name, and those before
 * it.  An address may have other names, whose rules come first; the rest is said by its range. */
static size_t rules_for(const struct mb_net_plan *plan, const struct mb_net_class *to)
{
	size_t n = plan->network->policy.n_rules;
	bool is_named = false;

	for (size_t i = 0; !is_named && i < plan->n_selectors; i++)
		is_named = plan->selectors[i].side == MB_NET_SIDE_DNS && has_bit(to, i);
	while (is_named && n &&
	       !(plan->selectors[plan->rules[n - 1].to].side == MB_NET_SIDE_DNS &&
	         has_bit(to, plan->rules[n - 1].to)))
		n--;
	return n;
}

void mb_net_plan_put_pair(const struct mb_net_plan *plan, const struct mb_net_class *from,
                          const struct mb_net_class *to, struct mb_net_changes *c)
{
	const struct pair p = {.plan = plan, .from = from, .to = to, .changes = c};
	size_t n_rules = rules_for(plan, to);

	/* The host's own connections are not judged, others' not through this network. */
	if (from->kind == 'h' || (from->kind == 'o' && to->kind != 'm'))
		return;
	for (size_t i = 0; i < n_rules; i++)
		if (is_between(plan, i, from, to))
			put_rule(&p, i);
}

void mb_net_plan_put_pairs(const struct mb_net_plan *plan, const struct mb_net_class *one,
                           struct mb_net_changes *c)
{
	for (size_t i = 0; i < plan->n_classes; i++) {
		const struct mb_net_class *other = &plan->classes[i];

		for (size_t k = 0; !one && k < plan->n_classes; k++)
			mb_net_plan_put_pair(plan, other, &plan->classes[k], c);
		if (one)
			mb_net_plan_put_pair(plan, other, one, c);
		if (one && memcmp(other->id, one->id, sizeof(one->id)) != 0)
			mb_net_plan_put_pair(plan, one, other, c);
	}
}
