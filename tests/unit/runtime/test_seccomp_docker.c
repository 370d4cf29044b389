/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The built-in profile against docker's, call by call: on each architecture, with each
 * capability, with the arguments that count.  tests/golden/seccomp has docker's as facts, and the
 * differences that are meant.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "filter.h"
#include "runtime/seccomp_data.h"
#include "sys/caps.h"

enum { MAX_LINES = 200, MAX_RANGES = 16, MAX_NR = 512, ARM_FIRST = 0xf0000, ARM_MAX = 16 };
#define DATA MB_TEST_DATA "/../../golden/seccomp/"
#define X32  0x40000000

static const struct arch {
	const char *name, *family;
	uint32_t audit, scmp;
	int offset;
} archs[] = {
	{"x86_64", "x86", AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64, 0},
	{"i386", "x86", AUDIT_ARCH_I386, SCMP_ARCH_X86, 0},
	{"x32", "x86", AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64, X32},
	{"aarch64", "arm", AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64, 0},
	{"arm", "arm", AUDIT_ARCH_ARM, SCMP_ARCH_ARM, 0},
};

/* ---- docker's facts ---- */

struct line {
	int verdict;
	uint64_t cap, without;
	const char *family;
	bool has_arg;
	uint64_t lo[MAX_RANGES], hi[MAX_RANGES];
	size_t n_ranges;
	uint64_t mask;
	struct mb_strv names;
};

struct difference {
	char arch[16], call[48], ours[16], dockers[16];
	bool used;
};

static struct line lines[MAX_LINES];
static size_t n_lines;
static struct difference differences[MAX_LINES];
static size_t n_differences;
static struct {
	char arch[16], name[48];
	int nr;
} calls[MAX_LINES];
static size_t n_calls;

static int verdict_of(const char *word)
{
	if (strcmp(word, "ALLOW") == 0)
		return FILTER_ALLOW;
	return strcmp(word, "ENOSYS") == 0 ? ENOSYS : EPERM;
}

static const char *word_of(int verdict)
{
	return verdict == FILTER_ALLOW ? "ALLOW" : verdict == ENOSYS ? "ENOSYS" : "EPERM";
}

static uint64_t cap_bit(const char *name)
{
	int cap = -1;

	assert_int_equal(mb_sys_cap_parse(name, &cap), 0);
	return MB_SYS_CAP_BIT(cap);
}

static void read_condition(struct line *line, const char *word)
{
	const char *value;

	if ((value = mb_skip_prefix(word, "cap="))) {
		line->cap = cap_bit(value);
	} else if ((value = mb_skip_prefix(word, "without="))) {
		line->without = cap_bit(value);
	} else if ((value = mb_skip_prefix(word, "on="))) {
		line->family = strcmp(value, "x86") == 0 ? "x86" : "arm";
	} else if ((value = mb_skip_prefix(word, "mask="))) {
		line->mask = strtoull(value, NULL, 0);
	} else if ((value = mb_skip_prefix(word, "arg="))) {
		for (char *end; *value; value = *end ? end + 1 : end) {
			const size_t i = line->n_ranges++;

			assert_true(i < MAX_RANGES);
			line->lo[i] = line->hi[i] = strtoull(value, &end, 0);
			if (*end == '-')
				line->hi[i] = strtoull(end + 1, &end, 0);
		}
		line->has_arg = true;
	} else {
		fail_msg("docker.txt: '%s'", word);
	}
}

static void read_line(char *text)
{
	struct line *line = &lines[n_lines++];
	char *save = NULL, *names = strchr(text, ':');

	assert_true(n_lines < MAX_LINES);
	assert_non_null(names);
	*names = '\0';
	for (char *w = strtok_r(text, " \n", &save), *first = w; w;
	     w = strtok_r(NULL, " \n", &save)) {
		if (w == first)
			line->verdict = verdict_of(w);
		else
			read_condition(line, w);
	}
	for (char *w = strtok_r(names + 1, " \n", &save); w; w = strtok_r(NULL, " \n", &save))
		mb_strv_add(&line->names, w);
}

static void read_difference(const char *text)
{
	struct difference *d = &differences[n_differences++];
	char reason[200] = "";

	assert_true(n_differences < MAX_LINES);
	assert_int_equal(sscanf(text, "%15s %47s %15s %15s %199[^\n]", d->arch, d->call, d->ours,
	                        d->dockers, reason),
	                 5);
}

static void read_call(const char *text)
{
	assert_true(n_calls < MAX_LINES);
	assert_int_equal(sscanf(text, "%15s %d %47s", calls[n_calls].arch, &calls[n_calls].nr,
	                        calls[n_calls].name),
	                 3);
	n_calls++;
}

