/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A monitor under test: the real program with a shell as process 1, in directories of its own. */
#ifndef MB_TESTS_MONITOR_BOX_H
#define MB_TESTS_MONITOR_BOX_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/sock.h"
#include "core/str.h"
#include "monitor/client.h"

struct box {
	char path[64], exe[128];
	int container, run, runroot; /* directories */
	int sock;
	pid_t monitor;
	int fds[MB_MONITOR_SLOT_N_];
	struct mb_monitor_setup setup;
};

static inline char *box_read(int dirfd, const char *name)
{
	struct mb_str text = MB_STR_INIT;

	if (mb_read_file(dirfd, name, 64 << 20, &text, NULL) < 0) {
		mb_str_done(&text);
		return NULL;
	}
	return mb_str_take(&text);
}

static inline void box_write_exe(struct box *b)
{
	FILE *f;

	snprintf(b->exe, sizeof(b->exe), "%s/mybox", b->path);
	f = fopen(b->exe, "we");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\necho \"$@\" > %s/became.new\nmv %s/became.new %s/became\n", b->path,
	        b->path, b->path);
	fclose(f);
	assert_int_equal(chmod(b->exe, 0700), 0);
}

static inline int box_dir(struct box *b, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", b->path, name);
	assert_int_equal(mkdir(path, 0700), 0);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static inline void box_init(struct box *b)
{
	memset(b, 0, sizeof(*b));
	for (size_t i = 0; i < MB_N(b->fds); i++)
		b->fds[i] = -1;
	snprintf(b->path, sizeof(b->path), "/tmp/mybox-test-monitor-XXXXXX");
	assert_non_null(mkdtemp(b->path));
	b->container = box_dir(b, "container");
	b->run = box_dir(b, "run");
	b->runroot = box_dir(b, "runroot");
	box_write_exe(b);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static inline int box_image(void)
{
	static int image = -1;
	MB_AUTO_STR struct mb_str elf = MB_STR_INIT;

	if (image < 0) {
		assert_int_equal(mb_read_file(AT_FDCWD, MB_MONITOR_ELF_PATH, 4 << 20, &elf, NULL),
		                 0);
		assert_int_equal(mb_monitor_image_open(elf.buf, elf.len, &image, NULL), 0);
	}
	return image;
}

/* Fork M' with @script as its child; @stdio are the child's. */
static inline void box_fork(struct box *b, const char *script, const int stdio[3])
{
	int image = box_image(), pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	b->monitor = fork();
	assert_true(b->monitor >= 0);
	if (b->monitor == 0) {
		pid_t child;

		setsid();
		child = fork();
		if (child == 0) {
			setsid();
			for (int i = 0; i < 3; i++)
				dup2(stdio[i], i);
			execl("/bin/sh", "sh", "-c", script, NULL);
			_exit(127);
		}
		mb_monitor_image_exec(image, pair[1], child, "c0ffee", NULL);
		_exit(126);
	}
	close(pair[1]);
	b->sock = pair[0];
}

/* Start @script with pipes; @flags of setup.  With @with_stdin the monitor has the write end. */
static inline void box_start(struct box *b, const char *script, unsigned flags, bool with_stdin)
{
	int in[2], out[2], err[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	box_fork(b, script, (int[]){in[0], out[1], err[1]});
	close(in[0]);
	close(out[1]);
	close(err[1]);
	b->fds[MB_MONITOR_SLOT_CONTAINER] = b->container;
	b->fds[MB_MONITOR_SLOT_RUN] = b->run;
	b->fds[MB_MONITOR_SLOT_RUNROOT] = b->runroot;
	b->fds[MB_MONITOR_SLOT_STDIN] = with_stdin ? in[1] : -1;
	b->fds[MB_MONITOR_SLOT_STDOUT] = out[0];
	b->fds[MB_MONITOR_SLOT_STDERR] = err[0];
	assert_int_equal(mb_sock_listen(b->run, "monitor.sock", SOCK_SEQPACKET,
	                                &b->fds[MB_MONITOR_SLOT_CONTROL], NULL),
	                 0);
	b->setup.flags = flags;
	b->setup.foreground_streams = MB_MONITOR_STDOUT | MB_MONITOR_STDERR;
	snprintf(b->setup.exe, sizeof(b->setup.exe), "%s", b->exe);
	snprintf(b->setup.root, sizeof(b->setup.root), "/root/of");
	snprintf(b->setup.run, sizeof(b->setup.run), "/run/of");
	assert_int_equal(mb_monitor_send_setup(b->sock, &b->setup, b->fds, NULL), 0);
	assert_int_equal(mb_monitor_await_ready(b->sock, NULL), 0);
	close(in[1]);
	for (size_t i = MB_MONITOR_SLOT_CONTROL; i < MB_MONITOR_SLOT_N_; i++)
		if (i != MB_MONITOR_SLOT_STDIN)
			mb_close(&b->fds[i]);
}

static inline int box_wait_monitor(struct box *b)
{
	int status = -1;

	mb_close(&b->sock);
	alarm(20);
	assert_int_equal(waitpid(b->monitor, &status, 0), b->monitor);
	alarm(0);
	return status;
}

static inline void box_touch(struct box *b, const char *name)
{
	MB_AUTO_CLOSE int dir = open(b->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MB_AUTO_CLOSE int fd = openat(dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
}

static inline int box_connect(struct box *b)
{
	int sock = -1;

	assert_int_equal(mb_monitor_connect(b->run, &sock, NULL), 0);
	return sock;
}

/* Until the monitor reads no more of the output: nobody takes it. */
static inline void box_await_pressure(struct box *b)
{
	MB_AUTO_CLOSE int sock = box_connect(b);
	uint64_t last = 0;

	for (int same = 0; same < 5; usleep(3000)) {
		struct mb_monitor_info info;

		assert_int_equal(mb_monitor_info(sock, &info, NULL), 0);
		same = last && info.output_bytes == last ? same + 1 : 0;
		last = info.output_bytes;
	}
}

/* What the monitor became: "--root ... __verb ID\n"; caller frees. */
static inline char *box_became(struct box *b)
{
	MB_AUTO_CLOSE int dir = open(b->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return box_read(dir, "became");
}

static inline void box_done(struct box *b)
{
	char command[128];

	mb_close(&b->sock);
	mb_close(&b->container);
	mb_close(&b->run);
	mb_close(&b->runroot);
	snprintf(command, sizeof(command), "rm -rf %s", b->path);
	assert_int_equal(system(command), 0);
}

/* Receive until EXIT, gathering what stdout and stderr brought. */
static inline struct mb_monitor_exit box_gather(int sock, struct mb_str *out, struct mb_str *err)
{
	static struct mb_monitor_packet packet;

	alarm(20);
	for (;;) {
		assert_int_equal(mb_monitor_receive(sock, &packet, false, NULL), 0);
		if (packet.head.type == MB_MONITOR_EXIT)
			break;
		if (packet.head.type == MB_MONITOR_OUTPUT)
			mb_str_addn(packet.head.stream == MB_MONITOR_STDOUT ? out : err,
			            packet.body.data, packet.head.size);
	}
	alarm(0);
	return packet.body.exit;
}

#endif
