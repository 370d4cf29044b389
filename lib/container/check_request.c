/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/check_request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "container/bundle.h"
#include "container/container.h"
#include "container/create.h"
#include "container/logging.h"
#include "container/security.h"
#include "core/csv.h"
#include "core/err.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/utf8.h"
#include "net/cni.h"
#include "net/host_spec.h"
#include "net/net.h"
#include "net/network_spec.h"
#include "net/port_spec.h"
#include "net/shape.h"
#include "sys/cgroup.h"
#include "json/json.h"

enum { MIN_MEMORY = 6 << 20, NANO = 1000000000 };

/* --- resources -------------------------------------------------------------------------------- */

static int check_memory(const struct mb_container_host_config *h, struct mb_err *err)
{
	if (h->memory && h->memory < MIN_MEMORY)
		return mb_fail(err, EINVAL, "Minimum memory limit allowed is 6MB");
	if (h->memory_swap > 0 && !h->memory)
		return mb_fail(err, EINVAL,
		               "You should always set the Memory limit when using "
		               "Memoryswap limit, see usage");
	if (h->memory_swap > 0 && h->memory_swap < h->memory)
		return mb_fail(err, EINVAL,
		               "Minimum memoryswap limit should be larger than "
		               "memory limit, see usage");
	if (h->memory_reservation && h->memory && h->memory < h->memory_reservation)
		return mb_fail(err, EINVAL,
		               "Minimum memory limit can not be less than memory "
		               "reservation limit, see usage");
	if (h->shm_size < 0)
		return mb_fail(err, EINVAL, "SHM size can not be less than 0");
	if (h->memory_swappiness < -1 || h->memory_swappiness > 100)
		return mb_fail(err, EINVAL,
		               "Invalid value: %d, valid memory swappiness range is 0-100",
		               h->memory_swappiness);
	return 0;
}

static int check_cpu(const struct mb_container_host_config *h, struct mb_err *err)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (h->nano_cpus && (h->cpu_quota || h->cpu_period))
		return mb_fail(err, EINVAL,
		               "Conflicting options: Nano CPUs and CPU Period/Quota "
		               "cannot both be set.");
	if (h->nano_cpus < 0 || h->nano_cpus > (int64_t)cpus * NANO)
		return mb_fail(err, EINVAL,
		               "Range of CPUs is from 0.01 to %ld.00, as there are only %ld CPUs "
		               "available",
		               cpus, cpus);
	if (h->cpu_period && (h->cpu_period < 1000 || h->cpu_period > 1000000))
		return mb_fail(err, EINVAL,
		               "CPU cfs period can not be less than 1ms (i.e. 1000) or "
		               "larger than 1s (i.e. 1000000)");
	if (h->cpu_quota > 0 && h->cpu_quota < 1000)
		return mb_fail(err, EINVAL, "CPU cfs quota can not be less than 1ms (i.e. 1000)");
	if (h->cpuset_cpus && *h->cpuset_cpus && mb_parse_cpu_list(h->cpuset_cpus, 8191) < 0)
		return mb_fail(err, EINVAL, "Invalid value %s for cpuset cpus", h->cpuset_cpus);
	if (h->cpuset_mems && *h->cpuset_mems && mb_parse_cpu_list(h->cpuset_mems, 1023) < 0)
		return mb_fail(err, EINVAL, "Invalid value %s for cpuset mems", h->cpuset_mems);
	return 0;
}

static int check_resources(const struct mb_container_host_config *h, struct mb_err *err)
{
	MB_AUTO_FREE char *path = NULL;
	int r = check_memory(h, err);

	if (r == 0)
		r = check_cpu(h, err);
	if (r == 0 && h->cgroup_parent && *h->cgroup_parent)
		r = mb_sys_cgroup_path_make(h->cgroup_parent, "container", &path, err);
	if (r < 0)
		return r;
	if (h->blkio_weight && (h->blkio_weight < 10 || h->blkio_weight > 1000))
		return mb_fail(err, EINVAL, "Range of blkio weight is from 10 to 1000");
	if (h->oom_score_adj < -1000 || h->oom_score_adj > 1000)
		return mb_fail(err, EINVAL,
		               "Invalid value %d, range for oom score adj is [-1000, 1000]",
		               h->oom_score_adj);
	if (h->pids_limit < -1)
		return mb_fail(err, EINVAL, "invalid value for --pids-limit");
	return 0;
}

/* --- lists of KEY:VALUE texts ----------------------------------------------------------------- */

