/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom the kernel says it killed, and what processes can make it say by their names. */
#include "unit.h"

#include "monitor/kmsg.h"

#define ID             "46a5f2f0d69b0753974ec58a18628fb76740e4435ab5fb8649267bef20469deb"
#define OTHER          "0123f2f0d69b0753974ec58a18628fb76740e4435ab5fb8649267bef20469deb"
#define HEAD           "6,1407,27322909379,-;"
#define MEMS           "mems_allowed=0,"
#define WHY_IN         "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset="
#define WHY            WHY_IN "/," MEMS
#define IN(path, rest) HEAD WHY "oom_memcg=" path ",task_memcg=" path rest
#define KILLED         "3,1408,27322909394,-;Memory cgroup out of memory: Killed process "
#define SIZES          " total-vm:14564kB, anon-rss:7940kB, UID:0 pgtables:64kB oom_score_adj:0\n"

static const struct {
	const char *record;
	int r, pid;
	const char *name;
} rows[] = {
	{IN("/mybox/" ID, ",task=sh,pid=28238,uid=0\n"), 0, 28238, "sh"},
	{IN("/mybox/" ID, ",task=sh,pid=28238,uid=0\n SUBSYSTEM=x\n"), 0, 28238, "sh"},
	{IN("/mybox/" ID, ",task=sh,pid=28238,uid=0"), 0, 28238, "sh"},
	/* Its own groups, systemd's, and where all of it is in a group of somebody else. */
	{IN("/mybox/" ID "/exec-77", ",task=dd,pid=7,uid=1000\n"), 0, 7, "dd"},
	{IN("/a.slice/mybox-" ID ".scope", ",task=dd,pid=7,uid=0\n"), 0, 7, "dd"},
	{IN("/a.slice/mybox-" ID ".scope/x", ",task=dd,pid=7,uid=0\n"), 0, 7, "dd"},
	{IN("/kubepods/pod1/mybox/" ID, ",task=dd,pid=7,uid=0\n"), 0, 7, "dd"},
	{HEAD "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,"
              "global_oom,task_memcg=/mybox/" ID ",task=dd,pid=7,uid=0\n",
         0, 7, "dd"},
	/* Another's, and what only looks like ours. */
	{IN("/mybox/" OTHER, ",task=sh,pid=28238,uid=0\n"), MB_MONITOR_KMSG_OTHER, 0, NULL},
	{IN("/mybox/x" ID, ",task=sh,pid=28238,uid=0\n"), MB_MONITOR_KMSG_OTHER, 0, NULL},
	{IN("/mybox/" ID "x", ",task=sh,pid=28238,uid=0\n"), MB_MONITOR_KMSG_OTHER, 0, NULL},
	{IN("/mybox/" ID ".scopes", ",task=sh,pid=28238,uid=0\n"), MB_MONITOR_KMSG_OTHER, 0, NULL},
	{HEAD WHY "oom_memcg=/mybox/" ID ",task_memcg=/x,task=sh,pid=8,uid=0\n",
         MB_MONITOR_KMSG_OTHER, 0, NULL},
	{IN("/x", ",task=" ID ",pid=8,uid=0\n"), MB_MONITOR_KMSG_OTHER, 0, NULL},
	/* What a process may call itself. */
	{IN("/mybox/" ID, ",task=a,pid=1,uid=0,pid=28238,uid=0\n"), 0, 28238, "a,pid=1,uid=0"},
	{IN("/mybox/" ID, ",task=,task=x,pid=28238,uid=0\n"), 0, 28238, ",task=x"},
	{IN("/mybox/" ID, ",task=a\\x0apid=1,pid=28238,uid=0\n"), 0, 28238, "a\\x0apid=1"},
	{IN("/mybox/" ID, ",task=\\x1b[31mred,pid=28238,uid=0\n"), 0, 28238, "\\x1b[31mred"},
	{IN("/mybox/" ID, ",task=,pid=28238,uid=0\n"), 0, 28238, ""},
	{IN("/mybox/" ID, ",task=\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c"
                          "\\x5c\\x5c\\x5c,pid=2,uid=0\n"),
         0, 2, "\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c\\x5c"},
	{IN("/mybox/" ID, ",task=sixteen bytes it,pid=2,uid=0\n"), MB_MONITOR_KMSG_OTHER, 0, NULL},
	{IN("/mybox/" ID, ",task=a\\xg0,pid=2,uid=0\n"), MB_MONITOR_KMSG_OTHER, 0, NULL},
	{IN("/mybox/" ID, ",task=a\\,pid=2,uid=0\n"), MB_MONITOR_KMSG_OTHER, 0, NULL},
	{IN("/mybox/" ID, ",task=a\x1b[m,pid=2,uid=0\n"), MB_MONITOR_KMSG_OTHER, 0, NULL},
	{IN("/mybox/" OTHER, ",task=,task_memcg=/" ID ",task=,pid=2,uid=0\n"),
         MB_MONITOR_KMSG_OTHER, 0, NULL},
	{IN("/mybox/" ID, ",task=,task_memcg=/a,pid=2,uid=0\n"), 0, 2, ",task_memcg=/a"},
	/* What groups may be called. */
	{HEAD WHY "oom_memcg=/a,task_memcg=/" ID ",task=y,task_memcg=/a,task=,pid=2,uid=0\n",
         MB_MONITOR_KMSG_OTHER, 0, NULL},
	{HEAD WHY_IN "x,task_memcg=/" ID ",task=y," MEMS
                     "oom_memcg=/x,task_memcg=/x,task=sh,pid=2,uid=0\n",
         MB_MONITOR_KMSG_OTHER, 0, NULL},
	/* Numbers. */
	{IN("/mybox/" ID, ",task=sh,pid=0,uid=0\n"), MB_MONITOR_KMSG_OTHER, 0, NULL},
	{IN("/mybox/" ID, ",task=sh,pid=-1,uid=0\n"), MB_MONITOR_KMSG_OTHER, 0, NULL},
	{IN("/mybox/" ID, ",task=sh,pid=99999999999,uid=0\n"), MB_MONITOR_KMSG_OTHER, 0, NULL},
	{IN("/mybox/" ID, ",task=sh,pid=2,uid=0 and more\n"), MB_MONITOR_KMSG_OTHER, 0, NULL},
	{IN("/mybox/" ID, ",task=sh,pid=2\n"), MB_MONITOR_KMSG_OTHER, 0, NULL},
	{IN("/mybox/" ID, "\n"), MB_MONITOR_KMSG_OTHER, 0, NULL},
	/* The other form says nothing of groups. */
	{KILLED "28238 (sh)" SIZES, MB_MONITOR_KMSG_HOMELESS, 28238, "sh"},
	{KILLED "28238 (a) total-vm:)" SIZES, MB_MONITOR_KMSG_HOMELESS, 28238, "a) total-vm:"},
	{KILLED "28238 (1 (sh)" SIZES, MB_MONITOR_KMSG_HOMELESS, 28238, "1 (sh"},
	{KILLED "28238 (sh" SIZES, MB_MONITOR_KMSG_OTHER, 0, NULL},
	{KILLED "(sh)" SIZES, MB_MONITOR_KMSG_OTHER, 0, NULL},
	{"3,1,2,-;Out of memory: Killed process 5 (x)" SIZES, MB_MONITOR_KMSG_HOMELESS, 5, "x"},
	/* Others than the kernel may write there, and never as it. */
	{"14,1407,27322909379,-;" WHY "task_memcg=/mybox/" ID ",task=sh,pid=2,uid=0\n",
         MB_MONITOR_KMSG_OTHER, 0, NULL},
	{"12,1408,27322909394,-;Memory cgroup out of memory: Killed process 2 (sh)" SIZES,
         MB_MONITOR_KMSG_OTHER, 0, NULL},
	{HEAD "x " WHY "task_memcg=/mybox/" ID ",task=sh,pid=2,uid=0\n", MB_MONITOR_KMSG_OTHER, 0,
         NULL},
	{HEAD "\n", MB_MONITOR_KMSG_OTHER, 0, NULL},
	{"", -EBADMSG, 0, NULL},
	{"6,1407,27322909379,-", -EBADMSG, 0, NULL},
	{"6,,27322909379,-;x", -EBADMSG, 0, NULL},
	{"6;x", -EBADMSG, 0, NULL},
};

