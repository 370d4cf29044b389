/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/secret/secret.h — what containers may read and nobody else: passwords, keys, certificates. */
#ifndef MB_SECRET_SECRET_H
#define MB_SECRET_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/own.h"
#include "core/strv.h"

struct mb_err;
struct mb_store;
struct mb_str;

enum { MB_SECRET_MAX = 512000 }; /* bytes, as podman has it */

/* Positive answers, each told. */
enum {
	MB_SECRET_ABSENT = 1, /* "No such secret: x" */
	MB_SECRET_IN_USE,
};

struct mb_secret {
	char *id, *name;
	char *driver;             /* "file" */
	int64_t created, updated; /* nsec */
	struct mb_kv labels;
};
void mb_secret_free(struct mb_secret *secret);
MB_AUTO_DEFINE(struct mb_secret, mb_secret_free)

struct mb_secret_create_request {
	const char *name;
	const void *bytes; /* 1..MB_SECRET_MAX of them */
	size_t n;
	const struct mb_kv *labels; /* or NULL */
	bool replace;               /* one of this name may be there: it becomes this one */
};
/* On disk for good when this returns.  Return: 0 or -errno, told; -EEXIST for a name in use. */
int mb_secret_create(struct mb_store *store, const struct mb_secret_create_request *request,
                     struct mb_secret **ret, struct mb_err *err);
/* While *@ret_fd is open none is removed. */
int mb_secret_hold(struct mb_store *store, int *ret_fd, struct mb_err *err);
/* By name, or by id or its beginning.  Return: 0; MB_SECRET_ABSENT; -errno, told. */
int mb_secret_find(struct mb_store *store, const char *reference, struct mb_secret **ret,
                   struct mb_err *err);
/* What it is about; by name alone.  Whoever has it wipes it: mb_secret_wipe().
 * Return: as above. */
int mb_secret_read(struct mb_store *store, const char *name, struct mb_str *out,
                   struct mb_err *err);
void mb_secret_wipe(struct mb_str *bytes); /* and free */

struct mb_secret_list {
	struct mb_secret **v; /* by name */
	size_t n;
	struct mb_strv corrupt; /* names whose document could not be read */
};
int mb_secret_list_load(struct mb_store *store, struct mb_secret_list *ret, struct mb_err *err);
void mb_secret_list_done(struct mb_secret_list *list);

/* Who uses secrets: adds the names of containers that use @name to @out. */
struct mb_secret_users {
	int (*ask)(void *arg, const char *name, struct mb_strv *out, struct mb_err *err);
	void *arg;
};
/* Return: 0; MB_SECRET_ABSENT, MB_SECRET_IN_USE, nothing changed; -errno, safe to repeat. */
int mb_secret_remove(struct mb_store *store, const char *reference,
                     const struct mb_secret_users *users, struct mb_err *err);

bool mb_secret_name_is_valid(const char *name);

/* Leftovers and broken documents; as mb_image_check(). */
struct mb_secret_check_request {
	bool repair;
	void (*finding)(void *arg, const char *subject, const char *problem, bool repaired);
	void *arg;
};
int mb_secret_check(struct mb_store *store, const struct mb_secret_check_request *request,
                    size_t *ret_left, struct mb_err *err);

#endif
