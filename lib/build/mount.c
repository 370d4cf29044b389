/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "build/agent.h"
#include "build/content.h"
#include "build/job.h"
#include "build/mount_spec.h"
#include "build/place.h"
#include "build/walk.h"
#include "build/work.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "store/store.h"
#include "sys/interrupt.h"
#include "sys/mount.h"
#include "sys/path.h"
#include "sys/proc.h"
#include "sys/tree.h"

char *mb_build_mount_source(const char *text)
{
	MB_AUTO_BUILD_MOUNT_SPEC struct mb_build_mount_spec spec = {0};

	if (mb_build_mount_spec_parse(text, &spec, NULL) < 0)
		return NULL; /* it is told when the step begins */
	return mb_take_ptr(&spec.from);
}

static int read_spec(struct mb_build *b, struct mb_build_stage *stage, const char *text,
                     struct mb_build_mount_spec *ret, struct mb_err *err)
{
	char **words[] = {&ret->target, &ret->source, &ret->id};
	int r = mb_build_mount_spec_parse(text, ret, err);

	for (size_t i = 0; i < MB_N(words) && r == 0; i++) {
		MB_AUTO_FREE char *before = *words[i];

		if (!before)
			continue;
		*words[i] = NULL;
		r = mb_build_expand(b, &stage->state, before, words[i], err);
	}
	return r;
}

/* "/a" of "a" in the working directory.  Caller frees. */
static char *target_of(const struct mb_build_stage *stage, const char *target)
{
	const char *workdir = stage->state.config.config.working_dir;
	MB_AUTO_FREE char *joined = *target == '/'
	                                    ? mb_strdup(target)
	                                    : mb_asprintf("%s/%s", workdir ? workdir : "", target);

	return mb_sys_path_clean(joined);
}

static struct mb_build_tree *add_tree(struct mb_build_mounts *mounts, char *target, bool writable)
{
	struct mb_build_tree *tree;

	mounts->trees = mb_realloc(mounts->trees, (mounts->n_trees + 1) * sizeof(*mounts->trees));
	tree = &mounts->trees[mounts->n_trees++];
	*tree = (struct mb_build_tree){.fd = -1, .target = target, .writable = writable};
	return tree;
}

static struct mb_build_work *add_work(struct mb_build_mounts *mounts)
{
	mounts->work = mb_realloc(mounts->work, (mounts->n_work + 1) * sizeof(*mounts->work));
	mounts->work[mounts->n_work] = MB_BUILD_WORK_INIT;
	return &mounts->work[mounts->n_work++];
}

/* --- bind ------------------------------------------------------------------------------------- */

static int open_source_root(struct mb_build *b, struct mb_build_stage *stage,
                            const struct mb_build_mount_spec *spec, struct mb_build_state *state,
                            struct mb_build_root *root, int *ret_fd, struct mb_err *err)
{
	int r = mb_build_root_open(b, stage, spec->from, state, root, ret_fd, err);

	return r == 0 && root->fd < 0 ? mb_fail(err, ENOENT, "there is no build context") : r;
}

static int key_of_bind(struct mb_build *b, struct mb_build_stage *stage,
                       const struct mb_build_mount_spec *spec, struct mb_build_key *key,
                       struct mb_err *err)
{
	struct mb_build_state state = {0};
	struct mb_build_root root = {.fd = -1};
	MB_AUTO_BUILD_ITEMS struct mb_build_items items = {0};
	MB_AUTO_CLOSE int fd = -1;
	int r = open_source_root(b, stage, spec, &state, &root, &fd, err);

	if (r == 0)
		r = mb_build_content_find(&root, spec->source ? spec->source : "/", &items, err);
	for (size_t i = 0; i < items.n && r == 0; i++)
		r = mb_build_content_hash(&root, &items.v[i], key, err);
	stage->state.is_dated |= root.is_dated;
	mb_build_state_done(&state);
	return r;
}

/* What .dockerignore leaves out is deleted in the upper directory of an overlay. */
struct hiding {
	const struct mb_build_root *root;
	const struct mb_build_item *item;
	int upper_fd;
	int r;
};

