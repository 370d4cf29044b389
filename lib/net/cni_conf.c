/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of plugins, and what plugins say, as text. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <json-c/json_object.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/io.h"
#include "core/log.h"
#include "core/str.h"
#include "net/addr.h"
#include "net/cni.h"
#include "json/json.h"

#define FOLDER "/etc/cni/net.d"
enum { CONFIG_LIMIT = 1 << 20, PLUGINS_MAX = 32 };

/* ---- lists ---------------------------------------------------------------------------- */

/* A name becomes part of a path. */
static bool is_type(const char *type)
{
	return *type && type[0] != '.' && !strchr(type, '/');
}

static int check_version(const char *version, struct mb_err *err)
{
	if (mb_starts_with(version, "0.3.") || mb_starts_with(version, "0.4.") ||
	    mb_starts_with(version, "1."))
		return 0;
	return mb_fail(err, EBADMSG, "cniVersion '%s' is none of 0.3, 0.4 and 1", version);
}

static int check_list(struct json_object *list, struct mb_err *err)
{
	struct json_object *plugins = mb_json_find(list, "plugins");
	int r = check_version(mb_json_find_str(list, "cniVersion", ""), err);

	if (r == 0 && !*mb_json_find_str(list, "name", ""))
		r = mb_fail(err, EBADMSG, "it has no name");
	if (r == 0 && (!json_object_is_type(plugins, json_type_array) ||
	               json_object_array_length(plugins) == 0 ||
	               json_object_array_length(plugins) > PLUGINS_MAX))
		r = mb_fail(err, EBADMSG, "it has no plugins, or more than %d", PLUGINS_MAX);
	for (size_t i = 0; r == 0 && i < json_object_array_length(plugins); i++) {
		struct json_object *p = json_object_array_get_idx(plugins, i);

		if (!is_type(mb_json_find_str(p, "type", "")))
			r = mb_fail(err, EBADMSG, "plugin %zu has no valid type", i + 1);
	}
	return r;
}

int mb_net_cni_parse(const char *text, size_t len, struct json_object **ret, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	int r = mb_json_parse_object(text, len, &o, err);

	if (r < 0)
		return r;
	if (!mb_json_find(o, "plugins") && mb_json_find(o, "type")) {
		struct json_object *list = mb_json_new_object(), *plugins = mb_json_new_array();

		mb_json_set_str(list, "cniVersion", mb_json_find_str(o, "cniVersion", ""));
		mb_json_set_str(list, "name", mb_json_find_str(o, "name", ""));
		mb_json_push(plugins, mb_take_ptr(&o));
		mb_json_set(list, "plugins", plugins);
		o = list;
	}
	r = check_list(o, err);
	if (r == 0)
		*ret = mb_take_ptr(&o);
	return r;
}

static int read_list(int dir, const char *path, struct json_object **ret, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = mb_read_file(dir, path, CONFIG_LIMIT, &text, err);

	if (r == 0)
		r = mb_net_cni_parse(mb_str_text(&text), text.len, ret, err);
	return r < 0 ? mb_wrap(err, r, "CNI network in '%s'", path) : 0;
}

static bool is_config(const char *name)
{
	return mb_ends_with(name, ".conflist") || mb_ends_with(name, ".conf") ||
	       mb_ends_with(name, ".json");
}

