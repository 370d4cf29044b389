/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/inspect.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container/bundle.h"
#include "container/container.h"
#include "container/health.h"
#include "container/logging.h"
#include "container/shape.h"
#include "core/clock.h"
#include "core/err.h"
#include "core/str.h"
#include "image/image.h"
#include "net/cni.h"
#include "net/net.h"
#include "net/network_spec.h"
#include "net/port_spec.h"
#include "store/store.h"
#include "sys/path.h"
#include "volume/mount.h"
#include "json/json.h"

static struct json_object *state_json(const struct mb_container *c)
{
	const struct mb_container_state *s = &c->state;
	struct json_object *o = mb_json_new_object();
	bool up = s->status == MB_STATUS_RUNNING || s->status == MB_STATUS_PAUSED;
	bool ended = s->has_exit && !up;
	const struct mb_container_lost lost = mb_container_logging_lost(c);
	struct json_object *health;
	const char *error = s->status == MB_STATUS_DEAD ? s->error : ended ? s->exit.error : "";

	mb_json_set_str(o, "Status", mb_container_status_name(s->status));
	mb_json_set_bool(o, "Running", up || s->status == MB_STATUS_RESTARTING);
	mb_json_set_bool(o, "Paused", s->status == MB_STATUS_PAUSED);
	mb_json_set_bool(o, "Restarting", s->status == MB_STATUS_RESTARTING);
	mb_json_set_bool(o, "OOMKilled", ended && s->exit.oom_killed);
	mb_json_set_bool(o, "Dead", s->status == MB_STATUS_DEAD);
	mb_json_set_i64(o, "Pid", up ? s->run.pid : 0);
	mb_json_set_i64(o, "ExitCode", ended ? s->exit.exit_code : 0);
	mb_json_set_str(o, "Error", error ? error : "");
	mb_json_set_time(o, "StartedAt", s->has_run ? s->run.started : s->exit.started);
	mb_json_set_time(o, "FinishedAt", ended ? s->exit.finished : s->run.ended_before);
	/* Keys that docker does not have are there when there is something to say. */
	if (lost.dropped || lost.unsent) {
		mb_json_set_i64(o, "LogDropped", (int64_t)lost.dropped);
		mb_json_set_i64(o, "LogUnsent", (int64_t)lost.unsent);
	}
	health = mb_container_health_json(c);
	if (health)
		mb_json_set(o, "Health", health);
	return o;
}

static void add_binding(struct json_object *ports, const char *port, const char *ip,
                        const char *host_port)
{
	struct json_object *list = mb_json_find(ports, port), *one = mb_json_new_object();

	if (!list || !json_object_is_type(list, json_type_array)) {
		list = mb_json_new_array();
		mb_json_set(ports, port, list);
	}
	mb_json_set_str(one, "HostIp", ip);
	mb_json_set_str(one, "HostPort", host_port);
	mb_json_push(list, one);
}

/* Of networks whose addresses are known outside no port of the host is there, as docker has it. */
static void add_opened(struct json_object *ports, const struct mb_net_sandbox *sandbox)
{
	const struct mb_net_endpoint *e = NULL;

	for (size_t i = 0; sandbox && i < sandbox->n_endpoints; i++)
		if (sandbox->endpoints[i].gateway)
			e = &sandbox->endpoints[i];
	for (size_t i = 0; e && i < sandbox->n_opened; i++) {
		const struct mb_net_opened *o = &sandbox->opened[i];
		MB_AUTO_FREE char *port =
			mb_asprintf("%u/%s", o->port, mb_net_proto_name((uint8_t)o->proto));

		if (o->v4 && e->direct4 && e->ip4)
			add_binding(ports, port, "0.0.0.0", "");
		if (o->v6 && e->direct6 && e->ip6)
			add_binding(ports, port, "::", "");
	}
}

