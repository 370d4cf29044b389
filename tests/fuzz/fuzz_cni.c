/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/own.h"
#include "core/str.h"
#include "fuzz.h"
#include "net/addr.h"
#include "net/cni.h"
#include "json/json.h"

static void is_address(const char *text)
{
	struct mb_net_addr a;

	FUZZ_CHECK(!text || mb_net_addr_parse(text, &a) == 0);
}

/* Lists of plugins, and what plugins answer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[] = "n", *text = fuzz_text(data, size);
	const struct mb_net_cni cni = {.name = name, .result = text};
	struct mb_net_cni_outcome o;
	MB_AUTO(mb_json_free) struct json_object *list = NULL;

	if (mb_net_cni_parse(text, strlen(text), &list, NULL) == 0) {
		FUZZ_CHECK(*mb_json_find_str(list, "name", ""));
		FUZZ_CHECK(mb_json_find(list, "plugins"));
	}
	if (mb_net_cni_outcome(&cni, &o, NULL) == 0) {
		is_address(o.endpoint.ip4);
		is_address(o.endpoint.gw4);
		is_address(o.endpoint.ip6);
		is_address(o.endpoint.gw6);
		FUZZ_CHECK(o.endpoint.prefix4 <= 32 && o.endpoint.prefix6 <= 128);
		MB_STRV_FOREACH (server, &o.servers)
			FUZZ_CHECK(*server && !strpbrk(server, " \t\r\n"));
		mb_net_cni_outcome_done(&o);
	}
	free(text);
	return 0;
}
