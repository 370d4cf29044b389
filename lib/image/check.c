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
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "image/collect.h"
#include "image/commit.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/manifests.h"
#include "image/mounts.h"
#include "image/record.h"
#include "image/refs.h"
#include "oci/image_spec.h"
#include "store/lock.h"
#include "store/store.h"

struct checking {
	struct mb_store *store;
	const struct mb_image_check_request *request;
	int images, layers;
	bool alone; /* no load is at work: what nobody has is garbage, and repair is safe */
	size_t left;
	struct finding {
		char *subject, *problem;
		bool repaired;
	} * findings; /* told when nothing is locked: who reads them may be slow */
	size_t n_findings;
};

/* @repaired: it was put right. */
static void tell(struct checking *c, const char *subject, const char *problem, bool repaired)
{
	if ((c->n_findings & (c->n_findings - 1)) == 0)
		c->findings = mb_realloc(c->findings, (c->n_findings ? 2 * c->n_findings : 1) *
		                                              sizeof(*c->findings));
	c->findings[c->n_findings++] =
		(struct finding){mb_strdup(subject), mb_strdup(problem), repaired};
	c->left += !repaired;
}

static void tell_all(struct checking *c)
{
	for (size_t i = 0; i < c->n_findings; i++) {
		const struct finding *f = &c->findings[i];

		if (c->request->finding)
			c->request->finding(c->request->arg, f->subject, f->problem, f->repaired);
		free(f->subject);
		free(f->problem);
	}
	free(c->findings);
}

static bool may_repair(const struct checking *c)
{
	return c->request->repair && c->alone;
}

static bool drop_image(struct checking *c, const char *id)
{
	static const char *const suffixes[] = {".record", ".json"};

	for (size_t i = 0; i < MB_N(suffixes); i++) {
		char name[MB_IMAGE_ID_TEXT + 8];

		snprintf(name, sizeof(name), "%.64s%s", id, suffixes[i]);
		if (unlinkat(c->images, name, 0) < 0 && errno != ENOENT)
			return false;
	}
	return true;
}

/* The size of an image whose layers are all there; false when one is not. */
static bool sum_layers(struct checking *c, const struct mb_image *image, uint64_t *ret_bytes,
                       char problem[128])
{
	uint64_t bytes = 0;

	MB_STRV_FOREACH (chain, &image->layers) {
		struct mb_image_layer_meta meta = {0};
		int r = mb_image_layer_meta_load(c->layers, chain, &meta, NULL);

		bytes += meta.bytes;
		mb_image_layer_meta_done(&meta);
		if (r != 0) {
			snprintf(problem, 128, "layer %.12s is %s", chain,
			         r < 0 ? "corrupt" : "missing");
			return false;
		}
	}
	*ret_bytes = bytes;
	return true;
}

/* The record is made of the configuration; so it can be made again. */
static bool remake_record(struct checking *c, const char *id)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_oci_image_config config = {0};
	char problem[128];
	bool made;

	if (mb_image_config_read(c->store, id, &text, NULL) < 0 ||
	    mb_oci_image_config_load(mb_str_text(&text), text.len, &config, NULL) < 0)
		return false;
	made = mb_image_record_make(id, &config, &image, NULL) == 0 &&
	       sum_layers(c, image, &image->size, problem) &&
	       mb_image_record_save(c->images, image, NULL) == 0;
	mb_oci_image_config_done(&config);
	return made;
}

static bool config_is_sound(struct checking *c, const char *id)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	char name[MB_IMAGE_ID_TEXT + 8];

	snprintf(name, sizeof(name), "%.64s.json", id);
	if (!c->request->full)
		return faccessat(c->images, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	return mb_image_config_read(c->store, id, &text, NULL) == 0;
}

