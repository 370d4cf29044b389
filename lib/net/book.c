/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/book.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "core/own.h"
#include "core/strv.h"
#include "net/handle.h"
#include "net/overlay_lead.h"
#include "net/overlay_remote.h"
#include "nl/route.h"

static void entry_done(struct mb_net_book_entry *e)
{
	free(e->id);
	free(e->name);
	free(e->network_id);
	free(e->network);
}

void mb_net_book_done(struct mb_net_book *book)
{
	for (size_t i = 0; i < book->n; i++)
		entry_done(&book->v[i]);
	free(book->v);
	*book = (struct mb_net_book){0};
}

void mb_net_book_add(struct mb_net_book *book, const struct mb_net_addr *addr, const char *id,
                     const char *name, const char *network_id, const char *network)
{
	struct mb_net_book_entry *e;

	if (book->n == book->cap) {
		book->cap = book->cap ? book->cap * 2 : 1;
		book->v = mb_realloc(book->v, book->cap * sizeof(*book->v));
	}
	e = &book->v[book->n++];
	*e = (struct mb_net_book_entry){.addr = *addr};
	e->id = mb_strdup_or_null(id);
	e->name = mb_strdup_or_null(name);
	e->network_id = mb_strdup_or_null(network_id);
	e->network = mb_strdup_or_null(network);
	book->sorted = false;
}

static int compare(const struct mb_net_addr *a, const struct mb_net_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, mb_net_addr_len(a));
}

/* A container before the host, should both have an address. */
static int by_address(const void *a, const void *b)
{
	const struct mb_net_book_entry *x = a, *y = b;
	int r = compare(&x->addr, &y->addr);

	return r ? r : (x->id == NULL) - (y->id == NULL);
}

const struct mb_net_book_entry *mb_net_book_find(struct mb_net_book *book,
                                                 const struct mb_net_addr *addr)
{
	size_t lo = 0, hi = book->n;

	if (!book->sorted && book->n)
		qsort(book->v, book->n, sizeof(*book->v), by_address);
	book->sorted = true;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare(&book->v[mid].addr, addr) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < book->n && compare(&book->v[lo].addr, addr) == 0 ? &book->v[lo] : NULL;
}

void mb_net_book_forget(struct mb_net_book *book, const char *id)
{
	size_t kept = 0;

	for (size_t i = 0; i < book->n; i++)
		if (book->v[i].id && strcmp(book->v[i].id, id) == 0)
			entry_done(&book->v[i]);
		else
			book->v[kept++] = book->v[i];
	if (kept < book->n)
		book->stamp = (struct timespec){0};
	book->n = kept;
}

void mb_net_book_ids(const struct mb_net_book *book, struct mb_strv *ret)
{
	MB_AUTO_STRV struct mb_strv all = MB_STRV_INIT;
	const char *last = "";

	for (size_t i = 0; i < book->n; i++)
		if (book->v[i].id)
			mb_strv_add(&all, book->v[i].id);
	mb_strv_sort(&all);
	MB_STRV_FOREACH (id, &all) {
		if (strcmp(id, last) != 0)
			mb_strv_add(ret, id);
		last = id;
	}
}

static void add_text(struct mb_net_book *book, const char *text, const struct mb_net_sandbox *s,
                     const struct mb_net_endpoint *e)
{
	struct mb_net_addr a;

	if (text && mb_net_addr_parse(text, &a) == 0)
		mb_net_book_add(book, &a, s->container_id, s->container_name, e->network_id,
		                e->network);
}

static int each_record(struct mb_net *net, struct mb_net_sandbox *s, void *arg, struct mb_err *err)
{
	(void)net;
	(void)err;
	for (size_t i = 0; i < s->n_endpoints; i++) {
		add_text(arg, s->endpoints[i].ip4, s, &s->endpoints[i]);
		add_text(arg, s->endpoints[i].ip6, s, &s->endpoints[i]);
	}
	return 0;
}

static void add_remote(struct mb_net_book *book, const char *text, const struct mb_net_remote *r,
                       const struct mb_net_network *n)
{
	MB_AUTO_FREE char *name = mb_asprintf("%s@%s", r->name, r->host);
	struct mb_net_addr a;

	if (!text || mb_net_addr_parse(text, &a) < 0)
		return;
	mb_net_book_add(book, &a, NULL, name, n->id, n->name);
	book->v[book->n - 1].is_remote = true;
}

/* Of networks that other hosts share, as far as containers are on them here. */
static void add_remotes(struct mb_net *net, struct mb_net_book *book)
{
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;

	if (mb_net_lead_wanted(net, &ids, NULL) < 0)
		return;
	MB_STRV_FOREACH (id, &ids) {
		MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
		MB_AUTO_NET_REMOTES struct mb_net_remotes remotes = {0};

		if (mb_net_doc_read(net, id, &n, NULL) < 0 ||
		    mb_net_remotes_load(net, n, &remotes, NULL) < 0)
			continue;
		for (size_t i = 0; i < remotes.n; i++) {
			add_remote(book, remotes.v[i].ip, &remotes.v[i], n);
			add_remote(book, remotes.v[i].ip6, &remotes.v[i], n);
		}
	}
}

static int each_address(const struct mb_nl_addr *addr, void *arg)
{
	struct mb_net_addr a = {.family = addr->family};

	memcpy(a.b, addr->addr, sizeof(a.b));
	mb_net_book_add(arg, &a, NULL, NULL, NULL, NULL);
	return 0;
}

static struct timespec stamp_of(struct mb_net *net)
{
	MB_AUTO_CLOSE int dir = -1;
	struct stat st = {0};

	if (mb_net_records_dir(net, &dir, NULL) == 0)
		(void)fstat(dir, &st);
	return st.st_mtim;
}

bool mb_net_book_is_old(struct mb_net *net, const struct mb_net_book *book)
{
	struct timespec now = stamp_of(net);

	return now.tv_sec != book->stamp.tv_sec || now.tv_nsec != book->stamp.tv_nsec;
}

int mb_net_book_load(struct mb_net *net, struct mb_net_book *ret, struct mb_err *err)
{
	struct mb_net_book book = {.stamp = stamp_of(net)};
	int r = mb_net_route_sock(net, err);

	if (!r)
		r = mb_net_records_walk(net, each_record, &book, err);
	if (!r)
		add_remotes(net, &book);
	if (!r)
		r = mb_nl_addr_dump(&net->route, AF_UNSPEC, each_address, &book, err);
	if (r) {
		mb_net_book_done(&book);
		return r;
	}
	*ret = book;
	return 0;
}
