/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json_object.h>

#include "cmd/cni/cni.h"
#include "cmd/context.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"
#include "json/json.h"

enum { CONFIG_LIMIT = 1 << 20, NAME_LIMIT = 255 };

static const char *const versions[] = {"0.3.0", "0.3.1", "0.4.0", "1.0.0", MB_CMD_CNI_BEST};

int mb_cmd_cni_fail(struct mb_cmd_cni_call *call, enum mb_cmd_cni_code code, struct mb_err *err,
                    const char *fmt, ...)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	mb_str_addv(&text, fmt, ap);
	va_end(ap);
	call->code = code;
	return mb_fail(err, EINVAL, "%s", mb_str_text(&text));
}

bool mb_cmd_cni_is_since(const char *version, int major, int minor)
{
	int a = 0, b = 0;

	if (sscanf(version, "%d.%d", &a, &b) != 2)
		return false;
	return a > major || (a == major && b >= minor);
}

struct json_object *mb_cmd_cni_versions(void)
{
	struct json_object *o = mb_json_new_object(), *all = mb_json_new_array();

	for (size_t i = 0; i < MB_N(versions); i++)
		mb_json_push_str(all, versions[i]);
	mb_json_set_str(o, "cniVersion", MB_CMD_CNI_BEST);
	mb_json_set(o, "supportedVersions", all);
	return o;
}

/* ---- the environment ------------------------------------------------------------------ */

/* As the specification has names: they become parts of paths and of answers. */
static bool is_name(const char *text)
{
	if (!text || !isalnum((unsigned char)*text) || strlen(text) > NAME_LIMIT)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("_.-", *text))
			return false;
	return true;
}

static bool is_ifname(const char *text)
{
	return text && *text && strlen(text) < IFNAMSIZ && *text != '.' && !mb_streq(text, "lo") &&
	       !strpbrk(text, "/:% \t\n");
}

static void take_args(struct mb_cmd_cni_call *call)
{
	MB_AUTO_STRV struct mb_strv pairs = MB_STRV_INIT;
	const char *text = mb_cmd_user_env(call->cx, "CNI_ARGS");

	mb_strv_split(&pairs, text ? text : "", ';');
	MB_STRV_FOREACH (pair, &pairs)
		if (strchr(pair, '='))
			mb_kv_set_pair(&call->args, pair);
}

/* Which of them @command needs. */
static const struct need {
	const char *command;
	bool container, netns, ifname;
	int since_major, since_minor;
} needs[] = {
	{"ADD", true, true, true, 0, 3},       {"DEL", true, false, true, 0, 3},
	{"CHECK", true, true, true, 0, 4},     {"GC", false, false, false, 1, 1},
	{"STATUS", false, false, false, 1, 1},
};

static int read_environment(struct mb_cmd_cni_call *call, const struct need *need,
                            struct mb_err *err)
{
	call->container = mb_cmd_user_env(call->cx, "CNI_CONTAINERID");
	call->netns = mb_cmd_user_env(call->cx, "CNI_NETNS");
	call->ifname = mb_cmd_user_env(call->cx, "CNI_IFNAME");
	take_args(call);
	if (need->container && !is_name(call->container))
		return mb_cmd_cni_fail(call, MB_CNI_ENVIRONMENT, err,
		                       "CNI_CONTAINERID '%s' is no name of a container",
		                       call->container ? call->container : "");
	if (need->ifname && !is_ifname(call->ifname))
		return mb_cmd_cni_fail(call, MB_CNI_ENVIRONMENT, err,
		                       "CNI_IFNAME '%s' is no name of an interface",
		                       call->ifname ? call->ifname : "");
	if (need->netns && (!call->netns || *call->netns != '/'))
		return mb_cmd_cni_fail(call, MB_CNI_ENVIRONMENT, err,
		                       "CNI_NETNS '%s' is no absolute path",
		                       call->netns ? call->netns : "");
	return 0;
}

/* ---- the configuration ---------------------------------------------------------------- */

static int check_version(struct mb_cmd_cni_call *call, const struct need *need, struct mb_err *err)
{
	bool known = false;

	for (size_t i = 0; i < MB_N(versions); i++)
		known = known || mb_streq(versions[i], call->version);
	if (!known)
		return mb_cmd_cni_fail(call, MB_CNI_INCOMPATIBLE, err,
		                       "cniVersion '%s' is none of 0.3.0, 0.3.1, 0.4.0, 1.0.0 and "
		                       "1.1.0",
		                       call->version);
	if (!mb_cmd_cni_is_since(call->version, need->since_major, need->since_minor))
		return mb_cmd_cni_fail(call, MB_CNI_INCOMPATIBLE, err, "cniVersion '%s' has no %s",
		                       call->version, call->command);
	return 0;
}

static int check_config(struct mb_cmd_cni_call *call, struct mb_err *err)
{
	if (!is_name(call->name))
		return mb_cmd_cni_fail(call, MB_CNI_CONFIG, err, "'%s' is no name of a network",
		                       call->name);
	if (!*call->network)
		return mb_cmd_cni_fail(call, MB_CNI_CONFIG, err,
		                       "the configuration has no \"network\": the name of one of "
		                       "mybox's");
	if (*mb_json_find_str(mb_json_find(call->config, "ipam"), "type", ""))
		return mb_cmd_cni_fail(call, MB_CNI_UNSUPPORTED, err,
		                       "ipam: addresses come from network '%s' itself",
		                       call->network);
	return 0;
}

int mb_cmd_cni_read(struct mb_cmd_cni_call *call, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	const struct need *need = NULL;
	int r;

	for (size_t i = 0; i < MB_N(needs); i++)
		if (mb_streq(needs[i].command, call->command))
			need = &needs[i];
	if (!need)
		return mb_cmd_cni_fail(call, MB_CNI_ENVIRONMENT, err,
		                       "CNI_COMMAND '%s' is not known", call->command);
	call->code = MB_CNI_IO;
	r = mb_read_fd(STDIN_FILENO, CONFIG_LIMIT, &text, err);
	if (r < 0)
		return r;
	call->code = MB_CNI_DECODE;
	r = mb_json_parse_object(mb_str_text(&text), text.len, &call->config, err);
	if (r < 0)
		return mb_wrap(err, r, "the configuration");
	call->version = mb_json_find_str(call->config, "cniVersion", "");
	call->name = mb_json_find_str(call->config, "name", "");
	call->network = mb_json_find_str(call->config, "network", "");
	r = check_version(call, need, err);
	if (r == 0)
		r = read_environment(call, need, err);
	if (r == 0)
		r = check_config(call, err);
	if (r == 0)
		call->code = MB_CNI_FAILED;
	return r;
}

void mb_cmd_cni_done(struct mb_cmd_cni_call *call)
{
	for (size_t i = 0; i < call->n_ports; i++)
		mb_net_port_spec_done(&call->ports[i]);
	free(call->ports);
	mb_net_network_spec_done(&call->spec);
	mb_kv_done(&call->args);
	mb_json_free(call->config);
}
