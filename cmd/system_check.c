/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "build/claim.h"
#include "cli/cli.h"
#include "cmd/aside.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "container/check.h"
#include "container/mounts.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "net/net.h"
#include "secret/secret.h"
#include "store/store.h"
#include "store/sweep.h"
#include "volume/volume.h"

enum { EXIT_CLEAN = 0, EXIT_REPAIRED = 1, EXIT_LEFT = 2 };

struct check_args {
	bool repair, quick, full, quiet;
};

struct checking {
	bool quiet;
	size_t findings;
};

static void tell(void *arg, const char *subject, const char *problem, bool repaired)
{
	struct checking *k = arg;
	MB_AUTO_FREE char *line =
		mb_asprintf("%s: %s%s", subject, problem, repaired ? " (repaired)" : "");
	MB_AUTO_FREE char *safe = mb_printable(line);

	k->findings++;
	if (!k->quiet)
		mb_cmd_put_line(safe);
}

static int check_net(struct mb_store *store, const struct check_args *args, struct checking *k,
                     size_t *left, struct mb_err *err)
{
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	MB_AUTO_STRV struct mb_strv findings = MB_STRV_INIT;
	int r;

	mb_net_new(store, &net);
	r = mb_net_check(net, args->repair, &findings, err);
	for (size_t i = 0; i < findings.n; i++) {
		bool repaired = args->repair && !mb_ends_with(findings.v[i], "(not repaired)");

		*left += !repaired;
		tell(k, "network", findings.v[i], repaired);
	}
	return r;
}

/* What a killed `cp -` or `volume import` leaves. */
static int check_aside(struct mb_store *store, const struct check_args *args, struct checking *k,
                       size_t *left, struct mb_err *err)
{
	size_t n = 0;
	int r = mb_cmd_aside_check(store, args->repair, &n, err);

	for (size_t i = 0; i < n; i++)
		tell(k, "aside", "an unpacked archive that nobody holds", args->repair);
	*left += args->repair ? 0 : n;
	return r;
}

static int check_all(struct mb_store *store, const struct check_args *args, struct checking *k,
                     size_t *left, struct mb_err *err)
{
	const struct mb_container_check containers = {args->repair, tell, k};
	const struct mb_build_claims_check claims = {args->repair, tell, k};
	const struct mb_image_check_request images = {args->repair, args->full, tell, k};
	const struct mb_volume_check_request volumes = {args->repair, tell, k,
	                                                mb_container_volume_users(store)};
	const struct mb_secret_check_request secrets = {args->repair, tell, k};
	const struct mb_store_check_request documents = {args->repair, tell, k};
	size_t some = 0;
	int r = mb_container_check(store, &containers, &some, err);

	*left += some;
	if (r == 0)
		r = mb_store_check(store, &documents, &some, err);
	*left += r == 0 ? some : 0;
	if (r == 0)
		r = check_net(store, args, k, left, err);
	if (r < 0 || args->quick)
		return r;
	r = mb_build_claims_check(store, &claims, &some, err);
	*left += r == 0 ? some : 0;
	if (r == 0)
		r = mb_image_check(store, &images, &some, err);
	*left += r == 0 ? some : 0;
	if (r == 0)
		r = mb_volume_check(store, &volumes, &some, err);
	*left += r == 0 ? some : 0;
	if (r == 0)
		r = mb_secret_check(store, &secrets, &some, err);
	*left += r == 0 ? some : 0;
	return r == 0 ? check_aside(store, args, k, left, err) : r;
}

static int check_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct check_args *args = in->args;
	struct checking k = {.quiet = args->quiet};
	struct mb_store *store;
	size_t left = 0;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = check_all(store, args, &k, &left, err);
	if (r < 0)
		return r;
	if (left)
		return EXIT_LEFT;
	return k.findings ? EXIT_REPAIRED : EXIT_CLEAN;
}

static const struct mb_cli_opt check_opts[] = {
	MB_OPT_SWITCH(0, "repair", struct check_args, repair, "put right what can be"),
	MB_OPT_SWITCH(0, "quick", struct check_args, quick, "containers and networks only"),
	MB_OPT_SWITCH(0, "full", struct check_args, full, "also the digests of images"),
	MB_OPT_SWITCH('q', "quiet", struct check_args, quiet, "only the exit code"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_system_check = {
	.paths = "system check|check",
	.summary = "compare the machine with the state, and repair",
	.max = 0,
	.fail_code = EXIT_LEFT,
	.opts = check_opts,
	.args_size = sizeof(struct check_args),
	.examples = "mybox system check --repair\n",
	.main = check_main,
};
