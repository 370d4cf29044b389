/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log's writer and reader, against each other and across rotation. */
#include "log_bench.h"

static void expect_file(struct bench *b, const char *name, const char *want)
{
	MB_AUTO_STR struct mb_str got = MB_STR_INIT;

	assert_int_equal(mb_read_file(b->dir, name, 1 << 20, &got, NULL), 0);
	assert_string_equal(mb_str_text(&got), want);
}

static void format_of_records(void **state)
{
	struct bench *b = *state;

	mb_logwrite_open(b->w, b->dir, 3, 0);
	feed_text(b, 0, "one\ntw", T0);
	feed_text(b, 1, "\n", T0 + 1);
	feed_text(b, 0, "o\n", T0 + 1000000000);
	feed_text(b, 0, "end", T0 + 1000000000);
	mb_logwrite_end(b->w, b->s[0], T0 + 2000000000);
	mb_logwrite_end(b->w, b->s[1], T0 + 2000000000);
	expect_file(b, "log",
	            "2016-10-07T00:17:09.669794202Z stdout F one\n"
	            "2016-10-07T00:17:09.669794203Z stderr F \n"
	            "2016-10-07T00:17:10.669794202Z stdout F two\n"
	            "2016-10-07T00:17:11.669794202Z stdout P end\n");
}

static void long_lines_are_pieces(void **state)
{
	struct bench *b = *state;
	static char line[3 * MB_LOGWRITE_PIECE + 100];
	MB_AUTO_STR struct mb_str got = MB_STR_INIT;
	char *second;

	mb_logwrite_open(b->w, b->dir, 3, 0);
	memset(line, 'x', sizeof(line));
	line[2 * MB_LOGWRITE_PIECE + 5] = '\n';
	feed(b, 0, line, 2 * MB_LOGWRITE_PIECE + 6, T0);
	feed(b, 0, line, MB_LOGWRITE_PIECE, T0);
	feed(b, 0, "\n", 1, T0);
	assert_int_equal(mb_read_file(b->dir, "log", 1 << 20, &got, NULL), 0);
	assert_int_equal(got.len, 5 * 40 + 3 * MB_LOGWRITE_PIECE + 5 + 5);
	assert_memory_equal(got.buf + 37, " P ", 3);
	second = got.buf + 40 + MB_LOGWRITE_PIECE + 1;
	assert_memory_equal(second + 37, " P ", 3);
	second += 40 + MB_LOGWRITE_PIECE + 1;
	assert_memory_equal(second + 37, " F xxxxx\n", 9);
	second += 46;
	assert_memory_equal(second + 37, " P x", 4);
	assert_memory_equal(got.buf + got.len - 4, " F \n", 4);
}

static void rotation_keeps_records_whole(void **state)
{
	struct bench *b = *state;
	struct stat st;

	mb_logwrite_open(b->w, b->dir, 3, 100); /* two records of 44 each */
	for (int i = 0; i < 9; i++) {
		char line[16];

		snprintf(line, sizeof(line), "%03d\n", i);
		feed_text(b, 0, line, T0);
	}
	expect_file(b, "log", "2016-10-07T00:17:09.669794202Z stdout F 008\n");
	expect_file(b, "log.1",
	            "2016-10-07T00:17:09.669794202Z stdout F 006\n"
	            "2016-10-07T00:17:09.669794202Z stdout F 007\n");
	assert_int_equal(fstatat(b->dir, "log.2", &st, 0), 0);
	assert_int_equal(fstatat(b->dir, "log.3", &st, 0), -1);
	/* all at once gives the same */
	feed_text(b, 0, "009\n010\n011\n012\n013\n", T0);
	expect_file(b, "log.1",
	            "2016-10-07T00:17:09.669794202Z stdout F 010\n"
	            "2016-10-07T00:17:09.669794202Z stdout F 011\n");
}

