/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/crc32c.h"
#include "core/err.h"
#include "core/own.h"

/* How the program computes.  r2 type, r3 accesses still to be decided, r4 major, r5 minor, r1 is
 * scratch.  The rules are asked from the last to the first: an allowing one takes its accesses
 * out of r3 and ends with yes when none is left; a denying one that meets any of them ends with
 * no.  What falls through all of them is denied.  (linux/bpf.h: struct bpf_cgroup_dev_ctx.) */

enum { PROGRAMS_MAX = 64, INSNS_PER_RULE = 8, INSNS_AROUND = 8 };
#define PROGRAM_NAME "mybox_device"
_Static_assert(sizeof(PROGRAM_NAME) <= BPF_OBJ_NAME_LEN, "the kernel cuts it");
_Static_assert((int)MB_SYS_DEVICE_MKNOD == (int)BPF_DEVCG_ACC_MKNOD, "same bits");
_Static_assert((int)MB_SYS_DEVICE_READ == (int)BPF_DEVCG_ACC_READ, "same bits");
_Static_assert((int)MB_SYS_DEVICE_WRITE == (int)BPF_DEVCG_ACC_WRITE, "same bits");

struct program {
	struct bpf_insn *insns;
	size_t n;
};

static void emit(struct program *p, uint8_t code, uint8_t dst, uint8_t src, int off, int32_t imm)
{
	p->insns[p->n++] = (struct bpf_insn){.code = code,
	                                     .dst_reg = dst & 0xfu,
	                                     .src_reg = src & 0xfu,
	                                     .off = (int16_t)off,
	                                     .imm = imm};
}

static void emit_field(struct program *p, uint8_t reg, size_t offset)
{
	emit(p, BPF_LDX | BPF_MEM | BPF_W, reg, BPF_REG_1, (int)offset, 0);
}

static void emit_return(struct program *p, int32_t value)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, value);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* Go on to the next rule unless reg == value; where that begins is filled in by patch(). */
static void emit_unless(struct program *p, uint8_t reg, int64_t value)
{
	emit(p, BPF_JMP | BPF_JNE | BPF_K, reg, 0, -1, (int32_t)value);
}

static void patch(struct program *p, size_t from)
{
	for (size_t i = from; i < p->n; i++)
		if (p->insns[i].off == -1)
			p->insns[i].off = (int16_t)(p->n - i - 1);
}

static void emit_rule(struct program *p, const struct mb_sys_device_rule *r)
{
	size_t from = p->n;

	if (r->type != 'a')
		emit_unless(p, BPF_REG_2,
		            r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (r->major >= 0)
		emit_unless(p, BPF_REG_4, r->major);
	if (r->minor >= 0)
		emit_unless(p, BPF_REG_5, r->minor);
	if (r->allow) {
		emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_3, 0, 0,
		     (int32_t)(MB_SYS_DEVICE_RWM & ~r->access));
		emit_unless(p, BPF_REG_3, 0);
		emit_return(p, 1);
	} else {
		emit(p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_3, 0, 0);
		emit(p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_1, 0, 0, (int32_t)r->access);
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_1, 0, -1, 0);
		emit_return(p, 0);
	}
	patch(p, from);
}

static bool rule_is_valid(const struct mb_sys_device_rule *r)
{
	return (r->type == 'a' || r->type == 'b' || r->type == 'c') && r->access &&
	       !(r->access & ~(unsigned)MB_SYS_DEVICE_RWM) && r->major >= -1 &&
	       r->major <= INT32_MAX && r->minor >= -1 && r->minor <= INT32_MAX;
}

static bool rule_ends(const struct mb_sys_device_rule *r)
{
	return r->type == 'a' && r->major < 0 && r->minor < 0 && r->access == MB_SYS_DEVICE_RWM;
}

int mb_sys_device_program_make(const struct mb_sys_device_rule *rules, size_t n,
                               struct bpf_insn **ret_insns, size_t *ret_n, struct mb_err *err)
{
	struct program p = {0};
	bool ended = false;

