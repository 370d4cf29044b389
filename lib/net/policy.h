/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/policy.h — a policy worked out: classes of addresses, and the elements of the firewall.
 *
 * A class is a set of selectors of the rules that an address matches, and whether it is a
 * container's, the host's or outside.  What decides between two classes follows from the rules
 * alone; the firewall looks it up.  Pure: nothing here touches the system.
 */
#ifndef MB_NET_POLICY_H
#define MB_NET_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/handle.h"
#include "json/json.h"

struct mb_err;
struct mb_net_changes;
struct mb_net_network;
struct mb_net_policy;
struct mb_net_rule;
struct mb_net_selector;
struct mb_net_subject;

enum {
	MB_NET_CLASS_BYTES = 12,
	MB_NET_CLASS_ID_TEXT = 2 * MB_NET_CLASS_BYTES + 1,
	MB_NET_SELECTORS_MAX = 2 * MB_NET_RULES_MAX,
	MB_NET_CLASS_TEXT = 2 + MB_NET_SELECTORS_MAX / 4,
};

struct mb_net_class {
	char kind;                              /* 'm'ember, 'h'ost, 'o'utside */
	uint8_t bits[MB_NET_SELECTORS_MAX / 8]; /* of the selectors that match */
	uint8_t id[MB_NET_CLASS_BYTES];         /* a digest of all that */
};

struct mb_net_plan {
	const struct mb_net_network *network; /* borrowed */
	uint32_t group;
	struct mb_net_selector *selectors; /* each one once */
	char **texts;                      /* borrowed from the rules */
	size_t n_selectors;
	struct mb_net_plan_rule {
		size_t from, to; /* selectors */
	} * rules;
	struct mb_net_class *classes; /* those that elements are wanted for */
	size_t n_classes;
	size_t *slots; /* by name: the place of a class and one, 0: none; half of them at most */
	size_t n_slots;
};
#define MB_NET_PLAN_INIT ((struct mb_net_plan){0})
#define MB_AUTO_NET_PLAN __attribute__((cleanup(mb_net_plan_done)))

/* What a document says of one. */
extern const struct mb_json_field mb_net_policy_table[];
bool mb_net_policy_is_empty(const struct mb_net_network *n);
/* The place of a rule; as many as there are: none has @id. */
size_t mb_net_policy_find(const struct mb_net_policy *p, uint32_t id);
/* Return: 0 or -errno, told. */
int mb_net_plan_make(const struct mb_net_network *n, struct mb_net_plan *ret, struct mb_err *err);
void mb_net_plan_done(struct mb_net_plan *plan);

void mb_net_plan_classify(const struct mb_net_plan *plan, const struct mb_net_subject *who,
                          struct mb_net_class *ret);
/* Return: whether it is a new one. */
bool mb_net_plan_add_class(struct mb_net_plan *plan, const struct mb_net_class *class);
/* The first rule that matches, or NULL: the default decides. */
const struct mb_net_rule *mb_net_plan_decide(const struct mb_net_plan *plan,
                                             const struct mb_net_class *from,
                                             const struct mb_net_class *to, uint32_t proto,
                                             uint32_t port);

/* All addresses of a family as ranges of one class each, for those that @dns led to (NULL: none);
 * the classes are added to the plan.  @each may be NULL. */
typedef void mb_net_plan_range(const struct mb_net_addr *first, const struct mb_net_addr *last,
                               const struct mb_net_class *class, void *arg);
void mb_net_plan_ranges(struct mb_net_plan *plan, int family, const char *dns,
                        mb_net_plan_range *each, void *arg);
/* Elements that need no member; the classes of host, outside and names are added to the plan. */
void mb_net_plan_put_fixed(struct mb_net_plan *plan, struct mb_net_changes *c);
void mb_net_plan_put_member(const struct mb_net_plan *plan, const struct mb_net_addr *a,
                            const struct mb_net_class *class, bool remove,
                            struct mb_net_changes *c);
/* What decides from one class to the other, if anything but the default does. */
void mb_net_plan_put_pair(const struct mb_net_plan *plan, const struct mb_net_class *from,
                          const struct mb_net_class *to, struct mb_net_changes *c);
/* Of all classes of the plan with each other; with @one only of that one with all. */
void mb_net_plan_put_pairs(const struct mb_net_plan *plan, const struct mb_net_class *one,
                           struct mb_net_changes *c);

/* learn.c: what rules say of names, for the resolvers (core/learn.h).  The files of all names; none
 * any more; and what makes that which was learnt agree with @plan (NULL: nothing is to remain),
 * before the files are written. */
int mb_net_learn_write(struct mb_net *net, struct mb_net_plan *plan, struct mb_err *err);
int mb_net_learn_remove(struct mb_net *net, const char *network_id, struct mb_err *err);
int mb_net_learn_settle(struct mb_net *net, const struct mb_net_network *n,
                        const struct mb_net_plan *plan, struct mb_net_changes *c,
                        struct mb_err *err);

/* counts.c: @rules are the elements of a network's rules as they were read; kept for when the table
 * is lost. */
int mb_net_counts_save(struct mb_net *net, const char *network_id,
                       const struct mb_net_changes *rules, struct mb_err *err);
void mb_net_counts_remove(struct mb_net *net, const char *network_id);
/* Rules to be added to @c begin with what was kept; */
void mb_net_counts_load(struct mb_net *net, const struct mb_net_network *n,
                        struct mb_net_changes *c);
/* or with what the table that is to be replaced has counted, and learnt. */
int mb_net_counts_carry(struct mb_net *net, struct mb_net_changes *c, struct mb_err *err);

/* For RUN/net/<id>/policy: a class as the name and the target of a symlink. */
char *mb_net_class_id_format(const struct mb_net_class *class, char buf[MB_NET_CLASS_ID_TEXT]);
char *mb_net_class_format(const struct mb_net_plan *plan, const struct mb_net_class *class,
                          char buf[MB_NET_CLASS_TEXT]);
/* Return: 0; -EINVAL when it is not of this plan. */
int mb_net_class_parse(const struct mb_net_plan *plan, const char *text, struct mb_net_class *ret);

#endif
