/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/cni.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json_object.h>

#include "core/err.h"
#include "core/log.h"
#include "core/str.h"
#include "net/handle.h"
#include "net/port_spec.h"
#include "store/store.h"
#include "sys/mount.h"
#include "json/json.h"

/* ---- the namespace, which must be there still when DEL comes --------------------------- */

static char *pin_path(struct mb_net *net, const struct mb_net_sandbox *s)
{
	return mb_asprintf("%s/cni/%s", net->store->run, s->container_id);
}

static int pin(struct mb_net *net, const struct mb_net_sandbox *s, int netns_fd, struct mb_err *err)
{
	const int flags = O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	MB_AUTO_CLOSE int dir = -1, file = -1, mount = -1;
	int r = mb_store_dir(net->store, "cni", true, &dir, err);

	if (r < 0)
		return r;
	file = openat(dir, s->container_id, flags, 0600);
	if (file < 0)
		return mb_fail_sys(err, errno, "cannot keep the container's network namespace");
	r = mb_sys_mount_clone(netns_fd, "", false, &mount, err);
	if (r == 0)
		r = mb_sys_mount_move(mount, file, err);
	return r < 0 ? mb_wrap(err, r, "cannot keep the container's network namespace") : 0;
}

static void unpin(struct mb_net *net, const struct mb_net_sandbox *s)
{
	MB_AUTO_FREE char *path = pin_path(net, s);

	(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	(void)unlink(path);
}

/* ---- calling plugins ------------------------------------------------------------------ */

struct turn {
	struct json_object *list; /* borrowed */
	const struct mb_net_sandbox *sandbox;
	const char *command, *netns;
};

static struct json_object *copy(struct json_object *o)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct json_object *ret = NULL;

	mb_json_format(o, false, &text);
	(void)mb_json_parse(mb_str_text(&text), text.len, &ret, NULL);
	return ret;
}

static size_t count(struct json_object *list)
{
	return list ? json_object_array_length(mb_json_find(list, "plugins")) : 0;
}

static struct json_object *port_mappings(const struct mb_net_sandbox *s)
{
	struct json_object *all = mb_json_new_array();

	for (size_t i = 0; i < s->n_bindings; i++) {
		const struct mb_net_binding *b = &s->bindings[i];
		struct json_object *o = mb_json_new_object();

		mb_json_set_i64(o, "hostPort", b->host_port);
		mb_json_set_i64(o, "containerPort", b->port);
		mb_json_set_str(o, "protocol", mb_net_proto_name(b->proto));
		if (!mb_streq(b->host_ip, "0.0.0.0"))
			mb_json_set_str(o, "hostIP", b->host_ip);
		mb_json_push(all, o);
	}
	return all;
}

/* What the @index-th of them reads. */
static char *config_of(const struct turn *t, size_t index, struct json_object *before)
{
	MB_AUTO(mb_json_free)
	struct json_object *plugin =
		copy(json_object_array_get_idx(mb_json_find(t->list, "plugins"), index));
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_json_set_str(plugin, "cniVersion", mb_json_find_str(t->list, "cniVersion", ""));
	mb_json_set_str(plugin, "name", mb_json_find_str(t->list, "name", ""));
	if (before)
		mb_json_set(plugin, "prevResult", mb_json_ref(before));
	if (t->sandbox->n_bindings &&
	    mb_json_find_bool(mb_json_find(plugin, "capabilities"), "portMappings", false)) {
		struct json_object *runtime = mb_json_new_object();

		mb_json_set(runtime, "portMappings", port_mappings(t->sandbox));
		mb_json_set(plugin, "runtimeConfig", runtime);
	}
	mb_json_format(plugin, false, &text);
	return mb_str_take(&text);
}

static int call(const struct turn *t, size_t index, struct json_object *before, char **ret_result,
                struct mb_err *err)
{
	struct json_object *plugin =
		json_object_array_get_idx(mb_json_find(t->list, "plugins"), index);
	MB_AUTO_FREE char *config = config_of(t, index, before), *path = NULL;
	struct mb_net_cni_call c = {.plugin = mb_json_find_str(plugin, "type", ""),
	                            .command = t->command,
	                            .container_id = t->sandbox->container_id,
	                            .netns = t->netns,
	                            .ifname = MB_NET_CNI_IFNAME,
	                            .config = config,
	                            .timeout_ms = MB_NET_CNI_SECONDS * 1000};
	int r = mb_net_cni_plugin_find(c.plugin, &path, err);

