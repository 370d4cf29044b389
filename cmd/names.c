/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/names.h"
#include "cmd/context.h"
#include "container/container.h"
#include "core/err.h"
#include "core/str.h"
#include "image/image.h"
#include "net/net.h"
#include "store/store.h"
#include "secret/secret.h"
#include "volume/volume.h"

static void add_containers(struct mb_store *store, enum mb_cli_complete kind, struct mb_strv *out)
{
	struct mb_container_list list = {0};

	if (mb_container_list_load(store, true, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		if (kind == MB_COMP_CONTAINER ||
		    mb_container_is_running(list.v[i]) == (kind == MB_COMP_RUNNING))
			mb_strv_add(out, mb_container_name(list.v[i]));
	mb_container_list_done(&list);
}

static void add_images(struct mb_store *store, struct mb_strv *out)
{
	struct mb_image_list list = {0};

	if (mb_image_list_load(store, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		mb_strv_add_all(out, &list.v[i].names);
	mb_image_list_done(&list);
}

static void add_networks(struct mb_store *store, struct mb_strv *out)
{
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	struct mb_net_networks list = {0};

	mb_net_new(store, &net);
	if (mb_net_network_list(net, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		mb_strv_add(out, list.v[i]->name);
	mb_net_networks_done(&list);
}

static void add_volumes(struct mb_store *store, struct mb_strv *out)
{
	struct mb_volume_list list = {0};

	if (mb_volume_list_load(store, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		mb_strv_add(out, list.v[i]->name);
	mb_volume_list_done(&list);
}

static void add_secrets(struct mb_store *store, struct mb_strv *out)
{
	struct mb_secret_list list = {0};

	if (mb_secret_list_load(store, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.n; i++)
		mb_strv_add(out, list.v[i]->name);
	mb_secret_list_done(&list);
}

static void add_signals(struct mb_strv *out)
{
	static const char *const names[] = {"SIGHUP",  "SIGINT",  "SIGKILL", "SIGQUIT",
	                                    "SIGSTOP", "SIGTERM", "SIGUSR1", "SIGUSR2"};

	for (size_t i = 0; i < MB_N(names); i++)
		mb_strv_add(out, names[i]);
}

void mb_cmd_names_add(struct mb_cmd_context *cx, enum mb_cli_complete kind, struct mb_strv *out)
{
	struct mb_store *store = NULL;

	if (kind == MB_COMP_SIGNAL) {
		add_signals(out);
		return;
	}
	if (mb_cmd_store(cx, &store, NULL) < 0)
		return;
	if (kind == MB_COMP_CONTAINER || kind == MB_COMP_RUNNING || kind == MB_COMP_STOPPED)
		add_containers(store, kind, out);
	else if (kind == MB_COMP_IMAGE)
		add_images(store, out);
	else if (kind == MB_COMP_NETWORK)
		add_networks(store, out);
	else if (kind == MB_COMP_VOLUME)
		add_volumes(store, out);
	else if (kind == MB_COMP_SECRET)
		add_secrets(store, out);
}
