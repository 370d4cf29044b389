/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit_container.h"

#include <sys/wait.h>

#include "core/err.h"
#include "core/str.h"
#include "sys/proc.h"

struct place {
	struct unit_dir dir, run;
};
#define PLACE __attribute__((cleanup(place_done))) struct place

static void place_init(struct place *p)
{
	unit_dir_init(&p->dir);
	unit_dir_init(&p->run);
}

static void place_done(struct place *p)
{
	unit_dir_done(&p->dir);
	unit_dir_done(&p->run);
}

static uint64_t start_of(pid_t pid)
{
	struct mb_sys_proc_id id;

	assert_int_equal(mb_sys_proc_id_read(pid, &id, NULL), 0);
	return id.start;
}

/* A process that was: its number is nobody's, or at least not with this start. */
static struct mb_container_run ended(void)
{
	return (struct mb_container_run){
		.pid = 2147483647, .pid_start = 5, .monitor = 2147483646, .monitor_start = 5};
}

static struct mb_container_run with_pid(void)
{
	struct mb_container_run run = ended();

	run.pid = getpid();
	run.pid_start = start_of(getpid());
	return run;
}

static struct mb_container_run with_monitor(void)
{
	struct mb_container_run run = ended();

	run.monitor = getpid();
	run.monitor_start = start_of(getpid());
	return run;
}

static void write_run(struct place *p, struct mb_container_run run)
{
	assert_int_equal(mb_container_run_save(p->run.fd, &run, NULL), 0);
}

static void write_exit(struct place *p, struct mb_container_exit exit)
{
	assert_int_equal(mb_container_exit_save(p->dir.fd, &exit, NULL), 0);
}

static void assert_status(struct place *p, enum mb_container_status status)
{
	struct mb_container_state s;

	mb_container_state_load(p->dir.fd, p->run.fd, &s);
	assert_string_equal(mb_container_status_name(s.status), mb_container_status_name(status));
	assert_int_equal(s.error != NULL, status == MB_STATUS_DEAD);
	mb_container_state_done(&s);
}

static void words_are_dockers(void **state)
{
	static const char *const words[] = {"created", "running",  "paused", "restarting",
	                                    "exited",  "removing", "dead"};

	(void)state;
	for (int i = 0; i < MB_STATUS_N_; i++)
		assert_string_equal(mb_container_status_name((enum mb_container_status)i),
		                    words[i]);
}

static void documents_come_back(void **state)
{
	PLACE p;
	char eighty[] = "80/tcp", any[] = "0.0.0.0", port[] = "8080", cgroup[] = "/mybox/x";
	char why[] = "it \"was\" so";
	struct mb_container_published published = {eighty, any, port};
	struct mb_container_run run = with_pid();
	struct mb_container_exit exit = {.exit_code = 137,
	                                 .oom_killed = true,
	                                 .started = 5,
	                                 .finished = 1767323045000000006,
	                                 .restarts = 2,
	                                 .backoff_ms = 400,
	                                 .stop_requested = true,
	                                 .error = why};
	struct mb_container_state s;

	(void)state;
	place_init(&p);
	run.started = 1767323045000000006;
	run.restart_count = 7;
	run.cgroup = cgroup;
	run.ports = &published;
	run.n_ports = 1;
	write_run(&p, run);
	write_exit(&p, exit);
	mb_container_state_load(p.dir.fd, p.run.fd, &s);
	assert_true(s.has_run && s.has_exit);
	assert_int_equal(s.run.pid, getpid());
	assert_true(s.run.pid_start == run.pid_start);
	assert_int_equal(s.run.started, run.started);
	assert_int_equal(s.run.restart_count, 7);
	assert_string_equal(s.run.cgroup, "/mybox/x");
	assert_string_equal(s.run.ports[0].host_port, "8080");
	assert_int_equal(s.exit.exit_code, 137);
	assert_true(s.exit.oom_killed && s.exit.stop_requested && !s.exit.restarting);
	assert_int_equal(s.exit.finished, exit.finished);
	assert_int_equal(s.exit.backoff_ms, 400);
	assert_string_equal(s.exit.error, why);
	mb_container_state_done(&s);
	mb_container_state_done(&s);
}

static void without_a_process(void **state)
{
	PLACE p;
	struct mb_container_state s;

	(void)state;
	place_init(&p);
	assert_status(&p, MB_STATUS_CREATED);
	write_exit(&p, (struct mb_container_exit){.exit_code = 127, .failed_start = true});
	assert_status(&p, MB_STATUS_CREATED);
	write_exit(&p, (struct mb_container_exit){.exit_code = 3});
	assert_status(&p, MB_STATUS_EXITED);
	write_run(&p, ended());
	assert_status(&p, MB_STATUS_EXITED);
	/* Paused when it ended: it has ended. */
	unit_write_text(p.run.fd, "paused", "");
	assert_status(&p, MB_STATUS_EXITED);
	mb_container_state_load(p.dir.fd, -1, &s);
	assert_int_equal(s.status, MB_STATUS_EXITED);
	assert_false(s.has_run);
	mb_container_state_done(&s);
}

