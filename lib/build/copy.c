/* SPDX-License-Identifier: GPL-2.0-or-later */
/* COPY, ADD and WORKDIR. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/address.h"
#include "build/archive.h"
#include "build/content.h"
#include "build/context.h"
#include "build/fetch.h"
#include "build/job.h"
#include "build/place.h"
#include "build/work.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "dockerfile/expand.h"
#include "dockerfile/glob.h"
#include "sys/path.h"
#include "sys/userdb.h"

struct copy {
	struct mb_build_root root;
	struct mb_dockerfile_ignore exclude;
	struct mb_build_items items;
	char *destination; /* absolute, clean */
	bool is_directory; /* it is meant to be one */
	char *expanded_owner, *expanded_mode;
	char *said;
	int root_fd; /* what root reads, if it is ours to close */
	struct mb_build_stage *stage;
	struct mb_build_context *fetched; /* where addresses were brought */
	size_t n_fetched;
};

static void copy_done(struct copy *c)
{
	mb_build_items_done(&c->items);
	mb_dockerfile_ignore_done(&c->exclude);
	free(c->destination);
	free(c->expanded_owner);
	free(c->expanded_mode);
	free(c->said);
	mb_close(&c->root_fd);
	for (size_t i = 0; i < c->n_fetched; i++)
		mb_build_context_done(&c->fetched[i]);
	free(c->fetched);
}

/* --- what is copied --------------------------------------------------------------------------- */

static int open_root(struct mb_build *b, struct mb_build_stage *stage,
                     const struct mb_dockerfile_instruction *in, struct copy *c, struct mb_err *err)
{
	struct mb_build_state source = {0};
	int r;

	c->root.exclude = c->exclude.n ? &c->exclude : NULL;
	r = mb_build_root_open(b, stage, mb_dockerfile_flag_find(in, "from"), &source, &c->root,
	                       &c->root_fd, err);
	mb_build_state_done(&source);
	return r;
}

static const struct mb_dockerfile_heredoc *find_heredoc(const struct mb_dockerfile_instruction *in,
                                                        const char *word)
{
	for (size_t i = 0; i < in->n_heredocs; i++)
		if (strcmp(in->heredocs[i].word, word) == 0)
			return &in->heredocs[i];
	return NULL;
}

static int add_heredoc(struct mb_build_state *state, const struct mb_dockerfile_heredoc *h,
                       struct copy *c, struct mb_err *err)
{
	const struct mb_dockerfile_scope scope = {.find = mb_build_state_find,
	                                          .arg = state,
	                                          .escape = '\\',
	                                          .quotes_are_plain = true};
	MB_AUTO_FREE char *text = NULL;
	int r = 0;

	if (h->expands)
		r = mb_dockerfile_expand(&scope, h->content, &text, err);
	else
		text = mb_strdup(h->content);
	if (r == 0)
		mb_build_content_add_bytes(&c->items, h->name, text, strlen(text), 0644);
	return r;
}

static int expand_flag(struct mb_build *b, struct mb_build_stage *stage,
                       const struct mb_dockerfile_instruction *in, const char *name, char **ret,
                       struct mb_err *err)
{
	const char *value = mb_dockerfile_flag_find(in, name);

	return value ? mb_build_expand(b, &stage->state, value, ret, err) : 0;
}

static void say_source(struct copy *c, const char *source)
{
	MB_AUTO_FREE char *before = c->said;

	c->said = mb_asprintf("%s %s", before, source);
}

static int add_address(struct mb_build *b, const struct mb_dockerfile_instruction *in,
                       const char *text, struct copy *c, struct mb_err *err)
{
	MB_AUTO_FREE char *checksum = NULL;
	int r = expand_flag(b, c->stage, in, "checksum", &checksum, err);

	c->fetched = mb_realloc(c->fetched, (c->n_fetched + 1) * sizeof(*c->fetched));
	c->fetched[c->n_fetched] = MB_BUILD_CONTEXT_INIT;
	if (r == 0)
		r = mb_build_fetch(
			b,
			&(struct mb_build_fetch){
				.address = text,
				.checksum = checksum,
				.keep_git = mb_dockerfile_flag_is_set(in, "keep-git-dir"),
			},
			&c->fetched[c->n_fetched++], &c->items, err);
	if (r == 0)
		say_source(c, text);
	return r;
}