static int hide(struct hiding *h, const char *path)
{
	MB_AUTO_CLOSE int dir = -1;
	const char *slash = strrchr(path, '/');
	MB_AUTO_FREE char *parent = slash ? mb_strndup(path, (size_t)(slash - path)) : NULL;
	int r = 0;

	if (parent)
		r = mb_sys_path_mkdirs(h->upper_fd, parent, 0755, &dir, NULL);
	if (r == 0 &&
	    mknodat(parent ? dir : h->upper_fd, slash ? slash + 1 : path, S_IFCHR | 0600, 0) < 0)
		r = -errno;
	return r;
}

static bool hides(void *arg, const char *path, bool is_directory)
{
	struct hiding *h = arg;
	bool is_whole;
	bool skips = mb_build_content_skips(h->root, h->item, path, is_directory, &is_whole);

	if (!skips || !is_whole)
		return false;
	if (h->r == 0)
		h->r = hide(h, path);
	return true;
}

static int hide_ignored(const struct mb_build_root *root, int upper_fd, struct mb_err *err)
{
	const struct mb_build_item whole = {.fd = root->fd, .path = (char[]){""}};
	struct hiding h = {.root = root, .item = &whole, .upper_fd = upper_fd};
	const struct mb_build_walk walk = {.skips = hides, .arg = &h};
	int r = mb_build_walk(root->fd, &walk, err);

	if (r == 0 && h.r < 0)
		r = mb_fail_sys(err, -h.r, "cannot hide what .dockerignore leaves out");
	return r;
}

/* A context or a stage that may be written on; what is written is thrown away. */
static int open_overlay(struct mb_build *b, const struct mb_build_root *root,
                        const struct mb_build_state *state, struct mb_build_work *work,
                        struct mb_err *err)
{
	int lower[] = {root->fd};
	MB_AUTO_CLOSE int upper = -1, scratch = -1;
	struct mb_sys_overlay overlay = {.lowers = lower, .n_lowers = 1};
	int r;

	if (state->config.os) /* a stage's or an image's */
		return mb_build_work_open(b, state, work, err);
	r = mb_build_work_plain(b, work, &upper, err);
	if (r == 0 && root->ignore)
		r = hide_ignored(root, upper, err);
	if (r < 0)
		return r;
	scratch = openat(work->dir_fd, "work", O_PATH | O_DIRECTORY | O_CLOEXEC);
	overlay.upper_fd = upper;
	overlay.work_fd = scratch;
	return mb_sys_mount_overlay(&overlay, &work->root_fd, err);
}

static int open_bind(struct mb_build *b, struct mb_build_stage *stage,
                     const struct mb_build_mount_spec *spec, struct mb_build_mounts *mounts,
                     struct mb_err *err)
{
	struct mb_build_state state = {0};
	struct mb_build_root root = {.fd = -1};
	struct mb_build_work *work = add_work(mounts);
	struct mb_build_tree *tree =
		add_tree(mounts, target_of(stage, spec->target), spec->is_writable);
	MB_AUTO_FREE char *path = mb_build_path_clean(spec->source ? spec->source : "/");
	MB_AUTO_CLOSE int fd = -1;
	struct mb_sys_mount_part part;
	int r = open_source_root(b, stage, spec, &state, &root, &fd, err);

	if (r == 0)
		r = open_overlay(b, &root, &state, work, err);
	mb_build_state_done(&state);
	if (r < 0)
		return r;
	if (!*path) {
		tree->fd = mb_take_fd(&work->root_fd);
		return 0;
	}
	part = (struct mb_sys_mount_part){work->root_fd, path};
	r = mb_sys_proc_call(mb_sys_mount_take_part, &part, &tree->fd, err);
	return r < 0 ? mb_wrap(err, r, "source '%s'", spec->source) : 0;
}

/* --- cache ------------------------------------------------------------------------------------ */

