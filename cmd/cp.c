/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build/place.h"
#include "cli/cli.h"
#include "cmd/aside.h"
#include "cmd/container_each.h"
#include "cmd/context.h"
#include "cmd/cp_tar.h"
#include "cmd/cp_tree.h"
#include "cmd/output.h"
#include "container/container.h"
#include "container/event.h"
#include "container/files.h"
#include "container/userns.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

struct cp_args {
	bool archive, follow, quiet;
	const char *as; /* what a stream has by this name is a source like any other */
};

/* One operand, and what stands behind it. */
struct side {
	struct mb_cmd_cp_end end;
	struct mb_container *c;
	struct mb_container_files files;
	struct mb_sys_id_maps maps;
	bool is_stream, has_maps;
	struct mb_cmd_aside aside; /* what a stream brought */
	char *reference;
	int host_fd;
};
#define SIDE_INIT \
	((struct side){.files = MB_CONTAINER_FILES_INIT, .aside = MB_CMD_ASIDE_INIT, .host_fd = -1})

static void side_done(struct side *s)
{
	mb_container_files_done(&s->files);
	mb_cmd_aside_done(&s->aside);
	mb_container_maps_done(&s->maps);
	mb_container_free(s->c);
	mb_close(&s->host_fd);
	free(s->reference);
	free(s->end.path);
}

static void parse_side(const char *text, struct side *s)
{
	const char *colon = mb_cmd_cp_colon(text);

	s->is_stream = mb_streq(text, "-");
	if (!colon) {
		s->end.path = mb_strdup(text);
		return;
	}
	s->reference = mb_strndup(text, (size_t)(colon - text));
	s->end.path = mb_asprintf("%s%s", colon[1] == '/' ? "" : "/", colon + 1);
}

/* Without a lock: a stream may be read after that. */
static int find_container(struct mb_cmd_context *cx, struct side *s, struct mb_err *err)
{
	int r = s->reference ? mb_cmd_container_find(cx, s->reference, &s->c, err) : 0;

	return r == 0 && s->c ? mb_container_require(s->c, err) : r;
}

static int open_container(struct side *s, bool writes, struct mb_err *err)
{
	int r = mb_container_files_open(s->c, writes, &s->files, err);

	s->has_maps = r == 0 && mb_container_has_userns(&s->c->record->host);
	if (s->has_maps)
		r = mb_container_maps_read(&s->c->record->host, &s->maps, err);
	s->end.container = s->reference;
	s->end.root_fd = s->files.root_fd;
	return r;
}

/* Before any container is locked: nobody knows how long it takes. */
static int open_stream(struct mb_cmd_context *cx, struct side *s, const char *as,
                       struct mb_err *err)
{
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_cmd_cp_tar_read(store, STDIN_FILENO, &s->aside, err);
	if (r < 0 || !as)
		return r;
	s->is_stream = false;
	s->end.root_fd = s->aside.tree_fd;
	free(s->end.path);
	s->end.path = mb_asprintf("/%s", as);
	return 0;
}

static int open_host(struct side *s, struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_take_ptr(&s->end.path);

	s->end.path = mb_cmd_cp_absolute(path);
	if (!s->end.path)
		return mb_fail_sys(err, errno, "cannot tell the working directory");
	s->host_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->host_fd < 0)
		return mb_fail_sys(err, errno, "cannot open '/'");
	s->end.root_fd = s->host_fd;
	return 0;
}

static int open_side(struct mb_cmd_context *cx, const struct cp_args *args, struct side *s,
                     bool writes, struct mb_err *err)
{
	if (s->reference)
		return open_container(s, writes, err);
	if (!s->is_stream)
		return open_host(s, err);
	return writes ? 0 : open_stream(cx, s, args->as, err);
}

static int copy_in(const struct cp_args *args, const struct side *from, const struct side *to,
                   struct mb_err *err)
{
	const struct mb_build_place place = {.root_fd = to->end.root_fd,
	                                     .maps = to->has_maps ? &to->maps : NULL,
	                                     .keeps_links = true,
	                                     .keeps_directories = from->is_stream,
	                                     .is_live = true};
	struct mb_cmd_cp_source source = {.fd = -1};
	MB_AUTO_CLOSE int dir = -1;
	int r;