static void read_file(const char *path, void (*take)(char *text))
{
	FILE *f = fopen(path, "re");
	char text[256];

	assert_non_null(f);
	while (fgets(text, sizeof(text), f)) {
		if (text[0] != '#' && text[0] != '\n')
			take(text);
	}
	fclose(f);
}

static void take_difference(char *text)
{
	read_difference(text);
}

static void take_call(char *text)
{
	read_call(text);
}

static int read_all(void **state)
{
	(void)state;
	read_file(DATA "docker.txt", read_line);
	read_file(DATA "differences.txt", take_difference);
	read_file(DATA "calls.txt", take_call);
	return 0;
}

static int free_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_lines; i++)
		mb_strv_done(&lines[i].names);
	return 0;
}

static bool line_holds(const struct line *line, const struct arch *arch, uint64_t caps,
                       uint64_t arg)
{
	bool in = !line->has_arg;

	if (line->family && strcmp(line->family, arch->family) != 0)
		return false;
	if ((line->cap && !(caps & line->cap)) || (caps & line->without))
		return false;
	for (size_t i = 0; i < line->n_ranges; i++)
		in |= arg >= line->lo[i] && arg <= line->hi[i];
	return in && !(arg & line->mask);
}

/* One call of one architecture, with the lines that name it. */
struct subject {
	const struct arch *arch;
	int nr;
	char buf[48];
	const char *name; /* NULL: nothing that Linux has */
	const struct line *lines[MAX_LINES];
	size_t n_lines;
};

static int dockers(const struct subject *s, uint64_t caps, uint64_t arg)
{
	for (size_t i = 0; i < s->n_lines; i++) {
		if (line_holds(s->lines[i], s->arch, caps, arg))
			return s->lines[i]->verdict;
	}
	return EPERM;
}

/* ---- the comparison ---- */

static const char *name_of(const struct arch *arch, int nr, char buf[48])
{
	char *name = seccomp_syscall_resolve_num_arch(arch->scmp, nr);

	if (name) {
		snprintf(buf, 48, "%s", name);
		free(name);
		return buf;
	}
	for (size_t i = 0; i < n_calls; i++) {
		const bool same = strcmp(calls[i].arch, arch->name) == 0 ||
		                  strcmp(calls[i].arch, "every") == 0 ||
		                  (arch->offset && strcmp(calls[i].arch, "x86_64") == 0);

		if (same && calls[i].nr == nr)
			return calls[i].name;
	}
	return NULL;
}

static bool fits(const char *pattern, const char *word)
{
	return strcmp(pattern, "*") == 0 || strcmp(pattern, word) == 0;
}

static bool is_meant(const struct arch *arch, const char *name, bool high, int ours, int theirs)
{
	for (size_t i = 0; i < n_differences; i++) {
		struct difference *d = &differences[i];
		char call[64];

		snprintf(call, sizeof(call), "%s%s", name, high ? "(high)" : "");
		if (fits(d->arch, arch->name) && fits(d->call, call) &&
		    fits(d->ours, word_of(ours)) && fits(d->dockers, word_of(theirs))) {
			d->used = true;
			return true;
		}
	}
	return false;
}

static const uint64_t usual_args[] = {0};
static uint64_t many_args[64 + 32 + 6];

/* A few calls are judged by their first argument. */
static const uint64_t *args_of(const char *name, size_t *n)
{
	static const char *const judged[] = {"socket", "personality", "clone"};

	for (size_t i = 0; i < MB_N(judged); i++) {
		if (strcmp(judged[i], name) == 0) {
			*n = MB_N(many_args);
			return many_args;
		}
	}
	*n = 1;
	return usual_args;
}

/* The filters of one family for every set of capabilities that is tried. */
static struct program {
	uint64_t caps;
	struct sock_filter f[MB_SECCOMP_MAX_INSNS];
	size_t n;
} programs[3 + 2 * 41];
static size_t n_programs;

static void add_program(const struct mb_seccomp_family *family, uint64_t caps)
{
	struct program *p = &programs[n_programs++];

	assert_true(n_programs <= MB_N(programs));
	p->caps = caps;
	p->n = mb_runtime_seccomp_emit(family->archs, caps, false, p->f);
	assert_in_range(p->n, 1, 1024);
}

