/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/each.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "cmd/users.h"
#include "core/err.h"
#include "secret/secret.h"

struct rm_args {
	bool all, ignore;
};

struct removal {
	struct mb_store *store;
	bool ignore;
};

static int remove_one(void *arg, const char *name, struct mb_err *err)
{
	const struct removal *removal = arg;
	const struct mb_secret_users users = mb_cmd_secret_users(removal->store);
	int r = mb_secret_remove(removal->store, name, &users, err);

	if (r == MB_SECRET_ABSENT && removal->ignore)
		return 0;
	if (r == MB_SECRET_ABSENT)
		mb_cmd_say("Error: No such secret: %s", name);
	else if (r > 0)
		mb_cmd_report(err);
	return r;
}

static int remove_all(struct removal *removal, struct mb_err *err)
{
	struct mb_secret_list list = {0};
	int r = mb_secret_list_load(removal->store, &list, err), code = 0;

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		int one = remove_one(removal, list.v[i]->name, err);

		if (one < 0)
			mb_cmd_report(err);
		if (one == 0)
			one = mb_cmd_put_line(list.v[i]->name);
		if (one != 0)
			code = 1;
	}
	mb_secret_list_done(&list);
	return r < 0 ? r : code;
}

static int rm_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct rm_args *args = in->args;
	struct removal removal = {.ignore = args->ignore};
	int r = 0;

	if (args->all == (in->n_operands > 0))
		return mb_fail(err, EINVAL, "either --all or names of secrets");
	r = mb_cmd_store(cx, &removal.store, err);
	if (r < 0)
		return r;
	return args->all ? remove_all(&removal, err) : mb_cmd_each(in, remove_one, &removal);
}

static const struct mb_cli_opt rm_opts[] = {
	MB_OPT_SWITCH('a', "all", struct rm_args, all, "all secrets"),
	MB_OPT_SWITCH('i', "ignore", struct rm_args, ignore,
                      "no error for one that does not exist"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_secret_rm = {
	.paths = "secret rm|secret remove",
	.summary = "remove one or more secrets",
	.operands = "SECRET [SECRET...] | --all",
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_SECRET},
	.opts = rm_opts,
	.args_size = sizeof(struct rm_args),
	.main = rm_main,
};
