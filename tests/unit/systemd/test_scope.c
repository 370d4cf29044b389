/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scopes, against a process that answers as systemd does. */
#include "../../support/unit.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/err.h"
#include "core/io.h"
#include "core/strv.h"
#include "sys/cgroup.h"
#include "systemd/scope.h"

/* --- the other side --- */

enum answer {
	ANSWER_JOB,       /* the answer, then the job's end */
	ANSWER_JOB_AHEAD, /* the job's end overtakes it */
	ANSWER_FAILED,    /* the job fails */
	ANSWER_EXISTS,    /* once; then as ANSWER_JOB */
	ANSWER_GONE,      /* no such unit */
	ANSWER_SILENCE,   /* and an end of the connection */
	ANSWER_REFUSED,   /* at the door */
};

struct server {
	int fd;
	enum answer answer;
	uint32_t serial;
	bool existed;
	int log;
};

static void say(struct server *s, uint8_t type, uint32_t reply_to, const char *error,
                const char *signature, const struct mb_str *body)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;
	struct mb_systemd_array fields;

	mb_str_addc(&out, 'l');
	mb_str_addc(&out, (char)type);
	mb_str_addc(&out, 0);
	mb_str_addc(&out, 1);
	mb_systemd_put_u32(&out, body ? (uint32_t)body->len : 0);
	mb_systemd_put_u32(&out, ++s->serial);
	fields = mb_systemd_array_begin(&out, 8);
	if (reply_to) {
		mb_str_addc(&out, 5);
		mb_systemd_put_signature(&out, "u");
		mb_systemd_put_u32(&out, reply_to);
		mb_systemd_put_align(&out, 8);
	}
	if (type == MB_SYSTEMD_SIGNAL || error) {
		mb_str_addc(&out, error ? 4 : 3);
		mb_systemd_put_signature(&out, "s");
		mb_systemd_put_string(&out, error ? error : "JobRemoved");
		mb_systemd_put_align(&out, 8);
	}
	if (signature) {
		mb_str_addc(&out, 8);
		mb_systemd_put_signature(&out, "g");
		mb_systemd_put_signature(&out, signature);
	}
	mb_systemd_array_end(&out, fields);
	mb_systemd_put_align(&out, 8);
	if (body)
		mb_str_addn(&out, body->buf, body->len);
	(void)mb_write_full(s->fd, out.buf, out.len);
}

static void say_error(struct server *s, uint32_t to, const char *name)
{
	MB_AUTO_STR struct mb_str body = MB_STR_INIT;

	mb_systemd_put_string(&body, "no \033[31mway");
	say(s, MB_SYSTEMD_ERROR, to, name, "s", &body);
}

static void say_job_ended(struct server *s, const char *job, const char *result)
{
	MB_AUTO_STR struct mb_str body = MB_STR_INIT;

	mb_systemd_put_u32(&body, 1);
	mb_systemd_put_string(&body, job);
	mb_systemd_put_string(&body, "mybox-x.scope");
	mb_systemd_put_string(&body, result);
	say(s, MB_SYSTEMD_SIGNAL, 0, NULL, "uoss", &body);
}

static void serve_job(struct server *s, uint32_t to)
{
	MB_AUTO_STR struct mb_str body = MB_STR_INIT;

	/* Another's job is none of ours. */
	say_job_ended(s, "/job/6", "failed");
	if (s->answer == ANSWER_EXISTS && !s->existed) {
		s->existed = true;
		say_error(s, to, "org.freedesktop.systemd1.UnitExists");
		return;
	}
	if (s->answer == ANSWER_GONE) {
		say_error(s, to, "org.freedesktop.systemd1.NoSuchUnit");
		return;
	}
	if (s->answer == ANSWER_JOB_AHEAD)
		say_job_ended(s, "/job/7", "done");
	mb_systemd_put_string(&body, "/job/7");
	say(s, MB_SYSTEMD_RETURN, to, NULL, "o", &body);
	if (s->answer != ANSWER_JOB_AHEAD)
		say_job_ended(s, "/job/7", s->answer == ANSWER_FAILED ? "failed" : "done");
}

static void serve_one(struct server *s, const struct mb_systemd_message *m)
{
	dprintf(s->log, "%s\n", m->member);
	if (strcmp(m->member, "StartTransientUnit") == 0 || strcmp(m->member, "StopUnit") == 0)
		serve_job(s, m->serial);
	else
		say(s, MB_SYSTEMD_RETURN, m->serial, NULL, NULL, NULL);
}

