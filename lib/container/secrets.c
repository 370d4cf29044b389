/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file system in memory has them, which only the container sees: one at /run/secrets, one for
 * each that is to be elsewhere. */
#include "container/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/bundle.h"
#include "container/container.h"
#include "container/userns.h"
#include "core/err.h"
#include "core/io.h"
#include "core/parse.h"
#include "core/str.h"
#include "secret/secret.h"
#include "sys/mount.h"
#include "sys/path.h"
#include "sys/proc.h"

#define DIRECTORY "/run/secrets"

enum { MODE = 0444 };

/* --- at create -------------------------------------------------------------------------------- */

static int set_field(struct mb_container_secret *s, const char *field, struct mb_err *err)
{
	const char *value;

	if ((value = mb_skip_prefix(field, "type="))) {
		s->is_env = mb_streq(value, "env");
		if (!s->is_env && !mb_streq(value, "mount"))
			return mb_fail(err, EINVAL, "secret type '%s' is invalid: mount or env",
			               value);
		return 0;
	}
	if ((value = mb_skip_prefix(field, "target=")) && *value) {
		mb_strset(&s->target, value);
		return 0;
	}
	if ((value = mb_skip_prefix(field, "uid=")) && mb_parse_u32(value, &s->uid) == 0)
		return 0;
	if ((value = mb_skip_prefix(field, "gid=")) && mb_parse_u32(value, &s->gid) == 0)
		return 0;
	if ((value = mb_skip_prefix(field, "mode=")) && mb_parse_mode(value, &s->mode) == 0)
		return 0;
	if ((value = mb_skip_prefix(field, "source="))) {
		mb_strset(&s->name, value);
		return 0;
	}
	return mb_fail(err, EINVAL, "invalid secret option '%s'", field);
}

static bool is_variable(const char *name)
{
	return *name && !strchr(name, '=') && !strchr(name, '/');
}

/* Where it is to be: cleaned, and told in full. */
static int set_target(struct mb_container_secret *s, struct mb_err *err)
{
	const char *target = s->target ? s->target : s->name;
	MB_AUTO_FREE char *path = NULL;

	if (s->is_env) {
		if (s->uid || s->gid || s->mode != MODE)
			return mb_fail(err, EINVAL,
			               "secret '%s': uid, gid and mode are not for variables",
			               s->name);
		if (!is_variable(target))
			return mb_fail(err, EINVAL, "secret '%s': '%s' is no variable's name",
			               s->name, target);
		if (!s->target)
			s->target = mb_strdup(target);
		return 0;
	}
	path = target[0] == '/' ? mb_sys_path_clean(target) : NULL;
	if (!path) {
		MB_AUTO_FREE char *below = mb_asprintf(DIRECTORY "/%s", target);

		path = mb_sys_path_clean(below);
	}
	if (mb_streq(path, "/") || mb_streq(path, DIRECTORY) ||
	    (target[0] != '/' && !mb_starts_with(path, DIRECTORY "/")))
		return mb_fail(err, EINVAL, "secret '%s': invalid target '%s'", s->name, target);
	mb_strset(&s->target, path);
	return 0;
}

static int parse(const char *text, struct mb_container_secret *s, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv fields = MB_STRV_INIT;
	int r = 0;

	mb_strv_split(&fields, text, ',');
	s->mode = MODE;
	for (size_t i = 0; r == 0 && i < fields.n; i++) {
		if (i == 0 && !strchr(fields.v[0], '='))
			s->name = mb_strdup(fields.v[0]);
		else
			r = set_field(s, fields.v[i], err);
	}
	if (r == 0 && (!s->name || !*s->name))
		return mb_fail(err, EINVAL, "--secret '%s': a name is missing", text);
	return r;
}

static bool is_taken(const struct mb_container_config *config, const struct mb_container_secret *s)
{
	for (size_t i = 0; i < config->n_secrets; i++)
		if (&config->secrets[i] != s && config->secrets[i].is_env == s->is_env &&
		    mb_streq(config->secrets[i].target, s->target))
			return true;
	return false;
}