/* {"80/tcp": [{"HostIp": ..., "HostPort": ...}], "443/tcp": null} */
static struct json_object *ports_json(const struct mb_container *c,
                                      const struct mb_net_sandbox *sandbox)
{
	const struct mb_container_run *run = &c->state.run;
	const struct mb_strv *exposed = &c->record->config.exposed_ports;
	struct json_object *ports = mb_json_new_object();

	if (!mb_container_is_running(c))
		return ports;
	for (size_t i = 0; i < exposed->n; i++)
		mb_json_set(ports, exposed->v[i], NULL);
	for (size_t i = 0; i < run->n_ports; i++)
		add_binding(ports, run->ports[i].container_port, run->ports[i].host_ip,
		            run->ports[i].host_port);
	add_opened(ports, sandbox);
	return ports;
}

/* By name, as Go writes maps.  @o is taken. */
static struct json_object *sorted(struct json_object *o)
{
	struct json_object *result = mb_json_new_object();
	MB_AUTO_STRV struct mb_strv keys = MB_STRV_INIT;

	json_object_object_foreach (o, key, value) {
		(void)value;
		mb_strv_add(&keys, key);
	}
	mb_strv_sort(&keys);
	MB_STRV_FOREACH (name, &keys)
		mb_json_set(result, name, json_object_get(mb_json_find(o, name)));
	mb_json_free(o);
	return result;
}

static struct json_object *bindings_json(const struct mb_container_record *record)
{
	struct json_object *ports = mb_json_new_object();

	for (size_t i = 0; i < record->host.publish.n; i++) {
		struct mb_net_port_spec spec = {0};

		if (mb_net_port_spec_parse(record->host.publish.v[i], &spec, NULL) < 0)
			continue;
		for (unsigned k = 0; k <= (unsigned)(spec.port_hi - spec.port_lo); k++) {
			MB_AUTO_FREE char *port = mb_asprintf("%u/%s", spec.port_lo + k,
			                                      mb_net_proto_name(spec.proto));
			MB_AUTO_FREE char *host =
				spec.host_lo ? mb_asprintf("%u", spec.host_lo + k) : mb_strdup("");

			add_binding(ports, port, spec.host_ip ? spec.host_ip : "", host);
		}
		mb_net_port_spec_done(&spec);
	}
	return sorted(ports);
}

/* docker: also the short id and the host's name, which are among the names that are answered. */
static struct json_object *aliases_json(const struct mb_net_endpoint *e, const char *own_name)
{
	struct json_object *list = NULL;

	MB_STRV_FOREACH (alias, &e->aliases) {
		list = list ? list : mb_json_new_array();
		mb_json_push_str(list, alias);
	}
	MB_STRV_FOREACH (name, &e->names) {
		if (mb_strv_has(&e->aliases, name) || mb_streq(name, own_name))
			continue;
		list = list ? list : mb_json_new_array();
		mb_json_push_str(list, name);
	}
	return list;
}

static struct json_object *endpoint_json(const struct mb_net_endpoint *e, const char *own_name)
{
	struct json_object *o = mb_json_new_object();

	if (e->wanted_ip4 || e->wanted_ip6) {
		struct json_object *asked = mb_json_new_object();

		if (e->wanted_ip4)
			mb_json_set_str(asked, "IPv4Address", e->wanted_ip4);
		if (e->wanted_ip6)
			mb_json_set_str(asked, "IPv6Address", e->wanted_ip6);
		mb_json_set(o, "IPAMConfig", asked);
	} else {
		mb_json_set(o, "IPAMConfig", NULL);
	}
	if (e->links.n)
		mb_json_set(o, "Links", mb_json_new_strv(&e->links));
	mb_json_set(o, "Aliases", aliases_json(e, own_name));
	if (e->names.n)
		mb_json_set(o, "DNSNames", mb_json_new_strv(&e->names));
	mb_json_set_str(o, "NetworkID", e->network_id ? e->network_id : "");
	mb_json_set_str(o, "EndpointID", e->id ? e->id : "");
	mb_json_set_str(o, "Gateway", e->gw4 ? e->gw4 : "");
	mb_json_set_str(o, "IPAddress", e->ip4 ? e->ip4 : "");
	mb_json_set_i64(o, "IPPrefixLen", e->ip4 ? e->prefix4 : 0);
	mb_json_set_str(o, "IPv6Gateway", e->gw6 ? e->gw6 : "");
	mb_json_set_str(o, "GlobalIPv6Address", e->ip6 ? e->ip6 : "");
	mb_json_set_i64(o, "GlobalIPv6PrefixLen", e->ip6 ? e->prefix6 : 0);
	mb_json_set_str(o, "MacAddress", e->mac ? e->mac : "");
	return mb_container_shape(o, mb_container_shape_endpoint);
}