static int add_source(struct mb_build *b, struct mb_build_stage *stage,
                      const struct mb_dockerfile_instruction *in, const char *word, struct copy *c,
                      struct mb_err *err)
{
	const struct mb_dockerfile_heredoc *heredoc = find_heredoc(in, word);
	MB_AUTO_FREE char *path = NULL;
	int r;

	if (heredoc)
		return add_heredoc(&stage->state, heredoc, c, err);
	r = mb_build_expand(b, &stage->state, word, &path, err);
	if (r < 0)
		return r;
	if (mb_build_address_is(path) && in->kind == MB_DOCKERFILE_ADD)
		return add_address(b, in, path, c, err);
	if (mb_starts_with(path, "http://") || mb_starts_with(path, "https://"))
		return mb_fail(err, EINVAL, "source can't be a URL for COPY");
	if (c->root.fd < 0)
		return mb_fail(err, ENOENT, "\"%s\": there is no build context", path);
	r = mb_build_content_find(&c->root, path, &c->items, err);
	/* "COPY package.json yarn.lock* ./": what may be there. */
	if (r == -ENOENT && in->args.n > 2 && mb_dockerfile_glob_is_pattern(path))
		r = 0;
	if (r == 0)
		say_source(c, path);
	return r;
}

static int find_destination(struct mb_build *b, struct mb_build_stage *stage,
                            const struct mb_dockerfile_instruction *in, struct copy *c,
                            struct mb_err *err)
{
	const char *workdir = stage->state.config.config.working_dir;
	MB_AUTO_FREE char *path = NULL, *joined = NULL, *before = NULL;
	int r = mb_build_expand(b, &stage->state, in->args.v[in->args.n - 1], &path, err);

	if (r < 0)
		return r;
	joined = *path == '/' ? mb_strdup(path)
	                      : mb_asprintf("%s/%s", workdir && *workdir ? workdir : "", path);
	if (c->items.n == 0)
		return mb_fail(err, ENOENT, "%s: no source files were specified",
		               mb_dockerfile_kind_name(in->kind));
	c->destination = mb_sys_path_clean(joined);
	c->is_directory = mb_ends_with(path, "/") || mb_ends_with(path, "/.") ||
	                  strcmp(path, ".") == 0 || strcmp(c->destination, "/") == 0;
	if ((in->args.n > 2 || c->items.n > 1) && !c->is_directory)
		return mb_fail(err, EINVAL,
		               "When using %s with more than one source file, the destination must "
		               "be a directory and end with a /",
		               mb_dockerfile_kind_name(in->kind));
	before = c->said;
	c->said = mb_asprintf("%s %s", before, path);
	return 0;
}

static int collect(struct mb_build *b, struct mb_build_stage *stage,
                   const struct mb_dockerfile_instruction *in, struct copy *c, struct mb_err *err)
{
	int r = 0;

	c->said = mb_strdup(mb_dockerfile_kind_name(in->kind));
	for (size_t i = 0; i < in->n_flags && r == 0; i++)
		if (strcmp(in->flags[i].name, "exclude") == 0)
			r = mb_dockerfile_ignore_add(&c->exclude, in->flags[i].value, err);
	if (r == 0 && mb_dockerfile_flag_is_set(in, "parents"))
		r = mb_fail(err, EOPNOTSUPP, "COPY --parents is not supported");
	if (r == 0)
		r = open_root(b, stage, in, c, err);
	for (size_t i = 0; i + 1 < in->args.n && r == 0; i++)
		r = add_source(b, stage, in, in->args.v[i], c, err);
	if (r == 0)
		r = find_destination(b, stage, in, c, err);
	if (r == 0)
		r = expand_flag(b, stage, in, "chown", &c->expanded_owner, err);
	if (r == 0)
		r = expand_flag(b, stage, in, "chmod", &c->expanded_mode, err);
	return r;
}

