/* SPDX-License-Identifier: GPL-2.0-or-later */
/* WORKDIR: a setting, and a directory that is made if it is not there. */
#include <errno.h>
#include <fcntl.h>

#include "build/copy.h"
#include "build/job.h"
#include "build/place.h"
#include "build/work.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/path.h"

/* Is the directory there already, without a link on its way? */
static int has_directory(struct mb_build *b, const struct mb_build_state *state, const char *path,
                         bool *ret, struct mb_err *err)
{
	MB_AUTO_CLOSE int root = -1, there = -1;
	int r = mb_build_tree_open(b, state, &root, err);

	if (r == 0)
		*ret = mb_sys_path_open(root, path, O_PATH | O_DIRECTORY, &there, NULL) == 0;
	return r;
}

/* What is missing belongs to the stage's user. */
static int make_directory(const struct mb_build_state *state, int root_fd, const char *path,
                          struct mb_err *err)
{
	const char *user = state->config.config.user;
	struct mb_build_place place = {.root_fd = root_fd, .has_owner = user && *user};
	MB_AUTO_CLOSE int fd = -1;
	int r = 0;

	if (place.has_owner)
		r = mb_build_owner_resolve(root_fd, user, &place.uid, &place.gid, err);
	if (r < 0)
		return mb_wrap(err, r, "USER %s", user);
	r = mb_build_place_directory(&place, path, &fd, err);
	return r == -ENOTDIR ? mb_fail_sys(err, ENOTDIR, "cannot make directory '%s'", path) : r;
}

static int make_workdir(struct mb_build *b, struct mb_build_stage *stage, const char *path,
                        const char *said, struct mb_build_step *step, struct mb_err *err)
{
	MB_AUTO_BUILD_WORK struct mb_build_work work = MB_BUILD_WORK_INIT;
	struct mb_build_key key;
	char text[MB_SHA256_TEXT];
	int r;

	mb_build_key_init(&key, "WORKDIR", &stage->state);
	mb_build_key_add_epoch(&key, mb_build_work_epoch(b, &stage->state));
	mb_build_key_add(&key, path);
	mb_build_key_add(&key, stage->state.config.config.user);
	mb_build_key_finish(&key, text);
	r = mb_build_cache_use(b, stage, text, err);
	step->cached = r == 0;
	if (r != 1)
		return r;
	r = mb_build_work_open(b, &stage->state, &work, err);
	if (r == 0)
		r = make_directory(&stage->state, work.root_fd, path, err);
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
	return mb_build_step_end(b, &step, r, err);
}
