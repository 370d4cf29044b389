/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "registry/authfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/log.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "registry/helper.h"
#include "store/doc.h"
#include "sys/userdb.h"
#include "json/json.h"

enum { MAX_CONFIG = 1 << 20, MAX_PLACES = 4 };

struct place {
	char *directory, *name;
	uint32_t uid, gid; /* as whom it is touched */
};
struct places {
	struct place v[MAX_PLACES];
	size_t n;
};

static void places_done(struct places *places)
{
	for (size_t i = 0; i < places->n; i++) {
		free(places->v[i].directory);
		free(places->v[i].name);
	}
	places->n = 0;
}

static void add(struct places *places, char *directory, const char *name, uint32_t uid,
                uint32_t gid)
{
	places->v[places->n++] = (struct place){directory, mb_strdup(name), uid, gid};
}

static bool is_set(const char *s)
{
	return s && *s;
}

/* Who is behind sudo: uid, gid and home by the machine's passwd.  False for nobody. */
static bool find_caller(const struct mb_registry_caller *caller, struct mb_sys_user *ret)
{
	MB_AUTO_CLOSE int root = -1;
	uint32_t uid;

	if (!is_set(caller->sudo_uid) || mb_parse_u32(caller->sudo_uid, &uid) < 0 || uid == 0)
		return false;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root >= 0 && mb_sys_userdb_resolve(root, caller->sudo_uid, NULL, ret, NULL) == 0;
}

static void list_places(const struct mb_registry_caller *caller, struct places *ret)
{
	MB_AUTO_USER struct mb_sys_user user = {0};
	const char *slash;

	if (is_set(caller->config_dir)) {
		add(ret, mb_strdup(caller->config_dir), "config.json", geteuid(), getegid());
		return;
	}
	if (is_set(caller->auth_file)) {
		slash = strrchr(caller->auth_file, '/');
		add(ret,
		    slash ? mb_strndup(caller->auth_file, (size_t)(slash - caller->auth_file) + 1)
		          : mb_strdup("."),
		    slash ? slash + 1 : caller->auth_file, geteuid(), getegid());
	}
	if (is_set(caller->docker_config))
		add(ret, mb_strdup(caller->docker_config), "config.json", geteuid(), getegid());
	if (find_caller(caller, &user)) {
		add(ret, mb_asprintf("%s/.docker", user.home), "config.json", user.uid, user.gid);
		add(ret, mb_strdup("/root/.docker"), "config.json", geteuid(), getegid());
	} else if (is_set(caller->home)) {
		add(ret, mb_asprintf("%s/.docker", caller->home), "config.json", geteuid(),
		    getegid());
	}
}

/* Only what the file system asks for is another's; back with @before. */
static struct place become(const struct place *place)
{
	struct place before = {.uid = geteuid(), .gid = getegid()};

	setfsgid(place->gid);
	setfsuid(place->uid);
	return before;
}

static bool is_trusted(const struct place *place, const struct stat *st)
{
	if (st->st_uid != place->uid && st->st_uid != 0) {
		mb_warn("passing over '%s/%s': it belongs to user %u", place->directory,
		        place->name, st->st_uid);
		return false;
	}
	if (st->st_mode & 0007) {
		mb_warn("passing over '%s/%s': everybody may read it", place->directory,
		        place->name);
		return false;
	}
	return true;
}

