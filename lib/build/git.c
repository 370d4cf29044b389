/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/git.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build/address.h"
#include "build/context.h"
#include "build/git_ssh.h"
#include "build/git_watch.h"
#include "build/nobody.h"
#include "build/walk.h"
#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/strv.h"
#include "sys/interrupt.h"
#include "sys/mount.h"
#include "sys/proc.h"

enum { MAX_TEXT = 64 * 1024 };

/* In its own mount namespace the directory is here. */
#define PLACE "/tmp"

struct git {
	int dir_fd;
	bool keep; /* the repository stays in the tree */
	bool is_ssh;
	int agent_pidfd;
	struct mb_build_nobody who;
	struct mb_build_git_watch *watch;
	/* The repository is to know no password: its address is without, and git puts "with" for
	 * "without" as long as it works.  NULL: there is none. */
	char *plain, *with, *without;
};
struct output {
	int fd;
	struct mb_str text;
};

/* --- the child -------------------------------------------------------------------------------- */

static int enter_place(int tree_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), place = -1;
	int r = top < 0 ? mb_fail_sys(err, errno, "cannot open '/'")
	                : mb_sys_mount_setattr(top, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0,
	                                       MS_PRIVATE, true, err);

	if (r < 0)
		return r;
	place = open(PLACE, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", PLACE);
	r = mb_sys_mount_move(tree_fd, place, err);
	if (r == 0 && chdir(PLACE) < 0)
		r = mb_fail_sys(err, errno, "cannot enter '%s'", PLACE);
	return r;
}

/* The uid has changed, and with that the kernel has forgotten whose end is ours too.  Whoever reads
 * what we write is the parent, which has no number in here. */
static int die_with_reader(struct mb_err *err)
{
	struct pollfd p = {.fd = 1};
	int r = mb_sys_proc_die_with_parent(0, err);

	if (r == 0 && poll(&p, 1, 0) != 0)
		r = mb_fail(err, ESRCH, "the parent is gone");
	return r;
}

static void fill_environment(const struct git *git, struct mb_strv *env)
{
	static const char *const passed[] = {"http_proxy", "https_proxy", "no_proxy", "all_proxy",
	                                     "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"};
	const char *certificates = getenv("SSL_CERT_FILE");

	mb_strv_add(env, "PATH=/usr/local/bin:/usr/bin:/bin");
	mb_strv_add(env, "HOME=" PLACE);
	mb_strv_add(env, "LC_ALL=C");
	mb_strv_add(env, "GIT_CONFIG_NOSYSTEM=1");
	mb_strv_add(env, "GIT_CONFIG_GLOBAL=/dev/null");
	mb_strv_add(env, "GIT_TERMINAL_PROMPT=0");
	mb_strv_add(env, "GIT_ASKPASS=/bin/false");
	mb_strv_addf(env, "GIT_ALLOW_PROTOCOL=git:http:https%s", git->is_ssh ? ":ssh" : "");
	if (git->is_ssh)
		mb_build_git_ssh_environment(PLACE, env);
	/* A server that says nothing for so long is none. */
	mb_strv_add(env, "GIT_HTTP_LOW_SPEED_LIMIT=1");
	mb_strv_add(env, "GIT_HTTP_LOW_SPEED_TIME=30");
	mb_strv_add(env, "GIT_WORK_TREE=" PLACE "/tree");
	mb_strv_addf(env, "GIT_DIR=%s", git->keep ? PLACE "/tree/.git" : PLACE "/git");
	if (git->with) {
		mb_strv_add(env, "GIT_CONFIG_COUNT=1");
		mb_strv_addf(env, "GIT_CONFIG_KEY_0=url.%s.insteadOf", git->with);
		mb_strv_addf(env, "GIT_CONFIG_VALUE_0=%s", git->without);
	}
	if (certificates && *certificates)
		mb_strv_addf(env, "GIT_SSL_CAINFO=%s", certificates);
	for (size_t i = 0; i < MB_N(passed); i++)
		if (getenv(passed[i]))
			mb_strv_addf(env, "%s=%s", passed[i], getenv(passed[i]));
}

