/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "container/container.h"
#include "container/event.h"
#include "container/life.h"
#include "container/start_parts.h"
#include "core/err.h"
#include "core/parse.h"
#include "net/net.h"
#include "store/doc.h"
#include "store/store.h"

static int claim(struct mb_container *c, int names, const char *name, struct mb_err *err)
{
	char holder[MB_ID_TEXT] = "";
	int r;

	if (!mb_name_is_valid(name))
		return mb_fail(err, EINVAL,
		               "Invalid container name (%s), only "
		               "[a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
		               name);
	if (strcmp(name, mb_container_name(c)) == 0)
		return mb_fail(err, EINVAL,
		               "Renaming a container with the same name as its "
		               "current name");
	r = mb_store_name_claim(names, name, c->id, holder, err);
	if (r != MB_STORE_TAKEN)
		return r;
	if (strcmp(holder, c->id) == 0)
		return 0; /* a rename that was cut off, done again */
	return mb_fail(err, EEXIST,
	               "Conflict. The container name \"/%s\" is already in use by container "
	               "\"%s\". You have to remove (or rename) that container to be able to reuse "
	               "that name.",
	               name, holder);
}

/* The record first, then the network, which may refuse a name: it is as before then. */
static int rename_record(struct mb_container *c, const char *name, struct mb_err *err)
{
	mb_strset(&c->record->name, name);
	return mb_container_record_save(c->dir_fd, c->record, MB_DOC_REPLACE | MB_DOC_DURABLE, err);
}

static int rename_in_network(struct mb_container *c, const char *name, const char *before,
                             struct mb_err *err)
{
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	int r;

	if (!mb_container_is_running(c))
		return 0;
	mb_net_new(c->store, &net);
	r = mb_net_sandbox_rename(net, c->id, name, err);
	if (r < 0) {
		(void)mb_net_sandbox_rename(net, c->id, before, NULL);
		(void)rename_record(c, before, NULL);
	}
	return r;
}

static void tell(struct mb_container *c, const char *before)
{
	MB_AUTO_FREE char *name = mb_asprintf("/%s", before);

	mb_container_monitor_about(c);
	mb_container_event_with(c, "rename", "oldName", name);
}

int mb_container_rename(struct mb_container *c, const char *name, struct mb_err *err)
{
	MB_AUTO_CLOSE int lock = -1, names = -1;
	MB_AUTO_FREE char *before = NULL;
	int r = mb_container_lock(c, &lock, err);

	name += name[0] == '/';
	if (r != 0)
		return r < 0 ? r : -ENOENT;
	r = mb_container_require(c, err);
	if (r == 0)
		r = mb_store_dir(c->store, "names", false, &names, err);
	if (r == 0)
		r = claim(c, names, name, err);
	if (r < 0)
		return r;
	before = mb_strdup(mb_container_name(c));
	r = rename_record(c, name, err);
	if (r == 0)
		r = rename_in_network(c, name, before, err);
	if (r < 0) {
		mb_store_name_release(names, name, c->id, NULL);
		return r;
	}
	tell(c, before);
	return mb_store_name_release(names, before, c->id, err);
}
