/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RUN/net/<network>/store: what who leads last knew, for starts and for who looks. */
#include <errno.h>

#include "core/err.h"
#include "core/own.h"
#include "net/handle.h"
#include "net/overlay_lead.h"
#include "store/doc.h"
#include "json/json.h"

#define STATUS "store"

static const struct mb_json_field status_table[] = {
	MB_JSON_BOOL("online", struct mb_net_lead_status, online),
	MB_JSON_STR("member", struct mb_net_lead_status, member),
	MB_JSON_STR("fault", struct mb_net_lead_status, fault),
	MB_JSON_STR("policy", struct mb_net_lead_status, policy),
	MB_JSON_TIME("since", struct mb_net_lead_status, since),
	MB_JSON_U64("lease", struct mb_net_lead_status, lease),
	MB_JSON_KV("hosts", struct mb_net_lead_status, hosts),
	MB_JSON_END,
};

void mb_net_lead_status_done(struct mb_net_lead_status *status)
{
	mb_json_done(status_table, status);
}

int mb_net_lead_status_load(struct mb_net *net, const char *network_id,
                            struct mb_net_lead_status *ret, struct mb_err *err)
{
	struct mb_err told = MB_ERR_INIT;
	MB_AUTO_CLOSE int dir = -1;
	int r = mb_net_run_dir(net, network_id, &dir, err);

	if (r)
		return r;
	r = mb_store_doc_load(dir, STATUS, status_table, ret, &told);
	if (r == -ENOENT)
		return MB_NET_ABSENT;
	if (r && err)
		*err = told;
	return r > 0 ? -EBADMSG : r;
}

void mb_net_lead_status_save(struct mb_net *net, const char *network_id,
                             const struct mb_net_lead_status *status)
{
	MB_AUTO_CLOSE int dir = -1;

	if (mb_net_run_dir(net, network_id, &dir, NULL) == 0)
		(void)mb_store_doc_save(dir, STATUS, status_table, status, MB_DOC_REPLACE, NULL);
}