static int prepare(const struct git *git, int tree_fd, int out, int told, struct mb_err *err)
{
	MB_AUTO_CLOSE int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int r = enter_place(tree_fd, err);

	if (r == 0 && (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(told, 2) < 0))
		r = mb_fail_sys(err, errno, "cannot set descriptors");
	if (r == 0)
		r = mb_sys_proc_close_fds(3, NULL, 0, err);
	if (r == 0)
		r = mb_build_git_watch_limit(git->watch, err);
	if (r == 0)
		r = mb_build_nobody_become(&git->who, err);
	return r < 0 ? r : die_with_reader(err);
}

/* @tree_fd: the directory as a mount that nobody has attached. */
static void __attribute__((noreturn))
run_child(const struct git *git, int tree_fd, const struct mb_strv *args, int out, int told)
{
	struct mb_strv argv = MB_STRV_INIT, env = MB_STRV_INIT;
	struct mb_err err = MB_ERR_INIT;

	mb_sys_proc_reset_signals();
	if (mb_sys_proc_die_with_parent(0, &err) == 0 &&
	    prepare(git, tree_fd, out, told, &err) == 0) {
		mb_strv_add(&argv, "git");
		mb_strv_add(&argv, "-c");
		mb_strv_add(&argv, "core.hooksPath=/dev/null");
		mb_strv_add(&argv, "-c");
		mb_strv_add(&argv, "init.defaultBranch=none");
		/* None of it outlives the build. */
		mb_strv_add(&argv, "-c");
		mb_strv_add(&argv, "core.fsync=none");
		mb_strv_add(&argv, "-c");
		mb_strv_add(&argv, "advice.detachedHead=false");
		mb_strv_add_all(&argv, args);
		fill_environment(git, &env);
		mb_build_nobody_execute(&argv, &env, "git", &err);
	}
	dprintf(2, "%s\n", err.msg);
	_exit(127);
}

/* --- the command ------------------------------------------------------------------------------ */

/* Of lines of progress, each of which takes the place of the one before, the last stays. */
static void add_told(struct mb_str *text, const char *part, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text->len && text->buf[text->len - 1] == '\r' && part[i] != '\n') {
			const char *line = memrchr(text->buf, '\n', text->len);

			text->len = line ? (size_t)(line - text->buf) + 1 : 0;
		}
		if (text->len < MAX_TEXT)
			mb_str_addc(text, part[i]);
	}
}

static bool drain(struct output *o)
{
	char part[4096];
	ssize_t n = read(o->fd, part, sizeof(part));

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	add_told(&o->text, part, (size_t)n);
	return true;
}

static int follow(struct output *out, struct output *told, int pidfd,
                  struct mb_build_git_watch *watch, struct mb_err *err)
{
	MB_AUTO_CLOSE int interrupt = -1;
	bool has_out = true, has_told = true;
	int r = mb_sys_interrupt_open(&interrupt, err);

	while (r == 0 && (has_out || has_told)) {
		struct pollfd p[] = {{.fd = has_out ? out->fd : -1, .events = POLLIN},
		                     {.fd = has_told ? told->fd : -1, .events = POLLIN},
		                     {.fd = interrupt, .events = POLLIN}};

		if (poll(p, MB_N(p), mb_build_git_watch_wait(watch)) < 0 && errno != EINTR)
			r = mb_fail_sys(err, errno, "cannot poll");
		if (p[0].revents || p[1].revents)
			mb_build_git_watch_heard(watch);
		if (p[0].revents)
			has_out = drain(out);
		if (p[1].revents)
			has_told = drain(told);
		if (p[2].revents)
			r = mb_sys_interrupt_check(err);
		if (r == 0)
			r = mb_build_git_watch_look(watch, err);
	}
	if (r < 0)
		mb_sys_proc_signal(pidfd, SIGKILL, NULL);
	return r;
}

/* What was fatal first, or the last line that it told.  ssh tells why before git knows of it. */
static int fail_git(const struct mb_strv *args, const struct mb_str *told, struct mb_err *err)
{
	const char *verb = strcmp(args->v[0], "-C") == 0 ? args->v[2] : args->v[0];
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;
	MB_AUTO_FREE char *bare = NULL, *safe = NULL;
	const char *last = "";

	mb_strv_split(&lines, mb_str_text(told), '\n');
	for (size_t i = 0; i < lines.n && !mb_starts_with(last, "fatal: "); i++) {
		lines.v[i][strcspn(lines.v[i], "\r")] = '\0';
		if (*lines.v[i] &&
		    !(*last && !mb_starts_with(last, "remote: ") &&
		      strcmp(lines.v[i], "fatal: Could not read from remote repository.") == 0))
			last = lines.v[i];
		else if (*lines.v[i])
			break;
	}
	last = mb_starts_with(last, "fatal: ") ? last + strlen("fatal: ") : last;
	bare = mb_redact(last);
	safe = mb_printable(bare);
	return mb_fail(err, EIO, "git %s: %.300s", verb, *safe ? safe : "failed");
}

