/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/sha256.h"
#include "core/str.h"
#include "image/image.h"
#include "image/lanes.h"
#include "image/layer.h"
#include "image/press.h"
#include "image/rebuild.h"
#include "image/refs.h"
#include "oci/image_spec.h"
#include "oci/ref.h"
#include "registry/registry.h"
#include "json/json.h"

/* What became of a layer: in memory that the lanes and the command share. */
struct sent {
	char digest[MB_OCI_DIGEST_TEXT], media_type[128];
	uint64_t size;
	bool was_there;
};

struct pushing {
	struct mb_store *store;
	const struct mb_image_push_request *request;
	struct mb_registry *reg;
	struct mb_image *image;
	struct mb_str config;
	struct sent *sent;
	struct mb_image_press_how how;
	struct mb_image_lanes *lanes;
	size_t at;      /* the layer that a lane works on */
	bool *finished; /* reported as such */
};

static void pushing_done(struct pushing *p)
{
	mb_image_lanes_free(p->lanes);
	mb_registry_free(p->reg);
	if (p->sent)
		munmap(p->sent, MB_IMAGE_MAX_LAYERS * sizeof(*p->sent));
	mb_image_free(p->image);
	mb_str_done(&p->config);
	free(p->finished);
}

/* --- in a lane -------------------------------------------------------------------------------- */

static void set_sent(struct sent *sent, const char *digest, const char *media_type, uint64_t size,
                     bool was_there)
{
	snprintf(sent->digest, sizeof(sent->digest), "%s", digest);
	snprintf(sent->media_type, sizeof(sent->media_type), "%s", media_type);
	sent->size = size;
	sent->was_there = was_there;
}

/* Is it compressed as was asked for, if that was? */
static bool is_wanted(const struct pushing *p, const char *media_type)
{
	enum mb_oci_layer_kind kind = mb_oci_layer_kind(media_type);

	if (!p->request->compression)
		return true;
	return kind ==
	       (p->how.format == MB_IMAGE_PRESS_ZSTD ? MB_OCI_LAYER_ZSTD : MB_OCI_LAYER_GZIP);
}

/* Is the blob that the layer came by, or went by before, there already, or next door? */
static int try_known(struct pushing *p, const struct mb_image_layer_blob *blob, struct sent *sent,
                     bool *ret_there, struct mb_err *err)
{
	const struct mb_oci_ref *ref = p->request->ref;
	struct mb_oci_digest digest;
	int r = mb_oci_digest_parse(blob->digest, &digest, NULL);

	if (r < 0 || digest.alg != MB_OCI_SHA256 || !is_wanted(p, blob->media_type))
		return 0;
	r = mb_registry_blob_is_there(p->reg, &digest, ret_there, err);
	if (r == 0 && !*ret_there && strcmp(blob->registry, ref->domain) == 0 &&
	    strcmp(blob->repository, ref->path) != 0)
		r = mb_registry_blob_mount(p->reg, &digest, blob->repository, ret_there, err);
	if (r == 0 && *ret_there)
		set_sent(sent, blob->digest, blob->media_type, (uint64_t)blob->size, true);
	return r;
}

static int on_bytes(void *arg, uint64_t done)
{
	struct pushing *p = arg;

	p->sent[p->at].size = p->sent[p->at].size > done ? p->sent[p->at].size : done;
	mb_image_lanes_tell(p->lanes, p->at, done);
	return 0;
}

static void remember(struct pushing *p, const struct sent *sent)
{
	MB_AUTO_FREE char *digest = mb_strdup(sent->digest), *type = mb_strdup(sent->media_type);
	const struct mb_image_layer_blob blob = {
		.digest = digest,
		.media_type = type,
		.registry = p->request->ref->domain,
		.repository = p->request->ref->path,
		.size = (int64_t)sent->size,
	};

	mb_image_layer_blob_save(p->store, p->image->layers.v[p->at], &blob);
}

static int send_layer(struct pushing *p, struct sent *sent, struct mb_err *err)
{
	const struct mb_registry_watch watch = {on_bytes, p};
	MB_AUTO_CLOSE int fd = -1;
	struct mb_image_rebuilt built;
	struct mb_oci_digest digest;
	char text[MB_OCI_DIGEST_TEXT];
	bool there = false;
	int r = mb_image_rebuild_file(p->store, &fd, err);

	if (r == 0)
		r = mb_image_rebuild(p->store, p->image->layers.v[p->at],
		                     p->image->diff_ids.v[p->at], &p->how, fd, &built, err);
	if (r < 0)
		return r;
	mb_oci_digest_from_hex(built.blob, &digest);
	r = mb_registry_blob_is_there(p->reg, &digest, &there, err);
	sent->size = built.size;
	if (r == 0 && !there)
		r = mb_registry_blob_send(p->reg, &digest, fd, 0, built.size, &watch, err);
	if (r < 0)
		return r;
	set_sent(sent, mb_oci_digest_format(&digest, text),
	         p->how.format == MB_IMAGE_PRESS_ZSTD ? MB_OCI_TYPE_LAYER_ZSTD
	                                              : MB_OCI_TYPE_DOCKER_GZIP,
	         built.size, there);
	remember(p, sent);
	return 0;
}

