/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/container_flags.h"
#include "cmd/context.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "cmd/session.h"
#include "container/container.h"
#include "container/create.h"
#include "container/interrupt.h"
#include "container/life.h"
#include "core/err.h"
#include "core/io.h"
#include "core/log.h"
#include "image/image.h"
#include "monitor/client.h"
#include "oci/ref.h"
#include "store/store.h"

enum { EXIT_ENGINE = 125 };

/* --cidfile: never over another's, no link followed. */
static int open_cidfile(const char *path, int *ret_fd, struct mb_err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	if (!path)
		return 0;
	*ret_fd = open(path, flags, 0644);
	if (*ret_fd < 0 && errno == EEXIST)
		return mb_fail(err, EEXIST,
		               "container ID file found, make sure the other container isn't "
		               "running or delete %s",
		               path);
	if (*ret_fd < 0)
		return mb_fail_sys(err, errno, "failed to create the container ID file '%s'", path);
	return 0;
}

static void warn_all(const struct mb_strv *warnings)
{
	for (size_t i = 0; i < warnings->n; i++)
		mb_cmd_say("WARNING: %s", warnings->v[i]);
}

static int no_image(const char *name, struct mb_err *err)
{
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	int r = mb_oci_ref_parse(name, true, &ref, err);

	return r < 0 ? r : mb_fail(err, ENOENT, "Unable to find image '%s' locally", name);
}

static int create(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                  struct mb_container **ret, struct mb_err *err)
{
	__attribute__((cleanup(
		mb_container_create_request_done))) struct mb_container_create_request request = {
		0};
	const struct mb_cmd_create_args *args = in->args;
	MB_AUTO_STRV struct mb_strv warnings = MB_STRV_INIT;
	MB_AUTO_CLOSE int cidfile = -1;
	struct mb_store *store;
	int r = mb_cmd_create_request_fill(cx, in, &request, err);

	if (r == 0)
		r = mb_cmd_store(cx, &store, err);
	if (r == 0)
		r = open_cidfile(args->cidfile, &cidfile, err);
	if (r == 0)
		r = mb_container_create(store, &request, ret, &warnings, err);
	warn_all(&warnings);
	if (r == MB_IMAGE_ABSENT)
		r = no_image(in->operands[0], err);
	if (r == 0 && cidfile >= 0)
		mb_write_full(cidfile, (*ret)->id, MB_ID_LEN);
	else if (args->cidfile && cidfile >= 0)
		unlink(args->cidfile);
	return r;
}

static unsigned streams_of(const struct mb_container_config *config)
{
	return (config->attach_stdout ? MB_MONITOR_STDOUT : 0u) |
	       (config->attach_stderr ? MB_MONITOR_STDERR : 0u);
}

static int failed_start(struct mb_container *c, const struct mb_container_start *how,
                        const struct mb_err *err)
{
	/* It will end us when all is undone. */
	if (mb_container_interrupt_check(NULL) == 0)
		mb_cmd_report(err);
	if (c->record->host.auto_remove)
		mb_container_remove(c, true, true, NULL);
	return how->exit_code ? how->exit_code : EXIT_ENGINE;
}

static int run_attached(struct mb_container *c, const struct mb_cmd_create_args *args,
                        struct mb_container_start *how, struct mb_err *err)
{
	const struct mb_cmd_session_options options = {.sig_proxy = args->sig_proxy != MB_CLI_NO,
	                                               .detach_keys = args->detach_keys};
	__attribute__((cleanup(mb_container_session_done))) struct mb_container_session session =
		MB_CONTAINER_SESSION_INIT;
	struct mb_err ignored = MB_ERR_INIT;
	int code = 0, r;

	how->attach = true;
	how->want_stdin = c->record->config.attach_stdin;
	how->streams = streams_of(&c->record->config);
	r = mb_container_start(c, how, &session, err);
	warn_all(&how->warnings);
	if (r < 0)
		return failed_start(c, how, err);
	r = mb_cmd_session_run(c, &session, &options, &code, err);
	mb_debug("the session ended");
	if (r != 0)
		return r < 0 ? r : code;
	r = mb_container_finish(c, &ignored);
	if (r < 0)
		mb_cmd_report(&ignored);
	mb_monitor_cleaned(session.sock, NULL);
	mb_debug("cleaned up");
	return code;
}

static int run_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	const struct mb_cmd_create_args *args = in->args;
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	struct mb_container_start how = {0};
	sigset_t before;
	int r;

	if (!args->detach && args->tty && args->interactive && !mb_cmd_is_tty(STDIN_FILENO))
		return mb_fail(err, ENOTTY, "the input device is not a TTY");
	r = mb_cmd_session_check(&(struct mb_cmd_session_options){.detach_keys = args->detach_keys},
	                         err);
	if (r < 0)
		return r;
	if (args->pid && *args->pid) {
		r = mb_cmd_seal(cx, err);
		if (r < 0)
			return r;
	}
	/* What ends us from here on leaves nothing behind that --rm is to remove. */
	mb_container_interrupt_hold(&before);
	r = create(cx, in, &c, err);
	if (r < 0) {
		mb_container_interrupt_release(&before);
		return r;
	}
	mb_debug("created");
	if (!args->detach) {
		r = run_attached(c, args, &how, err);
	} else {
		r = mb_container_start(c, &how, NULL, err);
		warn_all(&how.warnings);
		if (r < 0)
			r = failed_start(c, &how, err);
		else
			r = mb_cmd_put_line(c->id);
	}
	mb_strv_done(&how.warnings);
	if (how.exit_code || args->detach)
		mb_container_interrupt_release(&before);
	return r;
}

static int create_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_container_free) struct mb_container *c = NULL;
	sigset_t before;
	int r;

	mb_container_interrupt_hold(&before);
	r = create(cx, in, &c, err);
	if (r == 0)
		r = mb_cmd_put_line(c->id);
	mb_container_interrupt_release(&before);
	return r;
}

const struct mb_cli_verb mb_cmd_run = {
	.paths = "run|container run",
	.summary = "create and run a new container from an image",
	.operands = "IMAGE [COMMAND] [ARG...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_IMAGE},
	.stop_at_operand = true,
	.common = true,
	.fail_code = EXIT_ENGINE,
	.opts = mb_cmd_run_opts,
	.args_size = sizeof(struct mb_cmd_create_args),
	.examples = "mybox run --rm -it deb bash\n"
		    "mybox run -d --name web --network my-net -p 8080:80 web-server\n",
	.main = run_main,
};

const struct mb_cli_verb mb_cmd_create = {
	.paths = "create|container create",
	.summary = "create a new container",
	.operands = "IMAGE [COMMAND] [ARG...]",
	.min = 1,
	.max = MB_CLI_MANY,
	.complete = {MB_COMP_IMAGE},
	.stop_at_operand = true,
	.opts = mb_cmd_create_opts,
	.args_size = sizeof(struct mb_cmd_create_args),
	.main = create_main,
};
