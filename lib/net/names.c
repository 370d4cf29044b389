/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/id.h"
#include "core/str.h"
#include "net/handle.h"

/* RUN/net/<network>/n/<name>/<container> -> "ip4,ip6,container", p/<ip> -> name: one mkdir and
 * one symlink per name, no lock, and nothing that a reader could see half of. */
enum { NAME_MAX_LEN = 253, JOIN_TRIES = 16 };

/* A name becomes a directory and an answer of the resolver. */
static bool is_usable(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > NAME_MAX_LEN || name[0] == '.')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("-_.", *name))
			return false;
	return true;
}

static void add_name(struct mb_strv *names, const char *name)
{
	MB_AUTO_FREE char *lower = mb_strdup_or_null(name);

	if (!lower || !is_usable(lower))
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

int mb_net_names_add(struct mb_net *net, const struct mb_net_sandbox *s,
                     const struct mb_net_endpoint *e, struct mb_err *err)
{
	MB_AUTO_FREE char *target = mb_asprintf("%s,%s,%s", e->ip4 ? e->ip4 : "",
	                                        e->ip6 ? e->ip6 : "", s->container_id);
	MB_AUTO_CLOSE int dir = -1, names = -1, pointers = -1;
	const char *own = e->names.n ? e->names.v[0] : NULL;
	int r;

	r = mb_net_run_dir(net, e->network_id, &dir, err);
	if (r)
		return r;
	r = open_below(dir, "n", true, &names);
	if (!r)
		r = open_below(dir, "p", true, &pointers);
	MB_STRV_FOREACH (name, &e->names)
		r = r ? r : join(names, name, s->container_id, target);
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
	char now[NAME_MAX_LEN + 2];
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

	if (mb_net_run_dir(net, e->network_id, &dir, NULL) < 0 ||
	    open_below(dir, "n", false, &names) < 0 || open_below(dir, "p", false, &pointers) < 0)
		return;
	MB_STRV_FOREACH (name, &e->names) {
		MB_AUTO_CLOSE int of_name = -1;

		if (!is_usable(name) || open_below(names, name, false, &of_name) < 0)
			continue;
		(void)unlinkat(of_name, s->container_id, 0);
		(void)unlinkat(names, name, AT_REMOVEDIR);
	}
	remove_pointer(pointers, e->ip4, e->names.n ? e->names.v[0] : NULL);
	remove_pointer(pointers, e->ip6, e->names.n ? e->names.v[0] : NULL);
}
