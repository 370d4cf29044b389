/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/strv.h"

enum { DEVICES_LIST_MAX = 256 * 1024, NUMBER_MAX = 0xfffff };

#define ALL   "a *:* rwm"
#define RWM   MB_SYS_DEVICE_RWM
#define MKNOD MB_SYS_DEVICE_MKNOD

static const struct mb_sys_device_rule default_rules[] = {
	{false, 'a', -1, -1, RWM},  {true, 'c', -1, -1, MKNOD},
	{true, 'b', -1, -1, MKNOD}, {true, 'c', 1, 3, RWM}, /* null */
	{true, 'c', 1, 5, RWM},                             /* zero */
	{true, 'c', 1, 7, RWM},                             /* full */
	{true, 'c', 1, 8, RWM},                             /* random */
	{true, 'c', 1, 9, RWM},                             /* urandom */
	{true, 'c', 5, 0, RWM},                             /* tty */
	{true, 'c', 5, 1, RWM},                             /* console */
	{true, 'c', 5, 2, RWM},                             /* ptmx */
	{true, 'c', 136, -1, RWM},                          /* pts */
};

static const struct mb_sys_device_rule all_rules[] = {{true, 'a', -1, -1, RWM}};

const struct mb_sys_device_rule *mb_sys_device_rules_default(size_t *ret_n)
{
	*ret_n = MB_N(default_rules);
	return default_rules;
}

const struct mb_sys_device_rule *mb_sys_device_rules_all(size_t *ret_n)
{
	*ret_n = MB_N(all_rules);
	return all_rules;
}

int mb_sys_device_access_parse(const char *text, unsigned *ret_access)
{
	unsigned access = 0;

	for (; *text; text++) {
		unsigned bit = *text == 'r'   ? MB_SYS_DEVICE_READ
		               : *text == 'w' ? MB_SYS_DEVICE_WRITE
		               : *text == 'm' ? MB_SYS_DEVICE_MKNOD
		                              : 0;

		if (!bit || (access & bit))
			return -EINVAL;
		access |= bit;
	}
	if (!access)
		return -EINVAL;
	*ret_access = access;
	return 0;
}

static int number_parse(const char *text, int64_t *ret)
{
	uint32_t n;

	if (mb_streq(text, "*")) {
		*ret = -1;
		return 0;
	}
	if (mb_parse_u32(text, &n) || n > NUMBER_MAX)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int rule_split(const char *text, struct mb_sys_device_rule *r)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT, numbers = MB_STRV_INIT;

	mb_strv_split(&words, text, ' ');
	if (!words.n || !strchr("abc", words.v[0][0]) || strlen(words.v[0]) != 1)
		return -EINVAL;
	r->type = words.v[0][0];
	r->major = r->minor = -1;
	r->access = RWM;
	if (r->type == 'a' && words.n == 1)
		return 0;
	if (words.n != 3)
		return -EINVAL;
	mb_strv_split(&numbers, words.v[1], ':');
	if (numbers.n != 2 || number_parse(numbers.v[0], &r->major) ||
	    number_parse(numbers.v[1], &r->minor))
		return -EINVAL;
	return mb_sys_device_access_parse(words.v[2], &r->access);
}

int mb_sys_device_rule_parse(const char *text, bool allow, struct mb_sys_device_rule *ret,
                             struct mb_err *err)
{
	struct mb_sys_device_rule r = {.allow = allow};

	if (rule_split(text, &r))
		return mb_fail(err, EINVAL,
		               "invalid device rule '%s': wanted like 'c 1:3 rwm' or 'b 8:* r'",
		               text);
	*ret = r;
	return 0;
}

char *mb_sys_device_rule_format(const struct mb_sys_device_rule *rule, char buf[MB_SYS_DEVICE_TEXT])
{
	char major[24] = "*", minor[24] = "*";

	if (rule->major >= 0)
		(void)snprintf(major, sizeof(major), "%u", (unsigned)rule->major);
	if (rule->minor >= 0)
		(void)snprintf(minor, sizeof(minor), "%u", (unsigned)rule->minor);
	(void)snprintf(buf, MB_SYS_DEVICE_TEXT, "%c %.10s:%.10s %s%s%s", rule->type, major, minor,
	               rule->access & MB_SYS_DEVICE_READ ? "r" : "",
	               rule->access & MB_SYS_DEVICE_WRITE ? "w" : "",
	               rule->access & MB_SYS_DEVICE_MKNOD ? "m" : "");
	return buf;
}

static bool rule_is_everything(const struct mb_sys_device_rule *r)
{
	return r->type == 'a' && r->major < 0 && r->minor < 0 && r->access == RWM;
}

