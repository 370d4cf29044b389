/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "sys/cgroup_priv.h"

enum { STAT_MAX = 1024 * 1024, V1_UNLIMITED_FROM = 62 };

/* Figures are best effort: what a kernel does not tell stays zero, and `has` says which groups
 * of them mean anything. */

static bool text_read(int fd, const char *file, struct mb_str *text)
{
	mb_str_reset(text);
	return mb_read_file(fd, file, STAT_MAX, text, NULL) == 0;
}

/* v1's "no limit" is the biggest multiple of a page. */
static uint64_t limit_or_none(uint64_t bytes)
{
	return bytes >> V1_UNLIMITED_FROM ? UINT64_MAX : bytes;
}

static void cpu_v2(int fd, struct mb_str *text, struct mb_sys_cgroup_stats *s)
{
	if (!text_read(fd, "cpu.stat", text))
		return;
	if (mb_sys_cgroup_find(text->buf, "usage_usec", &s->cpu_usec))
		s->has |= MB_SYS_CGROUP_HAS_CPU;
	(void)mb_sys_cgroup_find(text->buf, "user_usec", &s->cpu_user_usec);
	(void)mb_sys_cgroup_find(text->buf, "system_usec", &s->cpu_system_usec);
	(void)mb_sys_cgroup_find(text->buf, "nr_periods", &s->cpu_periods);
	(void)mb_sys_cgroup_find(text->buf, "nr_throttled", &s->cpu_throttled_periods);
	(void)mb_sys_cgroup_find(text->buf, "throttled_usec", &s->cpu_throttled_usec);
}

static void cpuacct_v1(int fd, struct mb_str *text, struct mb_sys_cgroup_stats *s)
{
	uint64_t nsec, ticks = 0, hz = (uint64_t)sysconf(_SC_CLK_TCK);

	if (mb_sys_cgroup_get(fd, "cpuacct.usage", &nsec) < 0)
		return;
	s->cpu_usec = nsec / 1000;
	s->has |= MB_SYS_CGROUP_HAS_CPU;
	if (!text_read(fd, "cpuacct.stat", text) || !hz)
		return;
	if (mb_sys_cgroup_find(text->buf, "user", &ticks))
		s->cpu_user_usec = ticks * 1000000 / hz;
	if (mb_sys_cgroup_find(text->buf, "system", &ticks))
		s->cpu_system_usec = ticks * 1000000 / hz;
}

static void throttling_v1(int fd, struct mb_str *text, struct mb_sys_cgroup_stats *s)
{
	uint64_t nsec;

	if (!text_read(fd, "cpu.stat", text))
		return;
	(void)mb_sys_cgroup_find(text->buf, "nr_periods", &s->cpu_periods);
	(void)mb_sys_cgroup_find(text->buf, "nr_throttled", &s->cpu_throttled_periods);
	if (mb_sys_cgroup_find(text->buf, "throttled_time", &nsec))
		s->cpu_throttled_usec = nsec / 1000;
}

static void memory_v2(int fd, struct mb_str *text, struct mb_sys_cgroup_stats *s)
{
	if (mb_sys_cgroup_get(fd, "memory.current", &s->memory) == 0)
		s->has |= MB_SYS_CGROUP_HAS_MEMORY;
	(void)mb_sys_cgroup_get(fd, "memory.max", &s->memory_limit);
	(void)mb_sys_cgroup_get(fd, "memory.peak", &s->memory_peak);
	(void)mb_sys_cgroup_get(fd, "memory.swap.current", &s->swap);
	if (text_read(fd, "memory.stat", text))
		(void)mb_sys_cgroup_find(text->buf, "inactive_file", &s->memory_cache);
	if (text_read(fd, "memory.events", text))
		(void)mb_sys_cgroup_find(text->buf, "oom_kill", &s->oom_kills);
}

static void memory_v1(int fd, struct mb_str *text, struct mb_sys_cgroup_stats *s)
{
	uint64_t both;

	if (mb_sys_cgroup_get(fd, "memory.usage_in_bytes", &s->memory) == 0)
		s->has |= MB_SYS_CGROUP_HAS_MEMORY;
	if (mb_sys_cgroup_get(fd, "memory.limit_in_bytes", &s->memory_limit) == 0)
		s->memory_limit = limit_or_none(s->memory_limit);
	(void)mb_sys_cgroup_get(fd, "memory.max_usage_in_bytes", &s->memory_peak);
	if (mb_sys_cgroup_get(fd, "memory.memsw.usage_in_bytes", &both) == 0 && both > s->memory)
		s->swap = both - s->memory;
	if (text_read(fd, "memory.stat", text))
		(void)mb_sys_cgroup_find(text->buf, "total_inactive_file", &s->memory_cache);
	if (text_read(fd, "memory.oom_control", text))
		(void)mb_sys_cgroup_find(text->buf, "oom_kill", &s->oom_kills);
}

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ...", a line for each device. */
static void io_v2(int fd, struct mb_str *text, struct mb_sys_cgroup_stats *s)
{
	const struct {
		const char *key;
		uint64_t *sum;
	} sums[] = {{" rbytes=", &s->io_read_bytes},
	            {" wbytes=", &s->io_write_bytes},
	            {" rios=", &s->io_reads},
	            {" wios=", &s->io_writes}};

	if (!text_read(fd, "io.stat", text))
		return;
	s->has |= MB_SYS_CGROUP_HAS_IO;
	for (size_t i = 0; i < MB_N(sums); i++)
		for (const char *p = mb_str_text(text); (p = strstr(p, sums[i].key));) {
			p += strlen(sums[i].key);
			*sums[i].sum += strtoull(p, NULL, 10);
		}
}

