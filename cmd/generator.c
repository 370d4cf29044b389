/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What systemd runs at each boot and daemon-reload by contrib/systemd/mybox-generator. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "container/exe.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "monitor/protocol.h"
#include "systemd/quadlet.h"

#define DIRECTORIES "/etc/mybox/systemd:/usr/share/mybox/systemd"

enum { FILE_MAX = 1 << 20 };

struct generating {
	int out; /* systemd's directory */
	char program[MB_MONITOR_PATH_MAX];
	struct mb_strv paths; /* where files are looked for, in this order */
	struct mb_strv seen;  /* a file hides another of its name in a later directory */
	struct mb_strv made;  /* services */
	bool failed;
};

static int write_unit(int out, const char *service, const struct mb_str *text, struct mb_err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
	MB_AUTO_CLOSE int fd = openat(out, service, flags, 0644);

	if (fd < 0 || mb_write_full(fd, text->buf, text->len) < 0)
		return mb_fail_sys(err, errno, "cannot write '%s'", service);
	return 0;
}

static int link_unit(int out, const char *service, const struct mb_strv *links, struct mb_err *err)
{
	MB_AUTO_FREE char *target = mb_asprintf("../%s", service);

	MB_STRV_FOREACH (dir, links) {
		MB_AUTO_FREE char *path = mb_asprintf("%s/%s", dir, service);

		if ((mkdirat(out, dir, 0755) < 0 && errno != EEXIST) ||
		    (symlinkat(target, out, path) < 0 && errno != EEXIST))
			return mb_fail_sys(err, errno, "cannot link '%s'", path);
	}
	return 0;
}

static char *read_named(void *arg, const char *name)
{
	const struct generating *g = arg;

	MB_STRV_FOREACH (path, &g->paths) {
		MB_AUTO_CLOSE int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		MB_AUTO_STR struct mb_str text = MB_STR_INIT;

		if (dir >= 0 && mb_read_file(dir, name, FILE_MAX, &text, NULL) == 0)
			return mb_str_take(&text);
	}
	return NULL;
}

static int generate_one(struct generating *g, int dir, const char *path, const char *name,
                        struct mb_err *err)
{
	MB_AUTO_FREE char *whole = mb_asprintf("%s/%s", path, name);
	const struct mb_systemd_quadlet q = {
		.path = whole, .program = g->program, .read = read_named, .arg = g};
	__attribute__((
		cleanup(mb_systemd_quadlet_made_done))) struct mb_systemd_quadlet_made made = {0};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = mb_read_file(dir, name, FILE_MAX, &text, err);

	if (r == 0)
		r = mb_systemd_quadlet_make(&q, mb_str_text(&text), text.len, &made, err);
	if (r == 0 && mb_strv_has(&g->made, made.service))
		r = mb_fail(err, EEXIST, "%s: another file makes '%s'", name, made.service);
	if (r < 0)
		return r;
	mb_strv_add(&g->made, made.service);
	r = write_unit(g->out, made.service, &made.unit, err);
	return r == 0 ? link_unit(g->out, made.service, &made.links, err) : r;
}

/* One that is wrong is told, and the others are made.  In the order of names, so that of two that
 * make the same service it is always the first that does. */
static void generate_all(struct generating *g, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = mb_dir_take(fd);
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (mb_systemd_quadlet_is_one(entry->d_name) && entry->d_name[0] != '.' &&
		    !mb_strv_has(&g->seen, entry->d_name))
			mb_strv_add(&names, entry->d_name);
	mb_strv_sort(&names);
	MB_STRV_FOREACH (name, &names) {
		struct mb_err err = MB_ERR_INIT;

		mb_strv_add(&g->seen, name);
		if (generate_one(g, fd, path, name, &err) < 0) {
			mb_cmd_say("mybox-generator: %s", err.msg);
			g->failed = true;
		}
	}
	if (dir)
		closedir(dir);
}

static int generator_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                          struct mb_err *err)
{
	const char *dirs = getenv("MYBOX_UNIT_DIRS");
	struct generating g = {.out = open(in->operands[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	int r;

	(void)cx;
	if (g.out < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", in->operands[0]);
	r = mb_container_exe_path(g.program, sizeof(g.program), err);
	mb_strv_split(&g.paths, dirs && *dirs ? dirs : DIRECTORIES, ':');
	for (size_t i = 0; r == 0 && i < g.paths.n; i++)
		generate_all(&g, g.paths.v[i]);
	mb_strv_done(&g.paths);
	mb_strv_done(&g.made);
	mb_strv_done(&g.seen);
	mb_close(&g.out);
	return r < 0 ? r : g.failed;
}

const struct mb_cli_verb mb_cmd_generator_hidden = {
	.paths = "__generator",
	.summary = "write services for .container files into a directory",
	.operands = "DIRECTORY",
	.min = 1,
	.max = 1,
	.hidden = true,
	.unprivileged = true,
	.main = generator_main,
};
