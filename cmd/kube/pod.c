/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/kube/kube.h"
#include "container/container.h"
#include "core/own.h"
#include "core/parse.h"
#include "json/json.h"

void mb_cmd_kube_done(struct mb_cmd_kube *k)
{
	mb_str_done(&k->containers);
	mb_str_done(&k->volumes);
	mb_str_done(&k->ports);
	mb_strv_done(&k->comments);
	mb_strv_done(&k->names);
	mb_strv_done(&k->volume_names);
	mb_strv_done(&k->port_names);
	free(k->name);
}

void mb_cmd_kube_put(struct mb_str *out, const char *key, const char *value)
{
	if (!value)
		return;
	mb_str_addf(out, "%s: ", key);
	/* A string of JSON's is one of YAML's. */
	mb_json_format_string(value, strlen(value), out);
	mb_str_addc(out, '\n');
}

void mb_cmd_kube_put_list(struct mb_str *out, const char *indent, const char *key,
                          const struct mb_strv *list)
{
	if (!list->n)
		return;
	mb_str_addf(out, "%s%s:\n", indent, key);
	MB_STRV_FOREACH (item, list) {
		mb_str_addf(out, "%s- ", indent);
		mb_json_format_string(item, strlen(item), out);
		mb_str_addc(out, '\n');
	}
}

char *mb_cmd_kube_name(const char *text)
{
	enum { LONGEST = 63 };
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	for (; *text && out.len < LONGEST; text++) {
		char c = (char)tolower((unsigned char)*text);
		bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		if (good || out.len) /* it begins with neither */
			mb_str_addc(&out, good ? c : '-');
	}
	while (out.len && out.buf[out.len - 1] == '-')
		out.buf[--out.len] = '\0';
	return out.len ? mb_str_take(&out) : mb_strdup("x");
}

/* ---- the pod -------------------------------------------------------------------------- */

static const char *restart_policy(const struct mb_container *c)
{
	const char *name = c->record->host.restart.name;

	if (mb_streq(name, "on-failure"))
		return "OnFailure";
	return !name || !*name || mb_streq(name, "no") ? "Never" : "Always";
}

/* "name:address" */
static void put_hosts(const struct mb_strv *hosts, struct mb_str *out)
{
	bool any = false;

	MB_STRV_FOREACH (host, hosts) {
		const char *colon = strchr(host, ':');
		MB_AUTO_FREE char *name = colon ? mb_strndup(host, (size_t)(colon - host)) : NULL;

		if (!colon || strcmp(colon + 1, "host-gateway") == 0)
			continue;
		if (!any)
			mb_str_add(out, "  hostAliases:\n");
		any = true;
		mb_cmd_kube_put(out, "  - ip", colon + 1);
		mb_str_add(out, "    hostnames:\n");
		mb_str_add(out, "    - ");
		mb_json_format_string(name, strlen(name), out);
		mb_str_addc(out, '\n');
	}
}

static void put_dns(const struct mb_container_host_config *h, struct mb_str *out)
{
	if (!h->dns.n && !h->dns_search.n && !h->dns_options.n)
		return;
	mb_str_add(out, "  dnsConfig:\n");
	mb_cmd_kube_put_list(out, "    ", "nameservers", &h->dns);
	mb_cmd_kube_put_list(out, "    ", "searches", &h->dns_search);
	if (h->dns_options.n)
		mb_str_add(out, "    options:\n");
	MB_STRV_FOREACH (option, &h->dns_options) {
		const char *colon = strchr(option, ':');
		MB_AUTO_FREE char *name =
			mb_strndup(option, colon ? (size_t)(colon - option) : strlen(option));

		mb_cmd_kube_put(out, "    - name", name);
		mb_cmd_kube_put(out, "      value", colon ? colon + 1 : NULL);
	}
}