	if (n > MB_SYS_DEVICE_MAX_RULES)
		return mb_fail(err, E2BIG, "more than %d device rules", MB_SYS_DEVICE_MAX_RULES);
	for (size_t i = 0; i < n; i++)
		if (!rule_is_valid(&rules[i]))
			return mb_fail(err, EINVAL, "invalid device rule number %zu", i + 1);
	p.insns = mb_calloc(INSNS_AROUND + n * INSNS_PER_RULE, sizeof(*p.insns));
	emit_field(&p, BPF_REG_2, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	emit_field(&p, BPF_REG_4, offsetof(struct bpf_cgroup_dev_ctx, major));
	emit_field(&p, BPF_REG_5, offsetof(struct bpf_cgroup_dev_ctx, minor));
	emit(&p, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_3, BPF_REG_2, 0, 0);
	emit(&p, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xffff);
	emit(&p, BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
	/* The verifier refuses code that cannot be reached: stop at a rule for everything. */
	for (size_t i = n; i-- > 0 && !ended;) {
		ended = rule_ends(&rules[i]);
		if (ended)
			emit_return(&p, rules[i].allow);
		else
			emit_rule(&p, &rules[i]);
	}
	if (!ended)
		emit_return(&p, 0);
	*ret_insns = p.insns;
	*ret_n = p.n;
	return 0;
}

static int bpf(int command, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

static int program_load(const struct bpf_insn *insns, size_t n)
{
	union bpf_attr attr = {0};

	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.expected_attach_type = BPF_CGROUP_DEVICE;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = (uint32_t)n;
	attr.license = (uintptr_t) "GPL";
	memcpy(attr.prog_name, PROGRAM_NAME, sizeof(PROGRAM_NAME));
	return bpf(BPF_PROG_LOAD, &attr); /* close-on-exec by itself */
}

static bool program_is_ours(int fd)
{
	struct bpf_prog_info info = {0};
	union bpf_attr attr = {0};

	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) >= 0 && !strcmp(info.name, PROGRAM_NAME);
}

/* The program that an earlier call attached to @dirfd; -1 when there is none. */
static int program_find(int dirfd, int *ret_fd)
{
	uint32_t ids[PROGRAMS_MAX] = {0};
	union bpf_attr attr = {0};
	int r;

	*ret_fd = -1;
	attr.query.target_fd = (uint32_t)dirfd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_cnt = PROGRAMS_MAX;
	attr.query.prog_ids = (uintptr_t)ids;
	r = bpf(BPF_PROG_QUERY, &attr);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < attr.query.prog_cnt && i < PROGRAMS_MAX; i++) {
		union bpf_attr get = {0};
		MB_AUTO_CLOSE int fd = -1;

		get.prog_id = ids[i];
		fd = bpf(BPF_PROG_GET_FD_BY_ID, &get);
		if (fd >= 0 && program_is_ours(fd)) {
			*ret_fd = mb_take_fd(&fd);
			return 0;
		}
	}
	return 0;
}

static int program_attach(int dirfd, int fd, int old)
{
	union bpf_attr attr = {0};

	attr.target_fd = (uint32_t)dirfd;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (old >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)old;
	}
	return bpf(BPF_PROG_ATTACH, &attr);
}

/* Attach @fd, in the place of an earlier one if there is any. */
static int program_put(int dirfd, int fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int old = -1;
	int r = program_find(dirfd, &old);

	if (r < 0)
		return mb_fail_sys(err, -r, "cannot ask for the cgroup's device programs");
	r = program_attach(dirfd, fd, old);
	return r < 0 ? mb_fail_sys(err, -r, "cannot attach the device program") : 0;
}

static int load_and_put(int dirfd, const struct bpf_insn *insns, size_t n, int *ret_fd,
                        struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = program_load(insns, n);
	int r;

	if (fd < 0)
		return mb_fail_sys(err, -fd, "cannot load the device program");
	r = program_put(dirfd, fd, err);
	if (r == 0)
		*ret_fd = mb_take_fd(&fd);
	return r;
}

int mb_sys_device_apply_v2(int dirfd, const struct mb_sys_device_rule *rules, size_t n,
                           struct mb_err *err)
{
	MB_AUTO_FREE struct bpf_insn *insns = NULL;
	MB_AUTO_CLOSE int fd = -1;
	size_t n_insns = 0;
	int r = mb_sys_device_program_make(rules, n, &insns, &n_insns, err);

	return r < 0 ? r : load_and_put(dirfd, insns, n_insns, &fd, err);
}

/* --- the kept program --- */

/* The name of the cgroup that keeps the default rules' program, if @insns is that program. */
static char *keeper_name(const struct bpf_insn *insns, size_t n)
{
	MB_AUTO_FREE struct bpf_insn *usual = NULL;
	size_t n_rules, n_usual = 0;
	const struct mb_sys_device_rule *rules = mb_sys_device_rules_default(&n_rules);

	if (mb_sys_device_program_make(rules, n_rules, &usual, &n_usual, NULL) < 0 ||
	    n != n_usual || memcmp(insns, usual, n * sizeof(*insns)) != 0)
		return NULL;
	return mb_asprintf(".device-%08x", mb_crc32c(0, insns, n * sizeof(*insns)));
}

static int keeper_find(int parent_fd, const char *keeper, int *ret_fd)
{
	MB_AUTO_CLOSE int dir =
		openat(parent_fd, keeper, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	*ret_fd = -1;
	return dir < 0 ? -errno : program_find(dir, ret_fd);
}

/* Best effort: without it the next container loads a program of its own. */
static void keeper_make(int parent_fd, const char *keeper, int fd)
{
	MB_AUTO_CLOSE int dir = -1;

	if (mkdirat(parent_fd, keeper, 0755) < 0 && errno != EEXIST)
		return;
	dir = openat(parent_fd, keeper, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0 || program_attach(dir, fd, -1) < 0)
		(void)unlinkat(parent_fd, keeper, AT_REMOVEDIR);
}

int mb_sys_device_apply_v2_kept(int parent_fd, int dirfd, const struct mb_sys_device_rule *rules,
                                size_t n, struct mb_err *err)
{
	MB_AUTO_FREE struct bpf_insn *insns = NULL;
	MB_AUTO_FREE char *keeper = NULL;
	MB_AUTO_CLOSE int fd = -1;
	size_t n_insns = 0;
	int r = mb_sys_device_program_make(rules, n, &insns, &n_insns, err);

	if (r < 0)
		return r;
	keeper = keeper_name(insns, n_insns);
	if (keeper && keeper_find(parent_fd, keeper, &fd) >= 0 && fd >= 0)
		return program_put(dirfd, fd, err);
	r = load_and_put(dirfd, insns, n_insns, &fd, err);
	if (r == 0 && keeper)
		keeper_make(parent_fd, keeper, fd);
	return r;
}