static bool rules_overlap(const struct mb_sys_device_rule *a, const struct mb_sys_device_rule *b)
{
	return (a->type == b->type || a->type == 'a' || b->type == 'a') &&
	       (a->major == b->major || a->major < 0 || b->major < 0) &&
	       (a->minor == b->minor || a->minor < 0 || b->minor < 0);
}

static bool rules_same_node(const struct mb_sys_device_rule *a, const struct mb_sys_device_rule *b)
{
	return a->type == b->type && a->major == b->major && a->minor == b->minor;
}

/* The kernel takes a denial only away from an exception for exactly the same node.  A denial of
 * a part of what a wider rule opened for reading or writing would be lost without a word, so it
 * is refused; a lost denial of mknod harms nobody, as the node cannot be opened. */
static int denials_check(const struct mb_sys_device_rule *rules, size_t n, struct mb_err *err)
{
	char denied[MB_SYS_DEVICE_TEXT], wider[MB_SYS_DEVICE_TEXT];

	for (size_t i = 0; i < n; i++) {
		if (rules[i].allow || rule_is_everything(&rules[i]))
			continue;
		for (size_t j = 0; j < i; j++) {
			const struct mb_sys_device_rule *a = &rules[j];

			if (!a->allow || !rules_overlap(a, &rules[i]) ||
			    rules_same_node(a, &rules[i]) || rule_is_everything(a) ||
			    !(a->access & rules[i].access & ~(unsigned)MKNOD))
				continue;
			return mb_fail(err, EOPNOTSUPP,
			               "device rule '%s' denies a part of '%s', which version 1 "
			               "cgroups cannot do",
			               mb_sys_device_rule_format(&rules[i], denied),
			               mb_sys_device_rule_format(a, wider));
		}
	}
	return 0;
}

/* The two files, opened when they are first needed: a container has a dozen rules. */
struct lists {
	int dirfd, fd[2];
};

static void lists_done(struct lists *l)
{
	mb_close(&l->fd[0]);
	mb_close(&l->fd[1]);
}

static int list_write(struct lists *l, bool allow, const char *file, const char *text)
{
	int *fd = &l->fd[allow];

	if (*fd < 0)
		*fd = openat(l->dirfd, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0 || write(*fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

static int rule_write(struct lists *l, const struct mb_sys_device_rule *r, struct mb_err *err)
{
	const char *file = r->allow ? "devices.allow" : "devices.deny";
	char text[MB_SYS_DEVICE_TEXT];
	int e;

	/* A type 'a' clears the whole list whatever else it names. */
	if (r->type == 'a' && !rule_is_everything(r))
		return mb_fail(err, EOPNOTSUPP,
		               "device rule '%s' is for all types but not for everything, which "
		               "version 1 cgroups cannot do",
		               mb_sys_device_rule_format(r, text));
	(void)mb_sys_device_rule_format(r, text);
	e = list_write(l, r->allow, file, r->type == 'a' ? "a" : text);
	return e ? mb_fail_sys(err, -e, "cannot write '%s' to '%s'", text, file) : 0;
}

static int verify_closed(int dirfd, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str list = MB_STR_INIT;
	int r = mb_read_file(dirfd, "devices.list", DEVICES_LIST_MAX, &list, err);

	if (r < 0)
		return r;
	if (strstr(mb_str_text(&list), ALL))
		return mb_fail(err, EPERM, "the cgroup still allows every device");
	return 0;
}

int mb_sys_device_apply_v1(int dirfd, const struct mb_sys_device_rule *rules, size_t n,
                           struct mb_err *err)
{
	__attribute__((cleanup(lists_done))) struct lists lists = {dirfd, {-1, -1}};
	size_t first = 0;
	bool open;
	int r;

	if (n > MB_SYS_DEVICE_MAX_RULES)
		return mb_fail(err, E2BIG, "more than %d device rules", MB_SYS_DEVICE_MAX_RULES);
	for (size_t i = 0; i < n; i++)
		if (rule_is_everything(&rules[i]))
			first = i;
	rules += first; /* what stood before a rule for everything means nothing */
	n -= first;
	open = n && rule_is_everything(&rules[0]) && rules[0].allow;
	r = denials_check(rules, n, err);
	if (r < 0)
		return r;
	/* What no rule names is denied, also when the list does not begin with saying so. */
	if (!n || !rule_is_everything(&rules[0])) {
		r = rule_write(&lists, &(struct mb_sys_device_rule){false, 'a', -1, -1, RWM}, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n; i++) {
		r = rule_write(&lists, &rules[i], err);
		if (r < 0)
			return r;
	}
	return open ? 0 : verify_closed(dirfd, err);
}
