/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monitor's program itself, from birth to what it becomes. */
#include "box.h"

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static void setup_then_exit(void **state)
{
	struct box b;
	MB_AUTO_FREE char *log = NULL, *doc = NULL, *became = NULL;

	(void)state;
	box_init(&b);
	box_start(&b, "echo one; echo two >&2; printf three; exit 7", 0, false);
	assert_int_equal(box_wait_monitor(&b), 0);
	log = box_read(b.container, "log");
	assert_non_null(strstr(log, "Z stdout F one\n"));
	assert_non_null(strstr(log, "Z stderr F two\n"));
	assert_non_null(strstr(log, "Z stdout P three\n"));
	doc = box_read(b.container, "exit.json");
	assert_non_null(strstr(doc, "\"exit_code\":7,\"oom_killed\":false,"));
	became = box_became(&b);
	assert_string_equal(became, "--root /root/of --runroot /run/of __cleanup c0ffee\n");
	box_done(&b);
}

static void killed_child_gives_128_plus_signal(void **state)
{
	struct box b;
	MB_AUTO_FREE char *doc = NULL;

	(void)state;
	box_init(&b);
	box_start(&b, "kill -9 $$", 0, false);
	box_wait_monitor(&b);
	doc = box_read(b.container, "exit.json");
	assert_non_null(strstr(doc, "\"exit_code\":137,"));
	box_done(&b);
}

/* A kill counts when it is there before the monitor has looked at anything. */
static void memory_that_ran_out_at_once_is_told(void **state)
{
	static const char counted[] = "under_oom 0\noom_kill 3\n";

	(void)state;
	for (uint64_t before = 2; before <= 3; before++) {
		MB_AUTO_STR struct mb_str out = MB_STR_INIT, err = MB_STR_INIT;
		MB_AUTO_FREE char *json = NULL;
		struct mb_monitor_exit told;
		struct box b;

		box_init(&b);
		b.fds[MB_MONITOR_SLOT_OOM] =
			openat(b.run, "oom", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		assert_int_equal(
			mb_write_full(b.fds[MB_MONITOR_SLOT_OOM], counted, sizeof(counted) - 1), 0);
		b.setup.oom_before = before;
		box_start(&b, "kill -9 $$", MB_MONITOR_FOREGROUND, false);
		told = box_gather(b.sock, &out, &err);
		assert_int_equal(told.exit_code, 137);
		assert_int_equal(!!(told.flags & MB_MONITOR_OOM_KILLED), before == 2);
		box_wait_monitor(&b);
		json = box_read(b.container, "exit.json");
		assert_non_null(json);
		assert_non_null(
			strstr(json, before == 2 ? "\"oom_killed\":true" : "\"oom_killed\":false"));
		box_done(&b);
	}
}

static void end_before_setup_kills(void **state)
{
	struct box b;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), hold[2], status;
	char byte;

	(void)state;
	box_init(&b);
	assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
	box_fork(&b, "exec sleep 100", (int[]){null, hold[1], null});
	close(hold[1]);
	status = box_wait_monitor(&b);
	assert_int_equal(WEXITSTATUS(status), 125);
	/* the child has gone too: the pipe's last writer is closed */
	assert_int_equal(read(hold[0], &byte, 1), 0);
	assert_null(box_became(&b));
	close(hold[0]);
	close(null);
	box_done(&b);
}

static void malformed_setup_is_refused(void **state)
{
	struct box b;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct mb_err err = MB_ERR_INIT;
	const int none[MB_MONITOR_SLOT_N_] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};

	(void)state;
	box_init(&b);
	box_fork(&b, "exec sleep 100", (int[]){null, null, null});
	assert_int_equal(mb_monitor_send_setup(b.sock, &b.setup, none, NULL), 0);
	assert_int_equal(mb_monitor_await_ready(b.sock, &err), -EINVAL);
	assert_int_equal(WEXITSTATUS(box_wait_monitor(&b)), 125);
	close(null);
	box_done(&b);
}

