/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/kmsg.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "core/parse.h"

enum {
	TEXT_MAX = 1024, /* of a record; the kernel's own are shorter */
	NAME_BYTES = 15,
	FACILITIES = ~7, /* 0 is the kernel's own, which nobody else can use */
};

/* A number up to @end, and nothing else.  Return: what is behind it; NULL: there is none. */
static char *take_number(char *s, const char *end, int64_t *ret)
{
	size_t n = strspn(s, "0123456789");
	char after = s[n];
	int r;

	if (n == 0 || strncmp(s + n, end, strlen(end)) != 0)
		return NULL;
	s[n] = '\0';
	r = mb_parse_i64(s, ret);
	s[n] = after;
	return r < 0 ? NULL : s + n + strlen(end);
}

/* "level,sequence,usec,flags;" Return: the text; NULL: this is no record. */
static char *take_head(char *s, int64_t *ret_level, struct mb_monitor_kmsg *ret)
{
	int64_t sequence = 0;
	char *text = take_number(s, ",", ret_level);

	if (text)
		text = take_number(text, ",", &sequence);
	ret->sequence = (uint64_t)sequence;
	if (text)
		text = take_number(text, ",", &ret->usec);
	if (text)
		text = strchr(text, ';');
	return text ? text + 1 : NULL;
}

/* Is it one that the kernel can have printed?  Return: 0 or -EBADMSG. */
static int take_name(const char *name, size_t n, struct mb_monitor_kmsg *ret)
{
	size_t bytes = 0;

	if (n >= sizeof(ret->name))
		return -EBADMSG;
	for (size_t i = 0; i < n; i++, bytes++) {
		if (name[i] < ' ' || name[i] > '~')
			return -EBADMSG;
		if (name[i] != '\\')
			continue;
		if (n - i < 4 || name[i + 1] != 'x' || strspn(name + i + 2, "0123456789abcdef") < 2)
			return -EBADMSG;
		i += 3;
	}
	if (bytes > NAME_BYTES)
		return -EBADMSG;
	memcpy(ret->name, name, n);
	ret->name[n] = '\0';
	return 0;
}

static char *find_last(char *s, const char *what)
{
	char *last = NULL;

	for (; (s = strstr(s, what)); s++)
		last = s;
	return last;
}

/* Is it, or is it below, the group with this name: "/ID", "/mybox-ID.scope"? */
static bool is_below(const char *path, const char *id)
{
	const size_t n = strlen(id);

	for (const char *at = strstr(path, id); at; at = strstr(at + 1, id)) {
		const char *end = at + n;

		if (strncmp(end, ".scope", 6) == 0)
			end += 6;
		if (at > path && (at[-1] == '/' || at[-1] == '-') && (*end == '/' || !*end))
			return true;
	}
	return false;
}

/* Behind the path anything may stand that a process called itself, so the numbers are looked for
 * from the end.  Before it are names of control groups, which could look like it: but then all of
 * the rest would be the process's name, and that is too long. */
static int parse_summary(char *text, const char *id, struct mb_monitor_kmsg *ret)
{
	static const char path_key[] = ",task_memcg=", name_key[] = ",task=";
	char *path = strstr(text, path_key), *name = path ? strstr(path, name_key) : NULL;
	char *pid = name ? find_last(name, ",pid=") : NULL, *end;
	int64_t number = 0, uid;

	if (!pid)
		return MB_MONITOR_KMSG_OTHER;
	end = take_number(pid + 5, ",uid=", &number);
	if (!end)
		return MB_MONITOR_KMSG_OTHER;
	end = take_number(end, "", &uid);
	if (!end || *end || number < 1 || number > INT32_MAX)
		return MB_MONITOR_KMSG_OTHER;
	*name = '\0';
	name += sizeof(name_key) - 1;
	if (!is_below(path + sizeof(path_key) - 1, id) ||
	    take_name(name, (size_t)(pid - name), ret) < 0)
		return MB_MONITOR_KMSG_OTHER;
	ret->pid = (int)number;
	return 0;
}

/* "N (NAME) total-vm:" */
static int parse_killed(char *text, struct mb_monitor_kmsg *ret)
{
	int64_t number = 0;
	char *name = take_number(text, " (", &number);
	char *end = name ? find_last(name, ") total-vm:") : NULL;

	if (!end || number < 1 || number > INT32_MAX ||
	    take_name(name, (size_t)(end - name), ret) < 0)
		return MB_MONITOR_KMSG_OTHER;
	ret->pid = (int)number;
	return MB_MONITOR_KMSG_HOMELESS;
}

static int parse_text(char *text, const char *id, struct mb_monitor_kmsg *ret)
{
	static const char *const killed[] = {"Memory cgroup out of memory: Killed process ",
	                                     "Out of memory: Killed process "};
	static const char summary[] = "oom-kill:constraint=";

	if (strncmp(text, summary, sizeof(summary) - 1) == 0)
		return parse_summary(text, id, ret);
	for (size_t i = 0; i < sizeof(killed) / sizeof(*killed); i++)
		if (strncmp(text, killed[i], strlen(killed[i])) == 0)
			return parse_killed(text + strlen(killed[i]), ret);
	return MB_MONITOR_KMSG_OTHER;
}

int mb_monitor_kmsg_parse(const char *record, size_t n, const char *id, struct mb_monitor_kmsg *ret)
{
	const char *line_end = memchr(record, '\n', n);
	char line[TEXT_MAX], *text;
	int64_t level = 0;
	size_t length = line_end ? (size_t)(line_end - record) : n;

	*ret = (struct mb_monitor_kmsg){0};
	/* The end of a long one is no victim; its number still counts. */
	if (length >= sizeof(line))
		length = sizeof(line) - 1;
	memcpy(line, record, length);
	line[length] = '\0';
	text = take_head(line, &level, ret);
	if (!text || !*id)
		return -EBADMSG;
	return level & FACILITIES ? MB_MONITOR_KMSG_OTHER : parse_text(text, id, ret);
}
