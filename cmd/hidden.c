/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a monitor becomes at its end, or has done: the container is put away, or started again;
 * the firewall's table is put back. */
#include <fcntl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/container_each.h"
#include "cmd/context.h"
#include "cmd/network.h"
#include "container/container.h"
#include "container/exec.h"
#include "container/health.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"
#include "net/net.h"
#include "store/store.h"

enum { EXIT_ENGINE = 125 };

/* The container whose id is the operand.  Return: as mb_container_open(). */
static int open_it(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                   struct mb_container **ret, struct mb_err *err)
{
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err);

	return r ? r : mb_container_open(store, in->operands[0], ret, err);
}

static int cleanup_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	int code, r = open_it(cx, in, &c, err);

	if (r != 0)
		return r < 0 ? r : 0; /* removed already */
	/* For systemd, whose service the monitor may be (--sdnotify). */
	code = c->state.has_exit ? c->state.exit.exit_code : 0;
	r = mb_container_finish(c, err);
	return r < 0 ? r : code;
}

static int restart_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	struct mb_container_start how = {.restart = true};
	int r = mb_cmd_container_seal(cx, in, err);

	if (r == 0)
		r = open_it(cx, in, &c, err);
	if (r == 0)
		r = mb_container_start(c, &how, NULL, err);
	mb_strv_done(&how.warnings);
	return r < 0 ? r : 0;
}

/* Its exit code is what the monitor goes by. */
static int health_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	int says, code, r = mb_cmd_container_seal(cx, in, err);

	if (r == 0)
		r = open_it(cx, in, &c, err);
	if (r == 0)
		r = mb_container_health_probe(c, &says, &code, err);
	return r ? EXIT_ENGINE : says;
}

const struct mb_cli_verb mb_cmd_health_hidden = {
	.paths = "__health",
	.summary = "probe a container for its monitor",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.hidden = true,
	.main = health_main,
};

static int lease_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	int r = open_it(cx, in, &c, err);

	if (r == 0)
		r = mb_container_leases_keep(c, err);
	return r < 0 ? r : 0;
}

const struct mb_cli_verb mb_cmd_lease_hidden = {
	.paths = "__lease",
	.summary = "keep the addresses of DHCP servers",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.hidden = true,
	.main = lease_main,
};

/* Its input and output are the monitor's client's. */
static int exec_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	int r = open_it(cx, in, &c, err);

	if (r == 0)
		r = mb_container_exec_serve(c, STDIN_FILENO, STDOUT_FILENO, err);
	return r ? EXIT_ENGINE : 0;
}

const struct mb_cli_verb mb_cmd_exec_hidden = {
	.paths = "__exec",
	.summary = "run a detached command for the monitor",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.hidden = true,
	.main = exec_main,
};

static int mend_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_asprintf("%s/c/%s/state.json", cx->run, in->operands[0]);
	MB_AUTO_CLOSE int state = open(path, O_PATH | O_CLOEXEC);
	MB_AUTO_CLOSE int root = open(cx->root, O_PATH | O_CLOEXEC);
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	int r;

	/* Opening a store makes it: one that was moved away or removed is to stay so. */
	if (state < 0 || root < 0)
		return 0;
	r = mb_cmd_net(cx, &net, err);
	return r ? r : mb_net_mend(net, err);
}

const struct mb_cli_verb mb_cmd_cleanup_hidden = {
	.paths = "__cleanup",
	.summary = "put away what an ended container leaves",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.hidden = true,
	.main = cleanup_main,
};

const struct mb_cli_verb mb_cmd_restart_hidden = {
	.paths = "__restart",
	.summary = "start a container again by its policy",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.hidden = true,
	.main = restart_main,
};

const struct mb_cli_verb mb_cmd_mend_hidden = {
	.paths = "__mend",
	.summary = "put the firewall's table back if it is lost",
	.operands = "ID",
	.min = 1,
	.max = 1,
	.hidden = true,
	.main = mend_main,
};
