/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/report.h"
#include "cmd/terminal.h"
#include "container/container.h"
#include "container/event.h"
#include "container/life.h"
#include "core/err.h"
#include "core/event.h"
#include "core/io.h"
#include "core/own.h"
#include "monitor/client.h"
#include "store/store.h"
#include "sys/proc.h"

enum {
	INPUT_SIZE = 32 << 10,
	ENDED = 100, /* of a loop, beside MB_CMD_DETACHED and _LOST */
	CUT_OFF,     /* the monitor has gone without a word */
};

struct session {
	const struct mb_container *c;     /* whose it is, or NULL: an exec's */
	struct mb_container_session *far; /* NULL: console and pidfd only */
	int console_fd, pidfd, signal_fd;
	bool sig_proxy, tty;
	bool reading; /* our stdin is open */
	struct mb_cmd_keys keys;
	size_t pending, sent; /* bytes of input on their way */
	int exit_code;
	bool restarting;
};

/* What a session moves: apart, so that nobody pays for its pages before there is something. */
static unsigned char input[INPUT_SIZE + 16];
static struct mb_monitor_packet packet;

/* --- signals ---------------------------------------------------------------------------------- */

static int open_signals(int *ret_fd, struct mb_err *err)
{
	/* What the terminal, the kernel or the program itself means for us alone. */
	static const int ours[] = {SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE, SIGSEGV, SIGBUS,
	                           SIGFPE,  SIGILL,  SIGABRT, SIGTRAP, SIGSYS,  SIGTTIN,
	                           SIGTTOU, SIGTSTP, SIGCONT, SIGURG};
	sigset_t set;
	int fd;

	sigfillset(&set);
	for (size_t i = 0; i < MB_N(ours); i++)
		sigdelset(&set, ours[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return mb_fail_sys(err, errno, "cannot block signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open a signalfd");
	*ret_fd = fd;
	return 0;
}

static void send_size(struct session *s)
{
	struct winsize size;
	MB_EVENT e;

	if (!s->tty || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	if (s->console_fd >= 0)
		ioctl(s->console_fd, TIOCSWINSZ, &size);
	else
		mb_monitor_resize(s->far->sock, size.ws_row, size.ws_col, NULL);
	if (s->c && mb_container_event_begin(s->c, "resize", &e)) {
		mb_event_set_int(&e, "height", size.ws_row);
		mb_event_set_int(&e, "width", size.ws_col);
		mb_event_write(&e, s->c->store->root_fd);
	}
}

/* Return: 0; or why we leave, and our exit code is set. */
static int take_signals(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		int sig = (int)info.ssi_signo;

		if (sig == SIGWINCH)
			send_size(s);
		else if (s->sig_proxy)
			mb_sys_proc_signal(s->pidfd, sig, NULL);
		s->exit_code = 128 + sig;
		if (s->tty && sig == SIGHUP)
			return MB_CMD_LOST;
		if (!s->sig_proxy &&
		    (sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT))
			return MB_CMD_DETACHED;
	}
	s->exit_code = 0;
	return 0;
}

/* --- bytes ------------------------------------------------------------------------------------ */

static int *input_of(struct session *s)
{
	return s->far ? &s->far->stdin_fd : &s->console_fd;
}

static void end_input(struct session *s)
{
	s->reading = false;
	if (!s->far)
		return;
	if (!s->tty) {
		if (s->far->stdin_fd >= 0)
			mb_monitor_close_stdin(s->far->sock, NULL);
		mb_close(&s->far->stdin_fd);
	}
}

static int take_input(struct session *s)
{
	unsigned char typed[INPUT_SIZE];
	ssize_t n = read(STDIN_FILENO, typed, sizeof(typed));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		end_input(s);
		return 0;
	}
	s->sent = 0;
	if (!s->tty) {
		memcpy(input, typed, (size_t)n);
		s->pending = (size_t)n;
		return 0;
	}
	return mb_cmd_keys_feed(&s->keys, typed, (size_t)n, input, &s->pending) ? MB_CMD_DETACHED
	                                                                        : 0;
}

static void give_input(struct session *s)
{
	ssize_t n = write(*input_of(s), input + s->sent, s->pending - s->sent);

	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return;
		/* Nobody reads it any more. */
		s->pending = s->sent = 0;
		end_input(s);
		return;
	}
	s->sent += (size_t)n;
	if (s->sent == s->pending)
		s->pending = s->sent = 0;
}