static const char *const ulimit_names[] = {
	"core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
	"nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",
};

static int parse_ulimit(const char *text, struct mb_container_ulimit *u, struct mb_err *err)
{
	MB_AUTO_FREE char *copy = mb_strdup(text);
	char *value = strchr(copy, '='), *hard;
	bool known = false;

	if (!value)
		return mb_fail(err, EINVAL, "invalid ulimit argument: %s", text);
	*value++ = '\0';
	for (size_t i = 0; i < MB_N(ulimit_names); i++)
		known |= strcmp(ulimit_names[i], copy) == 0;
	if (!known)
		return mb_fail(err, EINVAL, "invalid ulimit type: %s", copy);
	hard = strchr(value, ':');
	if (hard)
		*hard++ = '\0';
	if (mb_parse_i64(value, &u->soft) < 0 || mb_parse_i64(hard ? hard : value, &u->hard) < 0 ||
	    u->soft < -1 || u->hard < -1)
		return mb_fail(err, EINVAL, "invalid ulimit argument: %s", text);
	if (u->hard != -1 && (u->soft == -1 || u->soft > u->hard))
		return mb_fail(err, EINVAL,
		               "ulimit soft limit must be less than or equal to hard limit: %s",
		               text);
	u->name = mb_take_ptr(&copy);
	return 0;
}

static bool are_permissions(const char *s)
{
	return *s && s[strspn(s, "rwm")] == '\0';
}

static int parse_device(const char *text, struct mb_container_device *d, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv parts = MB_STRV_INIT;
	const char *target, *permissions = "rwm";

	mb_strv_split(&parts, text, ':');
	if (parts.n < 1 || parts.n > 3)
		return mb_fail(err, EINVAL, "invalid device specification: %s", text);
	target = parts.v[0];
	if (parts.n == 2 && are_permissions(parts.v[1]))
		permissions = parts.v[1];
	else if (parts.n >= 2)
		target = parts.v[1];
	if (parts.n == 3)
		permissions = parts.v[2];
	if (!are_permissions(permissions))
		return mb_fail(err, EINVAL, "invalid device mode: %s", permissions);
	if (parts.v[0][0] != '/' || target[0] != '/')
		return mb_fail(err, EINVAL, "'%s' is not an absolute path", text);
	d->path_on_host = mb_strdup(parts.v[0]);
	d->path_in_container = mb_strdup(target);
	d->permissions = mb_strdup(permissions);
	return 0;
}

static int parse_throttle(const char *text, bool is_size, struct mb_container_throttle *t,
                          struct mb_err *err)
{
	const char *colon = strrchr(text, ':');
	int64_t bytes;

	if (!colon || text[0] != '/')
		return mb_fail(err, EINVAL, "bad format: %s", text);
	if (is_size && mb_parse_size(colon + 1, &bytes) == 0)
		t->rate = (uint64_t)bytes;
	else if (is_size || mb_parse_u64(colon + 1, &t->rate) < 0)
		return mb_fail(err, EINVAL, "invalid rate for device: %s", text);
	t->path = mb_strndup(text, (size_t)(colon - text));
	return 0;
}

static int parse_lists(struct mb_container_create_request *q, struct mb_err *err)
{
	struct mb_container_host_config *h = &q->host;
	struct {
		struct mb_container_throttle **v;
		size_t *n;
	} throttles[] = {{&h->read_bps, &h->n_read_bps},
	                 {&h->write_bps, &h->n_write_bps},
	                 {&h->read_iops, &h->n_read_iops},
	                 {&h->write_iops, &h->n_write_iops}};
	int r = 0;

	for (size_t i = 0; r == 0 && i < q->ulimits.n; i++)
		r = parse_ulimit(
			q->ulimits.v[i],
			mb_container_append(&h->ulimits, &h->n_ulimits, sizeof(*h->ulimits)), err);
	for (size_t i = 0; r == 0 && i < q->devices.n; i++)
		r = parse_device(
			q->devices.v[i],
			mb_container_append(&h->devices, &h->n_devices, sizeof(*h->devices)), err);
	for (size_t k = 0; k < MB_N(throttles); k++)
		for (size_t i = 0; r == 0 && i < q->throttles[k].n; i++)
			r = parse_throttle(q->throttles[k].v[i], k < 2,
			                   mb_container_append(throttles[k].v, throttles[k].n,
			                                       sizeof(**throttles[k].v)),
			                   err);
	return r;
}