/* One that has gone since its name was read is nobody's concern. */
static bool image_is_sound(struct checking *c, const char *id, char problem[128])
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	uint64_t bytes;
	int r = mb_image_record_load(c->images, id, &image, NULL);

	if (r == MB_IMAGE_ABSENT)
		return true;
	if (r < 0) {
		snprintf(problem, 128, "the record cannot be read");
		return false;
	}
	if (!config_is_sound(c, id)) {
		snprintf(problem, 128, "the configuration is missing or has another digest");
		return false;
	}
	return sum_layers(c, image, &bytes, problem);
}

/* Containers are made meanwhile, for which the lock of names is needed: it is taken only for a
 * second look at what is not as it should be, which may be on its way in or out. */
static int check_image(struct checking *c, const char *id, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	char subject[96], problem[128];
	int r;

	if (image_is_sound(c, id, problem))
		return 0;
	r = mb_image_refs_lock(c->store, &lock, err);
	if (r < 0 || image_is_sound(c, id, problem))
		return r;
	snprintf(subject, sizeof(subject), "image sha256:%.64s", id);
	tell(c, subject, problem, may_repair(c) && (remake_record(c, id) || drop_image(c, id)));
	return 0;
}

static bool is_orphan(const struct checking *c, const char *config, const char *record)
{
	return faccessat(c->images, record, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	       faccessat(c->images, config, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* "ID.json" of an image whose record was never written, or is gone; they come and go under the
 * lock of names.  One that was broken has just been dropped, with its record. */
static int check_config(struct checking *c, const char *name, struct mb_err *err)
{
	char id[MB_IMAGE_ID_TEXT], record[MB_IMAGE_ID_TEXT + 8], subject[96];
	MB_AUTO_CLOSE int lock = -1;
	int r;

	snprintf(id, sizeof(id), "%.64s", name);
	if (!mb_hex_is_valid(id, MB_IMAGE_ID_TEXT - 1) || !mb_streq(name + strlen(id), ".json"))
		return 0;
	snprintf(record, sizeof(record), "%s.record", id);
	if (!is_orphan(c, name, record))
		return 0;
	r = mb_image_refs_lock(c->store, &lock, err);
	if (r < 0 || !is_orphan(c, name, record))
		return r;
	snprintf(subject, sizeof(subject), "configuration sha256:%s", id);
	tell(c, subject, "no image has it",
	     c->request->repair && unlinkat(c->images, name, 0) == 0);
	return 0;
}

static int check_images(struct checking *c, struct mb_err *err)
{
	DIR *dir = mb_dir_open(c->images, ".");
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return mb_fail_sys(err, errno, "cannot read 'images'");
	while (r == 0 && (entry = readdir(dir))) {
		char id[MB_IMAGE_ID_TEXT];

		if (mb_image_record_name_parse(entry->d_name, id))
			r = check_image(c, id, err);
		else
			r = check_config(c, entry->d_name, err);
	}
	closedir(dir);
	return r;
}

static void check_ref(struct checking *c, const struct mb_image_ref *ref)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	MB_AUTO_FREE char *subject = NULL;

	if (mb_image_record_load(c->images, ref->id, &image, NULL) != MB_IMAGE_ABSENT)
		return;
	subject = mb_asprintf("image name %s", ref->name);
	tell(c, subject, "its image is gone",
	     may_repair(c) && mb_image_ref_remove(c->store, ref->name, NULL) == 0);
}

/* This is short: nobody waits long for the lock. */
static int check_refs(struct checking *c, struct mb_err *err)
{
	MB_AUTO_IMAGE_REFS struct mb_image_refs refs = {0};
	MB_AUTO_CLOSE int lock = -1, fd = -1;
	int r = mb_image_refs_lock(c->store, &lock, err);

	if (r == 0)
		r = mb_image_refs_load(c->store, &refs, err);
	if (r == 0)
		r = mb_store_dir(c->store, "refs", false, &fd, err);
	for (size_t i = 0; r == 0 && i < refs.n; i++)
		check_ref(c, &refs.v[i]);
	MB_STRV_FOREACH (file, &refs.corrupt) {
		MB_AUTO_FREE char *subject = mb_asprintf("image name %s", file);

		tell(c, subject, "the document cannot be read",
		     may_repair(c) && unlinkat(fd, file, 0) == 0);
	}
	return r;
}

/* Layers without an image, and what loads left behind. */
static int check_garbage(struct checking *c, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv used = MB_STRV_INIT;
	struct dirent *entry;
	DIR *dir;
	int r = mb_image_collect_used(c->store, &used, err);

	/* With an unreadable record nobody knows; that one was told already. */
	if (r < 0)
		return r == -EBADMSG ? 0 : r;
	dir = mb_dir_open(c->layers, ".");
	if (!dir)
		return mb_fail_sys(err, errno, "cannot read 'layers'");
	while ((entry = readdir(dir))) {
		char subject[80];

		if (!mb_hex_is_valid(entry->d_name, 64) ||
		    mb_image_collect_has(&used, entry->d_name))
			continue;
		snprintf(subject, sizeof(subject), "layer %.64s", entry->d_name);
		tell(c, subject, "no image has it",
		     may_repair(c) &&
		             mb_image_layer_remove(c->store, c->layers, entry->d_name, NULL) == 0);
	}
	closedir(dir);
	return 0;
}

static int check_ingest(struct checking *c, struct mb_err *err)
{
	struct dirent *entry;
	DIR *dir;
	int fd = -1, r = mb_store_dir(c->store, "ingest", false, &fd, err);

	dir = mb_dir_take(fd);
	if (!dir)
		return r < 0 ? r : mb_fail_sys(err, errno, "cannot read 'ingest'");
	while ((entry = readdir(dir))) {
		MB_AUTO_FREE char *subject = NULL;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		subject = mb_asprintf("ingest/%s", entry->d_name);
		tell(c, subject, "left by a load that ended early", c->request->repair);
	}
	closedir(dir);
	return 0;
}

static void on_list(void *arg, const char *name, bool repaired)
{
	MB_AUTO_FREE char *subject = mb_asprintf("manifest list %s", name);

	tell(arg, subject, "the document cannot be read", repaired);
}

static int check_mounts(struct checking *c, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv stale = MB_STRV_INIT;
	int r = mb_image_mounts_stale(c->store, &stale, err);

	MB_STRV_FOREACH (id, &stale) {
		MB_AUTO_FREE char *subject = mb_asprintf("mount of image sha256:%s", id);

		tell(c, subject, "was not put away",
		     c->request->repair && mb_image_mounts_clear(c->store, id, NULL) == 0);
	}
	return r;
}

static int check_all(struct checking *c, struct mb_err *err)
{
	int r = check_images(c, err);

	if (r == 0)
		r = check_refs(c, err);
	if (r == 0)
		r = mb_image_manifests_check(c->store, may_repair(c), on_list, c, err);
	if (r == 0 && c->alone)
		r = check_garbage(c, err);
	if (r == 0 && c->alone)
		r = check_ingest(c, err);
	return r;
}

int mb_image_check(struct mb_store *store, const struct mb_image_check_request *request,
                   size_t *ret_left, struct mb_err *err)
{
	struct checking c = {.store = store, .request = request, .images = -1, .layers = -1};
	int r = mb_store_dir(store, "images", false, &c.images, err);

	if (r == 0)
		r = mb_store_dir(store, "layers", false, &c.layers, err);
	if (r == 0) {
		MB_AUTO_CLOSE int lock = -1;

		r = mb_store_lock(store, MB_RANK_IMAGE, "images", true, false, &lock, err);
		c.alone = r == 0;
		if (r >= 0)
			r = check_all(&c, err);
	}
	if (r == 0)
		r = check_mounts(&c, err);
	if (r == 0 && request->repair)
		mb_image_commit_clean(store);
	mb_close(&c.images);
	mb_close(&c.layers);
	tell_all(&c);
	if (r == 0)
		*ret_left = c.left;
	return r;
}
