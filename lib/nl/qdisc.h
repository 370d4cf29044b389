/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/nl/qdisc.h — queueing disciplines: how fast and how well an interface sends. */
#ifndef MB_NL_QDISC_H
#define MB_NL_QDISC_H

#include <stdint.h>

#include "nl/batch.h"
#include "nl/sock.h"

struct mb_err;

/* Where it stands: below @parent (0: it is the interface's own), as the number @handle. */
struct mb_nl_qdisc {
	int index; /* of the interface */
	uint16_t parent, handle;
};
/* A token bucket. */
struct mb_nl_tbf {
	uint64_t rate; /* bytes a second */
	uint32_t
		burst; /* bytes that may go at once: a packet at least, or that packet never goes */
	uint32_t limit; /* bytes that wait; what comes then is dropped */
};
void mb_nl_tbf_add(struct mb_nl_batch *b, const struct mb_nl_qdisc *q, const struct mb_nl_tbf *t);
/* A bad line. */
struct mb_nl_netem {
	int64_t delay_nsec, jitter_nsec; /* even, in delay +- jitter */
	uint32_t loss;                   /* of UINT32_MAX packets */
	uint32_t limit;                  /* packets that wait */
};
void mb_nl_netem_add(struct mb_nl_batch *b, const struct mb_nl_qdisc *q,
                     const struct mb_nl_netem *n);
/* Does the kernel have the discipline?  Asks for one without parameters upon an interface, which
 * is refused in any case, and for which a module is loaded where there are such.
 * Return: 0; MB_NL_ABSENT; or -errno. */
int mb_nl_qdisc_probe(struct mb_nl *nl, int index, const char *kind, struct mb_err *err);

#endif
