/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/build_context.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build/address.h"
#include "build/flag_spec.h"
#include "cmd/context.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"

void mb_cmd_build_contexts_done(struct mb_cmd_build_contexts *contexts)
{
	for (size_t i = 0; i < contexts->n; i++) {
		free(contexts->v[i].name);
		free(contexts->v[i].image);
		mb_str_done(&contexts->v[i].ignore);
		mb_build_context_done(&contexts->places[i]);
	}
	mb_build_claims_release(contexts->store, &contexts->loaded);
	free(contexts->v);
	free(contexts->places);
	*contexts = (struct mb_cmd_build_contexts){0};
}

/* An image of a layout is brought in without its names, which may be others' here. */
static int load_layout(struct mb_cmd_build_contexts *c, const struct mb_build_context_spec *spec,
                       struct mb_build_named *named, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = open(spec->place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct mb_image_load_request request = {
		.fd = fd, .source = spec->place, .nameless = true, .pick = spec->pick};
	struct mb_image_loaded loaded = {0};
	int r = fd < 0 ? mb_fail_sys(err, errno, "cannot open '%s'", spec->place)
	               : mb_image_load(c->store, &request, &loaded, err);

	for (size_t i = 0; i < loaded.n && r == 0; i++)
		r = mb_build_claim_take(c->store, loaded.v[i].id, &c->loaded, err);
	if (r == 0 && loaded.n != 1)
		r = mb_fail(err, EINVAL, "'%s' has %zu images: name one of them by @digest or :tag",
		            spec->place, loaded.n);
	if (r == 0)
		named->image = mb_asprintf("sha256:%s", loaded.v[0].id);
	mb_image_loaded_done(&loaded);
	return r;
}

/* The last of them. */
static int open_tree(struct mb_cmd_context *cx, const char *where, struct mb_cmd_build_contexts *c,
                     struct mb_err *err)
{
	struct mb_build_named *named = &c->v[c->n - 1];
	struct mb_build_context *place = &c->places[c->n - 1];
	const struct mb_build_context_from from = {.address = where, .ssh = c->ssh};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_err why = MB_ERR_INIT;
	struct mb_store *store;
	bool is_dockerfile = false;
	int r = 0;

	if (mb_build_address_is(where)) {
		r = mb_cmd_store(cx, &store, err);
		if (r == 0)
			r = mb_build_context_fetch(store, &from, place, &text, &is_dockerfile, err);
		if (r == 0 && is_dockerfile)
			r = mb_fail(err, EINVAL, "it is no archive");
	} else {
		r = mb_build_context_open_directory(where, place, err);
	}
	if (r < 0)
		return r;
	named->fd = place->fd;
	named->passes = *place->name;
	r = mb_build_context_file(place, ".dockerignore", &named->ignore, &why);
	if (r < 0 && r != -ENOENT) {
		*err = why;
		return mb_wrap(err, r, "error reading .dockerignore");
	}
	return 0;
}

/* The last of them. */
static int open_context(struct mb_cmd_context *cx, const struct mb_build_context_spec *spec,
                        struct mb_cmd_build_contexts *c, struct mb_err *err)
{
	struct mb_build_named *named = &c->v[c->n - 1];
	int r;

	if (spec->kind == MB_BUILD_CONTEXT_IMAGE) {
		named->image = mb_strdup(spec->place);
		return 0;
	}
	if (spec->kind != MB_BUILD_CONTEXT_LAYOUT)
		return open_tree(cx, spec->place, c, err);
	r = mb_cmd_store(cx, &c->store, err);
	return r < 0 ? r : load_layout(c, spec, named, err);
}

static int add(struct mb_cmd_context *cx, const char *text, struct mb_cmd_build_contexts *c,
               struct mb_build_context_spec *spec, struct mb_err *err)
{
	int r = mb_build_context_spec_parse(text, spec, err);

	if (r < 0)
		return r;
	c->v = mb_realloc(c->v, (c->n + 1) * sizeof(*c->v));
	c->places = mb_realloc(c->places, (c->n + 1) * sizeof(*c->places));
	c->v[c->n] = (struct mb_build_named){.name = mb_strdup(spec->name), .fd = -1};
	c->places[c->n] = MB_BUILD_CONTEXT_INIT;
	c->n++;
	return open_context(cx, spec, c, err);
}

int mb_cmd_build_context_add(struct mb_cmd_context *cx, const char *text,
                             struct mb_cmd_build_contexts *c, struct mb_err *err)
{
	struct mb_build_context_spec spec = {0};
	int r = add(cx, text, c, &spec, err);

	/* Without a name it is its own complaint. */
	if (r < 0 && spec.name) {
		MB_AUTO_FREE char *shown = mb_redact(text);

		mb_wrap(err, r, "--build-context %s", shown);
	}
	mb_build_context_spec_done(&spec);
	return r;
}
