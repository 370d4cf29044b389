/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "cmd/kube/kube.h"
#include "container/container.h"
#include "core/own.h"
#include "core/parse.h"
#include "image/image.h"
#include "json/json.h"

#define IN "    " /* in front of what belongs to an element of "containers" */

/* What the image says of it itself is not said again. */
static void put_env(const struct mb_container *c, struct mb_str *out)
{
	const char *id = mb_skip_prefix(c->record->image_id, "sha256:");
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	bool any = false;

	if (id)
		(void)mb_image_open(c->store, id, &image, NULL);
	MB_STRV_FOREACH (assignment, &c->record->config.env) {
		size_t n = strcspn(assignment, "=");
		MB_AUTO_FREE char *name = mb_strndup(assignment, n);
		MB_AUTO_FREE char *value = mb_cmd_kube_literal(
			assignment + n + (assignment[n] == '='), &c->record->config.env);

		if (image && mb_strv_has(&image->config.env, assignment))
			continue;
		/* One that is not to be there: a pod cannot say that. */
		if (!assignment[n])
			continue;
		if (!any)
			mb_str_add(out, IN "env:\n");
		any = true;
		mb_cmd_kube_put(out, IN "- name", name);
		mb_cmd_kube_put(out, IN "  value", value);
	}
}

/* ---- resources, security -------------------------------------------------------------- */

/* Thousandths of a processor; no more than what limits it, which a cluster would refuse. */
static long long cpu_request(struct mb_cmd_kube *k, const struct mb_container *c, long long limit)
{
	enum { SHARES_PER_CPU = 1024 };
	long long wanted = (long long)c->record->host.cpu_shares * 1000 / SHARES_PER_CPU;

	if (!limit || wanted <= limit)
		return wanted;
	mb_strv_addf(&k->comments,
	             "container %s: --cpu-shares %lld: a pod asks for no more than --cpus",
	             c->record->name, (long long)c->record->host.cpu_shares);
	return limit;
}

static void put_resources(struct mb_cmd_kube *k, const struct mb_container *c, struct mb_str *out)
{
	enum { NANO_PER_MILLI = 1000000 };
	const struct mb_container_host_config *h = &c->record->host;
	long long cpu = (h->nano_cpus + NANO_PER_MILLI - 1) / NANO_PER_MILLI;

	if (!h->memory && !h->nano_cpus && !h->memory_reservation && !h->cpu_shares)
		return;
	mb_str_add(out, IN "resources:\n");
	if (h->memory || h->nano_cpus)
		mb_str_add(out, IN "  limits:\n");
	if (h->memory)
		mb_str_addf(out, IN "    memory: \"%lld\"\n", (long long)h->memory);
	if (h->nano_cpus)
		mb_str_addf(out, IN "    cpu: \"%lldm\"\n", cpu);
	if (h->memory_reservation || h->cpu_shares)
		mb_str_add(out, IN "  requests:\n");
	if (h->memory_reservation)
		mb_str_addf(out, IN "    memory: \"%lld\"\n", (long long)h->memory_reservation);
	if (h->cpu_shares)
		mb_str_addf(out, IN "    cpu: \"%lldm\"\n", cpu_request(k, c, cpu));
}

/* Runtimes of Kubernetes' put "CAP_" before each of them, whatever it is. */
static void put_names(const char *key, const struct mb_strv *capabilities, struct mb_str *out)
{
	MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;

	MB_STRV_FOREACH (capability, capabilities) {
		const char *name = mb_skip_prefix(capability, "CAP_");

		mb_strv_add(&names, name ? name : capability);
	}
	mb_cmd_kube_put_list(out, IN "    ", key, &names);
}

static void put_capabilities(const struct mb_container_host_config *h, struct mb_str *out)
{
	if (!h->cap_add.n && !h->cap_drop.n)
		return;
	mb_str_add(out, IN "  capabilities:\n");
	put_names("add", &h->cap_add, out);
	put_names("drop", &h->cap_drop, out);
}

/* "1000", "1000:1000"; names are of the image. */
static void put_user(struct mb_cmd_kube *k, const struct mb_container *c, struct mb_str *out)
{
	const char *user = c->record->config.user ? c->record->config.user : "";
	const char *colon = strchr(user, ':');
	MB_AUTO_FREE char *name = mb_strndup(user, strcspn(user, ":"));
	uint32_t uid, gid;

	if (!*user)
		return;
	if (mb_parse_u32(name, &uid) < 0 || (colon && mb_parse_u32(colon + 1, &gid) < 0)) {
		mb_strv_addf(&k->comments, "container %s: user '%s': a pod knows numbers",
		             c->record->name, user);
		return;
	}
	mb_str_addf(out, IN "  runAsUser: %u\n", uid);
	if (colon)
		mb_str_addf(out, IN "  runAsGroup: %u\n", gid);
}