static void foreground_gets_all_and_cleans(void **state)
{
	struct box b;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT, err = MB_STR_INIT;
	struct mb_monitor_exit end;

	(void)state;
	box_init(&b);
	box_start(&b,
	          "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done; echo x >&2; exit 3",
	          MB_MONITOR_FOREGROUND | MB_MONITOR_CLEANS | MB_MONITOR_LAZY_EXIT, false);
	box_await_pressure(&b);
	end = box_gather(b.sock, &out, &err);
	assert_int_equal(end.exit_code, 3);
	assert_int_equal(end.flags, MB_MONITOR_YOU_CLEAN);
	assert_string_equal(err.buf, "x\n");
	for (size_t at = 0, i = 0; i < 20000; i++) {
		char line[16];
		size_t n = (size_t)snprintf(line, sizeof(line), "%zu\n", i);

		assert_memory_equal(out.buf + at, line, n);
		at += n;
		assert_true(i < 19999 || at == out.len);
	}
	assert_int_equal(mb_monitor_cleaned(b.sock, NULL), 0);
	assert_int_equal(box_wait_monitor(&b), 0);
	assert_null(box_became(&b));
	assert_int_equal(faccessat(b.container, "exit.json", F_OK, 0), -1);
	box_done(&b);
}

static void foreground_big_output_back_pressure(void **state)
{
	struct box b;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT, err = MB_STR_INIT;
	struct mb_monitor_exit end;

	(void)state;
	box_init(&b);
	box_start(&b, "head -c 20000000 /dev/zero", MB_MONITOR_FOREGROUND | MB_MONITOR_NO_LOG,
	          false);
	box_await_pressure(&b);
	end = box_gather(b.sock, &out, &err);
	assert_int_equal(end.exit_code, 0);
	assert_int_equal(out.len, 20000000);
	box_wait_monitor(&b);
	box_done(&b);
}

static void cleaner_that_dies_is_replaced(void **state)
{
	struct box b;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT, err = MB_STR_INIT;
	MB_AUTO_FREE char *became = NULL;

	(void)state;
	box_init(&b);
	box_start(&b, "exit 3", MB_MONITOR_FOREGROUND | MB_MONITOR_CLEANS | MB_MONITOR_LAZY_EXIT,
	          false);
	box_gather(b.sock, &out, &err);
	box_wait_monitor(&b);
	became = box_became(&b);
	assert_non_null(strstr(became, "__cleanup"));
	assert_int_equal(faccessat(b.container, "exit.json", F_OK, 0), 0);
	box_done(&b);
}

static void tied_container_ends_with_its_foreground(void **state)
{
	struct box b;
	MB_AUTO_FREE char *became = NULL;

	(void)state;
	box_init(&b);
	box_start(&b, "exec sleep 1000",
	          MB_MONITOR_FOREGROUND | MB_MONITOR_CLEANS | MB_MONITOR_LAZY_EXIT |
	                  MB_MONITOR_TIED,
	          false);
	mb_close(&b.sock);
	alarm(20);
	box_wait_monitor(&b);
	alarm(0);
	became = box_became(&b);
	assert_non_null(strstr(became, "__cleanup"));
	box_done(&b);
}

static void stalled_foreground_does_not_hide_the_exit(void **state)
{
	struct box b;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT, err = MB_STR_INIT;
	struct mb_monitor_info info;
	struct mb_monitor_exit end;
	char script[256];
	int waiter;

	(void)state;
	box_init(&b);
	/* many small messages: more than the client's socket takes, and the pipe takes the rest */
	snprintf(script, sizeof(script),
	         "until [ -e %s/go ]; do sleep 0.01; done; "
	         "i=0; while [ $i -lt 4000 ]; do echo; i=$((i+1)); done; exit 5",
	         b.path);
	box_start(&b, script, MB_MONITOR_FOREGROUND, false);
	waiter = box_connect(&b);
	assert_int_equal(mb_monitor_wait_send(waiter, 0, NULL), 0);
	/* Its answer says that the wait has been heard. */
	assert_int_equal(mb_monitor_info(waiter, &info, NULL), 0);
	box_touch(&b, "go");
	end = box_gather(waiter, &out, &err);
	assert_int_equal(end.exit_code, 5);
	end = box_gather(b.sock, &out, &err);
	assert_int_equal(end.exit_code, 5);
	assert_int_equal(out.len, 4000);
	close(waiter);
	box_wait_monitor(&b);
	box_done(&b);
}

