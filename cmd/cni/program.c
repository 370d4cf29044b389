/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The third door: from CNI_COMMAND to lib/net, and errors as the specification has them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json_object.h>

#include "cmd/cni/cni.h"
#include "cmd/context.h"
#include "cmd/network.h"
#include "cmd/output.h"
#include "cmd/report.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "store/store.h"
#include "json/json.h"

bool mb_cmd_cni_is_meant(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;

	return mb_streq(slash ? slash + 1 : argv0, MB_CMD_CNI_NAME);
}

static int put(struct json_object *o)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	mb_json_format(o, true, &text);
	mb_str_addc(&text, '\n');
	return mb_cmd_put(&text);
}

static int put_error(const struct mb_cmd_cni_call *call, const struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = mb_json_new_object();
	bool has_version = call->version && *call->version && call->code != MB_CNI_INCOMPATIBLE;

	mb_json_set_str(o, "cniVersion", has_version ? call->version : MB_CMD_CNI_BEST);
	mb_json_set_i64(o, "code", call->code);
	mb_json_set_str(o, "msg", err->msg);
	(void)put(o);
	return EXIT_FAILURE;
}

/* ---- commands ------------------------------------------------------------------------- */

static struct mb_net_guest guest_of(const struct mb_cmd_cni_call *call)
{
	/* lint: what the record borrows is copied by who keeps it */
	return (struct mb_net_guest){
		.container = mb_strdup(call->container),
		.ifname = mb_strdup(call->ifname),
		.netns = mb_strdup(call->netns ? call->netns : ""),
		.config = mb_strdup(call->name),
		.no_route = !mb_json_find_bool(call->config, "isDefaultGateway", true),
	};
}

static void guest_done(struct mb_net_guest *g)
{
	free(g->container);
	free(g->ifname);
	free(g->netns);
	free(g->config);
}

/* Kubernetes' pods and podman's containers tell their names; others have a part of their ids. */
static char *name_of(const struct mb_cmd_cni_call *call)
{
	const char *name = mb_kv_find(&call->args, "K8S_POD_NAME");

	return name && *name ? mb_strdup(name) : mb_asprintf("%.12s", call->container);
}

static void add_labels(const struct mb_cmd_cni_call *call, struct mb_kv *labels)
{
	const char *space = mb_kv_find(&call->args, "K8S_POD_NAMESPACE");

	if (space && *space)
		mb_kv_set(labels, "io.kubernetes.pod.namespace", space);
}

static int open_netns(struct mb_cmd_cni_call *call, int *ret_fd, struct mb_err *err)
{
	*ret_fd = open(call->netns, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (*ret_fd >= 0)
		return 0;
	call->code = errno == ENOENT ? MB_CNI_UNKNOWN_CONTAINER : MB_CNI_ENVIRONMENT;
	return mb_fail_sys(err, errno, "cannot open CNI_NETNS '%s'", call->netns);
}

/* Others know of an overlay's addresses by the monitor of a container, and here is none. */
static int check_driver(struct mb_cmd_cni_call *call, struct mb_net *net, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	int r = mb_net_network_find(net, call->network, &n, err);

	if (r == 0 && mb_streq(n->driver, "overlay"))
		return mb_cmd_cni_fail(
			call, MB_CNI_UNSUPPORTED, err,
			"network '%s' is an overlay, which is for mybox's containers",
			call->network);
	if (r == MB_NET_ABSENT)
		call->code = MB_CNI_CONFIG;
	return r;
}

static int add(struct mb_cmd_cni_call *call, struct mb_net *net, struct mb_err *err)
{
	__attribute__((cleanup(guest_done))) struct mb_net_guest guest = guest_of(call);
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
	MB_AUTO(mb_json_free) struct json_object *result = NULL;
	MB_AUTO_KV struct mb_kv labels = MB_KV_INIT;
	MB_AUTO_FREE char *name = name_of(call);
	MB_AUTO_CLOSE int netns = -1;
	int r = mb_cmd_cni_read_wishes(call, err);
	const struct mb_net_guest_add what = {.guest = guest,
	                                      .name = name,
	                                      .labels = &labels,
	                                      .network = &call->spec,
	                                      .ports = call->ports,
	                                      .n_ports = call->n_ports};

	add_labels(call, &labels);
	if (r == 0)
		r = check_driver(call, net, err);
	if (r == 0)
		r = open_netns(call, &netns, err);
	if (r == 0)
		r = mb_net_guest_add(net, &what, netns, &s, err);
	if (r)
		return r;
	result = mb_cmd_cni_result(call, s);
	return put(result);
}

static int del(struct mb_cmd_cni_call *call, struct mb_net *net, struct mb_err *err)
{
	__attribute__((cleanup(guest_done))) struct mb_net_guest guest = guest_of(call);
	char id[MB_ID_TEXT];

	mb_net_guest_id(&guest, id);
	return mb_net_guest_remove(net, id, err);
}

/* What was told then and what the record says now are of one address. */
static int check_before(struct mb_cmd_cni_call *call, const struct mb_net_sandbox *s,
                        struct mb_err *err)
{
	struct json_object *before = mb_json_find(call->config, "prevResult");
	struct json_object *ips = mb_json_find(before, "ips");
	size_t n = json_object_is_type(ips, json_type_array) ? json_object_array_length(ips) : 0;
	const struct mb_net_endpoint *e = &s->endpoints[0];
	MB_AUTO_FREE char *address = e->ip4   ? mb_asprintf("%s/%u", e->ip4, e->prefix4)
	                             : e->ip6 ? mb_asprintf("%s/%u", e->ip6, e->prefix6)
	                                      : NULL;

	if (!json_object_is_type(before, json_type_object))
		return mb_cmd_cni_fail(call, MB_CNI_CONFIG, err, "CHECK needs a prevResult");
	if (!address)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (mb_streq(mb_json_find_str(json_object_array_get_idx(ips, i), "address", ""),
		             address))
			return 0;
	return mb_cmd_cni_fail(call, MB_CNI_FAULTY, err, "prevResult does not have the address %s",
	                       address);
}

static int check(struct mb_cmd_cni_call *call, struct mb_net *net, struct mb_err *err)
{
	__attribute__((cleanup(guest_done))) struct mb_net_guest guest = guest_of(call);
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
	MB_AUTO_CLOSE int netns = -1;
	char id[MB_ID_TEXT];
	int r;

	mb_net_guest_id(&guest, id);
	r = mb_net_sandbox_load(net, id, &s, err);
	if (r == MB_NET_ABSENT || (r == 0 && !s->n_endpoints))
		return mb_cmd_cni_fail(call, MB_CNI_UNKNOWN_CONTAINER, err,
		                       "container '%s' has no '%s' on network '%s'",
		                       call->container, call->ifname, call->name);
	if (r == 0)
		r = check_before(call, s, err);
	if (r == 0)
		r = open_netns(call, &netns, err);
	if (r == 0)
		r = mb_net_guest_verify(net, s, netns, err);
	if (r == MB_NET_GUEST_FAULTY)
		call->code = MB_CNI_FAULTY;
	return r;
}

static bool is_valid(struct json_object *list, const struct mb_net_guest *g)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if (mb_streq(mb_json_find_str(o, "containerID", ""), g->container) &&
		    mb_streq(mb_json_find_str(o, "ifname", ""), g->ifname))
			return true;
	}
	return false;
}