/* With an ear for who wants to end us.  What is private waits for nobody. */
static int wait_for(int fd, enum mb_build_sharing sharing, bool *ret_mine, struct mb_err *err)
{
	/* Whoever wants to remove it knows by the lock that it is open. */
	const int how = (sharing == MB_BUILD_SHARED ? LOCK_SH : LOCK_EX) | LOCK_NB;
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
	int r = 0;

	while (r == 0 && flock(fd, how) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot lock a cache");
		if (sharing == MB_BUILD_PRIVATE) {
			*ret_mine = false;
			return 0;
		}
		nanosleep(&pause, NULL);
		r = mb_sys_interrupt_check(err);
	}
	*ret_mine = r == 0;
	return r;
}

/* What the id and the rest name, as a file's name: an id is anybody's text.  Whoever asks for
 * another owner or mode means another directory. */
static void name_cache(const struct mb_build_mount_spec *spec, const char *target, unsigned which,
                       char name[MB_SHA256_TEXT])
{
	MB_AUTO_STR struct mb_str whole = MB_STR_INIT;

	mb_str_addf(&whole, "%s\n%s\n%s\n%u", spec->id ? spec->id : target,
	            spec->from ? spec->from : "", spec->source ? spec->source : "", which);
	if (spec->uid || spec->gid || (spec->has_mode && spec->mode != 0755))
		mb_str_addf(&whole, "\n%u:%u %o", spec->uid, spec->gid,
		            spec->has_mode ? spec->mode : 0755);
	mb_sha256_text(mb_str_text(&whole), whole.len, name);
}

static int open_cache_dir(int caches, const char *name, int *ret_fd, struct mb_err *err)
{
	*ret_fd = openat(caches, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_fd < 0 && errno == ENOENT)
		return -ENOENT; /* it has gone again */
	return *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot open a cache") : 0;
}

static int copy_seed(const struct mb_build_root *root, const struct mb_build_mount_spec *spec,
                     int to_fd, struct mb_err *err)
{
	MB_AUTO_BUILD_ITEMS struct mb_build_items items = {0};
	const struct mb_build_place place = {.root_fd = to_fd};
	int r = mb_build_content_find(root, spec->source ? spec->source : "/", &items, err);

	if (r == 0 && (items.n != 1 || !S_ISDIR(items.v[0].st.st_mode)))
		r = mb_fail(err, ENOTDIR, "the source of a cache is one directory");
	return r < 0 ? r : mb_build_place_item(&place, root, &items.v[0], to_fd, NULL, true, err);
}

static int begin_cache(struct mb_build *b, struct mb_build_stage *stage,
                       const struct mb_build_mount_spec *spec, int to_fd, struct mb_err *err)
{
	struct mb_build_state state = {0};
	struct mb_build_root root = {.fd = -1};
	MB_AUTO_CLOSE int fd = -1;
	int r;

	if (!spec->from)
		return fchmod(to_fd, 0755) < 0 ? mb_fail_sys(err, errno, "cannot make a cache") : 0;
	r = open_source_root(b, stage, spec, &state, &root, &fd, err);
	if (r == 0)
		r = copy_seed(&root, spec, to_fd, err);
	mb_build_state_done(&state);
	return r;
}

/* A cache that is not there yet begins with what a stage or an image has, or with nothing; it is
 * made elsewhere first, so that it is whole as soon as it is there. */
static int make_cache(struct mb_build *b, struct mb_build_stage *stage,
                      const struct mb_build_mount_spec *spec, int caches, const char *name,
                      struct mb_err *err)
{
	MB_AUTO_BUILD_WORK struct mb_build_work work = MB_BUILD_WORK_INIT;
	MB_AUTO_CLOSE int to = -1;
	struct stat st;
	int r;