static void make_programs(const char *family)
{
	const struct mb_seccomp_family *f =
		strcmp(family, "x86") == 0 ? &mb_runtime_seccomp_x86 : &mb_runtime_seccomp_arm;
	const uint64_t all = (UINT64_C(1) << 41) - 1;

	n_programs = 0;
	add_program(f, 0);
	add_program(f, mb_runtime_seccomp_default_caps());
	add_program(f, all);
	for (int cap = 0; cap <= 40; cap++) {
		add_program(f, MB_SYS_CAP_BIT(cap));
		add_program(f, all & ~MB_SYS_CAP_BIT(cap));
	}
}

static void compare(const struct subject *s, const struct program *p)
{
	const struct arch *arch = s->arch;
	const int nr = s->nr + arch->offset;
	const uint64_t *args;
	size_t n_args;

	if (!s->name) { /* it must not exist */
		if (filter_ask(p->f, p->n, arch->audit, nr, 0, 0) != ENOSYS)
			fail_msg("%s %d has no name, but is not ENOSYS", arch->name, s->nr);
		return;
	}
	args = args_of(s->name, &n_args);
	for (size_t i = 0; i < n_args; i++) {
		const int ours = filter_ask(p->f, p->n, arch->audit, nr, args[i], 0);
		const int theirs = dockers(s, p->caps, args[i]);

		if (ours != theirs && !is_meant(arch, s->name, args[i] >> 32, ours, theirs))
			fail_msg("%s %s(%#llx), caps %#llx: %s, docker says %s", arch->name,
			         s->name, (unsigned long long)args[i], (unsigned long long)p->caps,
			         word_of(ours), word_of(theirs));
	}
}

static void compare_call(const struct arch *arch, int nr)
{
	struct subject s = {.arch = arch, .nr = nr};

	s.name = name_of(arch, nr, s.buf);
	for (size_t i = 0; s.name && i < n_lines; i++)
		if (mb_strv_has(&lines[i].names, s.name))
			s.lines[s.n_lines++] = &lines[i];
	for (size_t i = 0; i < n_programs; i++)
		compare(&s, &programs[i]);
}

static void the_matrix_is_dockers_but_for_what_is_listed(void **state)
{
	size_t n = 0;

	(void)state;
	for (uint64_t i = 0; i < 64; i++)
		many_args[n++] = i;
	for (uint64_t i = 0; i < 32; i++)
		many_args[n++] = UINT64_C(1) << i | 17;
	many_args[n++] = 0x20000;
	many_args[n++] = 0x20008;
	many_args[n++] = 0xffffffff;
	many_args[n++] = UINT64_C(0x100000000);
	many_args[n++] = UINT64_C(0x100000026);
	many_args[n++] = UINT64_C(0xffffffff00000002);
	assert_int_equal(n, MB_N(many_args));
	for (size_t a = 0; a < MB_N(archs); a++) {
		make_programs(archs[a].family);
		for (int nr = 0; nr < MAX_NR; nr++)
			compare_call(&archs[a], nr);
		for (int nr = ARM_FIRST; nr < ARM_FIRST + ARM_MAX; nr++)
			compare_call(&archs[a], nr);
	}
	for (size_t i = 0; i < n_differences; i++) {
		if (!differences[i].used)
			fail_msg("differences.txt: %s %s: there is no such difference",
			         differences[i].arch, differences[i].call);
	}
}

/* What docker's profile allows under some condition has a row, wherever the call exists. */
static void no_name_of_dockers_is_forgotten(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_lines; i++) {
		MB_STRV_FOREACH (name, &lines[i].names) {
			bool found = false;

			for (size_t k = 0; !found && k < mb_runtime_seccomp_n_rows; k++)
				found = strcmp(name, mb_runtime_seccomp_rows[k].name) == 0;
			if (!found)
				fail_msg("'%s' has no row", name);
		}
	}
}

/* And each call that Linux has, on each architecture. */
static void every_call_of_every_architecture_has_a_row(void **state)
{
	(void)state;
	for (size_t a = 0; a < MB_N(archs); a++) {
		for (int nr = 0; nr < ARM_FIRST + ARM_MAX; nr++) {
			char buf[48];
			const char *name;
			bool found = false;

			if (nr == MAX_NR)
				nr = ARM_FIRST;
			name = name_of(&archs[a], nr, buf);
			for (size_t k = 0; name && !found && k < mb_runtime_seccomp_n_rows; k++)
				found = strcmp(name, mb_runtime_seccomp_rows[k].name) == 0;
			if (name && !found)
				fail_msg("'%s' (%s %d) has no row", name, archs[a].name, nr);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_matrix_is_dockers_but_for_what_is_listed),
		cmocka_unit_test(no_name_of_dockers_is_forgotten),
		cmocka_unit_test(every_call_of_every_architecture_has_a_row),
	};

	return cmocka_run_group_tests_name("runtime/seccomp_docker", tests, read_all, free_all);
}
