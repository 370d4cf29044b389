/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/event.h"

#include <string.h>

#include "container/container.h"
#include "core/event.h"
#include "core/str.h"
#include "net/net.h"
#include "store/store.h"

/* What we tell ourselves: a label of that name would be there twice, and the record unreadable. */
static bool is_ours(const char *key)
{
	static const char *const keys[] = {"image", "name", "exitCode", "execID", MB_EVENT_BY};

	for (size_t i = 0; i < MB_N(keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

bool mb_container_event_begin(const struct mb_container *c, const char *action, struct mb_event *e)
{
	const struct mb_container_config *config = &c->record->config;

	if (c->record->on_layers)
		return false;
	mb_event_begin(e, "container", action, c->id);
	/* First what must not be left out for want of room. */
	mb_event_set(e, "image", config->image);
	mb_event_set(e, "name", mb_container_name(c));
	MB_KV_FOREACH (pair, &config->labels)
		if (!is_ours(pair->key))
			mb_event_set(e, pair->key, pair->value);
	return true;
}

void mb_container_event_with(const struct mb_container *c, const char *action, const char *key,
                             const char *value)
{
	MB_EVENT e;

	if (!mb_container_event_begin(c, action, &e))
		return;
	if (key && (is_ours(key) || !mb_kv_find(&c->record->config.labels, key)))
		mb_event_set(&e, key, value);
	mb_event_write(&e, c->store->root_fd);
}

void mb_container_event(const struct mb_container *c, const char *action)
{
	mb_container_event_with(c, action, NULL, NULL);
}

void mb_container_event_exec(const struct mb_container *c, const char *action,
                             const struct mb_strv *args, const char *exec_id)
{
	MB_AUTO_FREE char *joined = mb_strv_join(args, " ");
	MB_AUTO_FREE char *text = mb_asprintf("%s: %s", action, joined);

	mb_container_event_with(c, text, "execID", exec_id);
}

void mb_container_event_exec_die(const struct mb_container *c, const char *exec_id, int code)
{
	MB_EVENT e;

	if (!mb_container_event_begin(c, "exec_die", &e))
		return;
	mb_event_set(&e, "execID", exec_id);
	mb_event_set_int(&e, "exitCode", code);
	mb_event_write(&e, c->store->root_fd);
}

void mb_container_event_network(const struct mb_container *c, const char *action, const char *id,
                                const char *name, const char *driver)
{
	MB_EVENT e;

	if (c->record->on_layers)
		return;
	mb_event_begin(&e, "network", action, id);
	mb_event_set(&e, "container", c->id);
	mb_event_set(&e, "name", name);
	mb_event_set(&e, "type", driver ? driver : "bridge");
	mb_event_write(&e, c->store->root_fd);
}

static void tell_volume(const struct mb_container *c, const struct mb_container_mount *m, bool up)
{
	MB_EVENT e;

	mb_event_begin(&e, "volume", up ? "mount" : "unmount", m->name);
	mb_event_set(&e, "container", c->id);
	if (up)
		mb_event_set(&e, "destination", m->destination);
	mb_event_set(&e, "driver", "local");
	if (up) {
		mb_event_set(&e, "propagation", m->propagation);
		mb_event_set(&e, "read/write", m->rw ? "true" : "false");
	}
	mb_event_write(&e, c->store->root_fd);
}

void mb_container_event_parts(const struct mb_container *c, const struct mb_net_sandbox *sandbox,
                              bool up)
{
	const struct mb_container_record *record = c->record;

	if (record->on_layers)
		return;
	for (size_t i = 0; sandbox && i < sandbox->n_endpoints; i++)
		mb_container_event_network(
			c, up ? "connect" : "disconnect", sandbox->endpoints[i].network_id,
			sandbox->endpoints[i].network, sandbox->endpoints[i].driver);
	for (size_t i = 0; i < record->n_mounts; i++)
		if (record->mounts[i].name)
			tell_volume(c, &record->mounts[i], up);
}
