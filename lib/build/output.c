/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes out of a build: an image here, its tree, or an archive. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/content.h"
#include "build/exchange.h"
#include "build/job.h"
#include "build/place.h"
#include "build/work.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/sha256.h"
#include "core/str.h"
#include "image/commit.h"
#include "image/pack.h"
#include "image/refs.h"
#include "json/json.h"

static void finish_config(struct mb_build *b, struct mb_build_state *state)
{
	struct mb_oci_image_config *config = &state->config;
	int64_t epoch = b->request->epoch;

	if (b->request->inline_cache)
		mb_build_exchange_note(state);
	mb_kv_set_all(&config->config.labels, &b->request->labels);
	config->created = epoch >= 0 ? epoch : state->newest ? state->newest : mb_now_nsec();
	for (size_t i = 0; i < config->n_history; i++) {
		struct mb_oci_history *step = &config->history[i];

		/* When a step was made first is no part of what it is. */
		if (!step->created ||
		    (epoch >= 0 && (i >= (size_t)state->n_base || step->created > epoch)))
			step->created = config->created;
	}
}

/* --- an image here ---------------------------------------------------------------------------- */

static int write_image(struct mb_build *b, struct mb_build_result *ret, struct mb_err *err)
{
	struct mb_build_state *state = &b->stages[b->target].state;
	const struct mb_strv *names = &b->request->names;
	struct mb_build_step step = mb_build_step_begin_named(b, "exporting to image");
	int r = 0;

	for (size_t i = 0; r == 0 && (i == 0 || i < names->n); i++) {
		MB_AUTO_FREE char *name = NULL;

		if (names->n)
			r = mb_image_ref_canonical(names->v[i], &name, err);
		if (r == 0)
			r = mb_image_commit_new(b->store, &state->config, state->bytes, name,
			                        ret->id, err);
		if (r == 0 && i == 0)
			mb_build_say(b, &step, "writing image sha256:%s done", ret->id);
		if (r == 0 && name)
			mb_build_say(b, &step, "naming to %s done", name);
	}
	ret->has_image = r == 0;
	return mb_build_step_end(b, &step, r, err);
}

/* --- its tree --------------------------------------------------------------------------------- */

/* Into a directory of the user's, which keeps what else is in it: whatever the image says, what
 * comes out is the user's own, and has no power here. */
static int copy_tree(int tree_fd, int to_fd, struct mb_err *err)
{
	const struct mb_build_place place = {
		.root_fd = to_fd,
		.has_owner = true,
		.uid = geteuid(),
		.gid = getegid(),
		.leaves_power = true,
		.keeps_links = true,
	};
	const struct mb_build_root root = {.fd = tree_fd};
	struct mb_build_item item = {.fd = tree_fd, .path = (char[]){""}, .name = (char[]){""}};

	if (fstat(tree_fd, &item.st) < 0)
		return mb_fail_sys(err, errno, "cannot look at the result");
	return mb_build_place_item(&place, &root, &item, to_fd, NULL, false, err);
}

static int give(void *arg, const void *bytes, size_t n)
{
	const int *fd = arg;

	return mb_write_full(*fd, bytes, n);
}

static int pack_tree(int tree_fd, int to_fd, struct mb_err *err)
{
	const struct mb_image_pack how = {
		.root_fd = tree_fd, .below_fd = -1, .give = give, .arg = &to_fd};
	struct mb_image_packed packed;

	return mb_image_pack(&how, &packed, err);
}

static int write_tree(struct mb_build *b, const struct mb_build_output *output, struct mb_err *err)
{
	bool is_tar = output->kind == MB_BUILD_OUTPUT_TAR;
	struct mb_build_step step = mb_build_step_begin_named(
		b, is_tar ? "exporting to client tarball" : "exporting to client directory");
	MB_AUTO_CLOSE int any = -1, tree = -1;
	int r = mb_build_tree_open(b, &b->stages[b->target].state, &any, err);

	if (r == 0) {
		tree = openat(any, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (tree < 0)
			r = mb_fail_sys(err, errno, "cannot open the result");
	}
	if (r == 0)
		r = is_tar ? pack_tree(tree, output->fd, err) : copy_tree(tree, output->fd, err);
	return mb_build_step_end(b, &step, r, err);
}

/* --- archives --------------------------------------------------------------------------------- */

static int save(struct mb_build *b, const struct mb_build_output *output, const char *id,
                struct mb_image_saved *ret, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv called = MB_STRV_INIT;
	const struct mb_image_save_request request = {
		.names = &id,
		.n_names = 1,
		.fd = output->fd,
		.call = &called,
		.is_layout = output->kind == MB_BUILD_OUTPUT_OCI,
		.annotations = &b->request->annotations,
		.ret_saved = ret,
	};
	int r = 0;

	MB_STRV_FOREACH (name, &b->request->names) {
		MB_AUTO_FREE char *canonical = NULL;

		if (r == 0)
			r = mb_image_ref_canonical(name, &canonical, err);
		if (r == 0)
			mb_strv_take(&called, mb_image_ref_familiar(canonical));
	}
	if (r == 0)
		r = mb_image_save(b->store, &request, err);
	return r > 0 ? -ENOENT : r;
}

static int write_archive(struct mb_build *b, const struct mb_build_output *output,
                         struct mb_build_result *ret, struct mb_err *err)
{
	struct mb_build_state *state = &b->stages[b->target].state;
	struct mb_build_step step = mb_build_step_begin_named(
		b, output->kind == MB_BUILD_OUTPUT_OCI ? "exporting to oci image format"
						       : "exporting to docker image format");
	MB_AUTO_FREE char *id = NULL;
	struct mb_build_claims claims = {0};
	int r = mb_build_exchange_make(b->store, &state->config, state->bytes, &claims, ret->id,
	                               err);

	id = mb_asprintf("sha256:%s", ret->id);
	if (r == 0)
		r = save(b, output, id, &ret->saved, err);
	if (r == 0)
		mb_build_say(b, &step, "exporting manifest %s done", ret->saved.digest);
	/* It was an image here only to be saved. */
	mb_build_claims_release(b->store, &claims);
	return mb_build_step_end(b, &step, r, err);
}

int mb_build_outputs_write(struct mb_build *b, struct mb_build_result *ret, struct mb_err *err)
{
	const struct mb_build_request *q = b->request;
	int r = 0;

	finish_config(b, &b->stages[b->target].state);
	if (q->n_outputs == 0)
		return write_image(b, ret, err);
	for (size_t i = 0; i < q->n_outputs && r == 0; i++) {
		switch (q->outputs[i].kind) {
		case MB_BUILD_OUTPUT_IMAGE:
			r = write_image(b, ret, err);
			break;
		case MB_BUILD_OUTPUT_LOCAL:
		case MB_BUILD_OUTPUT_TAR:
			r = write_tree(b, &q->outputs[i], err);
			break;
		case MB_BUILD_OUTPUT_OCI:
		case MB_BUILD_OUTPUT_DOCKER:
			r = write_archive(b, &q->outputs[i], ret, err);
			break;
		case MB_BUILD_OUTPUT_NOTHING:
			break;
		}
	}
	return r;
}
