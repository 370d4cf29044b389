/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "systemd/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/err.h"
#include "core/own.h"
#include "core/strv.h"
#include "sys/cgroup.h"

enum { UNIT_NAME_MAX = 255, ATTEMPTS = 3 };
#define UNIT_EXISTS  "org.freedesktop.systemd1.UnitExists"
#define NO_SUCH_UNIT "org.freedesktop.systemd1.NoSuchUnit"

/* --- names --- */

void mb_systemd_name_done(struct mb_systemd_name *name)
{
	free(name->slice);
	free(name->unit);
	free(name->path);
	*name = (struct mb_systemd_name){0};
}

const char *mb_systemd_unit_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What systemd takes in a unit's name, and no word of a path. */
static bool is_unit(const char *unit)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789:-_.\\@";
	size_t n = strlen(unit);

	return n && n <= UNIT_NAME_MAX && strspn(unit, set) == n && unit[0] != '.';
}

int mb_systemd_name_parse(const char *text, const char *id, struct mb_systemd_name *ret,
                          struct mb_err *err)
{
	MB_AUTO_SYSTEMD_NAME struct mb_systemd_name name = {0};
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;
	MB_AUTO_FREE char *usual = mb_asprintf("system.slice:mybox:%s", id);
	int r;

	text = text && *text ? text : usual;
	mb_strv_split(&parts, text, ':');
	if (parts.n != 3 || text[0] == '/')
		return mb_fail(err, EINVAL,
		               "'linux.cgroupsPath' is '%s': with '--systemd-cgroup' it is "
		               "'SLICE:PREFIX:NAME'",
		               text);
	name.slice = mb_strdup(*parts.v[0] ? parts.v[0] : "system.slice");
	name.unit = *parts.v[1] ? mb_asprintf("%s-%s.scope", parts.v[1], parts.v[2])
	                        : mb_asprintf("%s.scope", parts.v[2]);
	if (!*parts.v[2] || !is_unit(name.unit))
		return mb_fail(err, EINVAL, "'%s' is no name for a scope of systemd", name.unit);
	if (!is_unit(name.slice) || !mb_ends_with(name.slice, ".slice"))
		return mb_fail(err, EINVAL, "'%s' is no slice of systemd", name.slice);
	r = mb_sys_cgroup_path_make(mb_streq(name.slice, "-.slice") ? "/" : name.slice, name.unit,
	                            &name.path, err);
	if (r < 0)
		return r;
	*ret = name;
	name = (struct mb_systemd_name){0};
	return 0;
}

/* --- the holder --- */

int mb_systemd_holder_start(struct mb_systemd_holder *ret, struct mb_err *err)
{
	int fds[2];
	pid_t parent = getpid(), pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return mb_fail_sys(err, errno, "cannot make a pipe");
	pid = fork();
	if (pid == 0) {
		char byte;

		close(fds[1]);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			while (read(fds[0], &byte, 1) < 0 && errno == EINTR)
				;
		_exit(0);
	}
	close(fds[0]);
	if (pid < 0) {
		int r = mb_fail_sys(err, errno, "cannot fork");

		close(fds[1]);
		return r;
	}
	*ret = (struct mb_systemd_holder){.pid = pid, .fd = fds[1]};
	return 0;
}

