/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/build_context.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build/address.h"
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
static int load_layout(struct mb_cmd_build_contexts *c, const char *where,
                       struct mb_build_named *named, struct mb_err *err)
{
	const char *last = strrchr(where, '/');
	const char *at = strchr(last ? last : where, '@'),
		   *colon = strchr(last ? last : where, ':');
	const char *end = at ? at : colon;
	MB_AUTO_FREE char *path = end ? mb_strndup(where, (size_t)(end - where)) : mb_strdup(where);
	MB_AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct mb_image_load_request request = {
		.fd = fd, .source = path, .nameless = true, .pick = end ? end + 1 : NULL};
	struct mb_image_loaded loaded = {0};
	int r = fd < 0 ? mb_fail_sys(err, errno, "cannot open '%s'", path)
	               : mb_image_load(c->store, &request, &loaded, err);

	for (size_t i = 0; i < loaded.n && r == 0; i++)
		r = mb_build_claim_take(c->store, loaded.v[i].id, &c->loaded, err);
	if (r == 0 && loaded.n != 1)
		r = mb_fail(err, EINVAL, "'%s' has %zu images: name one of them by @digest or :tag",
		            path, loaded.n);
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
static int open_context(struct mb_cmd_context *cx, const char *where,
                        struct mb_cmd_build_contexts *c, struct mb_err *err)
{
	struct mb_build_named *named = &c->v[c->n - 1];
	const char *rest;
	int r;

	if ((rest = mb_skip_prefix(where, "docker-image://"))) {
		named->image = mb_strdup(rest);
		return *rest ? 0 : mb_fail(err, EINVAL, "an image has a name");
	}
	if ((rest = mb_skip_prefix(where, "oci-layout://"))) {
		r = mb_cmd_store(cx, &c->store, err);
		return r < 0 ? r : load_layout(c, rest, named, err);
	}
	if (strstr(where, "://") && !mb_build_address_is(where))
		return mb_fail(err, EOPNOTSUPP, "contexts of this kind are not supported");
	return open_tree(cx, where, c, err);
}

int mb_cmd_build_context_add(struct mb_cmd_context *cx, const char *text,
                             struct mb_cmd_build_contexts *c, struct mb_err *err)
{
	const char *equals = strchr(text, '=');
	int r;

	if (!equals || equals == text || !equals[1])
		return mb_fail(err, EINVAL, "invalid context value: %s, expected key=value", text);
	c->v = mb_realloc(c->v, (c->n + 1) * sizeof(*c->v));
	c->places = mb_realloc(c->places, (c->n + 1) * sizeof(*c->places));
	c->v[c->n] = (struct mb_build_named){.name = mb_strndup(text, (size_t)(equals - text)),
	                                     .fd = -1};
	c->places[c->n] = MB_BUILD_CONTEXT_INIT;
	c->n++;
	r = open_context(cx, equals + 1, c, err);
	if (r < 0) {
		MB_AUTO_FREE char *shown = mb_redact(text);

		return mb_wrap(err, r, "--build-context %s", shown);
	}
	return 0;
}
