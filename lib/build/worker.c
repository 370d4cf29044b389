/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "build/job.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "sys/proc.h"
#include "json/json.h"

enum { MESSAGE_MAX = 64 * 1024 * 1024 };
enum type { BEGIN, OUTPUT, SAY, END, WARN, FINISHED, FAILED };

struct head {
	uint32_t type, number, extra, size; /* bytes that follow */
};
/* What FAILED is followed by. */
struct failure {
	int32_t r, exit_code;
	struct mb_dockerfile_span where;
	struct mb_err err;
};

/* --- in the worker ---------------------------------------------------------------------------- */

struct relay {
	int sock;
};

/* Who cannot be told is gone, and takes us along. */
static void tell(const struct relay *relay, struct head head, const void *bytes)
{
	if (mb_write_full(relay->sock, &head, sizeof(head)) < 0 ||
	    mb_write_full(relay->sock, bytes, head.size) < 0)
		_exit(125);
}

static void tell_text(const struct relay *relay, enum type type, unsigned number, const char *text)
{
	tell(relay, (struct head){type, number, 0, (uint32_t)strlen(text)}, text);
}

static void relay_begin(void *arg, unsigned number, const char *name)
{
	tell_text(arg, BEGIN, number, name);
}

static void relay_output(void *arg, unsigned number, bool is_stderr, const char *bytes, size_t n)
{
	tell(arg, (struct head){OUTPUT, number, is_stderr, (uint32_t)n}, bytes);
}

static void relay_say(void *arg, unsigned number, const char *line)
{
	tell_text(arg, SAY, number, line);
}

static void relay_end(void *arg, unsigned number, enum mb_build_end how, const char *why)
{
	why = why ? why : "";
	tell(arg, (struct head){END, number, how, (uint32_t)strlen(why)}, why);
}

static void relay_warn(void *arg, const struct mb_build_warning *warning)
{
	const struct mb_dockerfile_span where = warning->where;
	MB_AUTO_FREE char *text =
		mb_asprintf("%s\n%s", warning->rule ? warning->rule : "", warning->message);

	tell(arg, (struct head){WARN, where.first, where.last, (uint32_t)strlen(text)}, text);
}

/* One line of ours, then the configuration. */
static void tell_state(const struct relay *relay, const struct mb_build *b,
                       const struct mb_build_state *state)
{
	MB_AUTO(mb_json_free) struct json_object *o = mb_json_new_object();
	MB_AUTO(mb_json_free) struct json_object *config = mb_oci_image_config_save(&state->config);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct json_object *args = mb_json_new_object();

	MB_KV_FOREACH (pair, &state->args)
		mb_json_set_str(args, pair->key, pair->value);
	mb_json_set(o, "layers", mb_json_new_strv(&state->layers));
	mb_json_set(o, "keys", mb_json_new_strv(&state->keys));
	mb_json_set(o, "consumed", mb_json_new_strv(&b->consumed));
	mb_json_set_i64(o, "bytes", (int64_t)state->bytes);
	mb_json_set_i64(o, "newest", state->newest);
	mb_json_set_i64(o, "base_time", state->base_time);
	mb_json_set_i64(o, "n_base", state->n_base);
	mb_json_set_bool(o, "is_dated", state->is_dated);
	mb_json_set(o, "args", args);
	mb_json_format(o, false, &text);
	mb_str_addc(&text, '\n');
	mb_json_format(config, false, &text);
	tell(relay, (struct head){FINISHED, 0, 0, (uint32_t)text.len}, text.buf);
}

static void __attribute__((noreturn))
work(struct mb_build *b, struct mb_build_stage *stage, int sock, pid_t parent)
{
	struct relay relay = {sock};
	struct mb_build_request own = *b->request;
	struct failure failure = {.err = MB_ERR_INIT};

	own.report = (struct mb_build_report){relay_begin, relay_output, relay_say, relay_end,
	                                      relay_warn,  NULL,         &relay};
	b->request = &own;
	b->n_steps = 0;
	failure.r = mb_sys_proc_die_with_parent(parent, &failure.err);
	if (failure.r == 0)
		failure.r = mb_build_stage_make(b, stage, &failure.err);
	failure.exit_code = b->exit_code;
	failure.where = b->where;
	if (failure.r == 0)
		tell_state(&relay, b, &stage->state);
	else
		tell(&relay, (struct head){FAILED, 0, 0, sizeof(failure)}, &failure);
	_exit(0);
}

/* --- in the build ----------------------------------------------------------------------------- */

int mb_build_worker_start(struct mb_build *b, struct mb_build_stage *stage,
                          struct mb_build_worker *ret, struct mb_err *err)
{
	const struct mb_sys_clone how = MB_SYS_CLONE_INIT;
	const pid_t self = getpid();
	int sock[2], r;
	pid_t pid;

	*ret = MB_BUILD_WORKER_INIT;
	ret->stage = stage;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) < 0)
		return mb_fail_sys(err, errno, "cannot make a socket");
	r = mb_sys_proc_clone(&how, &pid, &ret->pidfd, err);
	if (r == 0 && pid == 0) {
		mb_close(&sock[0]);
		work(b, stage, sock[1], self);
	}
	mb_close(&sock[1]);
	ret->sock = sock[0];
	return r;
}

static bool read_full(int fd, void *to, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t got = read(fd, (char *)to + at, n - at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += (size_t)got;
	}
	return true;
}

static unsigned number_of(const struct mb_build_worker *worker, unsigned number)
{
	return number && number <= worker->n_numbers ? worker->numbers[number - 1] : 0;
}