static int push_layer(struct mb_image_lanes *lanes, size_t index, void *arg, struct mb_err *err)
{
	struct pushing *p = arg;
	struct sent *sent = &p->sent[index];
	struct mb_image_layer_blob blob = {0};
	bool there = false;
	int r = 0;

	p->lanes = lanes;
	p->at = index;
	if (mb_image_layer_blob_load(p->store, p->image->layers.v[index], &blob) == 0)
		r = try_known(p, &blob, sent, &there, err);
	mb_image_layer_blob_done(&blob);
	if (r < 0 || there)
		return r;
	return send_layer(p, sent, err);
}

/* --- in the command --------------------------------------------------------------------------- */

static int on_tick(void *arg, struct mb_err *err)
{
	struct pushing *p = arg;
	const struct mb_image_report *report = &p->request->report;

	(void)err;
	for (size_t i = 0; report->progress && i < p->image->layers.n; i++) {
		bool done = mb_image_lanes_state(p->lanes, i) == MB_IMAGE_LANE_DONE;
		char digits[13];
		const struct mb_image_progress progress = {
			.phase = MB_IMAGE_SENDS,
			.layer = digits,
			.index = i,
			.count = p->image->layers.n,
			.done = mb_image_lanes_done(p->lanes, i),
			.total = p->sent[i].size,
			.finished = done,
			.cached = done && p->sent[i].was_there,
		};

		snprintf(digits, sizeof(digits), "%.12s", p->image->diff_ids.v[i]);
		if (!p->finished[i])
			report->progress(report->arg, &progress);
		p->finished[i] = done;
	}
	return 0;
}

static int push_layers(struct pushing *p, struct mb_err *err)
{
	const struct mb_image_lanes_job job = {
		.count = p->image->layers.n,
		.n_lanes = MB_IMAGE_LANES,
		.work = push_layer,
		.arg = p,
	};
	int r;

	p->finished = mb_calloc(p->image->layers.n + 1, sizeof(*p->finished));
	p->sent = mmap(NULL, MB_IMAGE_MAX_LAYERS * sizeof(*p->sent), PROT_READ | PROT_WRITE,
	               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->sent == MAP_FAILED) {
		p->sent = NULL;
		return mb_fail_sys(err, errno, "cannot map memory");
	}
	r = mb_image_lanes_start(&job, &p->lanes, err);
	return r < 0 ? r : mb_image_lanes_wait(p->lanes, on_tick, p, err);
}

static int push_config(struct pushing *p, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = memfd_create("config", MFD_CLOEXEC);
	struct mb_oci_digest digest;
	bool there = false;
	int r = fd < 0 ? -errno : mb_write_full(fd, p->config.buf, p->config.len);

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot make a memory file");
	mb_oci_digest_from_hex(p->image->id, &digest);
	r = mb_registry_blob_is_there(p->reg, &digest, &there, err);
	if (r == 0 && !there)
		r = mb_registry_blob_send(p->reg, &digest, fd, 0, p->config.len, NULL, err);
	return r;
}

/* Docker's schema 2 unless a layer is of OCI's alone, or there are annotations. */
static bool wants_oci(const struct pushing *p)
{
	if (p->request->annotations && p->request->annotations->n)
		return true;
	for (size_t i = 0; i < p->image->layers.n; i++)
		if (strcmp(p->sent[i].media_type, MB_OCI_TYPE_DOCKER_GZIP) != 0)
			return true;
	return false;
}

static void set_descriptor(struct mb_oci_descriptor *d, const char *digest, const char *media_type,
                           uint64_t size)
{
	struct mb_oci_digest parsed = {0};

	(void)mb_oci_digest_parse(digest, &parsed, NULL);
	mb_oci_descriptor_set_digest(d, &parsed);
	mb_strset(&d->media_type, media_type);
	d->size = (int64_t)size;
}

/* OCI's name for what docker calls otherwise. */
static const char *oci_type(const char *media_type)
{
	switch (mb_oci_layer_kind(media_type)) {
	case MB_OCI_LAYER_TAR:
		return MB_OCI_TYPE_LAYER;
	case MB_OCI_LAYER_ZSTD:
		return MB_OCI_TYPE_LAYER_ZSTD;
	case MB_OCI_LAYER_GZIP:
	case MB_OCI_LAYER_UNKNOWN:
		break;
	}
	return MB_OCI_TYPE_LAYER_GZIP;
}

