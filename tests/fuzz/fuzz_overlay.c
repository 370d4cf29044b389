/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/socket.h>

#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "fuzz.h"
#include "net/addr.h"
#include "net/handle.h"
#include "net/net.h"
#include "net/overlay_record.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void check_remote(struct mb_net_remote *r, const struct mb_net_network *n)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT, again = MB_STR_INIT;
	struct mb_net_remote twice = {0};
	struct mb_net_prefix subnet;
	struct mb_net_addr a;

	/* It is a neighbour, and nobody's gateway; its names are names of files. */
	FUZZ_CHECK(mb_net_prefix_parse(n->v4.subnet, &subnet) == 0);
	FUZZ_CHECK(mb_net_addr_parse(r->ip, &a) == 0 && mb_net_prefix_has(&subnet, &a));
	FUZZ_CHECK(strcmp(r->ip, n->v4.gateway) != 0);
	FUZZ_CHECK(mb_net_addr_parse(r->vtep, &a) == 0 && a.family == AF_INET);
	MB_STRV_FOREACH (name, &r->names)
		FUZZ_CHECK(*name && *name != '.' && !strchr(name, '/'));
	/* What is kept of it is taken again, and is the same. */
	mb_net_remote_format(r, &text);
	FUZZ_CHECK(mb_net_remote_parse(mb_str_text(&text), ID, n, &twice, NULL) == 0);
	mb_net_remote_format(&twice, &again);
	FUZZ_CHECK(strcmp(mb_str_text(&text), mb_str_text(&again)) == 0);
	mb_net_remote_done(&twice);
}

/* It is what a document may have, and stays what it is. */
static void check_policy(const struct mb_net_policy *p)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT, again = MB_STR_INIT;
	struct mb_net_policy twice = {0};

	FUZZ_CHECK(p->n_rules <= MB_NET_RULES_MAX);
	mb_net_shared_policy_format(p, &text);
	FUZZ_CHECK(mb_net_shared_policy_parse(mb_str_text(&text), &twice, NULL) == 0);
	mb_net_shared_policy_format(&twice, &again);
	FUZZ_CHECK(strcmp(mb_str_text(&text), mb_str_text(&again)) == 0);
	mb_net_policy_done(&twice);
}

/* What other hosts say of themselves. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char subnet[] = "10.88.0.0/16", gateway[] = "10.88.0.1", vtep[] = "192.0.2.1";
	static char subnet6[] = "fd00:88::/64", gateway6[] = "fd00:88::1";
	const struct mb_net_network n = {.v4 = {.subnet = subnet, .gateway = gateway},
	                                 .v6 = {.subnet = subnet6, .gateway = gateway6},
	                                 .overlay = {.vtep = vtep}};
	MB_AUTO_FREE char *text = fuzz_text(data, size);
	struct mb_net_remote remote = {0};
	struct mb_net_shared shared = {0};
	struct mb_net_policy policy = {0};
	struct mb_net_host host = {0};
	struct mb_err err = MB_ERR_INIT;

	if (mb_net_remote_parse(text, ID, &n, &remote, &err) == 0) {
		check_remote(&remote, &n);
		mb_net_remote_done(&remote);
	} else {
		FUZZ_CHECK(err.code && !strpbrk(err.msg, "\n\033"));
	}
	if (mb_net_shared_parse(text, &shared, NULL) == 0) {
		FUZZ_CHECK(shared.vni && shared.port && shared.subnet && shared.gateway);
		mb_net_shared_done(&shared);
	}
	if (mb_net_shared_policy_parse(text, &policy, NULL) == 0) {
		check_policy(&policy);
		mb_net_policy_done(&policy);
	}
	if (mb_net_host_parse(text, &host, NULL) == 0) {
		FUZZ_CHECK(!strpbrk(host.name, "/ \n"));
		mb_net_host_done(&host);
	}
	return 0;
}
