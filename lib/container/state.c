/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "store/doc.h"
#include "sys/proc.h"
#include "json/json.h"

// clang-format off
static const struct mb_json_field published_table[] = {
	MB_JSON_STR("port", struct mb_container_published, container_port),
	MB_JSON_STR("host_ip", struct mb_container_published, host_ip),
	MB_JSON_STR("host_port", struct mb_container_published, host_port),
	MB_JSON_END,
};

static const struct mb_json_field run_table[] = {
	MB_JSON_INT("pid", struct mb_container_run, pid),
	MB_JSON_U64("pid_start", struct mb_container_run, pid_start),
	MB_JSON_INT("monitor", struct mb_container_run, monitor),
	MB_JSON_U64("monitor_start", struct mb_container_run, monitor_start),
	MB_JSON_TIME("started", struct mb_container_run, started),
	MB_JSON_TIME("ended_before", struct mb_container_run, ended_before),
	MB_JSON_INT("restart_count", struct mb_container_run, restart_count),
	MB_JSON_STR("cgroup", struct mb_container_run, cgroup),
	MB_JSON_LIST("ports", struct mb_container_run, ports, n_ports,
		     struct mb_container_published, published_table),
	MB_JSON_END,
};

static const struct mb_json_field exit_table[] = {
	MB_JSON_INT("exit_code", struct mb_container_exit, exit_code),
	MB_JSON_BOOL("oom_killed", struct mb_container_exit, oom_killed),
	MB_JSON_TIME("started", struct mb_container_exit, started),
	MB_JSON_TIME("finished", struct mb_container_exit, finished),
	MB_JSON_INT("restarts", struct mb_container_exit, restarts),
	MB_JSON_INT("backoff_ms", struct mb_container_exit, backoff_ms),
	MB_JSON_BOOL("restarting", struct mb_container_exit, restarting),
	MB_JSON_BOOL("failed_start", struct mb_container_exit, failed_start),
	MB_JSON_BOOL("stop_requested", struct mb_container_exit, stop_requested),
	MB_JSON_U64("dropped_bytes", struct mb_container_exit, dropped_bytes),
	MB_JSON_U64("unsent_bytes", struct mb_container_exit, unsent_bytes),
	MB_JSON_STR("error", struct mb_container_exit, error),
	MB_JSON_END,
};
// clang-format on

static const char *const status_names[] = {
	[MB_STATUS_CREATED] = "created", [MB_STATUS_RUNNING] = "running",
	[MB_STATUS_PAUSED] = "paused",   [MB_STATUS_RESTARTING] = "restarting",
	[MB_STATUS_EXITED] = "exited",   [MB_STATUS_REMOVING] = "removing",
	[MB_STATUS_DEAD] = "dead",
};
_Static_assert(MB_N(status_names) == MB_STATUS_N_, "every status has a name");

const char *mb_container_status_name(enum mb_container_status status)
{
	return status_names[status];
}

void mb_container_state_done(struct mb_container_state *state)
{
	mb_json_done(run_table, &state->run);
	mb_json_done(exit_table, &state->exit);
	mb_strset(&state->error, NULL);
}

/* An absent document is no news; a broken one makes the container dead. */
static bool load(int fd, const char *name, const struct mb_json_field *table, void *out,
                 struct mb_container_state *state)
{
	struct mb_err err = MB_ERR_INIT;
	int r;

	if (fd < 0)
		return false;
	r = mb_store_doc_load(fd, name, table, out, &err);
	/* On a full disk the monitor writes over a document: now it has done so. */
	if (r == MB_DOC_CORRUPT && usleep(1000) == 0)
		r = mb_store_doc_load(fd, name, table, out, &err);
	if (r == 0)
		return true;
	if (r != -ENOENT) {
		mb_strset(&state->error, err.msg);
		state->status = MB_STATUS_DEAD;
	}
	return false;
}

bool mb_container_doc_was_cut(int dir_fd, const char *name)
{
	MB_AUTO_CLOSE int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char first = '\0';

	return fd >= 0 && read(fd, &first, 1) >= 0 && first == '\0';
}

/* It is not synced: that would cost each start a millisecond.  One beside state.json is there only
 * when the last could not be written in its place. */
