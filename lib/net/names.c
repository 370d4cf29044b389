/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/id.h"
#include "core/str.h"
#include "net/handle.h"
#include "net/network_spec.h"
#include "net/overlay_record.h"
#include "store/store.h"
#include "sys/tree.h"

/* RUN/net/<network>/n/<name>/<container> -> "ip4,ip6,container", p/<ip> -> name: one mkdir and
 * one symlink per name, no lock, and nothing that a reader could see half of.  Of endpoints outside
 * n/<name>/-0, -1 and so on -> "ip4,ip6,-": they are no container's, and always count.
 * l/<container>/<alias> -> name: what that container, and nobody else, calls another one. */
enum { JOIN_TRIES = 16, EXTERNAL_TEXT = 8 };
#define NOBODY "-"

/* A name becomes a directory and an answer of the resolver. */
bool mb_net_names_is_usable(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > MB_NET_NAME_MAX || name[0] == '.')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("-_.", *name))
			return false;
	return true;
}

static void add_name(struct mb_strv *names, const char *name)
{
	MB_AUTO_FREE char *lower = mb_strdup_or_null(name);

	if (!lower || !mb_net_names_is_usable(lower))
		return;
	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (!mb_strv_has(names, lower))
		mb_strv_add(names, lower);
}

void mb_net_names_collect(struct mb_net_endpoint *e, const struct mb_net_sandbox *s)
{
	MB_AUTO_FREE char *short_id = mb_strndup(s->container_id, MB_ID_SHORT);

	mb_strv_done(&e->names);
	if (e->no_dns)
		return;
	add_name(&e->names, s->container_name);
	MB_STRV_FOREACH (alias, &e->aliases)
		add_name(&e->names, alias);
	add_name(&e->names, short_id);
	add_name(&e->names, s->hostname);
}