/* --- namespaces of others --------------------------------------------------------------------- */

/* "", one of the @words, or "container:X" with X there: its name becomes its id. */
static int check_mode(struct mb_store *store, const char *flag, char **mode,
                      const char *const *words, struct mb_err *err)
{
	char id[MB_ID_TEXT];
	const char *other;
	int r;

	if (!*mode || !**mode)
		return 0;
	for (; *words; words++)
		if (strcmp(*mode, *words) == 0)
			return 0;
	other = mb_skip_prefix(*mode, "container:");
	if (!other || !*other || strcmp(flag, "cgroupns") == 0 || strcmp(flag, "uts") == 0)
		return mb_fail(err, EINVAL, "--%s: invalid %s mode: %s", flag, flag, *mode);
	r = mb_container_resolve(store, other, id, err);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	free(*mode);
	*mode = mb_asprintf("container:%s", id);
	return 0;
}

static int check_modes(struct mb_store *store, struct mb_container_host_config *h,
                       struct mb_err *err)
{
	static const char *const host_only[] = {"host", NULL};
	static const char *const ipc_words[] = {"host", "private", "shareable", "none", NULL};
	static const char *const cgroup_words[] = {"host", "private", NULL};
	int r = check_mode(store, "pid", &h->pid_mode, host_only, err);

	if (r == 0)
		r = check_mode(store, "ipc", &h->ipc_mode, ipc_words, err);
	if (r == 0)
		r = check_mode(store, "uts", &h->uts_mode, host_only, err);
	if (r == 0)
		r = check_mode(store, "cgroupns", &h->cgroupns_mode, cgroup_words, err);
	return r;
}

/* --- network ---------------------------------------------------------------------------------- */

static char *long_form(const struct mb_net_network_spec *spec)
{
	struct mb_str out = MB_STR_INIT;

	mb_str_addf(&out, "name=%s", spec->name);
	for (size_t i = 0; i < spec->aliases.n; i++)
		mb_str_addf(&out, ",alias=%s", spec->aliases.v[i]);
	MB_STRV_FOREACH (link, &spec->links)
		mb_str_addf(&out, ",link=%s", link);
	if (spec->ip4)
		mb_str_addf(&out, ",ip=%s", spec->ip4);
	if (spec->ip6)
		mb_str_addf(&out, ",ip6=%s", spec->ip6);
	if (spec->mac)
		mb_str_addf(&out, ",mac-address=%s", spec->mac);
	if (spec->gw_priority)
		mb_str_addf(&out, ",gw-priority=%d", spec->gw_priority);
	MB_KV_FOREACH (pair, &spec->driver_opts) {
		MB_AUTO_FREE char *field = mb_asprintf("driver-opt=%s=%s", pair->key, pair->value);

		mb_str_addc(&out, ',');
		mb_csv_add(&out, field);
	}
	return mb_str_take(&out);
}

static int check_cni(const char *name, bool ports, struct mb_err *err)
{
	MB_AUTO(mb_json_free) struct json_object *list = NULL;
	int r = mb_net_cni_find(name, &list, err);

	if (r == 0 && ports && !mb_net_cni_maps_ports(list))
		return mb_fail(err, EINVAL,
		               "CNI network '%s' publishes no ports: no plugin of it has the "
		               "capability portMappings",
		               name);
	return r;
}

/* What is the other's own in a shared network stack, in docker's order. */
static int check_shared_stack(const struct mb_container_create_request *q, struct mb_err *err)
{
	const struct mb_container_host_config *h = &q->host;
	const char *other = q->config.hostname && *q->config.hostname ? "hostname"
	                    : h->dns.n                                ? "dns"
	                    : h->extra_hosts.n                        ? "custom host-to-IP mapping"
	                    : q->mac                                  ? "mac-address"
	                                                              : NULL;
	const char *ports = h->publish.n || h->publish_all ? "publishing"
	                    : q->expose.n                  ? "exposing"
	                                                   : NULL;

	if (other)
		return mb_fail(err, EINVAL, "conflicting options: %s and the network mode", other);
	return ports ? mb_fail(err, EINVAL,
	                       "conflicting options: port %s and the container type network mode",
	                       ports)
	             : 0;
}

/* Where nobody asks the resolver of networks; the default network's does know names. */
static int check_no_network(const struct mb_net_network_spec *spec, struct mb_err *err)
{
	if (spec->mac && spec->mode == MB_NET_MODE_HOST)
		return mb_fail(err, EINVAL,
		               "conflicting options: mac-address and the network mode");
	return spec->aliases.n
	               ? mb_fail(err, EINVAL,
	                         "network-scoped alias is supported only for containers in user "
	                         "defined networks")
	               : 0;
}

