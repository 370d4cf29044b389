/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One archive that is both: docker's (manifest.json) and an OCI layout (index.json), over the same
 * blobs.  The same images give the same bytes: names are sorted, and nothing has a time. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/sha256.h"
#include "core/str.h"
#include "image/image.h"
#include "image/rebuild.h"
#include "oci/image_spec.h"
#include "oci/ref.h"
#include "json/json.h"

enum { COPY = 256 * 1024 };

struct saving {
	struct mb_store *store;
	const struct mb_image_save_request *request;
	struct archive *out;
	struct mb_strv written;   /* digests of blobs that are in it */
	struct json_object *list; /* manifest.json */
	struct json_object *index;
};

static int fail_archive(struct saving *s, struct mb_err *err)
{
	int error = archive_errno(s->out);

	return mb_fail_sys(err, error > 0 ? error : EIO, "cannot write the archive");
}

static int put_header(struct saving *s, const char *name, uint64_t size, struct mb_err *err)
{
	struct archive_entry *entry = archive_entry_new();
	int r;

	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_mtime(entry, 0, 0);
	r = archive_write_header(s->out, entry);
	archive_entry_free(entry);
	return r == ARCHIVE_OK ? 0 : fail_archive(s, err);
}

static int put_bytes(struct saving *s, const char *name, const void *bytes, size_t n,
                     struct mb_err *err)
{
	int r = put_header(s, name, n, err);

	if (r == 0 && archive_write_data(s->out, bytes, n) != (la_ssize_t)n)
		r = fail_archive(s, err);
	return r;
}

/* The name of the blob @hex.  Return: whether it has to be written. */
static bool name_blob(struct saving *s, const char *hex, char name[96])
{
	snprintf(name, 96, "blobs/sha256/%.64s", hex);
	if (mb_strv_has(&s->written, hex))
		return false;
	mb_strv_add(&s->written, hex);
	return true;
}

static int put_file(struct saving *s, const char *name, int fd, uint64_t size, struct mb_err *err)
{
	MB_AUTO_FREE char *part = mb_malloc(COPY);
	int r = put_header(s, name, size, err);

	for (uint64_t at = 0; r == 0 && at < size;) {
		ssize_t n = pread(fd, part, COPY, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return mb_fail_sys(err, n < 0 ? errno : EIO, "cannot read a layer");
		if (archive_write_data(s->out, part, (size_t)n) != n)
			r = fail_archive(s, err);
		at += (uint64_t)n;
	}
	return r;
}

/* Uncompressed: then its digest is the diff id, and nobody has to know how it was compressed. */
static int put_layer(struct saving *s, const struct mb_image *image, size_t index,
                     uint64_t *ret_size, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	struct mb_image_rebuilt built;
	char name[96];
	int r = mb_image_rebuild_file(s->store, &fd, err);

	if (r == 0)
		r = mb_image_rebuild(s->store, image->layers.v[index], image->diff_ids.v[index],
		                     NULL, fd, &built, err);
	if (r < 0)
		return r;
	*ret_size = built.size;
	return name_blob(s, built.blob, name) ? put_file(s, name, fd, built.size, err) : 0;
}

static void set_descriptor(struct mb_oci_descriptor *d, const char *hex, const char *type,
                           uint64_t size)
{
	struct mb_oci_digest digest = {0};

	(void)mb_oci_digest_from_hex(hex, &digest);
	mb_oci_descriptor_set_digest(d, &digest);
	mb_strset(&d->media_type, type);
	d->size = (int64_t)size;
}

/* One row of index.json for each name, or one without. */
static void index_image(struct saving *s, const char *hex, size_t size, const char *const *names,
                        size_t n)
{
	for (size_t i = 0; i < (n ? n : 1); i++) {
		struct mb_oci_descriptor d = {0};
		const char *colon = n ? strrchr(names[i], ':') : NULL;

		set_descriptor(&d, hex, MB_OCI_TYPE_MANIFEST, size);
		if (n) {
			mb_kv_set(&d.annotations, "io.containerd.image.name", names[i]);
			mb_kv_set(&d.annotations, "org.opencontainers.image.ref.name",
			          colon ? colon + 1 : names[i]);
		}
		mb_json_push(s->index, mb_json_encode(mb_oci_descriptor_table, &d));
		mb_oci_descriptor_done(&d);
	}
}

static int put_manifest(struct saving *s, const struct mb_oci_manifest *m,
                        const struct mb_strv *names, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *tree = mb_oci_manifest_save(m);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	char hex[MB_SHA256_TEXT], name[96];

	mb_json_format(tree, false, &text);
	mb_sha256_text(mb_str_text(&text), text.len, hex);
	if (s->request->ret_saved) {
		struct mb_image_saved *saved = s->request->ret_saved;

		snprintf(saved->digest, sizeof(saved->digest), "sha256:%s", hex);
		saved->size = text.len;
	}
	index_image(s, hex, text.len, (const char *const *)names->v, names->n);
	return name_blob(s, hex, name) ? put_bytes(s, name, text.buf, text.len, err) : 0;
}

static void list_image(struct saving *s, const struct mb_image *image,
                       const struct mb_strv *familiar)
{
	struct json_object *row = mb_json_new_object(), *layers = mb_json_new_array();
	MB_AUTO_FREE char *config = mb_asprintf("blobs/sha256/%s", image->id);

	MB_STRV_FOREACH (diff_id, &image->diff_ids) {
		MB_AUTO_FREE char *path = mb_asprintf("blobs/sha256/%s", diff_id);

		mb_json_push_str(layers, path);
	}
	mb_json_set_str(row, "Config", config);
	mb_json_set(row, "RepoTags", familiar->n ? mb_json_new_strv(familiar) : NULL);
	mb_json_set(row, "Layers", layers);
	mb_json_push(s->list, row);
}

static int put_config(struct saving *s, const struct mb_image *image, struct mb_oci_manifest *m,
                      struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	char name[96];
	int r = mb_image_config_read(s->store, image->id, &text, err);

	if (r < 0)
		return r;
	set_descriptor(&m->config, image->id, MB_OCI_TYPE_CONFIG, text.len);
	return name_blob(s, image->id, name) ? put_bytes(s, name, text.buf, text.len, err) : 0;
}

static int put_image(struct saving *s, const struct mb_image *image, struct mb_strv *names,
                     struct mb_err *err)
{
	struct mb_oci_manifest m = {.schema_version = 2, .n_layers = image->layers.n};
	MB_AUTO_STRV struct mb_strv canonical = MB_STRV_INIT;
	int r;

	mb_strset(&m.media_type, MB_OCI_TYPE_MANIFEST);
	if (s->request->annotations)
		mb_kv_set_all(&m.annotations, s->request->annotations);
	m.layers = mb_calloc(m.n_layers + 1, sizeof(*m.layers));
	r = put_config(s, image, &m, err);
	for (size_t i = 0; r == 0 && i < m.n_layers; i++) {
		uint64_t size = 0;

		r = put_layer(s, image, i, &size, err);
		set_descriptor(&m.layers[i], image->diff_ids.v[i], MB_OCI_TYPE_LAYER, size);
	}
	mb_strv_sort(names);
	MB_STRV_FOREACH (name, names) {
		MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};

		if (mb_oci_ref_parse(name, true, &ref, NULL) == 0)
			mb_strv_take(&canonical, mb_oci_ref_format(&ref, MB_OCI_REF_CANONICAL));
	}
	if (r == 0)
		r = put_manifest(s, &m, &canonical, err);
	if (r == 0)
		list_image(s, image, names);
	mb_oci_manifest_done(&m);
	return r;
}

