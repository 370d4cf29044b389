/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/str.h"
#include "net/cni.h"
#include "sys/proc.h"
#include "json/json.h"

/* Debian's, the one that all others' packages use, and Fedora's. */
static const char *const folders[] = {"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"};
#define FOLDERS "/usr/lib/cni:/opt/cni/bin:/usr/libexec/cni"
enum { OUTPUT_LIMIT = 1 << 20, ENV_MAX = 8 };

int mb_net_cni_plugin_find(const char *type, char **ret_path, struct mb_err *err)
{
	for (size_t i = 0; i < MB_N(folders); i++) {
		MB_AUTO_FREE char *path = mb_asprintf("%s/%s", folders[i], type);

		if (faccessat(AT_FDCWD, path, X_OK, 0) < 0)
			continue;
		*ret_path = mb_take_ptr(&path);
		return 0;
	}
	return mb_fail(err, ENOENT, "plugin '%s' is in none of %s", type, FOLDERS);
}

/* Standard input, output and error: files of memory, so that nobody waits for anybody. */
struct streams {
	int fd[3];
};

static void streams_done(struct streams *s)
{
	for (size_t i = 0; i < MB_N(s->fd); i++)
		mb_close(&s->fd[i]);
}

static int make_streams(const char *config, struct streams *ret, struct mb_err *err)
{
	for (size_t i = 0; i < MB_N(ret->fd); i++) {
		ret->fd[i] = memfd_create("cni", MFD_CLOEXEC);
		if (ret->fd[i] < 0)
			return mb_fail_sys(err, errno, "cannot make a file in memory");
	}
	if (mb_write_full(ret->fd[0], config, strlen(config)) < 0 ||
	    lseek(ret->fd[0], 0, SEEK_SET) < 0)
		return mb_fail_sys(err, errno, "cannot write to a file in memory");
	return 0;
}

/* Nothing of the caller's environment: what a plugin does is to depend on its configuration. */
static void fill_environment(const struct mb_net_cni_call *c, char *env[ENV_MAX])
{
	size_t n = 0;

	env[n++] = mb_strdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	env[n++] = mb_strdup("CNI_PATH=" FOLDERS);
	env[n++] = mb_asprintf("CNI_COMMAND=%s", c->command);
	env[n++] = mb_asprintf("CNI_CONTAINERID=%s", c->container_id);
	env[n++] = mb_asprintf("CNI_NETNS=%s", c->netns);
	env[n++] = mb_asprintf("CNI_IFNAME=%s", c->ifname);
	env[n] = NULL;
}

/* In a group of its own, so that what it starts can be ended with it, and no key of the terminal
 * reaches it. */
static void __attribute__((noreturn))
become_plugin(const struct mb_net_cni_call *c, const struct streams *s, pid_t parent)
{
	char *argv[] = {mb_strdup(c->path), NULL}, *env[ENV_MAX];

	fill_environment(c, env);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	for (int i = 0; i < 3; i++)
		if (dup2(s->fd[i], i) < 0)
			_exit(126);
	mb_sys_proc_cloexec_fds(3, NULL, 0, NULL);
	mb_sys_proc_reset_signals();
	umask(022);
	if (chdir("/") == 0)
		execve(c->path, argv, env);
	dprintf(STDERR_FILENO, "%s\n", strerror(errno));
	_exit(127);
}

static int run(const struct mb_net_cni_call *c, const struct streams *s, int *ret_code,
               struct mb_err *err)
{
	const struct mb_sys_clone how = MB_SYS_CLONE_INIT;
	MB_AUTO_CLOSE int pidfd = -1;
	pid_t self = getpid(), pid;
	int r = mb_sys_proc_clone(&how, &pid, &pidfd, err), waited;

	if (r < 0)
		return r;
	if (pid == 0)
		become_plugin(c, s, self);
	waited = mb_sys_proc_wait(pidfd, c->timeout_ms, err);
	if (waited) {
		kill(-pid, SIGKILL);
		(void)mb_sys_proc_signal(pidfd, SIGKILL, NULL);
	}
	r = mb_sys_proc_reap(pidfd, ret_code, waited < 0 ? NULL : err);
	if (waited == MB_SYS_PROC_TIMEOUT)
		return mb_fail(err, ETIMEDOUT, "it did not end within %d seconds",
		               c->timeout_ms / 1000);
	return waited < 0 ? waited : r;
}

static char *read_back(int fd)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	if (lseek(fd, 0, SEEK_SET) < 0 || mb_read_fd(fd, OUTPUT_LIMIT, &text, NULL) < 0)
		return mb_strdup("");
	return mb_str_take(&text);
}

/* A plugin writes {"msg": ..., "details": ...}; one that cannot, lines of errors. */
static int tell(const char *out, char *lines, int code, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	size_t len = strlen(lines);
	const char *msg, *details, *last;

	if (mb_json_parse_object(out, strlen(out), &o, NULL) == 0) {
		msg = mb_json_find_str(o, "msg", "");
		details = mb_json_find_str(o, "details", "");
		if (*msg)
			return mb_fail(err, EPROTO, "%s%s%s", msg, *details ? ": " : "", details);
	}
	while (len && strchr("\r\n", lines[len - 1]))
		lines[--len] = '\0';
	last = strrchr(lines, '\n');
	if (len)
		return mb_fail(err, EPROTO, "%s", last ? last + 1 : lines);
	return mb_fail(err, EPROTO, "exit code %d", code);
}

int mb_net_cni_call(const struct mb_net_cni_call *c, char **ret_result, struct mb_err *err)
{
	__attribute__((cleanup(streams_done))) struct streams s = {.fd = {-1, -1, -1}};
	MB_AUTO_FREE char *out = NULL, *lines = NULL;
	int code = 0, r = make_streams(c->config, &s, err);

	if (r == 0)
		r = run(c, &s, &code, err);
	if (r == 0) {
		out = read_back(s.fd[1]);
		lines = read_back(s.fd[2]);
		if (code != 0)
			r = tell(out, lines, code, err);
	}
	if (r < 0)
		return mb_wrap(err, r, "%s of plugin '%s' failed", c->command, c->plugin);
	*ret_result = mb_take_ptr(&out);
	return 0;
}
