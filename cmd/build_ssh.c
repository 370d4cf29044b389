/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who signs for RUN: an agent of the caller's, or one of the build's own that has his keys. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/flag_spec.h"
#include "build/keyring.h"
#include "cmd/build_input.h"
#include "cmd/context.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "sys/userdb.h"

enum {
	KEY_MAX = 100 * 1024, /* as BuildKit has it */
	KNOWN_HOSTS_MAX = 4 * 1024 * 1024,
};

static int check_key(const char *path, const struct mb_str *key, struct mb_err *err)
{
	enum mb_build_key_kind kind = mb_build_key_kind_of(mb_str_text(key), key->len);

	if (kind == MB_BUILD_KEY_NONE)
		return mb_fail(err, EINVAL, "'%s' is neither an agent's socket nor a private key",
		               path);
	if (kind == MB_BUILD_KEY_ENCRYPTED)
		return mb_fail(err, EOPNOTSUPP,
		               "the key '%s' is encrypted: give an agent that has it", path);
	return 0;
}

static int add_key(struct mb_build_ssh *ssh, const char *path, int fd, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str key = MB_STR_INIT;
	int r;

	/* Once, or copies of it would stay where it grew. */
	mb_str_reserve(&key, KEY_MAX + 1);
	r = mb_read_fd(fd, KEY_MAX, &key, err);
	if (r == 0)
		r = check_key(path, &key, err);
	if (r == 0 && ssh->keyring.pidfd < 0)
		r = mb_build_keyring_start(&ssh->keyring, err);
	if (r == 0) {
		r = mb_build_keyring_add(&ssh->keyring, mb_str_text(&key), key.len, err);
		r = r < 0 ? mb_wrap(err, r, "the key '%s'", path) : 0;
	}
	explicit_bzero(key.buf, key.cap);
	return r;
}

/* A socket, or one key more. */
static int add_path(struct mb_build_ssh *ssh, const char *path, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		return mb_fail_sys(err, errno, "'%s'", path);
	if (ssh->path || (S_ISSOCK(st.st_mode) && ssh->keyring.pidfd >= 0))
		return mb_fail(err, EINVAL, "an agent's socket stands alone");
	if (S_ISSOCK(st.st_mode)) {
		ssh->path = mb_strdup(path);
		return 0;
	}
	r = mb_cmd_build_file_open(path, &fd, err);
	return r < 0 ? r : add_key(ssh, path, fd, err);
}

static int add_spec(const struct mb_build_ssh_spec *spec, struct mb_cmd_build_input *input,
                    struct mb_err *err)
{
	struct mb_build_ssh *ssh;
	int r = 0;

	input->ssh = mb_realloc(input->ssh, (input->n_ssh + 1) * sizeof(*input->ssh));
	ssh = &input->ssh[input->n_ssh++];
	*ssh = (struct mb_build_ssh){.id = mb_strdup(spec->id), .keyring = MB_BUILD_KEYRING_INIT};
	for (size_t i = 0; i < spec->paths.n && r == 0; i++)
		r = add_path(ssh, spec->paths.v[i], err);
	return r;
}

int mb_cmd_build_ssh_add(struct mb_cmd_context *cx, const char *text,
                         struct mb_cmd_build_input *input, struct mb_err *err)
{
	struct mb_build_ssh_spec spec = {0};
	int r = mb_build_ssh_spec_parse(text, mb_cmd_user_env(cx, "SSH_AUTH_SOCK"), &spec, err);

	if (r == 0)
		r = add_spec(&spec, input, err);
	mb_build_ssh_spec_done(&spec);
	return r < 0 ? mb_wrap(err, r, "--ssh %s", text) : 0;
}

/* --- for git ---------------------------------------------------------------------------------- */

/* Of whoever called sudo, if that is how he comes. */
static char *find_home(struct mb_cmd_context *cx)
{
	MB_AUTO_USER struct mb_sys_user user = {0};
	MB_AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *sudo = getenv("SUDO_UID");

	if (sudo && *sudo && root >= 0 &&
	    mb_sys_userdb_resolve(root, sudo, NULL, &user, NULL) == 0 && user.name)
		return mb_strdup(user.home);
	return mb_strdup_or_null(mb_cmd_user_env(cx, "HOME"));
}

void mb_cmd_build_known_hosts_read(struct mb_cmd_context *cx, struct mb_cmd_build_input *input)
{
	MB_AUTO_FREE char *home = input->n_ssh ? find_home(cx) : NULL, *path = NULL;
	struct mb_err *err = &input->known_hosts_err;
	MB_AUTO_CLOSE int fd = -1;
	int r;

	if (!home)
		return;
	path = mb_asprintf("%s/.ssh/known_hosts", home);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			mb_fail_sys(err, errno, "cannot open '%s'", path);
		return;
	}
	r = mb_read_fd(fd, KNOWN_HOSTS_MAX, &input->known_hosts, err);
	if (r < 0)
		mb_wrap(err, r, "'%s'", path);
}

struct mb_build_ssh_access mb_cmd_build_ssh_access(struct mb_cmd_build_input *input)
{
	return (struct mb_build_ssh_access){
		input->ssh, input->n_ssh, mb_str_text(&input->known_hosts),
		input->known_hosts_err.code ? input->known_hosts_err.msg : NULL};
}
