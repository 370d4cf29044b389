/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/net/book.h — whose an address is: containers, by the network records, and the host itself. */
#ifndef MB_NET_BOOK_H
#define MB_NET_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "net/addr.h"

struct mb_err;
struct mb_net;
struct mb_strv;

struct mb_net_book_entry {
	struct mb_net_addr addr;
	char *id, *name;            /* of the container; NULL: the host's own address */
	char *network_id, *network; /* NULL for the host */
	bool is_remote;             /* on another host: no id, and the name is CONTAINER@HOST */
};
/* Zeroed it is an empty book. */
struct mb_net_book {
	struct mb_net_book_entry *v; /* by address */
	size_t n, cap;
	bool sorted;
	struct timespec stamp; /* when the records changed last, as it was before they were read */
};
#define MB_AUTO_NET_BOOK __attribute__((cleanup(mb_net_book_done)))
void mb_net_book_done(struct mb_net_book *book);

/* The strings are copied; all may be NULL. */
void mb_net_book_add(struct mb_net_book *book, const struct mb_net_addr *addr, const char *id,
                     const char *name, const char *network_id, const char *network);
/* NULL: a stranger's.  Borrowed, valid until the next change. */
const struct mb_net_book_entry *mb_net_book_find(struct mb_net_book *book,
                                                 const struct mb_net_addr *addr);
/* Take a container out, which has turned out not to live: its addresses are strangers', or another
 * one's.  It may be one that is just being born: the book counts as old from then on. */
void mb_net_book_forget(struct mb_net_book *book, const char *id);
/* The ids of all containers, each once. */
void mb_net_book_ids(const struct mb_net_book *book, struct mb_strv *ret);
/* Fill an empty book with what is true now: every record and every address of this namespace. */
int mb_net_book_load(struct mb_net *net, struct mb_net_book *ret, struct mb_err *err);
/* Whether records came, changed or went since it was loaded. */
bool mb_net_book_is_old(struct mb_net *net, const struct mb_net_book *book);

#endif
