/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/dns_db.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/own.h"

enum { TARGET = 192, BATCH = 2048, STATE = 512 };

struct entry {
	char text[TARGET];
	const char *ip4, *ip6, *id;
};

/* Split "ip4,ip6,id". */
static bool read_entry(int dir_fd, const char *name, struct entry *e)
{
	ssize_t n = readlinkat(dir_fd, name, e->text, sizeof(e->text) - 1);
	char *comma;

	if (n <= 0)
		return false;
	e->text[n] = '\0';
	e->ip4 = e->text;
	comma = strchr(e->text, ',');
	if (!comma)
		return false;
	*comma = '\0';
	e->ip6 = comma + 1;
	comma = strchr(comma + 1, ',');
	if (!comma)
		return false;
	*comma = '\0';
	e->id = comma + 1;
	for (const char *p = e->id; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-')
			return false;
	return *e->id;
}

/* Whether the process that @doc calls @key is there, or may be. */
static bool has_process(const char *doc, const char *key)
{
	const char *at = strstr(doc, key);
	long pid = at ? strtol(at + strlen(key), NULL, 10) : 0;

	return pid <= 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

/* Who was killed together with his monitor has his state still, until a command finds it.  One
 * that has got his number since is not told from him: to ask /proc would cost every question. */
static bool is_alive(const struct mb_dns_db *db, const char *id)
{
	char path[TARGET + 32], doc[STATE];
	MB_AUTO_CLOSE int fd = -1;
	ssize_t n;

	if (db->run_fd < 0 || strcmp(id, MB_DNS_NOBODY) == 0)
		return true;
	snprintf(path, sizeof(path), "c/%s/state.json", id);
	fd = openat(db->run_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno != ENOENT;
	n = read(fd, doc, sizeof(doc) - 1);
	doc[n < 0 ? 0 : n] = '\0';
	return has_process(doc, "\"pid\":") || has_process(doc, "\"monitor\":");
}

typedef bool entry_fn(void *arg, const struct entry *e); /* false: enough */

static int open_name(const struct mb_dns_network *net, const char *name)
{
	char path[MB_DNS_NAME_TEXT + 8];

	if (!*name || *name == '.' || strchr(name, '/'))
		return -1;
	snprintf(path, sizeof(path), "n/%s", name);
	return openat(net->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* Call @fn with each live entry of @name.  No opendir(3): it would take memory from the heap. */
static void each_entry(const struct mb_dns_db *db, const struct mb_dns_network *net,
                       const char *name, entry_fn *fn, void *arg)
{
	_Alignas(struct dirent64) char batch[BATCH];
	MB_AUTO_CLOSE int fd = open_name(net, name);
	long n;

	while (fd >= 0 && (n = syscall(SYS_getdents64, fd, batch, sizeof(batch))) > 0) {
		for (long at = 0; at < n;) {
			const struct dirent64 *d = (const void *)(batch + at);
			struct entry e;

			at += d->d_reclen;
			if (d->d_name[0] == '.' || !read_entry(fd, d->d_name, &e) ||
			    !is_alive(db, e.id))
				continue;
			if (!fn(arg, &e))
				return;
		}
	}
}

/* Its health check has failed (container/health.h). */
static bool is_unwell(const struct mb_dns_db *db, const char *id)
{
	static const char unwell[] = "unhealthy";
	char path[TARGET + 32], word[16];

	if (db->run_fd < 0 || strcmp(id, MB_DNS_NOBODY) == 0)
		return false;
	snprintf(path, sizeof(path), "c/%s/health", id);
	return readlinkat(db->run_fd, path, word, sizeof(word)) == sizeof(unwell) - 1 &&
	       memcmp(word, unwell, sizeof(unwell) - 1) == 0;
}

/* Who is unwell is named only when nobody else is. */
struct gathering {
	const struct mb_dns_db *db;
	struct mb_dns_addresses *to;
	bool any, any_well;
};

static bool gather(void *arg, const struct entry *e)
{
	struct gathering *g = arg;
	struct mb_dns_addresses *to = g->to;
	bool well = !is_unwell(g->db, e->id);

	g->any = true;
	if (!well && g->any_well)
		return true;
	if (well && !g->any_well)
		to->n4 = to->n6 = 0;
	g->any_well |= well;
	if (to->n4 < MB_DNS_ADDRESSES && inet_pton(AF_INET, e->ip4, to->v4[to->n4]) == 1)
		to->n4++;
	if (to->n6 < MB_DNS_ADDRESSES && inet_pton(AF_INET6, e->ip6, to->v6[to->n6]) == 1)
		to->n6++;
	return true;
}

/* "web.my-net" is "web" on the network "my-net". */
static bool strip_network(const char *name, const char *network, char stem[MB_DNS_NAME_TEXT])
{
	size_t n = strlen(name), tail = strlen(network);

	if (tail == 0 || n < tail + 2 || name[n - tail - 1] != '.' ||
	    strcasecmp(name + n - tail, network) != 0)
		return false;
	memcpy(stem, name, n - tail - 1);
	stem[n - tail - 1] = '\0';
	return true;
}

/* The name that the container means by @alias, on this network. */
static const char *follow(const struct mb_dns_db *db, const struct mb_dns_network *net,
                          const char *alias, char name[MB_DNS_NAME_TEXT])
{
	char path[MB_DNS_NAME_TEXT + TARGET];
	ssize_t n;

	if (!db->own || !*alias || *alias == '.' || strchr(alias, '/'))
		return alias;
	snprintf(path, sizeof(path), "l/%.64s/%s", db->own, alias);
	n = readlinkat(net->fd, path, name, MB_DNS_NAME_TEXT - 1);
	if (n <= 0)
		return alias;
	name[n] = '\0';
	return name;
}

bool mb_dns_db_find(const struct mb_dns_db *db, const char *name, struct mb_dns_addresses *ret)
{
	struct gathering g = {.db = db, .to = ret};
	char stem[MB_DNS_NAME_TEXT], linked[MB_DNS_NAME_TEXT];

	ret->n4 = ret->n6 = 0;
	for (size_t i = 0; i < db->n_networks; i++) {
		const struct mb_dns_network *net = &db->networks[i];

		each_entry(db, net, follow(db, net, name, linked), gather, &g);
		if (strip_network(name, net->name, stem))
			each_entry(db, net, follow(db, net, stem, linked), gather, &g);
	}
	return g.any;
}

struct holder {
	const char *address;
	bool found;
};

static bool is_holder(void *arg, const struct entry *e)
{
	struct holder *h = arg;

	h->found = strcmp(e->ip4, h->address) == 0 || strcmp(e->ip6, h->address) == 0;
	return !h->found;
}

bool mb_dns_db_reverse(const struct mb_dns_db *db, const char *address, char name[512])
{
	char path[MB_DNS_ADDRESS_TEXT + 8], stem[MB_DNS_NAME_TEXT];

	snprintf(path, sizeof(path), "p/%s", address);
	for (size_t i = 0; i < db->n_networks; i++) {
		const struct mb_dns_network *net = &db->networks[i];
		struct holder h = {.address = address};
		ssize_t n = readlinkat(net->fd, path, stem, sizeof(stem) - 1);

		if (n <= 0)
			continue;
		stem[n] = '\0';
		each_entry(db, net, stem, is_holder, &h);
		if (!h.found)
			continue;
		snprintf(name, 512, "%s%s%s", stem, net->name[0] ? "." : "", net->name);
		return true;
	}
	return false;
}
