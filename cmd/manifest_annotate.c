/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/manifest.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

struct annotate_args {
	const char *os, *architecture, *variant, *os_version;
	struct mb_strv os_features;
};

/* Go's words for systems and processors. */
static bool is_known(const char *os, const char *architecture)
{
	static const char *const systems[] = {
		"aix",    "android", "darwin", "dragonfly", "freebsd", "illumos", "ios", "linux",
		"netbsd", "openbsd", "plan9",  "solaris",   "wasip1",  "windows", "js"};
	static const char *const processors[] = {
		"386",      "amd64",  "arm",   "arm64",   "loong64", "mips",  "mips64",
		"mips64le", "mipsle", "ppc64", "ppc64le", "riscv64", "s390x", "wasm"};
	bool has_os = false, has_architecture = false;

	for (size_t i = 0; i < MB_N(systems); i++)
		has_os = has_os || strcmp(systems[i], os) == 0;
	for (size_t i = 0; i < MB_N(processors); i++)
		has_architecture = has_architecture || strcmp(processors[i], architecture) == 0;
	return has_os && has_architecture;
}

static void set_if(char **member, const char *value)
{
	if (value)
		mb_strset(member, value);
}

static int annotate(const struct annotate_args *args, struct mb_oci_platform *p, struct mb_err *err)
{
	set_if(&p->os, args->os);
	set_if(&p->architecture, args->architecture);
	set_if(&p->variant, args->variant);
	set_if(&p->os_version, args->os_version);
	/* Each is one feature, or several with commas. */
	MB_STRV_FOREACH (text, &args->os_features) {
		MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;

		mb_strv_split(&parts, text, ',');
		MB_STRV_FOREACH (part, &parts)
			if (*part && !mb_strv_has(&p->os_features, part))
				mb_strv_add(&p->os_features, part);
	}
	if (!is_known(p->os ? p->os : "", p->architecture ? p->architecture : ""))
		return mb_fail(err, EINVAL,
		               "manifest entry for image has unsupported os/arch combination: "
		               "%s/%s",
		               p->os ? p->os : "", p->architecture ? p->architecture : "");
	return 0;
}

static int annotate_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                         struct mb_err *err)
{
	const struct annotate_args *args = in->args;
	MB_AUTO_CMD_MANIFEST_PLACE struct mb_cmd_manifest_place place = {0}, member = {0};
	MB_AUTO_IMAGE_MANIFESTS struct mb_image_manifests list = {0};
	struct mb_image_manifest *manifest;
	struct mb_store *store = NULL;
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_cmd_manifest_place_open(cx, in->operands[0], &place, err);

	if (r == 0)
		r = mb_cmd_manifest_place_open(cx, in->operands[1], &member, err);
	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (r == 0)
		r = mb_image_manifests_lock(store, &lock, err);
	if (r == 0)
		r = mb_image_manifests_load(store, place.name, &list, err);
	if (r < 0)
		return r;
	manifest = mb_image_manifests_find(&list, member.name);
	if (!manifest)
		return mb_fail(err, ENOENT, "manifest for image %s does not exist in %s",
		               in->operands[1], in->operands[0]);
	r = annotate(args, &manifest->descriptor.platform, err);
	return r == 0 ? mb_image_manifests_save(store, &list, err) : r;
}

static const struct mb_cli_opt annotate_opts[] = {
	MB_OPT_STRING(0, "arch", NULL, struct annotate_args, architecture, "set the architecture"),
	MB_OPT_STRING(0, "os", NULL, struct annotate_args, os, "set the operating system"),
	MB_OPT_LIST(0, "os-features", NULL, struct annotate_args, os_features,
                    "add features of the operating system"),
	MB_OPT_STRING(0, "os-version", NULL, struct annotate_args, os_version,
                      "set the version of the operating system"),
	MB_OPT_STRING(0, "variant", NULL, struct annotate_args, variant,
                      "set the variant of the architecture"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_manifest_annotate = {
	.paths = "manifest annotate",
	.summary = "say for which platform an image of a list is",
	.operands = "MANIFEST_LIST MANIFEST",
	.min = 2,
	.max = 2,
	.opts = annotate_opts,
	.args_size = sizeof(struct annotate_args),
	.examples = "mybox manifest annotate --arch arm --variant v7 example.com/web:2 "
		    "example.com/web:2-arm\n",
	.main = annotate_main,
};
