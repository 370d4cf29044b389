/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/container_each.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/unit_command.h"
#include "container/container.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "systemd/unit.h"

enum { STOP_SECONDS = 10, EXTRA_SECONDS = 60 };

struct generate_args {
	bool files, is_new, name, no_header;
	const char *prefix, *separator, *restart_sec;
	int policy, stop, start;
	struct mb_strv after, wants, requires, env;
};

static const char *const policies[] = {"on-failure",  "no",          "always",   "on-success",
                                       "on-watchdog", "on-abnormal", "on-abort", NULL};

static void add_list(struct mb_str *out, const char *key, const struct mb_strv *units)
{
	MB_STRV_FOREACH (unit, units)
		mb_str_addf(out, "%s=%s\n", key, unit);
}

static void add_unit(struct mb_str *out, const struct generate_args *a, const char *unit,
                     const struct mb_cmd_context *cx)
{
	mb_str_addf(out,
	            "[Unit]\n"
	            "Description=mybox %s.service\n"
	            "Documentation=man:mybox-generate-systemd(1)\n"
	            "Wants=network-online.target\n"
	            "After=network-online.target\n"
	            "RequiresMountsFor=%s\n",
	            unit, cx->root);
	add_list(out, "Wants", &a->wants);
	add_list(out, "After", &a->after);
	add_list(out, "Requires", &a->requires);
	add_list(out, "After", &a->requires);
}

static void add_command(struct mb_str *out, const char *key, const char *program,
                        const struct mb_strv *words)
{
	mb_str_addf(out, "%s%s", key, program);
	MB_STRV_FOREACH (word, words)
		mb_systemd_unit_add_word(out, word);
	mb_str_addc(out, '\n');
}

/* @name: by which it is called; of one that is made anew, its own. */
static int add_commands(struct mb_str *out, const struct generate_args *a, struct mb_container *c,
                        const char *name, const char *program, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv start = MB_STRV_INIT, stop = MB_STRV_INIT, rm = MB_STRV_INIT;
	int r = 0;

	mb_strv_add(&stop, "stop");
	mb_strv_addf(&stop, "--timeout=%d", a->stop);
	mb_strv_add(&stop, name);
	mb_strv_add(&start, a->is_new ? "run" : "start");
	mb_strv_add(&start, "--sdnotify=conmon");
	if (!a->is_new) {
		mb_strv_add(&start, name);
		add_command(out, "ExecStart=", program, &start);
		add_command(out, "ExecStop=", program, &stop);
		return 0;
	}
	mb_strv_add(&rm, "rm");
	mb_strv_add(&rm, "-f");
	mb_strv_add(&rm, name);
	mb_strv_add(&start, "-d");
	mb_strv_add(&start, "--rm");
	mb_strv_addf(&start, "--name=%s", name);
	r = mb_cmd_unit_command(c, &start, err);
	add_command(out, "ExecStartPre=-", program, &rm);
	add_command(out, "ExecStart=", program, &start);
	add_command(out, "ExecStop=", program, &stop);
	add_command(out, "ExecStopPost=-", program, &rm);
	return r;
}

static int add_service(struct mb_str *out, const struct generate_args *a,
                       const struct mb_cmd_context *cx, struct mb_container *c, const char *name,
                       struct mb_err *err)
{
	MB_AUTO_STR struct mb_str program = MB_STR_INIT;
	int r = mb_cmd_unit_program(cx, &program, err);

	/* The monitor is the main process; the container has a control group of its own. */
	mb_str_addf(out,
	            "\n[Service]\n"
	            "Type=notify\n"
	            "NotifyAccess=all\n"
	            "KillMode=mixed\n"
	            "SuccessExitStatus=143\n"
	            "TasksMax=infinity\n"
	            "Restart=%s\n",
	            policies[a->policy]);
	if (a->restart_sec)
		mb_str_addf(out, "RestartSec=%s\n", a->restart_sec);
	if (a->start)
		mb_str_addf(out, "TimeoutStartSec=%d\n", a->start);
	mb_str_addf(out, "TimeoutStopSec=%d\n", a->stop + EXTRA_SECONDS);
	if (a->env.n)
		add_command(out, "Environment=", "", &a->env);
	return r < 0 ? r : add_commands(out, a, c, name, mb_str_text(&program), err);
}

