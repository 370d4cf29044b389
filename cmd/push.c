/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/event.h"
#include "cmd/output.h"
#include "cmd/registry.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "image/refs.h"
#include "oci/ref.h"

enum { GZIP, ZSTD };
static const char *const formats[] = {[GZIP] = "gzip", [ZSTD] = "zstd", NULL};

struct push_args {
	bool quiet, all_tags;
	int tls_verify, format, level;
	bool wants_format;         /* --compression-format, or a level, was given */
	char id[MB_IMAGE_ID_TEXT]; /* that of the image, if a name here is not to be looked for */
	const char *digestfile;
	struct mb_cmd_registry_who who;
};

static int put_begin(const struct mb_oci_ref *ref)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	MB_AUTO_FREE char *name = mb_oci_ref_format_name(ref, MB_OCI_REF_CANONICAL);

	mb_str_addf(&out, "The push refers to repository [%s]\n", name);
	return mb_cmd_put(&out);
}

static int put_end(const struct mb_image_pushed *pushed, const struct mb_oci_ref *ref, bool quiet)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	MB_AUTO_FREE char *name = mb_oci_ref_format(ref, MB_OCI_REF_CANONICAL);

	if (quiet)
		mb_str_addf(&out, "%s\n", name);
	else
		mb_str_addf(&out, "%s: digest: %s size: %llu\n", ref->tag, pushed->digest,
		            (unsigned long long)pushed->size);
	return mb_cmd_put(&out);
}

static int push(struct mb_cmd_context *cx, const struct push_args *args,
                const struct mb_cmd_registry *reg, const struct mb_oci_ref *ref,
                struct mb_image_pushed *ret, struct mb_err *err)
{
	struct mb_cmd_transfer *transfer = mb_cmd_transfer_new(args->quiet);
	const struct mb_image_push_request request = {
		.ref = ref,
		.id = *args->id ? args->id : NULL,
		.settings = &reg->settings,
		.login = reg->has_login ? &reg->login : NULL,
		.tls_verify = args->tls_verify,
		.agent = MB_CMD_AGENT,
		.compression = args->wants_format ? formats[args->format] : NULL,
		.level = args->level,
		.report = {mb_cmd_transfer_report, transfer},
	};
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_image_push(store, &request, ret, err);
	mb_cmd_transfer_free(transfer);
	return r;
}

static void tell(struct mb_store *store, const struct mb_oci_ref *ref)
{
	MB_AUTO_FREE char *name = mb_oci_ref_format_name(ref, MB_OCI_REF_FAMILIAR);
	MB_AUTO_FREE char *whole = mb_oci_ref_format(ref, MB_OCI_REF_FAMILIAR);

	mb_cmd_event_image(store, "push", whole, name);
}

/* Before anything is sent. */
static int open_digestfile(const char *path, int *ret_fd, struct mb_err *err)
{
	*ret_fd =
		path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644) : -1;
	return path && *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot write '%.300s'", path) : 0;
}

/* As podman writes it: without a line's end. */
static int write_digest(const char *path, int fd, const char *digest, struct mb_err *err)
{
	int r = path ? mb_write_full(fd, digest, strlen(digest)) : 0;

	return r < 0 ? mb_fail_sys(err, -r, "cannot write '%.300s'", path) : 0;
}

static int push_one(struct mb_cmd_context *cx, const struct push_args *args,
                    const struct mb_cmd_registry *reg, const struct mb_oci_ref *ref,
                    struct mb_err *err)
{
	struct mb_image_pushed pushed = {0};
	MB_AUTO_CLOSE int file = -1;
	int r = open_digestfile(args->digestfile, &file, err);

	if (r == 0)
		r = push(cx, args, reg, ref, &pushed, err);
	if (r > 0)
		mb_cmd_say("%s", err->msg);
	if (r == 0)
		tell(cx->store, ref);
	if (r == 0)
		r = write_digest(args->digestfile, file, pushed.digest, err);
	if (r == 0)
		r = put_end(&pushed, ref, args->quiet);
	mb_image_pushed_done(&pushed);
	return r;
}

static int push_all(struct mb_cmd_context *cx, const struct push_args *args,
                    const struct mb_cmd_registry *reg, struct mb_oci_ref *ref, struct mb_err *err)
{
	MB_AUTO_FREE char *name = mb_oci_ref_format_name(ref, MB_OCI_REF_FAMILIAR);
	MB_AUTO_STRV struct mb_strv tags = MB_STRV_INIT;
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_image_tags(store, ref, &tags, err);
	if (r == 0 && !tags.n) {
		mb_cmd_say("An image does not exist locally with the tag: %s", name);
		return 1;
	}
	MB_STRV_FOREACH (tag, &tags) {
		mb_strset(&ref->tag, tag);
		if (r == 0)
			r = push_one(cx, args, reg, ref, err);
	}
	return r;
}

