/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "build/build.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "sys/mount.h"
#include "sys/path.h"
#include "sys/proc.h"

enum { LEADERS_MAX = 64 }; /* conversations at once */

static int set_address(const char *path, struct sockaddr_un *ret, struct mb_err *err)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((size_t)snprintf(ret->sun_path, sizeof(ret->sun_path), "%s", path) >=
	    sizeof(ret->sun_path))
		return mb_fail(err, ENAMETOOLONG, "'%s' is too long for a socket", path);
	return 0;
}

const struct mb_build_ssh *mb_build_ssh_find(const struct mb_build_ssh_access *access,
                                             const char *id)
{
	for (size_t i = access->n; i-- > 0;)
		if (strcmp(access->v[i].id, id) == 0)
			return &access->v[i];
	return NULL;
}

/* --- the process ------------------------------------------------------------------------------ */

/* One message: a length of four bytes, a kind, and what belongs to it. */
struct message {
	size_t n; /* with its length */
	unsigned char bytes[4 + MB_BUILD_AGENT_MAX];
};

static bool read_message(int fd, struct message *m)
{
	size_t got, n;

	if (mb_read_full(fd, m->bytes, 4, &got) < 0 || got != 4)
		return false;
	n = (size_t)m->bytes[0] << 24 | (size_t)m->bytes[1] << 16 | (size_t)m->bytes[2] << 8 |
	    m->bytes[3];
	if (!n || n > MB_BUILD_AGENT_MAX || mb_read_full(fd, m->bytes + 4, n, &got) < 0 || got != n)
		return false;
	m->n = 4 + n;
	return true;
}

bool mb_build_agent_may_ask(const unsigned char *bytes, size_t n)
{
	enum { REQUEST_IDENTITIES = 11, SIGN_REQUEST = 13, EXTENSION = 27 };
	static const char bind[] = "\0\0\0\x18session-bind@openssh.com";

	if (!n)
		return false;
	if (bytes[0] == REQUEST_IDENTITIES || bytes[0] == SIGN_REQUEST)
		return true;
	/* It says which server a key is for, and so can only forbid. */
	return bytes[0] == EXTENSION && n > sizeof(bind) - 1 &&
	       memcmp(bytes + 1, bind, sizeof(bind) - 1) == 0;
}

/* One conversation: an answer for each question, in their order. */
static void __attribute__((noreturn)) lead(int client, const struct sockaddr_un *to)
{
	static const unsigned char failure[] = {0, 0, 0, 1, 5};
	static struct message m;
	int agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)mb_sys_proc_die_with_parent(0, NULL);
	if (agent < 0 || connect(agent, (const struct sockaddr *)to, sizeof(*to)) < 0)
		_exit(1);
	while (read_message(client, &m)) {
		int r;

		if (!mb_build_agent_may_ask(m.bytes + 4, m.n - 4))
			r = mb_write_full(client, failure, sizeof(failure));
		else if (mb_write_full(agent, m.bytes, m.n) < 0 || !read_message(agent, &m))
			r = -EIO;
		else
			r = mb_write_full(client, m.bytes, m.n);
		if (r < 0)
			_exit(1);
	}
	_exit(0);
}

/* Those that have ended are known; the others, of which there are too many, are waited for. */
static void reap(unsigned *n)
{
	while (*n && waitpid(-1, NULL, *n < LEADERS_MAX ? WNOHANG : 0) > 0)
		--*n;
}

/* @dir_fd: the address is below it. */
static void __attribute__((noreturn)) serve(int sock, int dir_fd, const struct sockaddr_un *to)
{
	const int kept[] = {sock, dir_fd};
	unsigned n = 0;

	mb_sys_proc_reset_signals();
	signal(SIGPIPE, SIG_IGN);
	if (mb_sys_proc_die_with_parent(0, NULL) < 0 ||
	    mb_sys_proc_close_fds(3, kept, MB_N(kept), NULL) < 0)
		_exit(1);
	for (;;) {
		int client = accept4(sock, NULL, NULL, SOCK_CLOEXEC);
		pid_t pid;

		if (client < 0 && errno != EINTR && errno != ECONNABORTED)
			_exit(1);
		pid = client >= 0 ? fork() : -1;
		if (pid == 0)
			lead(client, to);
		n += pid > 0;
		mb_close(&client);
		reap(&n);
	}
}

/* --- in the build ----------------------------------------------------------------------------- */

static int set_address_below(int dir_fd, const char *path, struct sockaddr_un *ret,
                             struct mb_err *err)
{
	char top[MB_SYS_PATH_FD_TEXT];
	MB_AUTO_FREE char *whole = mb_asprintf("%s/%s", mb_sys_path_of_fd(dir_fd, top), path);

	return set_address(whole, ret, err);
}

static int listen_in(int dir_fd, const struct mb_build_agent_how *how, int *ret_sock,
                     struct mb_err *err)
{
	MB_AUTO_CLOSE int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	int r = set_address_below(dir_fd, "agent", &address, err);

	if (r < 0)
		return r;
	if (sock < 0 || bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fchownat(dir_fd, "agent", how->uid, how->gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(dir_fd, "agent", how->mode, 0) < 0 || listen(sock, 16) < 0)
		return mb_fail_sys(err, errno, "cannot make a socket for ssh");
	*ret_sock = mb_take_fd(&sock);
	return 0;
}

int mb_build_agent_serve(int dir_fd, const struct mb_build_agent_how *how, int *ret_pidfd,
                         struct mb_err *err)
{
	const struct mb_sys_clone clone = MB_SYS_CLONE_INIT;
	const struct mb_build_ssh *ssh = how->ssh;
	int below = ssh->path ? -1 : ssh->keyring.dir_fd;
	MB_AUTO_CLOSE int sock = -1;
	struct sockaddr_un to;
	pid_t pid;
	int r = ssh->path ? set_address(ssh->path, &to, err)
	                  : set_address_below(below, "agent", &to, err);

	if (r == 0)
		r = listen_in(dir_fd, how, &sock, err);
	if (r == 0)
		r = mb_sys_proc_clone(&clone, &pid, ret_pidfd, err);
	if (r == 0 && pid == 0)
		serve(sock, below, &to);
	return r;
}

int mb_build_agent_start(const struct mb_build_agent_how *how, int *ret_mount_fd, int *ret_pidfd,
                         struct mb_err *err)
{
	MB_AUTO_CLOSE int mount_fd = -1;
	int r = mb_sys_mount_private(&mount_fd, err);

	if (r == 0)
		r = mb_build_agent_serve(mount_fd, how, ret_pidfd, err);
	if (r == 0)
		*ret_mount_fd = mb_take_fd(&mount_fd);
	return r;
}

void mb_build_agent_stop(int *pidfd)
{
	int code;

	if (*pidfd < 0)
		return;
	mb_sys_proc_signal(*pidfd, SIGKILL, NULL);
	mb_sys_proc_reap(*pidfd, &code, NULL);
	mb_close(pidfd);
}