static void serve(struct server *s)
{
	char line[256] = {0};
	uint8_t bytes[8192];
	size_t n, length;
	ssize_t got;

	/* systemd forgets to look at what it has read behind BEGIN: a message must not be there. */
	got = recv(s->fd, line, sizeof(line) - 1, 0);
	if (got < 1 || strncmp(line + 1, "AUTH EXTERNAL ", 14) != 0)
		_exit(1);
	if (s->answer == ANSWER_REFUSED) {
		(void)mb_write_full(s->fd, "REJECTED EXTERNAL\r\n", 19);
		_exit(0);
	}
	if (!mb_ends_with(line + 1, "\r\nBEGIN\r\n"))
		_exit(1);
	(void)mb_write_full(s->fd, "OK 0123456789abcdef\r\n", 21);
	while (mb_read_full(s->fd, bytes, 16, &n) == 0 && n == 16) {
		struct mb_systemd_message m;

		if (s->answer == ANSWER_SILENCE)
			_exit(0);
		if (mb_systemd_message_length(bytes, &length, NULL) < 0 || length > sizeof(bytes) ||
		    mb_read_full(s->fd, bytes + 16, length - 16, &n) < 0 ||
		    mb_systemd_message_parse(bytes, length, &m, NULL) < 0)
			_exit(1);
		serve_one(s, &m);
	}
	_exit(0);
}

struct fixture {
	pid_t pid;
	int log;
	struct mb_systemd_bus *bus;
	struct mb_err err;
};

static int begin(struct fixture *f, enum answer answer, bool is_direct)
{
	int fds[2], log[2];

	*f = (struct fixture){.log = -1};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(pipe(log), 0);
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (f->pid == 0) {
		struct server s = {.fd = fds[1], .answer = answer, .log = log[1]};

		close(fds[0]);
		close(log[0]);
		serve(&s);
	}
	close(fds[1]);
	close(log[1]);
	f->log = log[0];
	return mb_systemd_bus_open_fd(fds[0], is_direct, &f->bus, &f->err);
}

/* What the server was asked, one word a call. */
static void end(struct fixture *f, const char *calls)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int status;

	mb_systemd_bus_free(f->bus);
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	assert_int_equal(status, 0);
	assert_int_equal(mb_read_fd(f->log, 4096, &text, NULL), 0);
	close(f->log);
	for (size_t i = 0; i < text.len; i++)
		if (text.buf[i] == '\n')
			text.buf[i] = ' ';
	assert_string_equal(mb_str_text(&text), calls);
}

static struct mb_systemd_name name;

static int start(struct fixture *f)
{
	const struct mb_sys_cgroup_limits limits = {.memory = 1 << 20, .cpuset_cpus = "0-1,9"};
	const struct mb_systemd_scope scope = {
		.name = &name, .description = "container x", .limits = &limits, .is_v2 = true};

	return mb_systemd_scope_start(f->bus, &scope, 1, &f->err);
}

/* --- tests --- */

static void names_are_slices_prefixes_and_ids(void **state)
{
	static const struct {
		const char *text, *slice, *unit, *path;
	} good[] = {
		{NULL, "system.slice", "mybox-x.scope", "/system.slice/mybox-x.scope"},
		{":docker:abc", "system.slice", "docker-abc.scope",
	         "/system.slice/docker-abc.scope"},
		{"a-b.slice::abc", "a-b.slice", "abc.scope", "/a.slice/a-b.slice/abc.scope"},
		{"-.slice:cri-containerd:1", "-.slice", "cri-containerd-1.scope",
	         "/cri-containerd-1.scope"},
	};
	static const char *const bad[] = {
		"/a/b",         "a:b",           "a.slice:b:",       "a:b:c:d",
		"x:b:c",        "a.slice:b/c:d", "a.slice:b:c/../d", ".slice:b:c",
		"a.slice:b:c d"};

	(void)state;
	for (size_t i = 0; i < MB_N(good); i++) {
		MB_AUTO_SYSTEMD_NAME struct mb_systemd_name n = {0};
		struct mb_err err = MB_ERR_INIT;

		assert_int_equal(mb_systemd_name_parse(good[i].text, "x", &n, &err), 0);
		assert_string_equal(n.slice, good[i].slice);
		assert_string_equal(n.unit, good[i].unit);
		assert_string_equal(n.path, good[i].path);
		assert_string_equal(mb_systemd_unit_of(n.path), good[i].unit);
	}
	for (size_t i = 0; i < MB_N(bad); i++) {
		struct mb_systemd_name n;
		struct mb_err err = MB_ERR_INIT;

		assert_int_equal(mb_systemd_name_parse(bad[i], "x", &n, &err), -EINVAL);
		assert_true(err.msg[0]);
	}
}

static void a_scope_is_there_when_its_job_is_done(void **state)
{
	static const enum answer answers[] = {ANSWER_JOB, ANSWER_JOB_AHEAD};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < MB_N(answers); i++) {
		assert_int_equal(begin(&f, answers[i], true), 0);
		assert_int_equal(start(&f), 0);
		end(&f, "Subscribe StartTransientUnit ");
	}
}

static void over_the_bus_one_says_hello_first(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(begin(&f, ANSWER_JOB, false), 0);
	assert_int_equal(start(&f), 0);
	end(&f, "Hello AddMatch Subscribe StartTransientUnit ");
}

static void a_job_that_fails_is_told(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(begin(&f, ANSWER_FAILED, true), 0);
	assert_int_equal(start(&f), -EIO);
	assert_non_null(strstr(f.err.msg, "mybox-x.scope"));
	assert_non_null(strstr(f.err.msg, "'failed'"));
	end(&f, "Subscribe StartTransientUnit ");
}