static void attach_stdin_and_close(void **state)
{
	struct box b;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT, err = MB_STR_INIT;
	struct mb_monitor_attached attached;
	int first, second, in = -1, none = -1;

	(void)state;
	box_init(&b);
	box_start(&b, "cat; echo done", MB_MONITOR_STDIN_ONCE, true);
	first = box_connect(&b);
	second = box_connect(&b);
	assert_int_equal(mb_monitor_attach(first, 3, MB_MONITOR_WANT_STDIN, &attached, &in, NULL),
	                 0);
	assert_int_equal(attached.has_stdin, 1);
	assert_true(in >= 0);
	assert_int_equal(
		mb_monitor_attach(second, 1, MB_MONITOR_WANT_STDIN, &attached, &none, NULL), 0);
	assert_int_equal(none, -1);
	assert_int_equal(write(in, "hello\n", 6), 6);
	close(in);
	assert_int_equal(mb_monitor_close_stdin(first, NULL), 0);
	box_gather(first, &out, &err);
	assert_string_equal(out.buf, "hello\ndone\n");
	mb_str_reset(&out);
	box_gather(second, &out, &err);
	assert_string_equal(out.buf, "hello\ndone\n");
	close(first);
	close(second);
	box_wait_monitor(&b);
	box_done(&b);
}

static void attach_begins_with_the_tail(void **state)
{
	struct box b;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT, err = MB_STR_INIT;
	struct mb_monitor_attached attached;
	struct stat st;
	int sock, in = -1;

	(void)state;
	box_init(&b);
	box_start(&b, "echo line; printf 'prompt> '; read x; echo got $x", 0, true);
	sock = box_connect(&b);
	do {
		struct mb_monitor_info info;

		usleep(10000);
		assert_int_equal(mb_monitor_info(sock, &info, NULL), 0);
		assert_int_equal(info.state, MB_MONITOR_RUNNING);
		if (info.output_bytes == 13)
			break;
	} while (true);
	assert_int_equal(mb_monitor_attach(sock, 1, MB_MONITOR_WANT_STDIN | MB_MONITOR_WANT_TAIL,
	                                   &attached, &in, NULL),
	                 0);
	assert_int_equal(fstatat(b.container, "log", &st, 0), 0);
	assert_int_equal(attached.log_inode, st.st_ino);
	assert_int_equal(attached.log_offset, st.st_size);
	assert_int_equal(write(in, "it\n", 3), 3);
	close(in);
	box_gather(sock, &out, &err);
	assert_string_equal(out.buf, "prompt> got it\n");
	close(sock);
	box_wait_monitor(&b);
	box_done(&b);
}

static void slow_client_is_dropped(void **state)
{
	struct box b;
	struct mb_monitor_attached attached;
	static struct mb_monitor_packet packet;
	size_t got = 0;
	int sock, r, in = -1;

	(void)state;
	box_init(&b);
	box_start(&b, "read x; head -c 5000000 /dev/zero; exit 4", MB_MONITOR_NO_LOG, true);
	sock = box_connect(&b);
	assert_int_equal(mb_monitor_attach(sock, 1, MB_MONITOR_WANT_STDIN, &attached, &in, NULL),
	                 0);
	assert_int_equal(write(in, "\n", 1), 1);
	assert_int_equal(box_wait_monitor(&b), 0); /* the container never waited for it */
	while ((r = mb_monitor_receive(sock, &packet, false, NULL)) == 0) {
		assert_int_equal(packet.head.type, MB_MONITOR_OUTPUT);
		got += packet.head.size;
	}
	assert_int_equal(r, MB_MONITOR_GONE);
	assert_true(got > 100000 && got < 1000000);
	close(in);
	close(sock);
	box_done(&b);
}