static void set_first(struct json_object *o, const struct mb_net_endpoint *e)
{
	mb_json_set_str(o, "Gateway", e && e->gw4 ? e->gw4 : "");
	mb_json_set_str(o, "IPAddress", e && e->ip4 ? e->ip4 : "");
	mb_json_set_i64(o, "IPPrefixLen", e && e->ip4 ? e->prefix4 : 0);
	mb_json_set_str(o, "IPv6Gateway", e && e->gw6 ? e->gw6 : "");
	mb_json_set_str(o, "GlobalIPv6Address", e && e->ip6 ? e->ip6 : "");
	mb_json_set_i64(o, "GlobalIPv6PrefixLen", e && e->ip6 ? e->prefix6 : 0);
	mb_json_set_str(o, "MacAddress", e && e->mac ? e->mac : "");
	mb_json_set_str(o, "EndpointID", e && e->id ? e->id : "");
}

/* What one that does not run would be connected to. */
static void set_asked(struct json_object *networks, const struct mb_container_record *record)
{
	for (size_t i = 0; i < record->networks.n; i++) {
		struct mb_net_network_spec spec = {0};
		struct mb_net_endpoint e = {0};

		if (mb_net_network_spec_parse(record->networks.v[i], &spec, NULL) < 0)
			continue;
		e.aliases = spec.aliases;
		e.links = spec.links;
		e.wanted_ip4 = spec.ip4;
		e.wanted_ip6 = spec.ip6;
		mb_json_set(networks, spec.name, endpoint_json(&e, record->name));
		mb_net_network_spec_done(&spec);
	}
}

static struct json_object *cni_json(const struct mb_net_sandbox *sandbox)
{
	struct mb_net_cni_outcome outcome = {0};
	struct json_object *o;

	if (sandbox)
		(void)mb_net_cni_outcome(&sandbox->cni, &outcome, NULL);
	o = endpoint_json(&outcome.endpoint, NULL);
	mb_net_cni_outcome_done(&outcome);
	return o;
}

static struct json_object *network_json(struct mb_container *c, struct mb_net *net)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *sandbox = NULL;
	struct json_object *o = mb_json_new_object(), *networks = mb_json_new_object();
	const struct mb_net_endpoint *first = NULL;
	const char *mode = c->record->host.network_mode ? c->record->host.network_mode : "";
	char key[64] = "";

	if (c->run_fd >= 0 && mb_net_sandbox_load(net, c->id, &sandbox, NULL) == 0)
		for (size_t i = 0; i < sandbox->n_endpoints; i++) {
			const struct mb_net_endpoint *e = &sandbox->endpoints[i];

			if (strcmp(e->network, MB_NET_DEFAULT) == 0)
				first = e;
			mb_json_set(networks, e->network, endpoint_json(e, c->record->name));
		}
	if (!sandbox)
		set_asked(networks, c->record);
	if (mb_starts_with(mode, "cni:"))
		mb_json_set(networks, mode, cni_json(sandbox));
	if (mb_streq(c->record->host.network_mode, "host") ||
	    mb_streq(c->record->host.network_mode, "none"))
		mb_json_set(networks, c->record->host.network_mode,
		            endpoint_json(&(struct mb_net_endpoint){0}, NULL));
	if (mb_container_is_running(c))
		snprintf(key, sizeof(key), "/proc/%d/ns/net", c->state.run.pid);
	mb_json_set_str(o, "SandboxID", sandbox ? c->id : "");
	mb_json_set_str(o, "SandboxKey", key);
	mb_json_set(o, "Ports", ports_json(c, sandbox));
	set_first(o, first);
	mb_json_set(o, "Networks", networks);
	return mb_container_shape(o, mb_container_shape_network);
}

