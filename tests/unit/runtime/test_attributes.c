/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scheduling, disk priority, cpus, memory nodes and personality: words, and what becomes of them.
 */
#include "box.h"

#include "runtime/attributes.h"

static const struct {
	const char *process, *linux_part; /* members, without the braces */
	int r;
	const char *msg;
} words[] = {
	{"", "", 0, NULL},
	{"\"scheduler\":{\"policy\":\"SCHED_FIFO\",\"priority\":99}", "", 0, NULL},
	{"\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"nice\":-20,\"flags\":["
         "\"SCHED_FLAG_RESET_ON_FORK\"]}",
         "", 0, NULL},
	{"\"scheduler\":{\"policy\":\"SCHED_X\"}", "", -EINVAL,
         "'process.scheduler.policy' has the unknown value 'SCHED_X'"},
	{"\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"nice\":20}", "", -ERANGE,
         "'process.scheduler.nice' must be from -20 to 19"},
	{"\"scheduler\":{\"policy\":\"SCHED_RR\",\"priority\":100}", "", -ERANGE, NULL},
	{"\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"priority\":1}", "", -EINVAL, NULL},
	{"\"scheduler\":{\"policy\":\"SCHED_RR\",\"flags\":[\"F\"]}", "", -EINVAL,
         "'process.scheduler.flags' has the unknown value 'F'"},
	{"\"ioPriority\":{\"class\":\"IOPRIO_CLASS_IDLE\",\"priority\":7}", "", 0, NULL},
	{"\"ioPriority\":{\"class\":\"IOPRIO_CLASS_NONE\",\"priority\":0}", "", -EINVAL, NULL},
	{"\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":8}", "", -ERANGE, NULL},
	{"\"execCPUAffinity\":{\"initial\":\"0-3,8191\",\"final\":\"\"}", "", 0, NULL},
	{"\"execCPUAffinity\":{\"initial\":\"0-\"}", "", -EINVAL,
         "'process.execCPUAffinity.initial' is no list of numbers"},
	{"\"execCPUAffinity\":{\"final\":\"8192\"}", "", -EINVAL, NULL},
	{"", "\"memoryPolicy\":{\"mode\":\"MPOL_LOCAL\"}", 0, NULL},
	{"", "\"memoryPolicy\":{\"mode\":\"MPOL_X\"}", -EINVAL, NULL},
	{"", "\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"1024\"}", -EINVAL,
         "'linux.memoryPolicy.nodes' is no list of numbers"},
	{"", "\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"0\",\"flags\":[\"F\"]}", -EINVAL,
         "'linux.memoryPolicy.flags' has the unknown value 'F'"},
};

static void words_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < MB_N(words); i++) {
		MB_AUTO_OCI_SPEC struct mb_oci_spec spec = {0};
		MB_AUTO_FREE char *text = mb_asprintf(
			"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"r\"},\"process\":{"
			"\"cwd\":\"/\"%s%s},\"linux\":{%s}}",
			words[i].process[0] ? "," : "", words[i].process, words[i].linux_part);
		struct mb_runtime_attributes a;
		struct mb_err err = MB_ERR_INIT;
		int r = mb_oci_spec_load(text, strlen(text), &spec, &err);

		if (r == 0)
			r = mb_runtime_attributes_fill(spec.process, &spec.linux, &a, &err);
		if (r != words[i].r)
			fail_msg("%s: %d %s", text, r, err.msg);
		if (words[i].msg)
			assert_string_equal(err.msg, words[i].msg);
	}
}

static void lists_become_bits(void **state)
{
	struct mb_oci_exec_cpu_affinity cpus = {.initial = (char *)(uintptr_t) "1-2,63-64,70",
	                                        .final = (char *)(uintptr_t) "0"};
	struct mb_oci_process p = {.exec_cpu_affinity = &cpus};
	struct mb_oci_linux l = {0};
	struct mb_runtime_attributes a;

	(void)state;
	assert_int_equal(mb_runtime_attributes_fill(&p, &l, &a, NULL), 0);
	assert_true(a.initial_cpus.is_set && a.final_cpus.is_set);
	assert_true(a.initial_cpus.mask[0] == (UINT64_C(6) | UINT64_C(1) << 63));
	assert_true(a.initial_cpus.mask[1] == (UINT64_C(1) | UINT64_C(1) << 6));
	assert_true(a.final_cpus.mask[0] == 1 && a.final_cpus.mask[1] == 0);
}

static void give_scheduler(struct box *b, const char *policy, int nice)
{
	struct mb_oci_scheduler *s = mb_calloc(1, sizeof(*s));

	s->policy = mb_strdup(policy);
	s->nice = nice;
	b->spec.process->scheduler = s;
}

static void give_io_priority(struct box *b, const char *class, int priority)
{
	struct mb_oci_io_priority *p = mb_calloc(1, sizeof(*p));

	p->class = mb_strdup(class);
	p->priority = priority;
	b->spec.process->io_priority = p;
}

