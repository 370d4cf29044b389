/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/cgroup_pressure.h"

#include <stdio.h>
#include <string.h>

#include "core/own.h"
#include "core/str.h"
#include "sys/cgroup.h"

static const char *const names[] = {"cpu", "memory", "io"};

const char *mb_sys_cgroup_resource_name(enum mb_sys_cgroup_resource resource)
{
	return names[resource];
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=12\nfull ...": older kernels have no full for the
 * processor. */
static bool total_of(const char *text, const char *kind, uint64_t *ret)
{
	const char *line = strstr(text, kind), *end = line ? strchr(line, '\n') : NULL;
	const char *total = line ? strstr(line, " total=") : NULL;
	unsigned long long n;

	if (!total || (end && total > end) || sscanf(total, " total=%llu", &n) != 1)
		return false;
	*ret = n;
	return true;
}

bool mb_sys_cgroup_pressure_parse(const char *text, struct mb_sys_cgroup_pressure *ret)
{
	struct mb_sys_cgroup_pressure p = {.is_known = true};

	if (!total_of(text, "some ", &p.some_usec))
		return false;
	(void)total_of(text, "full ", &p.full_usec);
	*ret = p;
	return true;
}

void mb_sys_cgroup_pressure_read(struct mb_sys_cgroup *cg,
                                 struct mb_sys_cgroup_pressure ret[MB_SYS_CGROUP_RESOURCES_N_])
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	for (size_t i = 0; i < MB_SYS_CGROUP_RESOURCES_N_; i++) {
		char file[32];

		ret[i] = (struct mb_sys_cgroup_pressure){0};
		snprintf(file, sizeof(file), "%s.pressure", names[i]);
		if (mb_sys_cgroup_file_read(cg, "", file, &text, NULL) == 0)
			(void)mb_sys_cgroup_pressure_parse(mb_str_text(&text), &ret[i]);
	}
}
