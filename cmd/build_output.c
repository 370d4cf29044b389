/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/build_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build/flag_spec.h"
#include "cmd/outfile.h"
#include "cmd/output.h"
#include "core/err.h"
#include "core/own.h"

static const struct kind {
	const char *name;
	enum mb_build_output_kind kind;
} kinds[] = {
	{"image", MB_BUILD_OUTPUT_IMAGE},       {"registry", MB_BUILD_OUTPUT_IMAGE},
	{"local", MB_BUILD_OUTPUT_LOCAL},       {"tar", MB_BUILD_OUTPUT_TAR},
	{"oci", MB_BUILD_OUTPUT_OCI},           {"docker", MB_BUILD_OUTPUT_DOCKER},
	{"cacheonly", MB_BUILD_OUTPUT_NOTHING},
};

/* --- where it goes ---------------------------------------------------------------------------- */

static int open_directory(const char *path, char **ret_made, int *ret_fd, struct mb_err *err)
{
	int r;

	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0 && errno == ENOENT) {
		r = mb_cmd_outfile_mkdirs(path, err);
		if (r < 0)
			return r;
		*ret_made = mb_strdup(path);
		*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return *ret_fd < 0 ? mb_fail_sys(err, errno, "cannot open '%s'", path) : 0;
}

static int open_destination(const struct mb_build_output_spec *spec, enum mb_build_output_kind kind,
                            struct mb_cmd_build_outputs *o, struct mb_err *err)
{
	bool is_stdout = !spec->dest || strcmp(spec->dest, "-") == 0;
	struct mb_build_output *out = &o->v[o->n];
	struct mb_cmd_outfile *file = &o->files[o->n];
	int r = 0;

	*out = (struct mb_build_output){kind, -1};
	*file = MB_CMD_OUTFILE_INIT;
	o->made[o->n++] = NULL;
	switch (kind) {
	case MB_BUILD_OUTPUT_LOCAL:
		if (is_stdout || !*spec->dest)
			return mb_fail(err, EINVAL, "dest is required for local output");
		return open_directory(spec->dest, &o->made[o->n - 1], &out->fd, err);
	case MB_BUILD_OUTPUT_TAR:
	case MB_BUILD_OUTPUT_OCI:
	case MB_BUILD_OUTPUT_DOCKER:
		if (is_stdout && mb_cmd_is_shown(STDOUT_FILENO))
			return mb_fail(err, EINVAL,
			               "dest file is required for %s output. refusing to write to "
			               "console",
			               spec->type);
		if (!is_stdout)
			mb_strv_add(&o->paths, spec->dest);
		r = mb_cmd_outfile_open(file, is_stdout ? NULL : o->paths.v[o->paths.n - 1], err);
		out->fd = file->fd;
		return r;
	case MB_BUILD_OUTPUT_IMAGE:
	case MB_BUILD_OUTPUT_NOTHING:
		return spec->dest ? mb_fail(err, EINVAL, "dest cannot be used with type %s",
		                            spec->type)
		                  : 0;
	}
	return -EINVAL;
}

static void make_room(struct mb_cmd_build_outputs *o)
{
	o->v = mb_realloc(o->v, (o->n + 1) * sizeof(*o->v));
	o->files = mb_realloc(o->files, (o->n + 1) * sizeof(*o->files));
	o->made = mb_realloc(o->made, (o->n + 1) * sizeof(*o->made));
}

static int add(const struct mb_build_output_spec *spec, struct mb_cmd_build_outputs *outputs,
               struct mb_err *err)
{
	const struct kind *kind = NULL;
	enum mb_build_output_kind what;

	for (size_t i = 0; i < MB_N(kinds); i++)
		if (strcmp(kinds[i].name, spec->type) == 0)
			kind = &kinds[i];
	if (!kind)
		return mb_fail(err, EINVAL, "unknown output type '%s'", spec->type);
	if (spec->push && kind->kind != MB_BUILD_OUTPUT_IMAGE)
		return mb_fail(err, EINVAL, "push cannot be used with type %s", spec->type);
	/* docker's own archive without a place to go is an image here. */
	what = kind->kind == MB_BUILD_OUTPUT_DOCKER && !spec->dest ? MB_BUILD_OUTPUT_IMAGE
	                                                           : kind->kind;
	outputs->push |= spec->push || strcmp(spec->type, "registry") == 0;
	mb_strv_add_all(&outputs->names, &spec->names);
	make_room(outputs);
	return open_destination(spec, what, outputs, err);
}

int mb_cmd_build_output_add(const char *text, struct mb_cmd_build_outputs *outputs,
                            struct mb_err *err)
{
	__attribute__((cleanup(mb_build_output_spec_done))) struct mb_build_output_spec spec = {0};
	int r = mb_build_output_spec_parse(text, &spec, err);

	if (r == 0)
		r = add(&spec, outputs, err);
	return r < 0 ? mb_wrap(err, r, "--output %s", text) : 0;
}

int mb_cmd_build_outputs_want(struct mb_cmd_build_outputs *outputs, bool load, bool push,
                              struct mb_err *err)
{
	outputs->push |= push;
	if (!load && !(push && outputs->n))
		return 0;
	for (size_t i = 0; i < outputs->n; i++)
		if (outputs->v[i].kind == MB_BUILD_OUTPUT_IMAGE)
			return 0;
	make_room(outputs);
	return open_destination(&(struct mb_build_output_spec){0}, MB_BUILD_OUTPUT_IMAGE, outputs,
	                        err);
}
