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
#include "core/str.h"
#include "core/strv.h"

#define KNOWN_HOSTS "known_hosts"
#define CONFIG      "config"

static int write_file(const struct mb_build_git_ssh *ssh, const char *name, const char *text,
                      struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = openat(ssh->dir_fd, name,
	                              O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || fchown(fd, ssh->who->uid, ssh->who->gid) < 0 ||
	    mb_write_full(fd, text, strlen(text)) < 0)
		return mb_fail_sys(err, errno, "cannot write '%s' for ssh", name);
	return 0;
}

/* Of "ssh://[USER@]HOST[:PORT]/PATH" or "USER@HOST:PATH", which are sound (address.c). */
char *mb_build_git_ssh_host(const char *url)
{
	const char *rest = mb_skip_prefix(url, "ssh://");
	size_t n;

	rest = rest ? rest : url;
	n = strcspn(rest, "@/");
	rest += rest[n] == '@' ? n + 1 : 0;
	return *rest == '[' ? mb_strndup(rest + 1, strcspn(rest + 1, "]"))
	                    : mb_strndup(rest, strcspn(rest, ":/"));
}

/* Whatever else the repository names, with its modules, is no server that is known, and gets no
 * signature: keys are for the one that the user has named. */
static int write_config(const struct mb_build_git_ssh *ssh, const char *place, struct mb_err *err)
{
	MB_AUTO_FREE char *host = mb_build_git_ssh_host(ssh->url);
	MB_AUTO_FREE char *text = mb_asprintf("Host %s\n"
	                                      "UserKnownHostsFile %s/" KNOWN_HOSTS "\n"
	                                      "IdentityAgent SSH_AUTH_SOCK\n"
	                                      "Host *\n"
	                                      "UserKnownHostsFile /dev/null\n"
	                                      "GlobalKnownHostsFile /dev/null\n"
	                                      "IdentityAgent none\n",
	                                      host, place);

	return write_file(ssh, CONFIG, text, err);
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
	if (ssh->access->problem)
		return mb_fail(err, EIO, "%s", ssh->access->problem);
	r = write_file(ssh, KNOWN_HOSTS, ssh->access->known_hosts ? ssh->access->known_hosts : "",
	               err);
	if (r == 0)
		r = write_config(ssh, ssh->place, err);
	return r < 0 ? r : mb_build_agent_serve(ssh->dir_fd, &how, ret_pidfd, err);
}

void mb_build_git_ssh_environment(const char *place, struct mb_strv *env)
{
	/* Nobody's settings and keys, no questions, and no server that is not known. */
	mb_strv_addf(env,
	             "GIT_SSH_COMMAND=ssh -F %s/" CONFIG " -a -x -o BatchMode=yes -o LogLevel=ERROR"
	             " -o StrictHostKeyChecking=yes -o UpdateHostKeys=no"
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
	unlinkat(dir_fd, CONFIG, 0);
}
