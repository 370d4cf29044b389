/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This host's place in a store: its lease and its record. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/err.h"
#include "core/id.h"
#include "core/io.h"
#include "core/parse.h"
#include "core/str.h"
#include "etcd/etcd.h"
#include "net/handle.h"
#include "net/overlay_lead.h"
#include "net/overlay_record.h"
#include "net/overlay_store.h"
#include "net/overlay_wire.h"
#include "store/doc.h"
#include "store/store.h"

#define LEASE   "lease"
#define HOST_ID "host-id"
enum { LEASE_TRIES = 3, HOST_BYTES = 8, TEXT = 64 };

/* ---- who uses it, and who takes it away ------------------------------------------------------ */

static char *use_name(const struct mb_net_network *n)
{
	return mb_asprintf("%s.use", n->id);
}

static bool is_there(int dir, const char *name, int fd)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

int mb_net_store_use(struct mb_net *net, const struct mb_net_network *n, int lock, int *ret_fd,
                     struct mb_err *err)
{
	MB_AUTO_FREE char *name = use_name(n);
	MB_AUTO_CLOSE int dir = -1, fd = -1;
	int r = mb_net_has_store(n) ? mb_store_dir(net->store, MB_NET_LEAD_DIR, true, &dir, err)
	                            : 1;

	if (r)
		return r < 0 ? r : 0;
	/* Whom one waited for may have taken the file away: others lock another one then. */
	do {
		mb_close(&fd);
		fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return mb_fail_sys(err, errno, "cannot open '%s'", name);
		while (flock(fd, lock) < 0) {
			if (errno == EWOULDBLOCK)
				return -EWOULDBLOCK;
			if (errno != EINTR)
				return mb_fail_sys(err, errno, "cannot lock '%s'", name);
		}
	} while (!is_there(dir, name, fd));
	*ret_fd = mb_take_fd(&fd);
	return 0;
}

void mb_net_store_use_end(struct mb_net *net, const struct mb_net_network *n)
{
	MB_AUTO_FREE char *name = use_name(n);
	MB_AUTO_CLOSE int dir = -1;

	if (mb_net_has_store(n) && mb_store_dir(net->store, MB_NET_LEAD_DIR, true, &dir, NULL) == 0)
		(void)unlinkat(dir, name, 0);
}

/* ---- this host ------------------------------------------------------------------------------- */