static int use_mode(struct mb_store *store, struct mb_container_create_request *q,
                    const struct mb_net_network_spec *spec, struct mb_err *err)
{
	struct mb_container_host_config *h = &q->host;
	MB_AUTO(mb_container_free) struct mb_container *other = NULL;
	const bool ports = h->publish.n || h->publish_all || q->expose.n;
	char id[MB_ID_TEXT];
	int r;

	if (q->networks.n > 1)
		return mb_fail(err, EINVAL,
		               "conflicting options: cannot attach both user-defined and "
		               "non-user-defined network-modes");
	if (spec->mode == MB_NET_MODE_NS) {
		if (ports)
			return mb_fail(err, EINVAL,
			               "conflicting options: port publishing and a network "
			               "namespace of others");
		free(h->network_mode);
		h->network_mode = mb_asprintf("ns:%s", spec->name);
		return 0;
	}
	if (spec->mode == MB_NET_MODE_CNI) {
		free(h->network_mode);
		h->network_mode = mb_asprintf("cni:%s", spec->name);
		return check_cni(spec->name, h->publish.n || h->publish_all, err);
	}
	if (spec->mode != MB_NET_MODE_CONTAINER) {
		r = check_no_network(spec, err);
		if (r < 0)
			return r;
		mb_strset(&h->network_mode, spec->mode == MB_NET_MODE_HOST ? "host" : "none");
		return 0;
	}
	r = mb_container_resolve(store, spec->name, id, err);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	r = check_shared_stack(q, err);
	if (r < 0)
		return r;
	free(h->network_mode);
	h->network_mode = mb_asprintf("container:%s", id);
	/* One network, one name on it. */
	r = mb_container_open(store, id, &other, err);
	if (r == 0)
		mb_strset(&q->config.hostname, other->record->config.hostname);
	return r < 0 ? r : 0;
}

/* One network per --network; docker's --ip and --network-alias are the first one's. */
static int add_network(struct mb_store *store, struct mb_container_create_request *q,
                       struct mb_container_record *record, const char *text, struct mb_err *err)
{
	__attribute__((cleanup(mb_net_network_spec_done))) struct mb_net_network_spec spec = {0};
	bool first = record->networks.n == 0;
	int r = mb_net_network_spec_parse(text, &spec, err);

	if (r == 0 && first)
		r = mb_net_network_spec_set(&spec, q->ip, q->ip6, q->mac, &q->aliases, err);
	for (size_t i = 0; r == 0 && first && i < q->links.n; i++)
		r = mb_net_network_spec_link(&spec, q->links.v[i], err);
	if (r < 0)
		return r;
	if (spec.mode != MB_NET_MODE_NETWORK && q->links.n)
		return mb_fail(err, EINVAL, "conflicting options: links want a network, not '%s'",
		               text);
	if (spec.mode != MB_NET_MODE_NETWORK)
		return use_mode(store, q, &spec, err);
	if (q->host.network_mode && !first && record->networks.n == 0)
		return mb_fail(err, EINVAL,
		               "conflicting options: cannot attach both user-defined and "
		               "non-user-defined network-modes");
	if (first)
		mb_strset(&q->host.network_mode, spec.name);
	mb_strv_take(&record->networks, long_form(&spec));
	return 0;
}

static bool is_list(const char *text)
{
	return strchr(text, ',') && !strchr(text, '=');
}

/* "a,b", as podman-compose says it: --network-alias is then for all of them. */
static int expand_lists(struct mb_container_create_request *q, struct mb_err *err)
{
	struct mb_strv out = MB_STRV_INIT;
	int r = 0;

	MB_STRV_FOREACH (alias, &q->aliases)
		if (strchr(alias, ','))
			r = mb_fail(err, EINVAL, "invalid network alias '%s'", alias);
	for (size_t i = 0; r == 0 && i < q->networks.n; i++) {
		MB_AUTO_STRV struct mb_strv names = MB_STRV_INIT;

		if (!is_list(q->networks.v[i])) {
			mb_strv_add(&out, q->networks.v[i]);
			continue;
		}
		mb_strv_split(&names, q->networks.v[i], ',');
		for (size_t j = 0; j < names.n; j++) {
			MB_AUTO_STR struct mb_str text = MB_STR_INIT;

			if (!*names.v[j])
				r = mb_fail(err, EINVAL, "invalid network '%s': a name is missing",
				            q->networks.v[i]);
			mb_str_addf(&text, out.n ? "name=%s" : "%s", names.v[j]);
			for (size_t k = 0; out.n && k < q->aliases.n; k++)
				mb_str_addf(&text, ",alias=%s", q->aliases.v[k]);
			mb_strv_add(&out, mb_str_text(&text));
		}
	}
	mb_strv_done(&q->networks);
	q->networks = out;
	return r;
}

