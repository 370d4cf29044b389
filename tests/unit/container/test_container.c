/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit_container.h"

#include "core/err.h"
#include "core/str.h"
#include "sys/proc.h"

static const char one[] = "1234aa"
			  "0000000000000000000000000000000000000000000000000000000000";
static const char two[] = "1234bb"
			  "0000000000000000000000000000000000000000000000000000000000";
static const char web[] = "eb0000"
			  "0000000000000000000000000000000000000000000000000000000000";

static void make_three(struct unit_store *s)
{
	unit_store_init(s);
	unit_container_make(s, one, "first", 100);
	unit_container_make(s, two, "second", 300);
	unit_container_make(s, web, "web", 200);
}

static void resolving(void **state)
{
	static const struct {
		const char *reference;
		int r;
		const char *answer; /* the id, or what is told */
	} rows[] = {
		{"first", 0, one},
		{"/first", 0, one},
		{"1234a", 0, one},
		{"1234bb", 0, two},
		{one, 0, one},
		{"web", 0, web},
		{"e", 0, web},
		{"eb", 0, web},
		{"1234", MB_CONTAINER_AMBIGUOUS, "Multiple IDs found with provided prefix: 1234"},
		{"1", MB_CONTAINER_AMBIGUOUS, "Multiple IDs found with provided prefix: 1"},
		{"", MB_CONTAINER_ABSENT, "No such container: "},
		{"/", MB_CONTAINER_ABSENT, "No such container: /"},
		{"//first", MB_CONTAINER_ABSENT, "No such container: //first"},
		{"none", MB_CONTAINER_ABSENT, "No such container: none"},
		{"1234c", MB_CONTAINER_ABSENT, "No such container: 1234c"},
		{"1234A", MB_CONTAINER_ABSENT, "No such container: 1234A"},
		{"FIRST", MB_CONTAINER_ABSENT, "No such container: FIRST"},
		{"..", MB_CONTAINER_ABSENT, "No such container: .."},
		{"../names/first", MB_CONTAINER_ABSENT, "No such container: ../names/first"},
		{"first ", MB_CONTAINER_ABSENT, "No such container: first "},
	};
	UNIT_STORE s;

	(void)state;
	make_three(&s);
	for (size_t i = 0; i < N(rows); i++) {
		struct mb_err err = MB_ERR_INIT;
		char id[MB_ID_TEXT] = "";
		int r = mb_container_resolve(s.store, rows[i].reference, id, &err);

		if (r != rows[i].r || strcmp(r ? err.msg : id, rows[i].answer) != 0)
			fail_msg("'%s' gave %d, '%s', '%s'", rows[i].reference, r, id, err.msg);
	}
}

static void very_long_references(void **state)
{
	UNIT_STORE s;
	struct mb_err err = MB_ERR_INIT;
	char text[5000], id[MB_ID_TEXT];

	(void)state;
	make_three(&s);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(mb_container_resolve(s.store, text, id, &err), MB_CONTAINER_ABSENT);
	text[65] = '\0';
	assert_int_equal(mb_container_resolve(s.store, text, id, &err), MB_CONTAINER_ABSENT);
}

/* A name may be another's prefix of an id, and even look like an id. */
static void a_name_goes_before_a_prefix(void **state)
{
	UNIT_STORE s;
	char id[MB_ID_TEXT];

	(void)state;
	make_three(&s);
	unit_container_claim(&s, "1234bb", one);
	unit_container_claim(&s, two, one);
	assert_int_equal(mb_container_resolve(s.store, "1234bb", id, NULL), 0);
	assert_string_equal(id, one);
	/* A whole id is always itself. */
	assert_int_equal(mb_container_resolve(s.store, two, id, NULL), 0);
	assert_string_equal(id, two);
}

/* While it is made, or after a removal was killed: a name without its container is no container. */
static void a_name_ahead_of_its_container(void **state)
{
	static const char late[] =
		"dead000000000000000000000000000000000000000000000000000000000000";
	UNIT_STORE s;
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	struct mb_err err = MB_ERR_INIT;
	char id[MB_ID_TEXT];

	(void)state;
	make_three(&s);
	unit_container_claim(&s, "late", late);
	unit_container_claim(&s, "1234a", late);
	assert_int_equal(mb_container_resolve(s.store, "late", id, &err), MB_CONTAINER_ABSENT);
	assert_string_equal(err.msg, "No such container: late");
	assert_int_equal(mb_container_find(s.store, "late", &c, &err), MB_CONTAINER_ABSENT);
	assert_int_equal(mb_container_open(s.store, late, &c, &err), MB_CONTAINER_ABSENT);
	/* It does not stand before an id either. */
	assert_int_equal(mb_container_resolve(s.store, "1234a", id, &err), 0);
	assert_string_equal(id, one);
}