static int open_below(int dir, const char *name, bool make, int *ret)
{
	if (make && mkdirat(dir, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	*ret = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return *ret < 0 ? -errno : 0;
}

static int put_link(int dir, const char *name, const char *target)
{
	if (symlinkat(target, dir, name) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	/* Of a container of this id before, or of this address before. */
	(void)unlinkat(dir, name, 0);
	return symlinkat(target, dir, name) < 0 && errno != EEXIST ? -errno : 0;
}

/* The directory of a name goes with its last entry: whoever joins just then makes it again. */
static int join(int names, const char *name, const char *id, const char *target)
{
	int r = -ENOENT;

	for (int i = 0; r == -ENOENT && i < JOIN_TRIES; i++) {
		MB_AUTO_CLOSE int dir = -1;

		r = open_below(names, name, true, &dir);
		if (!r)
			r = put_link(dir, id, target);
	}
	return r;
}

/* Is none of its names one of an endpoint outside?  Return: 0; -EEXIST, told. */
static int check_free(int names, const struct mb_net_endpoint *e, struct mb_err *err)
{
	MB_STRV_FOREACH (name, &e->names) {
		char path[MB_NET_NAME_MAX + 8];

		snprintf(path, sizeof(path), "%s/" NOBODY "0", name);
		if (faccessat(names, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return mb_fail(err, EEXIST,
			               "name '%s' is that of an endpoint outside network %s", name,
			               e->network);
	}
	return 0;
}

static char *lower(char *text)
{
	for (char *p = text; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return text;
}

static int add_links(int dir, const struct mb_net_sandbox *s, const struct mb_net_endpoint *e)
{
	MB_AUTO_CLOSE int links = -1, own = -1;
	int r = 0;

	if (!e->links.n || e->no_dns)
		return 0;
	r = open_below(dir, "l", true, &links);
	if (!r)
		r = open_below(links, s->container_id, true, &own);
	for (size_t i = 0; !r && i < e->links.n; i++) {
		MB_AUTO_FREE char *name = NULL, *alias = NULL;

		mb_net_link_split(e->links.v[i], &name, &alias);
		if (mb_net_names_is_usable(name) && mb_net_names_is_usable(alias))
			r = put_link(own, lower(alias), lower(name));
	}
	return r;
}

static void remove_links(int dir, const char *container_id)
{
	MB_AUTO_CLOSE int links = -1;

	if (open_below(dir, "l", false, &links) == 0)
		(void)mb_sys_tree_remove(links, container_id, NULL);
}

int mb_net_names_add(struct mb_net *net, const struct mb_net_sandbox *s,
                     const struct mb_net_endpoint *e, struct mb_err *err)
{
	/* Resolvers ask of a container of ours whether it is there and well. */
	MB_AUTO_FREE char *target =
		mb_asprintf("%s,%s,%s", e->ip4 ? e->ip4 : "", e->ip6 ? e->ip6 : "",
	                    s->guest.container ? NOBODY : s->container_id);
	MB_AUTO_CLOSE int dir = -1, names = -1, pointers = -1;
	const char *own = e->names.n ? e->names.v[0] : NULL;
	int r;

	r = mb_net_run_dir(net, e->network_id, &dir, err);
	if (r)
		return r;
	r = add_links(dir, s, e);
	if (!r)
		r = open_below(dir, "n", true, &names);
	if (!r)
		r = open_below(dir, "p", true, &pointers);
	MB_STRV_FOREACH (name, &e->names)
		r = r ? r : join(names, name, s->container_id, target);
	if (!r)
		r = check_free(names, e, err);
	if (r == -EEXIST)
		return r;
	if (!r && own && e->ip4)
		r = put_link(pointers, e->ip4, own);
	if (!r && own && e->ip6)
		r = put_link(pointers, e->ip6, own);
	return r ? mb_fail_sys(err, -r, "cannot publish the names of '%s' on network '%s'",
	                       s->container_name, e->network)
	         : 0;
}

/* p/<ip> may be a newer container's already: ours only if it names us. */
static void remove_pointer(int pointers, const char *ip, const char *own)
{
	char now[MB_NET_NAME_MAX + 2];
	ssize_t n;

	if (!ip || !own)
		return;
	n = readlinkat(pointers, ip, now, sizeof(now) - 1);
	if (n <= 0)
		return;
	now[n] = '\0';
	if (mb_streq(now, own))
		(void)unlinkat(pointers, ip, 0);
}

void mb_net_names_remove(struct mb_net *net, const struct mb_net_sandbox *s,
                         const struct mb_net_endpoint *e)
{
	MB_AUTO_CLOSE int dir = -1, names = -1, pointers = -1;

	if (mb_net_run_dir(net, e->network_id, &dir, NULL) < 0)
		return;
	remove_links(dir, s->container_id);
	if (open_below(dir, "n", false, &names) < 0 || open_below(dir, "p", false, &pointers) < 0)
		return;
	MB_STRV_FOREACH (name, &e->names) {
		MB_AUTO_CLOSE int of_name = -1;

		if (!mb_net_names_is_usable(name) || open_below(names, name, false, &of_name) < 0)
			continue;
		(void)unlinkat(of_name, s->container_id, 0);
		(void)unlinkat(names, name, AT_REMOVEDIR);
	}
	remove_pointer(pointers, e->ip4, e->names.n ? e->names.v[0] : NULL);
	remove_pointer(pointers, e->ip6, e->names.n ? e->names.v[0] : NULL);
}

/* ---- containers of other hosts --------------------------------------------------------- */

int mb_net_names_add_remote(struct mb_net *net, const struct mb_net_network *n,
                            const struct mb_net_remote *remote, struct mb_err *err)
{
	MB_AUTO_FREE char *target =
		mb_asprintf("%s,%s," NOBODY, remote->ip, remote->ip6 ? remote->ip6 : "");
	MB_AUTO_CLOSE int dir = -1, names = -1, pointers = -1;
	int r = mb_net_run_dir(net, n->id, &dir, err);

	if (r)
		return r;
	r = open_below(dir, "n", true, &names);
	if (!r)
		r = open_below(dir, "p", true, &pointers);
	MB_STRV_FOREACH (name, &remote->names)
		r = r ? r : join(names, name, remote->id, target);
	if (!r && remote->names.n)
		r = put_link(pointers, remote->ip, remote->names.v[0]);
	if (!r && remote->names.n && remote->ip6)
		r = put_link(pointers, remote->ip6, remote->names.v[0]);
	return r ? mb_fail_sys(err, -r, "cannot publish the names of '%s' on network '%s'",
	                       remote->name, n->name)
	         : 0;
}

void mb_net_names_remove_remote(struct mb_net *net, const struct mb_net_network *n,
                                const struct mb_net_remote *remote)
{
	MB_AUTO_CLOSE int dir = -1, names = -1, pointers = -1;
	const char *own = remote->names.n ? remote->names.v[0] : NULL;

	if (mb_net_run_dir(net, n->id, &dir, NULL) < 0 || open_below(dir, "n", false, &names) < 0 ||
	    open_below(dir, "p", false, &pointers) < 0)
		return;
	MB_STRV_FOREACH (name, &remote->names) {
		MB_AUTO_CLOSE int of_name = -1;

		if (open_below(names, name, false, &of_name) < 0)
			continue;
		(void)unlinkat(of_name, remote->id, 0);
		(void)unlinkat(names, name, AT_REMOVEDIR);
	}
	remove_pointer(pointers, remote->ip, own);
	remove_pointer(pointers, remote->ip6, own);
}

/* ---- endpoints outside ---------------------------------------------------------------- */

static void external_entry(size_t i, char entry[EXTERNAL_TEXT])
{
	snprintf(entry, EXTERNAL_TEXT, NOBODY "%zu", i);
}

static int open_names(struct mb_net *net, const char *network_id, int *ret)
{
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_net_run_dir(net, network_id, &dir, NULL);

	return r ? r : open_below(dir, "n", false, ret);
}

int mb_net_names_check(struct mb_net *net, const struct mb_net_endpoint *e, struct mb_err *err)
{
	MB_AUTO_CLOSE int names = -1;

	return open_names(net, e->network_id, &names) < 0 ? 0 : check_free(names, e, err);
}

static int told_taken(struct mb_net *net, const struct mb_net_network *n, const char *name,
                      const char *id, struct mb_err *err)
{
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;

	if (mb_net_sandbox_load(net, id, &s, NULL) == 0)
		id = s->container_name;
	mb_fail(err, EEXIST, "name '%s' is that of container %s on network %s", name, id, n->name);
	return MB_NET_TAKEN;
}

int mb_net_names_check_external(struct mb_net *net, const struct mb_net_network *n,
                                const char *name, struct mb_err *err)
{
	MB_AUTO_CLOSE int names = -1;
	int r = 0, fd = -1;
	struct dirent *entry;
	DIR *dir;

	if (open_names(net, n->id, &names) < 0 || open_below(names, name, false, &fd) < 0)
		return 0;
	dir = mb_dir_take(fd);
	if (!dir)
		return mb_fail_sys(err, errno, "cannot list who is named '%s'", name);
	while (!r && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && entry->d_name[0] != *NOBODY &&
		    mb_net_is_live(net, entry->d_name))
			r = told_taken(net, n, name, entry->d_name, err);
	closedir(dir);
	return r;
}

/* The @i-th address of a family, "" when there is none. */
static const char *nth(const struct mb_net_external *x, int family, size_t i)
{
	MB_STRV_FOREACH (text, &x->addresses) {
		struct mb_net_addr a;

		if (mb_net_addr_parse(text, &a) == 0 && a.family == family && i-- == 0)
			return text;
	}
	return "";
}

/* The @i-th entry; NULL: there are no more. */
static char *external_target(const struct mb_net_external *x, size_t i)
{
	const char *four = nth(x, AF_INET, i), *six = nth(x, AF_INET6, i);

	return *four || *six ? mb_asprintf("%s,%s," NOBODY, four, six) : NULL;
}

static void remove_entries(int names, const char *name, size_t first)
{
	MB_AUTO_CLOSE int of_name = -1;
	char entry[EXTERNAL_TEXT];

	if (open_below(names, name, false, &of_name) < 0)
		return;
	for (size_t i = first; i < MB_NET_EXTERNAL_ADDRESSES_MAX; i++) {
		external_entry(i, entry);
		(void)unlinkat(of_name, entry, 0);
	}
	(void)unlinkat(names, name, AT_REMOVEDIR);
}

int mb_net_names_add_external(struct mb_net *net, const struct mb_net_network *n,
                              const struct mb_net_external *x, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1, names = -1, pointers = -1;
	char entry[EXTERNAL_TEXT], *target;
	size_t i = 0;
	int r;

	r = mb_net_run_dir(net, n->id, &dir, err);
	if (r)
		return r;
	r = open_below(dir, "n", true, &names);
	if (!r)
		r = open_below(dir, "p", true, &pointers);
	for (; !r && (target = external_target(x, i)); i++) {
		external_entry(i, entry);
		r = join(names, x->name, entry, target);
		free(target);
	}
	MB_STRV_FOREACH (address, &x->addresses)
		r = r ? r : put_link(pointers, address, x->name);
	if (r)
		return mb_fail_sys(err, -r, "cannot publish endpoint '%s' of network '%s'", x->name,
		                   n->name);
	/* Of one of this name before, whose end was cut short. */
	remove_entries(names, x->name, i);
	return 0;
}

void mb_net_names_remove_external(struct mb_net *net, const struct mb_net_network *n,
                                  const struct mb_net_external *x)
{
	MB_AUTO_CLOSE int dir = -1, names = -1, pointers = -1;

	if (mb_net_run_dir(net, n->id, &dir, NULL) < 0 || open_below(dir, "n", false, &names) < 0 ||
	    open_below(dir, "p", false, &pointers) < 0)
		return;
	remove_entries(names, x->name, 0);
	MB_STRV_FOREACH (address, &x->addresses)
		remove_pointer(pointers, address, x->name);
}

bool mb_net_names_has_external(struct mb_net *net, const struct mb_net_network *n,
                               const struct mb_net_external *x)
{
	MB_AUTO_CLOSE int names = -1, of_name = -1;
	char entry[EXTERNAL_TEXT], now[2 * MB_NET_ADDR_TEXT], *target;
	bool has = true;

	if (open_names(net, n->id, &names) < 0 || open_below(names, x->name, false, &of_name) < 0)
		return false;
	for (size_t i = 0; has && (target = external_target(x, i)); i++) {
		ssize_t len;

		external_entry(i, entry);
		len = readlinkat(of_name, entry, now, sizeof(now) - 1);
		now[len > 0 ? len : 0] = '\0';
		has = mb_streq(now, target);
		free(target);
	}
	return has;
}
