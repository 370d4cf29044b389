/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/learn.h — what a network's policy opens by name: the contract between who keeps
 * policies and the resolvers.
 *
 * RUN/net/<network>/learn/<name>, or <*.name>, is there for each name in the policy's rules: a
 * header, then ranges of all addresses, of which one has each address that an answer gives.  The
 * resolver adds (group . address . slot: class) to the map learnt4 or learnt6 of the table, in the
 * first slot that is free or has this class: of several names that lead to one address each has a
 * slot.  It adds (group . address) to the set open4 or open6, which the firewall looks into before
 * it asks for classes: from there the kernel forgets an address after MB_LEARN_FORGET_SEC in which
 * neither a resolver gave it nor a connection used it.  Classes wait longer, as a connection alone
 * cannot renew them.  Answers are not to be kept for more than MB_LEARN_TTL_SEC.
 */
#ifndef MB_CORE_LEARN_H
#define MB_CORE_LEARN_H

#include <stdint.h>

#define MB_LEARN_DIR  "learn"
#define MB_LEARN_MAP4 "learnt4"
#define MB_LEARN_MAP6 "learnt6"
#define MB_LEARN_SET4 "open4"
#define MB_LEARN_SET6 "open6"

enum {
	MB_LEARN_FORGET_SEC = 300,
	MB_LEARN_CLASS_SEC = 7 * 24 * 3600,
	MB_LEARN_TTL_SEC = 60,
	MB_LEARN_SLOTS = 3,
	MB_LEARN_CLASS_BYTES = 12,
};

struct mb_learn_header {
	char table[32];
	uint32_t group;
	uint32_t n_ranges;
};

struct mb_learn_range {
	uint8_t address_bytes; /* 4 or 16 */
	uint8_t first[16], last[16];
	uint8_t class_id[MB_LEARN_CLASS_BYTES];
	uint8_t padding[3];
};
_Static_assert(sizeof(struct mb_learn_range) == 48, "the same in every program");

#endif
