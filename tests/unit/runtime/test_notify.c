/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A filter that asks somebody: the listener arrives with the state, and the answer is obeyed. */
#include "box.h"

#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "core/sock.h"
#include "runtime/hooks.h"
#include "json/json.h"

static int listen_fd = -1;

static void give_profile(struct box *b)
{
	MB_AUTO_FREE char *text = mb_asprintf(
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"%s/agent\","
		"\"listenerMetadata\":\"m=1\",\"syscalls\":[{\"names\":[\"mkdir\",\"mkdirat\"],"
		"\"action\":\"SCMP_ACT_NOTIFY\"}]}",
		dir);

	assert_int_equal(mb_json_parse(text, strlen(text), &b->spec.linux.seccomp, NULL), 0);
	mb_kv_set(&b->spec.annotations, "k", "v");
	b->req.bundle = dir;
	(void)unlinkat(dir_fd, "agent", 0);
	mb_close(&listen_fd);
	assert_int_equal(mb_sock_listen(dir_fd, "agent", SOCK_STREAM, &listen_fd, NULL), 0);
}

/* The agent's side.  Return: the listener. */
static int take_listener(struct json_object **ret_state)
{
	MB_AUTO_CLOSE int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	char first[4096];
	size_t n = 0, n_fds = 0;
	int listener = -1;

	assert_true(fd >= 0);
	assert_int_equal(mb_sock_receive(fd, first, sizeof(first), &n, &listener, 1, &n_fds), 0);
	assert_int_equal(n_fds, 1);
	mb_str_addn(&text, first, n);
	assert_int_equal(mb_read_fd(fd, 1 << 16, &text, NULL), 0); /* to its end */
	assert_int_equal(mb_json_parse(mb_str_text(&text), text.len, ret_state, NULL), 0);
	return listener;
}

static void answer(int listener, int error)
{
	struct seccomp_notif ask;
	struct seccomp_notif_resp say = {.error = -error};

	memset(&ask, 0, sizeof(ask));
	assert_int_equal(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &ask), 0);
	say.id = ask.id;
	assert_int_equal(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &say), 0);
}

static void the_agent_decides(void **state)
{
	MB_AUTO(mb_json_free) struct json_object *got = NULL;
	struct box *b = *state;
	MB_AUTO_CLOSE int listener = -1;
	struct json_object *inner;
	pid_t pid;

	NEEDS_ROOT;
	give_profile(b);
	script(b, "mkdir /asked 2>&1; echo $?");
	if (start(b) < 0)
		fail_msg("%s", b->err.msg);
	pid = b->ready.pid;
	listener = take_listener(&got);
	answer(listener, EXDEV);
	(void)finish(b);
	assert_string_equal(
		mb_str_text(&b->out),
		"mkdir: can't create directory '/asked': Invalid cross-device link\n1\n");
	assert_int_equal(mb_json_find_i64(got, "pid", 0), pid);
	assert_string_equal(mb_json_find_str(got, "metadata", ""), "m=1");
	inner = mb_json_find(got, "state");
	assert_string_equal(mb_json_find_str(inner, "status", ""), "creating");
	assert_string_equal(mb_json_find_str(inner, "id", ""), "test");
	assert_string_equal(mb_json_find_str(inner, "bundle", ""), dir);
	assert_int_equal(mb_json_find_i64(inner, "pid", 0), pid);
}

static void an_exec_is_asked_about_too(void **state)
{
	MB_AUTO(mb_json_free) struct json_object *first = NULL, *got = NULL;
	struct box *b = *state;
	MB_AUTO_CLOSE int one = -1, two = -1;
	pid_t agent;
	int code = -1;

	NEEDS_ROOT;
	give_profile(b);
	script(b, "sleep 100");
	if (start(b) < 0)
		fail_msg("%s", b->err.msg);
	one = take_listener(&first);
	agent = fork();
	if (agent == 0) {
		two = take_listener(&got);
		answer(two, EPERM);
		_exit(mb_json_find_i64(got, "pid", 0) == b->ready.pid ||
		      mb_json_find_i64(mb_json_find(got, "state"), "pid", 0) != b->ready.pid);
	}
	if (run_exec(b, "mkdir /asked 2>/dev/null; echo $?", &code) < 0)
		fail_msg("%s", b->err.msg);
	assert_string_equal(mb_str_text(&b->out), "1\n");
	assert_int_equal(waitpid(agent, &code, 0), agent);
	assert_int_equal(code, 0);
}

static void without_an_agent_there_is_no_start(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	give_profile(b);
	assert_int_equal(unlinkat(dir_fd, "agent", 0), 0);
	assert_true(start(b) < 0);
	assert_non_null(strstr(b->err.msg, "seccomp listener: "));
	(void)finish(b);
	assert_int_equal(faccessat(dir_fd, "rootfs/asked", F_OK, 0), -1);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_agent_decides),
		T(an_exec_is_asked_about_too),
		T(without_an_agent_there_is_no_start),
	};

	return cmocka_run_group_tests_name("runtime/notify", tests, make_all, unmake_all);
}
