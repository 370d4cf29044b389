/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/io.h"
#include "core/parse.h"
#include "core/sha256.h"
#include "core/str.h"
#include "image/image.h"
#include "image/record.h"
#include "image/refs.h"
#include "oci/ref.h"
#include "store/lock.h"
#include "store/store.h"

static int tell_absent(struct mb_err *err, const char *name)
{
	mb_fail(err, ENOENT, "No such image: %s", name);
	return MB_IMAGE_ABSENT;
}

int mb_image_hold(struct mb_store *store, int *ret_fd, struct mb_err *err)
{
	return mb_store_lock(store, MB_RANK_IMAGE, "images", false, true, ret_fd, err);
}

int mb_image_open(struct mb_store *store, const char *id, struct mb_image **ret_image,
                  struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_store_dir(store, "images", false, &fd, err);

	if (r == 0)
		r = mb_image_record_load(fd, id, ret_image, err);
	if (r == MB_IMAGE_ABSENT) {
		mb_fail(err, ENOENT, "No such image: sha256:%s", id);
		return MB_IMAGE_ABSENT;
	}
	return r;
}

int mb_image_is_here(struct mb_store *store, const char *id, struct mb_err *err)
{
	char name[MB_IMAGE_ID_TEXT + sizeof(".record")];
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_store_dir(store, "images", false, &fd, err);

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%.64s.record", id);
	if (faccessat(fd, name, F_OK, 0) == 0)
		return 0;
	if (errno != ENOENT)
		return mb_fail_sys(err, errno, "image 'sha256:%.12s'", id);
	mb_fail(err, ENOENT, "No such image: sha256:%s", id);
	return MB_IMAGE_ABSENT;
}

int mb_image_config_read(struct mb_store *store, const char *id, struct mb_str *out,
                         struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_CLOSE int fd = -1;
	char name[MB_IMAGE_ID_TEXT + sizeof(".json")], sum[MB_SHA256_TEXT];
	int r = mb_store_dir(store, "images", false, &fd, err);

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%.64s.json", id);
	r = mb_read_file(fd, name, MB_IMAGE_MAX_CONFIG, &text, err);
	if (r < 0)
		return mb_wrap(err, r, "image 'sha256:%.12s'", id);
	mb_sha256_text(text.buf, text.len, sum);
	if (strcmp(sum, id) != 0)
		return mb_fail(err, EBADMSG,
		               "image 'sha256:%.12s': the configuration has another digest", id);
	mb_str_addn(out, text.buf, text.len);
	return 0;
}

/* The ids that begin with @prefix: how many, and the first. */
static int count_prefix(struct mb_store *store, const char *prefix, char first[MB_IMAGE_ID_TEXT],
                        size_t *ret_n, struct mb_err *err)
{
	char id[MB_IMAGE_ID_TEXT];
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;
	int fd = -1, r = mb_store_dir(store, "images", false, &fd, err);

	if (r < 0)
		return r;
	dir = mb_dir_take(fd);
	if (!dir)
		return mb_fail_sys(err, errno, "cannot read 'images'");
	while ((entry = readdir(dir)))
		if (mb_image_record_name_parse(entry->d_name, id) && mb_starts_with(id, prefix) &&
		    n++ == 0)
			memcpy(first, id, MB_IMAGE_ID_TEXT);
	closedir(dir);
	*ret_n = n;
	return 0;
}

static bool is_hex(const char *s, size_t max)
{
	size_t n = strspn(s, "0123456789abcdef");

	return n > 0 && n <= max && !s[n];
}

static int find_prefix(struct mb_store *store, const char *name, char id[MB_IMAGE_ID_TEXT],
                       struct mb_err *err)
{
	const char *hex = mb_skip_prefix(name, "sha256:");
	size_t n;
	int r;

	hex = hex ? hex : name;
	if (!is_hex(hex, 64))
		return tell_absent(err, name);
	r = count_prefix(store, hex, id, &n, err);
	if (r < 0)
		return r;
	if (n == 0)
		return tell_absent(err, name);
	if (n > 1) {
		mb_fail(err, EEXIST, "multiple IDs found with provided prefix: %s", name);
		return MB_IMAGE_AMBIGUOUS;
	}
	return 0;
}

/* "deb@sha256:...": the manifest of a registry that a name came by, or else the image's id. */
static int find_digest(struct mb_store *store, const struct mb_oci_ref *ref,
                       char id[MB_IMAGE_ID_TEXT], char **ret_familiar, struct mb_err *err)
{
	MB_AUTO_FREE char *repository = mb_oci_ref_format_name(ref, MB_OCI_REF_CANONICAL);
	MB_AUTO_FREE char *name = NULL;
	char digest[MB_OCI_DIGEST_TEXT];
	int r;

	mb_oci_digest_format(&ref->digest, digest);
	r = mb_image_ref_find_digest(store, repository, digest, id, &name, err);
	if (r == 0)
		*ret_familiar = mb_image_ref_familiar(name);
	if (r != MB_IMAGE_ABSENT || ref->digest.alg != MB_OCI_SHA256)
		return r;
	memcpy(id, ref->digest.hex, MB_IMAGE_ID_TEXT);
	return 0;
}

