/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What podman's create has besides docker's, or understands in another way. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

#include "build/names.h"
#include "cmd/container_flags.h"
#include "cmd/context.h"
#include "container/create.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "json/json.h"

/* A JSON list of strings is so many words; whatever only looks like one is a word. */
static bool take_list(const char *text, struct mb_strv *words)
{
	MB_AUTO(mb_json_free) struct json_object *list = NULL;

	if (mb_json_parse(text, strlen(text), &list, NULL) < 0 ||
	    !json_object_is_type(list, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *word = json_object_array_get_idx(list, i);

		if (!json_object_is_type(word, json_type_string) ||
		    strlen(json_object_get_string(word)) !=
		            (size_t)json_object_get_string_len(word))
			return false;
	}
	for (size_t i = 0; i < json_object_array_length(list); i++)
		mb_strv_add(words, json_object_get_string(json_object_array_get_idx(list, i)));
	return true;
}

static int fill_pid_file(const struct mb_cmd_create_args *a, struct mb_container_host_config *h,
                         struct mb_err *err)
{
	MB_AUTO_FREE char *cwd = NULL;

	if (!a->pidfile)
		return 0;
	if (*a->pidfile == '/') {
		h->pid_file = mb_strdup(a->pidfile);
		return 0;
	}
	cwd = getcwd(NULL, 0);
	if (!cwd || !*a->pidfile)
		return mb_fail(err, EINVAL, "--pidfile: '%s' is no path from here", a->pidfile);
	h->pid_file = mb_asprintf("%s/%s", cwd, a->pidfile);
	return 0;
}

static bool is_of_proxy(const char *assignment)
{
	MB_AUTO_FREE char *name = mb_strndup(assignment, strcspn(assignment, "="));

	return mb_build_name_is_proxy(name);
}

int mb_cmd_create_podman_fill(struct mb_cmd_context *cx, const struct mb_cmd_create_args *a,
                              struct mb_container_create_request *q, struct mb_err *err)
{
	q->has_entrypoint = a->entrypoint;
	if (a->entrypoint && *a->entrypoint && !take_list(a->entrypoint, &q->config.entrypoint))
		mb_strv_add(&q->config.entrypoint, a->entrypoint);
	for (char *const *v = cx->user_env; v && *v; v++)
		if (strchr(*v, '=') > *v && (a->env_host || (a->http_proxy && is_of_proxy(*v))))
			mb_strv_add(&q->host_env, *v);
	q->drop_image_env = a->unset_env_all;
	q->host.no_hosts = a->no_hosts;
	if (a->no_hosts && a->add_hosts.n)
		return mb_fail(err, EINVAL, "--no-hosts and --add-host cannot be set together");
	q->config.timezone = mb_strdup_or_null(a->timezone);
	q->config.umask = mb_strdup_or_null(a->umask);
	return fill_pid_file(a, &q->host, err);
}
