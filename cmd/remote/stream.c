/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories of this machine as tars: the context of a build, and what cp copies. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build/address.h"
#include "build/content.h"
#include "build/place.h"
#include "cmd/aside.h"
#include "cmd/build_input.h"
#include "cmd/context.h"
#include "cmd/cp_tar.h"
#include "cmd/cp_tree.h"
#include "cmd/remote/remote.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "dockerfile/ignore.h"
#include "sys/path.h"

int mb_cmd_remote_child_start(const struct mb_cmd_remote_child *child, int *ret_fd, pid_t *ret_pid,
                              struct mb_err *err)
{
	int ends[2], far = child->gives ? 1 : 0;
	struct mb_err why = MB_ERR_INIT;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot make a pipe");
	pid = fork();
	if (pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return mb_fail_sys(err, errno, "cannot make a process");
	}
	if (pid == 0) {
		close(ends[!far]);
		/* A pipe that nobody reads any more has been told of by whoever left. */
		if (child->run(child->arg, ends[far], &why) == 0)
			_exit(0);
		if (why.code != EPIPE)
			mb_cmd_report(&why);
		_exit(1);
	}
	close(ends[far]);
	*ret_fd = ends[!far];
	*ret_pid = pid;
	return 0;
}

/* --- build ------------------------------------------------------------------------------------ */

/* Of a context's tar the Dockerfile is in it: by a name that no COPY sees, because the rules that
 * come with it leave it out. */
#define DOCKERFILE ".mybox.Dockerfile"

static int give_context(void *arg, int fd, struct mb_err *err)
{
	struct mb_cmd_build_input *input = arg;
	MB_AUTO_IGNORE struct mb_dockerfile_ignore ignore = {0};
	const struct mb_build_root root = {.fd = input->context.fd, .ignore = &ignore};
	int r = mb_dockerfile_ignore_parse(mb_str_text(&input->ignore), input->ignore.len, &ignore,
	                                   err);

	mb_str_add(&input->ignore, "\n" DOCKERFILE "\n" DOCKERFILE ".dockerignore\n");
	if (r == 0) {
		const struct mb_cmd_cp_tar_file files[] = {
			{DOCKERFILE, mb_str_text(&input->dockerfile), input->dockerfile.len},
			{DOCKERFILE ".dockerignore", mb_str_text(&input->ignore),
		         input->ignore.len},
		};

		r = mb_cmd_cp_tar_write_context(&root, files, MB_N(files), fd, err);
	}
	return r;
}

int mb_cmd_remote_build(struct mb_cmd_remote_line *line, const char *where)
{
	struct mb_cmd_build_input input = MB_CMD_BUILD_INPUT_INIT;
	const struct mb_cmd_remote_child child = {give_context, &input, .gives = true};
	bool is_stdin = mb_streq(where, "-");
	int r;

	mb_strv_add(&line->operands, is_stdin || mb_build_address_is(where) ? where : "-");
	if (is_stdin || mb_build_address_is(where)) {
		line->reads = is_stdin || mb_streq(line->build_file, "-");
		if (line->build_file)
			mb_strv_addf(&line->options, "--file=%s", line->build_file);
		return 0;
	}
	mb_strv_add(&line->options, "--file=" DOCKERFILE);
	line->streams = true;
	r = mb_cmd_build_input_read(line->cx, where, line->build_file, &input, line->err);
	if (r == 0)
		r = mb_cmd_remote_child_start(&child, &line->in_fd, &line->giver, line->err);
	mb_cmd_build_input_done(&input);
	return r;
}

/* --- cp --------------------------------------------------------------------------------------- */

static int give_source(void *arg, int fd, struct mb_err *err)
{
	return mb_cmd_cp_tar_write(arg, NULL, fd, err);
}