static void a_failed_scope_of_before_is_forgotten(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(begin(&f, ANSWER_EXISTS, true), 0);
	assert_int_equal(start(&f), 0);
	end(&f, "Subscribe StartTransientUnit ResetFailedUnit StartTransientUnit ");
}

static void what_is_gone_is_stopped(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(begin(&f, ANSWER_GONE, true), 0);
	assert_int_equal(mb_systemd_scope_stop(f.bus, "mybox-x.scope", &f.err), 0);
	end(&f, "Subscribe StopUnit ");
	assert_int_equal(begin(&f, ANSWER_JOB, true), 0);
	assert_int_equal(mb_systemd_scope_stop(f.bus, "mybox-x.scope", &f.err), 0);
	end(&f, "Subscribe StopUnit ResetFailedUnit ");
}

static void errors_are_told_and_harmless_to_a_terminal(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(begin(&f, ANSWER_GONE, true), 0);
	assert_int_equal(start(&f), -EIO);
	assert_non_null(strstr(f.err.msg, "NoSuchUnit"));
	assert_null(strchr(f.err.msg, '\033'));
	end(&f, "Subscribe StartTransientUnit ");
}

static void an_end_of_the_connection_is_no_hang(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(begin(&f, ANSWER_SILENCE, true), 0);
	assert_true(start(&f) < 0);
	end(&f, "");
	assert_int_equal(begin(&f, ANSWER_REFUSED, true), -EACCES);
	end(&f, "");
}

static void only_what_systemd_knows_is_told_to_it(void **state)
{
	const struct mb_sys_cgroup_limits throttle = {.has_swappiness = true};
	const struct mb_sys_cgroup_limits pids = {.pids_max = -1};
	struct fixture f;

	(void)state;
	assert_int_equal(begin(&f, ANSWER_JOB, true), 0);
	assert_int_equal(mb_systemd_scope_update(f.bus, "a.scope", &throttle, true, &f.err), 0);
	assert_int_equal(mb_systemd_scope_update(f.bus, "a.scope", &pids, true, &f.err), 0);
	end(&f, "SetUnitProperties ");
}

static void limits_become_properties(void **state)
{
	MB_AUTO_STR struct mb_str s = MB_STR_INIT, wanted = MB_STR_INIT;
	const struct mb_sys_cgroup_limits l = {.memory = 1000,
	                                       .memory_swap = 1500,
	                                       .cpu_shares = 1024,
	                                       .cpu_quota = 12345,
	                                       .cpu_period = 50000,
	                                       .pids_max = -1,
	                                       .cpuset_cpus = "0-1,9"};

	(void)state;
	mb_systemd_limits_put(&s, &l, true);
	mb_systemd_property_u64(&wanted, "MemoryMax", 1000);
	mb_systemd_property_u64(&wanted, "MemorySwapMax", 500);
	mb_systemd_property_u64(&wanted, "CPUWeight", 100);
	mb_systemd_property_u64(&wanted, "CPUQuotaPeriodUSec", 50000);
	mb_systemd_property_u64(&wanted, "CPUQuotaPerSecUSec", 250000); /* 246900, upwards */
	mb_systemd_property_u64(&wanted, "TasksMax", UINT64_MAX);
	mb_systemd_property_begin(&wanted, "AllowedCPUs", "ay");
	mb_systemd_put_u32(&wanted, 2);
	mb_str_addn(&wanted, "\3\2", 2);
	assert_int_equal(s.len, wanted.len);
	assert_memory_equal(s.buf, wanted.buf, s.len);
}

static void the_holder_ends_when_it_is_told(void **state)
{
	struct mb_systemd_holder h = MB_SYSTEMD_HOLDER_INIT;
	struct mb_err err = MB_ERR_INIT;
	pid_t pid;

	(void)state;
	assert_int_equal(mb_systemd_holder_start(&h, &err), 0);
	pid = h.pid;
	assert_int_equal(kill(pid, 0), 0);
	mb_systemd_holder_end(&h);
	assert_int_equal(kill(pid, 0), -1);
	mb_systemd_holder_end(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_slices_prefixes_and_ids),
		cmocka_unit_test(a_scope_is_there_when_its_job_is_done),
		cmocka_unit_test(over_the_bus_one_says_hello_first),
		cmocka_unit_test(a_job_that_fails_is_told),
		cmocka_unit_test(a_failed_scope_of_before_is_forgotten),
		cmocka_unit_test(what_is_gone_is_stopped),
		cmocka_unit_test(errors_are_told_and_harmless_to_a_terminal),
		cmocka_unit_test(an_end_of_the_connection_is_no_hang),
		cmocka_unit_test(only_what_systemd_knows_is_told_to_it),
		cmocka_unit_test(limits_become_properties),
		cmocka_unit_test(the_holder_ends_when_it_is_told),
	};

	int failed;

	if (mb_systemd_name_parse(NULL, "x", &name, NULL) < 0)
		return 1;
	failed = cmocka_run_group_tests_name("systemd/scope", tests, NULL, NULL);
	mb_systemd_name_done(&name);
	return failed;
}
