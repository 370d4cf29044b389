/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netlink.h>

#include "fuzz.h"
#include "nl/batch.h"

/* The attributes of the kernel's replies. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct nlattr *at[32] = {0}, *inner[8] = {0};

	if (mb_nl_parse(data, size, at, 31) < 0)
		return 0;
	for (size_t i = 0; i < 32; i++) {
		if (!at[i])
			continue;
		FUZZ_CHECK((const uint8_t *)at[i] >= data && at[i]->nla_len >= NLA_HDRLEN);
		FUZZ_CHECK((const uint8_t *)at[i] + at[i]->nla_len <= data + size);
		mb_nl_parse((const uint8_t *)at[i] + NLA_HDRLEN, at[i]->nla_len - NLA_HDRLEN, inner,
		            7);
	}
	return 0;
}
