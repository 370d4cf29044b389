/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/str.h"
#include "image/change.h"
#include "image/commit.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/refs.h"
#include "oci/image_spec.h"

static int describe_source(int fd, struct mb_image_stretch *ret, struct mb_err *err)
{
	struct stat st;
	off_t at;

	if (fstat(fd, &st) < 0)
		return mb_fail_sys(err, errno, "cannot stat the archive");
	if (S_ISDIR(st.st_mode))
		return mb_fail_sys(err, EISDIR, "cannot read the archive");
	*ret = (struct mb_image_stretch){.fd = fd, .size = UINT64_MAX};
	at = lseek(fd, 0, SEEK_CUR);
	if (!S_ISREG(st.st_mode) || at < 0 || at > st.st_size)
		return 0;
	ret->seekable = true;
	ret->offset = (uint64_t)at;
	ret->size = (uint64_t)(st.st_size - at);
	return 0;
}

/* The configuration before the layer is known; changes are checked before work is done. */
static int begin_config(const struct mb_image_import_request *request,
                        struct mb_oci_image_config *config, struct mb_err *err)
{
	const char *architecture, *variant;

	mb_oci_host_architecture(&architecture, &variant);
	config->created = mb_now_nsec();
	config->architecture =
		mb_strdup(request->architecture ? request->architecture : architecture);
	config->variant = request->architecture ? NULL : mb_strdup_or_null(variant);
	config->os = mb_strdup("linux");
	config->comment = request->message && *request->message
	                          ? mb_strdup(request->message)
	                          : mb_asprintf("Imported from %s", request->source);
	config->rootfs_type = mb_strdup("layers");
	config->history = mb_calloc(1, sizeof(*config->history));
	config->n_history = 1;
	config->history[0].created = config->created;
	config->history[0].comment = mb_strdup(config->comment);
	return request->changes ? mb_image_changes_apply(&config->config, request->changes, err)
	                        : 0;
}

static int import(struct mb_store *store, const struct mb_image_import_request *request,
                  struct mb_oci_image_config *config, char ret_id[MB_IMAGE_ID_TEXT],
                  struct mb_err *err)
{
	struct mb_image_layer_job job = {.report = &request->report, .count = 1};
	MB_AUTO_FREE char *name = NULL;
	MB_AUTO_CLOSE int hold = -1;
	struct mb_image_layer layer;
	int r = begin_config(request, config, err);

	if (r == 0 && request->name)
		r = mb_image_ref_canonical(request->name, &name, err);
	if (r == 0)
		r = describe_source(request->fd, &job.from, err);
	if (r < 0)
		return r;
	job.from.bound.limit = request->max_layer;
	mb_image_commit_clean(store);
	r = mb_image_hold(store, &hold, err);
	if (r == 0)
		r = mb_image_layer_ensure(store, &job, &layer, err);
	if (r < 0)
		return r;
	mb_strv_addf(&config->diff_ids, "sha256:%s", layer.diff_id);
	return mb_image_commit_new(store, config, layer.bytes, name, ret_id, err);
}

int mb_image_import(struct mb_store *store, const struct mb_image_import_request *request,
                    char ret_id[MB_IMAGE_ID_TEXT], struct mb_err *err)
{
	struct mb_oci_image_config config = {0};
	int r = import(store, request, &config, ret_id, err);

	mb_oci_image_config_done(&config);
	return r < 0 ? mb_wrap(err, r, "cannot import '%s'", request->source) : 0;
}
