/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>

#include "cmd/volume.h"

#include <string.h>

#include "cmd/report.h"
#include "container/mounts.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/strv.h"
#include "sys/path.h"
#include "volume/volume.h"
#include "json/json.h"

int mb_cmd_volume_find(struct mb_store *store, const char *name, struct mb_volume **ret,
                       struct mb_err *err)
{
	int r = mb_volume_find(store, name, ret, err);

	if (r == MB_VOLUME_ABSENT)
		mb_cmd_say("Error: No such volume: %s", name);
	return r;
}

static struct json_object *new_map(const struct mb_kv *kv)
{
	struct json_object *o = mb_json_new_object();

	MB_KV_FOREACH (pair, kv)
		mb_json_set_str(o, pair->key, pair->value);
	return o;
}

int mb_cmd_volume_open(struct mb_store *store, const char *name, struct mb_cmd_volume_data *ret,
                       struct mb_err *err)
{
	MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;
	MB_AUTO_CLOSE int fd = -1;
	int r = mb_cmd_volume_find(store, name, &volume, err);

	ret->store = store;
	ret->name = r == 0 && mb_volume_has_mount(volume) ? name : NULL;
	if (r == 0)
		r = mb_volume_data_open(store, volume, &fd, &ret->holds, err);
	return r == 0 ? mb_sys_path_reopen(fd, O_RDONLY | O_DIRECTORY, &ret->fd, err) : r;
}

void mb_cmd_volume_data_done(struct mb_cmd_volume_data *data)
{
	mb_close(&data->fd);
	mb_volume_holds_done(&data->holds);
	if (data->name)
		mb_container_volume_leave(data->store, data->name);
}

struct json_object *mb_cmd_volume_describe(const struct mb_volume *volume)
{
	struct json_object *o = mb_json_new_object();
	char created[MB_TIME_TEXT], *fraction = NULL;

	mb_time_format(volume->created, created);
	fraction = strchr(created, '.');
	if (fraction) { /* docker has whole seconds here */
		fraction[0] = 'Z';
		fraction[1] = '\0';
	}
	mb_json_set_str(o, "CreatedAt", created);
	mb_json_set_str(o, "Driver", volume->driver);
	mb_json_set(o, "Labels", new_map(&volume->labels));
	mb_json_set_str(o, "Mountpoint", volume->mountpoint);
	mb_json_set_str(o, "Name", volume->name);
	mb_json_set(o, "Options", new_map(&volume->options));
	mb_json_set_str(o, "Scope", "local");
	return o;
}
