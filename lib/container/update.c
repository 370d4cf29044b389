/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/update.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "container/bundle.h"
#include "container/cgroup_of.h"
#include "container/check_request.h"
#include "container/container.h"
#include "container/event.h"
#include "container/life.h"
#include "container/start_parts.h"
#include "core/err.h"
#include "core/str.h"
#include "monitor/client.h"
#include "net/addr.h"
#include "net/net.h"
#include "net/port_spec.h"
#include "store/doc.h"

/* --- limits and policy ------------------------------------------------------------------------ */

static int apply_limits(struct mb_container *c, struct mb_err *err)
{
	static struct mb_sys_cgroup_throttle throttles[MB_CONTAINER_MAX_THROTTLES];
	MB_AUTO(mb_sys_cgroup_host_free) struct mb_sys_cgroup_host *host = NULL;
	MB_AUTO(mb_sys_cgroup_free) struct mb_sys_cgroup *cgroup = NULL;
	struct mb_sys_cgroup_limits limits;
	int r = mb_container_limits_fill(c->record, NULL, throttles, &limits, err);

	if (r == 0)
		r = mb_container_cgroup_open(c, &host, &cgroup, err);
	if (r != 0)
		return r == MB_SYS_CGROUP_ABSENT ? 0 : r; /* between two runs */
	return mb_sys_cgroup_update(cgroup, &limits, err);
}

static int apply_policy(struct mb_container *c, struct mb_err *err)
{
	const struct mb_monitor_policy policy = mb_container_policy_of(&c->record->host.restart);
	MB_AUTO_CLOSE int sock = -1;
	int r = c->run_fd < 0 ? MB_MONITOR_GONE : mb_monitor_connect(c->run_fd, &sock, err);

	if (r == 0)
		r = mb_monitor_policy(sock, &policy, err);
	return r == MB_MONITOR_GONE ? 0 : r; /* its next one reads the record */
}

static int change(struct mb_container *c, const struct mb_container_update *update,
                  struct mb_err *err)
{
	const bool runs = mb_container_is_running(c);
	MB_AUTO(mb_container_record_free) struct mb_container_record *before = NULL;
	struct mb_container_record *now = c->record;
	int r = mb_container_record_load(c->dir_fd, &before, err);

	if (r != 0)
		return r < 0 ? r : -EBADMSG;
	update->change(&now->host, update->arg);
	r = mb_container_host_check(&now->host, err);
	if (r == 0 && !mb_streq(before->host.restart.name, now->host.restart.name))
		r = mb_container_cure_check(&now->host, &now->config, err);
	if (r < 0)
		return r;
	if (runs)
		r = apply_limits(c, err);
	if (r == 0 && runs)
		r = apply_policy(c, err);
	if (r == 0)
		r = mb_container_record_save(c->dir_fd, now, MB_DOC_REPLACE | MB_DOC_DURABLE, err);
	if (r < 0 && runs) {
		c->record = before;
		(void)apply_limits(c, NULL);
		(void)apply_policy(c, NULL);
		c->record = now;
	}
	return r;
}

/* --- ports ------------------------------------------------------------------------------------ */

#define AUTO_PORT __attribute__((cleanup(mb_net_port_spec_done))) struct mb_net_port_spec

static int check_mode(const struct mb_container *c, struct mb_err *err)
{
	const char *mode = c->record->host.network_mode;

	if (c->record->networks.n > 0)
		return 0;
	return mb_fail(err, EINVAL, "container '%s' publishes no ports: its network is '%s'",
	               mb_container_name(c), mode ? mode : "none");
}

/* The monitor keeps the sockets from now on. */
static int hold(struct mb_container *c, const struct mb_net_sandbox *added, struct mb_err *err)
{
	MB_AUTO_CLOSE int sock = -1;
	int r = mb_monitor_connect(c->run_fd, &sock, err);

	if (r == 0)
		r = mb_container_monitor_hold(sock, added, err);
	return r == MB_MONITOR_GONE ? mb_fail(err, EPIPE, "the container's monitor is gone") : r;
}

static bool is_one_of(const struct mb_net_binding *b, void *arg)
{
	const struct mb_net_sandbox *some = arg;

	for (size_t i = 0; i < some->n_bindings; i++) {
		const struct mb_net_binding *other = &some->bindings[i];

		if (other->proto == b->proto && other->port == b->port &&
		    other->host_port == b->host_port && mb_streq(other->host_ip, b->host_ip))
			return true;
	}
	return false;
}

static int publish_live(struct mb_container *c, struct mb_net *net,
                        const struct mb_net_port_spec *spec, struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *now = NULL;
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *before = NULL;
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *undone = NULL;
	struct mb_net_sandbox added;
	int r = mb_net_sandbox_load(net, c->id, &before, err);

	if (r == 0)
		r = mb_net_publish(net, c->id, spec, 1, &now, err);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	r = hold(c, now, err);
	if (r == 0)
		return 0;
	added = *now;
	added.bindings = now->bindings + before->n_bindings;
	added.n_bindings = now->n_bindings - before->n_bindings;
	(void)mb_net_unpublish(net, c->id, is_one_of, &added, &undone, NULL);
	return r;
}

static int add_port(struct mb_container *c, struct mb_net *net, const char *text,
                    struct mb_err *err)
{
	struct mb_container_record *record = c->record;
	AUTO_PORT p = {0};
	int r = mb_net_port_spec_parse(text, &p, err);

	if (r == 0)
		r = mb_container_port_expose(text, true, &record->config.exposed_ports, err);
	if (r == 0 && mb_container_is_running(c))
		r = publish_live(c, net, &p, err);
	if (r < 0)
		return r;
	mb_strv_add(&record->host.publish, text);
	return mb_container_record_save(c->dir_fd, record, MB_DOC_REPLACE | MB_DOC_DURABLE, err);
}

