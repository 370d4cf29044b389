/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volume/mount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/csv.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "sys/path.h"

void mb_volume_mount_free(struct mb_volume_mount *mount)
{
	if (!mount)
		return;
	free(mount->source);
	free(mount->target);
	free(mount->subpath);
	free(mount->driver);
	mb_kv_done(&mount->labels);
	mb_kv_done(&mount->options);
	mb_strv_done(&mount->tmpfs_options);
	mb_strv_done(&mount->flags);
	free(mount);
}

static const char *const type_names[] = {
	[MB_VOLUME_BIND] = "bind",
	[MB_VOLUME_VOLUME] = "volume",
	[MB_VOLUME_TMPFS] = "tmpfs",
	[MB_VOLUME_IMAGE] = "image",
};

const char *mb_volume_mount_type_name(enum mb_volume_mount_type type)
{
	return type_names[type];
}

static const char *const propagation_names[] = {
	[MB_VOLUME_PROPAGATION_DEFAULT] = "", [MB_VOLUME_PRIVATE] = "private",
	[MB_VOLUME_RPRIVATE] = "rprivate",    [MB_VOLUME_SHARED] = "shared",
	[MB_VOLUME_RSHARED] = "rshared",      [MB_VOLUME_SLAVE] = "slave",
	[MB_VOLUME_RSLAVE] = "rslave",
};

const char *mb_volume_propagation_name(enum mb_volume_propagation propagation)
{
	return propagation_names[propagation];
}

static bool parse_propagation(const char *s, enum mb_volume_propagation *ret)
{
	for (size_t i = 1; i < MB_N(propagation_names); i++)
		if (strcmp(s, propagation_names[i]) == 0) {
			*ret = (enum mb_volume_propagation)i;
			return true;
		}
	return false;
}

/* --- what all forms share -------------------------------------------------------------------- */

static int set_target(struct mb_volume_mount *m, const char *target, struct mb_err *err)
{
	const char *type = mb_volume_mount_type_name(m->type);

	if (!*target)
		return mb_fail(err, EINVAL,
		               "invalid mount config for type \"%s\": field Target "
		               "must not be empty",
		               type);
	if (*target != '/')
		return mb_fail(err, EINVAL,
		               "invalid mount config for type \"%s\": invalid mount "
		               "path: '%s' mount path must be absolute",
		               type, target);
	free(m->target);
	m->target = mb_sys_path_clean(target);
	if (strcmp(m->target, "/") == 0)
		return mb_fail(err, EINVAL, "invalid specification: destination can't be '/'");
	return 0;
}

static bool is_path(const char *s)
{
	return *s == '.' || *s == '~' || *s == '/';
}

/* "./x" means the caller's directory; "~" is the shell's business. */
static int set_bind_source(struct mb_volume_mount *m, const char *source, const char *cwd,
                           struct mb_err *err)
{
	MB_AUTO_FREE char *joined = NULL;

	if (*source != '/' && !cwd)
		return mb_fail(err, EINVAL,
		               "invalid mount config for type \"bind\": invalid mount "
		               "path: '%s' mount path must be absolute",
		               source);
	joined = *source == '/' ? mb_strdup(source) : mb_asprintf("%s/%s", cwd, source);
	free(m->source);
	m->source = mb_sys_path_clean(joined);
	return 0;
}

static int set_volume_source(struct mb_volume_mount *m, const char *name, struct mb_err *err)
{
	if (!mb_name_is_valid(name))
		return mb_fail(err, EINVAL,
		               "%s includes invalid characters for a local volume "
		               "name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you "
		               "intended to pass a host directory, use absolute path",
		               name);
	mb_strset(&m->source, name);
	return 0;
}

/* --- -v -------------------------------------------------------------------------------------- */