/* The third part of the -v that made it, or NULL. */
static const char *typed_mode(const struct mb_container_record *record,
                              const struct mb_container_mount *m)
{
	MB_STRV_FOREACH (bind, &record->host.binds) {
		const char *target = strchr(bind, ':');
		const char *mode = target ? strchr(target + 1, ':') : NULL;
		MB_AUTO_FREE char *text =
			mode ? mb_strndup(target + 1, (size_t)(mode - target - 1)) : NULL;
		MB_AUTO_FREE char *clean = text ? mb_sys_path_clean(text) : NULL;

		if (mb_streq(clean, m->destination))
			return mode + 1;
	}
	return NULL;
}

/* As docker has it: a named volume is shared, "ro" is a word of the short form. */
static const char *mode_of(const struct mb_container_record *record,
                           const struct mb_container_mount *m)
{
	const char *typed = typed_mode(record, m);

	if (typed)
		return typed;
	if (m->mode && *m->mode)
		return m->mode;
	if (m->create_source && !m->rw)
		return "ro";
	return m->name && !m->anonymous ? "z" : "";
}

static const char *propagation_of(const struct mb_container_mount *m)
{
	if (m->propagation && *m->propagation)
		return m->propagation;
	return mb_streq(m->type, "bind") ? "rprivate" : "";
}

/* --tmpfs is told in HostConfig alone. */
static bool is_listed(const struct mb_container_record *record, const struct mb_container_mount *m)
{
	return !mb_kv_find(&record->host.tmpfs, m->destination);
}

static struct json_object *mounts_json(const struct mb_container_record *record)
{
	struct json_object *list = mb_json_new_array();

	for (size_t i = 0; i < record->n_mounts; i++) {
		const struct mb_container_mount *m = &record->mounts[i];
		struct json_object *o;

		if (!is_listed(record, m))
			continue;
		o = mb_json_new_object();
		mb_json_set_str(o, "Type", m->type);
		if (m->name)
			mb_json_set_str(o, "Name", m->name);
		mb_json_set_str(o, "Source", m->source ? m->source : "");
		mb_json_set_str(o, "Destination", m->destination);
		if (m->name)
			mb_json_set_str(o, "Driver", "local");
		mb_json_set_str(o, "Mode", mode_of(record, m));
		mb_json_set_bool(o, "RW", m->rw);
		mb_json_set_str(o, "Propagation", propagation_of(m));
		mb_json_push(list, o);
	}
	return list;
}

static void set_tmpfs(struct json_object *options, const char *text)
{
	MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;

	mb_strv_split(&words, text ? text : "", ',');
	MB_STRV_FOREACH (word, &words) {
		const char *size = mb_skip_prefix(word, "size="),
			   *mode = mb_skip_prefix(word, "mode=");

		if (size)
			mb_json_set_i64(options, "SizeBytes", strtoll(size, NULL, 10));
		else if (mode)
			mb_json_set_i64(options, "Mode", strtol(mode, NULL, 8));
	}
}

/* What is as it always is was not asked for. */
static void set_options(struct json_object *o, const struct mb_container_mount *m)
{
	struct json_object *options = mb_json_new_object();
	const char *key = "VolumeOptions";

	if (mb_streq(m->type, "bind")) {
		key = "BindOptions";
		if (!mb_streq(propagation_of(m), "rprivate"))
			mb_json_set_str(options, "Propagation", m->propagation);
		if (m->recursive == MB_VOLUME_RECURSIVE_DISABLED)
			mb_json_set_bool(options, "NonRecursive", true);
	} else if (mb_streq(m->type, "image")) {
		key = "ImageOptions";
	} else if (mb_streq(m->type, "tmpfs")) {
		key = "TmpfsOptions";
		set_tmpfs(options, m->options);
	}
	if (m->nocopy)
		mb_json_set_bool(options, "NoCopy", true);
	if (m->subpath && *m->subpath)
		mb_json_set_str(options, "Subpath", m->subpath);
	if (json_object_object_length(options))
		mb_json_set(o, key, options);
	else
		mb_json_free(options);
}

/* What --mount asked for; NULL: nothing, then docker has no such member. */
static struct json_object *asked_json(const struct mb_container_record *record)
{
	struct json_object *list = NULL;

