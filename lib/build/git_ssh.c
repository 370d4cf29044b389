/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/git_ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "build/agent.h"
#include "build/build.h"
#include "build/nobody.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/strv.h"

#define KNOWN_HOSTS "known_hosts"

static int write_known_hosts(const struct mb_build_git_ssh *ssh, struct mb_err *err)
{
	const char *text = ssh->access->known_hosts ? ssh->access->known_hosts : "";
	MB_AUTO_CLOSE int fd = openat(ssh->dir_fd, KNOWN_HOSTS,
	                              O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || fchown(fd, ssh->who->uid, ssh->who->gid) < 0 ||
	    mb_write_full(fd, text, strlen(text)) < 0)
		return mb_fail_sys(err, errno, "cannot write the known hosts");
	return 0;
}

int mb_build_git_ssh_start(const struct mb_build_git_ssh *ssh, int *ret_pidfd, struct mb_err *err)
{
	const struct mb_build_agent_how how = {.ssh = mb_build_ssh_find(ssh->access, "default"),
	                                       .mode = 0600,
	                                       .uid = ssh->who->uid,
	                                       .gid = ssh->who->gid};
	int r;

	if (!how.ssh)
		return mb_fail(err, EINVAL, "git over ssh needs an agent: --ssh default");
	r = write_known_hosts(ssh, err);
	return r < 0 ? r : mb_build_agent_serve(ssh->dir_fd, &how, ret_pidfd, err);
}

void mb_build_git_ssh_environment(const char *place, struct mb_strv *env)
{
	/* Nobody's settings and keys, no questions, and no server that is not known. */
	mb_strv_addf(env,
	             "GIT_SSH_COMMAND=ssh -F none -a -x -o BatchMode=yes -o LogLevel=ERROR"
	             " -o StrictHostKeyChecking=yes -o UpdateHostKeys=no"
	             " -o UserKnownHostsFile=%s/" KNOWN_HOSTS
	             " -o PreferredAuthentications=publickey -o ControlPath=none"
	             " -o ConnectTimeout=30 -o ServerAliveInterval=10",
	             place);
	mb_strv_add(env, "GIT_SSH_VARIANT=ssh");
	mb_strv_addf(env, "SSH_AUTH_SOCK=%s/agent", place);
}

void mb_build_git_ssh_stop(int dir_fd, int *pidfd)
{
	if (*pidfd < 0)
		return;
	mb_build_agent_stop(pidfd);
	unlinkat(dir_fd, "agent", 0);
	unlinkat(dir_fd, KNOWN_HOSTS, 0);
}