	if (fstatat(caches, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	r = mb_build_work_plain(b, &work, &to, err);
	if (r == 0)
		r = begin_cache(b, stage, spec, to, err);
	if (r == 0 && spec->has_mode && fchmod(to, spec->mode) < 0)
		r = mb_fail_sys(err, errno, "cannot make a cache");
	if (r == 0 && (spec->uid || spec->gid) && fchown(to, spec->uid, spec->gid) < 0)
		r = mb_fail_sys(err, errno, "cannot make a cache");
	if (r == 0 && renameat2(work.dir_fd, "upper", caches, name, RENAME_NOREPLACE) < 0 &&
	    errno != EEXIST)
		r = mb_fail_sys(err, errno, "cannot make a cache");
	return r;
}

/* A cache that a RUN asks for, however often. */
struct cache {
	struct mb_build_mount_spec spec;
	const char *text; /* the flag's */
	char *target;
	char name[MB_SHA256_TEXT];
};
struct caches {
	struct cache *v;
	size_t n;
};

static void caches_done(struct caches *caches)
{
	for (size_t i = 0; i < caches->n; i++) {
		mb_build_mount_spec_done(&caches->v[i].spec);
		free(caches->v[i].target);
	}
	free(caches->v);
}

/* By name; of one name, who wants it most for himself is first. */
static int by_name(const void *a, const void *b)
{
	const struct cache *left = a, *right = b;
	int r = strcmp(left->name, right->name);

	return r ? r : (int)right->spec.sharing - (int)left->spec.sharing;
}

static int find_caches(struct mb_build *b, struct mb_build_stage *stage,
                       const struct mb_dockerfile_instruction *in, struct caches *ret,
                       struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; i < in->n_flags && r == 0; i++) {
		MB_AUTO_BUILD_MOUNT_SPEC struct mb_build_mount_spec spec = {0};
		struct cache *cache;

		if (strcmp(in->flags[i].name, "mount") != 0)
			continue;
		r = read_spec(b, stage, in->flags[i].value, &spec, err);
		if (r < 0 || spec.type != MB_BUILD_MOUNT_CACHE)
			continue;
		ret->v = mb_realloc(ret->v, (ret->n + 1) * sizeof(*ret->v));
		cache = &ret->v[ret->n++];
		*cache = (struct cache){.spec = spec,
		                        .text = in->flags[i].value,
		                        .target = target_of(stage, spec.target)};
		spec = (struct mb_build_mount_spec){0};
		name_cache(&cache->spec, cache->target, 0, cache->name);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return r;
}

/* Is what we have locked still what has the name? */
static bool has_name(int caches_fd, const char *name, int dir)
{
	struct stat named, ours;

	return fstatat(caches_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstat(dir, &ours) == 0 && named.st_ino == ours.st_ino && named.st_dev == ours.st_dev;
}

/* The lock is the directory's own. */
static int lock_cache(struct mb_build *b, struct mb_build_stage *stage, const struct cache *cache,
                      int caches_fd, int *ret_fd, struct mb_err *err)
{
	const struct mb_build_mount_spec *spec = &cache->spec;

	for (unsigned which = 0;;) {
		MB_AUTO_CLOSE int dir = -1;
		char name[MB_SHA256_TEXT];
		bool mine = false;
		int r = 0;

		name_cache(spec, cache->target, which, name);
		r = make_cache(b, stage, spec, caches_fd, name, err);
		if (r == 0)
			r = open_cache_dir(caches_fd, name, &dir, err);
		if (r == -ENOENT && dir < 0)
			continue;
		if (r == 0)
			r = wait_for(dir, spec->sharing, &mine, err);
		if (r < 0)
			return r;
		if (!mine) {
			which++;
		} else if (has_name(caches_fd, name, dir)) {
			*ret_fd = mb_take_fd(&dir);
			return 0;
		}
	}
}

/* All of them before anything is mounted, each once and in the order of their names, which is the
 * same for whoever else wants some of them: so nobody waits for who waits for him. */
static int lock_caches(struct mb_build *b, struct mb_build_stage *stage,
                       const struct mb_dockerfile_instruction *in, struct mb_build_mounts *mounts,
                       struct mb_err *err)
{
	__attribute__((cleanup(caches_done))) struct caches caches = {0};
	MB_AUTO_CLOSE int fd = -1;
	int r = find_caches(b, stage, in, &caches, err);

	if (r == 0 && caches.n)
		r = mb_store_dir(b->store, "caches", false, &fd, err);
	for (size_t i = 0; i < caches.n && r == 0; i++) {
		const struct cache *cache = &caches.v[i];
		int dir = -1;

		if (i && strcmp(cache->name, caches.v[i - 1].name) == 0)
			continue;
		r = lock_cache(b, stage, cache, fd, &dir, err);
		if (r < 0)
			return mb_wrap(err, r, "--mount=%s", cache->text);
		mounts->caches = mb_realloc(mounts->caches,
		                            (mounts->n_caches + 1) * sizeof(*mounts->caches));
		mounts->caches[mounts->n_caches].fd = dir;
		memcpy(mounts->caches[mounts->n_caches++].name, cache->name, sizeof(cache->name));
	}
	return r;
}

static int open_cache(struct mb_build_stage *stage, const struct mb_build_mount_spec *spec,
                      struct mb_build_mounts *mounts, struct mb_err *err)
{
	struct mb_build_tree *tree =
		add_tree(mounts, target_of(stage, spec->target), !spec->is_readonly);
	char name[MB_SHA256_TEXT];

	name_cache(spec, tree->target, 0, name);
	for (size_t i = 0; i < mounts->n_caches; i++)
		if (strcmp(mounts->caches[i].name, name) == 0)
			return mb_sys_mount_clone(mounts->caches[i].fd, "", false, &tree->fd, err);
	return -EINVAL;
}

/* --- tmpfs, secrets --------------------------------------------------------------------------- */

static int open_tmpfs(struct mb_build_stage *stage, const struct mb_build_mount_spec *spec,
                      struct mb_build_mounts *mounts, struct mb_err *err)
{
	struct mb_build_tree *tree = add_tree(mounts, target_of(stage, spec->target), true);
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;

	mb_strv_add(&options, "mode=1777");
	if (spec->size)
		mb_strv_addf(&options, "size=%lld", (long long)spec->size);
	return mb_sys_mount_new("tmpfs", &options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &tree->fd,
	                        err);
}

struct file {
	int mount_fd;
	const void *bytes;
	size_t n;
	unsigned mode, uid, gid;
};

/* A file system in memory for it alone: nothing of it reaches a disk. */
static int make_file(void *arg, int *fd, struct mb_err *err)
{
	const struct file *f = arg;
	struct mb_sys_mount_part part = {f->mount_fd, "file"};
	MB_AUTO_CLOSE int root = -1, file = -1;

	root = openat(f->mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root >= 0)
		file = openat(root, "file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0 || mb_write_full(file, f->bytes, f->n) < 0 ||
	    fchown(file, f->uid, f->gid) < 0 || fchmod(file, f->mode) < 0)
		return mb_fail_sys(err, errno, "cannot write a file in memory");
	mb_close(&file);
	return mb_sys_mount_take_part(&part, fd, err);
}

static int add_file(struct mb_build_mounts *mounts, char *target, struct file *file,
                    struct mb_err *err)
{
	struct mb_build_tree *tree = add_tree(mounts, target, false);
	MB_AUTO_CLOSE int mount_fd = -1;
	int r = mb_sys_mount_private(&mount_fd, err);

	if (r < 0)
		return r;
	file->mount_fd = mount_fd;
	return mb_sys_proc_call(make_file, file, &tree->fd, err);
}

int mb_build_mounts_add_file(struct mb_build_mounts *mounts, const char *target, const void *bytes,
                             size_t n, unsigned mode, struct mb_err *err)
{
	struct file file = {.bytes = bytes, .n = n, .mode = mode};

	return add_file(mounts, mb_strdup(target), &file, err);
}

static const char *secret_id(const struct mb_build_mount_spec *spec)
{
	const char *path = spec->id ? spec->id : spec->source ? spec->source : spec->target;
	const char *slash = strrchr(path, '/');

	return slash && !spec->id ? slash + 1 : path;
}

static int open_secret(struct mb_build *b, struct mb_build_stage *stage,
                       const struct mb_build_mount_spec *spec, struct mb_build_mounts *mounts,
                       struct mb_err *err)
{
	const char *id = secret_id(spec);
	const struct mb_build_secret *secret = NULL;
	struct file file = {
		.mode = spec->has_mode ? spec->mode : 0400, .uid = spec->uid, .gid = spec->gid};
	MB_AUTO_FREE char *target = NULL;

	for (size_t i = 0; i < b->request->n_secrets; i++)
		if (strcmp(b->request->secrets[i].id, id) == 0)
			secret = &b->request->secrets[i];
	if (!secret)
		return spec->is_required ? mb_fail(err, ENOENT, "secret %s: not found", id) : 0;
	if (spec->env) {
		if (memchr(secret->bytes, '\0', secret->n))
			return mb_fail(err, EINVAL, "secret %s: a variable can have no zero byte",
			               id);
		mb_strv_addf(&mounts->env, "%s=%.*s", spec->env, (int)secret->n, secret->bytes);
		if (!spec->target)
			return 0;
	}
	file.bytes = secret->bytes;
	file.n = secret->n;
	target = spec->target ? mb_strdup(spec->target) : mb_asprintf("/run/secrets/%s", id);
	return add_file(mounts, target_of(stage, target), &file, err);
}

static int open_ssh(struct mb_build *b, struct mb_build_stage *stage,
                    const struct mb_build_mount_spec *spec, struct mb_build_mounts *mounts,
                    struct mb_err *err)
{
	const char *id = spec->id ? spec->id : "default";
	const struct mb_build_agent_how how = {
		.ssh = mb_build_ssh_find(&b->request->ssh, id),
		.mode = spec->has_mode ? spec->mode : 0600,
		.uid = spec->uid,
		.gid = spec->gid,
	};
	MB_AUTO_FREE char *target = NULL;
	MB_AUTO_CLOSE int mount_fd = -1;
	struct mb_build_tree *tree;
	struct mb_sys_mount_part part;
	int pidfd = -1, r;

	if (!how.ssh)
		return spec->is_required ? mb_fail(err, ENOENT, "ssh agent %s: not found", id) : 0;
	r = mb_build_agent_start(&how, &mount_fd, &pidfd, err);
	if (r < 0)
		return r;
	mounts->agents = mb_realloc(mounts->agents, (mounts->n_agents + 1) * sizeof(int));
	target = spec->target ? target_of(stage, spec->target)
	                      : mb_asprintf("/run/buildkit/ssh_agent.%zu", mounts->n_agents);
	mounts->agents[mounts->n_agents++] = pidfd;
	/* As BuildKit: the first is the one that programs look for. */
	if (mounts->n_agents == 1)
		mb_strv_addf(&mounts->env, "SSH_AUTH_SOCK=%s", target);
	tree = add_tree(mounts, mb_take_ptr(&target), true);
	part = (struct mb_sys_mount_part){mount_fd, "agent"};
	return mb_sys_proc_call(mb_sys_mount_take_part, &part, &tree->fd, err);
}

/* --- all of them ------------------------------------------------------------------------------ */

int mb_build_mounts_key(struct mb_build *b, struct mb_build_stage *stage,
                        const struct mb_dockerfile_instruction *in, struct mb_build_key *key,
                        struct mb_err *err)
{
	int r = 0;

	for (size_t i = 0; i < in->n_flags && r == 0; i++) {
		MB_AUTO_BUILD_MOUNT_SPEC struct mb_build_mount_spec spec = {0};
		MB_AUTO_FREE char *target = NULL;

		if (strcmp(in->flags[i].name, "mount") != 0)
			continue;
		r = read_spec(b, stage, in->flags[i].value, &spec, err);
		if (r < 0)
			return r;
		/* The words stand for what cannot be hashed: a cache's content and a secret's. */
		mb_build_key_add(key, in->flags[i].value);
		target = spec.target ? target_of(stage, spec.target) : NULL;
		mb_build_key_add(key, target);
		if (spec.type == MB_BUILD_MOUNT_BIND)
			r = key_of_bind(b, stage, &spec, key, err);
	}
	return r;
}

int mb_build_mounts_open(struct mb_build *b, struct mb_build_stage *stage,
                         const struct mb_dockerfile_instruction *in, struct mb_build_mounts *ret,
                         struct mb_err *err)
{
	int r = lock_caches(b, stage, in, ret, err);

	for (size_t i = 0; i < in->n_flags && r == 0; i++) {
		MB_AUTO_BUILD_MOUNT_SPEC struct mb_build_mount_spec spec = {0};

		if (strcmp(in->flags[i].name, "mount") != 0)
			continue;
		r = read_spec(b, stage, in->flags[i].value, &spec, err);
		if (r < 0)
			return r;
		if (spec.type == MB_BUILD_MOUNT_BIND)
			r = open_bind(b, stage, &spec, ret, err);
		else if (spec.type == MB_BUILD_MOUNT_CACHE)
			r = open_cache(stage, &spec, ret, err);
		else if (spec.type == MB_BUILD_MOUNT_TMPFS)
			r = open_tmpfs(stage, &spec, ret, err);
		else if (spec.type == MB_BUILD_MOUNT_SSH)
			r = open_ssh(b, stage, &spec, ret, err);
		else
			r = open_secret(b, stage, &spec, ret, err);
		if (r < 0)
			return mb_wrap(err, r, "--mount=%s", in->flags[i].value);
	}
	return r;
}

/* Has the command given the directory @path, which is @st now, another owner or mode than it has
 * below, or than one has that is made to mount on? */
static bool was_changed(int lower_fd, const char *path, const struct stat *st)
{
	MB_AUTO_CLOSE int dir = -1;
	struct stat below = {.st_mode = S_IFDIR | 0755};

	if (mb_sys_tree_open_across(lower_fd, path, &dir) == 0 && fstat(dir, &below) < 0)
		return true;
	return below.st_uid != st->st_uid || below.st_gid != st->st_gid ||
	       (below.st_mode & 07777) != (st->st_mode & 07777);
}

/* An empty file or directory that stands where something was mounted, and then the directories
 * above that have nothing else: in the upper directory that is what was made to mount on. */
static void tidy(int upper_fd, int lower_fd, const char *target)
{
	MB_AUTO_FREE char *path = mb_build_path_clean(target);

	for (bool is_first = true; *path; is_first = false) {
		MB_AUTO_FREE char *parent = NULL;
		MB_AUTO_CLOSE int dir = -1;
		char *slash = strrchr(path, '/');
		const char *name = slash ? slash + 1 : path;
		struct stat st;

		parent = slash ? mb_strndup(path, (size_t)(slash - path)) : mb_strdup("");
		if (mb_sys_tree_open_across(upper_fd, parent, &dir) < 0 ||
		    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return;
		if (!is_first && S_ISDIR(st.st_mode) && was_changed(lower_fd, path, &st))
			return;
		if (S_ISDIR(st.st_mode) ? unlinkat(dir, name, AT_REMOVEDIR) < 0
		                        : !is_first || !S_ISREG(st.st_mode) || st.st_size ||
		                                  unlinkat(dir, name, 0) < 0)
			return;
		if (slash)
			*slash = '\0';
		else
			*path = '\0';
	}
}

int mb_build_mounts_tidy(struct mb_build *b, const struct mb_build_state *state,
                         const struct mb_build_mounts *mounts, int upper_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int lower = -1;
	int r = mounts->n_trees ? mb_build_tree_open(b, state, &lower, err) : 0;

	for (size_t i = mounts->n_trees; i-- > 0 && r == 0;)
		tidy(upper_fd, lower, mounts->trees[i].target);
	return r;
}

void mb_build_mounts_done(struct mb_build_mounts *mounts)
{
	for (size_t i = 0; i < mounts->n_trees; i++) {
		mb_close(&mounts->trees[i].fd);
		free(mounts->trees[i].target);
	}
	free(mounts->trees);
	for (size_t i = 0; i < mounts->n_work; i++)
		mb_build_work_done(&mounts->work[i]);
	free(mounts->work);
	for (size_t i = 0; i < mounts->n_caches; i++)
		mb_close(&mounts->caches[i].fd);
	free(mounts->caches);
	for (size_t i = 0; i < mounts->n_agents; i++)
		mb_build_agent_stop(&mounts->agents[i]);
	free(mounts->agents);
	MB_STRV_FOREACH (secret, &mounts->env)
		explicit_bzero(secret, strlen(secret));
	mb_strv_done(&mounts->env);
	*mounts = MB_BUILD_MOUNTS_INIT;
}
