/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/container_each.h"
#include "cmd/output.h"
#include "container/container.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

static void add_address(struct mb_str *out, const struct mb_container_published *p)
{
	bool v6 = strchr(p->host_ip, ':') != NULL;

	mb_str_addf(out, v6 ? "[%s]:%s\n" : "%s:%s\n", p->host_ip, p->host_port);
}

/* By port number, then protocol, IPv4 before IPv6. */
static int compare(const void *a, const void *b)
{
	const struct mb_container_published *x = a, *y = b;
	long left = strtol(x->container_port, NULL, 10),
	     right = strtol(y->container_port, NULL, 10);
	int by_text = strcmp(x->container_port, y->container_port);

	if (left != right)
		return left < right ? -1 : 1;
	if (by_text)
		return by_text;
	return (strchr(x->host_ip, ':') != NULL) - (strchr(y->host_ip, ':') != NULL);
}

static int one_port(const struct mb_container *c, const char *wanted, struct mb_str *out,
                    struct mb_err *err)
{
	MB_AUTO_FREE char *full =
		strchr(wanted, '/') ? mb_strdup(wanted) : mb_asprintf("%s/tcp", wanted);
	const struct mb_container_run *run = &c->state.run;

	for (size_t i = 0; i < run->n_ports; i++)
		if (strcmp(run->ports[i].container_port, full) == 0)
			add_address(out, &run->ports[i]);
	if (out->len == 0)
		return mb_fail(err, ENOENT, "no public port '%s' published for %s", full,
		               mb_container_name(c));
	return 0;
}

static int port_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_container_run *run;
	int r = mb_cmd_container_find(cx, in->operands[0], &c, err);

	if (r < 0)
		return r;
	run = &c->state.run;
	if (run->n_ports > 1)
		qsort(run->ports, run->n_ports, sizeof(*run->ports), compare);
	if (in->n_operands == 2)
		r = one_port(c, in->operands[1], &out, err);
	for (size_t i = 0; in->n_operands == 1 && i < run->n_ports; i++) {
		mb_str_addf(&out, "%s -> ", run->ports[i].container_port);
		add_address(&out, &run->ports[i]);
	}
	return r < 0 ? r : mb_cmd_put(&out);
}

const struct mb_cli_verb mb_cmd_port = {
	.paths = "port|container port",
	.summary = "list port mappings of a container",
	.operands = "CONTAINER [PRIVATE_PORT[/PROTO]]",
	.min = 1,
	.max = 2,
	.complete = {MB_COMP_RUNNING, MB_COMP_NONE},
	.main = port_main,
};
