/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/create.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cmd/container_flags.h"
#include "cmd/context.h"
#include "cmd/create_image.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "container/container.h"
#include "container/create.h"
#include "container/life.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "store/store.h"
#include "sys/interrupt.h"

/* --cidfile: never over another's, no link followed. */
static int open_cidfile(const char *path, int *ret_fd, struct mb_err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	if (!path)
		return 0;
	*ret_fd = open(path, flags, 0644);
	if (*ret_fd < 0 && errno == EEXIST)
		return mb_fail(err, EEXIST,
		               "container ID file found, make sure the other container isn't "
		               "running or delete %s",
		               path);
	if (*ret_fd < 0)
		return mb_fail_sys(err, errno, "failed to create the container ID file '%s'", path);
	return 0;
}

void mb_cmd_create_warn(const struct mb_strv *warnings)
{
	for (size_t i = 0; i < warnings->n; i++)
		mb_cmd_say("WARNING: %s", warnings->v[i]);
}

/* --replace: who has the name. */
static int find_holder(struct mb_store *store, const char *name, struct mb_container **ret,
                       struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	struct mb_err ignored = MB_ERR_INIT;
	int r;

	if (!name)
		return mb_fail(err, EINVAL, "cannot replace container without --name being set");
	r = mb_container_find(store, name, &c, &ignored);
	if (r == 0 && mb_streq(mb_container_name(c), name))
		*ret = mb_take_ptr(&c);
	return 0;
}

/* The new one is there, with a name that nobody gave it, before the old one goes: what is wrong
 * with it, or keeps the old one, is told while that is as it was. */
static int take_place(struct mb_container *new, struct mb_container *old, const char *name,
                      struct mb_err *err)
{
	int r = mb_container_remove(old, true, false, err);

	if (r >= 0)
		r = mb_container_rename(new, name, err);
	if (r < 0)
		mb_container_remove(new, true, true, NULL);
	return r;
}

static int make(struct mb_store *store, struct mb_container_create_request *request, bool replace,
                struct mb_container **ret, struct mb_strv *warnings, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *old = NULL, *new = NULL;
	MB_AUTO_FREE char *name = NULL;
	int r = replace ? find_holder(store, request->name, &old, err) : 0;

	if (r < 0)
		return r;
	if (!old)
		return mb_container_create(store, request, ret, warnings, err);
	name = mb_take_ptr(&request->name);
	r = mb_container_create(store, request, &new, warnings, err);
	if (r == 0)
		r = take_place(new, old, name, err);
	if (r == 0)
		*ret = mb_take_ptr(&new);
	return r;
}

static int create(struct mb_cmd_context *cx, const struct mb_cli_input *in, const char *image,
                  struct mb_container **ret, struct mb_err *err)
{
	__attribute__((cleanup(
		mb_container_create_request_done))) struct mb_container_create_request request = {
		0};
	const struct mb_cmd_create_args *args = in->args;
	MB_AUTO_STRV struct mb_strv warnings = MB_STRV_INIT;
	MB_AUTO_CLOSE int cidfile = -1;
	struct mb_store *store;
	int r = mb_cmd_create_request_fill(cx, in, &request, err);

	mb_strset(&request.image, image);
	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (r == 0)
		r = open_cidfile(args->cidfile, &cidfile, err);
	if (r == 0)
		r = make(store, &request, args->replace, ret, &warnings, err);
	if (r == 0)
		mb_cmd_create_warn(&warnings);
	if (r == 0 && cidfile >= 0)
		mb_write_full(cidfile, (*ret)->id, MB_ID_LEN);
	else if (args->cidfile && cidfile >= 0)
		unlink(args->cidfile);
	return r;
}

/* An image here of the very name that was said goes before what that name is short for. */
static int create_here(struct mb_cmd_context *cx, const struct mb_cli_input *in, char **meant,
                       struct mb_container **ret, struct mb_err *err)
{
	struct mb_err here;
	int failed, r = create(cx, in, *meant ? *meant : in->operands[0], ret, err);

	if ((r != MB_IMAGE_ABSENT && r != MB_CONTAINER_OTHER_PLATFORM) || *meant)
		return r;
	here = *err;
	failed = mb_cmd_create_image_meaning(cx, in->operands[0], meant, err);
	if (failed < 0)
		return failed;
	*err = here;
	return *meant ? create(cx, in, *meant, ret, err) : r;
}

int mb_cmd_create_held(struct mb_cmd_context *cx, const struct mb_cli_input *in, sigset_t *before,
                       struct mb_container **ret, struct mb_err *err)
{
	const struct mb_cmd_create_args *args = in->args;
	const char *typed = in->operands[0];
	MB_AUTO_FREE char *meant = NULL;
	bool pulls = args->pull == MB_CMD_PULL_ALWAYS && !args->rootfs;
	int r = pulls ? mb_cmd_create_image_meaning(cx, typed, &meant, err) : 0;

	if (r == 0 && pulls)
		r = mb_cmd_create_image_pull(cx, args, meant ? meant : typed, err);
	mb_sys_interrupt_hold(before);
	if (r == 0)
		r = create_here(cx, in, &meant, ret, err);
	if (r == MB_IMAGE_ABSENT || (r == MB_CONTAINER_OTHER_PLATFORM && !pulls)) {
		mb_sys_interrupt_release(before);
		r = mb_cmd_create_image_pull_missing(cx, args, meant ? meant : typed,
		                                     r == MB_CONTAINER_OTHER_PLATFORM, err);
		mb_sys_interrupt_hold(before);
		if (r == 0)
			r = create_here(cx, in, &meant, ret, err);
	}
	if (r == MB_CONTAINER_OTHER_PLATFORM)
		return -EINVAL;
	return r == MB_IMAGE_ABSENT ? -ENOENT : r;
}

static int create_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	sigset_t before;
	int r;

	r = mb_cmd_create_held(cx, in, &before, &c, err);
	if (r == 0)
		r = mb_cmd_put_line(c->id);
	mb_sys_interrupt_release(&before);
	return r;
}

const struct mb_cli_verb mb_cmd_create = {
	.paths = "create|container create",
	.summary = "create a new container",
	.operands = "IMAGE [COMMAND] [ARG...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_IMAGE},
	.stop_at_operand = true,
	.opts = mb_cmd_create_opts,
	.args_size = sizeof(struct mb_cmd_create_args),
	.main = create_main,
};