static void restart_after_back_off(void **state)
{
	struct box b;
	MB_AUTO_FREE char *became = NULL, *doc = NULL;

	(void)state;
	box_init(&b);
	b.setup.policy.restart = MB_MONITOR_RESTART_ON_FAILURE;
	b.setup.policy.max = 5;
	b.setup.restarts = 2;
	b.setup.backoff_ms = 100;
	box_start(&b, "exit 1", 0, false);
	box_wait_monitor(&b);
	doc = box_read(b.container, "exit.json");
	assert_non_null(strstr(doc, "\"restarting\":true,\"restarts\":3,\"backoff_ms\":200,"));
	became = box_became(&b);
	assert_non_null(strstr(became, "__restart c0ffee"));
	box_done(&b);
}

static void stopping_in_back_off_ends_it(void **state)
{
	struct box b;
	MB_AUTO_FREE char *became = NULL, *doc = NULL;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_monitor_exit end;
	struct mb_monitor_info info;
	int sock;

	(void)state;
	box_init(&b);
	b.setup.policy.restart = MB_MONITOR_RESTART_ALWAYS;
	b.setup.backoff_ms = 30000;
	box_start(&b, "exit 0", 0, false);
	sock = box_connect(&b);
	assert_int_equal(mb_monitor_wait_send(sock, 0, NULL), 0);
	end = box_gather(sock, &out, &out);
	assert_int_equal(end.flags, MB_MONITOR_RESTARTING);
	assert_int_equal(mb_monitor_info(sock, &info, NULL), 0);
	assert_int_equal(info.state, MB_MONITOR_BACKOFF);
	assert_true(info.restart_nsec - info.finished_nsec == 60000000000ll);
	assert_int_equal(mb_monitor_stopping(sock, true, NULL), 0);
	end = box_gather(sock, &out, &out);
	assert_int_equal(end.flags, 0);
	box_wait_monitor(&b);
	doc = box_read(b.container, "exit.json");
	assert_non_null(strstr(doc, "\"restarting\":false,\"restarts\":0,"));
	became = box_became(&b);
	assert_non_null(strstr(became, "__cleanup"));
	close(sock);
	box_done(&b);
}

static void stopping_before_the_exit(void **state)
{
	struct box b;
	MB_AUTO_FREE char *became = NULL;
	int sock;

	(void)state;
	box_init(&b);
	b.setup.policy.restart = MB_MONITOR_RESTART_ALWAYS;
	box_start(&b, "read x", 0, true);
	sock = box_connect(&b);
	assert_int_equal(mb_monitor_stopping(sock, true, NULL), 0);
	{
		struct mb_monitor_attached attached;
		int in = -1;

		assert_int_equal(
			mb_monitor_attach(sock, 0, MB_MONITOR_WANT_STDIN, &attached, &in, NULL), 0);
		assert_int_equal(write(in, "\n", 1), 1);
		close(in);
	}
	box_wait_monitor(&b);
	became = box_became(&b);
	assert_non_null(strstr(became, "__cleanup"));
	close(sock);
	box_done(&b);
}

static int pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static void guard_kills_unless_released(void **state)
{
	struct box b;
	int sock[2], pidfd[2], status;
	pid_t pid[2];

	(void)state;
	box_init(&b);
	box_start(&b, "read x", 0, true);
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			pause();
			_exit(0);
		}
	}
	for (int i = 0; i < 2; i++) {
		pidfd[i] = pidfd_open(pid[i]);
		sock[i] = box_connect(&b);
		assert_int_equal(mb_monitor_guard_pidfd(sock[i], pidfd[i], NULL), 0);
	}
	assert_int_equal(mb_monitor_release(sock[1], NULL), 0);
	close(sock[0]);
	close(sock[1]);
	alarm(10);
	assert_int_equal(waitpid(pid[0], &status, 0), pid[0]);
	alarm(0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	usleep(50000);
	assert_int_equal(waitpid(pid[1], &status, WNOHANG), 0);
	kill(pid[1], SIGKILL);
	waitpid(pid[1], &status, 0);
	kill(b.monitor, SIGKILL);
	box_wait_monitor(&b);
	close(pidfd[0]);
	close(pidfd[1]);
	box_done(&b);
}