/* Drawn once by a store: hosts may have one name. */
static int host_id(struct mb_net *net, char id[2 * HOST_BYTES + 1], struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	unsigned char bytes[HOST_BYTES];
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_store_dir(net->store, "networks", false, &dir, err);

	if (r)
		return r;
	if (faccessat(dir, HOST_ID, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		mb_random(bytes, sizeof(bytes));
		mb_hex_format(bytes, sizeof(bytes), id);
		r = mb_store_file_write(dir, HOST_ID, id, 2 * sizeof(bytes), MB_DOC_DURABLE, err);
		if (r && r != -EEXIST)
			return r;
	}
	r = mb_read_file(dir, HOST_ID, TEXT, &text, err);
	if (!r && !mb_hex_is_valid(mb_str_text(&text), 2 * HOST_BYTES))
		r = mb_fail(err, EBADMSG, "'%s' of the networks is broken", HOST_ID);
	if (!r)
		memcpy(id, text.buf, 2 * HOST_BYTES + 1);
	return r;
}

uint64_t mb_net_store_lease_now(struct mb_net *net, const struct mb_net_network *n)
{
	MB_AUTO_CLOSE int dir = -1;
	char text[TEXT];
	uint64_t id;
	ssize_t len;

	if (mb_net_run_dir(net, n->id, &dir, NULL) < 0)
		return 0;
	len = readlinkat(dir, LEASE, text, sizeof(text) - 1);
	text[len > 0 ? len : 0] = '\0';
	return mb_parse_u64(text, &id) == 0 ? id : 0;
}

/* Of two who grant one at the same time the first one's counts.  Return: the one that does. */
static int set_lease(struct mb_net *net, const struct mb_net_network *n, uint64_t ended,
                     uint64_t mine, uint64_t *ret, struct mb_err *err)
{
	MB_AUTO_CLOSE int dir = -1;
	char text[TEXT];
	int r = mb_net_run_dir(net, n->id, &dir, err);

	if (r)
		return r;
	while (flock(dir, LOCK_EX) < 0)
		if (errno != EINTR)
			return mb_fail_sys(err, errno, "cannot lock the network's directory");
	*ret = mb_net_store_lease_now(net, n);
	if (*ret && *ret != ended)
		return 0;
	snprintf(text, sizeof(text), "%" PRIu64, mine);
	(void)unlinkat(dir, LEASE, 0);
	if (symlinkat(text, dir, LEASE) < 0)
		return mb_fail_sys(err, errno, "cannot keep the lease");
	*ret = mine;
	return 0;
}

/* In @seen what was there: @ours, another's, or no network at all.  Return: 0 and whose it is;
 * or -errno. */
static int judge_host(const struct mb_net_network *n, const struct mb_etcd_kvs *seen,
                      const char *key, const char *id, struct mb_err *err)
{
	MB_AUTO_FREE char *network = mb_net_store_key(n, NULL, NULL);
	const struct mb_etcd_kv *of_network = mb_etcd_kvs_find(seen, network);
	const struct mb_etcd_kv *kv = mb_etcd_kvs_find(seen, key);
	struct mb_net_host other = {0};
	int r = 0;

	if (!of_network || of_network->created != n->overlay.revision)
		return mb_net_store_told_gone(n, err);
	if (kv && (mb_net_host_parse(kv->value, &other, NULL) < 0 || !mb_streq(other.id, id)))
		r = mb_fail(err, EEXIST, "host %s has the tunnel address %s already",
		            other.name ? other.name : "of another version", n->overlay.vtep);
	mb_net_host_done(&other);
	return r;
}

static void format_self(const struct mb_net_network *n, char *id, struct mb_str *out)
{
	const struct mb_net_overlay *o = &n->overlay;
	MB_AUTO_FREE char *endpoint = o->encrypted ? mb_net_wire_endpoint(o) : NULL;
	const struct mb_net_host self = {.schema = MB_NET_SHARED_SCHEMA,
	                                 .name = o->host,
	                                 .id = id,
	                                 .key = o->wire_public,
	                                 .endpoint = endpoint};

	mb_net_host_format(&self, out);
}

/* This host's place, which no other has: first with nobody there, then as what was seen, which is
 * ours with a lease of before, or when it was called otherwise.  Only while the network is. */
static int put_host(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                    uint64_t lease, struct mb_err *err)
{
	MB_AUTO_FREE char *key = mb_net_store_key(n, "host", n->overlay.vtep);
	MB_AUTO_FREE char *network = mb_net_store_key(n, NULL, NULL);
	MB_AUTO_ETCD_KVS struct mb_etcd_kvs seen = {0};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	char id[2 * HOST_BYTES + 1];
	int r = host_id(net, id, err);

	if (r)
		return r;
	format_self(n, id, &text);
	for (int i = 0; i < LEASE_TRIES; i++) {
		MB_AUTO_ETCD_TXN struct mb_etcd_txn t = MB_ETCD_TXN_INIT;
		const struct mb_etcd_kv *kv = mb_etcd_kvs_find(&seen, key);
		bool done;

		mb_etcd_if_created(&t, network, n->overlay.revision);
		if (kv)
			mb_etcd_if_value(&t, key, kv->value);
		else
			mb_etcd_if_created(&t, key, 0);
		mb_etcd_then_put(&t, key, mb_str_text(&text), lease);
		mb_etcd_else_get(&t, network);
		mb_etcd_else_get(&t, key);
		mb_etcd_kvs_done(&seen);
		r = mb_etcd_commit(etcd, &t, &done, &seen, err);
		if (!r && !done)
			r = judge_host(n, &seen, key, id, err);
		if (r || done)
			return r;
	}
	return mb_fail(err, EAGAIN, "the host's record in the store changes all the time");
}

static int host_record(struct mb_net *net, const struct mb_net_network *n, struct mb_str *out,
                       struct mb_err *err)
{
	char id[2 * HOST_BYTES + 1];
	int r = host_id(net, id, err);

	if (!r)
		format_self(n, id, out);
	return r;
}

int mb_net_store_host_remove(struct mb_net *net, const struct mb_net_network *n,
                             struct mb_etcd *etcd, struct mb_err *err)
{
	MB_AUTO_FREE char *key = mb_net_store_key(n, "host", n->overlay.vtep);
	MB_AUTO_ETCD_TXN struct mb_etcd_txn t = MB_ETCD_TXN_INIT;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = host_record(net, n, &text, err);
	bool done;

	if (r)
		return r;
	mb_etcd_if_value(&t, key, mb_str_text(&text));
	mb_etcd_then_delete(&t, key, false);
	return mb_etcd_commit(etcd, &t, &done, NULL, err);
}

int mb_net_store_keep_host(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                           const struct mb_etcd_kv *now, uint64_t lease, struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = host_record(net, n, &text, err);

	if (r || (now && now->lease == lease && mb_streq(now->value, mb_str_text(&text))))
		return r;
	return put_host(net, n, etcd, lease, err);
}

int mb_net_store_lease(struct mb_net *net, const struct mb_net_network *n, struct mb_etcd *etcd,
                       uint64_t ended, uint64_t *ret, struct mb_err *err)
{
	uint64_t now = mb_net_store_lease_now(net, n), mine;
	bool won;
	int r;

	if (now && now != ended) {
		*ret = now;
		return 0;
	}
	r = mb_etcd_lease_grant(etcd, n->overlay.ttl, &mine, err);
	if (r)
		return r;
	r = put_host(net, n, etcd, mine, err);
	if (!r)
		r = set_lease(net, n, ended, mine, ret, err);
	/* Under the other's lease before ours ends: whoever takes the network away meanwhile must
	 * find that this host is there. */
	won = !r && *ret == mine;
	if (!r && !won)
		r = put_host(net, n, etcd, *ret, err);
	if (!won)
		(void)mb_etcd_lease_revoke(etcd, mine, NULL);
	return r;
}

void mb_net_store_lease_end(struct mb_net *net, const struct mb_net_network *n,
                            struct mb_etcd *etcd)
{
	uint64_t lease = mb_net_store_lease_now(net, n);
	MB_AUTO_CLOSE int dir = -1;

	/* What cannot be told ends by itself, and says until then that there was one. */
	if (lease && mb_etcd_lease_revoke(etcd, lease, NULL) == 0 &&
	    mb_net_run_dir(net, n->id, &dir, NULL) == 0 && mb_net_store_lease_now(net, n) == lease)
		(void)unlinkat(dir, LEASE, 0);
}
