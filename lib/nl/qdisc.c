/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nl/qdisc.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "core/err.h"
#include "nl/route.h"

static void put_kind(struct mb_nl_batch *b, const struct mb_nl_qdisc *q, const char *kind)
{
	struct tcmsg t = {.tcm_family = AF_UNSPEC,
	                  .tcm_ifindex = q->index,
	                  .tcm_handle = TC_H_MAKE((uint32_t)q->handle << 16, 0),
	                  .tcm_parent =
	                          q->parent ? TC_H_MAKE((uint32_t)q->parent << 16, 1) : TC_H_ROOT};

	mb_nl_message(b, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &t, sizeof(t));
	mb_nl_put_str(b, TCA_KIND, kind);
}

void mb_nl_tbf_add(struct mb_nl_batch *b, const struct mb_nl_qdisc *q, const struct mb_nl_tbf *t)
{
	/* With a link layer the kernel reckons by itself, without a table of ours. */
	struct tc_tbf_qopt opt = {
		.rate = {.linklayer = TC_LINKLAYER_ETHERNET,
	                 .rate = t->rate < UINT32_MAX ? (uint32_t)t->rate : UINT32_MAX},
		.limit = t->limit,
	};
	size_t options;

	put_kind(b, q, "tbf");
	options = mb_nl_nest(b, TCA_OPTIONS);
	mb_nl_put(b, TCA_TBF_PARMS, &opt, sizeof(opt));
	mb_nl_put_u32(b, TCA_TBF_BURST, t->burst);
	if (t->rate >= UINT32_MAX)
		mb_nl_put(b, TCA_TBF_RATE64, &t->rate, sizeof(t->rate));
	mb_nl_nest_end(b, options);
}

void mb_nl_netem_add(struct mb_nl_batch *b, const struct mb_nl_qdisc *q,
                     const struct mb_nl_netem *n)
{
	struct tc_netem_qopt opt = {.limit = n->limit, .loss = n->loss};
	size_t options;

	put_kind(b, q, "netem");
	options = mb_nl_nest(b, TCA_OPTIONS);
	mb_nl_put_raw(b, &opt, sizeof(opt));
	mb_nl_put(b, TCA_NETEM_LATENCY64, &n->delay_nsec, sizeof(n->delay_nsec));
	mb_nl_put(b, TCA_NETEM_JITTER64, &n->jitter_nsec, sizeof(n->jitter_nsec));
	mb_nl_nest_end(b, options);
}

int mb_nl_qdisc_probe(struct mb_nl *nl, int index, const char *kind, struct mb_err *err)
{
	const struct mb_nl_qdisc q = {.index = index, .handle = 1};
	MB_AUTO_NL_BATCH struct mb_nl_batch b = MB_NL_BATCH_INIT;
	struct mb_err told = MB_ERR_INIT;
	int r;

	put_kind(&b, &q, kind);
	r = mb_nl_send(nl, &b, NULL, &told);
	if (r == -ENOENT)
		return MB_NL_ABSENT;
	/* EINVAL: it wants parameters; EEXIST: the interface has one already. */
	if (r == -EINVAL || r == -EEXIST)
		return 0;
	if (r && err)
		*err = told;
	return r;
}
