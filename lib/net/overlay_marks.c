/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RUN/net/ov/<network>.<container>: there is something to lead for. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/dir.h"
#include "core/err.h"
#include "core/id.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "net/handle.h"
#include "net/overlay_lead.h"
#include "store/store.h"

/* All marks there are, as they are called. */
static int list_marks(struct mb_net *net, int *ret_dir, struct mb_strv *ret, struct mb_err *err)
{
	MB_AUTO_CLOSE int at = -1;
	struct dirent *entry;
	int r = mb_store_dir(net->store, MB_NET_LEAD_DIR, true, &at, err);
	DIR *dir;

	if (r)
		return r;
	dir = mb_dir_open(at, ".");
	if (!dir)
		return mb_fail_sys(err, errno, "cannot list the shared networks");
	while ((entry = readdir(dir)))
		if (strlen(entry->d_name) == (size_t)2 * MB_ID_LEN + 1 &&
		    entry->d_name[MB_ID_LEN] == '.')
			mb_strv_add(ret, entry->d_name);
	closedir(dir);
	if (ret_dir)
		*ret_dir = mb_take_fd(&at);
	return 0;
}

int mb_net_lead_wanted(struct mb_net *net, struct mb_strv *ids, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv marks = MB_STRV_INIT;
	int r = list_marks(net, NULL, &marks, err);

	MB_STRV_FOREACH (mark, &marks) {
		MB_AUTO_FREE char *id = mb_strndup(mark, MB_ID_LEN);

		if (mb_hex_is_valid(id, MB_ID_LEN) && !mb_strv_has(ids, id))
			mb_strv_add(ids, id);
	}
	return r;
}

/* One that lives and has no record is being born, or ends. */
static bool is_dead(struct mb_net *net, const char *network_id, const char *container_id)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *n = NULL;
	MB_AUTO(mb_net_sandbox_free) struct mb_net_sandbox *s = NULL;
	bool is_live = mb_net_is_live(net, container_id);

	if (mb_net_doc_read(net, network_id, &n, NULL) == -ENOENT)
		return true;
	if (mb_net_sandbox_load(net, container_id, &s, NULL) != 0)
		return !is_live;
	return !mb_net_endpoint_find(s, network_id);
}

int mb_net_lead_marks_check(struct mb_net *net, bool repair, mb_net_lead_found *found, void *arg,
                            struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv marks = MB_STRV_INIT;
	MB_AUTO_CLOSE int dir = -1;
	int r = list_marks(net, &dir, &marks, err);

	MB_STRV_FOREACH (mark, &marks) {
		MB_AUTO_FREE char *network_id = mb_strndup(mark, MB_ID_LEN);
		const char *id = mark + MB_ID_LEN + 1;

		if (!mb_hex_is_valid(network_id, MB_ID_LEN) || !mb_hex_is_valid(id, MB_ID_LEN) ||
		    !is_dead(net, network_id, id))
			continue;
		if (repair)
			(void)unlinkat(dir, mark, 0);
		if (found)
			found(arg, network_id, id);
	}
	return r;
}
