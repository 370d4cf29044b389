/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "core/err.h"
#include "core/own.h"
#include "store/lock.h"
#include "store/store.h"
#include "sys/tree.h"

int mb_cmd_aside_make(struct mb_store *store, struct mb_cmd_aside *ret, struct mb_err *err)
{
	MB_AUTO_CMD_ASIDE struct mb_cmd_aside a = MB_CMD_ASIDE_INIT;
	char id[MB_ID_TEXT];
	int r = mb_store_lock(store, MB_RANK_STORE, "images", false, true, &a.lock, err);

	if (r == 0)
		r = mb_store_dir(store, "ingest", false, &a.ingest_fd, err);
	if (r != 0)
		return r < 0 ? r : -EBUSY;
	mb_id_make(id);
	snprintf(a.name, sizeof(a.name), "aside-%s", id);
	if (mkdirat(a.ingest_fd, a.name, 0700) < 0)
		return mb_fail_sys(err, errno, "cannot create '%s'", a.name);
	a.tree_fd = openat(a.ingest_fd, a.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (a.tree_fd < 0)
		return mb_fail_sys(err, errno, "cannot open '%s'", a.name);
	*ret = a;
	a = MB_CMD_ASIDE_INIT;
	return 0;
}

void mb_cmd_aside_done(struct mb_cmd_aside *a)
{
	mb_close(&a->tree_fd);
	if (a->ingest_fd >= 0 && *a->name)
		(void)mb_sys_tree_remove(a->ingest_fd, a->name, NULL);
	mb_close(&a->ingest_fd);
	mb_close(&a->lock);
	*a = MB_CMD_ASIDE_INIT;
}