/* By name: MB_IMAGE_ABSENT when @name cannot be one or is none. */
static int find_name(struct mb_store *store, const char *name, char id[MB_IMAGE_ID_TEXT],
                     char **ret_familiar, struct mb_err *err)
{
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	MB_AUTO_FREE char *canonical = NULL;
	int r;

	if (mb_oci_ref_parse(name, true, &ref, NULL) < 0)
		return MB_IMAGE_ABSENT;
	if (ref.digest.alg)
		return find_digest(store, &ref, id, ret_familiar, err);
	canonical = mb_oci_ref_format(&ref, MB_OCI_REF_CANONICAL);
	r = mb_image_ref_find(store, canonical, id, err);
	if (r == 0)
		*ret_familiar = mb_oci_ref_format(&ref, MB_OCI_REF_FAMILIAR);
	return r;
}

int mb_image_find(struct mb_store *store, const char *name, struct mb_image **ret_image,
                  char **ret_name, struct mb_err *err)
{
	MB_AUTO_FREE char *familiar = NULL;
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	char id[MB_IMAGE_ID_TEXT];
	bool whole = mb_hex_is_valid(name, 64) || mb_starts_with(name, "sha256:");
	int r = whole ? MB_IMAGE_ABSENT : find_name(store, name, id, &familiar, err);

	if (r == MB_IMAGE_ABSENT)
		r = find_prefix(store, name, id, err);
	if (r != 0)
		return r;
	r = mb_image_open(store, id, &image, err);
	if (r == MB_IMAGE_ABSENT)
		return tell_absent(err, name);
	if (r != 0)
		return r;
	*ret_image = mb_take_ptr(&image);
	if (ret_name)
		*ret_name = mb_take_ptr(&familiar);
	return 0;
}

int mb_image_names(struct mb_store *store, const char *id, struct mb_strv *out, struct mb_err *err)
{
	MB_AUTO_IMAGE_REFS struct mb_image_refs refs = {0};
	int r = mb_image_refs_load(store, &refs, err);

	for (size_t i = 0; r == 0 && i < refs.n; i++)
		if (strcmp(refs.v[i].id, id) == 0)
			mb_strv_take(out, mb_image_ref_familiar(refs.v[i].name));
	mb_strv_sort(out);
	return r;
}

int mb_image_digests(struct mb_store *store, const char *id, struct mb_strv *out,
                     struct mb_err *err)
{
	MB_AUTO_IMAGE_REFS struct mb_image_refs refs = {0};
	int r = mb_image_refs_load(store, &refs, err);

	for (size_t i = 0; r == 0 && i < refs.n; i++) {
		MB_AUTO_FREE char *repository = NULL, *whole = NULL, *familiar = NULL;

		if (!refs.v[i].digest || strcmp(refs.v[i].id, id) != 0)
			continue;
		repository = mb_image_ref_repository(refs.v[i].name);
		whole = mb_asprintf("%s@%s", repository, refs.v[i].digest);
		familiar = mb_image_ref_familiar(whole);
		if (!mb_strv_has(out, familiar))
			mb_strv_add(out, familiar);
	}
	mb_strv_sort(out);
	return r;
}

static int open_empty(struct mb_store *store, int *fds, size_t *ret_n, struct mb_err *err)
{
	int r = mb_store_dir(store, "layers/empty", false, &fds[0], err);

	*ret_n = r == 0;
	return r;
}

int mb_image_layers_open(struct mb_store *store, const struct mb_image *image, int *fds,
                         size_t *ret_n, struct mb_err *err)
{
	MB_AUTO_CLOSE int base = -1;
	size_t n = 0;
	int r;

	if (!image->layers.n)
		return open_empty(store, fds, ret_n, err);
	r = mb_store_dir(store, "layers", false, &base, err);
	for (size_t i = image->layers.n; r == 0 && i-- > 0;) {
		char path[MB_IMAGE_ID_TEXT + sizeof("/diff")];

		snprintf(path, sizeof(path), "%.64s/diff", image->layers.v[i]);
		fds[n] = openat(base, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fds[n] < 0)
			r = mb_fail_sys(err, errno, "cannot open layer '%.12s' of image '%.12s'",
			                image->layers.v[i], image->id);
		else
			n++;
	}
	if (r < 0) {
		while (n)
			mb_close(&fds[--n]);
		return r;
	}
	*ret_n = n;
	return 0;
}
