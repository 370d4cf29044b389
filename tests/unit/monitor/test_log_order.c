/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log by time, while clocks jump. */
#include "log_bench.h"

static bool is_ordered(struct bench *b, const char *name)
{
	MB_AUTO_CLOSE int fd = openat(b->dir, name, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return mb_logset_is_ordered(fd);
}

/* What a file says of its order, while the clock jumps and monitors come and go. */
static void order_is_told_by_the_writer(void **state)
{
	struct bench *b = *state;

	mb_logwrite_open(b->w, b->dir, 3, 90); /* two records each */
	feed_text(b, 0, "1\n", T0);
	feed_text(b, 0, "2\n", T0);
	assert_true(is_ordered(b, "log"));
	feed_text(b, 0, "3\n", T0 + 9);
	feed_text(b, 0, "4\n", T0 + 8);
	assert_false(is_ordered(b, "log"));
	assert_true(is_ordered(b, "log.1"));
	/* Before what is in the last file is not in order with it. */
	feed_text(b, 0, "5\n", T0 + 8);
	assert_false(is_ordered(b, "log"));
	feed_text(b, 0, "6\n", T0 + 9);
	feed_text(b, 0, "7\n", T0 + 9);
	assert_true(is_ordered(b, "log"));
	/* The next monitor knows it by the last record; where that tells nothing, when all are new.
	 */
	mb_logwrite_close(b->w);
	mb_logwrite_open(b->w, b->dir, 3, 90);
	feed_text(b, 0, "8\n", T0 + 9);
	assert_true(is_ordered(b, "log"));
	feed_text(b, 0, "9\n", T0 + 8);
	assert_false(is_ordered(b, "log"));
	mb_logwrite_close(b->w);
	mb_logwrite_open(b->w, b->dir, 3, 90);
	for (int i = 0; i < 2; i++)
		feed_text(b, 0, "a\nb\n", T0 + 10 + i);
	assert_false(is_ordered(b, "log"));
	assert_false(is_ordered(b, "log.1"));
	feed_text(b, 0, "c\nd\n", T0 + 20);
	assert_true(is_ordered(b, "log"));
	/* A record that cannot be read. */
	assert_int_equal(write(b->w->fd, "x\n", 2), 2);
	mb_logwrite_close(b->w);
	mb_logwrite_open(b->w, b->dir, 3, 0);
	assert_false(is_ordered(b, "log"));
}

static void write_file(struct bench *b, const char *name, const char *text)
{
	MB_AUTO_CLOSE int fd = openat(b->dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(mb_write_full(fd, text, strlen(text)), 0);
}

/* Times whose clock jumped, in files that others wrote: every line by its own time. */
static void times_that_jump(void **state)
{
	struct bench *b = *state;
	static const char older[] = "2030-01-01T00:00:00.000000000Z stdout F ahead\n"
				    "2016-10-07T00:17:01.000000000Z stdout F 1\n";
	static const char newer[] = "2016-10-07T00:17:05.000000000Z stdout F 5\n"
				    "2016-10-07T00:17:02.000000000Z stdout F 2\n"
				    "2030-01-01T00:00:00.000000000Z stderr F ahead\n"
				    "2016-10-07T00:17:06.000000000Z stdout F 6\n";
	const int64_t second = T0 - T0 % MB_NSEC_PER_SEC - 9 * MB_NSEC_PER_SEC;
	struct mb_logfile_options some = {.tail = -1};

	write_file(b, "log.1", older);
	write_file(b, "log", newer);
	some.since = second + 2 * MB_NSEC_PER_SEC;
	expect(b, some, "ahead;5;2;!ahead;6;");
	some.until = second + 6 * MB_NSEC_PER_SEC;
	expect(b, some, "5;2;");
	some.since = 0;
	expect(b, some, "1;5;2;");
	some.until_now = true;
	expect(b, some, "1;5;2;");
	some.tail = 2;
	expect(b, some, "");
	some.tail = 4;
	expect(b, some, "5;2;");
}

/* Who follows goes on past a record that is too late, unless it is the newest and time is up. */
static void following_ends_with_the_newest(void **state)
{
	struct bench *b = *state;
	struct mb_logfile_options o = {.tail = -1, .until = T0 + 5};
	MB_AUTO(mb_logfile_free) struct mb_logfile *log = NULL, *ahead = NULL;
	struct mb_logfile_entry e;
	int ignored;

	mb_logwrite_open(b->w, b->dir, 3, 0);
	feed_text(b, 0, "ahead\n", T0 + 100);
	feed_text(b, 0, "1\n", T0);
	log = reader(b, o);
	assert_int_equal(mb_logfile_follow(log, &ignored, NULL), 0);
	assert_int_equal(mb_logfile_next(log, &e, NULL), 0);
	assert_int_equal(e.nsec, T0);
	assert_int_equal(mb_logfile_next(log, &e, NULL), MB_LOGFILE_END);
	assert_false(mb_logfile_is_past(log));
	feed_text(b, 0, "5\n", T0 + 5);
	assert_int_equal(mb_logfile_next(log, &e, NULL), MB_LOGFILE_END);
	assert_true(mb_logfile_is_past(log));
	/* The newest is of a clock that was ahead of ours. */
	o.until = mb_now_nsec() + 3600 * MB_NSEC_PER_SEC;
	feed_text(b, 0, "far\n", o.until + 1);
	o.tail = 1;
	ahead = reader(b, o);
	assert_int_equal(mb_logfile_follow(ahead, &ignored, NULL), 0);
	assert_int_equal(mb_logfile_next(ahead, &e, NULL), MB_LOGFILE_END);
	assert_false(mb_logfile_is_past(ahead));
}

enum { MANY = 3000 };
struct line {
	int64_t nsec;
	char text[24];
};

static void expect_between(struct bench *b, struct mb_logfile_options o, const struct line *lines)
{
	MB_AUTO_STR struct mb_str want = MB_STR_INIT;

	for (int i = 0; i < MANY; i++)
		if (lines[i].nsec >= o.since && (!o.until || lines[i].nsec < o.until)) {
			mb_str_add(&want, lines[i].text);
			mb_str_addc(&want, ';');
		}
	for (o.until_now = false;; o.until_now = true) {
		MB_AUTO(mb_logfile_free) struct mb_logfile *log = reader(b, o);
		MB_AUTO_STR struct mb_str got = MB_STR_INIT;
		struct mb_logfile_entry e;

		while (mb_logfile_next(log, &e, NULL) == 0) {
			mb_str_addn(&got, e.text, strcspn(e.text, " "));
			mb_str_addc(&got, ';');
		}
		assert_string_equal(mb_str_text(&got), mb_str_text(&want));
		if (o.until_now)
			return;
	}
}

/* Files that are bisected, at any time and whatever the clock did: as if all had been read. */
static void bisected_as_if_read(void **state)
{
	struct bench *b = *state;
	static struct line lines[MANY];
	static char line[3 * MB_LOGWRITE_PIECE];

	srand(11);
	for (int round = 0; round < 6; round++) {
		struct mb_logfile_options o = {.tail = -1, .name = b->w->set.name};
		int64_t now = T0;

		b->w->is_json = round % 2;
		strcpy(b->w->set.name, b->w->is_json ? "x-json.log" : "log");
		mb_logwrite_open(b->w, b->dir, 100, 600000);
		for (int i = 0; i < MANY; i++) {
			int n = snprintf(lines[i].text, sizeof(lines[i].text), "line%d", i);

			now += rand() % 1000000;
			if (round >= 2 && rand() % (MANY / 3) == 0)
				now += (rand() % 2 ? 500000000 : -500000000);
			if (round >= 4 && rand() % (MANY / 3) == 0) {
				mb_logwrite_close(b->w);
				mb_logwrite_open(b->w, b->dir, 100, 600000);
			}
			lines[i].nsec = now;
			memset(line, ' ', sizeof(line));
			memcpy(line, lines[i].text, (size_t)n);
			n = 30 + rand() % (i % 50 ? 600 : (int)sizeof(line) - 30);
			line[n - 1] = '\n';
			feed(b, 0, line, (size_t)n, now);
		}
		for (int i = 0; i < 40; i++) {
			o.since = lines[rand() % MANY].nsec + rand() % 3 - 1;
			o.until = rand() % 3 ? o.since + rand() % 400000000 : 0;
			expect_between(b, o, lines);
		}
		mb_logwrite_close(b->w);
		for (unsigned i = 0; i < 100; i++) {
			char name[MB_LOGSET_NAME + 12];

			mb_logset_name(&b->w->set, i, name);
			unlinkat(b->dir, name, 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(order_is_told_by_the_writer),
		TEST(times_that_jump),
		TEST(following_ends_with_the_newest),
		TEST(bisected_as_if_read),
	};

	return cmocka_run_group_tests_name("monitor/log_order", tests, NULL, NULL);
}
