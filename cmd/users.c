/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/users.h"
#include "cmd/report.h"
#include "container/container.h"
#include "container/secrets.h"
#include "container/users.h"
#include "core/err.h"
#include "core/str.h"

#include <stdio.h>

struct mb_image_users mb_cmd_image_users(struct mb_store *store)
{
	return mb_container_image_users(store);
}

static bool uses_volume(const struct mb_container_record *record, const char *name)
{
	for (size_t i = 0; i < record->n_mounts; i++)
		if (mb_streq(record->mounts[i].type, "volume") &&
		    mb_streq(record->mounts[i].name, name))
			return true;
	return false;
}

static int ask_volume(void *store, const char *name, struct mb_strv *out, struct mb_err *err)
{
	struct mb_container_list list = {0};
	int r = mb_container_list_load(store, false, &list, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++)
		if (uses_volume(list.v[i]->record, name))
			mb_strv_add(out, list.v[i]->id);
	mb_container_list_done(&list);
	return 0;
}

struct mb_volume_users mb_cmd_volume_users(struct mb_store *store)
{
	return (struct mb_volume_users){ask_volume, store};
}

static void add_once(struct mb_strv *to, const char *name)
{
	if (name && *name && !mb_strv_has(to, name))
		mb_strv_add(to, name);
}

static void add_used(const struct mb_container *c, struct mb_strv *images, struct mb_strv *volumes)
{
	add_once(images, c->record->image_id);
	for (size_t i = 0; i < c->record->n_mounts; i++) {
		add_once(images, c->record->mounts[i].image);
		if (mb_streq(c->record->mounts[i].type, "volume"))
			add_once(volumes, c->record->mounts[i].name);
	}
}

int mb_cmd_used(struct mb_store *store, struct mb_strv *images, struct mb_strv *volumes,
                struct mb_err *err)
{
	struct mb_container_list list = {0};
	int r = mb_container_list_load(store, false, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		r = mb_container_require(list.v[i], err);
		if (r == 0)
			add_used(list.v[i], images, volumes);
	}
	mb_container_list_done(&list);
	return r;
}

int mb_cmd_used_known(struct mb_store *store, struct mb_strv *images, struct mb_strv *volumes,
                      struct mb_err *err)
{
	struct mb_container_list list = {0};
	int r = mb_container_list_load(store, false, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		struct mb_err why = MB_ERR_INIT;

		if (mb_container_require(list.v[i], &why) < 0)
			mb_cmd_say("mybox: warning: what it uses is not known: %s", why.msg);
		else
			add_used(list.v[i], images, volumes);
	}
	mb_container_list_done(&list);
	return r;
}

static int ask_secret(void *store, const char *name, struct mb_strv *out, struct mb_err *err)
{
	struct mb_container_list list = {0};
	int r = mb_container_list_load(store, false, &list, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++)
		if (mb_container_uses_secret(&list.v[i]->record->config, name))
			mb_strv_add(out, mb_container_name(list.v[i]));
	mb_container_list_done(&list);
	return 0;
}

struct mb_secret_users mb_cmd_secret_users(struct mb_store *store)
{
	return (struct mb_secret_users){ask_secret, store};
}