enum group {
	GROUP_MODE = 1,
	GROUP_RELABEL = 2,
	GROUP_PROPAGATION = 4,
	GROUP_COPY = 8,
	GROUP_CONSISTENCY = 16,
	GROUP_IDMAP = 32,
	GROUP_CHOWN = 64,
	GROUP_OVERLAY = 128,
	GROUP_RECURSION = 256,
	GROUP_EXEC = 512,
	GROUP_SUID = 1024,
	GROUP_DEV = 2048,
	/* What is said of a directory of the host alone. */
	GROUPS_OF_BINDS = GROUP_PROPAGATION | GROUP_RECURSION | GROUP_EXEC | GROUP_SUID | GROUP_DEV,
};

/* podman's: the mount's own flags. */
static unsigned int take_flag(struct mb_volume_mount *m, const char *option)
{
	static const struct {
		const char *name;
		unsigned int group;
	} flags[] = {
		{"exec", GROUP_EXEC},   {"noexec", GROUP_EXEC}, {"suid", GROUP_SUID},
		{"nosuid", GROUP_SUID}, {"dev", GROUP_DEV},     {"nodev", GROUP_DEV},
	};

	for (size_t i = 0; i < MB_N(flags); i++)
		if (strcmp(option, flags[i].name) == 0) {
			mb_strv_add(&m->flags, option);
			return flags[i].group;
		}
	return 0;
}

/* Return: which group the option is of, 0 for none. */
static unsigned int take_option(struct mb_volume_mount *m, const char *option)
{
	enum mb_volume_propagation propagation;

	if (strcmp(option, "ro") == 0 || strcmp(option, "rw") == 0) {
		m->readonly = option[1] == 'o';
		return GROUP_MODE;
	}
	if (strcmp(option, "z") == 0 || strcmp(option, "Z") == 0) {
		m->relabel = *option;
		return GROUP_RELABEL;
	}
	if (strcmp(option, "nocopy") == 0) {
		m->nocopy = true;
		return GROUP_COPY;
	}
	if (strcmp(option, "idmap") == 0) {
		m->idmap = true;
		return GROUP_IDMAP;
	}
	if (strcmp(option, "U") == 0) {
		m->chown = true;
		return GROUP_CHOWN;
	}
	if (strcmp(option, "O") == 0) {
		m->overlay = true;
		return GROUP_OVERLAY;
	}
	if (strcmp(option, "bind") == 0 || strcmp(option, "rbind") == 0) {
		m->recursive =
			*option == 'b' ? MB_VOLUME_RECURSIVE_DISABLED : MB_VOLUME_RECURSIVE_DEFAULT;
		return GROUP_RECURSION;
	}
	if (strcmp(option, "cached") == 0 || strcmp(option, "delegated") == 0 ||
	    strcmp(option, "consistent") == 0 || strcmp(option, "default") == 0)
		return GROUP_CONSISTENCY;
	if (parse_propagation(option, &propagation)) {
		m->propagation = propagation;
		return GROUP_PROPAGATION;
	}
	return take_flag(m, option);
}

/* The source stays as it is and all that is written is the container's: what says otherwise, or
 * where else it would go, does not stand beside it. */
static int check_overlay(const struct mb_volume_mount *m, unsigned int seen, struct mb_err *err)
{
	const char *other = m->readonly                ? "ro"
	                    : seen & GROUP_CHOWN       ? "U"
	                    : seen & GROUP_IDMAP       ? "idmap"
	                    : seen & GROUP_PROPAGATION ? "propagation"
	                                               : NULL;

	if (m->type != MB_VOLUME_BIND)
		return mb_fail(err, EOPNOTSUPP,
		               "mount option 'O' is for directories of the host, not for volumes");
	return other ? mb_fail(err, EINVAL,
	                       "conflicting mount options: 'O' and '%s' exclude each other", other)
	             : 0;
}