static void with_a_process(void **state)
{
	PLACE p;
	struct mb_container_run run = with_pid();
	struct mb_container_state s;

	(void)state;
	place_init(&p);
	write_run(&p, run);
	assert_status(&p, MB_STATUS_RUNNING);
	mb_container_state_load(p.dir.fd, p.run.fd, &s);
	assert_true(s.monitor_lost);
	mb_container_state_done(&s);
	run.monitor = getpid();
	run.monitor_start = run.pid_start;
	write_run(&p, run);
	mb_container_state_load(p.dir.fd, p.run.fd, &s);
	assert_false(s.monitor_lost);
	mb_container_state_done(&s);
	unit_write_text(p.run.fd, "paused", "");
	assert_status(&p, MB_STATUS_PAUSED);
	/* What it ended with before says nothing of now. */
	write_exit(&p, (struct mb_container_exit){.exit_code = 3, .restarting = true});
	assert_status(&p, MB_STATUS_PAUSED);
	unlinkat(p.run.fd, "paused", 0);
	assert_status(&p, MB_STATUS_RUNNING);
}

/* The number is ours, the process was another. */
static void a_reused_pid_is_not_it(void **state)
{
	PLACE p;
	struct mb_container_run run = with_pid();

	(void)state;
	place_init(&p);
	run.pid_start++;
	run.monitor = run.pid;
	run.monitor_start = run.pid_start;
	write_run(&p, run);
	assert_status(&p, MB_STATUS_CREATED);
	run.pid = 0;
	run.monitor = -1;
	write_run(&p, run);
	assert_status(&p, MB_STATUS_CREATED);
}

static void a_zombie_does_not_run(void **state)
{
	PLACE p;
	struct mb_container_run run = ended();
	siginfo_t info;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	place_init(&p);
	run.pid = pid;
	run.pid_start = start_of(pid);
	write_run(&p, run);
	write_exit(&p, (struct mb_container_exit){.exit_code = 0});
	assert_status(&p, MB_STATUS_EXITED);
	waitpid(pid, NULL, 0);
	assert_status(&p, MB_STATUS_EXITED);
}

static void with_a_monitor_alone(void **state)
{
	PLACE p;

	(void)state;
	place_init(&p);
	write_run(&p, with_monitor());
	/* It is writing down how the process ended. */
	assert_status(&p, MB_STATUS_RUNNING);
	write_exit(&p, (struct mb_container_exit){.exit_code = 1, .restarting = true});
	assert_status(&p, MB_STATUS_RESTARTING);
}

static void a_broken_document_is_told(void **state)
{
	PLACE p;
	struct mb_container_state s;

	(void)state;
	place_init(&p);
	unit_write_text(p.dir.fd, "exit.json", "{\"schema\":1,");
	assert_status(&p, MB_STATUS_DEAD);
	mb_container_state_load(p.dir.fd, p.run.fd, &s);
	assert_non_null(strstr(s.error, "'exit.json'"));
	mb_container_state_done(&s);
	unlinkat(p.dir.fd, "exit.json", 0);
	unit_write_text(p.run.fd, "state.json", "");
	assert_status(&p, MB_STATUS_DEAD);
	unlinkat(p.run.fd, "state.json", 0);
	assert_int_equal(symlinkat("/dev/zero", p.run.fd, "state.json"), 0);
	assert_status(&p, MB_STATUS_DEAD);
}

/* Else nobody would stop it. */
static void a_broken_document_hides_no_process(void **state)
{
	PLACE p;
	struct mb_container_state s;

	(void)state;
	place_init(&p);
	unit_write_text(p.dir.fd, "exit.json", "broken");
	write_run(&p, with_pid());
	mb_container_state_load(p.dir.fd, p.run.fd, &s);
	assert_int_equal(s.status, MB_STATUS_RUNNING);
	mb_container_state_done(&s);
	unit_write_text(p.run.fd, "paused", "");
	mb_container_state_load(p.dir.fd, p.run.fd, &s);
	assert_int_equal(s.status, MB_STATUS_PAUSED);
	mb_container_state_done(&s);
}

/* Small documents: every bit and every length, on disk. */
static bool is_dead(struct place *p, const char *text, size_t n)
{
	struct mb_container_state s;
	bool is;

	unit_write(p->dir.fd, "exit.json", text, n);
	mb_container_state_load(p->dir.fd, p->run.fd, &s);
	is = s.status == MB_STATUS_DEAD && s.error;
	mb_container_state_done(&s);
	return is;
}