static void make_manifest(const struct pushing *p, struct mb_oci_manifest *m)
{
	MB_AUTO_FREE char *config = mb_asprintf("sha256:%s", p->image->id);
	bool oci = wants_oci(p);

	m->schema_version = 2;
	mb_strset(&m->media_type, oci ? MB_OCI_TYPE_MANIFEST : MB_OCI_TYPE_DOCKER_MANIFEST);
	if (p->request->annotations)
		mb_kv_set_all(&m->annotations, p->request->annotations);
	set_descriptor(&m->config, config, oci ? MB_OCI_TYPE_CONFIG : MB_OCI_TYPE_DOCKER_CONFIG,
	               p->config.len);
	m->n_layers = p->image->layers.n;
	m->layers = mb_calloc(m->n_layers + 1, sizeof(*m->layers));
	for (size_t i = 0; i < m->n_layers; i++)
		set_descriptor(&m->layers[i], p->sent[i].digest,
		               oci ? oci_type(p->sent[i].media_type) : p->sent[i].media_type,
		               p->sent[i].size);
}

static int push_manifest(struct pushing *p, struct mb_image_pushed *ret, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *tree = NULL;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_oci_manifest manifest = {0};
	MB_AUTO_FREE char *digest = NULL;
	char hex[MB_SHA256_TEXT];
	int r;

	make_manifest(p, &manifest);
	tree = mb_oci_manifest_save(&manifest);
	mb_json_format(tree, false, &text);
	mb_sha256_text(mb_str_text(&text), text.len, hex);
	digest = mb_asprintf("sha256:%s", hex);
	r = mb_registry_manifest_put(p->reg, p->request->by_digest ? digest : p->request->ref->tag,
	                             manifest.media_type, &text, err);
	mb_oci_manifest_done(&manifest);
	if (r == 0)
		*ret = (struct mb_image_pushed){mb_take_ptr(&digest), text.len};
	return r;
}

/* The name stands for this manifest from now on. */
static void note_digest(struct pushing *p, const char *name, const char *digest)
{
	MB_AUTO_CLOSE int lock = -1;
	char id[MB_IMAGE_ID_TEXT];

	if (mb_image_refs_lock(p->store, &lock, NULL) == 0 &&
	    mb_image_ref_find(p->store, name, id, NULL) == 0 && strcmp(id, p->image->id) == 0)
		(void)mb_image_ref_set(p->store, name, id, digest, NULL);
}

static int set_compression(struct pushing *p, struct mb_err *err)
{
	const char *format = p->request->compression;

	if (format && strcmp(format, "gzip") != 0 && strcmp(format, "zstd") != 0)
		return mb_fail(err, EINVAL, "invalid compression format '%.100s': gzip or zstd",
		               format);
	p->how.format = mb_streq(format, "zstd") ? MB_IMAGE_PRESS_ZSTD : MB_IMAGE_PRESS_GZIP;
	p->how.level = p->request->level;
	return mb_image_press_check(&p->how, err);
}

static int push(struct pushing *p, const char *name, struct mb_image_pushed *ret,
                struct mb_err *err)
{
	const struct mb_image_push_request *q = p->request;
	const struct mb_registry_options options = {
		.settings = q->settings,
		.login = q->login,
		.tls_verify = q->tls_verify,
		.agent = q->agent,
		.push = true,
	};
	MB_AUTO_CLOSE int hold = -1;
	char id[MB_IMAGE_ID_TEXT];
	int r = set_compression(p, err);

	if (r == 0)
		r = mb_image_hold(p->store, &hold, err);
	if (r == 0 && q->id)
		snprintf(id, sizeof(id), "%s", q->id);
	else if (r == 0)
		r = mb_image_ref_find(p->store, name, id, err);
	if (r == 0)
		r = mb_image_open(p->store, id, &p->image, err);
	if (r == 0)
		r = mb_image_config_read(p->store, id, &p->config, err);
	if (r == 0)
		r = mb_registry_open(q->ref, &options, &p->reg, err);
	/* Once, before there are several who would each have to log in. */
	if (r == 0)
		r = mb_registry_ping(p->reg, err);
	if (r == 0)
		r = push_layers(p, err);
	if (r == 0)
		r = push_config(p, err);
	if (r == 0)
		r = push_manifest(p, ret, err);
	if (r == 0 && !q->by_digest)
		note_digest(p, name, ret->digest);
	return r;
}

int mb_image_push(struct mb_store *store, const struct mb_image_push_request *request,
                  struct mb_image_pushed *ret, struct mb_err *err)
{
	struct pushing p = {.store = store, .request = request};
	MB_AUTO_FREE char *name = mb_oci_ref_format(request->ref, MB_OCI_REF_CANONICAL);
	MB_AUTO_FREE char *shown = mb_oci_ref_format(request->ref, MB_OCI_REF_FAMILIAR);
	int r = push(&p, name, ret, err);

	pushing_done(&p);
	if (r == MB_IMAGE_ABSENT)
		mb_fail(err, ENOENT, "An image does not exist locally with the tag: %s", shown);
	return r < 0 ? mb_wrap(err, r, "cannot push '%.300s'", shown) : r;
}

void mb_image_pushed_done(struct mb_image_pushed *pushed)
{
	free(pushed->digest);
	*pushed = (struct mb_image_pushed){0};
}
