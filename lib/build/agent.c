/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
#include "core/strv.h"
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

static bool pump(int from, int to)
{
	char part[16384];
	ssize_t n = read(from, part, sizeof(part));

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	return mb_write_full(to, part, (size_t)n) == 0;
}

/* One conversation. */
static void __attribute__((noreturn)) lead(int client, const struct sockaddr_un *to)
{
	int agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)mb_sys_proc_die_with_parent(0, NULL);
	if (agent < 0 || connect(agent, (const struct sockaddr *)to, sizeof(*to)) < 0)
		_exit(1);
	for (;;) {
		struct pollfd p[] = {{.fd = client, .events = POLLIN},
		                     {.fd = agent, .events = POLLIN}};

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			_exit(1);
		if ((p[0].revents && !pump(client, agent)) ||
		    (p[1].revents && !pump(agent, client)))
			_exit(0);
	}
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
	MB_AUTO_STRV struct mb_strv options = MB_STRV_INIT;
	MB_AUTO_CLOSE int mount_fd = -1;
	int r;

	mb_strv_add(&options, "mode=0700");
	r = mb_sys_mount_new("tmpfs", &options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &mount_fd,
	                     err);
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