/* nice and policy of the shell itself, and its place in the queues of disks. */
static const char show[] = "read line </proc/self/stat; set -- ${line##*) }; echo ${17} ${39}; "
			   "busybox ionice -p $$; busybox uname -m; "
			   "grep Cpus_allowed_list /proc/self/status";

static void a_start_gets_them(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	give_scheduler(b, "SCHED_BATCH", 5);
	give_io_priority(b, "IOPRIO_CLASS_BE", 3);
	b->spec.linux.personality = mb_calloc(1, sizeof(*b->spec.linux.personality));
	b->spec.linux.personality->domain = mb_strdup("LINUX32");
	expect(b,
	       "read line </proc/self/stat; set -- ${line##*) }; echo ${17} ${39}; "
	       "busybox ionice -p $$; busybox uname -m",
	       "5 3\nbest-effort: prio 3\ni686\n");
}

static void a_policy_that_the_kernel_refuses_is_named(void **state)
{
	struct box *b = *state;

	NEEDS_ROOT;
	give_scheduler(b, "SCHED_ISO", 0);
	assert_true(start(b) < 0);
	assert_string_equal(b->err.msg, "cannot set the scheduler 'SCHED_ISO': Invalid argument");
}

static void memory_goes_where_it_is_told(void **state)
{
	struct box *b = *state;
	struct mb_oci_memory_policy *m;
	int r;

	NEEDS_ROOT;
	m = b->spec.linux.memory_policy = mb_calloc(1, sizeof(*m));
	m->mode = mb_strdup("MPOL_BIND");
	m->nodes = mb_strdup("0");
	mb_strv_add(&m->flags, "MPOL_F_STATIC_NODES");
	script(b, "grep -c bind=static:0 /proc/self/numa_maps >/dev/null && echo bound");
	r = start(b);
	if (r == -ENOSYS) {
		assert_string_equal(b->err.msg,
		                    "cannot set 'linux.memoryPolicy': Function not implemented");
		return;
	}
	assert_int_equal(r, 0);
	(void)finish(b);
	assert_string_equal(mb_str_text(&b->out), "bound\n");
}

static void an_exec_gets_its_own(void **state)
{
	struct mb_oci_exec_cpu_affinity *cpus;
	struct box *b = *state;
	int code = -1;

	NEEDS_ROOT;
	script(b, "sleep 100");
	assert_int_equal(start(b), 0);
	give_scheduler(b, "SCHED_IDLE", 0);
	mb_strv_add(&b->spec.process->scheduler->flags, "SCHED_FLAG_RESET_ON_FORK");
	give_io_priority(b, "IOPRIO_CLASS_IDLE", 0);
	cpus = b->spec.process->exec_cpu_affinity = mb_calloc(1, sizeof(*cpus));
	cpus->initial = mb_strdup("0");
	cpus->final = mb_strdup("0");
	if (run_exec(b, show, &code) < 0)
		fail_msg("%s", b->err.msg);
	assert_int_equal(code, 0);
	assert_non_null(strstr(mb_str_text(&b->out), "0 5\nidle\n"));
	assert_non_null(strstr(mb_str_text(&b->out), "Cpus_allowed_list:\t0\n"));
}

static char *own_cpus(void)
{
	MB_AUTO_STR struct mb_str status = MB_STR_INIT;
	MB_AUTO_CLOSE int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	const char *line;

	assert_int_equal(mb_read_fd(fd, 1 << 16, &status, NULL), 0);
	line = strstr(mb_str_text(&status), "Cpus_allowed:");
	assert_non_null(line);
	return mb_strndup(line, strcspn(line, "\n") + 1);
}

/* What the caller was bound to is not the container's. */
static void cpus_of_the_caller_are_not_inherited(void **state)
{
	const struct mb_runtime_cpus one = {.is_set = true, .mask = {1}}, all = {0};
	struct box *b = *state;
	MB_AUTO_FREE char *wanted = NULL;

	NEEDS_ROOT;
	assert_int_equal(mb_runtime_cpus_apply(&all, NULL), 0);
	wanted = own_cpus();
	(void)mb_runtime_cpus_apply(&one, NULL); /* where the first is not ours, any do */
	script(b, "grep Cpus_allowed: /proc/self/status");
	assert_int_equal(start(b), 0);
	(void)finish(b);
	assert_int_equal(mb_runtime_cpus_apply(&all, NULL), 0);
	assert_string_equal(mb_str_text(&b->out), wanted);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_checked),
		cmocka_unit_test(lists_become_bits),
		T(a_start_gets_them),
		T(a_policy_that_the_kernel_refuses_is_named),
		T(memory_goes_where_it_is_told),
		T(an_exec_gets_its_own),
		T(cpus_of_the_caller_are_not_inherited),
	};

	return cmocka_run_group_tests_name("runtime/attributes", tests, make_all, unmake_all);
}