static void console_is_one_stream_and_resizes(void **state)
{
	struct box b;
	MB_AUTO_STR struct mb_str out = MB_STR_INIT, err = MB_STR_INIT;
	struct mb_monitor_attached attached;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave, sock, in = -1;

	(void)state;
	box_init(&b);
	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	box_fork(&b, "read x; stty size; echo e >&2", (int[]){slave, slave, slave});
	close(slave);
	assert_int_equal(mb_sock_listen(b.run, "monitor.sock", SOCK_SEQPACKET,
	                                &b.fds[MB_MONITOR_SLOT_CONTROL], NULL),
	                 0);
	b.fds[MB_MONITOR_SLOT_CONTAINER] = b.container;
	b.fds[MB_MONITOR_SLOT_RUN] = b.run;
	b.fds[MB_MONITOR_SLOT_CONSOLE] = master;
	snprintf(b.setup.exe, sizeof(b.setup.exe), "%s", b.exe);
	assert_int_equal(mb_monitor_send_setup(b.sock, &b.setup, b.fds, NULL), 0);
	assert_int_equal(mb_monitor_await_ready(b.sock, NULL), 0);
	close(master);
	mb_close(&b.fds[MB_MONITOR_SLOT_CONTROL]);
	sock = box_connect(&b);
	assert_int_equal(mb_monitor_attach(sock, 1, MB_MONITOR_WANT_STDIN, &attached, &in, NULL),
	                 0);
	assert_int_equal(attached.is_console, 1);
	assert_int_equal(mb_monitor_resize(sock, 33, 77, NULL), 0);
	{
		struct mb_monitor_info info;
		int other = box_connect(&b);

		/* an answer on another connection tells that the resize was read */
		assert_int_equal(mb_monitor_info(other, &info, NULL), 0);
		close(other);
	}
	usleep(50000);
	assert_int_equal(write(in, "\n", 1), 1);
	box_gather(sock, &out, &err);
	assert_non_null(strstr(out.buf, "33 77\r\n"));
	assert_non_null(strstr(out.buf, "e\r\n"));
	close(in);
	close(sock);
	box_wait_monitor(&b);
	box_done(&b);
}

static void orphans_are_reaped_and_pipe_holders_bounded(void **state)
{
	struct box b;

	(void)state;
	box_init(&b);
	/* the grandchild keeps the pipes open for far longer than the monitor waits */
	box_start(&b, "(sleep 30 & echo $! ); exit 6", 0, false);
	assert_int_equal(box_wait_monitor(&b), 0);
	{
		MB_AUTO_FREE char *doc = box_read(b.container, "exit.json");
		MB_AUTO_FREE char *log = box_read(b.container, "log");
		pid_t pid;

		assert_non_null(strstr(doc, "\"exit_code\":6,"));
		pid = atoi(strrchr(log, ' '));
		assert_true(pid > 1);
		kill(pid, SIGKILL);
	}
	box_done(&b);
}

/* Whoever is none of its helpers would have it wait for a process that is not its child. */
static void execs_of_others_are_refused(void **state)
{
	struct box b;
	int sock;

	(void)state;
	box_init(&b);
	box_start(&b, "read x", 0, true);
	sock = box_connect(&b);
	assert_int_equal(mb_monitor_exec_began(sock, getpid(), "id", NULL), -EPERM);
	close(sock);
	mb_close(&b.fds[MB_MONITOR_SLOT_STDIN]);
	kill(b.monitor, SIGKILL);
	box_wait_monitor(&b);
	box_done(&b);
}

