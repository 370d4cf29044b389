/* SPDX-License-Identifier: GPL-2.0-or-later */
/* COPY and ADD: what is copied, and whether that was done before. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/address.h"
#include "build/context.h"
#include "build/copy.h"
#include "build/fetch.h"
#include "build/job.h"
#include "build/stats.h"
#include "build/work.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "dockerfile/expand.h"
#include "dockerfile/glob.h"
#include "sys/path.h"

static void copy_done(struct mb_build_copying *c)
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
                     const struct mb_dockerfile_instruction *in, struct mb_build_copying *c,
                     struct mb_err *err)
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
                       struct mb_build_copying *c, struct mb_err *err)
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

static void say_source(struct mb_build_copying *c, const char *source)
{
	MB_AUTO_FREE char *before = c->said;

	c->said = mb_asprintf("%s %s", before, source);
}

static int add_address(struct mb_build *b, const struct mb_dockerfile_instruction *in,
                       const char *text, struct mb_build_copying *c, struct mb_err *err)
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
	if (r == 0) {
		MB_AUTO_FREE char *shown = mb_redact(text);

		say_source(c, shown);
	}
	return r;
}

static int add_source(struct mb_build *b, struct mb_build_stage *stage,
                      const struct mb_dockerfile_instruction *in, const char *word,
                      struct mb_build_copying *c, struct mb_err *err)
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
	r = mb_dockerfile_flag_is_set(in, "parents")
	            ? mb_build_content_find_parents(&c->root, path, &c->items, err)
	            : mb_build_content_find(&c->root, path, &c->items, err);
	/* "COPY package.json yarn.lock* ./": what may be there. */
	if (r == -ENOENT && in->args.n > 2 && mb_dockerfile_glob_is_pattern(path))
		r = 0;
	if (r == 0) {
		stage->state.is_dated |= c->root.is_dated;
		say_source(c, path);
	}
	return r;
}

/* Of several files without a slash behind: is there a directory for them?  What a link's layer is
 * to lie on is not known. */
static bool has_directory(struct mb_build *b, const struct mb_build_stage *stage,
                          const struct mb_build_copying *c)
{
	MB_AUTO_CLOSE int root = -1, fd = -1;

	return !c->is_link && mb_build_tree_open(b, &stage->state, &root, NULL) == 0 &&
	       mb_sys_path_open(root, c->destination, O_PATH | O_DIRECTORY, &fd, NULL) == 0;
}

static int find_destination(struct mb_build *b, struct mb_build_stage *stage,
                            const struct mb_dockerfile_instruction *in, struct mb_build_copying *c,
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
		c->is_directory = has_directory(b, stage, c);
	if ((in->args.n > 2 || c->items.n > 1) && !c->is_directory)
		return mb_fail(err, EINVAL,
		               "When using %s with more than one source file, the destination must "
		               "be a directory and end with a /",
		               mb_dockerfile_kind_name(in->kind));
	before = c->said;
	c->said = mb_asprintf("%s %s", before, path);
	return 0;
}

/* A link's layer has numbers: the names are those of what is below. */
static int number_owner(struct mb_build *b, struct mb_build_stage *stage,
                        struct mb_build_copying *c, struct mb_err *err)
{
	MB_AUTO_CLOSE int root = -1;
	MB_AUTO_FREE char *numbers = NULL;
	int r = mb_build_tree_open(b, &stage->state, &root, err);

	if (r == 0)
		r = mb_build_copy_owner(root, c->expanded_owner, &numbers, err);
	if (r == 0)
		mb_strset(&c->expanded_owner, numbers);
	return r;
}

static int collect(struct mb_build *b, struct mb_build_stage *stage,
                   const struct mb_dockerfile_instruction *in, struct mb_build_copying *c,
                   struct mb_err *err)
{
	int r = 0;

	c->said = mb_strdup(mb_dockerfile_kind_name(in->kind));
	c->is_link = mb_dockerfile_flag_is_set(in, "link");
	for (size_t i = 0; i < in->n_flags && r == 0; i++)
		if (strcmp(in->flags[i].name, "exclude") == 0)
			r = mb_dockerfile_ignore_add(&c->exclude, in->flags[i].value, err);
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
	if (r == 0 && c->is_link && c->expanded_owner && *c->expanded_owner)
		r = number_owner(b, stage, c, err);
	return r;
}

/* The key of the step, and for a link also one that what is below is no part of. */
static int make_keys(const struct mb_build *b, const struct mb_dockerfile_instruction *in,
                     struct mb_build_copying *c, char text[MB_SHA256_TEXT],
                     char link_text[MB_SHA256_TEXT], struct mb_err *err)
{
	const struct mb_build_state *state = &c->stage->state;
	struct mb_build_key key, rest, stamp;
	struct mb_build_stats stats = {0};
	int r = 0;

	mb_build_key_init_bare(&key, mb_dockerfile_kind_name(in->kind), state);
	mb_build_key_add_epoch(&key, mb_build_work_epoch(b, state));
	mb_build_key_add(&key, c->destination);
	mb_build_key_add(&key, c->is_directory ? "directory" : "any");
	mb_build_key_add(&key, c->expanded_owner);
	mb_build_key_add(&key, c->expanded_mode);
	mb_build_key_add(&key, mb_dockerfile_flag_find(in, "unpack"));
	mb_build_key_add(&key, c->is_link ? "link" : NULL);
	mb_sha256_init(&stamp.sum);
	c->root.stamp = c->root.is_owned_by_root ? &stamp : NULL;
	if (c->root.is_owned_by_root && !c->root.passes && c->root.fd >= 0) {
		mb_build_stats_load(b->store, c->root.fd, &stats);
		c->root.stats = &stats;
	}
	for (size_t i = 0; i < c->items.n && r == 0; i++) {
		mb_build_key_add(&key, c->items.v[i].kept);
		r = mb_build_content_hash(&c->root, &c->items.v[i], &key, err);
	}
	if (c->root.stats && r == 0)
		mb_build_stats_save(b->store, c->root.fd, &stats);
	mb_build_stats_done(&stats);
	c->root.stamp = NULL;
	c->root.stats = NULL;
	mb_build_key_finish(&stamp, c->stamp);
	rest = key;
	mb_build_key_finish(&rest, link_text);
	mb_build_key_add(&key, mb_build_state_top(state));
	mb_build_key_finish(&key, text);
	return r;
}

int mb_build_copy(struct mb_build *b, struct mb_build_stage *stage,
                  const struct mb_dockerfile_instruction *in, struct mb_err *err)
{
	__attribute__((cleanup(copy_done))) struct mb_build_copying c = {
		.root = {.fd = -1}, .root_fd = -1, .stage = stage};
	struct mb_build_step step = mb_build_step_begin(b, stage, in->text);
	char key[MB_SHA256_TEXT], link_key[MB_SHA256_TEXT];
	int r = collect(b, stage, in, &c, err);

	if (r == 0)
		r = make_keys(b, in, &c, key, link_key, err);
	if (r == 0)
		r = mb_build_cache_use(b, stage, key, err);
	if (r == 1 && c.is_link)
		r = mb_build_cache_move(b, stage, link_key, key, err);
	step.cached = r == 0;
	if (r == 1)
		r = mb_build_copy_make(b, in, &c, key, c.is_link ? link_key : NULL, err);
	if (r == 0)
		mb_build_state_history(&stage->state, c.said, true);
	return mb_build_step_end(b, &step, r, err);
}
