/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/container.h — a container in the store: found, listed, locked, read.
 *
 * Reading takes no lock: documents change by rename, so what is read was true together.
 */
#ifndef MB_CONTAINER_CONTAINER_H
#define MB_CONTAINER_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "container/record.h"
#include "container/state.h"
#include "core/own.h"

struct mb_err;
struct mb_net_sandbox;
struct mb_store;

enum {
	MB_CONTAINER_ABSENT = 1,
	MB_CONTAINER_AMBIGUOUS,
	MB_CONTAINER_CORRUPT,
	MB_CONTAINER_BUSY,
};

struct mb_sys_cgroup;
struct mb_sys_cgroup_host;
struct mb_container {
	struct mb_store *store; /* borrowed */
	char id[MB_ID_TEXT];
	int dir_fd;                         /* ROOT/containers/ID */
	int run_fd;                         /* RUN/c/ID, or -1 when it has none */
	struct mb_container_record *record; /* never NULL; bare (id and name) when corrupt */
	char *broken;                       /* why the record cannot be read, or NULL */
	struct stat record_stat;            /* of its document when it was read */
	struct mb_container_state state;
	struct mb_sys_cgroup_host *cgroups; /* of the run that this handle started, for its end; */
	struct mb_sys_cgroup *cgroup;       /* or NULL */
	struct mb_net_sandbox *before; /* what the run had that this handle put away, or NULL */
};

/* By full id, name ("/name" too), or unique prefix of an id, in this order.
 * Return: 0; MB_CONTAINER_ABSENT, told ("No such container: x"); MB_CONTAINER_AMBIGUOUS, told;
 * or -errno.  A container whose documents cannot be read is found with status dead and the
 * reason in state.error. */
int mb_container_find(struct mb_store *store, const char *reference, struct mb_container **ret,
                      struct mb_err *err);
/* By its full id alone.  Return: 0; MB_CONTAINER_ABSENT, told; or -errno. */
int mb_container_open(struct mb_store *store, const char *id, struct mb_container **ret,
                      struct mb_err *err);
/* Only the name: whose is it?  Return: 0 and the id; MB_CONTAINER_ABSENT; _AMBIGUOUS; -errno. */
int mb_container_resolve(struct mb_store *store, const char *reference, char ret_id[MB_ID_TEXT],
                         struct mb_err *err);
/* An mb_net_netns_open, with a store.  One that ends just now has no namespace any more. */
int mb_container_netns_open(const char *id, void *store);
void mb_container_free(struct mb_container *c);
MB_AUTO_DEFINE(struct mb_container, mb_container_free)

/* Lock it against other commands that change it, and read its state again, and its record if that
 * has changed: what was borrowed from the record ends here.
 * Return: 0 and *@ret_lock (closing unlocks); MB_CONTAINER_ABSENT, told: it was removed
 * meanwhile; or -errno. */
int mb_container_lock(struct mb_container *c, int *ret_lock, struct mb_err *err);
/* The same without waiting.  Return: also MB_CONTAINER_BUSY: another command has it. */
int mb_container_try_lock(struct mb_container *c, int *ret_lock, struct mb_err *err);
/* Read state (and RUN's directory) again. */
void mb_container_refresh(struct mb_container *c);
/* For whoever needs more than its id: -EBADMSG, told, when its record cannot be read. */
int mb_container_require(const struct mb_container *c, struct mb_err *err);

struct mb_container_list {
	struct mb_container **v; /* newest first */
	size_t n;
};
/* All of them, without descriptors (dir_fd and run_fd are -1 until mb_container_refresh()); one
 * that goes meanwhile is left out.  @brief: of those that do not run there is only what a list
 * shows by itself (record.h). */
int mb_container_list_load(struct mb_store *store, bool brief, struct mb_container_list *ret,
                           struct mb_err *err);
void mb_container_list_done(struct mb_container_list *list);

/* docker's words. */
bool mb_container_is_running(const struct mb_container *c); /* running, paused or restarting */
const char *mb_container_name(const struct mb_container *c);

/* Names for containers that get none: "adjective_surname". */
void mb_container_name_make(unsigned attempt, char name[64]);

#endif