/* Images in the order in which they were asked for, each with all its names that were. */
static int put_images(struct saving *s, struct mb_err *err)
{
	const struct mb_image_save_request *q = s->request;
	MB_AUTO_STRV struct mb_strv done = MB_STRV_INIT;

	for (size_t i = 0; i < q->n_names; i++) {
		MB_AUTO(mb_image_free) struct mb_image *image = NULL;
		MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
		int r = mb_image_find(s->store, q->names[i], &image, NULL, err);

		if (r == 0 && mb_strv_has(&done, image->id))
			continue;
		if (r == 0 && q->call)
			mb_strv_add_all(&names, q->call);
		for (size_t k = i; r == 0 && !q->call && k < q->n_names; k++) {
			MB_AUTO(mb_image_free) struct mb_image *other = NULL;
			MB_AUTO_FREE char *name = NULL;

			r = mb_image_find(s->store, q->names[k], &other, &name, err);
			if (r == 0 && name && strcmp(other->id, image->id) == 0 &&
			    !strchr(name, '@') && !mb_strv_has(&names, name))
				mb_strv_add(&names, name);
		}
		if (r == 0) {
			mb_strv_add(&done, image->id);
			r = put_image(s, image, &names, err);
		}
		if (r != 0)
			return r;
	}
	return 0;
}

static int put_documents(struct saving *s, struct mb_err *err)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	MB_AUTO(mb_json_free) struct json_object *index = mb_json_new_object();
	MB_AUTO_STR struct mb_str list_text = MB_STR_INIT, index_text = MB_STR_INIT;
	int r;

	mb_json_set_i64(index, "schemaVersion", 2);
	mb_json_set_str(index, "mediaType", MB_OCI_TYPE_INDEX);
	mb_json_set(index, "manifests", mb_json_ref(s->index));
	mb_json_format(index, false, &index_text);
	mb_json_format(s->list, false, &list_text);
	r = put_bytes(s, "index.json", index_text.buf, index_text.len, err);
	if (r == 0 && !s->request->is_layout)
		r = put_bytes(s, "manifest.json", list_text.buf, list_text.len, err);
	if (r == 0)
		r = put_bytes(s, "oci-layout", layout, strlen(layout), err);
	return r;
}

/* Nothing is written before all is known to be there. */
static int check_names(struct mb_store *store, const struct mb_image_save_request *q,
                       struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; i < q->n_names && r == 0; i++) {
		MB_AUTO(mb_image_free) struct mb_image *image = NULL;

		r = mb_image_find(store, q->names[i], &image, NULL, err);
	}
	return r;
}

int mb_image_save(struct mb_store *store, const struct mb_image_save_request *request,
                  struct mb_err *err)
{
	struct saving s = {.store = store,
	                   .request = request,
	                   .out = archive_write_new(),
	                   .list = mb_json_new_array(),
	                   .index = mb_json_new_array()};
	MB_AUTO_CLOSE int hold = -1;
	int r = mb_image_hold(store, &hold, err);

	if (r == 0)
		r = check_names(store, request, err);
	if (r != 0) {
		archive_write_free(s.out);
		mb_json_free(s.list);
		mb_json_free(s.index);
		return r;
	}
	if (!s.out || archive_write_set_format_pax_restricted(s.out) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(s.out, 1) != ARCHIVE_OK ||
	    archive_write_open_fd(s.out, request->fd) != ARCHIVE_OK)
		r = mb_fail(err, ENOSYS, "cannot begin an archive");
	if (r == 0)
		r = put_images(&s, err);
	if (r == 0)
		r = put_documents(&s, err);
	if (r == 0 && archive_write_close(s.out) != ARCHIVE_OK)
		r = fail_archive(&s, err);
	archive_write_free(s.out);
	mb_json_free(s.list);
	mb_json_free(s.index);
	mb_strv_done(&s.written);
	return r;
}