static void put_context(const struct mb_container_host_config *h, struct mb_str *out)
{
	bool any = false;

	MB_STRV_FOREACH (group, &h->group_add) {
		uint32_t gid;

		if (mb_parse_u32(group, &gid) < 0)
			continue;
		if (!any)
			mb_str_add(out, "  securityContext:\n    supplementalGroups:\n");
		any = true;
		mb_str_addf(out, "    - %u\n", gid);
	}
	if (h->sysctls.n)
		mb_str_addf(out, "%s    sysctls:\n", any ? "" : "  securityContext:\n");
	MB_KV_FOREACH (pair, &h->sysctls) {
		mb_cmd_kube_put(out, "    - name", pair->key);
		mb_cmd_kube_put(out, "      value", pair->value);
	}
}

/* What the first of them asks of the host is asked for the pod. */
static void put_spec(const struct mb_cmd_kube *k, struct mb_str *out)
{
	const struct mb_container_record *r = k->v[0]->record;
	const struct mb_container_host_config *h = &r->host;

	mb_str_add(out, "spec:\n");
	mb_str_addf(out, "  restartPolicy: %s\n", restart_policy(k->v[0]));
	if (r->config.has_stop_timeout && r->config.stop_timeout >= 0)
		mb_str_addf(out, "  terminationGracePeriodSeconds: %lld\n",
		            (long long)r->config.stop_timeout);
	if (r->config.hostname && *r->config.hostname &&
	    strncmp(r->config.hostname, r->id, MB_ID_SHORT) != 0)
		mb_cmd_kube_put(out, "  hostname", r->config.hostname);
	if (mb_streq(h->network_mode, "host"))
		mb_str_add(out, "  hostNetwork: true\n");
	if (mb_streq(h->pid_mode, "host"))
		mb_str_add(out, "  hostPID: true\n");
	if (mb_streq(h->ipc_mode, "host"))
		mb_str_add(out, "  hostIPC: true\n");
	put_hosts(&h->extra_hosts, out);
	put_dns(h, out);
	put_context(h, out);
}

/* What an image, or whoever made it, has said stays in its line: readers of YAML end one at U+2028
 * and U+2029, too. */
static void put_comments(const struct mb_strv *comments, struct mb_str *out)
{
	MB_STRV_FOREACH (comment, comments) {
		MB_AUTO_FREE char *line = mb_printable(comment);

		for (char *at = line; (at = strstr(at, "\xe2\x80")); at += 2)
			if (at[2] == '\xa8' || at[2] == '\xa9')
				memset(at, ' ', 3);
		mb_str_addf(out, "# %s\n", line);
	}
}

void mb_cmd_kube_write(struct mb_cmd_kube *k, bool service, struct mb_str *out)
{
	const struct mb_container_record *first = k->v[0]->record;
	MB_AUTO_FREE char *name = mb_asprintf("%.59s-pod", first->name);

	k->name = mb_cmd_kube_name(name);
	for (size_t i = 0; i < k->n; i++) {
		mb_cmd_kube_add(k, k->v[i]);
		mb_cmd_kube_add_comments(k, k->v[i]);
	}
	if (service && !k->ports.len)
		mb_strv_add(&k->comments, "--service: no port is published, and a Service has one");
	put_comments(&k->comments, out);
	mb_str_add(out, "apiVersion: v1\nkind: Pod\nmetadata:\n");
	mb_cmd_kube_put(out, "  name", k->name);
	mb_str_add(out, "  labels:\n");
	mb_cmd_kube_put(out, "    app", k->name);
	if (first->config.labels.n)
		mb_str_add(out, "  annotations:\n");
	MB_KV_FOREACH (pair, &first->config.labels) {
		mb_str_add(out, "    ");
		mb_json_format_string(pair->key, strlen(pair->key), out);
		mb_cmd_kube_put(out, "", pair->value);
	}
	put_spec(k, out);
	mb_str_addf(out, "  containers:\n%s", mb_str_text(&k->containers));
	if (k->volumes.len)
		mb_str_addf(out, "  volumes:\n%s", mb_str_text(&k->volumes));
	if (service)
		mb_cmd_kube_put_service(k, out);
}