static int take_options(struct mb_volume_mount *m, const char *mode, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;
	unsigned int seen = 0;

	mb_strv_split(&options, mode, ',');
	if (!options.n)
		mb_strv_add(&options, "");
	MB_STRV_FOREACH (option, &options) {
		unsigned int group;

		if (mb_starts_with(option, "upperdir=") || mb_starts_with(option, "workdir="))
			return mb_fail(err, EOPNOTSUPP,
			               "mount option '%s' is not supported by this version",
			               option);
		group = take_option(m, option);
		/* One of each kind, as docker has it. */
		if (!group || (seen & group))
			return mb_fail(err, EINVAL, "invalid mode: %s", mode);
		seen |= group;
	}
	if (m->type == MB_VOLUME_BIND && (seen & GROUP_COPY))
		return mb_fail(err, EINVAL, "invalid mode: %s", mode);
	if (m->type == MB_VOLUME_VOLUME && (seen & GROUPS_OF_BINDS))
		return mb_fail(err, EINVAL, "invalid mode: %s", mode);
	return m->overlay ? check_overlay(m, seen, err) : 0;
}

static int parse_short(const char *text, const char *cwd, struct mb_volume_mount *m,
                       struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;
	const char *source = NULL, *target, *mode = NULL;
	int r;

	mb_strv_split(&parts, text, ':');
	MB_STRV_FOREACH (part, &parts)
		if (!*part)
			return mb_fail(err, EINVAL,
			               "invalid spec: %s: empty section between "
			               "colons",
			               text);
	if (!parts.n)
		return mb_fail(err, EINVAL, "invalid empty volume spec");
	if (parts.n > 3)
		return mb_fail(err, EINVAL, "invalid volume specification: '%s'", text);
	target = parts.v[parts.n > 1];
	if (parts.n > 1)
		source = parts.v[0];
	if (parts.n == 3)
		mode = parts.v[2];
	m->type = source && is_path(source) ? MB_VOLUME_BIND : MB_VOLUME_VOLUME;
	m->by_short_form = true;
	if (*target != '/')
		return mb_fail(err, EINVAL,
		               "invalid volume specification: '%s': invalid mount "
		               "config for type \"%s\": invalid mount path: '%s' mount path must "
		               "be absolute",
		               text, mb_volume_mount_type_name(m->type), target);
	r = set_target(m, target, err);
	if (r == 0 && source)
		r = m->type == MB_VOLUME_BIND ? set_bind_source(m, source, cwd, err)
		                              : set_volume_source(m, source, err);
	if (r == 0 && mode)
		r = take_options(m, mode, err);
	return r;
}

int mb_volume_mount_parse_short(const char *text, const char *cwd,
                                struct mb_volume_mount **ret_mount, struct mb_err *err)
{
	MB_AUTO(mb_volume_mount_free) struct mb_volume_mount *m = mb_calloc(1, sizeof(*m));
	int r = parse_short(text, cwd, m, err);

	if (r < 0)
		return r;
	*ret_mount = mb_take_ptr(&m);
	return 0;
}

/* --- --mount --------------------------------------------------------------------------------- */

/* What was read of --mount, with what says which type a key is for. */
struct long_form {
	struct mb_volume_mount *m;
	const char *cwd;
	char *type, *source, *target;
	bool bind, volume, tmpfs, image; /* keys of that type were there */
	bool writable;                   /* readonly=false was said */
	bool nonrecursive;
};

static void long_form_done(struct long_form *f)
{
	free(f->type);
	free(f->source);
	free(f->target);
}

enum key_kind {
	KEY_TYPE,
	KEY_SOURCE,
	KEY_TARGET,
	KEY_READONLY,
	KEY_PROPAGATION,
	KEY_NONRECURSIVE,
	KEY_RECURSIVE,
	KEY_CREATE_SRC,
	KEY_NOCOPY,
	KEY_LABEL,
	KEY_OPT,
	KEY_DRIVER,
	KEY_SUBPATH,
	KEY_IMAGE_SUBPATH,
	KEY_TMPFS_SIZE,
	KEY_TMPFS_MODE,
	KEY_CONSISTENCY,
	KEY_IDMAP,
	KEY_CHOWN,
	KEY_LATER,
};

