/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of build's options is refused by name. */
#include <errno.h>
#include <string.h>

#include "cmd/build_flags.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "oci/image_spec.h"

static int no_attestation(const char *flag, const char *value, struct mb_err *err)
{
	return mb_fail(err, EOPNOTSUPP, "--%s=%s: attestations are not supported", flag, value);
}

/* "type=sbom,disabled=true": one of its fields turns it off. */
static bool is_disabled(const char *value)
{
	MB_AUTO_STRV struct mb_strv fields = MB_STRV_INIT;
	bool off = false;

	mb_strv_split(&fields, value, ',');
	MB_STRV_FOREACH (field, &fields) {
		const char *text = mb_skip_prefix(field, "disabled=");
		bool on = false;

		off |= text && mb_parse_bool(text, &on) == 0 && on;
	}
	return off;
}

static int refuse_attestation(const char *flag, const char *value, struct mb_err *err)
{
	bool on = true;

	if (!value || is_disabled(value) || (mb_parse_bool(value, &on) == 0 && !on))
		return 0;
	return no_attestation(flag, value, err);
}

/* buildx has --provenance and --sbom for two kinds of --attest. */
static int refuse_attest(const struct mb_cmd_build_args *args, struct mb_err *err)
{
	MB_STRV_FOREACH (value, &args->attest)
		if (!is_disabled(value))
			return no_attestation("attest", value, err);
	return 0;
}

/* What may be allowed is the host's network; nothing else asks for leave and gets it. */
static int check_allowed(const struct mb_cmd_build_args *args, struct mb_err *err)
{
	MB_STRV_FOREACH (what, &args->allow)
		if (strcmp(what, "network.host") != 0)
			return mb_fail(err, EOPNOTSUPP, "--allow=%s is not supported", what);
	if (!args->isolation || !*args->isolation || strcmp(args->isolation, "default") == 0)
		return 0;
	return mb_fail(err, EOPNOTSUPP, "--isolation=%s is not supported", args->isolation);
}

int mb_cmd_build_flags_check(const struct mb_cmd_build_args *args, struct mb_err *err)
{
	MB_AUTO_FREE char *platform = NULL;
	int r = refuse_attestation("provenance", args->provenance, err);

	if (r == 0 && args->call && strcmp(args->call, "build") != 0 &&
	    strcmp(args->call, "check") != 0)
		r = mb_fail(err, EOPNOTSUPP, "--call=%s is not supported", args->call);
	if (r == 0)
		r = check_allowed(args, err);
	if (r == 0 && args->platform)
		r = mb_oci_platform_parse(args->platform, &platform, err);
	if (r == 0)
		r = refuse_attestation("sbom", args->sbom, err);
	return r < 0 ? r : refuse_attest(args, err);
}
