/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/mount_spec.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/strv.h"

typedef int option_fn(struct mb_build_mount_spec *spec, const char *value, struct mb_err *err);

static const char *const types[] = {"bind", "cache", "tmpfs", "secret", "ssh"};

static int set_type(struct mb_build_mount_spec *spec, const char *value, struct mb_err *err)
{
	for (size_t i = 0; i < MB_N(types); i++) {
		if (strcmp(value, types[i]) == 0) {
			spec->type = (enum mb_build_mount_type)i;
			return 0;
		}
	}
	return mb_fail(err, EINVAL, "unsupported mount type \"%s\"", value);
}

static int set_text(char **slot, const char *value, const char *name, struct mb_err *err)
{
	if (!*value)
		return mb_fail(err, EINVAL, "the mount option '%s' is empty", name);
	mb_strset(slot, value);
	return 0;
}

static int set_target(struct mb_build_mount_spec *spec, const char *value, struct mb_err *err)
{
	return set_text(&spec->target, value, "target", err);
}

static int set_source(struct mb_build_mount_spec *spec, const char *value, struct mb_err *err)
{
	return set_text(&spec->source, value, "source", err);
}

static int set_from(struct mb_build_mount_spec *spec, const char *value, struct mb_err *err)
{
	if (strchr(value, '$'))
		return mb_fail(err, EINVAL,
		               "'from' doesn't support variable expansion, define alias stage "
		               "instead");
	return set_text(&spec->from, value, "from", err);
}

static int set_id(struct mb_build_mount_spec *spec, const char *value, struct mb_err *err)
{
	return set_text(&spec->id, value, "id", err);
}

static int set_env(struct mb_build_mount_spec *spec, const char *value, struct mb_err *err)
{
	if (strchr(value, '='))
		return mb_fail(err, EINVAL, "'%s' is no name of a variable", value);
	return set_text(&spec->env, value, "env", err);
}

static int set_sharing(struct mb_build_mount_spec *spec, const char *value, struct mb_err *err)
{
	static const char *const names[] = {"shared", "private", "locked"};

	for (size_t i = 0; i < MB_N(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			spec->sharing = (enum mb_build_sharing)i;
			return 0;
		}
	}
	return mb_fail(err, EINVAL, "unsupported sharing value \"%s\"", value);
}

static int set_mode(struct mb_build_mount_spec *spec, const char *value, struct mb_err *err)
{
	spec->has_mode = true;
	if (mb_parse_mode(value, &spec->mode) < 0)
		return mb_fail(err, EINVAL, "invalid value %s for mode", value);
	return 0;
}

static int set_uid(struct mb_build_mount_spec *spec, const char *value, struct mb_err *err)
{
	if (mb_parse_u32(value, &spec->uid) < 0 || spec->uid == UINT32_MAX)
		return mb_fail(err, EINVAL, "invalid value %s for uid", value);
	return 0;
}

static int set_gid(struct mb_build_mount_spec *spec, const char *value, struct mb_err *err)
{
	if (mb_parse_u32(value, &spec->gid) < 0 || spec->gid == UINT32_MAX)
		return mb_fail(err, EINVAL, "invalid value %s for gid", value);
	return 0;
}

static int set_size(struct mb_build_mount_spec *spec, const char *value, struct mb_err *err)
{
	if (mb_parse_size(value, &spec->size) < 0 || spec->size <= 0)
		return mb_fail(err, EINVAL, "invalid value %s for size", value);
	return 0;
}

static int set_switch(bool *slot, const char *value, const char *name, bool when,
                      struct mb_err *err)
{
	bool on = true;

	if (*value && mb_parse_bool(value, &on) < 0)
		return mb_fail(err, EINVAL, "invalid value %s for %s", value, name);
	*slot = on == when;
	return 0;
}

static int set_readonly(struct mb_build_mount_spec *spec, const char *value, struct mb_err *err)
{
	int r = set_switch(&spec->is_readonly, value, "readonly", true, err);

	spec->is_writable = !spec->is_readonly;
	return r;
}

static int set_readwrite(struct mb_build_mount_spec *spec, const char *value, struct mb_err *err)
{
	int r = set_switch(&spec->is_writable, value, "readwrite", true, err);

	spec->is_readonly = !spec->is_writable;
	return r;
}

static int set_required(struct mb_build_mount_spec *spec, const char *value, struct mb_err *err)
{
	return set_switch(&spec->is_required, value, "required", true, err);
}

