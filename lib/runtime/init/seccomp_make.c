/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs while mybox is built: writes, as C, the system call numbers of one family of machines
 * ("x86", "arm"), and the built-in program for the default capabilities.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

#include "runtime/seccomp_builtin.h"

enum { MAX_ROWS = 1024 };

struct arch {
	const char *audit_name;
	uint32_t audit, scmp;
};

static const struct family {
	const char *name;
	struct arch archs[MB_SECCOMP_MAX_ARCHS];
} families[] = {
	{"x86",
         {{"AUDIT_ARCH_X86_64", AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64},
          {"AUDIT_ARCH_I386", AUDIT_ARCH_I386, SCMP_ARCH_X86}}},
	{"arm",
         {{"AUDIT_ARCH_AARCH64", AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64},
          {"AUDIT_ARCH_ARM", AUDIT_ARCH_ARM, SCMP_ARCH_ARM}}},
};

struct number {
	const char *name;
	int number;
};

/* Calls of x86-64 alone that are newer than the libseccomp of many. */
static const struct number x86_64_new[] = {{"uretprobe", 335}, {"uprobe", 336}, {NULL, 0}};

/* Calls that i386 has of its own beside the older socketcall and ipc; libseccomp knows them by
 * the older ones only. */
static const struct number i386_direct[] = {
	{"socket", 359},      {"socketpair", 360},  {"bind", 361},       {"connect", 362},
	{"listen", 363},      {"accept4", 364},     {"getsockopt", 365}, {"setsockopt", 366},
	{"getsockname", 367}, {"getpeername", 368}, {"sendto", 369},     {"sendmsg", 370},
	{"recvfrom", 371},    {"recvmsg", 372},     {"shutdown", 373},   {"semget", 393},
	{"semctl", 394},      {"shmget", 395},      {"shmctl", 396},     {"shmat", 397},
	{"shmdt", 398},       {"msgget", 399},      {"msgsnd", 400},     {"msgrcv", 401},
	{"msgctl", 402},      {"recvmmsg", 337},    {"sendmmsg", 345},   {NULL, 0},
};

/* libseccomp gives pseudo numbers (negative) to calls that an architecture lacks. */
static int32_t number_of(const struct mb_seccomp_row *row, uint32_t scmp)
{
	const struct number *own = scmp == SCMP_ARCH_X86      ? i386_direct
	                           : scmp == SCMP_ARCH_X86_64 ? x86_64_new
	                                                      : NULL;
	int nr;

	for (; own && own->name; own++) {
		if (strcmp(own->name, row->name) == 0)
			return own->number;
	}
	nr = row->number ? row->number : seccomp_syscall_resolve_name_arch(scmp, row->name);

	return nr < 0 ? -1 : nr;
}

static void print_numbers(const int32_t *numbers, size_t i)
{
	printf("static const int32_t numbers%zu[] = {", i);
	for (size_t k = 0; k < mb_runtime_seccomp_n_rows; k++)
		printf("%s%d,", k % 16 ? " " : "\n\t", numbers[k]);
	printf("\n};\n");
}

static int print_family(const struct family *family)
{
	static int32_t numbers_of[MB_SECCOMP_MAX_ARCHS][MAX_ROWS];
	static struct sock_filter insns[MB_SECCOMP_MAX_INSNS];
	struct mb_seccomp_arch all[MB_SECCOMP_MAX_ARCHS];
	size_t n;

	if (mb_runtime_seccomp_n_rows > MAX_ROWS)
		return 1;
	printf("// Made by lib/runtime/init/seccomp_make.c\n#include <linux/audit.h>\n"
	       "#include <linux/filter.h>\n#include \"runtime/seccomp_data.h\"\n");
	for (size_t i = 0; i < MB_SECCOMP_MAX_ARCHS; i++) {
		int32_t *numbers = numbers_of[i];

		for (size_t k = 0; k < mb_runtime_seccomp_n_rows; k++)
			numbers[k] = number_of(&mb_runtime_seccomp_rows[k], family->archs[i].scmp);
		print_numbers(numbers, i);
		all[i] = (struct mb_seccomp_arch){family->archs[i].audit, numbers};
	}
	printf("static const struct sock_filter usual[] = {\n");
	n = mb_runtime_seccomp_emit(all, mb_runtime_seccomp_default_caps(), false, insns);
	for (size_t i = 0; i < n; i++)
		printf("\t{0x%02x, %u, %u, 0x%x},\n", insns[i].code, insns[i].jt, insns[i].jf,
		       insns[i].k);
	printf("};\nconst struct mb_seccomp_family mb_runtime_seccomp_%s = {\n\t{\n", family->name);
	for (size_t i = 0; i < MB_SECCOMP_MAX_ARCHS; i++)
		printf("\t\t{%s, numbers%zu},\n", family->archs[i].audit_name, i);
	printf("\t},\n\tusual, %zu,\n};\n", n);
	return 0;
}

int main(int argc, char **argv)
{
	const size_t n = sizeof(families) / sizeof(families[0]);

	for (size_t i = 0; argc == 2 && i < n; i++) {
		if (strcmp(argv[1], families[i].name) == 0)
			return print_family(&families[i]);
	}
	return 2;
}
