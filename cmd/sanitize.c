/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/sanitize.h"
#include "core/own.h"
#include "core/str.h"

enum { EXIT_REFUSED = 125 };

static void die(const char *line)
{
	ssize_t n = write(STDERR_FILENO, line, strlen(line));

	(void)n;
	_exit(EXIT_REFUSED);
}

static void refuse_privilege_gain(void)
{
	if (getauxval(AT_SECURE) || getuid() != geteuid() || getgid() != getegid())
		die("mybox: refusing to run set-user-id, set-group-id or with file "
		    "capabilities\n");
}

static void open_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		/* lint: banned: these three are for whatever we execute, too */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			_exit(EXIT_REFUSED);
}

/* The shell's <(...) gives /dev/fd/N, and --preserve-fds and LISTEN_FDS mean what they say: then
 * nothing is closed now, and everything at the next exec. */
static bool names_descriptors(int argc, char *const *argv)
{
	const char *pid = getenv("LISTEN_PID");

	for (int i = 1; i < argc; i++)
		if (strstr(argv[i], "/fd/") || mb_starts_with(argv[i], "--preserve-fds"))
			return true;
	return pid && getenv("LISTEN_FDS") && strtol(pid, NULL, 10) == getpid();
}

static void nothing(int sig)
{
	(void)sig;
}

/* Without effect here, and as ever for what we execute: exec resets a handler, but passes on that
 * a signal is ignored. */
static void disregard(int sig)
{
	const struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};

	sigaction(sig, &action, NULL);
}

static void reset_signals(void)
{
	sigset_t none;
	struct sigaction action;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int sig = 1; sig < SIGSYS; sig++) {
		if (sig == SIGKILL || sig == SIGSTOP || sigaction(sig, NULL, &action) < 0)
			continue;
		if (action.sa_handler != SIG_IGN)
			continue;
		if (sig == SIGHUP) /* nohup holds for us, not for a container */
			disregard(sig);
		else
			signal(sig, SIG_DFL);
	}
	/* A reader that went away is an error of write(2), not the end in mid-work. */
	disregard(SIGPIPE);
	disregard(SIGXFSZ);
}

static void reset_limits(void)
{
	static const __rlimit_resource_t kinds[] = {RLIMIT_FSIZE, RLIMIT_AS, RLIMIT_CPU};

	for (size_t i = 0; i < MB_N(kinds); i++) {
		struct rlimit limit;

		if (getrlimit(kinds[i], &limit) < 0 || limit.rlim_cur == limit.rlim_max)
			continue;
		limit.rlim_cur = limit.rlim_max;
		setrlimit(kinds[i], &limit);
	}
#ifndef __SANITIZE_ADDRESS__ /* the leak checker attaches to its own process */
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

static bool variable_is_kept(const char *variable)
{
	static const char *const names[] = {
		"HOME=",          "TERM=",
		"LANG=",          "TZ=",
		"SUDO_UID=",      "SUDO_GID=",
		"SUDO_USER=",     "NO_COLOR=",
		"COLUMNS=",       "XDG_CONFIG_HOME=",
		"DOCKER_CONFIG=", "SSL_CERT_FILE=",
		"SSL_CERT_DIR=",  "http_proxy=",
		"https_proxy=",   "no_proxy=",
		"all_proxy=",     "HTTP_PROXY=",
		"HTTPS_PROXY=",   "NO_PROXY=",
		"ALL_PROXY=",     "LISTEN_PID=",
		"LISTEN_FDS=",    "LISTEN_FDNAMES=",
	};

	for (size_t i = 0; i < MB_N(names); i++)
		if (mb_starts_with(variable, names[i]))
			return true;
	/* Sanitizers have read theirs already. */
	return mb_starts_with(variable, "LC_") || mb_starts_with(variable, "MYBOX_");
}

/* The old array stays as it is and is returned; environ becomes a new one. */
static char *const *filter_environment(void)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char **before = environ, **kept = NULL;
	size_t n = 0, at = 0;

	while (before && before[n])
		n++;
	kept = mb_calloc(n + 2, sizeof(*kept));
	kept[at++] = path;
	for (size_t i = 0; i < n; i++)
		if (variable_is_kept(before[i]))
			kept[at++] = before[i];
	environ = kept;
	return before;
}

char *const *mb_cmd_sanitize(int argc, char *const *argv)
{
	refuse_privilege_gain();
	open_standard_fds();
	close_range(STDERR_FILENO + 1, ~0u,
	            names_descriptors(argc, argv) ? CLOSE_RANGE_CLOEXEC : 0);
	umask(022);
	reset_signals();
	reset_limits();
	return filter_environment();
}