static const struct key {
	const char *name;
	enum key_kind kind;
	bool may_stand_alone; /* without "=value": true */
} keys[] = {
	{"type", KEY_TYPE, false},
	{"source", KEY_SOURCE, false},
	{"src", KEY_SOURCE, false},
	{"target", KEY_TARGET, false},
	{"dst", KEY_TARGET, false},
	{"destination", KEY_TARGET, false},
	{"readonly", KEY_READONLY, true},
	{"ro", KEY_READONLY, true},
	{"bind-propagation", KEY_PROPAGATION, false},
	{"bind-nonrecursive", KEY_NONRECURSIVE, true},
	{"bind-recursive", KEY_RECURSIVE, false},
	{"bind-create-src", KEY_CREATE_SRC, true},
	{"volume-nocopy", KEY_NOCOPY, true},
	{"volume-label", KEY_LABEL, false},
	{"volume-opt", KEY_OPT, false},
	{"volume-driver", KEY_DRIVER, false},
	{"volume-subpath", KEY_SUBPATH, false},
	{"tmpfs-size", KEY_TMPFS_SIZE, false},
	{"tmpfs-mode", KEY_TMPFS_MODE, false},
	{"consistency", KEY_CONSISTENCY, false},
	{"image-subpath", KEY_IMAGE_SUBPATH, false},
	{"relabel", KEY_LATER, false},
	{"chown", KEY_CHOWN, true},
	{"idmap", KEY_IDMAP, true},
	{"U", KEY_CHOWN, true},
};

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < MB_N(keys); i++)
		if (strcmp(name, keys[i].name) == 0)
			return &keys[i];
	return NULL;
}

static int take_bool(const char *key, const char *value, bool *ret, struct mb_err *err)
{
	if (!value) {
		*ret = true;
		return 0;
	}
	if (mb_parse_bool(value, ret) < 0)
		return mb_fail(err, EINVAL, "invalid value for %s: %s", key, value);
	return 0;
}

static int take_recursive(struct mb_volume_mount *m, const char *value, struct mb_err *err)
{
	static const char *const names[] = {"enabled", "disabled", "writable", "readonly"};

	for (size_t i = 0; i < MB_N(names); i++)
		if (strcmp(value, names[i]) == 0) {
			m->recursive = (enum mb_volume_recursive)i;
			return 0;
		}
	return mb_fail(err, EINVAL,
	               "invalid value for bind-recursive: %s (must be \"enabled\", "
	               "\"disabled\", \"writable\", or \"readonly\")",
	               value);
}

static int take_subpath(struct mb_volume_mount *m, const char *key, const char *value,
                        struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;
	char *clean;

	mb_strv_split(&parts, value, '/');
	if (!*value || *value == '/' || mb_strv_has(&parts, ".."))
		return mb_fail(err, EINVAL,
		               "invalid value for %s: %s: must be a relative path below the %s",
		               key, value, *key == 'i' ? "image" : "volume");
	clean = mb_sys_path_clean(value);
	mb_strset(&m->subpath, clean + 1);
	free(clean);
	return 0;
}

static int take_bind_key(struct long_form *f, const struct key *key, const char *value,
                         struct mb_err *err)
{
	f->bind = true;
	switch ((int)key->kind) {
	case KEY_PROPAGATION:
		if (!parse_propagation(value, &f->m->propagation))
			return mb_fail(err, EINVAL, "invalid propagation option: %s", value);
		return 0;
	case KEY_NONRECURSIVE:
		return take_bool(key->name, value, &f->nonrecursive, err);
	case KEY_RECURSIVE:
		return take_recursive(f->m, value, err);
	default:
		return take_bool(key->name, value, &f->m->create_source, err);
	}
}