/* Ours may be set not to wait, by whoever else has it open. */
static int put(int fd, const char *bytes, size_t n, struct mb_err *err)
{
	while (n) {
		ssize_t w = write(fd, bytes, n);
		struct pollfd p = {.fd = fd, .events = POLLOUT};

		if (w < 0 && errno == EAGAIN)
			poll(&p, 1, -1);
		else if (w < 0 && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot write output");
		bytes += w < 0 ? 0 : w;
		n -= w < 0 ? 0 : (size_t)w;
	}
	return 0;
}

/* Return: 0; ENDED; CUT_OFF; or -errno. */
static int take_messages(struct session *s, struct mb_err *err)
{
	for (;;) {
		const struct mb_monitor_packet *p = &packet;
		int r = mb_monitor_receive(s->far->sock, &packet, true, err);

		if (r == MB_MONITOR_AGAIN)
			return 0;
		if (r == MB_MONITOR_GONE)
			return CUT_OFF;
		if (r < 0)
			return r;
		if (p->head.type == MB_MONITOR_OUTPUT) {
			int to =
				p->head.stream == MB_MONITOR_STDERR ? STDERR_FILENO : STDOUT_FILENO;

			r = put(to, p->body.data, p->head.size, err);
			if (r < 0)
				return r;
		} else if (p->head.type == MB_MONITOR_EXIT) {
			s->exit_code = p->body.exit.exit_code;
			s->restarting = p->body.exit.flags & MB_MONITOR_RESTARTING;
			return ENDED;
		} else if (p->head.type == MB_MONITOR_ERROR) {
			return mb_fail(err, p->body.error.code, "%s", p->body.error.msg);
		}
	}
}

/* Return: 0; ENDED at the console's end; or -errno. */
static int take_console(struct session *s, struct mb_err *err)
{
	char bytes[INPUT_SIZE];
	ssize_t n = read(s->console_fd, bytes, sizeof(bytes));

	if (n > 0)
		return put(STDOUT_FILENO, bytes, (size_t)n, err);
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : ENDED;
}

/* --- the loop --------------------------------------------------------------------------------- */

enum { FAR, SIGNALS, NEAR, INPUT, N_POLL };

static void fill_poll(struct session *s, struct pollfd p[N_POLL])
{
	int sink = *input_of(s);
	bool may_read = s->reading && s->pending == 0 && sink >= 0;

	p[FAR] = (struct pollfd){.fd = s->far ? s->far->sock : s->console_fd, .events = POLLIN};
	p[SIGNALS] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
	p[NEAR] = (struct pollfd){.fd = may_read ? STDIN_FILENO : -1, .events = POLLIN};
	p[INPUT] = (struct pollfd){.fd = s->pending ? sink : -1, .events = POLLOUT};
}

static int loop(struct session *s, struct mb_err *err)
{
	for (;;) {
		struct pollfd p[N_POLL];
		int r = 0;

		fill_poll(s, p);
		if (poll(p, N_POLL, -1) < 0) {
			if (errno == EINTR)
				continue;
			return mb_fail_sys(err, errno, "cannot poll");
		}
		if (p[FAR].revents)
			r = s->far ? take_messages(s, err) : take_console(s, err);
		if (r != 0)
			return r == ENDED ? 0 : r;
		if (p[SIGNALS].revents && (r = take_signals(s)))
			return r;
		if (p[INPUT].revents)
			give_input(s);
		if (p[NEAR].revents && take_input(s) == MB_CMD_DETACHED)
			return MB_CMD_DETACHED;
	}
}

static const char *keys_of(const struct mb_cmd_session_options *options)
{
	return options->detach_keys ? options->detach_keys : "ctrl-p,ctrl-q";
}

int mb_cmd_session_check(const struct mb_cmd_session_options *options, struct mb_err *err)
{
	struct mb_cmd_keys keys;

	return mb_cmd_keys_parse(keys_of(options), &keys, err);
}

static void prepare_input(struct session *s)
{
	int fd = *input_of(s);

	s->pending = s->sent = 0;
	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK | fcntl(fd, F_GETFL));
	send_size(s);
}

static int begin(struct session *s, const struct mb_cmd_session_options *options,
                 struct mb_err *err)
{
	int r = mb_cmd_keys_parse(keys_of(options), &s->keys, err);

	s->sig_proxy = options->sig_proxy;
	if (r == 0)
		r = open_signals(&s->signal_fd, err);
	if (r == 0 && s->tty && s->reading && isatty(STDIN_FILENO))
		r = mb_cmd_terminal_raw(STDIN_FILENO, err);
	prepare_input(s);
	return r;
}

/* Between two runs of a container that restarts there is nobody to talk to. */
static int wait_for_next(struct mb_container *c, struct session *s, struct mb_err *err)
{
	struct mb_container_session next = MB_CONTAINER_SESSION_INIT;
	int r;

	do {
		usleep(20000);
		mb_container_refresh(c);
		if (!mb_container_is_running(c)) {
			if (c->state.has_exit)
				s->exit_code = c->state.exit.exit_code;
			return 1;
		}
		r = c->state.status == MB_STATUS_RUNNING
		            ? mb_container_attach(c, MB_MONITOR_STDOUT | MB_MONITOR_STDERR,
		                                  s->far->stdin_fd >= 0, &next, err)
		            : -EAGAIN;
	} while (r != 0);
	mb_container_session_done(s->far);
	*s->far = next;
	s->pidfd = next.pidfd;
	s->restarting = false;
	prepare_input(s);
	return 0;
}

