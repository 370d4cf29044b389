/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/socket.h>

#include "core/err.h"
#include "fuzz.h"
#include "net/ask.h"
#include "net/walk.h"

/* A target as typed, and an answer of a resolver. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct mb_net_walk_target t = {0};
	struct mb_err err = MB_ERR_INIT;
	struct mb_net_addr a = {0};
	uint8_t buf[MB_NET_ASK_MAX];
	size_t n;

	if (mb_net_walk_target_parse(text, &t, &err) == 0) {
		FUZZ_CHECK(t.host && *t.host && !strchr(t.host, '/'));
		mb_net_walk_target_done(&t);
	} else {
		FUZZ_CHECK(err.code);
	}
	if (mb_net_ask_format(text, AF_INET, 7, buf, &n) == 0)
		FUZZ_CHECK(n <= sizeof(buf));
	if (size >= 2 &&
	    mb_net_ask_parse(data, size, AF_INET, (uint16_t)(data[0] << 8 | data[1]), &a) == 0)
		FUZZ_CHECK(a.family == 0 || a.family == AF_INET);
	free(text);
	return 0;
}