static int write_file(const char *unit, const struct mb_str *text, struct mb_err *err)
{
	MB_AUTO_FREE char *name = mb_asprintf("%s.service", unit), *cwd = getcwd(NULL, 0);
	MB_AUTO_FREE char *path = mb_asprintf("%s/%s", cwd ? cwd : ".", name);
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
	MB_AUTO_CLOSE int fd = open(name, flags, 0644);

	if (fd < 0 || mb_write_full(fd, text->buf, text->len) < 0 || fsync(fd) < 0)
		return mb_fail_sys(err, errno, "cannot write '%s'", path);
	return mb_cmd_put_line(path);
}

static int generate_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                         struct mb_err *err)
{
	struct generate_args a = *(const struct generate_args *)in->args;
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	MB_AUTO_FREE char *unit = NULL;
	const char *name;
	int r = mb_cmd_container_find(cx, in->operands[0], &c, err);

	if (r != 0)
		return r;
	if (!mb_cli_is_given(in, "time"))
		a.stop = c->record->config.has_stop_timeout ? (int)c->record->config.stop_timeout
		                                            : STOP_SECONDS;
	/* One that is made anew has another id each time. */
	name = a.name || a.is_new ? mb_container_name(c) : c->id;
	unit = mb_asprintf("%s%s%s", a.prefix, *a.prefix ? a.separator : "",
	                   a.name ? mb_container_name(c) : c->id);
	if (!a.no_header)
		mb_str_addf(&text, "# %s.service\n# written by mybox generate systemd\n\n", unit);
	add_unit(&text, &a, unit, cx);
	r = add_service(&text, &a, cx, c, name, err);
	if (r < 0)
		return r;
	mb_str_add(&text, "\n[Install]\nWantedBy=default.target\n");
	return a.files ? write_file(unit, &text, err) : mb_cmd_put(&text);
}

#define A struct generate_args
// clang-format off
static const struct mb_cli_opt generate_opts[] = {
	MB_OPT_LIST(0, "after", "unit", A, after, "start after this unit"),
	MB_OPT_STRING(0, "container-prefix", "prefix", A, prefix, "what the unit's name begins with", .def = "container"),
	MB_OPT_LIST('e', "env", "name=value", A, env, "set a variable of the service"),
	MB_OPT_SWITCH('f', "files", A, files, "write a file in this directory and print its path"),
	MB_OPT_SWITCH('n', "name", A, name, "call unit and container by the container's name"),
	MB_OPT_SWITCH(0, "new", A, is_new, "make the container anew at each start"),
	MB_OPT_SWITCH(0, "no-header", A, no_header, "without the comment at the top"),
	MB_OPT_LIST(0, "requires", "unit", A, requires, "require this unit, and start after it"),
	MB_OPT_CHOICE(0, "restart-policy", NULL, A, policy, policies, "when systemd starts it again", .def = "on-failure"),
	MB_OPT_STRING(0, "restart-sec", "seconds", A, restart_sec, "how long systemd waits before that"),
	MB_OPT_STRING(0, "separator", NULL, A, separator, "between prefix and name", .def = "-"),
	MB_OPT_INT(0, "start-timeout", "seconds", A, start, "how long a start may take"),
	MB_OPT_INT('t', "time", "seconds", A, stop, "how long a stop may take", .aliases = "stop-timeout"),
	MB_OPT_LIST(0, "wants", "unit", A, wants, "want this unit"),
	MB_OPT_REFUSED(0, "format", true, "one unit has one format"),
	MB_OPT_REFUSED(0, "pod-prefix", true, "mybox has no pods"),
	MB_OPT_REFUSED(0, "template", false, NULL),
	MB_OPT_END,
};
// clang-format on

const struct mb_cli_verb mb_cmd_generate_systemd = {
	.paths = "generate systemd",
	.summary = "write a unit of systemd that runs a container",
	.operands = "CONTAINER",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_CONTAINER},
	.fail_code = 125,
	.opts = generate_opts,
	.args_size = sizeof(A),
	.examples = "mybox generate systemd --new --name --files web\n"
		    "cp container-web.service /etc/systemd/system/\n"
		    "systemctl enable --now container-web\n",
	.main = generate_main,
};