static void victims_are_told_from_what_they_call_themselves(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		/* Without a NUL, in a block of its own size. */
		size_t n = strlen(rows[i].record);
		char *copy = malloc(n + !n);
		struct mb_monitor_kmsg got;
		int r;

		assert_non_null(copy);
		memcpy(copy, rows[i].record, n);
		r = mb_monitor_kmsg_parse(copy, n, ID, &got);
		if (r != rows[i].r || (r >= 0 && got.pid != rows[i].pid) ||
		    strcmp(got.name, r == 0 || r == MB_MONITOR_KMSG_HOMELESS ? rows[i].name : "") !=
		            0)
			fail_msg("%s: %d, pid %d, '%s'", rows[i].record, r, got.pid, got.name);
		free(copy);
	}
}

static void records_have_number_and_time(void **state)
{
	static const char record[] = IN("/mybox/" ID, ",task=sh,pid=28238,uid=0\n");
	char big[9000];
	struct mb_monitor_kmsg got;

	(void)state;
	assert_int_equal(mb_monitor_kmsg_parse(record, sizeof(record) - 1, ID, &got), 0);
	assert_int_equal(got.sequence, 1407);
	assert_int_equal(got.usec, 27322909379);
	/* The longest that there is. */
	memset(big, 'x', sizeof(big));
	memcpy(big, "6,99,100,-;", 11);
	assert_int_equal(mb_monitor_kmsg_parse(big, sizeof(big), ID, &got), MB_MONITOR_KMSG_OTHER);
	assert_int_equal(got.sequence, 99);
	assert_int_equal(mb_monitor_kmsg_parse(record, sizeof(record) - 1, "", &got), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(victims_are_told_from_what_they_call_themselves),
		cmocka_unit_test(records_have_number_and_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