static bool load_exit(int dir_fd, int run_fd, struct mb_container_state *state)
{
	if (run_fd >= 0 &&
	    mb_store_doc_load(run_fd, "exit.json", exit_table, &state->exit, NULL) == 0)
		return true;
	if (load(dir_fd, "exit.json", exit_table, &state->exit, state))
		return true;
	if (state->status != MB_STATUS_DEAD || !mb_container_doc_was_cut(dir_fd, "exit.json"))
		return false;
	state->status = MB_STATUS_CREATED;
	mb_strset(&state->error, NULL);
	mb_container_exit_lost(&state->exit, 0);
	return true;
}

/* A zombie has ended, whoever is slow to reap it. */
static bool alive(int pid, uint64_t start)
{
	char path[32], text[1024], state;
	MB_AUTO_CLOSE int fd = -1;
	uint64_t now;
	pid_t parent;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	/* One line, which comes whole: a list of many asks no more often than it must. */
	n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	text[n > 0 ? n : 0] = '\0';
	return n > 0 && mb_sys_proc_stat_parse(text, &state, &parent, &now) == 0 && now == start &&
	       state != 'Z' && state != 'X';
}

/* Is it paused by a command that has not lived to let it go on?  A pause of the user's has no
 * process to its name. */
static bool is_pause_lost(int run_fd)
{
	char text[64];
	unsigned long long start;
	int pid;

	return mb_read_kernel_file(run_fd, "paused", text, sizeof(text)) == 0 &&
	       sscanf(text, "%d %llu", &pid, &start) == 2 && !alive(pid, start);
}

static enum mb_container_status ask(struct mb_container_state *s, int run_fd)
{
	const struct mb_container_run *run = &s->run;
	bool monitored = s->has_run && alive(run->monitor, run->monitor_start);

	if (s->has_run && alive(run->pid, run->pid_start)) {
		s->monitor_lost = !monitored;
		if (faccessat(run_fd, "paused", F_OK, 0) < 0)
			return MB_STATUS_RUNNING;
		s->pause_lost = is_pause_lost(run_fd);
		return MB_STATUS_PAUSED;
	}
	s->monitored = monitored;
	/* The process is gone: its monitor writes down how, or sleeps until the next start, or
	 * has yet to put it away. */
	if (monitored && s->has_exit && s->exit.restarting)
		return MB_STATUS_RESTARTING;
	if (monitored && !(s->has_exit && s->exit.finished))
		return MB_STATUS_RUNNING;
	return s->has_exit && !s->exit.failed_start ? MB_STATUS_EXITED : MB_STATUS_CREATED;
}

void mb_container_state_load(int dir_fd, int run_fd, struct mb_container_state *ret)
{
	enum mb_container_status status;

	*ret = (struct mb_container_state){0};
	ret->has_exit = load_exit(dir_fd, run_fd, ret);
	ret->has_run = load(run_fd, "state.json", run_table, &ret->run, ret);
	status = ask(ret, run_fd);
	/* A broken document must not hide a process that lives. */
	if (ret->status != MB_STATUS_DEAD || status == MB_STATUS_RUNNING ||
	    status == MB_STATUS_PAUSED)
		ret->status = status;
}

bool mb_container_state_load_idle(int base_fd, const char *path, struct mb_container_state *ret)
{
	*ret = (struct mb_container_state){0};
	ret->has_exit = load(base_fd, path, exit_table, &ret->exit, ret);
	if (ret->status == MB_STATUS_DEAD || (ret->has_exit && !ret->exit.finished))
		return false;
	ret->status = ask(ret, -1);
	return true;
}

int mb_container_run_save(int run_fd, const struct mb_container_run *run, struct mb_err *err)
{
	return mb_store_doc_save(run_fd, "state.json", run_table, run, MB_DOC_REPLACE, err);
}

void mb_container_exit_lost(struct mb_container_exit *ret, int64_t started)
{
	*ret = (struct mb_container_exit){
		.exit_code = 255,
		.started = started,
		.error = mb_strdup("its end was not seen: the host or the monitor went down first"),
	};
}

int mb_container_exit_settle(int dir_fd, int run_fd)
{
	struct mb_container_exit ended = {0};
	int r;

	if (run_fd < 0 || mb_store_doc_load(run_fd, "exit.json", exit_table, &ended, NULL) != 0)
		return 0;
	r = mb_container_exit_save(dir_fd, &ended, NULL);
	mb_json_done(exit_table, &ended);
	if (r == 0 && unlinkat(run_fd, "exit.json", 0) < 0)
		r = -errno;
	return r;
}

int mb_container_exit_save(int dir_fd, const struct mb_container_exit *ended, struct mb_err *err)
{
	return mb_store_doc_save(dir_fd, "exit.json", exit_table, ended, MB_DOC_REPLACE, err);
}