	c.path = path;
	if (r == 0)
		r = mb_net_cni_call(&c, ret_result, err);
	return r < 0 ? mb_wrap(err, r, "CNI network '%s'", t->sandbox->cni.name) : 0;
}

static int parse(const struct mb_net_sandbox *s, struct json_object **ret, struct mb_err *err)
{
	return mb_net_cni_parse(s->cni.conf, strlen(s->cni.conf), ret, err);
}

/* ---- the life of a container ---------------------------------------------------------- */

int mb_net_cni_prepare(struct mb_net_sandbox *s, const char *name, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *list = NULL;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = mb_net_cni_find(name, &list, err);

	if (r < 0)
		return r;
	mb_json_format(list, false, &text);
	s->cni.name = mb_strdup(name);
	s->cni.conf = mb_str_take(&text);
	return 0;
}

static int add_all(const struct turn *t, struct mb_net_sandbox *s, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *result = NULL;
	size_t n = count(t->list);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		MB_AUTO_FREE char *out = NULL;

		r = call(t, i, result, &out, err);
		if (r < 0 || !*out)
			continue;
		mb_json_free(mb_take_ptr(&result));
		r = mb_json_parse_object(out, strlen(out), &result, err);
		if (r < 0)
			r = mb_wrap(err, r, "CNI network '%s': the result of plugin %zu",
			            s->cni.name, i + 1);
	}
	if (r < 0 || !result)
		return r;
	mb_json_format(result, false, &text);
	s->cni.result = mb_str_take(&text);
	return 0;
}

int mb_net_cni_add(struct mb_net *net, struct mb_net_sandbox *s, int netns_fd, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *list = NULL;
	MB_AUTO_FREE char *path = pin_path(net, s);
	struct turn t = {.sandbox = s, .command = "ADD", .netns = path};
	struct mb_net_cni_outcome outcome = {0};
	int r = parse(s, &list, err);

	t.list = list;
	if (r == 0)
		r = pin(net, s, netns_fd, err);
	if (r == 0)
		r = add_all(&t, s, err);
	/* It is looked at before anybody relies on it. */
	if (r == 0)
		r = mb_net_cni_outcome(&s->cni, &outcome, err);
	mb_net_cni_outcome_done(&outcome);
	return r < 0 ? r : mb_net_record_write(net, s, err);
}

/* The version is a text of the list: 0.3.0 and 0.3.1 are all that parses and knows no CHECK. */
static bool may_check(struct json_object *list)
{
	return !mb_json_find_bool(list, "disableCheck", false) &&
	       !mb_starts_with(mb_json_find_str(list, "cniVersion", ""), "0.3.");
}

int mb_net_cni_check(struct mb_net *net, const struct mb_net_sandbox *s, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *list = NULL, *result = NULL;
	MB_AUTO_FREE char *path = pin_path(net, s);
	struct turn t = {.sandbox = s, .command = "CHECK", .netns = path};
	int r = parse(s, &list, err);

	if (r < 0 || !s->cni.result || !may_check(list))
		return r < 0 ? r : MB_NET_CNI_UNCHECKED;
	t.list = list;
	r = mb_json_parse_object(s->cni.result, strlen(s->cni.result), &result, err);
	if (r < 0)
		return mb_wrap(err, r, "the result of CNI network '%s'", s->cni.name);
	for (size_t i = 0; i < count(list); i++) {
		MB_AUTO_FREE char *out = NULL;

		if (call(&t, i, result, &out, err) < 0)
			return MB_NET_CNI_FAULTY;
	}
	return 0;
}

void mb_net_cni_remove(struct mb_net *net, const struct mb_net_sandbox *s)
{
	MB_AUTO(mb_json_free) struct json_object *list = NULL, *result = NULL;
	MB_AUTO_FREE char *path = pin_path(net, s);
	const char *before = s->cni.result ? s->cni.result : "null";
	struct turn t = {.sandbox = s, .command = "DEL"};
	struct mb_err why = MB_ERR_INIT;

	/* Without the namespace, too, they can give back what is theirs. */
	t.netns = faccessat(AT_FDCWD, path, F_OK, 0) == 0 ? path : "";
	(void)mb_json_parse(before, strlen(before), &result, NULL);
	if (parse(s, &list, &why) < 0)
		mb_warn("%s", why.msg);
	t.list = list;
	for (size_t i = count(list); i > 0; i--) {
		MB_AUTO_FREE char *out = NULL;

		if (call(&t, i - 1, result, &out, &why) < 0)
			mb_warn("%s", why.msg);
	}
	unpin(net, s);
}