static int take_volume_key(struct long_form *f, const struct key *key, const char *value,
                           struct mb_err *err)
{
	f->volume = true;
	switch ((int)key->kind) {
	case KEY_LABEL:
		mb_kv_set_pair(&f->m->labels, value);
		return 0;
	case KEY_OPT:
		mb_kv_set_pair(&f->m->options, value);
		return 0;
	case KEY_DRIVER:
		mb_strset(&f->m->driver, value);
		return 0;
	case KEY_SUBPATH:
		return take_subpath(f->m, key->name, value, err);
	default:
		return take_bool(key->name, value, &f->m->nocopy, err);
	}
}

static int take_tmpfs_key(struct long_form *f, const struct key *key, const char *value,
                          struct mb_err *err)
{
	f->tmpfs = true;
	if (key->kind == KEY_TMPFS_SIZE) {
		if (mb_parse_size(value, &f->m->tmpfs_size) < 0)
			return mb_fail(err, EINVAL, "invalid value for %s: %s", key->name, value);
		return 0;
	}
	if (mb_parse_mode(value, &f->m->tmpfs_mode) < 0)
		return mb_fail(err, EINVAL, "invalid value for %s: %s", key->name, value);
	f->m->tmpfs_has_mode = true;
	return 0;
}

static int take_key(struct long_form *f, const struct key *key, const char *value,
                    struct mb_err *err)
{
	int r;

	switch (key->kind) {
	case KEY_TYPE:
		mb_strset(&f->type, value);
		return 0;
	case KEY_SOURCE:
		mb_strset(&f->source, value);
		return 0;
	case KEY_TARGET:
		mb_strset(&f->target, value);
		return 0;
	case KEY_READONLY:
		r = take_bool(key->name, value, &f->m->readonly, err);
		f->writable = r == 0 && !f->m->readonly;
		return r;
	case KEY_PROPAGATION:
	case KEY_NONRECURSIVE:
	case KEY_RECURSIVE:
	case KEY_CREATE_SRC:
		return take_bind_key(f, key, value, err);
	case KEY_NOCOPY:
	case KEY_LABEL:
	case KEY_OPT:
	case KEY_DRIVER:
	case KEY_SUBPATH:
		return take_volume_key(f, key, value, err);
	case KEY_IMAGE_SUBPATH:
		f->image = true;
		return take_subpath(f->m, key->name, value, err);
	case KEY_TMPFS_SIZE:
	case KEY_TMPFS_MODE:
		return take_tmpfs_key(f, key, value, err);
	case KEY_CONSISTENCY:
		return 0;
	case KEY_IDMAP:
		return take_bool(key->name, value, &f->m->idmap, err);
	case KEY_CHOWN:
		return take_bool(key->name, value, &f->m->chown, err);
	case KEY_LATER:
		break;
	}
	return mb_fail(err, EOPNOTSUPP, "mount option '%s' is not supported by this version",
	               key->name);
}

static int take_field(struct long_form *f, const char *field, struct mb_err *err)
{
	const char *equals = strchr(field, '=');
	MB_AUTO_FREE char *name =
		equals ? mb_strndup(field, (size_t)(equals - field)) : mb_strdup(field);
	const struct key *key = find_key(name);

	if (!equals && (!key || !key->may_stand_alone))
		return mb_fail(err, EINVAL, "invalid field '%s' must be a key=value pair", field);
	if (!key)
		return mb_fail(err, EINVAL, "unexpected key '%s' in '%s'", name, field);
	return take_key(f, key, equals ? equals + 1 : NULL, err);
}