static int check_one(struct mb_store *store, const char *text, struct mb_container_config *config,
                     struct mb_err *err)
{
	MB_AUTO(mb_secret_free) struct mb_secret *secret = NULL;
	struct mb_container_secret *s =
		mb_container_append(&config->secrets, &config->n_secrets, sizeof(*s));
	int r = parse(text, s, err);

	if (r == 0)
		r = mb_secret_find(store, s->name, &secret, err);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	/* By id it was; that goes when it is replaced. */
	mb_strset(&s->name, secret->name);
	r = set_target(s, err);
	if (r < 0)
		return r;
	if (is_taken(config, s))
		return mb_fail(err, EINVAL, "two secrets have the target '%s'", s->target);
	return 0;
}

int mb_container_secrets_check(struct mb_store *store, const struct mb_strv *texts,
                               struct mb_container_config *config, int *ret_hold,
                               struct mb_err *err)
{
	int r = texts->n ? mb_secret_hold(store, ret_hold, err) : 0;

	for (size_t i = 0; r == 0 && i < texts->n; i++)
		r = check_one(store, texts->v[i], config, err);
	return r;
}

bool mb_container_uses_secret(const struct mb_container_config *config, const char *name)
{
	for (size_t i = 0; i < config->n_secrets; i++)
		if (mb_streq(config->secrets[i].name, name))
			return true;
	return false;
}

/* --- at start --------------------------------------------------------------------------------- */

static int read_secret(struct mb_container *c, const struct mb_container_secret *s,
                       struct mb_str *out, struct mb_err *err)
{
	int r = mb_secret_read(c->store, s->name, out, err);

	return r > 0 ? -ENOENT : r;
}

static void drop_variable(struct mb_strv *env, const char *name)
{
	size_t len = strlen(name), kept = 0;

	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], name, len) == 0 && env->v[i][len] == '=')
			free(env->v[i]);
		else
			env->v[kept++] = env->v[i];
	}
	if (env->v)
		env->v[kept] = NULL;
	env->n = kept;
}

int mb_container_secrets_env(struct mb_container *c, struct mb_oci_process *process,
                             size_t *ret_n_plain, struct mb_err *err)
{
	const struct mb_container_config *config = &c->record->config;
	int r = 0;

	/* They take the place of what the image and others say. */
	for (size_t i = 0; i < config->n_secrets; i++)
		if (config->secrets[i].is_env)
			drop_variable(&process->env, config->secrets[i].target);
	*ret_n_plain = process->env.n;
	for (size_t i = 0; r == 0 && i < config->n_secrets; i++) {
		const struct mb_container_secret *s = &config->secrets[i];
		struct mb_str bytes = MB_STR_INIT;

		if (!s->is_env)
			continue;
		r = read_secret(c, s, &bytes, err);
		if (r == 0 && memchr(bytes.buf, '\0', bytes.len))
			r = mb_fail(err, EINVAL,
			            "secret '%s' holds a zero byte and cannot be a variable",
			            s->name);
		if (r == 0)
			mb_strv_addf(&process->env, "%s=%s", s->target, mb_str_text(&bytes));
		mb_secret_wipe(&bytes);
	}
	return r;
}

static int new_memory(const char *mode, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;

	mb_strv_add(&options, mode);
	return mb_sys_mount_new("tmpfs", &options,
	                        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, ret_fd,
	                        err);
}

