/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/top.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "container/cgroup_of.h"
#include "container/container.h"
#include "container/event.h"
#include "container/life.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "sys/ps.h"

static const char blanks[] = " \t";

enum { PIDS_MAX = 10000 }; /* of one word, which the kernel takes up to 128 KiB of */

/* The next word of *@at, which goes past it; *@ret_n is 0 at the end. */
static const char *next_word(const char **at, size_t *ret_n)
{
	const char *word = *at + strspn(*at, blanks);

	*ret_n = strcspn(word, blanks);
	*at = word + *ret_n;
	return word;
}

static void add_cell(struct mb_strv *out, const char *text, size_t n)
{
	MB_AUTO_FREE char *cell = mb_strndup(text, n);

	mb_strv_take(out, mb_printable(cell));
}

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return x < y ? -1 : x > y;
}

/* Is the process of this line one of them?  "-": a thread of the line before (ps m).
 * Return: 0 and *@ret, or -EINVAL, told. */
static int is_ours(const char *line, size_t pid_column, const pid_t *pids, size_t n, bool *ret,
                   struct mb_err *err)
{
	MB_AUTO_FREE char *number = NULL;
	const char *word = NULL;
	size_t len = 0;
	int64_t value;
	pid_t pid;

	for (size_t i = 0; i <= pid_column; i++)
		word = next_word(&line, &len);
	number = mb_strndup(word, len);
	if (mb_streq(number, "-"))
		return 0;
	if (mb_parse_i64(number, &value) < 0 || value <= 0 || value > INT32_MAX)
		return mb_fail(err, EINVAL, "unexpected pid '%s'", number);
	pid = (pid_t)value;
	*ret = n && bsearch(&pid, pids, n, sizeof(pid), compare_pids);
	return 0;
}

/* As many words as there are headings; the last cell is the rest of the line. */
static void add_line(const char *line, size_t columns, struct mb_strv *out)
{
	for (size_t i = 0; i < columns; i++) {
		size_t n;
		const char *word = next_word(&line, &n);

		if (i + 1 == columns)
			n = strlen(word);
		while (i + 1 == columns && n && strchr(blanks, word[n - 1]))
			n--;
		add_cell(out, word, n);
	}
}

static size_t add_headings(const char *line, struct mb_strv *out, size_t *ret_pid_column)
{
	size_t columns = 0, n;

	*ret_pid_column = SIZE_MAX;
	for (const char *word = next_word(&line, &n); n; word = next_word(&line, &n)) {
		if (n == 3 && strncmp(word, "PID", n) == 0 && *ret_pid_column == SIZE_MAX)
			*ret_pid_column = columns;
		add_cell(out, word, n);
		columns++;
	}
	return columns;
}

int mb_container_top_parse(const char *text, const pid_t *pids, size_t n, struct mb_strv *out,
                           size_t *ret_columns, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;
	size_t pid_column;
	bool ours = false;
	int r = 0;

	mb_strv_split(&lines, text, '\n');
	*ret_columns = add_headings(lines.n ? lines.v[0] : "", out, &pid_column);
	if (pid_column == SIZE_MAX)
		return mb_fail(err, EINVAL, "Couldn't find PID field in ps output");
	for (size_t i = 1; r == 0 && i < lines.n; i++) {
		if (!lines.v[i][strspn(lines.v[i], blanks)])
			continue;
		r = is_ours(lines.v[i], pid_column, pids, n, &ours, err);
		if (r == 0 && ours)
			add_line(lines.v[i], *ret_columns, out);
	}
	return r;
}

/* ---------------------------------------------------------------------------------------------- */

/* "-o user=PID" would make another column look like the one that says whose processes they are. */
static int check_words(const struct mb_strv *words, struct mb_err *err)
{
	MB_AUTO_FREE char *joined = mb_strv_join(words, " ");

	for (const char *at = joined, *is; (is = strchr(at, '=')); at = is + 1) {
		const char *name = is, *value = is + 1 + strspn(is + 1, blanks);

		while (name > joined && !strchr(" \t,", name[-1]))
			name--;
		if (strncmp(value, "PID", 3) == 0 &&
		    !(is - name == 3 && strncmp(name, "pid", 3) == 0))
			return mb_fail(err, EINVAL, "specifying \"%.*s=%.*s\" is not allowed",
			               (int)(is - name), name, (int)strcspn(value, " \t,"), value);
	}
	return 0;
}

static char *pids_word(const pid_t *pids, size_t n)
{
	struct mb_str text = MB_STR_INIT;

	for (size_t i = 0; i < n; i++)
		mb_str_addf(&text, "%s%d", i ? "," : "-q", (int)pids[i]);
	return mb_str_take(&text);
}

/* Asked for these processes alone; where that does not go with the other words, for whatever they
 * select. */
static int top_by_ps(const struct mb_strv *words, const pid_t *pids, size_t n, struct mb_strv *out,
                     size_t *ret_columns, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = check_words(words, err);

	if (r < 0)
		return r;
	mb_strv_add_all(&all, words);
	if (n <= PIDS_MAX)
		mb_strv_take(&all, pids_word(pids, n));
	r = mb_sys_ps_run(&all, &text, err);
	if (r == MB_SYS_PS_REFUSED)
		r = mb_sys_ps_run(words, &text, err);
	if (r != 0)
		return r < 0 ? r : -EINVAL;
	return mb_container_top_parse(mb_str_text(&text), pids, n, out, ret_columns, err);
}

static void top_by_ourselves(const pid_t *pids, size_t n, struct mb_strv *out, size_t *ret_columns)
{
	static const char *const headings[] = {"UID",   "PID", "PPID", "C",
	                                       "STIME", "TTY", "TIME", "CMD"};

	*ret_columns = MB_N(headings);
	for (size_t i = 0; i < MB_N(headings); i++)
		mb_strv_add(out, headings[i]);
	for (size_t i = 0; i < n; i++)
		mb_sys_ps_add(pids[i], out);
}

static bool is_usual(const struct mb_strv *words)
{
	return words->n == 0 ||
	       (words->n == 1 && (mb_streq(words->v[0], "-ef") || mb_streq(words->v[0], "-fe"))) ||
	       (words->n == 2 && mb_streq(words->v[0], "-e") && mb_streq(words->v[1], "-f"));
}

int mb_container_top(struct mb_container *c, const struct mb_strv *words, struct mb_strv *out,
                     size_t *ret_columns, struct mb_err *err)
{
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *host = NULL;
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cgroup = NULL;
	MB_AUTO_FREE pid_t *pids = NULL;
	size_t n;
	int r;

	if (!mb_container_is_running(c)) {
		mb_fail(err, ESRCH, "Container %s is not running", c->id);
		return MB_CONTAINER_NOT_RUNNING;
	}
	r = mb_container_cgroup_open(c, &host, &cgroup, err);
	if (r != 0)
		return r < 0 ? r : mb_fail(err, ENOENT, "its control group is gone");
	r = mb_sys_cgroup_pids(cgroup, &pids, &n, err);
	if (r == 0 && is_usual(words))
		top_by_ourselves(pids, n, out, ret_columns);
	else if (r == 0)
		r = top_by_ps(words, pids, n, out, ret_columns, err);
	if (r == 0)
		mb_container_event(c, "top");
	return r;
}