void mb_systemd_holder_end(struct mb_systemd_holder *holder)
{
	mb_close(&holder->fd);
	/* It may be frozen with the group: a kill ends it nevertheless. */
	if (holder->pid) {
		(void)kill(holder->pid, SIGKILL);
		while (waitpid(holder->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	holder->pid = 0;
}

/* --- jobs --- */

/* The signal JobRemoved: number, path, unit, result. */
static void note_job(const struct mb_systemd_message *m, struct mb_kv *ended)
{
	struct mb_systemd_reader body = mb_systemd_body(m);
	const char *path, *result;

	if (m->type != MB_SYSTEMD_SIGNAL || strcmp(m->member, "JobRemoved") != 0 ||
	    strcmp(m->signature, "uoss") != 0)
		return;
	(void)mb_systemd_get_u32(&body);
	path = mb_systemd_get_string(&body);
	(void)mb_systemd_get_string(&body);
	result = mb_systemd_get_string(&body);
	if (!body.failed)
		mb_kv_set(ended, path, result);
}

/* Call what answers with a job, and wait for its end: the signal may overtake the answer. */
static int run_job(struct mb_systemd_bus *bus, const char *member, const char *signature,
                   const struct mb_str *body, struct mb_err *err)
{
	MB_AUTO_KV struct mb_kv ended = MB_KV_INIT;
	MB_AUTO_FREE char *job = NULL;
	const char *result = NULL;
	uint32_t serial;
	int r = mb_systemd_bus_send(bus, member, signature, body, &serial, err);

	while (r == 0 && !result) {
		r = mb_systemd_bus_next(bus, err);
		if (r < 0)
			break;
		note_job(&bus->message, &ended);
		r = mb_systemd_bus_is_answer(bus, serial, err);
		if (r > 0) {
			struct mb_systemd_reader reader = mb_systemd_body(&bus->message);

			mb_strset(&job, mb_systemd_get_string(&reader));
			r = 0;
		}
		result = job ? mb_kv_find(&ended, job) : NULL;
	}
	if (r < 0)
		return r;
	if (!mb_streq(result, "done"))
		return mb_fail(err, EIO, "systemd ended the job with '%s'", result);
	return 0;
}

/* Was the last answer an error of this name? */
static bool was_error(const struct mb_systemd_bus *bus, int r, const char *name)
{
	return r == -EIO && bus->message.type == MB_SYSTEMD_ERROR &&
	       mb_streq(bus->message.error, name);
}

static int forget(struct mb_systemd_bus *bus, const char *unit, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str body = MB_STR_INIT;
	int r;

	mb_systemd_put_string(&body, unit);
	r = mb_systemd_bus_call(bus, "ResetFailedUnit", "s", &body, err);
	return was_error(bus, r, NO_SUCH_UNIT) ? 0 : r;
}

/* --- scopes --- */

static void put_string(struct mb_str *s, const char *name, const char *value)
{
	mb_systemd_property_begin(s, name, "s");
	mb_systemd_put_string(s, value);
}

static void put_true(struct mb_str *s, const char *name)
{
	mb_systemd_property_begin(s, name, "b");
	mb_systemd_put_bool(s, true);
}

static void put_scope(struct mb_str *s, const struct mb_systemd_scope *scope, pid_t pid)
{
	static const char *const switches[] = {"Delegate", "CPUAccounting", "MemoryAccounting",
	                                       "TasksAccounting"};
	struct mb_systemd_array list = mb_systemd_array_begin(s, 8), pids;

	put_string(s, "Description", scope->description);
	put_string(s, "Slice", scope->name->slice);
	/* Nobody is to ask for its state once it has failed. */
	put_string(s, "CollectMode", "inactive-or-failed");
	for (size_t i = 0; i < MB_N(switches); i++)
		put_true(s, switches[i]);
	put_true(s, scope->is_v2 ? "IOAccounting" : "BlockIOAccounting");
	/* Not stopped by a shutdown before those who use it. */
	mb_systemd_property_begin(s, "DefaultDependencies", "b");
	mb_systemd_put_bool(s, false);
	mb_systemd_property_begin(s, "PIDs", "au");
	pids = mb_systemd_array_begin(s, 4);
	mb_systemd_put_u32(s, (uint32_t)pid);
	mb_systemd_array_end(s, pids);
	if (scope->limits)
		mb_systemd_limits_put(s, scope->limits, scope->is_v2);
	mb_systemd_array_end(s, list);
}

int mb_systemd_scope_start(struct mb_systemd_bus *bus, const struct mb_systemd_scope *scope,
                           pid_t pid, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str body = MB_STR_INIT;
	const char *unit = scope->name->unit;
	int r = mb_systemd_bus_subscribe(bus, err);

	if (r < 0)
		return mb_wrap(err, r, "cannot listen to systemd");
	mb_systemd_put_string(&body, unit);
	mb_systemd_put_string(&body, "fail");
	put_scope(&body, scope, pid);
	/* No units beside it. */
	mb_systemd_array_end(&body, mb_systemd_array_begin(&body, 8));
	for (int i = 0; i < ATTEMPTS; i++) {
		r = run_job(bus, "StartTransientUnit", "ssa(sv)a(sa(sv))", &body, err);
		if (!was_error(bus, r, UNIT_EXISTS))
			break;
		r = forget(bus, unit, err);
		if (r < 0)
			break;
		r = mb_fail(err, EEXIST, "systemd has a scope '%s' already", unit);
	}
	return r < 0 ? mb_wrap(err, r, "cannot make the scope '%s'", unit) : 0;
}

int mb_systemd_scope_update(struct mb_systemd_bus *bus, const char *unit,
                            const struct mb_sys_cgroup_limits *limits, bool is_v2,
                            struct mb_err *err)
{
	MB_AUTO_STR struct mb_str body = MB_STR_INIT;
	struct mb_systemd_array list;
	int r;

	mb_systemd_put_string(&body, unit);
	mb_systemd_put_bool(&body, true); /* until the next boot */
	list = mb_systemd_array_begin(&body, 8);
	mb_systemd_limits_put(&body, limits, is_v2);
	if (body.len == list.begin)
		return 0;
	mb_systemd_array_end(&body, list);
	r = mb_systemd_bus_call(bus, "SetUnitProperties", "sba(sv)", &body, err);
	return r < 0 ? mb_wrap(err, r, "cannot change the scope '%s'", unit) : 0;
}

int mb_systemd_scope_stop(struct mb_systemd_bus *bus, const char *unit, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str body = MB_STR_INIT;
	int r = mb_systemd_bus_subscribe(bus, err);

	if (r < 0)
		return mb_wrap(err, r, "cannot listen to systemd");
	mb_systemd_put_string(&body, unit);
	mb_systemd_put_string(&body, "replace");
	r = run_job(bus, "StopUnit", "ss", &body, err);
	if (was_error(bus, r, NO_SUCH_UNIT))
		return 0;
	if (r == 0)
		r = forget(bus, unit, err);
	return r < 0 ? mb_wrap(err, r, "cannot stop the scope '%s'", unit) : 0;
}