static void what_is_in_the_making_is_not_seen(void **state)
{
	UNIT_STORE s;
	MB_AUTO_CLOSE int containers = -1;
	struct mb_container_list list;
	char id[MB_ID_TEXT];

	(void)state;
	make_three(&s);
	assert_int_equal(mb_store_dir(s.store, "containers", false, &containers, NULL), 0);
	assert_int_equal(mkdirat(containers, ".tmp-" UNIT_ID("f"), 0700), 0);
	assert_int_equal(mkdirat(containers, ".rm-" UNIT_ID("f"), 0700), 0);
	assert_int_equal(mkdirat(containers, "lost+found", 0700), 0);
	assert_int_equal(mb_container_resolve(s.store, "f", id, NULL), MB_CONTAINER_ABSENT);
	assert_int_equal(mb_container_list_load(s.store, false, &list, NULL), 0);
	assert_int_equal(list.n, 3);
	mb_container_list_done(&list);
}

static void the_list_is_newest_first(void **state)
{
	UNIT_STORE s;
	struct mb_container_list list;

	(void)state;
	make_three(&s);
	assert_int_equal(mb_container_list_load(s.store, false, &list, NULL), 0);
	assert_int_equal(list.n, 3);
	assert_string_equal(mb_container_name(list.v[0]), "second");
	assert_string_equal(mb_container_name(list.v[1]), "web");
	assert_string_equal(mb_container_name(list.v[2]), "first");
	mb_container_list_done(&list);
	mb_container_list_done(&list);
}

static void an_empty_store_has_none(void **state)
{
	UNIT_STORE s;
	struct mb_container_list list;
	char id[MB_ID_TEXT];

	(void)state;
	unit_store_init(&s);
	assert_int_equal(mb_container_resolve(s.store, "web", id, NULL), MB_CONTAINER_ABSENT);
	assert_int_equal(mb_container_list_load(s.store, false, &list, NULL), 0);
	assert_int_equal(list.n, 0);
	mb_container_list_done(&list);
}

/* One that cannot be read is found and says why; the others are as they were. */
static void a_corrupt_one_is_dead_alone(void **state)
{
	UNIT_STORE s;
	MB_AUTO(mb_container_free) struct mb_container *c = NULL, *other = NULL;
	MB_AUTO_CLOSE int dir = -1;
	struct mb_container_list list;

	(void)state;
	make_three(&s);
	dir = unit_container_dir(&s, two, false);
	unit_write_text(dir, "container.json", "{\"schema\":1,\"sum\":\"00000000\",\"Id\":1}");
	assert_int_equal(mb_container_find(s.store, "second", &c, NULL), 0);
	assert_int_equal(c->state.status, MB_STATUS_DEAD);
	assert_non_null(strstr(c->state.error, "'container.json'"));
	assert_string_equal(mb_container_name(c), "second"); /* from names/ */
	assert_false(mb_container_is_running(c));
	assert_int_equal(mb_container_find(s.store, "first", &other, NULL), 0);
	assert_int_equal(other->state.status, MB_STATUS_CREATED);
	assert_int_equal(mb_container_list_load(s.store, false, &list, NULL), 0);
	assert_int_equal(list.n, 3);
	mb_container_list_done(&list);
}

static void swapped_documents_are_found(void **state)
{
	UNIT_STORE s;
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	MB_AUTO_CLOSE int first = -1, second = -1;

	(void)state;
	make_three(&s);
	first = unit_container_dir(&s, one, false);
	second = unit_container_dir(&s, two, false);
	assert_int_equal(
		renameat2(first, "container.json", second, "container.json", RENAME_EXCHANGE), 0);
	assert_int_equal(mb_container_find(s.store, "first", &c, NULL), 0);
	assert_int_equal(c->state.status, MB_STATUS_DEAD);
	assert_string_equal(c->state.error, "'container.json' is another container's");
	assert_string_equal(c->id, one);
	assert_string_equal(c->record->id, one);
}

