/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether somebody beside the engine may trace a process that comes into a container. */

#include "bundle/bundle.h"
#include "bundle/parts.h"
#include "core/io.h"
#include "core/str.h"
#include "sys/proc.h"
#include "json/json.h"

static bool has_own_pid_namespace(const struct mb_oci_spec *spec)
{
	const struct mb_oci_linux *l = &spec->linux;

	for (size_t i = 0; i < l->n_namespaces; i++)
		if (mb_streq(l->namespaces[i].type, "pid"))
			return !l->namespaces[i].path;
	return false;
}

static bool lives_in(int root_fd, const char *id, ino_t ns)
{
	MB_AUTO_FREE char *path = mb_asprintf("%s/" MB_BUNDLE_PROCESS, id);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	struct mb_sys_proc_id process = {0};

	return mb_read_file(root_fd, path, MB_JSON_MAX_BYTES, &text, NULL) == 0 &&
	       mb_bundle_process_parse(mb_str_text(&text), text.len, &process, NULL, NULL) == 0 &&
	       mb_sys_proc_ns_inode(process.pid, "pid") == ns;
}

/* What their processes may do is known to the engine alone. */
static bool has_company(const struct mb_bundle *b)
{
	const ino_t ns = mb_sys_proc_ns_inode(b->process.pid, "pid");
	MB_AUTO_STRV struct mb_strv ids = MB_STRV_INIT;

	if (mb_bundle_list(b->root_fd, &ids, NULL) < 0)
		return true;
	MB_STRV_FOREACH (id, &ids)
		if (!mb_streq(id, b->id) && lives_in(b->root_fd, id, ns))
			return true;
	return false;
}

bool mb_bundle_is_shared(const struct mb_bundle *b)
{
	return !has_own_pid_namespace(&b->spec) || has_company(b);
}

static bool may_trace(const struct mb_oci_process *process)
{
	return process && process->capabilities &&
	       mb_strv_has(&process->capabilities->bounding, "CAP_SYS_PTRACE");
}

bool mb_bundle_may_be_traced(const struct mb_bundle *b, const struct mb_oci_process *process)
{
	return may_trace(b->spec.process) || may_trace(process) || mb_bundle_is_shared(b);
}