static int send(struct mb_cmd_remote_line *line, const char *path, bool follow)
{
	struct mb_cmd_cp_source source = {.fd = -1};
	const struct mb_cmd_remote_child child = {give_source, &source, .gives = true};
	MB_AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct mb_cmd_cp_end end = {.root_fd = root, .path = mb_cmd_cp_absolute(path)};
	int r = root < 0 || !end.path ? mb_fail_sys(line->err, errno, "cannot open '%s'", path)
	                              : mb_cmd_cp_source_open(&end, follow, &source, line->err);

	if (r == 0) {
		/* What has no name of its own goes by one that nobody gets to see. */
		if (mb_streq(source.name, ".")) {
			mb_strset(&source.name, "content");
			source.content = true;
		}
		mb_strv_addf(&line->options, "--as=%s%s", source.name, source.content ? "/." : "");
		r = mb_cmd_remote_child_start(&child, &line->in_fd, &line->giver, line->err);
	}
	mb_cmd_cp_source_done(&source);
	free(end.path);
	return r;
}

struct taking {
	struct mb_cmd_context *cx;
	const char *from, *to; /* paths: in the container, here */
	bool archive;
};

static int place_tree(const struct taking *t, const struct mb_cmd_aside *aside, struct mb_err *err)
{
	MB_AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	MB_AUTO_FREE char *whole = mb_asprintf("/%s", t->from);
	MB_AUTO_FREE char *clean = mb_sys_path_clean(whole), *to = mb_cmd_cp_absolute(t->to);
	const char *name = strrchr(clean, '/') + 1;
	bool content = !*name || mb_ends_with(t->from, "/.");
	struct mb_cmd_cp_end from = {.root_fd = aside->tree_fd};
	const struct mb_cmd_cp_end end = {.root_fd = root, .path = to};
	const struct mb_build_place place = {.root_fd = root,
	                                     .keeps_links = true,
	                                     .has_owner = !t->archive,
	                                     .leaves_power = !t->archive,
	                                     .uid = geteuid(),
	                                     .gid = getegid()};
	struct mb_cmd_cp_source source = {.fd = -1};
	int r;

	if (root < 0 || !to)
		return mb_fail_sys(err, errno, "cannot open '%s'", t->to);
	from.path = mb_asprintf("/%s", content ? "." : name);
	r = mb_cmd_cp_source_open(&from, false, &source, err);
	if (r == 0)
		r = mb_cmd_cp_tree(&source, &end, &place, err);
	mb_cmd_cp_source_done(&source);
	free(from.path);
	return r;
}

static int take_tree(void *arg, int fd, struct mb_err *err)
{
	const struct taking *t = arg;
	MB_AUTO_CMD_ASIDE struct mb_cmd_aside aside = MB_CMD_ASIDE_INIT;
	struct mb_store *store;
	int r = mb_cmd_store(t->cx, &store, err);

	if (r == 0)
		r = mb_cmd_cp_tar_read(store, fd, &aside, err);
	return r == 0 ? place_tree(t, &aside, err) : r;
}

static int receive(struct mb_cmd_remote_line *line, const char *from, const char *to, bool archive)
{
	struct taking t = {line->cx, strchr(from, ':') + 1, to, archive};
	const struct mb_cmd_remote_child child = {take_tree, &t, .gives = false};

	if (geteuid() != 0)
		return mb_fail(line->err, EPERM,
		               "cp to '%s' needs root here: copy to '-', for tar -x", to);
	return mb_cmd_remote_child_start(&child, &line->out_fd, &line->taker, line->err);
}

int mb_cmd_remote_cp(struct mb_cmd_remote_line *line, const struct mb_cli_input *in)
{
	const char *from = in->operands[0], *to = in->operands[1];
	bool is_in = mb_cmd_cp_colon(to) && !mb_cmd_cp_colon(from) && !mb_streq(from, "-");
	bool is_out = mb_cmd_cp_colon(from) && !mb_cmd_cp_colon(to) && !mb_streq(to, "-");

	line->reads = mb_streq(from, "-");
	line->streams = is_in || is_out;
	mb_strv_add(&line->operands, is_in ? "-" : from);
	mb_strv_add(&line->operands, is_out ? "-" : to);
	if (is_in)
		return send(line, from, mb_cli_is_given(in, "follow-link"));
	return is_out ? receive(line, from, to, mb_cli_is_given(in, "archive")) : 0;
}
