/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/volume/volume.h — named volumes: directories the store keeps when containers go. */
#ifndef MB_VOLUME_VOLUME_H
#define MB_VOLUME_VOLUME_H

#include "core/own.h"
#include "core/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_err;
struct mb_store;

/* Positive answers, each told in the error in docker's words. */
enum {
	MB_VOLUME_ABSENT = 1, /* "get data: no such volume" */
	MB_VOLUME_IN_USE,     /* "remove data: volume is in use - [ID...]" */
};

struct mb_volume {
	char *name;
	char *driver;     /* "local" */
	char *mountpoint; /* ROOT/volumes/NAME/_data */
	int64_t created;  /* nsec */
	bool anonymous;   /* made for a -v /path or an image's VOLUME */
	bool copied;      /* copy-up is done or no more wanted */
	struct mb_kv labels;
	/* Of the local driver: type, device and o; or size alone, a directory with a limit. */
	struct mb_kv options;
	uint32_t project; /* whose quota is its size (sys/quota.h); 0: it has none */
};
void mb_volume_free(struct mb_volume *volume);
MB_AUTO_DEFINE(struct mb_volume, mb_volume_free)

struct mb_volume_create_request {
	const char *name;            /* NULL: anonymous, a new 64-digit name */
	const char *driver;          /* NULL or "local" */
	const struct mb_kv *labels;  /* or NULL */
	const struct mb_kv *options; /* or NULL */
	bool anonymous;
	bool ephemeral; /* of a --rm container: need not survive a power cut */
	/* Put into its directory before it is there for anybody; NULL: it is empty, and what a
	 * container's image has comes into it at its first use. */
	int (*fill)(void *arg, int data_fd, struct mb_err *err);
	void *arg;
};
/* Idempotent: a volume of this name that exists is returned as it is (*@ret_created false, may
 * be NULL); other options than it has are refused. */
int mb_volume_create(struct mb_store *store, const struct mb_volume_create_request *request,
                     struct mb_volume **ret_volume, bool *ret_created, struct mb_err *err);
/* Return: 0; MB_VOLUME_ABSENT, told; -errno. */
int mb_volume_find(struct mb_store *store, const char *name, struct mb_volume **ret_volume,
                   struct mb_err *err);

struct mb_volume_list {
	struct mb_volume **v; /* by name */
	size_t n;
	struct mb_strv corrupt; /* names whose document could not be read */
};
int mb_volume_list_load(struct mb_store *store, struct mb_volume_list *ret, struct mb_err *err);
void mb_volume_list_done(struct mb_volume_list *list);

/* Who uses volumes: adds the ids of containers that use @name to @out. */
struct mb_volume_users {
	int (*ask)(void *arg, const char *name, struct mb_strv *out, struct mb_err *err);
	void *arg;
};
/* Delete a volume and its data.  Return: 0; MB_VOLUME_ABSENT (0 with @force), MB_VOLUME_IN_USE,
 * nothing changed; -errno, safe to repeat.  @users may be NULL: nobody uses it. */
int mb_volume_remove(struct mb_store *store, const char *name, bool force,
                     const struct mb_volume_users *users, struct mb_err *err);

/* Do its driver options mount something, in place of a directory of the store? */
bool mb_volume_has_mount(const struct mb_volume *volume);
/* Is what they mount lost when it is unmounted?  Who only looks leaves it then. */
bool mb_volume_is_in_memory(const struct mb_volume *volume);
/* Whoever is about to use volumes whose driver options mount something: as long as it has them,
 * those mounts stay, also when all who are known to use them end. */
struct mb_volume_holds {
	int *v;
	size_t n;
};
void mb_volume_holds_done(struct mb_volume_holds *holds);

/* What stands at _data, O_PATH, never through a link.  A volume with driver options has its
 * type/device/o mounted there at the first use, and all its users share that mount, which is added
 * to @holds.  It is attached: clone it.  Caller closes. */
int mb_volume_data_open(struct mb_store *store, const struct mb_volume *volume, int *ret_fd,
                        struct mb_volume_holds *holds, struct mb_err *err);

/* Bytes of the regular files in it; 0 for one whose driver options mount something there. */
int mb_volume_size(struct mb_store *store, const struct mb_volume *volume, uint64_t *ret_bytes,
                   struct mb_err *err);

/* Unmount what driver options mounted, unless somebody holds it or is among @users.  Does nothing
 * for plain volumes and absent ones. */
int mb_volume_release(struct mb_store *store, const char *name, const struct mb_volume_users *users,
                      struct mb_err *err);

/* First use: copy what the image has at @path (resolved below @rootfs_fd, in root) into the
 * volume's directory @data_fd, with owner, mode, xattrs, hard links; nothing happens when the
 * directory is not empty, or the image has no directory there.  Crash-safe to repeat.
 * Keeps the volume's "copied" mark, so that later calls cost one comparison. */
int mb_volume_copy_up(struct mb_store *store, struct mb_volume *volume, int rootfs_fd,
                      const char *path, int data_fd, struct mb_err *err);

/* Leftovers and broken documents; as mb_image_check(). */
struct mb_volume_check_request {
	bool repair;
	void (*finding)(void *arg, const char *subject, const char *problem, bool repaired);
	void *arg;
	struct mb_volume_users users; /* that run */
};
int mb_volume_check(struct mb_store *store, const struct mb_volume_check_request *request,
                    size_t *ret_left, struct mb_err *err);

#endif
