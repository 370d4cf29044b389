/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <sys/socket.h>

#include "core/err.h"
#include "core/own.h"
#include "core/sock.h"

static void make_pair(int type, int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
}

static void listen_connect_and_replace(void **state)
{
	UNIT_DIR dir;
	MB_AUTO_CLOSE int server = -1, again = -1, client = -1, peer = -1;
	struct mb_err err = MB_ERR_INIT;
	struct stat st;
	char name[101];

	(void)state;
	unit_dir_init(&dir);
	assert_int_equal(mb_sock_connect(dir.fd, "s", SOCK_SEQPACKET, &client, &err), -ENOENT);
	assert_int_equal(mb_sock_listen(dir.fd, "s", SOCK_SEQPACKET, &server, &err), 0);
	assert_int_equal(fstatat(dir.fd, "s", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(fcntl(server, F_GETFD) & FD_CLOEXEC);
	mb_close(&server);
	assert_int_equal(mb_sock_connect(dir.fd, "s", SOCK_SEQPACKET, &client, &err),
	                 -ECONNREFUSED);
	assert_int_equal(mb_sock_listen(dir.fd, "s", SOCK_SEQPACKET, &again, &err), 0);
	assert_int_equal(mb_sock_connect(dir.fd, "s", SOCK_SEQPACKET, &client, &err), 0);
	peer = accept4(again, NULL, NULL, SOCK_CLOEXEC);
	assert_true(peer >= 0);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(mb_sock_listen(dir.fd, name, SOCK_SEQPACKET, &server, &err),
	                 -ENAMETOOLONG);
}

static void descriptors_cross(void **state)
{
	int pair[2], fds[MB_SOCK_MAX_FDS], got[MB_SOCK_MAX_FDS], ends[2];
	unsigned before = unit_count_fds();
	size_t n = 0, n_fds = 0;
	char text[8];

	(void)state;
	make_pair(SOCK_SEQPACKET, pair);
	assert_int_equal(pipe(ends), 0);
	for (size_t i = 0; i < N(fds); i++)
		fds[i] = ends[1];
	assert_int_equal(mb_sock_send(pair[0], "hello", 5, fds, N(fds)), 0);
	assert_int_equal(mb_sock_receive(pair[1], text, sizeof(text), &n, got, N(got), &n_fds), 0);
	assert_int_equal(n, 5);
	assert_int_equal(n_fds, MB_SOCK_MAX_FDS);
	for (size_t i = 0; i < n_fds; i++) {
		assert_true(fcntl(got[i], F_GETFD) & FD_CLOEXEC);
		assert_int_equal(write(got[i], "x", 1), 1);
		close(got[i]);
	}
	assert_int_equal(mb_sock_send(pair[0], "x", 1, fds, MB_SOCK_MAX_FDS + 1), -EINVAL);
	close(ends[0]);
	close(ends[1]);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(unit_count_fds(), before);
}

/* More descriptors than there is room for, and a message that was cut: nothing stays open. */
static void too_much_is_refused_and_closed(void **state)
{
	int pair[2], fds[3] = {0, 1, 2}, got[2];
	size_t n, n_fds;
	unsigned before;
	char text[4];

	(void)state;
	make_pair(SOCK_SEQPACKET, pair);
	before = unit_count_fds();
	assert_int_equal(mb_sock_send(pair[0], "x", 1, fds, 3), 0);
	assert_int_equal(mb_sock_receive(pair[1], text, sizeof(text), &n, got, 2, &n_fds),
	                 -EMSGSIZE);
	assert_int_equal(unit_count_fds(), before);
	assert_int_equal(mb_sock_send(pair[0], "x", 1, fds, 3), 0);
	assert_int_equal(mb_sock_receive(pair[1], text, sizeof(text), &n, NULL, 0, NULL),
	                 -EMSGSIZE);
	assert_int_equal(unit_count_fds(), before);
	assert_int_equal(mb_sock_send(pair[0], "12345", 5, fds, 2), 0);
	assert_int_equal(mb_sock_receive(pair[1], text, sizeof(text), &n, got, 2, &n_fds),
	                 -EMSGSIZE);
	assert_int_equal(unit_count_fds(), before);
	close(pair[0]);
	close(pair[1]);
}

static void the_end_is_zero_bytes(void **state)
{
	int pair[2];
	size_t n = 99, n_fds = 99;
	char text[4];

	(void)state;
	make_pair(SOCK_SEQPACKET, pair);
	close(pair[0]);
	assert_int_equal(mb_sock_receive(pair[1], text, sizeof(text), &n, NULL, 0, &n_fds), 0);
	assert_int_equal(n, 0);
	assert_int_equal(n_fds, 0);
	/* No SIGPIPE either. */
	assert_int_equal(mb_sock_send(pair[1], "x", 1, NULL, 0), -EPIPE);
	close(pair[1]);
	make_pair(SOCK_SEQPACKET | SOCK_NONBLOCK, pair);
	assert_int_equal(mb_sock_receive(pair[1], text, sizeof(text), &n, NULL, 0, NULL), -EAGAIN);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listen_connect_and_replace),
		cmocka_unit_test(descriptors_cross),
		cmocka_unit_test(too_much_is_refused_and_closed),
		cmocka_unit_test(the_end_is_zero_bytes),
	};

	return cmocka_run_group_tests_name("core/sock", tests, NULL, NULL);
}