static void one_file_only(void **state)
{
	struct bench *b = *state;
	struct stat st;

	mb_logwrite_open(b->w, b->dir, 1, 60);
	feed_text(b, 0, "a\nb\nc\n", T0);
	expect_file(b, "log", "2016-10-07T00:17:09.669794202Z stdout F c\n");
	assert_int_equal(fstatat(b->dir, "log.1", &st, 0), -1);
}

static void torn_end_is_cut_when_opened(void **state)
{
	struct bench *b = *state;

	mb_logwrite_open(b->w, b->dir, 3, 0);
	feed_text(b, 0, "a\n", T0);
	assert_int_equal(write(b->w->fd, "2016-10-07T00:17:09.6", 21), 21);
	mb_logwrite_close(b->w);
	mb_logwrite_open(b->w, b->dir, 3, 0);
	feed_text(b, 0, "b\n", T0);
	expect_file(b, "log",
	            "2016-10-07T00:17:09.669794202Z stdout F a\n"
	            "2016-10-07T00:17:09.669794202Z stdout F b\n");
}

static void full_disk_drops_whole_records(void **state)
{
	struct bench *b = *state;
	struct rlimit before, small;

	mb_logwrite_open(b->w, b->dir, 3, 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 100; /* two records and a bit */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	feed_text(b, 0, "a\nb\ncccccc\n", T0);
	feed_text(b, 0, "d\n", T0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(b->w->dropped, 9);
	feed_text(b, 0, "e\n", T0);
	expect_file(b, "log",
	            "2016-10-07T00:17:09.669794202Z stdout F a\n"
	            "2016-10-07T00:17:09.669794202Z stdout F b\n"
	            "2016-10-07T00:17:09.669794202Z stdout F e\n");
}

static const struct mb_logfile_options everything = {.tail = -1};

static void empty_and_absent(void **state)
{
	struct bench *b = *state;

	expect(b, everything, "");
	expect(b, (struct mb_logfile_options){.tail = 5}, "");
	expect(b, (struct mb_logfile_options){.tail = -1, .since = 5}, "");
	mb_logwrite_open(b->w, b->dir, 3, 0);
	/* Who writes nothing costs the store no file. */
	assert_int_equal(faccessat(b->dir, "log", F_OK, 0), -1);
	expect(b, everything, "");
	expect(b, (struct mb_logfile_options){.tail = 5}, "");
}

static void read_select_and_join(void **state)
{
	struct bench *b = *state;
	static char line[2 * MB_LOGWRITE_PIECE + 2];

	mb_logwrite_open(b->w, b->dir, 3, 0);
	feed_text(b, 0, "a\n", T0);
	feed_text(b, 1, "b\n", T0 + 10);
	feed_text(b, 0, "c\nd", T0 + 20);
	mb_logwrite_end(b->w, b->s[0], T0 + 30);
	expect(b, everything, "a;!b;c;d+");
	expect(b, (struct mb_logfile_options){.tail = -1, .streams = MB_MONITOR_STDERR}, "!b;");
	expect(b, (struct mb_logfile_options){.tail = -1, .since = T0 + 10}, "!b;c;d+");
	expect(b, (struct mb_logfile_options){.tail = -1, .until = T0 + 20}, "a;!b;");
	expect(b, (struct mb_logfile_options){.tail = 2}, "c;d+");
	expect(b, (struct mb_logfile_options){.tail = 0}, "");
	expect(b, (struct mb_logfile_options){.tail = 99}, "a;!b;c;d+");
	feed_text(b, 0, "ay\n", T0 + 40);
	expect(b, everything, "a;!b;c;day;");
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	feed(b, 0, line, sizeof(line), T0 + 50);
	{
		MB_AUTO(mb_logfile_free)
		struct mb_logfile *log = reader(b, (struct mb_logfile_options){.tail = 1});
		struct mb_logfile_entry e;

		assert_int_equal(mb_logfile_next(log, &e, NULL), 0);
		assert_int_equal(e.size, sizeof(line) - 1);
		assert_int_equal(e.nsec, T0 + 50);
		assert_false(e.partial);
		assert_int_equal(mb_logfile_next(log, &e, NULL), MB_LOGFILE_END);
	}
}

/* Lines of both streams whose pieces are mixed: the tail takes each from its beginning. */
static void tail_takes_interleaved_lines_whole(void **state)
{
	struct bench *b = *state;
	static const char log[] = "2016-10-07T00:17:09.669794202Z stdout F one\n"
				  "2016-10-07T00:17:09.669794202Z stderr P tw\n"
				  "2016-10-07T00:17:09.669794202Z stdout F three\n"
				  "2016-10-07T00:17:09.669794202Z stdout F four\n"
				  "2016-10-07T00:17:09.669794202Z stderr F o\n"
				  "2016-10-07T00:17:09.669794202Z stdout F five\n";
	int fd = openat(b->dir, "log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, log, sizeof(log) - 1), sizeof(log) - 1);
	close(fd);
	expect(b, everything, "one;three;four;!two;five;");
	expect(b, (struct mb_logfile_options){.tail = 1}, "five;");
	expect(b, (struct mb_logfile_options){.tail = 2}, "!two;five;");
	expect(b, (struct mb_logfile_options){.tail = 3}, "four;!two;five;");
	expect(b, (struct mb_logfile_options){.tail = 4}, "three;four;!two;five;");
	expect(b, (struct mb_logfile_options){.tail = 2, .streams = MB_MONITOR_STDOUT},
	       "four;five;");
}

static void junk_is_shown_as_it_stands(void **state)
{
	struct bench *b = *state;
	static const char log[] = "hello\n\n2016-10-07T00:17:09.669794202Z stdin F one\n"
				  "2016-1x-07T00:17:09.669794202Z stdout F one\n";
	int fd = openat(b->dir, "log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, log, sizeof(log) - 1), sizeof(log) - 1);
	close(fd);
	expect(b, everything,
	       "hello;;2016-10-07T00:17:09.669794202Z stdin F one;"
	       "2016-1x-07T00:17:09.669794202Z stdout F one;");
}

static void tail_at_every_count_over_rotated_files(void **state)
{
	struct bench *b = *state;
	MB_AUTO_STR struct mb_str all = MB_STR_INIT;
	char *lines[200];

	mb_logwrite_open(b->w, b->dir, 50, 300);
	for (int i = 0; i < 200; i++) {
		lines[i] = mb_asprintf("line %d%.*s\n", i, i % 23, "xxxxxxxxxxxxxxxxxxxxxxxxx");
		feed_text(b, i % 3 == 0, lines[i], T0 + i);
	}
	expect(b, (struct mb_logfile_options){.tail = -1, .since = T0 + 1000}, "");
	for (int n = 0; n <= 200; n += n < 12 ? 1 : 17) {
		mb_str_reset(&all);
		for (int i = 200 - n; i < 200; i++) {
			if (i % 3 == 0)
				mb_str_addc(&all, '!');
			mb_str_addn(&all, lines[i], strlen(lines[i]) - 1);
			mb_str_addc(&all, ';');
		}
		expect(b, (struct mb_logfile_options){.tail = n}, mb_str_text(&all));
		if (n)
			expect(b, (struct mb_logfile_options){.tail = -1, .since = T0 + 200 - n},
			       mb_str_text(&all));
	}
	for (int i = 0; i < 200; i++)
		free(lines[i]);
}

/* Rotate at every record boundary while a reader stands anywhere: nothing lost or repeated. */
static void follow_across_rotation_at_every_boundary(void **state)
{
	struct bench *b = *state;

	for (uint64_t max = 1; max < 300; max += 41) {
		MB_AUTO(mb_logfile_free) struct mb_logfile *log = NULL;
		MB_AUTO_STR struct mb_str want = MB_STR_INIT, got = MB_STR_INIT;
		int fd;

		mb_logwrite_close(b->w);
		for (int i = 0; i < 500; i++) {
			char name[16];

			snprintf(name, sizeof(name), i ? "log.%d" : "log", i);
			unlinkat(b->dir, name, 0);
		}
		mb_logwrite_open(b->w, b->dir, 400, max);
		log = reader(b, everything);
		assert_int_equal(mb_logfile_follow(log, &fd, NULL), 0);
		for (int i = 0; i < 120; i++) {
			char line[32];

			snprintf(line, sizeof(line), "%d%.*s", i, i % 11, "yyyyyyyyyyyyyy");
			mb_str_addf(&want, "%s%s;", i % 4 == 1 ? "!" : "", line);
			feed_text(b, i % 4 == 1, line, T0 + i);
			feed_text(b, i % 4 == 1, "\n", T0 + i);
			if (i % 5 == 0 || i % 7 == 0)
				read_all(log, &got);
		}
		read_all(log, &got);
		assert_string_equal(mb_str_text(&got), want.buf);
		assert_int_equal(mb_logfile_gaps(log), 0);
	}
}

static void follow_a_writer_in_another_process(void **state)
{
	struct bench *b = *state;
	MB_AUTO(mb_logfile_free) struct mb_logfile *log = NULL;
	struct mb_logfile_entry e;
	int fd, next = 0, status;
	pid_t pid;

	log = reader(b, everything);
	assert_int_equal(mb_logfile_follow(log, &fd, NULL), 0);
	pid = fork();
	if (pid == 0) {
		mb_logwrite_open(b->w, b->dir, 1000, 4000);
		for (int i = 0; i < 9000; i += 3) {
			char lines[64];

			snprintf(lines, sizeof(lines), "%d\n%d\n%d\n", i, i + 1, i + 2);
			feed_text(b, 0, lines, mb_now_nsec());
		}
		_exit(0);
	}
	alarm(30);
	while (next < 9000) {
		int r = mb_logfile_next(log, &e, NULL);

		if (r == MB_LOGFILE_END) {
			struct pollfd p = {.fd = fd, .events = POLLIN};

			assert_true(poll(&p, 1, 5000) > 0);
			mb_logfile_settle(log);
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(strtol(e.text, NULL, 10), next);
		next++;
	}
	alarm(0);
	waitpid(pid, &status, 0);
	assert_int_equal(mb_logfile_gaps(log), 0);
}

static void overtaken_reader_goes_on_at_the_oldest(void **state)
{
	struct bench *b = *state;
	MB_AUTO(mb_logfile_free) struct mb_logfile *log = NULL;
	struct mb_logfile_entry e;

	mb_logwrite_open(b->w, b->dir, 2, 60);
	feed_text(b, 0, "1\n", T0);
	log = reader(b, everything);
	assert_int_equal(mb_logfile_next(log, &e, NULL), 0);
	feed_text(b, 0, "2\n3\n4\n5\n", T0);
	assert_int_equal(mb_logfile_next(log, &e, NULL), 0);
	assert_memory_equal(e.text, "4", 1);
	assert_int_equal(mb_logfile_gaps(log), 1);
}

static void remove_files(struct bench *b)
{
	unlinkat(b->dir, "log", 0);
	unlinkat(b->dir, "log.1", 0);
	unlinkat(b->dir, "log.2", 0);
}

static void stops_at_the_end_as_it_was(void **state)
{
	struct bench *b = *state;
	struct mb_logfile_options now = everything;
	MB_AUTO_STR struct mb_str got = MB_STR_INIT;

	now.until_now = true;
	for (int newer = 0; newer < 8; newer++) {
		MB_AUTO(mb_logfile_free) struct mb_logfile *none = NULL, *log = NULL, *tail = NULL;

		none = reader(b, now);
		mb_logwrite_open(b->w, b->dir, 3, 90); /* two records are a file */
		feed_text(b, 0, "1\n2\n3\n", T0);
		log = reader(b, now);
		now.tail = 2;
		tail = reader(b, now);
		now.tail = everything.tail;
		for (int i = 0; i < newer; i++)
			feed_text(b, 0, "newer\n", T0);
		mb_str_reset(&got);
		read_all(none, &got);
		assert_int_equal(got.len, 0);
		read_all(log, &got);
		/* Four files later the one it began with is still held, as is the one it ends in.
		 */
		assert_string_equal(mb_str_text(&got), "1;2;3;");
		mb_str_reset(&got);
		read_all(tail, &got);
		assert_string_equal(mb_str_text(&got), "2;3;");
		mb_logwrite_close(b->w);
		remove_files(b);
	}
}

/* What stands behind the comment, as it is. */
static int take_rest(int packed_fd, int to_fd)
{
	char bytes[256];
	ssize_t n = pread(packed_fd, bytes, sizeof(bytes), 0);
	const char *rest = memchr(bytes + 10, '\0', (size_t)n - 10);

	return mb_write_full(to_fd, rest + 1, (size_t)(bytes + n - rest - 1));
}

/* All but what follows the last line feed, which is broken; nothing of what has no head. */
static int take_sound(int packed_fd, int to_fd)
{
	struct stat st;

	if (fstat(packed_fd, &st) < 0 || st.st_size < 10)
		return -EBADMSG;
	return take_rest(packed_fd, to_fd) < 0 ? -EIO : -EBADMSG;
}

static void put_file(struct bench *b, const char *name, const void *bytes, size_t n)
{
	int fd = openat(b->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_int_equal(mb_write_full(fd, bytes, n), 0);
	close(fd);
}

static uint64_t identity_of(struct bench *b, const char *name, ino_t *ret_ino)
{
	MB_AUTO_CLOSE int fd = openat(b->dir, name, O_RDONLY | O_CLOEXEC);
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	*ret_ino = st.st_ino;
	return mb_logset_identity(fd);
}

/* Power was lost: what is broken ends there, and is told. */
static void broken_files_are_gaps(void **state)
{
	static const char packed[] = "\x1f\x8b\x08\x10\0\0\0\0\0\3"
				     "77\0"
				     "2\n2.5\nhal";
	struct bench *b = *state;
	struct mb_logfile_options how = everything;
	MB_AUTO(mb_logfile_free) struct mb_logfile *log = NULL, *tail = NULL, *first = NULL;
	MB_AUTO_STR struct mb_str got = MB_STR_INIT;

	put_file(b, "log.3", "1\n", 2);
	put_file(b, "log.2.gz", packed, sizeof(packed) - 1);
	put_file(b, "log.1.gz", "", 0);
	put_file(b, "log", "3\n", 2);
	how.unpack = take_sound;
	log = reader(b, how);
	read_all(log, &got);
	assert_string_equal(mb_str_text(&got), "1;2;2.5;3;");
	assert_int_equal(mb_logfile_gaps(log), 2);
	how.tail = 2;
	tail = reader(b, how);
	mb_str_reset(&got);
	read_all(tail, &got);
	assert_string_equal(mb_str_text(&got), "2.5;3;");
	unlinkat(b->dir, "log.3", 0);
	how.tail = everything.tail;
	first = reader(b, how);
	mb_str_reset(&got);
	read_all(first, &got);
	assert_string_equal(mb_str_text(&got), "2;2.5;3;");
	assert_int_equal(mb_logfile_gaps(first), 2);
}

/* The clock of files is a coarse one. */
static void wait_for_tick(void)
{
	struct timespec from, now;

	clock_gettime(CLOCK_REALTIME_COARSE, &from);
	do
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	while (now.tv_sec == from.tv_sec && now.tv_nsec == from.tv_nsec);
}

/* Two that were born in one tick with one number. */
static void packed_ones_are_among_packed_ones(void **state)
{
	struct bench *b = *state;
	struct mb_logfile_options packed = everything;
	MB_AUTO(mb_logfile_free) struct mb_logfile *log = NULL;
	MB_AUTO_STR struct mb_str got = MB_STR_INIT, file = MB_STR_INIT;
	ino_t ignored;

	put_file(b, "log.1", "2\n", 2);
	put_file(b, "log", "3\n", 2);
	mb_str_addn(&file, "\x1f\x8b\x08\x10\0\0\0\0\0\3", 10);
	mb_str_addf(&file, "%llu%c1\n", (unsigned long long)identity_of(b, "log", &ignored), '\0');
	put_file(b, "log.2.gz", file.buf, file.len);
	packed.unpack = take_rest;
	log = reader(b, packed);
	read_all(log, &got);
	assert_string_equal(mb_str_text(&got), "1;2;3;");
	assert_int_equal(mb_logfile_gaps(log), 0);
}

/* ext4 gives the number of a file that was removed to the next one. */
static void a_number_that_is_given_again(void **state)
{
	struct bench *b = *state;
	struct mb_logfile_options packed = everything;
	MB_AUTO(mb_logfile_free) struct mb_logfile *log = NULL;
	MB_AUTO_STR struct mb_str got = MB_STR_INIT, file = MB_STR_INIT;
	ino_t before, now = 0;
	uint64_t was, is = 0;

	put_file(b, "log.2", "x", 1);
	was = identity_of(b, "log.2", &before);
	assert_int_equal(identity_of(b, "log.2", &before), was);
	wait_for_tick();
	unlinkat(b->dir, "log.2", 0);
	for (int i = 0; i < 50 && now != before; i++) {
		unlinkat(b->dir, "log", 0);
		put_file(b, "log", "3\n", 2);
		is = identity_of(b, "log", &now);
	}
	if (now != before)
		skip();
	assert_int_not_equal(is, was);
	mb_str_addn(&file, "\x1f\x8b\x08\x10\0\0\0\0\0\3", 10);
	mb_str_addf(&file, "%llu%c1\n", (unsigned long long)was, '\0');
	put_file(b, "log.2.gz", file.buf, file.len);
	put_file(b, "log.1", "2\n", 2);
	packed.unpack = take_rest;
	log = reader(b, packed);
	read_all(log, &got);
	assert_string_equal(mb_str_text(&got), "1;2;3;");
	assert_int_equal(mb_logfile_gaps(log), 0);
}

/* docker's format: what is written, what others write, and that the reader sees the same lines. */
static void json_records(void **state)
{
	struct bench *b = *state;
	static char line[2 * MB_LOGWRITE_PIECE + 1];
	MB_AUTO_STR struct mb_str got = MB_STR_INIT;
	struct mb_logfile_options json = {.tail = -1, .name = "x-json.log"};

	b->w->is_json = true;
	b->w->attrs = "\"attrs\":{\"tag\":\"t\"},";
	strcpy(b->w->set.name, "x-json.log");
	mb_logwrite_open(b->w, b->dir, 3, 0);
	feed_text(b, 0, "a\"\\<\x01\n\xff\xc3\xa9\xf0\x9f\x98\x80\n", T0);
	feed_text(b, 1, "end", T0);
	mb_logwrite_end(b->w, b->s[1], T0 + 1);
	expect_file(
		b, "x-json.log",
		"{\"log\":\"a\\\"\\\\\\u003c\\u0001\\n\",\"stream\":\"stdout\",\"attrs\":{\"tag\":"
		"\"t\"},\"time\":\"2016-10-07T00:17:09.669794202Z\"}\n"
		"{\"log\":\"\\ufffd\xc3\xa9\xf0\x9f\x98\x80\\n\",\"stream\":\"stdout\",\"attrs\":{"
		"\"tag\":\"t\"},\"time\":\"2016-10-07T00:17:09.669794202Z\"}\n"
		"{\"log\":\"end\",\"stream\":\"stderr\",\"attrs\":{\"tag\":\"t\"},\"time\":"
		"\"2016-10-07T00:17:09.669794203Z\"}\n");
	expect(b, json, "a\"\\<\x01;\xef\xbf\xbd\xc3\xa9\xf0\x9f\x98\x80;!end+");
	/* The widest that there is: every byte becomes six. */
	memset(line, 1, sizeof(line));
	line[sizeof(line) - 1] = '\n';
	feed(b, 0, line, sizeof(line), T0 + 2);
	json.tail = 1;
	json.streams = MB_MONITOR_STDOUT;
	line[sizeof(line) - 1] = ';';
	{
		MB_AUTO(mb_logfile_free) struct mb_logfile *log = reader(b, json);

		read_all(log, &got);
		assert_int_equal(got.len, sizeof(line));
		assert_memory_equal(got.buf, line, sizeof(line));
	}
}

static void json_of_others(void **state)
{
	struct bench *b = *state;
	struct mb_logfile_options json = {.tail = -1, .name = "x-json.log"};
	static const char text[] =
		"{\"log\":\"old\\n\",\"stream\":\"stdout\",\"time\":\"2016-10-07T00:17:08Z\"}\n"
		"{ \"time\" : \"2016-10-07T00:17:09.5Z\", \"n\":[1,{\"log\":2}], \"log\" : "
		"\"\\ud83d\\ude00\\u00e9\\ud800\\/\\t\\n\",\"stream\":\"stderr\"}\n"
		"{\"log\":\"cut\n"
		"{\"log\":\"no time\\n\"}\n";

	MB_AUTO_CLOSE int fd = openat(b->dir, "x-json.log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	expect(b, json,
	       "old;!\xf0\x9f\x98\x80\xc3\xa9\xef\xbf\xbd/\t;{\"log\":\"cut;{\"log\":\"no "
	       "time\\n\"};");
	json.since = T0 - MB_NSEC_PER_SEC;
	json.until = T0;
	expect(b, json, "!\xf0\x9f\x98\x80\xc3\xa9\xef\xbf\xbd/\t;");
}

/* Rotation, a torn end and a full disk, as with the other format. */
static void json_rotates_and_mends(void **state)
{
	struct bench *b = *state;
	struct mb_logfile_options json = {.tail = -1, .name = "x-json.log"};
	struct rlimit before, small;

	b->w->is_json = true;
	strcpy(b->w->set.name, "x-json.log");
	mb_logwrite_open(b->w, b->dir, 3, 200); /* two records of 77 each */
	feed_text(b, 0, "1\n2\n3\n4\n5\n6\n7\n", T0);
	expect(b, json, "3;4;5;6;7;");
	json.tail = 3;
	expect(b, json, "5;6;7;");
	assert_int_equal(write(b->w->fd, "{\"log\":\"to", 10), 10);
	mb_logwrite_close(b->w);
	mb_logwrite_open(b->w, b->dir, 3, 0);
	feed_text(b, 0, "8\n", T0);
	expect(b, json, "6;7;8;");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = b->w->size + 100; /* one record and a bit */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	feed_text(b, 0, "a\n\xff\"\xc3\xa9<\n", T0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(b->w->dropped, 6);
	expect(b, json, "7;8;a;");
}

/* The writer may rotate between the look for the end and the search for the last lines. */
static void the_last_lines_before_an_end_that_moved(void **state)
{
	struct bench *b = *state;

	for (int newer = 0; newer < 8; newer++) {
		const struct mb_logset set = {.dir_fd = b->dir, .name = "log"};
		struct mb_logtail_stop stop;
		struct mb_logtail last, since;
		struct stat st;
		uint64_t wanted;

		mb_logwrite_open(b->w, b->dir, 3, 90);
		feed_text(b, 0, "1\n2\n", T0);
		stop.fd = openat(b->dir, "log", O_RDONLY | O_CLOEXEC);
		assert_int_equal(fstat(stop.fd, &st), 0);
		stop.offset = (uint64_t)st.st_size;
		wanted = mb_logset_identity(stop.fd);
		for (int i = 0; i < newer; i++)
			feed_text(b, 0, "newer\n", T0);
		assert_int_equal(mb_logtail_find(&set, 3, 1, stop, &last), 0);
		assert_int_equal(mb_logset_identity(last.fd), wanted);
		assert_int_equal(last.offset, stop.offset / 2);
		assert_int_equal(mb_logtail_find_since(&set, T0 + 1, stop, &since), 0);
		assert_int_equal(mb_logset_identity(since.fd), wanted);
		close(last.fd);
		close(since.fd);
		close(stop.fd);
		mb_logwrite_close(b->w);
		remove_files(b);
	}
}

static int collect(void *arg, enum mb_monitor_stream stream, const void *bytes, size_t n)
{
	struct mb_str *out = arg;

	mb_str_addn(&out[stream == MB_MONITOR_STDERR], bytes, n);
	return 0;
}

static void copy_gives_the_bytes_back(void **state)
{
	struct bench *b = *state;
	struct mb_str want[2] = {MB_STR_INIT, MB_STR_INIT}, got[2] = {MB_STR_INIT, MB_STR_INIT};
	MB_AUTO(mb_logfile_free) struct mb_logfile *log = NULL;

	srand(7);
	mb_logwrite_open(b->w, b->dir, 1000, 50000);
	for (int i = 0; i < 300; i++) {
		static char bytes[40000];
		size_t n = (size_t)rand() % (i % 10 == 0 ? sizeof(bytes) : 400) + 1;
		int s = rand() % 3 == 0;

		for (size_t j = 0; j < n; j++)
			bytes[j] = rand() % (i % 3 ? 30 : 20000) ? (char)rand() : '\n';
		feed(b, s, bytes, n, T0 + i);
		mb_str_addn(&want[s], bytes, n);
	}
	mb_logwrite_end(b->w, b->s[0], T0);
	mb_logwrite_end(b->w, b->s[1], T0);
	log = reader(b, everything);
	assert_int_equal(mb_logfile_copy(log, false, collect, got, NULL), MB_LOGFILE_END);
	for (int s = 0; s < 2; s++) {
		assert_int_equal(got[s].len, want[s].len);
		assert_memory_equal(got[s].buf, want[s].buf, want[s].len);
		mb_str_done(&got[s]);
		mb_str_done(&want[s]);
	}
}

static void copy_stamps_lines_not_pieces(void **state)
{
	struct bench *b = *state;
	struct mb_str got[2] = {MB_STR_INIT, MB_STR_INIT};
	MB_AUTO(mb_logfile_free) struct mb_logfile *log = NULL;

	mb_logwrite_open(b->w, b->dir, 3, 0);
	feed_text(b, 0, "a\nb", T0);
	mb_logwrite_end(b->w, b->s[0], T0);
	feed_text(b, 0, "c\n", T0 + 5);
	log = reader(b, everything);
	assert_int_equal(mb_logfile_copy(log, true, collect, got, NULL), MB_LOGFILE_END);
	assert_string_equal(got[0].buf, "2016-10-07T00:17:09.669794202Z a\n"
	                                "2016-10-07T00:17:09.669794202Z bc\n");
	mb_str_done(&got[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(format_of_records),
		TEST(long_lines_are_pieces),
		TEST(rotation_keeps_records_whole),
		TEST(one_file_only),
		TEST(torn_end_is_cut_when_opened),
		TEST(full_disk_drops_whole_records),
		TEST(empty_and_absent),
		TEST(read_select_and_join),
		TEST(tail_takes_interleaved_lines_whole),
		TEST(junk_is_shown_as_it_stands),
		TEST(tail_at_every_count_over_rotated_files),
		TEST(follow_across_rotation_at_every_boundary),
		TEST(follow_a_writer_in_another_process),
		TEST(overtaken_reader_goes_on_at_the_oldest),
		TEST(stops_at_the_end_as_it_was),
		TEST(broken_files_are_gaps),
		TEST(packed_ones_are_among_packed_ones),
		TEST(a_number_that_is_given_again),
		TEST(the_last_lines_before_an_end_that_moved),
		TEST(copy_gives_the_bytes_back),
		TEST(copy_stamps_lines_not_pieces),
		TEST(json_records),
		TEST(json_of_others),
		TEST(json_rotates_and_mends),
	};

	return cmocka_run_group_tests_name("monitor/log", tests, NULL, NULL);
}
