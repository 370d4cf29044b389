/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/manifests.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/own.h"
#include "core/sha256.h"
#include "core/str.h"
#include "image/refs.h"
#include "store/doc.h"
#include "store/lock.h"
#include "store/store.h"
#include "json/json.h"

static const char folder[] = "manifests";

static const struct mb_json_field manifest_table[] = {
	MB_JSON_STR("name", struct mb_image_manifest, name, .flags = MB_JSON_REQUIRED),
	MB_JSON_OBJ("descriptor", struct mb_image_manifest, descriptor, mb_oci_descriptor_table,
                    .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("text", struct mb_image_manifest, text, .flags = MB_JSON_REQUIRED),
	MB_JSON_END,
};
static const struct mb_json_field list_table[] = {
	MB_JSON_STR("name", struct mb_image_manifests, name, .flags = MB_JSON_REQUIRED),
	MB_JSON_LIST("manifests", struct mb_image_manifests, v, n, struct mb_image_manifest,
                     manifest_table, .flags = MB_JSON_REQUIRED),
	MB_JSON_END,
};

void mb_image_manifest_done(struct mb_image_manifest *manifest)
{
	mb_json_done(manifest_table, manifest);
}

void mb_image_manifests_done(struct mb_image_manifests *list)
{
	mb_kv_done(&list->annotations);
	mb_json_done(list_table, list);
}

int mb_image_manifests_lock(struct mb_store *store, int *ret_fd, struct mb_err *err)
{
	return mb_store_lock(store, MB_RANK_LEAF, "manifests", true, true, ret_fd, err);
}

static int absent(const char *name, struct mb_err *err)
{
	MB_AUTO_FREE char *shown = mb_image_ref_familiar(name);

	mb_fail(err, ENOENT, "No such manifest: %s", shown);
	return MB_IMAGE_ABSENT;
}

/* A member has the digest that it is known by. */
static int check_manifest(struct mb_image_manifest *m, struct mb_err *err)
{
	char hex[MB_SHA256_TEXT];
	int r = mb_oci_digest_parse(m->descriptor.digest_text, &m->descriptor.digest, err);

	if (r < 0)
		return r;
	mb_sha256_text(m->text, strlen(m->text), hex);
	if (m->descriptor.digest.alg != MB_OCI_SHA256 ||
	    strcmp(m->descriptor.digest.hex, hex) != 0 ||
	    (uint64_t)m->descriptor.size != strlen(m->text))
		return mb_fail(err, EBADMSG, "'%.200s' is not what it was", m->name);
	return 0;
}

/* Return: 0; MB_IMAGE_ABSENT, not told; -errno, told. */
static int load(int fd, const char *file, struct mb_image_manifests *ret, struct mb_err *err)
{
	struct mb_image_manifests list = {0};
	char escaped[256];
	int r = mb_store_doc_load(fd, file, list_table, &list, err);

	if (r == -ENOENT)
		return MB_IMAGE_ABSENT;
	if (r == MB_DOC_CORRUPT)
		return mb_wrap(err, -EBADMSG, "manifest list '%s'", file);
	if (r < 0)
		return r;
	mb_image_ref_escape(list.name, escaped);
	if (strcmp(escaped, file) != 0)
		r = mb_fail(err, EBADMSG, "the document is another's");
	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = check_manifest(&list.v[i], err);
	if (r < 0) {
		mb_image_manifests_done(&list);
		return mb_wrap(err, r, "manifest list '%s'", file);
	}
	*ret = list;
	return 0;
}

int mb_image_manifests_load(struct mb_store *store, const char *name,
                            struct mb_image_manifests *ret, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	char file[256];
	int r = mb_store_dir_find(store, folder, false, &fd, err);

	mb_image_ref_escape(name, file);
	if (r == 0)
		r = load(fd, file, ret, err);
	return r == MB_IMAGE_ABSENT || r == -ENOENT ? absent(name, err) : r;
}

int mb_image_manifests_save(struct mb_store *store, const struct mb_image_manifests *list,
                            struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	char file[256];
	size_t bytes = 0;
	int r;

	for (size_t i = 0; i < list->n; i++)
		bytes += strlen(list->v[i].text);
	if (list->n > MB_IMAGE_MAX_MANIFESTS || bytes > MB_IMAGE_MAX_MANIFEST_TEXT)
		return mb_fail(err, E2BIG, "a manifest list has at most %d members of %d bytes",
		               MB_IMAGE_MAX_MANIFESTS, MB_IMAGE_MAX_MANIFEST_TEXT);
	r = mb_store_dir(store, folder, false, &fd, err);
	if (r < 0)
		return r;
	mb_image_ref_escape(list->name, file);
	return mb_store_doc_save(fd, file, list_table, list, MB_DOC_DURABLE | MB_DOC_REPLACE, err);
}

int mb_image_manifests_remove(struct mb_store *store, const char *name, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	char file[256];
	int r = mb_store_dir_find(store, folder, false, &fd, err);

	if (r < 0)
		return r == -ENOENT ? absent(name, err) : r;
	mb_image_ref_escape(name, file);
	if (unlinkat(fd, file, 0) == 0)
		return 0;
	return errno == ENOENT
	               ? absent(name, err)
	               : mb_fail_sys(err, errno, "cannot remove the manifest list '%s'", name);
}

struct mb_image_manifest *mb_image_manifests_find(const struct mb_image_manifests *list,
                                                  const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i].name, name) == 0)
			return &list->v[i];
	return NULL;
}

