/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "cmd/image.h"
#include "cmd/output.h"
#include "cmd/ps.h"
#include "cmd/system_df.h"
#include "cmd/users.h"
#include "container/container.h"
#include "container/inspect.h"
#include "container/users.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "format/human.h"
#include "format/table.h"
#include "image/image.h"
#include "volume/volume.h"
#include "json/json.h"

static const struct mb_format_column image_columns[] = {
	{"Repository", "REPOSITORY"},
	{"Tag", "TAG"},
	{"ID", "IMAGE ID"},
	{"CreatedSince", "CREATED"},
	{"Size", "SIZE"},
	{"SharedSize", "SHARED SIZE"},
	{"UniqueSize", "UNIQUE SIZE"},
	{"Containers", "CONTAINERS"},
	{NULL},
};
static const struct mb_format_column container_columns[] = {
	{"ID", "CONTAINER ID"},
	{"Image", "IMAGE"},
	{"Command", "COMMAND"},
	{"LocalVolumes", "LOCAL VOLUMES"},
	{"Size", "SIZE"},
	{"RunningFor", "CREATED"},
	{"Status", "STATUS"},
	{"Names", "NAMES"},
	{NULL},
};
static const struct mb_format_column volume_columns[] = {
	{"Name", "VOLUME NAME"},
	{"Links", "LINKS"},
	{"Size", "SIZE"},
	{NULL},
};

struct showing {
	struct mb_store *store;
	struct mb_container_list containers;
	struct mb_str out;
};

static size_t count_users(const struct showing *s, const char *image_id)
{
	size_t n = 0;

	for (size_t i = 0; i < s->containers.n; i++)
		n += mb_container_uses_image(s->containers.v[i]->record, image_id);
	return n;
}

static int add_images(struct showing *s, struct mb_format_list *list, struct mb_err *err)
{
	MB_AUTO_FREE struct mb_image_share *shares = NULL;
	struct mb_image_list images = {0};
	int r = mb_image_list_load(s->store, &images, err);

	if (r == 0)
		r = mb_image_shares(s->store, &images, &shares, err);
	for (size_t i = 0; r == 0 && i < images.n; i++) {
		const struct mb_image_row *image = &images.v[i];
		const char *name = image->names.n ? image->names.v[0] : NULL;
		MB_AUTO(mb_json_free)
		struct json_object *row = mb_cmd_image_row(image, name, NULL, false);
		MB_AUTO_FREE char *users = mb_asprintf("%zu", count_users(s, image->id));

		mb_cmd_image_row_share(row, &shares[i]);
		mb_json_set_str(row, "Containers", users);
		r = mb_format_list_add(list, row, err);
	}
	mb_image_list_done(&images);
	return r;
}

static int add_containers(struct showing *s, struct mb_format_list *list, struct mb_err *err)
{
	for (size_t i = 0; i < s->containers.n; i++) {
		const struct mb_container *c = s->containers.v[i];
		MB_AUTO(mb_json_free) struct json_object *row = mb_cmd_ps_row(c, false, true);
		char text[MB_FORMAT_HUMAN_TEXT];
		int64_t size = 0;
		int r = mb_container_size(c, &size, err);

		if (r == -ENOENT)
			continue; /* it went meanwhile */
		if (r < 0)
			return r;
		mb_json_set_str(row, "Size", mb_format_size_short((double)size, text));
		r = mb_format_list_add(list, row, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_volume(struct showing *s, const struct mb_volume *volume,
                      struct mb_format_list *list, struct mb_err *err)
{
	const struct mb_volume_users users = mb_cmd_volume_users(s->store);
	MB_AUTO(mb_json_free) struct json_object *row = mb_json_new_object();
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;
	MB_AUTO_FREE char *links = NULL;
	char text[MB_FORMAT_HUMAN_TEXT];
	uint64_t size = 0;
	int r = mb_volume_size(s->store, volume, &size, err);

	if (r == MB_VOLUME_ABSENT)
		return 0; /* it went meanwhile */
	if (r == 0)
		r = users.ask(users.arg, volume->name, &ids, err);
	if (r < 0)
		return r;
	links = mb_asprintf("%zu", ids.n);
	mb_json_set_str(row, "Name", volume->name);
	mb_json_set_str(row, "Links", links);
	mb_json_set_str(row, "Size", mb_format_size_short((double)size, text));
	return mb_format_list_add(list, row, err);
}

static int add_volumes(struct showing *s, struct mb_format_list *list, struct mb_err *err)
{
	struct mb_volume_list volumes = {0};
	int r = mb_volume_list_load(s->store, &volumes, err);

	for (size_t i = 0; r == 0 && i < volumes.n; i++)
		r = add_volume(s, volumes.v[i], list, err);
	mb_volume_list_done(&volumes);
	return r;
}

static int show(struct showing *s, const char *title, const struct mb_format_column *columns,
                int (*add)(struct showing *s, struct mb_format_list *list, struct mb_err *err),
                struct mb_err *err)
{
	MB_AUTO(mb_format_list_free) struct mb_format_list *list = NULL;
	int r = mb_format_list_new(NULL, columns, mb_cmd_list_host(), &list, err);

	if (r == 0)
		r = add(s, list, err);
	mb_str_addf(&s->out, "%s space usage:\n\n", title);
	if (r == 0)
		r = mb_format_list_finish(list, &s->out, err);
	mb_str_addc(&s->out, '\n');
	return r;
}

int mb_cmd_system_df_verbose(struct mb_store *store, struct mb_err *err)
{
	struct showing s = {.store = store};
	int r = mb_container_list_load(store, false, &s.containers, err);

	if (r == 0)
		r = show(&s, "Images", image_columns, add_images, err);
	if (r == 0)
		r = show(&s, "Containers", container_columns, add_containers, err);
	if (r == 0)
		r = show(&s, "Local Volumes", volume_columns, add_volumes, err);
	if (r == 0)
		r = mb_cmd_system_df_builds(store, &s.out, err);
	if (r == 0)
		r = mb_cmd_put_safe(&s.out);
	mb_str_done(&s.out);
	mb_container_list_done(&s.containers);
	return r;
}
