/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "monitor/dns_learn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/learn.h"
#include "core/own.h"
#include "monitor/dns.h"

/* ---- what the policy says of a name --------------------------------------------------- */

static int open_rules(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* By the name itself, else by the nearest "*.NAME" above it.  Return: a descriptor or -1. */
static int find_rules(int network, const char *name)
{
	MB_AUTO_CLOSE int dir =
		openat(network, MB_LEARN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	char pattern[MB_DNS_NAME_TEXT + 2];
	int fd;

	if (dir < 0 || !*name || *name == '.')
		return -1;
	fd = open_rules(dir, name);
	for (const char *dot = strchr(name, '.'); fd < 0 && dot; dot = strchr(dot + 1, '.')) {
		snprintf(pattern, sizeof(pattern), "*%s", dot);
		fd = open_rules(dir, pattern);
	}
	return fd;
}

bool mb_dns_learn_wants(const struct mb_dns *d, const struct mb_dns_question *q)
{
	char name[MB_DNS_NAME_TEXT];
	bool found = false;

	if (!mb_dns_question_name(q, name))
		return false;
	for (size_t i = 0; !found && i < d->n_networks; i++) {
		MB_AUTO_CLOSE int fd = find_rules(d->network[i].fd, name);

		found = fd >= 0;
	}
	return found;
}

static bool is_within(const struct mb_learn_range *r, const struct mb_dns_record *a)
{
	return r->address_bytes == a->n && memcmp(a->data, r->first, a->n) >= 0 &&
	       memcmp(a->data, r->last, a->n) <= 0;
}

/* Return: whether a range has it; all do, but the family may be none of the network's. */
static bool find_class(int rules, uint32_t n, const struct mb_dns_record *a,
                       uint8_t class_id[MB_LEARN_CLASS_BYTES])
{
	struct mb_learn_range r;

	for (uint32_t i = 0; i < n; i++) {
		off_t at = (off_t)(sizeof(struct mb_learn_header) + i * sizeof(r));

		if (pread(rules, &r, sizeof(r), at) != (ssize_t)sizeof(r))
			return false;
		if (!is_within(&r, a))
			continue;
		memcpy(class_id, r.class_id, MB_LEARN_CLASS_BYTES);
		return true;
	}
	return false;
}

/* ---- nftables, as <linux/netfilter/nf_tables.h> has it, which musl does not bring ------ */

enum {
	NETLINK_NETFILTER_ = 12,
	FLAG_REQUEST = 1,
	FLAG_ACK = 4,
	FLAG_CREATE = 0x400,
	TYPE_ERROR = 2,
	TYPE_BATCH_BEGIN = 0x10,
	TYPE_BATCH_END = 0x11,
	SUBSYS_NFTABLES = 10,
	NEW_ELEM = SUBSYS_NFTABLES << 8 | 12,
	DEL_ELEM = SUBSYS_NFTABLES << 8 | 14,
	FAMILY_INET = 1,
	NESTED = 0x8000,
	LIST_TABLE = 1,
	LIST_SET = 2,
	LIST_ELEMENTS = 3,
	LIST_ITEM = 1,
	ELEM_KEY = 1,
	ELEM_DATA = 2,
	DATA_VALUE = 1,
	HEADER = 16,
	ATTR = 4,
	REPLY_MAX = 512,
};

struct build {
	uint8_t *buf;
	size_t n, size;
	bool overflows;
	uint32_t seq;
};

static void put(struct build *b, const void *bytes, size_t n)
{
	static const uint8_t zeroes[3];
	size_t pad = (4 - n % 4) % 4;

	if (b->n + n + pad > b->size) {
		b->overflows = true;
		return;
	}
	memcpy(b->buf + b->n, bytes, n);
	memcpy(b->buf + b->n + n, zeroes, pad);
	b->n += n + pad;
}

static void put_attr(struct build *b, unsigned type, const void *bytes, size_t n)
{
	const uint16_t head[2] = {(uint16_t)(ATTR + n), (uint16_t)type};

	put(b, head, sizeof(head));
	put(b, bytes, n);
}

/* What follows is within, until close_attr() with what it returned. */
static size_t open_attr(struct build *b, unsigned type)
{
	size_t at = b->n;

	put_attr(b, type | NESTED, "", 0);
	return at;
}

static void close_attr(struct build *b, size_t at)
{
	uint16_t len = (uint16_t)(b->n - at);

	if (!b->overflows)
		memcpy(b->buf + at, &len, sizeof(len));
}

static size_t open_message(struct build *b, unsigned type, unsigned flags, unsigned family,
                           unsigned resource)
{
	size_t at = b->n;
	const uint16_t what[2] = {(uint16_t)type, (uint16_t)(FLAG_REQUEST | flags)};
	const uint32_t head[4] = {0, 0, b->seq++, 0};
	const uint8_t nf[4] = {(uint8_t)family, 0, (uint8_t)(resource >> 8), (uint8_t)resource};

	put(b, head, sizeof(head));
	if (!b->overflows)
		memcpy(b->buf + at + 4, what, sizeof(what));
	put(b, nf, sizeof(nf));
	return at;
}

static void close_message(struct build *b, size_t at)
{
	uint32_t len = (uint32_t)(b->n - at);

	if (!b->overflows)
		memcpy(b->buf + at, &len, sizeof(len));
}

static void put_value(struct build *b, unsigned type, const void *bytes, size_t n)
{
	size_t at = open_attr(b, type);

	put_attr(b, DATA_VALUE, bytes, n);
	close_attr(b, at);
}

struct element {
	const char *table, *set;
	uint8_t key[4 + 16 + 4];
	size_t key_len;
	const uint8_t *class_id; /* NULL: of a set */
};

static void put_element(struct build *b, const struct element *e, bool add, bool last)
{
	size_t message =
		open_message(b, add ? NEW_ELEM : DEL_ELEM,
	                     (add ? FLAG_CREATE : 0u) | (last ? FLAG_ACK : 0u), FAMILY_INET, 0);
	size_t list, item;

	put_attr(b, LIST_TABLE, e->table, strlen(e->table) + 1);
	put_attr(b, LIST_SET, e->set, strlen(e->set) + 1);
	list = open_attr(b, LIST_ELEMENTS);
	item = open_attr(b, LIST_ITEM);
	put_value(b, ELEM_KEY, e->key, e->key_len);
	if (add && e->class_id)
		put_value(b, ELEM_DATA, e->class_id, MB_LEARN_CLASS_BYTES);
	close_attr(b, item);
	close_attr(b, list);
	close_message(b, message);
}

/* In one transaction it is there, goes and comes: what is there already begins its time anew, and
 * what is there with another class stops it all. */
static void put_anew(struct build *b, const struct element *e, bool last)
{
	put_element(b, e, true, false);
	put_element(b, e, false, false);
	put_element(b, e, true, last);
}

size_t mb_dns_learn_format(const struct mb_learn_header *h, const struct mb_dns_record *a,
                           const uint8_t *class_id, uint32_t slot, uint8_t *buf, size_t size)
{
	struct build b = {.buf = buf, .size = size};
	struct element e = {.table = h->table, .class_id = class_id};

	memcpy(e.key, &h->group, sizeof(h->group));
	memcpy(e.key + 4, a->data, a->n);
	memcpy(e.key + 4 + a->n, &slot, sizeof(slot));
	e.key_len = 4 + a->n + sizeof(slot);
	e.set = a->n == 4 ? MB_LEARN_MAP4 : MB_LEARN_MAP6;
	close_message(&b, open_message(&b, TYPE_BATCH_BEGIN, 0, 0, SUBSYS_NFTABLES));
	put_anew(&b, &e, false);
	e.class_id = NULL;
	e.key_len -= sizeof(slot);
	e.set = a->n == 4 ? MB_LEARN_SET4 : MB_LEARN_SET6;
	put_anew(&b, &e, true);
	close_message(&b, open_message(&b, TYPE_BATCH_END, 0, 0, SUBSYS_NFTABLES));
	return b.overflows ? 0 : b.n;
}

/* What the kernel says of the transaction, all of it when the message was sent: each message that
 * failed is told, and the last one that did not.  None is left for the next transaction to find. */
static int read_result(int fd)
{
	union {
		uint32_t word[REPLY_MAX / 4];
		uint16_t half[REPLY_MAX / 2];
	} reply;
	int result = -EIO;
	bool failed = false;
	ssize_t n;

	while ((n = recv(fd, &reply, sizeof(reply), MSG_DONTWAIT)) >= 0 || errno == ENOBUFS ||
	       errno == EINTR) {
		if (n < HEADER + 4 || reply.half[2] != TYPE_ERROR || failed)
			continue;
		result = (int)reply.word[4];
		failed = result != 0;
	}
	return result;
}

/* The socket stays: whoever closes one waits until the kernel has freed what was removed, 10 ms. */
static int commit(int *fd, const uint8_t *message, size_t n)
{
	const struct {
		uint16_t family, pad;
		uint32_t pid, groups;
	} kernel = {.family = AF_NETLINK};

	if (*fd < 0)
		*fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER_);
	if (*fd < 0 || sendto(*fd, message, n, 0, (const struct sockaddr *)&kernel,
	                      sizeof(kernel)) != (ssize_t)n)
		return -errno;
	return read_result(*fd);
}

static void learn_address(struct mb_dns *d, int rules, const struct mb_learn_header *h,
                          const struct mb_dns_record *a)
{
	uint8_t message[1024], class_id[MB_LEARN_CLASS_BYTES];
	int r = -EEXIST;

	if (!find_class(rules, h->n_ranges, a, class_id))
		return;
	for (uint32_t slot = 0; r == -EEXIST && slot < MB_LEARN_SLOTS; slot++) {
		size_t n = mb_dns_learn_format(h, a, class_id, slot, message, sizeof(message));

		r = n ? commit(&d->learn_fd, message, n) : -E2BIG;
	}
}

/* ---- answers -------------------------------------------------------------------------- */

static void learn(struct mb_dns *d, int rules, uint8_t *answer, size_t n)
{
	struct mb_learn_header h;
	struct mb_dns_record a = {0};

	if (pread(rules, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
	    !memchr(h.table, '\0', sizeof(h.table)))
		return;
	while (mb_dns_record_next(answer, n, &a)) {
		if ((a.type == MB_DNS_A && a.n == 4) || (a.type == MB_DNS_AAAA && a.n == 16))
			learn_address(d, rules, &h, &a);
		mb_dns_record_limit(answer, &a, MB_LEARN_TTL_SEC);
	}
}

void mb_dns_learn(struct mb_dns *d, const struct mb_dns_question *q, uint8_t *answer, size_t n)
{
	char name[MB_DNS_NAME_TEXT];

	if (n < MB_DNS_HEADER || mb_dns_response_rcode(answer) != MB_DNS_NOERROR ||
	    !mb_dns_question_name(q, name))
		return;
	for (size_t i = 0; i < d->n_networks; i++) {
		MB_AUTO_CLOSE int rules = find_rules(d->network[i].fd, name);

		if (rules >= 0)
			learn(d, rules, answer, n);
	}
}