/* What was built as "deb", where that is short for another name, is "deb" here: it goes where the
 * other name says, as it is what "run deb" runs. */
static int find_own(struct mb_cmd_context *cx, const struct mb_cmd_registry *reg, const char *typed,
                    char id[MB_IMAGE_ID_TEXT], struct mb_err *err)
{
	MB_AUTO_FREE char *meant = NULL, *own = NULL;
	struct mb_store *store = NULL;
	int r = mb_cmd_registry_meaning(reg, typed, &meant, err);

	if (r < 0 || !meant)
		return r;
	r = mb_cmd_store(cx, &store, err);
	if (r == 0)
		r = mb_image_ref_canonical(typed, &own, err);
	if (r == 0)
		r = mb_image_ref_find(store, own, id, err);
	return r == MB_IMAGE_ABSENT ? 0 : r;
}

static int push_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	struct push_args args = *(const struct push_args *)in->args;
	const char *typed = in->operands[0], *last = strrchr(typed, '/');
	MB_AUTO_CMD_REGISTRY struct mb_cmd_registry reg = {0};
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	int r = mb_cmd_registry_open(cx, &reg, err);

	args.who.has_retry = mb_cli_is_given(in, "retry");
	if (r == 0)
		r = mb_cmd_registry_be(&reg, &args.who, err);
	args.wants_format = mb_cli_is_given(in, "compression-format") ||
	                    mb_cli_is_given(in, "compression-level");
	if (r == 0)
		r = mb_registry_settings_resolve(&reg.settings, typed, &ref, err);
	if (r == 0 && args.all_tags && strpbrk(last ? last : typed, ":@"))
		r = mb_fail(err, EINVAL, "tag can't be used with --all-tags/-a");
	if (r == 0 && args.all_tags && args.digestfile)
		r = mb_fail(err, EINVAL, "--digestfile takes one digest, not those of all tags");
	if (r == 0 && ref.digest.alg)
		r = mb_fail(err, EINVAL, "cannot push a digest reference");
	if (r == 0 && !args.all_tags)
		r = find_own(cx, &reg, typed, args.id, err);
	if (r == 0)
		r = mb_cmd_registry_find_login(&reg, ref.domain, err);
	if (r == 0 && !args.quiet)
		r = put_begin(&ref);
	if (r == 0)
		r = args.all_tags ? push_all(cx, &args, &reg, &ref, err)
		                  : push_one(cx, &args, &reg, &ref, err);
	return r;
}

static const struct mb_cli_opt push_opts[] = {
	MB_OPT_SWITCH('a', "all-tags", struct push_args, all_tags,
                      "push every tag that the repository has here"),
	MB_CMD_REGISTRY_OPT_AUTHFILE(struct push_args),
	MB_OPT_CHOICE(0, "compression-format", NULL, struct push_args, format, formats,
                      "how layers are compressed", .def = "gzip"),
	MB_OPT_INT(0, "compression-level", NULL, struct push_args, level,
                   "how hard: gzip 1 to 9, zstd 1 to 22"),
	MB_CMD_REGISTRY_OPT_CREDS(struct push_args),
	MB_OPT_STRING(0, "digestfile", "FILE", struct push_args, digestfile,
                      "write the digest of what was pushed to it", .complete = MB_COMP_FILE),
	MB_OPT_SWITCH('q', "quiet", struct push_args, quiet, "print the name alone"),
	MB_CMD_REGISTRY_OPT_RETRY(struct push_args),
	MB_CMD_REGISTRY_OPT_RETRY_DELAY(struct push_args),
	MB_OPT_TRI(0, "tls-verify", struct push_args, tls_verify,
                   "want https with a valid certificate (default true)"),
	MB_OPT_IGNORED(0, "disable-content-trust", false, NULL),
	MB_OPT_REFUSED(0, "platform", true, "an image here is of one platform"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_push = {
	.paths = "push|image push",
	.summary = "send an image to a registry",
	.operands = "NAME[:TAG]",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_IMAGE},
	.opts = push_opts,
	.args_size = sizeof(struct push_args),
	.examples = "mybox tag web registry.example.com/team/web:2\n"
		    "mybox push registry.example.com/team/web:2\n"
		    "mybox push --compression-format zstd registry.example.com/team/web:2\n"
		    "mybox push -a registry.example.com/team/web\n",
	.main = push_main,
};
