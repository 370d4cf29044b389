/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/id.h"
#include "core/io.h"
#include "core/sha256.h"
#include "core/str.h"
#include "image/pack.h"
#include "image/record.h"
#include "image/skeleton.h"
#include "image/unpack.h"
#include "oci/digest.h"
#include "store/doc.h"
#include "store/lock.h"
#include "store/store.h"
#include "sys/tree.h"
#include "json/json.h"

enum { NAMES_LIMIT = 4 << 20, BOOT_ID = 64, NAME_SIZE = 96 };

static const struct mb_json_field meta_table[] = {
	MB_JSON_STR("chain", struct mb_image_layer_meta, chain, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("diff_id", struct mb_image_layer_meta, diff_id, .flags = MB_JSON_REQUIRED),
	MB_JSON_U64("bytes", struct mb_image_layer_meta, bytes),
	MB_JSON_U64("files", struct mb_image_layer_meta, files),
	MB_JSON_U64("entries", struct mb_image_layer_meta, entries),
	MB_JSON_I64("created", struct mb_image_layer_meta, created),
	MB_JSON_END,
};

void mb_image_layer_meta_done(struct mb_image_layer_meta *meta)
{
	mb_json_done(meta_table, meta);
}

static int open_layer(int layers_fd, const char *chain)
{
	return openat(layers_fd, chain, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int mb_image_layer_meta_load(int layers_fd, const char *chain, struct mb_image_layer_meta *ret,
                             struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = open_layer(layers_fd, chain);
	struct mb_image_layer_meta meta = {0};
	int r;

	if (fd < 0 || faccessat(fd, "COMPLETE", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		/* Without a descriptor left nobody knows. */
		return errno == ENOENT || errno == ELOOP || errno == ENOTDIR
		               ? MB_IMAGE_ABSENT
		               : mb_fail_sys(err, errno, "layer '%.12s'", chain);
	r = mb_store_doc_load(fd, "meta.json", meta_table, &meta, err);
	if (r == MB_DOC_CORRUPT || r == -ENOENT)
		return mb_wrap(err, -EBADMSG, "layer '%.12s'", chain);
	if (r < 0)
		return mb_wrap(err, r, "layer '%.12s'", chain);
	if (strcmp(meta.chain, chain) != 0) {
		mb_image_layer_meta_done(&meta);
		return mb_fail(err, EBADMSG, "layer '%.12s': the document is another's", chain);
	}
	*ret = meta;
	return 0;
}

static int read_boot(struct mb_store *store, char boot[BOOT_ID])
{
	return mb_read_kernel_file(store->run_fd, "boot_id", boot, BOOT_ID);
}

uint64_t mb_image_layer_size(int layers_fd, const char *chain)
{
	struct mb_image_layer_meta meta = {0};
	uint64_t size = 0;

	if (mb_image_layer_meta_load(layers_fd, chain, &meta, NULL) == 0)
		size = meta.bytes;
	mb_image_layer_meta_done(&meta);
	return size;
}

bool mb_image_layer_is_of_boot(struct mb_store *store, int layers_fd, const char *chain)
{
	char now[BOOT_ID] = "?", then[BOOT_ID] = "";
	MB_AUTO_CLOSE int fd = open_layer(layers_fd, chain);

	return fd >= 0 && read_boot(store, now) == 0 &&
	       mb_read_kernel_file(fd, "COMPLETE", then, sizeof(then)) == 0 &&
	       strcmp(now, then) == 0;
}

int mb_image_layer_remove(struct mb_store *store, int layers_fd, const char *chain,
                          struct mb_err *err)
{
	MB_AUTO_CLOSE int ingest = -1;
	char aside[NAME_SIZE];
	int r = mb_store_dir(store, "ingest", false, &ingest, err);

	if (r < 0)
		return r;
	snprintf(aside, sizeof(aside), "gone-%.64s", chain);
	r = mb_sys_tree_remove(ingest, aside, err);
	if (r < 0)
		return r;
	if (renameat(layers_fd, chain, ingest, aside) < 0)
		return errno == ENOENT
		               ? 0
		               : mb_fail_sys(err, errno, "cannot remove layer '%.12s'", chain);
	return mb_sys_tree_remove(ingest, aside, err);
}

/* --- making one ------------------------------------------------------------------------------ */

struct making {
	struct mb_store *store;
	const struct mb_image_layer_job *job;
	const struct mb_image_layer_tree *tree; /* or NULL: from an archive */
	int layers, ingest;                     /* directories */
	int own, diff, names; /* ours in ingest, its tree, and the implied directories */
	int skeleton;         /* what the archive has besides the tree */
	char own_name[NAME_SIZE];
	char chain[MB_IMAGE_ID_TEXT]; /* "" while unknown */
	struct mb_image_unpacked unpacked;
};

#define MAKING_INIT(store_, job_)           \
	((struct making){.store = (store_), \
	                 .job = (job_),     \
	                 .layers = -1,      \
	                 .ingest = -1,      \
	                 .own = -1,         \
	                 .diff = -1,        \
	                 .names = -1,       \
	                 .skeleton = -1})

static void making_done(struct making *m)
{
	mb_close(&m->layers);
	mb_close(&m->ingest);
	mb_close(&m->own);
	mb_close(&m->diff);
	mb_close(&m->names);
	mb_close(&m->skeleton);
}

static void report(const struct making *m, uint64_t done, bool finished, bool cached)
{
	const struct mb_image_layer_job *job = m->job;
	char digits[13] = "";
	struct mb_image_progress p = {
		.layer = digits,
		.index = job->index,
		.count = job->count,
		.done = done,
		.total = job->from.size == UINT64_MAX ? 0 : job->from.size,
		.finished = finished,
		.cached = cached,
	};

	if (!job->report || !job->report->progress)
		return;
	if (job->diff_id)
		snprintf(digits, sizeof(digits), "%.12s", job->diff_id);
	job->report->progress(job->report->arg, &p);
}

static void tick(void *arg, uint64_t done)
{
	report(arg, done, false, false);
}

/* Its directory in ingest, and the file for the skeleton in it. */
static int make_own(struct making *m, struct mb_err *err)
{
	int r;

	if (*m->chain) {
		snprintf(m->own_name, sizeof(m->own_name), "layer-%s", m->chain);
	} else {
		char random[MB_ID_TEXT];

		mb_id_make(random);
		snprintf(m->own_name, sizeof(m->own_name), "import-%s", random);
	}
	/* Who holds this layer's lock owns the name: what is there was left by a dead one. */
	r = mb_sys_tree_remove(m->ingest, m->own_name, err);
	if (r < 0)
		return r;
	if (mkdirat(m->ingest, m->own_name, 0700) < 0)
		return mb_fail_sys(err, errno, "cannot create '%s'", m->own_name);
	m->own = open_layer(m->ingest, m->own_name);
	if (m->own < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", m->own_name);
	m->skeleton =
		openat(m->own, "tar", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (m->skeleton < 0)
		return mb_fail_sys(err, errno, "cannot create '%s/tar'", m->own_name);
	return 0;
}

static int make_tree(struct making *m, struct mb_err *err)
{
	if (mkdirat(m->own, "diff", 0755) < 0)
		return mb_fail_sys(err, errno, "cannot create '%s/diff'", m->own_name);
	m->diff = open_layer(m->own, "diff");
	/* Not what the umask of the caller made of it. */
	if (m->diff < 0 || fchmod(m->diff, 0755) < 0)
		return mb_fail_sys(err, errno, "cannot open '%s/diff'", m->own_name);
	if (m->job->n_lowers) {
		m->names = memfd_create("names", MFD_CLOEXEC);
		if (m->names < 0)
			return mb_fail_sys(err, errno, "cannot make a memory file");
	}
	return 0;
}

static int verify(const struct making *m, struct mb_err *err)
{
	const struct mb_image_unpacked *u = &m->unpacked;
	const struct mb_oci_digest *blob = m->job->blob;

	if (blob && (blob->alg != MB_OCI_SHA256 || strcmp(blob->hex, u->stored) != 0))
		return mb_fail(err, EBADMSG, "the blob is not 'sha256:%.64s' but 'sha256:%s'",
		               blob->hex, u->stored);
	if (!m->job->diff_id && !u->n_plain)
		return mb_fail(err, EBADMSG, "the archive is empty");
	if (m->job->diff_id && strcmp(m->job->diff_id, u->plain) != 0)
		return mb_fail(err, EBADMSG, "the content is not 'sha256:%s' but 'sha256:%s'",
		               m->job->diff_id, u->plain);
	return 0;
}

static void inherit(struct making *m)
{
	MB_AUTO_STR struct mb_str names = MB_STR_INIT;
	int lowers[MB_IMAGE_MAX_LAYERS];
	size_t n = 0;

	if (m->names < 0 || lseek(m->names, 0, SEEK_SET) < 0 ||
	    mb_read_fd(m->names, NAMES_LIMIT, &names, NULL) < 0 || !names.len)
		return;
	for (size_t i = m->job->n_lowers; i-- > 0 && n < MB_N(lowers);) {
		char path[NAME_SIZE];

		snprintf(path, sizeof(path), "%.64s/diff", m->job->lowers[i]);
		lowers[n] = openat(m->layers, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (lowers[n] >= 0)
			n++;
	}
	mb_image_layer_inherit(m->diff, lowers, n, names.buf, names.len);
	while (n)
		mb_close(&lowers[--n]);
}

static int write_meta(struct making *m, struct mb_err *err)
{
	const struct mb_image_layer_meta meta = {
		.chain = m->chain,
		.diff_id = m->unpacked.plain,
		.bytes = m->unpacked.bytes,
		.files = m->unpacked.files,
		.entries = m->unpacked.entries,
		.created = mb_now_nsec(),
	};
	char boot[BOOT_ID];
	int r = mb_store_doc_save(m->own, "meta.json", meta_table, &meta, MB_DOC_DIRECT, err);

	if (r < 0)
		return r;
	r = read_boot(m->store, boot);
	if (r < 0)
		return mb_fail_sys(err, -r, "cannot read the boot id");
	return mb_store_file_write(m->own, "COMPLETE", boot, strlen(boot), MB_DOC_DIRECT, err);
}

static int finish(struct making *m, struct mb_err *err)
{
	mb_image_chain_id(m->job->parent, m->unpacked.plain, m->chain);
	return write_meta(m, err);
}

static bool is_stopped(void *arg)
{
	const struct making *m = arg;

	return m->job->stop && m->job->stop(m->job->turn_arg);
}

static int take_turn(const struct making *m, struct mb_err *err)
{
	return m->job->turn ? m->job->turn(m->job->turn_arg, err) : 0;
}

/* From an archive. */
static int unpack(struct making *m, struct mb_err *err)
{
	const struct mb_image_watch watch = {
		.tick = tick, .arg = m, .stop = is_stopped, .flushed = m->job->turn != NULL};
	struct mb_image_stretch from = m->job->from;
	struct mb_image_unpack_to to = {.bottom = !m->job->parent};
	int r = make_own(m, err);

	if (r == 0)
		r = make_tree(m, err);
	to.root_fd = m->diff;
	to.names_fd = m->names;
	to.skeleton_fd = m->skeleton;
	if (m->job->open)
		from.fd = -1;
	if (r == 0 && m->job->open)
		r = m->job->open(m->job->arg, &from, err);
	from.bound = m->job->from.bound;
	from.memory = m->job->from.memory;
	if (r == 0)
		r = mb_image_unpack(&from, &to, &watch, &m->unpacked, err);
	if (m->job->open)
		mb_close(&from.fd);
	if (m->job->close)
		r = m->job->close(m->job->arg, r, err);
	if (r == 0)
		r = verify(m, err);
	if (r == 0)
		r = take_turn(m, err);
	if (r < 0)
		return r;
	inherit(m);
	return finish(m, err);
}

/* --- of a tree that is there ------------------------------------------------------------------ */

struct hashing {
	struct mb_sha256 sum;
	struct mb_image_skeleton *skeleton;
};

static int hash(void *arg, const void *bytes, size_t n)
{
	struct hashing *h = arg;

	mb_sha256_add(&h->sum, bytes, n);
	mb_image_skeleton_add(h->skeleton, bytes, n);
	return 0;
}

/* Its archive is written to nowhere, for its digest and its skeleton. */
static int adopt(struct making *m, struct mb_err *err)
{
	const struct mb_image_layer_tree *tree = m->tree;
	struct mb_image_unpacked *u = &m->unpacked;
	struct mb_image_packed packed;
	struct hashing h = {0};
	struct mb_image_pack pack = {.layer = true, .tidy = true, .give = hash, .arg = &h};
	int r = make_own(m, err), kept;

	if (r < 0)
		return r;
	if (renameat(tree->dir_fd, tree->name, m->own, "diff") < 0)
		return mb_fail_sys(err, errno, "cannot take over the tree '%s'", tree->name);
	m->diff = open_layer(m->own, "diff");
	if (m->diff < 0)
		return mb_fail_sys(err, errno, "cannot open '%s/diff'", m->own_name);
	mb_sha256_init(&h.sum);
	h.skeleton = mb_image_skeleton_new(m->skeleton);
	pack.root_fd = m->diff;
	r = mb_image_pack(&pack, &packed, err);
	kept = mb_image_skeleton_finish(h.skeleton);
	if (r == 0 && kept < 0)
		r = mb_fail_sys(err, -kept, "cannot keep the record of the archive");
	if (r < 0)
		return r;
	mb_sha256_finish_text(&h.sum, u->plain);
	u->bytes = packed.bytes;
	u->files = packed.files;
	u->entries = packed.entries;
	return finish(m, err);
}

/* --- where it goes ---------------------------------------------------------------------------- */

/* What cannot be read just now (no descriptors, no memory) may use it. */
static bool is_used(struct mb_store *store, const char *chain)
{
	struct mb_image_list list = {0};
	bool used = false;

	if (mb_image_list_load(store, &list, NULL) < 0)
		return true;
	for (size_t i = 0; i < list.n && !used; i++) {
		MB_AUTO(mb_image_free) struct mb_image *image = NULL;
		int r = mb_image_open(store, list.v[i].id, &image, NULL);

		used = r == 0 ? mb_strv_has(&image->layers, chain)
		              : r < 0 && r != -EBADMSG && r != -ENOENT;
	}
	mb_image_list_done(&list);
	return used;
}

bool mb_image_layer_is_there(struct mb_store *store, const char *chain)
{
	MB_AUTO_CLOSE int layers = -1;
	struct mb_image_layer_meta meta = {0};
	bool there = mb_store_dir(store, "layers", false, &layers, NULL) == 0 &&
	             mb_image_layer_meta_load(layers, chain, &meta, NULL) == 0;

	mb_image_layer_meta_done(&meta);
	return there && (mb_image_layer_is_of_boot(store, layers, chain) || is_used(store, chain));
}

/* Is a layer there that can be relied on?  Return: 0 and @ret; MB_IMAGE_ABSENT, and nothing of
 * that name is left; -errno. */
static int find_layer(struct making *m, struct mb_image_layer *ret, struct mb_err *err)
{
	struct mb_image_layer_meta meta = {0};
	struct mb_err told = MB_ERR_INIT;
	int r = mb_image_layer_meta_load(m->layers, m->chain, &meta, &told);

	/* Only what is known to be of no use goes: others may stand on it. */
	if (r < 0 && r != -EBADMSG) {
		if (err)
			*err = told;
		return r;
	}
	if (r == 0 && !mb_image_layer_is_of_boot(m->store, m->layers, m->chain) &&
	    !is_used(m->store, m->chain))
		r = MB_IMAGE_ABSENT;
	if (r == 0) {
		*ret = (struct mb_image_layer){.bytes = meta.bytes, .cached = true};
		memcpy(ret->chain, m->chain, sizeof(ret->chain));
		snprintf(ret->diff_id, sizeof(ret->diff_id), "%.64s", meta.diff_id);
	}
	mb_image_layer_meta_done(&meta);
	if (r == 0)
		return 0;
	r = mb_image_layer_remove(m->store, m->layers, m->chain, err);
	return r < 0 ? r : MB_IMAGE_ABSENT;
}

static int publish(struct making *m, struct mb_image_layer *ret, struct mb_err *err)
{
	if (renameat(m->ingest, m->own_name, m->layers, m->chain) < 0)
		return mb_fail_sys(err, errno, "cannot put layer '%.12s' in its place", m->chain);
	*ret = (struct mb_image_layer){.bytes = m->unpacked.bytes};
	memcpy(ret->chain, m->chain, sizeof(ret->chain));
	memcpy(ret->diff_id, m->unpacked.plain, sizeof(ret->diff_id));
	return 0;
}

/* The chain id is known beforehand: lock, look, make. */
static int ensure_known(struct making *m, struct mb_image_layer *ret, struct mb_err *err)
{
	char lock_name[NAME_SIZE];
	MB_AUTO_CLOSE int lock = -1;
	int r;

	snprintf(lock_name, sizeof(lock_name), "layer-%s", m->chain);
	r = mb_store_lock(m->store, MB_RANK_LEAF, lock_name, true, true, &lock, err);
	if (r < 0)
		return r;
	r = find_layer(m, ret, err);
	if (r == 0)
		r = take_turn(m, err);
	if (r == MB_IMAGE_ABSENT) {
		r = unpack(m, err);
		if (r == 0)
			r = publish(m, ret, err);
		if (r < 0)
			mb_sys_tree_remove(m->ingest, m->own_name, NULL);
	}
	mb_store_lock_retire(m->store, lock_name, lock);
	return r;
}

/* It is known afterwards: make, then lock and look. */
static int ensure_unknown(struct making *m, struct mb_image_layer *ret, struct mb_err *err)
{
	char lock_name[NAME_SIZE];
	MB_AUTO_CLOSE int lock = -1;
	int r = m->tree ? adopt(m, err) : unpack(m, err);

	if (r == 0) {
		snprintf(lock_name, sizeof(lock_name), "layer-%s", m->chain);
		r = mb_store_lock(m->store, MB_RANK_LEAF, lock_name, true, true, &lock, err);
	}
	if (r == 0) {
		r = find_layer(m, ret, err);
		if (r == MB_IMAGE_ABSENT)
			r = publish(m, ret, err);
		mb_store_lock_retire(m->store, lock_name, lock);
	}
	/* Gone already when it was published. */
	mb_sys_tree_remove(m->ingest, m->own_name, NULL);
	return r;
}

static int make(struct making *m, struct mb_image_layer *ret, struct mb_err *err)
{
	int r = mb_store_dir(m->store, "layers", false, &m->layers, err);

	if (r == 0)
		r = mb_store_dir(m->store, "ingest", false, &m->ingest, err);
	if (r == 0 && m->job->diff_id) {
		mb_image_chain_id(m->job->parent, m->job->diff_id, m->chain);
		r = ensure_known(m, ret, err);
	} else if (r == 0) {
		r = ensure_unknown(m, ret, err);
	}
	return r;
}

int mb_image_layer_ensure(struct mb_store *store, const struct mb_image_layer_job *job,
                          struct mb_image_layer *ret, struct mb_err *err)
{
	struct making m = MAKING_INIT(store, job);
	int r = make(&m, ret, err);

	if (r == 0)
		report(&m, job->from.size == UINT64_MAX ? m.unpacked.n_stored : job->from.size,
		       true, ret->cached);
	making_done(&m);
	if (r < 0 && job->diff_id)
		return mb_wrap(err, r, "layer '%.12s'", job->diff_id);
	return r;
}

int mb_image_layer_adopt(struct mb_store *store, const struct mb_image_layer_tree *tree,
                         struct mb_image_layer *ret, struct mb_err *err)
{
	const struct mb_image_layer_job job = {.parent = tree->parent};
	struct making m = MAKING_INIT(store, &job);
	int r;

	m.tree = tree;
	r = make(&m, ret, err);
	making_done(&m);
	return r;
}
