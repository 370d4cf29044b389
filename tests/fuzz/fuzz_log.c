/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/err.h"
#include "fuzz.h"
#include "monitor/logfile.h"
#include "monitor/logrecord.h"

static int count(void *arg, enum mb_monitor_stream stream, const void *bytes, size_t size)
{
	size_t *total = arg;

	(void)stream;
	(void)bytes;
	FUZZ_CHECK(size <= 65536);
	*total += size;
	return 0;
}

static void read_entries(const struct mb_logfile_options *options, size_t size)
{
	struct mb_logfile *log = NULL;
	struct mb_logfile_entry entry;
	size_t total = 0, n = 0;
	int r;

	FUZZ_CHECK(mb_logfile_open(fuzz_dir(), options, &log, NULL) == 0);
	while ((r = mb_logfile_next(log, &entry, NULL)) == 0) {
		total += entry.size;
		FUZZ_CHECK(++n <= size + 2);
	}
	FUZZ_CHECK(r == MB_LOGFILE_END && total <= size);
	mb_logfile_free(log);
}

/* A log file of records, read in every way. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mb_logfile_options all = {.tail = -1}, last = {.tail = 2},
					since = {.tail = -1, .since = 1475625600000000000};
	struct mb_logrecord_clock clock = {0};
	struct mb_logrecord record;
	struct mb_logfile *log = NULL;
	size_t total = 0;

	char *copy = mb_malloc(size + 1);

	memcpy(copy, data, size);
	mb_logrecord_parse(copy, size, &clock, &record);
	FUZZ_CHECK(record.size <= size);
	free(copy);
	fuzz_file("log", data, size);
	read_entries(&all, size);
	read_entries(&last, size);
	read_entries(&since, size);
	FUZZ_CHECK(mb_logfile_open(fuzz_dir(), &all, &log, NULL) == 0);
	FUZZ_CHECK(mb_logfile_copy(log, size % 2, count, &total, NULL) >= 0);
	mb_logfile_free(log);
	return 0;
}
