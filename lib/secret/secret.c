/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "secret/secret.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/dir.h"
#include "core/err.h"
#include "core/event.h"
#include "core/id.h"
#include "core/io.h"
#include "core/parse.h"
#include "core/str.h"
#include "secret/meta.h"
#include "store/doc.h"
#include "store/lock.h"
#include "store/store.h"
#include "sys/tree.h"

#define TMP  ".tmp-"
#define GONE ".rm-"

enum { ID_LEN = 25 }; /* as podman's */

bool mb_secret_name_is_valid(const char *name)
{
	/* One letter will do here. */
	char longer[3] = {name[0], 'x', '\0'};

	return name[0] && !name[1] ? mb_name_is_valid(longer) : mb_name_is_valid(name);
}

static void tell(struct mb_store *store, const char *action, const struct mb_secret *secret)
{
	MB_EVENT e;

	mb_event_begin(&e, "secret", action, secret->id);
	mb_event_set(&e, "name", secret->name);
	mb_event_write(&e, store->root_fd);
}

/* --- create ----------------------------------------------------------------------------------- */

static int check_request(const struct mb_secret_create_request *q, struct mb_err *err)
{
	if (!mb_secret_name_is_valid(q->name))
		return mb_fail(err, EINVAL,
		               "invalid secret name '%s': only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
		               "allowed",
		               q->name);
	if (q->n < 1 || q->n > MB_SECRET_MAX)
		return mb_fail(err, EINVAL, "secret data must be between 1 and %d bytes",
		               MB_SECRET_MAX);
	return 0;
}

static struct mb_secret *new_secret(const struct mb_secret_create_request *q)
{
	struct mb_secret *secret = mb_calloc(1, sizeof(*secret));
	char id[MB_ID_TEXT];

	mb_id_make(id);
	id[ID_LEN] = '\0';
	secret->id = mb_strdup(id);
	secret->name = mb_strdup(q->name);
	secret->driver = mb_strdup("file");
	secret->created = secret->updated = mb_now_nsec();
	if (q->labels)
		mb_kv_set_all(&secret->labels, q->labels);
	return secret;
}