static void junk_messages_end_only_their_connection(void **state)
{
	struct box b;
	struct mb_monitor_head head = {.type = 999};
	static struct mb_monitor_packet packet;
	struct mb_monitor_info info;
	int sock;

	(void)state;
	box_init(&b);
	box_start(&b, "read x", 0, true);
	sock = box_connect(&b);
	assert_int_equal(send(sock, &head, sizeof(head), 0), sizeof(head));
	assert_int_equal(mb_monitor_receive(sock, &packet, false, NULL), 0);
	assert_int_equal(packet.head.type, MB_MONITOR_ERROR);
	assert_int_equal(packet.body.error.code, ENOSYS);
	head = (struct mb_monitor_head){.type = MB_MONITOR_INFO, .size = 77};
	assert_int_equal(send(sock, &head, sizeof(head), 0), sizeof(head));
	assert_int_equal(mb_monitor_receive(sock, &packet, false, NULL), MB_MONITOR_GONE);
	close(sock);
	srand(1);
	for (int i = 0; i < 2000; i++) {
		unsigned char bytes[64];
		size_t n = sizeof(head) + (size_t)(rand() % 40);

		sock = box_connect(&b);
		for (size_t j = 0; j < sizeof(bytes); j++)
			bytes[j] = (unsigned char)rand();
		head.type = (uint16_t)(rand() % 18);
		if (head.type == MB_MONITOR_STOPPING || head.type == MB_MONITOR_POLICY)
			head.type = 0;
		head.size = (uint32_t)(n - sizeof(head));
		memcpy(bytes, &head, sizeof(head));
		assert_int_equal(send(sock, bytes, n, MSG_NOSIGNAL), n);
		close(sock);
	}
	sock = box_connect(&b);
	assert_int_equal(mb_monitor_info(sock, &info, NULL), 0);
	assert_int_equal(info.state, MB_MONITOR_RUNNING);
	close(sock);
	kill(b.monitor, SIGKILL);
	box_wait_monitor(&b);
	box_done(&b);
}

/* A second monitor for a process that is not its child: what an adoption starts. */
static void adopted_process_is_not_killed_and_its_end_is_told(void **state)
{
	struct box b;
	MB_AUTO_FREE char *doc = NULL;
	int pair[2], pidfd, status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	box_init(&b);
	box_image();
	pidfd = pidfd_open(pid);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		b.monitor = fork();
		if (b.monitor == 0) {
			mb_monitor_image_exec(box_image(), pair[1], pid, "c0ffee", NULL);
			_exit(126);
		}
		close(pair[1]);
		b.sock = pair[0];
		if (round == 1)
			break;
		box_wait_monitor(&b); /* the adoption failed */
		assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	}
	b.fds[MB_MONITOR_SLOT_CONTAINER] = b.container;
	b.fds[MB_MONITOR_SLOT_RUN] = b.run;
	b.fds[MB_MONITOR_SLOT_PIDFD] = pidfd;
	snprintf(b.setup.exe, sizeof(b.setup.exe), "%s", b.exe);
	assert_int_equal(mb_monitor_send_setup(b.sock, &b.setup, b.fds, NULL), 0);
	assert_int_equal(mb_monitor_await_ready(b.sock, NULL), 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	box_wait_monitor(&b);
	close(pidfd);
	doc = box_read(b.container, "exit.json");
	/* the kernel tells the code since 6.15 */
	if (!strstr(doc, "\"exit_code\":137,"))
		assert_non_null(strstr(doc, "\"exit_code\":255,"));
	assert_int_equal(strstr(doc, "\"error\":\"the exit code is unknown") != NULL,
	                 strstr(doc, "\"exit_code\":255,") != NULL);
	box_done(&b);
}