static void put_security(struct mb_cmd_kube *k, const struct mb_container *c, struct mb_str *out)
{
	const struct mb_container_host_config *h = &c->record->host;
	MB_AUTO_STR struct mb_str inner = MB_STR_INIT;

	if (h->privileged)
		mb_str_add(&inner, IN "  privileged: true\n");
	if (h->readonly_rootfs)
		mb_str_add(&inner, IN "  readOnlyRootFilesystem: true\n");
	MB_STRV_FOREACH (option, &h->security_opt) {
		if (mb_starts_with(option, "no-new-privileges"))
			mb_str_add(&inner, IN "  allowPrivilegeEscalation: false\n");
		else if (mb_streq(option, "seccomp=unconfined"))
			mb_str_add(&inner, IN "  seccompProfile:\n" IN "    type: Unconfined\n");
		else
			mb_strv_addf(&k->comments, "container %s: --security-opt %s",
			             c->record->name, option);
	}
	put_user(k, c, &inner);
	put_capabilities(h, &inner);
	if (inner.len)
		mb_str_addf(out, IN "securityContext:\n%s", mb_str_text(&inner));
}

/* ---- probes --------------------------------------------------------------------------- */

static void put_probe(const char *name, const struct mb_oci_healthcheck *check,
                      const struct mb_strv *env, struct mb_str *out)
{
	static const long long second = 1000000000;
	MB_AUTO_STRV struct mb_strv command = MB_STRV_INIT;
	const struct mb_strv *test = &check->test;

	if (test->n < 2 || mb_streq(test->v[0], "NONE"))
		return;
	if (mb_streq(test->v[0], "CMD-SHELL")) {
		mb_strv_add(&command, "/bin/sh");
		mb_strv_add(&command, "-c");
	}
	for (size_t i = 1; i < test->n; i++)
		mb_strv_add(&command, test->v[i]);
	mb_str_addf(out, IN "%s:\n" IN "  exec:\n", name);
	mb_cmd_kube_put_words(out, IN "    ", "command", &command, env);
	if (check->start_period_nsec)
		mb_str_addf(out, IN "  initialDelaySeconds: %lld\n",
		            (check->start_period_nsec + second - 1) / second);
	mb_str_addf(out, IN "  periodSeconds: %lld\n" IN "  timeoutSeconds: %lld\n",
	            check->interval_nsec ? (check->interval_nsec + second - 1) / second : 30,
	            check->timeout_nsec ? (check->timeout_nsec + second - 1) / second : 30);
	mb_str_addf(out, IN "  failureThreshold: %d\n", check->retries ? check->retries : 3);
}

/* Two that differ in what Kubernetes' names have not are numbered. */
static char *name_of(struct mb_cmd_kube *k, const struct mb_container *c)
{
	enum { ROOM = 50 }; /* for the number */
	MB_AUTO_FREE char *name = mb_cmd_kube_name(c->record->name);

	for (int i = 2; mb_strv_has(&k->names, name); i++) {
		MB_AUTO_FREE char *numbered = mb_asprintf("%.*s %d", ROOM, c->record->name, i);

		free(name);
		name = mb_cmd_kube_name(numbered);
	}
	mb_strv_add(&k->names, name);
	return mb_strdup(name);
}

void mb_cmd_kube_add(struct mb_cmd_kube *k, const struct mb_container *c)
{
	const struct mb_container_config *config = &c->record->config;
	MB_AUTO_FREE char *name = name_of(k, c);
	struct mb_str *out = &k->containers;

	mb_cmd_kube_put(out, "  - name", name);
	mb_cmd_kube_put(out, IN "image", config->image);
	mb_cmd_kube_put_words(out, IN, "command", &config->entrypoint, &config->env);
	mb_cmd_kube_put_words(out, IN, "args", &config->cmd, &config->env);
	if (config->working_dir && *config->working_dir)
		mb_cmd_kube_put(out, IN "workingDir", config->working_dir);
	put_env(c, out);
	mb_cmd_kube_add_ports(k, c);
	put_resources(k, c, out);
	put_security(k, c, out);
	if (config->healthcheck)
		put_probe("livenessProbe", config->healthcheck, &config->env, out);
	if (config->startup)
		put_probe("startupProbe", &config->startup->check, &config->env, out);
	if (config->open_stdin)
		mb_str_add(out, IN "stdin: true\n");
	if (config->tty)
		mb_str_add(out, IN "tty: true\n");
	mb_cmd_kube_add_volumes(k, c);
}