	for (size_t i = 0; i < record->n_mounts; i++) {
		const struct mb_container_mount *m = &record->mounts[i];
		struct json_object *o;

		if (!m->by_mount)
			continue;
		o = mb_json_new_object();
		mb_json_set_str(o, "Type", m->type);
		if (m->name ? !m->anonymous : m->source && *m->source)
			mb_json_set_str(o, "Source", m->name ? m->name : m->source);
		mb_json_set_str(o, "Target", m->destination);
		if (!m->rw)
			mb_json_set_bool(o, "ReadOnly", true);
		set_options(o, m);
		list = list ? list : mb_json_new_array();
		mb_json_push(list, o);
	}
	return list;
}

static void set_command(struct json_object *o, const struct mb_container_config *config)
{
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;
	struct json_object *args = mb_json_new_array();

	mb_strv_add_all(&all, &config->entrypoint);
	mb_strv_add_all(&all, &config->cmd);
	mb_json_set_str(o, "Path", all.n ? all.v[0] : "");
	for (size_t i = 1; i < all.n; i++)
		mb_json_push_str(args, all.v[i]);
	mb_json_set(o, "Args", args);
}

static void set_files(struct json_object *o, const struct mb_container *c)
{
	static const char *const rows[][2] = {{"ResolvConfPath", "resolv.conf"},
	                                      {"HostnamePath", "hostname"},
	                                      {"HostsPath", "hosts"}};

	for (size_t i = 0; i < MB_N(rows); i++) {
		MB_AUTO_FREE char *path =
			mb_asprintf("%s/c/%s/%s", c->store->run, c->id, rows[i][1]);

		mb_json_set_str(o, rows[i][0], path);
	}
	MB_AUTO_FREE char *log = mb_container_logging_path(c);

	mb_json_set_str(o, "LogPath", log);
}

/* What lies below the container's own layer, top first; nothing where the image is gone. */
static void set_lower(struct json_object *data, const struct mb_container *c)
{
	const char *image_id = mb_skip_prefix(c->record->image_id, "sha256:");
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	MB_AUTO_STR struct mb_str lower = MB_STR_INIT;

	if (!c->record->rootfs && !c->record->on_layers &&
	    (!image_id || mb_image_open(c->store, image_id, &image, NULL) != 0))
		return;
	if (c->record->rootfs)
		mb_str_add(&lower, c->record->rootfs);
	else
		mb_image_layers_text(c->store, image ? &image->layers : &c->record->layers, &lower);
	mb_str_addf(&lower, "%s%s/skeleton", lower.len ? ":" : "", c->store->root);
	mb_json_set_str(data, "LowerDir", mb_str_text(&lower));
}

static struct json_object *data_json(const struct mb_container *c)
{
	struct json_object *data = mb_json_new_object();
	MB_AUTO_FREE char *dir = mb_asprintf("%s/containers/%s", c->store->root, c->id);
	MB_AUTO_FREE char *upper = mb_asprintf("%s/upper", dir);
	MB_AUTO_FREE char *work = mb_asprintf("%s/work", dir);

	set_lower(data, c);
	/* It is mounted in the container alone, into which this leads. */
	if (c->state.has_run && mb_container_is_running(c)) {
		MB_AUTO_FREE char *merged = mb_asprintf("/proc/%d/root", c->state.run.pid);

		mb_json_set_str(data, "MergedDir", merged);
	}
	mb_json_set_str(data, "UpperDir", upper);
	mb_json_set_str(data, "WorkDir", work);
	return data;
}

static struct json_object *driver_json(const struct mb_container *c)
{
	struct json_object *o = mb_json_new_object();
	/* With a directory that it writes to itself there are no layers. */
	bool is_plain = c->record->rootfs && !c->record->rootfs_overlay;

	mb_json_set(o, "Data", is_plain ? NULL : data_json(c));
	mb_json_set_str(o, "Name", "overlay2");
	return o;
}

static int set_sizes(struct json_object *o, struct mb_container *c, struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	const char *image_id = mb_skip_prefix(c->record->image_id, "sha256:");
	int64_t own;
	int r = mb_container_size(c, &own, err);

	if (r < 0)
		return r;
	if (image_id)
		mb_image_open(c->store, image_id, &image, NULL);
	mb_json_set_i64(o, "SizeRw", own);
	mb_json_set_i64(o, "SizeRootFs", own + (image ? (int64_t)image->size : 0));
	return 0;
}