/* Whole under the name @tmp, and on disk. */
static int make(int secrets, const char *tmp, const struct mb_secret *secret,
                const struct mb_secret_create_request *q, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r;

	if (mkdirat(secrets, tmp, 0700) < 0)
		return mb_fail_sys(err, errno, "cannot create secret '%s'", q->name);
	fd = openat(secrets, tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot create secret '%s'", q->name);
	r = mb_store_file_write(fd, "data", q->bytes, q->n, MB_DOC_DIRECT | MB_DOC_DURABLE, err);
	if (r == 0)
		r = mb_secret_meta_save(fd, secret, MB_DOC_DIRECT | MB_DOC_DURABLE, err);
	return r < 0 ? mb_wrap(err, r, "secret '%s'", q->name) : 0;
}

/* The moment from which it is there.  With one that is replaced the two change places. */
static int publish(int secrets, const char *tmp, const char *name, bool replace, struct mb_err *err)
{
	if (renameat2(secrets, tmp, secrets, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EEXIST)
		return mb_fail_sys(err, errno, "cannot create secret '%s'", name);
	if (!replace)
		return mb_fail(err, EEXIST, "secret '%s' already exists", name);
	if (renameat2(secrets, tmp, secrets, name, RENAME_EXCHANGE) < 0)
		return mb_fail_sys(err, errno, "cannot replace secret '%s'", name);
	return 0;
}

int mb_secret_hold(struct mb_store *store, int *ret_fd, struct mb_err *err)
{
	return mb_store_lock(store, MB_RANK_VOLUME, "secrets", false, true, ret_fd, err);
}

/* What somebody was killed over is no secret any more, but its bytes are. */
static void sweep(int secrets)
{
	DIR *dir = mb_dir_open(secrets, ".");
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (mb_starts_with(entry->d_name, TMP) || mb_starts_with(entry->d_name, GONE))
			mb_sys_tree_remove(secrets, entry->d_name, NULL);
	closedir(dir);
}

/* Alone where that is so at once; else shared, so that nobody takes ours for a leftover. */
static int lock_and_sweep(struct mb_store *store, int secrets, int *ret_lock, struct mb_err *err)
{
	int r = mb_store_lock(store, MB_RANK_VOLUME, "secrets", true, false, ret_lock, err);

	if (r == MB_STORE_BUSY)
		return mb_secret_hold(store, ret_lock, err);
	if (r == 0)
		sweep(secrets);
	return r;
}

int mb_secret_create(struct mb_store *store, const struct mb_secret_create_request *request,
                     struct mb_secret **ret, struct mb_err *err)
{
	MB_AUTO(mb_secret_free) struct mb_secret *secret = NULL;
	MB_AUTO_CLOSE int secrets = -1, lock = -1;
	char tmp[16 + MB_ID_TEXT] = TMP;
	int r = check_request(request, err);

	if (r == 0)
		r = mb_store_dir(store, "secrets", false, &secrets, err);
	if (r == 0)
		r = lock_and_sweep(store, secrets, &lock, err);
	if (r < 0)
		return r;
	mb_id_make(tmp + strlen(tmp));
	secret = new_secret(request);
	r = make(secrets, tmp, secret, request, err);
	if (r == 0)
		r = publish(secrets, tmp, secret->name, request->replace, err);
	/* What failed, or what it took the place of. */
	mb_sys_tree_remove(secrets, tmp, NULL);
	if (r == 0 && fsync(secrets) < 0)
		r = mb_fail_sys(err, errno, "cannot write secret '%s' to disk", secret->name);
	if (r < 0)
		return r;
	tell(store, "create", secret);
	*ret = mb_take_ptr(&secret);
	return 0;
}

/* --- read ------------------------------------------------------------------------------------- */

int mb_secret_read(struct mb_store *store, const char *name, struct mb_str *out, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_secret_meta_open(store, name, &fd, err);

	if (r != 0)
		return r;
	r = mb_read_file(fd, "data", MB_SECRET_MAX, out, err);
	return r < 0 ? mb_wrap(err, r, "secret '%s'", name) : 0;
}

void mb_secret_wipe(struct mb_str *bytes)
{
	if (bytes->buf)
		explicit_bzero(bytes->buf, bytes->cap);
	mb_str_done(bytes);
}

/* --- remove ----------------------------------------------------------------------------------- */

static int check_users(const struct mb_secret_users *users, const char *name, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	MB_AUTO_FREE char *joined = NULL;
	int r = users && users->ask ? users->ask(users->arg, name, &names, err) : 0;

	if (r < 0 || !names.n)
		return r;
	joined = mb_strv_join(&names, ", ");
	mb_fail(err, EBUSY, "secret '%s' is in use by: %s", name, joined);
	return MB_SECRET_IN_USE;
}

int mb_secret_remove(struct mb_store *store, const char *reference,
                     const struct mb_secret_users *users, struct mb_err *err)
{
	MB_AUTO(mb_secret_free) struct mb_secret *secret = NULL;
	MB_AUTO_CLOSE int secrets = -1, lock = -1;
	char gone[16 + MB_ID_TEXT] = GONE;
	int r = mb_secret_find(store, reference, &secret, err);

	if (r == 0)
		r = mb_store_dir(store, "secrets", false, &secrets, err);
	/* Alone: who makes a container that uses it has written that down. */
	if (r == 0)
		r = mb_store_lock(store, MB_RANK_VOLUME, "secrets", true, true, &lock, err);
	if (r == 0)
		r = check_users(users, secret->name, err);
	if (r != 0)
		return r;
	sweep(secrets);
	mb_id_make(gone + strlen(gone));
	if (renameat(secrets, secret->name, secrets, gone) < 0)
		return mb_fail_sys(err, errno, "cannot remove secret '%s'", secret->name);
	r = mb_sys_tree_remove(secrets, gone, err);
	if (r == 0 && fsync(secrets) < 0)
		r = -errno;
	if (r < 0)
		return mb_wrap(err, r, "cannot remove secret '%s'", secret->name);
	tell(store, "remove", secret);
	return 0;
}