/* "8:0 Read 123" and so on. */
static bool io_v1_sum(int fd, const char *file, struct mb_str *text, uint64_t *reads,
                      uint64_t *writes)
{
	MB_AUTO_FREE char *recursive = mb_asprintf("%s_recursive", file);

	if (!text_read(fd, recursive, text) && !text_read(fd, file, text))
		return false;
	for (const char *p = mb_str_text(text); (p = strstr(p, " Read "));)
		*reads += strtoull(p += strlen(" Read "), NULL, 10);
	for (const char *p = mb_str_text(text); (p = strstr(p, " Write "));)
		*writes += strtoull(p += strlen(" Write "), NULL, 10);
	return true;
}

static void io_v1(int fd, struct mb_str *text, struct mb_sys_cgroup_stats *s)
{
	if (io_v1_sum(fd, "blkio.throttle.io_service_bytes", text, &s->io_read_bytes,
	              &s->io_write_bytes))
		s->has |= MB_SYS_CGROUP_HAS_IO;
	(void)io_v1_sum(fd, "blkio.throttle.io_serviced", text, &s->io_reads, &s->io_writes);
}

/* A controller counts threads; without one the processes are counted. */
static int pids_read(struct mb_sys_cgroup *cg, struct mb_sys_cgroup_stats *s, struct mb_err *err)
{
	MB_AUTO_FREE pid_t *pids = NULL;
	int fd = mb_sys_cgroup_ctrl_fd(cg, CTRL_PIDS);
	size_t n = 0;
	int r;

	s->has |= MB_SYS_CGROUP_HAS_PIDS;
	if (fd >= 0 && mb_sys_cgroup_get(fd, "pids.current", &s->pids) == 0) {
		(void)mb_sys_cgroup_get(fd, "pids.max", &s->pids_limit);
		return 0;
	}
	r = mb_sys_cgroup_pids(cg, &pids, &n, err);
	s->pids = n;
	return r;
}

static void cpu_read(struct mb_sys_cgroup *cg, struct mb_str *text, struct mb_sys_cgroup_stats *s)
{
	const struct mb_sys_cgroup_host *h = cg->host;
	int cpu = mb_sys_cgroup_ctrl_fd(cg, CTRL_CPU);
	int acct = mb_sys_cgroup_ctrl_fd(cg, CTRL_CPUACCT);

	if (acct >= 0)
		cpuacct_v1(acct, text, s);
	else if (h->v2 >= 0 && cg->fd[h->v2] >= 0)
		cpu_v2(cg->fd[h->v2], text, s);
	if (cpu >= 0 && !mb_sys_cgroup_ctrl_is_v2(h, CTRL_CPU))
		throttling_v1(cpu, text, s);
}

int mb_sys_cgroup_stats_read(struct mb_sys_cgroup *cg, struct mb_sys_cgroup_stats *ret,
                             struct mb_err *err)
{
	struct mb_sys_cgroup_stats s = {.memory_limit = UINT64_MAX, .pids_limit = UINT64_MAX};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int memory = mb_sys_cgroup_ctrl_fd(cg, CTRL_MEMORY);
	int io = mb_sys_cgroup_ctrl_fd(cg, CTRL_IO);
	int r;

	cpu_read(cg, &text, &s);
	if (memory >= 0)
		(mb_sys_cgroup_ctrl_is_v2(cg->host, CTRL_MEMORY) ? memory_v2
		                                                 : memory_v1)(memory, &text, &s);
	if (io >= 0)
		(mb_sys_cgroup_ctrl_is_v2(cg->host, CTRL_IO) ? io_v2 : io_v1)(io, &text, &s);
	r = pids_read(cg, &s, err);
	if (r < 0)
		return r;
	*ret = s;
	return 0;
}

/* --- files as they are --- */

/* The tree of a controller; its accounts of the processor every group of version 2 has. */
static int tree_of(const struct mb_sys_cgroup *cg, const char *controller)
{
	unsigned bit = mb_sys_cgroup_ctrl_bit(controller);

	if (!*controller)
		return cg->host->core;
	for (unsigned c = 0; c < CTRL_N_; c++)
		if (bit == CTRL_BIT(c) && cg->host->by_ctrl[c] >= 0)
			return cg->host->by_ctrl[c];
	return bit & (CTRL_BIT(CTRL_CPU) | CTRL_BIT(CTRL_CPUACCT)) ? cg->host->v2 : -1;
}

bool mb_sys_cgroup_has(const struct mb_sys_cgroup *cg, const char *controller)
{
	int t = tree_of(cg, controller);

	return t >= 0 && cg->fd[t] >= 0;
}

bool mb_sys_cgroup_is_v2(const struct mb_sys_cgroup *cg, const char *controller)
{
	int t = tree_of(cg, controller);

	return t >= 0 && t == cg->host->v2;
}

int mb_sys_cgroup_file_read(struct mb_sys_cgroup *cg, const char *controller, const char *file,
                            struct mb_str *out, struct mb_err *err)
{
	int t = tree_of(cg, controller), r;

	mb_str_reset(out);
	if (t < 0 || cg->fd[t] < 0 || !mb_sys_cgroup_has_file(cg->fd[t], file))
		return MB_SYS_CGROUP_ABSENT;
	r = mb_read_file(cg->fd[t], file, STAT_MAX, out, err);
	/* Removed meanwhile, or a kind of figures that this kernel was told not to keep. */
	if (r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP)
		return MB_SYS_CGROUP_ABSENT;
	return r;
}
