/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/sys/device.h — which device nodes a cgroup may make, read and write.
 *
 * Rules are an ordered list: for each wanted access the last rule that names the device decides,
 * and what no rule names is denied.  Version 1 takes them through devices.deny and
 * devices.allow; version 2 (and a host without the v1 controller) through a program attached to
 * the cgroup.
 */
#ifndef MB_SYS_DEVICE_H
#define MB_SYS_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_err;
struct bpf_insn;

enum {
	MB_SYS_DEVICE_MKNOD = 1,
	MB_SYS_DEVICE_READ = 2,
	MB_SYS_DEVICE_WRITE = 4,
	MB_SYS_DEVICE_RWM = 7
};
enum { MB_SYS_DEVICE_MAX_RULES = 512, MB_SYS_DEVICE_TEXT = 48 };

struct mb_sys_device_rule {
	bool allow;
	char type;            /* 'a' (all), 'b' or 'c' */
	int64_t major, minor; /* -1: any */
	unsigned access;      /* MB_SYS_DEVICE_* or'ed */
};

/* "c 1:3 rwm", "b *:* m", "a" or "a *:* rwm" as --device-cgroup-rule has it; @allow is the
 * caller's.  Return: 0 or -EINVAL, told. */
int mb_sys_device_rule_parse(const char *text, bool allow, struct mb_sys_device_rule *ret,
                             struct mb_err *err);
/* "rwm" letters to bits.  Return: 0 or -EINVAL (nothing told). */
int mb_sys_device_access_parse(const char *text, unsigned *ret_access);
/* "c 1:3 rwm".  Return: @buf. */
char *mb_sys_device_rule_format(const struct mb_sys_device_rule *rule,
                                char buf[MB_SYS_DEVICE_TEXT]);

/* What every container gets: deny all, then mknod of anything, then the harmless nodes and
 * ptys.  Return: a static array of *@ret_n rules. */
const struct mb_sys_device_rule *mb_sys_device_rules_default(size_t *ret_n);
/* --privileged: one rule that allows everything. */
const struct mb_sys_device_rule *mb_sys_device_rules_all(size_t *ret_n);

/* Write @rules to the v1 devices cgroup @dirfd and read back that nothing more is allowed.
 * Return: 0 or -errno, told. */
int mb_sys_device_apply_v1(int dirfd, const struct mb_sys_device_rule *rules, size_t n,
                           struct mb_err *err);

/* The program of @rules.  Return: 0 and *@ret_insns (caller frees), or -errno, told. */
int mb_sys_device_program_make(const struct mb_sys_device_rule *rules, size_t n,
                               struct bpf_insn **ret_insns, size_t *ret_n, struct mb_err *err);
/* Load the program of @rules and attach it to the cgroup2 directory @dirfd.  One that was
 * attached here before is replaced in a single step.  Return: 0 or -errno, told. */
int mb_sys_device_apply_v2(int dirfd, const struct mb_sys_device_rule *rules, size_t n,
                           struct mb_err *err);
/* The same, but the default rules' program is loaded once: an empty cgroup in @parent_fd, named
 * ".device-HASH", keeps it for all that come later (loading costs 250 us). */
int mb_sys_device_apply_v2_kept(int parent_fd, int dirfd, const struct mb_sys_device_rule *rules,
                                size_t n, struct mb_err *err);

#endif