	if (from->is_stream) {
		r = mb_cmd_cp_directory(&to->end, &dir, err);
		return r == 0 ? mb_cmd_cp_tar_place(&from->aside, dir, &place, err) : r;
	}
	r = mb_cmd_cp_source_open(&from->end, args->follow, &source, err);
	if (r == 0)
		r = mb_cmd_cp_tree(&source, &to->end, &place, err);
	mb_cmd_cp_source_done(&source);
	return r;
}

static int copy_out(const struct cp_args *args, const struct side *from, const struct side *to,
                    struct mb_err *err)
{
	/* What a container made is not to have power on the host, unless that is asked for. */
	const struct mb_build_place place = {.root_fd = to->end.root_fd,
	                                     .keeps_links = true,
	                                     .is_live = true,
	                                     .has_owner = !args->archive,
	                                     .leaves_power = !args->archive,
	                                     .uid = geteuid(),
	                                     .gid = getegid()};
	struct mb_cmd_cp_source source = {.fd = -1};
	int r;

	if (to->is_stream && mb_cmd_is_shown(STDOUT_FILENO))
		return mb_fail(err, EINVAL, "refusing to write a tar to a terminal");
	if (args->archive && from->has_maps && !to->is_stream)
		return mb_fail(err, ENOTSUP,
		               "-a from a container with a user namespace: its owners are not "
		               "the host's; copy to '-'");
	r = mb_cmd_cp_source_open(&from->end, args->follow, &source, err);
	if (r == 0 && to->is_stream)
		r = mb_cmd_cp_tar_write(&source, from->has_maps ? &from->maps : NULL, STDOUT_FILENO,
		                        err);
	else if (r == 0)
		r = mb_cmd_cp_tree(&source, &to->end, &place, err);
	mb_cmd_cp_source_done(&source);
	return r;
}

static int cp_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	__attribute__((cleanup(side_done))) struct side from = SIDE_INIT, to = SIDE_INIT;
	struct mb_container *c;
	int r;

	parse_side(in->operands[0], &from);
	parse_side(in->operands[1], &to);
	if (from.reference && to.reference)
		return mb_fail(err, EINVAL, "copying between containers is not supported");
	if (!from.reference && !to.reference)
		return mb_fail(err, EINVAL, "must specify at least one container source");
	/* What can be known to be wrong is told before anything is read. */
	r = find_container(cx, &from, err);
	if (r == 0)
		r = find_container(cx, &to, err);
	if (r == 0)
		r = open_side(cx, in->args, &from, false, err);
	if (r == 0)
		r = open_side(cx, in->args, &to, true, err);
	if (r < 0)
		return r;
	r = to.reference ? copy_in(in->args, &from, &to, err) : copy_out(in->args, &from, &to, err);
	c = to.c ? to.c : from.c;
	if (r == 0)
		mb_container_event(c, "copy");
	return r;
}

static const struct mb_cli_opt cp_opts[] = {
	MB_OPT_SWITCH('a', "archive", struct cp_args, archive,
                      "keep owners, set-id bits and devices"),
	MB_OPT_SWITCH('L', "follow-link", struct cp_args, follow, "copy what a link leads to"),
	MB_OPT_SWITCH('q', "quiet", struct cp_args, quiet, "nothing is said anyway"),
	MB_OPT_STRING(0, "as", "name", struct cp_args, as,
                      "copy what '-' brings by this name, as if it were here", .hidden = true),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_cp = {
	.paths = "cp|container cp",
	.summary = "copy files between a container and the host",
	.operands = "CONTAINER:SOURCE|SOURCE|- DESTINATION|CONTAINER:DESTINATION|-",
	.min = 2,
	.max = 2,
	.complete = {MB_COMP_CONTAINER, MB_COMP_FILE},
	.opts = cp_opts,
	.args_size = sizeof(struct cp_args),
	.examples = "mybox cp web:/etc/nginx/nginx.conf .\n"
		    "mybox cp site/. web:/usr/share/nginx/html\n"
		    "mybox cp web:/var/log - | tar -t\n",
	.main = cp_main,
};