/* By their names' order, as all that read this folder have it. */
static int list_configs(struct mb_strv *ret, int *ret_dir)
{
	int fd = open(FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = mb_dir_take(fd);
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (is_config(entry->d_name))
			mb_strv_add(ret, entry->d_name);
	mb_strv_sort(ret);
	*ret_dir = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	closedir(dir);
	return 0;
}

static int find_in_folder(const char *name, struct json_object **ret, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv files = MB_STRV_INIT;
	MB_AUTO_CLOSE int dir = -1;

	(void)list_configs(&files, &dir);
	MB_STRV_FOREACH (file, &files) {
		MB_AUTO(mb_json_free) struct json_object *list = NULL;
		struct mb_err why = MB_ERR_INIT;

		if (read_list(dir, file, &list, &why) < 0) {
			mb_warn("%s", why.msg);
			continue;
		}
		if (!mb_streq(mb_json_find_str(list, "name", ""), name))
			continue;
		*ret = mb_take_ptr(&list);
		return 0;
	}
	return mb_fail(err, ENOENT, "no CNI network '%s' in %s", name, FOLDER);
}

int mb_net_cni_find(const char *name, struct json_object **ret, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *list = NULL;
	struct json_object *plugins;
	int r = name[0] == '/' ? read_list(AT_FDCWD, name, &list, err)
	                       : find_in_folder(name, &list, err);

	if (r < 0)
		return r;
	plugins = mb_json_find(list, "plugins");
	for (size_t i = 0; r == 0 && i < json_object_array_length(plugins); i++) {
		struct json_object *p = json_object_array_get_idx(plugins, i);
		MB_AUTO_FREE char *path = NULL;

		r = mb_net_cni_plugin_find(mb_json_find_str(p, "type", ""), &path, err);
	}
	if (r < 0)
		return mb_wrap(err, r, "CNI network '%s'", name);
	if (ret)
		*ret = mb_take_ptr(&list);
	return 0;
}

bool mb_net_cni_maps_ports(struct json_object *list)
{
	struct json_object *plugins = mb_json_find(list, "plugins");

	for (size_t i = 0; i < json_object_array_length(plugins); i++)
		if (mb_json_find_bool(
			    mb_json_find(json_object_array_get_idx(plugins, i), "capabilities"),
			    "portMappings", false))
			return true;
	return false;
}

/* ---- results -------------------------------------------------------------------------- */

static size_t length_of(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

/* Of each family the first counts, as the one that the container is known by. */
static int take_address(struct json_object *ip, struct mb_net_endpoint *e)
{
	const char *text = mb_json_find_str(ip, "address", "");
	const char *gateway = mb_json_find_str(ip, "gateway", "");
	const char *slash = strchr(text, '/');
	MB_AUTO_FREE char *plain = mb_strndup(text, slash ? (size_t)(slash - text) : strlen(text));
	struct mb_net_addr a, g;
	struct mb_net_prefix p;
	char buf[MB_NET_ADDR_TEXT];
	bool v6;

	if (!slash || mb_net_addr_parse(plain, &a) < 0 || mb_net_prefix_parse(text, &p) < 0)
		return -EBADMSG;
	v6 = a.family == AF_INET6;
	if (v6 ? e->ip6 != NULL : e->ip4 != NULL)
		return 0;
	mb_strset(v6 ? &e->ip6 : &e->ip4, mb_net_addr_format(&a, buf));
	*(v6 ? &e->prefix6 : &e->prefix4) = p.bits;
	if (*gateway && (mb_net_addr_parse(gateway, &g) < 0 || g.family != a.family))
		return -EBADMSG;
	if (*gateway)
		mb_strset(v6 ? &e->gw6 : &e->gw4, mb_net_addr_format(&g, buf));
	return 0;
}

static void take_mac(struct json_object *interfaces, struct mb_net_endpoint *e)
{
	uint8_t mac[MB_NET_MAC_BYTES];
	char buf[MB_NET_MAC_TEXT];

	for (size_t i = 0; i < length_of(interfaces); i++) {
		struct json_object *o = json_object_array_get_idx(interfaces, i);

		if (mb_streq(mb_json_find_str(o, "name", ""), MB_NET_CNI_IFNAME) &&
		    *mb_json_find_str(o, "sandbox", "") &&
		    mb_net_mac_parse(mb_json_find_str(o, "mac", ""), mac) == 0)
			mb_strset(&e->mac, mb_net_mac_format(mac, buf));
	}
}

static void take_words(struct json_object *list, struct mb_strv *to)
{
	for (size_t i = 0; i < length_of(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *word =
			json_object_is_type(o, json_type_string) ? json_object_get_string(o) : "";

		if (*word && !strpbrk(word, " \t\r\n"))
			mb_strv_add(to, word);
	}
}

int mb_net_cni_outcome(const struct mb_net_cni *cni, struct mb_net_cni_outcome *ret,
                       struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *o = NULL;
	struct json_object *ips, *dns;
	const char *domain;
	int r = 0;

	*ret = (struct mb_net_cni_outcome){0};
	if (!cni->result)
		return 0;
	r = mb_json_parse_object(cni->result, strlen(cni->result), &o, err);
	if (r < 0)
		return mb_wrap(err, r, "the result of CNI network '%s'", cni->name);
	ips = mb_json_find(o, "ips");
	for (size_t i = 0; r == 0 && i < length_of(ips); i++)
		r = take_address(json_object_array_get_idx(ips, i), &ret->endpoint);
	if (r < 0) {
		mb_net_cni_outcome_done(ret);
		return mb_fail(err, EBADMSG,
		               "the result of CNI network '%s' has an address that is none",
		               cni->name);
	}
	take_mac(mb_json_find(o, "interfaces"), &ret->endpoint);
	dns = mb_json_find(o, "dns");
	take_words(mb_json_find(dns, "nameservers"), &ret->servers);
	take_words(mb_json_find(dns, "search"), &ret->search);
	take_words(mb_json_find(dns, "options"), &ret->options);
	domain = mb_json_find_str(dns, "domain", "");
	if (*domain && !ret->search.n && !strpbrk(domain, " \t\r\n"))
		mb_strv_add(&ret->search, domain);
	return 0;
}

void mb_net_cni_outcome_done(struct mb_net_cni_outcome *o)
{
	struct mb_net_endpoint *e = &o->endpoint;
	char **const texts[] = {&e->ip4, &e->gw4, &e->ip6, &e->gw6, &e->mac};

	for (size_t i = 0; i < MB_N(texts); i++)
		mb_strset(texts[i], NULL);
	mb_strv_done(&o->servers);
	mb_strv_done(&o->search);
	mb_strv_done(&o->options);
}