void mb_image_manifests_put(struct mb_image_manifests *list, struct mb_image_manifest *manifest)
{
	struct mb_image_manifest *place = mb_image_manifests_find(list, manifest->name);

	if (!place) {
		list->v = mb_realloc(list->v, (list->n + 1) * sizeof(*list->v));
		place = &list->v[list->n++];
		*place = (struct mb_image_manifest){0};
	}
	mb_image_manifest_done(place);
	*place = *manifest;
	*manifest = (struct mb_image_manifest){0};
}

/* --- the index -------------------------------------------------------------------------------- */

static void set_if(struct json_object *o, const char *key, const char *value)
{
	if (value && *value)
		mb_json_set_str(o, key, value);
}

/* In docker's order. */
static struct json_object *describe(const struct mb_oci_descriptor *d)
{
	struct json_object *o = mb_json_new_object(), *platform = mb_json_new_object();
	const struct mb_oci_platform *p = &d->platform;

	mb_json_set_str(o, "mediaType", d->media_type);
	mb_json_set_i64(o, "size", d->size);
	mb_json_set_str(o, "digest", d->digest_text);
	mb_json_set_str(platform, "architecture", p->architecture ? p->architecture : "");
	mb_json_set_str(platform, "os", p->os ? p->os : "");
	set_if(platform, "os.version", p->os_version);
	if (p->os_features.n)
		mb_json_set(platform, "os.features", mb_json_new_strv(&p->os_features));
	set_if(platform, "variant", p->variant);
	mb_json_set(o, "platform", platform);
	return o;
}

const char *mb_image_manifests_format(const struct mb_image_manifests *list, struct mb_str *out)
{
	MB_AUTO(mb_json_free) struct json_object *index = mb_json_new_object();
	struct json_object *members = mb_json_new_array();
	const char *type = list->annotations.n ? MB_OCI_TYPE_INDEX : MB_OCI_TYPE_DOCKER_LIST;

	for (size_t i = 0; i < list->n; i++) {
		const struct mb_oci_descriptor *d = &list->v[i].descriptor;

		if (strcmp(d->media_type, MB_OCI_TYPE_MANIFEST) == 0)
			type = MB_OCI_TYPE_INDEX;
		mb_json_push(members, describe(d));
	}
	mb_json_set_i64(index, "schemaVersion", 2);
	mb_json_set_str(index, "mediaType", type);
	mb_json_set(index, "manifests", members);
	if (list->annotations.n) {
		struct json_object *notes = mb_json_new_object();

		MB_KV_FOREACH (pair, &list->annotations)
			mb_json_set_str(notes, pair->key, pair->value);
		mb_json_set(index, "annotations", notes);
	}
	mb_json_format(index, false, out);
	return type;
}

/* --- care ------------------------------------------------------------------------------------- */

int mb_image_manifests_check(struct mb_store *store, bool repair,
                             void (*finding)(void *arg, const char *name, bool repaired), void *arg,
                             struct mb_err *err)
{
	struct dirent *entry;
	DIR *dir;
	int fd = -1, r = mb_store_dir_find(store, folder, false, &fd, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	dir = mb_dir_take(fd);
	if (!dir)
		return mb_fail_sys(err, errno, "cannot read '%s'", folder);
	while ((entry = readdir(dir))) {
		MB_AUTO_IMAGE_MANIFESTS struct mb_image_manifests list = {0};

		if (entry->d_name[0] != '.' && load(dirfd(dir), entry->d_name, &list, NULL) < 0)
			finding(arg, entry->d_name,
			        repair && unlinkat(dirfd(dir), entry->d_name, 0) == 0);
	}
	closedir(dir);
	return 0;
}