static int check_networks(struct mb_store *store, struct mb_container_create_request *q,
                          struct mb_container_record *record, struct mb_err *err)
{
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	int r = 0;

	if (q->networks.n == 0)
		mb_strv_add(&q->networks, MB_NET_DEFAULT);
	r = expand_lists(q, err);
	for (size_t i = 0; r == 0 && i < q->networks.n; i++)
		r = add_network(store, q, record, q->networks.v[i], err);
	if (r < 0 || (record->networks.n == 1 && mb_streq(q->host.network_mode, MB_NET_DEFAULT)))
		return r;
	mb_net_new(store, &net);
	for (size_t i = 0; r == 0 && i < record->networks.n; i++) {
		__attribute__((
			cleanup(mb_net_network_spec_done))) struct mb_net_network_spec spec = {0};
		MB_AUTO(mb_net_network_free) struct mb_net_network *network = NULL;

		r = mb_net_network_spec_parse(record->networks.v[i], &spec, err);
		if (r == 0)
			r = mb_net_network_find(net, spec.name, &network, err);
		if (r > 0)
			r = -ENOENT;
	}
	return r;
}

int mb_container_port_expose(const char *text, bool published, struct mb_strv *exposed,
                             struct mb_err *err)
{
	struct mb_net_port_spec spec = {0};
	int r = published ? mb_net_port_spec_parse(text, &spec, err)
	                  : mb_net_expose_parse(text, &spec, err);

	if (r < 0)
		return r;
	for (unsigned port = spec.port_lo; port <= spec.port_hi; port++) {
		MB_AUTO_FREE char *name = mb_asprintf("%u/%s", port, mb_net_proto_name(spec.proto));

		if (!mb_strv_has(exposed, name))
			mb_strv_add(exposed, name);
	}
	mb_net_port_spec_done(&spec);
	return 0;
}

static int check_shape(const struct mb_container_host_config *h,
                       const struct mb_container_record *record, struct mb_err *err)
{
	struct mb_net_shape shape;
	int r = mb_net_shape_parse(h->net_rate, h->net_delay, h->net_loss, &shape, err);

	if (r == 0 && record->networks.n == 0 && (h->net_rate || h->net_delay || h->net_loss))
		r = mb_fail(err, EINVAL,
		            "conflicting options: --net-rate, --net-delay and --net-loss are of "
		            "networks, and the container's is '%s'",
		            h->network_mode);
	return r < 0 ? r : mb_net_shape_check(&shape, err);
}

/* In docker's words.  What has no network at all is told of by its start. */
static void warn_ports(const struct mb_container_host_config *h, struct mb_strv *warnings)
{
	if (warnings && h->publish.n && mb_streq(h->network_mode, "host"))
		mb_strv_add(warnings, "Published ports are discarded when using host network mode");
}

static int check_ports(struct mb_container_create_request *q, struct mb_strv *warnings,
                       struct mb_err *err)
{
	struct mb_strv *exposed = &q->config.exposed_ports;
	int r = 0;

	warn_ports(&q->host, warnings);
	for (size_t i = 0; r == 0 && i < q->expose.n; i++)
		r = mb_container_port_expose(q->expose.v[i], false, exposed, err);
	for (size_t i = 0; r == 0 && i < q->host.publish.n; i++)
		r = mb_container_port_expose(q->host.publish.v[i], true, exposed, err);
	return r;
}

static int check_hosts(const struct mb_container_host_config *h, struct mb_err *err)
{
	for (size_t i = 0; i < h->extra_hosts.n; i++) {
		struct mb_net_host_spec spec = {0};
		int r = mb_net_host_spec_parse(h->extra_hosts.v[i], &spec, err);

		if (r < 0)
			return r;
		mb_net_host_spec_done(&spec);
	}
	return 0;
}

/* --- the rest --------------------------------------------------------------------------------- */

