/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of an image that was built: it is sent, and told of. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/build_output.h"
#include "cmd/build_progress.h"
#include "cmd/context.h"
#include "cmd/outfile.h"
#include "cmd/registry.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "image/image.h"
#include "image/refs.h"
#include "oci/image_spec.h"
#include "oci/ref.h"
#include "json/json.h"

int mb_cmd_build_push_one(struct mb_cmd_context *cx, const char *name, const char *id,
                          const struct mb_kv *annotations, struct mb_image_pushed *ret,
                          struct mb_err *err)
{
	MB_AUTO_CMD_REGISTRY struct mb_cmd_registry reg = {0};
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	struct mb_image_push_request request = {.ref = &ref,
	                                        .id = id,
	                                        .settings = &reg.settings,
	                                        .agent = MB_CMD_AGENT,
	                                        .annotations = annotations};
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_cmd_registry_open(cx, &reg, err);
	if (r == 0)
		r = mb_registry_settings_resolve(&reg.settings, name, &ref, err);
	if (r == 0)
		r = mb_cmd_registry_find_login(&reg, ref.domain, err);
	request.login = reg.has_login ? &reg.login : NULL;
	if (r == 0)
		r = mb_image_push(store, &request, ret, err);
	return r > 0 ? -ENOENT : r;
}

int mb_cmd_build_push(struct mb_cmd_context *cx, const struct mb_strv *names, const char *id,
                      const struct mb_kv *annotations, struct mb_cmd_build_progress *progress,
                      struct mb_cmd_build_pushed *ret, struct mb_err *err)
{
	const struct mb_build_report report = mb_cmd_build_progress_report(progress);
	unsigned number = mb_cmd_build_progress_next(progress);
	int r = 0;

	if (!names->n)
		return mb_fail(err, EINVAL, "tag is needed when pushing to registry");
	report.begin(report.arg, number, "pushing to registry");
	for (size_t i = 0; i < names->n && r == 0; i++) {
		struct mb_image_pushed pushed = {0};
		MB_AUTO_FREE char *canonical = NULL, *line = NULL;

		r = mb_image_ref_canonical(names->v[i], &canonical, err);
		/* By now the name may mean what another build has made. */
		if (r == 0)
			r = mb_cmd_build_push_one(cx, canonical, id, annotations, &pushed, err);
		if (r == 0) {
			line = mb_asprintf("pushing manifest for %s@%s done", canonical,
			                   pushed.digest);
			report.say(report.arg, number, line);
			mb_strset(&ret->digest, pushed.digest);
			ret->size = pushed.size;
		}
		mb_image_pushed_done(&pushed);
	}
	report.end(report.arg, number, r < 0 ? MB_BUILD_FAILED : MB_BUILD_DONE,
	           r < 0 ? err->msg : NULL);
	return r;
}

/* --- what was written ------------------------------------------------------------------------ */

int mb_cmd_build_outputs_close(struct mb_cmd_build_outputs *outputs, int r, struct mb_err *err)
{
	for (size_t i = 0; i < outputs->n; i++) {
		if (outputs->v[i].kind == MB_BUILD_OUTPUT_LOCAL)
			mb_close(&outputs->v[i].fd);
		if (outputs->made[i] && r < 0)
			rmdir(outputs->made[i]); /* unless something is in it */
		free(outputs->made[i]);
		outputs->made[i] = NULL;
		r = mb_cmd_outfile_close(&outputs->files[i], r, err);
	}
	return r;
}

void mb_cmd_build_outputs_done(struct mb_cmd_build_outputs *outputs)
{
	mb_cmd_build_outputs_close(outputs, -ECANCELED, NULL);
	free(outputs->v);
	free(outputs->files);
	free(outputs->made);
	mb_strv_done(&outputs->names);
	mb_strv_done(&outputs->paths);
	*outputs = (struct mb_cmd_build_outputs){0};
}

/* --- what there is to know of it -------------------------------------------------------------- */

static void set_manifest(struct json_object *o, const char *digest, uint64_t size)
{
	struct json_object *descriptor = mb_json_new_object();

	mb_json_set_str(descriptor, "mediaType", MB_OCI_TYPE_MANIFEST);
	mb_json_set_str(descriptor, "digest", digest);
	mb_json_set_i64(descriptor, "size", (int64_t)size);
	mb_json_set(o, "containerimage.descriptor", descriptor);
	mb_json_set_str(o, "containerimage.digest", digest);
}

static struct json_object *describe(const struct mb_build_result *result,
                                    const struct mb_cmd_build_pushed *pushed,
                                    const struct mb_strv *names)
{
	struct json_object *o = mb_json_new_object();
	MB_AUTO_STRV struct mb_strv canonical = MB_STRV_INIT;
	MB_AUTO_FREE char *id = mb_asprintf("sha256:%s", result->id), *joined = NULL;

	if (!*result->id)
		return o;
	mb_json_set_str(o, "containerimage.config.digest", id);
	if (pushed->digest)
		set_manifest(o, pushed->digest, pushed->size);
	else if (*result->saved.digest)
		set_manifest(o, result->saved.digest, result->saved.size);
	else
		mb_json_set_str(o, "containerimage.digest", id);
	MB_STRV_FOREACH (name, names) {
		char *one = NULL;

		if (mb_image_ref_canonical(name, &one, NULL) == 0)
			mb_strv_take(&canonical, one);
	}
	joined = mb_strv_join(&canonical, ",");
	if (canonical.n)
		mb_json_set_str(o, "image.name", joined);
	return o;
}

int mb_cmd_build_metadata_write(const char *path, const struct mb_build_result *result,
                                const struct mb_cmd_build_pushed *pushed,
                                const struct mb_strv *names, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = describe(result, pushed, names);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_CLOSE int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	mb_json_format(o, true, &text);
	if (fd < 0 || mb_write_full(fd, mb_str_text(&text), text.len) < 0)
		return mb_fail_sys(err, errno, "cannot write '%s'", path);
	return 0;
}