static void begin(struct mb_build *b, struct mb_build_worker *worker, const char *name)
{
	struct mb_build_step step = mb_build_step_begin_named(b, name);

	worker->numbers =
		mb_realloc(worker->numbers, (worker->n_numbers + 1) * sizeof(*worker->numbers));
	worker->numbers[worker->n_numbers++] = step.number;
}

static int take_state(struct mb_build *b, struct mb_build_worker *worker, const char *text,
                      size_t n, struct mb_err *err)
{
	struct finished {
		struct mb_strv layers, keys, consumed;
		int64_t bytes, newest, base_time, n_base;
		bool is_dated;
		struct mb_kv args;
	} finished = {0};
	static const struct mb_json_field table[] = {
		MB_JSON_STRV("layers", struct finished, layers),
		MB_JSON_STRV("keys", struct finished, keys),
		MB_JSON_STRV("consumed", struct finished, consumed),
		MB_JSON_I64("bytes", struct finished, bytes),
		MB_JSON_I64("newest", struct finished, newest),
		MB_JSON_I64("base_time", struct finished, base_time),
		MB_JSON_I64("n_base", struct finished, n_base),
		MB_JSON_BOOL("is_dated", struct finished, is_dated),
		MB_JSON_KV("args", struct finished, args),
		MB_JSON_END,
	};
	struct mb_build_state *state = &worker->stage->state;
	const char *end = memchr(text, '\n', n);
	int r = end ? mb_json_load(text, (size_t)(end - text), table, &finished, sizeof(finished),
	                           err)
	            : -EBADMSG;

	if (r < 0)
		return r;
	state->layers = finished.layers;
	state->keys = finished.keys;
	state->args = finished.args;
	state->bytes = (uint64_t)finished.bytes;
	state->newest = finished.newest;
	state->base_time = finished.base_time;
	state->n_base = finished.n_base;
	state->is_dated = finished.is_dated;
	MB_STRV_FOREACH (name, &finished.consumed)
		if (!mb_strv_has(&b->consumed, name))
			mb_strv_add(&b->consumed, name);
	mb_strv_done(&finished.consumed);
	end++;
	r = mb_oci_image_config_load(end, n - (size_t)(end - text), &state->config, err);
	worker->stage->is_made = r == 0;
	return r;
}

static void take_failure(struct mb_build *b, struct mb_build_worker *worker, const char *bytes,
                         bool is_canceled)
{
	struct failure failure;

	memcpy(&failure, bytes, sizeof(failure));
	worker->r = failure.r;
	worker->err = failure.err;
	if (is_canceled)
		return;
	b->where = failure.where;
	b->exit_code = failure.exit_code;
}

static void take_warning(const struct mb_build_report *report, const struct head *head, char *bytes)
{
	char *end = strchr(bytes, '\n');

	if (!report->warn || !end)
		return;
	*end = '\0';
	report->warn(report->arg, &(struct mb_build_warning){*bytes ? bytes : NULL,
	                                                     end + 1,
	                                                     {head->number, head->extra}});
}

static int take(struct mb_build *b, struct mb_build_worker *worker, const struct head *head,
                char *bytes, bool is_canceled, struct mb_err *err)
{
	const struct mb_build_report *report = &b->request->report;
	unsigned number = number_of(worker, head->number);

	switch ((enum type)head->type) {
	case BEGIN:
		begin(b, worker, bytes);
		return 0;
	case OUTPUT:
		if (report->output)
			report->output(report->arg, number, head->extra, bytes, head->size);
		return 0;
	case SAY:
		if (report->say)
			report->say(report->arg, number, bytes);
		return 0;
	case END:
		if (report->end)
			report->end(report->arg, number,
			            head->extra == MB_BUILD_FAILED && is_canceled
			                    ? MB_BUILD_CANCELED
			                    : (enum mb_build_end)head->extra,
			            *bytes ? bytes : NULL);
		return 0;
	case WARN:
		take_warning(report, head, bytes);
		return 0;
	case FINISHED:
		worker->r = take_state(b, worker, bytes, head->size, &worker->err);
		worker->is_told = true;
		return 1;
	case FAILED:
		if (head->size != sizeof(struct failure))
			break;
		take_failure(b, worker, bytes, is_canceled);
		worker->is_told = true;
		return 1;
	}
	return mb_fail(err, EPROTO, "a worker says what makes no sense");
}

int mb_build_worker_take(struct mb_build *b, struct mb_build_worker *worker, bool is_canceled,
                         struct mb_err *err)
{
	MB_AUTO_FREE char *bytes = NULL;
	struct head head;

	if (!read_full(worker->sock, &head, sizeof(head)) || head.size > MESSAGE_MAX) {
		worker->r = mb_fail(&worker->err, ECHILD, "the process of stage '%s' died",
		                    worker->stage->label);
		return 1;
	}
	bytes = mb_malloc(head.size + 1);
	if (!read_full(worker->sock, bytes, head.size)) {
		worker->r = mb_fail(&worker->err, ECHILD, "the process of stage '%s' died",
		                    worker->stage->label);
		return 1;
	}
	bytes[head.size] = '\0';
	return take(b, worker, &head, bytes, is_canceled, err);
}

void mb_build_worker_stop(const struct mb_build_worker *worker)
{
	if (worker->pidfd >= 0)
		mb_sys_proc_signal(worker->pidfd, SIGTERM, NULL);
}

void mb_build_worker_done(struct mb_build_worker *worker)
{
	int code;

	mb_close(&worker->sock);
	if (worker->pidfd >= 0)
		mb_sys_proc_reap(worker->pidfd, &code, NULL);
	mb_close(&worker->pidfd);
	free(worker->numbers);
	*worker = MB_BUILD_WORKER_INIT;
}
