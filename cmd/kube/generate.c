/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/container_each.h"
#include "cmd/kube/kube.h"
#include "cmd/output.h"
#include "container/container.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"

struct kube_args {
	const char *filename;
	bool service;
};

static int put(const struct kube_args *args, const struct mb_str *text, struct mb_err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	MB_AUTO_CLOSE int fd = -1;
	int r;

	if (!args->filename || !*args->filename)
		return mb_cmd_put(text);
	fd = open(args->filename, flags, 0644);
	if (fd < 0 && errno == EEXIST)
		return mb_fail(err, EEXIST, "cannot write to '%s'; file exists", args->filename);
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot create '%s'", args->filename);
	r = mb_write_full(fd, mb_str_text(text), text->len);
	if (r == 0 && close(mb_take_fd(&fd)) < 0)
		r = -errno;
	return r < 0 ? mb_fail_sys(err, -r, "cannot write '%s'", args->filename) : 0;
}

static int kube_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct kube_args *args = in->args;
	MB_AUTO_FREE struct mb_container **v = mb_calloc(in->n_operands + 1, sizeof(*v));
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_cmd_kube kube = {.v = (const struct mb_container *const *)v};
	int r = 0;

	for (size_t i = 0; r == 0 && i < in->n_operands; i++) {
		r = mb_cmd_container_find(cx, in->operands[i], &v[i], err);
		if (r == 0)
			r = mb_container_require(v[i], err);
		kube.n += r == 0;
	}
	if (r == 0) {
		mb_cmd_kube_write(&kube, args->service, &text);
		r = put(args, &text, err);
	}
	mb_cmd_kube_done(&kube);
	for (size_t i = 0; i < in->n_operands; i++)
		mb_container_free(v[i]);
	return r;
}

static const struct mb_cli_opt kube_opts[] = {
	MB_OPT_STRING('f', "filename", "file", struct kube_args, filename,
                      "write to this file, not stdout", .complete = MB_COMP_FILE),
	MB_OPT_SWITCH('s', "service", struct kube_args, service, "a Service for the ports, too"),
	MB_OPT_END,
};

const struct mb_cli_verb mb_cmd_generate_kube = {
	.paths = "generate kube|kube generate",
	.summary = "write containers as a pod of Kubernetes",
	.operands = "CONTAINER [CONTAINER...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_CONTAINER},
	.opts = kube_opts,
	.args_size = sizeof(struct kube_args),
	.examples = "mybox generate kube web >web.yaml\n"
		    "mybox generate kube -s -f site.yaml web db\n",
	.main = kube_main,
};