/* What -v names alone ("/data") is a volume of the configuration, and no bind. */
static void set_binds(struct json_object *host, const struct mb_container_record *record)
{
	struct json_object *binds = NULL;

	MB_STRV_FOREACH (bind, &record->host.binds) {
		if (!strchr(bind, ':'))
			continue;
		binds = binds ? binds : mb_json_new_array();
		mb_json_push_str(binds, bind);
	}
	mb_json_set(host, "Binds", binds);
}

static struct json_object *config_json(const struct mb_container_record *record)
{
	struct json_object *o = mb_container_config_json(&record->config);
	struct json_object *volumes = mb_json_find(o, "Volumes");

	MB_STRV_FOREACH (bind, &record->host.binds) {
		if (strchr(bind, ':') || (volumes && mb_json_find(volumes, bind)))
			continue;
		if (!volumes) {
			volumes = mb_json_new_object();
			mb_json_set(o, "Volumes", volumes);
		}
		mb_json_set(volumes, bind, mb_json_new_object());
	}
	/* For generate systemd; docker has no such member. */
	json_object_object_del(o, "CreateCommand");
	return mb_container_shape(o, mb_container_shape_config);
}

static int host_json(const struct mb_container_record *record, struct json_object **ret,
                     struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv masked = MB_STRV_INIT, readonly = MB_STRV_INIT;
	struct json_object *o = mb_container_host_json(&record->host), *asked;
	int r = mb_container_masks(&record->host, &masked, &readonly, err);

	if (r < 0) {
		mb_json_free(o);
		return r;
	}
	set_binds(o, record);
	asked = asked_json(record);
	if (asked)
		mb_json_set(o, "Mounts", asked);
	mb_json_set(o, "PortBindings", bindings_json(record));
	mb_json_set(o, "MaskedPaths", mb_json_new_strv(&masked));
	mb_json_set(o, "ReadonlyPaths", mb_json_new_strv(&readonly));
	/* What is not said is twice the memory. */
	if (record->host.memory > 0 && record->host.memory_swap == 0)
		mb_json_set_i64(o, "MemorySwap", mb_container_swap(&record->host));
	if (record->host.pids_limit == 0)
		json_object_object_del(o, "PidsLimit");
	*ret = mb_container_shape(o, mb_container_shape_host);
	return 0;
}

int mb_container_inspect(struct mb_container *c, struct mb_net *net, bool size,
                         struct json_object **ret, struct mb_err *err)
{
	const struct mb_container_record *record = c->record;
	MB_AUTO(mb_json_free) struct json_object *o = mb_json_new_object();
	MB_AUTO_FREE char *name = mb_asprintf("/%s", record->name);
	struct json_object *host = NULL;
	int restarts = c->state.has_run ? c->state.run.restart_count : c->state.exit.restarts;
	int r = host_json(record, &host, err);

	if (r < 0)
		return r;
	mb_json_set_str(o, "Id", record->id);
	mb_json_set_time(o, "Created", record->created);
	set_command(o, &record->config);
	mb_json_set(o, "State", state_json(c));
	mb_json_set_str(o, "Image", record->image_id);
	if (record->rootfs)
		mb_json_set_str(o, "Rootfs", record->rootfs);
	set_files(o, c);
	mb_json_set_str(o, "Name", name);
	mb_json_set_i64(o, "RestartCount", restarts);
	mb_json_set_str(o, "Driver", "overlay2");
	mb_json_set_str(o, "Platform", "linux");
	mb_json_set(o, "HostConfig", host);
	mb_json_set(o, "GraphDriver", driver_json(c));
	if (size)
		r = set_sizes(o, c, err);
	if (r < 0)
		return r;
	mb_json_set(o, "Mounts", mounts_json(record));
	mb_json_set(o, "Config", config_json(record));
	mb_json_set(o, "NetworkSettings", network_json(c, net));
	*ret = mb_container_shape(mb_take_ptr(&o), mb_container_shape_top);
	return 0;
}