static int make_key(const struct mb_build_stage *stage, const struct mb_dockerfile_instruction *in,
                    const struct copy *c, char text[MB_SHA256_TEXT], struct mb_err *err)
{
	struct mb_build_key key;
	int r = 0;

	mb_build_key_init(&key, mb_dockerfile_kind_name(in->kind), &stage->state);
	mb_build_key_add(&key, c->destination);
	mb_build_key_add(&key, c->is_directory ? "directory" : "any");
	mb_build_key_add(&key, c->expanded_owner);
	mb_build_key_add(&key, c->expanded_mode);
	mb_build_key_add(&key, mb_dockerfile_flag_find(in, "unpack"));
	for (size_t i = 0; i < c->items.n && r == 0; i++)
		r = mb_build_content_hash(&c->root, &c->items.v[i], &key, err);
	mb_build_key_finish(&key, text);
	return r;
}

/* --- where it goes ---------------------------------------------------------------------------- */

static bool is_number(const char *s)
{
	return s[strspn(s, "0123456789")] == '\0';
}

static int fill_place(const struct copy *c, int root_fd, struct mb_build_place *place,
                      struct mb_err *err)
{
	place->root_fd = root_fd;
	if (c->expanded_owner && *c->expanded_owner) {
		MB_AUTO_USER struct mb_sys_user user = {0};
		int r = mb_sys_userdb_resolve(root_fd, c->expanded_owner, NULL, &user, err);

		if (r < 0)
			return mb_wrap(err, r, "--chown=%s", c->expanded_owner);
		place->has_owner = true;
		place->uid = user.uid;
		/* A number without a group is both. */
		place->gid = is_number(c->expanded_owner) ? user.uid : user.gid;
	}
	if (c->expanded_mode && *c->expanded_mode) {
		place->has_mode = true;
		if (mb_parse_mode(c->expanded_mode, &place->mode) < 0)
			return mb_fail(err, EINVAL, "--chmod=%s: not an octal mode",
			               c->expanded_mode);
	}
	return 0;
}

static bool is_directory_there(int root_fd, const char *path)
{
	MB_AUTO_CLOSE int fd = -1;

	return mb_sys_path_open(root_fd, path, O_PATH | O_DIRECTORY, &fd, NULL) == 0;
}

/* A file goes into the destination, or is it. */
static int place_file(const struct mb_build_place *place, const struct copy *c,
                      const struct mb_build_item *item, struct mb_err *err)
{
	bool into = c->is_directory || is_directory_there(place->root_fd, c->destination);
	MB_AUTO_FREE char *parent = mb_strdup(c->destination);
	char *slash = strrchr(parent, '/');
	const char *name = into ? item->name : slash + 1;
	MB_AUTO_CLOSE int dir = -1;
	int r;

	if (!into)
		*slash = '\0';
	r = mb_build_place_directory(place, parent, &dir, err);
	return r < 0 ? r : mb_build_place_item(place, &c->root, item, dir, name, false, err);
}

static int place_item(struct mb_build *b, const struct mb_build_place *place, const struct copy *c,
                      const struct mb_dockerfile_instruction *in, const struct mb_build_item *item,
                      struct mb_err *err)
{
	const char *unpack = mb_dockerfile_flag_find(in, "unpack");
	bool is_new;
	MB_AUTO_CLOSE int dir = -1;
	int r;

	if (in->kind == MB_DOCKERFILE_ADD && item->fd >= 0 && S_ISREG(item->st.st_mode) &&
	    mb_streq(unpack             ? unpack
	             : item->is_fetched ? "false"
	                                : "true",
	             "true")) {
		r = mb_build_archive_place(b, place, item, c->destination, err);
		if (r != 1)
			return r;
	}
	if (item->fd < 0 || !S_ISDIR(item->st.st_mode))
		return place_file(place, c, item, err);
	is_new = !is_directory_there(place->root_fd, c->destination);
	r = mb_build_place_directory(place, c->destination, &dir, err);
	return r < 0 ? r : mb_build_place_item(place, &c->root, item, dir, NULL, is_new, err);
}