/* Is @has meant by @said?  What is not said is any. */
static bool is_meant(const struct mb_net_port_spec *has, const struct mb_net_port_spec *said)
{
	return has->proto == said->proto && has->port_lo == said->port_lo &&
	       has->port_hi == said->port_hi &&
	       (!said->host_lo ||
	        (has->host_lo == said->host_lo && has->host_hi == said->host_hi)) &&
	       (!said->host_ip || mb_streq(has->host_ip, said->host_ip));
}

static bool is_of_spec(const struct mb_net_binding *b, void *arg)
{
	const struct mb_net_port_spec *spec = arg;

	return b->proto == spec->proto && b->port >= spec->port_lo && b->port <= spec->port_hi &&
	       (!spec->host_lo ||
	        (b->host_port >= spec->host_lo && b->host_port <= spec->host_hi)) &&
	       (!spec->host_ip || mb_streq(b->host_ip, spec->host_ip));
}

static int let_go_of(int sock, const struct mb_net_binding *b, const char *host_ip,
                     struct mb_err *err)
{
	struct mb_monitor_unhold what = {.proto = b->proto, .port = b->host_port};
	struct mb_net_addr a;

	if (mb_net_addr_parse(host_ip, &a) < 0)
		return 0;
	what.family = (uint32_t)a.family;
	memcpy(what.addr, a.b, sizeof(what.addr));
	return mb_monitor_unhold(sock, &what, err);
}

static int let_go(struct mb_container *c, const struct mb_net_sandbox *gone, struct mb_err *err)
{
	MB_AUTO_CLOSE int sock = -1;
	int r = gone->n_bindings ? mb_monitor_connect(c->run_fd, &sock, err) : 0;

	for (size_t i = 0; r == 0 && i < gone->n_bindings; i++) {
		const struct mb_net_binding *b = &gone->bindings[i];

		r = let_go_of(sock, b, b->host_ip, err);
		/* Beside 0.0.0.0 it is no binding of its own. */
		if (r == 0 && b->relayed && mb_streq(b->host_ip, "0.0.0.0"))
			r = let_go_of(sock, b, "::1", err);
	}
	return r == MB_MONITOR_GONE ? 0 : r;
}

/* One -p of the record, and what it became. */
static int withdraw(struct mb_container *c, struct mb_net *net, struct mb_net_port_spec *spec,
                    struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *gone = NULL;
	int r;

	if (!mb_container_is_running(c))
		return 0;
	r = mb_net_unpublish(net, c->id, is_of_spec, spec, &gone, err);
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	return let_go(c, gone, err);
}

static int remove_port(struct mb_container *c, struct mb_net *net, const char *text,
                       struct mb_err *err)
{
	struct mb_container_record *record = c->record;
	MB_AUTO_STRV struct mb_strv kept = MB_STRV_INIT;
	AUTO_PORT said = {0};
	int r = mb_net_port_spec_parse(text, &said, err);

	for (size_t i = 0; r == 0 && i < record->host.publish.n; i++) {
		AUTO_PORT has = {0};

		r = mb_net_port_spec_parse(record->host.publish.v[i], &has, err);
		if (r == 0 && is_meant(&has, &said))
			r = withdraw(c, net, &has, err);
		else if (r == 0)
			mb_strv_add(&kept, record->host.publish.v[i]);
	}
	if (r < 0)
		return r;
	if (kept.n == record->host.publish.n)
		return mb_fail(err, ENOENT, "port '%s' of container '%s' is not published", text,
		               mb_container_name(c));
	mb_strv_done(&record->host.publish);
	mb_strv_add_all(&record->host.publish, &kept);
	return mb_container_record_save(c->dir_fd, record, MB_DOC_REPLACE | MB_DOC_DURABLE, err);
}

/* What `port`, `ps` and `inspect` show. */
static int tell_state(struct mb_container *c, struct mb_net *net, struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *now = NULL;
	int r;

	if (!mb_container_is_running(c) || !c->state.has_run)
		return 0;
	r = mb_net_sandbox_load(net, c->id, &now, err);
	if (r != 0)
		return r < 0 ? r : 0;
	mb_container_ports_free(&c->state.run);
	mb_container_ports_fill(&c->state.run, now);
	return mb_container_run_save(c->run_fd, &c->state.run, err);
}

static int change_ports(struct mb_container *c, const struct mb_container_update *update,
                        struct mb_err *err)
{
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	int r = check_mode(c, err), last;

	if (r < 0)
		return r;
	mb_net_new(c->store, &net);
	/* First what goes: it may make room for what comes. */
	for (size_t i = 0; r == 0 && i < update->unpublish.n; i++)
		r = remove_port(c, net, update->unpublish.v[i], err);
	for (size_t i = 0; r == 0 && i < update->publish.n; i++)
		r = add_port(c, net, update->publish.v[i], err);
	last = tell_state(c, net, r < 0 ? NULL : err);
	return r < 0 ? r : last;
}

int mb_container_update(struct mb_container *c, const struct mb_container_update *update,
                        struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1;
	int r = mb_container_lock(c, &lock, err);

	if (r != 0)
		return r < 0 ? r : -ENOENT;
	r = mb_container_require(c, err);
	if (r == 0 && update->change)
		r = change(c, update, err);
	if (r == 0 && update->publish.n + update->unpublish.n)
		r = change_ports(c, update, err);
	if (r == 0)
		mb_container_event(c, "update");
	return r < 0 ? mb_wrap(err, r, "cannot update container %s", mb_container_name(c)) : r;
}
