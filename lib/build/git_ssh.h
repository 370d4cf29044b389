/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/git_ssh.h — git over ssh: an agent's socket and known hosts for its ssh. */
#ifndef MB_BUILD_GIT_SSH_H
#define MB_BUILD_GIT_SSH_H

struct mb_build_nobody;
struct mb_build_ssh_access;
struct mb_err;
struct mb_strv;

struct mb_build_git_ssh {
	int dir_fd;
	const char *place; /* as git has it */
	const char *url;
	const struct mb_build_ssh_access *access;
	const struct mb_build_nobody *who; /* git is */
};
/* Put all of it into the directory .dir_fd.  The process behind the socket dies with us; it is the
 * caller's to stop.  -EINVAL, told, when there is no agent "default". */
int mb_build_git_ssh_start(const struct mb_build_git_ssh *ssh, int *ret_pidfd, struct mb_err *err);
/* The host in @url; the caller's. */
char *mb_build_git_ssh_host(const char *url);
/* What git needs to know when that directory is @place. */
void mb_build_git_ssh_environment(const char *place, struct mb_strv *env);
/* Take them away; @pidfd may be -1: there is nothing. */
void mb_build_git_ssh_stop(int dir_fd, int *pidfd);

#endif
