/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/tracers.h"

#include "container/bundle.h"
#include "container/container.h"
#include "core/err.h"
#include "core/str.h"
#include "sys/proc.h"

static bool may_trace(const struct mb_container *other)
{
	const struct mb_container_record *record = other->record;
	struct mb_oci_process process = {0};
	bool may = other->broken ||
	           mb_container_caps_fill(&record->host, false, &process, NULL) < 0 ||
	           mb_strv_has(&process.capabilities->bounding, "CAP_SYS_PTRACE");

	mb_oci_process_done(&process);
	return may && !record->host.privileged;
}

int mb_container_tracer_find(const struct mb_container *c, int pid, char **ret_name,
                             struct mb_err *err)
{
	const ino_t ns = mb_sys_proc_ns_inode(pid, "pid");
	struct mb_container_list all;
	int r = mb_container_list_load(c->store, false, &all, err);

	if (r < 0)
		return r;
	*ret_name = NULL;
	for (size_t i = 0; !*ret_name && i < all.n; i++) {
		const struct mb_container *other = all.v[i];

		if (mb_container_is_running(other) && !mb_streq(other->id, c->id) &&
		    mb_sys_proc_ns_inode(other->state.run.pid, "pid") == ns && may_trace(other))
			*ret_name = mb_strdup(mb_container_name(other));
	}
	mb_container_list_done(&all);
	return 0;
}
