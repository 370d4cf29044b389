/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/start_parts.h"
#include "core/err.h"
#include "core/io.h"
#include "core/str.h"
#include "net/cni.h"
#include "store/store.h"

enum { ETC_FILE_MAX = 1 << 20 };

static const char *const names[] = {"hosts", "hostname", "resolv.conf"};

static int write_file(int dir_fd, const char *name, const struct mb_str *text, struct mb_err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir_fd, name, flags, 0644), r;

	if (fd < 0)
		return mb_fail_sys(err, errno, "cannot create '%s'", name);
	/* The container's own users read it. */
	if (fchmod(fd, 0644) < 0)
		r = -errno;
	else
		r = mb_write_full(fd, mb_str_text(text), text->len);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r < 0 ? mb_fail_sys(err, -r, "cannot write '%s'", name) : 0;
}

int mb_container_etc_make(struct mb_container *c, struct mb_err *err)
{
	const struct mb_str nothing = MB_STR_INIT;
	int r = 0;

	if (mb_skip_prefix(c->record->host.network_mode, "container:"))
		return 0;
	for (size_t i = 0; r == 0 && i < MB_N(names); i++)
		r = write_file(c->run_fd, names[i], &nothing, err);
	return r;
}

int mb_container_etc_open(struct mb_container *c, int *ret_fd, struct mb_err *err)
{
	const char *other = mb_skip_prefix(c->record->host.network_mode, "container:");
	char path[8 + MB_ID_TEXT];
	int r;

	snprintf(path, sizeof(path), "c/%s", other ? other : c->id);
	r = mb_store_dir_find(c->store, path, true, ret_fd, err);
	if (r > 0 || r == -ENOENT)
		return mb_fail(err, ESRCH, "cannot join network of a non running container: %s",
		               other ? other : c->id);
	return r;
}

static struct mb_net_files files_of(const struct mb_container_record *record,
                                    const struct mb_net_sandbox *sandbox)
{
	return (struct mb_net_files){
		.hostname = record->config.hostname,
		.domainname = record->config.domainname,
		.sandbox = sandbox,
		.add_hosts = record->host.extra_hosts,
		.dns = *mb_net_servers(&record->host.dns, sandbox),
		.dns_search = *mb_net_search(&record->host.dns_search, sandbox),
		.dns_options = record->host.dns_options,
		.no_resolver = !sandbox || !mb_net_has_names(sandbox),
	};
}

int mb_container_etc_write(struct mb_container *c, struct mb_net *net,
                           const struct mb_net_sandbox *sandbox, struct mb_err *err)
{
	const struct mb_container_record *record = c->record;
	MB_AUTO_STR struct mb_str hosts = MB_STR_INIT, resolv = MB_STR_INIT, name = MB_STR_INIT;
	struct mb_net_files files = files_of(record, sandbox);
	struct mb_net_cni_outcome cni = {0};
	int r = 0;

	if (mb_skip_prefix(record->host.network_mode, "container:"))
		return 0;
	if (sandbox)
		r = mb_net_cni_outcome(&sandbox->cni, &cni, err);
	if (r == 0) {
		files.cni = &cni;
		r = mb_net_hosts_format(net, &files, &hosts, err);
	}
	if (r == 0)
		r = mb_net_resolv_format(&files, &resolv, err);
	mb_net_cni_outcome_done(&cni);
	if (r < 0)
		return r;
	mb_net_hostname_format(&files, &name);
	r = write_file(c->run_fd, "hosts", &hosts, err);
	if (r == 0)
		r = write_file(c->run_fd, "resolv.conf", &resolv, err);
	if (r == 0)
		r = write_file(c->run_fd, "hostname", &name, err);
	return r;
}

/* A line that says an address of the container itself, and not what somebody put in by hand. */
static bool is_own(const char *line, size_t n, const char *name)
{
	const char *tab = memchr(line, '\t', n);
	size_t rest = tab ? n - (size_t)(tab + 1 - line) : 0;

	return tab && rest == strlen(name) && memcmp(tab + 1, name, rest) == 0;
}

int mb_container_etc_rehost(struct mb_container *c, const struct mb_net_sandbox *sandbox,
                            struct mb_err *err)
{
	const struct mb_container_config *config = &c->record->config;
	const struct mb_net_files files = {
		.hostname = config->hostname, .domainname = config->domainname, .sandbox = sandbox};
	MB_AUTO_STR struct mb_str before = MB_STR_INIT, after = MB_STR_INIT, name = MB_STR_INIT;
	const char *line, *end;
	int r = mb_read_file(c->run_fd, "hosts", ETC_FILE_MAX, &before, err);

	if (r < 0)
		return r;
	if (config->domainname && *config->domainname)
		mb_str_addf(&name, "%s.%s ", config->hostname, config->domainname);
	mb_str_add(&name, config->hostname);
	for (line = mb_str_text(&before); *line; line = end) {
		end = strchrnul(line, '\n');
		if (!is_own(line, (size_t)(end - line), mb_str_text(&name))) {
			mb_str_addn(&after, line, (size_t)(end - line));
			mb_str_addc(&after, '\n');
		}
		end += *end != '\0';
	}
	mb_net_hosts_own(&files, &after);
	return write_file(c->run_fd, "hosts", &after, err);
}

int mb_container_etc_resolve(struct mb_container *c, const struct mb_net_sandbox *sandbox,
                             struct mb_err *err)
{
	MB_AUTO_STR struct mb_str now = MB_STR_INIT, with = MB_STR_INIT, without = MB_STR_INIT;
	struct mb_net_files files = files_of(c->record, sandbox);
	bool has_names = !files.no_resolver;
	int r;

	/* One that came from nowhere may have no resolver; one that is nowhere keeps its file. */
	if (sandbox->n_endpoints < (has_names ? 2 : 1))
		return 0;
	files.no_resolver = false;
	r = mb_net_resolv_format(&files, &with, err);
	files.no_resolver = true;
	if (r == 0)
		r = mb_net_resolv_format(&files, &without, err);
	if (r == 0)
		r = mb_read_file(c->run_fd, "resolv.conf", ETC_FILE_MAX, &now, err);
	if (r < 0 || !mb_streq(mb_str_text(&now), mb_str_text(has_names ? &without : &with)))
		return r;
	return write_file(c->run_fd, "resolv.conf", has_names ? &with : &without, err);
}
