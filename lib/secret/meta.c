/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "secret/meta.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/str.h"
#include "store/doc.h"
#include "store/lock.h"
#include "store/store.h"
#include "sys/tree.h"
#include "json/json.h"

static const struct mb_json_field table[] = {
	MB_JSON_STR("id", struct mb_secret, id, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("name", struct mb_secret, name, .flags = MB_JSON_REQUIRED),
	MB_JSON_STR("driver", struct mb_secret, driver, .flags = MB_JSON_REQUIRED),
	MB_JSON_I64("created", struct mb_secret, created),
	MB_JSON_I64("updated", struct mb_secret, updated),
	MB_JSON_KV("labels", struct mb_secret, labels),
	MB_JSON_END,
};

void mb_secret_free(struct mb_secret *secret)
{
	if (!secret)
		return;
	mb_json_done(table, secret);
	free(secret);
}

int mb_secret_meta_save(int fd, const struct mb_secret *secret, unsigned int flags,
                        struct mb_err *err)
{
	return mb_store_doc_save(fd, "meta.json", table, secret, flags, err);
}

static int absent(const char *name, struct mb_err *err)
{
	mb_fail(err, ENOENT, "No such secret: %s", name);
	return MB_SECRET_ABSENT;
}

int mb_secret_meta_open(struct mb_store *store, const char *name, int *ret_fd, struct mb_err *err)
{
	MB_AUTO_CLOSE int secrets = -1;
	int r, fd;

	/* A name that cannot be one never becomes part of a path. */
	if (!mb_secret_name_is_valid(name))
		return absent(name, err);
	r = mb_store_dir(store, "secrets", false, &secrets, err);
	if (r < 0)
		return r;
	fd = openat(secrets, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return absent(name, err);
	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot open secret '%s'", name);
	*ret_fd = fd;
	return 0;
}

static int load(struct mb_store *store, const char *name, struct mb_secret **ret,
                struct mb_err *err)
{
	MB_AUTO(mb_secret_free) struct mb_secret *secret = mb_calloc(1, sizeof(*secret));
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_secret_meta_open(store, name, &fd, err);

	if (r != 0)
		return r;
	r = mb_store_doc_load(fd, "meta.json", table, secret, err);
	if (r != 0)
		return mb_wrap(err, r == MB_DOC_CORRUPT || r == -ENOENT ? -EBADMSG : r,
		               "secret '%s'", name);
	if (strcmp(secret->name, name) != 0)
		return mb_fail(err, EBADMSG, "secret '%s': the document is another's", name);
	*ret = mb_take_ptr(&secret);
	return 0;
}

/* --- list ------------------------------------------------------------------------------------- */

int mb_secret_list_load(struct mb_store *store, struct mb_secret_list *ret, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;
	struct mb_secret_list list = {0};
	int r = mb_store_names(store, "secrets", mb_secret_name_is_valid, &names, err);

	if (r < 0)
		return r;
	list.v = mb_calloc(names.n + 1, sizeof(*list.v));
	MB_STRV_FOREACH (name, &names) {
		r = load(store, name, &list.v[list.n], NULL);
		if (r == 0)
			list.n++;
		else if (r < 0)
			mb_strv_add(&list.corrupt, name);
	}
	*ret = list;
	return 0;
}

void mb_secret_list_done(struct mb_secret_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		mb_secret_free(list->v[i]);
	free(list->v);
	mb_strv_done(&list->corrupt);
	*list = (struct mb_secret_list){0};
}

/* By the beginning of an id that is only one's. */
static int find_by_id(struct mb_store *store, const char *reference, struct mb_secret **ret,
                      struct mb_err *err)
{
	struct mb_secret_list list = {0};
	size_t found = 0, n = 0;
	int r = mb_secret_list_load(store, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		if (!*reference || !mb_starts_with(list.v[i]->id, reference))
			continue;
		found = i;
		n++;
	}
	if (r == 0 && n == 0)
		r = absent(reference, err);
	else if (r == 0 && n > 1)
		r = mb_fail(err, EINVAL, "more than one secret has an id that begins with '%s'",
		            reference);
	else if (r == 0)
		*ret = mb_take_ptr(&list.v[found]);
	mb_secret_list_done(&list);
	return r;
}

int mb_secret_find(struct mb_store *store, const char *reference, struct mb_secret **ret,
                   struct mb_err *err)
{
	int r = load(store, reference, ret, err);

	return r == MB_SECRET_ABSENT ? find_by_id(store, reference, ret, err) : r;
}

/* --- check ------------------------------------------------------------------------------------ */

static bool is_broken(struct mb_store *store, const char *name)
{
	MB_AUTO(mb_secret_free) struct mb_secret *secret = NULL;

	return load(store, name, &secret, NULL) < 0;
}

int mb_secret_check(struct mb_store *store, const struct mb_secret_check_request *request,
                    size_t *ret_left, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1, fd = -1;
	struct dirent *entry;
	size_t left = 0;
	DIR *dir;
	bool alone;
	int r = mb_store_dir_find(store, "secrets", false, &fd, NULL);

	*ret_left = 0;
	if (r < 0)
		return 0;
	r = mb_store_lock(store, MB_RANK_VOLUME, "secrets", true, false, &lock, err);
	alone = r == 0;
	dir = r < 0 ? NULL : mb_dir_take(mb_take_fd(&fd));
	if (!dir)
		return r < 0 ? r : mb_fail_sys(err, errno, "cannot read 'secrets'");
	while ((entry = readdir(dir))) {
		bool leftover = mb_starts_with(entry->d_name, ".tmp-") ||
		                mb_starts_with(entry->d_name, ".rm-");
		bool broken =
			mb_secret_name_is_valid(entry->d_name) && is_broken(store, entry->d_name);
		MB_AUTO_FREE char *subject = mb_asprintf("secrets/%s", entry->d_name);
		bool gone = leftover && alone && request->repair &&
		            mb_sys_tree_remove(dirfd(dir), entry->d_name, NULL) == 0;

		if (!broken && !(leftover && alone))
			continue;
		left += !gone;
		if (request->finding)
			request->finding(request->arg, subject,
			                 broken ? "the document cannot be read"
			                        : "left by a command that ended early",
			                 gone);
	}
	closedir(dir);
	*ret_left = left;
	return 0;
}