static int run_git(const struct git *git, const struct mb_strv *args, struct mb_str *ret_out,
                   struct mb_err *err)
{
	struct mb_sys_clone how = MB_SYS_CLONE_INIT;
	struct output out = {.fd = -1}, told = {.fd = -1};
	MB_AUTO_CLOSE int pidfd = -1, tree = -1;
	int a[2], b[2], code = 0, r;
	pid_t pid;

	r = mb_sys_mount_clone(git->dir_fd, "", false, &tree, err);
	if (r < 0)
		return r;
	if (pipe2(a, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot make a pipe");
	if (pipe2(b, O_CLOEXEC) < 0) {
		mb_close(&a[0]);
		mb_close(&a[1]);
		return mb_fail_sys(err, errno, "cannot make a pipe");
	}
	/* Whatever it starts ends with it. */
	how.flags = CLONE_NEWNS | CLONE_NEWPID;
	r = mb_sys_proc_clone(&how, &pid, &pidfd, err);
	if (r == 0 && pid == 0)
		run_child(git, tree, args, a[1], b[1]);
	mb_close(&a[1]);
	mb_close(&b[1]);
	out.fd = a[0];
	told.fd = b[0];
	if (r == 0) {
		int reaped;

		mb_build_git_watch_start(git->watch, pid);
		r = follow(&out, &told, pidfd, git->watch, err);
		reaped = mb_sys_proc_reap(pidfd, &code, r < 0 ? NULL : err);
		r = r < 0 ? r : reaped;
	}
	if (r == 0 && code)
		r = mb_build_git_watch_measure(git->watch, err);
	if (r == 0 && code)
		r = fail_git(args, &told.text, err);
	if (r == 0 && ret_out)
		mb_str_addn(ret_out, mb_str_text(&out.text), out.text.len);
	mb_close(&out.fd);
	mb_close(&told.fd);
	mb_str_done(&out.text);
	mb_str_done(&told.text);
	return r;
}

static int run_words(const struct git *git, const char *line, const char *last,
                     struct mb_str *ret_out, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv args = MB_STRV_INIT;

	mb_strv_split(&args, line, ' ');
	if (last)
		mb_strv_add(&args, last);
	return run_git(git, &args, ret_out, err);
}

/* --- what is fetched -------------------------------------------------------------------------- */

static bool may_be_commit(const char *ref)
{
	size_t n = strlen(ref);

	return n >= 7 && n <= 64 && ref[strspn(ref, "0123456789abcdef")] == '\0';
}

/* What has a name alone; all of it for a commit that the server gives to nobody by its number. */
static int fetch(const struct git *git, const char *ref, struct mb_err *err)
{
	MB_AUTO_FREE char *commit = ref ? mb_asprintf("%s^{commit}", ref) : NULL;
	struct mb_err why = MB_ERR_INIT;
	int r = run_words(git, "fetch -q --progress --depth=1 --no-tags origin", ref ? ref : "HEAD",
	                  NULL, &why);

	if (r == 0)
		return run_words(git, "checkout -q --detach", "FETCH_HEAD", NULL, err);
	if (r == -EIO && ref && may_be_commit(ref)) {
		r = run_words(git, "fetch -q --progress --tags origin",
		              "+refs/heads/*:refs/remotes/origin/*", NULL, err);
		return r < 0 ? r : run_words(git, "checkout -q --detach", commit, NULL, err);
	}
	*err = why;
	return r;
}

static int add_modules(const struct git *git, int dir_fd, struct mb_err *err)
{
	struct stat st;

	if (fstatat(dir_fd, "tree/.gitmodules", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return run_words(git,
	                 "-C " PLACE
	                 "/tree submodule -q update --init --recursive --progress --depth=1",
	                 NULL, NULL, err);
}

static int look(const struct git *git, struct mb_build_git *ret, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
	int64_t seconds;
	int r = run_words(git, "log -1", "--format=%H,%ct", &text, err);

	if (r < 0)
		return r;
	mb_str_text(&text);
	if (text.len && text.buf[text.len - 1] == '\n')
		text.buf[--text.len] = '\0';
	mb_strv_split(&words, mb_str_text(&text), ',');
	if (words.n != 2 || strlen(words.v[0]) >= sizeof(ret->commit) ||
	    mb_parse_i64(words.v[1], &seconds) < 0 || seconds < 0 ||
	    seconds > INT64_MAX / 2000000000)
		return mb_fail(err, EBADMSG, "git log: no commit");
	snprintf(ret->commit, sizeof(ret->commit), "%s", words.v[0]);
	ret->time = seconds * 1000000000;
	return 0;
}

static void split_address(struct git *git, const char *url)
{
	const char *mark = strstr(url, "://"), *user = mark ? mark + strlen("://") : url;
	size_t n = strcspn(user, "/");
	const char *at = mark && user[n] ? memrchr(user, '@', n) : NULL;

	if (!at || git->is_ssh) { /* whose user is no secret */
		git->plain = mb_strdup(url);
		return;
	}
	n += (size_t)(user - url) + 1; /* with the slash: no other host begins like that */
	git->plain = mb_asprintf("%.*s%s", (int)(user - url), url, at + 1);
	git->with = mb_strndup(url, n);
	git->without = mb_strndup(git->plain, n - (size_t)(at + 1 - user));
}

static void git_done(struct git *git)
{
	mb_build_git_ssh_stop(git->dir_fd, &git->agent_pidfd);
	free(git->plain);
	free(git->with);
	free(git->without);
}

static int make_place(const struct git *git, struct mb_err *err)
{
	const struct mb_build_nobody *who = &git->who;
	int fd = git->dir_fd;

	if (mkdirat(fd, "tree", 0755) < 0 || fchownat(fd, "tree", who->uid, who->gid, 0) < 0 ||
	    fchownat(fd, "", who->uid, who->gid, AT_EMPTY_PATH) < 0)
		return mb_fail_sys(err, errno, "cannot make a directory for git");
	return 0;
}

/* Whoever fetched it, it is the same tree. */
static int finish_tree(const struct git *git, int64_t time, struct mb_err *err)
{
	int r = mb_build_walk_own(git->dir_fd, "tree", MB_BUILD_NOBODY, MB_BUILD_NOBODY, err);

	return r < 0 ? r : mb_build_walk_clamp(git->dir_fd, "tree", time, err);
}

int mb_build_git_fetch(int dir_fd, const struct mb_build_address *address,
                       const struct mb_build_context_from *from, struct mb_build_git *ret,
                       struct mb_err *err)
{
	struct mb_build_git_watch watch;
	__attribute__((cleanup(git_done))) struct git git = {
		.dir_fd = dir_fd,
		.keep = from->keep_git,
		.is_ssh = address->is_ssh,
		.agent_pidfd = -1,
		.who = mb_build_nobody_draw(address->is_ssh),
		.watch = &watch};
	const struct mb_build_git_ssh ssh = {.dir_fd = dir_fd,
	                                     .place = PLACE,
	                                     .url = address->url,
	                                     .access = &from->ssh,
	                                     .who = &git.who};
	int r = make_place(&git, err);

	if (r < 0)
		return r;
	mb_build_git_watch_begin(&watch, dir_fd);
	split_address(&git, address->url);
	if (git.is_ssh)
		r = mb_build_git_ssh_start(&ssh, &git.agent_pidfd, err);
	if (r == 0)
		r = run_words(&git, "init -q", NULL, NULL, err);
	if (r == 0)
		r = run_words(&git, "remote add origin", git.plain, NULL, err);
	if (r == 0)
		r = fetch(&git, address->ref, err);
	if (r == 0)
		r = add_modules(&git, dir_fd, err);
	if (r == 0)
		r = mb_build_git_watch_measure(&watch, err);
	if (r == 0)
		r = look(&git, ret, err);
	if (r == 0)
		r = finish_tree(&git, ret->time, err);
	if (r < 0) {
		MB_AUTO_FREE char *shown = mb_redact(address->url);

		return mb_wrap(err, r, "'%s'", shown);
	}
	return 0;
}