static void a_crowd_keeps_nobody_from_stopping(void **state)
{
	struct box b;
	int sock[MB_MONITOR_CLIENTS_STAY], last, stopping;
	struct mb_err err = MB_ERR_INIT;
	struct mb_monitor_attached attached;
	struct mb_monitor_info info;

	(void)state;
	box_init(&b);
	box_start(&b, "exec sleep 100", 0, false);
	mb_close(&b.sock);
	for (size_t i = 0; i < MB_N(sock); i++) {
		sock[i] = box_connect(&b);
		/* Process 1 has the first one open, too, until it becomes its program. */
		do
			assert_int_equal(mb_monitor_info(sock[i], &info, NULL), 0);
		while (i == 0 && info.clients > 1);
		assert_int_equal(mb_monitor_wait_send(sock[i], 0, NULL), 0);
		assert_int_equal(mb_monitor_info(sock[i], &info, NULL), 0);
	}
	last = box_connect(&b);
	assert_int_equal(mb_monitor_attach(last, 1, 0, &attached, NULL, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "too many commands"));
	close(last);
	stopping = box_connect(&b);
	assert_int_equal(mb_monitor_stopping(stopping, true, NULL), 0);
	assert_int_equal(mb_monitor_wait_send(stopping, MB_MONITOR_CLEANS, NULL), 0);
	assert_int_equal(mb_monitor_info(stopping, &info, NULL), 0);
	for (size_t i = 0; i < MB_N(sock); i++)
		close(sock[i]);
	close(stopping);
	kill(b.monitor, SIGKILL);
	kill(info.pid, SIGKILL);
	box_wait_monitor(&b);
	box_done(&b);
}

static void without_descriptors_clients_are_sent_away(void **state)
{
	struct box b;
	int first, more[32], gone = 0;
	struct mb_monitor_info info;
	struct rlimit few = {.rlim_cur = 24, .rlim_max = 24};

	(void)state;
	box_init(&b);
	box_start(&b, "exec sleep 100", 0, false);
	mb_close(&b.sock);
	first = box_connect(&b);
	assert_int_equal(mb_monitor_info(first, &info, NULL), 0);
	assert_int_equal(prlimit(b.monitor, RLIMIT_NOFILE, &few, NULL), 0);
	for (size_t i = 0; i < MB_N(more); i++)
		more[i] = box_connect(&b);
	alarm(60);
	for (size_t i = 0; i < MB_N(more); i++)
		gone += mb_monitor_info(more[i], &info, NULL) == MB_MONITOR_GONE;
	assert_in_range(gone, 1, MB_N(more) - 1);
	assert_int_equal(mb_monitor_info(first, &info, NULL), 0);
	alarm(0);
	for (size_t i = 0; i < MB_N(more); i++)
		close(more[i]);
	close(first);
	kill(b.monitor, SIGKILL);
	kill(info.pid, SIGKILL);
	box_wait_monitor(&b);
	box_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setup_then_exit),
		cmocka_unit_test(killed_child_gives_128_plus_signal),
		cmocka_unit_test(memory_that_ran_out_at_once_is_told),
		cmocka_unit_test(end_before_setup_kills),
		cmocka_unit_test(malformed_setup_is_refused),
		cmocka_unit_test(foreground_gets_all_and_cleans),
		cmocka_unit_test(foreground_big_output_back_pressure),
		cmocka_unit_test(cleaner_that_dies_is_replaced),
		cmocka_unit_test(tied_container_ends_with_its_foreground),
		cmocka_unit_test(stalled_foreground_does_not_hide_the_exit),
		cmocka_unit_test(attach_stdin_and_close),
		cmocka_unit_test(attach_begins_with_the_tail),
		cmocka_unit_test(slow_client_is_dropped),
		cmocka_unit_test(restart_after_back_off),
		cmocka_unit_test(stopping_in_back_off_ends_it),
		cmocka_unit_test(stopping_before_the_exit),
		cmocka_unit_test(guard_kills_unless_released),
		cmocka_unit_test(a_crowd_keeps_nobody_from_stopping),
		cmocka_unit_test(without_descriptors_clients_are_sent_away),
		cmocka_unit_test(console_is_one_stream_and_resizes),
		cmocka_unit_test(orphans_are_reaped_and_pipe_holders_bounded),
		cmocka_unit_test(adopted_process_is_not_killed_and_its_end_is_told),
		cmocka_unit_test(execs_of_others_are_refused),
		cmocka_unit_test(junk_messages_end_only_their_connection),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("monitor/monitor", tests, NULL, NULL);
}
