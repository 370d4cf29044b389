/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "container/container.h"
#include "container/life.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "store/store.h"

/* As docker's daemon at its start: what was running, or would be if nobody had stopped it. */
static bool is_due(const struct mb_container *c)
{
	const struct mb_container_exit *end = &c->state.exit;
	const char *policy = c->record->host.restart.name;
	bool was_up = c->state.has_exit && (!end->finished || end->restarting);

	if (mb_container_is_running(c) || !c->state.has_exit || end->failed_start)
		return false;
	if (mb_streq(policy, "always"))
		return true;
	if (mb_streq(policy, "unless-stopped"))
		return !end->stop_requested;
	return was_up && (mb_streq(policy, "on-failure") || mb_streq(policy, "on-unhealthy"));
}

/* Return: whether it failed. */
static bool start(struct mb_container *c)
{
	struct mb_container_start how = {0};
	struct mb_err err = MB_ERR_INIT;
	int r = mb_container_start(c, &how, NULL, &err);

	for (size_t i = 0; i < how.warnings.n; i++)
		mb_cmd_say("WARNING: %s", how.warnings.v[i]);
	mb_strv_done(&how.warnings);
	if (r < 0) {
		mb_wrap(&err, r, "cannot start container '%s'", mb_container_name(c));
		mb_cmd_report(&err);
		return true;
	}
	return mb_cmd_put_line(mb_container_name(c)) != 0;
}

/* One that runs on without its monitor would not be started again.  Return: whether it failed. */
static bool adopt(struct mb_container *c)
{
	struct mb_err err = MB_ERR_INIT;
	bool failed = mb_container_adopt(c, &err) < 0;

	if (failed)
		mb_cmd_report(&err);
	return failed;
}

/* One that is required by another is started with that, in time. */
static int boot_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	struct mb_container_list all = {0};
	struct mb_store *store;
	bool failed = false;
	int r = mb_cmd_seal(cx, err);

	(void)in;
	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (r == 0)
		r = mb_container_list_load(store, false, &all, err);
	/* Newest first: the oldest are to be up first. */
	for (size_t i = all.n; r == 0 && i > 0; i--) {
		MB_AUTO(mb_container_free) struct mb_container *c = NULL;

		if (is_due(all.v[i - 1]) &&
		    mb_container_open(store, all.v[i - 1]->id, &c, NULL) == 0 && is_due(c))
			failed |= start(c);
		else if (all.v[i - 1]->state.monitor_lost)
			failed |= adopt(all.v[i - 1]);
	}
	mb_container_list_done(&all);
	return r < 0 ? r : failed;
}

const struct mb_cli_verb mb_cmd_system_boot = {
	.paths = "system boot",
	.summary = "start what is to run after a reboot",
	.max = 0,
	.examples = "mybox system boot\n",
	.main = boot_main,
};