enum {
	OF_BIND = 1 << MB_BUILD_MOUNT_BIND,
	OF_CACHE = 1 << MB_BUILD_MOUNT_CACHE,
	OF_TMPFS = 1 << MB_BUILD_MOUNT_TMPFS,
	OF_SECRET = 1 << MB_BUILD_MOUNT_SECRET,
	OF_SSH = 1 << MB_BUILD_MOUNT_SSH,
	OF_ALL = OF_BIND | OF_CACHE | OF_TMPFS | OF_SECRET | OF_SSH,
	OF_OWNED = OF_CACHE | OF_SECRET | OF_SSH,
	OF_READ = OF_BIND | OF_CACHE,
};

static const struct option {
	const char *name;
	option_fn *set;
	unsigned types; /* that know it */
	bool is_switch;
} options[] = {
	{"type", set_type, OF_ALL, false},
	{"target", set_target, OF_ALL, false},
	{"dst", set_target, OF_ALL, false},
	{"destination", set_target, OF_ALL, false},
	{"source", set_source, OF_READ | OF_SECRET, false},
	{"src", set_source, OF_READ | OF_SECRET, false},
	{"from", set_from, OF_READ, false},
	{"id", set_id, OF_OWNED, false},
	{"env", set_env, OF_SECRET, false},
	{"sharing", set_sharing, OF_CACHE, false},
	{"mode", set_mode, OF_OWNED, false},
	{"uid", set_uid, OF_OWNED, false},
	{"gid", set_gid, OF_OWNED, false},
	{"size", set_size, OF_TMPFS, false},
	{"ro", set_readonly, OF_READ, true},
	{"readonly", set_readonly, OF_READ, true},
	{"rw", set_readwrite, OF_READ, true},
	{"readwrite", set_readwrite, OF_READ, true},
	{"required", set_required, OF_SECRET | OF_SSH, true},
};

static const struct option *find_option(const char *name)
{
	for (size_t i = 0; i < MB_N(options); i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

static int set_option(struct mb_build_mount_spec *spec, const char *text, bool types_alone,
                      struct mb_err *err)
{
	const char *equals = strchr(text, '=');
	MB_AUTO_FREE char *name =
		equals ? mb_strndup(text, (size_t)(equals - text)) : mb_strdup(text);
	const struct option *option = find_option(name);

	if (!option)
		return mb_fail(err, EINVAL, "unexpected key '%s' in '%s'", name, text);
	if ((option->set == set_type) != types_alone)
		return 0;
	if (!(option->types & 1u << spec->type))
		return mb_fail(err, EINVAL, "'%s' means nothing for a mount of type '%s'", name,
		               types[spec->type]);
	if (!equals && !option->is_switch)
		return mb_fail(err, EINVAL, "invalid field '%s' must be a key=value pair", text);
	return option->set(spec, equals ? equals + 1 : "", err);
}

static int check(struct mb_build_mount_spec *spec, struct mb_err *err)
{
	bool wants_target = spec->type != MB_BUILD_MOUNT_SECRET && spec->type != MB_BUILD_MOUNT_SSH;

	if (wants_target && !spec->target)
		return mb_fail(err, EINVAL, "a mount of type '%s' needs a target",
		               types[spec->type]);
	if (spec->target && strcmp(spec->target, "/") == 0)
		return mb_fail(err, EINVAL, "invalid mount target \"/\"");
	if (spec->type == MB_BUILD_MOUNT_SECRET && !spec->id && !spec->source && !spec->target)
		return mb_fail(err, EINVAL, "a mount of type 'secret' needs an id");
	return 0;
}

int mb_build_mount_spec_parse(const char *text, struct mb_build_mount_spec *ret, struct mb_err *err)
{
	MB_AUTO_BUILD_MOUNT_SPEC struct mb_build_mount_spec spec = {0};
	MB_AUTO_STRV struct mb_strv fields = MB_STRV_INIT;
	int r = 0;

	mb_strv_split(&fields, text, ',');
	/* What the others mean depends on the type, wherever that stands. */
	for (int types_alone = 1; types_alone >= 0; types_alone--)
		for (size_t i = 0; i < fields.n && r == 0; i++)
			r = set_option(&spec, fields.v[i], types_alone, err);
	if (r == 0)
		r = check(&spec, err);
	if (r < 0)
		return mb_wrap(err, r, "--mount=%s", text);
	*ret = spec;
	spec = (struct mb_build_mount_spec){0};
	return 0;
}

void mb_build_mount_spec_done(struct mb_build_mount_spec *spec)
{
	free(spec->target);
	free(spec->source);
	free(spec->from);
	free(spec->id);
	free(spec->env);
	*spec = (struct mb_build_mount_spec){0};
}
