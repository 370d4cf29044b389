/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/ps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/userdb.h"

struct process {
	int pid, ppid, tty;
	unsigned uid;
	unsigned long long ticks, start;
	char name[32];
};

static int read_stat(int dir, struct process *p)
{
	char text[1024], *open_paren, *close_paren;
	unsigned long long utime, stime;
	int r = mb_read_kernel_file(dir, "stat", text, sizeof(text));

	if (r < 0)
		return r;
	open_paren = strchr(text, '(');
	close_paren = strrchr(text, ')');
	if (!open_paren || !close_paren)
		return -EINVAL;
	snprintf(p->name, sizeof(p->name), "%.*s", (int)(close_paren - open_paren - 1),
	         open_paren + 1);
	if (sscanf(close_paren + 1,
	           " %*c %d %*d %*d %d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d "
	           "%llu",
	           &p->ppid, &p->tty, &utime, &stime, &p->start) != 5)
		return -EINVAL;
	p->ticks = utime + stime;
	return 0;
}

static void add_command(int dir, const struct process *p, struct mb_strv *out)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	/* Any process gives itself a name of any bytes. */
	MB_AUTO_FREE char *name = mb_printable(p->name);
	MB_AUTO_CLOSE int fd = openat(dir, "cmdline", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		mb_read_fd(fd, 64 << 10, &text, NULL);
	while (text.len && text.buf[text.len - 1] == '\0')
		text.len--;
	for (size_t i = 0; i < text.len; i++)
		if (text.buf[i] == '\0' || text.buf[i] == '\n')
			text.buf[i] = ' ';
	if (text.len)
		mb_strv_take(out, mb_printable(text.buf));
	else
		mb_strv_addf(out, "[%s]", name);
}

static void add_user(unsigned uid, struct mb_strv *out)
{
	MB_AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	MB_AUTO_USER struct mb_sys_user user = {0};
	MB_AUTO_FREE char *number = mb_asprintf("%u", uid);

	if (root >= 0 && mb_sys_userdb_resolve(root, number, NULL, &user, NULL) == 0 && user.name)
		mb_strv_add(out, user.name);
	else
		mb_strv_add(out, number);
}

static void add_times(const struct process *p, struct mb_strv *out)
{
	long hz = sysconf(_SC_CLK_TCK);
	int64_t up = mb_boottime_nsec() / MB_NSEC_PER_SEC;
	time_t now = time(NULL);
	time_t start = now - (time_t)up + (time_t)(p->start / (unsigned long long)hz);
	unsigned long long cpu = p->ticks / (unsigned long long)hz;
	int64_t age = now > start ? now - start : 1;
	char text[16];
	struct tm tm, today;

	localtime_r(&start, &tm);
	localtime_r(&now, &today);
	strftime(text, sizeof(text),
	         tm.tm_yday == today.tm_yday && tm.tm_year == today.tm_year ? "%H:%M" : "%b%d",
	         &tm);
	mb_strv_addf(out, "%llu", cpu * 100 / (unsigned long long)age);
	mb_strv_add(out, text);
	if (p->tty >> 8 == 136)
		mb_strv_addf(out, "pts/%d", p->tty & 0xff);
	else
		mb_strv_add(out, "?");
	mb_strv_addf(out, "%02llu:%02llu:%02llu", cpu / 3600, cpu / 60 % 60, cpu % 60);
}

void mb_sys_ps_add(pid_t pid, struct mb_strv *out)
{
	struct process p = {.pid = pid};
	MB_AUTO_CLOSE int dir = -1;
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* One that has ended meanwhile is not listed. */
	if (dir < 0 || fstat(dir, &st) < 0 || read_stat(dir, &p) < 0)
		return;
	add_user(st.st_uid, out);
	mb_strv_addf(out, "%d", p.pid);
	mb_strv_addf(out, "%d", p.ppid);
	add_times(&p, out);
	add_command(dir, &p, out);
}
