/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/refs.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/sha256.h"
#include "core/str.h"
#include "oci/ref.h"
#include "store/doc.h"
#include "store/lock.h"
#include "store/store.h"
#include "json/json.h"

static const struct mb_json_field ref_table[] = {
	MB_JSON_STR("name", struct mb_image_ref, name, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("id", struct mb_image_ref, id, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("digest", struct mb_image_ref, digest),
	MB_JSON_END,
};

void mb_image_ref_escape(const char *name, char ret[256])
{
	size_t n = strlen(name);

	/* Names of temporary files begin with a dot; ours never do: a name begins alphanumeric. */
	if (n > 240) {
		char hash[MB_SHA256_TEXT];

		mb_sha256_text(name, n, hash);
		memcpy(ret, "+sha256+", 8);
		memcpy(ret + 8, hash, sizeof(hash));
		return;
	}
	for (size_t i = 0; i <= n; i++)
		ret[i] = name[i] == '/' ? '+' : name[i];
}

/* Return: 0; MB_IMAGE_ABSENT; -EBADMSG, told, for a document that is not this name's. */
static int load(int fd, const char *file, struct mb_image_ref *ret, struct mb_err *err)
{
	struct mb_image_ref ref = {0};
	char escaped[256];
	int r = mb_store_doc_load(fd, file, ref_table, &ref, err);

	if (r == -ENOENT)
		return MB_IMAGE_ABSENT;
	if (r == MB_DOC_CORRUPT)
		return mb_wrap(err, -EBADMSG, "image name '%s'", file);
	if (r < 0)
		return r;
	mb_image_ref_escape(ref.name, escaped);
	if (strcmp(escaped, file) != 0 || !mb_hex_is_valid(ref.id, 64)) {
		mb_json_done(ref_table, &ref);
		return mb_fail(err, EBADMSG, "image name '%s': the document is another's", file);
	}
	*ret = ref;
	return 0;
}

static int open_refs(struct mb_store *store, int *ret_fd, struct mb_err *err)
{
	return mb_store_dir(store, "refs", false, ret_fd, err);
}

int mb_image_ref_find(struct mb_store *store, const char *name, char ret_id[MB_IMAGE_ID_TEXT],
                      struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	struct mb_image_ref ref = {0};
	char file[256];
	int r = open_refs(store, &fd, err);

	if (r < 0)
		return r;
	mb_image_ref_escape(name, file);
	r = load(fd, file, &ref, err);
	if (r != 0)
		return r;
	memcpy(ret_id, ref.id, MB_IMAGE_ID_TEXT);
	mb_json_done(ref_table, &ref);
	return 0;
}

char *mb_image_ref_repository(const char *name)
{
	const char *slash = strrchr(name, '/');

	return mb_strndup(name, (size_t)((slash ? slash : name) - name) +
	                                strcspn(slash ? slash : name, ":@"));
}

int mb_image_ref_find_digest(struct mb_store *store, const char *repository, const char *digest,
                             char ret_id[MB_IMAGE_ID_TEXT], char **ret_name, struct mb_err *err)
{
	MB_AUTO_IMAGE_REFS struct mb_image_refs refs = {0};
	int r = mb_image_refs_load(store, &refs, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < refs.n; i++) {
		MB_AUTO_FREE char *of = mb_image_ref_repository(refs.v[i].name);

		if (!mb_streq(refs.v[i].digest, digest) || strcmp(of, repository) != 0)
			continue;
		memcpy(ret_id, refs.v[i].id, MB_IMAGE_ID_TEXT);
		*ret_name = mb_take_ptr(&refs.v[i].name);
		return 0;
	}
	return MB_IMAGE_ABSENT;
}

int mb_image_ref_set(struct mb_store *store, const char *name, const char *id, const char *digest,
                     struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	MB_AUTO_FREE char *own_name = mb_strdup(name), *own_id = mb_strdup(id);
	MB_AUTO_FREE char *own_digest = mb_strdup_or_null(digest);
	const struct mb_image_ref ref = {own_name, own_id, own_digest};
	char file[256];
	int r = open_refs(store, &fd, err);

	if (r < 0)
		return r;
	mb_image_ref_escape(name, file);
	return mb_store_doc_save(fd, file, ref_table, &ref, MB_DOC_DURABLE | MB_DOC_REPLACE, err);
}

int mb_image_ref_remove(struct mb_store *store, const char *name, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	char file[256];
	int r = open_refs(store, &fd, err);

	if (r < 0)
		return r;
	mb_image_ref_escape(name, file);
	if (unlinkat(fd, file, 0) < 0 && errno != ENOENT)
		return mb_fail_sys(err, errno, "cannot remove the image name '%s'", name);
	return 0;
}

int mb_image_refs_lock(struct mb_store *store, int *ret_fd, struct mb_err *err)
{
	return mb_store_lock(store, MB_RANK_LEAF, "image-names", true, true, ret_fd, err);
}

static int by_name(const void *a, const void *b)
{
	const struct mb_image_ref *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int mb_image_refs_load(struct mb_store *store, struct mb_image_refs *ret, struct mb_err *err)
{
	struct mb_image_refs refs = {0};
	struct dirent *entry;
	size_t cap = 0;
	DIR *dir;
	int fd = -1, r = open_refs(store, &fd, err);

	if (r < 0)
		return r;
	dir = mb_dir_take(fd);
	if (!dir)
		return mb_fail_sys(err, errno, "cannot read 'refs'");
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (refs.n == cap) {
			cap = cap ? 2 * cap : 32;
			refs.v = mb_realloc(refs.v, cap * sizeof(*refs.v));
		}
		r = load(dirfd(dir), entry->d_name, &refs.v[refs.n], NULL);
		if (r == 0)
			refs.n++;
		else if (r < 0)
			mb_strv_add(&refs.corrupt, entry->d_name);
	}
	closedir(dir);
	if (refs.n)
		qsort(refs.v, refs.n, sizeof(*refs.v), by_name);
	*ret = refs;
	return 0;
}

void mb_image_refs_done(struct mb_image_refs *refs)
{
	for (size_t i = 0; i < refs->n; i++)
		mb_json_done(ref_table, &refs->v[i]);
	free(refs->v);
	mb_strv_done(&refs->corrupt);
	*refs = (struct mb_image_refs){0};
}

char *mb_image_ref_familiar(const char *name)
{
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};

	if (mb_oci_ref_parse(name, false, &ref, NULL) < 0)
		return mb_strdup(name);
	return mb_oci_ref_format(&ref, MB_OCI_REF_FAMILIAR);
}

int mb_image_ref_canonical(const char *text, char **ret, struct mb_err *err)
{
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	int r = mb_oci_ref_parse(text, true, &ref, err);

	if (r < 0)
		return r;
	if (ref.digest.alg)
		return mb_fail(err, EINVAL, "refusing to create a tag with a digest reference");
	*ret = mb_oci_ref_format(&ref, MB_OCI_REF_CANONICAL);
	return 0;
}