static void a_container_without_documents(void **state)
{
	static const char *const kinds[] = {"none", "fifo", "link", "dir"};

	(void)state;
	for (size_t i = 0; i < N(kinds); i++) {
		UNIT_STORE s;
		MB_AUTO(mb_container_free) struct mb_container *c = NULL;
		MB_AUTO_CLOSE int dir = -1;

		make_three(&s);
		dir = unit_container_dir(&s, two, false);
		assert_int_equal(unlinkat(dir, "container.json", 0), 0);
		if (i == 1)
			assert_int_equal(mkfifoat(dir, "container.json", 0600), 0);
		if (i == 2)
			assert_int_equal(symlinkat("/dev/zero", dir, "container.json"), 0);
		if (i == 3)
			assert_int_equal(mkdirat(dir, "container.json", 0700), 0);
		assert_int_equal(mb_container_find(s.store, "1234bb", &c, NULL), 0);
		assert_int_equal(c->state.status, MB_STATUS_DEAD);
		assert_non_null(c->state.error);
	}
}

/* Nor a file; and neither hides the others. */
static void a_link_is_no_container(void **state)
{
	UNIT_STORE s;
	MB_AUTO_CLOSE int containers = -1;
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	struct mb_container_list list;

	(void)state;
	make_three(&s);
	assert_int_equal(mb_store_dir(s.store, "containers", false, &containers, NULL), 0);
	assert_int_equal(symlinkat(one, containers, UNIT_ID("f")), 0);
	unit_write_text(containers, UNIT_ID("e"), "");
	assert_int_equal(mb_container_find(s.store, UNIT_ID("f"), &c, NULL), MB_CONTAINER_ABSENT);
	assert_int_equal(mb_container_find(s.store, UNIT_ID("e"), &c, NULL), MB_CONTAINER_ABSENT);
	assert_int_equal(mb_container_list_load(s.store, false, &list, NULL), 0);
	assert_int_equal(list.n, 3);
	mb_container_list_done(&list);
}

/* A list tells of each what opening it tells, in whatever state it is. */
static void a_list_agrees_with_opening(void **state)
{
	static const char lost_id[] = UNIT_ID("c"), dead_id[] = UNIT_ID("d");
	UNIT_STORE s;
	struct mb_container_exit ended = {.exit_code = 3, .finished = 500}, lost = {0};
	struct mb_container_exit failed = {.failed_start = true, .finished = 1, .exit_code = 127};
	struct mb_container_run gone = {.pid = 1, .pid_start = 1};
	MB_AUTO_CLOSE int first = -1, second = -1, third = -1, fourth = -1, run = -1, dead = -1;

	(void)state;
	make_three(&s);
	unit_container_make(&s, lost_id, "lost", 400);
	unit_container_make(&s, dead_id, "dead", 500);
	first = unit_container_dir(&s, one, false);
	assert_int_equal(mb_container_exit_save(first, &ended, NULL), 0);
	second = unit_container_dir(&s, two, false);
	assert_int_equal(mb_container_exit_save(second, &failed, NULL), 0);
	third = unit_container_dir(&s, web, false);
	run = unit_container_dir(&s, web, true);
	mb_container_exit_lost(&lost, 7);
	assert_int_equal(mb_container_exit_save(third, &lost, NULL), 0);
	assert_int_equal(mb_container_run_save(run, &gone, NULL), 0);
	assert_int_equal(mb_container_exit_save(run, &ended, NULL), 0);
	fourth = unit_container_dir(&s, lost_id, false);
	assert_int_equal(mb_container_exit_save(fourth, &lost, NULL), 0);
	dead = unit_container_dir(&s, dead_id, false);
	unit_write_text(dead, "exit.json", "{\"schema\":1,\"sum\":\"00000000\",\"a\":1}");
	for (int brief = 0; brief < 2; brief++) {
		struct mb_container_list list;

		assert_int_equal(mb_container_list_load(s.store, brief, &list, NULL), 0);
		assert_int_equal(list.n, 5);
		for (size_t i = 0; i < list.n; i++) {
			const struct mb_container *listed = list.v[i];
			MB_AUTO(mb_container_free) struct mb_container *c = NULL;

			assert_int_equal(mb_container_open(s.store, listed->id, &c, NULL), 0);
			assert_int_equal(listed->state.status, c->state.status);
			assert_int_equal(listed->state.exit.exit_code, c->state.exit.exit_code);
			assert_int_equal(listed->state.has_exit, c->state.has_exit);
			assert_int_equal(listed->state.has_run, c->state.has_run);
			assert_string_equal(mb_container_name(listed), mb_container_name(c));
			assert_int_equal(listed->dir_fd, -1);
			assert_int_equal(listed->run_fd, -1);
		}
		mb_container_list_done(&list);
	}
	mb_strset(&lost.error, NULL);
}