static int set_type(struct long_form *f, struct mb_err *err)
{
	const char *type = f->type ? f->type : "volume";

	for (size_t i = 0; i < MB_N(type_names); i++)
		if (strcmp(type, type_names[i]) == 0) {
			f->m->type = (enum mb_volume_mount_type)i;
			return 0;
		}
	if (!*type)
		return mb_fail(err, EINVAL, "type is required");
	if (strcmp(type, "cluster") == 0 || strcmp(type, "npipe") == 0 ||
	    strcmp(type, "devpts") == 0 || strcmp(type, "glob") == 0 || strcmp(type, "ramfs") == 0)
		return mb_fail(err, EOPNOTSUPP, "mount type '%s' is not supported by this version",
		               type);
	return mb_fail(err, EINVAL, "mount type unknown: \"%s\"", type);
}

static int check_foreign_keys(const struct long_form *f, struct mb_err *err)
{
	const char *type = mb_volume_mount_type_name(f->m->type);

	if (f->volume && f->m->type != MB_VOLUME_VOLUME)
		return mb_fail(err, EINVAL, "cannot mix 'volume-*' options with mount type '%s'",
		               type);
	if (f->bind && f->m->type != MB_VOLUME_BIND)
		return mb_fail(err, EINVAL, "cannot mix 'bind-*' options with mount type '%s'",
		               type);
	if (f->tmpfs && f->m->type != MB_VOLUME_TMPFS)
		return mb_fail(err, EINVAL, "cannot mix 'tmpfs-*' options with mount type '%s'",
		               type);
	if (f->image && f->m->type != MB_VOLUME_IMAGE)
		return mb_fail(err, EINVAL, "cannot mix 'image-*' options with mount type '%s'",
		               type);
	if (f->m->type == MB_VOLUME_IMAGE && (f->m->chown || f->m->idmap))
		return mb_fail(err, EINVAL, "option '%s' is not for mount type 'image'",
		               f->m->chown ? "chown" : "idmap");
	return 0;
}

/* Whoever wants to write wants a volume. */
static int set_image_source(struct long_form *f, struct mb_err *err)
{
	if (!f->source || !*f->source)
		return mb_fail(err, EINVAL,
		               "invalid mount config for type \"image\": field Source must not be "
		               "empty");
	if (f->writable)
		return mb_fail(err, EOPNOTSUPP, "mount type 'image' is read-only");
	f->m->readonly = true;
	f->m->source = mb_take_ptr(&f->source);
	return 0;
}

static int set_source(struct long_form *f, struct mb_err *err)
{
	struct mb_volume_mount *m = f->m;
	bool given = f->source && *f->source;

	switch (m->type) {
	case MB_VOLUME_BIND:
		if (!given)
			return mb_fail(err, EINVAL,
			               "invalid mount config for type \"bind\": field "
			               "Source must not be empty");
		return set_bind_source(m, f->source, f->cwd, err);
	case MB_VOLUME_VOLUME:
		if (m->driver && *m->driver && strcmp(m->driver, "local") != 0)
			return mb_fail(err, ENOENT,
			               "error looking up volume plugin %s: plugin "
			               "\"%s\" not found",
			               m->driver, m->driver);
		if (!given && m->subpath)
			return mb_fail(err, EINVAL,
			               "invalid mount config for type \"volume\": "
			               "must not set Subpath when using anonymous volumes");
		return given ? set_volume_source(m, f->source, err) : 0;
	case MB_VOLUME_IMAGE:
		return set_image_source(f, err);
	case MB_VOLUME_TMPFS:
		break;
	}
	if (given)
		return mb_fail(err, EINVAL,
		               "invalid mount config for type \"tmpfs\": field Source "
		               "must not be specified");
	return 0;
}

