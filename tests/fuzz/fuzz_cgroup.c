/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "sys/cgroup.h"
#include "sys/cgroup_priv.h"
#include "sys/proc.h"

/* mountinfo and /proc/self/cgroup between a line "---"; a parent's path; a stat file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *rest = text, *path = NULL;
	struct mb_sys_cgroup_host *host = NULL;
	char *mountinfo, state;
	uint64_t start;
	pid_t parent;
	size_t n;

	mb_sys_proc_stat_parse(text, &state, &parent, &start);
	if (mb_sys_cgroup_path_make(text, "x", &path, NULL) == 0) {
		FUZZ_CHECK(path[0] == '/' && !strstr(path, "/../") && !strstr(path, "//"));
		free(path);
	}
	mountinfo = fuzz_part(&rest);
	if (mb_sys_cgroup_host_fake(mountinfo, rest, &host, NULL) == 0) {
		mb_sys_cgroup_host_version(host);
		mb_sys_cgroup_host_has(host, "memory");
		mb_sys_cgroup_host_hierarchies(host, &n);
		mb_sys_cgroup_host_free(host);
	}
	free(text);
	return 0;
}