int mb_container_host_check(struct mb_container_host_config *host, struct mb_err *err)
{
	int r = check_resources(host, err);

	return r < 0 ? r : mb_container_restart_check(host, err);
}

/* Two that are not text may look alike in a document, which would be unreadable then. */
static int check_keys(const struct mb_kv *all, const char *what, struct mb_err *err)
{
	MB_KV_FOREACH (pair, all)
		if (!mb_utf8_is_valid(pair->key, strlen(pair->key)))
			return mb_fail(err, EINVAL, "invalid %s: '%s' is not UTF-8", what,
			               pair->key);
	return 0;
}

static int check_config(const struct mb_container_config *config, struct mb_err *err)
{
	int sig;

	if (config->stop_signal && *config->stop_signal &&
	    mb_parse_signal(config->stop_signal, &sig) < 0)
		return mb_fail(err, EINVAL, "Invalid signal: %s", config->stop_signal);
	if (config->working_dir && *config->working_dir && config->working_dir[0] != '/')
		return mb_fail(err, EINVAL,
		               "the working directory '%s' is invalid, it needs to be an absolute "
		               "path",
		               config->working_dir);
	if (config->hostname && strlen(config->hostname) > 64)
		return mb_fail(err, EINVAL, "invalid hostname: %s", config->hostname);
	for (size_t i = 0; i < config->env.n; i++)
		if (config->env.v[i][0] == '=' || !config->env.v[i][0])
			return mb_fail(err, EINVAL, "invalid environment variable: %s",
			               config->env.v[i]);
	for (size_t i = 0; i < config->env.n; i++)
		if (!mb_utf8_is_valid(config->env.v[i], strcspn(config->env.v[i], "=")))
			return mb_fail(err, EINVAL,
			               "invalid environment variable: '%s' is not UTF-8",
			               config->env.v[i]);
	return check_keys(&config->labels, "label", err);
}

static int check_process(const struct mb_container_config *config, struct mb_err *err)
{
	MB_AUTO_CLOSE int zone = -1;
	uint32_t mask;

	if (config->umask && (mb_parse_mode(config->umask, &mask) < 0 || mask > 0777))
		return mb_fail(err, EINVAL, "--umask: '%s' is no octal number up to 0777",
		               config->umask);
	return config->timezone ? mb_container_timezone_open(config->timezone, &zone, err) : 0;
}

/* It is written when there is a process; that there is a place for it is told now. */
static int check_pid_file(const struct mb_container_host_config *h, struct mb_err *err)
{
	MB_AUTO_FREE char *directory = mb_strdup_or_null(h->pid_file);
	char *slash = directory ? strrchr(directory, '/') : NULL;
	MB_AUTO_CLOSE int fd = -1;

	if (!slash)
		return 0;
	if (!slash[1])
		return mb_fail(err, EINVAL, "--pidfile: '%s' is no name of a file", directory);
	slash[slash == directory] = '\0';
	fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? mb_fail_sys(err, errno, "--pidfile: directory '%s'", directory) : 0;
}

int mb_container_request_check(struct mb_store *store, struct mb_container_create_request *q,
                               struct mb_container_record *record, struct mb_strv *warnings,
                               struct mb_err *err)
{
	int r = check_config(&q->config, err);

	if (r == 0)
		r = check_process(&q->config, err);
	if (r == 0)
		r = check_pid_file(&q->host, err);
	if (r == 0)
		r = check_keys(&q->host.annotations, "annotation", err);
	if (r == 0)
		r = parse_lists(q, err);
	if (r == 0)
		r = check_resources(&q->host, err);
	if (r == 0)
		r = mb_container_restart_check(&q->host, err);
	if (r == 0)
		r = mb_container_cure_check(&q->host, &q->config, err);
	if (r == 0)
		r = mb_container_logging_check(&q->host, err);
	if (r == 0)
		r = mb_container_requires_check(store, &q->host, err);
	if (r == 0)
		r = check_modes(store, &q->host, err);
	if (r == 0 && mb_streq(q->host.uts_mode, "host") && q->config.hostname &&
	    *q->config.hostname)
		r = mb_fail(err, EINVAL, "conflicting options: hostname and the UTS mode");
	if (r == 0)
		r = check_networks(store, q, record, err);
	if (r == 0)
		r = check_shape(&q->host, record, err);
	if (r == 0)
		r = check_ports(q, warnings, err);
	if (r == 0)
		r = check_hosts(&q->host, err);
	if (r == 0)
		r = mb_container_security_check(q, err);
	return r;
}