static int check_recursive(struct long_form *f, struct mb_err *err)
{
	struct mb_volume_mount *m = f->m;

	if (f->nonrecursive) {
		if (m->recursive != MB_VOLUME_RECURSIVE_DEFAULT &&
		    m->recursive != MB_VOLUME_RECURSIVE_DISABLED)
			return mb_fail(err, EINVAL,
			               "bind-nonrecursive and bind-recursive "
			               "contradict each other");
		m->recursive = MB_VOLUME_RECURSIVE_DISABLED;
	}
	if (m->recursive == MB_VOLUME_RECURSIVE_WRITABLE && !m->readonly)
		return mb_fail(err, EINVAL,
		               "option 'bind-recursive=writable' requires 'readonly' "
		               "to be specified in conjunction");
	if (m->recursive != MB_VOLUME_RECURSIVE_READONLY)
		return 0;
	if (!m->readonly)
		return mb_fail(err, EINVAL,
		               "option 'bind-recursive=readonly' requires 'readonly' "
		               "to be specified in conjunction");
	if (m->propagation != MB_VOLUME_RPRIVATE)
		return mb_fail(err, EINVAL,
		               "option 'bind-recursive=readonly' requires "
		               "'bind-propagation=rprivate' to be specified in conjunction");
	return 0;
}

static int parse_long(const char *text, struct long_form *f, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv fields = MB_STRV_INIT;
	const char *why;
	int r = mb_csv_split(text, &fields, &why);

	if (r < 0)
		return mb_fail(err, EINVAL, "invalid mount: %s", why);
	MB_STRV_FOREACH (field, &fields)
		if (r == 0)
			r = take_field(f, field, err);
	if (r == 0)
		r = set_type(f, err);
	if (r == 0 && (!f->target || !*f->target))
		r = mb_fail(err, EINVAL, "target is required");
	if (r == 0)
		r = check_foreign_keys(f, err);
	if (r == 0)
		r = set_target(f->m, f->target, err);
	if (r == 0)
		r = set_source(f, err);
	if (r == 0)
		r = check_recursive(f, err);
	return r;
}

int mb_volume_mount_parse_long(const char *text, const char *cwd,
                               struct mb_volume_mount **ret_mount, struct mb_err *err)
{
	MB_AUTO(mb_volume_mount_free) struct mb_volume_mount *m = mb_calloc(1, sizeof(*m));
	struct long_form f = {.m = m, .cwd = cwd};
	int r = parse_long(text, &f, err);

	long_form_done(&f);
	if (r < 0)
		return mb_wrap(err, r, "invalid argument \"%s\" for \"--mount\" flag", text);
	*ret_mount = mb_take_ptr(&m);
	return 0;
}

/* --- --tmpfs, --volumes-from ----------------------------------------------------------------- */

int mb_volume_mount_parse_tmpfs(const char *text, struct mb_volume_mount **ret_mount,
                                struct mb_err *err)
{
	MB_AUTO(mb_volume_mount_free) struct mb_volume_mount *m = mb_calloc(1, sizeof(*m));
	const char *colon = strchr(text, ':');
	MB_AUTO_FREE char *target =
		colon ? mb_strndup(text, (size_t)(colon - text)) : mb_strdup(text);
	int r;

	m->type = MB_VOLUME_TMPFS;
	r = set_target(m, target, err);
	if (r < 0)
		return r;
	if (colon)
		mb_strv_split(&m->tmpfs_options, colon + 1, ',');
	*ret_mount = mb_take_ptr(&m);
	return 0;
}

int mb_volume_from_parse(const char *text, char **ret_container, bool *ret_readonly,
                         struct mb_err *err)
{
	const char *colon = strchr(text, ':');
	const char *mode = colon ? colon + 1 : "rw";
	size_t n = colon ? (size_t)(colon - text) : strlen(text);

	if (!n)
		return mb_fail(err, EINVAL, "malformed volumes-from specification: \"%s\"", text);
	if (strcmp(mode, "ro") != 0 && strcmp(mode, "rw") != 0 && strcmp(mode, "z") != 0 &&
	    strcmp(mode, "Z") != 0)
		return mb_fail(err, EINVAL, "invalid mode for volumes-from: %s", mode);
	*ret_container = mb_strndup(text, n);
	*ret_readonly = strcmp(mode, "ro") == 0;
	return 0;
}
