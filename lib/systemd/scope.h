/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/systemd/scope.h — a container's control group as one of systemd's scopes.
 *
 * systemd makes a scope around a process that exists.  That is a holder, which does nothing: it
 * keeps the scope until the container's own process is cloned into the group.
 *
 *	mb_systemd_name_parse();  mb_systemd_scope_start();  mb_sys_cgroup_create();  clone;
 *	mb_systemd_holder_end()
 * At the end, when no process is left in it: mb_systemd_scope_stop(); mb_sys_cgroup_remove().
 */
#ifndef MB_SYSTEMD_SCOPE_H
#define MB_SYSTEMD_SCOPE_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/own.h"
#include "systemd/bus.h"

struct mb_err;
struct mb_sys_cgroup_limits;

/* What "SLICE:PREFIX:NAME" means; all owned. */
struct mb_systemd_name {
	char *slice; /* "system.slice" */
	char *unit;  /* "PREFIX-NAME.scope" */
	char *path;  /* of its control group, "/system.slice/PREFIX-NAME.scope" */
};
/* @text is linux.cgroupsPath, or NULL for "system.slice:mybox:ID".  Return: 0 or -EINVAL, told. */
int mb_systemd_name_parse(const char *text, const char *id, struct mb_systemd_name *ret,
                          struct mb_err *err);
void mb_systemd_name_done(struct mb_systemd_name *name);
#define MB_AUTO_SYSTEMD_NAME __attribute__((cleanup(mb_systemd_name_done)))
/* The unit of a group's path: its last component.  Borrowed. */
const char *mb_systemd_unit_of(const char *path);

struct mb_systemd_holder {
	pid_t pid; /* 0: none */
	int fd;
};
#define MB_SYSTEMD_HOLDER_INIT ((struct mb_systemd_holder){.fd = -1})
int mb_systemd_holder_start(struct mb_systemd_holder *ret, struct mb_err *err);
void mb_systemd_holder_end(struct mb_systemd_holder *holder);
#define MB_AUTO_SYSTEMD_HOLDER __attribute__((cleanup(mb_systemd_holder_end)))

struct mb_systemd_scope {
	const struct mb_systemd_name *name;
	const char *description;
	const struct mb_sys_cgroup_limits *limits; /* what systemd knows of them it is told */
	bool is_v2;                                /* the host's controllers */
};
/* Have the scope made around @pid and wait until it is.  One that failed under this name before
 * is forgotten.  Return: 0 or -errno, told; -EEXIST when it is there and alive. */
int mb_systemd_scope_start(struct mb_systemd_bus *bus, const struct mb_systemd_scope *scope,
                           pid_t pid, struct mb_err *err);
/* Tell systemd of new limits, so that it does not write the old ones again. */
int mb_systemd_scope_update(struct mb_systemd_bus *bus, const char *unit,
                            const struct mb_sys_cgroup_limits *limits, bool is_v2,
                            struct mb_err *err);
/* Stop and forget it.  What is gone already is no failure. */
int mb_systemd_scope_stop(struct mb_systemd_bus *bus, const char *unit, struct mb_err *err);

/* properties.c: append what systemd knows of @limits to a list of properties, a(sv). */
void mb_systemd_limits_put(struct mb_str *s, const struct mb_sys_cgroup_limits *limits, bool is_v2);
void mb_systemd_property_begin(struct mb_str *s, const char *name, const char *type);
void mb_systemd_property_u64(struct mb_str *s, const char *name, uint64_t value);

#endif