/* What a list shows by itself, and no more; a lock makes it whole. */
static void a_brief_list(void **state)
{
	UNIT_STORE s;
	struct mb_container_record record = {.created = 9};
	MB_AUTO_CLOSE int dir = -1, lock = -1;
	struct mb_container_list list;

	(void)state;
	unit_store_init(&s);
	unit_container_make(&s, one, "first", 9);
	dir = unit_container_dir(&s, one, false);
	record.id = mb_strdup(one);
	record.name = mb_strdup("first");
	record.image_id = mb_strdup("");
	record.config.image = mb_strdup("deb");
	record.host.network_mode = mb_strdup("none");
	record.config.hostname = mb_strdup("h");
	mb_strv_add(&record.config.cmd, "sleep");
	mb_strv_add(&record.config.env, "A=b");
	mb_strv_add(&record.config.entrypoint, "/init");
	mb_strv_add(&record.config.exposed_ports, "80/tcp");
	mb_strv_add(&record.networks, "name=bridge");
	assert_int_equal(mb_container_record_save(dir, &record, MB_DOC_REPLACE, NULL), 0);
	mb_container_record_done(&record);
	assert_int_equal(mb_container_list_load(s.store, true, &list, NULL), 0);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.v[0]->record->config.image, "deb");
	assert_string_equal(list.v[0]->record->config.cmd.v[0], "sleep");
	assert_string_equal(list.v[0]->record->config.entrypoint.v[0], "/init");
	assert_string_equal(list.v[0]->record->config.exposed_ports.v[0], "80/tcp");
	assert_int_equal(list.v[0]->record->created, 9);
	assert_int_equal(list.v[0]->record->networks.n, 0);
	assert_int_equal(list.v[0]->record->config.env.n, 0);
	assert_null(list.v[0]->record->config.hostname);
	assert_null(list.v[0]->record->host.network_mode);
	assert_int_equal(mb_container_lock(list.v[0], &lock, NULL), 0);
	assert_string_equal(list.v[0]->record->host.network_mode, "none");
	assert_string_equal(list.v[0]->record->config.hostname, "h");
	assert_int_equal(list.v[0]->record->networks.n, 1);
	mb_container_list_done(&list);
}

static void locking_reads_anew(void **state)
{
	UNIT_STORE s;
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	MB_AUTO_CLOSE int run = -1, dir = -1, lock = -1, again = -1;
	struct mb_container_run running = {.pid = getpid()};
	struct mb_sys_proc_id self;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	make_three(&s);
	assert_int_equal(mb_container_find(s.store, "first", &c, NULL), 0);
	assert_int_equal(c->run_fd, -1);
	run = unit_container_dir(&s, one, true);
	assert_int_equal(mb_sys_proc_id_read(getpid(), &self, NULL), 0);
	running.pid_start = self.start;
	assert_int_equal(mb_container_run_save(run, &running, NULL), 0);
	assert_false(mb_container_is_running(c));
	assert_int_equal(mb_container_lock(c, &lock, &err), 0);
	assert_true(mb_container_is_running(c));
	assert_true(c->run_fd >= 0);
	mb_close(&lock);
	/* Removed by another while we waited. */
	dir = unit_container_dir(&s, one, false);
	assert_int_equal(unlinkat(dir, "container.json", 0), 0);
	assert_int_equal(unlinkat(s.store->root_fd,
	                          "containers/1234aa0000000000000000000000000000"
	                          "000000000000000000000000000000",
	                          AT_REMOVEDIR),
	                 0);
	assert_int_equal(mb_container_lock(c, &again, &err), MB_CONTAINER_ABSENT);
	assert_string_equal(err.msg, "No such container: first");
	assert_int_equal(again, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolving),
		cmocka_unit_test(very_long_references),
		cmocka_unit_test(a_name_goes_before_a_prefix),
		cmocka_unit_test(a_name_ahead_of_its_container),
		cmocka_unit_test(what_is_in_the_making_is_not_seen),
		cmocka_unit_test(the_list_is_newest_first),
		cmocka_unit_test(an_empty_store_has_none),
		cmocka_unit_test(a_corrupt_one_is_dead_alone),
		cmocka_unit_test(swapped_documents_are_found),
		cmocka_unit_test(a_container_without_documents),
		cmocka_unit_test(a_link_is_no_container),
		cmocka_unit_test(a_list_agrees_with_opening),
		cmocka_unit_test(a_brief_list),
		cmocka_unit_test(locking_reads_anew),
	};

	return cmocka_run_group_tests_name("container/container", tests, NULL, NULL);
}