static void found_unmade(void *arg, const char *id)
{
	(void)arg;
	(void)id;
}

/* All of this configuration that the engine does not name, and what was cut short before there
 * was anything to it.  One that does not go is told of after all others have. */
static int gc(struct mb_cmd_cni_call *call, struct mb_net *net, struct mb_err *err)
{
	struct json_object *valid = mb_json_find(call->config, "cni.dev/valid-attachments");
	struct mb_net_members guests = {0};
	int r = 0;

	if (!json_object_is_type(valid, json_type_array))
		return mb_cmd_cni_fail(call, MB_CNI_CONFIG, err,
		                       "GC needs \"cni.dev/valid-attachments\"");
	r = mb_net_guests_list(net, &guests, err);
	for (size_t i = 0; i < guests.n; i++) {
		const struct mb_net_guest *g = &guests.v[i]->guest;
		int one = 0;

		if (mb_streq(g->config, call->name) && !is_valid(valid, g))
			one = mb_net_guest_remove(net, guests.v[i]->container_id, r ? NULL : err);
		r = r ? r : one;
	}
	mb_net_members_done(&guests);
	return r ? r : mb_net_guests_check(net, true, found_unmade, NULL, err);
}

static int status(struct mb_cmd_cni_call *call, struct mb_net *net, struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	int r = mb_net_network_find(net, call->network, &n, err);

	if (r)
		call->code = MB_CNI_NOT_AVAILABLE;
	return r;
}

static int serve(struct mb_cmd_cni_call *call, struct mb_err *err)
{
	static const struct {
		const char *command;
		int (*run)(struct mb_cmd_cni_call *call, struct mb_net *net, struct mb_err *err);
	} commands[] = {
		{"ADD", add}, {"DEL", del}, {"CHECK", check}, {"GC", gc}, {"STATUS", status}};
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	const char *root = getenv("MYBOX_ROOT"), *run = getenv("MYBOX_RUNROOT");
	int r = mb_cmd_cni_read(call, err);

	if (r < 0)
		return r;
	if (geteuid() != 0)
		return mb_cmd_cni_fail(call, MB_CNI_FAILED, err, "it needs root");
	call->cx->root =
		mb_json_find_str(call->config, "root", root && *root ? root : MB_STORE_ROOT);
	call->cx->run = mb_json_find_str(call->config, "runroot", run && *run ? run : MB_STORE_RUN);
	r = mb_cmd_net(call->cx, &net, err);
	for (size_t i = 0; r == 0 && i < MB_N(commands); i++)
		if (mb_streq(commands[i].command, call->command))
			return commands[i].run(call, net, err);
	return r;
}

int mb_cmd_cni_run(struct mb_cmd_context *cx)
{
	struct mb_cmd_cni_call call = {.cx = cx, .code = MB_CNI_FAILED};
	struct mb_err err = MB_ERR_INIT;
	int r;

	call.command = mb_cmd_user_env(cx, "CNI_COMMAND");
	if (!call.command || !*call.command) {
		mb_cmd_say("mybox-cni " MB_VERSION " is called by container engines: see "
		           "mybox-cni(8)");
		return call.command ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	if (mb_streq(call.command, "VERSION")) {
		MB_AUTO(mb_json_free) struct json_object *o = mb_cmd_cni_versions();

		return put(o);
	}
	r = serve(&call, &err);
	if (r)
		r = put_error(&call, &err);
	mb_cmd_cni_done(&call);
	return r;
}