/* What the last monitor did not live to read. */
static void take_rest(struct session *s)
{
	static const int to[] = {STDOUT_FILENO, STDERR_FILENO};

	for (int i = 0; i < 2; i++) {
		int fd = s->far->rest[i];
		ssize_t n;

		if (fd < 0)
			continue;
		fcntl(fd, F_SETFL, O_NONBLOCK | fcntl(fd, F_GETFL));
		while ((n = read(fd, packet.body.data, sizeof(packet.body.data))) > 0)
			if (put(to[i], packet.body.data, (size_t)n, NULL) < 0)
				break;
	}
}

/* A client that was too slow is sent away; only one whose monitor was killed is cut off so. */
static int go_on(struct mb_container *c, struct session *s, struct mb_err *err)
{
	int fd, r;

	mb_container_refresh(c);
	if (!s->far->cleans && mb_container_is_running(c) && !c->state.monitor_lost)
		return mb_fail(err, EPIPE, "the connection to the container was lost");
	r = mb_container_session_recover(c, s->far, &s->exit_code, err);
	if (r < 0)
		return r;
	if (r == MB_CONTAINER_NOT_RUNNING) {
		take_rest(s);
		if (err->code)
			mb_cmd_report(err);
		return ENDED;
	}
	fd = *input_of(s);
	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK | fcntl(fd, F_GETFL));
	send_size(s);
	return 0;
}

static int stay(struct mb_container *c, struct session *s, struct mb_err *err)
{
	int r;

	do {
		r = loop(s, err);
		if (r == CUT_OFF)
			r = go_on(c, s, err);
		else if (r == 0)
			r = s->restarting && wait_for_next(c, s, err) == 0 ? 0 : ENDED;
	} while (r == 0);
	return r == ENDED ? 0 : r;
}

int mb_cmd_session_run(struct mb_container *c, struct mb_container_session *session,
                       const struct mb_cmd_session_options *options, int *ret_code,
                       struct mb_err *err)
{
	struct session s;
	int r;

	s = (struct session){.c = c,
	                     .far = session,
	                     .console_fd = -1,
	                     .pidfd = session->pidfd,
	                     .signal_fd = -1,
	                     .tty = session->tty,
	                     .reading = session->stdin_fd >= 0};
	r = begin(&s, options, err);
	if (r == 0)
		r = stay(c, &s, err);
	if (r == MB_CMD_DETACHED)
		mb_container_event(c, "detach");
	mb_cmd_terminal_restore();
	mb_close(&s.signal_fd);
	*ret_code = s.exit_code;
	return r;
}

int mb_cmd_console_run(int console_fd, int pidfd, const struct mb_cmd_session_options *options,
                       int *ret_code, struct mb_err *err)
{
	struct session s;
	int r;

	s = (struct session){.console_fd = console_fd,
	                     .pidfd = pidfd,
	                     .signal_fd = -1,
	                     .tty = true,
	                     .reading = true};
	r = begin(&s, options, err);
	if (r == 0)
		r = loop(&s, err);
	mb_cmd_terminal_restore();
	mb_close(&s.signal_fd);
	*ret_code = s.exit_code;
	return r == 0 ? mb_sys_proc_reap(pidfd, ret_code, err) : r;
}

/* To all that still run; @ours: not what the terminal sends to them as well. */
static void pass_signals(int signal_fd, const int *pidfds, const bool *ended, size_t n, bool ours)
{
	struct signalfd_siginfo info;

	while (read(signal_fd, &info, sizeof(info)) == sizeof(info))
		for (size_t i = 0; i < n; i++)
			if (!ended[i] && info.ssi_signo != SIGWINCH &&
			    !(ours && info.ssi_code == SI_KERNEL))
				mb_sys_proc_signal(pidfds[i], (int)info.ssi_signo, NULL);
}

int mb_cmd_children_wait(const int *pidfds, size_t n, bool ours, int *ret_codes, struct mb_err *err)
{
	MB_AUTO_FREE struct pollfd *p = mb_calloc(n + 1, sizeof(*p));
	MB_AUTO_FREE bool *ended = mb_calloc(n + 1, sizeof(*ended));
	MB_AUTO_CLOSE int signal_fd = -1;
	int r = open_signals(&signal_fd, err);
	size_t left = 0;

	p[n] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
	for (size_t i = 0; i < n; i++) {
		p[i] = (struct pollfd){.fd = pidfds[i], .events = POLLIN};
		ended[i] = pidfds[i] < 0;
		left += !ended[i];
	}
	while (r == 0 && left) {
		if (poll(p, (nfds_t)n + 1, -1) < 0 && errno != EINTR)
			return mb_fail_sys(err, errno, "cannot poll");
		if (p[n].revents)
			pass_signals(signal_fd, pidfds, ended, n, ours);
		for (size_t i = 0; r == 0 && i < n; i++) {
			if (ended[i] || !p[i].revents)
				continue;
			r = mb_sys_proc_reap(pidfds[i], &ret_codes[i], err);
			ended[i] = true;
			p[i].fd = -1;
			left--;
		}
	}
	return r;
}

int mb_cmd_child_wait(int pidfd, int *ret_code, struct mb_err *err)
{
	return mb_cmd_children_wait(&pidfd, 1, false, ret_code, err);
}