/* One bit of each byte; with the first also the lengths. */
static bool is_each_seen(int bit)
{
	PLACE p;
	char text[1024];
	size_t n;
	bool seen = true;

	place_init(&p);
	write_exit(&p, (struct mb_container_exit){.exit_code = 3, .finished = 5});
	n = unit_read(p.dir.fd, "exit.json", text, sizeof(text));
	for (size_t i = 0; i < n; i++) {
		text[i] = (char)(text[i] ^ 1 << bit);
		seen &= is_dead(&p, text, n);
		text[i] = (char)(text[i] ^ 1 << bit);
	}
	while (bit == 0 && --n)
		seen &= is_dead(&p, text, n);
	return seen;
}

/* Each takes the millisecond after which a document is read again: eight at once. */
static void damage_is_found(void **state)
{
	pid_t pid[8];

	(void)state;
	fflush(NULL);
	for (int bit = 0; bit < 8; bit++) {
		pid[bit] = fork();
		assert_true(pid[bit] >= 0);
		if (pid[bit] == 0)
			_exit(is_each_seen(bit) ? 0 : 1);
	}
	for (int bit = 0; bit < 8; bit++) {
		int status;

		assert_int_equal(waitpid(pid[bit], &status, 0), pid[bit]);
		assert_int_equal(status, 0);
	}
}

/* It is not synced: after a power cut the file may be there and hold nothing. */
static void a_lost_end_is_an_end(void **state)
{
	static const char zeros[100];
	struct mb_container_state s;
	PLACE p;

	(void)state;
	place_init(&p);
	for (size_t n = 0; n <= sizeof(zeros); n += sizeof(zeros)) {
		unit_write(p.dir.fd, "exit.json", zeros, n);
		mb_container_state_load(p.dir.fd, p.run.fd, &s);
		assert_int_equal(s.status, MB_STATUS_EXITED);
		assert_int_equal(s.exit.exit_code, 255);
		assert_non_null(strstr(s.exit.error, "was not seen"));
		assert_null(s.error);
		mb_container_state_done(&s);
	}
}

static void an_end_that_found_no_room_counts(void **state)
{
	PLACE p;
	struct mb_container_exit lost = {.exit_code = 255}, real = {.exit_code = 7, .finished = 1};
	struct mb_container_state s;

	(void)state;
	place_init(&p);
	write_run(&p, ended());
	write_exit(&p, lost);
	assert_int_equal(mb_container_exit_settle(p.dir.fd, p.run.fd), 0);
	assert_int_equal(mb_container_exit_save(p.run.fd, &real, NULL), 0);
	for (int settled = 0; settled < 2; settled++) {
		mb_container_state_load(p.dir.fd, p.run.fd, &s);
		assert_int_equal(s.status, MB_STATUS_EXITED);
		assert_int_equal(s.exit.exit_code, 7);
		mb_container_state_done(&s);
		assert_int_equal(mb_container_exit_settle(p.dir.fd, p.run.fd), 0);
		assert_int_equal(faccessat(p.run.fd, "exit.json", F_OK, 0), -1);
	}
}

/* A pause for a command is over when that is dead; the user's has nobody to its name. */
static void a_pause_for_a_command_ends_with_it(void **state)
{
	static const struct {
		const char *mark;
		bool alive, lost;
	} rows[] = {
		{"", false, false},
		{NULL, true, false},
		{"2147483647 5\n", false, true},
		{"x", false, false},
	};
	struct mb_container_state s;
	PLACE p;

	(void)state;
	place_init(&p);
	write_run(&p, with_pid());
	for (size_t i = 0; i < N(rows); i++) {
		char own[64];

		snprintf(own, sizeof(own), "%d %llu\n", getpid(),
		         (unsigned long long)start_of(getpid()));
		unit_write_text(p.run.fd, "paused", rows[i].alive ? own : rows[i].mark);
		mb_container_state_load(p.dir.fd, p.run.fd, &s);
		assert_int_equal(s.status, MB_STATUS_PAUSED);
		assert_int_equal(s.pause_lost, rows[i].lost);
		mb_container_state_done(&s);
	}
	assert_int_equal(unlinkat(p.run.fd, "paused", 0), 0);
	mb_container_state_load(p.dir.fd, p.run.fd, &s);
	assert_int_equal(s.status, MB_STATUS_RUNNING);
	assert_false(s.pause_lost);
	mb_container_state_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pause_for_a_command_ends_with_it),
		cmocka_unit_test(an_end_that_found_no_room_counts),
		cmocka_unit_test(words_are_dockers),
		cmocka_unit_test(documents_come_back),
		cmocka_unit_test(without_a_process),
		cmocka_unit_test(with_a_process),
		cmocka_unit_test(a_reused_pid_is_not_it),
		cmocka_unit_test(a_zombie_does_not_run),
		cmocka_unit_test(with_a_monitor_alone),
		cmocka_unit_test(a_broken_document_is_told),
		cmocka_unit_test(a_broken_document_hides_no_process),
		cmocka_unit_test(damage_is_found),
		cmocka_unit_test(a_lost_end_is_an_end),
	};

	return cmocka_run_group_tests_name("container/state", tests, NULL, NULL);
}