static int make_layer(struct mb_build *b, struct mb_build_stage *stage,
                      const struct mb_dockerfile_instruction *in, const struct copy *c,
                      const char *key, struct mb_err *err)
{
	MB_AUTO_BUILD_WORK struct mb_build_work work = MB_BUILD_WORK_INIT;
	struct mb_build_place place = {0};
	int r = mb_build_work_open(b, &stage->state, &work, err);

	if (r == 0)
		r = fill_place(c, work.root_fd, &place, err);
	for (size_t i = 0; i < c->items.n && r == 0; i++)
		r = place_item(b, &place, c, in, &c->items.v[i], err);
	if (r == 0)
		r = mb_build_work_commit(b, &work, &stage->state, key, c->said, err);
	return r;
}

int mb_build_copy(struct mb_build *b, struct mb_build_stage *stage,
                  const struct mb_dockerfile_instruction *in, struct mb_err *err)
{
	__attribute__((cleanup(copy_done))) struct copy c = {
		.root = {.fd = -1}, .root_fd = -1, .stage = stage};
	struct mb_build_step step = mb_build_step_begin(b, stage, in->text);
	char key[MB_SHA256_TEXT];
	int r = collect(b, stage, in, &c, err);

	if (r == 0)
		r = make_key(stage, in, &c, key, err);
	if (r == 0)
		r = mb_build_cache_use(b, stage, key, err);
	step.cached = r == 0;
	if (r == 1)
		r = make_layer(b, stage, in, &c, key, err);
	if (r == 0)
		mb_build_state_history(&stage->state, c.said, true);
	return mb_build_step_end(b, &step, r);
}

/* --- WORKDIR ---------------------------------------------------------------------------------- */

/* Is the directory there already, without a link on its way? */
static int has_directory(struct mb_build *b, const struct mb_build_state *state, const char *path,
                         bool *ret, struct mb_err *err)
{
	MB_AUTO_CLOSE int root = -1;
	int r = mb_build_tree_open(b, state, &root, err);

	if (r == 0)
		*ret = is_directory_there(root, path);
	return r;
}

static int make_workdir(struct mb_build *b, struct mb_build_stage *stage, const char *path,
                        const char *said, struct mb_build_step *step, struct mb_err *err)
{
	MB_AUTO_BUILD_WORK struct mb_build_work work = MB_BUILD_WORK_INIT;
	struct mb_build_key key;
	char text[MB_SHA256_TEXT];
	int r;

	mb_build_key_init(&key, "WORKDIR", &stage->state);
	mb_build_key_add(&key, path);
	mb_build_key_finish(&key, text);
	r = mb_build_cache_use(b, stage, text, err);
	step->cached = r == 0;
	if (r != 1)
		return r;
	r = mb_build_work_open(b, &stage->state, &work, err);
	if (r == 0)
		r = mb_sys_path_mkdirs(work.root_fd, path, 0755, NULL, err);
	if (r == 0)
		r = mb_build_work_commit(b, &work, &stage->state, text, said, err);
	return r;
}

int mb_build_workdir(struct mb_build *b, struct mb_build_stage *stage,
                     const struct mb_dockerfile_instruction *in, struct mb_err *err)
{
	struct mb_build_state *state = &stage->state;
	MB_AUTO_STR struct mb_str said = MB_STR_INIT;
	struct mb_build_step step = mb_build_step_begin(b, stage, in->text);
	bool there = false;
	int r = mb_build_set(b, state, in, &said, err);
	const char *path = state->config.config.working_dir;

	if (r == 0)
		r = has_directory(b, state, path, &there, err);
	if (r == 0 && !there)
		r = make_workdir(b, stage, path, mb_str_text(&said), &step, err);
	if (r == 0)
		mb_build_state_history(state, mb_str_text(&said), !there);
	return mb_build_step_end(b, &step, r);
}