/* @path below the root @dir_fd; directories on the way are everybody's to pass. */
static int write_file(struct mb_container *c, const struct mb_container_secret *s, int dir_fd,
                      const char *path, struct mb_err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	const struct mb_oci_process owner = {.user = {.uid = s->uid, .gid = s->gid}};
	MB_AUTO_FREE char *copy = mb_strdup(path);
	char *slash = strrchr(copy, '/');
	struct mb_str bytes = MB_STR_INIT;
	MB_AUTO_CLOSE int file = -1;
	int r = 0;

	if (s->uid || s->gid)
		r = mb_container_userns_check_user(&c->record->host, &owner, err);
	if (r < 0)
		return mb_wrap(err, r, "secret '%s'", s->name);
	if (slash) {
		*slash = '\0';
		r = mb_sys_path_mkdirs(dir_fd, copy, 0755, NULL, err);
	}
	if (r == 0)
		r = read_secret(c, s, &bytes, err);
	if (r == 0) {
		file = openat(dir_fd, path, flags, 0600);
		if (file < 0 || mb_write_full(file, bytes.buf, bytes.len) < 0)
			r = mb_fail_sys(err, errno, "cannot write secret '%s'", s->name);
	}
	mb_secret_wipe(&bytes);
	/* Which does nothing without a user namespace. */
	if (r == 0)
		r = mb_container_userns_give(&c->record->host, file, s->uid, s->gid, err);
	if (r == 0 && !mb_container_has_userns(&c->record->host) &&
	    fchown(file, s->uid, s->gid) < 0)
		r = mb_fail_sys(err, errno, "cannot write secret '%s'", s->name);
	if (r == 0 && fchmod(file, s->mode) < 0)
		r = mb_fail_sys(err, errno, "cannot write secret '%s'", s->name);
	return r;
}

static void add_mount(struct mb_container_bundle *b, const char *destination, int fd)
{
	struct mb_oci_mount *m = mb_oci_spec_add_mount(&b->spec, destination, "bind", "bind");
	int *slot = mb_container_append(&b->mount_fds, &b->n_mount_fds, sizeof(*slot));

	mb_strv_split(&m->options, "bind,ro,nosuid,nodev,noexec,rprivate", ',');
	*slot = fd;
}

static int seal(int fd, struct mb_err *err)
{
	return mb_sys_mount_setattr(fd, MOUNT_ATTR_RDONLY, 0, MS_PRIVATE, false, err);
}

static int mount_directory(struct mb_container *c, struct mb_container_bundle *b,
                           struct mb_err *err)
{
	const struct mb_container_config *config = &c->record->config;
	MB_AUTO_CLOSE int fd = -1, root = -1;
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->n_secrets; i++) {
		const struct mb_container_secret *s = &config->secrets[i];
		const char *below = s->is_env ? NULL : mb_skip_prefix(s->target, DIRECTORY "/");

		if (!below)
			continue;
		if (fd < 0) {
			r = new_memory("mode=0755", &fd, err);
			root = r < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (r == 0 && root < 0)
				r = mb_fail_sys(err, errno, "cannot open a file system in memory");
			if (r == 0)
				r = mb_container_userns_give(&c->record->host, root, 0, 0, err);
		}
		if (r == 0)
			r = write_file(c, s, root, below, err);
	}
	if (r < 0 || fd < 0)
		return r;
	r = seal(fd, err);
	if (r == 0)
		add_mount(b, DIRECTORY, mb_take_fd(&fd));
	return r;
}

static int mount_file(struct mb_container *c, const struct mb_container_secret *s,
                      struct mb_container_bundle *b, struct mb_err *err)
{
	MB_AUTO_CLOSE int memory = -1, root = -1, fd = -1;
	int r = new_memory("mode=0700", &memory, err);

	root = r < 0 ? -1 : openat(memory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && root < 0)
		r = mb_fail_sys(err, errno, "cannot open a file system in memory");
	if (r == 0)
		r = write_file(c, s, root, "secret", err);
	if (r == 0)
		r = mb_sys_proc_call(mb_sys_mount_take_part,
		                     &(struct mb_sys_mount_part){memory, "secret"}, &fd, err);
	if (r == 0)
		r = seal(fd, err);
	if (r == 0)
		add_mount(b, s->target, mb_take_fd(&fd));
	return r;
}

int mb_container_secrets_mount(struct mb_container *c, struct mb_container_bundle *bundle,
                               struct mb_err *err)
{
	const struct mb_container_config *config = &c->record->config;
	int r = mount_directory(c, bundle, err);

	for (size_t i = 0; r == 0 && i < config->n_secrets; i++)
		if (!config->secrets[i].is_env &&
		    !mb_starts_with(config->secrets[i].target, DIRECTORY "/"))
			r = mount_file(c, &config->secrets[i], bundle, err);
	return r;
}
