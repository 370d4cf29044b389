/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "screen/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/str.h"
#include "screen/elf.h"
#include "sys/carried.h"

enum { DRAIN_MS = 1000, END_MS = 3000, END_LOOKS = 300 };

struct mb_screen {
	int sock;
	pid_t pid;
	struct termios before;
	bool is_ready;
};

int mb_screen_open(bool utf8, bool colour, struct mb_screen **ret, struct mb_err *err)
{
	static const char *const kept[] = {"TERM", "LANG", "LC_ALL", "LC_CTYPE", NULL};
	const char *const args[] = {utf8 ? "utf8" : "ascii", colour ? "colour" : "plain", NULL};
	const struct mb_sys_carried program = {
		.name = "mybox-screen",
		.elf = mb_screen_program_elf,
		.elf_size = mb_screen_program_elf_size,
		.socket_type = SOCK_STREAM,
		.place = MB_SCREEN_FD,
		.args = args,
		.environment = kept,
	};
	struct termios before;
	int sock, r;
	pid_t pid;

	if (tcgetattr(STDIN_FILENO, &before) < 0 || !isatty(STDOUT_FILENO))
		return mb_fail(err, ENOTTY, "standard input and output are not a terminal");
	r = mb_sys_carried_start(&program, &sock, &pid, err);
	if (r < 0)
		return r;
	*ret = mb_calloc(1, sizeof(**ret));
	**ret = (struct mb_screen){.sock = sock, .pid = pid, .before = before};
	return 0;
}

/* It does not end while it writes to a terminal that nobody reads.  Return: its status. */
static int await_end(pid_t pid)
{
	const struct timespec pause = {.tv_nsec = END_MS * 1000000L / END_LOOKS};
	int status = 0;

	for (int i = 0; i < END_LOOKS; i++) {
		pid_t ended = waitpid(pid, &status, WNOHANG);

		if (ended == pid || (ended < 0 && errno != EINTR))
			return status;
		nanosleep(&pause, NULL);
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

void mb_screen_free(struct mb_screen *screen)
{
	static const char restore[] = "\033[?1049l\033[?25h\033[0m\r\n";
	struct pollfd terminal = {.fd = STDOUT_FILENO, .events = POLLOUT};
	bool was_killed;
	ssize_t n = 0;

	if (!screen)
		return;
	mb_close(&screen->sock);
	was_killed = WIFSIGNALED(await_end(screen->pid));
	/* One that was killed could not clean up. */
	if (was_killed && poll(&terminal, 1, DRAIN_MS) > 0)
		n = write(STDOUT_FILENO, restore, sizeof(restore) - 1);
	(void)n;
	tcsetattr(STDIN_FILENO, was_killed ? TCSANOW : TCSADRAIN, &screen->before);
	free(screen);
}

int mb_screen_fd(const struct mb_screen *screen)
{
	return screen->sock;
}

bool mb_screen_is_ready(const struct mb_screen *screen)
{
	return screen->is_ready;
}

static int is_gone(struct mb_err *err)
{
	return mb_fail(err, EPIPE, "the program that draws has ended");
}

/* Events are so small that none is ever cut by a stream between two processes. */
int mb_screen_next(struct mb_screen *screen, struct mb_screen_event *ret, struct mb_err *err)
{
	for (;;) {
		ssize_t n = recv(screen->sock, ret, sizeof(*ret), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return MB_SCREEN_NOTHING;
		if (n != sizeof(*ret))
			return is_gone(err);
		switch ((enum mb_screen_kind)ret->kind) {
		case MB_SCREEN_READY:
			screen->is_ready = true;
			continue;
		case MB_SCREEN_KEY:
		case MB_SCREEN_SIZE:
			return 0;
		case MB_SCREEN_NO_LIBRARY:
			return mb_fail(err, ELIBACC,
			               "the library libncursesw.so.6 is missing: install the "
			               "package libncursesw6");
		case MB_SCREEN_NO_TERMINAL:
			return mb_fail(err, ENOTTY,
			               "a terminal of this kind cannot be drawn on (TERM)");
		}
		return is_gone(err);
	}
}

int mb_screen_put(struct mb_screen *screen, const struct mb_str *lines, struct mb_err *err)
{
	uint32_t size = (uint32_t)lines->len;

	if (lines->len > MB_SCREEN_MAX_FRAME)
		return mb_fail(err, E2BIG, "the terminal is too large");
	screen->is_ready = false;
	if (mb_write_full(screen->sock, &size, sizeof(size)) < 0 ||
	    mb_write_full(screen->sock, mb_str_text(lines), lines->len) < 0)
		return is_gone(err);
	return 0;
}