static int read_place(const struct place *place, struct mb_str *text, struct mb_err *err)
{
	MB_AUTO_FREE char *path = mb_asprintf("%s/%s", place->directory, place->name);
	struct place before = become(place);
	MB_AUTO_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int error = errno;
	struct stat st;

	become(&before);
	if (fd < 0)
		return error == ENOENT || error == ENOTDIR || error == EACCES
		               ? MB_REGISTRY_NO_LOGIN
		               : mb_fail_sys(err, error, "cannot open '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return mb_fail(err, EINVAL, "'%s' is not a regular file", path);
	if (!is_trusted(place, &st))
		return MB_REGISTRY_NO_LOGIN;
	return mb_read_fd(fd, MAX_CONFIG, text, err);
}

/* Return: 0; MB_REGISTRY_NO_LOGIN when there is no file; -errno, told. */
static int load_place(const struct place *place, struct json_object **ret, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = read_place(place, &text, err);

	if (r != 0)
		return r;
	if (text.len == 0)
		return MB_REGISTRY_NO_LOGIN;
	r = mb_json_parse_object(text.buf, text.len, ret, err);
	explicit_bzero(text.buf, text.len);
	return r < 0 ? mb_wrap(err, r, "'%s/%s'", place->directory, place->name) : 0;
}

/* The name is borrowed from @config. */
static bool find_helper(const struct place *place, struct json_object *config, const char *registry,
                        struct mb_registry_helper *ret)
{
	*ret = (struct mb_registry_helper){mb_registry_auths_helper(config, registry), place->uid,
	                                   place->gid};
	return ret->name;
}

static int find_in(const struct place *place, const char *registry, struct mb_registry_login *ret,
                   struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *config = NULL;
	struct mb_registry_helper helper;
	int r = load_place(place, &config, err);

	if (r != 0)
		return r;
	r = mb_registry_auths_find(config, registry, ret, err);
	if (r == MB_REGISTRY_NO_LOGIN && find_helper(place, config, registry, &helper))
		r = mb_registry_helper_get(&helper, mb_registry_auths_key(registry), ret, err);
	return r < 0 ? mb_wrap(err, r, "'%s/%s'", place->directory, place->name) : r;
}

int mb_registry_authfile_find(const struct mb_registry_caller *caller, const char *registry,
                              struct mb_registry_login *ret, struct mb_err *err)
{
	struct places places = {0};
	int r = MB_REGISTRY_NO_LOGIN;

	list_places(caller, &places);
	for (size_t i = 0; r == MB_REGISTRY_NO_LOGIN && i < places.n; i++)
		r = find_in(&places.v[i], registry, ret, err);
	places_done(&places);
	return r;
}

static int write_place(const struct place *place, struct json_object *config, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct place before = become(place);
	MB_AUTO_CLOSE int fd = -1;
	int r = 0;

	if (mkdir(place->directory, 0700) < 0 && errno != EEXIST)
		r = mb_fail_sys(err, errno, "cannot create '%s'", place->directory);
	if (r == 0) {
		fd = open(place->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			r = mb_fail_sys(err, errno, "cannot open '%s'", place->directory);
	}
	if (r == 0) {
		mb_json_format(config, true, &text);
		mb_str_addc(&text, '\n');
		r = mb_store_file_write(fd, place->name, text.buf, text.len,
		                        MB_DOC_DURABLE | MB_DOC_REPLACE, err);
		explicit_bzero(text.buf, text.len);
	}
	become(&before);
	return r;
}

/* With a helper the file says no more than that there is something to ask it for. */
static int save_in(const struct place *place, const char *registry,
                   const struct mb_registry_login *login, char **ret_path, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *config = NULL;
	struct mb_registry_helper helper;
	bool has_helper;
	int r = load_place(place, &config, err);

	if (r < 0)
		return r;
	if (r == MB_REGISTRY_NO_LOGIN)
		config = mb_json_new_object();
	has_helper = find_helper(place, config, registry, &helper);
	r = has_helper
	            ? mb_registry_helper_store(&helper, mb_registry_auths_key(registry), login, err)
	            : 0;
	if (r < 0)
		return r;
	mb_registry_auths_set(config, registry, has_helper ? NULL : login);
	r = write_place(place, config, err);
	if (r == 0 && !has_helper)
		*ret_path = mb_asprintf("%s/%s", place->directory, place->name);
	return r;
}

int mb_registry_authfile_save(const struct mb_registry_caller *caller, const char *registry,
                              const struct mb_registry_login *login, char **ret_path,
                              struct mb_err *err)
{
	struct places places = {0};
	int r;

	list_places(caller, &places);
	if (!places.n)
		return mb_fail(err, ENOENT, "nowhere to keep it: HOME is not set");
	r = save_in(&places.v[0], registry, login, ret_path, err);
	places_done(&places);
	return r;
}

static int remove_in(const struct place *place, const char *registry, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *config = NULL;
	struct mb_registry_helper helper;
	int kept = MB_REGISTRY_NO_LOGIN, written = MB_REGISTRY_NO_LOGIN;
	int r = load_place(place, &config, err);

	if (r != 0)
		return r;
	if (find_helper(place, config, registry, &helper))
		kept = mb_registry_helper_erase(&helper, mb_registry_auths_key(registry), err);
	/* What stands here goes, whatever the helper says. */
	if (mb_registry_auths_remove(config, registry))
		written = write_place(place, config, kept < 0 ? NULL : err);
	if (kept < 0)
		return kept;
	return written == MB_REGISTRY_NO_LOGIN ? kept : written;
}

int mb_registry_authfile_remove(const struct mb_registry_caller *caller, const char *registry,
                                struct mb_err *err)
{
	struct places places = {0};
	int r = MB_REGISTRY_NO_LOGIN;

	list_places(caller, &places);
	if (places.n)
		r = remove_in(&places.v[0], registry, err);
	places_done(&places);
	return r;
}
